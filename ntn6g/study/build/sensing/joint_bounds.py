"""Bounds of several targets that are measured together, whatever the phases between them."""

import numpy as np
from numpy.typing import NDArray

from ntn6g.services.sensing import SensingGrid, crlb
from ntn6g.study.build.sensing.step import SensingWork

_PHASES = 32  # draws for every target beside the first, over which a bound is averaged


def even_phases(targets: int) -> NDArray[np.float64]:
    r"""Phases that fill all there are between several targets evenly, rad [draw, target]; those of the first are 0.

    Target k turns by :math:`\varphi^{-k}` from draw to draw, where :math:`\varphi^{d+1} = \varphi + 1` for d others:
    the golden ratio of two targets. 1 and these powers are independent over the rationals, so that no combination of
    phases stands still (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
    """
    others = targets - 1
    ratio = 1.5
    for _ in range(64):
        ratio = (1.0 + ratio) ** (1.0 / (others + 1.0))
    turns = np.concatenate([[0.0], ratio ** -np.arange(1.0, targets)])
    return np.asarray(2.0 * np.pi * np.outer(np.arange(_PHASES * max(others, 1)), turns))


def bounds_of_each(
    grid: SensingGrid, work: SensingWork, names: tuple[str, ...], metres_per_s: float, wavelength_m: float
) -> dict[str, float]:
    """Of several targets where they are placed, root-mean-square over the phases between them: each and all."""
    delay_s, doppler_hz, snr = np.array(work.targets).T
    bounds = [
        crlb(grid, snr, delay_s=delay_s, doppler_hz=doppler_hz, phase_rad=phases) for phases in even_phases(len(names))
    ]
    found: dict[str, float] = {}
    for axis, deviations in (
        ("range_crlb_m", [metres_per_s * bound.delay_s for bound in bounds]),
        ("velocity_crlb_m_s", [wavelength_m * bound.doppler_hz for bound in bounds]),
    ):
        variance = np.mean(np.square(deviations), axis=0)
        found[axis] = float(np.sqrt(variance.mean()))
        found |= {f"{name}_{axis}": float(np.sqrt(each)) for name, each in zip(names, variance, strict=True)}
    return found
