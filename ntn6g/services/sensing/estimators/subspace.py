"""Frequencies below the width of a cell from the subspace of the signal: MUSIC and ESPRIT along one axis."""

import numpy as np
import tensorflow as tf


def smoothed_covariance(samples: tf.Tensor, length: int) -> tf.Tensor:
    """Covariance of windows of a sequence, averaged over windows, snapshots and both directions.

    Echoes of one frame are coherent; windows turn their phases against each other, which restores the rank.

    Parameters
    ----------
    samples : complex64 or complex128 [..., snapshot, sample]
        Channel along subcarriers (a snapshot is a symbol), along symbols, or along antennas.
    length : int
        Of a window; below the number of samples.

    Returns
    -------
    [..., length, length]

    References
    ----------
    T.-J. Shan, M. Wax and T. Kailath, IEEE Trans. Acoust. Speech Signal Process. 33(4), 1985; S. U. Pillai and B. H.
    Kwon, ibid. 37(1), 1989 (both directions).
    """
    windows = tf.signal.frame(samples, length, 1, axis=-1)  # [..., snapshot, window, length]
    merged = tf.reshape(windows, [*samples.shape[:-2], -1, length])
    forward = tf.einsum("...ki,...kj->...ij", merged, tf.math.conj(merged))
    backward = tf.reverse(tf.math.conj(forward), axis=[-2, -1])
    return (forward + backward) / tf.cast(2 * merged.shape[-2], samples.dtype)


def esprit(covariance: tf.Tensor, targets: int) -> tf.Tensor:
    r"""Frequencies of exponentials by rotational invariance, in cycles per sample, rising.

    The signal subspace of a sequence shifted by one sample is that of the sequence turned by
    :math:`e^{2\pi j f}`; the eigenvalues of the map between both are these phasors.

    Parameters
    ----------
    covariance : [..., length, length]
        From `smoothed_covariance`.
    targets : int
        Their number, below the length.

    Returns
    -------
    float64 [..., targets]
        In [-1/2, 1/2); of a delay, minus the delay times the subcarrier spacing.

    References
    ----------
    R. Roy and T. Kailath, IEEE Trans. Acoust. Speech Signal Process. 37(7), 1989.
    """
    _, vectors = tf.linalg.eigh(tf.cast(covariance, tf.complex128))
    signal = vectors[..., -targets:]
    former, later = signal[..., :-1, :], signal[..., 1:, :]
    square = tf.matmul(former, former, adjoint_a=True)
    turned = tf.linalg.solve(square, tf.matmul(former, later, adjoint_a=True))
    return tf.sort(tf.math.angle(tf.linalg.eigvals(turned)) / (2.0 * np.pi), axis=-1)


def music(covariance: tf.Tensor, targets: int, frequencies: tf.Tensor) -> tf.Tensor:
    r"""Pseudo-spectrum :math:`1 / \lVert E_n^H a(f) \rVert^2` over frequencies in cycles per sample.

    Parameters
    ----------
    covariance : [..., length, length]
        From `smoothed_covariance`.
    targets : int
        Their number, below the length; the noise subspace is what is left.
    frequencies : float64 [frequency]
        Where to look.

    Returns
    -------
    float64 [..., frequency]

    References
    ----------
    R. O. Schmidt, "Multiple emitter location and signal parameter estimation", IEEE Trans. Antennas Propag. 34(3),
    1986.
    """
    _, vectors = tf.linalg.eigh(tf.cast(covariance, tf.complex128))
    noise = vectors[..., : covariance.shape[-1] - targets]
    positions = tf.range(covariance.shape[-1], dtype=tf.float64)
    angle = 2.0 * np.pi * positions[:, None] * tf.cast(frequencies, tf.float64)
    seen = tf.matmul(noise, tf.complex(tf.cos(angle), tf.sin(angle)), adjoint_a=True)
    return 1.0 / tf.reduce_sum(tf.square(tf.abs(seen)), axis=-2)
