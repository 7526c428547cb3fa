"""What a link study makes of a scenario: powers, rates and channel values by their definitions, worked out by hand."""

import math

import numpy as np
import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.engine import Tally

ELEMENTS = 14 * 12 * 25  # of the slot below
DATA_ELEMENTS = ELEMENTS - 2 * 6 * 25  # two DM-RS symbols, every second subcarrier
# TS 38.214 5.1.3.2: N_RE = min(156, 168 - 12) 25 = 3900, N_info = 3900 x 4 x 553/1024 = 8424.6, which is rounded to
# 2^7 round((8424.6 - 24)/2^7) = 8448, more than 8424: C = ceil(8472/8424) = 2, and 8 C ceil(8472/(8 C)) - 24 = 8456
BLOCK_BITS = 8456
EPOCH = "2026-01-01T00:00:00Z"
GUOWANG = [
    "1 62323U 24240A   26115.49220466  .00000041  00000+0  60880-4 0  9996",
    "2 62323  86.5040   1.0150 0001837  72.4834 287.6500 13.24413432 65663",
]


def study(**changes):
    """The quickstart's link, on white noise unless told otherwise."""
    base = {
        "schema": 1,
        "study": "link",
        "name": "definitions",
        "channel": {"carrier_ghz": 20.0, "environment": "urban", "fading": {"kind": "awgn"}},
        "link": {"subcarrier_khz": 120, "resource_blocks": 25, "mcs": 14},
        "power": {"ebno_db": 6.0},
    }
    return build(from_mapping(base | changes))[0]


def over_beijing(elevation_deg, **changes):
    place = {
        "platforms": {"sat": {"kind": "tle", "lines": GUOWANG}},
        "terminals": {"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, "altitude_m": 50.0}},
        "at": {
            "pass": {"after": "2026-04-25T12:00:00Z", "min_culmination_deg": 75.0},
            "elevation_deg": elevation_deg,
        },
    }
    return study(**place | changes)


def facts(made):
    return made.points[0].facts


def channel(kind="ntn-tdl", **changes):
    return {"channel": {"carrier_ghz": 20.0, "environment": "urban", "fading": {"kind": kind, **changes}}}


def test_energy_per_bit_counts_every_element_of_the_slot():
    esno_db = facts(study())["esno_db"]

    # Eb = Es elements / bits
    assert esno_db == pytest.approx(6.0 + 10 * math.log10(BLOCK_BITS / ELEMENTS), abs=1e-9)


def test_the_cyclic_prefix_costs_a_fifteenth_where_it_counts():
    plain = facts(study())["esno_db"]
    counted = facts(study(link={"subcarrier_khz": 120, "mcs": 14, "count_cyclic_prefix": True}))["esno_db"]

    # a slot of 14 useful symbols at 120 kHz lasts 14/120 ms = 0.11667 ms of 0.125 ms: 15/14
    assert plain - counted == pytest.approx(10 * math.log10(15 / 14), abs=1e-9)


def test_noise_is_that_of_one_element():
    made = study(power={"esno_db": 7.0})

    assert made.points[0].values["noise_variance"] == pytest.approx(10**-0.7, rel=1e-12)
    assert facts(made)["ebno_db"] == pytest.approx(7.0 + 10 * math.log10(ELEMENTS / BLOCK_BITS), abs=1e-9)


def test_uncoded_bits_share_the_energy_of_a_symbol():
    made = study(link={"coding": "none", "modulation": "16qam", "csi": "perfect", "pilots": False})

    assert facts(made)["esno_db"] == pytest.approx(6.0 + 10 * math.log10(4), abs=1e-9)


def test_rates_follow_from_delivered_blocks():
    made = study()
    counts = {"blocks": 320, "block_errors": 80, "bits": 320 * BLOCK_BITS, "bit_errors": 9600}
    counts |= {"bit_errors_squared": 80 * 120**2, "uncoded_bits": 320 * 4 * DATA_ELEMENTS}
    counts |= {"uncoded_bit_errors": 50_000, "uncoded_bit_errors_squared": 320 * 157**2}
    counts |= {"undetected_errors": 0, "iterations": 3200}
    row = made.row(made.points[0], Tally(10, counts, {"sinr": 320 * 10.0}), "block_errors")

    # one block each 0.125 ms, three of four delivered; 12 x 25 x 120 kHz = 36 MHz
    assert row["throughput_bps"] == pytest.approx(0.75 * BLOCK_BITS / 125e-6, rel=1e-12)
    assert row["spectral_efficiency"] == pytest.approx(0.75 * BLOCK_BITS / 125e-6 / 36e6, rel=1e-12)
    assert row["bler"] == 0.25
    assert row["ber"] == pytest.approx(9600 / (320 * BLOCK_BITS), rel=1e-12)
    assert row["ber_uncoded"] == pytest.approx(50_000 / (320 * 4 * DATA_ELEMENTS), rel=1e-12)
    assert row["iterations"] == 10
    assert row["sinr_db"] == pytest.approx(10.0, abs=1e-12)
    assert row["bler_low"] < 0.25 < row["bler_high"]
    assert row["throughput_bps_low"] < row["throughput_bps"] < row["throughput_bps_high"]


def test_shannon_bound_is_that_of_the_occupied_bandwidth():
    assert facts(study(power={"esno_db": 7.0}))["capacity_bps"] == pytest.approx(
        36e6 * math.log2(1 + 10**0.7), rel=1e-12
    )


# TR 38.811 V15.1.0, Table 6.7.2-3b (urban, Ka, line of sight) and -4b (without): muDS and muK
@pytest.mark.parametrize(
    ("elevation_deg", "profile", "mu_ds", "mu_k"),
    [(20.0, "C", -8.59, 23.62), (40.0, "D", -8.49, 8.56), (70.0, "C", -8.40, 4.88), (40.0, "A", -8.04, None)],
)
def test_delay_spread_and_k_factor_are_the_medians_of_the_table(elevation_deg, profile, mu_ds, mu_k):
    found = facts(over_beijing(elevation_deg, **channel(profile=profile)))

    assert found["delay_spread_ns"] == pytest.approx(10 ** (mu_ds + 9), rel=1e-6)  # the instant is known to 1 us
    if mu_k is None:
        assert "k_factor_db" not in found  # no line of sight, no K-factor
    else:
        assert found["k_factor_db"] == pytest.approx(mu_k, abs=1e-6)


def test_given_delay_spread_and_k_factor_replace_the_table():
    found = facts(over_beijing(40.0, **channel(profile="D", delay_spread_ns=55.0, k_factor_db=3.0)))

    assert (found["delay_spread_ns"], found["k_factor_db"]) == (pytest.approx(55.0), 3.0)


def test_tdl_c_of_tr_38901_has_no_line_of_sight_and_d_has_its_own_k_factor():
    # TR 38.901 V16.1.0: Table 7.7.2-3 lists no LOS tap; Table 7.7.2-4 has one of -0.2 dB and these
    scattered_db = [-13.5, -18.8, -21.0, -22.8, -17.9, -20.1, -21.9, -22.9, -27.8, -23.6, -24.8, -30.0, -27.7]
    total_db = -0.2 - 10 * math.log10(sum(10 ** (level_db / 10) for level_db in scattered_db))  # 7.7.6
    without, with_sight = (facts(study(**channel("tdl", profile=p, delay_spread_ns=30.0))) for p in "CD")

    assert "k_factor_db" not in without
    assert with_sight["k_factor_db"] == pytest.approx(total_db, abs=1e-6)


def test_budget_gives_the_es_over_n0_worked_out_by_hand():
    made = over_beijing(
        30.0,
        power={"budget": {"eirp_density_dbw_mhz": 10.0, "gt_dbk": 15.86}},
        channel={
            "carrier_ghz": 20.0,
            "environment": "urban",
            "fading": {"kind": "awgn"},
            "losses": {"gas": False, "scintillation": False, "clutter": False},
        },
    )
    range_km = facts(made)["range_km"]

    # per hertz: 10 dBW/MHz = -50 dBW/Hz; FSPL of TR 38.811 eq. (6.6-2); k = -228.6 dBW/K/Hz
    free_space_db = 32.45 + 20 * math.log10(20.0) + 20 * math.log10(range_km * 1e3)
    assert facts(made)["esno_db"] == pytest.approx(10.0 - 60.0 + 15.86 + 228.6 - free_space_db, abs=0.01)  # constants
    assert facts(made)["path_loss_db"] == pytest.approx(free_space_db, abs=0.01)


def test_budget_reproduces_case_sc6_of_tr_38821():
    # TR 38.821 V16.2.0, Table 6.1.3.3-1, SC6 downlink: LEO at 600 km, 30 degrees, 20 GHz: CNR 8.5 dB, of which
    # FSPL 179.1, gases 0.5, scintillation 0.3, no shadow margin; EIRP density 4 dBW/MHz of Table 6.1.1.1-1, the VSAT of
    # Table 6.1.1.1-3
    made = study(
        platforms={"leo": {"kind": "circular", "altitude_km": 600.0, "inclination_deg": 70.0, "epoch": EPOCH}},
        terminals={"vsat": {"latitude_deg": 45.0, "longitude_deg": 10.0}},
        at={"pass": {"after": EPOCH, "min_culmination_deg": 60.0, "within_days": 15.0}, "elevation_deg": 30.0},
        channel={"carrier_ghz": 20.0, "environment": "rural", "fading": {"kind": "awgn"}},
        power={
            "budget": {
                "eirp_density_dbw_mhz": 4.0,
                "antenna_gain_dbi": 39.7,
                "noise_figure_db": 1.2,
                "antenna_temperature_k": 150.0,
            }
        },
    )

    # 0.1 dB: the table adds terms rounded to 0.1 dB, and our terminal stands on the ellipsoid, 3.5 km below the
    # report's sphere, which lengthens 1075 km by 0.05 dB
    assert facts(made)["path_loss_db"] == pytest.approx(179.1 + 0.5 + 0.3, abs=0.1)
    for term, loss_db in (("free_space", 179.1), ("gas", 0.5), ("scintillation", 0.3)):
        assert facts(made)[f"{term}_loss_db"] == pytest.approx(loss_db, abs=0.1)
    assert facts(made)["esno_db"] == pytest.approx(8.5, abs=0.1)


@pytest.mark.parametrize(
    ("offset", "offset_hz"),
    [({}, 0.0), ({"residual_offset_ppm": 0.05}, 1000.0), ({"residual_offset_hz": -700.0}, -700.0)],
)
def test_residual_offset_is_a_share_of_the_carrier_or_given_in_hertz(offset, offset_hz):
    made = study(link={"subcarrier_khz": 120, "mcs": 14, **offset})

    assert made.points[0].values["residual_offset_hz"] == pytest.approx(offset_hz, rel=1e-12)
    assert made.points[0].structure.frequency_offset == bool(offset)


def test_terminal_speed_sets_the_largest_doppler():
    made = over_beijing(
        40.0, terminals={"ue": {"latitude_deg": 39.9, "longitude_deg": 116.4, "altitude_m": 50.0, "speed_kmh": 3.0}}
    )

    # 3 km/h of 299,792.458 km/s at 20 GHz
    assert made.points[0].values["doppler_hz"] == pytest.approx(3 / 3.6 * 20e9 / 299_792_458, rel=1e-9)


def test_identity_is_the_physics_and_not_the_words_or_the_rule():
    identity = study().points[0].identity

    assert study(name="another", description="in other words").points[0].identity == identity
    assert study(stop={"block_errors": 7, "max_blocks": 64}).points[0].identity == identity
    assert study(seed=2).points[0].identity != identity
    assert study(power={"ebno_db": 6.5}).points[0].identity != identity
    assert study(link={"subcarrier_khz": 120, "mcs": 13}).points[0].identity != identity


def test_identity_does_not_depend_on_the_other_points_of_a_sweep():
    # vector units round the last few entries of an array otherwise than the rest: a finer sweep would start over
    def identities(elevations):
        made = over_beijing(50.0, sweep={"grid": {"at.elevation_deg": elevations}})
        return {point.axes["at.elevation_deg"]: point.identity for point in made.points}

    fine = identities([float(angle) for angle in range(12, 80)])

    for coarse in ([20.0, 40.0, 70.0], [13.0], [float(angle) for angle in range(12, 31)]):
        assert identities(coarse).items() <= fine.items()


def test_points_that_differ_in_values_share_a_structure():
    made = study(sweep={"grid": {"power.ebno_db": [1.0, 2.0], "link.mcs": [10, 14]}})

    assert len(made.points) == 4
    assert len(made.structures) == 2
    assert {point.work.channel_key for point in made.points} == {"awgn|None|1x1"}


def test_rays_follow_the_elevation_by_themselves_and_the_table_says_their_medians():
    made = over_beijing(50.0, **channel("ntn-rays"))
    values, told = made.points[0].values, facts(made)

    assert values["elevation_rad"] == pytest.approx(math.radians(50.0), abs=1e-6)
    # TR 38.811 V15.1.0, Table 6.7.2-3b at 50 degrees
    assert told["median_delay_spread_ns"] == pytest.approx(10**0.52, rel=1e-6)
    assert told["median_k_factor_db"] == pytest.approx(7.42, abs=1e-6)
    assert made.points[0].structure.scattering == ("urban", "Ka", True)


def test_rays_without_line_of_sight_read_the_other_tables():
    air = channel("ntn-rays")["channel"] | {"line_of_sight": False, "guard": {"tap_floor_db": -20.0}}
    told = facts(over_beijing(50.0, channel=air))

    assert "median_k_factor_db" not in told
    assert told["median_delay_spread_ns"] == pytest.approx(10**0.92, rel=1e-6)  # Table 6.7.2-4b


def test_rays_that_arrive_beyond_the_cyclic_prefix_are_refused_with_their_share():
    air = channel("ntn-rays")["channel"] | {"line_of_sight": False}

    with pytest.raises(ScenarioError, match=r"tap_floor_db: -2\d\.\d dB of the mean power, above -40 dB"):
        over_beijing(50.0, channel=air)


def test_drawn_sight_is_structure_with_its_probability_in_the_table():
    fading = {"kind": "ntn-rays", "sight": "drawn"}
    air = channel("ntn-rays")["channel"] | {"fading": fading, "guard": {"tap_floor_db": -20.0}}
    given = over_beijing(50.0, channel=air)
    budgeted = over_beijing(50.0, channel=air, power={"budget": {"eirp_density_dbw_mhz": 4.0, "gt_dbk": 15.0}})

    assert facts(given)["los_probability"] == pytest.approx(0.726, abs=1e-6)  # Table 6.6.1-1
    assert given.points[0].structure.scattering == ("urban", "Ka", None)
    assert given.points[0].structure.fading_parameters == (0.0, 0.0, 0.0)  # Es/N0 is given: clutter has no place
    assert budgeted.points[0].structure.fading_parameters == (1.0, 0.0, 0.0)
    with pytest.raises(ScenarioError, match=r"channel.line_of_sight: false beside channel.fading.sight: drawn"):
        over_beijing(50.0, channel=air | {"line_of_sight": False})


@pytest.mark.parametrize("fading", [{"kind": "ntn-tdl", "profile": "C"}, {"kind": "rician", "k_factor_db": 10}])
def test_a_line_of_sight_that_is_denied_is_refused(fading):
    air = channel("ntn-rays")["channel"] | {"fading": fading, "line_of_sight": False}

    with pytest.raises(ScenarioError, match=r"channel.line_of_sight: false contradicts fading"):
        over_beijing(50.0, channel=air)


def test_clouds_below_five_degrees_are_refused():
    from ntn6g.channel.loss import cloud_loss_db

    assert cloud_loss_db(np.radians(5.0), 20e9, 1.0) > 0
    with pytest.raises(ScenarioError, match=r"channel.losses.cloud: an elevation of 4.0 degrees is below the 5"):
        cloud_loss_db(np.radians([30.0, 4.0]), 20e9, 1.0)


def test_shadow_fading_of_rays_is_drawn_by_them():
    budget = {"budget": {"eirp_density_dbw_mhz": 4.0, "gt_dbk": 15.0}}
    air = channel("ntn-rays")["channel"] | {"losses": {"shadow_fading": "draw"}}
    made = over_beijing(50.0, channel=air, power=budget)

    assert made.points[0].structure.shadowing
    assert made.points[0].values["shadow_sigma_db"] == 0.0


def test_clusters_take_the_medians_of_their_profile_like_the_delay_line():
    line, clusters = (over_beijing(40.0, **channel(kind, profile="D")) for kind in ("ntn-tdl", "ntn-cdl"))

    assert facts(clusters)["delay_spread_ns"] == facts(line)["delay_spread_ns"]
    assert facts(clusters)["k_factor_db"] == facts(line)["k_factor_db"] == pytest.approx(8.56, abs=1e-6)  # 6.7.2-3b
    assert clusters.points[0].structure.scattering == ("urban", "Ka", True)


CROSSED = {"slant_deg": [45, -45]}
ON_RAYS = {"subcarrier_khz": 120, "resource_blocks": 25, "mcs": 14}


def test_elements_of_clusters_and_rays_are_the_antennas_of_the_link():
    line = {"slant_deg": [0, 0, 0], "position_wavelengths": [[0, 0, 0], [0, 0.5, 0], [0, 1, 0]]}
    made = over_beijing(50.0, **channel("ntn-rays", terminal=line, satellite=CROSSED), link=ON_RAYS | {"layers": 2})
    structure = made.points[0].structure
    assert (structure.antennas.receive, structure.antennas.transmit) == (3, 2)  # a downlink
    assert structure.panels[0][1][1] == (0.0, 0.5, 0.0)
    assert structure.panels[1][0] == pytest.approx((math.pi / 4, -math.pi / 4))
    plain = over_beijing(50.0, **channel("ntn-rays"))
    assert plain.points[0].structure.panels is None


@pytest.mark.parametrize(
    ("panel", "link", "words"),
    [
        (CROSSED, {"receive_antennas": 3}, "link.receive_antennas: 3 is not the 2 elements"),
        (CROSSED | {"position_wavelengths": [[0, 0, 0]]}, {}, "position_wavelengths: 1 positions for 2 elements"),
        ({"slant_deg": [100]}, {}, "slant_deg"),
    ],
)
def test_elements_that_do_not_fit_are_refused(panel, link, words):
    with pytest.raises(ScenarioError, match=words):
        over_beijing(50.0, **channel("ntn-rays", terminal=panel, satellite=CROSSED), link=ON_RAYS | link)


def test_two_states_read_the_surroundings_and_refuse_carriers_without_a_table():
    air = channel("land-mobile")["channel"] | {"environment": "dense-urban"}
    made = over_beijing(50.0, channel=air | {"carrier_ghz": 2.0})
    assert made.points[0].structure.scattering[0] == "dense-urban"
    with pytest.raises(ScenarioError, match=r"channel\.carrier_ghz: 5 GHz is outside"):
        over_beijing(50.0, channel=air | {"carrier_ghz": 5.0})
    with pytest.raises(ScenarioError, match=r"channel\.line_of_sight: false contradicts fading land-mobile"):
        over_beijing(50.0, channel=air | {"carrier_ghz": 2.0, "line_of_sight": False})


def test_flat_rician_takes_its_k_factor_from_the_elevation_or_as_given():
    assert facts(over_beijing(40.0, **channel("rician")))["k_factor_db"] == pytest.approx(8.56, abs=1e-6)
    assert facts(study(**channel("rician", k_factor_db=3.0)))["k_factor_db"] == 3.0  # and no satellite is needed
    with pytest.raises(ScenarioError, match="platforms: required key is missing"):
        study(**channel("rician"))


def test_conformance_profiles_bring_their_own_doppler_and_delays():
    air = channel("ntn-conformance", profile="TDLC5", max_doppler_hz=1200.0)["channel"] | {"carrier_ghz": 2.0}
    made = study(channel=air)

    assert made.points[0].values["doppler_hz"] == 1200.0
    assert facts(made)["delay_spread_ns"] == pytest.approx(5.01, abs=0.005)
    # -0.6 dB over the sum of -8.9 and -21.5 dB
    expected_db = -0.6 - 10 * math.log10(10**-0.89 + 10**-2.15)
    assert facts(made)["k_factor_db"] == pytest.approx(expected_db, abs=1e-9)


def test_the_level_of_shadowed_fading_counts_in_a_budget_alone():
    budget = {"budget": {"eirp_density_dbw_mhz": 4.0, "gt_dbk": 15.0}}
    fading = channel("shadowed-rician", shadowing="heavy")

    assert over_beijing(40.0, **fading, power=budget).points[0].structure.shadowing
    assert not study(**fading).points[0].structure.shadowing
    assert study(**fading).points[0].structure.fading_parameters == (0.063, 0.739, 8.97e-4)


BUDGET = {"budget": {"eirp_density_dbw_mhz": 4.0, "gt_dbk": 15.0}}
RAINY = {"rain_rate_001_mm_h": 35.0, "rain_height_km": 3.2, "exceeded_percent": 0.1}


def budgeted(losses, **more):
    air = {"carrier_ghz": 20.0, "fading": {"kind": "awgn"}, "losses": losses, "weather": RAINY} | more
    return facts(over_beijing(40.0, channel=air, power=BUDGET))


def test_the_other_polarisation_adds_its_interference_to_the_noise():
    alone, shared = budgeted({"rain": True}), budgeted({"rain": True, "cross_polar": True})

    assert shared["path_loss_db"] == alone["path_loss_db"]  # it is no loss of the path
    noise, interference = 10 ** (-alone["esno_db"] / 10), 10 ** (-shared["xpd_db"] / 10)
    assert shared["esno_db"] == pytest.approx(-10 * math.log10(noise + interference), abs=1e-9)
    # P.618-14, 4.1, by hand: C_f = 26 lg 20 + 4.1, V = 22.6 at 20 GHz, tilt 45 deg, canting 5 deg, ice at 0.1 %
    rain_db = alone["rain_loss_db"]
    rain_only_db = 26 * math.log10(20) + 4.1 - 22.6 * math.log10(rain_db) - 10 * math.log10(1 - 0.484 * (1 - 1))
    rain_only_db += -40 * math.log10(math.cos(math.radians(40.0))) + 0.0053 * 25
    assert shared["xpd_db"] == pytest.approx(rain_only_db * (1 - (0.3 - 0.1) / 2), rel=1e-6)


def test_faraday_and_p618_scintillation_are_switches_of_the_budget():
    plain = budgeted({}, carrier_ghz=2.0)["path_loss_db"]
    assert budgeted({"faraday": True}, carrier_ghz=2.0)["path_loss_db"] - plain == pytest.approx(
        -20 * math.log10(math.cos(math.radians(27.0))), abs=1e-9
    )
    model = {"method": "p618", "antenna_diameter_m": 0.6, "wet_refractivity": 60.0}
    moved = budgeted({}, scintillation_model=model)["path_loss_db"] - budgeted({})["path_loss_db"]
    assert 0.05 < moved < 2.0  # 0.22 dB of the table at 40 degrees against the fade of 0.1 % of the year


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("weather", "rain_rate_001_mm_h", 36.0),
        ("weather", "rain_height_km", 3.3),
        ("weather", "liquid_kg_m2", 0.9),
        ("weather", "exceeded_percent", 0.2),
        ("weather", "polarisation_tilt_deg", 0.0),
        ("gas_model", "vapour_density_g_m3", 9.0),
        ("scintillation_model", "wet_refractivity", 70.0),
        ("scintillation_model", "antenna_diameter_m", 1.2),
        ("scintillation_model", "antenna_efficiency", 0.7),
    ],
)
def test_every_number_of_the_atmosphere_moves_the_budget(section, key, value):
    air = {
        "weather": RAINY | {"liquid_kg_m2": 0.8},
        "gas_model": {"method": "p676"},
        "scintillation_model": {"method": "p618", "antenna_diameter_m": 0.6, "wet_refractivity": 60.0},
    }
    losses = {} if section == "scintillation_model" else {"rain": True, "cloud": True}  # rain hides what is rooted
    before = budgeted(losses, **air)["path_loss_db"]
    after = budgeted(losses, **air | {section: air[section] | {key: value}})["path_loss_db"]
    assert abs(after - before) > 1e-3


def test_the_ionosphere_is_an_input_too():
    """TR 38.811, 6.6.6.1.4: none over Beijing; 1.1 dB at 4 GHz to 20 degrees: 2.2 dB at 2 GHz (TR 38.821, 6.1.3.1)."""

    def lost_db(model, **more):
        return budgeted({}, carrier_ghz=2.0, scintillation_model=model, **more)["scintillation_loss_db"]

    assert lost_db({}) == 0.0
    assert lost_db({"fluctuation_4ghz_db": 1.1}) == pytest.approx(2.2, abs=0.005)
    assert lost_db({}, weather={"latitude_deg": -20.0}) == pytest.approx(2.2, abs=0.005)
    assert lost_db({}, weather={"latitude_deg": 61.0}) == pytest.approx(17.0 * 2.0**1.5 / math.sqrt(2.0), rel=1e-9)
