"""Runs from the command line, as a user makes them: reproduced, refined, refused, killed and continued."""

import csv
import hashlib
import itertools
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import ntn6g
from ntn6g.core.errors import RunError
from ntn6g.scenario import load, shipped_configs
from ntn6g.study.cli import main

ELEMENTS = [
    "HULIANWANG DIGUI-01",
    "1 62323U 24240A   26115.49220466  .00000041  00000+0  60880-4 0  9996",
    "2 62323  86.5040   1.0150 0001837  72.4834 287.6500 13.24413432 65663",
]
# The element set of quickstart on a pass that climbs above 81 degrees. Four chunks a point whatever the errors, so
# that points can be compared chunk by chunk.
SMALL = f"""\
schema: 1
name: small
seed: 20260425
platforms:
  sat: {{kind: tle, lines: {json.dumps(ELEMENTS)}}}
terminals:
  ue: {{latitude_deg: 39.9, longitude_deg: 116.4, altitude_m: 50, speed_kmh: 3}}
at: {{pass: {{after: 2026-04-25T12:00:00Z, min_culmination_deg: 81}}}}
channel: {{carrier_ghz: 20, environment: urban, fading: {{kind: ntn-tdl, profile: C}}}}
link: {{subcarrier_khz: 120, resource_blocks: 2, mcs: 10, csi: estimated}}
stop: {{block_errors: 100000, max_blocks: 128}}
engine: {{batch: 64}}
parts:
  curves:
    study: link
    at: {{side: setting}}
    power: {{ebno_db: 6}}
    sweep: {{grid: {{at.elevation_deg: [20, 80], power.ebno_db: [4, 8]}}}}
  budget:
    study: link
    power: {{budget: {{eirp_density_dbw_mhz: 3, gt_dbk: 15.9}}}}
    sweep: {{grid: {{at.fraction: [0.1, 0.5]}}}}
"""
COUNTS = ("blocks", "block_errors", "bit_errors")
SHIPPED = shipped_configs()


@pytest.fixture
def run(tmp_path):
    """Runs a text or a config by name into a folder of this test; returns the exit code."""

    def run_it(config, folder, *overrides, fresh=False):
        if "\n" in config:
            (tmp_path / "scenario.yaml").write_text(config)
            config = str(tmp_path / "scenario.yaml")
        sets = [word for override in overrides for word in ("--set", override)]
        return main(["run", config, "--out", str(tmp_path / folder), "--quiet", *sets, *["--fresh"] * fresh])

    return run_it


@pytest.fixture
def no_figures(monkeypatch):
    """For tests of tables alone: drawing takes longer than a small run."""
    monkeypatch.setattr("ntn6g.study.run.draw_run", lambda folder: [])


@pytest.fixture
def rows(tmp_path):
    """Rows of results.csv, of one part if asked for one."""

    def read(folder, part=None):
        with (tmp_path / folder / "results.csv").open(newline="") as file:
            return [row for row in csv.DictReader(file) if part in (None, row.get("part"))]

    return read


@pytest.fixture
def text(tmp_path):
    def read(name):
        return (tmp_path / name).read_text()

    return read


def counts(row):
    return tuple(int(row[name]) for name in COUNTS)


def without(name, row):
    return {key: value for key, value in row.items() if not key.startswith(name)}


def chunks_in(folder):
    """(identity, number) of every chunk in a ledger, read as a bystander; empty before there is one."""
    try:
        ledger = sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)
        try:
            return set(ledger.execute("SELECT identity, number FROM chunk JOIN point ON point.id = chunk.point"))
        finally:
            ledger.close()
    except sqlite3.OperationalError:
        return set()


# --- one warm process ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shared_steps")
class TestReproducibility:
    @pytest.mark.usefixtures("no_figures")
    def test_the_same_scenario_gives_the_same_bytes_and_another_seed_other_counts(self, run, rows, text):
        assert [run(SMALL, "first"), run(SMALL, "second"), run(SMALL, "other", "seed=2")] == [0, 0, 0]

        assert text("first/results.csv") == text("second/results.csv")
        assert len(rows("first")) == 6
        assert [counts(row) for row in rows("first")] != [counts(row) for row in rows("other")]

    @pytest.mark.usefixtures("no_figures")
    def test_the_scenario_a_run_leaves_behind_reproduces_it(self, run, text, tmp_path):
        assert run(SMALL, "first", "channel.environment=rural", "parts.curves.stop={block_errors: 20}") == 0

        assert run(str(tmp_path / "first" / "scenario.yaml"), "second") == 0

        assert text("second/results.csv") == text("first/results.csv")
        assert text("second/scenario.yaml") == text("first/scenario.yaml")

    def test_a_folder_says_what_it_holds(self, run, rows, text, tmp_path):
        assert run(SMALL, "out") == 0

        # the elements themselves, and what every table of the package hashes to
        resolved = yaml.safe_load(text("out/scenario.yaml"))
        assert resolved["platforms"]["sat"]["lines"] == ELEMENTS
        assert resolved["terminals"]["ue"]["min_elevation_deg"] == 10  # a default, written out
        digests = dict(re.findall(r"^# sha256 ([0-9a-f]{64})  ntn6g/(.*)$", text("out/scenario.yaml"), re.M))
        package = Path(ntn6g.__file__).parent
        tables = [
            p
            for room in ("orbit", "channel", "phy", "services")
            for p in (package / room).rglob("*")
            if p.suffix in (".yaml", ".csv", ".npz")
        ]
        assert {(hashlib.sha256(p.read_bytes()).hexdigest(), p.relative_to(package).as_posix()) for p in tables} == set(
            digests.items()
        )

        manifest = json.loads(text("out/manifest.json"))
        # what scripts rely upon
        contract = (
            "study seed commit versions device numerics started wall_s compile_s compile_count run_s points complete"
        )
        assert set(contract.split()) <= set(manifest)
        assert (manifest["seed"], manifest["points"], manifest["complete"]) == (20260425, 6, True)
        assert set(manifest["numerics"]) >= {"wheels", "xla_flags", "device", "instruction_sets", "batch_rows"}
        assert manifest["threads"]["processors"] >= 1

        assert len(rows("out")) == 6
        timing = list(csv.DictReader(text("out/timing.csv").splitlines()))
        assert [row["part"] for row in timing] == ["curves"] * 4 + ["budget"] * 2
        assert {f"{part}.{kind}" for part in ("curves", "budget") for kind in ("png", "svg")} <= {
            file.name for file in (tmp_path / "out").iterdir()
        }


@pytest.mark.usefixtures("shared_steps", "no_figures")
class TestContinuing:
    def test_a_refined_run_computes_only_what_is_new(self, run, rows, tmp_path, monkeypatch):
        from ntn6g.study.engine import Ledger

        computed = []
        original = Ledger.write

        def spy(ledger, records, *more):
            records = list(records)
            computed.extend((identity, number) for identity, number, _ in records)
            return original(ledger, records, *more)

        monkeypatch.setattr(Ledger, "write", spy)
        assert run(SMALL, "grown") == 0
        first = set(computed)
        computed.clear()

        finer = "parts.curves.sweep.grid={at.elevation_deg: [20, 50, 80], power.ebno_db: [4, 8]}"
        assert run(SMALL, "grown", finer, "stop.max_blocks=192") == 0

        # before: 4 + 2 points of 4 chunks; now 6 + 2 points of 6
        assert len(first) == 6 * 4
        assert set(computed).isdisjoint(first)
        assert len(set(computed)) == 8 * 6 - 6 * 4
        assert chunks_in(tmp_path / "grown") == first | set(computed)
        assert run(SMALL, "whole", finer, "stop.max_blocks=192") == 0
        assert rows("grown") == rows("whole")

    def test_a_run_refined_by_another_structure_continues(self, run, rows):
        # an MCS is swept: each of its values is another compiled step and another entry of the record of batches
        part = "parts.curves.sweep.grid={at.elevation_deg: [20], power.ebno_db: [8], link.mcs: "
        assert run(SMALL, "grown", part + "[10]}") == 0
        before = rows("grown", "curves")

        assert run(SMALL, "grown", part + "[10, 5]}") == 0

        assert rows("grown", "curves")[:1] == before
        assert [row["link.mcs"] for row in rows("grown", "curves")] == ["10", "5"]

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("link.mcs=11", "link.mcs was 10, is 11"),
            ("seed=2", "seed was 20260425, is 2"),
            ("channel.losses.gas=false", "channel.losses.gas was True, is False"),
            ("engine.batch=128", "engine.batch was 64, is 128"),
        ],
    )
    def test_another_scenario_in_the_folder_is_refused_by_name_and_changes_nothing(
        self, run, capsys, tmp_path, override, words
    ):
        assert run(SMALL, "out") == 0
        before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir() if file.is_file()}
        capsys.readouterr()

        assert run(SMALL, "out", override) == 2

        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("error: --out: ")
        assert words in lines[0]
        assert "--fresh" in lines[0]
        assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir() if file.is_file()} == before

    def test_fresh_starts_over_and_leaves_nothing_of_the_earlier_run(self, run, text, tmp_path):
        assert run(SMALL, "out") == 0
        earlier = chunks_in(tmp_path / "out")

        assert run(SMALL, "out", "seed=2", fresh=True) == 0
        assert run(SMALL, "alone", "seed=2") == 0

        assert text("out/results.csv") == text("alone/results.csv")
        assert chunks_in(tmp_path / "out").isdisjoint(earlier)

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [("versions", "0.0.9", "ntn6g 0.0.9"), ("numerics", "another processor", "device was another processor")],
    )
    def test_a_run_of_another_version_or_machine_is_refused(self, run, text, tmp_path, capsys, key, value, words):
        assert run(SMALL, "out") == 0
        manifest = json.loads(text("out/manifest.json"))
        manifest[key]["ntn6g" if key == "versions" else "device"] = value
        (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
        capsys.readouterr()

        assert run(SMALL, "out") == 2

        assert words in capsys.readouterr().err

    def test_what_a_run_cost_adds_up_over_its_sessions(self, run, text):
        assert run(SMALL, "out") == 0
        first = json.loads(text("out/manifest.json"))
        assert run(SMALL, "out", "stop.max_blocks=192") == 0
        second = json.loads(text("out/manifest.json"))

        assert second["run_s"] > first["run_s"] > 0
        assert second["wall_s"] > first["wall_s"]
        assert second["compile_count"] >= first["compile_count"]

    def test_costs_of_each_point_add_up_over_its_sessions(self, run, text):
        def chunks():
            return [int(row["chunks"]) for row in csv.DictReader(text("out/timing.csv").splitlines())]

        # six points of four chunks, then of six, then nothing more to do
        for overrides, each in (((), 4), (("stop.max_blocks=192",), 6), (("stop.max_blocks=192",), 6)):
            assert run(SMALL, "out", *overrides) == 0
            assert chunks() == [each] * 6

    def test_a_run_that_cannot_be_finished_says_so_and_continues_later(self, run, rows, text, capsys, monkeypatch):
        from ntn6g.study.engine import Ledger

        original, batches = Ledger.write, itertools.count()

        def full_disk(ledger, records, *more):
            if next(batches) == 1:
                raise RunError("cannot write the ledger: disk full")
            original(ledger, records, *more)

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "write", full_disk)
            assert run(SMALL, "out") == 1
        assert "disk full" in capsys.readouterr().err
        assert json.loads(text("out/manifest.json"))["complete"] is False
        assert 0 < len(rows("out")) < 6

        assert run(SMALL, "out") == 0
        assert run(SMALL, "whole") == 0
        assert json.loads(text("out/manifest.json"))["complete"] is True
        assert text("out/results.csv") == text("whole/results.csv")

    def test_ctrl_c_while_the_ledger_is_written_keeps_what_is_done(self, run, text, monkeypatch):
        from ntn6g.study.engine import Ledger

        original, batches = Ledger.write, itertools.count()

        def interrupted(ledger, records, *more):
            def one_by_one():
                for index, record in enumerate(records):
                    if index == 1 and number == 1:
                        raise KeyboardInterrupt
                    yield record

            number = next(batches)
            original(ledger, one_by_one(), *more)

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "write", interrupted)
            assert run(SMALL, "out") == 130
        assert json.loads(text("out/manifest.json"))["complete"] is False

        assert run(SMALL, "out") == 0
        assert run(SMALL, "whole") == 0
        assert text("out/results.csv") == text("whole/results.csv")


@pytest.mark.usefixtures("shared_steps", "no_figures")
class TestPhysicsReachesTheTable:
    def test_path_loss_moves_the_budget_and_leaves_the_curves_alone(self, run, rows):
        no_loss = [f"channel.losses.{name}=false" for name in ("free_space", "gas", "scintillation", "clutter")]
        assert run(SMALL, "lossy") == 0
        assert run(SMALL, "lossless", *no_loss) == 0

        def filled(folder):  # the table has columns of losses for the other part
            return [{name: value for name, value in row.items() if value} for row in rows(folder, "curves")]

        assert filled("lossless") == filled("lossy")
        for before, after in zip(rows("lossy", "budget"), rows("lossless", "budget"), strict=True):
            assert float(after["path_loss_db"]) == 0.0
            # free space alone is 176 dB from 800 km up
            gained_db = float(after["esno_db"]) - float(before["esno_db"])
            assert gained_db == pytest.approx(float(before["path_loss_db"]), abs=1e-9)  # float64 sums
            assert gained_db > 176
        assert [counts(row) for row in rows("lossless", "budget")] != [counts(row) for row in rows("lossy", "budget")]

    def test_elevation_acts_through_delay_spread_and_k_factor_and_nothing_else(self, run, rows):
        def errors_at_20_and_80(folder, **given):
            fading = {"kind": "ntn-tdl", "profile": "C", **given}
            assert run(SMALL, folder, f"channel.fading={json.dumps(fading)}") == 0
            found = rows(folder, "curves")
            return tuple([counts(r) for r in found if float(r["at.elevation_deg"]) == angle] for angle in (20, 80))

        # the draws are the same, so nothing but the model of the elevation can change a count
        low, high = errors_at_20_and_80("table")
        assert low != high
        low, high = errors_at_20_and_80("spread", delay_spread_ns=5)  # the K-factor is left, 23.6 and 4.2 dB
        assert low != high
        low, high = errors_at_20_and_80("k", k_factor_db=6)  # the delay spread is left, 2.6 and 4.3 ns
        assert low != high
        low, high = errors_at_20_and_80("both", delay_spread_ns=5, k_factor_db=6)
        assert low == high
        assert sum(bit_errors for _, _, bit_errors in low) > 0


def test_a_sweep_of_200_points_compiles_once(run, rows, text):
    # steps are not shared here: the count is of this run alone; without a code, which would be most of the compiling
    link = "{subcarrier_khz: 120, resource_blocks: 2, coding: none, modulation: qpsk, csi: perfect, pilots: false}"
    sweep = "{at.elevation_deg: {from: 15, to: 72, step: 3}, power.ebno_db: {from: 0, to: 9, step: 1}}"
    assert run(SMALL, "out", f"link={link}", f"parts.curves.sweep.grid={sweep}", "stop.max_blocks=32") == 0

    manifest = json.loads(text("out/manifest.json"))
    assert len(rows("out", "curves")) == 20 * 10
    assert manifest["compile_count"] == 1  # the part `budget` has the same structure
    assert manifest["compile_s"] > 0


@pytest.mark.parametrize("config", SHIPPED)
def test_every_shipped_config_runs(run, text, rows, reduced, shared_steps, tmp_path, config):
    assert run(config, "out", *reduced(config)) == 0

    manifest = json.loads(text("out/manifest.json"))
    assert manifest["complete"] is True
    assert manifest["points"] == manifest["points_done"] == len(rows("out"))
    parts = load(SHIPPED[config]).parts_resolved()
    for part, each in parts.items():
        found = rows("out", part or None)
        if each.study == "link":
            assert all(int(row["blocks"]) == 32 for row in found)
            assert all(0 <= float(row["ber_low"]) <= float(row["ber"]) <= float(row["ber_high"]) <= 1 for row in found)
        for kind in ("png", "svg"):
            assert (tmp_path / "out" / f"{part or each.study}.{kind}").stat().st_size > 5_000  # bytes of a real figure
    # what a sweep is for: its points differ
    assert len({json.dumps(without("part", row)) for row in rows("out")}) == len(rows("out"))


def test_two_runs_share_a_figure(run, shared_steps, tmp_path, capsys):
    assert [run(SMALL, "a"), run(SMALL, "b", "link.mcs=5", "name=robust")] == [0, 0]

    first_bytes = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-", "svg": b"<?xml"}
    for kind, magic in first_bytes.items():
        figure = tmp_path / "figures" / f"both.{kind}"
        figure.parent.mkdir(exist_ok=True)
        assert main(["plot", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(figure)]) == 0
        assert figure.read_bytes().startswith(magic)
    drawn = (tmp_path / "figures" / "both.svg").read_text()
    assert "MCS 10, 20 deg elevation" in drawn  # what differs between the two, and what each sweeps
    assert "MCS 5, 20 deg elevation" in drawn
    capsys.readouterr()

    assert main(["plot", str(tmp_path / "a"), str(tmp_path / "missing"), "--out", str(tmp_path / "c.png")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "c.png").exists()


def test_what_a_scenario_may_name_is_listed(capsys):
    assert main(["list"]) == 0
    everything = capsys.readouterr().out
    assert main(["list", "configs"]) == 0
    configs = capsys.readouterr().out

    assert configs in everything
    assert [line.split()[0] for line in configs.splitlines()[1:]] == list(SHIPPED)
    assert {"ntn-tdl", "cp-ofdm", "dft-s-ofdm", "otfs", "afdm", "link", "pass"} <= set(everything.split())


def test_the_schema_describes_every_section(capsys):
    assert main(["schema"]) == 0

    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"schema", "platforms", "terminals", "at", "channel", "link", "power", "sweep", "stop", "parts"} <= set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False


# --- processes of their own ------------------------------------------------------------------------------------


class Process:
    """`ntn6g run` as a user starts it, and what its ledger holds meanwhile."""

    def __init__(self, config, folder, overrides):
        sets = [word for override in overrides for word in ("--set", override)]
        command = [sys.executable, "-m", "ntn6g", "run", config, "--out", str(folder), "--quiet", *sets]
        self.folder = folder
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a job in the background of a shell would ignore Ctrl-C, and so would its children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )

    def wait(self):
        out, err = self._process.communicate(timeout=600)
        return self._process.returncode, out + err

    def send_once(self, number, chunks):
        """Send a signal once the ledger holds so many chunks; exit code and words."""
        while len(chunks_in(self.folder)) < chunks:
            assert self._process.poll() is None, self.wait()
            time.sleep(0.002)
        self._process.send_signal(number)
        return self.wait()


UNCODED = """
schema: 1
study: link
name: uncoded
channel: {carrier_ghz: 2, fading: {kind: awgn}}
link: {coding: none, modulation: qpsk, csi: perfect, pilots: false, resource_blocks: 2}
power: {ebno_db: 3}
stop: {bit_errors: 4000, max_blocks: 64}
"""

# Rules that stop points at different chunks, and enough of them that a run takes seconds; without a code, whose
# compiling would be most of each process.
MORE = "{bit_errors: 400000, max_blocks: 24000}\nsweep: {grid: {power.ebno_db: [0, 3, 5, 7]}}\nengine: {batch: 64}"
INTERRUPTED = UNCODED.replace("{bit_errors: 4000, max_blocks: 64}", MORE)


@pytest.fixture
def uninterrupted(run, shared_steps, no_figures, tmp_path):
    """File of a scenario that was run in this process, its results and its ledger's chunks."""
    assert run(INTERRUPTED, "whole") == 0
    file = tmp_path / "scenario.yaml"
    return str(file), (tmp_path / "whole" / "results.csv").read_bytes(), chunks_in(tmp_path / "whole")


def test_a_run_killed_twice_at_random_moments_ends_with_the_bytes_of_an_uninterrupted_one(uninterrupted, run, tmp_path):
    scenario, expected, whole = uninterrupted
    folder, moments = tmp_path / "killed", random.Random(9)
    kept = set()
    for _ in range(2):
        moment = len(kept) + int(moments.uniform(0.05, 0.45) * len(whole))
        code, words = Process(scenario, folder, []).send_once(signal.SIGKILL, moment)
        assert code == -signal.SIGKILL, words
        assert not (folder / "results.csv").exists()
        assert kept < chunks_in(folder) < whole
        kept = chunks_in(folder)
        assert json.loads((folder / "manifest.json").read_text())["complete"] is False

    assert run(scenario, "killed") == 0
    assert (folder / "results.csv").read_bytes() == expected
    with (folder / "timing.csv").open(newline="") as file:
        computed = sum(int(row["chunks"]) for row in csv.DictReader(file))
    assert computed == len(chunks_in(folder) - kept)  # nothing twice


def test_ctrl_c_keeps_what_is_done_and_the_same_command_continues(uninterrupted, run, tmp_path):
    scenario, expected, whole = uninterrupted
    moment = int(random.Random(10).uniform(0.2, 0.7) * len(whole))

    code, words = Process(scenario, tmp_path / "out", []).send_once(signal.SIGINT, moment)

    assert code == 130, words
    assert "Traceback" not in words
    kept = chunks_in(tmp_path / "out")
    assert moment <= len(kept) < len(whole)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["complete"] is False
    assert manifest["points_done"] < manifest["points"]
    assert (tmp_path / "out" / "results.csv").exists()  # with the points begun so far

    assert run(scenario, "out") == 0
    assert (tmp_path / "out" / "results.csv").read_bytes() == expected


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_bytes_of_this_one(run, reduced, shared_steps, tmp_path):
    overrides = [*reduced("awgn_uncoded"), "sweep.grid.link.modulation=[qpsk]"]
    assert run("awgn_uncoded", "here", *overrides) == 0

    code, words = Process("awgn_uncoded", tmp_path / "there", overrides).wait()

    assert (code, words) == (0, "")
    assert (tmp_path / "there" / "results.csv").read_bytes() == (tmp_path / "here" / "results.csv").read_bytes()


@pytest.mark.slow
def test_kept_programs_change_no_byte_and_say_nothing(reduced, tmp_path, monkeypatch):
    overrides = [*reduced("awgn_uncoded"), "sweep.grid.link.modulation=[qpsk]"]
    monkeypatch.setenv("NTN6G_COMPILE_CACHE", str(tmp_path / "cache"))

    for folder in ("first", "second"):
        assert Process("awgn_uncoded", tmp_path / folder, overrides).wait() == (0, "")

    (inside,) = (tmp_path / "cache").iterdir()
    assert len(list(inside.iterdir())) == 1  # the second run found what the first had kept
    first, second = ((tmp_path / name / "results.csv").read_bytes() for name in ("first", "second"))
    assert first == second


def test_a_swept_seed_draws_anew_and_gives_the_run_of_that_seed(run, rows, shared_steps, no_figures):
    assert run(f"{UNCODED}sweep: {{grid: {{seed: [1, 2]}}}}\n", "seeds") == 0
    for seed in (1, 2):
        assert run(UNCODED, f"seed{seed}", f"seed={seed}") == 0

    both = [(row["bits"], row["bit_errors"]) for row in rows("seeds")]
    alone = [rows(f"seed{seed}")[0] for seed in (1, 2)]
    assert both[0] != both[1]
    assert both == [(row["bits"], row["bit_errors"]) for row in alone]


@pytest.mark.slow
def test_a_fresh_start_leaves_what_is_not_of_the_run(run, shared_steps, tmp_path):
    assert run(UNCODED, "again") == 0
    for name in ("mine.png", "report.html"):
        (tmp_path / "again" / name).write_text("")

    assert run(UNCODED, "again", fresh=True) == 0

    assert (tmp_path / "again" / "mine.png").exists()
    assert not (tmp_path / "again" / "report.html").exists()


@pytest.mark.parametrize("manifest", ["[1]", '{"study": "li'])
def test_a_damaged_manifest_is_one_line(run, shared_steps, no_figures, tmp_path, capsys, manifest):
    assert run(UNCODED, "out") == 0
    (tmp_path / "out" / "manifest.json").write_text(manifest)

    folder = str(tmp_path / "out")
    assert run(UNCODED, "out") == 2
    for command in (["plot", folder, "--out", str(tmp_path / "f.png")], ["report", folder]):
        assert main(command) == 2
    assert main(["merge", folder, "--out", str(tmp_path / "joined")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("error: ") for line in lines)


def test_a_ledger_that_is_none_is_one_line(run, shared_steps, no_figures, tmp_path, capsys):
    assert run(UNCODED, "out") == 0
    (tmp_path / "out" / "ledger.sqlite").write_text("no database at all, but long enough to be read as one" * 100)

    assert run(UNCODED, "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot open the ledger")


def test_a_figure_that_cannot_be_written_is_one_line(run, shared_steps, no_figures, tmp_path, capsys):
    assert run(UNCODED, "out") == 0
    (tmp_path / "file").write_text("")

    assert main(["plot", str(tmp_path / "out"), "--out", str(tmp_path / "file" / "f.png")]) == 2
    assert capsys.readouterr().err.startswith("error: --out: ")


def test_the_first_of_two_targets_ends_a_point(run, rows, shared_steps, no_figures):
    assert run(SMALL, "both", "parts.curves.stop={block_errors: 40, relative_ci: 0.9, max_blocks: 320}") == 0

    reasons = {row["stopped_by"] for row in rows("both", "curves")}
    assert "relative_ci" in reasons | {"block_errors"}
    assert reasons <= {"relative_ci", "block_errors", "max_blocks"}
