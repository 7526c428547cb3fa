"""Whether served rates of a handover study hold when the coded chain itself is run at the same instants.

    python experiments/handover_spot_check.py [--config NAME] [--instants N] [--blocks N] [--mcs N] [--set KEY=VALUE]

A policy runs over a scenario; instants are taken evenly from all steps at which link adaptation chose one of the most
frequent MCS and the table foretells 2 to 98 % of lost blocks. At the ratio of each instant code blocks are encoded,
mapped, sent through noise and decoded. Expected: over all instants of an MCS, lost blocks agree with those that the
table foretells within the 99.9 % interval of their number (the table is itself a simulation, of at least 100 errors a
point, whose 10 % are added to the variance). Exit code 1 where one does not.
"""

import argparse
import math
import sys

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.phy import LinkValues
from ntn6g.phy.abstraction import CodeBlock, CodewordChain
from ntn6g.phy.coding import mcs_table
from ntn6g.scenario import load
from ntn6g.services.handover import LOWEST_DB, STEP_DB, tensors_of
from ntn6g.study.build.handover.policies import rule_of
from ntn6g.study.build.handover.rates import chosen_mcs, ladder_of
from ntn6g.study.build.handover.world import Stage, case_of

NORMAL = 3.2905  # 99.9 % of a normal distribution lie within
TABLE_ERROR = 0.1  # of an entry with 100 errors


def main() -> int:
    """Compare, and print a line for each MCS."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", default="handover_tuning")
    parser.add_argument("--instants", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=64, help="code blocks at each instant")
    parser.add_argument("--mcs", type=int, default=2, help="how many MCS, the most frequent ones")
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    scenario = next(iter(load(asked.config, asked.set).parts_resolved().values()))
    case = case_of(scenario)
    served_db = served_ratios_db(Stage(case))
    rate = case.asked.rate
    place = np.clip(np.round((served_db - LOWEST_DB) / STEP_DB), 0, len(chosen_mcs(rate)) - 1).astype(int)
    mcs = chosen_mcs(rate)[place]
    foretold = ladder_of(rate).every_bler(tf.constant(served_db, tf.float32)).numpy()[np.arange(len(mcs)), mcs]
    uncertain = (foretold > 0.02) & (foretold < 0.98)
    found, count = np.unique(mcs[uncertain], return_counts=True)
    agrees = True
    for number in found[np.argsort(-count)][: asked.mcs]:
        here = np.flatnonzero(uncertain & (mcs == number))
        chosen = here[np.linspace(0, len(here) - 1, min(asked.instants, len(here))).astype(int)]
        lost = lost_blocks(int(number), rate.mcs_table, rate.code_block_bits, served_db[chosen], asked.blocks)
        expected = asked.blocks * foretold[chosen]
        variance = (expected * (1.0 - foretold[chosen])).sum() + (TABLE_ERROR * expected.mean()) ** 2 * len(chosen)
        off = (lost.sum() - expected.sum()) / math.sqrt(variance)
        agrees &= abs(off) < NORMAL
        print(
            f"MCS {number:2d}: {lost.sum():6.0f} of {asked.blocks * len(chosen)} blocks lost at {len(chosen)} instants,"
            f" {expected.sum():8.1f} foretold, {off:+.2f} standard deviations"
        )
    return 0 if agrees else 1


def served_ratios_db(stage: Stage) -> np.ndarray:
    """Ratio of the serving cell at all steps of all terminals that are served, float64 [instant]."""
    rule = tensors_of(rule_of("a3", stage.asked.tuning), stage.step_s)
    carry, found = stage.simulation.start(stage.world), []
    for block in stage.every_block():
        carry, record = stage.simulation.run(stage.world, rule, carry, block)
        found.append(record.sinr_db.numpy()[record.serving.numpy() >= 0])
    return np.concatenate(found).astype(np.float64)


def lost_blocks(mcs: int, table: int, bits: int, ratio_db: np.ndarray, blocks: int) -> np.ndarray:
    """Code blocks that the chain loses at each ratio, float64 [instant]."""
    row = mcs_table(table)[mcs]
    chain = CodewordChain(CodeBlock.of_rate(row.modulation_order, 1024 * row.code_rate, bits))
    run = tf.function(chain, jit_compile=True, autograph=False)
    every = len(ratio_db) * blocks
    keys = random.block_keys(tf.constant([random.chunk_key(1, f"spot check {mcs}", 0)], tf.uint32), every)
    variance = np.repeat(10.0 ** (-ratio_db / 10.0), blocks)
    zeros = {name: tf.zeros([every], kind) for name, kind in LinkValues.DTYPES.items()}
    values = LinkValues(**zeros | {"noise_variance": tf.constant(variance, tf.float32)})
    wrong = run(keys, values).block_error.numpy()
    return np.asarray(wrong.reshape(len(ratio_db), blocks).sum(1), np.float64)


if __name__ == "__main__":
    sys.exit(main())
