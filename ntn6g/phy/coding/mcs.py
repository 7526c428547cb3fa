"""Modulation and coding schemes of NR: the tables of TS 38.214, read from ``mcs_tables.csv``."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ntn6g.core.errors import ScenarioError

TABLES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Mcs:
    """One row of an MCS table.

    ``code_rate`` is the target rate R of the standard (CRC excluded); all rates are multiples of 1/2048, so
    the float is exact.
    """

    table: int
    index: int
    modulation_order: int
    code_rate: float

    @property
    def spectral_efficiency(self) -> float:
        """Transport-block bits per resource element, Q_m R."""
        return self.modulation_order * self.code_rate


@cache
def mcs_table(table: int) -> tuple[Mcs, ...]:
    """All rows of an MCS table that carry new data, by index (reserved indices left out).

    Tables 1 to 4 are Tables 5.1.3.1-1 (qam64), -2 (qam256), -3 (qam64LowSE) and -4 (qam1024) of TS 38.214
    V18.7.0.

    Raises
    ------
    ScenarioError
        The table does not exist.
    """
    if table not in TABLES:
        raise ScenarioError(
            f"{table} is no MCS table; TS 38.214 has 1 (64QAM), 2 (256QAM), 3 (low rate), 4 (1024QAM)",
            key="link.mcs_table",
        )
    text = (files(__package__) / "mcs_tables.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Mcs(table, int(row["index"]), int(row["modulation_order"]), float(row["code_rate_x1024"]) / 1024)
        for row in rows
        if int(row["table"]) == table and row["code_rate_x1024"]
    )


def mcs(table: int, index: int) -> Mcs:
    """Return row ``index`` of MCS table ``table`` (TS 38.214 V18.7.0, 5.1.3.1).

    Raises
    ------
    ScenarioError
        The table does not exist, or the index is out of range or reserved for retransmissions.
    """
    rows = mcs_table(table)
    if not 0 <= index < len(rows):
        kind = "reserved for retransmissions" if len(rows) <= index < 32 else "out of range"
        raise ScenarioError(
            f"{index} is {kind}; the last index of MCS table {table} is {len(rows) - 1}", key="link.mcs"
        )
    return rows[index]
