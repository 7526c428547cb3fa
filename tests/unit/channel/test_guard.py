"""Predicted interference against brute force, and refusals that name the key."""

import numpy as np
import pytest

from ntn6g.channel import check_frequency_domain, ntn_tdl_profile, predicted_ici_db
from ntn6g.channel.guard import doppler_spread_ici, offset_ici
from ntn6g.core.errors import ScenarioError

GOOD = {
    "offset_hz": 100.0,
    "doppler_hz": 55.0,
    "subcarrier_hz": 120e3,
    "tap_power": [0.9, 0.1],
    "excess_delay_s": [0.0, 100e-9],
    "cyclic_prefix_s": 586e-9,
}


def test_offsets_of_1_and_2_khz_at_120_khz():
    # (1 - sinc^2 e)/sinc^2 e by hand, printed to 0.1 dB
    assert predicted_ici_db([1e3, 2e3], 0.0, 120e3) == pytest.approx([-36.4, -30.4], abs=0.05)


@pytest.mark.parametrize("offset", [0.01, 0.1, 0.3])
def test_offset_prediction_equals_the_interference_of_a_simulated_symbol(offset):
    rng = np.random.default_rng(20)
    size = 4096
    sent = rng.choice([1, -1, 1j, -1j], size)
    received = np.fft.fft(np.fft.ifft(sent) * np.exp(2j * np.pi * offset * np.arange(size) / size))
    gain = np.vdot(sent, received) / size
    measured = np.mean(np.abs(received - gain * sent) ** 2) / np.abs(gain) ** 2
    # 1/sqrt(4096) of the signal leaks into the gain estimate: 1.6 % of the interference, 0.1 dB
    assert 10 * np.log10(offset_ici(offset, 1.0) / measured) == pytest.approx(0.0, abs=0.1)


def test_doppler_prediction_bounds_the_jakes_integral_closely_when_slow():
    angles = np.pi * (np.arange(20_000) + 0.5) / 20_000
    for spread, slack_db in ((0.01, 0.01), (0.1, 0.2)):
        kept = np.mean(np.sinc(spread * np.cos(angles)) ** 2)
        excess_db = 10 * np.log10(doppler_spread_ici(spread, 1.0) / (1 - kept))
        assert 0.0 <= excess_db < slack_db  # next term of the series: of order (pi spread)^2 / 10


def test_a_mild_link_passes():
    check_frequency_domain(**GOOD)


@pytest.mark.parametrize("cause", [{"offset_hz": 2e3}, {"doppler_hz": 2.5e3}])
def test_interference_above_the_limit_is_refused_with_value_limit_and_way_out(cause):
    with pytest.raises(
        ScenarioError, match=r"channel\.guard\.max_ici_db: .*-\d+\.\d dB exceeds -35 dB.*lower the offset"
    ) as refusal:
        check_frequency_domain(**(GOOD | cause))
    assert "\n" not in str(refusal.value)
    check_frequency_domain(**(GOOD | cause), max_ici_db=-25.0)


def test_a_strong_late_tap_is_refused_and_a_weak_one_is_not():
    late = {"excess_delay_s": [0.0, 700e-9]}
    with pytest.raises(ScenarioError, match=r"channel\.guard\.tap_floor_db: .*-10\.0 dB.*700 ns.*586 ns"):
        check_frequency_domain(**(GOOD | late))
    check_frequency_domain(**(GOOD | late | {"tap_power": [1.0, 0.9e-4]}))


def test_guard_reads_the_taps_of_a_profile_at_several_points():
    line_of_sight, scattered, delay_s = ntn_tdl_profile("C").taps(np.array([5e-9, 50e-9]), np.array([10.0, 10.0]))
    # the last tap of NTN-TDL-C, at -23.4 dB, lies 14.8 delay spreads late: 741 ns at 50 ns
    with pytest.raises(ScenarioError, match="741 ns late"):
        check_frequency_domain(**(GOOD | {"tap_power": line_of_sight + scattered, "excess_delay_s": delay_s}))
