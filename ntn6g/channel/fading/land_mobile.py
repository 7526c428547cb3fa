"""Flat fading of a moving terminal that passes in and out of shadow: the two-state model of ITU-R P.681."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel.fading.tapped_delay_line import direct_process, scattered_process
from ntn6g.channel.realization import ChannelRealization
from ntn6g.channel.response import phasor
from ntn6g.channel.tables import Interpolation, read_table
from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import DEGREES_TO_RADIANS, db_to_linear

BANDS_GHZ = {"S": (1.5, 3.0), "Ku": (10.0, 20.0)}
_NAMES = ("mu", "sigma", "least_m", "mean_ma", "sigma_ma", "h1", "h2", "g1", "g2", "low", "high")
_KEPT = ("mean", "deviation", "multipath", "good")
_SINUSOIDS, _WAVES = 16, 32
_WINDOW = 2  # states drawn at once, an even number, so that each window begins with the same kind
_DB_TO_NEPER = math.log(10.0) / 20.0  # of an amplitude
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Levels:
    """Slowly varying levels along the way, float32 [B, T], in decibels over an unobstructed line of sight."""

    direct_db: tf.Tensor
    multipath_db: tf.Tensor
    mean_direct_db: tf.Tensor
    good: tf.Tensor
    """1 in the good state, 0 in the bad one, in between while one passes into the other."""


class LandMobileFading:
    r"""One path whose line of sight passes through good and bad states along the way of the terminal.

    Lengths of states are log-normal, at least ``least_m``, in turn; every state has a mean direct level
    :math:`M_A`, a normal deviate cut to a range of its law, and with it the deviation
    :math:`\Sigma_A = g_1 M_A + g_2` of the direct level and the multipath power :math:`MP = h_1 M_A + h_2`. Between
    states these change linearly over :math:`f_1 |\Delta M_A| + f_2` metres. The direct level is Gaussian in decibels
    with correlation :math:`e^{-d/L}`; the multipath is a Rayleigh process. A draw begins within a state, which is good
    with its share of the way; a terminal at rest keeps its levels.

    Parameters
    ----------
    environment : str
        ``urban``, ``suburban`` or ``rural``; ``dense-urban`` reads ``urban``.
    carrier_hz : float
        1.5 to 3 GHz; 10 to 20 GHz with ``suburban`` and ``rural``.
    interpolation : str
        Between the elevations of the table (20, 30, 45, 60, 70 degrees; 34 alone above 10 GHz): ``linear``, or
        ``nearest`` as the recommendation. End values hold beyond.
    absolute : bool
        True puts the mean power of the fading into the path loss, for link budgets; gains have mean power one.
    los_doppler_ratio : float
        As `RicianFading`.

    Raises
    ------
    ScenarioError
        A carrier or an environment without a table.

    References
    ----------
    ITU-R P.681-11 (08/2019), 6.2 and Annex 2 (see the head of ``tables/p681_states.yaml`` for what of it was read
    where); Doppler spectrum as `TappedDelayLine`.
    """

    def __init__(
        self,
        environment: str,
        *,
        carrier_hz: float,
        interpolation: Interpolation = "linear",
        absolute: bool = False,
        los_doppler_ratio: float = 0.7,
    ) -> None:
        self._nodes_deg, self._table = _table(environment, carrier_hz / 1e9)
        self._wavelength_m = SPEED_OF_LIGHT_M_S / carrier_hz
        self._interpolation = interpolation
        self._absolute, self._los_doppler_ratio = absolute, los_doppler_ratio

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        doppler_hz: tf.Tensor,
        elevation_rad: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realization per key, gain [B, 1, 1, 1, T]; arguments as `TappedDelayLine`."""
        stream = random.stream(keys, "channel")
        since_s = tf.cast(times_s[None] + 0.0 * doppler_hz[:, None], tf.float64)
        if start_s is not None:
            since_s += tf.cast(start_s, tf.float64)[:, None]
        speed_m_s = tf.cast(doppler_hz, tf.float64) * self._wavelength_m
        levels = self.levels(keys, speed_m_s[:, None] * since_s, elevation_rad)
        mean = self.mean_power(elevation_rad)
        scale = tf.math.rsqrt(mean)[:, None]
        direct = direct_process(stream, self._los_doppler_ratio * doppler_hz, times_s, start_s)
        scattered = scattered_process(stream, doppler_hz, times_s, start_s, (1, _SINUSOIDS))[:, 0]
        amplitudes = (scale * tf.exp(_DB_TO_NEPER * each) for each in (levels.direct_db, levels.multipath_db))
        pair = [tf.complex(each, tf.zeros_like(each)) for each in amplitudes]
        gain = pair[0] * direct + pair[1] * scattered
        drawn = ChannelRealization.without_bulk(gain[:, None, None, None], tf.zeros_like(mean)[:, None])
        loss_db = -10.0 / math.log(10.0) * tf.math.log(mean)
        return drawn.with_loss(loss_db if self._absolute else tf.zeros_like(mean))

    def levels(self, keys: tf.Tensor, distance_m: tf.Tensor, elevation_rad: tf.Tensor) -> Levels:
        """Levels at some distances [B, T] from the start, the same for one key however they are cut."""
        course = self.course(keys, distance_m, elevation_rad)
        _, _, (memory_m, *_) = self._at(elevation_rad)
        slow = _wander(random.stream(random.stream(keys, "states"), "slow"), distance_m, memory_m)
        mean, deviation = course["mean"], course["deviation"]
        return Levels(mean + deviation * slow, course["multipath"], mean, course["good"])

    def course(self, keys: tf.Tensor, distance_m: tf.Tensor, elevation_rad: tf.Tensor) -> dict[str, tf.Tensor]:
        """What changes with the states alone, [B, T] each; arguments as `levels`.

        ``mean`` and ``deviation`` of the direct level and ``multipath`` in decibels; ``good``. States are drawn by
        their number, some at once, until the farthest distance is passed: a way has no end. (A loop of unknown length
        has no gradient in a program of XLA.)
        """
        good, bad, (_, f1, f2) = self._at(elevation_rad)
        stream = random.stream(keys, "states")
        share = _mean_m(good) / (_mean_m(good) + _mean_m(bad))
        starts_good = random.uniform(random.stream(stream, "first"), (1,))[:, 0] < share
        place_m = tf.cast(distance_m, tf.float64)
        farthest_m = tf.reduce_max(place_m, 1)

        def drawn(keys: tf.Tensor, count: int, first: int) -> list[tuple[dict[str, tf.Tensor], tf.Tensor]]:
            """States of one kind after the other and what their lengths are made of, from the parity of the first."""
            lots = random.uniform(random.stream(keys, "length"), (count,))
            turns = random.uniform(random.stream(keys, "level"), (count,))
            ours = [starts_good if number % 2 == 0 else ~starts_good for number in range(first, first + count)]
            return [(_state(is_good, good, bad, turns[:, n]), lots[:, n]) for n, is_good in enumerate(ours)]

        (first, lot), *_ = drawn(stream, 1, 0)
        # it is met somewhere along a length drawn in proportion to itself
        met = random.uniform(random.stream(stream, "met"), (1,))[:, 0]
        ends_m = tf.cast(met * _length_m(first, lot, biased=True), tf.float64)
        found = {name: tf.repeat(first[name][:, None], distance_m.shape[1], 1) for name in _KEPT}

        def unfinished(window: tf.Tensor, ends_m: tf.Tensor, *_: Any) -> tf.Tensor:
            return tf.reduce_any(ends_m < farthest_m)

        def further(window: tf.Tensor, ends_m: tf.Tensor, before: Any, found: Any) -> tuple[Any, ...]:
            for after, lot in drawn(random.numbered(stream, window), _WINDOW, 1):
                over_m = tf.cast(tf.maximum(f1 * tf.abs(after["mean"] - before["mean"]) + f2, 1e-3), tf.float64)
                passed = tf.clip_by_value((place_m - ends_m[:, None]) / over_m[:, None], 0.0, 1.0)
                passed = tf.cast(passed, tf.float32)
                found = {name: found[name] + (after[name] - before[name])[:, None] * passed for name in _KEPT}
                ends_m += over_m + tf.cast(_length_m(after, lot, biased=False), tf.float64)
                before = {name: after[name] for name in _KEPT}
            return window + 1, ends_m, before, found

        start = (tf.constant(0), ends_m, {name: first[name] for name in _KEPT}, found)
        return tf.while_loop(unfinished, further, start)[3]

    def mean_power(self, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Mean power over an unobstructed line of sight, states weighed by their lengths: [B]."""
        good, bad, _ = self._at(elevation_rad)
        lengths = _mean_m(good), _mean_m(bad)
        total = sum(each * _state_power(state) for each, state in zip(lengths, (good, bad), strict=True))
        return total / (lengths[0] + lengths[1])

    def good_share(self, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Share of the way in the good state, changes between states not counted: [B]."""
        good, bad, _ = self._at(elevation_rad)
        return _mean_m(good) / (_mean_m(good) + _mean_m(bad))

    def _at(self, elevation_rad: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], list[tf.Tensor]]:
        """Parameters of the good and the bad state and of both, [B] each."""
        weights = _weights(elevation_rad / DEGREES_TO_RADIANS, self._nodes_deg, self._interpolation)
        table = tf.constant(self._table, tf.float32)
        columns = tf.unstack(tf.reduce_sum(weights[:, :, None] * table, 1), axis=1)  # not as a product, see `Tables`
        count = len(_NAMES)
        good, bad = (dict(zip(_NAMES, columns[first:], strict=False)) for first in (0, count))
        return good, bad, columns[2 * count :]


def _table(environment: str, carrier_ghz: float) -> tuple[list[float], NDArray[np.float64]]:
    """Elevations in degrees, and a row for each: good, bad, both."""
    band = next((name for name, (low, high) in BANDS_GHZ.items() if low <= carrier_ghz <= high), None)
    if band is None:
        raise ScenarioError(
            f"{carrier_ghz:g} GHz is outside the 1.5 to 3 and 10 to 20 GHz of the two-state tables of ITU-R P.681",
            key="channel.carrier_ghz",
        )
    columns = read_table("p681_states")[band]
    name = "urban" if environment == "dense-urban" else environment
    if name not in columns:
        raise ScenarioError(
            f"{environment!r} has no two-state table of ITU-R P.681 at {carrier_ghz:g} GHz; there are "
            f"{', '.join(columns)}",
            key="channel.environment",
        )
    rows = columns[name]
    values = [[*each["good"], *each["bad"], *each["both"]] for each in rows.values()]
    return [float(degrees) for degrees in rows], np.array(values, np.float64)


def _weights(elevation_deg: tf.Tensor, nodes_deg: list[float], interpolation: Interpolation) -> tf.Tensor:
    """Weight of every tabulated elevation, [B, node]."""
    if len(nodes_deg) == 1:
        return tf.ones_like(elevation_deg)[:, None]
    place = tf.zeros_like(elevation_deg)
    for low, high in pairwise(nodes_deg):
        place += tf.clip_by_value((elevation_deg - low) / (high - low), 0.0, 1.0)
    if interpolation == "nearest":
        place = tf.floor(place + 0.5)
    return tf.maximum(1.0 - tf.abs(place[:, None] - tf.range(len(nodes_deg), dtype=tf.float32)), 0.0)


def _state(
    is_good: tf.Tensor, good: dict[str, tf.Tensor], bad: dict[str, tf.Tensor], turn: tf.Tensor
) -> dict[str, tf.Tensor]:
    """A state with its level, from a uniform deviate [B]."""
    own = {name: tf.where(is_good, good[name], bad[name]) for name in _NAMES} | {"good": tf.cast(is_good, tf.float32)}
    own["mean"] = own["mean_ma"] + own["sigma_ma"] * _quantile(own["low"] + (own["high"] - own["low"]) * turn)
    own["deviation"] = tf.maximum(own["g1"] * own["mean"] + own["g2"], 0.0)
    own["multipath"] = own["h1"] * own["mean"] + own["h2"]
    return own


def _above(x: tf.Tensor) -> tf.Tensor:
    """Standard normal probability above a value."""
    return 0.5 * tf.math.erfc(x / math.sqrt(2.0))


def _quantile(probability: tf.Tensor) -> tf.Tensor:
    return math.sqrt(2.0) * tf.math.erfinv(2.0 * probability - 1.0)


def _mean_m(state: dict[str, tf.Tensor]) -> tf.Tensor:
    """Mean of a log-normal length of which none is below the least."""
    mu, sigma = state["mu"], state["sigma"]
    least = (tf.math.log(state["least_m"]) - mu) / sigma
    return tf.exp(mu + sigma**2 / 2.0) * _above(least - sigma) / _above(least)


def _length_m(state: dict[str, tf.Tensor], lot: tf.Tensor, *, biased: bool) -> tf.Tensor:
    """Length of a state from a uniform deviate; biased: of the state in which a point of the way lies.

    Weighing a log-normal law by its value shifts the mean of its logarithm by the variance.
    """
    sigma = state["sigma"]
    mu = state["mu"] + sigma**2 if biased else state["mu"]
    least = (tf.math.log(state["least_m"]) - mu) / sigma
    return tf.exp(mu - sigma * _quantile(lot * _above(least)))


def _state_power(state: dict[str, tf.Tensor]) -> tf.Tensor:
    """Mean of direct and multipath power over the law of the mean direct level, by quadrature over its quantiles."""
    total: Any = 0.0
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        cut = state["low"] + (state["high"] - state["low"]) * (0.5 + 0.5 * float(node))
        mean = state["mean_ma"] + state["sigma_ma"] * _quantile(cut)
        deviation = _DB_TO_NEPER * tf.maximum(state["g1"] * mean + state["g2"], 0.0)
        direct = tf.exp(2.0 * (_DB_TO_NEPER * mean + deviation**2))
        total += 0.5 * float(weight) * (direct + db_to_linear(state["h1"] * mean + state["h2"]))
    return total


def _wander(stream: tf.Tensor, distance_m: tf.Tensor, memory_m: tf.Tensor) -> tf.Tensor:
    """Standard normal process along the way with correlation exp(-d / memory), [B, T].

    Plane waves with the Cauchy law of wave numbers that belongs to the exponential, and circular normal weights.
    """
    weight = random.complex_normal(random.stream(stream, "weight"), (_WAVES,))
    lot = (tf.range(_WAVES, dtype=tf.float32) + random.uniform(random.stream(stream, "wave"), (_WAVES,))) / _WAVES
    wave = tf.tan(math.pi * (lot - 0.5)) / (2.0 * math.pi * memory_m[:, None])  # cycles per metre
    cycles = tf.cast(wave[:, None], tf.float64) * tf.cast(distance_m, tf.float64)[:, :, None]
    real, imaginary = phasor(tf.cast(cycles - tf.round(cycles), tf.float32))
    a, b = tf.math.real(weight)[:, None], tf.math.imag(weight)[:, None]
    return math.sqrt(2.0 / _WAVES) * tf.reduce_sum(a * real - b * imaginary, 2)
