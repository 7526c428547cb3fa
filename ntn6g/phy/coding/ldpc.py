"""One LDPC code block of NR: lifted base graph, encoder, and which mother-code bits are sent where.

Tensors have the codewords innermost, ``[bits, codewords]``, so that a cyclic shift moves whole contiguous
rows. The base graphs are Sionna's data files (TS 38.212 Tables 5.3.2-2 and -3). The encoder is ours:
Sionna's ``LDPC5GEncoder`` refuses rates below 1/5, and base graph 1 below 1/3, which the standard sends by
repetition, and runs at a quarter of the speed.
"""

from collections import defaultdict
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ntn6g.phy.coding.block_size import SYSTEMATIC_COLUMNS, lifting_size

IntArray = npt.NDArray[np.int32]

CORE_ROWS = 4  # rows of the base graph with the double-diagonal parity part
_COLUMNS = {1: 68, 2: 52}
PUNCTURED = 2  # first columns, never sent
# TS 38.212 V18 Table 5.4.2.1-2: k_0 = floor(numerator N_cb / (columns Z)) Z of redundancy versions 0 to 3, where the
# columns are those of the full circular buffer
_START_NUMERATORS = {1: (0, 17, 33, 56), 2: (0, 13, 25, 43)}


@cache
def _base_matrix(graph: int, lifting_set: int) -> IntArray:
    """Shift values V of TS 38.212 Tables 5.3.2-2 and -3; -1 where the base graph has no edge."""
    columns = _COLUMNS[graph]
    matrix = np.full((columns - SYSTEMATIC_COLUMNS[graph], columns), -1, np.int32)
    text = (files("sionna.phy.fec.ldpc.codes") / f"5G_bg{graph}.csv").read_text(encoding="utf-8-sig")
    row = 0
    for line in text.splitlines()[2:]:  # two header lines; an empty first field repeats the row above
        cells = line.split(";")
        row = int(cells[0]) if cells[0] else row
        matrix[row, int(cells[1])] = int(cells[2 + lifting_set])
    return matrix


def start_position(*, base_graph: int, lifting_size: int, buffer_bits: int, version: int) -> int:
    """Where redundancy version 0 to 3 starts in a circular buffer of N_cb bits: k_0 of TS 38.212 Table 5.4.2.1-2."""
    columns = _COLUMNS[base_graph] - PUNCTURED
    return _START_NUMERATORS[base_graph][version] * buffer_bits // (columns * lifting_size) * lifting_size


class LdpcCode:
    """A code block of K' bits on an NR base graph, cut to the columns that are sent.

    Extension columns that no transmission reaches are left out with their checks, which say nothing without them; they
    stay zero in a codeword.

    Parameters
    ----------
    base_graph
        1 or 2.
    information_bits
        K', code-block CRC included, filler excluded.
    sent_bits
        Largest number of rate-matched bits E of any code block.
    versions
        Redundancy versions that are sent, each 0 to 3.
    buffer_bits
        N_cb of a limited buffer, filler counted; None for the whole codeword.

    References
    ----------
    3GPP TS 38.212 V18, 5.2.2, 5.3.2 and 5.4.2.1.
    """

    def __init__(
        self,
        *,
        base_graph: int,
        information_bits: int,
        sent_bits: int,
        versions: tuple[int, ...] = (0,),
        buffer_bits: int | None = None,
    ) -> None:
        self.base_graph, self.information_bits = base_graph, information_bits
        self.lifting_size, lifting_set = lifting_size(information_bits, base_graph)
        self.systematic_columns = SYSTEMATIC_COLUMNS[base_graph]
        base = _base_matrix(base_graph, lifting_set)
        z, systematic = self.lifting_size, self.systematic_columns
        self.filler_bits = systematic * z - information_bits
        # bit position in the mother codeword (punctured columns counted) of each entry of the circular buffer
        whole = (base.shape[1] - PUNCTURED) * z
        self.buffer_bits = whole if buffer_bits is None else min(whole, buffer_bits)
        positions = np.arange(PUNCTURED * z, PUNCTURED * z + self.buffer_bits, dtype=np.int32)
        filler = (positions >= information_bits) & (positions < systematic * z)
        self.buffer = positions[~filler]
        sent = np.unique(np.concatenate([self._selected(sent_bits, version) for version in versions]) // z)
        rows = max(CORE_ROWS, int(sent[-1]) + 1 - systematic)
        self.columns = systematic + rows
        used = [r for r in range(rows) if r < CORE_ROWS or systematic + r in sent]
        edges = {r: np.flatnonzero(base[r, : self.columns] >= 0) for r in used}
        self._rows = {r: tuple((int(c), int(base[r, c]) % z) for c in edges[r]) for r in used}
        self.layers = tuple(self._rows.values())
        self.checks = self._checks()
        self.bits = self.columns * z  # of the mother codeword, as far as it is used

    def _selected(self, sent_bits: int, version: int) -> IntArray:
        """Bit selection: the circular buffer from k_0 on, without filler, wrapping round (TS 38.212 5.4.2.1)."""
        start = start_position(
            base_graph=self.base_graph,
            lifting_size=self.lifting_size,
            buffer_bits=self.buffer_bits,
            version=version,
        )
        first = int(np.searchsorted(self.buffer, PUNCTURED * self.lifting_size + start))
        return np.take(self.buffer, first + np.arange(sent_bits), mode="wrap")

    def _checks(self) -> tuple[IntArray, ...]:
        """Bit positions of all checks, [layers, edges, Z] for layers of equally many edges, in an order for decoding.

        Layers that touch both punctured columns come last, since two erased bits make a check say nothing; among the
        others, and among those, few edges come first, since their checks say most, and the last row of the base graph
        first. A message-passing decoder then needs 1 to 10 % fewer iterations than in the order of the rows, the more
        the longer the blocks.
        """
        groups = defaultdict(list)
        for layer in reversed(self.layers):
            both = sum(column < PUNCTURED for column, _ in layer) == PUNCTURED
            groups[both, len(layer)].append(self.rows_of(layer).reshape(len(layer), -1))
        return tuple(np.stack(groups[key]) for key in sorted(groups))

    def rows_of(self, edges: tuple[tuple[int, int], ...]) -> IntArray:
        """Bit positions that the Z checks of a base-graph row touch, edge by edge: [edges * Z]."""
        z = self.lifting_size
        return np.concatenate([c * z + (np.arange(z) + shift) % z for c, shift in edges]).astype(np.int32)

    def parity(self, word: tf.Tensor, edges: tuple[tuple[int, int], ...]) -> tf.Tensor:
        """Sum modulo 2 over the edges of one row: int8 [bits, codewords] to int8 [Z, codewords]."""
        bits = tf.reshape(tf.gather(word, self.rows_of(edges)), [len(edges), self.lifting_size, word.shape[1]])
        return tf.bitwise.bitwise_and(tf.reduce_sum(bits, 0), tf.constant(1, tf.int8))

    def encode(self, information: tf.Tensor) -> tf.Tensor:
        """Mother codeword, filler and punctured bits included.

        The four core rows are double diagonal: their sum leaves one shifted copy of the first parity
        column, then each row yields the next column; every further row has one parity column of its own (TS
        38.212 5.3.2).

        Parameters
        ----------
        information : int8 [K', codewords]
            Bits 0 or 1.

        Returns
        -------
        int8 [columns * Z, codewords]
        """
        first = self.systematic_columns
        word = tf.pad(information, [[0, self.filler_bits], [0, 0]])
        sums = [self.parity(word, _below(layer, first)) for layer in self.layers[:CORE_ROWS]]
        total = tf.bitwise.bitwise_xor(
            tf.bitwise.bitwise_xor(sums[0], sums[1]), tf.bitwise.bitwise_xor(sums[2], sums[3])
        )
        shifts = [shift for layer in self.layers[:CORE_ROWS] for column, shift in layer if column == first]
        lone = next(shift for shift in shifts if shifts.count(shift) % 2)  # of three copies two cancel
        word = tf.concat([word, tf.roll(total, lone, 0)], 0)
        for row in range(CORE_ROWS - 1):
            word = tf.concat([word, self.parity(word, _below(self.layers[row], first + row + 1))], 0)
        core = first + CORE_ROWS
        unsent = tf.zeros([self.lifting_size, word.shape[1]], tf.int8)
        extension = [
            self.parity(word, _below(self._rows[row], core)) if row in self._rows else unsent
            for row in range(CORE_ROWS, self.columns - first)
        ]
        return tf.concat([word, *extension], 0)

    def sent_positions(self, sent_bits: int, modulation_order: int, version: int = 0) -> IntArray:
        """Mother-codeword position of each transmitted bit of a code block, in order of transmission.

        Bit selection reads the circular buffer from the start of the redundancy version, skipping filler and
        wrapping round (repetition) when E exceeds it: TS 38.212 5.4.2.1. Bit interleaving writes rows and reads
        columns: 5.4.2.2, f_(i + j Q_m) = e_(i E / Q_m + j).
        """
        return self._selected(sent_bits, version).reshape(modulation_order, -1).T.reshape(-1)


def _below(layer: tuple[tuple[int, int], ...], column: int) -> tuple[tuple[int, int], ...]:
    return tuple(edge for edge in layer if edge[0] < column)
