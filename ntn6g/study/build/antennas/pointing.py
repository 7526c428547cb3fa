"""Where the antennas of a link look, and the gains that they have for each other along it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g import orbit, scenario
from ntn6g.channel import antennas
from ntn6g.core.constants import EARTH_MU_M3_S2, EARTH_RADIUS_M
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import linear_to_db
from ntn6g.study.build.antennas.kinds import End, made


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Gains of a link at some instants, NumPy [...] or numbers; None at an end whose antenna is not given."""

    satellite: End | None
    terminal: End | None
    satellite_gain_dbi: Any = None
    terminal_gain_dbi: Any = None
    polarisation_loss_db: float | None = None
    squint: Any = None
    """Amplitude of both ends at every subcarrier over that at the carrier, [..., subcarrier]; None where it is one."""
    uplink: bool = False
    """Whether the terminal sends."""
    columns: Mapping[str, Any]
    """What tables say: gain, angle from boresight and pointing loss of each end, loss of polarisation."""

    @property
    def first(self) -> "Gains":
        """Those of the first instant, as numbers."""

        def number(value: Any) -> float | None:
            return None if value is None else float(np.ravel(value)[0])

        return replace(
            self,
            squint=None if self.squint is None else np.reshape(self.squint, [-1, np.shape(self.squint)[-1]])[0],
            satellite_gain_dbi=number(self.satellite_gain_dbi),
            terminal_gain_dbi=number(self.terminal_gain_dbi),
            columns={name: number(value) for name, value in self.columns.items()},
        )

    @property
    def squint_columns(self) -> dict[str, float]:
        """What tables say of one instant's squint: gain over the carrier's at the weaker edge, and the band's mean."""
        if self.squint is None:
            return {}
        power = np.maximum(np.square(self.squint), 1e-12)
        edge, mean = min(power[0], power[-1]), power.mean()
        return {"squint_edge_db": float(linear_to_db(edge)), "squint_mean_db": float(linear_to_db(mean))}

    def end(self, *, sends: bool) -> tuple[End | None, Any]:
        """The end that sends or receives, and its gain."""
        if sends == self.uplink:
            return self.terminal, self.terminal_gain_dbi
        return self.satellite, self.satellite_gain_dbi


def link_gains(
    asked: scenario.Antennas,
    carrier_hz: float,
    state: orbit.State,
    site: orbit.Site,
    *,
    uplink: bool = False,
    subcarriers_hz: Any = None,
) -> Gains:
    """Gains of both ends towards each other at the instants of a state, fields [T, 3].

    ``subcarriers_hz`` are those of a link, from the carrier, over which a beam may squint.

    Raises
    ------
    ScenarioError
        A carrier at which an antenna has no pattern.
    """
    line = site.position_ecef_m - state.position_ecef_m
    down = tf.math.l2_normalize(line, -1)
    columns: dict[str, Any] = {}
    ends: dict[str, End | None] = {}
    gains: dict[str, Any] = {}
    squint: Any = None
    for name, towards in (("satellite", down), ("terminal", -down)):
        given = getattr(asked, name)
        ends[name] = gains[name] = None
        if given is None:
            continue
        ends[name] = end = made(given, carrier_hz, f"antennas.{name}")
        if name == "satellite":
            axes, aim = satellite_axes(state, given), satellite_aim(given, end.antenna, state, towards)
        else:
            axes, aim = terminal_axes(given, site), _terminal_aim(given, site, towards)
        aim = antennas.mispointed_by(aim, towards, math.radians(given.pointing_error_deg))
        gains[name] = end.antenna.gain_dbi(towards, aim, axes).numpy()
        columns[f"{name}_gain_dbi"] = gains[name]
        columns[f"{name}_off_boresight_deg"] = np.degrees(antennas.angle_between_rad(towards, aim).numpy())
        columns[f"{name}_pointing_loss_db"] = end.antenna.peak_dbi - gains[name] + 0.0
        if subcarriers_hz is not None and getattr(given, "squint", "carrier") == "subcarriers":
            steered: antennas.PhaseSteered = end.antenna  # type: ignore[assignment]  # panels have the key
            ratio = tf.constant(1.0 + np.asarray(subcarriers_hz, np.float64) / carrier_hz)
            squint = (1.0 if squint is None else squint) * steered.over_band(towards, aim, axes, ratio).numpy()
    loss_db = polarisation_loss_db(asked)
    return Gains(
        satellite=ends["satellite"],
        terminal=ends["terminal"],
        satellite_gain_dbi=gains["satellite"],
        terminal_gain_dbi=gains["terminal"],
        polarisation_loss_db=loss_db,
        squint=squint,
        uplink=uplink,
        columns=columns if loss_db is None else {**columns, "polarisation_loss_db": loss_db},
    )


def over_sphere(elevation_rad: Any, altitude_m: float) -> tuple[orbit.State, orbit.Site]:
    """A satellite that recedes northwards over the sphere of 6371 km, at elevations [T] of a terminal on it."""
    elevation, radius_m = np.asarray(elevation_rad, np.float64), EARTH_RADIUS_M + altitude_m
    angle = np.arccos(EARTH_RADIUS_M * np.cos(elevation) / radius_m) - elevation
    sine, cosine, none = np.sin(angle), np.cos(angle), np.zeros_like(angle)
    speed_m_s = math.sqrt(EARTH_MU_M3_S2 / radius_m)
    state = orbit.State(
        tf.constant(radius_m * np.stack([cosine, none, sine], -1)),
        tf.constant(speed_m_s * np.stack([-sine, none, cosine], -1)),
        tf.zeros([*elevation.shape, 3], tf.float64),
    )
    up, east, north = (tf.constant([axis], tf.float64) for axis in ([1, 0, 0], [0, 1, 0], [0, 0, 1]))
    rest = tf.zeros_like(up)
    return state, orbit.Site(EARTH_RADIUS_M * up, rest, rest, east, north, up, rest)


def satellite_aim(
    given: Any, antenna: antennas.Antenna, state: orbit.State, towards: tf.Tensor | None = None
) -> tf.Tensor:
    """Where a satellite's antenna looks: unit vectors [..., 3] in ECEF."""
    pointing = given.pointing
    if pointing.kind == "nadir":
        return orbit.steered(state, 0.0, 0.0)
    if pointing.kind == "tilted":
        return orbit.steered(state, math.radians(pointing.off_nadir_deg), math.radians(pointing.from_track_deg))
    if pointing.kind == "beam":
        width_rad = antenna.half_power_beamwidth_rad
        if width_rad is None:
            raise ScenarioError(
                f"a layout needs one beamwidth, which {given.kind} does not have; take tilted instead",
                key="antennas.satellite.pointing.kind",
            )
        uv = layout_uv(pointing.beams, width_rad, "antennas.satellite.pointing.beams")[
            pointing.number : pointing.number + 1
        ]
        return antennas.beam_directions(state, uv)[..., 0, :]
    if pointing.kind == "place":
        return _unit(_place(pointing) - state.position_ecef_m)
    assert towards is not None  # pointing at the other end
    return towards


def layout_uv(
    beams: int,
    width_rad: float,
    key: str,
    spacing: float | None = None,
    centre_uv: tuple[float, float] = (0.0, 0.0),
) -> Any:
    """Centres of a layout whose neighbours overlap at -3 dB unless a spacing is given: [beam, 2]."""
    try:
        return antennas.hexagonal_beams(beams, spacing or antennas.adjacent_spacing_uv(width_rad), centre_uv)
    except ValueError as error:
        raise ScenarioError(str(error), key=key) from None


def _terminal_aim(given: Any, site: orbit.Site, towards: tf.Tensor) -> tf.Tensor:
    pointing = given.pointing
    if pointing.kind == "sky":
        return _sky(site, math.radians(pointing.azimuth_deg), math.radians(pointing.elevation_deg))
    if pointing.kind == "place":
        return _unit(_place(pointing) - site.position_ecef_m)
    return towards


def satellite_axes(state: orbit.State, given: Any = None) -> tf.Tensor:
    """Of a platform's panel: one that faces nadir, columns along the track, unless the antenna says another way."""
    down, ahead, right = tf.unstack(orbit.track_axes(state), axis=-2)
    elevation_deg = getattr(given, "facing_elevation_deg", None)
    if elevation_deg is None:
        return tf.stack([down, -right, ahead], -2)
    azimuth, elevation = math.radians(given.facing_azimuth_deg), math.radians(elevation_deg)
    level = math.cos(azimuth) * ahead + math.sin(azimuth) * right
    normal = math.cos(elevation) * level - math.sin(elevation) * down
    upwards = -math.sin(elevation) * level - math.cos(elevation) * down
    return tf.stack([normal, tf.linalg.cross(upwards, normal), upwards], -2)


def terminal_axes(given: Any, site: orbit.Site) -> tf.Tensor:
    """Of a panel that faces a direction of the horizon: columns upwards, rows level."""
    azimuth = math.radians(getattr(given, "facing_azimuth_deg", 0.0))
    facing_deg = getattr(given, "facing_elevation_deg", None)
    elevation = math.radians(90.0 if facing_deg is None else facing_deg)
    normal = _sky(site, azimuth, elevation)
    upwards = _sky(site, azimuth, elevation + 0.5 * math.pi)
    return tf.stack([normal, tf.linalg.cross(upwards, normal), upwards], -2)


def _sky(site: orbit.Site, azimuth_rad: float, elevation_rad: float) -> tf.Tensor:
    level = math.cos(azimuth_rad) * site.north + math.sin(azimuth_rad) * site.east
    return math.cos(elevation_rad) * level + math.sin(elevation_rad) * site.up


def _place(pointing: scenario.Place) -> tf.Tensor:
    fixed = orbit.FixedTerminal(
        latitude_rad=math.radians(pointing.latitude_deg),
        longitude_rad=math.radians(pointing.longitude_deg),
        altitude_m=pointing.altitude_m,
    )
    return fixed.position_ecef_m


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(vector, -1)


def polarisation_loss_db(asked: scenario.Antennas) -> float | None:
    """Loss between the polarisations of both ends; None where one of them does not say its own.

    Raises
    ------
    ScenarioError
        When one end hears nothing of the other.
    """
    if asked.satellite is None or asked.terminal is None:
        return None
    if asked.satellite.polarisation is None or asked.terminal.polarisation is None:
        return None
    wave, antenna = (_jones(end) for end in (asked.satellite, asked.terminal))
    loss_db = antennas.polarisation_loss_db(wave, antenna)
    if loss_db > 100.0:
        raise ScenarioError(
            f"{asked.satellite.polarisation} and {asked.terminal.polarisation} at these tilts are crossed and hear "
            "nothing of each other; real antennas have an axial_ratio_db, or another tilt_deg",
            key="antennas.terminal.polarisation",
        )
    return loss_db + 0.0


def _jones(end: Any) -> Any:
    ratio_db = math.inf if end.polarisation == "linear" else end.axial_ratio_db
    return antennas.jones(math.radians(end.tilt_deg), ratio_db, right_handed=end.polarisation != "left")
