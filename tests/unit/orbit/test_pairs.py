"""Geometry of all pairs in chunks: the same as one by one, every pair once, whatever the kind of fleet and grid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from ntn6g.core.errors import ScenarioError
from ntn6g.orbit import (
    CruisingTerminal,
    ElementSet,
    ElementSets,
    FixedTerminal,
    KeplerianOrbit,
    LinkGeometry,
    Times,
    WalkerShell,
    link_geometry,
    pair_geometry,
    walker_orbits,
)

LINES = (Path(__file__).parents[2] / "reference/data/orbit_element_sets.tle").read_text().splitlines()
SETS = [ElementSet(LINES[i + 1], LINES[i + 2], LINES[i]) for i in range(0, 12, 3)]
EPOCH = SETS[0].epoch.replace(microsecond=0) + timedelta(hours=1)
BEIJING = FixedTerminal(latitude_rad=np.radians(39.9), longitude_rad=np.radians(116.4), altitude_m=50.0)
QUITO = FixedTerminal(latitude_rad=np.radians(-0.2), longitude_rad=np.radians(-78.5), altitude_m=2850.0)
AIRLINER = CruisingTerminal(
    latitude_rad=0.7, longitude_rad=2.0, altitude_m=11e3, course_rad=1.0, speed_m_s=250.0, epoch=EPOCH
)
WALKER = walker_orbits([WalkerShell(altitude_m=550e3, inclination_rad=0.9, satellites=24, planes=6)], EPOCH)
FLEETS = {
    "circular": WALKER,
    "elliptic": KeplerianOrbit(
        semi_major_axis_m=tf.constant([7.2e6, 26.6e6, 9e6], tf.float64),
        eccentricity=tf.constant([0.001, 0.7, 0.2], tf.float64),
        inclination_rad=1.1,
        raan_rad=tf.constant([0.0, 1.0, 2.0], tf.float64),
        mean_anomaly_rad=tf.constant([0.5, 1.5, 3.0], tf.float64),
        epoch=EPOCH - timedelta(days=2),
    ),
    "element sets": ElementSets(SETS),
}
GRIDS = {
    "even": np.arange(0.0, 200 * 10.0, 10.0),
    "odd length": np.arange(0.0, 97 * 5.0, 5.0),
    "wide steps": np.arange(0.0, 10_000.0, 100.0),
    "uneven": np.sort(np.random.default_rng(1).uniform(0.0, 5_000.0, 40)),
    "one instant": np.array([7.0]),
}
# rounding of positions of 1e7 m, 1e-8 m, and what differences over 4 to 10 s make of it
WORST = {
    "range_m": 1e-6,
    "range_rate_m_s": 1e-5,
    "range_acceleration_m_s2": 1e-5,
    "light_time_s": 1e-14,
    "elevation_rad": 1e-11,
    "azimuth_rad": 1e-9,
    "off_nadir_rad": 1e-11,
}


# a minute between positions of SGP4: 3e-6 m of interpolation between them
INTERPOLATED = WORST | {"range_m": 1e-5, "light_time_s": 4e-14, "elevation_rad": 3e-11, "off_nadir_rad": 3e-11}


def joined(chunks, field, shape):
    whole, seen = np.full(shape, np.nan), np.zeros(shape, int)
    for chunk in chunks:
        place = (chunk.terminals, chunk.satellites, chunk.times)
        whole[place] = getattr(chunk.result, field).numpy()
        seen[place] += 1
    assert (seen == 1).all()
    return whole


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kind", FLEETS)
def test_chunks_hold_the_geometry_of_every_pair_once(kind, grid):
    fleet, times = FLEETS[kind], Times(EPOCH, GRIDS[grid])
    terminals = [BEIJING, QUITO, AIRLINER] if kind == "circular" else [BEIJING, QUITO]
    shape = (len(terminals), fleet.size, len(times.offset_s))

    chunks = list(pair_geometry(fleet, terminals, times, mask_rad=0.2, pairs_per_chunk=2000))

    assert max(c.result.range_m.shape.num_elements() for c in chunks) <= 2000
    state = fleet.state(times)
    expected = [link_geometry(state, each.site(times), mask_rad=0.2) for each in terminals]
    for field, worst in (INTERPOLATED if kind == "element sets" else WORST).items():
        ours = joined(chunks, field, shape)
        theirs = np.stack([getattr(each, field).numpy() for each in expected])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=worst, err_msg=field)
    visible = joined(chunks, "visible", shape)
    np.testing.assert_array_equal(visible, np.stack([each.visible for each in expected]))


def _count(geometry: LinkGeometry):
    return {"visible": tf.math.count_nonzero(geometry.visible, axis=1), "nearest_m": tf.reduce_min(geometry.range_m)}


def test_a_reduction_is_compiled_with_the_geometry():
    times = Times(EPOCH, np.arange(0.0, 5_760.0, 10.0))

    chunks = list(pair_geometry(WALKER, [BEIJING], times, mask_rad=0.2, reduce=_count))

    whole = link_geometry(WALKER.state(times), BEIJING, mask_rad=0.2)
    assert len(chunks) == 1
    np.testing.assert_array_equal(chunks[0].result["visible"][0], np.count_nonzero(whole.visible, axis=0))
    assert float(chunks[0].result["nearest_m"]) == pytest.approx(float(np.min(whole.range_m)), rel=1e-13)


def test_visible_means_at_or_above_the_mask():
    times = Times(EPOCH, np.arange(0.0, 86_400.0, 10.0))

    seen = next(pair_geometry(WALKER, [BEIJING], times, mask_rad=0.3, pairs_per_chunk=8640 * 24)).result

    clear = np.abs(seen.elevation_rad.numpy() - 0.3) > 1e-12
    np.testing.assert_array_equal(seen.visible.numpy()[clear], (seen.elevation_rad.numpy() >= 0.3)[clear])
    assert seen.visible.numpy().any()


def test_a_decayed_satellite_ends_the_iteration_with_its_name():
    decaying = ElementSet(  # satellite 28872 of the AIAA 2006-6753 verification set
        "1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534",
        "2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708",
        "MINOTAUR R/B",
    )
    times = Times(decaying.epoch, np.arange(0.0, 86_400.0, 10.0))

    with pytest.raises(ScenarioError, match="MINOTAUR R/B: SGP4 error"):
        list(pair_geometry(ElementSets([decaying]), [BEIJING], times))


def test_nothing_is_compiled_twice_for_equal_chunks():
    from ntn6g.orbit.network.programs import program

    times = Times(datetime(2026, 4, 25, tzinfo=UTC), np.arange(0.0, 960.0, 10.0))
    for _ in range(2):
        list(pair_geometry(WALKER, [BEIJING], times, reduce=_count, pairs_per_chunk=96 * 6))

    compiled = program(_count)
    before = compiled.experimental_get_tracing_count()
    list(pair_geometry(WALKER, [QUITO], times, mask_rad=0.1, reduce=_count, pairs_per_chunk=96 * 6))
    assert compiled.experimental_get_tracing_count() == before


VECTORS = yaml.safe_load((Path(__file__).parents[2] / "reference/data/orbit_sgp4_vectors.yaml").read_text())


def verification_sets():
    """The element sets of AIAA 2006-6753 that SGP4 propagates over 5 hours."""
    for each in VECTORS["satellites"]:
        lines = [
            f"{line[:68]}{sum(int(c) if c.isdigit() else c == '-' for c in line[:68]) % 10}"
            for line in (each["line1"], each["line2"])
        ]
        try:
            found = ElementSet(*lines, str(each["sat"]))
            found.state(Times(found.epoch, np.arange(-400.0, 20_000.0, 100.0)))
        except ScenarioError:
            continue
        yield found


def test_element_sets_of_every_kind_are_interpolated_to_millimetres():
    offset_s = 3.0 + 10.0 * np.arange(480)
    checked = 0
    for each in verification_sets():
        times = Times(each.epoch, offset_s)
        (chunk,) = pair_geometry(ElementSets([each]), [BEIJING], times)
        exact = link_geometry(each.state(times), BEIJING)
        # mean motions of 0.2 to 16.5 a day, eccentricities up to 0.79; the worst is a perigee of 200 km at 0.58
        np.testing.assert_allclose(chunk.result.range_m[0, 0], exact.range_m, rtol=0, atol=5e-3)
        np.testing.assert_allclose(chunk.result.range_rate_m_s[0, 0], exact.range_rate_m_s, rtol=0, atol=3e-4)
        checked += 1
    assert checked >= 15
