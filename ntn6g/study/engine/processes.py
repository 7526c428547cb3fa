"""Several worker processes on this machine, each with its own TensorFlow and its share of the processors."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from ntn6g.core.errors import RunError
from ntn6g.study.engine.executor import Done, Recipe, StepCache, Work

_LOST = "the worker process died"
_MOST_STARTS = 20  # of one run: beyond, the machine rather than a chunk is to blame


def _serve(pipe: Connection, start: Callable[[int], None], threads: int) -> None:
    """Body of a worker: batches in, answers out, until the driver hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    start(threads)
    cache = StepCache()
    while True:
        try:
            ticket, worker, structure, recipe, work = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(cache.compute(ticket, worker, structure, recipe, work))


@dataclass
class _Worker:
    number: int
    process: SpawnProcess
    pipe: Connection
    tickets: list[int] = field(default_factory=list)


class Processes:
    """Executor on N processes; a worker that dies is replaced and its batch answered with an error.

    Parameters
    ----------
    workers : int
        Processes, at least one.
    start : callable
        Called first in each worker with the number of threads it may use; opens TensorFlow.
    threads : int or None
        Threads of each worker; the processors of this machine shared out evenly when None.

    Raises
    ------
    RunError
        When workers keep dying.
    """

    def __init__(self, workers: int, start: Callable[[int], None], threads: int | None = None) -> None:
        self.slots = workers
        self._start = start
        self._threads = threads or max(1, len(os.sched_getaffinity(0)) // workers)
        self._context = multiprocessing.get_context("spawn")
        self._started = 0
        self._workers = [self._spawn() for _ in range(workers)]

    @property
    def process_ids(self) -> list[int]:
        """Of the workers alive."""
        return [worker.process.pid or 0 for worker in self._workers]

    def submit(self, ticket: int, structure: str, recipe: Recipe, work: Work) -> None:
        """Hand a batch to the least busy worker."""
        worker = min(self._workers, key=lambda each: len(each.tickets))
        worker.tickets.append(ticket)
        with contextlib.suppress(OSError):  # it has just died: `wait` finds the closed pipe and answers for it
            worker.pipe.send((ticket, worker.number, structure, recipe, work))

    def wait(self) -> list[Done]:
        """Answers that are there; blocks for the first."""
        busy = {worker.pipe: worker for worker in self._workers if worker.tickets}
        answers: list[Done] = []
        while not answers:
            for ready in wait(list(busy)):
                answers += self._answer(busy[ready])  # type: ignore[index]  # only pipes were waited for
        return answers

    def close(self) -> None:
        """End the workers at once: what is under way was not promised to anyone."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()

    def _answer(self, worker: _Worker) -> list[Done]:
        try:
            done: Done = worker.pipe.recv()
        except (EOFError, OSError):
            lost = [Done(ticket, worker.number, None, error=_LOST) for ticket in worker.tickets]
            worker.process.join()
            worker.pipe.close()
            self._workers[self._workers.index(worker)] = self._spawn()
            return lost
        worker.tickets.remove(done.ticket)
        return [done]

    def _spawn(self) -> _Worker:
        self._started += 1
        if self._started > self.slots + _MOST_STARTS:
            raise RunError(
                "worker processes keep dying; is memory short? Take fewer --workers or a smaller engine.batch"
            )
        ours, theirs = self._context.Pipe()
        process: Any = self._context.Process(
            target=_serve, args=(theirs, self._start, self._threads), daemon=True, name=f"ntn6g-{self._started}"
        )
        process.start()
        theirs.close()
        return _Worker(self._started, process, ours)
