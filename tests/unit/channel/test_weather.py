"""Weather: limits and gradients of the losses, and the law of the rain series."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel import LOSS_TERMS, LossOptions, Weather, lookup, path_loss_terms_db
from ntn6g.channel.loss import building_entry_loss_db, cross_polar_discrimination_db, faraday_rotation_rad
from ntn6g.channel.loss.weather import (
    RainSeries,
    at_location,
    rain_loss_db,
    rain_probability_percent,
    reference_air,
    slant_absorption_db,
)
from ntn6g.core.errors import ScenarioError

PLACE = {"rain_rate_001_mm_h": 42.0, "rain_height_km": 3.5, "latitude_rad": math.radians(45.0)}


def test_reference_air_is_that_of_the_table_at_the_ground_and_continuous_above():
    ground = reference_air(0.0)
    assert ground.temperature_k == 288.15
    assert ground.dry_pressure_hpa == pytest.approx(1013.25 - 9.972, abs=1e-3)  # e = 7.5 x 288.15 / 216.7
    heights = np.linspace(0.0, 100.0, 100_001)
    air = reference_air(heights)
    # 1 m steps; where the two formulas of the standard meet at 86 km they are 0.08 K apart
    assert np.abs(np.diff(air.temperature_k)).max() < 0.1
    assert (np.diff(air.dry_pressure_hpa) < 0).all()


def test_absorption_grows_towards_the_horizon_and_meets_the_cosecant_law_above():
    elevation = np.deg2rad([0.0, 1.0, 5.0, 10.0, 30.0, 90.0])
    loss_db = slant_absorption_db(elevation, 20e9).numpy()
    assert (np.diff(loss_db) < 0).all()
    # refraction and curvature: below 1 % from 10 degrees on (P.676-13, Annex 2: cosecant law from 5 degrees)
    np.testing.assert_allclose(loss_db[3:] * np.sin(elevation[3:]), loss_db[-1], rtol=0.04)
    np.testing.assert_allclose(loss_db[4] * np.sin(elevation[4]), loss_db[-1], rtol=0.002)


def test_rain_stops_at_the_rain_height_and_outside_its_ranges():
    common = {"exceeded_percent": 0.1, **PLACE}
    assert rain_loss_db(np.deg2rad(30.0), 20e9, station_height_km=3.5, **common) == 0.0
    assert rain_loss_db(np.deg2rad(30.0), 20e9, **{**common, "rain_rate_001_mm_h": 0.0}) == 0.0
    for frequency_hz, changed, words in (
        (60e9, {}, "60 GHz is outside"),
        (20e9, {"exceeded_percent": 10.0}, "10 % is outside"),
    ):
        with pytest.raises(ScenarioError, match=words):
            rain_loss_db(0.5, frequency_hz, **{**common, **changed})
    losses = [float(rain_loss_db(0.5, 20e9, **{**common, "exceeded_percent": p})) for p in (0.001, 0.01, 0.1, 1, 5)]
    assert losses == sorted(losses, reverse=True)


def test_tensors_and_arrays_agree_and_gradients_match_differences():
    weather = Weather(station_height_km=0.1, liquid_kg_m2=0.4, **PLACE)
    terms = tuple(term for term in LOSS_TERMS if term not in ("building", "trees"))  # these are not for tensors
    # away from the kinks at 10 degree steps, at 25 degrees (rain, low latitudes) and where the rain path turns
    for carrier_hz in (2e9, 20e9):
        options = LossOptions(terms=terms, gas_method="p676", weather=weather)
        elevation = tf.constant(np.deg2rad([12.0, 33.0, 47.0, 66.0, 84.0]))

        def total_db(elevation_rad, carrier_hz=carrier_hz, options=options):
            range_m = 600e3 / tf.sin(elevation_rad) if tf.is_tensor(elevation_rad) else 600e3 / np.sin(elevation_rad)
            return sum(path_loss_terms_db(range_m, elevation_rad, carrier_hz, "urban", False, options).values())

        with tf.GradientTape() as tape:
            tape.watch(elevation)
            loss_db = total_db(elevation)
        gradient = tape.gradient(loss_db, elevation).numpy()
        np.testing.assert_allclose(loss_db, total_db(elevation.numpy()), rtol=1e-12)
        step = 1e-6
        slope = (total_db(elevation.numpy() + step) - total_db(elevation.numpy() - step)) / (2 * step)
        # central difference of 1e-6 rad: rounding 1e-16 x 300 dB / 1e-6 = 3e-8, truncation below it
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6)


def test_lookups_of_tensors_are_those_of_arrays():
    elevation = np.deg2rad(np.linspace(10.0, 90.0, 33))
    for interpolation in ("linear", "nearest"):
        column = ("rural", "Ka", True, "muK")
        np.testing.assert_allclose(
            lookup(*column, tf.constant(elevation), interpolation),
            lookup(*column, elevation, interpolation),
            rtol=1e-12,
        )


def test_losses_into_buildings_are_quantiles():
    shares = np.linspace(0.01, 0.99, 50)
    assert (np.diff(building_entry_loss_db(0.3, 2e9, shares, "traditional")) > 0).all()
    for share, frequency_hz, kind in ((1.0, 2e9, "traditional"), (0.5, 200e9, "traditional"), (0.5, 2e9, "igloo")):
        with pytest.raises(ScenarioError):
            building_entry_loss_db(0.3, frequency_hz, share, kind)


def test_cross_polarisation_scales_below_6_ghz_and_worsens_with_rain():
    at = {"elevation_rad": 0.5, "exceeded_percent": 0.1}
    xpd = [float(cross_polar_discrimination_db(10.0, f, **at)) for f in (4e9, 6e9)]
    assert xpd[0] - xpd[1] == pytest.approx(20 * math.log10(6 / 4), abs=1e-9)  # P.618-14, 4.3
    worse = [float(cross_polar_discrimination_db(a, 20e9, **at)) for a in (1.0, 5.0, 20.0)]
    assert worse == sorted(worse, reverse=True)


def test_faraday_rotation_falls_with_the_square_of_the_frequency():
    assert faraday_rotation_rad(2e9) == pytest.approx(math.radians(27.0))  # 108 / 4 degrees
    assert faraday_rotation_rad(1e9) / faraday_rotation_rad(10e9) == pytest.approx(100.0)


def test_probability_of_rain_on_the_path_grows_with_its_length():
    high, low = (
        rain_probability_percent(e, probability_percent=5.0, rain_height_km=3.0) for e in (math.radians(80), 0.2)
    )
    assert 5.0 < high < low < 20.0


PROCESS = RainSeries(mean_log=-1.0, sigma_log=1.3, rain_probability=0.06)


def test_fit_returns_the_law_it_was_given():
    from scipy.stats import norm

    percent = np.array([0.01, 0.1, 1.0, 3.0])
    losses = np.exp(-1.0 + 1.3 * norm.isf(percent / 100.0))
    fitted = RainSeries.fitted(percent, losses, rain_probability_percent=6.0)
    assert (fitted.mean_log, fitted.sigma_log, fitted.rain_probability) == pytest.approx((-1.0, 1.3, 0.06))
    with pytest.raises(ScenarioError, match="two percentages"):
        RainSeries.fitted(percent, losses, rain_probability_percent=0.05)


@pytest.mark.parametrize("instant", [0, -1])
def test_rain_series_exceeds_what_the_law_says_at_any_instant(instant, holm):
    """False alarm 1e-3, Holm over four levels; 20000 independent series see an exceedance of 6 % off by 9 %."""
    from scipy.stats import binomtest, norm

    keys = tf.constant(np.stack([np.arange(20_000), np.full(20_000, 11)], 1), tf.uint32)
    times_s = np.array([0.0, 60.0, 61.0, 4_000.0])
    loss_db = PROCESS.draw(keys, times_s).numpy()[:, instant]
    levels = PROCESS.offset_db * np.array([1e-6, 0.3, 1.0, 3.0])
    expected = norm.sf((np.log(levels + PROCESS.offset_db) - PROCESS.mean_log) / PROCESS.sigma_log)
    p_values = [
        binomtest(int((loss_db > level).sum()), len(loss_db), share).pvalue
        for level, share in zip(levels, expected, strict=True)
    ]
    assert expected[0] == pytest.approx(0.06, rel=1e-4)
    assert not holm(p_values)


def test_rain_series_forgets_as_p1853_says(holm):
    """Correlation of the underlying Gaussian at uneven lags; false alarm 1e-3, 10000 series see 0.05 of error."""
    from scipy.stats import norm

    process = RainSeries(mean_log=0.0, sigma_log=1.0, rain_probability=1.0 - 1e-12)
    keys = tf.constant(np.stack([np.arange(10_000), np.full(10_000, 5)], 1), tf.uint32)
    times_s = np.array([0.0, 10.0, 1_000.0, 6_000.0])
    level = np.log(process.draw(keys, times_s).numpy() + process.offset_db)
    p_values = []
    for lag in (1, 2, 3):
        rho = np.exp(-2e-4 * times_s[lag])
        seen = np.corrcoef(level[:, 0], level[:, lag])[0, 1]
        z = (np.arctanh(seen) - np.arctanh(rho)) * math.sqrt(len(level) - 3)  # Fisher
        p_values.append(2 * norm.sf(abs(z)))
    assert not holm(p_values)


def test_a_place_without_maps_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "itur", None)
    with pytest.raises(ScenarioError, match=r"ntn6g\[climate\]"):
        at_location(45.0, 10.0)
