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


@pytest.mark.parametrize("workers", ["2", "4"])
def test_any_number_of_workers_writes_the_same_table(scenario, whole, tmp_path, workers):
    assert main(["run", scenario, "--out", str(tmp_path / "run"), "--workers", workers, "--quiet"]) == 0

    assert table(tmp_path / "run") == table(whole)


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


@pytest.mark.parametrize("points", ["9:12", "a:b", "3"])
def test_points_that_are_not_there_are_refused(scenario, tmp_path, capsys, points):
    assert main(["run", scenario, "--out", str(tmp_path / "run"), "--points", points, "--quiet"]) == 2
    assert capsys.readouterr().err.startswith("error: --points: ")
    assert not (tmp_path / "run").exists()


def started(scenario, folder, *more):
    """A run in a process of its own, once its ledger holds something."""
    command = [sys.executable, "-m", "ntn6g", "run", scenario, "--out", str(folder), "--quiet", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not _has_chunks(folder) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def _has_chunks(folder):
    from ntn6g.core.errors import RunError
    from ntn6g.study.engine import read_progress

    try:
        return any(point.blocks for point in read_progress(folder / "ledger.sqlite")[0])
    except RunError:  # not begun yet
        return False


LONG = ("--set", "stop.bit_errors=40000000", "--set", "stop.max_blocks=20000000")  # hours, if nobody stops it


def test_a_folder_has_one_writer_readers_see_it_and_sigterm_keeps_what_is_done(scenario, whole, tmp_path, capsys):
    folder = tmp_path / "run"
    running = started(scenario, folder, *LONG)
    try:
        assert main(["run", scenario, "--out", str(folder), *LONG, "--quiet"]) == 2
        assert f"process {running.pid} is running in {folder}" in capsys.readouterr().err
        assert main(["status", str(folder)]) == 0
        assert f"{folder}: running\n" in capsys.readouterr().out
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 130
    finally:
        running.kill()

    assert main(["status", str(folder)]) == 0
    assert f"{folder}: stopped\n" in capsys.readouterr().out
    # the same folder, now with the rule of the others: only what they count is counted
    assert main(["run", scenario, "--out", str(folder), "--quiet"]) == 0
    assert table(folder) == table(whole)


def test_a_killed_worker_changes_nothing(scenario, whole, tmp_path):
    folder = tmp_path / "run"
    running = started(scenario, folder, "--workers", "2", "--set", "stop.max_blocks=3200")
    children = [int(pid) for pid in _children(running.pid)]
    if children:  # else it has finished already, and there was nothing to survive
        os.kill(children[-1], signal.SIGKILL)
    assert running.wait(timeout=120) == 0, running.stderr.read()

    assert table(folder) == table(whole)


def _children(pid):
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [line.split()[0] for line in found.stdout.splitlines() if "spawn_main" in line]
