"""Bad input: one line that names the key, the value, the limit and the likely cause."""

import pytest

from ntn6g.scenario.handover import Dual

# replaced text, replacement, what the line must say
BAD_VALUES = {
    "above a limit, in hertz": (
        "carrier_ghz: 20",
        "carrier_ghz: 20e9",
        ["channel.carrier_ghz", "20000000000", "300 GHz", "given in hertz?"],
    ),
    "above a limit, in megahertz": (
        "carrier_ghz: 20",
        "carrier_ghz: 28000",
        ["28000", "given in megahertz?"],
    ),
    "altitude in metres": (
        "altitude_km: 600",
        "altitude_km: 600000",
        ["platforms.sat.altitude_km", "600000", "50000 km", "given in metres?"],
    ),
    "subcarrier in hertz": (
        "subcarrier_khz: 120",
        "subcarrier_khz: 120000",
        ["link.subcarrier_khz", "120000", "15, 30, 60, 120 or 240 kHz", "given in hertz?"],
    ),
    "below a limit": ("elevation_deg: 50", "elevation_deg: -95", ["at.elevation_deg", "-95", "-90 degrees"]),
    "swept below a limit": (
        "[20, 40, 60]",
        "[20, 40, -95]",
        ["at.elevation_deg", "-95", "-90 degrees", "sweep"],
    ),
    "not a number": ("carrier_ghz: 20", "carrier_ghz: .nan", ["channel.carrier_ghz", "nan", "not finite"]),
    "infinite count": (
        "resource_blocks: 25",
        "resource_blocks: .inf",
        ["link.resource_blocks", "inf", "not finite"],
    ),
    "infinite and without upper limit": (
        "profile: C",
        "profile: C, delay_spread_ns: .inf",
        ["channel.fading.delay_spread_ns", "inf", "not finite"],
    ),
    "infinite sweep": ("[20, 40, 60]", "[20, .inf]", ["at.elevation_deg[1]", "inf", "not finite"]),
    "truth for a number": (
        "carrier_ghz: 20",
        "carrier_ghz: true",
        ["channel.carrier_ghz", "True", "not a number"],
    ),
    "text for a number": (
        "carrier_ghz: 20",
        "carrier_ghz: '20'",
        ["channel.carrier_ghz", "'20'", "not a number"],
    ),
    "fraction of a block": (
        "resource_blocks: 25",
        "resource_blocks: 25.5",
        ["link.resource_blocks", "25.5", "whole"],
    ),
    "unknown section": (
        "channel: {carrier_ghz",
        "chanel: {carrier_ghz",
        ["'chanel'", "did you mean 'channel'?"],
    ),
    "unknown key": (
        "carrier_ghz: 20",
        "carier_ghz: 20",
        ["'channel.carier_ghz'", "did you mean 'channel.carrier_ghz'?"],
    ),
    "key in the wrong section": (
        "environment: urban",
        "resource_blocks: 25",
        ["'channel.resource_blocks'", "did you mean 'link.resource_blocks'?"],
    ),
    "key of another kind": (
        "kind: ntn-tdl, profile: C",
        "kind: awgn, profile: C",
        ["'channel.fading.profile'", "ntn-tdl"],
    ),
    "unknown kind": ("kind: ntn-tdl", "kind: ntn-tld", ["channel.fading.kind", "did you mean 'ntn-tdl'?"]),
    "no kind": ("kind: ntn-tdl, ", "", ["channel.fading.kind", "missing", "awgn, ntn-tdl, ntn-cdl, ntn-rays"]),
    "unknown choice": (
        "environment: urban",
        "environment: uban",
        ["channel.environment", "did you mean 'urban'?"],
    ),
    "two powers": ("ebno_db: 6", "ebno_db: 6, esno_db: 3", ["power", "ebno_db and esno_db", "exactly one"]),
    "a swept power beside another": (
        "power: {ebno_db: 6}",
        "power: {budget: {eirp_dbm: 50, gt_dbk: 3, antenna_gain_dbi: 30}}",
        ["power: ", "ebno_db and budget", "exactly one"],
    ),
    "MCS beyond table 1": ("mcs: 14", "mcs: 29", ["link.mcs", "29", "table 1", "28"]),
    "MCS beyond table 2": (
        "mcs: 14, mcs_table: 1",
        "mcs: 28, mcs_table: 2",
        ["link.mcs", "28", "table 2", "27"],
    ),
    "MCS beyond table 4": (
        "mcs: 14, mcs_table: 1",
        "mcs: 27, mcs_table: 4",
        ["link.mcs", "27", "table 4", "26"],
    ),
    "1024-QAM on an uplink": (
        "direction: downlink, subcarrier_khz: 120, resource_blocks: 25, mcs: 14, mcs_table: 1",
        "direction: uplink, subcarrier_khz: 120, resource_blocks: 25, mcs: 14, mcs_table: 4",
        ["link.mcs_table", "4", "PDSCH", "1, 2 or 3"],
    ),
    "an allocation beyond the slot": (
        "mcs: 14",
        "mcs: 14, first_symbol: 4, symbols: 12",
        ["link.symbols", "12", "14"],
    ),
    "PT-RS without DM-RS": (
        "mcs: 14",
        "mcs: 14, csi: perfect, pilots: false, ptrs: {}",
        ["link.ptrs", "pilots: false"],
    ),
    "PT-RS every third symbol": ("mcs: 14", "mcs: 14, ptrs: {time_density: 3}", ["link.ptrs.time_density", "3"]),
    "spreading beside DM-RS": (
        "mcs: 14",
        "mcs: 14, waveform: otfs",
        ["link.dmrs_cdm_groups_without_data", "otfs", "set it to 2"],
    ),
    "spreading around PT-RS": (
        "mcs: 14",
        "mcs: 14, waveform: afdm, dmrs_cdm_groups_without_data: 2, ptrs: {}",
        ["link.ptrs", "afdm", "leave it out"],
    ),
    "messages without spreading": (
        "receiver: lmmse",
        "receiver: message-passing",
        ["link.receiver", "cp-ofdm", "another waveform"],
    ),
    "spreading over layers": (
        "mcs: 14",
        "mcs: 14, layers: 2, waveform: dft-s-ofdm, dmrs_cdm_groups_without_data: 2",
        ["link.waveform", "dft-s-ofdm", "one layer"],
    ),
    "unknown waveform": ("mcs: 14", "mcs: 14, waveform: oftdm", ["link.waveform", "'oftdm'"]),
    "synchroniser without samples": (
        "mcs: 14",
        "mcs: 14, synchroniser: dm-rs",
        ["link.synchroniser", "channel.domain: time"],
    ),
    "compensation beside an offset": (
        "mcs: 14",
        "mcs: 14, residual_offset_hz: 5, compensation: {}",
        ["link", "residual_offset_hz and compensation", "at most one"],
    ),
    "ephemeris from the future": (
        "mcs: 14",
        "mcs: 14, compensation: {age_s: -3}",
        ["link.compensation.age_s", "-3"],
    ),
    "uncoded with an MCS": ("mcs: 14", "mcs: 14, coding: none", ["link.mcs", "14", "modulation"]),
    "no MCS": ("mcs: 14, ", "", ["link.mcs", "missing"]),
    "pilots needed": ("mcs: 14", "mcs: 14, pilots: false", ["link.pilots", "csi: perfect"]),
    "two offsets": (
        "mcs: 14",
        "mcs: 14, residual_offset_ppm: 1, residual_offset_hz: 1",
        ["link", "at most one"],
    ),
    "K-factor without line of sight": (
        "profile: C",
        "profile: A, k_factor_db: 7",
        ["channel.fading.k_factor_db", "7 dB", "profile A", "C or D"],
    ),
    "K-factor on clusters without line of sight": (
        "kind: ntn-tdl, profile: C",
        "kind: ntn-cdl, profile: B, k_factor_db: 7",
        ["channel.fading.k_factor_db", "7 dB", "profile B", "C or D"],
    ),
    "shadowing named and given": (
        "kind: ntn-tdl, profile: C",
        "kind: shadowed-rician, shadowing: light, m: 3",
        ["channel.fading", "shadowing and m", "b0, m and omega"],
    ),
    "shadowing given in part": (
        "kind: ntn-tdl, profile: C",
        "kind: shadowed-rician, m: 3, b0: 0.1",
        ["channel.fading.shadowing", "missing", "light, average, heavy"],
    ),
    "P.618 scintillation without an antenna": (
        "environment: urban",
        "environment: urban, scintillation_model: {method: p618}",
        ["channel.scintillation_model.antenna_diameter_m", "missing", "antenna"],
    ),
    "cross-polar interference without rain": (
        "environment: urban",
        "environment: urban, losses: {cross_polar: true}",
        ["channel.losses.cross_polar", "channel.losses.rain"],
    ),
    "cross-polar interference beyond its range": (
        "environment: urban",
        "environment: urban, losses: {cross_polar: true, rain: true}, weather: {exceeded_percent: 3}",
        ["channel.weather.exceeded_percent", "3 %", "1 %"],
    ),
    "Loo without multipath": (
        "kind: ntn-tdl, profile: C",
        "kind: loo, direct_mean_db: -3, direct_sigma_db: 2",
        ["channel.fading.multipath_db", "missing"],
    ),
    "pass and time": ("side: setting", "side: setting, utc: 2026-04-25T12:00:00Z", ["at", "pass and utc"]),
    "two moments": ("side: setting", "fraction: 0.5", ["at: ", "elevation_deg and fraction", "at most one"]),
    "no time zone": (
        "after: 2026-04-25T12:00:00Z",
        "after: 2026-04-25T12:00:00",
        ["at.pass.after", "append Z"],
    ),
    "unknown platform": ("platform: sat", "platform: sta", ["at.platform", "'sta'", "'sat'?", "sat, twin"]),
    "platform not chosen": ("platform: sat, ", "", ["at.platform", "missing", "sat, twin"]),
    "empty list": ("[20, 40, 60]", "[]", ["sweep", "empty", "at.elevation_deg"]),
    "empty range": ("step: 1}", "step: -1}", ["sweep.grid.power.ebno_db", "empty", "-1", "from -2 to 10"]),
    "endless range": ("step: 1}", "step: 1e-9}", ["sweep.grid.power.ebno_db", "1e-09", "100000"]),
    "empty grid": (
        "{grid: {power.ebno_db: {from: -2, to: 10, step: 1}, at.elevation_deg: [20, 40, 60]}}",
        "{grid: {}}",
        ["sweep", "empty", "grid has no values"],
    ),
    "empty sweep": (
        "{grid: {power.ebno_db: {from: -2, to: 10, step: 1}, at.elevation_deg: [20, 40, 60]}}",
        "{}",
        ["sweep", "exactly one of grid, zip, points"],
    ),
    "point given twice": ("[20, 40, 60]", "[20, 40, 20]", ["sweep", "twice", "at.elevation_deg=20"]),
    "unknown swept key": (
        "at.elevation_deg: [",
        "at.elevaton_deg: [",
        ["'at.elevaton_deg'", "'at.elevation_deg'?"],
    ),
    "swept section": (
        "at.elevation_deg: [20, 40, 60]",
        "power.budget: [1]",
        ["'power.budget'", "no single value"],
    ),
    "swept engine": (
        "at.elevation_deg: [20, 40, 60]",
        "engine.batch: [64]",
        ["'engine.batch'", "cannot be swept"],
    ),
    "floor alone": ("block_errors: 200", "bler_floor: 1.0e-3", ["stop", "bler_floor 0.001", "relative_ci"]),
    "uneven batch": ("seed: 1", "engine: {batch: 100}", ["engine.batch", "100", "multiple of 64"]),
    "negative seed": ("seed: 1", "seed: -1", ["seed", "-1", "limit is 0"]),
    "other schema": ("schema: 1", "schema: 2", ["schema", "2", "choose 1"]),
    "no schema": ("schema: 1\n", "", ["schema", "missing"]),
    "name with a space": ("name: guowang-over-beijing", "name: my run", ["name", "'my run'", "letters"]),
}


@pytest.mark.parametrize(("old", "new", "said"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_value_is_refused_in_one_line(changed, refusal, old, new, said):
    message = refusal(changed(old, new))

    assert [words for words in said if words not in message] == []


def test_what_a_study_needs_is_asked_for_by_name(changed, example, refusal):
    awgn = changed("fading: {kind: ntn-tdl, profile: C}", "fading: {kind: awgn}")
    unswept = ("sweep=null",)

    assert refusal(awgn, *unswept, "power=null") == "power: required key is missing; a link study needs it"
    assert refusal(awgn, *unswept, "study=null").endswith("sensing, multistatic, adaptation or handover")
    assert "at: required key is missing; power.budget needs it" in refusal(
        awgn, *unswept, "at=null", "power={budget: {eirp_dbm: 40, gt_dbk: 1}}", "power.ebno_db=null"
    )
    assert "a pass study needs it" in refusal(awgn, *unswept, "study=pass", "platforms=null")
    assert refusal(example, *unswept, "at=null").startswith("at: required key is missing; channel.fading")


def test_geometry_may_be_absent_where_nothing_reads_it(load_text, changed):
    tdl = changed("fading: {kind: ntn-tdl, profile: C}", "fading: {kind: tdl, profile: A, delay_spread_ns: 30}")

    scenario = load_text(tdl, "platforms=null", "terminals=null", "at=null", "sweep=null")

    assert scenario.at is None


def test_the_first_mistake_is_told_and_the_others_are_counted(changed, refusal):
    assert refusal(changed("mcs: 14, mcs_table: 1", "mcs: 99, mcs_table: 9")).endswith("(and 1 more)")


def test_every_point_of_a_list_is_validated_before_anything_runs(changed, refusal):
    sweep = "sweep: {zip: {link.mcs_table: [1, 2, 3], link.mcs: [28, 28, 28]}}"
    text = changed("sweep: {grid: {power.ebno_db: {from: -2, to: 10, step: 1}, at.elevation_deg: [20, 40, 60]}}", sweep)

    message = refusal(text)

    assert "link.mcs: 28 is outside MCS table 2" in message
    assert "at the sweep point link.mcs_table=2, link.mcs=28" in message


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("{gt_dbk: 3}", "power.budget: none is given; give exactly one of eirp_density_dbw_mhz, eirp_dbm"),
        (
            "{eirp_dbm: 50, gt_dbk: 3, antenna_gain_dbi: 30}",
            "power.budget: gt_dbk and antenna_gain_dbi are both given",
        ),
        ("{eirp_dbm: 50, antenna_gain_dbi: 30}", "power.budget: noise_figure_db is missing"),
        ("{eirp_dbm: 50, gt_dbk: 3, noise_figure_db: -1}", "power.budget.noise_figure_db: -1 is too small"),
    ],
)
def test_a_budget_has_one_eirp_and_one_receiver(changed, refusal, budget, said):
    assert said in refusal(changed("{ebno_db: 6}", f"{{budget: {budget}}}"), "sweep=null")


def test_a_layer_of_both_connections_is_refused():
    with pytest.raises(ValueError, match="layer 'orbit' serves both connections"):
        Dual(first=("ground", "orbit"), second=("orbit",))
