"""What a terminal's antenna hears of scattered paths: its pattern by the angle of each ray from the line of sight."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from ntn6g.channel.fading import rays
from ntn6g.channel.fading.rays.rays import RAY_OFFSETS
from ntn6g.channel.tables import read_table
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import Antennas, from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.ends import pattern_of

DISH_M, CARRIER_HZ = 0.05, 20e9


def draw(model, degrees, count, word, **more):
    keys = tf.constant(np.stack([np.arange(count), np.full(count, word)], 1), tf.uint32)
    rows = {"elevation_rad": math.radians(degrees), "doppler_hz": 0.0, **more}
    rows = {name: tf.fill([count], tf.constant(value, tf.float32)) for name, value in rows.items()}
    return model(keys, times_s=tf.constant([0.0]), **rows).gain.numpy()[:, 0, 0, :, 0].astype(complex)


def dish():
    antenna = Antennas.model_validate({"terminal": {"kind": "aperture", "diameter_m": DISH_M}}).terminal
    return rays.Elements(beam=pattern_of(antenna.model_dump_json(), CARRIER_HZ))


def airy(angle_rad):
    """TR 38.811, 6.4.1, at and behind the edge of the aperture as at its edge."""
    u = math.pi * DISH_M * CARRIER_HZ / SPEED_OF_LIGHT_M_S * np.sin(np.minimum(angle_rad, math.pi / 2))
    return 4.0 * (special.j1(u) / u) ** 2


def from_sight_rad(azimuth_deg, zenith_deg, elevation_deg):
    """Spherical law of cosines; azimuths from the satellite's."""
    a, z, e = np.deg2rad(azimuth_deg), np.deg2rad(zenith_deg), math.radians(elevation_deg)
    return np.arccos(np.cos(z) * math.sin(e) + np.sin(z) * math.cos(e) * np.cos(a))


@pytest.mark.parametrize("letter", ["B", "D"])
def test_a_dish_hears_of_each_cluster_what_its_pattern_lets_in(letter, holm):
    """By hand at 50 degrees: every pair of the 20 azimuths and 20 zeniths of a cluster is equally likely, so its mean
    power is its printed one times the mean of 400 gains; the line of sight stays whole. 8000 draws see 5 to 7 %."""
    row, printed = read_table("tr38811_cdl")[f"NTN-CDL-{letter}"], read_table("tr38811_tdl")[f"NTN-TDL-{letter}"]
    share = 10 ** (np.array(printed["powers_db"]) / 10)
    share /= share.sum()
    azimuths_deg, zeniths_deg = (
        np.array(row[f"{name}_deg"])[:, None] + row[f"c{width}_deg"] * RAY_OFFSETS
        for name, width in (("aoa", "asa"), ("zoa", "zsa"))
    )
    zeniths_deg = 180.0 - np.abs(180.0 - zeniths_deg)  # beyond straight down they come back (TR 38.901, 7.5, step 7)
    gains = airy(from_sight_rad(azimuths_deg[:, :, None] + 180.0, zeniths_deg[:, None, :], 50.0))
    heard = share * gains.mean((1, 2))
    if printed["line_of_sight"]:
        heard = np.concatenate([[share[0] + heard[1]], heard[2:]])

    model = rays.ClusteredDelayLine(letter, ends=rays.Ends(dish()))
    power = np.abs(draw(model, 50.0, 8_000, 3, delay_spread_s=1e-7)) ** 2

    z = (power.mean(0) - heard) / (power.std(0) / math.sqrt(len(power)))
    assert not holm(2 * stats.norm.sf(np.abs(z)))
    assert heard.sum() < (0.25 if letter == "B" else 0.97)  # the pattern takes something


def test_a_cone_about_the_satellite_lets_in_the_rays_inside_it():
    """The same draw through a pattern of zenith and azimuth, one inside 25 degrees by the law of cosines, else none."""
    scattering, edge_rad = rays.Scattering("urban", "Ka", True), math.radians(25.0)

    def cone(zenith_rad, azimuth_rad):
        e = math.radians(40.0)
        cosine = tf.cos(zenith_rad) * math.sin(e) + tf.sin(zenith_rad) * math.cos(e) * tf.cos(azimuth_rad)
        return tf.cast(cosine > math.cos(edge_rad), tf.float32)

    by_angle, by_direction = (
        draw(rays.RayChannel([scattering], terminal=terminal), 40.0, 512, 8)
        for terminal in (
            rays.Elements(beam=lambda angle: tf.cast(angle < edge_rad, tf.float32)),
            rays.Elements(pattern=cone),
        )
    )

    np.testing.assert_allclose(by_angle, by_direction, atol=2e-5)
    whole = draw(rays.RayChannel([scattering]), 40.0, 512, 8)
    assert (np.abs(whole - by_angle).max(1) > 1e-3).mean() > 0.5  # it does cut


def test_an_antenna_alike_in_all_directions_changes_nothing():
    scattering, alike = rays.Scattering("rural", "Ka", False), rays.Elements(beam=tf.ones_like)
    found = [draw(rays.RayChannel([scattering], terminal=each), 30.0, 64, 5) for each in (alike, rays.Elements())]
    np.testing.assert_allclose(*found, atol=1e-6)


def test_gradients_through_a_dish_are_finite():
    elevation = tf.constant([0.4, 0.9], tf.float32)
    model = rays.RayChannel([rays.Scattering("urban", "Ka", True)], terminal=dish())
    keys = tf.constant([[1, 2], [3, 4]], tf.uint32)
    with tf.GradientTape() as tape:
        tape.watch(elevation)
        gain = model(keys, times_s=tf.constant([0.0]), elevation_rad=elevation, doppler_hz=tf.zeros([2])).gain
        level = tf.reduce_sum(tf.abs(gain) ** 2)
    assert np.isfinite(tape.gradient(level, elevation).numpy()).all()


def asked(fading="ntn-rays", **terminal):
    profile = {"profile": "D"} if fading == "ntn-cdl" else {}
    noise = {"gt_dbk": 0.0} if not terminal else {"noise_figure_db": 1.2, "antenna_temperature_k": 150.0}
    return from_mapping(
        {
            "schema": 1,
            "study": "link",
            "name": "dish",
            "platforms": {"geo": {"kind": "geo", "longitude_deg": 10.0}},
            "terminals": {"ue": {"latitude_deg": 30.0, "longitude_deg": 10.0}},
            "at": {"utc": "2026-01-01T00:00:00Z"},
            **({"antennas": {"terminal": terminal}} if terminal else {}),
            "channel": {
                "carrier_ghz": 20.0,
                "fading": {"kind": fading, "pattern": "terminal", **profile},
                "guard": {"tap_floor_db": -20.0},
            },
            "link": {"modulation": "qpsk", "coding": "none", "resource_blocks": 1, "subcarrier_khz": 120},
            "power": {"budget": {"eirp_dbm": 60.0} | noise},
            "stop": {"max_blocks": 32},
        }
    )


@pytest.mark.parametrize("fading", ["ntn-rays", "ntn-cdl"])
def test_a_link_takes_the_pattern_of_its_terminal(fading):
    """A VSAT of 60 cm at 20 GHz: half the power 0.735 degrees off, 5 / 6 of that of 50 cm (TR 38.821: 1.7647 / 2)."""
    structure = build(asked(fading, kind="vsat"))[0].points[0].structure
    beam = pattern_of(*structure.terminal_antenna)

    level = beam(tf.constant([0.0, math.radians(1.7647 * 5 / 6 / 2)])).numpy()

    assert level == pytest.approx([1.0, 10**-0.3], rel=1e-3)


@pytest.mark.parametrize(
    ("terminal", "words"),
    [
        ({}, "antennas.terminal: required key is missing; channel.fading.pattern"),
        (
            {"kind": "array", "rows": 2, "columns": 2, "facing_azimuth_deg": 180},
            r"antennas\.terminal\.kind: 'array' has",
        ),
        ({"kind": "vsat", "pointing_error_deg": 0.2}, r"antennas\.terminal\.pointing_error_deg: channel"),
        ({"kind": "vsat", "pointing": {"kind": "sky"}}, r"antennas\.terminal\.pointing\.kind: channel"),
    ],
)
def test_patterns_that_rays_cannot_be_weighed_by_are_refused(terminal, words):
    with pytest.raises(ScenarioError, match=words):
        build(asked(**terminal))
