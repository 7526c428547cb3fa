"""How fast a terminal may be where its channel acts on samples, by the remainder of Chebyshev interpolation."""

import math

import pytest

from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build


def structure(speed_kmh, carrier_ghz):
    asked = {
        "schema": 1,
        "study": "link",
        "name": "fast",
        "platforms": {
            "leo": {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": "2026-01-01T00:00:00Z"}
        },
        "terminals": {"ue": {"latitude_deg": 45, "longitude_deg": 10, "speed_kmh": speed_kmh}},
        "at": {"pass": {"after": "2026-01-01T00:00:00Z", "min_culmination_deg": 60, "within_days": 10}},
        "channel": {
            "carrier_ghz": carrier_ghz,
            "domain": "time",
            "fading": {"kind": "tdl", "profile": "A", "delay_spread_ns": 30},
        },
        "link": {"subcarrier_khz": 30, "resource_blocks": 25, "coding": "none", "modulation": "qpsk"},
        "power": {"esno_db": 10},
    }
    return build(from_mapping(asked))[0].points[0].structure


def remainder_db(speed_kmh, carrier_ghz, degree):
    """x^(n+1) / (2^n (n+1)!) over the root of two; half a segment is 383.5 samples of 512 x 30 kHz."""
    doppler_hz = speed_kmh / 3.6 / SPEED_OF_LIGHT_M_S * carrier_ghz * 1e9
    x = 2 * math.pi * doppler_hz * 383.5 / (512 * 30e3)
    return 20 * math.log10(x ** (degree + 1) / (2**degree * math.factorial(degree + 1)) / math.sqrt(2))


@pytest.mark.parametrize(("speed_kmh", "degree"), [(3, 2), (160, 2), (300, 3), (500, 4)])
def test_a_faster_terminal_gets_a_higher_degree(speed_kmh, degree):
    assert structure(speed_kmh, 20).time_degree == degree

    assert remainder_db(speed_kmh, 20, degree) < -50.0
    if degree > 2:
        assert remainder_db(speed_kmh, 20, degree - 1) > -50.0


def test_one_that_turns_too_fast_for_any_is_refused_in_a_line():
    with pytest.raises(ScenarioError, match=r"channel\.domain: a path at a Doppler shift of 37.* turns too") as found:
        structure(500, 80)
    assert "\n" not in str(found.value)
