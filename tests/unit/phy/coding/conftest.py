"""Random payloads, fixed seed."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def payload() -> Callable[[int, int], tf.Tensor]:
    """Fair bits float32 [batch, bits]."""
    generator = np.random.default_rng(20260425)
    return lambda batch, bits: tf.constant(generator.integers(0, 2, (batch, bits)), tf.float32)
