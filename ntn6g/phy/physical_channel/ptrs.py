"""Phase-tracking reference signals: sparse in frequency, dense in time, to follow the phase between the DM-RS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntn6g.core.errors import ScenarioError

Array = np.ndarray[Any, np.dtype[Any]]

# k_ref^RE by DM-RS configuration type, port within it and resourceElementOffset 00, 01, 10, 11;
# TS 38.211 V18.4.0 Tables 7.4.1.2.2-1 and 6.4.1.2.2.1-1 (alike for these ports)
_REFERENCE_ELEMENT = {
    1: ((0, 2, 6, 8), (2, 4, 8, 10), (1, 3, 7, 9), (3, 5, 9, 11)),
    2: ((0, 1, 6, 7), (1, 6, 7, 0), (2, 3, 8, 9), (3, 8, 9, 2), (4, 5, 10, 11), (5, 10, 11, 4)),
}


@dataclass(frozen=True, kw_only=True)
class Ptrs:
    """Where the phase-tracking reference signal of one port lies.

    Parameters
    ----------
    time_density : int
        L_PT-RS: every 1, 2 or 4 symbols.
    frequency_density : int
        K_PT-RS: one subcarrier in 2 or 4 resource blocks.
    element_offset : int
        resourceElementOffset, 0 to 3.
    rnti : int
        n_RNTI, which moves the resource blocks.

    References
    ----------
    3GPP TS 38.211 V18.4.0, 7.4.1.2 and 6.4.1.2 (transform precoding off).
    """

    time_density: int = 1
    frequency_density: int = 2
    element_offset: int = 0
    rnti: int = 1

    def check(self, ports: Sequence[int], *, configuration_type: int) -> None:
        """Raise `ScenarioError` for DM-RS ports beside which there is no PT-RS: those that a cover over time adds.

        TS 38.214 V18.7.0, 5.1.6.2 and 6.2.2: none of 1004 to 1007 (type 1), 1006 to 1011 (type 2).
        """
        beyond = len(_REFERENCE_ELEMENT[configuration_type])
        if max(ports) >= beyond:
            raise ScenarioError(
                f"no PT-RS beside DM-RS port {max(ports)}; with type {configuration_type} it goes with ports 0 to "
                f"{beyond - 1} (TS 38.214 5.1.6.2)",
                key="link.ptrs",
            )

    def symbols(self, first_symbol: int, count: int, dmrs: Sequence[int]) -> tuple[int, ...]:
        """Symbols of the allocation that carry it: a count that restarts behind every symbol with DM-RS.

        Without DM-RS in the way it is l_ref + i L for i = 0, 1, ...; when a symbol since the last one carries DM-RS,
        the reference moves there, and i starts at 1.
        """
        end, found = first_symbol + count, []
        reference, step = first_symbol, 0
        while reference + step * self.time_density < end:
            symbol = reference + step * self.time_density
            earliest = max(reference + (step - 1) * self.time_density + 1, reference)
            passed = [each for each in dmrs if earliest <= each <= symbol]
            if passed:
                reference, step = passed[-1], 1
                continue
            found.append(symbol)
            step += 1
        return tuple(found)

    def subcarriers(self, resource_blocks: int, *, configuration_type: int, port: int = 0) -> Array:
        """Subcarriers k = k_ref^RE + 12 (i K + k_ref^RB) of the allocation."""
        density = self.frequency_density
        rest = resource_blocks % density
        first_block = self.rnti % (density if rest == 0 else rest)
        element = _REFERENCE_ELEMENT[configuration_type][port][self.element_offset]
        return 12 * np.arange(first_block, resource_blocks, density) + element
