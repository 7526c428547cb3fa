"""A block's outcome is its own: not its row's, not its neighbours', not that of the threads that share the work."""

import json
import os
import random
import subprocess
import sys

import pytest

from ntn6g.scenario import load, shipped_configs
from ntn6g.study.build import build

SHIPPED = shipped_configs()


def link_points(config, overrides):
    """Points of a config's link studies by structure."""
    found = {}
    for study in build(load(config, overrides)):
        for point in study.points if study.kind == "link" else ():
            found.setdefault(point.structure, []).append(point)
    return found


def spread(points):
    """The noisiest, the middle and the clearest point: decoders that try to the end, and such that stop early."""
    by_noise = sorted(points, key=lambda point: point.values["noise_variance"])
    return [by_noise[0], by_noise[len(points) // 2], by_noise[-1]]


@pytest.mark.parametrize("config", SHIPPED)
def test_outcomes_do_not_change_with_row_order_or_neighbours(links, reduced, config):
    # Batches of two chunks drawn at random, the same ones again and again in other company and on other rows. Floats
    # too are compared to the last bit: sums of SINR are written to results.csv.
    company = random.Random(64)
    for structure, points in link_points(config, reduced(config)).items():
        step = links.step(structure, rows=64)
        work = [(point.identity, point.work, number) for point in spread(points) for number in (0, 1, 7)]
        outcomes = {}
        for _ in range(24):
            batch = [company.choice(work), company.choice(work)]
            chunks = step([(asked, number) for _, asked, number in batch])
            for (identity, _, number), chunk in zip(batch, chunks, strict=True):
                outcomes.setdefault((identity, number), []).append(chunk)

        assert len(outcomes) >= 6
        assert all(chunk == chunks[0] for chunks in outcomes.values() for chunk in chunks), structure.label
        # and they are outcomes, not one constant
        assert len({chunks[0].sums["sinr"] for chunks in outcomes.values()}) == len(outcomes)


# One structure for each kind of fading, coded and not, at its shipped bandwidth and batch: only large products are
# shared among threads
WITHOUT_RAYS = ["awgn_uncoded", "quickstart"]
SCRIPT = """
import json, os, sys
from ntn6g.scenario import load
from ntn6g.study import device

device.start()
from ntn6g.study.build import build

found = {}
for config in sys.argv[1:]:
    study = next((each for each in build(load(config)) if each.kind == "link"), None)
    if study is None:
        continue
    structure = study.structures[0]
    kind = f"{structure.fading} {'uncoded' if structure.mcs is None else 'coded'}"
    if kind in found:
        continue
    points = [point for point in study.points if point.structure == structure]
    step = study.recipe(structure)()
    chosen = (points[0], points[len(points) // 2], points[-1])
    work = [(point.work, number) for number in range(3) for point in chosen]
    chunks = step((work * step.chunks_per_batch)[: step.chunks_per_batch])
    found[kind] = [[dict(chunk.counts), dict(chunk.sums)] for chunk in chunks]
print(json.dumps([len(os.listdir("/proc/self/task")), found]))
"""


def on_threads(count, configs):
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(count), "TF_NUM_INTEROP_THREADS": str(count)}
    command = [sys.executable, "-c", SCRIPT, *configs]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads as Linux shows them")
@pytest.mark.parametrize("configs", [WITHOUT_RAYS, pytest.param(SHIPPED, marks=pytest.mark.slow)], ids=["few", "all"])
def test_outcomes_do_not_change_with_the_number_of_threads(configs):
    processes = [on_threads(count, configs) for count in (1, 2)]
    said = [process.communicate(timeout=1800) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    (fewer, one), (more, two) = (json.loads(out) for out, _ in said)

    assert fewer < more  # the setting is heeded
    assert {"awgn uncoded", "ntn-tdl coded"} <= set(one)
    assert one == two  # JSON keeps floats to the last bit
    assert any(counts["bit_errors"] for chunks in one.values() for counts, _ in chunks)
