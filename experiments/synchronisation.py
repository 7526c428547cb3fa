"""How well is a link synchronised? Acquisition, residual offset and timing on white noise, against closed forms.

    python experiments/synchronisation.py [--trials N]

A terminal looks for the primary synchronisation signal of 15 kHz at 2 GHz over three sectors, 24 samples of delay and
shifts of up to 30 kHz, with one false alarm in a hundred searches; then it estimates the offset of a slot of 8 resource
blocks at 120 kHz from cyclic prefixes and from the two DM-RS symbols, and its timing from the slope over the DM-RS.
Expect, over 512 trials a point, closed forms in brackets,

    acquired, SNR of a symbol            8 dB           10 dB           12 dB           14 dB
      on the grid of shifts     0.219 (0.183)   0.471 (0.502)   0.887 (0.875)   0.998 (0.995)
      between two of them       0.027 (0.030)   0.094 (0.109)   0.359 (0.348)   0.770 (0.767)

    standard deviation, Es/N0            0 dB           10 dB           20 dB
      cyclic prefixes, Hz         3227 (3310)       827 (837)       256 (257)
      DM-RS pairs, Hz               217 (226)         64 (65)         20 (20)
      timing, ns                      25 (25)       3.3 (3.3)       0.7 (0.7)

Half of every prefix is left out for echoes; DM-RS have twice the energy of data.
"""

import argparse
import math
import os
import sys
from pathlib import Path

import numpy as np

FALSE_ALARM, DELAYS, SHIFTS_HZ, SPACING_HZ, POINTS = 1e-2, 24, (-30e3, -15e3, 0.0, 15e3, 30e3), 15e3, 128
SNR_DB = (8.0, 10.0, 12.0, 14.0)
ESNO_DB = (0.0, 10.0, 20.0)
SLOT = {"resource_blocks": 8, "subcarrier_spacing_hz": 120e3, "dmrs_cdm_groups_without_data": 2}


def noise(rng: np.random.Generator, shape: tuple[int, ...], variance: float = 1.0) -> np.ndarray:
    """Circular complex normal."""
    return math.sqrt(variance / 2) * (rng.normal(size=shape) + 1j * rng.normal(size=shape))


def symbol(sector: int) -> np.ndarray:
    """The primary signal of a sector as one symbol of 128 samples."""
    from ntn6g.phy.synchronisation import primary_signal

    bins = np.zeros(POINTS, complex)
    bins[(np.arange(127) - 63) % POINTS] = primary_signal(sector)
    return np.fft.ifft(bins) * POINTS / math.sqrt(127)


def acquisition(trials: int, mismatch_hz: float) -> list[tuple[float, float]]:
    """Probability to be found in the right cell, measured and by the Marcum function, at each signal-to-noise ratio."""
    import tensorflow as tf

    from ntn6g.phy.synchronisation import Acquisition, detection_probability, mismatch_loss

    rng, rate_hz = np.random.default_rng(1), SPACING_HZ * POINTS
    search = Acquisition(
        [symbol(sector) for sector in range(3)],
        sample_rate_hz=rate_hz,
        doppler_hz=SHIFTS_HZ,
        delays=DELAYS,
        false_alarm=FALSE_ALARM,
    )
    run = tf.function(search, jit_compile=True, autograph=False)
    turned = symbol(1) * np.exp(2j * np.pi * mismatch_hz * np.arange(POINTS) / rate_hz)
    found = []
    for snr_db in SNR_DB:
        snr = 10.0 ** (snr_db / 10.0)
        received = noise(rng, (trials, search.samples))
        phase = np.exp(2j * np.pi * rng.random([trials, 1]))
        received[:, 9 : 9 + POINTS] += phase * turned * math.sqrt(snr / POINTS)
        cell = run(tf.constant(received[:, None], tf.complex64), tf.ones([trials]))
        right = cell.found.numpy() & (cell.hypothesis.numpy() == 1) & (cell.delay_samples.numpy() == 9)
        left = snr * float(mismatch_loss(mismatch_hz, 1.0 / SPACING_HZ))
        law = float(detection_probability(left, search.threshold))
        # half way between two shifts either cell may find it, and their noises are independent
        found.append((float(right.mean()), 1.0 - (1.0 - law) ** 2 if mismatch_hz else law))
    return found


def estimates(trials: int, esno_db: float) -> dict[str, tuple[float, float]]:
    """Standard deviations of offset and timing, measured and predicted."""
    import tensorflow as tf

    from ntn6g.phy import SlotGrid
    from ntn6g.phy.ofdm import Ofdm
    from ntn6g.phy.synchronisation import delay_of_pilots, offset_of_pairs, offset_of_prefixes, phase_error_variance

    rng, grid = np.random.default_rng(2), SlotGrid(**SLOT)
    ofdm, esno = Ofdm(grid, advance=0.0), 10.0 ** (esno_db / 10.0)
    data = np.exp(0.5j * np.pi * (rng.integers(0, 4, [trials, grid.data_elements]) + 0.5))
    sent = ofdm.modulate(grid.fill(tf.constant(data, tf.complex64))).numpy()
    samples = tf.constant(sent + noise(rng, sent.shape, 1.0 / esno), tf.complex64)
    received = ofdm.demodulate(samples)
    apart_s = float(np.diff(grid.symbol_times_s[grid.dmrs_symbols[[0, -1]]])[0])
    used = sum(int(p) - int(0.5 * p) for p in ofdm.prefixes)
    pilots = len(grid.dmrs_subcarriers)

    def turns(snr: float, pairs: int) -> float:
        return math.sqrt(phase_error_variance(snr, pairs)) / (2.0 * math.pi)

    # neighbours share a pilot, so that the first-order errors of the inner pilots cancel and the two ends of each
    # symbol remain: 2 / (K - 1)^2 / (2 gamma); the product of noises adds K - 1 independent terms
    snr, count = 2.0 * esno, pilots - 1
    slope = math.sqrt((1.0 / (snr * count**2) + 0.5 / (snr**2 * count)) / len(grid.dmrs_symbols))
    return {
        "cyclic prefixes, Hz": (
            float(offset_of_prefixes(samples, ofdm).numpy().std()),
            turns(esno * grid.subcarriers / ofdm.points, used) * grid.subcarrier_spacing_hz,
        ),
        "DM-RS pairs, Hz": (float(offset_of_pairs(grid, received).numpy().std()), turns(snr, pilots) / apart_s),
        "timing, ns": (
            1e9 * float(delay_of_pilots(grid, received).numpy().std()),
            1e9 * slope / (2.0 * math.pi * 2.0 * grid.subcarrier_spacing_hz),
        ),
    }


def main() -> int:
    """Print measured and predicted figures side by side."""
    parser = argparse.ArgumentParser(description="Acquisition and synchronisation on white noise.")
    parser.add_argument("--trials", type=int, default=2048, help="searches and slots at every point")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(f"{'acquired, SNR of a symbol':<36s}" + "".join(f"{each:>13.0f} dB" for each in SNR_DB))
    for name, mismatch_hz in (("on the grid of shifts", 0.0), ("between two of them", 0.5 * SPACING_HZ)):
        cells = [f"{found:>8.3f} ({law:.3f})" for found, law in acquisition(asked.trials, mismatch_hz)]
        print(f"  {name:<34s}" + "".join(cells))
    print(f"{'standard deviation, Es/N0':<36s}" + "".join(f"{each:>15.0f} dB" for each in ESNO_DB))
    columns = [estimates(asked.trials, each) for each in ESNO_DB]
    for name in columns[0]:
        print(f"  {name:<34s}" + "".join("{:>8.1f} ({:>6.1f}) ".format(*column[name]) for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
