"""Study `sensing` with an array and over frames: errors against bounds, innovations against their law."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import solve_discrete_are
from scipy.stats import chi2, norm
from tensorflow.python.framework import kernels

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.study.build.sensing import SensingStudy
from ntn6g.study.build.sensing.step import make_tracks
from ntn6g.study.engine import Tally


def study(blocks, sweep=None, **sensing):
    car = {"range_m": 45.0, "velocity_m_s": 20.0}
    given = {"targets": {"car": car}, "image_snr_db": 25.0, "resource_blocks": 3, "symbols": 14} | sensing
    given.setdefault("detector", {"training": 4, "guard": 1})
    raw = {"schema": 1, "study": "sensing", "name": "t", "seed": 5, "sensing": given, "stop": {"max_blocks": blocks}}
    return SensingStudy("", from_mapping(raw | ({"sweep": sweep} if sweep else {}) | {"engine": {"batch": 64}}))


def rows(asked, step=None):
    """Rows of a study of one structure, computed chunk by chunk as a run does."""
    step, found = step or asked.recipe(asked.points[0].structure)(), []
    for point in asked.points:
        tally = Tally()
        for first in range(0, asked.rule.max_chunks, step.chunks_per_batch):
            for chunk in step([(point.work, first + k) for k in range(step.chunks_per_batch)]):
                tally.add(chunk)
        found.append({**point.axes, **asked.row(point, tally, "max_blocks")})
    assert step.compile_count == 1
    return found


def outside(ratio, trials, low, high):
    """P-value of the hypothesis that the root mean square over its bound lies between these limits."""
    total = trials * ratio**2
    return min(1.0, 2.0 * min(chi2.cdf(total / low**2, trials), chi2.sf(total / high**2, trials)))


CAR = {"car": {"range_m": 45.0, "velocity_m_s": 20.0, "angle_deg": 25.0}}


def test_range_velocity_and_angle_of_an_array_are_measured_at_their_bound(holm):
    # total image SNR of six antennas is 7.8 dB more: 18 to 35 dB; 512 trials find 0.80 or 1.29 with 90 % power
    asked = study(512, {"grid": {"sensing.image_snr_db": [-2.0, 10.3, 18.0, 27.2]}}, targets=CAR, array={"antennas": 6})

    lost, *found = rows(asked)

    p_values = [
        outside(row[f"{axis}_rmse_over_crlb"], 512, 0.9, 1.15)
        for row in found
        for axis in ("range", "velocity", "angle")
    ]
    assert not holm(p_values), found
    assert lost["angle_rmse_over_crlb"] > 3.0  # below the threshold
    # of a line of L samples of a phasor, each of SNR eta: 6 / (eta L (L^2 - 1)) (D. C. Rife and R. R. Boorstyn, 1974)
    eta = 10.0 ** (18.0 / 10.0)
    sine = np.sqrt(6.0 / (2.0 * eta * 6 * (36 - 1))) / np.pi * np.sqrt(2.0)
    point = asked.points[2]
    u, reach = np.sin(np.radians(25.0)), 1.0 / 6.0
    drawn = np.linspace(u - reach, u + reach, 20_001)
    assert found[1]["angle_crlb_deg"] == pytest.approx(
        np.degrees(sine * np.sqrt(np.mean(1.0 / (1.0 - drawn**2)))), rel=1e-3
    )
    assert point.facts["sensed_image_snr_db"] == pytest.approx(18.0 + 10.0 * np.log10(6.0))


TRACKING = {"frames": 12, "interval_ms": 50.0, "acceleration_density_m2_s3": 4.0}


@pytest.fixture(scope="module")
def tracked():
    """Rows of a filter that is right, of two that are not, and of one without echoes to speak of."""
    grid = {"sensing.image_snr_db": [25, 25, 25, 5], "sensing.tracking.assumed_density_m2_s3": [4.0, 0.01, 1e3, 4.0]}
    car = {"car": {"range_m": 50.0, "velocity_m_s": 10.0}}
    asked = study(256, {"zip": grid}, targets=car, tracking=TRACKING, detector={"training": 4, "false_alarm": 1e-3})
    return rows(asked)


def test_a_filter_that_knows_its_target_has_innovations_as_chi_squared(tracked):
    right = tracked[0]

    # two degrees of freedom, cut off at the gate of 99.9 %
    gate = chi2.ppf(0.999, 2)
    law = chi2(2)
    design = law.expect(lambda x: x, ub=gate) / law.cdf(gate)
    assert right["innovation_design"] == pytest.approx(design, rel=1e-4)
    # 2816 innovations of deviation 2: 0.12 are 3.3 standard errors
    error = (right["innovation_mean_high"] - right["innovation_mean_low"]) / (2 * norm.ppf(0.975))
    assert abs(right["innovation_mean"] - design) < 3.29 * error
    error = (right["state_error_mean_high"] - right["state_error_mean_low"]) / (2 * norm.ppf(0.975))
    assert abs(right["state_error_mean"] - 2.0) < 3.29 * error  # of the last state: two numbers
    assert 0.0 <= right["innovations_rejected"] < 0.006  # one in a thousand: 2.8 expected, at most 14 at 1e-6


def test_tracks_are_kept_and_end_at_the_posterior_bound(tracked):
    right = tracked[0]

    assert right["tracks_kept"] > 0.98
    for name, unit in (("range", "m"), ("velocity", "m_s")):
        value, bound = right[f"tracked_{name}_rmse_{unit}"], right[f"tracked_{name}_crlb_{unit}"]
        assert 0.9 * bound < value < 1.15 * bound  # 256 tracks of six frames that hang together: 4 % standard error
        assert value < 0.8 * right[f"{name}_rmse_{unit}"]  # better than a frame by itself


def test_a_filter_that_mistakes_its_target_shows_it_and_pays(tracked):
    right, stiff, loose, _ = tracked

    assert stiff["innovation_mean_low"] > right["innovation_mean_high"]
    assert loose["innovation_mean_high"] < right["innovation_mean_low"]
    assert loose["tracked_velocity_rmse_m_s"] > 1.3 * right["tracked_velocity_rmse_m_s"]


PLANE = {"frames": 12, "interval_ms": 50.0, "acceleration_density_m2_s3": 4.0, "crossing_m_s": 6.0}


@pytest.fixture(scope="module")
def plane():
    """Study and step of a filter over range, velocity and angle that is right, and one for steady targets."""
    grid = {"sensing.image_snr_db": [18, 18], "sensing.tracking.assumed_density_m2_s3": [4.0, 0.01]}
    car = {"car": {"range_m": 60.0, "velocity_m_s": 5.0, "angle_deg": 20.0}}
    asked = study(256, {"zip": grid}, targets=car, tracking=PLANE, array={"antennas": 6})
    return asked, asked.recipe(asked.points[0].structure)()


@pytest.mark.slow  # a minute of compiling; the filter's own law is held by tests/physics/test_sensing_scene.py
def test_a_target_that_crosses_is_tracked_in_its_plane_at_the_posterior_bound(plane):
    right, stiff = rows(*plane)

    assert right["tracks_kept"] > 0.98
    for name, unit in (("range", "m"), ("velocity", "m_s"), ("angle", "deg")):
        value, bound = right[f"tracked_{name}_rmse_{unit}"], right[f"tracked_{name}_crlb_{unit}"]
        assert 0.88 * bound < value < 1.15 * bound, name  # 256 tracks of six frames that hang together: 4 %
        assert value < 0.8 * right[f"{name}_rmse_{unit}"]
    # states of four numbers, innovations of three, which end at the gate of 99.9 %: chi-squared, 1e-3 each
    law = chi2(3)
    gate = law.ppf(0.999)
    design = law.expect(lambda x: x, ub=gate) / law.cdf(gate)
    assert right["innovation_design"] == pytest.approx(design, rel=1e-4)
    for measured, expected in (("innovation_mean", design), ("state_error_mean", 4.0)):
        error = (right[f"{measured}_high"] - right[f"{measured}_low"]) / (2 * norm.ppf(0.975))
        assert abs(right[measured] - expected) < 3.29 * error
    assert stiff["state_error_mean_low"] > right["state_error_mean_high"]


def test_every_op_of_a_track_by_an_array_compiles_for_a_gpu(plane):
    asked, step = plane
    tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))  # registers the kernels
    work = asked.points[0].work

    definition = step.compiled.get_concrete_function(
        *step.arguments([(work, k) for k in range(step.chunks_per_batch)])
    ).graph.as_graph_def()

    ops = {node.op for node in definition.node} - {"Placeholder"}
    ops |= {node.op for function in definition.library.function for node in function.node_def}
    ops -= {function.signature.name for function in definition.library.function}
    assert "Asin" in ops
    assert not {
        op
        for op in ops
        if not any(k.device_type == "XLA_GPU_JIT" for k in kernels.get_registered_kernels_for_op(op).kernel)
    }


def test_without_echoes_there_are_no_tracks(tracked):
    assert tracked[3]["tracks_kept"] < 0.5
    assert tracked[3]["detection_probability"] < 0.5


def test_the_posterior_bound_of_a_long_track_is_the_steady_state_of_the_riccati_equation():
    point = study(32, targets=CAR | {"car": {"range_m": 45.0, "velocity_m_s": 0.0}}, tracking=TRACKING).points[0]
    short = make_tracks(point.structure)
    snr, density, t = point.work.targets[0][2], 4.0, 0.05
    short.frames = 400

    found = short.bound(snr, density, (45.0, 0.0, 0.0))

    turn = np.array([[1.0, -t], [0.0, 1.0]])
    process = density * np.array([[t**3 / 3, -(t**2) / 2], [-(t**2) / 2, t]])
    noise = np.diag([point.facts["range_crlb_m"] ** 2, point.facts["velocity_crlb_m_s"] ** 2])
    foretold = solve_discrete_are(turn.T, np.eye(2), process, noise)
    steady = foretold - foretold @ np.linalg.solve(foretold + noise, foretold)
    assert found == pytest.approx(np.sqrt(np.diag(steady)), rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": CAR}, "has angle_deg 25, but one antenna sees none; give array"),
        ({"targets": {"car": {"angle_deg": 75.0}}, "array": {"antennas": 4}}, "nearer than half a beam to the line"),
        ({"array": {"antennas": 4}, "cancel": "static"}, "cancel reaches one antenna only"),
        ({"tracking": {}, "targets": {}, "image_snr_db": None}, "0 targets; a track follows one"),
        ({"tracking": {}, "targets": {"a": {}, "b": {}}}, "tracking follows one target, not 2"),
        ({"tracking": {}, "estimator": "lmmse"}, "estimator lmmse changes"),
        ({"tracking": {"crossing_m_s": -1.0}}, "-1 is too small; the limit is 0 m/s"),
        ({"tracking": {"crossing_m_s": 5.0}}, "a velocity that only an array sees"),
        ({"tracking": {}, "array": {}, "geometry": "bistatic"}, "follows places about the radar"),
        (
            {"tracking": {"crossing_m_s": 40.0, "frames": 8}, "targets": CAR, "array": {"antennas": 4}},
            "to the line of antennas after",
        ),
        ({"tracking": {"interval_ms": 0.01}}, "but a frame lasts 0.125 ms"),
        ({"tracking": {"frames": 200}}, "comes nearer than where the window opens"),
        ({"tracking": {"acceleration_density_m2_s3": 1e4}}, "comes nearer than where the window opens"),
    ],
)
def test_arrays_and_tracks_that_cannot_be_are_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError) as refused:
        study(32, **changes)
    assert words in str(refused.value)
    assert str(refused.value).startswith("sensing")
    assert "\n" not in str(refused.value)
