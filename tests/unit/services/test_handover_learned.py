"""An agent of handover: what it may know, and that the order of neighbours means nothing to it.

Authorities: what is not observed, or has not happened, cannot act, bit for bit; a permutation.
"""

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.scenario import from_mapping
from ntn6g.services import handover as ho
from ntn6g.services.handover.learned import Agent, CandidateNetwork, Candidates, Given, HandoverWorld
from ntn6g.services.handover.learned.world import setting_of
from ntn6g.study.build.handover.environment import Course
from ntn6g.study.build.handover.world import Stage, case_of

TERMINALS, STEPS, SINCE = 16, 50, 30
CANDIDATES = Candidates()
NETWORK = CandidateNetwork(candidates=CANDIDATES, units=8)
CHANCE = np.random.default_rng(2)
WEIGHTS = tuple(tf.constant(CHANCE.normal(0.0, 0.5, each.shape), tf.float32) for each in NETWORK.begin_weights(1))


@pytest.fixture(scope="module")
def programs():
    section = {
        "layers": {"sky": {"kind": "beams", "platform": "haps", "beams": 7, "load": 0.8}},
        "terminals": {"count": TERMINALS, "motion": "train", "radius_km": 5},
        "measurement": {"quantity": "sinr", "error_db": 2, "filter_k": 2},
        "duration_s": 2,
    }
    haps = {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10}
    asked = {"schema": 1, "study": "handover", "name": "l", "platforms": {"haps": haps}, "handover": section}
    stage = Stage(case_of(from_mapping(asked)), predict=False)
    return ho.Simulation(stage.scene, block_steps=STEPS, compiled=False), Course(stage).given(0, 5)


def nothing(tree):
    """The same tree, not a number wherever there is one, and false."""
    return tf.nest.map_structure(
        lambda each: tf.fill(each.shape, tf.constant(np.nan, each.dtype)) if each.dtype.is_floating else each, tree
    )


def test_what_an_agent_may_not_observe_leaves_its_choice_bit_for_bit(programs):
    """True ratios and powers of all cells, its own link's included, counts, and what the machine keeps for itself."""
    simulation, given = programs
    world, setting = HandoverWorld(simulation, CANDIDATES), setting_of(given.world)
    place, _ = world.begin(given)
    chosen = []
    for _ in range(4):
        before_db = place.carry.level_db
        action = tf.argmax(NETWORK(WEIGHTS, place.view.observation), 1, output_type=tf.int32)
        place, _ = world.advance(given, place, action)
        seen, state = place.seen, place.carry.state
        hidden = seen._replace(rsrp_db=nothing(seen.rsrp_db), sinr_db=nothing(seen.sinr_db))
        own = state._replace(
            counts=nothing(state.counts), filtered=nothing(state.filtered), ready_s=nothing(state.ready_s),
            good_s=nothing(state.good_s), previous=state.previous - 7, target=state.target + 7,
        )  # fmt: skip
        measured = place.measured._replace(
            serving_sinr_db=nothing(place.measured.serving_sinr_db), failed=~place.measured.failed
        )
        view = CANDIDATES.look(own, measured, hidden, before_db, setting)

        assert (view.observation == place.view.observation).numpy().all()
        assert (view.cell == place.view.cell).numpy().all()
        chosen.append(NETWORK(WEIGHTS, view.observation).numpy().argmax(1))
    assert len(np.unique(chosen)) > 2  # it does choose


def test_what_has_not_happened_leaves_an_agent_bit_for_bit(programs):
    """From a step on the terminals are 100 km away, and nothing before it changes."""
    simulation, given = programs
    agent = Agent(simulation, CANDIDATES, NETWORK)

    def record(world, block):
        return agent.run(world, WEIGHTS, agent.start(world), block)[1]

    late = tf.constant(np.arange(STEPS) >= SINCE, tf.float64)[:, None, None]
    block = given.block
    home = block.terminals.position_m + 60e3 * late
    poisoned = block._replace(terminals=block.terminals._replace(position_m=home))
    whole, cut = (record(given.world, each) for each in (block, poisoned))

    for one, two in zip(whole, cut, strict=True):
        assert (one[:SINCE] == two[:SINCE]).numpy().all()
    assert len(np.unique(whole.serving[:SINCE].numpy())) > 3  # there were handovers
    assert (whole.sinr_db[SINCE:] != cut.sinr_db[SINCE:]).numpy().all()


def test_exchanging_two_neighbours_exchanges_their_values_and_no_others(programs):
    simulation, given = programs
    _, observation = HandoverWorld(simulation, CANDIDATES).begin(Given(*given))
    seen = observation.numpy()
    cells = seen[:, CANDIDATES.own :].reshape(TERMINALS, CANDIDATES.actions, CANDIDATES.each)
    order = [0, 3, 2, 1, *range(4, CANDIDATES.actions)]
    exchanged = np.concatenate([seen[:, : CANDIDATES.own], cells[:, order].reshape(TERMINALS, -1)], 1)
    values, others = (NETWORK(WEIGHTS, tf.constant(each)).numpy() for each in (seen, exchanged))

    assert np.ptp(values[:, 1:4], axis=1).min() > 1e-3
    assert others == pytest.approx(values[:, order], abs=1e-5 * float(np.abs(values).max()))  # single precision
