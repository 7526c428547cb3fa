"""One code block over white noise: the shortest chain there is, from which block error rate tables are made."""

from typing import ClassVar

import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.fusion import computed_once
from ntn6g.phy.abstraction.code_block import CodeBlock
from ntn6g.phy.coding import CodewordCode
from ntn6g.phy.coding.transport import DEFAULT_DECODER
from ntn6g.phy.link_values import LinkValues
from ntn6g.phy.modulation import MODULATION_OF_ORDER, Modulation
from ntn6g.phy.outcome import LinkOutcome


class CodewordChain:
    """Bits, code, mapper, noise, exact demapper, decoder; called as a `LinkChain` is, and uses the noise variance only.

    Parameters
    ----------
    block : CodeBlock
        The code block.
    decoder, iterations
        As in `ntn6g.phy.coding.TransportCode`.
    """

    values_type: ClassVar[type[LinkValues]] = LinkValues

    def __init__(self, block: CodeBlock, *, decoder: str = DEFAULT_DECODER, iterations: int | None = None) -> None:
        self.block = block
        self.modulation = Modulation(MODULATION_OF_ORDER[block.modulation_order])
        self.code = CodewordCode(
            information_bits=block.bits,
            coded_bits=block.coded_bits,
            modulation_order=block.modulation_order,
            decoder=decoder,
            iterations=iterations,
            graph=block.base_graph,
        )

    def __call__(self, keys: tf.Tensor, values: LinkValues) -> LinkOutcome:
        """Run one batch: keys uint32 [B, 2], values [B]. There is no CRC, so no error counts as undetected."""
        batch = keys.shape[0]
        variance = values.noise_variance[:, None]

        def received_symbols() -> tf.Tensor:
            sent = self.modulation.map(coded)
            noise = random.complex_normal(random.stream(keys, "noise"), (sent.shape[1],))
            return sent + tf.cast(tf.sqrt(variance), tf.complex64) * noise

        bits = computed_once(lambda: random.bits(random.stream(keys, "bits"), self.block.bits), keys)
        coded = computed_once(lambda: self.code.encode(bits), keys)
        received = computed_once(received_symbols, keys)
        ratios = self.modulation.llr(received, tf.broadcast_to(variance, received.shape))
        decoded = self.code.decode(ratios)
        errors = tf.reduce_sum(tf.cast(decoded.bits != bits, tf.int32), axis=1)
        uncoded_errors = tf.reduce_sum(tf.cast(tf.cast(ratios > 0, tf.float32) != coded, tf.int32), axis=1)
        return LinkOutcome(
            bits=tf.fill([batch], self.block.bits),
            bit_errors=errors,
            uncoded_bits=tf.fill([batch], self.block.coded_bits),
            uncoded_bit_errors=uncoded_errors,
            block_error=errors > 0,
            undetected_error=tf.zeros([batch], tf.bool),
            sinr=1.0 / values.noise_variance,
            iterations=decoded.iterations,
        )
