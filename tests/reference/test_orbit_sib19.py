"""Fields of SIB19's ephemeris against the text of TS 38.331, and elements against skyfield.

3GPP TS 38.331 V18.6.0, clause 6.3.2: EphemerisInfo (field descriptions), NTN-Config (TA-Info). TS 38.213 V18.7.0,
clause 4.2: Delay_common(t).
"""

import math

import numpy as np
import pytest
import tensorflow as tf
from skyfield.api import load
from skyfield.elementslib import OsculatingElements
from skyfield.units import Distance, Velocity

from ntn6g.core.constants import EARTH_MU_M3_S2
from ntn6g.orbit import (
    VALIDITY_S,
    CommonTimingMessage,
    OrbitalMessage,
    StateVectorMessage,
    elements_of_state,
    state_of_elements,
)
from ntn6g.orbit.ephemeris.message import ORBITAL, POSITION_M, VELOCITY_M_S, epoch_state

# name: lowest and highest integer as the ASN.1 has them, and the values that the field descriptions give the two
PRINTED = {
    "semi_major_axis_m": (0, 8_589_934_591, 6_500_000.0, 6_500_000.0 + 8_589_934_591 * 4.249e-3),
    "eccentricity": (0, 1_048_575, 0.0, 1_048_575 * 1.431e-8),
    "periapsis_rad": (0, 268_435_455, 0.0, 268_435_455 * 2.341e-8),
    "longitude_rad": (0, 268_435_455, 0.0, 268_435_455 * 2.341e-8),
    "mean_anomaly_rad": (0, 268_435_455, 0.0, 268_435_455 * 2.341e-8),
}


def i64(*values):
    return tf.constant(values, tf.int64)


@pytest.mark.parametrize("name", PRINTED)
def test_orbital_fields_end_where_the_standard_says(name):
    lowest, highest, first, last = PRINTED[name]

    values = ORBITAL[name].decode(i64(lowest, highest)).numpy()
    assert values == pytest.approx([first, last], rel=1e-15)
    assert (ORBITAL[name].encode(tf.constant([first, last], tf.float64))[0].numpy() == [lowest, highest]).all()


def test_widths_are_those_of_the_asn1_ranges():
    # -33554432..33554431 is 2^26 values, -131072..131071 2^18; 2^33, 2^20, 2^28 (three times), 2^27
    assert POSITION_M.bits == 26
    assert VELOCITY_M_S.bits == 18
    assert [ORBITAL[name].bits for name in ORBITAL] == [33, 20, 28, 28, 27, 28]
    assert StateVectorMessage.bits == 132
    assert OrbitalMessage.bits == 164
    assert CommonTimingMessage.bits == 26 + 19 + 15  # 66485758, 514607 and 28950 values
    assert VALIDITY_S == (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 120, 180, 240, 900)


def test_a_state_vector_is_read_as_the_standard_says():
    sent = StateVectorMessage(i64(5_000_000, -1, 33_554_431), i64(-131_072, 1, 0), tf.constant(True))

    position, inertial = epoch_state(sent)
    assert position.numpy() == pytest.approx([6_500_000.0, -1.3, 43_620_760.3], rel=1e-15)
    # the velocity sent is that of ECEF coordinates; seen from inertial axes the Earth's rotation adds omega x r
    assert inertial.numpy() == pytest.approx(
        [-7_864.32 + 7.292115e-5 * 1.3, 0.06 + 7.292115e-5 * 6.5e6, 0.0], rel=1e-12
    )


def test_a_negative_inclination_counts_down_from_pi():
    fields = [i64(100_000_000) for _ in range(2)]
    angle = i64(0)
    states = [
        epoch_state(OrbitalMessage(fields[0], angle, angle, angle, i64(field), angle, tf.constant([True])))
        for field in (30_000_000, -30_000_000)
    ]

    tilts = [math.atan2(float(v[0, 2]), float(v[0, 1])) for _, v in states]
    assert tilts == pytest.approx([0.7023, math.pi - 0.7023], abs=1e-12)


def test_the_common_delay_follows_the_quadratic_of_ts_38_213():
    sent = CommonTimingMessage(i64(1_000_000), i64(-50_000), i64(10_000), tf.constant([True]))

    # 4072 us, -10 us/s, 0.2 us/s^2; twice Delay_common after 7 s
    expected_us = 4072.0 - 10.0 * 7.0 + 0.2 * 49.0
    assert 1e6 * sent.timing_advance_s(tf.constant(7.0, tf.float64)).numpy()[0] == pytest.approx(expected_us, rel=1e-12)


def random_states(count, seed=11):
    rng = np.random.default_rng(seed)
    radius, speed = rng.uniform(6.6e6, 4.3e7, count), rng.uniform(0.75, 1.15, count)
    direction = rng.normal(size=(2, count, 3))
    place = direction[0] / np.linalg.norm(direction[0], axis=-1, keepdims=True)
    across = np.cross(place, direction[1])
    heading = across / np.linalg.norm(across, axis=-1, keepdims=True) + 0.1 * rng.normal(size=(count, 1)) * place
    return place * radius[:, None], heading * (speed * np.sqrt(EARTH_MU_M3_S2 / radius))[:, None]


def test_elements_are_those_of_skyfield():
    position, velocity = random_states(200)
    ours = elements_of_state(tf.constant(position), tf.constant(velocity))
    theirs = OsculatingElements(
        Distance(m=position.T),
        Velocity(km_per_s=velocity.T / 1e3),
        load.timescale(builtin=True).tt(2026),
        EARTH_MU_M3_S2 / 1e9,
    )

    for mine, other in (
        (ours.periapsis_rad, theirs.argument_of_periapsis.radians),
        (ours.longitude_rad, theirs.longitude_of_ascending_node.radians),
        (ours.inclination_rad, theirs.inclination.radians),
        (ours.mean_anomaly_rad, theirs.mean_anomaly.radians),
    ):
        turn = (mine.numpy() - other + math.pi) % (2.0 * math.pi) - math.pi
        assert np.abs(turn).max() < 1e-9  # rounding, over an eccentricity down to 0.02
    np.testing.assert_allclose(ours.semi_major_axis_m, theirs.semi_major_axis.m, rtol=1e-12)
    np.testing.assert_allclose(ours.eccentricity, theirs.eccentricity, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["any", "circle", "equator", "circle in the equator", "retrograde equator"])
def test_a_state_returns_from_its_elements_also_where_angles_are_arbitrary(kind):
    position, velocity = random_states(50, seed=12)
    if kind != "any":
        radius = np.linalg.norm(position, axis=-1)
        if "equator" in kind:
            position[:, 2] = velocity[:, 2] = 0.0
        if kind == "retrograde equator":
            velocity *= np.sign(velocity[:, :1] * position[:, 1:2] - velocity[:, 1:2] * position[:, :1])
        if "circle" in kind:
            radius = np.linalg.norm(position, axis=-1, keepdims=True)
            velocity -= position * (position * velocity).sum(-1, keepdims=True) / radius**2
            velocity *= np.sqrt(EARTH_MU_M3_S2 / radius) / np.linalg.norm(velocity, axis=-1, keepdims=True)

    returned = state_of_elements(elements_of_state(tf.constant(position), tf.constant(velocity)))
    np.testing.assert_allclose(returned[0], position, rtol=0, atol=1e-5)  # 1e-12 of the largest radius
    np.testing.assert_allclose(returned[1], velocity, rtol=0, atol=1e-8)
