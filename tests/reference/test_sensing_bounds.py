"""Cramer-Rao bounds against the closed form of the literature, for four published frames.

Closed form for one target on a full grid with unknown complex amplitude: M. Braun, OFDM radar algorithms in mobile
communication networks, KIT, 2014, ch. 3; Braun, Sturm, Jondral, "On the single-target accuracy of OFDM radar
algorithms". The signal-to-noise ratio is that of a resource element after division, over the whole complex noise.
Rows: case, N, M, spacing (kHz), symbol period (us), carrier (GHz), SNR (dB), deviation of range (m) and velocity (m/s)
of a monostatic radar; the frame of KIT's 24 GHz demonstrator and three of NR.
"""

import numpy as np
import pytest

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.services.sensing import SensingGrid, crlb

ROWS = [
    ("KIT 24 GHz", 1024, 256, 90.909, 12.375, 24.0, -20, 0.012261, 0.015011),
    ("KIT 24 GHz", 1024, 256, 90.909, 12.375, 24.0, 0, 0.0012261, 0.0015011),
    ("NR 30 kHz, 273 blocks", 3276, 280, 30.0, 35.7143, 3.5, -20, 0.0062083, 0.017433),
    ("NR 30 kHz, 273 blocks", 3276, 280, 30.0, 35.7143, 3.5, -10, 0.0019632, 0.0055128),
    ("NR 120 kHz, 64 symbols 0.625 ms apart", 792, 64, 120.0, 625.0, 30.0, -10, 0.0086363, 0.00068408),
    ("NR 15 kHz, 52 blocks", 624, 140, 15.0, 71.4286, 2.0, 0, 0.021123, 0.0098858),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} at {row[6]} dB")
def test_bounds_of_published_frames(row):
    _, n, m, spacing_khz, period_us, carrier_ghz, snr_db, range_m, velocity_m_s = row
    grid = SensingGrid(
        subcarriers=n, symbols=m, subcarrier_spacing_hz=spacing_khz * 1e3, symbol_period_s=period_us * 1e-6
    )

    bound = crlb(grid, 10.0 ** (snr_db / 10.0))

    wavelength_m = SPEED_OF_LIGHT_M_S / (carrier_ghz * 1e9)
    # printed to five digits, from periods and spacings of five to six
    assert SPEED_OF_LIGHT_M_S / 2 * bound.delay_s[0] == pytest.approx(range_m, rel=5e-5)
    assert wavelength_m / 2 * bound.doppler_hz[0] == pytest.approx(velocity_m_s, rel=5e-5)


# The frames above with a period of a slot's mean: 1 ms / 14 at 15 kHz and half of it at 30 kHz.
@pytest.mark.parametrize(("spacing_hz", "period_us"), [(15e3, 71.4286), (30e3, 35.7143)])
def test_the_default_period_is_the_mean_of_an_nr_slot(spacing_hz, period_us):
    grid = SensingGrid(subcarriers=12, symbols=14, subcarrier_spacing_hz=spacing_hz)

    assert grid.period_s == pytest.approx(period_us * 1e-6, rel=1e-6)


# 513 samples at 1 MHz, published as the bound of an angular frequency at three signal-to-noise ratios per real noise
# component (half the noise), so that it is twice ours: coursework of NTNU in two public repositories.
@pytest.mark.parametrize(("snr", "published"), [(0.1, 888854.756866), (1.0, 88885.475687), (10.0, 8888.547569)])
def test_a_single_tone_has_the_published_bound(snr, published):
    grid = SensingGrid(subcarriers=2, symbols=513, subcarrier_spacing_hz=1e6, symbol_period_s=1e-6)

    # two subcarriers see the tone twice, which halves the variance
    variance = 2.0 * (2.0 * np.pi * crlb(grid, snr).doppler_hz[0]) ** 2

    assert 2.0 * variance == pytest.approx(published, rel=1e-6)
