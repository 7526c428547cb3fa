"""From layers to antenna ports: the codebooks of TS 38.211 and 38.214, and beams along the channel's strongest ways."""

from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import tensorflow as tf
from sionna.phy.nr import PUSCHConfig

from ntn6g.core.errors import ScenarioError

Array = np.ndarray[Any, np.dtype[np.complex64]]

# Matrices by antenna ports and layers: TS 38.211 V18.4.0 Tables 6.3.1.5-1 to -7 (transform precoding off), whose
# entries are Sionna's. The PDSCH, whose precoding is not specified, may use them too; what its receivers report
# is an index into the Type I codebook.
CODEBOOK_SIZES = {(2, 1): 6, (4, 1): 28, (2, 2): 3, (4, 2): 22, (4, 3): 7, (4, 4): 5}
# TS 38.214 V18.7.0 Table 5.2.2.2.1-2 for four CSI-RS ports: N_1 = 2 positions of two polarisations, oversampled O_1 = 4
# times; N_2 = O_2 = 1
_POSITIONS, _OVERSAMPLING = 2, 4
# By layers, for each: which of the two beams it takes, and the sign of the second polarisation; Tables 5.2.2.2.1-5 to
# -8
_COLUMNS = {
    1: ((0, 1.0),),
    2: ((0, 1.0), (1, -1.0)),
    3: ((0, 1.0), (1, 1.0), (0, -1.0)),
    4: ((0, 1.0), (1, 1.0), (0, -1.0), (1, -1.0)),
}
_WIDE = (3, 4)  # layers whose beams always lie O_1 apart, Table 5.2.2.2.1-4
_SWEEPS = 5  # of Jacobi rotations; four ports are diagonal to float32 after four


@lru_cache(maxsize=128)
def codebook_matrix(*, ports: int, layers: int, tpmi: int) -> Array:
    """Precoding matrix W, complex64 [ports, layers], of total power one.

    Raises
    ------
    ScenarioError
        Ports and layers without a codebook, or an index beyond it.
    """
    size = CODEBOOK_SIZES.get((ports, layers))
    if size is None:
        raise ScenarioError(
            f"codebook, but TS 38.211 has none for {layers} layers on {ports} antennas; there are those of 1 or 2 "
            "layers on 2 antennas and of 1 to 4 on 4",
            key="link.precoding",
        )
    if not 0 <= tpmi < size:
        raise ScenarioError(
            f"{tpmi}, but the codebook of {layers} layers on {ports} antennas ends at {size - 1}", key="link.tpmi"
        )
    config = PUSCHConfig(num_layers=layers, num_antenna_ports=ports, precoding="codebook", tpmi=tpmi)
    return np.asarray(config.precoding_matrix, np.complex64)


def type_one_sizes(*, ports: int, layers: int) -> tuple[int, int, int]:
    """How many values i_1,1, i_1,3 and i_2 have in the Type I single-panel codebook; TS 38.214 V18.7.0, 5.2.2.2.1.

    Raises
    ------
    ScenarioError
        Ports and layers that this codebook, as far as it is here, does not hold.
    """
    if ports == 2 and layers in (1, 2):
        return 1, 1, (4, 2)[layers - 1]
    if ports == 4 and 1 <= layers <= 4:
        return _POSITIONS * _OVERSAMPLING, (1, 2, 1, 1)[layers - 1], (4, 2, 2, 2)[layers - 1]
    raise ScenarioError(
        f"type1-single-panel, but it is there for 1 or 2 layers on 2 antennas and for 1 to 4 on 4, not for {layers} on "
        f"{ports}",
        key="link.precoding",
    )


def type_one_matrix(*, ports: int, layers: int, pmi: tuple[int, int, int]) -> Array:
    r"""Matrix of the Type I single-panel codebook of the PDSCH, mode 1: complex64 [ports, layers], total power one.

    With :math:`v_l = (1, e^{j 2 \pi l / 8})` on four ports, 1 on two, and :math:`\varphi_n = j^n`, the columns are
    :math:`(v_l, \varphi_n v_l)` and :math:`(v_{l'}, \pm \varphi_n v_{l'})`: l is i_1,1, n is i_2, and l' differs from l
    by the offset that i_1,3 chooses, 0 or O_1 = 4 (always 4 with three or four layers). Ports are those of one
    polarisation, then those of the other.

    Parameters
    ----------
    ports, layers : int
        2 ports with 1 or 2 layers, 4 ports with 1 to 4.
    pmi : three ints
        i_1,1, i_1,3 and i_2.

    Raises
    ------
    ScenarioError
        Ports and layers without this codebook, or an index beyond it.

    References
    ----------
    3GPP TS 38.214 V18.7.0, 5.2.2.2.1, Tables 5.2.2.2.1-1 to -8.
    """
    sizes = type_one_sizes(ports=ports, layers=layers)
    for name, index, size in zip(("i_1,1", "i_1,3", "i_2"), pmi, sizes, strict=True):
        if not 0 <= index < size:
            raise ScenarioError(
                f"{name} = {index}, but with {layers} layers on {ports} antennas it ends at {size - 1}", key="link.pmi"
            )
    beam, choice, phase = pmi
    beams = (beam, beam + _OVERSAMPLING * (1 if layers in _WIDE else choice))
    columns = []
    for which, sign in _COLUMNS[layers]:
        steering = np.exp(2j * np.pi * beams[which] * np.arange(ports // 2) / (_POSITIONS * _OVERSAMPLING))
        columns.append(np.concatenate([steering, sign * 1j**phase * steering]))
    return np.asarray(np.stack(columns, axis=1) / np.sqrt(ports * layers), np.complex64)


def gram_matrix(channel: list[list[tf.Tensor]]) -> tf.Tensor:
    """Mean of H^H H over the elements: complex64 [B, ports, ports], of H [rx][port] of [B, ...] each."""
    ports = range(len(channel[0]))

    def entry(p: int, q: int) -> tf.Tensor:
        terms = [tf.math.conj(row[p]) * row[q] for row in channel]
        return tf.reduce_mean(tf.reshape(tf.add_n(terms), [terms[0].shape[0], -1]), axis=1)

    return tf.stack([tf.stack([entry(p, q) for q in ports], axis=1) for p in ports], axis=1)


def eigenbeams(gram: tf.Tensor, layers: int) -> tf.Tensor:
    """Eigenvectors of Hermitian matrices by falling eigenvalue: complex64 [B, ports, layers], total power one.

    Of `gram_matrix` of one channel they are its right singular vectors. Cyclic Jacobi rotations (G. H. Golub, C. F. Van
    Loan, "Matrix Computations", 4th ed., 8.5), one after another in a compiled loop over the whole batch.

    Parameters
    ----------
    gram : complex64 [B, ports, ports]
        Hermitian, positive semidefinite.
    layers : int
        How many, each of power 1 / layers.
    """
    batch, size = gram.shape[0], gram.shape[1]
    pairs = np.array(list(combinations(range(size), 2)), np.int32).reshape(-1, 2)
    vectors = tf.eye(size, batch_shape=[batch], dtype=tf.complex64)
    if len(pairs):
        unit = tf.constant(np.eye(size), tf.complex64)

        def rotate(step: tf.Tensor, matrix: tf.Tensor, turned: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            pair = tf.gather(tf.constant(pairs), step % len(pairs))
            rotation = _rotation(matrix, tf.gather(unit, pair[0]), tf.gather(unit, pair[1]))
            matrix = tf.matmul(rotation, tf.matmul(matrix, rotation), adjoint_a=True)
            return step + 1, matrix, tf.matmul(turned, rotation)

        count = _SWEEPS * len(pairs)
        _, gram, vectors = tf.while_loop(
            lambda step, *_: step < count, rotate, (tf.constant(0), gram, vectors), maximum_iterations=count
        )
    values = tf.math.real(tf.linalg.diag_part(gram))
    order = tf.argsort(values, axis=1, direction="DESCENDING", stable=True)[:, :layers]
    chosen = tf.gather(tf.transpose(vectors, [0, 2, 1]), order, batch_dims=1)  # [B, layers, ports]
    return tf.transpose(chosen, [0, 2, 1]) * tf.cast(layers**-0.5, tf.complex64)


def _rotation(matrix: tf.Tensor, p: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
    """Unitary matrices [B, size, size] in the plane of two unit vectors [size] that make their entry of A zero."""

    def entry(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(matrix * left[:, None] * right[None, :], axis=[1, 2])

    off = entry(p, q)
    length = tf.abs(off)
    phase = tf.where(length > 1e-20, off / tf.cast(tf.maximum(length, 1e-20), tf.complex64), tf.ones_like(off))
    half = 0.5 * tf.math.atan2(2.0 * length, tf.math.real(entry(p, p)) - tf.math.real(entry(q, q)))
    cosine, sine = (tf.cast(part, tf.complex64)[:, None, None] for part in (tf.cos(half), tf.sin(half)))
    back = tf.math.conj(phase)[:, None, None]
    others = tf.linalg.diag(1.0 - p - q)
    first, second = cosine * p[:, None] + sine * back * q[:, None], cosine * back * q[:, None] - sine * p[:, None]
    return others + first * p[None, :] + second * q[None, :]


def map_to_layers(symbols: tf.Tensor, layers: int) -> list[tf.Tensor]:
    """One codeword onto layers in turn, x_v(i) = d(layers i + v): [B, n] to [B, n / layers] each.

    References
    ----------
    3GPP TS 38.211 V18.4.0, Table 7.3.1.3-1 and 6.3.1.3 (up to four layers).
    """
    split = tf.reshape(symbols, [symbols.shape[0], -1, layers])
    return [split[:, :, layer] for layer in range(layers)]


def from_layers(parts: list[tf.Tensor]) -> tf.Tensor:
    """The reverse of `map_to_layers`, for tensors of any type."""
    together = tf.stack(parts, axis=2)
    return tf.reshape(together, [together.shape[0], -1])
