"""The engine: a point's result depends on its chunks in index order and on nothing else."""

import hashlib
import itertools
import shutil
import sqlite3
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntn6g.core.errors import RunError
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk, InProcess, Ledger, StopRule, Tally, read_progress, resume, run
from ntn6g.study.intervals import clopper_pearson


@dataclass(frozen=True)
class FakePoint:
    """A point that fails with a fixed probability, chunk by chunk from its own hash."""

    identity: str
    bler: float
    axes = MappingProxyType({})

    @property
    def work(self):
        return self


def fake_chunk(point, number):
    errors = 0
    for block in range(BLOCKS_PER_CHUNK):
        digest = hashlib.blake2b(f"{point.identity}|{number}|{block}".encode(), digest_size=8).digest()
        errors += int.from_bytes(digest, "big") / 2**64 < point.bler
    counts = {"blocks": BLOCKS_PER_CHUNK, "block_errors": errors, "bit_errors": 7 * errors}
    return Chunk(counts=counts, sums={"sinr": 0.1 * errors + 1.0 / (number + 3)})


class FakeStep:
    """Computes chunks and remembers what it was asked; may die after a number of batches."""

    compile_s, compile_count, run_s = 0.0, 1, 0.0

    def __init__(self, chunks_per_batch, dies_after=None):
        self.chunks_per_batch, self.dies_after, self.batches = chunks_per_batch, dies_after, []

    def __call__(self, work):
        if self.dies_after is not None and len(self.batches) >= self.dies_after:
            raise KeyboardInterrupt
        assert len(work) == self.chunks_per_batch
        self.batches.append([(point.identity, number) for point, number in work])
        return [fake_chunk(point, number) for point, number in work]


POINTS = [FakePoint("certain", 1.0), FakePoint("often", 0.3), FakePoint("rare", 0.02), FakePoint("never", 0.0)]
RULE = StopRule(max_blocks=1600, block_errors=40)


def outcome(points, rule, ledger, step):
    states = resume(points, rule, ledger)
    run(states, lambda: step, step.chunks_per_batch, InProcess(), ledger)
    return {
        s.point.identity: (s.tally.chunks, dict(s.tally.counts), dict(s.tally.sums), s.stopped_by) for s in states
    }


def by_hand(point, rule):
    """Add chunks one by one until the rule holds: the definition."""
    tally = Tally()
    for number in itertools.count():
        tally.add(fake_chunk(point, number))
        if (reason := rule.reason(tally)) is not None:
            return tally.chunks, dict(tally.counts), dict(tally.sums), reason
    raise AssertionError


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


@pytest.mark.parametrize("chunks_per_batch", [1, 2, 4, 7])
def test_every_point_stops_where_its_rule_first_holds_in_index_order(ledger, chunks_per_batch):
    result = outcome(POINTS, RULE, ledger, FakeStep(chunks_per_batch))

    assert result == {point.identity: by_hand(point, RULE) for point in POINTS}


def test_results_do_not_depend_on_the_order_of_points(ledger, tmp_path):
    forward = outcome(POINTS, RULE, ledger, FakeStep(4))
    backward = outcome(POINTS[::-1], RULE, Ledger(tmp_path / "other.sqlite"), FakeStep(4))

    assert forward == backward


@settings(max_examples=25, deadline=None)
@given(deaths=st.lists(st.integers(0, 12), max_size=5), chunks_per_batch=st.integers(1, 6))
def test_a_sweep_killed_anywhere_continues_to_the_same_result(tmp_path_factory, deaths, chunks_per_batch):
    path = tmp_path_factory.mktemp("run") / "ledger.sqlite"
    for dies_after in deaths:
        ledger = Ledger(path)
        try:
            outcome(POINTS, RULE, ledger, FakeStep(chunks_per_batch, dies_after))
        except KeyboardInterrupt:
            ledger.close()

    assert outcome(POINTS, RULE, Ledger(path), FakeStep(chunks_per_batch)) == {
        point.identity: by_hand(point, RULE) for point in POINTS
    }


def test_a_finished_sweep_computes_nothing_again(ledger):
    outcome(POINTS, RULE, ledger, FakeStep(4))
    again = FakeStep(4)

    outcome(POINTS, RULE, ledger, again)

    assert again.batches == []


def test_a_stricter_rule_reuses_the_chunks_that_are_there(ledger):
    first, second = FakeStep(4), FakeStep(4)
    outcome(POINTS, RULE, ledger, first)
    stricter = StopRule(max_blocks=1600, block_errors=60)

    result = outcome(POINTS, stricter, ledger, second)

    computed = [item for batch in first.batches + second.batches for item in set(batch)]
    assert len(computed) == len(set(computed))
    assert result == {point.identity: by_hand(point, stricter) for point in POINTS}


def test_a_looser_rule_counts_only_what_it_needs(ledger):
    outcome(POINTS, RULE, ledger, FakeStep(4))
    looser = StopRule(max_blocks=800, block_errors=10)

    result = outcome(POINTS, looser, ledger, FakeStep(4))

    assert result == {point.identity: by_hand(point, looser) for point in POINTS}


def test_batches_run_full_while_any_two_points_have_work(ledger):
    step = FakeStep(4)
    outcome(POINTS, StopRule(max_blocks=1600, block_errors=10**6), ledger, step)

    distinct = [len(set(batch)) for batch in step.batches]
    assert sum(distinct) == len(POINTS) * 50  # 1600 blocks are 50 chunks; nothing beyond the cap, nothing twice
    assert all(count == 4 for count in distinct)


def test_a_point_that_always_fails_costs_a_handful_of_blocks(ledger):
    result = outcome(POINTS[:1], RULE, ledger, FakeStep(4))

    assert result["certain"][0] * BLOCKS_PER_CHUNK == 64  # 40 errors: two chunks


def test_relative_interval_stops_when_narrow_and_floor_when_clean(ledger):
    rule = StopRule(max_blocks=64_000, relative_ci=0.2, bler_floor=0.02)

    result = outcome(POINTS, rule, ledger, FakeStep(4))

    # half width over rate: 1.96 sqrt((1-p)/(n p)) = 0.2 at n p = 96 (1-p)
    _, counts, _, reason = result["often"]
    assert reason == "relative_ci"
    assert counts["block_errors"] == pytest.approx(96 * 0.7, abs=25)
    # no error: 1 - 0.05^(1/n) < 0.02 from n = 149 on, which is 5 chunks
    assert result["never"][0] == 5
    assert result["never"][3] == "relative_ci"


def test_chunks_survive_the_ledger_to_the_last_bit(ledger):
    chunk = Chunk(counts={"blocks": 32}, sums={"sinr": 0.1 + 0.2, "tiny": 5e-324})
    ledger.write([("point", 3, chunk), ("point", 1, chunk)])

    numbers, chunks = ledger.read("point")
    assert numbers.tolist() == [1, 3]
    assert [chunks[0], chunks[1]] == [chunk, chunk]


def test_a_ledger_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot open the ledger"):
        Ledger(tmp_path / "missing" / "ledger.sqlite")


def ideal(points, rule):
    """Chunks that the rule counts: what an oracle would compute."""
    return sum(by_hand(point, rule)[0] for point in points)


RELATIVE = StopRule(max_blocks=6400, relative_ci=0.2, bler_floor=2e-3)


@pytest.mark.parametrize("rule", [RULE, RELATIVE], ids=["errors", "relative"])
@pytest.mark.parametrize("chunks_per_batch", [2, 6, 8, 16])
def test_a_sweep_computes_at_most_one_batch_more_than_the_rule_counts(ledger, chunks_per_batch, rule):
    points = [FakePoint(f"point {i}", 10 ** (-i / 8)) for i in range(40)]
    step = FakeStep(chunks_per_batch)

    outcome(points, rule, ledger, step)

    computed = sum(len(set(batch)) for batch in step.batches)
    assert computed - ideal(points, rule) <= chunks_per_batch
    # rows of the last batch alone may be copies
    assert all(len(set(batch)) == chunks_per_batch for batch in step.batches[:-1])


def test_a_point_at_bler_one_costs_at_most_64_blocks_and_a_clean_one_3000(ledger):
    points = [FakePoint("certain", 1.0), FakePoint("never", 0.0)]

    result = outcome(points, StopRule(max_blocks=5120, relative_ci=0.1, bler_floor=1e-3), ledger, FakeStep(4))

    assert result["certain"][0] * BLOCKS_PER_CHUNK <= 64
    # 1 - 0.05^(1/n) < 1e-3 from n = 2995 on
    assert result["never"][0] * BLOCKS_PER_CHUNK == 3008


class FailingStep(FakeStep):
    """Cannot compute some chunks."""

    def __init__(self, chunks_per_batch, poison):
        super().__init__(chunks_per_batch)
        self.poison = poison

    def __call__(self, work):
        for point, number in work:
            if (point.identity, number) in self.poison:
                raise FloatingPointError(f"cannot compute chunk {number}")
        return super().__call__(work)


def test_a_chunk_that_always_fails_gives_up_its_point_and_the_others_complete(ledger):
    step = FailingStep(4, {("often", 2)})
    states = resume(POINTS, RULE, ledger)
    run(states, lambda: step, 4, InProcess(), ledger)

    found = {state.point.identity: state for state in states}
    assert found["often"].stopped_by == "failed"
    assert "chunk 2 failed 3 times: FloatingPointError: cannot compute chunk 2" in found["often"].failure
    for point in (POINTS[0], *POINTS[2:]):
        tally = found[point.identity].tally
        assert (tally.chunks, tally.counts, tally.sums) == by_hand(point, RULE)[:3]


def test_out_of_memory_ends_the_run_with_the_key_to_change(ledger):
    class Greedy(FakeStep):
        def __call__(self, work):
            raise MemoryError("no room")

    with pytest.raises(RunError, match=r"--set engine\.batch="):
        outcome(POINTS, RULE, ledger, Greedy(4))


def test_a_full_disk_is_one_line_and_the_ledger_still_opens(ledger, tmp_path):
    outcome(POINTS[:1], RULE, ledger, FakeStep(4))
    ledger._db.execute("PRAGMA max_page_count = 1")  # SQLite then reports the disk as full

    with pytest.raises(RunError, match="disk is full; chunks written before are kept"):
        outcome(POINTS[1:], StopRule(max_blocks=64_000, block_errors=10_000), ledger, FakeStep(4))

    again = Ledger(tmp_path / "ledger.sqlite")
    result = outcome(POINTS, RULE, again, FakeStep(4))
    assert result == {point.identity: by_hand(point, RULE) for point in POINTS}
    again.close()


def test_a_disk_that_fills_while_the_ledger_is_closed_costs_nothing(ledger, tmp_path):
    outcome(POINTS[:1], RULE, ledger, FakeStep(4))

    class Full:
        def __init__(self, db):
            self._db = db

        def execute(self, statement):
            raise sqlite3.OperationalError("database or disk is full")

        def close(self):
            self._db.close()

    ledger._db = Full(ledger._db)
    ledger.close()

    again = Ledger(tmp_path / "ledger.sqlite")
    assert outcome(POINTS, RULE, again, FakeStep(4)) == {point.identity: by_hand(point, RULE) for point in POINTS}
    again.close()


@pytest.mark.parametrize("lost", [1, 100, 5_000, 20_000])
def test_a_journal_cut_short_by_a_power_loss_loses_its_end_only(ledger, tmp_path, lost):
    outcome(POINTS, RULE, ledger, FakeStep(1))
    cut = tmp_path / "cut.sqlite"
    shutil.copy(tmp_path / "ledger.sqlite", cut)  # as it lies on the disk while the writer is alive
    journal = (tmp_path / "ledger.sqlite-wal").read_bytes()
    (tmp_path / "cut.sqlite-wal").write_bytes(journal[: max(0, len(journal) - lost)])

    again = Ledger(cut)
    assert outcome(POINTS, RULE, again, FakeStep(4)) == {point.identity: by_hand(point, RULE) for point in POINTS}
    again.close()


def test_readers_see_every_point_while_the_writer_is_at_work(ledger, tmp_path):
    states = resume(POINTS, RULE, ledger, part="a", first_place=7)
    ledger.plan([state.seen() for state in states])

    def read(done):
        points, _ = read_progress(tmp_path / "ledger.sqlite")  # while the writer has it open
        assert [p.place for p in points] == [7, 8, 9, 10]

    run(states, lambda: FakeStep(4), 4, InProcess(), ledger, on_batch=read)
    points, notes = read_progress(tmp_path / "ledger.sqlite")
    assert [p.blocks for p in points] == [by_hand(point, RULE)[0] * BLOCKS_PER_CHUNK for point in POINTS]
    assert notes["written"] >= notes["begun"]


def test_ledgers_of_different_points_join_and_disagreement_is_refused(ledger, tmp_path):
    other = Ledger(tmp_path / "other.sqlite")
    outcome(POINTS[:2], RULE, ledger, FakeStep(4))
    outcome(POINTS[1:], RULE, other, FakeStep(2))
    other.close()

    ledger.take_from(tmp_path / "other.sqlite")
    step = FakeStep(4)
    assert outcome(POINTS, RULE, ledger, step) == {point.identity: by_hand(point, RULE) for point in POINTS}
    assert step.batches == []

    liar = Ledger(tmp_path / "liar.sqlite")
    liar.write([("rare", 0, fake_chunk(POINTS[1], 0))])
    liar.close()
    with pytest.raises(RunError, match="disagree"):
        ledger.take_from(tmp_path / "liar.sqlite")


def test_the_exact_interval_is_never_narrower_than_four_fifths_of_the_normal_one():
    # what lets the rule skip the exact one where the normal one is far too wide
    blocks = np.array([32, 64, 128, 320, 1024, 5000, 100_000])[:, None]
    errors = np.unique(np.concatenate([np.arange(1, 400), np.geomspace(400, 100_000, 200).astype(int)]))[None, :]
    errors, blocks = np.broadcast_arrays(errors, blocks)
    errors, blocks = errors[errors <= blocks], blocks[errors <= blocks]
    low, high = clopper_pearson(errors, blocks)

    rate = errors / blocks
    normal = 1.95996 * np.sqrt(rate * (1 - rate) / blocks)
    assert np.all((high - low) / 2 >= 0.8 * normal)
