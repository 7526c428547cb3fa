"""Planar arrays of TR 38.901 elements: steering, quantised phase shifters, beam squint, polarisation.

An array lies in the y-z plane and looks along x; zenith angles count from z, azimuths from x towards y (TR 38.901,
7.1). Directions are unit vectors [..., 3] in that frame.
"""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.orbit.trigonometry import atan2, sin_cos

ELEMENT_PEAK_DBI = 8.0
_BEAMWIDTH_DEG, _FRONT_TO_BACK_DB = 65.0, 30.0


def direction(zenith_rad: tf.Tensor, azimuth_rad: tf.Tensor) -> tf.Tensor:
    """Unit vectors [..., 3] of zenith and azimuth angles [...]."""
    (sin_z, cos_z), (sin_a, cos_a) = (
        sin_cos(tf.convert_to_tensor(angle, tf.float64)) for angle in (zenith_rad, azimuth_rad)
    )
    return tf.stack([sin_z * cos_a, sin_z * sin_a, cos_z + tf.zeros_like(sin_a)], -1)


def element_dbi(towards: tf.Tensor) -> tf.Tensor:
    """Gain of one element, dBi: 8 at its peak, 65 degrees wide, 30 dB front to back.

    Parameters
    ----------
    towards : [..., 3], float64
        Unit vectors.

    References
    ----------
    3GPP TR 38.901 V17.0.0, Table 7.3-1.
    """
    x, y, z = tf.unstack(tf.convert_to_tensor(towards, tf.float64), axis=-1)
    level = tf.sqrt(tf.maximum(x**2 + y**2, 1e-30))
    from_horizon_deg = atan2(z, level) * (180.0 / math.pi)
    azimuth_deg = atan2(y, x) * (180.0 / math.pi)
    vertical = tf.minimum(12.0 * (from_horizon_deg / _BEAMWIDTH_DEG) ** 2, _FRONT_TO_BACK_DB)
    horizontal = tf.minimum(12.0 * (azimuth_deg / _BEAMWIDTH_DEG) ** 2, _FRONT_TO_BACK_DB)
    return ELEMENT_PEAK_DBI - tf.minimum(vertical + horizontal, _FRONT_TO_BACK_DB)


@dataclass(frozen=True)
class PlanarArray:
    r"""A uniform rectangular array.

    Parameters
    ----------
    rows, columns : int
        Elements along z and along y.
    spacing_wavelengths : float
        Between neighbours, in wavelengths at the design frequency.
    directive : bool
        TR 38.901 elements; isotropic ones when False.
    panels : tuple of int
        Panels along z and along y, (M_g, N_g) of TR 38.901, each of ``rows`` by ``columns`` elements.
    panel_spacing_wavelengths : tuple of float or None
        Between the centres of neighbouring panels along z and y; by default they join without a gap.
    area_bound : bool
        Whether elements are taken to gain no more than the area that each has, :math:`4\pi d^2 / \lambda^2`: 5 dBi at
        half a wavelength, where the pattern of TR 38.901 peaks at 8.
    """

    rows: int
    columns: int
    spacing_wavelengths: float = 0.5
    directive: bool = True
    panels: tuple[int, int] = (1, 1)
    panel_spacing_wavelengths: tuple[float, float] | None = None
    area_bound: bool = False

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.rows * self.columns * self.panels[0] * self.panels[1]

    @property
    def excess_db(self) -> float:
        """By how much the elements' peak exceeds what their area can gain; 0 where that does not count."""
        peak_dbi = ELEMENT_PEAK_DBI if self.directive else 0.0
        area_dbi = 10.0 * math.log10(4.0 * math.pi * self.spacing_wavelengths**2)
        return max(peak_dbi - area_dbi, 0.0) if self.area_bound else 0.0

    @property
    def positions(self) -> NDArray[np.float64]:
        """Places of the elements [elements, 2] along y and z, wavelengths from the array's centre."""
        joined = (self.rows * self.spacing_wavelengths, self.columns * self.spacing_wavelengths)
        apart = self.panel_spacing_wavelengths or joined
        z, y = (
            (_centred(panels)[:, None] * panel + _centred(count) * self.spacing_wavelengths).reshape(-1)
            for panels, panel, count in zip(self.panels, apart, (self.rows, self.columns), strict=True)
        )
        return np.stack(np.meshgrid(y, z), -1).reshape(-1, 2)

    def response(self, towards: tf.Tensor, frequency_ratio: tf.Tensor | float = 1.0) -> tf.Tensor:
        """Phases with which a plane wave meets the elements: complex128 [..., elements], modulus one.

        Parameters
        ----------
        towards : [..., 3], float64
            Where the wave comes from.
        frequency_ratio : [...], float64
            Frequency over the design frequency.
        """
        across = tf.convert_to_tensor(towards, tf.float64)[..., 1:]
        cycles = tf.linalg.matvec(tf.constant(self.positions), across)
        return _phasor(cycles * tf.convert_to_tensor(frequency_ratio, tf.float64)[..., None])

    def weights(self, towards: tf.Tensor, *, phase_bits: int | None = None) -> tf.Tensor:
        """Phase-shifter weights that steer a beam: complex128 [..., elements], of total power one.

        Parameters
        ----------
        towards : [..., 3], float64
            Where the beam shall look, at the design frequency.
        phase_bits : int or None
            Resolution of the phase shifters; without steps when None. Steps have no gradient.
        """
        across = tf.convert_to_tensor(towards, tf.float64)[..., 1:]
        cycles = tf.linalg.matvec(tf.constant(self.positions), across)
        if phase_bits is not None:
            cycles = tf.round(cycles * 2**phase_bits) / 2**phase_bits
        return _phasor(cycles) / tf.constant(math.sqrt(self.elements), tf.complex128)

    def summed(self, towards: tf.Tensor, weights: tf.Tensor, frequency_ratio: tf.Tensor | float = 1.0) -> tf.Tensor:
        """Sum over the weighted elements, complex128 [...]; arguments as in `gain_dbi`."""
        return tf.reduce_sum(tf.math.conj(weights) * self.response(towards, frequency_ratio), -1)

    def gain_dbi(
        self,
        towards: tf.Tensor,
        weights: tf.Tensor,
        *,
        frequency_ratio: tf.Tensor | float = 1.0,
        floor_dbi: float = -60.0,
    ) -> tf.Tensor:
        """Gain of the weighted array, dBi float64 [...], coupling between elements neglected.

        Phase shifters keep their phase over frequency, so that away from the design frequency the beam squints.

        Parameters
        ----------
        towards : [..., 3], float64
            Directions in which the gain is asked for.
        weights : [..., elements], complex128
            From `weights`; broadcast against ``towards``.
        frequency_ratio : [...], float64
            Frequency over the design frequency.
        floor_dbi : float
            What the array factor's zeros are raised to.
        """
        summed = self.summed(towards, weights, frequency_ratio)
        power = tf.math.real(summed) ** 2 + tf.math.imag(summed) ** 2
        array_db = 10.0 / math.log(10.0) * tf.math.log(tf.maximum(power, 10.0 ** (floor_dbi / 10.0)))
        return array_db + (element_dbi(towards) if self.directive else 0.0) - self.excess_db


def _centred(count: int) -> NDArray[np.float64]:
    return np.asarray(np.arange(count) - 0.5 * (count - 1), np.float64)


def _phasor(cycles: tf.Tensor) -> tf.Tensor:
    sine, cosine = sin_cos(2.0 * math.pi * cycles)
    return tf.complex(cosine, sine)


def jones(tilt_rad: float, axial_ratio_db: float = math.inf, *, right_handed: bool = True) -> NDArray[np.complex128]:
    """Unit polarisation vector (horizontal, vertical) of a wave.

    Parameters
    ----------
    tilt_rad : float
        Of the ellipse's long axis, from horizontal.
    axial_ratio_db : float
        Long over short axis of the field's ellipse: infinite for linear, 0 for circular.
    right_handed : bool
        Sense of the turn (IEEE).
    """
    short = 0.0 if math.isinf(axial_ratio_db) else 10.0 ** (-axial_ratio_db / 20.0)
    turned = -1j * short if right_handed else 1j * short
    turn = np.array([[math.cos(tilt_rad), -math.sin(tilt_rad)], [math.sin(tilt_rad), math.cos(tilt_rad)]])
    field = turn @ np.array([1.0, turned]) / math.hypot(1.0, short)
    return np.asarray(field, np.complex128)


def polarisation_loss_db(wave: NDArray[np.complex128], antenna: NDArray[np.complex128]) -> float:
    """Loss of a wave in an antenna, both told by what they send, seen along one direction: infinite when crossed."""
    caught = abs(np.vdot(antenna, wave)) ** 2
    return math.inf if caught < 1e-15 else -10.0 * math.log10(caught)
