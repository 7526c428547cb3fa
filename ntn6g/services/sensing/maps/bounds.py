r"""Cramer-Rao bounds from the elements that are known.

The model is :math:`y_{l,m,n} = \sqrt{w_{m,n}}\, \sum_p a_p e^{-2\pi j n \Delta f \tau_p} e^{2\pi j m T f_p}
e^{\pi j l u_p} + z` with white noise of variance one, and unknown :math:`\tau_p, f_p, u_p` and complex
:math:`a_p`. Its Fisher matrix is :math:`2\,\mathrm{Re}(D^H D)` with the derivatives :math:`D` of the mean (S. M. Kay,
Fundamentals of Statistical Signal Processing I, 1993, eq. 15.52). Nothing is assumed about the mask, so that delay
and Doppler couple where it is skewed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntn6g.services.sensing.frames.grid import SensingGrid

_KINDS = 5  # delay, Doppler, sine, real and imaginary part of the amplitude


@dataclass(frozen=True)
class Bound:
    """Smallest standard deviations of an unbiased estimator, float64 [target]; infinite where nothing is known."""

    delay_s: NDArray[np.float64]
    doppler_hz: NDArray[np.float64]
    sine: NDArray[np.float64]
    """Of the sine of the direction; infinite with one antenna."""


def fisher_matrix(
    grid: SensingGrid,
    delay_s: ArrayLike,
    doppler_hz: ArrayLike,
    amplitude: ArrayLike,
    *,
    sine: ArrayLike = 0.0,
    antennas: int = 1,
) -> NDArray[np.float64]:
    r"""Fisher information of all parameters of all targets.

    Parameters
    ----------
    grid : SensingGrid
        The frame; its ``sensed_energy`` is :math:`w`.
    delay_s, doppler_hz, amplitude, sine : [target]
        Of each target; :math:`|a_p|^2` is the signal-to-noise ratio of an element of unit energy.
    antennas : int
        Receive antennas, half a wavelength apart.

    Returns
    -------
    float64 [5 targets, 5 targets]
        Grouped by kind: delays (in native cells), Doppler shifts (native cells), sines, real parts, imaginary parts.
        In cells, because in seconds and hertz the matrix would span thirty orders of magnitude.
    """
    delay, doppler, a, u = np.broadcast_arrays(*(np.atleast_1d(x) for x in (delay_s, doppler_hz, amplitude, sine)))
    n, m, antenna = np.arange(grid.subcarriers), np.arange(grid.symbols), np.arange(antennas)
    over_n = np.exp(-2j * np.pi * grid.subcarrier_spacing_hz * np.outer(delay, n))
    over_m = np.exp(2j * np.pi * grid.period_s * np.outer(doppler, m))
    over_l = np.exp(1j * np.pi * np.outer(u, antenna))
    slopes = (
        (over_l, over_m, over_n * (-2j * np.pi * n / grid.subcarriers), a),
        (over_l, over_m * (2j * np.pi * m / grid.symbols), over_n, a),
        (over_l * (1j * np.pi * antenna), over_m, over_n, a),
        (over_l, over_m, over_n, np.ones_like(a)),
        (over_l, over_m, over_n, 1j * np.ones_like(a)),
    )
    of_l, of_m, of_n, scale = (np.concatenate([row[i] for row in slopes]) for i in range(4))
    # inner products over [antenna, symbol, subcarrier], antennas apart because every one has the same mask
    weighted = np.einsum("mn,jn->jmn", grid.sensed_energy, of_n)
    over_grid = np.empty((len(of_n), len(of_n)), complex)
    for j, row in enumerate(weighted):
        over_grid[:, j] = np.einsum("im,in,mn->i", of_m.conj(), of_n.conj(), of_m[j][:, None] * row)
    gram = np.outer(scale.conj(), scale) * (of_l.conj() @ of_l.T) * over_grid
    return np.asarray(2.0 * gram.real)


def crlb(
    grid: SensingGrid,
    snr: ArrayLike,
    *,
    delay_s: ArrayLike = 0.0,
    doppler_hz: ArrayLike = 0.0,
    sine: ArrayLike = 0.0,
    antennas: int = 1,
    phase_rad: ArrayLike = 0.0,
) -> Bound:
    r"""Cramer-Rao bounds of delay, Doppler and direction of all targets together.

    For one target and a full grid they are
    :math:`\sigma_\tau = \frac{1}{2\pi \Delta f}\sqrt{6 / (\mathrm{SNR}\, N M (N^2 - 1))}` and likewise for Doppler
    (M. Braun, OFDM radar algorithms in mobile communication networks, KIT, 2014, ch. 3).

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    snr : [target]
        Echo energy on an element of unit energy over the noise density, linear.
    delay_s, doppler_hz, sine, antennas
        As in `fisher_matrix`; they matter with several targets only.
    phase_rad : [target]
        Of each amplitude; it matters with several targets only.

    Returns
    -------
    Bound
        Infinite where the known elements tell nothing, as without energy or with a single row of them.
    """
    amplitude = np.sqrt(snr) * np.exp(1j * np.asarray(phase_rad))
    matrix = fisher_matrix(grid, delay_s, doppler_hz, amplitude, sine=sine, antennas=antennas)
    targets = len(matrix) // _KINDS
    variance = np.full(len(matrix), np.inf)
    known = np.diag(matrix) > 0.0
    if antennas == 1:
        known[2 * targets : 3 * targets] = False
    if known.any():
        kept = matrix[np.ix_(known, known)]
        scale = 1.0 / np.sqrt(np.diag(kept))
        values, vectors = np.linalg.eigh(kept * np.outer(scale, scale))
        lost = values < 1e-10 * values[-1]  # directions of which nothing is known: rounding leaves 1e-14
        spread = np.where(lost, 0.0, 1.0 / np.where(lost, 1.0, values))
        variance[known] = (vectors**2 @ spread) * scale**2
        touched = (vectors[:, lost] ** 2).sum(axis=1) > 1e-8
        variance[np.flatnonzero(known)[touched]] = np.inf
    deviation = np.sqrt(variance)
    return Bound(
        delay_s=deviation[:targets] * grid.delay_cell_s,
        doppler_hz=deviation[targets : 2 * targets] * grid.doppler_cell_hz,
        sine=deviation[2 * targets : 3 * targets],
    )
