"""From the kinds of a scenario's antennas to antennas that have a gain; one entry of `MAKERS` per kind."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import tensorflow as tf

from ntn6g import scenario
from ntn6g.channel import antennas, g_over_t_db_k
from ntn6g.channel.tables import read_table
from ntn6g.core.constants import BOLTZMANN_DBW_K_HZ, SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.core.units import dbm_to_dbw, linear_to_db

_TOLERANCE = 0.1  # by how much a carrier may differ from that of a preset


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a link: its antenna, and what a preset says of power and noise (None where it says nothing)."""

    antenna: antennas.Antenna
    power_dbw: float | None = None
    """Fed to the antenna over the occupied bandwidth."""
    power_density_dbw_mhz: float | None = None
    noise_figure_db: float | None = None
    antenna_temperature_k: float | None = None
    g_over_t_db_k: float | None = None
    """At the peak gain."""


@lru_cache(maxsize=256)
def made(given: Any, carrier_hz: float, key: str) -> End:
    """An antenna of a scenario at a carrier; ``key`` names it in errors."""
    try:
        return MAKERS[given.kind](given, carrier_hz)
    except ScenarioError as error:
        raise ScenarioError(str(error).removeprefix(f"{error.key}: "), key=f"{key}.{error.key}") from None
    except ValueError as error:
        raise ScenarioError(str(error), key=key) from None


def power_over_noise_db(asked: scenario.Budget | None, ends: tuple[End, End]) -> float:
    """Power density fed to a satellite's beam over the noise density of a terminal, without both gains, dB."""
    own, served = ends
    density_dbw_mhz = own.power_density_dbw_mhz
    noise = (served.noise_figure_db, served.antenna_temperature_k)
    if asked is not None and asked.power_density_dbw_mhz is not None:
        density_dbw_mhz = asked.power_density_dbw_mhz
    if asked is not None and asked.noise_figure_db is not None:
        noise = (asked.noise_figure_db, asked.antenna_temperature_k)
    assert density_dbw_mhz is not None  # checked on loading
    quality_db_k = g_over_t_db_k(0.0, *(float(value or 0.0) for value in noise))
    return density_dbw_mhz + quality_db_k - BOLTZMANN_DBW_K_HZ - float(linear_to_db(1e6))


def _isotropic(given: scenario.Isotropic, carrier_hz: float) -> End:
    del carrier_hz
    return End(antenna=antennas.Axial(given.gain_dbi, partial(_everywhere, given.gain_dbi)))


def _everywhere(gain_dbi: float, angle: tf.Tensor) -> tf.Tensor:
    return tf.zeros_like(angle) + gain_dbi


def _aperture(given: Any, carrier_hz: float) -> End:
    return End(antenna=_disc(given.diameter_m, carrier_hz, _peak_dbi(given, carrier_hz)))


def _disc(diameter_m: float, carrier_hz: float, peak_dbi: float) -> antennas.Axial:
    size = {"aperture_m": diameter_m, "frequency_hz": carrier_hz}
    pattern = partial(_relative, peak_dbi, partial(antennas.circular_aperture, **size))
    return antennas.Axial(peak_dbi, pattern, antennas.half_power_beamwidth_rad(**size))


def _relative(peak_dbi: float, pattern: Callable[[tf.Tensor], tf.Tensor], angle: tf.Tensor) -> tf.Tensor:
    return peak_dbi + antennas.relative_db(pattern(angle))


def _peak_dbi(given: Any, carrier_hz: float) -> float:
    if given.gain_dbi is not None:
        return float(given.gain_dbi)
    return antennas.aperture_gain_dbi(aperture_m=given.diameter_m, frequency_hz=carrier_hz, efficiency=given.efficiency)


def _taylor(given: scenario.Taylor, carrier_hz: float) -> End:
    peak_dbi = _peak_dbi(given, carrier_hz)
    pattern = partial(
        antennas.taylor_aperture,
        aperture_m=given.diameter_m,
        frequency_hz=carrier_hz,
        side_lobe_db=given.side_lobe_db,
        equal_side_lobes=given.equal_side_lobes,
    )
    return End(antenna=antennas.Axial(peak_dbi, partial(_relative, peak_dbi, pattern)))


def _s1528(given: scenario.S1528, carrier_hz: float) -> End:
    del carrier_hz
    width_rad = math.radians(given.beamwidth_deg)
    lowest_dbi = 11.75 if given.envelope == "low-orbit" else -float(given.near_side_lobe_db)
    if given.gain_dbi < lowest_dbi:
        raise ScenarioError(
            f"{given.gain_dbi:g} dBi puts the near side lobes of this envelope below its far ones; it holds from "
            f"{lowest_dbi:g} dBi up",
            key="gain_dbi",
        )
    of_beam = {"peak_dbi": given.gain_dbi, "half_beam_rad": 0.5 * width_rad}
    if given.envelope == "low-orbit":
        pattern = partial(antennas.s1528_low_orbit_dbi, **of_beam)
    else:
        pattern = partial(antennas.s1528_satellite_dbi, **of_beam, near_side_lobe_db=float(given.near_side_lobe_db))
    return End(antenna=antennas.Axial(given.gain_dbi, pattern, width_rad))


def _earth_station(given: Any, carrier_hz: float) -> End:
    peak_dbi = _peak_dbi(given, carrier_hz)
    law = {"s465": antennas.s465_dbi, "s580": antennas.s580_dbi}[given.kind]
    pattern = partial(law, diameter_wavelengths=given.diameter_m * carrier_hz / SPEED_OF_LIGHT_M_S, peak_dbi=peak_dbi)
    return End(antenna=antennas.Axial(peak_dbi, pattern))


def _s1428(given: scenario.S1428, carrier_hz: float) -> End:
    pattern = partial(antennas.s1428_dbi, diameter_wavelengths=given.diameter_m * carrier_hz / SPEED_OF_LIGHT_M_S)
    return End(antenna=antennas.Axial(float(pattern(tf.constant(0.0, tf.float64))), pattern))


def _array(given: scenario.Array, carrier_hz: float) -> End:
    least = (given.rows * given.spacing_wavelengths, given.columns * given.spacing_wavelengths)
    apart = given.panel_spacing_wavelengths
    if apart is not None and (apart[0] < least[0] or apart[1] < least[1]):
        raise ScenarioError(
            f"{apart[0]:g} and {apart[1]:g} wavelengths let panels of {least[0]:g} by {least[1]:g} overlap",
            key="panel_spacing_wavelengths",
        )
    panel = antennas.PlanarArray(
        given.rows,
        given.columns,
        given.spacing_wavelengths,
        directive=given.element == "directive",
        panels=(given.panel_rows, given.panel_columns),
        panel_spacing_wavelengths=apart,
        area_bound=given.bounded_by_area,
    )
    ratio = 1.0 if given.design_ghz is None else carrier_hz / (1e9 * given.design_ghz)
    return End(antenna=antennas.SteeredArray(panel, ratio, given.phase_bits))


def _electronically_steered(given: scenario.ElectronicallySteered, carrier_hz: float) -> End:
    size = given.diameter_m * carrier_hz / SPEED_OF_LIGHT_M_S
    return End(antenna=antennas.FlatAperture(size, given.efficiency, given.scan_exponent))


def _tr38821(given: scenario.Tr38821, carrier_hz: float) -> End:
    band = "s" if carrier_hz < 6e9 else "ka"
    table = read_table("tr38821_antennas")
    satellite = antennas.satellite_antenna(given.parameter_set, band, given.orbit)
    row = table[given.parameter_set][band]
    diameters = {row["carrier_ghz"]: satellite.aperture_m}
    if "uplink_carrier_ghz" in row:
        diameters[row["uplink_carrier_ghz"]] = row["uplink_aperture_m"][table["columns"].index(given.orbit)]
    chosen = _nearest_carrier(carrier_hz, tuple(diameters), "satellites")
    return End(
        antenna=_disc(diameters[chosen], carrier_hz, satellite.gain_dbi),
        power_density_dbw_mhz=satellite.eirp_density_dbw_mhz - satellite.gain_dbi,
        g_over_t_db_k=satellite.g_over_t_db_k,
    )


def _vsat(given: scenario.Vsat, carrier_hz: float) -> End:
    del given
    row = read_table("tr38821_antennas")["terminals"]["vsat"]
    gains = {20.0: row["receive_gain_dbi"], 30.0: row["transmit_gain_dbi"]}
    chosen = _nearest_carrier(carrier_hz, tuple(gains), "VSATs")
    antenna = _disc(row["aperture_m"], carrier_hz, float(gains[chosen]))
    return End(antenna=antenna, **_of_terminal(row))


def _handheld(given: scenario.Handheld, carrier_hz: float) -> End:
    del given, carrier_hz
    row = read_table("tr38821_antennas")["terminals"]["handheld"]
    peak_dbi = float(row["receive_gain_dbi"])
    return End(antenna=antennas.Axial(peak_dbi, partial(_everywhere, peak_dbi)), **_of_terminal(row))


def _of_terminal(row: Mapping[str, float]) -> dict[str, float]:
    return {
        "power_dbw": float(dbm_to_dbw(row["transmit_power_dbm"])),
        "noise_figure_db": float(row["noise_figure_db"]),
        "antenna_temperature_k": float(row["antenna_temperature_k"]),
    }


def _nearest_carrier(carrier_hz: float, known_ghz: tuple[float, ...], of: str) -> float:
    """The carrier of a preset that is meant."""
    chosen = min(known_ghz, key=lambda each: abs(math.log(carrier_hz / (1e9 * each))))
    if abs(carrier_hz / (1e9 * chosen) - 1.0) > _TOLERANCE:
        raise ScenarioError(
            f"TR 38.821 has {of} at {' and '.join(f'{each:g}' for each in known_ghz)} GHz, not at "
            f"{carrier_hz / 1e9:g} GHz; describe the antenna by its size instead",
            key="kind",
        )
    return chosen


MAKERS: dict[str, Callable[[Any, float], End]] = {
    "isotropic": _isotropic,
    "aperture": _aperture,
    "taylor": _taylor,
    "s1528": _s1528,
    "s465": _earth_station,
    "s580": _earth_station,
    "s1428": _s1428,
    "array": _array,
    "electronically-steered": _electronically_steered,
    "tr38821": _tr38821,
    "vsat": _vsat,
    "handheld": _handheld,
}
"""Antennas by the kind a scenario gives them."""
