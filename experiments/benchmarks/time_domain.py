"""A slot as samples through a fading channel, against Sionna's OFDM modulator, time channel and demodulator."""

import statistics

import numpy as np
import tensorflow as tf
from sionna.phy.channel import TimeChannel, time_lag_discrete_time_channel
from sionna.phy.channel.tr38901 import TDL
from sionna.phy.ofdm import OFDMDemodulator, OFDMModulator

from benchmarks import timing
from ntn6g.channel import TappedDelayLine
from ntn6g.channel.terrestrial import tdl_profile
from ntn6g.channel.time_domain import TimeDomainChannel
from ntn6g.core import random
from ntn6g.phy import SlotGrid
from ntn6g.phy.ofdm import Ofdm

ROWS, BLOCKS, SPACING_HZ, CARRIER_HZ = 128, 25, 120e3, 20e9
DELAY_SPREAD_S, SPEED_M_S, LONGEST = 30e-9, 1.0, 12.4996  # TDL-D: last delay over the delay spread
ROUNDS = 5


def _ours() -> tuple[object, float]:
    grid = SlotGrid(resource_blocks=BLOCKS, subcarrier_spacing_hz=SPACING_HZ)
    ofdm, fading = Ofdm(grid), TappedDelayLine(tdl_profile("D"))
    channel = TimeDomainChannel(ofdm.samples, ofdm.sample_rate_hz, grid.subcarriers * SPACING_HZ)

    def every(value: float) -> tf.Tensor:
        return tf.fill([ROWS], np.float32(value))

    @tf.function(jit_compile=True)
    def run(values: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
        keys = random.block_keys(chunk, ROWS)
        drawn = fading(
            keys,
            times_s=tf.constant(channel.times_s, tf.float32),
            delay_spread_s=every(DELAY_SPREAD_S),
            doppler_hz=every(SPEED_M_S / 299_792_458.0 * CARRIER_HZ),
            k_factor_db=every(13.3),
            elevation_rad=every(1.0),
        )
        return ofdm.demodulate(channel(drawn, ofdm.modulate(values)))

    return run, ofdm.sample_rate_hz


def _peer() -> object:
    size, prefix = 12 * BLOCKS, 21
    bandwidth_hz = size * SPACING_HZ
    shortest, longest = time_lag_discrete_time_channel(bandwidth_hz, LONGEST * DELAY_SPREAD_S)
    modulate = OFDMModulator(prefix)
    demodulate = OFDMDemodulator(size, shortest, prefix)
    fading = TDL("D", DELAY_SPREAD_S, CARRIER_HZ, min_speed=SPEED_M_S, max_speed=SPEED_M_S)
    samples = 14 * (size + prefix)
    channel = TimeChannel(fading, bandwidth_hz, samples, l_min=shortest, l_max=longest, return_channel=False)

    @tf.function(jit_compile=True)
    def run(values: tf.Tensor) -> tf.Tensor:
        return demodulate(channel(modulate(values)))

    timing.note(f"peer: {longest - shortest + 1} taps at {bandwidth_hz / 1e6:.0f} MHz")
    return run


def run() -> dict[str, float]:
    """Ratio of the times, and how our time divides."""
    rng = np.random.default_rng(1)
    shape = [ROWS, 14, 12 * BLOCKS]
    values = tf.complex(*(tf.constant(rng.normal(size=shape) / np.sqrt(2), tf.float32) for _ in range(2)))
    ours, rate_hz = _ours()
    peer = _peer()
    numbers = iter(range(1_000_000))

    def one() -> float:
        chunk = tf.constant([[1, next(numbers)]], tf.uint32)
        return float(tf.reduce_mean(tf.abs(ours(values, chunk)) ** 2))

    def other() -> float:
        return float(tf.reduce_mean(tf.abs(peer(values[:, None, None])) ** 2))

    spent = timing.in_turns({"ours": one, "peer": other}, rounds=ROUNDS)
    timing.note(f"mean received power: ours {one():.3f} at {rate_hz / 1e6:.0f} MHz, peer {other():.3f}")
    return {
        "time_ratio": timing.ratio(spent, "peer", "ours"),
        "time_blocks_per_s": ROWS / statistics.median(spent["ours"]),
        "time_peer_blocks_per_s": ROWS / statistics.median(spent["peer"]),
    }
