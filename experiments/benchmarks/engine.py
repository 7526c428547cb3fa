"""What the engine costs beside the link itself: per point, per batch, on opening a large ledger, and over processes."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ntn6g.scenario import Scenario, from_mapping
from ntn6g.study import device, engine

POINTS = 1000
CHUNKS = 1_000_000
WORKER_CHUNKS = 480  # 40 points of 12 chunks


def run() -> dict[str, float]:
    """Figures of the engine."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        return {**overhead(here), **_memory(here), **_ledger(here), **_workers(here)}


def overhead(folder: Path) -> dict[str, float]:
    """A sweep of 1000 points over values: wall time without the step, per point; and the ledger's share of the run."""
    from ntn6g.study.run import How, run_scenario

    sweep = {"power.esno_db": {"from": 0.0, "to": 9.99, "points": POINTS}}
    run_scenario(_scenario(sweep, {"bit_errors": 10, "max_blocks": 64}, coded=False), folder / "run", How(quiet=True))
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    spent_s = manifest["wall_s"] - manifest["compile_s"] - manifest["run_s"]
    if manifest["compile_count"] != 1 or manifest["points_done"] != POINTS:
        raise RuntimeError(f"{manifest['compile_count']} compilations, {manifest['points_done']} points done")
    return {"engine_overhead_ms": 1e3 * spent_s / POINTS, "ledger_per_point_ms": 1e3 * manifest["ledger_s"] / POINTS}


def _memory(folder: Path) -> dict[str, float]:
    """Peak memory of a process that runs a sweep, of few points and of ten times as many."""
    found = {}
    for points in (max(2, POINTS // 10), POINTS):
        sweep = {"power.esno_db": {"from": 0.0, "to": 9.99, "points": points}}
        words = [sys.executable, "-c", _SWEEP, str(folder / f"memory-{points}"), json.dumps(sweep)]
        done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        found[f"engine_{points}_points_mib"] = float(done.stdout.split()[-1]) / 1024
    return found


_SWEEP = """
import json, resource, sys
from pathlib import Path
from benchmarks.engine import _scenario
from ntn6g.study.run import How, run_scenario
scenario = _scenario(json.loads(sys.argv[2]), {"bit_errors": 10, "max_blocks": 64}, coded=False)
assert run_scenario(scenario, Path(sys.argv[1]), How(quiet=True)) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _ledger(folder: Path) -> dict[str, float]:
    """Open a ledger of a million chunks and find the state of its 1000 points."""
    chunk = engine.Chunk({"blocks": 32, "block_errors": 1, "bits": 9, "bit_errors": 3}, {"sinr": 1.0})
    ledger = engine.Ledger(folder / "ledger.sqlite")
    for point in range(POINTS):
        ledger.write((str(point), number, chunk) for number in range(CHUNKS // POINTS))
    ledger.close()
    rule = engine.StopRule(max_blocks=10**9, relative_ci=0.01)
    begun = time.perf_counter()
    ledger = engine.Ledger(folder / "ledger.sqlite")
    states = engine.resume([_Named(str(point)) for point in range(POINTS)], rule, ledger)
    spent_s = time.perf_counter() - begun
    ledger.close()
    if sum(state.tally.chunks for state in states) != CHUNKS:
        raise RuntimeError("chunks are missing")
    return {"ledger_open_ms": 1e3 * spent_s}


class _Named:
    """A point that is only looked up."""

    def __init__(self, identity: str) -> None:
        self.identity, self.work, self.axes = identity, None, {}


def _workers(folder: Path) -> dict[str, float]:
    """One structure, 40 points: two workers of one thread against one worker of one thread, both compiled before."""
    from ntn6g.study.build import build
    from ntn6g.study.engine.processes import Processes

    spent_s = {}
    for workers in (1, 2):
        executor = Processes(workers, device.start, threads=1)
        for phase, blocks in (("warm", 32 * 2), ("timed", 32 * WORKER_CHUNKS // 40)):
            sweep = {"power.esno_db": {"from": 4.0, "to": 11.8, "points": 40}}
            study = build(_scenario(sweep, {"block_errors": 10**9, "max_blocks": blocks}, coded=True))[0]
            ledger = engine.Ledger(folder / f"{workers} {phase}.sqlite")
            states = engine.resume(study.points, study.rule, ledger)
            structure = study.points[0].structure
            begun = time.perf_counter()
            engine.run(
                states,
                study.recipe(structure),
                study.rows(structure) // 32,
                executor,
                ledger,
                structure=structure.label,
            )
            spent_s[workers, phase] = time.perf_counter() - begun
            ledger.close()
        executor.close()
    return {
        "workers_ratio": spent_s[1, "timed"] / spent_s[2, "timed"],
        "worker_blocks_per_s": 32 * WORKER_CHUNKS / spent_s[2, "timed"],
    }


def _scenario(sweep: dict[str, Any], stop: dict[str, Any], *, coded: bool) -> Scenario:
    uncoded = {"coding": "none", "modulation": "qpsk", "csi": "perfect", "pilots": False, "resource_blocks": 2}
    return from_mapping(
        {
            "schema": 1,
            "study": "link",
            "name": "benchmark",
            "channel": {"carrier_ghz": 20.0, "fading": {"kind": "awgn"}},
            "link": {"mcs": 14, "resource_blocks": 25} if coded else uncoded,
            "power": {"esno_db": 0.0},
            "sweep": {"grid": sweep},
            "stop": stop,
        }
    )
