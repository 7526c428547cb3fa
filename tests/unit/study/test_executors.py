"""Executors: whoever computes, whatever dies, the result is that of one process."""

import hashlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk, InProcess, Ledger, StopRule, resume, run
from ntn6g.study.engine.processes import Processes

RULE = StopRule(max_blocks=3200, block_errors=60)
SIZE = 4


@dataclass(frozen=True)
class Point:
    """Fails with a fixed probability, chunk by chunk from its own hash; may kill whoever computes it."""

    identity: str
    bler: float
    deadly: str = ""
    axes = MappingProxyType({})

    @property
    def work(self):
        return self


class FakeStep:
    """Pickled by reference and built in each worker."""

    compile_s, compile_count, run_s = 0.5, 1, 0.0

    def __call__(self, work):
        return [self.chunk(point, number) for point, number in work]

    def chunk(self, point, number):
        if point.deadly == "always" or (point.deadly and not Path(point.deadly).exists()):
            if point.deadly != "always":
                Path(point.deadly).touch()  # it dies once only
            os.kill(os.getpid(), signal.SIGKILL)
        errors = 0
        for block in range(BLOCKS_PER_CHUNK):
            digest = hashlib.blake2b(f"{point.identity}|{number}|{block}".encode(), digest_size=8).digest()
            errors += int.from_bytes(digest, "big") / 2**64 < point.bler
        return Chunk({"blocks": BLOCKS_PER_CHUNK, "block_errors": errors}, {"sinr": 1.0 / (number + 3) + errors})


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Workers unpickle what is defined here by its module's name."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3])


def no_tensorflow(threads):
    """Stands for the opening of TensorFlow in a worker."""


def outcome(points, executor, path):
    ledger = Ledger(path)
    states = resume(points, RULE, ledger)
    costs = run(states, FakeStep, SIZE, executor, ledger)
    ledger.close()
    found = {s.point.identity: (s.tally.chunks, dict(s.tally.counts), dict(s.tally.sums), s.stopped_by) for s in states}
    return found, states, costs


POINTS = [Point("certain", 1.0), Point("often", 0.3), Point("rare", 0.02), Point("never", 0.0)]


def deadly_once(identity, mark):
    """The points, one of which kills the first worker that computes it."""
    return [Point(p.identity, p.bler, str(mark) if p.identity == identity else "") for p in POINTS]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return outcome(POINTS, InProcess(), tmp_path_factory.mktemp("alone") / "ledger.sqlite")[0]


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_processes_gives_the_result_of_one(alone, workers, tmp_path):
    executor = Processes(workers, no_tensorflow)
    found, _, costs = outcome(POINTS, executor, tmp_path / "ledger.sqlite")
    executor.close()

    assert found == alone
    assert 1 <= costs.compile_count <= workers  # distinct structures traced, times the processes that had work


def test_a_worker_killed_in_the_middle_changes_nothing(alone, tmp_path):
    points = deadly_once("rare", tmp_path / "died")
    executor = Processes(2, no_tensorflow)
    found, _, _ = outcome(points, executor, tmp_path / "ledger.sqlite")
    executor.close()

    assert (tmp_path / "died").exists()
    assert found == alone


def test_a_chunk_that_kills_every_worker_is_given_up_after_three_tries(alone, tmp_path):
    points = [*POINTS, Point("poison", 0.5, deadly="always")]
    executor = Processes(2, no_tensorflow)
    found, states, _ = outcome(points, executor, tmp_path / "ledger.sqlite")
    executor.close()

    assert found.pop("poison")[3] == "failed"
    assert "failed 3 times: the worker process died" in states[-1].failure
    assert found == alone


def test_a_cluster_of_two_worker_processes_gives_the_result_of_one(alone, tmp_path):
    ray = pytest.importorskip("ray", reason="needs ntn6g[cluster]")
    from ntn6g.study.engine.cluster import RayCluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no package that a worker could import
    executor = RayCluster("local", no_tensorflow, workers=2)
    try:
        points = deadly_once("often", tmp_path / "died")
        found, _, _ = outcome(points, executor, tmp_path / "ledger.sqlite")
    finally:
        executor.close()

    assert not ray.is_initialized()
    assert (tmp_path / "died").exists()  # one of the two was lost and replaced on the way
    assert found == alone


def test_a_cluster_that_does_not_answer_is_one_line():
    pytest.importorskip("ray", reason="needs ntn6g[cluster]")
    from ntn6g.core.errors import ScenarioError
    from ntn6g.study.engine.cluster import RayCluster

    with pytest.raises(ScenarioError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'") as caught:
        RayCluster("127.0.0.1:1", no_tensorflow)
    assert "\n" not in str(caught.value)
