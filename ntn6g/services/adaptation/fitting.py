"""Parameters of policies from training passes: what is tuned is tuned here, never typed in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ntn6g.services.adaptation.policies.beliefs import LastReport, Predictor, ReportTable
from ntn6g.services.adaptation.rates import RateLadder
from ntn6g.services.adaptation.traces import Trace, TraceMaker

Array = np.ndarray[Any, np.dtype[np.float64]]

_SMOOTHING_BINS = 0.5  # width of the kernel that fills bins without a sample from their neighbours


def best_fixed(ladder: RateLadder, trace: Trace) -> tf.Tensor:
    """The MCS of largest mean goodput over the passes, int32 scalar; which slots are sent is the same for all."""
    means = [
        tf.reduce_mean(ladder.efficiency[mcs] * (1.0 - ladder.bler(trace.snr_db, tf.fill(trace.snr_db.shape, mcs))))
        for mcs in range(ladder.size)
    ]
    return tf.constant(int(np.argmax(np.array(means))), tf.int32)


def best_of(grid: Sequence[Any], goodput: Callable[[Any], float]) -> Any:
    """The entry of a grid whose goodput is largest; the first of equals."""
    found = [goodput(each) for each in grid]
    return grid[int(np.argmax(found))]


def ages_of(trace: Trace, maker: TraceMaker) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Ages in slots that the newest report can have, from the youngest: as many for every geometry."""
    youngest = int(tf.reduce_min(trace.delay_slots))
    return youngest + np.arange(maker.period_slots + 2, dtype=np.int64)


def samples(trace: Trace, maker: TraceMaker, age_slots: int, reports: int) -> Mapping[str, Array]:
    """Every newest report of an age, with those before it and the slot it is used for.

    Returns
    -------
    mapping
        ``window`` [sample, reports], newest last, and ``target`` [sample]: both over what geometry predicts, dB;
        ``report`` [sample] moved to the level of the slot, and ``snr`` [sample] of that slot.
    """
    count = (maker.slots - 1 - age_slots) // maker.period_slots + 1
    every = slice(None, None, maker.period_slots)
    snr_db, level_db = trace.snr_db.numpy(), trace.level_db.numpy()
    over_db = trace.report_db.numpy() - level_db[every]
    slot = age_slots + maker.period_slots * np.arange(reports - 1, count)
    window = np.stack([over_db[k : k + count - reports + 1] for k in range(reports)], -1)
    return {
        "window": window.reshape(-1, reports).astype(np.float64),
        "target": (snr_db - level_db)[slot].reshape(-1).astype(np.float64),
        "report": (window[..., -1] + level_db[slot]).reshape(-1).astype(np.float64),
        "snr": snr_db[slot].reshape(-1).astype(np.float64),
    }


def report_table(policy: LastReport, ladder: RateLadder, trace: Trace, maker: TraceMaker) -> ReportTable:
    """Mean goodput and error rate of every MCS by age and level of the last report."""
    levels = round((maker.highest_db - maker.lowest_db) / policy.step_db) + 1
    apart = np.arange(levels)[:, None] - np.arange(levels)
    kernel = np.exp(-0.5 * (apart / _SMOOTHING_BINS) ** 2) + 1e-12
    found: dict[str, list[Array]] = {"goodput": [], "bler": []}
    for age in ages_of(trace, maker):
        each = samples(trace, maker, int(age), 1)
        place = np.clip(np.round((each["report"] - policy.lowest_db) / policy.step_db), 0, levels - 1).astype(int)
        snr_db = tf.constant(each["snr"], tf.float32)
        weight = kernel @ np.bincount(place, minlength=levels)
        for name, value in (("goodput", ladder.every_goodput(snr_db)), ("bler", ladder.every_bler(snr_db))):
            total = np.zeros([levels, ladder.size])
            np.add.at(total, place, value.numpy())
            found[name].append(kernel @ total / weight[:, None])
    goodput, bler = (tf.constant(np.stack(found[name]), tf.float32) for name in ("goodput", "bler"))
    return ReportTable(goodput, bler, tf.constant(int(ages_of(trace, maker)[0]), tf.int32))


def linear_predictor(reports: int, trace: Trace, maker: TraceMaker, ridge: float = 1e-3) -> Predictor:
    """Ridge regression of a slot's level on the last reports, for every age of the newest one.

    ``ridge`` is the weight of the penalty, over the variance of a report.
    """
    weights, offsets, sigmas = [], [], []
    ages = ages_of(trace, maker)
    for age in ages:
        each = samples(trace, maker, int(age), reports)
        mean, middle = each["window"].mean(0), each["target"].mean()
        inputs, target = each["window"] - mean, each["target"] - middle
        gram = inputs.T @ inputs
        # the second term is for reports that never change, which predict nothing
        gram += (ridge * np.trace(gram) / reports + 1e-9) * np.eye(reports)
        weight = np.linalg.solve(gram, inputs.T @ target)
        weights.append(weight)
        offsets.append(middle - mean @ weight)
        sigmas.append(max(float(np.std(target - inputs @ weight)), 1e-2))
    weight, offset, sigma = (tf.constant(np.array(each), tf.float32) for each in (weights, offsets, sigmas))
    return Predictor(weight, offset, sigma, tf.constant(int(ages[0]), tf.int32))


def prediction_error_db(
    reports: int, training: Trace, validation: Trace, maker: TraceMaker, ridge: float = 1e-3
) -> float:
    """Root-mean-square error in dB of a linear predictor on passes that it was not fitted to, at its youngest age."""
    rule = linear_predictor(reports, training, maker, ridge)
    each = samples(validation, maker, int(rule.youngest_slots), reports)
    predicted = each["window"] @ rule.weights[0].numpy() + float(rule.offset_db[0])
    return float(np.sqrt(np.mean((each["target"] - predicted) ** 2)))
