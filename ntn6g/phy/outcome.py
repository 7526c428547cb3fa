"""What a link reports about each block."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True, kw_only=True)
class LinkOutcome:
    """Result of one batch of blocks; every field has shape [B].

    ``bits`` and ``bit_errors`` (int32) count transport-block bits after decoding, ``uncoded_bits`` and
    ``uncoded_bit_errors`` (int32) hard decisions before it, ``block_error`` (bool) tells whether any
    transport-block bit is wrong, ``undetected_error`` (bool) whether the CRC passed all the same, ``sinr``
    (float32) is the linear ratio of signal to everything else on the data elements as the receiver sees it, and
    ``iterations`` (int32) what the decoder spent; ``left`` is what a synchroniser left (`ntn6g.phy.air.Left`), None
    without one.
    """

    bits: tf.Tensor
    bit_errors: tf.Tensor
    uncoded_bits: tf.Tensor
    uncoded_bit_errors: tf.Tensor
    block_error: tf.Tensor
    undetected_error: tf.Tensor
    sinr: tf.Tensor
    iterations: tf.Tensor
    left: Any = None

    def counts(self) -> dict[str, tf.Tensor]:
        """What adds up over blocks, by name; every entry [B], a bool counts as 0 or 1."""
        return {
            "blocks": tf.ones_like(self.bits),
            "bits": self.bits,
            "bit_errors": self.bit_errors,
            "uncoded_bits": self.uncoded_bits,
            "uncoded_bit_errors": self.uncoded_bit_errors,
            "block_errors": self.block_error,
            "undetected_errors": self.undetected_error,
            "iterations": self.iterations,
        }
