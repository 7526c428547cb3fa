"""Beams that phases steer look elsewhere at every subcarrier: closed forms of arrays and discs, links on both paths."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ntn6g.channel.antennas import FlatAperture, PlanarArray, SteeredArray, direction
from ntn6g.core.constants import SPEED_OF_LIGHT_M_S
from ntn6g.core.errors import ScenarioError
from ntn6g.phy.layered import Antennas
from ntn6g.scenario import from_mapping
from ntn6g.study.build import build

LEVEL = tf.eye(3, dtype=tf.float64)
RATIO = 1.0 + np.linspace(-0.02, 0.02, 9)


def at(azimuth_deg):
    azimuth = np.radians(np.atleast_1d(azimuth_deg))
    return direction(tf.fill(azimuth.shape, tf.constant(math.pi / 2, tf.float64)), tf.constant(azimuth))


def dirichlet(count, step):
    """sin(N x / 2) / sin(x / 2), the sum over a centred line."""
    half = 0.5 * np.asarray(step)
    return np.where(np.abs(half) < 1e-12, float(count), np.sin(count * half) / np.sin(half + 1e-300))


def test_every_subcarrier_has_the_array_factor_of_its_own_frequency():
    """64 elements half a wavelength apart, phases for 30 degrees at the design frequency, from 28 to 33 degrees."""
    azimuth, aim = np.linspace(28.0, 33.0, 11), 30.0
    line = SteeredArray(PlanarArray(1, 64, directive=False), frequency_ratio=1.01)

    found = line.over_band(at(azimuth), at(aim), LEVEL, tf.constant(RATIO)).numpy()

    def factor(ratio):
        sines = np.sin(np.radians(azimuth))[:, None]
        return dirichlet(64, math.pi * (1.01 * ratio * sines - math.sin(math.radians(aim))))

    assert found == pytest.approx(factor(RATIO[None]) / factor(np.ones([1, 1])), abs=1e-9)


def test_the_beam_of_a_subcarrier_looks_where_the_sine_scaled_by_frequency_says():
    """sin(theta_f) = sin(theta_0) f_0 / f, of the gain that the budget has at the carrier times the squint."""
    azimuth, aim = np.linspace(38.9, 41.1, 1101), 40.0
    line = SteeredArray(PlanarArray(1, 128, directive=False))

    carrier_db = line.gain_dbi(at(azimuth), at(aim), LEVEL).numpy()
    over = line.over_band(at(azimuth), at(aim), LEVEL, tf.constant(RATIO)).numpy()

    gain = 10 ** (carrier_db[:, None] / 20) * np.abs(over)
    looks = np.sin(np.radians(azimuth[gain.argmax(0)]))
    assert looks == pytest.approx(math.sin(math.radians(aim)) / RATIO, abs=2e-5)  # steps of 0.002 degrees
    assert gain.max(0) == pytest.approx(np.full(9, math.sqrt(128)), rel=1e-4)  # nothing is lost there


def test_phases_in_steps_squint_as_their_sum_over_elements_does():
    panel = PlanarArray(8, 16, directive=False, panels=(1, 2), panel_spacing_wavelengths=(4.0, 9.0))
    look, aim = direction(tf.constant(1.2, tf.float64), tf.constant(0.5, tf.float64)), at(25.0)[0]
    steered = SteeredArray(panel, phase_bits=3)

    found = steered.over_band(look, aim, LEVEL, tf.constant(RATIO)).numpy()

    phase = np.round(8 * panel.positions @ aim.numpy()[1:]) / 8
    cycles = RATIO[:, None] * (panel.positions @ look.numpy()[1:]) - phase
    summed = np.exp(2j * np.pi * cycles).sum(1)
    assert np.abs(summed.imag).max() < 1e-9  # an amplitude is enough
    middle = summed[4].real  # the carrier
    assert found == pytest.approx(summed.real / middle, rel=1e-9)


def test_a_disc_squints_as_the_integral_over_it_does():
    size, aim, look = 40.0, at(35.0)[0], at(35.4)[0]
    found = FlatAperture(size, 0.6).over_band(look, aim, LEVEL, tf.constant(RATIO)).numpy()

    # chords of a disc of unit diameter across its direction of scan, the midpoint rule over 4000 of them
    across = (np.arange(4000) + 0.5) / 4000 - 0.5
    chord = np.sqrt(0.25 - across**2)
    apart = size * (RATIO * look.numpy()[1] - aim.numpy()[1])
    field = (chord * np.cos(2 * np.pi * apart[:, None] * across)).sum(1) / chord.sum()
    assert found == pytest.approx(field / field[4], rel=1e-4)


def test_squint_has_the_gradient_of_steering():
    line = SteeredArray(PlanarArray(2, 16))
    aim = tf.Variable([1.55, 0.5], dtype=tf.float64)

    def edge(angles):
        return line.over_band(at(30.0)[0], direction(angles[0], angles[1]), LEVEL, tf.constant(RATIO))[0]

    with tf.GradientTape() as tape:
        value = edge(aim)
    slope = tape.gradient(value, aim).numpy()

    for axis in (0, 1):
        step = 1e-6 * tf.one_hot(axis, 2, dtype=tf.float64)
        assert slope[axis] == pytest.approx(float(edge(aim + step) - edge(aim - step)) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("samples", [False, True])
def test_a_link_has_the_gain_of_every_subcarrier_on_both_paths(links, samples):
    """White noise, known channel: the ratio is that of the carrier times the mean of the squared amplitude.

    At 30 dB, where a path without the squint, or a receiver that does not know it, would be far off; what samples of so
    narrow a band leave of themselves lies 52 dB below the signal, 0.6 % of the noise.
    """
    structure = links.structure(
        mcs=None, modulation="qpsk", pilots=False, perfect_csi=True, squint=True, samples=samples
    )
    amplitude = np.linspace(-0.2, 1.4, structure.grid.subcarriers)

    chunks = links.chunks(structure, {"esno_db": 30.0, "squint": tuple(amplitude)}, 2, rows=64)

    ratio = sum(chunk.sums["sinr"] for chunk in chunks) / 64
    # 64 blocks of 672 elements: 0.5 % and a bias of 0.15 %
    assert ratio == pytest.approx(1e3 * np.mean(amplitude**2), rel=0.025)


def test_a_link_of_several_antennas_has_it_too(links):
    """On white noise antenna i hears antenna i alone; a known channel leaves noise over squared amplitude."""
    structure = links.structure(
        mcs=None, modulation="qpsk", pilots=False, perfect_csi=True, squint=True, antennas=Antennas(receive=2)
    )
    amplitude = np.linspace(0.6, 1.4, structure.grid.subcarriers)

    chunks = links.chunks(structure, {"esno_db": 30.0, "squint": tuple(amplitude)}, 2, rows=64)

    ratio = sum(chunk.sums["sinr"] for chunk in chunks) / 64
    assert ratio == pytest.approx(1e3 / np.mean(amplitude**-2), rel=1e-4)  # no noise is drawn for it


PASS = {"after": "2026-01-01T00:00:00Z", "min_culmination_deg": 80, "within_days": 15}
PANEL = {"kind": "electronically-steered", "diameter_m": 1.5, "squint": "subcarriers"}


def mapping(**sections):
    base = {
        "schema": 1,
        "study": "link",
        "name": "test",
        "platforms": {
            "leo": {"kind": "circular", "altitude_km": 600, "inclination_deg": 70, "epoch": "2026-01-01T00:00:00Z"}
        },
        "terminals": {"ue": {"latitude_deg": 45, "longitude_deg": 10}},
        "at": {"pass": PASS, "elevation_deg": 30},
        "channel": {"carrier_ghz": 20, "environment": "rural", "fading": {"kind": "awgn"}},
        "link": {"subcarrier_khz": 120, "resource_blocks": 275, "mcs": 5},
        "power": {"budget": {"power_density_dbw_mhz": -34}},
        "antennas": {"satellite": PANEL, "terminal": {"kind": "vsat"}},
    }
    return base | sections


def test_a_study_takes_squint_from_pointing():
    """A disc steered to the terminal from nadir: x = pi D / lambda |f / f_0 - 1| sin(off nadir), 2 J1(x) / x."""
    from scipy.special import j1

    point = build(from_mapping(mapping()))[0].points[0]

    off_nadir = math.asin(6371.0 / 6971.0 * math.cos(math.radians(30.0)))  # of the sphere, within a percent
    offset_hz = np.asarray(point.structure.grid.frequencies_hz)
    x = np.abs(math.pi * 1.5 / SPEED_OF_LIGHT_M_S * offset_hz * math.sin(off_nadir)) + 1e-12
    expected = 2 * j1(x) / x
    assert np.array(point.values["squint"]) == pytest.approx(expected, abs=0.02 * (1 - expected.min()))
    assert expected[0] < 0.9  # a decibel at the edge
    assert point.facts["squint_edge_db"] == pytest.approx(20 * math.log10(expected[0]), rel=0.02)
    assert point.facts["squint_mean_db"] == pytest.approx(10 * math.log10(np.mean(expected**2)), rel=0.02)
    # Shannon (1948), subcarrier by subcarrier
    esno = 10 ** (point.facts["esno_db"] / 10)
    assert point.facts["capacity_bps"] == pytest.approx(120e3 * np.log2(1 + esno * expected**2).sum(), rel=2e-3)
    assert point.facts["capacity_bps"] < 0.99 * 275 * 12 * 120e3 * math.log2(1 + esno)


def test_the_bound_of_a_transparent_payload_counts_what_squints_with_the_signal():
    """Signal and noise of the first hop leave through one beam: g / (1 / b + g / a), a of 3 dB and b of 6 dB."""
    gateway = {"latitude_deg": 45, "longitude_deg": 10}
    feeder = {"gateway": gateway, "carrier_ghz": 28, "cnr_db": 3.0}
    point = build(from_mapping(mapping(payload={"feeder": feeder}, power={"esno_db": 6.0})))[0].points[0]

    g = np.square(point.values["squint"])
    ratio = g / (10**-0.6 + g * 10**-0.3)
    assert point.facts["capacity_bps"] == pytest.approx(120e3 * np.log2(1 + ratio).sum(), rel=1e-9)


def test_points_of_one_structure_differ_in_squint_by_value():
    swept = mapping(sweep={"grid": {"at.elevation_deg": [30, 60]}})
    study = build(from_mapping(swept))[0]

    assert len(study.structures) == 1
    edges = [point.facts["squint_edge_db"] for point in study.points]
    assert edges[0] < edges[1] < 0.0  # steered further low in the sky


BEAMS = {"start": "2026-01-01T00:10:00Z", "spacing_uv": 0.05}
REFUSED = [
    ({"study": "beams", "beams": BEAMS}, r"antennas\.satellite\.squint: subcarriers has no effect on a beams study"),
    ({"study": "pass", "at": {"pass": PASS}}, r"antennas\.satellite\.squint: subcarriers has no effect on a pass"),
    ({"link": {"mcs": 5, "estimator": "lmmse-true"}}, "changes the covariance"),
    ({"antennas": {"satellite": {"kind": "aperture", "diameter_m": 1, "squint": "subcarriers"}}}, "squint"),
    ({"antennas": {"satellite": PANEL | {"squint": "delays"}}}, r"antennas\.satellite\.squint"),
]


@pytest.mark.parametrize(("sections", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(sections, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        build(from_mapping(mapping(**sections)))
    assert "\n" not in str(refused.value)
