"""Paths of a handover study: exits that are foretold, shadowing that cells of one platform share, blockage.

Authorities: the geometry of the same run, walked in steps of 40 ms; standard deviations of TR 38.811; the exponential
correlation of TR 38.901, 7.4.4; a two-state Markov process. Nothing is compiled.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.core import random
from ntn6g.scenario import from_mapping
from ntn6g.services.handover import Simulation
from ntn6g.study.build.handover import world
from ntn6g.study.build.handover.places import LOOK_AHEAD_S
from ntn6g.study.build.handover.world import Stage, case_of

EPOCH = "2026-04-25T12:00:00Z"
PLATFORMS = {
    "train": {"kind": "walker", "altitude_km": 600, "inclination_deg": 53, "satellites": 200, "planes": 1,
              "epoch": EPOCH},
    "haps": {"kind": "haps", "latitude_deg": 45, "longitude_deg": 10},
    "geo": {"kind": "geo", "longitude_deg": 10},
}  # fmt: skip
STEP_S, TERMINALS, STEPS = 0.1, 512, 40


def staged(**section):
    given = {"schema": 1, "study": "handover", "name": "paths", "platforms": PLATFORMS, "handover": section}
    return Stage(case_of(from_mapping(given)), predict=False)


def test_foretold_exits_are_those_that_the_same_run_comes_to_see_within_a_step(monkeypatch):
    # beams of satellites 200 km apart over trains, on the real orbit of a turning Earth: a terminal is in a cell while
    # the beam's middle is within a radius and the satellite above the mask. Visits below 4 s are left out
    step_s = 0.04
    monkeypatch.setattr(world, "Simulation", functools.partial(Simulation, compiled=False))
    sky = {"kind": "beams", "platform": "train", "beams": 7, "steering": "earth-moving", "min_elevation_deg": 77}
    way = {"count": 4, "motion": "train", "latitude_deg": 45, "longitude_deg": 14.95}
    stage = staged(duration_s=10, step_ms=1e3 * step_s, terminals=way, layers={"orbit": sky})
    stage.predict()
    enters, leaves = stage.visits[0].numpy()
    steps = int((10.0 + LOOK_AHEAD_S) / step_s)
    (track,), home = stage.track(0, steps, step_s)
    radius_m = 1e3 * float(stage.world.values[0].radius_km)
    seen = []
    for terminal in range(4):
        place, up = (each.numpy()[:, terminal, None] for each in (home.position_m, home.up))
        near = np.linalg.norm(track.reference_m.numpy() - place, axis=-1) <= radius_m
        line = track.position_m.numpy() - place
        high = (line * up).sum(-1) >= np.sin(np.radians(77.0)) * np.linalg.norm(line, axis=-1)
        inside = near & np.repeat(high, 7, 1)
        for cell in np.flatnonzero(inside.any(0)):
            first, last = np.flatnonzero(inside[:, cell])[[0, -1]]
            if first > 0 and last < steps - 1 and last - first > 4.0 / step_s:
                seen.append((first, last, enters[cell, terminal], leaves[cell, terminal]))
    first, last, entered_s, left_s = np.array(seen).T

    assert len(seen) > 40
    assert last.max() * step_s > 110.0  # horizons of ten seconds to two minutes
    assert last.min() * step_s < 20.0
    assert left_s == pytest.approx((last + 0.5) * step_s, abs=step_s)
    assert entered_s == pytest.approx((first - 0.5) * step_s, abs=step_s)


@pytest.fixture(scope="module")
def faded():
    """Losses beside what geometry predicts, dB [cell, terminal], at the start and 4 s later; which paths are blocked.

    Seven beams of a HAPS, seven of a geostationary satellite, a mast.
    """
    stage = staged(
        step_ms=1e3 * STEP_S, duration_s=STEPS * STEP_S, terminals={"count": TERMINALS, "radius_km": 0.5},
        layers={
            "haps": {"kind": "beams", "platform": "haps", "beams": 7, "correlation_s": 4},
            "geo": {"kind": "beams", "platform": "geo", "beams": 7,
                    "blockage": {"clear_s": 4, "blocked_s": 1, "loss_db": 15}},
            "mast": {"kind": "cells", "sites": 1},
        },
    )  # fmt: skip
    scene, block, losses, blocked = stage.scene, stage.block(0), [], []
    fades = scene.start(stage.world)
    for step in range(STEPS + 1):
        blocked.append(fades[1].blocked.numpy()[0])
        if step in (0, STEPS):
            place = tf.constant(min(step, STEPS - 1))
            seen = scene.observe(place, tf.constant(0.0), stage.world, block, fades)
            losses.append((seen.level_db - seen.rsrp_db).numpy())
        drawn = random.normal_at(stage.world.keys, tf.constant(step), scene.platforms)
        fades = scene.advance(tf.constant(step), stage.world, fades, drawn)
    return np.array(losses), np.array(blocked)


def test_cells_of_one_platform_share_its_shadowing_and_platforms_do_not(faded):
    # TR 38.811, Table 6.6.2-3: 0.72 dB near the zenith in S band, rural line of sight; TR 38.901, Table 7.4.1-1: 4 dB
    # in sight of a rural mast, 6 beyond the breakpoint, 8 without. A standard deviation of 512 draws is within 4 of its
    # own of 3.1 %, a correlation of independent ones within 4 / sqrt(512)
    losses, blocked = faded
    haps, geo, mast = losses[0, :7], losses[0, 7:14] - 15.0 * blocked[0], losses[0, 14:]
    for each in (haps, geo):
        assert np.ptp(each, axis=0).max() < 2e-3  # levels of -120 dB in single precision
    assert haps[0].std() == pytest.approx(0.72, rel=0.125)
    assert 3.5 < mast.std() < 9.0
    apart = np.corrcoef(np.vstack([haps[:1], geo[:1], mast]))
    assert abs(apart - np.eye(3)).max() < 4.0 / TERMINALS**0.5
    # TR 38.901, 7.4.4: correlation falls as exp(-t / T), to 0.37 after 4 s; within 4 (1 - 0.37^2) / sqrt(512)
    assert np.corrcoef(losses[:, 0])[0, 1] == pytest.approx(np.exp(-1.0), abs=0.153)


def test_a_path_is_blocked_for_its_share_of_time_and_as_long_as_asked_with_all_cells_of_its_platform(faded):
    # 4 s in sight and 1 s out of it on average: a fifth of the time, and out of it the rate of return is one a second.
    # 512 paths at an instant: within 4 sqrt(0.2 0.8 / 512); some 400 returns in 4 s: within 20 %
    losses, blocked = faded
    lost = losses[0, 7:14]
    assert lost[:, blocked[0]].mean() - lost[:, ~blocked[0]].mean() == pytest.approx(15.0, abs=0.6)
    for step in (0, STEPS):
        assert blocked[step].mean() == pytest.approx(0.2, abs=0.071)
    returns = (blocked[:-1] & ~blocked[1:]).sum()
    assert returns / (blocked[:-1].sum() * STEP_S) == pytest.approx(1.0, rel=0.2)
