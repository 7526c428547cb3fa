"""Study `pass`: what a link has to follow while a satellite passes, and its budget where one is given."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ntn6g import orbit
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import METRES_PER_KILOMETRE
from ntn6g.scenario import Scenario
from ntn6g.study.build.antennas import Gains, link_gains
from ntn6g.study.build.deterministic import ONE_CHUNK, DeterministicPoint, points_of, recipe_of
from ntn6g.study.build.geometry import pass_of
from ntn6g.study.build.payload import feeder_of
from ntn6g.study.build.power import Way, budget_of
from ntn6g.study.build.rain import rain_along_db
from ntn6g.study.engine import Recipe, Tally

_EXTREMES = ("culmination_deg", "duration_s", "shortest_range_km", "longest_range_km", "largest_doppler_khz")
_LEVELS = ("highest_snr_db", "lowest_snr_db")  # where a budget is given; of the instants of the track
_ERRORS = ("largest_timing_error_us", "largest_doppler_error_hz", "usable_fraction")  # of what a terminal foretells


class PassStudy:
    """A deterministic study: one chunk a point, a time series for each.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        When there is no such pass.
    """

    kind = "pass"
    rule = ONE_CHUNK

    def __init__(self, part: str, scenario: Scenario) -> None:
        self.part, self.scenario = part, scenario
        self.points = points_of(scenario, self.kind, _check)

    def rows(self, structure: str) -> int:
        """Nothing is batched."""
        del structure
        return 1

    def recipe(self, structure: str) -> Recipe:
        """The one step there is."""
        del structure
        return recipe_of(_extremes_of)

    def row(self, point: DeterministicPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Instants and extremes of the pass."""
        del stopped_by
        found = pass_of(point.scenario)
        moments = {"rise": found.rise, "culmination": found.culmination, "set": found.set}
        written = {f"{name}_utc": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" for name, moment in moments.items()}
        known = _ERRORS if point.scenario.track.ephemeris else ()
        figures = {name: tally.sums[name] for name in (*_EXTREMES, *_LEVELS, *known) if name in tally.sums}
        return {**written, **{name: value for name, value in figures.items() if not math.isnan(value)}}

    def series(self) -> list[dict[str, Any]]:
        """Time series of every point, in order; ``axes`` says in JSON what tells it from the others."""
        return [track(p.scenario) | {"axes": np.array(json.dumps(p.axes))} for p in self.points]


def _check(asked: Scenario) -> None:
    found = pass_of(asked)
    if asked.antennas is not None and asked.channel is not None:  # antennas refuse here, before anything is written
        times = found.sight.times(np.array([found.culmination_s]))
        ends = found.sight.satellite.state(times), found.sight.terminal.site(times)
        link_gains(asked.antennas, 1e9 * asked.channel.carrier_ghz, *ends)
    if asked.track.rain == "drawn":
        if asked.channel is not None and asked.channel.losses.rain:
            raise ScenarioError(
                "drawn beside channel.losses.rain: true would count rain twice; leave one out", key="track.rain"
            )
        rain_along_db(asked, np.array([found.culmination_elevation_rad]), np.zeros(1))


def _extremes_of(asked: Scenario) -> dict[str, float]:
    return _extremes(asked, track(asked))


def track(asked: Scenario) -> dict[str, Any]:
    """Geometry from rise to set in the units of figures, with the budget's SNR where a budget is given."""
    found = pass_of(asked)
    steps = max(2, math.ceil((found.set_s - found.rise_s) / asked.track.step_s) + 1)
    offset_s = np.linspace(found.rise_s, found.set_s, steps)
    sight = found.sight
    times = sight.times(offset_s)
    state, site = sight.satellite.state(times), sight.terminal.site(times)
    geometry = orbit.link_geometry(state, site)
    air = asked.channel
    carrier_hz = air.carrier_ghz * 1e9 if air else 0.0
    range_m, elevation_rad = geometry.range_m.numpy(), geometry.elevation_rad.numpy()
    columns = {
        "time_s": offset_s - found.culmination_s,
        "elevation_deg": np.degrees(elevation_rad),
        "azimuth_deg": np.degrees(geometry.azimuth_rad.numpy()),
        "range_km": range_m / METRES_PER_KILOMETRE,
        "delay_ms": 1e3 * geometry.light_time_s.numpy(),
        "doppler_khz": -1e-3 * carrier_hz * geometry.range_rate_m_s.numpy() / SPEED_OF_LIGHT_M_S,
        "doppler_rate_khz_s": -1e-3 * carrier_hz * geometry.range_acceleration_m_s2.numpy() / SPEED_OF_LIGHT_M_S,
        "off_nadir_deg": np.degrees(geometry.off_nadir_rad.numpy()),
        "sunlit_fraction": orbit.sunlit_fraction(state, times).numpy(),
        "sun_elevation_deg": np.degrees(orbit.sun_elevation_rad(site, times).numpy()),
        "sun_separation_deg": np.degrees(orbit.sun_separation_rad(state, site, times).numpy()),
        "platform": np.array(asked.platform_name()),
        "terminal": np.array(asked.terminal_name()),
        "culmination_utc": np.array(f"{found.culmination:%Y-%m-%dT%H:%M:%SZ}"),
    }
    uplink = asked.link is not None and asked.link.direction == "uplink"
    gains = link_gains(asked.antennas, carrier_hz, state, site, uplink=uplink) if asked.antennas and air else None
    if gains is not None:
        columns |= {name: np.broadcast_to(values, offset_s.shape) for name, values in gains.columns.items()}
    feeder = feeder_of(asked.payload, state)
    if feeder is not None:
        columns |= feeder.columns(geometry, carrier_hz, uplink=uplink) | {"feeder_visible": feeder.visible}
    rain = {"rain_loss_db": rain_along_db(asked, elevation_rad, offset_s)} if asked.track.rain == "drawn" else {}
    snr = _snr(asked, range_m, elevation_rad, gains)
    if rain and snr:
        snr = {"snr_db": snr["snr_db"] - rain["rain_loss_db"]}
    if feeder is not None and snr and asked.link is not None and air is not None:
        bandwidth_hz = 12e3 * asked.link.resource_blocks * asked.link.subcarrier_khz
        both = feeder.combined_db(snr["snr_db"], bandwidth_hz, air)
        snr = {"service_snr_db": snr["snr_db"], "snr_db": np.where(feeder.visible, both, np.nan)}
    return columns | snr | rain | _foretold(asked, sight, times, geometry)


def _foretold(
    asked: Scenario, sight: orbit.SightLine, times: orbit.Times, geometry: orbit.LinkGeometry
) -> dict[str, Any]:
    """Errors of timing advance and Doppler that the terminal's knowledge of satellite and place leaves."""
    asked_for = asked.track.ephemeris
    if asked_for is None:
        return {}
    known = orbit.BroadcastEphemeris(
        satellite=sight.satellite,
        first_epoch=sight.epoch,
        period_s=asked_for.period_s,
        latency_s=asked_for.latency_s,
        validity_s=asked_for.validity_s,
        form=asked_for.form,
        oblateness=asked_for.oblateness,
    )
    off_m = np.array([asked_for.east_error_m, asked_for.north_error_m, asked_for.up_error_m])
    taken = orbit.displaced(sight.terminal.site(times), off_m)
    error = orbit.uplink_timing(orbit.link_geometry(known.state(times), taken)) - orbit.uplink_timing(geometry)
    carrier_hz = asked.channel.carrier_ghz * 1e9 if asked.channel else 0.0
    return {
        "ephemeris_age_s": known.age_s(times),
        "ephemeris_usable": known.valid(times).numpy(),
        "timing_error_us": 1e6 * error.timing_advance_s.numpy(),
        "doppler_error_hz": carrier_hz * error.doppler_ratio.numpy(),
    }


def _snr(asked: Scenario, range_m: Any, elevation_rad: Any, gains: Gains | None) -> dict[str, Any]:
    air, link = asked.channel, asked.link
    if air is None or link is None or asked.power is None or asked.power.budget is None:
        return {}
    budget = budget_of(
        asked.power.budget,
        air,
        Way(range_m, elevation_rad),
        bandwidth_hz=12e3 * link.resource_blocks * link.subcarrier_khz,
        terminal=asked.terminals[asked.terminal_name()],
        gains=gains,
    )
    return {"snr_db": np.asarray(budget.cnr_db)}


def _extremes(asked: Scenario, columns: Mapping[str, Any]) -> dict[str, float]:
    found = pass_of(asked)
    # the instants that matter, whatever the step of the track
    times = found.sight.times(np.array([found.rise_s, found.culmination_s, found.set_s]))
    geometry = orbit.link_geometry(found.sight.satellite.state(times), found.sight.terminal.site(times))
    carrier_khz = asked.channel.carrier_ghz * 1e6 if asked.channel else 0.0
    doppler_khz = carrier_khz * geometry.range_rate_m_s.numpy() / SPEED_OF_LIGHT_M_S
    range_km = np.append(columns["range_km"], geometry.range_m.numpy() / METRES_PER_KILOMETRE)
    values = (
        math.degrees(found.culmination_elevation_rad),
        found.set_s - found.rise_s,
        float(range_km.min()),
        float(range_km.max()),
        float(np.abs(np.append(columns["doppler_khz"], doppler_khz)).max()),
    )
    found_values = dict(zip(_EXTREMES, values, strict=True))
    if "snr_db" in columns and np.isfinite(columns["snr_db"]).any():
        found_values |= zip(_LEVELS, (float(f(columns["snr_db"])) for f in (np.nanmax, np.nanmin)), strict=True)
    if "ephemeris_usable" in columns:
        usable = columns["ephemeris_usable"]
        errors = (np.abs(columns[name][usable]) for name in ("timing_error_us", "doppler_error_hz"))
        worst = (each.max() if each.size else math.nan for each in errors)  # nothing usable, nothing known
        found_values |= dict(zip(_ERRORS, (*map(float, worst), float(usable.mean())), strict=True))
    return found_values
