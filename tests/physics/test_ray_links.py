"""Links over the ray model: what the channel alone says must be what the link counts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.special import ndtr

from ntn6g.channel import frequency_response
from ntn6g.channel.fading.rays import Elements, RayChannel, RayFading, Scattering
from ntn6g.channel.fading.rays.elements import ISOTROPIC
from ntn6g.core import random
from ntn6g.phy.layered import Antennas
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.link_step import make_chain

UNCODED = {"mcs": None, "modulation": "bpsk", "perfect_csi": True, "pilots": False, "fading": "ntn-rays"}
ROWS = 64
ELEVATION_RAD = np.deg2rad(np.linspace(10.0, 90.0, ROWS)).astype(np.float32)


LINE = (
    (0.0, 0.0),
    ((0.0, 0.0, 0.0), (0.0, 0.5, 0.0)),
)  # two vertical elements of the terminal, half a wavelength apart
ONE = ((0.0,), ())


@pytest.mark.slow
def test_two_elements_of_the_terminal_are_combined_from_one_draw_of_rays(links):
    """Errors of BPSK given both responses of the model: Q(sqrt(2 (|H1|^2 + |H2|^2))), 40000 bits, |z| < 3.3 at 1e-3."""
    scattering = ("urban", "Ka", False)
    bit_errors, _, power, _ = link(
        links, scattering, terminal=Elements(*LINE), antennas=Antennas(receive=2), panels=(LINE, ONE, 0.0)
    )
    wrong = ndtr(-np.sqrt(2.0 * power))
    expected, deviation = wrong.sum(), math.sqrt((wrong * (1.0 - wrong)).sum())
    assert abs(bit_errors.sum() - expected) < 3.3 * deviation
    assert deviation < 0.05 * expected


def link(links, scattering, terminal=ISOTROPIC, **changes):
    """A chain, its outcome over 64 blocks from 10 to 90 degrees, and the responses that the model alone draws."""
    structure = links.structure(**UNCODED | changes, scattering=scattering)
    chain = make_chain(structure)
    step = links.step(structure, rows=ROWS)
    chunk_keys, values = step.arguments([(links.work(structure, esno_db=0.0), number) for number in (0, 1)])
    values = type(values)(
        **{name: getattr(values, name) for name in values.DTYPES} | {"elevation_rad": tf.constant(ELEVATION_RAD)}
    )
    keys = random.block_keys(chunk_keys, ROWS // 2)

    outcome = chain(keys, values)  # not compiled: every structure is called once
    bit_errors, sinr = outcome.bit_errors.numpy(), outcome.sinr.numpy()
    model = RayChannel([Scattering(*scattering)], terminal=terminal)
    drawn = model(
        keys,
        times_s=tf.constant(chain.grid.symbol_times_s, tf.float32),
        elevation_rad=tf.constant(ELEVATION_RAD),
        doppler_hz=tf.zeros([ROWS]),
    )
    each = [replace(drawn, gain=drawn.gain[:, rx : rx + 1]) for rx in range(drawn.gain.shape[1])]
    responses = [frequency_response(one, chain.grid.frequencies_hz).numpy().astype(complex) for one in each]
    power = sum(np.abs(response) ** 2 for response in responses)
    return bit_errors, sinr, power.reshape(ROWS, -1), model.large_scale(keys, tf.constant(ELEVATION_RAD))


@pytest.mark.parametrize("scattering", [("urban", "Ka", True), ("dense-urban", "S", False)])
def test_bit_errors_are_those_of_the_responses(links, scattering):
    """Given the responses, errors of BPSK are independent with Q(sqrt(2 |H|^2)): 40000 bits, |z| < 3.3 at 1e-3."""
    bit_errors, _, power, _ = link(links, scattering)
    wrong = ndtr(-np.sqrt(2.0 * power))
    expected, deviation = wrong.sum(), math.sqrt((wrong * (1.0 - wrong)).sum())
    assert abs(bit_errors.sum() - expected) < 3.3 * deviation
    assert deviation < 0.02 * expected  # a response 3 % off would show


@pytest.mark.slow
def test_drawn_shadow_fading_is_the_one_of_the_large_scale_parameters(links):
    _, plain, power, large = link(links, ("dense-urban", "S", False))
    _, shadowed, _, _ = link(links, ("dense-urban", "S", False), shadowing=True)
    gained_db = 10.0 * np.log10(shadowed / plain)
    # noise over the elements is the same draw, scaled: its cross term with the signal moves the ratio by some percent
    np.testing.assert_allclose(gained_db, large.shadow_db.numpy(), atol=0.2)
    assert large.shadow_db.numpy().std() > 6.0  # 9.2 to 15.5 dB in the table
    np.testing.assert_allclose(10 * np.log10(plain / power.mean(1)), 0.0, atol=0.7)  # 672 elements: 5 %


@pytest.mark.parametrize("sight", [True, False])
def test_late_power_against_the_power_of_the_paths(sight):
    """Share beyond a delay is 1 at none, falls with the delay, and equals an independent sum over drawn paths."""
    model = RayFading("dense-urban", "S", sight)
    shares = [model.late_share(math.radians(30.0), delay_s) for delay_s in (-1.0, 1e-8, 1e-7, 1e-6, 1e-3)]
    assert shares[0] == pytest.approx(1.0, abs=1e-5)
    assert shares == sorted(shares, reverse=True)
    rows = 4_000
    keys = tf.constant(np.stack([np.arange(rows), np.full(rows, 5)], 1), tf.uint32)
    drawn = model.model(
        keys, times_s=tf.zeros([1]), elevation_rad=tf.fill([rows], math.radians(30.0)), doppler_hz=tf.zeros([rows])
    )
    power = np.abs(drawn.gain.numpy()[:, 0, 0, :, 0]) ** 2
    late = (power * (drawn.excess_delay_s.numpy() > 1e-8)).sum(1)
    # two independent estimates over 4000 draws each; a share of s varies by less than the root of s
    assert abs(late.mean() - shares[1]) < 3.3 * math.hypot(late.std(), math.sqrt(shares[1])) / math.sqrt(rows)


def test_drawn_sight_has_its_probability_and_clutter_where_there_is_none():
    """Loss of 20000 links against a mixture of two normal laws, TR 38.811 tables 6.6.1-1 and 6.6.2: sees 0.014."""
    rows, degrees = 20_000, 30.0
    keys = tf.constant(np.stack([np.arange(rows), np.full(rows, 6)], 1), tf.uint32)
    model = RayFading("dense-urban", "Ka", None, shadowing=True, clutter=True)
    drawn = model(
        keys,
        times_s=tf.zeros([1]),
        elevation_rad=tf.fill([rows], math.radians(degrees)),
        doppler_hz=tf.zeros([rows]),
    )
    loss_db = np.sort(drawn.path_loss_db.numpy().astype(float))
    law = 0.398 * stats.norm.cdf(loss_db, 0.0, 2.7) + 0.602 * stats.norm.cdf(loss_db, 37.5, 15.6)
    assert stats.kstest(law, "uniform").pvalue > 1e-3
    # gains: with sight they are those of its tables alone, without of the others
    blocked = model.blocked(keys, tf.fill([rows], math.radians(degrees))).numpy().astype(bool)
    for sight in (True, False):
        alone = RayFading("dense-urban", "Ka", sight)(
            keys[:256],
            times_s=tf.zeros([1]),
            elevation_rad=tf.fill([256], math.radians(degrees)),
            doppler_hz=tf.zeros([256]),
        )
        same = np.flatnonzero(blocked[:256] != sight)
        total = np.abs(drawn.gain.numpy().sum(3)[same]), np.abs(alone.gain.numpy().sum(3)[same])
        np.testing.assert_allclose(*total, atol=2e-5)  # up to the order of a few sums
        assert len(same) > 60


def test_terminals_of_a_sweep_stand_on_common_grounds():
    """A run over places: shadow fading at d and at the origin, correlated by exp(-d/D); 1024 blocks see 0.1.

    TR 38.811, Tables 6.7.2-3b and 6.6.2-1: D = 37 m and 4 dB of urban links with sight.
    """
    places_m = [0.0, 10.0, 37.0, 500.0]
    asked = from_mapping(
        {
            "schema": 1,
            "study": "link",
            "name": "walk",
            "platforms": {"geo": {"kind": "geo", "longitude_deg": 10.0}},
            "terminals": {"ue": {"latitude_deg": 30.0, "longitude_deg": 10.0}},
            "at": {"utc": "2026-01-01T00:00:00Z"},
            "channel": {
                "carrier_ghz": 20.0,
                "line_of_sight": True,
                "fading": {"kind": "ntn-rays", "ground": {"east_m": 0.0}},
                "losses": {"shadow_fading": "draw"},
                "guard": {"tap_floor_db": -20.0},
            },
            "link": {"modulation": "qpsk", "coding": "none", "resource_blocks": 1, "subcarrier_khz": 120},
            "power": {"budget": {"eirp_dbm": 60.0, "gt_dbk": 0.0}},
            "sweep": {"grid": {"channel.fading.ground.east_m": places_m}},
            "stop": {"max_blocks": 64},
        }
    )
    points = build(asked)[0].points
    assert len({point.structure for point in points}) == 1  # a place is a value
    fading = make_chain(points[0].structure).fading
    chunks, rows = 32, 32
    keys = [random.chunk_key(1, points[0].work.channel_key, number) for number in range(chunks)]
    block_keys = random.block_keys(tf.constant(keys, tf.uint32), rows)

    def shadow_db(values):
        place = tf.tile(tf.constant([[values["east_m"], values["north_m"]]], tf.float32), [chunks * rows, 1])
        elevation = tf.fill([chunks * rows], tf.constant(values["elevation_rad"], tf.float32))
        still = {"times_s": tf.zeros([1]), "doppler_hz": tf.zeros([chunks * rows])}
        return fading(block_keys, elevation_rad=elevation, place_m=place, **still).path_loss_db.numpy().astype(float)

    first, *others = (shadow_db(point.values) for point in points)
    assert first.std() == pytest.approx(4.0, rel=0.08)  # 3.3 sigma of 1024 draws: 7 %
    for place_m, there in zip(places_m[1:], others, strict=True):
        z = (np.arctanh(np.corrcoef(first, there)[0, 1]) - np.arctanh(math.exp(-place_m / 37.0))) * math.sqrt(
            len(first)
        )
        assert abs(z) < 3.5  # three places, 1e-3 together
