"""What a PDSCH or PUSCH takes of its slot, and who sends it."""

from dataclasses import dataclass, fields
from typing import Any

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.grid import SYMBOLS_PER_SLOT
from ntn6g.phy.layered import Antennas
from ntn6g.phy.physical_channel import Ptrs
from ntn6g.scenario import Link


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """The part of a slot that a PDSCH or PUSCH takes; names as in `ntn6g.scenario.Link`."""

    direction: str = "downlink"
    mapping_type: str = "A"
    first_symbol: int = 0
    symbols: int = SYMBOLS_PER_SLOT
    dmrs_type: int = 1
    dmrs_type_a_position: int = 2
    dmrs_length: int = 1
    dmrs_ports: tuple[int, ...] | None = None
    cell_id: int = 1
    rnti: int = 1
    ptrs: Ptrs | None = None

    @property
    def of_grid(self) -> dict[str, Any]:
        """What the grid needs of it."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "rnti"}


WHOLE_SLOT = Allocation()
"""What the defaults of a scenario ask for."""


_DRAWN_BY_PAIR = ("awgn", "tdl", "ntn-tdl", "ntn-conformance", "rician")  # kinds whose antennas may be independent


def antennas_of(link: Link, fading: Any) -> Antennas:
    """Antennas and layers that a link section asks for, of the elements that its fading draws where it has panels.

    Raises
    ------
    ScenarioError
        More layers than antennas, a precoding that does not fit them, a fading whose antennas are not independent, or
        numbers of antennas that are not those of the panels.
    """
    sizes = _panel_sizes(fading, link.direction)
    transmit = _agreed(link.transmit_antennas, sizes and sizes[1], link.layers, "transmit_antennas")
    receive = _agreed(link.receive_antennas, sizes and sizes[0], link.layers, "receive_antennas")
    found = Antennas(
        layers=link.layers,
        transmit=transmit,
        receive=receive,
        precoding=link.precoding,
        tpmi=link.tpmi,
        pmi=link.pmi,
    )
    if sizes is None and transmit * receive > 1 and fading.kind not in _DRAWN_BY_PAIR:
        raise ScenarioError(
            f"{fading.kind} has one antenna at each end; {found.label} antennas take one of "
            f"{', '.join(_DRAWN_BY_PAIR)}, or ntn-rays and ntn-cdl with terminal and satellite",
            key="channel.fading.kind",
        )
    return found


def _panel_sizes(fading: Any, direction: str) -> tuple[int, int] | None:
    """Receive and transmit elements of a fading with panels; None without."""
    panels = getattr(fading, "terminal", None), getattr(fading, "satellite", None)
    if panels == (None, None):
        return None
    terminal, satellite = (1 if panel is None else len(panel.slant_deg) for panel in panels)
    return (terminal, satellite) if direction == "downlink" else (satellite, terminal)


def _agreed(given: int | None, elements: int | None, layers: int, name: str) -> int:
    if elements is None:
        return layers if given is None else given
    if given is not None and given != elements:
        raise ScenarioError(
            f"{given} is not the {elements} elements that channel.fading has at that end; leave it out",
            key=f"link.{name}",
        )
    return elements


def allocation_of(link: Link) -> Allocation:
    """The allocation that a link section asks for."""
    return Allocation(
        direction=link.direction,
        mapping_type=link.mapping_type,
        first_symbol=link.first_symbol,
        symbols=link.allocated_symbols,
        dmrs_type=link.dmrs_type,
        dmrs_type_a_position=link.dmrs_type_a_position,
        dmrs_length=link.dmrs_length,
        dmrs_ports=link.dmrs_ports,
        cell_id=link.cell_id,
        rnti=link.rnti,
        ptrs=None if link.ptrs is None else Ptrs(**link.ptrs.model_dump(), rnti=link.rnti),
    )
