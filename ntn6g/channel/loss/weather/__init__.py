"""What the atmosphere takes from a wave: gases, clouds and rain; statistics of a year, and series in time."""

from ntn6g.channel.loss.weather.absorption import (
    slant_absorption_db,
    specific_attenuation_db_km,
)
from ntn6g.channel.loss.weather.atmosphere import reference_air
from ntn6g.channel.loss.weather.climate import Climate, at_location, combined_loss_db
from ntn6g.channel.loss.weather.cloud import cloud_loss_db
from ntn6g.channel.loss.weather.rain import rain_loss_db, rain_probability_percent, rain_specific_db_km
from ntn6g.channel.loss.weather.series import RainSeries
from ntn6g.channel.loss.weather.surface_absorption import column_absorption_db, surface_absorption_db

__all__ = [
    "Climate",
    "RainSeries",
    "at_location",
    "cloud_loss_db",
    "column_absorption_db",
    "combined_loss_db",
    "rain_loss_db",
    "rain_probability_percent",
    "rain_specific_db_km",
    "reference_air",
    "slant_absorption_db",
    "specific_attenuation_db_km",
    "surface_absorption_db",
]
