"""Contacts of many satellites with many stations: rise, culmination, set of every one, and the gaps between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.geometry import LinkGeometry
from ntn6g.orbit.network.fleet import Fleet
from ntn6g.orbit.network.pairs import pair_geometry
from ntn6g.orbit.network.sightlines import SightLines, sign_changes
from ntn6g.orbit.state import Terminal, Times

_STEP_S = 30.0  # of the search
_ROW = 96  # instants of the search come in multiples of it
_TOLERANCE_S = 1e-3  # of every instant; 10 ms are promised
_CROSSES, _UP, _PEAK, _DIP = 1, 2, 4, 8


@dataclass(frozen=True)
class ContactPlan:
    """Contacts in order of station, then of rise: arrays [contact]; times in s from ``epoch``."""

    epoch: datetime
    duration_s: float
    stations: int
    """Number of stations, also of those without a contact."""
    station: np.ndarray
    """Place in the list of stations, int64."""
    satellite: np.ndarray
    """Place in the fleet, int64."""
    rise_s: np.ndarray
    culmination_s: np.ndarray
    set_s: np.ndarray
    culmination_elevation_rad: np.ndarray
    """At the highest instant inside the window."""
    cut: np.ndarray
    """Bool: the contact is under way at an end of the window, which then stands for its rise or set."""

    def __len__(self) -> int:
        return len(self.station)

    def utc(self, offset_s: float) -> datetime:
        """An instant of the plan."""
        return self.epoch + timedelta(seconds=float(offset_s))

    def longer_than(self, length_s: float) -> "ContactPlan":
        """The contacts that last at least so long."""
        kept = self.set_s - self.rise_s >= length_s
        names = ("station", "satellite", "rise_s", "culmination_s", "set_s", "culmination_elevation_rad", "cut")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def gaps_s(self, station: int) -> np.ndarray:
        """Lengths of the times without any contact at a station, in order; at the ends of the window they are cut."""
        chosen = self.station == station
        start, stop = self.rise_s[chosen], self.set_s[chosen]  # in order of rise
        reached = np.maximum.accumulate(np.concatenate([[0.0], stop]))
        gaps = np.concatenate([start, [self.duration_s]]) - reached
        return gaps[gaps > _TOLERANCE_S]

    def covered_fraction(self, station: int) -> float:
        """Share of the window in which a station has at least one contact."""
        return 1.0 - float(self.gaps_s(station).sum()) / self.duration_s


class _Found(NamedTuple):
    """What the search leaves to refine: places in (station, satellite, instant), and who is in view at the start."""

    crossings: np.ndarray  # [n, 3]; between the instant and the next
    climbs: np.ndarray  # bool [n]
    peaks: np.ndarray  # [n, 3]; about the instant
    dips: np.ndarray
    first: np.ndarray  # [n, 2] station, satellite


def contact_plan(
    fleet: Fleet,
    stations: Sequence[Terminal],
    start: datetime,
    duration_s: float,
    mask_rad: float | Sequence[float],
    *,
    ut1_minus_utc_s: float = 0.0,
) -> ContactPlan:
    """Every contact of a fleet with some stations within a window.

    All pairs are searched on a grid of 30 s; maxima and minima of the elevation that may cross the
    mask between two instants are refined, so that no short contact is lost. Rises and sets are refined to 1 ms.

    Parameters
    ----------
    fleet : Fleet
        Satellites.
    stations : sequence of Terminal
        Ground stations or moving terminals, at least one.
    start : datetime
        Aware.
    duration_s : float
        Length of the window, positive.
    mask_rad : float or sequence of float
        Elevation from which a contact counts; one for all stations, or one for each.
    ut1_minus_utc_s : float
        UT1 - UTC, see `Times`.

    Raises
    ------
    ScenarioError
        For an empty window, stations and masks that are not equally many, and where SGP4 fails.
    """
    if not duration_s > 0.0:
        raise ScenarioError(f"{duration_s:g} s; a window has a positive length", key="duration_s")
    masks = np.broadcast_to(np.asarray(mask_rad, np.float64), np.shape(mask_rad) or (len(stations),))
    if len(masks) != len(stations):
        raise ScenarioError(f"{len(masks)} masks for {len(stations)} stations; give one for each", key="mask_rad")
    epoch = Times(start, 0.0).epoch
    rows = -(-(int(duration_s / _STEP_S) + 1) // _ROW)  # few different numbers of instants: each is compiled
    grid_s = np.linspace(0.0, duration_s, max(2, rows * _ROW))
    sight = SightLines(fleet, stations, epoch, ut1_minus_utc_s)
    columns = []
    for mask in np.unique(masks):
        some = np.flatnonzero(masks == mask)
        times = Times(epoch, grid_s, ut1_minus_utc_s)
        found = _search(fleet, [stations[int(place)] for place in some], times, float(mask))
        columns.append(_refined(sight, _numbered(found, some), grid_s, float(np.sin(mask))))
    joined = [np.concatenate(each) for each in zip(*columns, strict=True)]
    order = np.lexsort([joined[2], joined[0]])
    return ContactPlan(epoch, duration_s, len(stations), *(each[order] for each in joined))


def _search(fleet: Fleet, stations: Sequence[Terminal], times: Times, mask_rad: float) -> _Found:
    places: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    first: list[np.ndarray] = []
    most = max(2**18, len(np.asarray(times.offset_s)))  # the whole window in every chunk
    mask = (tf.constant(mask_rad, tf.float64),)
    for chunk in pair_geometry(
        fleet, stations, times, mask_rad=mask_rad, reduce=_events, operands=mask, pairs_per_chunk=most
    ):
        code, begins = (part.numpy() for part in chunk.result)
        flat = np.flatnonzero(code)
        corner = np.array([chunk.terminals.start, chunk.satellites.start, 0])
        places.append(np.stack(np.unravel_index(flat, code.shape), -1) + corner)
        codes.append(code.ravel()[flat])
        first.append(np.argwhere(begins) + corner[:2])
    place, code = np.concatenate(places), np.concatenate(codes)
    crosses = (code & _CROSSES) > 0
    return _Found(
        place[crosses],
        (code[crosses] & _UP) > 0,
        place[(code & _PEAK) > 0],
        place[(code & _DIP) > 0],
        np.concatenate(first),
    )


def _events(geometry: LinkGeometry, mask_rad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A code per instant, uint8 [station, satellite, instant], and who is in view at the first."""
    e, visible = geometry.elevation_rad, geometry.visible
    before, here, after = e[..., :-2], e[..., 1:-1], e[..., 2:]
    # a smooth extremum exceeds its highest sample by less than what separates that from its neighbours
    reach = tf.maximum(tf.abs(here - before), tf.abs(here - after))
    peak = (here >= before) & (here > after) & (here + reach >= mask_rad)
    dip = (here <= before) & (here < after) & (here >= mask_rad) & (here - reach < mask_rad)
    pad = [[0, 0], [0, 0], [1, 1]]
    crosses = tf.pad(visible[..., 1:] ^ visible[..., :-1], [[0, 0], [0, 0], [0, 1]])
    climbs = tf.pad(visible[..., 1:], [[0, 0], [0, 0], [0, 1]]) & crosses
    flags = {_CROSSES: crosses, _UP: climbs, _PEAK: tf.pad(peak, pad), _DIP: tf.pad(dip, pad)}
    code = tf.add_n([tf.cast(flag, tf.int32) * bit for bit, flag in flags.items()])
    return tf.cast(code, tf.uint8), visible[..., 0]


def _numbered(found: _Found, stations: np.ndarray) -> _Found:
    """The same with the numbers of the stations among all."""

    def renamed(places: np.ndarray) -> np.ndarray:
        return np.concatenate([stations[places[:, :1]], places[:, 1:]], 1)

    return _Found(
        renamed(found.crossings), found.climbs, renamed(found.peaks), renamed(found.dips), renamed(found.first)
    )


def _refined(sight: SightLines, found: _Found, grid_s: np.ndarray, level: float) -> list[np.ndarray]:
    """Columns of the contacts: station, satellite, rise, culmination, set, elevation, cut."""
    turns = [_turns(sight, places, grid_s, sign) for places, sign in ((found.peaks, 1.0), (found.dips, -1.0))]
    pairs, left_s, right_s, climbs = [found.crossings[:, :2]], [], [], [found.climbs]
    left_s.append(grid_s[found.crossings[:, 2]])
    right_s.append(grid_s[found.crossings[:, 2] + 1])
    for (places, when_s, sine), above in zip(turns, (True, False), strict=True):
        # an extremum across the mask between two instants on the same side of it: two further crossings
        here = np.clip(np.searchsorted(grid_s, when_s, side="right") - 1, 0, len(grid_s) - 2)
        sides = [sight.sin_elevation(places, grid_s[here + end])[0] >= level for end in (0, 1)]
        hidden = (sides[0] != above) & (sides[1] != above) & ((sine >= level) == above)
        spans = ((grid_s[here], when_s), (when_s, grid_s[here + 1]))
        for (begin_s, end_s), rises in zip(spans, (above, not above), strict=True):
            pairs.append(places[hidden])
            left_s.append(begin_s[hidden])
            right_s.append(end_s[hidden])
            climbs.append(np.full(hidden.sum(), rises))
    pair, climb = np.concatenate(pairs), np.concatenate(climbs)
    sign = np.where(climb, 1.0, -1.0)
    at_s = sign_changes(
        lambda rows, t: sign[rows] * (sight.sin_elevation(pair[rows], t)[0] - level),
        np.concatenate(left_s),
        np.concatenate(right_s),
        _TOLERANCE_S,
    )
    return _matched(sight, _Edges(pair, at_s, climb), found.first, turns[0], float(grid_s[-1]))


def _turns(
    sight: SightLines, places: np.ndarray, grid_s: np.ndarray, sign: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Extrema about instants of the grid: pairs, when, and the sine of the elevation there."""
    pairs = places[:, :2]
    at_s = sign_changes(
        lambda rows, t: -sign * sight.sin_elevation(pairs[rows], t)[1],
        grid_s[places[:, 2] - 1],
        grid_s[places[:, 2] + 1],
        _TOLERANCE_S,
    )
    return pairs, at_s, sight.sin_elevation(pairs, at_s)[0]


class _Edges(NamedTuple):
    """Rises and sets: pairs [n, 2], when [n], which they are [n]."""

    pair: np.ndarray
    at_s: np.ndarray
    climbs: np.ndarray


def _matched(sight: SightLines, edges: _Edges, first: np.ndarray, peaks: Any, end_s: float) -> list[np.ndarray]:
    """Contacts of rises and sets, with the ends of the window for what is missing, and the highest point of each."""
    width = sight.satellites
    key = edges.pair[:, 0] * width + edges.pair[:, 1]
    rise_key = np.concatenate([key[edges.climbs], first[:, 0] * width + first[:, 1]])
    rise_s = np.concatenate([edges.at_s[edges.climbs], np.zeros(len(first))])
    under_way = np.arange(len(rise_s)) >= edges.climbs.sum()
    set_key, set_s = key[~edges.climbs], edges.at_s[~edges.climbs]
    order, later = np.lexsort([rise_s, rise_key]), np.lexsort([set_s, set_key])
    rise_key, rise_s, under_way = rise_key[order], rise_s[order], under_way[order]
    # rises and sets of a pair take turns, beginning with a rise; the last set may be missing
    count = np.bincount(set_key, minlength=int(rise_key.max(initial=-1)) + 1) if len(rise_key) else np.zeros(0, int)
    begins = np.searchsorted(rise_key, rise_key, side="left")
    turn = np.arange(len(rise_key)) - begins
    ends = turn < count[rise_key]
    stop_s = np.full(len(rise_s), end_s)
    stop_s[ends] = set_s[later][(np.searchsorted(set_key[later], rise_key) + turn)[ends]]
    pair = np.stack([rise_key // width, rise_key % width], -1)
    top_s, top = _highest(sight, pair, rise_s, stop_s, peaks)
    return [pair[:, 0], pair[:, 1], rise_s, top_s, stop_s, np.arcsin(np.clip(top, -1.0, 1.0)), under_way | ~ends]


def _highest(
    sight: SightLines, pair: np.ndarray, rise_s: np.ndarray, set_s: np.ndarray, peaks: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Instant and sine of the highest elevation within each contact: at a peak, or at an end of a cut one."""
    ends = [sight.sin_elevation(pair, at)[0] for at in (rise_s, set_s)]
    top_s, top = np.where(ends[0] >= ends[1], rise_s, set_s), np.maximum(*ends)
    width = sight.satellites
    key, (peak_pair, peak_s, peak) = pair[:, 0] * width + pair[:, 1], peaks
    peak_key = peak_pair[:, 0] * width + peak_pair[:, 1]
    # the contact that began last before each peak: its place among rises and peaks in one order
    order = np.lexsort([np.concatenate([rise_s, peak_s]), np.concatenate([key, peak_key])])
    before = np.empty(len(order), np.int64)
    before[order] = np.cumsum(order < len(key)) - 1
    here = before[len(key) :]
    inside = (here >= 0) & (key[here] == peak_key) & (peak_s <= set_s[here]) & (peak >= top[here]) if len(key) else []
    chosen = np.flatnonzero(inside)
    chosen = chosen[np.argsort(peak[chosen], kind="stable")]  # the highest of a contact is written last
    top_s[here[chosen]], top[here[chosen]] = peak_s[chosen], peak[chosen]
    return top_s, top
