"""Deterministic operations for the laws below; the links they run are in the conftest above."""

import pytest
import tensorflow as tf


@pytest.fixture(scope="session", autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
