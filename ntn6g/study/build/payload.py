"""From the section payload to a feeder link at an instant, a filter and an amplifier."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ntn6g import channel, orbit, scenario
from ntn6g.channel.payload import (
    Amplifier,
    butterworth,
    rapp,
    saleh,
    transparent_cnr,
    transparent_offset_hz,
)
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import METRES_PER_KILOMETRE, db_to_linear, linear_to_db
from ntn6g.phy import SlotGrid
from ntn6g.phy.on_board import OnBoard
from ntn6g.scenario import Rapp, Saleh
from ntn6g.study.build.geometry import Instant
from ntn6g.study.build.loss_terms import weather_of

_NUMBERS = ("range_m", "range_rate_m_s", "light_time_s", "elevation_rad")


@dataclass(frozen=True, kw_only=True)
class FeederLink:
    """A feeder link at some instants, NumPy [...]."""

    asked: scenario.Feeder
    range_m: Any
    range_rate_m_s: Any
    light_time_s: Any
    elevation_rad: Any
    visible: Any

    @property
    def delay_s(self) -> Any:
        """One way over feeder link and payload."""
        return self.light_time_s + 1e-6 * self.asked.payload_us

    def columns(self, service: orbit.LinkGeometry | Any, carrier_hz: float, *, uplink: bool) -> dict[str, Any]:
        """What tables say of both hops; ``service`` has light time and range rate of the other one."""
        feeder_hz = 1e9 * self.asked.carrier_ghz
        hops = [(feeder_hz, self.range_rate_m_s), (carrier_hz, np.asarray(service.range_rate_m_s))]
        (first_hz, first_m_s), (second_hz, second_m_s) = hops[::-1] if uplink else hops
        offset_hz = transparent_offset_hz(
            feeder_carrier_hz=first_hz,
            service_carrier_hz=second_hz,
            feeder_range_rate_m_s=first_m_s,
            service_range_rate_m_s=second_m_s,
        )
        delay_s = np.asarray(service.light_time_s) + self.delay_s
        found = {
            "feeder_elevation_deg": np.degrees(self.elevation_rad),
            "feeder_range_km": self.range_m / METRES_PER_KILOMETRE,
            "feeder_delay_ms": 1e3 * self.light_time_s,
            "feeder_doppler_khz": -1e-3 * feeder_hz * self.range_rate_m_s / SPEED_OF_LIGHT_M_S,
            "end_to_end_delay_ms": 1e3 * delay_s,
            "end_to_end_doppler_khz": 1e-3 * offset_hz,
        }
        one = np.ndim(self.range_m) == 0
        return {name: float(value) if one else np.asarray(value) for name, value in found.items()}

    def losses_db(self, air: scenario.Channel) -> dict[str, Any]:
        """Losses of the feeder link by term, those that count; nothing where its ratio is given."""
        if self.asked.cnr_db is not None:
            return {}
        wanted = self._wanted(air)
        options = channel.LossOptions(
            terms=tuple(name for name in channel.LOSS_TERMS if wanted.get(name)),
            below_table="clamp",
            combination=air.weather.combination,
            weather=self._weather(air, wanted),
        )
        elevation_rad = np.maximum(self.elevation_rad, math.radians(1.0))
        carrier_hz = 1e9 * self.asked.carrier_ghz
        return channel.path_loss_terms_db(self.range_m, elevation_rad, carrier_hz, air.environment, True, options)

    def cnr_db(self, bandwidth_hz: float, air: scenario.Channel) -> Any:
        """Carrier over noise of the feeder link in the occupied bandwidth."""
        if self.asked.cnr_db is not None:
            return self.asked.cnr_db
        budget = channel.link_budget(
            g_over_t_db_k=self.asked.gt_dbk,
            bandwidth_hz=bandwidth_hz,
            losses_db={**self.losses_db(air), "additional": self.asked.additional_loss_db},
            eirp_density_dbw_mhz=self.asked.eirp_density_dbw_mhz,
        )
        return budget.cnr_db

    def _wanted(self, air: scenario.Channel) -> dict[str, bool]:
        """Which terms count; rain and cloud as on the service link unless said otherwise."""
        own = self.asked.losses
        return {
            "free_space": own.free_space,
            "gas": own.gas,
            "scintillation": own.scintillation,
            "rain": air.losses.rain if own.rain is None else own.rain,
            "cloud": air.losses.cloud if own.cloud is None else own.cloud,
        }

    def _weather(self, air: scenario.Channel, wanted: dict[str, bool]) -> channel.Weather:
        """Weather over the gateway, from its own numbers or the maps of ITU-R, for the same share of the year."""
        gateway = self.asked.gateway
        own = {name: getattr(gateway, name) for name in ("rain_rate_001_mm_h", "rain_height_km", "liquid_kg_m2")}
        weather = air.weather.model_copy(update={**own, "latitude_deg": None})
        losses = air.losses.model_copy(update={**wanted, "scintillation": False})  # its table needs no weather
        there = air.model_copy(update={"weather": weather, "losses": losses})
        return weather_of(there, gateway, "payload.feeder.gateway")

    def noises(
        self, service_db: float, bandwidth_hz: float, air: scenario.Channel, *, uplink: bool
    ) -> dict[str, float]:
        """Noise of a link over its signal without fading: ``noise_variance`` and ``feeder_noise_variance``.

        The second is sent down by the satellite and fades with the signal. Behind an uplink, which a payload of fixed
        gain sends on, both noises stay when the signal fades, and there is one.
        """
        if uplink:
            whole_db = float(self.combined_db(service_db, bandwidth_hz, air))
            return {"noise_variance": float(db_to_linear(-whole_db)), "feeder_noise_variance": 0.0}
        feeder = float(db_to_linear(-self.cnr_db(bandwidth_hz, air)))
        own = float(db_to_linear(-service_db)) * (1.0 + feeder if self.asked.noise_shares_power else 1.0)
        return {"noise_variance": own, "feeder_noise_variance": feeder}

    def combined_db(self, service_db: Any, bandwidth_hz: float, air: scenario.Channel) -> Any:
        """Carrier over noise behind both hops that do not fade; the law is the same from either side."""
        ratios = db_to_linear(self.cnr_db(bandwidth_hz, air)), db_to_linear(service_db)
        return linear_to_db(transparent_cnr(*ratios, shares_power=self.asked.noise_shares_power))


def feeder_of(asked: scenario.Payload | None, state: orbit.State) -> FeederLink | None:
    """The feeder link of a payload at the instants of a state, fields [T, 3]; None without one."""
    if asked is None or asked.feeder is None:
        return None
    given = asked.feeder.gateway
    gateway = orbit.FixedTerminal(
        latitude_rad=math.radians(given.latitude_deg),
        longitude_rad=math.radians(given.longitude_deg),
        altitude_m=given.altitude_m,
    )
    found = orbit.link_geometry(state, gateway, mask_rad=math.radians(given.min_elevation_deg))
    return FeederLink(
        asked=asked.feeder,
        range_m=found.range_m.numpy(),
        range_rate_m_s=found.range_rate_m_s.numpy(),
        light_time_s=found.light_time_s.numpy(),
        elevation_rad=found.elevation_rad.numpy(),
        visible=found.visible.numpy(),
    )


def feeder_at(asked: scenario.Payload | None, instant: Instant | None) -> FeederLink | None:
    """The feeder link at one instant, as numbers; None without one.

    Raises
    ------
    ScenarioError
        The gateway does not serve then.
    """
    if instant is None or instant.state is None:
        return None
    found = feeder_of(asked, instant.state)
    if found is None:
        return None
    require_gateway(found)
    first: dict[str, Any] = {name: float(getattr(found, name)[0]) for name in _NUMBERS}
    return replace(found, **first, visible=True)


def require_gateway(feeder: FeederLink) -> None:
    """Refuse an instant at which the gateway does not serve."""
    if not np.all(feeder.visible):
        lowest = math.degrees(float(np.min(feeder.elevation_rad)))
        raise ScenarioError(
            f"the satellite stands at {lowest:.2f} deg over the gateway, below its min_elevation_deg of "
            f"{feeder.asked.gateway.min_elevation_deg:g}; choose a nearer gateway or another instant",
            key="payload.feeder.gateway",
        )


@dataclass(frozen=True, kw_only=True)
class PayloadStructure:
    """Filter (passband, order) and amplifier (kind, parameters) on a signal's way, as numbers, and which is first."""

    filter: tuple[float, int] | None
    amplifier: tuple[str, tuple[float, ...]] | None
    amplifier_first: bool = False
    """True on uplinks, where the terminal amplifies and the payload filters."""


def amplifier_asked(link: scenario.Link, carried: scenario.Payload | None) -> Rapp | Saleh | None:
    """Of the end that sends: the terminal's on an uplink, else the payload's."""
    if link.direction == "uplink":
        return link.amplifier
    return carried.amplifier if carried else None


def structure_of(link: scenario.Link, carried: scenario.Payload | None) -> PayloadStructure | None:
    """What shapes the compiled link; None where nothing on the way touches the signal."""
    amplifier, channel_filter = amplifier_asked(link, carried), carried.filter if carried else None
    if amplifier is None and channel_filter is None:
        return None
    numbers: tuple[float, ...] = ()
    if isinstance(amplifier, Rapp):
        numbers = (amplifier.smoothness,)
    elif amplifier is not None:
        numbers = (amplifier.alpha_a, amplifier.beta_a, amplifier.alpha_phi, amplifier.beta_phi)
    return PayloadStructure(
        filter=None if channel_filter is None else (1e6 * channel_filter.passband_mhz, channel_filter.order),
        amplifier=None if amplifier is None else (amplifier.kind, numbers),
        amplifier_first=link.direction == "uplink",
    )


def amplifier_of(given: tuple[str, tuple[float, ...]], back_off_db: float = 0.0) -> Amplifier:
    """The amplifier of a structure at a back-off."""
    kind, numbers = given
    if kind == "rapp":
        return Amplifier(partial(rapp, smoothness=numbers[0]), 1.0, 1.0, back_off_db)
    alpha_a, beta_a, alpha_phi, beta_phi = numbers
    curve = partial(saleh, gain=alpha_a, compression=beta_a, turn=alpha_phi, turn_compression=beta_phi)
    return Amplifier(curve, beta_a**-0.5, 0.5 * alpha_a * beta_a**-0.5, back_off_db)


def on_board(given: PayloadStructure | None, grid: SlotGrid, *, feeder: bool = False) -> OnBoard | None:
    """What the payload does to a slot; ``feeder`` whether it sends the noise of a feeder link on."""
    if given is None:
        return OnBoard(grid, response=None, curve=None, feeder=True) if feeder else None
    response = None
    if given.filter is not None:
        passband_hz, order = given.filter
        response = butterworth(np.asarray(grid.frequencies_hz), passband_hz=passband_hz, order=order)
    curve = None if given.amplifier is None else amplifier_of(given.amplifier).curve
    return OnBoard(grid, response=response, curve=curve, feeder=feeder, amplifier_first=given.amplifier_first)


def amplified(
    asked: Rapp | Saleh | None, structure: PayloadStructure | None
) -> tuple[dict[str, float], dict[str, float]]:
    """Values of a point that belong to the amplifier, and what tables say of it; nothing is said without one.

    ``amplifier_evm_percent`` is the closed form for Gaussian signals over all frequencies, of which a receiver sees the
    part inside the band.
    """
    if asked is None or structure is None or structure.amplifier is None:
        return dict.fromkeys((f"amplifier_{name}" for name in ("drive", "scale", "gain_real", "gain_imag")), 0.0), {}
    amplifier = amplifier_of(structure.amplifier, asked.back_off_db)
    gain = amplifier.wanted_gain
    values = {
        "amplifier_drive": amplifier.drive,
        "amplifier_scale": amplifier.scale,
        "amplifier_gain_real": gain.real,
        "amplifier_gain_imag": gain.imag,
    }
    facts = {
        "output_back_off_db": amplifier.output_back_off_db,
        "amplifier_evm_percent": 100.0 * amplifier.error_vector_magnitude,
    }
    return values, facts
