"""Gain of satellite and earth-station antennas against the angle from boresight.

Circular apertures are physical patterns of unit peak; the recommendations of ITU-R are envelopes in dBi, made for
interference: what they give lies above most of a real antenna's side lobes.
"""

import math

import numpy as np
import tensorflow as tf
from scipy.special import jn_zeros

from ntn6g.channel.antennas.bessel import j1_over
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.orbit.trigonometry import sin_cos

_TINY_RAD = 1e-9


def circular_aperture(off_boresight_rad: tf.Tensor, *, aperture_m: float, frequency_hz: float) -> tf.Tensor:
    r"""Relative gain of a uniformly lit circular aperture: :math:`4 |J_1(u) / u|^2, u = \pi D / \lambda \sin\theta`.

    Parameters
    ----------
    off_boresight_rad : [...], float64
        Angle from the axis. Behind the aperture, where the report gives nothing, it is that of 90 degrees.
    aperture_m : float
        Diameter D.
    frequency_hz : float
        Frequency.

    Returns
    -------
    [...], float64
        Gain over the peak, linear.

    References
    ----------
    3GPP TR 38.811 V15.4.0, 6.4.1.
    """
    angle = tf.minimum(tf.abs(tf.convert_to_tensor(off_boresight_rad, tf.float64)), 0.5 * math.pi)
    sine, _ = sin_cos(angle)
    return 4.0 * j1_over(math.pi * aperture_m * frequency_hz / SPEED_OF_LIGHT_M_S * sine) ** 2


def half_power_beamwidth_rad(*, aperture_m: float, frequency_hz: float) -> float:
    """Full angle between the points 3 dB (not 3.01 dB) below the peak of `circular_aperture`, as in TR 38.821.

    Raises
    ------
    ValueError
        For an aperture so small that its pattern nowhere falls to half.
    """
    u = 1.613741196369683  # 10 log10(4 (J1(u) / u)^2) = -3
    sine = u * SPEED_OF_LIGHT_M_S / (math.pi * aperture_m * frequency_hz)
    if sine >= 1.0:
        raise ValueError(f"an aperture of {aperture_m:g} m at {frequency_hz / 1e9:g} GHz has no half-power angle")
    return 2.0 * math.asin(sine)


def aperture_gain_dbi(*, aperture_m: float, frequency_hz: float, efficiency: float) -> float:
    r"""Peak gain :math:`\eta (\pi D / \lambda)^2` of a circular aperture, dBi."""
    return 10.0 * math.log10(efficiency * (math.pi * aperture_m * frequency_hz / SPEED_OF_LIGHT_M_S) ** 2)


def taylor_aperture(
    off_boresight_rad: tf.Tensor,
    *,
    aperture_m: float,
    frequency_hz: float,
    side_lobe_db: float = 20.0,
    equal_side_lobes: int = 4,
) -> tf.Tensor:
    """Relative gain of a circular Taylor aperture: ``equal_side_lobes`` - 1 side lobes of about equal height.

    Parameters
    ----------
    off_boresight_rad : [...], float64
        Angle from the axis, as in `circular_aperture`.
    aperture_m, frequency_hz : float
        Diameter and frequency.
    side_lobe_db : float
        By how much the side lobes lie below the peak.
    equal_side_lobes : int
        Taylor's n-bar.

    Returns
    -------
    [...], float64
        Gain over the peak, linear.

    References
    ----------
    ITU-R S.1528, recommends 1.4.
    """
    zeros = jn_zeros(1, equal_side_lobes) / math.pi
    a = math.acosh(10.0 ** (side_lobe_db / 20.0)) / math.pi
    stretch = zeros[-1] / math.hypot(a, equal_side_lobes - 0.5)
    angle = tf.minimum(tf.abs(tf.convert_to_tensor(off_boresight_rad, tf.float64)), 0.5 * math.pi)
    sine, _ = sin_cos(angle)
    x = aperture_m * frequency_hz / SPEED_OF_LIGHT_M_S * sine
    # where a zero of J1 is cancelled the quotient is read beside it
    beside = tf.reduce_any(tf.abs(x[..., None] - tf.constant(zeros[:-1])) < 1e-6, -1)
    x = tf.where(beside, x + 2e-6, x)
    field = 2.0 * j1_over(math.pi * x)
    for index, zero in enumerate(zeros[:-1], 1):
        field *= (1.0 - x**2 / (stretch**2 * (a**2 + (index - 0.5) ** 2))) / (1.0 - (x / zero) ** 2)
    return field**2


def s1528_satellite_dbi(
    off_boresight_rad: tf.Tensor, *, peak_dbi: float, half_beam_rad: float, near_side_lobe_db: float = -20.0
) -> tf.Tensor:
    """Envelope of a satellite antenna with a circular beam, dBi.

    Parameters
    ----------
    off_boresight_rad : [...], float64
        Angle from boresight.
    peak_dbi : float
        Peak gain Gm.
    half_beam_rad : float
        Half the 3 dB beamwidth.
    near_side_lobe_db : float
        Level of the near side lobes under the peak: -15, -20, -25 or -30 dB in the recommendation.

    Raises
    ------
    ValueError
        For near side lobes below the 0 dBi of the far ones, where the pieces no longer follow one another.

    References
    ----------
    ITU-R S.1528, recommends 1.2, z = 1. Elliptical beams are left out: their constant could not be confirmed.
    """
    if peak_dbi + near_side_lobe_db < 0.0:
        raise ValueError(
            f"S.1528 1.2 puts the near side lobes of a peak of {peak_dbi:g} dBi at "
            f"{peak_dbi + near_side_lobe_db:g} dBi, below the 0 dBi of far ones; take more gain or higher side lobes"
        )
    psi, half = _degrees(off_boresight_rad), math.degrees(half_beam_rad)
    edge, plateau = 6.32 * half, peak_dbi + near_side_lobe_db
    far_edge = edge * 10.0 ** (0.04 * plateau)
    back = max(0.0, 15.0 + near_side_lobe_db + 0.25 * peak_dbi)
    main = peak_dbi - 3.0 * (psi / half) ** 1.5
    slope = plateau - 25.0 * _log10(psi / edge)
    return _pieces(psi, [(2.58 * half, main), (edge, plateau), (far_edge, slope), (90.0, 0.0), (math.inf, back)])


def s1528_low_orbit_dbi(off_boresight_rad: tf.Tensor, *, peak_dbi: float, half_beam_rad: float) -> tf.Tensor:
    """Envelope of a satellite antenna in low orbit, dBi; arguments as in `s1528_satellite_dbi`.

    Raises
    ------
    ValueError
        For a peak below 11.75 dBi, whose side lobes would begin below the 5 dBi of the far ones.

    References
    ----------
    ITU-R S.1528, recommends 1.3.
    """
    if peak_dbi < 11.75:
        raise ValueError(f"S.1528 1.3 needs a peak of 11.75 dBi or more, not {peak_dbi:g}: far side lobes have 5 dBi")
    psi, half = _degrees(off_boresight_rad), math.degrees(half_beam_rad)
    edge = 1.5 * half
    far_edge = edge * 10.0 ** (0.04 * (peak_dbi - 6.75 - 5.0))
    main = peak_dbi - 3.0 * (psi / half) ** 2
    slope = peak_dbi - 6.75 - 25.0 * _log10(psi / edge)
    return _pieces(psi, [(edge, main), (far_edge, slope), (math.inf, 5.0)])


def s465_dbi(off_boresight_rad: tf.Tensor, *, diameter_wavelengths: float, peak_dbi: float) -> tf.Tensor:
    r"""Envelope of an earth station, dBi; inside the angle where the recommendation begins a main lobe of our choice.

    That is the parabola of ITU-R S.1428, :math:`G - 0.0025 (\varphi D / \lambda)^2`, not below the envelope's first
    value: the recommendation says nothing there.

    References
    ----------
    ITU-R S.465-6; S.1428-1 for the main lobe.
    """
    phi, first = _degrees(off_boresight_rad), _first_deg(diameter_wavelengths)
    main = _main_lobe_dbi(phi, diameter_wavelengths, peak_dbi, 32.0 - 25.0 * math.log10(first))
    return _pieces(phi, [(first, main), (48.0, 32.0 - 25.0 * _log10(phi)), (math.inf, -10.0)])


def s580_dbi(off_boresight_rad: tf.Tensor, *, diameter_wavelengths: float, peak_dbi: float) -> tf.Tensor:
    """Envelope of an earth station built to the design objective, dBi: 3 dB below `s465_dbi` up to 20 degrees.

    Its main lobe is that of `s465_dbi`.

    References
    ----------
    ITU-R S.580-6; beyond 20 degrees S.465.
    """
    phi = _degrees(off_boresight_rad)
    near, far = 29.0 - 25.0 * _log10(phi), 32.0 - 25.0 * _log10(phi)
    level, first = 29.0 - 25.0 * math.log10(20.0), _first_deg(diameter_wavelengths)
    main = _main_lobe_dbi(phi, diameter_wavelengths, peak_dbi, 29.0 - 25.0 * math.log10(first))
    return _pieces(
        phi,
        [
            (first, main),
            (20.0, near),
            (48.0, tf.minimum(far, level)),
            (math.inf, -10.0),
        ],
    )


def s1428_dbi(off_boresight_rad: tf.Tensor, *, diameter_wavelengths: float) -> tf.Tensor:
    """Pattern of an earth station for interference from moving satellites (EPFD), dBi, its own peak gain included.

    Raises
    ------
    ValueError
        For a diameter under 20 wavelengths, for which the recommendation has no pattern.

    References
    ----------
    ITU-R S.1428-1.
    """
    size, phi = diameter_wavelengths, _degrees(off_boresight_rad)
    if size < 20.0:
        raise ValueError(f"S.1428 begins at a diameter of 20 wavelengths, not {size:g}")
    large = size > 100.0
    peak = 20.0 * math.log10(size) + (8.4 if large else 7.7)
    first = 15.85 * size**-0.6 if large else 95.0 / size
    lobe = -1.0 + 15.0 * math.log10(size) if large else 29.0 - 25.0 * math.log10(first)
    main = 20.0 / size * math.sqrt(peak - lobe)
    pieces = [(main, peak - 2.5e-3 * (size * phi) ** 2), (first, lobe)]
    slope = 29.0 - 25.0 * _log10(phi)
    if large:
        pieces += [(10.0, slope), (34.1, 34.0 - 30.0 * _log10(phi)), (80.0, -12.0), (120.0, -7.0), (math.inf, -12.0)]
    else:
        pieces += [(33.1, slope), (80.0, -9.0)]
        pieces += [(120.0, -4.0), (math.inf, -9.0)] if size > 25.0 else [(math.inf, -5.0)]
    return _pieces(phi, pieces)


def _main_lobe_dbi(phi_deg: tf.Tensor, diameter_wavelengths: float, peak_dbi: float, edge_dbi: float) -> tf.Tensor:
    """Parabola of S.1428 down to the level at which an envelope begins; the peak where that lies above it."""
    lobe = peak_dbi - 2.5e-3 * (diameter_wavelengths * phi_deg) ** 2
    return tf.maximum(lobe, tf.constant(min(peak_dbi, edge_dbi), tf.float64))


def _first_deg(diameter_wavelengths: float) -> float:
    """Angle at which S.465 begins."""
    if diameter_wavelengths >= 50.0:
        return max(1.0, 100.0 / diameter_wavelengths)
    return max(2.0, 114.0 * diameter_wavelengths**-1.09)


def _degrees(angle_rad: tf.Tensor) -> tf.Tensor:
    angle = tf.abs(tf.convert_to_tensor(angle_rad, tf.float64))
    return tf.maximum(angle, _TINY_RAD) * (180.0 / math.pi)


def _log10(value: tf.Tensor) -> tf.Tensor:
    return tf.math.log(value) * (1.0 / math.log(10.0))


def _pieces(angle_deg: tf.Tensor, pieces: list[tuple[float, tf.Tensor | float]]) -> tf.Tensor:
    """The first piece whose end the angle does not exceed."""
    value = tf.zeros_like(angle_deg) + pieces[-1][1]
    for end, piece in reversed(pieces[:-1]):
        value = tf.where(angle_deg <= end, tf.convert_to_tensor(piece, tf.float64), value)
    return value


def relative_db(gain: tf.Tensor, floor_db: float = -100.0) -> tf.Tensor:
    """Linear gain in dB, not below a floor: a pattern's zeros stay finite."""
    return 10.0 * _log10(tf.maximum(gain, float(np.power(10.0, floor_db / 10.0))))
