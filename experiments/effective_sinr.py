"""Whether effective-SINR mappings foretell the full chain on NTN-TDL channels, and with which parameters.

    python experiments/effective_sinr.py [--profile A|B|C|D] [--fit] [--perfect] [--mcs N ...] [--table N] [--blocks N]

For links over an NTN-TDL channel the full chain runs block by block; beside it the ratios of every data element of the
same blocks, before noise but with what the receiver's least-squares estimate misses (`LinkChain.element_quality`), are
mapped to one, and looked up in the table of block error rates. Both sides see the same fading, so that their 10 %
points are told apart to a few hundredths of a dB. Expected: all within 0.3 dB. --fit prints the beta that fits;
ntn6g/phy/abstraction/calibration.py holds those of NTN-TDL-A. --perfect has the channel known.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ntn6g.core import random
from ntn6g.phy import LinkValues
from ntn6g.phy.abstraction import BlerTable, EstimatedChannel, ExponentialMapping, InformationMapping, fitted_beta
from ntn6g.phy.abstraction.calibration import eesm_beta
from ntn6g.phy.coding import DEFAULT_DECODER
from ntn6g.study.build.link_step import LinkStructure, make_chain

ROWS = 512
CANDIDATES = 2.0 ** np.arange(-2.0, 5.01, 0.5)
LIMIT_DB = 0.3
MCS = (4, 8, 10, 12, 14, 17, 19)
RESOURCE_BLOCKS, DELAY_SPREAD_S = 2, 100e-9


@dataclass(frozen=True)
class Case:
    """A link over an NTN-TDL channel."""

    profile: str
    mcs: int
    perfect_csi: bool
    mcs_table: int = 1

    @property
    def structure(self) -> LinkStructure:
        """As a study would build it."""
        return LinkStructure(
            resource_blocks=RESOURCE_BLOCKS,
            subcarrier_spacing_hz=120e3,
            dmrs_additional_positions=1,
            pilots=True,
            modulation=None,
            mcs=self.mcs,
            mcs_table=self.mcs_table,
            decoder=DEFAULT_DECODER,
            decoder_iterations=None,
            fading="ntn-tdl",
            profile=self.profile,
            los_doppler_ratio=0.7,
            perfect_csi=self.perfect_csi,
            frequency_offset=False,
        )


class Comparison:
    """The full chain of a case and its abstraction, block by block on the same draws."""

    def __init__(self, case: Case) -> None:
        self.case, self.chain = case, make_chain(case.structure)
        grid, coding = self.chain.grid, case.structure.coding
        self.curves = BlerTable.read().transport_curves_of(
            [coding], resource_elements=grid.data_elements, data_elements=grid.data_elements
        )
        order = coding.modulation_order
        self.eesm = ExponentialMapping(list(CANDIDATES))
        self.information, self.estimated = InformationMapping([order]), EstimatedChannel(order)
        self._step = tf.function(self._blocks, jit_compile=True, autograph=False)

    def threshold_db(self) -> float:
        """Es/N0 at which white noise alone loses 10 %."""
        return float(self.curves.esno_db_at(0.1)[0])

    def _blocks(self, chunk_key, esno_db):
        chain, zeros = self.chain, {n: tf.zeros([ROWS], d) for n, d in LinkValues.DTYPES.items()}
        fixed = {
            "noise_variance": tf.fill([ROWS], 10.0 ** (-esno_db / 10.0)),
            "delay_spread_s": tf.fill([ROWS], np.float32(DELAY_SPREAD_S)),
            "k_factor_db": tf.fill([ROWS], np.float32(7.0)),
            "carrier_hz": tf.fill([ROWS], np.float64(20e9)),
        }
        keys, values = random.block_keys(chunk_key, ROWS), LinkValues(**zeros | fixed)
        bits = random.bits(random.stream(keys, "bits"), chain.block_bits)
        equalised, _ = chain.transfer(keys, values, chain.code.encode(bits))
        decoded = chain.code.decode(chain.modulation.llr(equalised.symbols, equalised.noise_variance))
        sinr = self.estimated(*chain.element_quality(keys, values))
        first = tf.zeros([ROWS], tf.int32)
        bler = [self.curves(self.eesm(sinr, first + i), first) for i in range(len(CANDIDATES))]
        bler.append(self.curves(self.information(sinr, first), first))
        return tf.reduce_any(decoded.bits != bits, axis=1), tf.stack(bler)

    def rates(self, esno_db: float, blocks: int):
        """Measured block error rate, and those foretold by EESM for each candidate and by mutual information."""
        wrong, foretold = 0.0, 0.0
        for number in range(-(-blocks // ROWS)):
            key = tf.constant([random.chunk_key(2026, self.case.structure.channel_key, number)], tf.uint32)
            error, bler = self._step(key, tf.constant(esno_db, tf.float32))
            wrong += float(tf.reduce_mean(tf.cast(error, tf.float32)))
            foretold = foretold + tf.reduce_mean(bler, axis=1).numpy()
        count = -(-blocks // ROWS)
        return wrong / count, foretold / count

    def ten_per_cent_db(self, blocks: int):
        """Es/N0 of the 10 % points: measured, EESM [candidates], mutual information."""
        at_db = self.threshold_db() + 0.5
        grid, found = [], []
        for _ in range(24):
            grid.append(at_db)
            found.append(self.rates(at_db, blocks))
            rates = np.array([found[-1][0], *found[-1][1]])
            if rates[[0, -1]].max() < 0.08:
                break
            at_db += 1.0
        else:
            raise SystemExit(f"{self.case}: above 8 % even at {at_db:g} dB")
        measured = np.log10(np.maximum([rate for rate, _ in found], 1e-6))
        foretold = np.log10(np.maximum([rates for _, rates in found], 1e-6))
        cross = [np.interp(1.0, -column, grid) for column in foretold.T]
        return float(np.interp(1.0, -measured, grid)), np.array(cross[:-1]), float(cross[-1])


def run(case: Case, blocks: int, *, fit: bool = False) -> dict[str, float]:
    """10 % point of a case in dB, what the mappings miss it by, and the beta that would fit."""
    measured, eesm, information = Comparison(case).ten_per_cent_db(blocks)
    found = {"measured_db": measured, "information_off_db": information - measured}
    if fit:
        found["fitted_beta"] = fitted_beta(list(CANDIDATES), (eesm - measured) ** 2)
    else:
        beta = eesm_beta(case.structure.coding.modulation_order, case.structure.coding.code_rate)
        found["eesm_off_db"] = float(np.interp(np.log2(beta), np.log2(CANDIDATES), eesm)) - measured
    return found


def main() -> int:
    """Print every case; 1 when any misses by more than the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", choices="ABCD", default="C", help="NTN-TDL profile")
    parser.add_argument("--fit", action="store_true", help="print the beta that fits")
    parser.add_argument("--perfect", action="store_true", help="the channel known instead of estimated on the DM-RS")
    parser.add_argument("--mcs", type=int, nargs="*", default=MCS)
    parser.add_argument("--table", type=int, default=1, help="MCS table")
    parser.add_argument("--blocks", type=int, default=2048)
    asked = parser.parse_args()
    worst = 0.0
    for mcs in asked.mcs:
        case = Case(asked.profile, mcs, perfect_csi=asked.perfect, mcs_table=asked.table)
        found = run(case, asked.blocks, fit=asked.fit)
        print(f"NTN-TDL-{case.profile} MCS {mcs}: {', '.join(f'{k} {v:.3f}' for k, v in found.items())}", flush=True)
        worst = max(worst, *(abs(value) for name, value in found.items() if name.endswith("off_db")))
    print(f"worst {worst:.2f} dB, limit {LIMIT_DB} dB")
    return int(worst > LIMIT_DB)


if __name__ == "__main__":
    sys.exit(main())
