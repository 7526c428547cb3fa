"""Received power follows the terminal: its gradient along the chain from position to losses and fading."""

import math
from datetime import UTC, datetime

import numpy as np
import tensorflow as tf

from ntn6g.channel import LossOptions, Weather, path_loss_terms_db
from ntn6g.channel.antennas import circular_aperture
from ntn6g.channel.fading.rays import Elements, RayChannel, Scattering
from ntn6g.orbit import CircularOrbit, FixedTerminal, Times, link_geometry

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ORBIT = CircularOrbit(altitude_m=600e3, inclination_rad=1.2, raan_rad=0.0, argument_of_latitude_rad=0.7, epoch=EPOCH)
TERMS = ("free_space", "gas", "rain", "cloud", "scintillation", "clutter")
OPTIONS = LossOptions(
    terms=TERMS,
    gas_method="p676",
    weather=Weather(rain_rate_001_mm_h=40.0, rain_height_km=3.0, liquid_kg_m2=0.3, latitude_rad=0.7),
)


def below_satellite():
    """Latitude and longitude under the satellite, some degrees off, so that it stands neither overhead nor low."""
    position = ORBIT.state(Times(EPOCH, np.array([0.0]))).position_ecef_m.numpy().reshape(3)
    latitude = math.asin(position[2] / np.linalg.norm(position))
    return latitude - 0.03, math.atan2(position[1], position[0]) + 0.05


def geometry_at(latitude_rad, longitude_rad):
    terminal = FixedTerminal(latitude_rad=latitude_rad, longitude_rad=longitude_rad, altitude_m=100.0)
    return link_geometry(ORBIT.state(Times(EPOCH, np.array([0.0]))), terminal)


def loss_db(latitude_rad, longitude_rad, line_of_sight):
    geometry = geometry_at(latitude_rad, longitude_rad)
    losses = path_loss_terms_db(geometry.range_m, geometry.elevation_rad, 20e9, "urban", line_of_sight, OPTIONS)
    return tf.reduce_sum(sum(losses.values()))


def test_gradient_of_the_received_power_is_that_of_its_differences():
    """Central differences over 1e-5 rad (64 m): truncation 1e-8 of the slope, rounding 1e-9 dB."""
    place = [tf.constant(value, tf.float64) for value in below_satellite()]
    for line_of_sight in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(place)
            value = loss_db(*place, line_of_sight)
        gradient = np.array(tape.gradient(value, place))
        step = 1e-5
        for axis in range(2):
            sides = [[p + s * step * (i == axis) for i, p in enumerate(place)] for s in (1.0, -1.0)]
            up, down = (float(loss_db(*side, line_of_sight)) for side in sides)
            np.testing.assert_allclose(gradient[axis], (up - down) / (2 * step), rtol=1e-6)
        assert np.abs(gradient).min() > 1.0  # dB per radian: the loss does depend on both


def test_gradient_of_what_arrives_through_antenna_and_rays_is_that_of_its_differences():
    """Received power of three draws in dB, with losses, the satellite's aperture, rays and two elements on the ground.

    Differences of fourth order over 1e-3 rad (6 km on the ground, half a degree in the sky). Rays are float32: a
    rounding of 1e-5 of the power is 0.05 dB per radian of the difference, beside slopes of 100 dB per radian. No ray of
    these places comes near the zenith, where 7.5, step 7, folds its angle and the power has no slope.
    """
    pair = Elements((0.0, 0.0), ((0.0, 0.0, 0.0), (4.0, 2.0, 0.0)))
    model = RayChannel([Scattering("suburban", "S", False)], terminal=pair)
    keys = tf.constant([[3, number] for number in (5, 6, 7)], tf.uint32)

    def received_db(latitude_rad, longitude_rad):
        geometry = geometry_at(latitude_rad, longitude_rad)
        off_nadir_rad, elevation_rad, range_m = (
            tf.reshape(each, []) for each in (geometry.off_nadir_rad, geometry.elevation_rad, geometry.range_m)
        )
        lost_db = sum(path_loss_terms_db(range_m, elevation_rad, 2e9, "suburban", False, OPTIONS).values())
        elevation = tf.fill([3], tf.cast(elevation_rad, tf.float32))
        drawn = model(keys, times_s=tf.constant([0.0]), elevation_rad=elevation, doppler_hz=tf.zeros([3]))
        flat = tf.reduce_sum(tf.cast(drawn.gain, tf.complex128), [3, 4])  # of a narrow band
        arrives = tf.reduce_sum(tf.math.real(flat * tf.math.conj(flat)), [1, 2])
        arrives *= circular_aperture(off_nadir_rad, aperture_m=0.15, frequency_hz=2e9)
        return 10.0 / math.log(10.0) * tf.math.log(arrives) - lost_db

    place = [tf.constant(value, tf.float64) for value in below_satellite()]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(place)
        powers = tf.unstack(received_db(*place))
    gradient = np.array([tape.gradient(each, place) for each in powers])
    step, expected = 1e-3, np.zeros_like(gradient)
    for axis in range(2):
        for times, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            moved = [p + times * step * (i == axis) for i, p in enumerate(place)]
            expected[:, axis] += weight / (12.0 * step) * received_db(*moved).numpy()
    np.testing.assert_allclose(gradient, expected, rtol=0.01, atol=0.5)
    assert np.abs(gradient).min() > 20.0
    # rays and aperture are in it: by losses alone all draws would have one slope
    assert np.ptp(gradient[:, 0]) > 10.0
