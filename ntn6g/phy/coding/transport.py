"""Transport blocks: CRC, segmentation, LDPC, rate matching, interleaving, concatenation, and all of it back.

    bits [B, A] -> CRC 24A/16 -> C code blocks with CRC 24B -> mother codewords [bits, C * B] -> coded [B, G]
    LLR [B, G] -> channel values of the mother codewords -> decoder -> CRC checks -> bits [B, A]

The code blocks of all transport blocks are decoded as one batch. LLR = log P(1)/P(0), as Sionna's demappers
give. Scrambling is left out: it is the same on both sides and changes no statistics of a random payload.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from sionna.phy.fec.crc import CRCEncoder

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding.block_size import base_graph, segment
from ntn6g.phy.coding.decoder import DECODERS, DecodedWords
from ntn6g.phy.coding.ldpc import IntArray, LdpcCode

DEFAULT_DECODER = "layered-min-sum"
HIGHEST_RATE = 0.95  # TS 38.214 V18.7.0 5.1.3: above it a receiver may skip decoding


@dataclass(frozen=True)
class Decoded:
    """``bits`` float32 [B, A]; ``crc_ok`` bool [B]; ``iterations`` int32 [B], the most of any code block.

    A bare codeword has no CRC: there ``crc_ok`` says that the parity checks hold.
    """

    bits: tf.Tensor
    crc_ok: tf.Tensor
    iterations: tf.Tensor


def rate_matched_lengths(coded_bits: int, code_blocks: int, modulation_order: int) -> list[int]:
    """Bits E_r sent of each code block: first floors of an equal share, then ceilings.

    References
    ----------
    3GPP TS 38.212 V18, 5.4.2.1 (one layer, no code-block groups).
    """
    symbols = coded_bits // modulation_order
    longer = symbols % code_blocks
    return [
        modulation_order * (symbols // code_blocks + (r >= code_blocks - longer)) for r in range(code_blocks)
    ]


class _RateMatchedCode:
    """The code blocks of one transport block between information bits and the coded bits of the slot."""

    def __init__(
        self,
        *,
        base_graph: int,
        information_bits: int,
        lengths: list[int],
        modulation_order: int,
        decoder: str,
        iterations: int | None,
    ) -> None:
        if decoder not in DECODERS:
            raise ScenarioError(
                f"{decoder!r} is not a decoder; known: {', '.join(DECODERS)}", key="link.decoder"
            )
        self.code = LdpcCode(base_graph=base_graph, information_bits=information_bits, sent_bits=max(lengths))
        self.blocks, self.coded_bits = len(lengths), sum(lengths)
        knobs = {} if iterations is None else {"iterations": iterations}
        self._decoder = DECODERS[decoder](self.code, **knobs)
        positions = [self.code.sent_positions(length, modulation_order) for length in lengths]
        self._sent = np.concatenate([p * self.blocks + r for r, p in enumerate(positions)]).astype(np.int32)
        self._received = _sources(self._sent, self.code.bits * self.blocks)

    def encode(self, words: tf.Tensor) -> tf.Tensor:
        """int8 [K', C, B] to float32 [B, G]."""
        batch = words.shape[2]
        mother = self.code.encode(tf.reshape(words, [self.code.information_bits, self.blocks * batch]))
        sent = tf.gather(tf.reshape(mother, [self.code.bits * self.blocks, batch]), self._sent)
        return tf.cast(tf.transpose(sent), tf.float32)

    def decode(self, llr: tf.Tensor) -> DecodedWords:
        """float32 [B, G] to decoded words, code block by code block: [K', C * B]."""
        batch = llr.shape[0]
        padded = tf.concat([tf.transpose(llr), tf.zeros([1, batch])], 0)  # the last row: nothing was received
        mother = tf.add_n([tf.gather(padded, rows) for rows in self._received])
        return self._decoder(tf.reshape(mother, [self.code.bits, self.blocks * batch]))


def _sources(sent: IntArray, count: int) -> list[IntArray]:
    """Where each mother bit was received, one table per repetition; ``len(sent)`` means nowhere."""
    order = np.argsort(sent, kind="stable")
    ordered = sent[order]
    repetition = np.arange(len(sent)) - np.searchsorted(ordered, ordered)
    tables = np.full((int(repetition.max()) + 1, count), len(sent), np.int32)
    tables[repetition, ordered] = order
    return list(tables)


class TransportCode:
    """Channel coding of a transport block (TS 38.212 V18, 7.2): redundancy version 0, one layer, unscrambled.

    Rates below the mother code's (1/3 on base graph 1, 1/5 on 2) are sent by repetition as in the standard.

    Parameters
    ----------
    block_bits
        Transport block size A, see :func:`ntn6g.phy.coding.transport_block_bits`.
    coded_bits
        Bits G that the slot carries.
    modulation_order, code_rate
        Q_m and target rate R of the MCS row; R decides the base graph.
    decoder, iterations
        Name in :data:`ntn6g.phy.coding.DECODERS` and its largest number of iterations; None takes its
        default.

    Raises
    ------
    ScenarioError
        Effective rate above 0.95, G no multiple of Q_m, unknown decoder.
    """

    def __init__(
        self,
        *,
        block_bits: int,
        coded_bits: int,
        modulation_order: int,
        code_rate: float,
        decoder: str = DEFAULT_DECODER,
        iterations: int | None = None,
    ) -> None:
        self.block_bits, self.coded_bits = block_bits, coded_bits
        parts = segment(block_bits, code_rate)
        _check_sizes(block_bits + parts.transport_crc_bits, coded_bits, modulation_order)
        self.segmentation = parts
        self._code = _RateMatchedCode(
            base_graph=parts.base_graph,
            information_bits=parts.code_block_bits,
            lengths=rate_matched_lengths(coded_bits, parts.code_blocks, modulation_order),
            modulation_order=modulation_order,
            decoder=decoder,
            iterations=iterations,
        )
        self._transport_crc = CRCEncoder("CRC24A" if parts.transport_crc_bits == 24 else "CRC16")
        self._transport_crc.build((None, block_bits))
        self._block_crc = CRCEncoder("CRC24B")
        self._block_crc.build((None, parts.code_block_bits - parts.code_block_crc_bits))

    @property
    def lifting_size(self) -> int:
        """Z_c of the code blocks."""
        return self._code.code.lifting_size

    def encode(self, bits: tf.Tensor) -> tf.Tensor:
        """Encode float32 bits [B, A] to float32 [B, G]."""
        parts = self.segmentation
        blocks = tf.reshape(self._transport_crc(bits), [bits.shape[0], parts.code_blocks, -1])
        if parts.code_block_crc_bits:
            blocks = self._block_crc(blocks)
        return self._code.encode(tf.transpose(tf.cast(blocks, tf.int8), [2, 1, 0]))

    def decode(self, llr: tf.Tensor) -> Decoded:
        """Decode float32 LLR [B, G], log P(1)/P(0)."""
        parts, batch = self.segmentation, llr.shape[0]
        words = self._code.decode(llr)
        blocks = tf.reshape(words.bits, [parts.code_block_bits, parts.code_blocks, batch])
        blocks = tf.cast(tf.transpose(blocks, [2, 1, 0]), tf.float32)
        ok = tf.ones([batch], tf.bool)
        if parts.code_block_crc_bits:
            ok = tf.reduce_all(_crc_holds(self._block_crc, blocks), 1)
            blocks = blocks[..., : -parts.code_block_crc_bits]
        block = tf.reshape(blocks, [batch, self.block_bits + parts.transport_crc_bits])
        ok &= _crc_holds(self._transport_crc, block)
        iterations = tf.reduce_max(tf.reshape(words.iterations, [parts.code_blocks, batch]), 0)
        return Decoded(block[:, : self.block_bits], ok, iterations)


class CodewordCode:
    """One bare code block, k information bits to n coded bits, without CRC, as in published BLER tables.

    Parameters
    ----------
    information_bits, coded_bits
        k and n; k / n decides the base graph as in TS 38.212 V18, 7.2.2, unless ``graph`` is given.
    modulation_order
        Q_m of the bit interleaver; 1 leaves the order as it is.
    decoder, iterations
        As in :class:`TransportCode`.
    graph
        Base graph, 1 or 2.
    """

    def __init__(
        self,
        *,
        information_bits: int,
        coded_bits: int,
        modulation_order: int,
        decoder: str = DEFAULT_DECODER,
        iterations: int | None = None,
        graph: int | None = None,
    ) -> None:
        _check_sizes(information_bits, coded_bits, modulation_order)
        self._code = _RateMatchedCode(
            base_graph=graph or base_graph(information_bits, information_bits / coded_bits),
            information_bits=information_bits,
            lengths=[coded_bits],
            modulation_order=modulation_order,
            decoder=decoder,
            iterations=iterations,
        )

    def encode(self, bits: tf.Tensor) -> tf.Tensor:
        """Encode float32 bits [B, k] to float32 [B, n]."""
        return self._code.encode(tf.transpose(tf.cast(bits, tf.int8))[:, None, :])

    def decode(self, llr: tf.Tensor) -> Decoded:
        """Decode float32 LLR [B, n], log P(1)/P(0)."""
        words = self._code.decode(llr)
        return Decoded(tf.cast(tf.transpose(words.bits), tf.float32), words.parity_ok, words.iterations)


def _crc_holds(crc: CRCEncoder, word: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.equal(crc(word[..., : -crc.crc_length]), word), -1)


def _check_sizes(information_bits: int, coded_bits: int, modulation_order: int) -> None:
    if coded_bits % modulation_order:
        raise ScenarioError(
            f"{coded_bits} coded bits are no multiple of the modulation order {modulation_order}",
            key="link.mcs",
        )
    if information_bits > HIGHEST_RATE * coded_bits:
        raise ScenarioError(
            f"{information_bits} bits with CRC in {coded_bits} coded bits exceed the rate {HIGHEST_RATE} "
            "that TS 38.214 5.1.3 allows a receiver; take a lower MCS or more resource blocks",
            key="link.mcs",
        )
