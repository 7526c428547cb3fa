"""GPU readiness without a GPU: TensorFlow's Linux wheel registers its CUDA kernels everywhere, and can be asked.

Nothing is skipped. Arguments and results of a function are no nodes of its definition (as `_Arg` and `_Retval` they
have kernels for XLA on a GPU); constants, identities, no-ops and control flow are checked as any other op.
"""

from dataclasses import replace
from functools import partial

import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_callbacks

from ntn6g.channel.beams import Layout, Terminals
from ntn6g.core import random
from ntn6g.scenario import Adaptation, Antennas, from_mapping, load, shipped_configs
from ntn6g.scenario.adaptation import RainFade, SightBlockage
from ntn6g.services.adaptation import Trace
from ntn6g.services.adaptation.learned import (
    Agent,
    AgentNetwork,
    AgentParameters,
    Guarded,
    GuardedParameters,
    LearnedParameters,
    LearnedPredictor,
    Limits,
    Observation,
    PredictorNetwork,
)
from ntn6g.services.adaptation.policies import OuterLoop, OuterLoopSteps, ThompsonSampling, level_grid
from ntn6g.services.handover import Simulation, tensors_of
from ntn6g.study.build import adaptation_link, beams, build, geometry
from ntn6g.study.build.adaptation_policies import Tuner
from ntn6g.study.build.handover import world as handover_world
from ntn6g.study.build.handover.policies import rule_of
from ntn6g.study.build.payload import PayloadStructure
from ntn6g.study.build.training import build_learner

# Ops that any device runs through a kernel of no device of its own: control flow, calls of functions, no-ops
ANY_DEVICE = "DEFAULT"


@pytest.fixture(scope="module", autouse=True)
def registered():
    """XLA registers its kernels when it first compiles; afterwards every question has an answer."""
    tf.function(lambda x: x + 1.0, jit_compile=True)(tf.constant(1.0))
    assert not without_kernel({"AddV2"}, "XLA_GPU_JIT")


def without_kernel(ops, *devices):
    """The ops that have a kernel on none of these devices."""
    return {
        op for op in ops if not {k.device_type for k in kernels.get_registered_kernels_for_op(op).kernel} & {*devices}
    }


def ops_inside(concrete):
    """Ops of a compiled function and of all functions that it calls, loops and branches included."""
    library = {function.signature.name: function for function in concrete.graph.as_graph_def().library.function}
    nodes = list(concrete.function_def.node_def)
    nodes += [node for function in library.values() for node in function.node_def]
    ops = {node.op for node in nodes}
    assert not ops & library.keys()  # a function called under its own name would hide what it is called with
    return ops


def ops_outside(work):
    """Ops that run one by one while a piece of Python works: all that is not inside a compiled step."""
    seen = set()

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        del inputs, attrs, outputs, op_name
        if graph is None:
            seen.add(op_type.decode() if isinstance(op_type, bytes) else op_type)

    op_callbacks.add_op_callback(note)
    try:
        result = work()
    finally:
        op_callbacks.remove_op_callback(note)
    return result, seen


SEEN = set()  # structures that a case of this process has traced


def unseen(studies):
    """Structures of link studies that no case before has had, but for numbers that only size or scale tensors."""
    alike = {"resource_blocks": 1, "subcarrier_spacing_hz": 15e3, "los_doppler_ratio": 0.7, "decoder_iterations": None}
    for study in studies:
        for structure in study.structures if study.kind == "link" else ():
            coded = None if structure.mcs is None else 0
            kind = replace(structure, **alike, mcs=coded, mcs_table=1, modulation=structure.modulation_name)
            if kind not in SEEN:
                SEEN.add(kind)
                yield structure


CASES = {name: [] for name in shipped_configs()}
CASES["quickstart with an offset"] = ["link.residual_offset_ppm=0.05"]
CDL = "channel.fading={kind: cdl, profile: A, delay_spread_ns: 100}"
CASES["terrestrial_tdl by clusters"] = [CDL, "sweep.grid.channel.fading.profile=[D]"]


@pytest.mark.parametrize("case", CASES)
def test_every_op_of_a_step_compiles_for_a_gpu(links, reduced, case):
    config = case.partition(" ")[0]
    studies = build(load(config, [*reduced(config), *CASES[case]]))

    for structure in unseen(studies):
        step = links.step(structure, rows=64)
        point = links.work(structure)
        ops = ops_inside(step.compiled.get_concrete_function(*step.arguments([(point, 0), (point, 1)])))

        assert len(ops) > 30  # a step, not a stub: threefry, mapping, channel, demapping
        assert without_kernel(ops, "XLA_GPU_JIT") == set(), structure.label
        if structure.mcs is not None:
            assert "StatelessWhile" in ops or "While" in ops  # the decoder's iterations
        if structure.frequency_offset:
            assert {"FFT", "IFFT"} <= ops


def test_scattering_through_a_dish_compiles_for_a_gpu(links):
    dish = Antennas.model_validate({"terminal": {"kind": "vsat"}}).terminal.model_dump_json()
    rays = {"fading": "ntn-rays", "scattering": ("urban", "Ka", True), "terminal_antenna": (dish, 20e9)}
    structure = links.structure(mcs=None, modulation="qpsk", pilots=False, perfect_csi=True, **rays)
    step, point = links.step(structure, rows=64), links.work(structure)
    ops = ops_inside(step.compiled.get_concrete_function(*step.arguments([(point, 0), (point, 1)])))

    assert "Asin" in ops  # angles from the line of sight
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


S1528 = {"kind": "s1528", "gain_dbi": 30, "beamwidth_deg": 4}
FLAT = {"kind": "electronically-steered", "diameter_m": 0.5}


@pytest.mark.parametrize(
    "ends",
    [
        {"satellite": {"kind": "taylor", "diameter_m": 0.5}, "terminal": {"kind": "vsat"}},
        {"satellite": S1528, "terminal": {"kind": "s1428", "diameter_m": 0.6}},
        {"satellite": S1528 | {"envelope": "low-orbit"}, "terminal": {"kind": "s465", "diameter_m": 0.6}},
        {"satellite": {"kind": "array", "rows": 4, "columns": 4, "phase_bits": 3}, "terminal": FLAT},
    ],
)
def test_every_op_of_a_map_of_beams_compiles_for_a_gpu(ends):
    places = tf.zeros([8, 3], tf.float64)
    layout = Layout(places[:2], tf.zeros([2, 7, 3], tf.float64), tf.zeros([2, 3, 3], tf.float64))
    rest = (tf.zeros([8, 2], tf.float64), tf.zeros([7, 7], tf.float64), *tf.zeros([2], tf.float64))
    step = beams.coverage_step(Antennas.model_validate(ends), 20.0)

    ops = ops_inside(step.get_concrete_function(layout, Terminals(places, tf.zeros([8, 3, 3], tf.float64)), *rest))

    assert len(ops) > 20
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


@pytest.fixture(scope="module")
def passes():
    """Draws eight short passes with everything that can befall them; neither it nor a policy is compiled."""
    programs = adaptation_link.programs_of(adaptation_link.structure_of(PASSES))
    keys = random.block_keys(tf.constant([random.chunk_key(1, "kernels", 0)], tf.uint32), PASSES.passes)
    draw = tf.function(lambda: programs.structure.maker(keys, adaptation_link.values_of(PASSES)), autograph=False)
    return programs, draw.get_concrete_function()


PASSES = Adaptation(passes=8, slots=100, warm_up_slots=20, blockage=SightBlockage(), rain=RainFade())


def test_every_op_that_draws_passes_compiles_for_a_gpu(passes):
    ops = ops_inside(passes[1])

    assert "MatMul" in ops  # the rays
    assert "StatelessWhile" in ops or "While" in ops  # sight that comes and goes
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


def test_every_op_of_a_policy_in_its_link_compiles_for_a_gpu(passes):
    programs, draw = passes
    still = Trace(*(tf.ones(each.shape, each.dtype) for each in draw.structured_outputs))
    tune, ladder = Tuner(PASSES, programs, still), programs.link.ladder
    steps = OuterLoopSteps(ladder.thresholds_db(0.1), *(tf.constant(0.1) for _ in range(5)))
    tuned = [
        (each.policy, each.parameters) for each in map(tune, ("fixed", "bayes", "ridge", "informed", "clairvoyant"))
    ]

    tuned += [(OuterLoop(ladder, True), steps), (ThompsonSampling(), level_grid(ladder, 0.1)), *learned(ladder, steps)]
    for policy, parameters in tuned:
        run = tf.function(lambda given, policy=policy: programs.link.run(policy, given, still).goodput, autograph=False)
        ops = ops_inside(run.get_concrete_function(parameters))

        assert "StatelessWhile" in ops or "While" in ops  # the slots
        assert without_kernel(ops, "XLA_GPU_JIT") == set(), policy.name


def test_every_op_of_a_handover_simulation_compiles_for_a_gpu():
    beams = {"kind": "beams", "platform": "haps", "blockage": {}, "beams": 7}
    section = {"layers": {"ground": {"kind": "cells"}, "sky": beams}, "terminals": {"count": 2}, "duration_s": 1}
    haps = {"haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10}}
    asked = from_mapping({"schema": 1, "study": "handover", "name": "k", "platforms": haps, "handover": section})
    stage = handover_world.Stage(handover_world.case_of(asked), predict=False)
    simulation, block = stage.simulation, stage.block(0)
    fades, state = simulation.start(stage.world)
    rule = tensors_of(rule_of("cho-d1-a4", asked.handover.tuning), stage.step_s)

    for program, arguments in (
        (simulation.run_program, (stage.world, rule, (fades, state), block)),
        (simulation.bound_program, (stage.world, (fades, simulation.oracle.start()), block)),
        (simulation.visit_program, (stage.world, simulation.visit_start(), block, tf.constant(0.5))),
    ):
        ops = ops_inside(program.get_concrete_function(*arguments))

        assert "StatelessWhile" in ops or "While" in ops  # the steps
        assert without_kernel(ops, "XLA_GPU_JIT") == set()


def learned(ladder, steps):
    """Policies around networks that nothing has trained."""
    youngest, observation = tf.constant(13), Observation(reports=4, ages=7, mcs=ladder.size)
    for kind in ("gru", "transformer"):
        network = PredictorNetwork(kind=kind, units=4, ages=7, reports=4)
        parameters = LearnedParameters(network.begin_weights(1), youngest)
        yield LearnedPredictor(ladder, network), parameters
    limits = Limits(tf.constant(0.1), tf.constant(4.0))
    watched = Guarded(LearnedPredictor(ladder, network), OuterLoop(ladder), 5, 6)
    yield watched, GuardedParameters(parameters, steps, limits)
    shape = AgentNetwork(features=observation.features, units=4, outputs=ladder.size)
    yield Agent(ladder, observation, shape, "dqn"), AgentParameters(shape.begin_weights(1), youngest)


@pytest.mark.parametrize("kind", ["gru", "transformer", "dqn", "ppo"])
def test_every_op_of_a_round_of_training_compiles_for_a_gpu(passes, kind):
    del passes  # drawn before, with the same program
    given = PASSES.model_dump(mode="json")
    training = {"model": {"kind": kind, "units": 4}, "passes": {"train": 8, "validation": 8}, "steps": 1, "batch": 8}
    asked = {"schema": 1, "study": "adaptation", "name": "k", "adaptation": given, "training": training}
    learner = build_learner(from_mapping(asked))
    ops = ops_inside(learner.program.get_concrete_function(*learner.arguments(learner.begin(1), 1, 0)))

    assert "MatMul" in ops
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


def test_every_op_of_the_training_of_a_detector_compiles_for_a_gpu():
    given = {"resource_blocks": 2, "symbols": 14, "padding": 1, "detector": {"training": 4, "false_alarm": 0.01}}
    training = {"model": {"kind": "map-detector", "layers": 1}, "steps": 1, "batch": 8}
    asked = {"schema": 1, "study": "sensing", "name": "k", "sensing": given, "training": training}
    learner = build_learner(from_mapping(asked))
    ops = ops_inside(learner.program.get_concrete_function(*learner.arguments(learner.begin(1), 1, 0)))

    assert {"Conv2D", "Conv2DBackpropFilter"} <= ops
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


def test_every_op_of_an_episode_of_handover_compiles_for_a_gpu(monkeypatch):
    monkeypatch.setattr(handover_world, "Simulation", partial(Simulation, compiled=False))  # its ops are looked at only
    section = {
        "layers": {"sky": {"kind": "beams", "platform": "haps", "beams": 7}},
        "terminals": {"count": 2},
        "duration_s": 1,
    }
    haps = {"haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10}}
    training = {"model": {"kind": "dqn", "units": 4, "discount": 0.9, "replay": 64}, "steps": 1, "batch": 8}
    asked = {"schema": 1, "study": "handover", "name": "k", "platforms": haps}
    learner = build_learner(from_mapping({**asked, "handover": section, "training": training}))
    program, arguments = learner.arguments(learner.begin(1), 1, 0)
    ops = ops_inside(program.get_concrete_function(*arguments))

    assert {"MatMul", "TopKV2"} <= ops  # scores of cells, neighbours of a report
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


TERMINAL = PayloadStructure(filter=(5e6, 6), amplifier=("rapp", (2.0,)), amplifier_first=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"waveform": "dft-s-ofdm", "estimator": "lmmse", "payload": TERMINAL},
        {"waveform": "otfs", "receiver": "message-passing", "estimator": "lmmse-true", "fading": "tdl", "profile": "A"},
        {"waveform": "afdm", "receiver": "banded-mmse", "samples": True, "synchroniser": "both", "squint": True},
    ],
    ids=lambda changes: changes["waveform"],
)
def test_every_op_of_a_waveform_and_its_receiver_compiles_for_a_gpu(links, changes):
    structure = links.structure(mcs=None, modulation="qpsk", dmrs_cdm_groups_without_data=2, **changes)
    squint = (1.0,) * structure.grid.subcarriers if structure.squint else 1.0
    step, point = links.step(structure, rows=64), links.work(structure, squint=squint)
    ops = ops_inside(step.compiled.get_concrete_function(*step.arguments([(point, 0), (point, 1)])))

    assert {"FFT", "IFFT"} <= ops
    assert without_kernel(ops, "XLA_GPU_JIT") == set()


def test_synchronisation_compiles_for_a_gpu(links):
    from ntn6g.phy.ofdm import Ofdm
    from ntn6g.phy.synchronisation import Acquisition, delay_of_pilots, timing_of_prefixes

    grid = links.structure().grid
    ofdm = Ofdm(grid)
    search = Acquisition([[1.0, -1.0, 1.0j]], sample_rate_hz=1e6, doppler_hz=[0.0], delays=4, false_alarm=0.1)
    functions = (
        (search, [4, 1, search.samples], [4]),
        (lambda y, snr: timing_of_prefixes(y, ofdm, snr, reach=8), [4, ofdm.samples + 16], [4]),
        (lambda y, snr: delay_of_pilots(grid, y) * snr, [4, 14, grid.subcarriers], [4]),
    )

    for function, shape, second in functions:
        compiled = tf.function(function, jit_compile=True, autograph=False)
        specs = tf.TensorSpec(shape, tf.complex64), tf.TensorSpec(second, tf.float32)
        assert without_kernel(ops_inside(compiled.get_concrete_function(*specs)), "XLA_GPU_JIT") == set()


@pytest.mark.parametrize("config", shipped_configs())
def test_every_op_outside_a_step_has_a_gpu_kernel(links, reduced, config):
    geometry._pass.cache_clear()  # geometry that another test has computed would run no op here

    studies, ops = ops_outside(lambda: build(load(config, reduced(config))))

    if any(study.scenario.at for study in studies):
        assert {"Sin", "Sqrt"} <= ops  # from the orbit to elevations and ranges
    assert without_kernel(ops, "GPU", ANY_DEVICE) == set()


def test_a_batch_runs_one_compiled_function_and_nothing_beside_it(links):
    structure = links.structure(mcs=None, modulation="qpsk", pilots=False, perfect_csi=True)
    step, point = links.step(structure, rows=64), links.work(structure)
    step([(point, 0), (point, 1)])

    _, ops = ops_outside(lambda: step([(point, 2), (point, 3)]))

    assert len(ops) == 1, ops
    assert next(iter(ops)).startswith("__inference_")


def decompose(x):
    return tf.linalg.det(x)


def draw(x):
    return x * tf.random.stateless_gamma([4, 4], seed=[1, 2], alpha=2.0)


def decompose_in_a_loop(x):
    return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * tf.linalg.det(x)), (tf.constant(0), x))[1]


def host(x):
    return tf.numpy_function(lambda value: value, [x], tf.float32)


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (decompose, "MatrixDeterminant"),
        (draw, "StatelessRandomGammaV3"),
        (decompose_in_a_loop, "MatrixDeterminant"),
        (host, "PyFunc"),
    ],
)
def test_an_op_that_a_gpu_cannot_compile_is_found(function, op):
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([4, 4], tf.float32))

    assert without_kernel(ops_inside(concrete), "XLA_GPU_JIT") == {op}


def test_an_op_without_gpu_kernel_outside_a_step_is_found():
    _, ops = ops_outside(lambda: tf.strings.length(tf.constant(["orbit"])) + tf.constant(1))

    assert "AddV2" in ops
    assert without_kernel(ops, "GPU", ANY_DEVICE) == {"StringLength"}
