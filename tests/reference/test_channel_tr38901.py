"""Terrestrial profiles of 3GPP TR 38.901 V16.1.0: our generator against Sionna's TDL block."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from sionna.phy import config
from sionna.phy.channel.tr38901 import TDL

from ntn6g.channel import TappedDelayLine
from ntn6g.channel.terrestrial import tdl_profile
from ntn6g.core import random
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError

FALSE_ALARM = 1e-3
ROWS, CARRIER_HZ, SPEED_M_S, DELAY_SPREAD_S = 4_096, 3.5e9, 30.0, 100e-9
RATE_HZ = 2_000.0
TIMES = 4  # lags of 0, 0.18, 0.35 and 0.53 in units of the inverse maximum Doppler shift


def holm_rejects(p_values):
    ordered = np.sort(np.ravel(p_values))
    return bool(np.any(ordered <= FALSE_ALARM / (ordered.size - np.arange(ordered.size))))


@pytest.fixture(scope="module", params=["A", "D"])
def pair(request):
    """Gains [row, path, time] and delays of both generators."""
    # Sionna opens its generator from entropy, which TensorFlow's deterministic mode refuses
    config._tf_rng = tf.random.Generator.from_seed(38901)
    config.seed = 38901
    theirs = TDL(request.param, DELAY_SPREAD_S, CARRIER_HZ, min_speed=SPEED_M_S)
    their_gain, their_delay_s = theirs(ROWS, TIMES, RATE_HZ)
    step = tf.function(TappedDelayLine(tdl_profile(request.param)).__call__, jit_compile=True)
    ours = step(
        random.block_keys(tf.constant([random.chunk_key(38901, "test", 0)], tf.uint32), ROWS),
        times_s=tf.range(TIMES, dtype=tf.float32) / RATE_HZ,
        delay_spread_s=tf.fill([ROWS], np.float32(DELAY_SPREAD_S)),
        doppler_hz=tf.fill([ROWS], np.float32(SPEED_M_S * CARRIER_HZ / SPEED_OF_LIGHT_M_S)),
    )
    return (
        (ours.gain.numpy()[:, 0, 0], ours.excess_delay_s.numpy()[0]),
        (their_gain.numpy()[:, 0, 0, 0, 0], their_delay_s.numpy()[0, 0, 0]),
    )


def test_delays_agree(pair):
    (_, ours_s), (_, theirs_s) = pair
    # Sionna keeps the printed delays of D, whose delay spread is 0.6 % off one
    assert ours_s == pytest.approx(theirs_s, rel=7e-3)


def test_power_delay_profiles_agree(pair):
    # 4096 rows find 10 % of one Rayleigh tap.
    (ours, _), (theirs, _) = pair
    ours, theirs = np.abs(ours[:, :, 0]) ** 2, np.abs(theirs[:, :, 0]) ** 2
    assert not holm_rejects(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)


def test_autocorrelations_of_scattered_taps_agree(pair):
    # Finds 0.1 in a correlation coefficient. Without the first path: its line of sight has another angle.
    p_values = []
    for lag in range(1, TIMES):
        ours, theirs = ((gain[:, 1:, lag] * np.conj(gain[:, 1:, 0])) for gain, _ in pair)
        for part in (np.real, np.imag):
            p_values.append(stats.ttest_ind(part(ours), part(theirs), equal_var=False).pvalue)
    assert not holm_rejects(p_values)


# TR 38.901 V16.1.0, Tables 7.7.2-4 and 7.7.2-5: K-factor of the first path in dB
@pytest.mark.parametrize(("letter", "first_path_db", "tolerance_db"), [("D", 13.3, 0.05), ("E", 22.0, 0.05)])
def test_first_path_k_factor_of_line_of_sight_profiles(letter, first_path_db, tolerance_db):
    profile = tdl_profile(letter)
    assert profile.powers_db[0] - profile.powers_db[1] == pytest.approx(first_path_db, abs=tolerance_db)
    assert profile.k_factor_db < first_path_db


def test_unknown_letter_is_refused():
    with pytest.raises(ScenarioError, match="'F' is not a TDL profile"):
        tdl_profile("F")
