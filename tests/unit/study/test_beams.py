"""Study `beams`: C/I against sums over patterns worked out by hand, footprints against geometry, what is refused."""

import math

import numpy as np
import pytest
import tensorflow as tf
import yaml
from scipy.special import j1

from ntn6g.channel import antennas
from ntn6g.channel.beams import Layout, Terminals, beam_coverage
from ntn6g.channel.interference import same_colour
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.cli import main
from ntn6g.study.plots import draw_run, figure_kind, overlay
from ntn6g.study.plots.tables import read_run

EPOCH = "2026-01-01T00:00:00Z"
LEO = {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": EPOCH}
WALKER = {"kind": "walker", "altitude_km": 600, "inclination_deg": 70, "satellites": 1200, "planes": 30, "epoch": EPOCH}
ENDS = {"satellite": {"kind": "tr38821", "orbit": "leo-600"}, "terminal": {"kind": "handheld"}}


def asked(platform=LEO, ends=ENDS, **beams):
    return {
        "schema": 1,
        "study": "beams",
        "name": "test",
        "platforms": {"sat": platform},
        "antennas": ends,
        "channel": {
            "carrier_ghz": 2,
            "environment": "rural",
            "fading": {"kind": "awgn"},
            "losses": {"shadow_margin_db": 3.0},
        },
        "beams": {"start": "2026-01-01T00:10:00Z", "count": 7, "tiers_around": 0, "pixels": 21, **beams},
    }


def run(**beams):
    study = build(from_mapping(asked(**beams)))[0]
    return study.series()[0], study.recipe("beams")()([(study.points[0].work, 0)])[0].sums


@pytest.fixture(scope="module")
def coloured():
    return {reuse: run(reuse=reuse) for reuse in (1, 3)}


def pattern(angle_sine, diameter_m, carrier_hz):
    u = np.maximum(math.pi * diameter_m * carrier_hz / SPEED_OF_LIGHT_M_S * np.abs(angle_sine), 1e-9)
    return 4 * (j1(u) / u) ** 2


@pytest.mark.parametrize("reuse", [1, 3])
def test_interference_below_the_satellite_is_the_sum_over_its_other_beams(coloured, reuse):
    """In the middle of the map the satellite stands at nadir, where beam k is seen at the sine of its u and v."""
    series, _ = coloured[reuse]

    spacing = math.sqrt(3) * math.sin(math.radians(4.4127) / 2)
    others = (
        6 * pattern(spacing, 2.0, 2e9) if reuse == 1 else 0.0
    )  # with three colours no neighbour shares the middle's
    ratio_db = series["c_over_i_db"][10, 10]
    if reuse == 1:
        assert ratio_db == pytest.approx(-10 * math.log10(others), abs=0.02)  # the table's beamwidth has five digits
    else:
        assert ratio_db == 100.0  # nothing interferes
    assert series["satellite_gain_dbi"][10, 10] == pytest.approx(30.0, abs=1e-3)


@pytest.fixture(scope="module")
def polarised():
    """Two frequencies in two polarisations by their discrimination in dB, and four frequencies."""
    ends = ENDS | {"terminal": {"kind": "handheld", "polarisation": "right"}}
    both = {"reuse": 4, "polarisations": 2, "count": 19, "ends": ends}
    found = {level: run(cross_polar_db=level, **both) for level in (0.0, 20.0, 100.0)}
    return found | {"four": run(reuse=4, count=19)}


@pytest.mark.parametrize("level_db", [0.0, 20.0, 100.0])
def test_beams_of_the_other_polarisation_disturb_weakened(polarised, level_db):
    """Seen from the middle, beams at a and b steps of the hexagonal lattice: a even shares frequency, b even sense."""
    series, _ = polarised[level_db]

    spacing = math.sqrt(3) * math.sin(math.radians(4.4127) / 2)
    disturbing = 0.0
    for a in (-2, 0, 2):
        for b in range(-2, 3):
            if abs(a + b) > 2 or a == b == 0:
                continue
            away = pattern(spacing * math.sqrt(a * a + a * b + b * b), 2.0, 2e9)
            disturbing += away * (1.0 if b % 2 == 0 else 10 ** (-level_db / 10))
    assert series["c_over_i_db"][10, 10] == pytest.approx(-10 * math.log10(disturbing), abs=0.02)


def test_perfect_discrimination_is_four_colours_and_none_is_two(polarised):
    none, weak, perfect, four = (10 ** (-polarised[key][0]["c_over_i_db"] / 10) for key in (0.0, 20.0, 100.0, "four"))

    assert perfect == pytest.approx(four, rel=1e-6, nan_ok=True)  # 100 dB of what two colours leave
    # interference of both senses adds up: between the two in proportion
    assert weak == pytest.approx(four + 0.01 * (none - four), rel=1e-9, nan_ok=True)
    two = polarised[0.0][0]
    assert np.nanmedian(two["c_over_i_db"]) < np.nanmedian(polarised[20.0][0]["c_over_i_db"])
    assert set(two["frequencies"]) == set(two["polarisations"]) == {0, 1}
    # each beam has half of the band instead of a quarter
    ratio = polarised[100.0][1]["capacity_bps_hz"] / polarised["four"][1]["capacity_bps_hz"]
    assert ratio == pytest.approx(2.0, rel=1e-6)


def test_signal_over_noise_is_the_link_budget(coloured):
    """By hand at nadir: 34 dBW/MHz - 31.6 dB/K + 228.6 - 60 - FSPL - 3 dB shadow - 2.2 dB scintillation - gas."""
    series, _ = coloured[1]

    # 3GPP TR 38.821 V16.2.0, 6.1.3.1; the satellite stands 600 km above 6371 km, some kilometres off the ellipsoid
    loss_db = 20 * math.log10(4 * math.pi * 600e3 * 2e9 / SPEED_OF_LIGHT_M_S)
    expected = 34.0 - 31.6 + 228.6 - 60.0 - loss_db - 3.0 - 2.2
    assert series["c_over_n_db"][10, 10] == pytest.approx(expected, abs=0.3)
    inverse = 10 ** (-series["c_over_i_db"] / 10) + 10 ** (-series["c_over_n_db"] / 10)
    seen = np.isfinite(series["sinr_db"])
    assert series["sinr_db"][seen] == pytest.approx(-10 * np.log10(inverse[seen]), abs=1e-9)


def test_beams_have_the_diameter_of_their_width_from_that_height(coloured):
    _, figures = coloured[1]

    # 2 h tan(HPBW / 2); TR 38.821, Table 6.1.1.1-1, rounds it to 50 km
    assert figures["beam_diameter_km"] == pytest.approx(2 * 600 * math.tan(math.radians(4.4127) / 2), rel=0.02)
    assert figures["beams"] == 7
    # seven hexagons whose corners meet at -3 dB: 3 sqrt(3) / 2 r^2 each, and what round beams reach beyond them
    radius_km = figures["beam_diameter_km"] / 2
    hexagons = 7 * 1.5 * math.sqrt(3) * radius_km**2
    assert hexagons < figures["layout_area_km2"] < 1.2 * hexagons


def test_beams_fixed_to_the_earth_are_those_that_move_until_the_satellite_does(coloured):
    moving, _ = coloured[1]
    fixed, _ = run(reuse=1, motion="earth-fixed")
    later, figures = run(reuse=1, motion="earth-fixed", offset_s=60.0)

    assert fixed["c_over_i_db"] == pytest.approx(moving["c_over_i_db"], abs=1e-6, nan_ok=True)
    centre = later["footprints_km"][0].mean(0)
    assert np.hypot(*centre) < 5.0  # still there; the edge towards the horizon stretches more than the other
    # 60 s are 420 km on the ground: the beam is seen from aside and stretches by 1 / sin(elevation) along it
    ratio = figures["beam_diameter_km"] / (2 * 600 * math.tan(math.radians(4.4127) / 2))
    assert 1.3 < ratio < 2.0
    assert 50.0 < figures["elevation_max_deg"] < 62.0


def test_a_satellite_that_misses_shifts_its_beams_off_the_places_they_were_meant_for(coloured):
    exact, _ = coloured[1]
    missed, _ = run(reuse=1, pointing_sigma_deg=1.0)

    shift_km = np.hypot(*(missed["footprints_km"][0].mean(0) - exact["footprints_km"][0].mean(0)))
    assert 0.0 < shift_km < 4 * 600 * math.radians(1.0)  # four deviations
    middle = exact["satellite_gain_dbi"][10, 10] - np.nanmax(missed["satellite_gain_dbi"])
    assert middle == pytest.approx(0.0, abs=0.3)  # some place is still in the middle of a beam
    assert np.nanmin(missed["satellite_gain_dbi"]) < np.nanmin(exact["satellite_gain_dbi"]) - 0.5


def test_two_tiers_of_neighbours_disturb_the_middle_as_their_patterns_say():
    """Below the satellite: six at one spacing, six at its root-three, six at twice (TR 38.821, 6.1.1.1)."""
    series, figures = run(count=1, reuse=1, tiers_around=None)

    spacing = math.sqrt(3) * math.sin(math.radians(4.4127) / 2)
    others = 6 * sum(pattern(spacing * away, 2.0, 2e9) for away in (1.0, math.sqrt(3), 2.0))
    assert series["c_over_i_db"][10, 10] == pytest.approx(-10 * math.log10(others), abs=0.02)
    assert figures["beams"] == 1
    assert series["footprints_km"].shape[0] == 1  # what is around is not counted


@pytest.mark.parametrize(("reuse", "beams"), [(1, 61), (3, 127), (4, 127)])
def test_a_layout_has_the_tiers_of_the_report_around_it(reuse, beams):
    """TR 38.821 V16.2.0, 6.1.1.1: two more tiers around 19 beams of one colour, four around those of several."""
    given = from_mapping(asked(count=19, reuse=reuse, tiers_around=None)).beams

    assert given.all_beams == beams


def test_a_layout_looks_where_it_is_asked_to():
    """Thirty degrees off nadir to the right: angles of neighbours from their u and v, elevation from the sphere."""
    series, _ = run(count=7, reuse=1, off_nadir_deg=30.0, from_track_deg=90.0)

    sphere = math.degrees(math.acos((6371 + 600) / 6371 * math.sin(math.radians(30.0))))
    assert series["elevation_deg"][10, 10] == pytest.approx(sphere, abs=0.4)  # of the ellipsoid
    spacing = math.sqrt(3) * math.sin(math.radians(4.4127) / 2)
    around = spacing * np.stack([np.cos(np.arange(6) * math.pi / 3), np.sin(np.arange(6) * math.pi / 3)], 1)
    uv = np.array([0.0, 0.5]) + np.concatenate([np.zeros([1, 2]), around])
    look = np.concatenate([uv, np.sqrt(1 - (uv**2).sum(1))[:, None]], 1)
    sines = np.linalg.norm(np.cross(look[0], look[1:]), axis=1)
    assert series["c_over_i_db"][10, 10] == pytest.approx(-10 * math.log10(pattern(sines, 2.0, 2e9).sum()), abs=0.05)


def test_other_satellites_only_disturb():
    alone, _ = run(platform=WALKER, satellite=0, reuse=3)
    several, figures = run(platform=WALKER, satellite=0, reuse=3, other_satellites=True, min_elevation_deg=25)

    assert figures["other_satellites"] > 3
    seen = np.isfinite(alone["c_over_i_db"])
    assert (several["c_over_i_db"][seen] < alone["c_over_i_db"][seen]).all()
    assert several["c_over_n_db"][seen] == pytest.approx(alone["c_over_n_db"][seen], abs=1e-9)


def test_every_beam_and_satellite_counts_with_both_antennas():
    """A sum over 2 satellites, 7 beams and 5 places in NumPy, angles by the dot product."""
    rng = np.random.default_rng(7)
    satellites = np.array([[7.0e6, 0, 0], [6.8e6, 1.5e6, 0]])
    places = 6.371e6 * np.array([[math.cos(a), math.sin(a), 0.01 * a] for a in (0.0, 0.01, 0.02, 0.03, 0.04)])
    aim = -satellites[:, None] / np.linalg.norm(satellites, axis=-1)[:, None, None] + 0.05 * rng.normal(size=(2, 7, 3))
    aim /= np.linalg.norm(aim, axis=-1, keepdims=True)
    loss_db = rng.uniform(150, 160, (5, 2))
    colours = antennas.colours(7, 3)
    discs = {
        diameter: antennas.Axial(
            30.0,
            lambda angle, d=diameter: (
                30.0 + antennas.relative_db(antennas.circular_aperture(angle, aperture_m=d, frequency_hz=2e9))
            ),
        )
        for diameter in (2.0, 1.0)
    }
    zeros = tf.zeros([1, 3, 3], tf.float64)

    found = beam_coverage(
        Layout(tf.constant(satellites), tf.constant(aim), tf.tile(zeros, [2, 1, 1])),
        Terminals(tf.constant(places), tf.tile(zeros, [5, 1, 1])),
        tf.constant(loss_db),
        same_colour(colours),
        satellite=discs[2.0],
        terminal=discs[1.0],
        power_over_noise_db=105.0,
        activity=0.5,
    )

    for p, place in enumerate(places):
        line = satellites - place
        to = line / np.linalg.norm(line, axis=-1, keepdims=True)
        power = np.zeros((2, 7))
        for s in range(2):
            own = 30 + 10 * math.log10(pattern(math.sqrt(max(1 - (to[0] @ to[s]) ** 2, 0)), 1.0, 2e9))
            for b in range(7):
                beam = pattern(math.sqrt(1 - (aim[s, b] @ -to[s]) ** 2), 2.0, 2e9)
                power[s, b] = 10 ** ((30 + 10 * math.log10(beam) + own - loss_db[p, s] + 105) / 10)
        best = int(power[0].argmax())
        disturbing = 0.5 * (power[:, colours == colours[best]].sum() - power[0, best])
        assert int(found.serving[p]) == best
        assert float(found.c_over_i[p]) == pytest.approx(power[0, best] / disturbing, rel=1e-5)
        assert float(found.sinr[p]) == pytest.approx(power[0, best] / (1 + disturbing), rel=1e-5)


def test_a_run_is_drawn_reported_and_laid_over_another(tmp_path):
    swept = asked(pixels=15) | {"sweep": {"grid": {"beams.reuse": [1, 3]}}}
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(swept))
    out = tmp_path / "out"

    assert main(["run", str(tmp_path / "scenario.yaml"), "--out", str(out), "--quiet"]) == 0
    assert [figure_kind(part) for part in read_run(out)] == ["beams"]
    assert {path.name for path in draw_run(out)} == {"beams.png", "beams.svg"}
    overlay([out, out], tmp_path / "both.pdf")
    assert (tmp_path / "both.pdf").stat().st_size > 10_000
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"other_satellites": True}, "is one satellite, of kind circular"),
        ({"count": 20}, "beams.count"),
        ({"count": 217, "spacing_uv": 0.4}, "do not fit into the unit circle"),
        ({"ends": {"satellite": ENDS["satellite"]}}, "antennas.terminal: required key is missing"),
        ({"ends": ENDS | {"satellite": ENDS["satellite"] | {"pointing": {"kind": "nadir"}}}}, "leave pointing out"),
        ({"ends": ENDS | {"satellite": {"kind": "aperture", "diameter_m": 2}}}, "do not bring power and noise"),
        ({"motion": "earth-fixed", "offset_s": 400.0}, "stands at .* over the middle of the layout"),
        ({"platform": WALKER}, "holds 1200 satellites, choose one"),
        ({"off_nadir_deg": 68.0}, "beside the Earth"),
        ({"polarisations": 2, "cross_polar_db": 20.0}, r"beams\.polarisations: 2 makes four colours"),
        ({"reuse": 4, "polarisations": 2}, r"beams\.cross_polar_db: required key is missing"),
        ({"reuse": 4, "cross_polar_db": 20.0}, "no effect on beams of one polarisation"),
        (
            {"reuse": 4, "polarisations": 2, "cross_polar_db": 20.0}
            | {"ends": ENDS | {"terminal": {"kind": "handheld", "polarisation": "linear"}}},
            "a linear antennas.terminal has as much",
        ),
        # TR 38.821 V16.2.0, Table 6.1.1.1-3: handhelds are of linear polarisation
        ({"reuse": 4, "polarisations": 2, "cross_polar_db": 20.0}, "a linear antennas.terminal has as much"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        build(from_mapping(asked(**changes)))
    assert "\n" not in str(refused.value)


def test_shadows_that_are_drawn_are_refused_on_a_map_of_means():
    given = asked()
    given["channel"]["losses"] = {"shadow_fading": "draw"}
    with pytest.raises(ScenarioError, match=r"channel\.losses\.shadow_fading: draw has no effect"):
        from_mapping(given)
