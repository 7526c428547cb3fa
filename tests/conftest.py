"""Settings and statistics every test shares."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", os.environ.get("NTN6G_TEST_GPU", "-1"))

import numpy as np
import pytest

FALSE_ALARM = 1e-3  # of each statistical test function, Holm-corrected over its points


def holm_rejections(p_values, false_alarm=FALSE_ALARM):
    """Indices of the hypotheses that Holm's step-down procedure rejects at this family-wise false-alarm rate."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    rejected = []
    for rank, index in enumerate(order):
        if p_values[index] > false_alarm / (len(p_values) - rank):
            break
        rejected.append(int(index))
    return rejected


@pytest.fixture
def holm():
    """The procedure as a function of p-values, so that test files need no import between them."""
    return holm_rejections
