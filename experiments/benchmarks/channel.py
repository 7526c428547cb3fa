"""Frequency responses of fading channels per second, and the ray model against Sionna's UMa at equal size.

14 symbols x 192 subcarriers of 120 kHz, urban, Ka band, one antenna at each end, batches of one size. ``mixed_ratio``
is the time of a batch of equal elevations over that of a batch in which each of 1000 links has its own. Our ray model
has 3 or 4 clusters where Sionna's UMa with sight has 12; ``uma_vs_sionna_uma_ratio`` sets our own UMa, with as many
clusters and rays, beside it.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks import timing

SYMBOLS, SUBCARRIERS, SPACING_HZ, CARRIER_HZ = 14, 192, 120e3, 20e9
ROWS, MIXED_ROWS, ROUNDS = 256, 1_000, 9
SPEED_M_S = 3.0 / 3.6


def run() -> dict[str, float]:
    """Rates and ratios; the sides take turns."""
    sides = {
        "rays": _rays(np.linspace(10.0, 90.0, ROWS)),
        "equal": _rays(np.full(MIXED_ROWS, 50.0)),
        "mixed": _rays(np.linspace(10.0, 90.0, MIXED_ROWS)),
        "tdl": _delay_line(),
        "own_uma": _own_uma(),
        "uma": _sionna_uma(),
    }
    spent = timing.in_turns(sides, rounds=ROUNDS)
    return {
        "ray_realizations_per_s": ROWS / min(spent["rays"]),
        "tdl_realizations_per_s": ROWS / min(spent["tdl"]),
        "ray_vs_sionna_uma_ratio": timing.ratio(spent, "uma", "rays"),
        "uma_vs_sionna_uma_ratio": timing.ratio(spent, "uma", "own_uma"),
        "mixed_ratio": timing.ratio(spent, "equal", "mixed"),
    }


def _common() -> tuple[tf.Tensor, tf.Tensor]:
    """Times of the symbols and frequencies of the subcarriers."""
    times_s = tf.constant(np.arange(SYMBOLS) / (SPACING_HZ * SYMBOLS / 15.0), tf.float32)
    return times_s, tf.constant((np.arange(SUBCARRIERS) - SUBCARRIERS / 2) * SPACING_HZ, tf.float32)


def _keys(rows: int) -> tf.Tensor:
    return tf.constant(np.stack([np.arange(rows), np.full(rows, 7)], 1), tf.uint32)


def _call(step: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> Callable[[], object]:
    return lambda: step(*arguments).numpy()


def _doppler(rows: int) -> tf.Tensor:
    return tf.fill([rows], tf.constant(SPEED_M_S * CARRIER_HZ / 299_792_458.0, tf.float32))


def _rays(degrees: NDArray[np.float64]) -> Callable[[], object]:
    """One batch of links at their elevations."""
    from ntn6g.channel.fading.rays import RayChannel, Scattering
    from ntn6g.channel.response import frequency_response

    model, (times_s, frequencies_hz) = RayChannel([Scattering("urban", "Ka", True)]), _common()

    @tf.function(jit_compile=True)
    def step(keys: tf.Tensor, elevation_rad: tf.Tensor) -> tf.Tensor:
        drawn = model(keys, times_s=times_s, elevation_rad=elevation_rad, doppler_hz=_doppler(len(degrees)))
        return frequency_response(drawn, frequencies_hz)

    return _call(step, _keys(len(degrees)), tf.constant(np.deg2rad(degrees), tf.float32))


def _own_uma() -> Callable[[], object]:
    """Our UMa with line of sight, each terminal at a distance of its own."""
    from ntn6g.channel.fading.cells import CellFading
    from ntn6g.channel.loss.cells import Cell
    from ntn6g.channel.response import frequency_response
    from ntn6g.channel.terrestrial import cell_columns

    cell, (times_s, frequencies_hz) = Cell(kind="uma", carrier_hz=CARRIER_HZ), _common()
    model = CellFading(cell, cell_columns("uma", CARRIER_HZ), line_of_sight=True)
    height_m = cell.antenna_m - cell.terminal_m

    @tf.function(jit_compile=True)
    def step(keys: tf.Tensor, elevation_rad: tf.Tensor) -> tf.Tensor:
        drawn = model(keys, times_s=times_s, elevation_rad=elevation_rad, doppler_hz=_doppler(ROWS))
        return frequency_response(drawn, frequencies_hz)

    elevation = np.arctan(height_m / np.linspace(35.0, 250.0, ROWS))
    return _call(step, _keys(ROWS), tf.constant(elevation, tf.float32))


def _delay_line() -> Callable[[], object]:
    from ntn6g.channel import TappedDelayLine, median_delay_spread_s, median_k_factor_db, ntn_tdl_profile
    from ntn6g.channel.response import frequency_response

    model, (times_s, frequencies_hz) = TappedDelayLine(ntn_tdl_profile("D")), _common()
    at = math.radians(50.0)
    spread_s = tf.fill([ROWS], tf.constant(median_delay_spread_s("urban", "Ka", True, at), tf.float32))
    k_db = tf.fill([ROWS], tf.constant(median_k_factor_db("urban", "Ka", at), tf.float32))

    @tf.function(jit_compile=True)
    def step(keys: tf.Tensor) -> tf.Tensor:
        drawn = model(keys, times_s=times_s, delay_spread_s=spread_s, doppler_hz=_doppler(ROWS), k_factor_db=k_db)
        return frequency_response(drawn, frequencies_hz)

    return _call(step, _keys(ROWS))


def _sionna_uma() -> Callable[[], object]:
    """UMa of Sionna 1.2.2: as many links, one antenna at each end, topology fixed, compiled as its own examples do."""
    from sionna.phy.channel import cir_to_ofdm_channel, gen_single_sector_topology
    from sionna.phy.channel.tr38901 import Antenna, UMa

    antenna = Antenna(
        polarization="single", polarization_type="V", antenna_pattern="omni", carrier_frequency=CARRIER_HZ
    )
    model = UMa(carrier_frequency=CARRIER_HZ, o2i_model="low", ut_array=antenna, bs_array=antenna, direction="downlink")
    topology = gen_single_sector_topology(
        ROWS, 1, "uma", min_ut_velocity=SPEED_M_S, max_ut_velocity=SPEED_M_S, indoor_probability=0.0
    )
    model.set_topology(*topology)
    frequencies_hz = _common()[1]

    @tf.function(jit_compile=True)
    def step() -> tf.Tensor:
        gain, delay_s = model(SYMBOLS, SPACING_HZ)
        return cir_to_ofdm_channel(frequencies_hz, gain, delay_s)

    return _call(step)
