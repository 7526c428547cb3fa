"""Rain along a pass: one draw of the correlated series of ITU-R P.1853 in which it rains at the highest elevation."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g.channel.loss.weather import RainSeries, at_location, rain_loss_db, rain_probability_percent
from ntn6g.channel.loss.weather.series import FIT_PERCENT, correlated_deviates
from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Scenario
from ntn6g.study.build.loss_terms import loss_options

_CANDIDATES = 1_024  # draws among which the first with rain is taken
_MOST_PERCENT = 5.0  # to which P.618 gives attenuation


def rain_along_db(asked: Scenario, elevation_rad: NDArray[np.float64], time_s: NDArray[np.float64]) -> Any:
    """Rain attenuation at the instants of a pass, [T], float64, from the climate of the terminal.

    One Gaussian process drives the attenuation; its log-normal law is that of the elevation of each instant.

    Raises
    ------
    ScenarioError
        Climate neither given nor to be read from maps, a carrier outside ITU-R P.618, or a place too dry.
    """
    processes = rain_processes(asked, elevation_rad)
    keys = random.block_keys(tf.constant([random.chunk_key(asked.seed, "rain", 0)], tf.uint32), _CANDIDATES)
    level = correlated_deviates(keys, time_s).numpy().astype(np.float64)
    found_db = attenuation_db(processes, level)
    wet = np.flatnonzero(found_db[:, int(np.argmax(elevation_rad))] > 0.0)
    if not len(wet):
        raise ScenarioError(
            f"no rain in {_CANDIDATES} draws: it rains there {100.0 * processes[0].rain_probability:.2g} % of the "
            "time; raise it or leave track.rain out",
            key="channel.weather.rain_probability_percent",
        )
    return found_db[wet[0]]


def rain_processes(asked: Scenario, elevation_rad: NDArray[np.float64]) -> list[RainSeries]:
    """The process of each elevation, fitted to the annual statistics of ITU-R P.618 there."""
    air, terminal = asked.channel, asked.terminals[asked.terminal_name()]
    assert air is not None  # a pass study has one
    raining = air.model_copy(update={"losses": air.losses.model_copy(update={"rain": True, "cloud": False})})
    climate = loss_options(raining, terminal).weather
    probability = air.weather.rain_probability_percent
    if probability is None:
        where = terminal.latitude_deg, terminal.longitude_deg
        probability = at_location(*where, instead="rain_probability_percent").rain_probability_percent
    place = {"rain_height_km": climate.rain_height_km, "station_height_km": climate.station_height_km}
    percents = [percent for percent in FIT_PERCENT if percent <= _MOST_PERCENT]
    losses_db = [
        np.asarray(
            rain_loss_db(
                elevation_rad,
                air.carrier_ghz * 1e9,
                exceeded_percent=percent,
                rain_rate_001_mm_h=climate.rain_rate_001_mm_h,
                latitude_rad=climate.latitude_rad,
                tilt_rad=climate.tilt_rad,
                **place,
            )
        )
        for percent in percents
    ]
    shares = [
        rain_probability_percent(min(float(each), 1.5), probability_percent=float(probability), **place)
        for each in elevation_rad
    ]
    return [
        RainSeries.fitted(percents, column, rain_probability_percent=share)
        for column, share in zip(np.stack(losses_db, 1), shares, strict=True)
    ]


def attenuation_db(processes: list[RainSeries], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Attenuation [draw, T] of deviates [draw, T], the process of each instant its own."""
    mean, sigma, offset = (
        np.array([getattr(each, name) for each in processes]) for name in ("mean_log", "sigma_log", "offset_db")
    )
    return np.maximum(np.exp(mean + sigma * level) - offset, 0.0)
