"""Where a target is: positions from paths over several transmitters and receivers, and how well they are known."""

from dataclasses import dataclass

import tensorflow as tf

_STEPS = 12  # of Gauss and Newton: quadratic near the end, from tens of kilometres to below a millimetre
_CHI_SQUARED_2_95 = 5.991464547  # 95 % quantile with two degrees of freedom, -2 ln 0.05


@dataclass(frozen=True, eq=False)
class Ellipse:
    """Error ellipse of a plane, float64 [...]."""

    semi_major_m: tf.Tensor
    semi_minor_m: tf.Tensor
    orientation_rad: tf.Tensor
    """Of the major axis from the first coordinate towards the second, -pi/2 to pi/2."""


def path_lengths_m(position_m: tf.Tensor, transmitters_m: tf.Tensor, receivers_m: tf.Tensor) -> tf.Tensor:
    """Transmitter to target to receiver: float64 [..., 3], [..., path, 3] to [..., path]; equal ends are monostatic."""
    there = tf.norm(position_m[..., None, :] - transmitters_m, axis=-1)
    return there + tf.norm(position_m[..., None, :] - receivers_m, axis=-1)


def gradients(position_m: tf.Tensor, transmitters_m: tf.Tensor, receivers_m: tf.Tensor) -> tf.Tensor:
    """Derivatives of path lengths with respect to the target's position, float64 [..., path, 3]."""
    there, back = position_m[..., None, :] - transmitters_m, position_m[..., None, :] - receivers_m
    return there / tf.norm(there, axis=-1, keepdims=True) + back / tf.norm(back, axis=-1, keepdims=True)


def position_covariance(
    position_m: tf.Tensor,
    transmitters_m: tf.Tensor,
    receivers_m: tf.Tensor,
    sigma_m: tf.Tensor,
    *,
    basis: tf.Tensor | None = None,
) -> tf.Tensor:
    r"""Cramer-Rao bound of a position from independent path lengths, :math:`(\sum_k g_k g_k^T / \sigma_k^2)^{-1}`.

    Parameters
    ----------
    position_m : float64 [..., 3]
        Of the target.
    transmitters_m, receivers_m : float64 [..., path, 3]
        Ends of each path.
    sigma_m : float64 [..., path]
        Standard deviation of each path length.
    basis : float64 [..., dimension, 3] or None
        Directions in which the position is unknown, orthonormal, such as east and north of a ship; None for all three.

    Returns
    -------
    float64 [..., dimension, dimension]
        In m^2, in the coordinates of the basis.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When the paths leave a direction unknown.
    """
    slopes = gradients(position_m, transmitters_m, receivers_m)
    if basis is not None:
        slopes = tf.matmul(slopes, basis, transpose_b=True)
    weighted = slopes / tf.convert_to_tensor(sigma_m, tf.float64)[..., None]
    information = tf.matmul(weighted, weighted, transpose_a=True)
    return tf.linalg.cholesky_solve(
        tf.linalg.cholesky(information),
        tf.eye(information.shape[-1], dtype=tf.float64, batch_shape=information.shape[:-2]),
    )


def locate(
    start_m: tf.Tensor,
    lengths_m: tf.Tensor,
    transmitters_m: tf.Tensor,
    receivers_m: tf.Tensor,
    sigma_m: tf.Tensor,
    *,
    basis: tf.Tensor | None = None,
) -> tf.Tensor:
    """Position that fits measured path lengths best, by weighted least squares (Gauss-Newton).

    Parameters
    ----------
    start_m : float64 [..., 3]
        First guess.
    lengths_m, sigma_m : float64 [..., path]
        Measured lengths and their standard deviations.
    transmitters_m, receivers_m, basis
        As in `position_covariance`; the position moves within the basis only.

    Returns
    -------
    float64 [..., 3]
    """
    sigma = tf.convert_to_tensor(sigma_m, tf.float64)
    directions = tf.eye(3, dtype=tf.float64) if basis is None else basis

    def closer(step: tf.Tensor, position_m: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rest = (lengths_m - path_lengths_m(position_m, transmitters_m, receivers_m)) / sigma
        slopes = tf.matmul(gradients(position_m, transmitters_m, receivers_m), directions, transpose_b=True)
        slopes = slopes / sigma[..., None]
        normal = tf.linalg.cholesky(tf.matmul(slopes, slopes, transpose_a=True))
        move = tf.linalg.cholesky_solve(normal, tf.matmul(slopes, rest[..., None], transpose_a=True))
        return step + 1, position_m + tf.matmul(move, directions, transpose_a=True)[..., 0, :]

    return tf.while_loop(lambda step, _: step < _STEPS, closer, (tf.constant(0), start_m), maximum_iterations=_STEPS)[1]


def error_ellipse(covariance: tf.Tensor, scale: float = _CHI_SQUARED_2_95) -> Ellipse:
    """Ellipse of a covariance [..., 2, 2] in m^2; by default the one that holds 95 % of Gaussian errors."""
    values, vectors = tf.linalg.eigh(covariance)
    along, across = vectors[..., 0, 1], vectors[..., 1, 1]
    turned = tf.where(along < 0.0, -tf.ones_like(along), tf.ones_like(along))  # an axis has no direction
    return Ellipse(
        semi_major_m=tf.sqrt(scale * values[..., 1]),
        semi_minor_m=tf.sqrt(scale * values[..., 0]),
        orientation_rad=tf.atan2(turned * across, turned * along),
    )
