"""Link budgets of 3GPP TR 38.821 V16.2.0: published rows, recomputed rows, receiver figures of merit."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from ntn6g.channel import LossOptions, antennas, g_over_t_db_k, link_budget, path_loss_terms_db
from ntn6g.core.constants import EARTH_RADIUS_M
from ntn6g.scenario import Antennas
from ntn6g.study.build.antennas.kinds import made

ROWS = yaml.safe_load((Path(__file__).parent / "data" / "channel_tr38821.yaml").read_text(encoding="utf-8"))
# Table 6.1.1.1-1: EIRP density in dBW/MHz of satellite set 1, LEO-600; Table 6.1.1.1-3: terminals
DENSITY_DBW_MHZ = {"SC6": 4.0, "SC9": 34.0}
TERMINAL = {"SC6": (39.7, 1.2, 150.0), "SC9": (0.0, 7.0, 290.0)}


def slant_range_m(altitude_km, elevation_deg):
    """TR 38.811 eq. (6.6-3)."""
    height_m, sine = altitude_km * 1e3, np.sin(np.deg2rad(elevation_deg))
    return np.sqrt((EARTH_RADIUS_M * sine) ** 2 + height_m**2 + 2 * height_m * EARTH_RADIUS_M) - (EARTH_RADIUS_M * sine)


def budget(row, eirp_dbw, g_over_t):
    _, _, _, carrier_ghz, altitude_km, elevation_deg, _, _, bandwidth_mhz, _, _, shadow_db, _, _ = row
    losses_db = path_loss_terms_db(
        slant_range_m(altitude_km, elevation_deg),
        np.deg2rad(elevation_deg),
        carrier_ghz * 1e9,
        "rural",
        True,
        LossOptions(gas_method="table", shadow_margin_db=shadow_db, interpolation="nearest"),
    )
    return link_budget(eirp_dbw=eirp_dbw, g_over_t_db_k=g_over_t, bandwidth_hz=bandwidth_mhz * 1e6, losses_db=losses_db)


@pytest.mark.parametrize("row", ROWS["published"], ids=lambda row: row[0])
def test_published_row_follows_from_density_and_terminal_within_its_printed_digit(row):
    bandwidth_mhz = row[8]
    eirp_dbw = DENSITY_DBW_MHZ[row[0]] + 10 * np.log10(bandwidth_mhz)
    ours = budget(row, eirp_dbw, g_over_t_db_k(*TERMINAL[row[0]]))

    # 0.1 dB: the table adds terms rounded to 0.1 dB (gas 0.07 dB is printed as 0.1 dB)
    assert ours.cnr_db == pytest.approx(row[13], abs=0.1)
    assert ours.terms_db["free_space_db"] == pytest.approx(-row[9], abs=0.05)  # half its last digit
    assert ours.terms_db["gas_db"] == pytest.approx(-row[10], abs=0.05)
    assert ours.terms_db["scintillation_db"] == pytest.approx(-row[12], abs=0.05)


def test_every_leo_row_is_reproduced_within_0_2_db():
    missed = {}
    for row in ROWS["recomputed"]:
        case, orbit, direction, *_ = row
        ours_db = float(budget(row, row[6] - 30.0, row[7]).cnr_db)
        print(f"{case} {orbit} {direction}: {ours_db:.2f} dB, expected {row[13]:.1f} dB")
        # 0.2 dB: EIRP and G/T enter rounded to 0.1 dB, so does the sum. GEO rows are printed only.
        if orbit != "GEO" and abs(ours_db - row[13]) > 0.2:
            missed[case, direction] = ours_db
    assert not missed


@pytest.mark.parametrize(("terminal", "expected_db_k"), [("SC6", 15.86), ("SC9", -31.62)])
def test_figure_of_merit_of_vsat_and_handheld(terminal, expected_db_k):
    assert g_over_t_db_k(*TERMINAL[terminal]) == pytest.approx(expected_db_k, abs=0.005)  # printed digits


ORBITS = ("geo", "leo-1200", "leo-600")


@pytest.mark.parametrize("orbit", ORBITS)
@pytest.mark.parametrize("band", ["s", "ka"])
@pytest.mark.parametrize("parameter_set", ["set-1", "set-2"])
def test_satellites_are_those_of_the_tables(parameter_set, band, orbit):
    """Every printed figure, and by name what a study takes of it: power fed to the antenna, G/T, aperture."""
    column = ORBITS.index(orbit)
    rows = ROWS["satellites"][parameter_set]
    row = {name: value[column] if isinstance(value, list) else value for name, value in rows[band].items()}

    ours = antennas.satellite_antenna(parameter_set, band, orbit)

    assert ours == antennas.SatelliteAntenna(
        altitude_km=ROWS["satellites"]["altitude_km"][column],
        carrier_ghz=row["f_GHz"],
        aperture_m=row["aperture_m"],
        gain_dbi=row["gain_dBi"],
        eirp_density_dbw_mhz=row["EIRP_density_dBW_MHz"],
        g_over_t_db_k=row["GT_dBK"],
        half_power_beamwidth_deg=row["HPBW_deg"],
        beam_diameter_km=row["beam_diameter_km"],
    )
    carriers = {row["f_GHz"]: (row["aperture_m"], row["gain_dBi"])}
    if band == "ka":
        uplink = rows["ka-uplink"]
        carriers[uplink["f_GHz"]] = uplink["aperture_m"][column], uplink["gain_dBi"][column]
    for carrier_ghz, (aperture_m, gain_dbi) in carriers.items():
        asked = {"satellite": {"kind": "tr38821", "parameter_set": parameter_set, "orbit": orbit}}
        end = made(Antennas.model_validate(asked).satellite, 1e9 * carrier_ghz, "antennas.satellite")
        width_rad = antennas.half_power_beamwidth_rad(aperture_m=aperture_m, frequency_hz=1e9 * carrier_ghz)
        assert end.antenna.peak_dbi == gain_dbi
        assert end.power_density_dbw_mhz + gain_dbi == pytest.approx(row["EIRP_density_dBW_MHz"], abs=1e-9)
        assert end.g_over_t_db_k == row["GT_dBK"]
        assert end.antenna.half_power_beamwidth_rad == width_rad


@pytest.mark.parametrize(("kind", "carriers_ghz"), [("vsat", (20.0, 30.0)), ("handheld", (2.0, 2.0))])
def test_terminals_are_those_of_the_table(kind, carriers_ghz):
    row = ROWS["terminals"][kind]
    asked = Antennas.model_validate({"terminal": {"kind": kind}}).terminal

    receiving, sending = (made(asked, 1e9 * carrier_ghz, "antennas.terminal") for carrier_ghz in carriers_ghz)

    assert (receiving.antenna.peak_dbi, sending.antenna.peak_dbi) == (row["rx_gain_dBi"], row["tx_gain_dBi"])
    for end in (receiving, sending):
        assert (end.noise_figure_db, end.antenna_temperature_k) == (row["NF_dB"], row["antenna_temp_K"])
        assert end.power_dbw == pytest.approx(row["tx_power_dBm"] - 30.0)
        if "aperture_m" in row:
            size = {"aperture_m": row["aperture_m"], "frequency_hz": 20e9 if end is receiving else 30e9}
            assert end.antenna.half_power_beamwidth_rad == antennas.half_power_beamwidth_rad(**size)
