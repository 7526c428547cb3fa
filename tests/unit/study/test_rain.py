"""Rain along a pass: the law of its draws, that the budget loses it, what is refused.

Statistical test: false alarm 1e-3; the smallest error seen with 90 % power is in its docstring.
"""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from ntn6g.channel.loss.weather import rain_loss_db
from ntn6g.channel.loss.weather.series import correlated_deviates
from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build
from ntn6g.study.build.rain import attenuation_db, rain_along_db, rain_processes

WEATHER = {"rain_rate_001_mm_h": 40.0, "rain_height_km": 3.2, "rain_probability_percent": 4.0}
LATITUDE_DEG = 45.0


def asked(weather=WEATHER, seed=1, losses=None, **track):
    return from_mapping(
        {
            "schema": 1,
            "study": "pass",
            "name": "test",
            "seed": seed,
            "platforms": {
                "leo": {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": "2026-01-01T00:00:00Z"}
            },
            "terminals": {"ue": {"latitude_deg": LATITUDE_DEG, "longitude_deg": 10.0}},
            "at": {"pass": {"after": "2026-01-01T00:00:00Z", "min_culmination_deg": 70, "within_days": 15}},
            "channel": {
                "carrier_ghz": 20,
                "fading": {"kind": "awgn"},
                "weather": weather,
                "losses": {} if losses is None else losses,
            },
            "link": {"resource_blocks": 25, "mcs": 10},
            "power": {"budget": {"eirp_density_dbw_mhz": 4, "gt_dbk": 15}},
            "track": {"step_s": 10, **track},
        }
    )


def test_the_share_of_draws_above_an_annual_statistic_is_that_share_of_time():
    """30000 draws at 0.3 and 1 % of the year at 40 degrees: z below 3.5."""
    elevation = np.radians([40.0])
    processes = rain_processes(asked(rain="drawn"), elevation)
    count = 30_000
    keys = tf.constant(np.stack([np.arange(count), np.full(count, 3)], 1), tf.uint32)
    losses = attenuation_db(processes, correlated_deviates(keys, np.zeros(1)).numpy().astype(float))[:, 0]
    rainy = processes[0].rain_probability
    assert 0.04 < rainy < 0.15  # on the path more often than at the station
    for share in (0.003, 0.01):
        annual_db = float(
            rain_loss_db(
                elevation[0],
                20e9,
                exceeded_percent=100.0 * share,
                rain_rate_001_mm_h=40.0,
                rain_height_km=3.2,
                latitude_rad=math.radians(LATITUDE_DEG),
            )
        )
        # what the log-normal law itself says of that attenuation, within its least-squares fit of the statistics
        fitted = processes[0]
        law = stats.norm.sf((math.log(annual_db + fitted.offset_db) - fitted.mean_log) / fitted.sigma_log)
        assert law == pytest.approx(share, rel=0.4)  # a log-normal law over three decades of share
        assert abs((losses > annual_db).mean() - law) < 3.5 * math.sqrt(law / count)
    assert abs((losses > 0.0).mean() - rainy) < 3.5 * math.sqrt(rainy / count)


def test_one_weather_drives_all_elevations_and_it_rains_at_the_top():
    elevation = np.radians(np.concatenate([np.linspace(10, 80, 30), np.linspace(79, 10, 30)]))
    times = np.arange(60) * 10.0
    loss_db = rain_along_db(asked(rain="drawn"), elevation, times)
    assert loss_db[29] > 0.0
    # over ten minutes of a process that remembers for 5000 s, the path's length decides: low elevations lose more
    assert loss_db[0] > loss_db[29]
    np.testing.assert_array_equal(loss_db, rain_along_db(asked(rain="drawn"), elevation, times))
    assert not np.array_equal(loss_db, rain_along_db(asked(seed=2, rain="drawn"), elevation, times))


def test_the_budget_of_a_pass_loses_the_rain_of_its_instants():
    dry, wet = (build(asked(rain=rain))[0].series()[0] for rain in ("none", "drawn"))
    assert "rain_loss_db" not in dry
    assert wet["rain_loss_db"].max() > 0.0
    np.testing.assert_allclose(wet["snr_db"], dry["snr_db"] - wet["rain_loss_db"], rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": {"rain": True}}, "track.rain: drawn beside channel.losses.rain"),
        ({"weather": WEATHER | {"rain_rate_001_mm_h": 0.0}}, "channel.weather.rain_probability_percent"),
        ({"weather": WEATHER | {"rain_probability_percent": 1e-4}}, "channel.weather.rain_probability_percent"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(changes, message):
    with pytest.raises(ScenarioError, match=message):
        build(asked(rain="drawn", **changes))
