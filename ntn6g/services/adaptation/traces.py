"""All that happens to a link whatever its policy does, drawn before the first choice: the common random numbers."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.channel.loss.weather.series import RainSeries
from ntn6g.core import random
from ntn6g.services.adaptation.fading import RAYS, Blockage, multipath
from ntn6g.services.adaptation.passes import PassGeometry
from ntn6g.services.adaptation.rates import error_of_gain

_TO_DB = 10.0 / math.log(10.0)


class LinkValues(NamedTuple):
    """What may differ between points of one structure; scalars, float64."""

    geometry: PassGeometry
    """Ranges and delays."""
    mean_snr_db: tf.Tensor
    """At the start of a pass, without fading."""
    doppler_hz: tf.Tensor
    k_factor_db: tf.Tensor
    error_db: tf.Tensor
    """Standard deviation of a report at the mean gain."""


class Trace(NamedTuple):
    """Passes slot by slot, [slots, pass], and their reports, [reports, pass]; float32 unless told otherwise."""

    snr_db: tf.Tensor
    level_db: tf.Tensor
    """What geometry alone predicts: mean signal-to-noise ratio along the pass."""
    delay_slots: tf.Tensor
    """Slots until feedback about this slot can be used, int32."""
    arrived: tf.Tensor
    """How many earlier slots' feedback becomes known at this slot, int32."""
    fresh: tf.Tensor
    """How many reports become known at this slot, int32."""
    report_db: tf.Tensor
    """Quantised reports, one every period from slot 0 on."""
    outcome: tf.Tensor
    """Uniform number that a block of this slot is lost below."""
    explore: tf.Tensor
    """Uniform number for policies that draw."""
    sight: tf.Tensor
    """Amplitude of the line of sight, over the root of the mean power: for genies only, as all below."""
    fade_db: tf.Tensor
    """Rain attenuation."""
    estimate_real: tf.Tensor
    """Multipath as the report's estimator sees it, [reports, pass]."""
    estimate_imaginary: tf.Tensor


@dataclass(frozen=True, kw_only=True)
class TraceMaker:
    """Draws traces: geometry, signal-to-noise ratio, reports and the numbers that decide outcomes.

    Parameters
    ----------
    slots : int
        Length of a pass.
    slot_s : float
        Duration of a slot.
    period_slots : int
        Slots from one report to the next.
    step_db, lowest_db, highest_db : float
        Quantisation of a report; a step of 0 is none.
    spectrum : str
        Doppler spectrum of the multipath, ``jakes`` or ``flat``.
    rays : int
        Of the multipath, see `ntn6g.services.adaptation.fading.rays_for`.
    blockage : Blockage or None
        Of the line of sight.
    rain : RainSeries or None
        Attenuation.
    """

    slots: int
    slot_s: float
    period_slots: int
    step_db: float = 1.0
    lowest_db: float = -15.0
    highest_db: float = 35.0
    spectrum: str = "jakes"
    rays: int = RAYS
    blockage: Blockage | None = None
    rain: RainSeries | None = None

    @property
    def reports(self) -> int:
        """Reports of a pass."""
        return -(-self.slots // self.period_slots)

    def __call__(self, keys: tf.Tensor, values: LinkValues) -> Trace:
        """One pass per key, uint32 [pass, 2]."""
        range_m = values.geometry.range_m(keys, self.slots, self.slot_s)
        nearer = tf.cast(values.geometry.start_range_m / range_m, tf.float32)
        level_db = tf.cast(values.mean_snr_db, tf.float32) + 2.0 * _TO_DB * tf.math.log(nearer)
        scattered, direct = self._powers(values)
        real, imaginary = multipath(keys, self.slots, values.doppler_hz * self.slot_s, self.spectrum, self.rays)
        sight = self._sight(keys, direct)
        fade_db = self._fade_db(keys)
        root = tf.sqrt(scattered)
        snr_db = level_db - fade_db + _power_db(sight + root * real, root * imaginary)
        every = slice(None, None, self.period_slots)
        error = tf.sqrt(tf.cast(error_of_gain(1.0) * values.error_db**2, tf.float32))
        noise = tf.transpose(random.complex_normal(random.stream(keys, "report"), (self.reports,)))
        estimate_real = root * real[every] + error * tf.math.real(noise)
        estimate_imaginary = root * imaginary[every] + error * tf.math.imag(noise)
        seen_db = (level_db - fade_db)[every] + _power_db(sight[every] + estimate_real, estimate_imaginary)
        chance = random.uniform(random.stream(keys, "slot"), (2, self.slots))
        delay = values.geometry.delay_slots(range_m, self.slot_s)
        return Trace(
            snr_db=snr_db,
            level_db=level_db,
            delay_slots=delay,
            arrived=_arrivals(tf.range(self.slots)[:, None] + delay, self.slots),
            fresh=_arrivals(tf.range(0, self.slots, self.period_slots)[:, None] + delay[every], self.slots),
            report_db=self.quantised(seen_db),
            outcome=tf.transpose(chance[:, 0]),
            explore=tf.transpose(chance[:, 1]),
            sight=sight,
            fade_db=fade_db,
            estimate_real=estimate_real,
            estimate_imaginary=estimate_imaginary,
        )

    def quantised(self, level_db: tf.Tensor) -> tf.Tensor:
        """A level as it is reported."""
        rounded = tf.round(level_db / self.step_db) * self.step_db if self.step_db else level_db
        return tf.clip_by_value(rounded, self.lowest_db, self.highest_db)

    def _powers(self, values: LinkValues) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean power of multipath and of the line of sight; together one."""
        ratio = 10.0 ** (values.k_factor_db / 10.0)
        return tf.cast(1.0 / (1.0 + ratio), tf.float32), tf.cast(ratio / (1.0 + ratio), tf.float32)

    def _sight(self, keys: tf.Tensor, direct: tf.Tensor) -> tf.Tensor:
        amplitude = tf.fill([self.slots, keys.shape[0]], tf.sqrt(direct))
        if self.blockage is None:
            return amplitude
        blocked = self.blockage.draw(keys, self.slots, self.slot_s)
        return tf.where(blocked, 10.0 ** (-self.blockage.loss_db / 20.0) * amplitude, amplitude)

    def _fade_db(self, keys: tf.Tensor) -> tf.Tensor:
        """Rain over the pass, from one key stream: the correlated series of ITU-R P.1853 at every slot."""
        if self.rain is None:
            return tf.zeros([self.slots, keys.shape[0]], tf.float32)
        return tf.transpose(self.rain.draw(keys, np.asarray(self.slot_s * np.arange(self.slots), np.float64)))


def _power_db(real: tf.Tensor, imaginary: tf.Tensor) -> tf.Tensor:
    return _TO_DB * tf.math.log(tf.maximum(real * real + imaginary * imaginary, 1e-12))


def _arrivals(slot: tf.Tensor, slots: int) -> tf.Tensor:
    """How many arrive at each slot: int32 [sent, pass] of arrival slots to int32 [slots, pass]."""
    passes = slot.shape[1]
    place = tf.where(slot < slots, slot, slots) * passes + tf.range(passes)
    counts = tf.math.unsorted_segment_sum(tf.ones_like(place), place, (slots + 1) * passes)
    return tf.reshape(counts, [slots + 1, passes])[:slots]
