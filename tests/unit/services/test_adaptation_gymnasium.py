"""The Gymnasium views keep Gymnasium's contract, and tell a learner what the link tells a policy."""

import math

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from gymnasium.utils.env_checker import check_env

from ntn6g.core import random
from ntn6g.services.adaptation import LinkEnvironment, LinkValues, TraceMaker, pass_geometry, rate_ladder
from ntn6g.services.adaptation.gymnasium_view import REPORTS, LinkAdaptationEnv, LinkAdaptationVectorEnv
from ntn6g.services.adaptation.policies import Fixed

SLOTS = 40
LINK = LinkEnvironment(TraceMaker(slots=SLOTS, slot_s=1e-3, period_slots=5), rate_ladder(1, 100), processes=4)
VALUES = LinkValues(
    pass_geometry(altitude_m=600e3, elevation_rad=math.radians(10.0)),
    *(tf.constant(each, tf.float64) for each in (8.0, 5.6, 10.0, 0.5)),
)


@pytest.fixture(scope="module")
def one():
    return LinkAdaptationEnv(LINK, VALUES)


@pytest.fixture(scope="module")
def several():
    return LinkAdaptationVectorEnv(LINK, VALUES, num_envs=3)


def test_the_checker_of_gymnasium_passes(one):
    check_env(one, skip_render_check=True)


def test_an_episode_is_a_pass_with_reports_and_answers_that_are_a_delay_old(one):
    first, _ = one.reset(seed=1)
    lowest = LINK.maker.lowest_db
    assert (first[:REPORTS] == lowest).all()
    seen, ended = [], []
    for _ in range(SLOTS):
        observation, reward, terminated, truncated, _ = one.step(5)
        assert reward >= 0.0
        assert not terminated
        seen.append(observation)
        ended.append(truncated)

    assert ended == [False] * (SLOTS - 1) + [True]
    # 13 slots: after 12 steps the next slot is number 12, and number 13 is the first to know anything
    assert all((each[:REPORTS] == lowest).all() and not each[REPORTS + 3 :].any() for each in seen[:12])
    assert seen[12][REPORTS - 1] > lowest
    assert seen[12][REPORTS + 3] == 1.0
    assert seen[12][REPORTS + 5] == 5.0


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded):
        LinkAdaptationEnv(LINK, VALUES).step(0)


def test_steps_deliver_what_a_policy_in_the_loop_does(several):
    several.reset(seed=5)
    drawn = several.np_random.bit_generator.state  # after one draw: the seed of these passes is the one before
    rewards = np.stack([several.step(np.full(3, 9))[1] for _ in range(SLOTS)])
    seed = int(gymnasium.utils.seeding.np_random(5)[0].integers(2**63 - 1))
    keys = random.block_keys(tf.constant([random.chunk_key(seed, "adaptation|gymnasium", 0)], tf.uint32), 3)
    trace = LINK.maker(keys, VALUES)
    run = tf.function(lambda: LINK.run(Fixed(), tf.constant(9), trace).goodput, jit_compile=True, autograph=False)

    assert drawn == several.np_random.bit_generator.state
    assert rewards == pytest.approx(run().numpy(), abs=1e-6)
    assert (rewards == 0.0).any()  # four processes do not fill thirteen slots


def test_passes_end_together_and_begin_anew_with_the_next_step(several):
    first, _ = several.reset(seed=6)
    for slot in range(SLOTS):
        *_, truncated, _ = several.step(several.action_space.sample())
        assert (truncated == (slot == SLOTS - 1)).all()
    again, reward, terminated, truncated, _ = several.step(several.action_space.sample())

    assert not reward.any()
    assert not terminated.any()
    assert not truncated.any()
    assert again.shape == first.shape == (3, *several.single_observation_space.shape)
    assert several.observation_space.contains(again)
    assert (several.reset(seed=6)[0] == first).all()
