"""Workers on several machines, through Ray: the driver alone owns the ledger."""

import socket
from collections.abc import Callable, Mapping
from typing import Any

from ntn6g.core.errors import RunError, ScenarioError
from ntn6g.study.engine.executor import Done, Recipe, StepCache, Work

_LOST = "the worker was lost"
_CONNECT_S = 5.0


class RayCluster:
    """Executor on a Ray cluster: one actor per free slot, replaced when its process or machine is lost.

    Parameters
    ----------
    address : str
        ``auto`` for the cluster this machine belongs to, ``local`` for one of its own, or ``host:port``.
    start : callable
        Called first in each worker with its number of threads; opens TensorFlow.
    workers : int or None
        Actors; as many as the cluster's processors, or GPU fractions, allow when None.
    gpus_per_worker : float
        Share of a GPU that each worker takes.
    numerics : callable or None
        All that can change a last bit; called here and in each worker, and refused where it differs.

    Raises
    ------
    ScenarioError
        When Ray is not installed, no cluster answers at the address, the workers do not fit, or one of them computes
        otherwise than this machine.
    """

    def __init__(
        self,
        address: str,
        start: Callable[[int], None],
        *,
        workers: int | None = None,
        gpus_per_worker: float = 0.0,
        numerics: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        self._ray = _connect(address)
        fitting = _fitting(self._ray.cluster_resources(), gpus_per_worker)
        wanted = workers or max(1, fitting)
        if wanted > fitting:
            self._ray.shutdown()
            share = f" and {gpus_per_worker:g} GPU each" if gpus_per_worker else ""
            raise ScenarioError(
                f"{wanted} workers with a processor{share} do not fit; the cluster at {address!r} holds {fitting}",
                key="--workers" if workers else "engine.gpus_per_worker",
            )
        self.slots = wanted
        self._make = self._ray.remote(num_cpus=1, num_gpus=gpus_per_worker, max_restarts=0)(_Actor)
        self._start = start
        self._numbers = 0
        self._actors = [self._spawn() for _ in range(self.slots)]
        self._load: dict[int, int] = {}
        self._waiting: dict[Any, tuple[int, int]] = {}
        if numerics is not None:
            self._require_alike(numerics)

    def _require_alike(self, numerics: Callable[[], dict[str, Any]]) -> None:
        """Refuse a cluster on which a chunk would depend on the worker that computes it."""
        here = numerics()
        for host, there in self._ray.get([actor.describe.remote(numerics) for _, actor in self._actors]):
            different = [key for key in here if here[key] != there.get(key)]
            if different:
                self.close()
                key = different[0]
                raise ScenarioError(
                    f"the worker on {host} computes otherwise: {key} is {there.get(key)}, here {here[key]}; take "
                    "machines of one kind with the same packages",
                    key="--ray",
                )

    def submit(self, ticket: int, structure: str, recipe: Recipe, work: Work) -> None:
        """Hand a batch to the least busy worker."""
        index = min(range(self.slots), key=lambda i: self._load.get(i, 0))
        number, actor = self._actors[index]
        self._load[index] = self._load.get(index, 0) + 1
        answer = actor.compute.remote(ticket, number, structure, recipe, list(work))
        self._waiting[answer] = ticket, index

    def wait(self) -> list[Done]:
        """Answers that are there; blocks for the first."""
        ready, _ = self._ray.wait(list(self._waiting), num_returns=1)
        return [self._answer(reference) for reference in ready]

    def close(self) -> None:
        """End the workers and leave the cluster."""
        for _, actor in self._actors:
            self._ray.kill(actor)
        self._ray.shutdown()

    def _answer(self, reference: Any) -> Done:
        ticket, index = self._waiting.pop(reference)
        self._load[index] -= 1
        try:
            done: Done = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayActorError):
                self._actors[index] = self._spawn()
            return Done(ticket, self._actors[index][0], None, error=f"{_LOST}: {type(error).__name__}")
        return done

    def _spawn(self) -> tuple[int, Any]:
        self._numbers += 1
        return self._numbers, self._make.remote(self._start)


def _fitting(resources: Mapping[str, float], gpus_per_worker: float) -> int:
    """Workers that a cluster holds at once, each with a processor and its share of GPUs."""
    fitting = resources.get("CPU", 0.0)
    if gpus_per_worker:
        fitting = min(fitting, resources.get("GPU", 0.0) / gpus_per_worker)
    return int(fitting)


class _Actor:
    """One worker; it has a processor of its own."""

    def __init__(self, start: Callable[[int], None]) -> None:
        start(1)
        self._cache = StepCache()

    def describe(self, numerics: Callable[[], dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        return socket.gethostname(), numerics()

    def compute(self, ticket: int, worker: int, structure: str, recipe: Recipe, work: Work) -> Done:
        return self._cache.compute(ticket, worker, structure, recipe, work)


def _connect(address: str) -> Any:
    try:
        import ray
    except ImportError:
        raise ScenarioError("Ray is not installed; pip install 'ntn6g[cluster]'", key="--ray") from None
    if address not in ("auto", "local"):
        _require_listener(address)
    try:
        if address == "local":
            ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ScenarioError(f"no Ray cluster answers at {address!r}: {reason}", key="--ray") from None
    if not ray.is_initialized():
        raise RunError("Ray did not start")
    return ray


def _require_listener(address: str) -> None:
    """Ray itself takes minutes to give up."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        raise ScenarioError(f"{address!r} is no address; give auto, local or host:port", key="--ray")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise ScenarioError(f"no Ray cluster answers at {address!r}: {error.strerror or error}", key="--ray") from None
