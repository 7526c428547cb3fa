"""What one target looks like to the known elements: the ambiguity function, its widths and its sidelobes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntn6g.services.sensing.frames.grid import SensingGrid

_FLOOR = 1e-30


def ambiguity(grid: SensingGrid, *, padding: int = 8) -> NDArray[np.float64]:
    r"""Ambiguity function of the known energies over delay and Doppler, one at the origin.

    .. math:: A(\tau, \nu) = \Big| \sum_{m,n} w_{m,n} e^{-2\pi j n \Delta f \tau} e^{2\pi j m T \nu} \Big|^2 \Big/
              \Big( \sum_{m,n} w_{m,n} \Big)^2

    This is the mean over data of known, equal modulus; other constellations add a pedestal of
    (kurtosis - 1) / (number of elements) to it when they are matched.

    Parameters
    ----------
    grid : SensingGrid
        Its ``sensed_energy`` is w.
    padding : int
        Points per native cell on both axes.

    Returns
    -------
    float64 [padding symbols, padding subcarriers]
        From Doppler 0 and delay 0 on; both axes wrap.

    References
    ----------
    N. Levanon and E. Mozeson, Radar Signals, 2004, ch. 3 (the function); the sum over all cells at ``padding`` 1 is
    N M sum w^2 / (sum w)^2, which is one for equal energies on a full grid.
    """
    energy = grid.sensed_energy
    shape = padding * energy.shape[0], padding * energy.shape[1]
    return np.asarray(np.abs(np.fft.fft2(energy, s=shape)) ** 2 / energy.sum() ** 2)


@dataclass(frozen=True)
class Lobes:
    """Figures of one axis of an ambiguity function."""

    width_cells: float
    """Width of the main lobe 3 dB below its top, native cells."""
    peak_sidelobe_db: float
    """Highest sidelobe over the main lobe; 0 dB where a comb repeats it."""
    integrated_sidelobe_db: float
    """Energy outside the main lobe, as far as its first minima, over the energy in it."""


def lobes(cut: NDArray[np.float64], padding: int) -> Lobes:
    """Main lobe and sidelobes of a cut through the origin.

    Parameters
    ----------
    cut : float64 [padding cells]
        One axis of `ambiguity`; it wraps, and its first value is the main lobe's top.
    padding : int
        Points per native cell; some tens make the figures exact to a percent.

    Raises
    ------
    ValueError
        When the cut never falls, as over a single row of elements.
    """
    half = len(cut) // 2
    falling = np.diff(cut[: half + 1])
    rises = np.flatnonzero(falling > _FLOOR)
    below = np.flatnonzero(cut[: half + 1] < 0.5 * cut[0])
    if not below.size:
        raise ValueError("the cut does not fall 3 dB below its top: nothing is resolved along this axis")
    after = int(below[0])
    part = (cut[after - 1] - 0.5 * cut[0]) / (cut[after - 1] - cut[after])
    first_minimum = int(rises[0]) if rises.size else half
    outside = cut[first_minimum : len(cut) - first_minimum + 1]
    inside = cut.sum() - outside.sum()
    return Lobes(
        width_cells=2.0 * (after - 1 + float(part)) / padding,
        peak_sidelobe_db=10.0 * math.log10(max(float(outside.max(initial=0.0)) / cut[0], _FLOOR)),
        integrated_sidelobe_db=10.0 * math.log10(max(float(outside.sum() / inside), _FLOOR)),
    )
