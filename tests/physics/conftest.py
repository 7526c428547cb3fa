"""One way to run a link for the laws below, with compiled steps shared between the test files."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.phy import LinkValues
from ntn6g.study.build.link_step import LinkStep, LinkStructure, make_chain

DEFAULTS = {
    "resource_blocks": 4,
    "subcarrier_spacing_hz": 120e3,
    "dmrs_additional_positions": 1,
    "pilots": True,
    "modulation": None,
    "mcs": 5,
    "mcs_table": 1,
    "decoder": "layered-min-sum",
    "decoder_iterations": None,
    "fading": "awgn",
    "profile": None,
    "los_doppler_ratio": 0.7,
    "perfect_csi": False,
    "frequency_offset": False,
}


class Work:
    """A point as a step sees it: a channel key and the values of its blocks."""

    def __init__(self, structure, **values):
        self.channel_key = structure.channel_key
        esno_db = values.pop("esno_db", 10.0)
        self.values = dict.fromkeys(LinkValues.DTYPES, 0.0)
        self.values |= {"noise_variance": 10.0 ** (-esno_db / 10.0), "carrier_hz": 20e9, **values}


@functools.cache
def _step(structure, rows, seed):
    return LinkStep(make_chain(structure), seed=seed, rows=rows)


class Links:
    """Structures, their compiled steps, and counts over many chunks."""

    def structure(self, **changes):
        return LinkStructure(**DEFAULTS | changes)

    def step(self, structure, *, rows=128, seed=1):
        return _step(structure, rows, seed)

    def work(self, structure, **values):
        return Work(structure, **values)

    def chunks(self, structure, values, count, *, rows=128, seed=1):
        """The first ``count`` chunks of one point."""
        step, point = self.step(structure, rows=rows, seed=seed), Work(structure, **values)
        found = []
        for first in range(0, count, step.chunks_per_batch):
            found += step([(point, number) for number in range(first, first + step.chunks_per_batch)])
        return found[:count]

    def total(self, structure, values, count, **options):
        """Sums of counts over the first ``count`` chunks."""
        chunks = self.chunks(structure, values, count, **options)
        return {name: sum(chunk.counts[name] for chunk in chunks) for name in chunks[0].counts}


@pytest.fixture(scope="session")
def links():
    return Links()


@pytest.fixture(scope="session", autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
    return np
