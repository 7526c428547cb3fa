"""Passes of a satellite over a terminal: rise, culmination, set, and the instant of a given elevation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit.state import Platform, Terminal, Times

_STEP_S = 20.0  # of the coarse search; shorter passes are found by their culmination
_TOLERANCE_S = 1e-6  # of every instant: 1 cm of motion, far below the 10 ms that elements could justify
_SECTIONS = 32  # intervals per refinement: five evaluations from 20 s to the tolerance
_DAY_S = 86_400.0


@dataclass(frozen=True)
class SightLine:
    """A satellite seen from a terminal, with the epoch from which seconds are counted."""

    satellite: Platform
    terminal: Terminal
    epoch: datetime
    ut1_minus_utc_s: float = 0.0

    def times(self, offset_s: np.ndarray) -> Times:
        """Instants on this sight line's clock."""
        return Times(self.epoch, offset_s, self.ut1_minus_utc_s)

    def sin_elevation(self, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sine of the elevation and its rate in 1/s: float64 [n] each; smooth through the zenith."""
        times = self.times(offset_s)
        state, site = self.satellite.state(times), self.terminal.site(times)
        up, line_m = site.up.numpy(), (state.position_ecef_m - site.position_ecef_m).numpy()
        velocity_m_s = (state.velocity_ecef_m_s - site.velocity_ecef_m_s).numpy()
        range_m = np.linalg.norm(line_m, axis=-1)
        sine = (line_m * up).sum(-1) / range_m
        range_rate_m_s = (line_m * velocity_m_s).sum(-1) / range_m
        climb_m_s = (velocity_m_s * up).sum(-1) + (line_m * site.up_rate_rad_s.numpy()).sum(-1)
        return sine, (climb_m_s - sine * range_rate_m_s) / range_m


@dataclass(frozen=True)
class Pass:
    """One pass: instants in seconds since ``sight.epoch`` and as UTC, and the elevation at its highest."""

    sight: SightLine
    mask_rad: float
    rise_s: float
    culmination_s: float
    set_s: float
    culmination_elevation_rad: float

    @property
    def rise(self) -> datetime:
        """When the satellite climbs through the mask, UTC."""
        return self.sight.epoch + timedelta(seconds=self.rise_s)

    @property
    def culmination(self) -> datetime:
        """When it stands highest, UTC."""
        return self.sight.epoch + timedelta(seconds=self.culmination_s)

    @property
    def set(self) -> datetime:
        """When it sinks through the mask, UTC."""
        return self.sight.epoch + timedelta(seconds=self.set_s)


def find_passes(
    satellite: Platform,
    terminal: Terminal,
    start: datetime,
    duration_s: float,
    mask_rad: float,
    *,
    ut1_minus_utc_s: float = 0.0,
) -> list[Pass]:
    """Passes that rise within [start, start + duration), in order.

    Elevation and its rate are sampled every 20 s; turning points between samples are refined where they can
    cross the mask, so no short pass is lost. Instants are refined to 1 microsecond, far inside the 10 ms
    promised. A pass under way at ``start`` is left out, as is one that does not set within a day of the end
    of the window (geostationary satellites drift).

    Parameters
    ----------
    satellite : Platform
        A single satellite: states [time, 3].
    terminal : Terminal
        A single site.
    start : datetime
        Aware.
    duration_s : float
        Positive.
    mask_rad : float
        Elevation at which a pass begins and ends.
    ut1_minus_utc_s : float
        UT1 - UTC, see `Times`.

    Returns
    -------
    list of Pass
        Empty if none.
    """
    sight = SightLine(satellite, terminal, Times(start, 0.0).epoch, ut1_minus_utc_s)
    return _passes(sight, 0.0, duration_s, mask_rad)


def next_pass(
    satellite: Platform,
    terminal: Terminal,
    after: datetime,
    *,
    min_culmination_rad: float = 0.0,
    mask_rad: float,
    within_days: float = 10.0,
    ut1_minus_utc_s: float = 0.0,
) -> Pass:
    """First pass that rises after an instant and climbs high enough.

    Parameters as in `find_passes`; the search goes day by day and stops at the first hit.

    Raises
    ------
    ScenarioError
        If no such pass rises within the given days: names the highest culmination, or says that the satellite
        never rises or never sets.
    """
    sight = SightLine(satellite, terminal, Times(after, 0.0).epoch, ut1_minus_utc_s)
    best: Pass | None = None
    for day in range(math.ceil(within_days)):
        length_s = _DAY_S * min(1.0, within_days - day)
        for each in _passes(sight, day * _DAY_S, day * _DAY_S + length_s, mask_rad):
            if each.culmination_elevation_rad >= min_culmination_rad:
                return each
            if best is None or each.culmination_elevation_rad > best.culmination_elevation_rad:
                best = each
    window = f"within {within_days:g} days after {sight.epoch:%Y-%m-%dT%H:%M:%SZ}"
    if best is not None:
        raise ScenarioError(
            f"{math.degrees(min_culmination_rad):g}; the highest culmination {window} is "
            f"{math.degrees(best.culmination_elevation_rad):.2f} deg ({best.culmination:%Y-%m-%dT%H:%M:%SZ})",
            key="at.pass.min_culmination_deg",
        )
    sine, _ = sight.sin_elevation(np.arange(0.0, within_days * _DAY_S, 3.0 * _STEP_S))
    low_deg, high_deg = np.degrees(np.arcsin(np.clip([sine.min(), sine.max()], -1.0, 1.0)))
    raise ScenarioError(
        f"no pass {window}: the elevation stays between {low_deg:.2f} and {high_deg:.2f} deg and does not "
        f"both rise above and set below the mask of {math.degrees(mask_rad):g} deg; there is no pass to study, "
        "a link at one instant is asked for by at.utc",
        key="at.pass",
    )


def time_at_elevation(pass_: Pass, elevation_rad: float | np.ndarray, side: str) -> np.ndarray:
    """Seconds since ``pass_.sight.epoch`` at which the satellite stands at given elevations.

    Parameters
    ----------
    pass_ : Pass
        From `find_passes` or `next_pass`.
    elevation_rad : float or [...], float64
        Between the mask of the pass and its culmination.
    side : str
        ``rising`` (before the culmination) or ``setting`` (after it).

    Returns
    -------
    [...], float64
        Refined to 1 microsecond, far inside the 1 ms promised.

    Raises
    ------
    ScenarioError
        If an elevation is above the culmination or below the mask (key ``at.elevation_deg``), or the side is
        neither (key ``at.side``).
    """
    if side not in ("rising", "setting"):
        raise ScenarioError(f"{side!r}; it must be 'rising' or 'setting'", key="at.side")
    wanted_rad = np.asarray(elevation_rad, np.float64)
    highest, lowest = float(wanted_rad.max()), float(wanted_rad.min())
    if not highest <= pass_.culmination_elevation_rad:
        raise ScenarioError(
            f"{math.degrees(highest):g} is above the culmination of this pass, "
            f"{math.degrees(pass_.culmination_elevation_rad):.2f} deg at "
            f"{pass_.culmination:%Y-%m-%dT%H:%M:%SZ}; ask for less, or for a higher pass "
            "by at.pass.min_culmination_deg",
            key="at.elevation_deg",
        )
    if lowest < pass_.mask_rad:
        raise ScenarioError(
            f"{math.degrees(lowest):g} is below the mask of this pass, {math.degrees(pass_.mask_rad):g} deg; "
            "ask for more, or lower the terminal's min_elevation_deg",
            key="at.elevation_deg",
        )
    level = np.sin(wanted_rad.ravel())
    sign = 1.0 if side == "rising" else -1.0
    left_s, right_s = (pass_.rise_s, pass_.culmination_s) if side == "rising" else (pass_.culmination_s, pass_.set_s)
    found_s = _narrow(
        lambda t: sign * (_on_rows(pass_.sight, t)[0] - level[:, None]),
        np.full_like(level, left_s),
        np.full_like(level, right_s),
    )
    return found_s.reshape(wanted_rad.shape)


def _passes(sight: SightLine, start_s: float, stop_s: float, mask_rad: float) -> list[Pass]:
    rises_s, sets_s = _crossings(sight, start_s, stop_s, mask_rad)
    if rises_s.size and not (sets_s > rises_s[-1]).any():
        sets_s = np.concatenate([sets_s, _crossings(sight, stop_s, stop_s + _DAY_S, mask_rad)[1]])
    following = np.searchsorted(sets_s, rises_s, side="right")
    complete = following < sets_s.size
    if not complete.any():
        return []
    rises_s, sets_s = rises_s[complete], sets_s[following[complete]]
    tops_s = _culminations_s(sight, rises_s, sets_s)
    tops_rad = np.arcsin(np.clip(sight.sin_elevation(tops_s)[0], -1.0, 1.0))
    return [
        Pass(sight, mask_rad, *(float(value) for value in instants_and_top))
        for instants_and_top in zip(rises_s, tops_s, sets_s, tops_rad, strict=True)
    ]


def _crossings(sight: SightLine, start_s: float, stop_s: float, mask_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Instants of climbing and of sinking through the mask."""
    level = math.sin(mask_rad)
    grid_s = np.linspace(start_s, stop_s, math.ceil((stop_s - start_s) / _STEP_S) + 1)
    sine, rate = sight.sin_elevation(grid_s)
    turning_s = _hidden_turns(sight, grid_s, sine, rate, level)
    if turning_s.size:
        grid_s = np.concatenate([grid_s, turning_s])
        order = np.argsort(grid_s)
        grid_s, sine = grid_s[order], np.concatenate([sine, sight.sin_elevation(turning_s)[0]])[order]
    above = sine >= level
    at = np.flatnonzero(above[:-1] != above[1:])
    climbs = above[at + 1]
    sign = np.where(climbs, 1.0, -1.0)[:, None]
    crossings_s = _narrow(lambda t: sign * (_on_rows(sight, t)[0] - level), grid_s[at], grid_s[at + 1])
    return crossings_s[climbs], crossings_s[~climbs]


def _hidden_turns(sight: SightLine, grid_s: np.ndarray, sine: np.ndarray, rate: np.ndarray, level: float) -> np.ndarray:
    """Turning points between two samples on the same side of the mask, where they may cross it."""
    reach = np.diff(grid_s) * np.maximum(np.abs(rate[:-1]), np.abs(rate[1:]))
    peaks = (rate[:-1] > 0.0) & (rate[1:] <= 0.0) & (np.maximum(sine[:-1], sine[1:]) < level)
    peaks &= np.maximum(sine[:-1], sine[1:]) + reach >= level
    dips = (rate[:-1] < 0.0) & (rate[1:] >= 0.0) & (np.minimum(sine[:-1], sine[1:]) >= level)
    dips &= np.minimum(sine[:-1], sine[1:]) - reach < level
    at = np.flatnonzero(peaks | dips)
    sign = np.where(peaks[at], -1.0, 1.0)[:, None]
    return _narrow(lambda t: sign * _on_rows(sight, t)[1], grid_s[at], grid_s[at + 1])


def _culminations_s(sight: SightLine, rises_s: np.ndarray, sets_s: np.ndarray) -> np.ndarray:
    """Highest point of each pass, refined by the sign of the elevation rate."""
    samples_s = _sections(rises_s, sets_s)
    top = np.clip(_on_rows(sight, samples_s)[0].argmax(axis=1), 1, _SECTIONS - 1)
    rows = np.arange(len(top))
    return _narrow(lambda t: -_on_rows(sight, t)[1], samples_s[rows, top - 1], samples_s[rows, top + 1])


def _on_rows(sight: SightLine, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine of the elevation and its rate at instants [rows, samples]."""
    sine, rate = sight.sin_elevation(offset_s.ravel())
    return sine.reshape(offset_s.shape), rate.reshape(offset_s.shape)


def _sections(left_s: np.ndarray, right_s: np.ndarray) -> np.ndarray:
    return left_s[:, None] + (right_s - left_s)[:, None] * np.linspace(0.0, 1.0, _SECTIONS + 1)


def _narrow(signed: Callable[[np.ndarray], np.ndarray], left_s: np.ndarray, right_s: np.ndarray) -> np.ndarray:
    """Zeros of a function that is negative at the left end and not at the right, all brackets at once."""
    while left_s.size and (right_s - left_s).max() > _TOLERANCE_S:
        samples_s = _sections(left_s, right_s)
        past = signed(samples_s) >= 0.0
        past[:, 0], past[:, -1] = False, True
        first = past.argmax(axis=1)
        rows = np.arange(len(first))
        left_s, right_s = samples_s[rows, first - 1], samples_s[rows, first]
    return 0.5 * (left_s + right_s)
