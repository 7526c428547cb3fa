"""A pilot that stands alone: targets on the grid come out as they are, and no better than the Cramer-Rao bound."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest, chi2

from ntn6g.services.sensing import SensingGrid, Targets, echo_response, fisher_matrix
from ntn6g.services.sensing.estimators import EmbeddedPilot

GRID = SensingGrid(subcarriers=24, symbols=16, subcarrier_spacing_hz=60e3)
PLACES = {(-2, 0): 0.9, (0, 3): 0.5, (1, 3): 0.25, (2, 4): 0.7}  # cells of Doppler and delay: amplitude
KINDS = [("otfs", 1), ("afdm", 1), ("afdm", 2)]


def echo(places):
    """Response of targets on the grid with real reflections, [1, symbol, subcarrier]."""
    cells, amplitudes = np.array([*places], float), np.array([*places.values()])
    columns = cells[:, 1] * GRID.delay_cell_s, cells[:, 0] * GRID.doppler_cell_hz, 0.0 * amplitudes
    targets = Targets(*(tf.constant(each[None], tf.float64) for each in columns), tf.constant(amplitudes[None] ** 2))
    return echo_response(GRID, targets, tf.ones([1, len(places), GRID.symbols], tf.complex64))


def pilot(kind, chirp):
    return EmbeddedPilot(GRID, kind, delay_cells=5, doppler_cells=2, pilot_energy=60.0, chirp=chirp)


def data(frames, seed):
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (2, frames, GRID.symbols, GRID.subcarriers))
    return tf.constant((signs[0] + 1j * signs[1]) / np.sqrt(2.0), tf.complex64)


@pytest.mark.parametrize(("kind", "chirp"), KINDS)
def test_targets_on_the_grid_are_recovered_exactly_beside_data(kind, chirp):
    asked = pilot(kind, chirp)
    sent = asked.sent(data(1, 1))

    response = asked.response(sent * echo(PLACES))

    expected = np.zeros((5, 6), complex)
    for (shift, delay), amplitude in PLACES.items():
        expected[shift + 2, delay] = amplitude
    np.testing.assert_allclose(response.numpy()[0], expected, atol=2e-6)  # single precision
    assert {*zip(*np.nonzero(asked.targets(response, 1e-4).numpy()[0]), strict=True)} == {
        (shift + 2, delay) for shift, delay in PLACES
    }
    assert asked.doppler_hz[0] == pytest.approx(-2 * GRID.doppler_cell_hz)
    assert asked.delay_s[3] == pytest.approx(3 * GRID.delay_cell_s)
    energy = 60.0 + np.count_nonzero(asked.data_mask)
    assert np.sum(np.abs(sent.numpy()) ** 2) == pytest.approx(energy, rel=1e-5)  # unitary: nothing is added or lost


class OfPilot(SensingGrid):
    """The pilot's energy, spread evenly over all elements."""

    @property
    def sensed_energy(self):
        return np.full((self.symbols, self.subcarriers), 60.0 / (self.symbols * self.subcarriers))


@pytest.mark.parametrize(("kind", "chirp"), KINDS[:2])
def test_reflections_are_as_uncertain_as_the_bound_of_the_pilot_says(kind, chirp):
    # real part of a reflection, of delay and Doppler shift that are estimated too: they turn its phase alone
    frames, variance, place = 2048, 0.5, {(1, 2): 0.8}
    rng = np.random.default_rng(2)
    noise = np.sqrt(variance / 2) * rng.normal(size=(2, frames, 16, 24))
    asked = pilot(kind, chirp)

    received = asked.sent(data(frames, 3)) * echo(place) + tf.constant(noise[0] + 1j * noise[1], tf.complex64)
    found = asked.response(received).numpy()

    grid = OfPilot(subcarriers=24, symbols=16, subcarrier_spacing_hz=60e3)
    information = fisher_matrix(
        grid, 2 * grid.delay_cell_s, grid.doppler_cell_hz, 0.8 / np.sqrt(variance)
    )  # in units of noise one
    known = [0, 1, 3, 4]  # without an array there is no direction
    bound = variance * np.linalg.inv(information[np.ix_(known, known)])[2, 2]
    total = np.sum((found[:, 3, 2].real - 0.8) ** 2) / bound
    # chi-squared: 2048 squares find a variance of 0.9 or 1.12 with 90 % power at 1e-3
    assert 2 * min(chi2.cdf(total, frames), chi2.sf(total, frames)) > 1e-3
    empty = np.delete(found.reshape(frames, -1), 3 * 6 + 2, axis=1)
    passed = np.mean(np.abs(empty) >= 3 * np.sqrt(variance / 60.0))
    assert binomtest(round(passed * empty.size), empty.size, np.exp(-9.0)).pvalue > 1e-3  # 59 392 cells: 7.3 expected
    assert np.mean(asked.targets(tf.constant(empty[:, None]), variance).numpy()) == passed


@pytest.mark.parametrize(("changes", "words"), [({"kind": "ofdm"}, "none of otfs"), ({"delay_cells": 12}, "not fit")])
def test_pilots_that_cannot_be_are_refused(changes, words):
    given = {"kind": "otfs", "delay_cells": 3, "doppler_cells": 1} | changes
    with pytest.raises(ValueError, match=words):
        EmbeddedPilot(GRID, given.pop("kind"), pilot_energy=1.0, **given)
