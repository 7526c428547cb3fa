"""What is compiled in orbits compiles for a GPU: the Linux wheel registers its CUDA kernels everywhere."""

from datetime import UTC, datetime

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from ntn6g.orbit import (
    CircularOrbit,
    FixedTerminal,
    KeplerianOrbit,
    Times,
    beam_difference,
    beam_outline,
    displaced,
    ground_points,
    link_geometry,
    predicted_state,
    state_vector_message,
    steered,
    sun_separation_rad,
    sunlit_fraction,
    uplink_timing,
)
from ntn6g.orbit.ephemeris.message import orbital_message
from ntn6g.orbit.network.contacts import _events
from ntn6g.orbit.network.grid import circular_elements, circular_tables
from ntn6g.orbit.network.programs import Sites, program

EPOCH = datetime(2026, 4, 25, 12, tzinfo=UTC)
TIMES = Times(EPOCH, np.arange(8.0))
TERMINAL = FixedTerminal(latitude_rad=0.7, longitude_rad=2.0)
NO_KERNEL_NEEDED = {"NoOp", "_Arg", "_Retval", "Placeholder", "PartitionedCall", "StatefulPartitionedCall"}


def view(latitude_argument):
    orbit = CircularOrbit(
        altitude_m=550e3, inclination_rad=0.9, raan_rad=1.0, argument_of_latitude_rad=latitude_argument, epoch=EPOCH
    )
    state, site = orbit.state(TIMES), TERMINAL.site(TIMES)
    aim = ground_points(state.position_ecef_m, steered(state, 0.3, 0.4)).position_ecef_m
    edge = beam_outline(state, aim, 0.02, points=8)
    seen = link_geometry(state, displaced(site, [1.0, 2.0, 3.0]), mask_rad=0.1)
    left = beam_difference(state, aim, edge.position_ecef_m)
    sun = sunlit_fraction(state, TIMES), sun_separation_rad(state, site, TIMES)
    return uplink_timing(seen).timing_advance_s, left.delay_s, sun


def foretold(latitude_argument):
    orbit = CircularOrbit(
        altitude_m=550e3, inclination_rad=0.9, raan_rad=1.0, argument_of_latitude_rad=latitude_argument, epoch=EPOCH
    )
    state = orbit.state(TIMES)
    vectors = state.position_ecef_m, state.velocity_ecef_m_s
    age_s = tf.constant(np.arange(8.0))
    return [predicted_state(form(*vectors), age_s) for form in (state_vector_message, orbital_message)]


def pairs(latitude_argument):
    fleet = KeplerianOrbit(
        semi_major_axis_m=tf.constant([7e6, 7e6], tf.float64),
        inclination_rad=0.9,
        raan_rad=tf.constant([0.0, 1.0], tf.float64),
        mean_anomaly_rad=latitude_argument,
        epoch=EPOCH,
    )
    grid = tf.constant([0.0, 960.0], tf.float64), tf.constant(10.0 * np.arange(96.0))
    tables = circular_tables.python_function(circular_elements(fleet, TIMES), *grid).__tf_flatten__()[1]
    with tf.init_scope():
        site, moving = Sites([TERMINAL], TIMES).chunk(slice(0, 1), TIMES)
    mask = tf.constant(0.1, tf.float64)
    return program(_events).python_function("circular", tables, site, moving, 192, mask, (mask,))


@pytest.mark.parametrize("work", [view, foretold, pairs])
def test_every_op_has_a_kernel_for_xla_on_a_gpu(work):
    compiled = tf.function(work, jit_compile=True, autograph=False)
    angle = tf.constant(0.3, tf.float64)
    compiled(angle)  # XLA registers its kernels when it first compiles

    graph = compiled.get_concrete_function(angle).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    ops = (
        {node.op for node in nodes}
        - NO_KERNEL_NEEDED
        - {function.signature.name for function in graph.library.function}
    )
    missing = {
        op
        for op in ops
        if "XLA_GPU_JIT" not in {k.device_type for k in kernels.get_registered_kernels_for_op(op).kernel}
    }
    assert len(ops) > 15
    assert missing == set()
