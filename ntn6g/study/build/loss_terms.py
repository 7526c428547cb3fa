"""Which loss terms a channel section asks for, with the weather of the place where they act."""

import math
from dataclasses import asdict
from typing import Protocol

from ntn6g import channel
from ntn6g.channel.loss import ionospheric_fluctuation_db, ionospheric_scale_db
from ntn6g.channel.loss.weather import at_location
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import METRES_PER_KILOMETRE
from ntn6g.scenario import Channel, ScintillationModel
from ntn6g.study.build.fading import fading_profile


class Place(Protocol):
    """Where weather is asked for: a terminal or a gateway."""

    @property
    def latitude_deg(self) -> float:
        """Geodetic latitude, degrees north."""

    @property
    def longitude_deg(self) -> float:
        """Longitude, degrees east."""

    @property
    def altitude_m(self) -> float:
        """Height above the ellipsoid."""


def line_of_sight(air: Channel) -> bool:
    """Whether the terminal sees the satellite: as the scenario says, else as the fading profile has it."""
    if air.line_of_sight is not None:
        return air.line_of_sight
    profile = fading_profile(air.fading.kind, getattr(air.fading, "profile", None))
    return profile is None or profile.line_of_sight


def loss_options(
    air: Channel, terminal: Place | None = None, *, below_ionosphere: bool = False
) -> channel.LossOptions:
    """Loss terms and readings of the standard that a channel section asks for, with the terminal's weather.

    Between ends ``below_ionosphere`` nothing of it counts.

    Raises
    ------
    ScenarioError
        When rain or cloud losses need maps that are not installed, or a place that is not given.
    """
    losses = air.losses
    wanted = {
        "free_space": losses.free_space,
        "gas": losses.gas,
        "rain": losses.rain,
        "cloud": losses.cloud,
        "scintillation": losses.scintillation,
        "faraday": losses.faraday
        and not below_ionosphere
        and not any(getattr(air.fading, end, None) for end in ("terminal", "satellite")),
        "clutter": losses.clutter,
        "trees": losses.trees,
        "building": losses.building != "none",
        "shadow": losses.shadow_margin_db > 0.0,
    }
    scintillation, obstacles = air.scintillation_model, air.obstacle_model
    fluctuation_db = 0.0 if below_ionosphere else _fluctuation_db(scintillation, _latitude_deg(air, terminal))
    return channel.LossOptions(
        terms=tuple(name for name in channel.LOSS_TERMS if wanted[name]),
        gas_method=air.gas_model.method,
        gas_rule="cosecant" if air.gas_model.below_10_ghz else "tr38811",
        gas_frequencies="nearest" if air.gas_model.frequency == "nearest" else "linear",
        scintillation_method=scintillation.method,
        antenna_diameter_m=scintillation.antenna_diameter_m or 1.0,  # given where it counts
        antenna_efficiency=scintillation.antenna_efficiency,
        ionospheric_fluctuation_4ghz_db=fluctuation_db,
        combination=air.weather.combination,
        clutter_method=obstacles.clutter,
        clutter_probability=obstacles.clutter_percent / 100.0,
        trees_percent=obstacles.trees_percent,
        interpolation=air.table_interpolation,
        below_table=air.below_table,
        shadow_margin_db=losses.shadow_margin_db,
        building="traditional" if losses.building == "none" else losses.building,
        building_probability=obstacles.building_percent / 100.0,
        weather=weather_of(air, terminal),
    )


def _fluctuation_db(asked: ScintillationModel, latitude_deg: float | None) -> float:
    if asked.s4 is not None:
        return ionospheric_scale_db(asked.s4)
    if asked.fluctuation_4ghz_db is not None:
        return asked.fluctuation_4ghz_db
    return ionospheric_fluctuation_db(math.radians(latitude_deg or 0.0))  # of no place: as TR 38.821, 6.1.3.1, takes it


def _latitude_deg(air: Channel, terminal: Place | None) -> float | None:
    given = air.weather.latitude_deg
    return given if given is not None or terminal is None else terminal.latitude_deg


_ELSEWHERE = {
    "wet_refractivity": "channel.scintillation_model.wet_refractivity",
    "vapour_density_g_m3": "channel.gas_model.vapour: given",
}
"""What to give in place of a map whose number is no key of the weather itself."""


def weather_of(air: Channel, terminal: Place | None, key: str = "channel.weather") -> channel.Weather:
    """Weather of a place: as given under ``key``, else of the maps of ITU-R; nothing of what does not count.

    Raises
    ------
    ScenarioError
        As `loss_options`.
    """
    asked, losses, gas = air.weather, air.losses, air.gas_model
    given = {
        "rain_rate_001_mm_h": asked.rain_rate_001_mm_h if losses.rain else 0.0,
        "rain_height_km": asked.rain_height_km if losses.rain else 0.0,
        "liquid_kg_m2": asked.liquid_kg_m2 if losses.cloud else 0.0,
        "wet_refractivity": _wet_refractivity(air),
        "vapour_density_g_m3": None if gas.vapour == "map" else gas.vapour_density_g_m3,
    }
    height_km = 0.0 if terminal is None else max(terminal.altitude_m, 0.0) / METRES_PER_KILOMETRE
    latitude_deg = _latitude_deg(air, terminal)
    if losses.rain and latitude_deg is None:
        raise ScenarioError(
            "required key is missing; rain statistics depend on it, and there is no terminal",
            key="channel.weather.latitude_deg",
        )
    missing = [name for name, value in given.items() if value is None]
    if missing:
        if terminal is None:
            raise ScenarioError(
                "rain, cloud, vapour by map and scintillation by p618 need a terminal, or all numbers given",
                key="channel.weather",
            )
        # cloud and vapour beside rain: P.618-14, 2.5
        least_percent = 5.0 if asked.combination == "p618" else 0.0
        place = at_location(
            terminal.latitude_deg,
            terminal.longitude_deg,
            exceeded_percent=max(asked.exceeded_percent, least_percent),
            station_height_km=height_km,
            key=key,
            instead=" and ".join(_ELSEWHERE.get(name, name) for name in missing),
        )
        found = asdict(place)
        found["vapour_density_g_m3"] *= math.exp(height_km / 2.0)  # from the station down to the sea: P.835-6, 1.2
        given = {name: found[name] if value is None else value for name, value in given.items()}
        if gas.vapour == "map" and losses.gas:
            given |= {name: found[name] for name in ("vapour_column_kg_m2", "temperature_k")}
    return channel.Weather(
        exceeded_percent=asked.exceeded_percent,
        latitude_rad=math.radians(latitude_deg or 0.0),
        station_height_km=height_km,
        tilt_rad=math.radians(asked.polarisation_tilt_deg),
        **{name: float(value or 0.0) for name, value in given.items()},
    )


def _wet_refractivity(air: Channel) -> float | None:
    """0 where it does not count, None where the map has to say it."""
    counts = air.losses.scintillation and air.scintillation_model.method == "p618"
    return air.scintillation_model.wet_refractivity if counts else 0.0
