"""Antennas on their platforms: gain towards a place, given where boresight looks and how the panel lies."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import tensorflow as tf

from ntn6g.channel.antennas.array import PlanarArray
from ntn6g.channel.antennas.bessel import j1_over
from ntn6g.channel.antennas.patterns import relative_db
from ntn6g.orbit.trigonometry import atan2, sin_cos

_FLOOR_DB = -100.0  # what a pattern's zeros are raised to
_ARRAY_FLOOR = 1e-3  # amplitude to which `PlanarArray.gain_dbi` raises the zeros of an array factor
_AT_ONCE = 1 << 22  # elements times frequencies


class Antenna(Protocol):
    """An antenna on a platform."""

    @property
    def peak_dbi(self) -> float:
        """Largest gain that any pointing can give."""

    @property
    def half_power_beamwidth_rad(self) -> float | None:
        """Full angle between the -3 dB points, where it is the same in all planes and pointings."""

    def gain_dbi(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
        """Gain towards directions, dBi float64 [...].

        Parameters
        ----------
        towards, aim : [..., 3], float64
            Unit vectors of one frame: to the place, and along boresight.
        axes : [..., 3, 3], float64
            Rows: normal of the panel, then the axes along its columns and rows, in that frame.
        """


class PhaseSteered(Antenna, Protocol):
    """An antenna whose beam is steered by phases that do not change over the band of a signal."""

    def over_band(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor, ratio: tf.Tensor) -> tf.Tensor:
        r"""Amplitude at every frequency over that at the carrier: float64 [..., frequency].

        Of an array of places :math:`d_n` in wavelengths :math:`\lambda_0` of its design frequency :math:`f_0`

        .. math:: A(f) = \sum_n e^{j 2\pi (f s / f_0 - s_0) \cdot d_n / \lambda_0}

        with :math:`s` and :math:`s_0` the directions of the place and of boresight projected onto the panel, so that
        the beam of a frequency looks at :math:`s_0 f_0 / f`; of an aperture the integral. Real, since places come in
        opposite pairs, and negative beyond a zero. What single elements do over the band is left out.

        Parameters
        ----------
        towards, aim, axes
            As in `Antenna.gain_dbi`.
        ratio : [frequency], float64
            Frequency over the carrier.
        """


@dataclass(frozen=True)
class Axial:
    """An antenna that turns as a whole: its gain depends on the angle from boresight alone.

    Parameters
    ----------
    peak_dbi : float
        Gain along boresight.
    pattern_dbi : callable
        Angle from boresight, rad float64 [...], to gain, dBi.
    half_power_beamwidth_rad : float or None
        Full angle between the -3 dB points; None where there is none.
    """

    peak_dbi: float
    pattern_dbi: Callable[[tf.Tensor], tf.Tensor]
    half_power_beamwidth_rad: float | None = None

    def gain_dbi(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
        """See `Antenna`; the panel does not matter."""
        del axes
        return self.pattern_dbi(angle_between_rad(towards, aim))


@dataclass(frozen=True)
class SteeredArray:
    """A planar array whose phase shifters look along boresight.

    Parameters
    ----------
    array : PlanarArray
        In the y-z plane of the panel.
    frequency_ratio : float
        Carrier over the frequency for which the phases are set.
    phase_bits : int or None
        Resolution of the phase shifters.
    """

    array: PlanarArray
    frequency_ratio: float = 1.0
    phase_bits: int | None = None

    @property
    def peak_dbi(self) -> float:
        """At broadside."""
        normal = tf.constant([1.0, 0.0, 0.0], tf.float64)
        return float(self.array.gain_dbi(normal, self.array.weights(normal)))

    @property
    def half_power_beamwidth_rad(self) -> None:
        """None: it changes with the pointing."""

    def gain_dbi(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
        """See `Antenna`."""
        weights = self.array.weights(tf.linalg.matvec(axes, aim), phase_bits=self.phase_bits)
        return self.array.gain_dbi(tf.linalg.matvec(axes, towards), weights, frequency_ratio=self.frequency_ratio)

    def over_band(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor, ratio: tf.Tensor) -> tf.Tensor:
        """See `PhaseSteered`."""
        weights = self.array.weights(tf.linalg.matvec(axes, aim), phase_bits=self.phase_bits)[..., None, :]
        place = tf.linalg.matvec(axes, towards)[..., None, :]

        def field(part: tf.Tensor) -> tf.Tensor:
            return tf.math.real(self.array.summed(place, weights, self.frequency_ratio * part))

        step = max(1, _AT_ONCE // self.array.elements)
        parts = [field(ratio[first : first + step]) for first in range(0, ratio.shape[0], step)]
        return _relative_amplitude(tf.concat(parts, -1), field(tf.ones([1], tf.float64)), _ARRAY_FLOOR)


@dataclass(frozen=True)
class FlatAperture:
    r"""A flat round aperture, evenly lit with a linear phase that steers it.

    .. math:: G = \eta \left(\frac{\pi D}{\lambda}\right)^2 \cos^n\theta
        \left| \frac{2 J_1(x)}{x} \right|^2, \quad x = \frac{\pi D}{\lambda} |s - s_0|

    with :math:`s` and :math:`s_0` the directions of the place and of boresight projected onto the panel and
    :math:`\theta` the angle of the place from broadside: the transform of a disc (TR 38.811, 6.4.1, at broadside), so
    that the beam widens as it is steered. Behind the panel the gain is 100 dB below the peak.

    Parameters
    ----------
    diameter_wavelengths : float
        D over the wavelength.
    efficiency : float
        At broadside.
    scan_exponent : float
        n; 1 is the projected area.
    """

    diameter_wavelengths: float
    efficiency: float
    scan_exponent: float = 1.0

    @property
    def peak_dbi(self) -> float:
        """At broadside."""
        return 10.0 * math.log10(self.efficiency * (math.pi * self.diameter_wavelengths) ** 2)

    @property
    def half_power_beamwidth_rad(self) -> None:
        """None: it changes with the pointing."""

    def gain_dbi(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
        """See `Antenna`."""
        place, beam = tf.linalg.matvec(axes, towards), tf.linalg.matvec(axes, aim)
        apart = tf.reduce_sum((place[..., 1:] - beam[..., 1:]) ** 2, -1)
        field = 2.0 * j1_over(math.pi * self.diameter_wavelengths * tf.sqrt(apart + 1e-30))
        in_front = tf.maximum(place[..., 0], 1e-12)
        lit = field**2 * in_front**self.scan_exponent
        relative = tf.where(place[..., 0] > 0.0, lit, tf.zeros_like(lit))
        return self.peak_dbi + relative_db(relative, _FLOOR_DB)

    def over_band(self, towards: tf.Tensor, aim: tf.Tensor, axes: tf.Tensor, ratio: tf.Tensor) -> tf.Tensor:
        """See `PhaseSteered`."""
        place, beam = (tf.linalg.matvec(axes, each)[..., None, 1:] for each in (towards, aim))

        def field(part: tf.Tensor) -> tf.Tensor:
            apart = tf.reduce_sum((part[:, None] * place - beam) ** 2, -1)
            return 2.0 * j1_over(math.pi * self.diameter_wavelengths * tf.sqrt(apart + 1e-30))

        return _relative_amplitude(field(ratio), field(tf.ones([1], tf.float64)), 10.0 ** (_FLOOR_DB / 20.0))


def _relative_amplitude(field: tf.Tensor, at_carrier: tf.Tensor, floor: float) -> tf.Tensor:
    """A field over that of the carrier, whose zeros are raised as those of its gain are."""
    return field / tf.where(tf.abs(at_carrier) < floor, tf.constant(floor, tf.float64), at_carrier)


def angle_between_rad(one: tf.Tensor, two: tf.Tensor) -> tf.Tensor:
    """Angle between unit vectors [..., 3], float64 [...], exact near zero and with a finite gradient there."""
    x, y, z = tf.unstack(one, axis=-1)
    a, b, c = tf.unstack(two, axis=-1)
    across = (y * c - z * b) ** 2 + (z * a - x * c) ** 2 + (x * b - y * a) ** 2
    return atan2(tf.sqrt(across + 1e-30), x * a + y * b + z * c)


def mispointed_by(aim: tf.Tensor, towards: tf.Tensor, error_rad: float) -> tf.Tensor:
    """Boresight turned by an angle away from a place: unit vectors [..., 3]; the worst a pointing error can do.

    Parameters
    ----------
    aim, towards : [..., 3], float64
        Unit vectors along boresight and to the place.
    error_rad : float
        The angle; 0 gives ``aim``.
    """
    if error_rad == 0.0:
        return aim
    away = tf.reduce_sum(aim * towards, -1, keepdims=True) * aim - towards
    # boresight on the place: any side is away from it
    least = tf.one_hot(tf.argmin(tf.abs(aim), -1), 3, dtype=tf.float64)
    beside = least - tf.reduce_sum(least * aim, -1, keepdims=True) * aim
    on_it = tf.reduce_sum(away**2, -1, keepdims=True) < 1e-24
    side = tf.math.l2_normalize(tf.where(on_it, beside, away), -1, epsilon=1e-40)
    sine, cosine = sin_cos(tf.constant(error_rad, tf.float64))
    return cosine * aim + sine * side
