"""Timing of two or more sides in turns, so that a busy machine slows all of them alike."""

import statistics
import sys
import time
from collections.abc import Callable, Mapping

Seconds = dict[str, list[float]]


def in_turns(sides: Mapping[str, Callable[[], object]], *, rounds: int) -> Seconds:
    """Wall time in s of every side in every round; each side is called once before, to compile."""
    for call in sides.values():
        call()
    spent: Seconds = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            begun = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - begun)
    return spent


def ratio(spent: Seconds, peer: str, ours: str) -> float:
    """Median over the rounds of the peer's time over ours."""
    return statistics.median(p / o for p, o in zip(spent[peer], spent[ours], strict=True))


def first_call_s(call: Callable[[], object]) -> float:
    """Wall time in s of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def processor_s(call: Callable[[], object]) -> float:
    """Processor time in s that one call takes on all threads."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def note(text: str) -> None:
    """Print a line beside the figures, on stderr."""
    print(f"  {text}", file=sys.stderr, flush=True)
