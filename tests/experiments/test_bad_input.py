"""Bad input through the command line: one line that says what is wrong, exit code 2, nothing written."""

import subprocess
import sys

import pytest

from ntn6g.study.cli import main

# The element set of HULIANWANG DIGUI-01, as in configs/quickstart.yaml; both lines end with their checksums
LINE_1 = "1 62323U 24240A   26115.49220466  .00000041  00000+0  60880-4 0  9996"
LINE_2 = "2 62323  86.5040   1.0150 0001837  72.4834 287.6500 13.24413432 65663"
GOOD = f"""\
schema: 1
study: link
name: good
platforms:
  sat: {{kind: tle, lines: ["{LINE_1}", "{LINE_2}"]}}
terminals:
  ue: {{latitude_deg: 39.9, longitude_deg: 116.4, altitude_m: 50, speed_kmh: 3}}
at: {{pass: {{after: 2026-04-25T12:00:00Z, min_culmination_deg: 75}}, elevation_deg: 50, side: setting}}
channel: {{carrier_ghz: 20, environment: urban, fading: {{kind: ntn-tdl, profile: C}}}}
link: {{subcarrier_khz: 120, resource_blocks: 2, mcs: 14, mcs_table: 1}}
power: {{ebno_db: 6}}
sweep: {{grid: {{power.ebno_db: [0, 6]}}}}
"""
CIRCULAR = "{kind: circular, altitude_km: 600000, inclination_deg: 60, epoch: 2026-04-25T12:00:00Z}"

# what is replaced, by what, and the words that the line must hold
BAD = {
    "unknown key": ("carrier_ghz", "carier_ghz", ["'channel.carier_ghz'", "did you mean 'channel.carrier_ghz'?"]),
    "altitude in metres": (
        f'{{kind: tle, lines: ["{LINE_1}", "{LINE_2}"]}}',
        CIRCULAR,
        ["platforms.sat.altitude_km", "600000", "50000 km", "given in metres?"],
    ),
    "carrier in hertz": ("carrier_ghz: 20", "carrier_ghz: 20e9", ["channel.carrier_ghz", "given in hertz?"]),
    "elevation above 90": ("elevation_deg: 50", "elevation_deg: 95", ["at.elevation_deg", "95", "90 degrees"]),
    "elevation below -90": ("elevation_deg: 50", "elevation_deg: -91", ["at.elevation_deg", "-91", "-90 degrees"]),
    # highest of the elevations that skyfield 1.55 gives each second of this pass: 81.284 deg at 13:54:07
    "elevation above the culmination": (
        "elevation_deg: 50",
        "elevation_deg: 81.4",
        ["at.elevation_deg", "81.4", "culmination", "81.28 deg at 2026-04-26T13:54:07Z"],
    ),
    "elevation below the terminal's limit": ("elevation_deg: 50", "elevation_deg: 5", ["at.elevation_deg", "10"]),
    "no such pass": ("min_culmination_deg: 75", "min_culmination_deg: 75, within_days: 0.01", ["at.pass"]),
    "element set of one line": (f'"{LINE_1}", ', "", ["platforms.sat.lines", "1 entries", "at least 2"]),
    "element set cut short": (LINE_2, LINE_2[:40], ["platforms.sat.lines", "line 2 has 40 characters instead of 69"]),
    "element set with a letter for a digit": ("86.5040", "86.5o40", ["platforms.sat.lines", "inclination"]),
    "element set with lines exchanged": (
        f'"{LINE_1}", "{LINE_2}"',
        f'"{LINE_2}", "{LINE_1}"',
        ["platforms.sat.lines", "in order?"],
    ),
    "checksum of line 1": ("0  9996", "0  9995", ["platforms.sat.lines", "line 1 ends with checksum 5", "give 6"]),
    "checksum of line 2": ("65663", "65664", ["platforms.sat.lines", "line 2 ends with checksum 4", "give 3"]),
    # satellite 28872 of the AIAA 2006-6753 verification set, which decays within an hour of its epoch
    "element set that has decayed": (
        f'lines: ["{LINE_1}", "{LINE_2}"]',
        'lines: ["1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534", '
        '"2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708"]',
        ["platforms.sat.lines", "SGP4 error", "days from the epoch", "too old?"],
    ),
    "planes that do not divide": (
        f'{{kind: tle, lines: ["{LINE_1}", "{LINE_2}"]}}',
        "{kind: walker, altitude_km: 550, inclination_deg: 53, satellites: 24, planes: 7, epoch: 2026-04-25T12:00:00Z}",
        ["platforms.sat", "7 planes do not divide 24 satellites"],
    ),
    "negative altitude": (
        f'{{kind: tle, lines: ["{LINE_1}", "{LINE_2}"]}}',
        "{kind: circular, altitude_km: -600, inclination_deg: 60, epoch: 2026-04-25T12:00:00Z}",
        ["platforms.sat.altitude_km", "-600", "160 km"],
    ),
    "eccentricity of a parabola": (
        f'{{kind: tle, lines: ["{LINE_1}", "{LINE_2}"]}}',
        "{kind: keplerian, semi_major_axis_km: 7e3, eccentricity: 1, inclination_deg: 60, epoch: 2026-04-25T00:00:00Z}",
        ["platforms.sat.eccentricity", "1", "0.99"],
    ),
    "MCS beyond table 1": ("mcs: 14", "mcs: 29", ["link.mcs", "29", "table 1", "28"]),
    "MCS beyond table 2": ("mcs: 14, mcs_table: 1", "mcs: 28, mcs_table: 2", ["link.mcs", "28", "table 2", "27"]),
    # 850 km at 50 degrees: the round trip of 9.4 ms lasts 75 slots of 0.125 ms
    "K_offset shorter than the round trip": (
        "mcs: 14, mcs_table: 1",
        "mcs: 14, harq: {k_offset_slots: 20}",
        ["link.harq.k_offset_slots", "20 slots (2.5 ms)", "round trip of", "take at least"],
    ),
    "processes without feedback beyond all": (
        "mcs: 14, mcs_table: 1",
        "mcs: 14, harq: {processes: 4, feedback_disabled: 5}",
        ["link.harq.feedback_disabled", "5", "4"],
    ),
    "more HARQ processes than there are": (
        "mcs: 14, mcs_table: 1",
        "mcs: 14, harq: {processes: 33}",
        ["link.harq.processes", "33", "32"],
    ),
    "transport block larger than the buffer": (
        "resource_blocks: 2, mcs: 14, mcs_table: 1",
        "resource_blocks: 100, mcs: 27, limited_buffer: {resource_blocks: 20}",
        ["link.limited_buffer", "larger than", "TBS_LBRM"],
    ),
    "code rate above 0.95": (
        "resource_blocks: 2, mcs: 14, mcs_table: 1",
        "resource_blocks: 1, mcs: 28, dmrs_additional_positions: 3",
        ["link.mcs", "rate 0.95"],
    ),
    "two power keys": ("{ebno_db: 6}", "{ebno_db: 6, esno_db: 6}", ["power", "ebno_db and esno_db", "exactly one"]),
    "empty list of values": ("[0, 6]", "[]", ["sweep", "empty", "power.ebno_db"]),
    "range that leads nowhere": ("[0, 6]", "{from: 0, to: 6, step: -1}", ["power.ebno_db", "empty", "from 0 to 6"]),
    "not a number": ("carrier_ghz: 20", "carrier_ghz: .nan", ["channel.carrier_ghz", "nan", "not finite"]),
    "infinite": ("ebno_db: 6", "ebno_db: .inf", ["power.ebno_db", "inf", "not finite"]),
    "infinite in a sweep": ("[0, 6]", "[0, -.inf]", ["power.ebno_db", "inf", "not finite"]),
    "no YAML": ("terminals:", "terminals: [", ["scenario.yaml", "line", "column"]),
    "key given twice": ("name: good", "name: good\nname: twice", ["scenario.yaml", "line 4", "'name'", "twice"]),
    # 0.1 ppm of 20 GHz is 2 kHz; (1 - sinc^2 e)/sinc^2 e at e = 1/60 is -30.4 dB
    "residual offset that the guard refuses": (
        "mcs: 14",
        "mcs: 14, residual_offset_ppm: 0.1",
        ["channel.guard.max_ici_db", "-30.4 dB", "-35 dB", "2000 Hz"],
    ),
    "delay spread beyond the cyclic prefix": (
        "profile: C",
        "profile: C, delay_spread_ns: 300",
        ["channel.guard.tap_floor_db", "cyclic prefix of 586 ns"],
    ),
}


@pytest.fixture
def refused(tmp_path, capfd):
    """Runs a scenario that must be refused; returns the line."""

    def refuse(text, *arguments, out="out"):
        scenario = tmp_path / "scenario.yaml"
        scenario.write_text(text)
        before = sorted(tmp_path.rglob("*"))

        code = main(["run", str(scenario), "--out", str(tmp_path / out), *arguments])

        said = capfd.readouterr()
        assert code == 2
        assert said.out == ""
        lines = said.err.splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("error: ")
        assert sorted(tmp_path.rglob("*")) == before
        return lines[0]

    return refuse


@pytest.mark.parametrize(("old", "new", "words"), BAD.values(), ids=BAD)
def test_a_bad_scenario_is_refused_in_one_line_and_nothing_is_written(refused, old, new, words):
    assert GOOD.count(old) >= 1

    line = refused(GOOD.replace(old, new, 1))

    assert [word for word in words if word not in line] == [], line


@pytest.mark.parametrize("override", ["link.mcs=40", "link.msc=4", "link.mcs", "power.ebno_db=[1", "seed=-1"])
def test_a_bad_override_is_refused_like_a_bad_file(refused, override):
    line = refused(GOOD, "--set", override)

    assert override.partition("=")[0] in line


@pytest.mark.parametrize(
    "arguments", [["run", "quickstart"], ["run", "quickstart", "--out", "o", "--fast"], ["fly"], ["list", "cathedrals"]]
)
def test_a_command_that_cannot_be_read_is_refused_without_a_traceback(capfd, arguments):
    assert main(arguments) == 2

    assert "Traceback" not in capfd.readouterr().err


def test_a_missing_file_is_refused_with_the_names_there_are(tmp_path, capfd):
    code = main(["run", "quickstrat", "--out", str(tmp_path / "out")])

    lines = capfd.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: config: 'quickstrat'")
    assert "did you mean 'quickstart'?" in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(refused, tmp_path):
    # below a file nothing can be made, not even by root
    (tmp_path / "file").write_text("")

    assert "--out" in refused(GOOD, out="file/below")
    assert "is a file" in refused(GOOD, out="file")


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(refused, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")

    line = refused(GOOD, "--fresh")

    assert "holds no run" in line
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years of work"


def test_a_user_sees_one_line_and_no_word_of_tensorflow(tmp_path):
    # in a process of its own, where TensorFlow starts and would print: only the pass search refuses this one
    (tmp_path / "scenario.yaml").write_text(GOOD.replace("elevation_deg: 50", "elevation_deg: 89"))
    command = [sys.executable, "-m", "ntn6g", "run", "scenario.yaml", "--out", "out"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: at.elevation_deg: 89")
    assert [file.name for file in tmp_path.iterdir()] == ["scenario.yaml"]


def test_a_compile_cache_that_cannot_be_made_is_one_line(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NTN6G_COMPILE_CACHE", str(tmp_path / "file" / "cache"))

    assert main(["run", "awgn_uncoded", "--out", str(tmp_path / "out")]) == 2

    assert capfd.readouterr().err.startswith("error: NTN6G_COMPILE_CACHE: ")
    assert not (tmp_path / "out").exists()
