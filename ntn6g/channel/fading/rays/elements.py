"""Antenna elements as the ray model sees them: where they stand, how they are polarised, how strongly they receive."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

Beam = Callable[[tf.Tensor], tf.Tensor]
"""Power gain over that towards the satellite, linear, by the angle from its direction in radians, float32 [...]."""
Pattern = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Power gain (linear) of a zenith and an azimuth in radians; the azimuth counts from the satellite's direction."""


@dataclass(frozen=True)
class Elements:
    r"""Antenna elements of one end.

    Attributes
    ----------
    slant_rad : tuple of float
        Polarisation of each element against the vertical; its length is the number of elements.
    position_wavelengths : tuple of (float, float, float)
        Place of each in wavelengths: towards the satellite's azimuth, to its left (counter-clockwise), up.
        All at the origin if empty.
    pattern : callable, optional
        Power gain, the same for all; isotropic if None.
    beam : callable, optional
        Of antennas that look at the satellite and whose gain depends on the angle from it alone; one for the line of
        sight, so that it weighs what is scattered against that. Beside ``pattern`` both count.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.3.2, model 2: field components :math:`\sqrt{A}\cos\zeta` and
    :math:`\sqrt{A}\sin\zeta` along zenith and azimuth.
    """

    slant_rad: tuple[float, ...] = (0.0,)
    position_wavelengths: tuple[tuple[float, float, float], ...] = ()
    pattern: Pattern | None = None
    beam: Beam | None = None

    def __post_init__(self) -> None:
        if not self.slant_rad:
            raise ValueError("at least one element")
        if self.position_wavelengths and len(self.position_wavelengths) != len(self.slant_rad):
            raise ValueError(f"{len(self.position_wavelengths)} positions for {len(self.slant_rad)} elements")

    def amplitude(self, zenith_rad: tf.Tensor, azimuth_rad: tf.Tensor) -> tf.Tensor:
        """Root of the power gain; one for isotropic elements."""
        if self.pattern is None:
            return tf.ones_like(zenith_rad)
        return tf.sqrt(self.pattern(zenith_rad, azimuth_rad))

    def polarisation(self, element: int) -> tuple[float, float]:
        """Zenith and azimuth components of an element's field, of unit power."""
        slant = self.slant_rad[element]
        return math.cos(slant), math.sin(slant)

    def cycles(self, element: int, x: tf.Tensor, y: tf.Tensor, z: tf.Tensor) -> tf.Tensor | None:
        """Phase of an element, in cycles, for a unit direction; None at the origin."""
        if not self.position_wavelengths or not any(self.position_wavelengths[element]):
            return None
        ahead, left, up = self.position_wavelengths[element]
        return ahead * x + left * y + up * z


def vertical(elements: Elements) -> bool:
    """Whether all elements are vertically polarised, so that cross-polarisation does not show."""
    return not any(elements.slant_rad)


ISOTROPIC = Elements()
