"""Rays of a cluster: their angles, coupling, phases and polarisations, and their sum."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import tensorflow as tf

from ntn6g.channel.fading.rays.clusters import Clusters
from ntn6g.channel.fading.rays.elements import Elements
from ntn6g.channel.response import once, phasor
from ntn6g.core import random
from ntn6g.core.units import db_to_linear

# TR 38.901 V16.1.0, Table 7.5-3: offsets of the rays for a spread of one. Table 7.5-5 sorts them into sub-clusters:
# rays 1-8, 19, 20 (10 of 20), then 9-12, 17, 18 (6), then 13-16 (4); this is their order here.
_OFFSETS = (0.0447, 0.1413, 0.2492, 0.3715, 0.5129, 0.6797, 0.8844, 1.1481, 1.5195, 2.1551)
_SUB_CLUSTERS = ((1, 2, 3, 4, 5, 6, 7, 8, 19, 20), (9, 10, 11, 12, 17, 18), (13, 14, 15, 16))
_OFFSET_OF_RAY = [sign * offset for offset in _OFFSETS for sign in (1.0, -1.0)]
RAY_OFFSETS = np.array([_OFFSET_OF_RAY[ray - 1] for group in _SUB_CLUSTERS for ray in group])
_GROUP = np.concatenate([np.full(len(group), index) for index, group in enumerate(_SUB_CLUSTERS)])
_SUB_ENDS = (0, *np.cumsum([len(group) for group in _SUB_CLUSTERS]).tolist())


@dataclass(frozen=True)
class RayAngles:
    """Azimuth and zenith of arrival of every ray, in cycles, float32 [N, M, B]."""

    azimuth_cycles: tf.Tensor
    zenith_cycles: tf.Tensor
    departure_cycles: tuple[tf.Tensor, tf.Tensor] | None = None
    """Azimuth and zenith of departure; None where all rays leave in one direction."""


@dataclass(frozen=True)
class Rays:
    """Rays of a batch, float32 [N, M, B], and the sines and cosines of their angles."""

    azimuth: tuple[tf.Tensor, tf.Tensor]
    zenith: tuple[tf.Tensor, tf.Tensor]
    angles: RayAngles
    shift_hz: tf.Tensor
    phase_cycles: list[tf.Tensor]
    """Initial phases: of the direct coupling alone, or of the four couplings zz, za, az, aa (7.5, step 10)."""
    leak: tf.Tensor | None
    """Amplitude of the cross couplings, the root of one over XPR; None where only verticals meet."""

    def later(self, start_s: tf.Tensor) -> "Rays":
        """The same rays after some time, float32 [B]: their phases have turned, by whole cycles less."""
        turned = [phase + self.shift_hz * start_s for phase in self.phase_cycles]
        return replace(self, phase_cycles=[phase - tf.floor(phase) for phase in turned])


def couple(
    stream: tf.Tensor,
    clusters: Clusters,
    azimuth_deg: tf.Tensor,
    zenith_deg: tf.Tensor,
    *,
    split: int,
    departure_deg: tuple[tf.Tensor, tf.Tensor] | None = None,
) -> RayAngles:
    """Angles of the rays about their clusters, azimuths and zeniths (and those of departure) coupled at random.

    Coupling stays within the sub-clusters of the first ``split`` clusters. Zeniths beyond straight down come back on
    the other side of it (folded into 0 to 180 degrees). ``departure_deg`` holds the widths of clusters as they leave,
    which the clusters then know directions of.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, steps 7 and 8, eq. (7.5-13), (7.5-18) and (7.5-20); Table 7.5-3.
    """
    offsets, like = tf.constant(RAY_OFFSETS, tf.float32), clusters.delay_s[:, 0]
    count = clusters.power.shape[1]

    def about(cluster_deg: tf.Tensor, width_deg: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
        return (tf.transpose(cluster_deg)[:, None] + width_deg * offset) / 360.0

    def folded(turn: tf.Tensor) -> tf.Tensor:
        return tf.abs(turn - tf.round(turn))

    azimuth = about(clusters.azimuth_deg, azimuth_deg, offsets[:, None])
    zenith = about(clusters.zenith_deg, zenith_deg, _coupled(random.stream(stream, "couple"), count, split))
    departure = None
    if clusters.departure_deg is not None and departure_deg is not None:
        order = [_coupled(random.stream(stream, f"couple departure {name}"), count, split) for name in ("", "zenith")]
        aside, below = (about(*each) for each in zip(clusters.departure_deg, departure_deg, order, strict=True))
        departure = once(aside, like), once(folded(below), like)
    return RayAngles(once(azimuth, like), once(folded(zenith), like), departure)


def _coupled(stream: tf.Tensor, count: int, split: int) -> tf.Tensor:
    """Offsets of the rays of all clusters in random order, [N, M, B]."""
    draws = tf.transpose(random.uniform(stream, (count, len(RAY_OFFSETS))), [1, 2, 0])
    draws = once(draws, tf.cast(stream[:, 0], tf.float32))  # every comparison would draw them again
    offsets = tf.constant(RAY_OFFSETS, tf.float32)
    own = [_shuffled_in_groups(draws[n], offsets)[None] for n in range(min(split, count))]
    return tf.concat([*own, *([_shuffled(draws[split:], offsets)] if count > split else [])], 0)


def _shuffled_in_groups(draws: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Offsets in random order within their sub-clusters, [M, B]: the rank of a draw says which offset it takes."""
    pieces = []
    for index in np.unique(_GROUP):
        members = np.flatnonzero(index == _GROUP)
        own = tf.gather(draws, members)
        rank = tf.reduce_sum(tf.cast(own[None] < own[:, None], tf.int32), 1)
        pieces.append(tf.gather(tf.gather(offsets, members), rank))
    return tf.concat(pieces, 0)  # groups are contiguous


def _shuffled(draws: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Offsets of several clusters in random order over each whole cluster, [N, M, B]."""
    rank = tf.reduce_sum(tf.cast(draws[:, None] < draws[:, :, None], tf.int32), 2)
    return tf.gather(offsets, rank)


def ray_directions(
    stream: tf.Tensor,
    angles: RayAngles,
    doppler_hz: tf.Tensor,
    heading_cycles: tf.Tensor,
    cross_polar_db: tuple[tf.Tensor, tf.Tensor] | None,
) -> Rays:
    """Directions, Doppler shifts, phases and polarisation leakage of rays.

    Parameters
    ----------
    stream : [B, 2], uint32
        Keys.
    angles : RayAngles
        Of the rays.
    doppler_hz, heading_cycles : [B]
        Largest Doppler shift and direction of the terminal's horizontal motion.
    cross_polar_db : (mean [B], deviation [B]), optional
        Normal law of the cross-polarisation ratio in decibels; None where both ends are vertical.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, steps 9 and 10, eq. (7.5-21), (7.5-24) and (7.5-25).
    """
    count, rays = angles.azimuth_cycles.shape[0], angles.azimuth_cycles.shape[1]
    zenith = phasor(angles.zenith_cycles)
    shift_hz = once(doppler_hz * zenith[1] * phasor(angles.azimuth_cycles - heading_cycles)[0], doppler_hz)

    def over_rays(values: tf.Tensor) -> tf.Tensor:
        return tf.transpose(values, [1, 2, 0])

    names = ("phase",) if cross_polar_db is None else ("phase", "phase za", "phase az", "phase aa")
    phases = [over_rays(random.uniform(random.stream(stream, name), (count, rays))) for name in names]
    leak = None
    if cross_polar_db is not None:
        mean, deviation = cross_polar_db
        ratio_db = mean + deviation * over_rays(random.normal(random.stream(stream, "xpr"), (count, rays)))
        leak = tf.sqrt(db_to_linear(-ratio_db))
    return Rays(phasor(angles.azimuth_cycles), zenith, angles, shift_hz, phases, leak)


def sum_of_rays(
    rays: Rays,
    strength: tf.Tensor,
    times_s: tf.Tensor,
    end: tuple[Elements, int],
    satellite: tuple[tuple[float, float], tf.Tensor | None],
    *,
    unrolled: bool,
    split: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gain of one pair of elements, real and imaginary part float32 [path, T, B].

    ``strength`` [N, 1 or M, B] is the amplitude of a ray, ``end`` the terminal's elements and the one in question,
    ``satellite`` the field of the other end's and its phase in cycles [N, M, B], None where it has the same for all
    rays; the first ``split`` clusters make three paths each. ``unrolled`` is 2.7 times as fast on a CPU and takes
    seconds to compile, for each pair of elements; even times that are known then are faster still (`even_steps`).

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.5, step 11, eq. (7.5-22), (7.5-28).
    """
    terminal, element = end
    x, y = rays.zenith[1] * rays.azimuth[0], rays.zenith[1] * rays.azimuth[1]
    places = [each for each in (terminal.cycles(element, x, y, rays.zenith[0]), satellite[1]) if each is not None]
    real, imaginary = 0.0, 0.0
    for weight, phase in _couplings(rays, terminal.polarisation(element), satellite[0]):
        c, s = phasor(sum(places, phase))
        real, imaginary = real + weight * c, imaginary + weight * s
    like = rays.shift_hz
    real, imaginary = once(strength * real, like), once(strength * imaginary, like)
    steps = even_steps(times_s) if unrolled else None
    turned = None if steps is None else _turned(rays.shift_hz, real, imaginary, steps)
    parts: list[list[tf.Tensor]] = [[], []]
    for n in range(strength.shape[0]):
        ends = _SUB_ENDS if n < split else (0, len(RAY_OFFSETS))
        for first, last in pairwise(ends):
            if turned is not None:
                sums = _sum_of_turned([[part[:, n, m] for part in turned] for m in range(first, last)])
                sums = tuple(part[: times_s.shape[0]] for part in sums)
            else:
                sums = _sum_over_time(range(first, last), rays.shift_hz[n], real[n], imaginary[n], times_s, unrolled)
            for part, each in zip(parts, sums, strict=True):
                part.append(each)
    return tf.stack(parts[0]), tf.stack(parts[1])


def even_steps(times_s: tf.Tensor) -> tuple[float, float, int] | None:
    """First time, step and number of evenly spaced times that are known when a program is made; else None."""
    known = tf.get_static_value(times_s)
    if known is None or len(known) < 5:
        return None
    times = np.asarray(known, np.float64)
    step_s = (times[-1] - times[0]) / (len(times) - 1)
    even = times[0] + step_s * np.arange(len(times))
    # single precision holds a slot's times to 1e-11 s; a nanosecond at 100 kHz of Doppler is 1e-4 of a cycle
    return (float(times[0]), float(step_s), len(times)) if np.abs(times - even).max() < 1e-10 else None


_ROW = 4  # times in a row


def _turned(
    shift_hz: tf.Tensor, real: tf.Tensor, imaginary: tf.Tensor, steps: tuple[float, float, int]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Rays at the first time of every row of times, and what turns them along a row, [row or place, N, M, B] each.

    Two phasors of a ray make all its times: those of a step and of a row, and their powers.
    """
    first_s, step_s, count = steps
    rows = -(-count // _ROW)
    along = [(tf.ones_like(shift_hz), tf.zeros_like(shift_hz)), phasor(shift_hz * step_s)]
    while len(along) < _ROW:
        along.append(_times(along[-1], along[1]))
    down = phasor(shift_hz * (_ROW * step_s))
    starts = [(real, imaginary) if first_s == 0.0 else _times((real, imaginary), phasor(shift_hz * first_s))]
    while len(starts) < rows:
        starts.append(_times(starts[-1], down))
    parts = [tf.stack([each[part] for each in group]) for group in (starts, along) for part in (0, 1)]
    return tuple(once(part, shift_hz) for part in parts)


def _times(a: tuple[tf.Tensor, tf.Tensor], b: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Product of complex numbers in parts."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _sum_of_turned(members: list[list[tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum of some rays at all rows and places: [rows * places, B] each; one loop along the batch."""
    sums = [tf.constant(0.0), tf.constant(0.0)]
    for start_real, start_imaginary, along_real, along_imaginary in members:
        a, b, c, d = start_real[:, None], start_imaginary[:, None], along_real[None], along_imaginary[None]
        sums = [sums[0] + (a * c - b * d), sums[1] + (a * d + b * c)]
    joined = tf.complex(*sums)
    joined = tf.reshape(joined, [-1, joined.shape[2]])
    return tf.math.real(joined), tf.math.imag(joined)


def _sum_over_time(
    members: range,
    shift_hz: tf.Tensor,
    real: tf.Tensor,
    imaginary: tf.Tensor,
    times_s: tf.Tensor,
    unrolled: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rotate some rays [M, B] by their Doppler shifts and add them: [T, B] each.

    Unrolled and joined as complex numbers, it becomes one loop along the batch that makes each phasor once; a sum
    over an axis makes them twice, and does not run along the batch.
    """
    if not unrolled:
        own = slice(members.start, members.stop)
        c, s = phasor(shift_hz[own, None] * times_s[:, None])
        a, b = real[own, None], imaginary[own, None]
        return tf.reduce_sum(a * c - b * s, 0), tf.reduce_sum(a * s + b * c, 0)
    sums = [tf.constant(0.0), tf.constant(0.0)]
    for m in members:
        c, s = phasor(shift_hz[m] * times_s[:, None])
        sums = [sums[0] + (real[m] * c - imaginary[m] * s), sums[1] + (real[m] * s + imaginary[m] * c)]
    joined = tf.complex(*sums)
    return tf.math.real(joined), tf.math.imag(joined)


def _couplings(
    rays: Rays, terminal_field: tuple[float, float], satellite_field: tuple[float, float]
) -> list[tuple[tf.Tensor | float, tf.Tensor]]:
    """Weight and phase of each coupling of field components that is not zero."""
    if rays.leak is None:
        return [(terminal_field[0] * satellite_field[0], rays.phase_cycles[0])]
    (a, b), (c, d) = terminal_field, satellite_field
    weights = (a * c, a * d * rays.leak, b * c * rays.leak, b * d)
    return list(zip(weights, rays.phase_cycles, strict=True))
