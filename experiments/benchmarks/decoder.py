"""Our default LDPC decoder against Sionna's 20-iteration boxplus-phi, same code, same noise, BPSK."""

import math
import statistics

import numpy as np
import tensorflow as tf
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

from benchmarks import timing
from ntn6g.phy.coding import CodewordCode

ROWS, ROUNDS, PEER_ITERATIONS = 128, 5, 20
DEEPEST = (8448, 25344)  # all 46 rows of base graph 1
LARGE = (7808, 14400)  # K and N of the anchor link's code block, R = 0.54
# Es/N0 in dB where Sionna's decoder fails 1 % and 90 % of the codewords
ONE_PER_CENT_DB, NINETY_PER_CENT_DB, CLEAR_DB = -1.24, -1.53, -0.24
SMALL = {(100, 200): -0.25, (200, 400): -0.65, (500, 1000): -1.2}  # the same 1 % points of three small codes


class Side:
    """One decoder, compiled, and how many of the words it got wrong."""

    def __init__(self, decode, words: np.ndarray) -> None:
        self._decode = tf.function(decode, jit_compile=True, autograph=False)
        self._words = words

    def __call__(self, llr: tf.Tensor) -> np.ndarray:
        """Decided bits."""
        return np.asarray(self._decode(llr))

    def failed(self, llr: tf.Tensor) -> np.ndarray:
        """Whether each word is wrong."""
        return (self(llr) != self._words).any(axis=1)


class Match:
    """Both decoders of one code on the same received words."""

    def __init__(self, information_bits: int, coded_bits: int) -> None:
        self._random = np.random.default_rng(1)
        ours = CodewordCode(information_bits=information_bits, coded_bits=coded_bits, modulation_order=1)
        encoder = LDPC5GEncoder(information_bits, coded_bits)
        peer = LDPC5GDecoder(encoder, num_iter=PEER_ITERATIONS, hard_out=True, return_infobits=True)
        words = self._random.integers(0, 2, (ROWS, information_bits)).astype(np.float32)
        self._sent = 2.0 * encoder(tf.constant(words)).numpy() - 1.0
        self.ours, self.peer = Side(lambda llr: ours.decode(llr).bits, words), Side(peer, words)

    def received(self, esno_db: float) -> tf.Tensor:
        """Log-likelihood ratios of one batch of new noise."""
        deviation = math.sqrt(0.5 * 10.0 ** (-esno_db / 10.0))
        noise = self._random.normal(size=self._sent.shape)
        return tf.constant(2.0 * (self._sent + deviation * noise) / deviation**2, tf.float32)

    def ratio(self, esno_db: float, batches: int = 1) -> tuple[float, dict[str, float]]:
        """The peer's time over ours, and the median times in s of so many batches in a row.

        Where one batch takes a few milliseconds, a turn holds several, or it would measure how long a busy machine
        lets a thread wait.
        """
        drawn = [[self.received(esno_db) for _ in range(batches)] for _ in range(ROUNDS + 1)]
        turn = {"ours": iter(drawn), "peer": iter(drawn)}
        spent = timing.in_turns(
            {
                "ours": lambda: [self.ours(llr) for llr in next(turn["ours"])],
                "peer": lambda: [self.peer(llr) for llr in next(turn["peer"])],
            },
            rounds=ROUNDS,
        )
        return timing.ratio(spent, "peer", "ours"), {name: statistics.median(each) for name, each in spent.items()}

    def failures(self, esno_db: float, batches: int) -> tuple[int, int, int]:
        """Words that both, only ours, and only the peer got wrong."""
        both = only_ours = only_peer = 0
        for _ in range(batches):
            llr = self.received(esno_db)
            a, b = self.ours.failed(llr), self.peer.failed(llr)
            both, only_ours, only_peer = both + (a & b).sum(), only_ours + (a & ~b).sum(), only_peer + (b & ~a).sum()
        return int(both), int(only_ours), int(only_peer)


def run() -> dict[str, float]:
    """Ratios at 1 % and 90 % BLER of the peer, 1 dB above the 1 % point and for small codes; rates; compile time."""
    match = Match(*LARGE)
    compile_s = timing.first_call_s(lambda: match.ours(match.received(ONE_PER_CENT_DB)))
    figures = {}
    for name, esno_db in (
        ("decoder", ONE_PER_CENT_DB),
        ("decoder_hard", NINETY_PER_CENT_DB),
        ("decoder_clear", CLEAR_DB),
    ):
        figures[f"{name}_ratio"], median_s = match.ratio(esno_db)
        figures[f"{name}_mbit_per_s"] = ROWS * LARGE[0] / median_s["ours"] / 1e6
    both, only_ours, only_peer = match.failures(ONE_PER_CENT_DB, 4)
    figures["decoder_failures"], figures["decoder_peer_failures"] = both + only_ours, both + only_peer
    timing.note(
        f"of {4 * ROWS} words at {ONE_PER_CENT_DB} dB: wrong in both {both}, only ours {only_ours}, peer {only_peer}"
    )
    small = []
    for size, esno_db in SMALL.items():
        each = Match(*size)
        small.append(each.ratio(esno_db, batches=16)[0])
        both, only_ours, only_peer = each.failures(esno_db, 8)
        timing.note(
            f"K = {size[0]}: ratio {small[-1]:.1f}; of {8 * ROWS} words at {esno_db} dB: wrong in both {both}, "
            f"ours {only_ours}, peer {only_peer}"
        )
    figures["decoder_small_ratio"] = min(small)
    figures["decoder_compile_ms"] = 1e3 * compile_s
    deepest = CodewordCode(information_bits=DEEPEST[0], coded_bits=DEEPEST[1], modulation_order=1)
    decode = tf.function(lambda llr: deepest.decode(llr).bits, jit_compile=True, autograph=False)
    noise = tf.zeros([ROWS, DEEPEST[1]])
    figures["decoder_deepest_compile_ms"] = 1e3 * timing.first_call_s(lambda: decode(noise))
    return figures
