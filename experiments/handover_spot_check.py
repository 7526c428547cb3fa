"""Whether the error rates that a handover study serves by hold when the full coded link runs at the same instants.

    python experiments/handover_spot_check.py [--config NAME] [--part NAME] [--policy NAME] [--mcs N]
                                              [--instants N] [--blocks N] [--set KEY=VALUE]

A policy runs over a scenario. From all steps of all terminals at which link adaptation chose one of the most frequent
MCS, instants are taken evenly among those whose ratio leaves 2 to 98 % of blocks lost. At each of them slots go
through the whole link: transport block and CRC, LDPC, rate matching, mapping, a resource block with DM-RS, OFDM
symbols, noise at the ratio of that instant, demapping, decoding. Beside it stands what the table of block error rates,
which the served rate is made of, foretells for the same transport block. Printed is by how many dB the table would have
to be shifted to foretell what was lost. Expected: within its 99.9 % interval plus 0.1 dB, the table's own: at least 100
errors a point, and curves interpolated between sizes. Exit code 1 where not.
"""

import argparse
import sys

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.core.errors import ScenarioError
from ntn6g.phy import LinkValues
from ntn6g.phy.abstraction import BlerTable
from ntn6g.phy.coding import DEFAULT_DECODER
from ntn6g.scenario import load
from ntn6g.services.handover import LOWEST_DB, STEP_DB, tensors_of
from ntn6g.study.build.handover.policies import rule_of
from ntn6g.study.build.handover.rates import chosen_mcs
from ntn6g.study.build.handover.world import Stage, case_of
from ntn6g.study.build.link_step import LinkStructure, make_chain

NORMAL = 3.2905  # 99.9 % of a normal distribution lie within
TABLE_DB = 0.1
SHIFTS_DB = np.linspace(-1.0, 1.0, 401)


def main() -> int:
    """Compare, and print a line for each MCS."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", default="handover_tuning")
    parser.add_argument("--part", default="orbit")
    parser.add_argument("--policy", default="a3")
    parser.add_argument("--mcs", type=int, default=2, help="how many MCS, the most frequent ones")
    parser.add_argument("--instants", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=64, help="blocks at each instant")
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    case = case_of(load(asked.config, asked.set).parts_resolved()[asked.part])
    served_db = served_ratios_db(Stage(case), asked.policy)
    rate = case.asked.rate
    place = np.clip(np.round((served_db - LOWEST_DB) / STEP_DB), 0, len(chosen_mcs(rate)) - 1).astype(int)
    mcs = chosen_mcs(rate)[place]
    print(f"{len(served_db)} served instants of {asked.config}, {asked.part}, {asked.policy}")
    agrees, found = True, 0
    for number in np.argsort(-np.bincount(mcs)):
        if found == asked.mcs:
            break
        try:
            link = Link(int(number), rate.mcs_table)
        except ScenarioError as error:
            print(f"MCS {number:2d}: left out, {error}")
            continue
        here_db = served_db[mcs == number]
        foretold = link.foretold(here_db)
        here_db = here_db[(foretold > 0.02) & (foretold < 0.98)]
        if not len(here_db):
            continue
        found += 1
        chosen_db = np.sort(here_db)[np.linspace(0, len(here_db) - 1, min(asked.instants, len(here_db))).astype(int)]
        agrees &= agreement(link, chosen_db, asked.blocks)
    return 0 if agrees and found else 1


def agreement(link: "Link", ratios_db: np.ndarray, blocks: int) -> bool:
    """Print and judge what is lost at some instants beside what the table foretells."""
    lost = float(link.lost(ratios_db, blocks).sum())
    expected = np.array([blocks * link.foretold(ratios_db + shift).sum() for shift in SHIFTS_DB])  # it falls
    shift_db = float(np.interp(-lost, -expected, SHIFTS_DB))
    chance = link.foretold(ratios_db + shift_db)
    per_db = blocks * abs((link.foretold(ratios_db + 0.05) - link.foretold(ratios_db - 0.05)).sum()) / 0.1
    half_db = NORMAL * float(np.sqrt(blocks * (chance * (1.0 - chance)).sum())) / per_db
    print(
        f"MCS {link.mcs:2d}, {link.bits} bits: {len(ratios_db)} instants, {ratios_db[0]:.2f} to {ratios_db[-1]:.2f} dB,"
        f" {lost:.0f} of {blocks * len(ratios_db)} blocks lost, {blocks * link.foretold(ratios_db).sum():.1f} foretold:"
        f" {shift_db:+.3f} dB, +- {half_db:.3f} dB"
    )
    return abs(shift_db) <= half_db + TABLE_DB


def served_ratios_db(stage: Stage, policy: str) -> np.ndarray:
    """Ratio of the serving cell at all steps of all terminals that are served, float64 [instant]."""
    rule = tensors_of(rule_of(policy, stage.asked.tuning), stage.step_s)
    carry, found = stage.simulation.start(stage.world), []
    for block in stage.every_block():
        carry, record = stage.simulation.run(stage.world, rule, carry, block)
        found.append(record.sinr_db.numpy()[record.serving.numpy() >= 0])
    return np.concatenate(found).astype(np.float64)


class Link:
    """One resource block of a slot at an MCS: the link itself, and what the table says of its transport block."""

    def __init__(self, mcs: int, table: int) -> None:
        structure = LinkStructure(
            resource_blocks=1,
            subcarrier_spacing_hz=15e3,
            dmrs_additional_positions=1,
            pilots=True,
            modulation=None,
            mcs=mcs,
            mcs_table=table,
            decoder=DEFAULT_DECODER,
            decoder_iterations=None,
            fading="awgn",
            profile=None,
            los_doppler_ratio=0.7,
            perfect_csi=True,
            frequency_offset=False,
        )
        self.mcs, self.chain = mcs, make_chain(structure)
        elements = self.chain.grid.data_elements
        self.curves = BlerTable.read().transport_curves_of(
            [structure.coding], resource_elements=elements, data_elements=elements
        )
        self.bits = structure.block_bits
        self.program = tf.function(self._wrong, jit_compile=True, autograph=False)

    def _wrong(self, keys: tf.Tensor, values: LinkValues) -> tf.Tensor:
        return self.chain(keys, values).block_error

    def foretold(self, ratios_db: np.ndarray) -> np.ndarray:
        """Block error rate by the table, float64 [instant]."""
        row = tf.zeros([len(ratios_db)], tf.int32)
        return np.asarray(self.curves(tf.constant(ratios_db, tf.float32), row).numpy(), np.float64)

    def lost(self, ratios_db: np.ndarray, blocks: int) -> np.ndarray:
        """Blocks that the link loses at each ratio, float64 [instant]."""
        every = len(ratios_db) * blocks
        keys = random.block_keys(tf.constant([random.chunk_key(1, f"spot check {self.mcs}", 0)], tf.uint32), every)
        zeros = {name: tf.zeros([every], kind) for name, kind in LinkValues.DTYPES.items()}
        fixed = {
            "noise_variance": tf.constant(np.repeat(10.0 ** (-ratios_db / 10.0), blocks), tf.float32),
            "carrier_hz": tf.fill([every], tf.constant(2e9, tf.float64)),
        }
        wrong = self.program(keys, LinkValues(**zeros | fixed)).numpy()
        return np.asarray(wrong.reshape(len(ratios_db), blocks).sum(1), np.float64)


if __name__ == "__main__":
    sys.exit(main())
