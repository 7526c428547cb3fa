"""The Gymnasium views of handover keep Gymnasium's contract and are the simulation that rules run in.

Authorities: Gymnasium's own checker; the machine under a rule of TS 38.331, which somebody who acts by the same
inequality from outside must reproduce; what is not observed cannot act.
"""

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from gymnasium.utils.env_checker import check_env

from ntn6g.scenario import from_mapping
from ntn6g.services import handover as ho
from ntn6g.services.handover.gymnasium_view import HandoverEnv, HandoverVectorEnv
from ntn6g.services.handover.learned import Candidates
from ntn6g.study.build.handover.environment import Course
from ntn6g.study.build.handover.world import Stage, case_of

TERMINALS, STEPS, OFFSET_DB = 12, 50, 1.0
CANDIDATES = Candidates()
RATIO = slice(CANDIDATES.own + 3, None, CANDIDATES.each)  # measured ratio of every action, tens of dB


def simulated(terminals):
    """A train under seven beams of a platform at 20 km, unequally loaded, and its programs."""
    section = {
        "layers": {"sky": {"kind": "beams", "platform": "haps", "beams": 7, "load": 0.8}},
        "terminals": {"count": terminals, "motion": "train", "radius_km": 5},
        "measurement": {"quantity": "sinr", "error_db": 3, "filter_k": 0},
        "duration_s": 2,
    }
    haps = {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10}
    asked = {"schema": 1, "study": "handover", "name": "g", "platforms": {"haps": haps}, "handover": section}
    stage = Stage(case_of(from_mapping(asked)), predict=False)
    assert stage.steps == STEPS
    return ho.Simulation(stage.scene, block_steps=STEPS, compiled=False), Course(stage)


@pytest.fixture(scope="module")
def programs():
    return simulated(TERMINALS)


@pytest.fixture(scope="module")
def several(programs):
    return HandoverVectorEnv(*programs)


def test_the_checker_of_gymnasium_passes():
    env = HandoverEnv(*simulated(1))
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    check_env(env, skip_render_check=True)


def course_of(env, actions_of, seed=3):
    """Rewards and observations of an episode."""
    observation, _ = env.reset(seed=seed)
    seen, served, ended = [observation], [], []
    for _ in range(STEPS - 1):
        observation, reward, terminated, truncated, _ = env.step(actions_of(seen[-1]))
        assert not terminated.any()
        seen.append(observation)
        served.append(reward)
        ended.append(truncated.all())
    assert ended == [False] * (STEPS - 2) + [True]
    return np.stack(served), np.stack(seen)


def by_the_inequality(observation):
    """A3 without hysteresis and time to trigger: the strongest neighbour that exceeds the serving cell by an offset."""
    ratio_db = 10.0 * observation[:, RATIO]
    there = observation[:, CANDIDATES.own + 1 :: CANDIDATES.each] > 0.0
    exceeds = there & (ratio_db > ratio_db[:, :1] + OFFSET_DB)
    return np.where(exceeds.any(1), np.argmax(np.where(exceeds, ratio_db, -np.inf), 1), 0)


def test_whoever_acts_by_the_inequality_of_a3_does_what_the_rule_a3_does(programs, several):
    served, _ = course_of(several, by_the_inequality)
    simulation, course = programs
    seed = int(gymnasium.utils.seeding.np_random(3)[0].integers(2**63 - 1))
    given = course(seed)
    rule = ho.tensors_of(ho.Rule(name="a3", events=(ho.a3(offset_db=OFFSET_DB),)), simulation.scene.step_s)
    (_, state), record = simulation.run(given.world, rule, simulation.start(given.world), given.block)

    assert state.counts.handovers.numpy().sum() > 5
    assert served == pytest.approx(1e-6 * record.rate_bps.numpy()[:-1], rel=1e-5, abs=1e-6)
    assert (served == 0.0).any()  # interruptions are in the reward


def test_an_episode_hangs_on_its_seed_alone(several):
    one, seen = course_of(several, by_the_inequality, seed=8)
    again, same = course_of(several, by_the_inequality, seed=8)
    other, _ = course_of(several, by_the_inequality, seed=9)

    assert (one == again).all()
    assert (seen == same).all()
    assert (one != other).any()
    assert several.observation_space.contains(seen[0])
    assert (abs(seen) <= 10.0).all()  # all numbers are of the order of one


def test_after_an_episode_the_next_step_begins_another(several):
    first, _ = several.reset(seed=6)
    for _ in range(STEPS - 1):
        *_, truncated, _ = several.step(several.action_space.sample())
    assert truncated.all()
    observation, reward, terminated, truncated, _ = several.step(several.action_space.sample())

    assert not reward.any()
    assert not (terminated | truncated).any()
    assert (observation != first).any()
    assert (several.reset(seed=6)[0] == first).all()


def test_neighbours_are_those_of_a_report_the_best_one_first_and_six_of_seven_cells_leave_two_places(several):
    observation, _ = several.reset(seed=4)
    cells = observation[:, CANDIDATES.own :].reshape(TERMINALS, CANDIDATES.actions, CANDIDATES.each)
    own, there, ratio = cells[..., 0], cells[..., 1], cells[..., 3]

    assert own.tolist() == [[1.0] + [0.0] * CANDIDATES.neighbours] * TERMINALS
    assert (there.sum(1) <= 7.0).all()
    assert there[:, 1:].sum() > 4.0 * TERMINALS
    for row, listed in zip(ratio, there, strict=True):
        assert (np.diff(row[1:][listed[1:] > 0.0]) <= 0.0).all()
        assert not row[listed == 0.0].any()


def test_a_terminal_that_sees_fewer_cells_than_a_report_holds_stays_on_what_is_missing():
    machine = ho.Machine(1, 2)
    state = machine.start()._replace(serving=tf.zeros([2], tf.int32), phase=tf.zeros([2], tf.int32))
    setting = ho.Setting(None, *[None] * 2, tf.ones([1, 2], tf.bool), tf.zeros([1], tf.int32))

    assert not machine.directed(state, tf.constant([0, -1]), setting).found.numpy().any()
