"""Study `multistatic`: positions from echoes over several paths, against bounds, geometry and the radar equation."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, chi2
from tensorflow.python.framework import kernels

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build.sensing import MultistaticStudy
from ntn6g.study.engine import Tally

EPOCH = "2026-04-25T12:00:00Z"
LIGHT_M_S = 299_792_458.0
PLATFORMS = {
    "sat": {
        "kind": "circular",
        "altitude_km": 600,
        "inclination_deg": 53,
        "raan_deg": 43,
        "argument_of_latitude_deg": 40,
        "epoch": EPOCH,
    },
    "ship": {
        "kind": "mobile",
        "latitude_deg": 31.335,
        "longitude_deg": 32.32,
        "speed_kmh": 36,
        "course_deg": 80,
        "epoch": EPOCH,
    },
}
TERMINALS = {
    "coast": {"latitude_deg": 31.3, "longitude_deg": 32.3, "altitude_m": 30},
    "cape": {"latitude_deg": 31.32, "longitude_deg": 32.36, "altitude_m": 30},
}
ORBITAL = {"transmitter": "sat", "receiver": "coast", "eirp_dbw": 47.0, "receive_gain_dbi": 12.0, "cancelled_db": 60.0}
RADAR = {"transmitter": "coast", "receiver": "coast", "eirp_dbw": 0.0, "receive_gain_dbi": 12.0, "loss_db": 10.0}
OTHER = RADAR | {"transmitter": "cape", "receiver": "cape"}


def scenario(stop=64, sweep=None, **multistatic):
    given = {
        "target": "ship",
        "start": EPOCH,
        "carrier_ghz": 2.0,
        "bandwidth_mhz": 20.0,
        "integration_ms": 100.0,
        "cross_section_dbsm": 35.0,
        "swerling": 0,
        "delay_cells": 24,
        "doppler_cells": 8,
        "paths": {"orbital": ORBITAL, "radar": RADAR, "other": OTHER},
        "sets": {"ground": ["radar", "other"], "together": ["orbital", "radar", "other"]},
    }
    given = {key: value for key, value in (given | multistatic).items() if value is not None}
    raw = {"schema": 1, "study": "multistatic", "name": "t", "platforms": PLATFORMS, "terminals": TERMINALS}
    raw |= {"multistatic": given, "stop": {"max_blocks": stop}, "engine": {"batch": 64}}
    return raw | ({"sweep": sweep} if sweep else {})


def study(*args, **kwargs):
    return MultistaticStudy("", from_mapping(scenario(*args, **kwargs)))


def rows(asked, frames):
    step = asked.recipe(asked.points[0].structure)()
    found = []
    for point in asked.points:
        tally = Tally()
        for first in range(0, frames // 32, step.chunks_per_batch):
            for chunk in step([(point.work, first + k) for k in range(step.chunks_per_batch)]):
                tally.add(chunk)
        found.append({**point.axes, **asked.row(point, tally, "max_blocks")})
    assert step.compile_count == 1
    return found, step


@pytest.fixture(scope="module")
def measured():
    asked = study(sweep={"grid": {"multistatic.cross_section_dbsm": [5.0, 35.0]}})
    return asked, *rows(asked, 1024)


def test_errors_of_fixes_are_those_of_the_bound_and_their_ellipses_hold_95_percent(measured, holm):
    _, (_, strong), _ = measured
    p_values = []
    for name in ("ground", "together"):
        assert strong[f"{name}_fix_probability"] == 1.0
        # 2 x 1024 normal errors; with unequal axes their squares have at least 1024 degrees: 90 % power for 12 %
        ratio = (strong[f"{name}_position_rmse_m"] / strong[f"{name}_position_crlb_m"]) ** 2
        p_values.append(2 * min(chi2.cdf(1024 * ratio, 1024), chi2.sf(1024 * ratio, 1024)))
        p_values.append(binomtest(round(strong[f"{name}_ellipse_coverage"] * 1024), 1024, 0.95).pvalue)
    assert not holm(p_values), strong
    assert strong["together_position_crlb_m"] <= strong["ground_position_crlb_m"]
    # 95 % of a normal law in two dimensions: sqrt(5.99) deviations along both axes
    squares = strong["together_semi_major_m"] ** 2 + strong["together_semi_minor_m"] ** 2
    assert np.sqrt(squares / 5.991464547) == pytest.approx(strong["together_position_crlb_m"], rel=1e-6)


def test_the_strength_of_an_echo_is_the_radar_equation_with_what_is_left_of_the_direct_path(measured):
    _, (_, strong), _ = measured
    wavelength_m = LIGHT_M_S / 2e9
    there, back = strong["orbital_transmit_range_m"], strong["orbital_receive_range_m"]
    echo = 10 ** ((47 + 12 + 35) / 10) * wavelength_m**2 / ((4 * np.pi) ** 3 * there**2 * back**2)
    # the baseline differs from the path over the target by the excess
    direct = 10 ** ((47 + 12) / 10) * (wavelength_m / (4 * np.pi * (there + back - strong["orbital_excess_m"]))) ** 2
    noise = 1.380649e-23 * 290.0 * 20e6 * 10**0.7 + direct * 1e-6
    assert strong["orbital_image_snr_db"] == pytest.approx(10 * np.log10(echo / noise * 20e6 * 0.1), abs=1e-6)
    assert 590e3 < there < 900e3
    assert strong["radar_excess_m"] == pytest.approx(2 * back)


def test_a_weak_target_is_missed_and_fixes_need_two_paths(measured):
    _, (weak, strong), _ = measured

    assert weak["orbital_detection_probability"] < strong["orbital_detection_probability"] == 1.0
    assert weak["ground_fix_probability"] <= min(
        weak["radar_detection_probability"], weak["other_detection_probability"]
    )
    assert weak["together_fix_probability"] >= weak["ground_fix_probability"]


def test_what_is_cancelled_matters_until_noise_decides():
    sweep = {"grid": {"multistatic.paths.orbital.cancelled_db": [0.0, 20.0, 60.0, 80.0]}}
    asked = study(sweep=sweep, paths={"orbital": ORBITAL}, sets={})

    snr = [point.facts["orbital_image_snr_db"] for point in asked.points]
    assert snr == sorted(snr)
    assert snr[1] - snr[0] > 10.0
    assert snr[3] - snr[2] < 0.1


def test_a_satellite_below_the_horizon_is_not_seen_and_its_path_is_no_error():
    asked = study(sweep={"grid": {"multistatic.at_s": [0.0, 2900.0]}})

    assert [point.facts["orbital_seen"] for point in asked.points] == [True, False]
    assert asked.points[1].work.snr[0] == 0.0
    assert asked.points[1].facts["orbital_image_snr_db"] is None
    assert asked.points[1].facts["together_position_crlb_m"] == pytest.approx(
        asked.points[1].facts["ground_position_crlb_m"], rel=1e-3
    )


def test_the_plan_lies_in_the_plane_of_the_target():
    (plan,) = study().series()

    # the coast lies 0.035 degrees south and 0.02 degrees west of the ship
    np.testing.assert_allclose(plan["receiver_plan_m"][0], [-1.9e3, -3.88e3], atol=60.0)
    assert json.loads(str(plan["axes"])) == {}
    assert plan["ellipses"].shape == (2, 3)


def test_every_op_of_the_step_compiles_for_a_gpu(measured):
    asked, _, step = measured
    tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))  # registers the kernels
    concrete = step.compiled.get_concrete_function(*step.arguments([(asked.points[0].work, k) for k in (0, 1)]))

    definition = concrete.graph.as_graph_def()
    ops = {node.op for node in definition.node} - {"Placeholder"}
    for function in definition.library.function:
        ops |= {node.op for node in function.node_def}
    ops -= {function.signature.name for function in definition.library.function}
    without = {
        op
        for op in ops
        if not any(k.device_type == "XLA_GPU_JIT" for k in kernels.get_registered_kernels_for_op(op).kernel)
    }
    assert "Cholesky" in ops
    assert without == set()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "boat"}, "multistatic.target: 'boat' is no platform or terminal; known: sat, ship, coast, cape"),
        ({"paths": {"a": ORBITAL | {"receiver": "shore"}}, "sets": {}}, "multistatic.paths.a.receiver: 'shore' is no"),
        ({"paths": {"a": RADAR | {"receiver": "ship"}}, "sets": {}}, "path a ends at the target ship"),
        ({"paths": {"a": ORBITAL | {"cancelled_db": None}}, "sets": {}}, "path a needs cancelled_db"),
        ({"paths": {"a": RADAR | {"cancelled_db": 20.0}}, "sets": {}}, "path a is monostatic and has no direct path"),
        ({"sets": {"one": ["radar"]}}, "set one has 1 path; a position in 2 dimensions needs 2"),
        ({"sets": {"one": ["radar", "sonar"]}}, "set one names a path 'sonar'; known: orbital, radar, other"),
    ],
)
def test_scenes_that_cannot_be_are_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError) as refused:
        study(**changes)
    assert words in str(refused.value)
    assert str(refused.value).startswith("multistatic")
    assert "\n" not in str(refused.value)


def test_a_constellation_is_no_transmitter():
    raw = scenario()
    raw["platforms"] = PLATFORMS | {
        "sat": {
            "kind": "walker",
            "altitude_km": 600,
            "inclination_deg": 53,
            "satellites": 4,
            "planes": 2,
            "epoch": EPOCH,
        }
    }
    with pytest.raises(
        ScenarioError, match="'sat' holds several satellites; give one of them as a platform of its own"
    ):
        MultistaticStudy("", from_mapping(raw))
