"""The whole coded link against Sionna's PUSCH chain, both compiled by XLA, at 10 % and 1 % BLER, and our stages."""

import statistics

import numpy as np
import tensorflow as tf

from benchmarks import timing
from benchmarks.anchor import ROWS, SCENARIO, SionnaLink, esno_db
from ntn6g.channel import frequency_response
from ntn6g.core import random
from ntn6g.phy.receiver import LeastSquaresEstimator, lmmse_equalise
from ntn6g.scenario import from_mapping
from ntn6g.study.build.link import LinkStudy

ROUNDS = 7
# Eb/N0 in dB where Sionna's link fails 10 % and 1 % of the blocks
TEN_PER_CENT_DB, ONE_PER_CENT_DB = 5.45, 5.85


def our_study() -> LinkStudy:
    """The study of the anchor scenario."""
    return LinkStudy("", from_mapping(SCENARIO))


class Ours:
    """Our compiled step, one batch a call."""

    def __init__(self) -> None:
        study = our_study()
        self.structure, self.point = study.structures[0], study.points[0]
        self.step, self._next = study.recipe(self.structure)(), 0

    def __call__(self, ebno_db: float) -> int:
        """Block errors of the next 128 blocks."""
        values = {**self.point.values, "noise_variance": 10.0 ** (-esno_db(ebno_db) / 10.0)}
        point = _Work(self.structure.channel_key, values)
        numbers = range(self._next, self._next + self.step.chunks_per_batch)
        self._next += self.step.chunks_per_batch
        return sum(chunk.counts["block_errors"] for chunk in self.step([(point, number) for number in numbers]))


class _Work:
    def __init__(self, channel_key, values) -> None:
        self.channel_key, self.values, self.seed = channel_key, values, 1


def stages(ours: Ours) -> dict[str, float]:
    """Time in ms of each stage of our link for one batch, every stage compiled alone."""
    chain = ours.step.chain
    grid, code, modulation = chain.grid, chain.code, chain.modulation
    estimate = LeastSquaresEstimator(grid, despread=True)
    work = _Work(ours.structure.channel_key, ours.point.values)
    chunk_keys, values = ours.step.arguments([(work, number) for number in range(4)])
    keys = random.block_keys(chunk_keys, ROWS // 4)

    @tf.function(jit_compile=True)
    def transmit():
        return grid.fill(modulation.map(code.encode(random.bits(random.stream(keys, "bits"), chain.block_bits))))

    @tf.function(jit_compile=True)
    def propagate(sent, noise_variance):
        drawn = chain.fading(
            keys,
            times_s=grid.symbol_times_s.astype("float32"),
            delay_spread_s=values.delay_spread_s,
            doppler_hz=values.doppler_hz,
            k_factor_db=values.k_factor_db,
            elevation_rad=values.elevation_rad,
        )
        noise = random.complex_normal(random.stream(keys, "noise"), tuple(sent.shape[1:]))
        scale = tf.cast(tf.sqrt(noise_variance), tf.complex64)[:, None, None]
        return frequency_response(drawn, grid.frequencies_hz) * sent + scale * noise

    @tf.function(jit_compile=True)
    def receive(received, noise_variance):
        known, error = estimate(received, noise_variance)
        equalised = lmmse_equalise(
            grid.data_of(received), grid.data_of(known), grid.data_of(noise_variance[:, None, None] + error)
        )
        return modulation.llr(equalised.symbols, equalised.noise_variance)

    decode = tf.function(lambda llr: code.decode(llr).bits, jit_compile=True)
    noise_variance = tf.fill([ROWS], np.float32(10.0 ** (-esno_db(TEN_PER_CENT_DB) / 10.0)))
    sent = transmit()
    received = propagate(sent, noise_variance)
    llr = receive(received, noise_variance)
    spent = timing.in_turns(
        {
            "transmit": lambda: transmit().numpy(),
            "channel": lambda: propagate(sent, noise_variance).numpy(),
            "receive": lambda: receive(received, noise_variance).numpy(),
            "decode": lambda: decode(llr).numpy(),
        },
        rounds=ROUNDS,
    )
    return {name: 1e3 * statistics.median(each) for name, each in spent.items()}


def run() -> dict[str, float]:
    """Ratios at the peer's 10 % and 1 % points, our blocks per second, compile times and stages."""
    ours, peer = Ours(), SionnaLink()

    @tf.function(jit_compile=True)
    def peer_errors(noise_variance):
        bits, decided = peer(ROWS, noise_variance)
        return tf.reduce_sum(tf.cast(tf.reduce_any(bits != decided, axis=[1, 2]), tf.int32))

    figures = {}
    compile_ms = {
        "link": 1e3 * timing.first_call_s(lambda: ours(TEN_PER_CENT_DB)),
        "peer": 1e3 * timing.first_call_s(lambda: peer_errors(tf.constant(1.0))),
    }
    for name, ebno_db in (("link", TEN_PER_CENT_DB), ("link_1pct", ONE_PER_CENT_DB)):
        variance, wrong = tf.constant(10.0 ** (-esno_db(ebno_db) / 10.0), tf.float32), {"ours": 0, "peer": 0}

        def one(side, call, wrong=wrong):
            wrong[side] += int(call())

        spent = timing.in_turns(
            {
                "ours": lambda e=ebno_db, o=one: o("ours", lambda: ours(e)),
                "peer": lambda v=variance, o=one: o("peer", lambda: peer_errors(v)),
            },
            rounds=ROUNDS,
        )
        figures[f"{name}_ratio"] = timing.ratio(spent, "peer", "ours")
        figures[f"{name}_blocks_per_s"] = ROWS / statistics.median(spent["ours"])
        figures[f"{name}_peer_blocks_per_s"] = ROWS / statistics.median(spent["peer"])
        blocks = ROWS * (ROUNDS + 1)
        timing.note(
            f"Eb/N0 {ebno_db} dB: BLER ours {wrong['ours'] / blocks:.3f}, peer {wrong['peer'] / blocks:.3f} of {blocks}"
        )
    figures |= {f"{side}_compile_ms": value for side, value in compile_ms.items()}
    figures |= {f"link_{name}_ms": value for name, value in stages(ours).items()}
    return figures
