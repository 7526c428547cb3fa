"""Received power follows the terminal: its gradient along the chain from position to losses and fading."""

import math
from datetime import UTC, datetime

import numpy as np
import tensorflow as tf

from ntn6g.channel import LossOptions, Weather, path_loss_terms_db
from ntn6g.channel.fading.rays import RayChannel, Scattering
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


def test_gradient_reaches_the_gains_of_the_ray_model():
    """Power of one draw against a difference along its slope; 5 % for single precision and curvature."""
    model = RayChannel([Scattering("dense-urban", "Ka", True)])
    keys = tf.constant([[3, 5]], tf.uint32)

    def power(latitude_rad, longitude_rad):
        elevation = tf.cast(tf.reshape(geometry_at(latitude_rad, longitude_rad).elevation_rad, [1]), tf.float32)
        drawn = model(keys, times_s=tf.constant([0.0]), elevation_rad=elevation, doppler_hz=tf.zeros([1]))
        return tf.reduce_sum(tf.abs(drawn.gain) ** 2)

    place = [tf.constant(value, tf.float64) for value in below_satellite()]
    with tf.GradientTape() as tape:
        tape.watch(place)
        value = power(*place)
    slope = np.array(tape.gradient(value, place))
    step = 2e-3 * slope / np.linalg.norm(slope)
    up, down = (float(power(*(p + s * d for p, d in zip(place, step, strict=True)))) for s in (1.0, -1.0))
    np.testing.assert_allclose(slope @ step, (up - down) / 2.0, rtol=0.05)
