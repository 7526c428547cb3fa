"""What a synchroniser leaves of frequency offset and timing: counted block by block, and the columns made of it."""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ntn6g.phy.air import Left
from ntn6g.study.engine import Tally

# Upper edges of the bins of |offset| over the subcarrier spacing: half octaves from 2^-14 to one half
_EDGES = np.exp2(np.arange(-14.0, -0.75, 0.5))
_SHARES = (50, 95)


def of_blocks(left: Left, subcarrier_hz: float) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Counts and sums by name, [B] each: offsets below each edge, offset and timing and their squares."""
    share = tf.abs(left.offset_hz) / subcarrier_hz
    counts = {_below(i): share < float(edge) for i, edge in enumerate(_EDGES)}
    sums = {"offset_left": left.offset_hz, "offset_left_squared": tf.square(left.offset_hz)}
    if left.timing_s is not None:
        late_us = 1e6 * left.timing_s
        sums |= {"timing_left": late_us, "timing_left_squared": tf.square(late_us)}
    return counts, sums


def columns(tally: Tally, subcarrier_hz: float) -> dict[str, float]:
    """Mean, root mean square and quantiles of what is left; nothing for links without a synchroniser.

    Quantiles of the offset's size are interpolated within bins half an octave wide, on a logarithmic scale.
    """
    if "offset_left" not in tally.sums:
        return {}
    blocks = tally.blocks
    found = {f"offset_left_p{share}_hz": subcarrier_hz * _quantile(tally.counts, blocks, share) for share in _SHARES}
    for name, unit in (("offset_left", "hz"), ("timing_left", "us")):
        if name in tally.sums:
            found[f"{name}_mean_{unit}"] = tally.sums[name] / blocks
            found[f"{name}_rms_{unit}"] = math.sqrt(tally.sums[f"{name}_squared"] / blocks)
    return found


def _below(index: int) -> str:
    return f"offset_left_below_{index:02d}"


def _quantile(counts: Mapping[str, int], blocks: int, percent: int) -> float:
    below = np.array([counts[_below(i)] for i in range(len(_EDGES))]) / blocks
    wanted = 0.01 * percent
    upper = int(np.searchsorted(below, wanted))
    if upper == 0 or upper == len(_EDGES):
        return float(_EDGES[min(upper, len(_EDGES) - 1)])  # what lies outside is held at the end
    part = (wanted - below[upper - 1]) / (below[upper] - below[upper - 1])
    return float(np.exp2(np.log2(_EDGES[upper - 1]) + 0.5 * part))
