"""Chunks, batches, stopping and the ledger: how a sweep is computed, whatever it computes."""

from ntn6g.study.engine.ledger import Ledger
from ntn6g.study.engine.scheduler import Point, Progress, Step, resume, run
from ntn6g.study.engine.stopping import StopRule
from ntn6g.study.engine.tally import BLOCKS_PER_CHUNK, Chunk, Tally

__all__ = [
    "BLOCKS_PER_CHUNK",
    "Chunk",
    "Ledger",
    "Point",
    "Progress",
    "Step",
    "StopRule",
    "Tally",
    "resume",
    "run",
]
