"""The resource elements that carry data, seen as samples of an echo: where they lie, how strong they are, when."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_SYMBOLS_PER_MS = 14  # at 15 kHz with normal cyclic prefix, TS 38.211 V18.4.0 table 4.3.2-1


@dataclass(frozen=True, kw_only=True)
class SensingGrid:
    r"""Symbols by subcarriers of an OFDM frame, with pilots on a comb and data on the other elements.

    Element (m, n) is symbol m, subcarrier n. Its energy is 1 on the mean over all elements; pilots carry
    ``pilot_share`` of the whole. A receiver knows the pilots, and the data too where it has sent or decoded them
    (``knows_data``): `sensed_energy` is what its estimator may use.

    Parameters
    ----------
    subcarriers, symbols : int
        Size N x M, each at least 2.
    subcarrier_spacing_hz : float
        Spacing, positive.
    comb, symbol_step : int
        Pilots on every ``comb``-th subcarrier of every ``symbol_step``-th symbol, from the first on.
    pilot_share : float or None
        Share of the energy in pilots, 0 to 1; None gives every element the same energy.
    knows_data : bool
        Whether the data are known to the sensing receiver.
    symbol_period_s : float or None
        From symbol to symbol, cyclic prefix included; by default the mean of a slot, 1 ms / 14 at 15 kHz.

    Raises
    ------
    ValueError
        Sizes, steps or a share out of range; a share between 0 and 1 where every element is a pilot.
    """

    subcarriers: int
    symbols: int
    subcarrier_spacing_hz: float
    comb: int = 1
    symbol_step: int = 1
    pilot_share: float | None = None
    knows_data: bool = True
    symbol_period_s: float | None = None

    def __post_init__(self) -> None:
        if min(self.subcarriers, self.symbols) < 2:
            raise ValueError(f"{self.subcarriers} x {self.symbols} elements; both must be at least 2")
        if min(self.comb, self.symbol_step) < 1:
            raise ValueError(f"comb {self.comb} and symbol_step {self.symbol_step} must be at least 1")
        if self.pilot_share is not None and not 0.0 <= self.pilot_share <= 1.0:
            raise ValueError(f"pilot_share {self.pilot_share:g} lies outside 0 to 1")
        if self.pilot_share not in (None, 1.0) and self.pilot_mask.all():
            raise ValueError(f"pilot_share {self.pilot_share:g} leaves energy to data, but every element is a pilot")

    @property
    def period_s(self) -> float:
        """Time from symbol to symbol, s."""
        if self.symbol_period_s is not None:
            return self.symbol_period_s
        return 15.0 / (_SYMBOLS_PER_MS * self.subcarrier_spacing_hz)

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth N df."""
        return self.subcarriers * self.subcarrier_spacing_hz

    @property
    def duration_s(self) -> float:
        """Coherent interval M T."""
        return self.symbols * self.period_s

    @property
    def delay_cell_s(self) -> float:
        """Native resolution in delay, 1 / (N df)."""
        return 1.0 / self.bandwidth_hz

    @property
    def doppler_cell_hz(self) -> float:
        """Native resolution in Doppler, 1 / (M T)."""
        return 1.0 / self.duration_s

    @property
    def unambiguous_delay_s(self) -> float:
        """Delays that differ by this look alike: 1 / (K df) with what is known on every K-th subcarrier."""
        return 1.0 / (self.subcarrier_spacing_hz * (1 if self.knows_data else self.comb))

    @property
    def unambiguous_doppler_hz(self) -> float:
        """Doppler shifts that differ by this look alike, 1 / (S T) with what is known in every S-th symbol."""
        return 1.0 / (self.period_s * (1 if self.knows_data else self.symbol_step))

    @cached_property
    def pilot_mask(self) -> NDArray[np.bool_]:
        """Which elements are pilots, bool [symbols, subcarriers]."""
        mask = np.zeros((self.symbols, self.subcarriers), bool)
        mask[:: self.symbol_step, :: self.comb] = True
        return mask

    @cached_property
    def energy(self) -> NDArray[np.float64]:
        """Energy of each element, float64 [symbols, subcarriers], mean one."""
        if self.pilot_share is None:
            return np.ones_like(self.pilot_mask, np.float64)
        pilots, elements = int(self.pilot_mask.sum()), self.pilot_mask.size
        of_pilot = self.pilot_share * elements / pilots
        of_data = (1.0 - self.pilot_share) * elements / max(elements - pilots, 1)
        return np.where(self.pilot_mask, of_pilot, of_data)

    @cached_property
    def sensed_energy(self) -> NDArray[np.float64]:
        """Energy of the elements that are known to the receiver, 0 elsewhere: float64 [symbols, subcarriers]."""
        return self.energy if self.knows_data else np.where(self.pilot_mask, self.energy, 0.0)
