"""Demodulation reference signals of PDSCH and PUSCH: in which symbols, on which subcarriers, with which values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.physical_channel.sequences import gold_sequence

Array = np.ndarray[Any, np.dtype[Any]]

# Single-symbol DM-RS beyond the first one, by last duration l_d and number of additional positions; TS 38.211 V18.4.0
# Tables 7.4.1.1.2-3 (PDSCH) and 6.4.1.1.3-3 (PUSCH). Type A is the same in both, but a PUSCH has 4 symbols or more.
_A = {
    (3, 7): ((), (), (), ()),
    (8, 9): ((), (7,), (7,), (7,)),
    (10, 11): ((), (9,), (6, 9), (6, 9)),
    (12, 12): ((), (9,), (6, 9), (5, 8, 11)),
    (13, 14): ((), (11,), (7, 11), (5, 8, 11)),
}
_A_UPLINK = {(max(low, 4), high): more for (low, high), more in _A.items()}
_B_DOWNLINK = {
    (2, 4): ((), (), (), ()),
    (5, 7): ((), (4,), (4,), (4,)),
    (8, 8): ((), (6,), (3, 6), (3, 6)),
    (9, 10): ((), (7,), (4, 7), (4, 7)),
    (11, 11): ((), (8,), (4, 8), (3, 6, 9)),
    (12, 13): ((), (9,), (5, 9), (3, 6, 9)),
}
_B_UPLINK = {
    (1, 4): ((), (), (), ()),
    (5, 7): ((), (4,), (4,), (4,)),
    (8, 9): ((), (6,), (3, 6), (3, 6)),
    (10, 11): ((), (8,), (4, 8), (3, 6, 9)),
    (12, 14): ((), (10,), (5, 10), (3, 6, 9)),
}
# First symbols of double-symbol DM-RS beyond the first pair: Tables 7.4.1.1.2-4 (PDSCH) and 6.4.1.1.3-4 (PUSCH)
_A_DOUBLE = {(4, 9): ((), ()), (10, 12): ((), (8,)), (13, 14): ((), (10,))}
_B_DOWNLINK_DOUBLE = {(5, 7): ((), ()), (8, 9): ((), (5,)), (10, 11): ((), (7,)), (12, 13): ((), (8,))}
_B_UPLINK_DOUBLE = {(5, 7): ((), ()), (8, 9): ((), (5,)), (10, 11): ((), (7,)), (12, 14): ((), (9,))}
# By mapping type, direction and symbols of a DM-RS
_TABLES: Mapping[tuple[str, str, int], Mapping[tuple[int, int], tuple[tuple[int, ...], ...]]] = {
    ("A", "downlink", 1): _A,
    ("A", "uplink", 1): _A_UPLINK,
    ("B", "downlink", 1): _B_DOWNLINK,
    ("B", "uplink", 1): _B_UPLINK,
    ("A", "downlink", 2): _A_DOUBLE,
    ("A", "uplink", 2): _A_DOUBLE,
    ("B", "downlink", 2): _B_DOWNLINK_DOUBLE,
    ("B", "uplink", 2): _B_UPLINK_DOUBLE,
}

# Frequency shift of the ports of a CDM group, TS 38.211 Tables 7.4.1.1.2-1 and -2: ports 2 g and 2 g + 1 share group
# g; w_f = (1, 1) for the even one, (1, -1) for the odd one; w_t = (1, 1). Double-symbol DM-RS has as many ports again,
# in the same order, with w_t = (1, -1)
_SHIFT_OF_GROUP = {1: (0, 1), 2: (0, 2, 4)}


def dmrs_symbols(
    *,
    direction: str,
    mapping_type: str,
    first_symbol: int,
    symbols: int,
    type_a_position: int,
    additional_positions: int,
    length: int = 1,
) -> tuple[int, ...]:
    """Symbols of the slot that carry DM-RS.

    Mapping type A counts from the start of the slot: the first DM-RS lies in ``type_a_position`` (l_0), and l_d is
    the end of the allocation. Type B counts from the start of the allocation, where the first DM-RS lies.

    Parameters
    ----------
    direction : str
        "downlink" or "uplink".
    mapping_type : str
        "A" or "B".
    first_symbol, symbols : int
        Start and length of the allocation.
    type_a_position : int
        2 or 3.
    additional_positions : int
        0 to 3, with double-symbol DM-RS 0 or 1; fewer are sent where the allocation is short.
    length : int
        Symbols of each DM-RS: 1, or 2 (double-symbol DM-RS).

    Raises
    ------
    ScenarioError
        An allocation that the tables do not hold.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 7.4.1.1.2 and 6.4.1.1.3.
    """
    from_start = mapping_type == "B"
    duration = symbols if from_start else first_symbol + symbols
    rows = _TABLES[mapping_type, direction, length]
    if length == 2 and additional_positions > 1:
        raise ScenarioError(
            f"{additional_positions}, but double-symbol DM-RS has at most 1 additional position (TS 38.211 Table "
            "7.4.1.1.2-4)",
            key="link.dmrs_additional_positions",
        )
    row = next((more for (low, high), more in rows.items() if low <= duration <= high), None)
    if row is None:
        channel = "PDSCH" if direction == "downlink" else "PUSCH"
        raise ScenarioError(
            f"a {channel} of mapping type {mapping_type} cannot last {duration} symbols; TS 38.211 has positions of "
            f"{'double' if length == 2 else 'single'}-symbol DM-RS for {min(low for low, _ in rows)} to "
            f"{max(high for _, high in rows)}",
            key="link.symbols",
        )
    first = 0 if from_start else type_a_position
    if not from_start:
        _check_type_a(direction, (first_symbol, duration), (type_a_position, length), additional_positions)
    offset = first_symbol if from_start else 0
    starts = (first, *row[additional_positions])
    return tuple(offset + position + later for position in starts for later in range(length))


def _check_type_a(direction: str, span: tuple[int, int], dmrs: tuple[int, int], additional_positions: int) -> None:
    (first_symbol, end), (position, length) = span, dmrs
    if direction == "uplink" and first_symbol:
        raise ScenarioError(
            f"{first_symbol}, but a PUSCH of mapping type A starts at symbol 0 (TS 38.214 Table 6.1.2.1-1); take "
            "mapping type B",
            key="link.first_symbol",
        )
    if first_symbol > position or end < position + length:
        where = f"symbol {position}" if length == 1 else f"symbols {position} and {position + 1}"
        raise ScenarioError(
            f"with mapping type A the first DM-RS is {where}, outside the allocation of symbols "
            f"{first_symbol} to {end - 1}; take mapping type B",
            key="link.first_symbol",
        )
    if position == 3 and additional_positions == 3:
        raise ScenarioError(
            "3 leaves room for 2 additional DM-RS positions at most (TS 38.211 7.4.1.1.2)",
            key="link.dmrs_type_a_position",
        )


@dataclass(frozen=True, kw_only=True)
class Dmrs:
    """Subcarriers and values of the DM-RS of an allocation that starts at common resource block 0.

    Parameters
    ----------
    configuration_type : int
        1 (every second subcarrier of two groups) or 2 (two neighbours in six, three groups).
    cdm_groups_without_data : int
        Groups whose subcarriers carry no data; the DM-RS takes their power (TS 38.214 Table 4.1-1: 0, 3, 4.77 dB).
    cell_id, slot_number : int
        N_ID and n_s,f of the sequence; n_SCID = 0.
    length : int
        Symbols of each DM-RS: 1, or 2, where twice as many ports are told apart by their cover over time.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 7.4.1.1 and 6.4.1.1 (transform precoding off).
    """

    configuration_type: int = 1
    cdm_groups_without_data: int = 1
    cell_id: int = 1
    slot_number: int = 0
    length: int = 1

    @property
    def groups(self) -> int:
        """CDM groups of the configuration type."""
        return len(_SHIFT_OF_GROUP[self.configuration_type])

    @property
    def most_ports(self) -> int:
        """Antenna ports that the DM-RS tells apart: 4 or 6, and twice as many over two symbols."""
        return 2 * self.groups * self.length

    def group_of(self, port: int) -> int:
        """CDM group of a port."""
        return port // 2 % self.groups

    @property
    def boost(self) -> float:
        """Amplitude beta_DMRS: the square root of the number of groups without data."""
        return float(np.sqrt(self.cdm_groups_without_data))

    def check(self, ports: Sequence[int]) -> None:
        """Raise `ScenarioError` where the layers have no ports, or data lies on the DM-RS of one of them."""
        named = f"DM-RS type {self.configuration_type}" + (" over two symbols" if self.length == 2 else "")
        if self.cdm_groups_without_data > self.groups:
            raise ScenarioError(
                f"{self.cdm_groups_without_data} is more than the {self.groups} CDM groups of {named}",
                key="link.dmrs_cdm_groups_without_data",
            )
        if len(ports) > self.most_ports:
            raise ScenarioError(
                f"{len(ports)} layers are more than the {self.most_ports} ports of {named}", key="link.layers"
            )
        if max(ports) >= self.most_ports or list(ports) != sorted(set(ports)):
            raise ScenarioError(
                f"{', '.join(map(str, ports))} is no rising list of the ports 0 to {self.most_ports - 1} of {named}",
                key="link.dmrs_ports",
            )
        used = 1 + max(self.group_of(port) for port in ports)
        if used > self.cdm_groups_without_data:
            raise ScenarioError(
                f"{self.cdm_groups_without_data} leaves data on the DM-RS of other layers; {len(ports)} layers of type "
                f"{self.configuration_type} occupy {used} CDM groups",
                key="link.dmrs_cdm_groups_without_data",
            )

    def subcarriers(self, port: int, count: int) -> Array:
        """Subcarriers of a port among ``count`` of them: k = 4n + 2k' + shift (type 1), 6n + k' + shift (type 2)."""
        return self._of_group(self.group_of(port), count)

    def reserved(self, count: int) -> Array:
        """Which of ``count`` subcarriers carry no data in a symbol with DM-RS, bool [count]."""
        mask = np.zeros(count, bool)
        for group in range(self.cdm_groups_without_data):
            mask[self._of_group(group, count)] = True
        return mask

    def _of_group(self, group: int, count: int) -> Array:
        shift = _SHIFT_OF_GROUP[self.configuration_type][group]
        if self.configuration_type == 1:
            return np.arange(shift, count, 2)
        first = np.arange(shift, count, 6)
        return np.stack([first, first + 1], axis=1).reshape(-1)

    def sequence(self, symbol: int, length: int) -> Array:
        """r(0 .. length - 1) of a symbol, complex64 of modulus one."""
        seed = (14 * self.slot_number + symbol + 1) * (2 * self.cell_id + 1) * 2**17 + 2 * self.cell_id
        bits = gold_sequence(seed % 2**31, 2 * length)
        levels = (1.0 - 2.0 * bits) / np.sqrt(2.0)
        return np.asarray(levels[::2] + 1j * levels[1::2], np.complex64)

    def values(self, port: int, symbol: int, count: int, within: int = 0) -> Array:
        """Values on `subcarriers` of a port in a symbol, complex64, cover codes and boost included.

        ``within`` is l', 0 or 1: which symbol of its DM-RS it is.
        """
        length = len(self.subcarriers(port, count))
        over_frequency = np.resize([1.0, 1.0 if port % 2 == 0 else -1.0], length)  # w_f(k')
        over_time = -1.0 if within and port >= 2 * self.groups else 1.0  # w_t(l')
        return np.asarray(self.boost * over_time * over_frequency * self.sequence(symbol, length), np.complex64)
