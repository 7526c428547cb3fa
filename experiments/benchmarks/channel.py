"""Frequency responses of fading channels per second, and the ray model against Sionna's UMa at equal size.

14 symbols x 192 subcarriers of 120 kHz, urban, Ka band, one antenna at each end. ``mixed_ratio`` is the time of a batch
of equal elevations over that of a batch in which every link has its own.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import timing

SYMBOLS, SUBCARRIERS, SPACING_HZ, CARRIER_HZ = 14, 192, 120e3, 20e9
ROWS, LINKS, UMA_ROWS, ROUNDS = 256, 1_024, 64, 9
SPEED_M_S = 3.0 / 3.6


def run() -> dict[str, float]:
    """Rates and ratios; the sides take turns."""
    rays_mixed, rays_equal = _rays(mixed=True), _rays(mixed=False)
    spent = timing.in_turns(
        {"equal": rays_equal, "mixed": rays_mixed, "tdl": _delay_line(), "uma": _sionna_uma()}, rounds=ROUNDS
    )
    uma_s, rays_s = spent["uma"], spent["mixed"]
    spent["uma"] = [seconds / UMA_ROWS for seconds in uma_s]
    spent["rays"] = [seconds / LINKS for seconds in rays_s]
    return {
        "ray_realizations_per_s": LINKS / min(rays_s),
        "tdl_realizations_per_s": LINKS / min(spent["tdl"]),
        "ray_vs_sionna_uma_ratio": timing.ratio(spent, "uma", "rays"),
        "mixed_ratio": timing.ratio(spent, "equal", "mixed"),
    }


def _common() -> tuple[tf.Tensor, tf.Tensor]:
    """Times of the symbols and frequencies of the subcarriers."""
    times_s = tf.constant(np.arange(SYMBOLS) / (SPACING_HZ * SYMBOLS / 15.0), tf.float32)
    return times_s, tf.constant((np.arange(SUBCARRIERS) - SUBCARRIERS / 2) * SPACING_HZ, tf.float32)


def _batches() -> list[tf.Tensor]:
    index = np.arange(LINKS).reshape(-1, ROWS)
    return [tf.constant(np.stack([rows, np.full(ROWS, 7)], 1), tf.uint32) for rows in index]


def _repeat(step: Callable[..., tf.Tensor], arguments: list[Any]) -> Callable[[], object]:
    def call() -> object:
        for each in arguments:
            last = step(*each)
        return last.numpy()

    return call


def _doppler() -> tf.Tensor:
    return tf.fill([ROWS], tf.constant(SPEED_M_S * CARRIER_HZ / 299_792_458.0, tf.float32))


def _rays(*, mixed: bool) -> Callable[[], object]:
    from ntn6g.channel.fading.rays import RayChannel, Scattering
    from ntn6g.channel.response import frequency_response

    model, (times_s, frequencies_hz) = RayChannel([Scattering("urban", "Ka", True)]), _common()

    @tf.function(jit_compile=True)
    def step(keys: tf.Tensor, elevation_rad: tf.Tensor) -> tf.Tensor:
        drawn = model(keys, times_s=times_s, elevation_rad=elevation_rad, doppler_hz=_doppler())
        return frequency_response(drawn, frequencies_hz)

    degrees = np.linspace(10.0, 90.0, LINKS) if mixed else np.full(LINKS, 50.0)
    rows = np.deg2rad(degrees).astype(np.float32).reshape(-1, ROWS)
    return _repeat(step, list(zip(_batches(), map(tf.constant, rows), strict=True)))


def _delay_line() -> Callable[[], object]:
    from ntn6g.channel import TappedDelayLine, median_delay_spread_s, median_k_factor_db, ntn_tdl_profile
    from ntn6g.channel.response import frequency_response

    model, (times_s, frequencies_hz) = TappedDelayLine(ntn_tdl_profile("D")), _common()
    at = math.radians(50.0)
    spread_s = tf.fill([ROWS], tf.constant(median_delay_spread_s("urban", "Ka", True, at), tf.float32))
    k_db = tf.fill([ROWS], tf.constant(median_k_factor_db("urban", "Ka", at), tf.float32))

    @tf.function(jit_compile=True)
    def step(keys: tf.Tensor) -> tf.Tensor:
        drawn = model(keys, times_s=times_s, delay_spread_s=spread_s, doppler_hz=_doppler(), k_factor_db=k_db)
        return frequency_response(drawn, frequencies_hz)

    return _repeat(step, [(keys,) for keys in _batches()])


def _sionna_uma() -> Callable[[], object]:
    """UMa of Sionna 1.2.2: as many links, one antenna at each end, topology fixed, compiled as its own examples do."""
    from sionna.phy.channel import cir_to_ofdm_channel, gen_single_sector_topology
    from sionna.phy.channel.tr38901 import Antenna, UMa

    antenna = Antenna(
        polarization="single", polarization_type="V", antenna_pattern="omni", carrier_frequency=CARRIER_HZ
    )
    model = UMa(carrier_frequency=CARRIER_HZ, o2i_model="low", ut_array=antenna, bs_array=antenna, direction="downlink")
    topology = gen_single_sector_topology(
        UMA_ROWS, 1, "uma", min_ut_velocity=SPEED_M_S, max_ut_velocity=SPEED_M_S, indoor_probability=0.0
    )
    model.set_topology(*topology)
    frequencies_hz = _common()[1]

    @tf.function(jit_compile=True)
    def step() -> tf.Tensor:
        gain, delay_s = model(SYMBOLS, SPACING_HZ)
        return cir_to_ofdm_channel(frequencies_hz, gain, delay_s)

    return _repeat(step, [()])
