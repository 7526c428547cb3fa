"""Delay and Doppler together: MUSIC and ESPRIT over a window of both axes, and matching pursuit over a dictionary."""

import numpy as np
import tensorflow as tf

from ntn6g.services.sensing.estimators.clean import Reflections
from ntn6g.services.sensing.frames.echo import steering
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.maps.periodogram import RangeDopplerMap

_TURNS = 48  # of the squared matrix
_LEAST_LEFT = 1e-7  # share of a vector's energy outside a subspace that its single precision tells from nothing


def smoothed_covariance_2d(channel: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Covariance of all windows of a grid, averaged over windows and both directions.

    Echoes of one frame are coherent whatever their delays and Doppler shifts; windows over both axes restore the rank.

    Parameters
    ----------
    channel : complex64 or complex128 [batch, symbol, subcarrier]
        Channel estimate with all elements known.
    rows, columns : int
        Symbols and subcarriers of a window, below those of the grid.

    Returns
    -------
    [batch, rows columns, rows columns]
        A window's subcarriers vary fastest.

    References
    ----------
    Y. Hua, "Estimating two-dimensional frequencies by matrix enhancement and matrix pencil", IEEE Trans. Signal
    Process. 40(9), 1992.
    """
    windows = tf.signal.frame(channel, rows, 1, axis=1)  # [batch, place, row, subcarrier]
    windows = tf.signal.frame(windows, columns, 1, axis=3)  # [batch, place, row, place, column]
    merged = tf.reshape(tf.transpose(windows, [0, 1, 3, 2, 4]), [channel.shape[0], -1, rows * columns])
    forward = tf.matmul(merged, tf.math.conj(merged), transpose_a=True)
    backward = tf.reverse(tf.math.conj(forward), axis=[-2, -1])
    return (forward + backward) / tf.cast(2 * merged.shape[1], channel.dtype)


def signal_subspace(covariance: tf.Tensor, targets: int) -> tf.Tensor:
    """Orthonormal basis of the ``targets`` strongest directions of covariances, by orthogonal iteration.

    Eigenvalues that differ by a factor q are told apart to :math:`q^{-96}`; where signal and noise differ by less than
    that needs, no estimate holds anyway. Products alone, which compile where eigenvalues do not, or slowly.

    Parameters
    ----------
    covariance : [batch, length, length]
        Hermitian.
    targets : int
        Below the length.

    Returns
    -------
    complex128 [batch, length, targets]
    """
    wide = tf.cast(covariance, tf.complex128)
    wide /= tf.linalg.trace(wide)[:, None, None] + 1e-300
    squared = tf.matmul(wide, wide)
    length = covariance.shape[-1]
    drawn = np.random.default_rng(1).normal(size=(2, length, targets))  # any start that is orthogonal to nothing
    begin = tf.broadcast_to(tf.constant(drawn[0] + 1j * drawn[1]), [covariance.shape[0], length, targets])

    def turn(number: tf.Tensor, basis: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return number + 1, _orthonormal(tf.matmul(squared, basis))

    _, basis = tf.while_loop(lambda number, _: number < _TURNS, turn, (tf.constant(0), _orthonormal(begin)))
    return basis


def _orthonormal(columns: tf.Tensor) -> tf.Tensor:
    """Gram and Schmidt's columns, each scaled before others are taken away from it."""
    done: list[tf.Tensor] = []
    for place in range(columns.shape[-1]):
        column = _unit(columns[..., place])
        for _ in range(2):  # twice is enough
            for other in done:
                column -= other * tf.reduce_sum(tf.math.conj(other) * column, axis=-1, keepdims=True)
            column = _unit(column)
        done.append(column)
    return tf.stack(done, axis=-1)


def _unit(column: tf.Tensor) -> tf.Tensor:
    energy = tf.reduce_sum(tf.square(tf.math.real(column)) + tf.square(tf.math.imag(column)), axis=-1, keepdims=True)
    return column * tf.cast(tf.math.rsqrt(tf.maximum(energy, 1e-300)), tf.complex128)


def music_2d(
    grid: SensingGrid,
    covariance: tf.Tensor,
    targets: int,
    shape: tuple[int, int],
    delay_s: tf.Tensor,
    doppler_hz: tf.Tensor,
) -> tf.Tensor:
    r"""Pseudo-spectrum :math:`1 / \lVert E_n^H (b(f_D) \otimes a(\tau)) \rVert^2` at pairs of delay and Doppler shift.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    covariance : [batch, rows columns, rows columns]
        From `smoothed_covariance_2d`.
    targets : int
        Their number.
    shape : (int, int)
        Rows and columns of the window.
    delay_s, doppler_hz : float64 [place]
        Where to look.

    Returns
    -------
    float64 [batch, place]

    References
    ----------
    R. O. Schmidt, IEEE Trans. Antennas Propag. 34(3), 1986.
    """
    signal = signal_subspace(covariance, targets)
    over_n, over_m = steering(grid, delay_s, doppler_hz)
    rows, columns = shape
    looked = tf.cast(over_m[:, :rows, None] * over_n[:, None, :columns], tf.complex128)
    seen = tf.matmul(signal, tf.reshape(looked, [-1, rows * columns]), adjoint_a=True, transpose_b=True)
    # without noise nothing is left at a target, and rounding may make that negative
    left = rows * columns - tf.reduce_sum(tf.square(tf.abs(seen)), axis=-2)
    return 1.0 / tf.maximum(left, _LEAST_LEFT * rows * columns)


def esprit_2d(
    grid: SensingGrid, covariance: tf.Tensor, targets: int, shape: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor]:
    r"""Paired delays and Doppler shifts by rotational invariance along both axes.

    The two maps between shifted signal subspaces have the same eigenvectors; those of a mixture of both pair what
    belongs together, even where targets agree on one axis. Up to two targets have a closed form, which compiles.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    covariance : [batch, rows columns, rows columns]
        From `smoothed_covariance_2d`.
    targets : int
        Their number, at most (rows - 1) columns and rows (columns - 1).
    shape : (int, int)
        Rows and columns of the window, each at least 2.

    Returns
    -------
    (delay_s, doppler_hz) : float64 [batch, target]
        Delays within the unambiguous span from 0 on, shifts within half of theirs; by rising delay.

    References
    ----------
    S. Rouquette and M. Najim, "Estimation of frequencies and damping factors by two-dimensional ESPRIT type methods",
    IEEE Trans. Signal Process. 49(1), 2001.
    """
    rows, columns = shape
    signal = tf.reshape(signal_subspace(covariance, targets), [-1, rows, columns, targets])

    def turned(former: tf.Tensor, later: tf.Tensor) -> tf.Tensor:
        first, second = (tf.reshape(each, [former.shape[0], -1, targets]) for each in (former, later))
        root = tf.linalg.cholesky(tf.matmul(first, first, adjoint_a=True))
        return tf.linalg.cholesky_solve(root, tf.matmul(first, second, adjoint_a=True))

    over_m = turned(signal[:, :-1], signal[:, 1:])
    over_n = turned(signal[:, :, :-1], signal[:, :, 1:])
    paired = _paired_by_eigenvectors if targets > 2 else _paired_by_projectors
    doppler, delay = (tf.math.angle(each) / (2.0 * np.pi) for each in paired(over_m, over_n))
    delay_s = tf.math.floormod(-delay, 1.0) / grid.subcarrier_spacing_hz
    order = tf.argsort(delay_s, axis=-1)
    return tf.gather(delay_s, order, batch_dims=1), tf.gather(doppler / grid.period_s, order, batch_dims=1)


def _mixture(over_m: tf.Tensor, over_n: tf.Tensor) -> tf.Tensor:
    return 0.62 * over_m + 0.38 * over_n  # unequal parts: equal ones could make two values meet


def _paired_by_eigenvectors(over_m: tf.Tensor, over_n: tf.Tensor) -> list[tf.Tensor]:
    """Eigenvalues of both maps in one order, complex128 [batch, target]."""
    _, shared = tf.linalg.eig(_mixture(over_m, over_n))
    return [tf.linalg.diag_part(tf.linalg.solve(shared, tf.matmul(each, shared))) for each in (over_m, over_n)]


def _paired_by_projectors(over_m: tf.Tensor, over_n: tf.Tensor) -> list[tf.Tensor]:
    """The same of up to two targets: the projector (A - b) / (a - b) on an eigenvector picks its value, tr(P M)."""
    if over_m.shape[-1] == 1:
        return [each[..., 0] for each in (over_m, over_n)]
    mixed = _mixture(over_m, over_n)
    half = 0.5 * tf.linalg.trace(mixed)
    determinant = mixed[:, 0, 0] * mixed[:, 1, 1] - mixed[:, 0, 1] * mixed[:, 1, 0]
    root = tf.sqrt(half * half - determinant)
    found = []
    for each in (over_m, over_n):
        mean = 0.5 * tf.linalg.trace(each)
        # tr((A - h) M) / (2 r), with A's mean h and half difference r: what M's values differ by on A's eigenvectors
        apart = tf.reduce_sum(mixed * tf.linalg.matrix_transpose(each), axis=[1, 2]) - 2.0 * half * mean
        apart = tf.math.divide_no_nan(apart, 2.0 * root)
        found.append(tf.stack([mean + apart, mean - apart], axis=-1))
    return found


def matching_pursuit(rd_map: RangeDopplerMap, channel: tf.Tensor, targets: int) -> Reflections:
    """Orthogonal matching pursuit over a dictionary of delays and Doppler shifts: the cells of the padded map.

    Every step takes the cell that explains most of the rest, and fits the amplitudes of all that were taken together.
    Places stay on the dictionary, so that errors end at half a cell of the padded map.

    Parameters
    ----------
    rd_map : RangeDopplerMap
        Rectangular; its cells are the dictionary.
    channel : complex64 [batch, symbol, subcarrier]
        Channel estimate, 0 where unknown.
    targets : int
        How many to take.

    Returns
    -------
    Reflections
        Amplitudes are those at the first element of the grid.

    References
    ----------
    Y. C. Pati, R. Rezaiifar and P. S. Krishnaprasad, "Orthogonal matching pursuit", Asilomar 1993.
    """
    grid, (rows, columns) = rd_map.grid, rd_map.shape
    known = tf.constant(grid.sensed_energy > 0.0, tf.complex64)
    delays, shifts = tf.constant(rd_map.delay_s), tf.constant(rd_map.doppler_hz)
    elements = grid.symbols * grid.subcarriers
    data, rest = tf.reshape(channel * known, [-1, elements, 1]), channel * known
    taken: list[tuple[tf.Tensor, tf.Tensor]] = []
    atoms: list[tf.Tensor] = []
    amplitude = tf.zeros([channel.shape[0], 0, 1], tf.complex64)
    for _ in range(targets):
        place = tf.argmax(tf.reshape(rd_map(rest), [-1, rows * columns]), axis=1, output_type=tf.int32)
        taken.append((tf.gather(delays, place % columns), tf.gather(shifts, place // columns)))
        over_n, over_m = steering(grid, *taken[-1])
        atoms.append(tf.reshape(over_m[:, :, None] * over_n[:, None, :] * known, [-1, elements]))
        matrix = tf.stack(atoms, axis=-1)
        # atoms in double precision: neighbours on a padded map are nearly alike
        wide = tf.cast(matrix, tf.complex128)
        normal = tf.matmul(wide, wide, adjoint_a=True) + tf.cast(1e-9 * elements, tf.complex128) * tf.eye(
            len(atoms), dtype=tf.complex128
        )
        root = tf.linalg.cholesky(normal)
        fitted = tf.linalg.cholesky_solve(root, tf.matmul(wide, tf.cast(data, tf.complex128), adjoint_a=True))
        amplitude = tf.cast(fitted, tf.complex64)
        rest = tf.reshape(data - tf.matmul(matrix, amplitude), channel.shape)
    delay_s, doppler_hz = (tf.stack(each, axis=1) for each in zip(*taken, strict=True))
    return Reflections(delay_s=delay_s, doppler_hz=doppler_hz, amplitude=amplitude[..., 0])
