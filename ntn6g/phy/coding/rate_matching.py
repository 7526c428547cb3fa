"""Rate matching: what of each code block is sent in which transmission, and soft values put back in their places."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding.block_size import transport_block_bits
from ntn6g.phy.coding.decoder import DECODERS, DecodedWords
from ntn6g.phy.coding.ldpc import IntArray, LdpcCode

REDUNDANCY_VERSIONS = (0, 1, 2, 3)
_BUFFER_BLOCKS = (32, 66, 107, 135, 162, 217, 273)  # TS 38.212 Table 5.4.2.1-1
_BUFFER_ELEMENTS_PER_BLOCK, _BUFFER_CODE_RATE = 156, 948 / 1024  # TS 38.212 5.4.2.1


@dataclass(frozen=True)
class LimitedBuffer:
    """The receiver's soft buffer (LBRM), dimensioned for the largest block of a carrier: TS 38.212 V18, 5.4.2.1.

    ``resource_blocks`` are the most of any bandwidth part, ``layers`` the most of one transport block (at most 4
    count), ``modulation_order`` the largest Q_m that is configured.
    """

    resource_blocks: int
    layers: int = 1
    modulation_order: int = 6

    @property
    def block_bits(self) -> int:
        """TBS_LBRM: the block size at rate 948/1024 on 156 elements of each of n_PRB,LBRM blocks."""
        blocks = next((n for n in _BUFFER_BLOCKS if self.resource_blocks <= n), _BUFFER_BLOCKS[-1])
        return transport_block_bits(
            resource_elements=_BUFFER_ELEMENTS_PER_BLOCK * blocks,
            modulation_order=self.modulation_order,
            code_rate=_BUFFER_CODE_RATE,
            layers=min(self.layers, 4),
        )

    def bits_of(self, block_bits: int, code_blocks: int) -> int:
        """N_ref = floor(TBS_LBRM / (C R_LBRM)) with R_LBRM = 2/3, for a transport block of C code blocks.

        Raises
        ------
        ScenarioError
            The transport block is larger than the one the buffer is made for.
        """
        if block_bits > self.block_bits:
            raise ScenarioError(
                f"a transport block of {block_bits} bits is larger than the {self.block_bits} bits (TBS_LBRM of TS "
                f"38.212 5.4.2.1) that a buffer for {self.resource_blocks} resource blocks, {self.layers} layers and "
                f"modulation order {self.modulation_order} holds; give the carrier's own figures",
                key="link.limited_buffer",
            )
        return 3 * self.block_bits // (2 * code_blocks)


def rate_matched_lengths(coded_bits: int, code_blocks: int, modulation_order: int) -> list[int]:
    """Bits E_r sent of each code block: first floors of an equal share, then ceilings, in units of N_L Q_m.

    References
    ----------
    3GPP TS 38.212 V18, 5.4.2.1 (no code-block groups); ``modulation_order`` stands for N_L Q_m.
    """
    symbols = coded_bits // modulation_order
    longer = symbols % code_blocks
    return [modulation_order * (symbols // code_blocks + (r >= code_blocks - longer)) for r in range(code_blocks)]


class RateMatchedCode:
    """The code blocks of one transport block between information bits and the coded bits of each slot.

    A codeword is [positions, B], all bits of the mother codewords; transmission ``attempt`` sends the bits of its
    redundancy version, and what is received of them goes back to its positions. The number of a transmission, from 0,
    may be a scalar tensor where a compiled loop counts them. Soft values of several transmissions
    add up: of equal versions that is chase combining, of different ones incremental redundancy.

    Parameters
    ----------
    base_graph, information_bits, buffer_bits
        As in :class:`LdpcCode`.
    lengths
        Bits E_r of each code block.
    modulation_order
        Q_m of the bit interleaver.
    versions
        Redundancy version of each transmission.
    decoder, iterations
        Name in :data:`DECODERS` and its largest number of iterations; None takes its default.

    Raises
    ------
    ScenarioError
        Unknown decoder, or a code that it refuses.
    """

    def __init__(
        self,
        *,
        base_graph: int,
        information_bits: int,
        lengths: list[int],
        modulation_order: int,
        decoder: str,
        iterations: int | None,
        versions: tuple[int, ...] = (0,),
        buffer_bits: int | None = None,
    ) -> None:
        if decoder not in DECODERS:
            raise ScenarioError(f"{decoder!r} is not a decoder; known: {', '.join(DECODERS)}", key="link.decoder")
        self.code = LdpcCode(
            base_graph=base_graph,
            information_bits=information_bits,
            sent_bits=max(lengths),
            versions=versions,
            buffer_bits=buffer_bits,
        )
        self.blocks, self.coded_bits = len(lengths), sum(lengths)
        knobs = {} if iterations is None else {"iterations": iterations}
        self._decoder = DECODERS[decoder](self.code, **knobs)
        self._sent = np.stack([self._positions(lengths, modulation_order, version) for version in versions])
        self._received = _sources(self._sent, self.code.bits * self.blocks)

    def _positions(self, lengths: list[int], modulation_order: int, version: int) -> IntArray:
        positions = [self.code.sent_positions(length, modulation_order, version) for length in lengths]
        return np.concatenate([p * self.blocks + r for r, p in enumerate(positions)]).astype(np.int32)

    def codeword(self, words: tf.Tensor) -> tf.Tensor:
        """int8 [K', C, B] to int8 [positions, B]."""
        batch = words.shape[2]
        mother = self.code.encode(tf.reshape(words, [self.code.information_bits, self.blocks * batch]))
        return tf.reshape(mother, [self.code.bits * self.blocks, batch])

    def send(self, codeword: tf.Tensor, attempt: int | tf.Tensor = 0) -> tf.Tensor:
        """Coded bits of one transmission: int8 [positions, B] to float32 [B, G]."""
        sent = tf.gather(codeword, _entry(self._sent, attempt))
        return tf.cast(tf.transpose(sent), tf.float32)

    def collect(self, llr: tf.Tensor, attempt: int | tf.Tensor = 0) -> tf.Tensor:
        """Soft values in their places, 0 where nothing was received: float32 [B, G] to [positions, B]."""
        padded = tf.concat([tf.transpose(llr), tf.zeros([1, llr.shape[0]])], 0)  # the last row: nothing was received
        return tf.add_n([tf.gather(padded, _entry(table, attempt)) for table in self._received])

    def decode(self, soft: tf.Tensor) -> DecodedWords:
        """float32 [positions, B] to decoded words, code block by code block: [K', C * B]."""
        return self._decoder(tf.reshape(soft, [self.code.bits, self.blocks * soft.shape[1]]))


def _entry(tables: IntArray, attempt: int | tf.Tensor) -> tf.Tensor:
    """Row of a table by transmission, a constant of the program where the number is one."""
    if isinstance(attempt, int):
        return tf.constant(tables[attempt])
    return tf.gather(tf.constant(tables), attempt)


def _sources(sent: IntArray, count: int) -> list[IntArray]:
    """Where each mother bit was received, one table [attempts, count] per repetition; G means nowhere."""
    attempts, coded_bits = sent.shape
    orders = np.argsort(sent, axis=1, kind="stable")
    ordered = np.take_along_axis(sent, orders, axis=1)
    repetition = np.stack([np.arange(coded_bits) - np.searchsorted(row, row) for row in ordered])
    tables = np.full((int(repetition.max()) + 1, attempts, count), coded_bits, np.int32)
    tables[repetition, np.arange(attempts)[:, None], ordered] = orders
    return list(tables)
