"""All targets of a frame at once, by the estimator of choice, in programs that compile."""

import itertools

import numpy as np
import tensorflow as tf

from ntn6g.services.sensing.estimators.assignment import least_orders
from ntn6g.services.sensing.estimators.clean import clean
from ntn6g.services.sensing.estimators.joint import (
    esprit_2d,
    matching_pursuit,
    signal_subspace,
    smoothed_covariance_2d,
)
from ntn6g.services.sensing.frames.grid import SensingGrid
from ntn6g.services.sensing.maps.periodogram import RangeDopplerMap, folded

MOST_TARGETS = {"clean": 4, "omp": 4, "music": 4, "esprit": 2}
"""Estimators of several targets, and how many each is made for: of ESPRIT those that have a closed form."""
_SUBSPACE = ("music", "esprit")
_MOST_ELEMENTS = 256  # of a window: products with its covariance grow with the square, itself with the cube
_NEWTON_STEPS = 3


def window_shape(grid: SensingGrid) -> tuple[int, int]:
    """Symbols and subcarriers of the windows of MUSIC and ESPRIT: half of each axis, at least 2."""
    return max(grid.symbols // 2, 2), max(grid.subcarriers // 2, 2)


def check_method(rd_map: RangeDopplerMap, targets: int, method: str) -> None:
    """Refuse what an estimator cannot do, or what it would cost.

    Raises
    ------
    ValueError
        For an unknown estimator, no or too many targets, a windowed dictionary, elements that are not known, and a
        frame whose windows are too large.
    """
    grid = rd_map.grid
    if method not in MOST_TARGETS:
        raise ValueError(f"{method!r} is none of {', '.join(MOST_TARGETS)}")
    if not 1 <= targets <= MOST_TARGETS[method]:
        raise ValueError(f"{method} measures 1 to {MOST_TARGETS[method]} targets, not {targets}")
    if method not in _SUBSPACE:
        if rd_map.windows != "rectangular":
            raise ValueError(
                f"{method} takes echoes away as they are; a {rd_map.windows} window would hide what is left"
            )
        return
    if not (grid.sensed_energy > 0.0).all():
        raise ValueError(f"{method} shifts windows over elements that are all known; a comb of pilots leaves gaps")
    rows, columns = window_shape(grid)
    if rows * columns > _MOST_ELEMENTS:
        raise ValueError(
            f"{method} takes windows of half the frame on each axis, {rows} x {columns} = {rows * columns} elements, "
            f"and costs their cube; {_MOST_ELEMENTS} at most: take fewer symbols or resource blocks"
        )


def locate(rd_map: RangeDopplerMap, channel: tf.Tensor, targets: int, method: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Delays in s and Doppler shifts in Hz of so many targets in each frame, in no order.

    Parameters
    ----------
    rd_map : RangeDopplerMap
        How maps are made; its cells are the dictionary of 'omp' and where 'music' begins to look.
    channel : complex64 [batch, symbol, subcarrier]
        Channel estimate, 0 where unknown.
    targets : int
        Their number, which is taken as known.
    method : str
        'clean' (successive cancellation with re-estimation), 'omp' (matching pursuit over the map's cells), 'music' or
        'esprit' (subspaces of windows of half the frame on each axis).

    Returns
    -------
    (delay_s, doppler_hz) : float64 [batch, target]

    Raises
    ------
    ValueError
        As `check_method`.
    """
    check_method(rd_map, targets, method)
    if method in _SUBSPACE:
        shape = window_shape(rd_map.grid)
        covariance = smoothed_covariance_2d(channel, *shape)
        if method == "music":
            return _music(rd_map, covariance, targets, shape)
        return folded(rd_map.grid, *esprit_2d(rd_map.grid, covariance, targets, shape))
    found = clean(rd_map, channel, targets) if method == "clean" else matching_pursuit(rd_map, channel, targets)
    return found.delay_s, found.doppler_hz


def _music(
    rd_map: RangeDopplerMap, covariance: tf.Tensor, targets: int, shape: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Highest peaks of the pseudo-spectrum on the cells of the map, each then climbed to its top."""
    signal = tf.reshape(signal_subspace(covariance, targets), [-1, *shape, targets])
    signal = tf.transpose(signal, [0, 3, 1, 2])
    rows, columns = rd_map.shape
    more = [[0, 0], [0, 0], [0, rows - shape[0]], [0, columns - shape[1]]]
    # what of the steering vector lies in the signal subspace, highest where the noise subspace has least of it
    spectrum = tf.signal.ifft2d(tf.pad(signal, more)) * float(rows * columns)
    inside = tf.reduce_sum(tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum)), axis=1)
    top = tf.fill(inside.shape, True)
    for step in itertools.product((-1, 0, 1), repeat=2):
        if step != (0, 0):
            beside = tf.roll(inside, step, axis=[1, 2])
            top &= inside > beside if step > (0, 0) else inside >= beside
    peaks = tf.reshape(tf.where(top, inside, tf.zeros_like(inside)), [-1, rows * columns])
    place = tf.math.top_k(tf.cast(peaks, tf.float32), targets).indices  # of the nulls themselves, which may be equal
    x = 2.0 * np.pi / columns * tf.cast(place % columns, tf.float64)
    y = -2.0 * np.pi / rows * tf.cast(place // columns, tf.float64)
    for _ in range(_NEWTON_STEPS):
        x, y = _climb(signal, x, y)
    grid = rd_map.grid
    return folded(grid, x / (2.0 * np.pi * grid.subcarrier_spacing_hz), y / (2.0 * np.pi * grid.period_s))


def _climb(signal: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of Newton's method towards the top of a sum of squares, at most a quarter of the window's cell.

    Signal complex128 [batch, vector, row, column], angles float64 [batch, target].
    """
    rows, columns = signal.shape[2:]

    def basis(length: int, angle: tf.Tensor) -> tf.Tensor:
        positions = np.arange(length) - (length - 1) / 2
        phase = angle[..., None] * positions
        powers = np.stack([(2.0 * positions / length) ** p for p in range(3)], axis=-1)
        return tf.complex(tf.cos(phase), tf.sin(phase))[..., None] * tf.constant(powers, tf.complex128)

    over_n = tf.einsum("bkmn,btni->btkmi", signal, basis(columns, x))
    s = tf.einsum("btkmi,btmj->btkij", over_n, basis(rows, -y))

    def cross(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.math.real(tf.math.conj(first) * second), axis=-1)

    total, dx, dy = s[..., 0, 0], 1j * s[..., 1, 0], -1j * s[..., 0, 1]
    gx, gy = cross(total, dx), cross(total, dy)
    hxx = cross(dx, dx) - cross(total, s[..., 2, 0])
    hyy = cross(dy, dy) - cross(total, s[..., 0, 2])
    hxy = cross(dx, dy) + cross(total, s[..., 1, 1])
    det = hxx * hyy - hxy * hxy
    concave = (hxx < 0.0) & (det > 0.0)
    safe = tf.where(concave, det, tf.ones_like(det))
    move_x = tf.where(concave, -(hyy * gx - hxy * gy) / safe, tf.zeros_like(gx)) * (2.0 / columns)
    move_y = tf.where(concave, -(hxx * gy - hxy * gx) / safe, tf.zeros_like(gy)) * (2.0 / rows)
    most_x, most_y = 0.5 * np.pi / columns, 0.5 * np.pi / rows
    return x + tf.clip_by_value(move_x, -most_x, most_x), y + tf.clip_by_value(move_y, -most_y, most_y)


def assigned(
    grid: SensingGrid, found: tuple[tf.Tensor, tf.Tensor], truth: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Errors of estimates, each given to one target so that the squares, in native cells, are least in all.

    Parameters
    ----------
    grid : SensingGrid
        The frame.
    found, truth : (float64 [batch, target], float64 [batch, target])
        Delays in s and Doppler shifts in Hz; differences are taken within the unambiguous spans.

    Returns
    -------
    (delay_error_s, doppler_error_hz) : float64 [batch, target]
        In the order of the truth.
    """
    spans = grid.unambiguous_delay_s, grid.unambiguous_doppler_hz
    errors = []
    for estimate, true, span in zip(found, truth, spans, strict=True):
        apart = estimate[:, None, :] - true[:, :, None]  # [batch, target, estimate]
        errors.append(apart - span * tf.round(apart / span))
    cost = tf.square(errors[0] / grid.delay_cell_s) + tf.square(errors[1] / grid.doppler_cell_hz)
    chosen = least_orders(cost)
    delay, doppler = (tf.gather(each, chosen, axis=2, batch_dims=2) for each in errors)
    return delay, doppler
