"""The engine: a point's result depends on its chunks in index order and on nothing else."""

import hashlib
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntn6g.core.errors import RunError
from ntn6g.study.engine import BLOCKS_PER_CHUNK, Chunk, Ledger, StopRule, Tally, resume, run


@dataclass(frozen=True)
class FakePoint:
    """A point that fails with a fixed probability, chunk by chunk from its own hash."""

    identity: str
    bler: float


def fake_chunk(point, number):
    errors = 0
    for block in range(BLOCKS_PER_CHUNK):
        digest = hashlib.blake2b(f"{point.identity}|{number}|{block}".encode(), digest_size=8).digest()
        errors += int.from_bytes(digest, "big") / 2**64 < point.bler
    counts = {"blocks": BLOCKS_PER_CHUNK, "block_errors": errors, "bit_errors": 7 * errors}
    return Chunk(counts=counts, sums={"sinr": 0.1 * errors + 1.0 / (number + 3)})


class FakeStep:
    """Computes chunks and remembers what it was asked; may die after a number of batches."""

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
    run(states, step, ledger)
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

    assert list(ledger.read("point")) == [(1, chunk), (3, chunk)]


def test_a_ledger_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot open the ledger"):
        Ledger(tmp_path / "missing" / "ledger.sqlite")
