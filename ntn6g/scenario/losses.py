"""What the path takes from the wave: which losses count, how they are found, and the climate they need."""

from typing import Literal

from pydantic import Field

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario.fields import Section


class Losses(Section):
    """Which large-scale losses count."""

    free_space: bool = True
    """Free-space path loss over the slant range."""
    gas: bool = True
    """Absorption by atmospheric gases."""
    scintillation: bool = True
    """Ionospheric or tropospheric scintillation loss."""
    clutter: bool = True
    """Clutter loss where there is no line of sight, or by `obstacle_model.clutter`."""
    trees: bool = False
    """Fade by roadside trees along the way of the terminal (ITU-R P.681, 4.1.1); elevations to 60 degrees."""
    rain: bool = False
    """Rain attenuation, exceeded for `weather.exceeded_percent` of the year (ITU-R P.618)."""
    cloud: bool = False
    """Attenuation by the liquid water of clouds (ITU-R P.840)."""
    faraday: bool = False
    """Loss between linear antennas, as the ionosphere turns polarisation by 108 degrees over the squared GHz; the \
elements of `ntn-rays` and `ntn-cdl` are turned instead, and there is no loss beside it."""
    cross_polar: bool = False
    """Interference from the other polarisation, in use at equal power, through rain and ice (ITU-R P.618, 4.1); needs \
rain, counts in a link budget, and is told by a channel study."""
    absorption_noise: bool = False
    """Noise that absorbing gases add to the antenna's temperature; needs `power.budget.antenna_temperature_k`."""
    building: Literal["none", "traditional", "thermally-efficient"] = "none"
    """Loss into a building of this kind around the terminal (ITU-R P.2109), or none."""
    shadow_fading: Literal["none", "draw"] = "none"
    """Shadow fading: none, or one normal draw per block with the deviation of TR 38.811; counts in a link budget and \
in the coupling losses of a channel study, and with ntn-rays is correlated with the other large-scale parameters."""
    shadow_margin_db: float = Field(default=0.0, ge=0.0, le=100.0)
    """Fixed margin for shadow fading, dB, 0 to 100."""


class GasModel(Section):
    """How the attenuation by gases is found."""

    method: Literal["table", "p676"] = "p676"
    """ITU-R P.676 (1 to 1000 GHz), or the zenith values that TR 38.821 uses (1 to 40 GHz)."""
    vapour: Literal["given", "map"] = "given"
    """p676 line by line with `vapour_density_g_m3`; or by water vapour column and temperature of the terminal's place \
(ITU-R P.836, P.1510, extra climate), exceeded for the larger of `weather.exceeded_percent` and 5 %."""
    vapour_density_g_m3: float = Field(default=7.5, ge=0.0, le=50.0)
    """Water vapour density at sea level for p676, g/m3, 0 to 50."""
    frequency: Literal["nearest", "interpolate"] = "interpolate"
    """Between the table's frequencies: the nearest row or interpolation."""
    below_10_ghz: bool = True
    """Whether gases count below 10 GHz, where TR 38.811 lets them be neglected from 10 degrees of elevation up."""


class ScintillationModel(Section):
    """How scintillation is found."""

    method: Literal["table", "p618"] = "table"
    """Tropospheric, from 6 GHz up: the values of TR 38.811 (1 % of the time at 20 GHz, taken as they are to 100 GHz; \
beside rain or cloud for `weather.exceeded_percent`), or ITU-R P.618 2.4.1."""
    wet_refractivity: float | None = Field(default=None, ge=0.0, le=200.0)
    """Median wet refractivity for p618, N-units, 0 to 200; default: ITU-R P.453 map (extra climate)."""
    antenna_diameter_m: float | None = Field(default=None, gt=0.0, le=100.0)
    """Diameter of the ground antenna, whose aperture averages, m, above 0 to 100; required by p618."""
    antenna_efficiency: float = Field(default=0.5, gt=0.0, le=1.0)
    """Efficiency of that antenna, above 0 to 1."""
    fluctuation_4ghz_db: float | None = Field(default=None, ge=0.0, le=30.0)
    """Ionospheric, below 6 GHz: peak-to-peak fluctuation at 4 GHz, dB, 0 to 30; TR 38.821 takes 1.1; default: by the \
terminal's latitude as TR 38.811, 1.1 to 20 degrees, 0 to 60, 17 beyond; 1.1 where there is no terminal."""
    s4: float | None = Field(default=None, ge=0.0, le=1.4)
    """Scintillation index at 4 GHz instead, 0 to 1.4, of which the fluctuation is 27.5 S4^1.26 dB (ITU-R P.531)."""


class ObstacleModel(Section):
    """How the losses by what stands around the terminal are found."""

    clutter: Literal["tr38811", "p2108"] = "tr38811"
    """Clutter by the tables of TR 38.811, without line of sight only; or by ITU-R P.2108, 3.3, urban and suburban, \
0.5 to 67 GHz, which knows no line of sight and therefore always counts."""
    clutter_percent: float = Field(default=50.0, gt=0.0, lt=100.0)
    """Share of places at which the clutter loss of p2108 is not exceeded, percent, between 0 and 100."""
    building_percent: float = Field(default=50.0, gt=0.0, lt=100.0)
    """Share of buildings into which the loss is not exceeded, percent, between 0 and 100."""
    trees_percent: float = Field(default=10.0, ge=1.0, le=80.0)
    """Share of the distance travelled over which the fade by trees is exceeded, percent, 1 to 80."""


class Weather(Section):
    """The climate of the terminal for rain and cloud losses: given, or read from maps by location."""

    exceeded_percent: float = Field(default=0.1, ge=0.001, le=5.0)
    """Share of the year for which losses by rain, cloud and p618 are exceeded, percent, 0.001 to 5."""
    combination: Literal["p618", "sum"] = "p618"
    """How rain, cloud and tropospheric scintillation make one loss: by ITU-R P.618, 2.5, the root of (rain + cloud)^2 \
+ scintillation^2, with maps of cloud and vapour at 5 % or more; or their sum, with maps at `exceeded_percent`."""
    latitude_deg: float | None = Field(default=None, ge=-90.0, le=90.0)
    """Latitude, on which rain statistics depend, degrees, -90 to 90; default: the terminal's."""
    rain_rate_001_mm_h: float | None = Field(default=None, ge=0.0, le=250.0)
    """Rain rate exceeded 0.01 % of the year, mm/h, 0 to 250; default: ITU-R P.837 map (extra climate)."""
    rain_height_km: float | None = Field(default=None, ge=0.0, le=10.0)
    """Mean rain height above sea level, km, 0 to 10; default: ITU-R P.839 map (extra climate)."""
    liquid_kg_m2: float | None = Field(default=None, ge=0.0, le=20.0)
    """Cloud liquid water, kg/m2, 0 to 20, that P.618 wants exceeded for the larger of that share and 5 %; default: \
ITU-R P.840 map (extra climate)."""
    rain_probability_percent: float | None = Field(default=None, gt=0.0, lt=100.0)
    """Share of the year with rain, percent, between 0 and 100, for rain series; default: ITU-R P.837 map."""
    polarisation_tilt_deg: float = Field(default=45.0, ge=0.0, le=90.0)
    """Tilt of the polarisation to the horizontal, degrees, 0 to 90; 45 for circular."""


def check_losses(losses: Losses, gas: GasModel, scintillation: ScintillationModel, weather: Weather) -> None:
    """Raise `ScenarioError` where losses and their models do not fit together."""
    percent = weather.exceeded_percent
    if scintillation.method == "p618":
        if scintillation.antenna_diameter_m is None:
            raise ScenarioError(
                "required key is missing; scintillation by p618 depends on the antenna",
                key="channel.scintillation_model.antenna_diameter_m",
            )
        if percent < 0.01:
            raise ScenarioError(
                f"{percent:g} % is below the 0.01 % of scintillation by ITU-R P.618, 2.4.1",
                key="channel.weather.exceeded_percent",
            )
    if scintillation.s4 is not None and scintillation.fluctuation_4ghz_db is not None:
        raise ScenarioError(
            "given beside fluctuation_4ghz_db, which it decides; leave one out", key="channel.scintillation_model.s4"
        )
    if gas.vapour == "map" and gas.method == "table":
        raise ScenarioError(
            "map has no place in method table, which knows one density; use method p676",
            key="channel.gas_model.vapour",
        )
    if losses.cross_polar and not losses.rain:
        raise ScenarioError(
            "true needs channel.losses.rain: true, whose attenuation decides the discrimination",
            key="channel.losses.cross_polar",
        )
    if losses.cross_polar and percent > 1.0:
        raise ScenarioError(
            f"{percent:g} % is above the 1 % of cross-polar discrimination by ITU-R P.618, 4.1",
            key="channel.weather.exceeded_percent",
        )
