"""What differs from block to block of a link without another compilation."""

import math
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from ntn6g.core import random
from ntn6g.orbit.state import TensorRecord

_DB_TO_NEPER = math.log(10.0) / 10.0


@dataclass(frozen=True, eq=False)
class LinkValues(TensorRecord):
    """What may differ from block to block without another compilation; every field but one has shape [B].

    ``noise_variance`` is noise over signal energy per resource element, without fading; ``shadow_sigma_db`` the
    standard deviation of log-normal shadowing (0 for none, or where the fading draws its own); ``elevation_rad`` that
    of the satellite, which some kinds of fading follow; ``doppler_hz`` the terminal's largest own Doppler;
    ``residual_offset_hz`` and ``residual_delay_s`` what pre-compensation leaves at the start of the slot,
    ``residual_doppler_rate_hz_s`` and ``residual_delay_rate`` (s/s) how it changes within. ``delay_s`` (light time),
    ``range_rate_m_s``, ``range_acceleration_m_s2`` and ``carrier_hz`` make the bulk terms of the realisation;
    ``path_loss_db``, already inside ``noise_variance``, travels in it. ``east_m`` and ``north_m`` place the terminal on
    a ground of which some fading knows. ``amplifier_drive``, ``_scale`` and ``_gain_real``, ``_gain_imag`` (of the
    wanted part) belong to the amplifier of the end that sends (`OnBoard`); idle without.
    ``feeder_noise_variance`` is that of the noise which a transparent payload receives with the signal and sends on, in
    the same unit as ``noise_variance``; idle unless the link has a feeder in front. ``squint`` [B, subcarriers] is the
    amplitude of the antennas at every subcarrier over that at the carrier; idle, [B], where it is the same.
    Types are in ``DTYPES``.
    """

    noise_variance: tf.Tensor
    shadow_sigma_db: tf.Tensor
    delay_spread_s: tf.Tensor
    k_factor_db: tf.Tensor
    elevation_rad: tf.Tensor
    doppler_hz: tf.Tensor
    residual_offset_hz: tf.Tensor
    residual_delay_s: tf.Tensor
    residual_doppler_rate_hz_s: tf.Tensor
    residual_delay_rate: tf.Tensor
    delay_s: tf.Tensor
    range_rate_m_s: tf.Tensor
    range_acceleration_m_s2: tf.Tensor
    carrier_hz: tf.Tensor
    path_loss_db: tf.Tensor
    east_m: tf.Tensor
    north_m: tf.Tensor
    amplifier_drive: tf.Tensor
    amplifier_scale: tf.Tensor
    amplifier_gain_real: tf.Tensor
    amplifier_gain_imag: tf.Tensor
    feeder_noise_variance: tf.Tensor
    squint: tf.Tensor

    DTYPES: ClassVar[dict[str, str]] = {
        "noise_variance": "float32",
        "shadow_sigma_db": "float32",
        "delay_spread_s": "float32",
        "k_factor_db": "float32",
        "elevation_rad": "float32",
        "doppler_hz": "float32",
        "residual_offset_hz": "float64",
        "residual_delay_s": "float64",
        "residual_doppler_rate_hz_s": "float64",
        "residual_delay_rate": "float64",
        "delay_s": "float64",
        "range_rate_m_s": "float64",
        "range_acceleration_m_s2": "float64",
        "carrier_hz": "float64",
        "path_loss_db": "float32",
        "east_m": "float32",
        "north_m": "float32",
        "amplifier_drive": "float32",
        "amplifier_scale": "float32",
        "amplifier_gain_real": "float32",
        "amplifier_gain_imag": "float32",
        "feeder_noise_variance": "float32",
        "squint": "float32",
    }


def noise_variance_of(keys: tf.Tensor, values: LinkValues, drawn_loss_db: tf.Tensor) -> tf.Tensor:
    """Noise over signal with what a block loses: shadowing drawn here, and what the fading has drawn by itself."""
    shadow_db = values.shadow_sigma_db * random.normal(random.stream(keys, "shadowing"), (1,))[:, 0]
    return values.noise_variance * tf.exp(_DB_TO_NEPER * (shadow_db + drawn_loss_db))
