"""Urban micro cells above 100 GHz against the published laws they are drawn from, worked out here by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.channel import absorbed_temperature_k, g_over_t_db_k
from ntn6g.channel.fading.cells import site_elevation_rad
from ntn6g.channel.fading.subterahertz import SubTerahertzFading, urban_micro
from ntn6g.channel.loss.cells import Cell
from ntn6g.channel.loss.weather.absorption import ground_absorption_db, slant_absorption_db
from ntn6g.core.errors import ScenarioError

ROWS, FALSE_ALARM = 4096, 1e-3


def keys(rows=ROWS):
    return tf.constant(np.stack([np.arange(rows), np.full(rows, 11)], 1), tf.uint32)


def elevations(ground_m, rows=ROWS):
    place = site_elevation_rad(Cell(kind="umi", carrier_hz=28e9), ground_m)  # sites of 10 m, terminals of 1.5 m
    return tf.fill([rows], tf.constant(place, tf.float32))


def test_path_loss_at_142_ghz_by_hand():
    """First metre 32.45 + 20 lg 142 = 75.50 dB, exponents 2.0 with sight and 2.9 without (NYUSIM, UMi, 140 GHz)."""
    model = SubTerahertzFading(142e9)
    lg = math.log10(math.hypot(100.0, 8.5))

    assert float(model.path_loss_db(100.0, line_of_sight=True)) == pytest.approx(75.4957 + 20.0 * lg, abs=1e-3)
    assert float(model.path_loss_db(100.0, line_of_sight=False)) == pytest.approx(75.4957 + 29.0 * lg, abs=1e-3)


def test_probability_of_sight_by_hand():
    """The squared law at 100 m: (0.22 (1 - 1/e) + 1/e)^2; one up to 22 m."""
    model = SubTerahertzFading(142e9)
    by_hand = (0.22 * (1 - math.exp(-1)) + math.exp(-1)) ** 2

    assert model.sight_probability(tf.constant([10.0, 22.0, 100.0], tf.float64)).numpy() == pytest.approx(
        [1.0, 1.0, by_hand]
    )
    seen = 1.0 - model._blocked(keys(), tf.fill([ROWS], tf.constant(100.0, tf.float64))).numpy()
    assert stats.binomtest(int(seen.sum()), ROWS, by_hand).pvalue > FALSE_ALARM


def test_statistics_are_those_of_28_and_140_ghz_and_held_beyond():
    """Linear in between: without sight the exponent falls from 3.2 to 2.9, at 100 GHz by 72/112 of it."""
    assert urban_micro(100e9, line_of_sight=False).exponent == pytest.approx(3.2 - 0.3 * 72 / 112)
    assert urban_micro(140e9, line_of_sight=True).shadow_db == 2.6
    assert urban_micro(300e9, line_of_sight=True) == urban_micro(140e9, line_of_sight=True)


@pytest.fixture(scope="module", params=[True, False])
def profile(request):
    model = SubTerahertzFading(142e9, line_of_sight=request.param)
    power, delay_s = model.power_profile(keys(), elevations(50.0))
    shape = (ROWS, -1, 12)
    return request.param, power.numpy().reshape(shape), 1e9 * delay_s.numpy().reshape(shape)


def test_numbers_of_clusters_and_subpaths(profile, holm):
    """Clusters uniform from 1 to 5, or 3 without sight; subpaths 1 + round of an exponential of mean 1.8, or 3."""
    sight, power, _ = profile
    clusters = (power.sum(2) > 0.0).sum(1)
    most, mean = (5, 1.8) if sight else (3, 3.0)
    found = np.bincount(clusters, minlength=most + 1)[1:]
    p_values = [stats.chisquare(found).pvalue]
    subpaths = (power[:, 0] > 0.0).sum(1)
    share = [1 - math.exp(-0.5 / mean)] + [
        math.exp(-(k - 0.5) / mean) - math.exp(-(k + 0.5) / mean) for k in range(1, 5)
    ]
    counts = [int((subpaths == k + 1).sum()) for k in range(5)]
    rest = ROWS - sum(counts)
    expected = np.array([*share, 1 - sum(share)]) * ROWS
    p_values.append(stats.chisquare([*counts, rest], expected).pvalue)

    assert not holm(p_values)


def test_power_is_one_and_clusters_keep_apart(profile):
    sight, power, delay_ns = profile
    there = power > 0.0
    assert np.abs(power.sum((1, 2)) - 1.0).max() < 1e-5
    last = np.where(there, delay_ns, -np.inf).max(2)
    first = np.where(there, delay_ns, np.inf).min(2)
    gaps = (first[:, 1:] - last[:, :-1])[there.any(2)[:, 1:]]
    assert gaps.min() > 25.0 - 1e-3  # the void between clusters
    assert delay_ns[:, 0, 0].max() == 0.0
    if sight:
        assert (power[:, 0, 0] >= power[:, 0].max(1) - 1e-7).all()


def test_fading_has_the_power_of_its_profile_and_doppler_within_the_terminals_own():
    model = SubTerahertzFading(142e9)
    drawn = model(
        keys(256),
        times_s=tf.constant(np.arange(64) / 4000.0, tf.float32),
        elevation_rad=elevations(50.0, 256),
        doppler_hz=tf.fill([256], 500.0),
    )
    gain = drawn.gain.numpy()[:, 0, 0]
    power, _ = model.power_profile(keys(256), elevations(50.0, 256))
    assert np.abs(np.abs(gain) ** 2 - power.numpy()[..., None]).max() < 1e-5
    turn_hz = np.angle(gain[..., 1:] * np.conj(gain[..., :-1])) / (2 * np.pi) * 4000.0
    assert np.abs(turn_hz[np.abs(gain[..., 1:]) > 1e-3]).max() < 501.0


# ITU-R P.676-13, validation rows of Study Group 3: 1013.25 hPa, 288.15 K, 7.5 g/m3 (oxygen + water vapour, dB/km)
@pytest.mark.parametrize(("carrier_ghz", "db_km"), [(10.0, 0.01419854), (20.0, 0.10893086)])
def test_absorption_along_the_ground_is_that_of_the_validation_rows(carrier_ghz, db_km):
    # there 1013.25 hPa is dry air, here all of it: 1 % less oxygen, which off its lines absorbs as its pressure squared
    assert float(ground_absorption_db(1e3, carrier_ghz * 1e9)) == pytest.approx(db_km, rel=0.02)


def test_absorption_peaks_at_the_lines_of_oxygen_and_water_vapour():
    frequency_ghz = np.arange(100.0, 300.5, 0.5)
    along, up = (
        ground_absorption_db(1e3, frequency_ghz * 1e9).numpy(),
        slant_absorption_db(tf.constant(math.pi / 2, tf.float64), frequency_ghz * 1e9).numpy(),
    )
    for loss_db in (along, up):
        assert frequency_ghz[loss_db[:100].argmax()] in (118.5, 119.0)  # 118.75 GHz
        assert frequency_ghz[loss_db.argmax()] in (183.0, 183.5)  # 183.31 GHz


def test_absorbing_air_is_as_warm_as_it_is_opaque():
    """Kirchhoff: at 3.01 dB half of the temperature is the air's; an opaque path has all of it."""
    assert absorbed_temperature_k(100.0, 10 * math.log10(2), near_ground=True) == pytest.approx((100 + 288.15) / 2)
    assert absorbed_temperature_k(3.0, 100.0, near_ground=False) == pytest.approx(275.0)
    # a receiver without noise of its own loses the ratio of both temperatures
    cold, warm = (g_over_t_db_k(0.0, 0.0, temperature) for temperature in (100.0, 200.0))
    assert cold - warm == pytest.approx(10 * math.log10(2))


def test_frequencies_without_lines_are_refused():
    with pytest.raises(ScenarioError, match="outside the 1 to 1000 GHz"):
        ground_absorption_db(100.0, 0.5e9)
