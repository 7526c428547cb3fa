"""Chunks, batches, stopping, executors and the ledger: how a sweep is computed, whatever it computes."""

from ntn6g.study.engine.executor import Costs, Done, Executor, InProcess, Recipe, Step
from ntn6g.study.engine.ledger import Ledger, PointProgress, read_progress
from ntn6g.study.engine.scheduler import Point, Progress, resume, run
from ntn6g.study.engine.stopping import StopRule
from ntn6g.study.engine.tally import BLOCKS_PER_CHUNK, Chunk, Tally

__all__ = [
    "BLOCKS_PER_CHUNK",
    "Chunk",
    "Costs",
    "Done",
    "Executor",
    "InProcess",
    "Ledger",
    "Point",
    "PointProgress",
    "Progress",
    "Recipe",
    "Step",
    "StopRule",
    "Tally",
    "read_progress",
    "resume",
    "run",
]
