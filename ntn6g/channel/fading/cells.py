"""Terrestrial cells of TR 38.901: its ray model, and what a link loses where its line of sight is drawn."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import tensorflow as tf

from ntn6g.channel.fading.rays import LARGE_SCALE, RayChannel
from ntn6g.channel.fading.rays.parameters import PARAMETER_NAMES, Parameters
from ntn6g.channel.guard import LATE_DRAWS
from ntn6g.channel.loss.cells import Cell
from ntn6g.channel.loss.indoors import WALL_SIGMA_DB, Wall, rooms_loss_db, wall_loss_db, way_inside_m
from ntn6g.channel.realization import ChannelRealization
from ntn6g.core import random

STATES = ("sight", "blocked", "indoors")
"""Columns of TR 38.901, Table 7.5-6: with line of sight, without, and into a building."""
_PAIRS = [(LARGE_SCALE[row], LARGE_SCALE[column]) for row in range(len(LARGE_SCALE)) for column in range(row)]


class CellTables:
    """Columns of the ray model as constants; a link names its own by index.

    Parameters
    ----------
    columns : sequence of mapping
        Each holds every field of `Parameters` as a number, and correlations by name, such as ``DS_SF``.
    """

    def __init__(self, columns: Sequence[Mapping[str, float]]) -> None:
        self.count = len(columns)
        rows = [
            [each[name] for name in PARAMETER_NAMES] + [_correlation(each, *pair) for pair in _PAIRS]
            for each in columns
        ]
        self._table = np.array(rows, np.float32)
        self.most_clusters = int(max(each["clusters"] for each in columns))
        self.any_line_of_sight = any(each["line_of_sight"] > 0.0 for each in columns)

    def at(self, elevation_rad: tf.Tensor, scattering: tf.Tensor | None = None) -> Parameters:
        """Parameters of links, whatever their elevation [B]; ``scattering`` as `Tables.at`."""
        index = tf.zeros_like(elevation_rad, tf.int32) if scattering is None else scattering
        found = tf.unstack(tf.gather(tf.constant(self._table), index), axis=1)
        return Parameters(
            **dict(zip(PARAMETER_NAMES, found, strict=False)), correlation=tuple(found[len(PARAMETER_NAMES) :])
        )


def _correlation(column: Mapping[str, float], first: str, second: str) -> float:
    return column[f"{first}_{second}"] if f"{first}_{second}" in column else column[f"{second}_{first}"]


class CellFading:
    r"""One antenna at each end of a terrestrial link; called like `ntn6g.channel.TappedDelayLine`.

    The elevation of the site from the terminal says where the terminal stands: the ground distance is the difference
    of heights over its tangent. Arrival at the terminal is drawn ray by ray; antennas that do not distinguish
    directions at the site do not see the spread of departure, whose large-scale parameters are therefore left out (the
    others keep their joint law).

    The path loss of a realisation is what its block loses beyond `reference_loss_db`: without sight, in a building, and
    by shadow fading.

    Parameters
    ----------
    cell : Cell
        The site and its surroundings.
    columns : mapping of str to mapping
        The columns of `STATES` by name, see `CellTables` and `ntn6g.channel.terrestrial.cell_columns`.
    line_of_sight : bool, optional
        None draws it for every key with the probability of the cell at the distance outdoors. Indoors it decides the
        loss outside the wall; the rays are those of the column for buildings.
    wall : str, optional
        ``low`` or ``high`` for a terminal in a building; None outdoors.
    shadowing : bool
        Whether the drawn shadow fading stays in the path loss.
    losses : bool
        Whether what a block loses without sight and in a building is in the path loss too.

    References
    ----------
    3GPP TR 38.901 V16.1.0, 7.4.1 to 7.4.3 and 7.5.
    """

    def __init__(
        self,
        cell: Cell,
        columns: Mapping[str, Mapping[str, float]],
        *,
        line_of_sight: bool | None = None,
        wall: Wall | None = None,
        shadowing: bool = False,
        losses: bool = False,
    ) -> None:
        self.cell = cell
        self._sight, self._wall = line_of_sight, wall
        self._shadowing, self._losses = shadowing, losses
        states = ("indoors",) if wall else STATES[:2] if line_of_sight is None else (STATES[1 - line_of_sight],)
        self._columns = [columns[state] for state in states]
        self.model = RayChannel(CellTables(self._columns))

    def __call__(
        self,
        keys: tf.Tensor,
        *,
        times_s: tf.Tensor,
        elevation_rad: tf.Tensor,
        doppler_hz: tf.Tensor,
        delay_spread_s: tf.Tensor | None = None,
        k_factor_db: tf.Tensor | None = None,
        start_s: tf.Tensor | None = None,
    ) -> ChannelRealization:
        """Draw one realisation per key, see `RayChannel`; delay spread and K-factor are drawn and do not enter."""
        ground_m = self.ground_m(elevation_rad)
        inside_m = self._inside_m(keys)
        blocked = self._blocked(keys, ground_m - inside_m)
        drawn = self.model(
            keys,
            times_s=times_s,
            elevation_rad=self._arrival_rad(elevation_rad),
            doppler_hz=doppler_hz,
            scattering=self._column(blocked),
            start_s=start_s,
        )
        loss_db = tf.zeros_like(ground_m)
        if self._shadowing:
            loss_db += tf.cast(drawn.path_loss_db, tf.float64) * self._far_shadow(ground_m, blocked)
        if self._losses:
            loss_db += self._beyond_reference_db(keys, ground_m, inside_m, blocked)
        return drawn.with_loss(tf.cast(loss_db, tf.float32))

    def ground_m(self, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Distance on the ground, float64 [B], of the elevation of the site."""
        elevation = tf.cast(elevation_rad, tf.float64)
        return (self.cell.antenna_m - self.cell.terminal_m) / tf.tan(elevation)

    def reference_loss_db(self, ground_m: tf.Tensor) -> tf.Tensor:
        """Loss that every block has: with sight unless it is known that there is none, and the mean one of the wall."""
        loss_db = self.cell.path_loss_db(ground_m, line_of_sight=self._sight is not False)
        return loss_db if self._wall is None else loss_db + wall_loss_db(self.cell.carrier_hz, self._wall)

    def blocked(self, keys: tf.Tensor, elevation_rad: tf.Tensor) -> tf.Tensor:
        """1 where a call with these arguments has no line of sight outdoors, int32 [B]."""
        return self._blocked(keys, self.ground_m(elevation_rad) - self._inside_m(keys))

    def late_share(self, elevation_rad: float, delay_s: float) -> float:
        """Mean power that arrives more than ``delay_s`` after the first path, of `LATE_DRAWS` draws of each column."""
        shares = [_late_share(tuple(sorted(column.items())), delay_s) for column in self._columns]
        if len(shares) == 1:
            return shares[0]
        ground_m = self.ground_m(tf.constant(elevation_rad, tf.float64))
        seen = float(self.cell.sight_probability(ground_m))
        return seen * shares[0] + (1.0 - seen) * shares[1]

    def _arrival_rad(self, elevation_rad: tf.Tensor) -> tf.Tensor:
        """Middle of the zeniths of arrival: the horizon in a building (7.5, step 7), else the site."""
        return tf.zeros_like(elevation_rad) if self._wall else elevation_rad

    def _inside_m(self, keys: tf.Tensor) -> tf.Tensor:
        if self._wall is None:
            return tf.zeros([keys.shape[0]], tf.float64)
        draws = random.uniform(random.stream(keys, "way inside"), (2,))
        return tf.cast(way_inside_m(draws, self.cell.kind), tf.float64)

    def _blocked(self, keys: tf.Tensor, outdoors_m: tf.Tensor) -> tf.Tensor:
        if self._sight is not None:
            return tf.fill([keys.shape[0]], 1 - int(self._sight))
        chance = random.uniform(random.stream(keys, "line of sight"), (1,))[:, 0]
        return tf.cast(tf.cast(chance, tf.float64) >= self.cell.sight_probability(outdoors_m), tf.int32)

    def _column(self, blocked: tf.Tensor) -> tf.Tensor | None:
        return blocked if self._wall is None and self._sight is None else None

    def _far_shadow(self, ground_m: tf.Tensor, blocked: tf.Tensor) -> tf.Tensor:
        """Rural shadow fading with sight has another deviation beyond the breakpoint: its ratio to the one before."""
        if self.cell.kind != "rma" or self._wall is not None:
            return tf.ones_like(ground_m)
        ratio = self.cell.shadow_sigma_db(ground_m, line_of_sight=True) / self.cell.shadow_sigma_db(
            tf.zeros_like(ground_m), line_of_sight=True
        )
        return tf.where(blocked > 0, tf.ones_like(ratio), ratio)

    def _beyond_reference_db(
        self, keys: tf.Tensor, ground_m: tf.Tensor, inside_m: tf.Tensor, blocked: tf.Tensor
    ) -> tf.Tensor:
        environment_m = self._environment_m(keys, ground_m)
        with_sight, without = (
            self.cell.path_loss_db(ground_m, line_of_sight=sight, environment_m=environment_m)
            for sight in (True, False)
        )
        loss_db = tf.where(blocked > 0, without, with_sight) - self.reference_loss_db(ground_m)
        if self._wall is None:
            return loss_db
        spread = tf.cast(random.normal(random.stream(keys, "wall"), (1,))[:, 0], tf.float64)
        wall_db = wall_loss_db(self.cell.carrier_hz, self._wall) + WALL_SIGMA_DB[self._wall] * spread
        return loss_db + wall_db + rooms_loss_db(inside_m)

    def _environment_m(self, keys: tf.Tensor, ground_m: tf.Tensor) -> tf.Tensor:
        heights = self.cell.environment_heights_m
        if not heights:
            return tf.ones_like(ground_m)
        draws = random.uniform(random.stream(keys, "environment"), (2,))
        place = tf.cast(tf.math.floor(draws[:, 1] * len(heights)), tf.int32)
        raised = tf.reduce_sum(tf.one_hot(place, len(heights), dtype=tf.float64) * tf.constant(heights, tf.float64), 1)
        higher = tf.cast(draws[:, 0], tf.float64) < self.cell.raised_probability(ground_m)
        return tf.where(higher, raised, tf.ones_like(raised))


@lru_cache(maxsize=256)
def _late_share(column: tuple[tuple[str, float], ...], delay_s: float) -> float:
    """Mean power beyond a delay in one column, which is the same wherever a terminal stands."""
    model = RayChannel(CellTables([dict(column)]))
    keys = tf.constant(np.stack([np.arange(LATE_DRAWS), np.full(LATE_DRAWS, 0x63656C6C)], 1), tf.uint32)
    power, excess_s = model.power_profile(keys, tf.zeros([LATE_DRAWS]))
    late = tf.where(excess_s > delay_s, power, tf.zeros_like(power))
    return float(tf.reduce_sum(tf.cast(late, tf.float64))) / LATE_DRAWS


def site_elevation_rad(cell: Cell, ground_m: float) -> float:
    """Elevation of the site from the terminal, negative where the terminal is the higher one."""
    return math.atan2(cell.antenna_m - cell.terminal_m, ground_m)
