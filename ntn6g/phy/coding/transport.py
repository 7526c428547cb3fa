"""Transport blocks: CRC, segmentation, LDPC, rate matching, interleaving, concatenation, and all of it back.

    bits [B, A] -> CRC 24A/16 -> C code blocks with CRC 24B -> codeword [positions, B] -> coded [B, G], each time it is
    LLR [B, G], each time -> soft values [positions, B], summed -> decoder -> CRC checks -> bits [B, A]        sent

The code blocks of all transport blocks are decoded as one batch. LLR = log P(1)/P(0), as Sionna's demappers
give. Scrambling belongs to the physical channel (`ntn6g.phy.physical_channel`).
"""

from dataclasses import dataclass

import tensorflow as tf
from sionna.phy.fec.crc import CRCEncoder

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding.block_size import base_graph, segment
from ntn6g.phy.coding.check_rules import STEPS_PER_LLR
from ntn6g.phy.coding.decoder import DecodedWords
from ntn6g.phy.coding.rate_matching import (
    REDUNDANCY_VERSIONS,
    LimitedBuffer,
    RateMatchedCode,
    rate_matched_lengths,
)

DEFAULT_DECODER = "layered-offset-min-sum"
HIGHEST_RATE = 0.95  # TS 38.214 V18.7.0 5.1.3: above it a receiver may skip decoding


@dataclass(frozen=True)
class Decoded:
    """``bits`` float32 [B, A]; ``crc_ok`` bool [B]; ``iterations`` int32 [B], the most of any code block.

    A bare codeword has no CRC: there ``crc_ok`` says that the parity checks hold.
    """

    bits: tf.Tensor
    crc_ok: tf.Tensor
    iterations: tf.Tensor


class TransportCode:
    """Channel coding of a transport block (TS 38.212 V18, 7.2).

    Rates below the mother code's (1/3 on base graph 1, 1/5 on 2) are sent by repetition as in the standard.
    `encode` and `decode` are the first transmission; a block that is sent several times takes `codeword` once, then
    `send` and `collect` for each transmission and `decide` on the sum of what was collected.

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
    versions
        Redundancy version, 0 to 3, of each transmission.
    limited_buffer
        The receiver's soft buffer; None for one that holds every codeword whole.
    layers
        N_L: code blocks get whole symbols of all layers.

    Raises
    ------
    ScenarioError
        Effective rate above 0.95, G no multiple of Q_m, unknown decoder or redundancy version, a block larger than
        the buffer.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, each a quantity of the standard
        self,
        *,
        block_bits: int,
        coded_bits: int,
        modulation_order: int,
        code_rate: float,
        decoder: str = DEFAULT_DECODER,
        iterations: int | None = None,
        versions: tuple[int, ...] = (0,),
        limited_buffer: LimitedBuffer | None = None,
        layers: int = 1,
    ) -> None:
        self.block_bits, self.coded_bits = block_bits, coded_bits
        parts = segment(block_bits, code_rate)
        _check_sizes(block_bits + parts.transport_crc_bits, coded_bits, modulation_order)
        _check_versions(versions)
        self.segmentation = parts
        self._code = RateMatchedCode(
            base_graph=parts.base_graph,
            information_bits=parts.code_block_bits,
            lengths=rate_matched_lengths(coded_bits, parts.code_blocks, layers * modulation_order),
            modulation_order=modulation_order,
            decoder=decoder,
            iterations=iterations,
            versions=versions,
            buffer_bits=limited_buffer.bits_of(block_bits, parts.code_blocks) if limited_buffer else None,
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
        """Encode float32 bits [B, A] to float32 [B, G], the first transmission."""
        return self.send(self.codeword(bits))

    def decode(self, llr: tf.Tensor) -> Decoded:
        """Decode float32 LLR [B, G], log P(1)/P(0), of the first transmission."""
        return self.decide(self.collect(llr))

    def codeword(self, bits: tf.Tensor) -> tf.Tensor:
        """All that may be sent: float32 bits [B, A] to int8 [positions, B]."""
        parts = self.segmentation
        blocks = tf.reshape(self._transport_crc(bits), [bits.shape[0], parts.code_blocks, -1])
        if parts.code_block_crc_bits:
            blocks = self._block_crc(blocks)
        return self._code.codeword(tf.transpose(tf.cast(blocks, tf.int8), [2, 1, 0]))

    def send(self, codeword: tf.Tensor, attempt: int | tf.Tensor = 0) -> tf.Tensor:
        """Coded bits of one transmission: int8 [positions, B] to float32 [B, G]."""
        return self._code.send(codeword, attempt)

    def collect(self, llr: tf.Tensor, attempt: int | tf.Tensor = 0) -> tf.Tensor:
        """LLR of one transmission in their places: float32 [B, G] to [positions, B], to be added to earlier ones."""
        return self._code.collect(llr, attempt)

    def decide(self, soft: tf.Tensor) -> Decoded:
        """Decode soft values float32 [positions, B]."""
        parts, batch = self.segmentation, soft.shape[1]
        words = self._code.decode(soft)
        blocks = tf.reshape(words.bits, [parts.code_block_bits, parts.code_blocks, batch])
        blocks = tf.cast(tf.transpose(blocks, [2, 1, 0]), tf.float32)
        ok = tf.ones([batch], tf.bool)
        if parts.code_block_crc_bits:
            ok = tf.reduce_all(_crc_holds(self._block_crc, blocks), 1)
            blocks = blocks[..., : -parts.code_block_crc_bits]
        block = tf.reshape(blocks, [batch, self.block_bits + parts.transport_crc_bits])
        ok &= _crc_holds(self._transport_crc, block)
        # where nothing was received the decoder stays at the zero word, whose CRC holds
        ok &= tf.reduce_any(tf.abs(soft) * STEPS_PER_LLR > 0.5, 0)
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
        self._code = RateMatchedCode(
            base_graph=graph or base_graph(information_bits, information_bits / coded_bits),
            information_bits=information_bits,
            lengths=[coded_bits],
            modulation_order=modulation_order,
            decoder=decoder,
            iterations=iterations,
        )

    def encode(self, bits: tf.Tensor) -> tf.Tensor:
        """Encode float32 bits [B, k] to float32 [B, n]."""
        return self._code.send(self._code.codeword(tf.transpose(tf.cast(bits, tf.int8))[:, None, :]))

    def decode(self, llr: tf.Tensor) -> Decoded:
        """Decode float32 LLR [B, n], log P(1)/P(0)."""
        words: DecodedWords = self._code.decode(self._code.collect(llr))
        return Decoded(tf.cast(tf.transpose(words.bits), tf.float32), words.parity_ok, words.iterations)


def _crc_holds(crc: CRCEncoder, word: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.equal(crc(word[..., : -crc.crc_length]), word), -1)


def _check_versions(versions: tuple[int, ...]) -> None:
    unknown = [version for version in versions if version not in REDUNDANCY_VERSIONS]
    if unknown or not versions:
        raise ScenarioError(
            f"{unknown[0] if unknown else 'nothing'} is not a redundancy version; TS 38.212 has 0, 1, 2, 3",
            key="link.harq.redundancy_versions",
        )


def _check_sizes(information_bits: int, coded_bits: int, modulation_order: int) -> None:
    if coded_bits % modulation_order:
        raise ScenarioError(
            f"{coded_bits} coded bits are no multiple of the modulation order {modulation_order}",
            key="link.mcs",
        )
    if information_bits > HIGHEST_RATE * coded_bits:
        raise ScenarioError(
            f"{information_bits} bits with CRC in {coded_bits} coded bits exceed the rate {HIGHEST_RATE} "
            "that TS 38.214 5.1.3 allows a receiver; take a lower MCS or more data elements (more resource blocks, "
            "fewer DM-RS, no PT-RS)",
            key="link.mcs",
        )
