"""Runs on several processes, on a cluster, in slices and side by side: the same table, byte for byte."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ntn6g.study.cli import main

SCENARIO = """
schema: 1
study: link
name: small
channel: {carrier_ghz: 2, fading: {kind: awgn}}
link: {coding: none, modulation: qpsk, csi: perfect, pilots: false, resource_blocks: 2}
power: {ebno_db: 0}
sweep: {grid: {link.modulation: [qpsk, 16qam], power.ebno_db: {from: 0, to: 6, step: 2}}}
stop: {bit_errors: 4000, max_blocks: 3200}
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "small.yaml"
    path.write_text(SCENARIO)
    return str(path)


def table(folder):
    return (folder / "results.csv").read_bytes()


@pytest.fixture(scope="module")
def whole(scenario, tmp_path_factory):
    """Folder of the run that one process makes without interruption."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["run", scenario, "--out", str(folder), "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("workers", ["2", pytest.param("4", marks=pytest.mark.slow)])
def test_any_number_of_workers_writes_the_same_table(scenario, whole, tmp_path, workers):
    assert main(["run", scenario, "--out", str(tmp_path / "run"), "--workers", workers, "--quiet"]) == 0

    assert table(tmp_path / "run") == table(whole)


@pytest.mark.slow
def test_a_cluster_writes_the_same_table(scenario, whole, tmp_path):
    pytest.importorskip("ray", reason="needs ntn6g[cluster]")
    command = ["run", scenario, "--out", str(tmp_path / "run"), "--ray", "local", "--workers", "2", "--quiet"]

    assert main(command) == 0
    assert table(tmp_path / "run") == table(whole)


def test_slices_joined_are_the_whole(scenario, whole, tmp_path, capsys):
    for points in ("0:3", "3:"):
        name = tmp_path / points.replace(":", "-")
        assert main(["run", scenario, "--out", str(name), "--points", points, "--quiet"]) == 0
        assert json.loads((name / "manifest.json").read_text())["complete"] is False

    parts = [str(tmp_path / "0-3"), str(tmp_path / "3-")]
    assert main(["merge", *parts, "--out", str(tmp_path / "joined")]) == 0
    assert table(tmp_path / "joined") == table(whole)
    assert json.loads((tmp_path / "joined" / "manifest.json").read_text())["complete"] is True
    spent = list(csv.DictReader((tmp_path / "joined" / "timing.csv").read_text().splitlines()))
    assert len(spent) == 8
    assert all(int(row["chunks"]) > 0 for row in spent)
    assert main(["status", str(tmp_path / "joined")]) == 0
    assert "joined: done\n  points: 8/8 points" in capsys.readouterr().out


def test_runs_of_different_scenarios_are_not_joined(scenario, whole, tmp_path, capsys):
    other = tmp_path / "other"
    assert main(["run", scenario, "--out", str(other), "--set", "seed=2", "--points", "0:1", "--quiet"]) == 0

    assert main(["merge", str(whole), str(other), "--out", str(tmp_path / "joined")]) == 2
    assert "cannot be joined: seed was 1, is 2" in capsys.readouterr().err
    assert not (tmp_path / "joined").exists()


def test_slices_one_after_another_fill_one_folder(scenario, whole, tmp_path):
    for points in ("5:", "0:5"):
        assert main(["run", scenario, "--out", str(tmp_path / "run"), "--points", points, "--quiet"]) == 0

    assert table(tmp_path / "run") == table(whole)
    spent = list(csv.DictReader((tmp_path / "run" / "timing.csv").read_text().splitlines()))
    assert [int(row["chunks"]) > 0 for row in spent] == [True] * 8
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["complete"] is True


PASS = """
schema: 1
study: pass
name: passes
platforms: {sat: {kind: circular, altitude_km: 600, inclination_deg: 70, epoch: 2026-01-01T00:00:00Z}}
terminals: {ue: {latitude_deg: 45, longitude_deg: 10}}
at: {pass: {after: 2026-01-01T00:00:00Z, min_culmination_deg: 50, within_days: 10}}
channel: {carrier_ghz: 20, fading: {kind: awgn}}
sweep: {grid: {channel.carrier_ghz: [2, 20, 30]}}
"""


def test_a_study_without_chance_continues_and_is_joined_too(tmp_path, capsys):
    file = tmp_path / "pass.yaml"
    file.write_text(PASS)
    for name, points in (("whole", ":"), ("whole", ":"), ("a", "0:2"), ("b", "2:")):
        assert main(["run", str(file), "--out", str(tmp_path / name), "--points", points, "--quiet"]) == 0
    assert main(["merge", *(str(tmp_path / name) for name in "ab"), "--out", str(tmp_path / "joined")]) == 0

    for name in ("whole", "joined"):
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        assert (manifest["complete"], manifest["points_done"]) == (True, 3)
        assert len(list((tmp_path / name / "series").glob("*.npz"))) == 3
    assert table(tmp_path / "joined") == table(tmp_path / "whole")
    assert main(["status", str(tmp_path / "whole")]) == 0
    assert "whole: done\n" in capsys.readouterr().out

    other = "sweep={grid: {channel.carrier_ghz: [2]}}"
    assert main(["run", str(file), "--out", str(tmp_path / "whole"), "--set", other, "--quiet"]) == 0
    assert [f.name for f in (tmp_path / "whole" / "series").glob("*.npz")] == ["pass.npz"]  # none of the former sweep


def test_a_joined_run_is_a_folder_of_its_own(scenario, whole, capsys):
    assert main(["merge", str(whole), "--out", str(whole)]) == 2
    assert "is one of the runs to join" in capsys.readouterr().err


def test_workers_that_do_not_fit_a_cluster_are_refused(scenario, tmp_path, capsys):
    pytest.importorskip("ray", reason="needs ntn6g[cluster]")
    command = ["run", scenario, "--out", str(tmp_path / "run"), "--ray", "local", "--workers", "4000", "--quiet"]

    assert main(command) == 2
    assert "--workers: 4000 workers with a processor do not fit" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("points", ["9:12", "a:b", "3"])
def test_points_that_are_not_there_are_refused(scenario, tmp_path, capsys, points):
    assert main(["run", scenario, "--out", str(tmp_path / "run"), "--points", points, "--quiet"]) == 2
    assert capsys.readouterr().err.startswith("error: --points: ")
    assert not (tmp_path / "run").exists()


def started(scenario, folder, *more):
    """A run in a process of its own, once its ledger holds something."""
    command = [sys.executable, "-m", "ntn6g", "run", scenario, "--out", str(folder), "--quiet", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600  # a slow machine imports and compiles for minutes
    while not _blocks(folder):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "nothing was computed"
        time.sleep(0.02)
    return process


def _blocks(folder):
    from ntn6g.core.errors import RunError
    from ntn6g.study.engine import read_progress

    try:
        return sum(point.blocks for point in read_progress(folder / "ledger.sqlite")[0])
    except RunError:  # not begun yet
        return 0


# hours, if nobody stops it; one structure, which its workers compile each
LONG_RULE = ("stop.bit_errors=40000000", "stop.max_blocks=20000000", "sweep.grid.link.modulation=[qpsk]")
LONG = tuple(word for override in LONG_RULE for word in ("--set", override))


def test_a_folder_has_one_writer_readers_see_it_and_sigterm_keeps_what_is_done(scenario, whole, tmp_path, capsys):
    folder = tmp_path / "run"
    running = started(scenario, folder, *LONG)
    try:
        assert main(["run", scenario, "--out", str(folder), *LONG, "--quiet"]) == 2
        assert f"process {running.pid} is running in {folder}" in capsys.readouterr().err
        assert main(["status", str(folder)]) == 0
        assert f"{folder}: running\n" in capsys.readouterr().out
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=180) == 130
    finally:
        running.kill()

    assert main(["status", str(folder)]) == 0
    assert f"{folder}: stopped\n" in capsys.readouterr().out
    # the same folder, now with the rule of the others: only what they count is counted
    assert main(["run", scenario, "--out", str(folder), "--quiet"]) == 0
    assert table(folder) == table(whole)


def test_a_killed_worker_changes_nothing(scenario, whole, tmp_path):
    folder = tmp_path / "run"
    running = started(scenario, folder, "--workers", "2", *LONG)
    try:
        killed, done = int(_children(running.pid)[-1]), _blocks(folder)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 600
        seen = done
        while seen < 2 * done + 10_000 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            seen = max(seen, _blocks(folder))
        assert seen > done  # it went on, with a worker in the place of the lost one
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=180) == 130, running.stderr.read()
    finally:
        running.kill()

    assert main(["run", scenario, "--out", str(folder), "--quiet"]) == 0  # counted by the rule of the others
    assert table(folder) == table(whole)


@pytest.mark.slow
def test_sigterm_ends_a_run_on_workers_and_it_continues(scenario, whole, tmp_path):
    folder = tmp_path / "run"
    running = started(scenario, folder, "--workers", "2", *LONG)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=180) == 130, running.stderr.read()

    assert main(["run", scenario, "--out", str(folder), "--quiet"]) == 0
    assert table(folder) == table(whole)


def _children(pid):
    command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)]  # whole lines, however long a path is
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.split()[0] for line in found.stdout.splitlines() if "spawn_main" in line]
