"""What a user sees while a run computes: in a terminal, in a log, from outside."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from ntn6g.study import engine, progress


class State:
    """A point of a sweep, as far as the display looks at it."""

    def __init__(self, part="", blocks=0, expected=1000, *, done=False):
        self.part, self.expected, self.done = part, expected, done
        self.tally = SimpleNamespace(blocks=blocks)

    def seen(self):
        stopped_by = "block_errors" if self.done else None
        blocks = self.tally.blocks
        return engine.PointProgress(0, self.part, {}, blocks, blocks // 10, self.expected, stopped_by)


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.s)
    return now


def display(*, terminal):
    shown = progress.Display(quiet=False)
    shown.console = Console(file=io.StringIO(), force_terminal=terminal, width=100, legacy_windows=False)
    return shown, shown.console.file.getvalue


def drawn(shown):
    """The display as it stands now, in plain text."""
    page = Console(file=io.StringIO(), width=100)
    page.print(shown._drawn())
    return page.file.getvalue()


def test_a_terminal_tells_compiling_from_computing_and_gives_the_rate(clock):
    shown, _ = display(terminal=True)
    states = [State("curves"), State("curves")]

    with shown.showing([states]):
        shown.structure(1, 2)
        clock.s += 7
        assert "compiling structure 1 of 2, 7 s" in drawn(shown)
        for blocks in (100, 350):
            states[0].tally.blocks = blocks
            clock.s += 1
            shown.update()
        page = drawn(shown)
        assert "computing structure 1 of 2, 250 blocks/s" in page  # from the first batch on
        assert "0/2 points 350 blocks 35 errors" in page
        shown.structure(2, 2)
        assert "compiling structure 2 of 2" in drawn(shown)


def test_a_log_says_how_long_it_will_take(clock):
    shown, log = display(terminal=False)
    states = [State(expected=2000)]

    with shown.showing([states]):
        shown.structure(1, 1)
        for blocks, seconds in ((200, 5), (500, 10), (800, 10)):
            states[0].tally.blocks = blocks
            clock.s += seconds
            shown.update()

    # 800 blocks in the 20 s after the first batch, less its own 200: 30 blocks/s
    assert "points: 0/1 points 800 blocks 80 errors after 25 s, about 40 s left" in log()


def test_a_study_without_chance_counts_points_only(clock):
    shown, log = display(terminal=False)

    with shown.showing([[State("geometry", done=True, expected=0)]]):
        pass

    assert log().strip() == "geometry: 1/1 points after 0 s"


def test_quiet_is_silent(capfd):
    shown = progress.Display(quiet=True)

    with shown.showing([[State(done=True)]]):
        shown.structure(1, 2)
        shown.update()
        shown.warn("nothing")

    assert capfd.readouterr() == ("", "")
