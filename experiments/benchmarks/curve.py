"""A whole curve of the anchor link: our run of a scenario against Sionna's ``sim_ber``, XLA on both sides."""

import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import tensorflow as tf
from sionna.phy.utils import sim_ber

from benchmarks import timing
from benchmarks.anchor import ROWS, SCENARIO, SionnaLink, esno_db
from benchmarks.engine import overhead as engine_overhead
from ntn6g.scenario import from_mapping
from ntn6g.study import engine
from ntn6g.study.run import How, run_scenario

CURVE_DB = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)  # Eb/N0
BLOCKS_DB = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0, 10.0)
MOST_BLOCKS, CURVE_ERRORS = 5120, 200
# 384 errors give the relative 95 % interval of 0.1 that our rule asks for, 1.96 / sqrt(384)
PRECISE_ERRORS = 384
PRECISE = {"relative_ci": 0.1, "bler_floor": 1e-3, "max_blocks": MOST_BLOCKS}


class Peer:
    """Sionna's link under ``sim_ber``, compiled once; counts the batches it computes."""

    def __init__(self) -> None:
        link, per_element_db = SionnaLink(), esno_db(0.0)

        @tf.function(jit_compile=True)
        def simulate(batch_size, ebno_db):
            return link(batch_size, 10.0 ** (-(ebno_db + per_element_db) / 10.0))

        self._simulate, self.batches = simulate, 0

    def _count(self, *_: Any) -> Any:
        self.batches += 1
        return sim_ber.CALLBACK_CONTINUE

    def __call__(self, points_db: tuple[float, ...], errors: int, most_batches: int = MOST_BLOCKS // ROWS) -> float:
        """Wall time in s of one ``sim_ber``."""
        begun, self.batches = time.perf_counter(), 0
        _, bler = sim_ber(
            self._simulate,
            list(points_db),
            batch_size=ROWS,
            max_mc_iter=most_batches,
            num_target_block_errors=errors,
            early_stop=False,
            graph_mode="xla",
            verbose=False,
            callback=self._count,
        )
        spent_s = time.perf_counter() - begun
        timing.note(
            f"sim_ber: {self.batches} batches in {spent_s:.1f} s, BLER {[f'{each:.4f}' for each in bler.numpy()]}"
        )
        return spent_s


def _our_run(points_db: tuple[float, ...], stop: dict[str, Any], folder: Path) -> tuple[dict[str, Any], int]:
    """Manifest of one run and the blocks it computed, those beyond a point's stop included."""
    scenario = {**SCENARIO, "stop": stop, "sweep": {"grid": {"power.ebno_db": list(points_db)}}}
    if run_scenario(from_mapping(scenario), folder, How(quiet=True)):
        raise RuntimeError("the run did not finish")
    manifest = json.loads((folder / "manifest.json").read_text())
    with (folder / "timing.csv").open() as lines:
        blocks = sum(int(row["chunks"]) for row in csv.DictReader(lines)) * engine.BLOCKS_PER_CHUNK
    with (folder / "results.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    counted = sum(int(row["blocks"]) for row in rows)
    timing.note(
        f"ours: {blocks} blocks ({counted} counted) in {manifest['wall_s']:.1f} s, {manifest['compile_s']:.1f} s of it "
        f"compiling, ledger {100 * manifest['ledger_s'] / manifest['run_s']:.1f} % of the computing, "
        f"BLER {', '.join(row['bler'][:7] for row in rows)}"
    )
    return manifest, blocks


def run() -> dict[str, float]:
    """One curve on each side, with compilation and without; then the blocks both need for intervals of 10 %."""
    peer = Peer()
    compile_s = peer(CURVE_DB[:1], 1, 1) - peer(CURVE_DB[:1], 1, 1)  # the first call compiles and computes a batch
    with tempfile.TemporaryDirectory() as folder:
        stop = {"block_errors": CURVE_ERRORS, "max_blocks": MOST_BLOCKS}
        ours, _ = _our_run(CURVE_DB, stop, Path(folder) / "curve")
        peer_s = peer(CURVE_DB, CURVE_ERRORS)
        _, blocks = _our_run(BLOCKS_DB, PRECISE, Path(folder) / "blocks")
        peer(BLOCKS_DB, PRECISE_ERRORS)
        overhead = engine_overhead(Path(folder))
    return {
        **overhead,
        "curve_ledger_ms": 1e3 * ours["ledger_s"],
        "curve_ratio": (compile_s + peer_s) / ours["wall_s"],
        "curve_run_ratio": peer_s / (ours["wall_s"] - ours["compile_s"]),
        "curve_compile_ms": 1e3 * ours["compile_s"],
        "curve_peer_compile_ms": 1e3 * compile_s,
        "blocks_ratio": ROWS * peer.batches / blocks,
    }
