"""Study `sensing`: what its columns mean, what it refuses, and that its step is made for a GPU."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, chi2
from tensorflow.python.framework import kernels

from ntn6g.core.errors import ScenarioError
from ntn6g.scenario import from_mapping
from ntn6g.services.sensing import Surroundings
from ntn6g.study.build.sensing import SensingStudy
from ntn6g.study.build.sensing.step import make_frame
from ntn6g.study.engine import Tally

LIGHT_M_S = 299_792_458.0


def study(stop=64, sweep=None, **sensing):
    given = {"targets": {"car": {"range_m": 30.0, "velocity_m_s": 20.0}}, "image_snr_db": 25.0, "resource_blocks": 3}
    given = {key: value for key, value in (given | {"symbols": 14} | sensing).items() if value is not None}
    given.setdefault("detector", {"training": 4, "guard": 1})
    raw = {"schema": 1, "study": "sensing", "name": "t", "sensing": given, "stop": {"max_blocks": stop}}
    return SensingStudy("", from_mapping(raw | ({"sweep": sweep} if sweep else {}) | {"engine": {"batch": 64}}))


def rows(asked):
    """Rows of a study, computed chunk by chunk as a run does."""
    found = []
    for structure in dict.fromkeys(point.structure for point in asked.points):
        step = asked.recipe(structure)()
        for point in [each for each in asked.points if each.structure == structure]:
            tally = Tally()
            for first in range(0, asked.rule.max_chunks, step.chunks_per_batch):
                for chunk in step([(point.work, first + k) for k in range(step.chunks_per_batch)]):
                    tally.add(chunk)
            found.append({**point.axes, **asked.row(point, tally, "max_blocks")})
        assert step.compile_count == 1
    return found


def as_designed(row):
    """Whether counted false alarms deviate by less than 3.29 standard errors, 1e-3, from their interval of 95 %."""
    error = (row["false_alarm_rate_high"] - row["false_alarm_rate_low"]) / (2 * 1.96)
    return abs(row["false_alarm_rate"] - row["false_alarm_design"]) < 3.29 * error


def test_a_single_target_is_measured_at_its_bound_and_found_as_the_closed_form_says():
    # Swerling 1 in the middle of a cell: range cells of 34.7 m, velocity cells of 42.8 m/s at 28 GHz
    on_grid = {"car": {"range_m": 2 * LIGHT_M_S / 2 / (36 * 120e3), "velocity_m_s": 0.0}}
    asked = study(4096, targets=on_grid, spread_cells=0.0, swerling=1, padding=1, image_snr_db=14.0)

    (row,) = rows(asked)

    # 90 % power for an error of 0.03
    assert binomtest(round(row["detection_probability"] * 4096), 4096, row["detection_theory"]).pvalue > 1e-3
    assert as_designed(row)
    assert row["floor_theory_db"] == pytest.approx(0.0, abs=1e-6)  # equal moduli: noise alone
    assert row["floor_db_low"] - 0.01 < 0.0 < row["floor_db_high"] + 0.01
    assert row["range_cell_m"] == pytest.approx(34.70, abs=0.01)
    assert row["velocity_cell_m_s"] == pytest.approx(42.83, abs=0.01)


def test_points_of_one_structure_share_a_program_and_the_error_follows_the_bound():
    asked = study(512, sweep={"grid": {"sensing.image_snr_db": [24, 34], "sensing.detector.false_alarm": [1e-3, 0.1]}})

    found = rows(asked)

    assert len(found) == 4
    for row in found:
        # 512 squared errors, chi-squared: 1e-3 over the eight of this test
        low, high = np.sqrt(chi2.ppf([6e-5, 1 - 6e-5], 512) / 512)
        assert low < row["range_rmse_over_crlb"] < high
        assert low < row["velocity_rmse_over_crlb"] < high
        assert row["range_rmse_m"] / row["range_crlb_m"] == pytest.approx(row["range_rmse_over_crlb"])
        assert row["range_rmse_m_low"] < row["range_rmse_m"] < row["range_rmse_m_high"]
        assert abs(row["range_bias_m"]) < 0.2 * row["range_rmse_m"]
    assert found[0]["range_rmse_m"] == found[1]["range_rmse_m"]  # equal draws, another threshold
    assert found[0]["false_alarm_rate"] < found[1]["false_alarm_rate"]
    assert found[0]["range_crlb_m"] / found[2]["range_crlb_m"] == pytest.approx(10**0.5)


def test_intervals_of_the_error_cover_it():
    # 200 studies would be long: the interval of a mean square of normal errors, on synthetic sums
    rng, inside = np.random.default_rng(4), 0
    asked = study()
    point = asked.points[0]
    truth = point.metres_per_s * point.structure.grid.delay_cell_s * 0.03
    for _ in range(1000):
        errors = 0.03 * rng.normal(size=256)
        sums = {f"{name}_{k}": float(np.sum(errors**k)) for name in ("delay", "doppler") for k in (1, 2, 4)}
        sums |= {"floor_1": 256.0, "floor_2": 256.0}
        counts = dict.fromkeys(("found", "false_alarms", "false_alarms_squared"), 0)
        row = asked.row(point, Tally(8, {"blocks": 256, "quiet_cells": 256, **counts}, sums), None)
        inside += row["range_rmse_m_low"] <= truth <= row["range_rmse_m_high"]

    assert 0.93 <= inside / 1000 <= 0.97


def test_bistatic_ranges_are_twice_as_long_per_delay():
    mono, bistatic = (study(geometry=kind, spread_cells=0.0).points[0] for kind in ("monostatic", "bistatic"))

    assert mono.facts["range_cell_m"] * 2 == pytest.approx(bistatic.facts["range_cell_m"])
    assert mono.facts["velocity_crlb_m_s"] * 2 == pytest.approx(bistatic.facts["velocity_crlb_m_s"])
    assert mono.work.targets[0][0] == pytest.approx(2 * 30.0 / LIGHT_M_S)
    assert bistatic.work.targets[0][1] == pytest.approx(20.0 * 28e9 / LIGHT_M_S)


def test_pilots_alone_fold_earlier_and_know_less():
    pilots = study(knows_data=False, comb=4, pilot_share=0.25, resource_blocks=6).points[0].facts
    everything = study(knows_data=True, comb=4, pilot_share=0.25, resource_blocks=6).points[0].facts

    assert pilots["unambiguous_range_m"] == pytest.approx(LIGHT_M_S / 2 / (4 * 120e3))
    assert everything["sensed_image_snr_db"] - pilots["sensed_image_snr_db"] == pytest.approx(10 * np.log10(4))
    assert pilots["range_crlb_m"] / everything["range_crlb_m"] == pytest.approx(2.0, rel=0.01)  # comb ends 3 short


def test_a_scene_of_noise_has_false_alarms_only():
    (row,) = rows(study(2048, targets={}, image_snr_db=None, padding=1, detector={"training": 4, "false_alarm": 0.01}))

    assert as_designed(row)
    assert row["false_alarm_design"] == 0.01
    assert not {"detection_probability", "range_rmse_m", "sensed_image_snr_db"} & row.keys()


def test_the_picture_shows_the_target_where_it_is():
    (series,) = study(picture=True, spread_cells=0.0, image_snr_db=25.0).series()

    row, column = np.unravel_index(series["map_db"].argmax(), series["map_db"].shape)
    assert np.all(np.diff(series["velocity_m_s"]) > 0)
    assert series["declared"][row, column]
    # half a padded cell
    assert series["range_m"][column] == pytest.approx(series["target_range_m"][0], abs=34.7 / 4 + 0.01)
    assert series["velocity_m_s"][row] == pytest.approx(series["target_velocity_m_s"][0], abs=42.8 / 4 + 0.01)
    assert json.loads(str(series["axes"])) == {}


def test_chunks_depend_on_neither_their_order_nor_their_neighbours():
    asked = study(sweep={"zip": {"sensing.image_snr_db": [5, 20], "sensing.targets.car.range_m": [30, 60]}})
    step, (one, other) = asked.recipe(asked.points[0].structure)(), [point.work for point in asked.points]

    first, second = step([(one, 3), (other, 5)])

    again, turned = step([(other, 5), (one, 3)])
    assert (first.counts, first.sums) == (turned.counts, turned.sums)
    assert (second.counts, second.sums) == (again.counts, again.sums)
    assert step([(one, 3), (one, 4)])[0].counts == first.counts


SURROUNDED = {
    "direct": {"over_noise_db": 30.0, "distortion_db": -30.0},
    "clutter": {"over_noise_db": 10.0, "to_m": 60.0},
    "platform": {"velocity_m_s": 3.0},
    "cancel": "static",
    "waveform": "otfs",
}


PAIR = {"targets": {"one": {"range_m": 20.0}, "other": {"range_m": 60.0}}}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("ca", PAIR | {"method": "clean"}),
        ("os", PAIR | {"method": "music"}),
        ("go", SURROUNDED),
        ("ca", PAIR | {"method": "esprit"}),
    ],
)
def test_every_op_of_the_step_compiles_for_a_gpu(kind, more):
    tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))  # registers the kernels
    asked = study(swerling=3, estimator="lmmse", detector={"kind": kind, "training": 4}, modulation="16qam", **more)
    step, work = asked.recipe(asked.points[0].structure)(), asked.points[0].work

    concrete = step.compiled.get_concrete_function(*step.arguments([(work, 0), (work, 1)]))

    definition = concrete.graph.as_graph_def()
    ops = {node.op for node in definition.node} - {"Placeholder"}
    for function in definition.library.function:
        ops |= {node.op for node in function.node_def}
    ops -= {function.signature.name for function in definition.library.function}
    assert "IFFT2D" in ops
    without = {
        op
        for op in ops
        if not any(k.device_type == "XLA_GPU_JIT" for k in kernels.get_registered_kernels_for_op(op).kernel)
    }
    assert without == set()


def test_identity_follows_the_physics_alone():
    one, other = study(), study(picture=True)
    assert one.points[0].identity == other.points[0].identity
    changed = study(padding=3)
    assert changed.points[0].identity != one.points[0].identity
    assert dataclasses.replace(changed.points[0].structure, padding=2) == one.points[0].structure


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_snr_db": None}, "exactly one of image_snr_db, snr_db, budget"),
        ({"snr_db": 3.0}, "at most one of image_snr_db, snr_db, budget"),
        ({"targets": {}}, "sensing.targets: the strength of echoes is given, but no target"),
        ({"targets": {"car": {"range_m": 120.0}}}, "beyond the cyclic prefix of 595 ns, which reaches 89 m"),
        ({"targets": {"car": {"velocity_m_s": 90.0}}}, "inter-carrier interference of -9.8 dB of the echo"),
        ({"image_snr_db": 60.0}, "dB of the noise"),
        ({"detector": {"training": 40}}, "cells of training and guard on an axis of 72 cells of delay"),
        ({"detector": {"kind": "so"}}, "choose ca, os, go, known-noise or learned"),
        ({"pilot_share": 0.5, "comb": 1}, "every element is a pilot"),
        ({"pilot_share": 0.0, "knows_data": False}, "nothing to sense with"),
        ({"pilot_share": 0.2, "communication": {}}, "communication needs exactly one of snr_db and frame_snr_db"),
        ({"targets": {"car": {"range_m": 10.0}}}, "comes nearer than where the window opens, 0 m"),
        ({"opens_at_m": 40.0}, "target car at 30 m is nearer than opens_at_m 40"),
        ({"targets": {"car": {"kind": "agv", "cross_section_dbsm": 1.0}}}, "both a kind and cross_section_dbsm"),
        ({"targets": {"car": {"aspect_deg": 90.0}}}, "an aspect but no kind"),
        ({"targets": {"car": {"kind": "agv"}}, "swerling": 1}, "by its class, and by swerling 1 again"),
        ({"direct": {"over_noise_db": 60.0, "range_m": 5.0}, "opens_at_m": 10.0}, "direct.range_m 5 lies before"),
        ({"clutter": {"over_noise_db": 20.0, "from_m": 50.0, "to_m": 40.0}}, "clutter from 50 to 40 m"),
        ({"clutter": {"over_noise_db": 20.0, "to_m": 120.0}}, "sensing.clutter.to_m: an echo 801 ns late"),
        ({"clutter": {"over_noise_db": 50.0, "to_m": 60.0, "spread_m_s": 9.0}}, "-22.3 dB of the clutter"),
        ({"platform": {"velocity_m_s": 90.0, "compensated": False}}, "inter-carrier interference of -8"),
        ({"waveform": "otfs", "estimator": "zf"}, "choose matched or lmmse"),
        ({"waveform": "otfs", "estimator": "lmmse", "pilot_share": 0.5}, "pilots need comb 1 and symbol_step above 1"),
        (
            {"symbols": 4096, "targets": {"car": {"velocity_m_s": 10.0}}, "resource_blocks": 275},
            "cells of range during",
        ),
        ({"budget": {"eirp_dbw": 20.0}}, "at most one of image_snr_db, snr_db, budget"),
        (
            {"image_snr_db": None, "budget": {"eirp_dbw": 20.0}, "geometry": "bistatic"},
            "that of a monostatic radar, not bistatic",
        ),
    ],
)
def test_scenes_that_cannot_be_are_refused_in_one_line(changes, words):
    with pytest.raises(ScenarioError) as refused:
        study(**changes)
    assert words in str(refused.value)
    assert str(refused.value).startswith("sensing")
    assert "\n" not in str(refused.value)


def test_the_trade_between_sensing_and_communication_has_its_two_ends():
    asked = study(
        64,
        knows_data=False,
        comb=2,
        symbol_step=2,
        detector={"training": 2, "guard": 1},
        image_snr_db=32.0,
        communication={"snr_db": 12.0, "profile": "D"},
        sweep={"grid": {"sensing.pilot_share": [0.02, 0.3, 1.0]}},
        pilot_share=0.3,
    )

    few, some, all_of_it = rows(asked)  # one compilation for every share

    assert (all_of_it["bler"], all_of_it["throughput_bps"], all_of_it["spectral_efficiency"]) == (1.0, 0.0, 0.0)
    assert some["throughput_bps"] > 0.9 * few["throughput_bps"]
    assert few["range_crlb_m"] / all_of_it["range_crlb_m"] == pytest.approx(50**0.5)  # error goes as 1/sqrt(energy)
    assert some["range_rmse_m"] > 1.4 * all_of_it["range_rmse_m"]  # sqrt(1/0.3) is 1.8
    frame_s = 14 * 1e-3 / 14 / 8  # 14 symbols at 120 kHz
    most_bps = some["throughput_bps"] / (1.0 - some["bler"])
    assert most_bps * frame_s == pytest.approx(0.75 * 14 * 36 * 2 * 0.5, abs=16)  # a quarter of the elements are pilots
    assert most_bps / (36 * 120e3) == pytest.approx(some["spectral_efficiency"] / (1.0 - some["bler"]))


# E[1/|x|^2] and E|x|^4 of square constellations of unit energy: mean over the odd levels of both axes
DIVIDED = {"qpsk": 1.0, "16qam": 1.8889, "64qam": 2.6854, "256qam": 3.4371}
KURTOSIS = {"qpsk": 1.0, "16qam": 1.32, "64qam": 1.3810, "256qam": 1.3953}
EVEN = {"knows_data": True, "comb": 1, "symbols": 16, "symbol_step": 4, "pilot_share": 0.25, "window": "hamming"}


@pytest.mark.parametrize("modulation", DIVIDED)
def test_the_floor_of_a_map_is_that_of_its_constellation(modulation):
    # a quarter of the elements are pilots of equal modulus; 25 dB over 36 x 16 elements: an element's echo is 0.549
    dividing, matched = (make_frame(study(**EVEN, modulation=modulation, estimator=kind).points[0].structure)
                         for kind in ("zf", "matched"))  # fmt: skip

    assert dividing.floor(0.549, 0.25) == pytest.approx(0.25 + 0.75 * DIVIDED[modulation], rel=1e-4)
    assert matched.floor(0.549, 0.25) == pytest.approx(1.0 + 0.75 * 0.549 * (KURTOSIS[modulation] - 1.0), rel=1e-4)
    assert matched.floor(0.549, 0.5) is None  # pilots stronger than data: a pattern with sidelobes


def test_a_correlating_radar_loses_no_accuracy_to_the_constellation_but_its_floor_rises():
    (row,) = rows(study(256, **EVEN, modulation="64qam", estimator="matched", image_snr_db=36.0))

    # 256 squared errors, chi-squared: 1e-3
    low, high = np.sqrt(chi2.ppf([5e-4, 1 - 5e-4], 256) / 256)
    assert low < row["range_rmse_over_crlb"] < high
    snr = 10.0**3.6 / (36 * 16)
    expected = 10.0 * np.log10(1.0 + 0.75 * snr * (KURTOSIS["64qam"] - 1.0))
    assert row["floor_theory_db"] == pytest.approx(expected, abs=1e-3)
    assert abs(row["floor_db"] - expected) < 3.29 / 1.96 * (row["floor_db_high"] - row["floor_db"])


def test_range_errors_fall_with_bandwidth_as_the_energy_is_shared_or_not():
    blocks = {"sensing.resource_blocks": [3, 12]}
    shared = EVEN | {"detector": {"training": 2, "guard": 1}, "image_snr_db": 30.0}
    equal = study(**shared, communication={"frame_snr_db": 40.0}, sweep={"grid": blocks}).points
    denser = study(**shared | {"image_snr_db": None, "snr_db": 2.0}, communication={"snr_db": 12.0},
                   sweep={"grid": blocks}).points  # fmt: skip

    narrow, wide = 36, 144  # subcarriers: variance 6 / (SNR N M (N^2 - 1)) (M. Braun, KIT, 2014, ch. 3)
    assert equal[0].facts["range_crlb_m"] / equal[1].facts["range_crlb_m"] == pytest.approx(
        np.sqrt((wide**2 - 1) / (narrow**2 - 1))
    )
    assert denser[0].facts["range_crlb_m"] / denser[1].facts["range_crlb_m"] == pytest.approx(
        np.sqrt(wide * (wide**2 - 1) / (narrow * (narrow**2 - 1)))
    )
    assert [point.work.link[0] for point in equal] == pytest.approx([1e4 / (narrow * 16), 1e4 / (wide * 16)])
    assert [point.work.link[0] for point in denser] == pytest.approx([10.0**1.2] * 2)


def test_training_cells_that_reach_into_images_of_a_comb_are_refused():
    with pytest.raises(ScenarioError, match="22 cells of training and guard between the images of a comb of 12 cells"):
        study(knows_data=False, comb=6)


def test_two_targets_are_resolved_as_their_separation_allows():
    pair = {"first": {"range_m": 10.0, "velocity_m_s": 0.0}, "second": {"range_m": 40.0, "velocity_m_s": 0.0}}
    asked = study(
        64,
        targets=pair,
        spread_cells=0.0,
        padding=4,
        image_snr_db=40.0,
        sweep={"grid": {"sensing.targets.second.range_m": [10.0 + 0.3 * 34.7, 80.0]}},
    )

    close, apart = rows(asked)

    assert close["resolution_probability"] < 0.3
    assert apart["resolution_probability"] == 1.0  # two cells
    assert not {"range_rmse_m", "range_crlb_m"} & close.keys()
    of_each = [apart[f"{name}_detection_probability"] for name in ("first", "second")]
    assert sum(of_each) / 2 == pytest.approx(apart["detection_probability"])


def test_a_budget_is_the_radar_equation_and_the_window_opens_where_it_is_told():
    target = {"range_m": 21_030.0, "velocity_m_s": 5.0, "cross_section_dbsm": -3.0}
    given = {"image_snr_db": None, "targets": {"car": target}, "carrier_ghz": 2.0}
    budget = {"eirp_dbw": 47.0, "receive_gain_dbi": 27.0, "noise_figure_db": 7.0, "loss_db": 1.0}

    (point,) = study(**given, budget=budget, opens_at_m=21_000.0).points

    wavelength_m, bandwidth_hz = LIGHT_M_S / 2e9, 36 * 120e3
    received = 10 ** (7.0) * wavelength_m**2 * 10**0.0 / ((4 * np.pi) ** 3 * 21_030.0**4)  # 47 + 27 - 3 - 1 = 70 dB
    noise = 1.380649e-23 * 290.0 * bandwidth_hz * 10**0.7
    assert point.work.targets[0][2] == pytest.approx(received / noise, rel=1e-9)
    assert point.work.targets[0][0] == pytest.approx(2 * 30.0 / LIGHT_M_S)  # behind the opening


def test_a_target_near_the_opening_of_the_window_is_not_folded_to_its_end():
    # half a native cell behind it, drawn within one: noise pushes some estimates before the opening
    (row,) = rows(study(256, targets={"car": {"range_m": 0.5 * 34.70 + 0.01, "velocity_m_s": 0.0}}))

    assert row["range_rmse_over_crlb"] < 1.3


def test_a_class_has_its_mean_cross_section_and_its_fluctuation_whatever_else_is_drawn():
    # TR 38.901 V19.4.0 table 7.9.2.1-4: the left side of a vehicle, 20.75 dBsm at its middle, deviation 3.41 dB
    left = {"range_m": 30.0, "velocity_m_s": 5.0, "kind": "vehicle", "aspect_deg": 90.0, "aspect_zenith_deg": 79.7}
    budget = {"eirp_dbw": -30.0}
    given = {"image_snr_db": None, "budget": budget, "targets": {"car": left}}
    plain = {"range_m": 30.0, "velocity_m_s": 5.0, "cross_section_dbsm": 20.75}

    (by_class,), (by_hand,) = study(**given).points, study(**given | {"targets": {"car": plain}}).points

    assert by_class.facts["cross_section_dbsm"] == pytest.approx(20.75)
    assert by_class.work.targets[0][2] == pytest.approx(by_hand.work.targets[0][2])
    assert (by_class.work.fluctuations_db, by_hand.work.fluctuations_db) == ([3.41], [0.0])


def test_a_split_beam_weakens_echo_and_link_by_what_it_gives_the_other():
    shared = {
        "knows_data": False, "comb": 2, "symbol_step": 2, "pilot_share": 0.3, "detector": {"training": 2, "guard": 1},
        "communication": {"snr_db": 12.0, "profile": "D"},
    }  # fmt: skip
    # sines 0.5 and 0: four nulls of 16 antennas apart, where the beams do not overlap
    beam = {"antennas": 16, "target_deg": 30.0, "user_deg": 0.0, "split": 0.25}

    (whole,), (split,) = study(**shared).points, study(**shared, beam=beam).points

    assert split.structure == whole.structure  # a value: one program for all splits
    assert split.work.targets[0][2] / whole.work.targets[0][2] == pytest.approx(0.25)
    assert split.work.link[0] / whole.work.link[0] == pytest.approx(0.75)
    assert split.facts["target_gain_db"] == pytest.approx(10 * np.log10(0.25))


def test_surroundings_reach_the_frame_as_they_are_asked_for():
    (point,) = study(
        direct={"over_noise_db": 60.0, "cancelled_db": 60.0, "distortion_db": -30.0, "range_m": 3.0},
        clutter={"over_noise_db": 10.0, "from_m": 15.0, "to_m": 45.0, "spread_m_s": 1.5, "scatterers": 32},
        platform={"velocity_m_s": 20.0, "error_m_s": 0.5},
        cancel="static",
    ).points

    found = dict(zip([each.name for each in dataclasses.fields(Surroundings)], point.work.around, strict=True))
    way = 2.0 / LIGHT_M_S
    expected = {
        "direct": 1.0, "direct_delay_s": 3.0 * way, "distortion": 1e-3, "clutter": 10.0, "clutter_from_s": 15.0 * way,
        "clutter_extent_s": 30.0 * way, "clutter_spread_hz": 1.5 * way * 28e9, "platform_m_s": 40.0,
        "compensated_m_s": 39.0,
    }  # fmt: skip
    assert found == pytest.approx(expected)
    assert (point.structure.scatterers, point.structure.cancel, point.structure.carrier_hz) == (32, True, 28e9)
