"""Study `channel`: what a link loses and how it fades, before any bit is sent."""

import json
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ntn6g import channel
from ntn6g.channel.fading.rays import RayChannel, Scattering
from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import METRES_PER_KILOMETRE, kmh_to_m_s, linear_to_db
from ntn6g.orbit import slant_range_m
from ntn6g.phy.coding import DEFAULT_DECODER
from ntn6g.scenario import Antenna, Channel, Conformance, Scenario, Survey, Terminal
from ntn6g.study.build import survey_losses as losses
from ntn6g.study.build.antennas import link_gains, over_sphere
from ntn6g.study.build.deterministic import ONE_CHUNK, DeterministicPoint, points_of, recipe_of
from ntn6g.study.build.fading import fading_facts, fading_structure, fading_values, make_fading
from ntn6g.study.build.link_step import LinkStructure
from ntn6g.study.build.loss_terms import line_of_sight
from ntn6g.study.engine import Recipe, Tally

LEVELS = np.concatenate([[0.001], np.linspace(0.005, 0.995, 199), [0.999]])
"""Shares of the draws at which distributions are written."""
_ELEVATION_DEG = np.arange(10.0, 90.5, 1.0)
_ROWS = 512  # links drawn at once
_SAMPLES, _PER_CYCLE = 256, 4  # of the Doppler spectrum, and samples per cycle of the largest shift
_BINS = 60  # of the power delay profile of drawn delays


class ChannelStudy:
    """A deterministic study: one chunk a point, with losses, profile, spectrum and distributions as a series.

    Parameters as `ntn6g.study.build.link.LinkStudy`.

    Raises
    ------
    ScenarioError
        When the weather of a loss is not given. A loss whose method does not reach a carrier is left out and named.
    """

    kind = "channel"
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
        return recipe_of(_figures)

    def row(self, point: DeterministicPoint, tally: Tally, stopped_by: str | None) -> dict[str, Any]:
        """Losses by term and quantiles of the scenario's own environment; ``left_out`` names terms without a method."""
        del stopped_by
        air, survey, terminal, _ = _asked(point.scenario)
        missing = losses.left_out(losses.options_of(air, survey, terminal), air.carrier_ghz, survey.elevation_deg)
        found: dict[str, Any] = {name: value for name, value in tally.sums.items() if not math.isnan(value)}
        return found | ({"left_out": missing} if missing else {})

    def series(self) -> list[dict[str, Any]]:
        """Curves of every point, in order; ``axes`` says in JSON what tells it from the others."""
        return [curves(p.scenario) | {"axes": np.array(json.dumps(p.axes))} for p in self.points]


def _asked(asked: Scenario) -> tuple[Channel, Survey, Terminal | None, int]:
    assert asked.channel is not None  # checked on loading
    terminal = asked.terminals[asked.terminal_name()] if asked.terminals else None
    return asked.channel, asked.survey, terminal, asked.seed


def _check(asked: Scenario) -> None:
    air, survey, terminal, _ = _asked(asked)
    channel.band_of(1e9 * air.carrier_ghz)  # of the distributions
    at, options = np.array([survey.elevation_deg]), losses.options_of(air, survey, terminal)
    losses.terms_db(air, survey, options, at, air.carrier_ghz)
    fading_values(air, _structure(air, _heard(asked)), math.radians(survey.elevation_deg))
    for end in ("satellite", "terminal"):
        given = getattr(asked.antennas, end, None)
        if given is not None and given.pointing.kind == "place":
            raise ScenarioError(
                "'place' needs an orbit over the Earth; a channel study has an altitude and an elevation only",
                key=f"antennas.{end}.pointing.kind",
            )
    _gains(asked, np.array([survey.elevation_deg]))


def curves(asked: Scenario) -> dict[str, Any]:
    """Arrays of a point: losses [term, elevation] and [term, frequency], profile, spectrum, distributions, gains."""
    return {**_curves(*_asked(asked), _heard(asked)), **_gains(asked, _ELEVATION_DEG)}


def _heard(asked: Scenario) -> Antenna | None:
    """The antenna that scattered paths may be weighed by."""
    return asked.antennas.terminal if asked.antennas else None


def _gains(asked: Scenario, elevation_deg: NDArray[np.float64]) -> dict[str, Any]:
    """Gain, angle from boresight and losses of the antennas at elevations, where there are antennas."""
    if asked.antennas is None or asked.channel is None:
        return {}
    where = over_sphere(np.radians(elevation_deg), asked.survey.altitude_km * METRES_PER_KILOMETRE)
    found = link_gains(asked.antennas, 1e9 * asked.channel.carrier_ghz, *where).columns
    return {name: np.broadcast_to(values, elevation_deg.shape) for name, values in found.items()}


@lru_cache(maxsize=64)
def _curves(
    air: Channel, survey: Survey, terminal: Terminal | None, seed: int, antenna: Antenna | None
) -> dict[str, Any]:
    options = losses.options_of(air, survey, terminal)
    frequency_ghz = np.geomspace(survey.lowest_ghz, survey.highest_ghz, survey.frequencies)
    return {
        **losses.against_elevation(air, survey, options, _ELEVATION_DEG),
        **losses.against_frequency(air, survey, options, frequency_ghz),
        **_fading_curves(air, survey, seed, antenna),
        **_distributions(air, survey, options, seed),
        "environment": np.array(air.environment),
        "carrier_ghz": np.array(air.carrier_ghz),
        "at_elevation_deg": np.array(survey.elevation_deg),
    }


def _structure(air: Channel, antenna: Antenna | None) -> LinkStructure:
    """The fading of the scenario on the smallest link there is."""
    return LinkStructure(
        resource_blocks=1,
        subcarrier_spacing_hz=15e3,
        dmrs_additional_positions=0,
        pilots=False,
        modulation="bpsk",
        mcs=None,
        mcs_table=1,
        decoder=DEFAULT_DECODER,
        decoder_iterations=None,
        perfect_csi=True,
        frequency_offset=False,
        **fading_structure(air, sight=line_of_sight(air), budget=False, shadowing=False, terminal=antenna),
    )


def _fading_curves(air: Channel, survey: Survey, seed: int, antenna: Antenna | None) -> dict[str, Any]:
    structure = _structure(air, antenna)
    elevation_rad = math.radians(survey.elevation_deg)
    spread_s, k_db = fading_values(air, structure, elevation_rad)
    doppler_hz = kmh_to_m_s(survey.speed_kmh) * air.carrier_ghz * 1e9 / SPEED_OF_LIGHT_M_S
    if isinstance(air.fading, Conformance):
        doppler_hz = air.fading.max_doppler_hz
    fading = make_fading(structure)

    def draw(keys: tf.Tensor, times_s: NDArray[np.float64]) -> channel.ChannelRealization:
        values = {"delay_spread_s": spread_s, "doppler_hz": doppler_hz, "k_factor_db": k_db or 0.0}
        rows = {name: tf.fill([keys.shape[0]], tf.constant(value, tf.float32)) for name, value in values.items()}
        elevation = tf.fill([keys.shape[0]], tf.constant(elevation_rad, tf.float32))
        return fading(keys, times_s=tf.constant(times_s, tf.float32), elevation_rad=elevation, **rows)

    sampled_s = np.arange(_SAMPLES) / (_PER_CYCLE * doppler_hz) if doppler_hz > 0.0 else np.zeros(1)
    profile, spectrum = _measured(draw, _keys(seed, "profile", survey.draws), sampled_s)
    return {**profile, **_spectrum(spectrum, doppler_hz)}


def _keys(seed: int, name: str, count: int) -> tf.Tensor:
    chunk = tf.constant([random.chunk_key(seed, f"channel|{name}", 0)], tf.uint32)
    return random.block_keys(chunk, count)


def _measured(
    draw: Callable[[tf.Tensor, NDArray[np.float64]], channel.ChannelRealization],
    keys: tf.Tensor,
    times_s: NDArray[np.float64],
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Mean power against delay, and mean periodogram over paths and draws, from draws of the fading."""
    delays, powers, spectrum = [], [], np.zeros(len(times_s))
    window = np.hanning(len(times_s) + 2)[1:-1]
    for first in range(0, keys.shape[0], _ROWS):
        drawn = draw(keys[first : first + _ROWS], times_s)
        gain = drawn.gain.numpy()[:, 0, 0].astype(np.complex128)
        delays.append(drawn.excess_delay_s.numpy().astype(np.float64))
        powers.append((np.abs(gain) ** 2).mean(-1))
        spectrum += (np.abs(np.fft.fft(gain * window, axis=-1)) ** 2).sum((0, 1))
    delay_s, power = np.concatenate(delays), np.concatenate(powers)
    if np.ptp(delay_s, 0).max() == 0.0:
        return {"profile_delay_ns": 1e9 * delay_s[0], "profile_power_db": linear_to_db(power.mean(0))}, spectrum
    end_s = np.quantile(delay_s[power > 0.0], 0.99)
    edges = np.linspace(0.0, end_s, _BINS + 1)
    total, _ = np.histogram(delay_s, edges, weights=power)
    with np.errstate(divide="ignore"):
        level_db = linear_to_db(total / power.sum())
    return {"profile_edge_ns": 1e9 * edges, "profile_power_db": level_db}, spectrum


def _spectrum(spectrum: NDArray[np.float64], doppler_hz: float) -> dict[str, Any]:
    """Power per hertz in decibels over its mean within the largest shift, in ascending order of frequency."""
    if doppler_hz <= 0.0:
        return {}
    frequency_hz = np.fft.fftshift(np.fft.fftfreq(len(spectrum), 1.0 / (_PER_CYCLE * doppler_hz)))
    share = np.fft.fftshift(spectrum) / spectrum.sum()
    flat = _PER_CYCLE / (2.0 * len(spectrum))  # share of one bin in an even spectrum within the largest shift
    return {"doppler_hz": frequency_hz, "doppler_power_db": linear_to_db(np.maximum(share / flat, 1e-12))}


def _distributions(air: Channel, survey: Survey, options: channel.LossOptions, seed: int) -> dict[str, Any]:
    """Coupling loss and delay spread of drawn links at the shares `LEVELS`: [environment, level]."""
    coupling, spread = [], []
    for environment in channel.ENVIRONMENTS:
        loss_db, spread_s = _drawn_links(air.model_copy(update={"environment": environment}), survey, options, seed)
        coupling.append(np.quantile(loss_db, LEVELS))
        spread.append(1e9 * np.quantile(spread_s, LEVELS))
    return {
        "environments": np.array(channel.ENVIRONMENTS),
        "level": LEVELS,
        "coupling_loss_db": np.stack(coupling),
        "delay_spread_ns": np.stack(spread),
    }


def _drawn_links(
    air: Channel, survey: Survey, options: channel.LossOptions, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coupling loss in dB between isotropic antennas, and delay spread in s, of links by the ray model: [draw] each.

    Line of sight is drawn with the probability of the environment; without it clutter counts. Shadow fading, where
    the scenario has it drawn, is that of the ray model, correlated with the delay spread.
    """
    band = channel.band_of(air.carrier_ghz * 1e9)
    sights = (True, False)
    model = RayChannel(
        [Scattering(air.environment, band, sight) for sight in sights], interpolation=options.interpolation
    )
    keys = _keys(seed, "links", survey.draws)
    elevation_rad = math.radians(survey.elevation_deg)
    elevation = tf.fill([survey.draws], tf.constant(elevation_rad, tf.float32))
    reading = air.table_interpolation, air.below_table
    probability = float(channel.lookup(air.environment, band, True, "los_probability", elevation_rad, *reading))
    blocked = random.uniform(random.stream(keys, "sight"), (1,))[:, 0] >= probability
    index = tf.cast(blocked, tf.int32)
    fixed_db = np.array([losses.fixed_loss_db(air, survey, options, sight) for sight in sights])
    large = model.large_scale(keys, elevation, scattering=index)
    power, delay_s = (
        each.numpy().astype(np.float64) for each in model.power_profile(keys, elevation, scattering=index)
    )
    mean = (power * delay_s).sum(1, keepdims=True)
    spread_s = np.sqrt((power * (delay_s - mean) ** 2).sum(1))
    gained_db = large.shadow_db.numpy().astype(np.float64) if air.losses.shadow_fading == "draw" else 0.0
    return fixed_db[index.numpy()] - gained_db, spread_s


def _figures(asked: Scenario) -> dict[str, float]:
    air, survey, terminal, _ = _asked(asked)
    at, options = np.array([survey.elevation_deg]), losses.options_of(air, survey, terminal)
    terms = losses.terms_db(air, survey, options, at, air.carrier_ghz)
    structure, elevation_rad = _structure(air, _heard(asked)), math.radians(survey.elevation_deg)
    found = curves(asked)
    own = list(found["environments"]).index(air.environment)
    quantiles = {
        f"{name}_p{round(100 * share):02d}_{unit}": float(np.interp(share, LEVELS, found[f"{name}_{unit}"][own]))
        for name, unit in (("coupling_loss", "db"), ("delay_spread", "ns"))
        for share in (0.05, 0.5, 0.95)
    }
    band, reading = channel.band_of(air.carrier_ghz * 1e9), (air.table_interpolation, air.below_table)
    seen = channel.lookup(air.environment, band, True, "los_probability", elevation_rad, *reading)
    polar = losses.polar_db(air, terms, at, air.carrier_ghz)
    gases = losses.gas_by_methods_db(air, survey, options, at, air.carrier_ghz) if air.losses.gas else None
    return {
        "range_km": float(slant_range_m(np.float64(elevation_rad), np.float64(1e3 * survey.altitude_km))) / 1e3,
        **{f"{term}_loss_db": float(value[0]) for term, value in terms.items()},
        "path_loss_db": float(losses.total_db(terms)[0]),
        **({} if gases is None else losses.gas_columns(gases)),
        **({} if polar is None else {"xpd_db": float(polar[0])}),
        "los_probability": float(seen),
        **fading_facts(structure, *fading_values(air, structure, elevation_rad)),
        **{name: float(values[0]) for name, values in _gains(asked, at).items()},
        **quantiles,
    }
