"""Ambiguity functions: unit volume, and the lobes of a Dirichlet kernel, known to every textbook."""

import numpy as np
import pytest

from ntn6g.services.sensing import SensingGrid, ambiguity, lobes

FULL = {"subcarriers": 96, "symbols": 28, "subcarrier_spacing_hz": 120e3}


def test_the_function_is_one_at_the_origin_and_its_volume_is_one():
    shape = ambiguity(SensingGrid(**FULL), padding=1)

    assert shape[0, 0] == pytest.approx(1.0)
    assert shape.sum() == pytest.approx(1.0)
    assert ambiguity(SensingGrid(**FULL), padding=4).sum() == pytest.approx(16.0)  # four points a cell


def test_volume_grows_with_what_is_left_out():
    sparse = SensingGrid(**FULL, comb=4, pilot_share=0.5, knows_data=False)

    assert ambiguity(sparse, padding=1).sum() == pytest.approx(4.0)  # a quarter of the elements, all equal


@pytest.mark.parametrize("axis", ["delay", "Doppler"])
def test_a_full_grid_has_the_lobes_of_a_rectangle(axis):
    shape = ambiguity(SensingGrid(**FULL), padding=32)
    cut = shape[0] if axis == "delay" else shape[:, 0]

    found = lobes(cut, 32)

    # F. J. Harris 1978, table 1: 0.89 cells between the 3 dB points, highest sidelobe -13 dB (-13.26 for many samples)
    assert found.width_cells == pytest.approx(0.886, abs=0.004)
    assert found.peak_sidelobe_db == pytest.approx(-13.26, abs=0.1)
    # 9.7 % of the energy of a squared sinc lies outside its main lobe
    assert found.integrated_sidelobe_db == pytest.approx(10 * np.log10(0.0972 / 0.9028), abs=0.15)


def test_a_comb_repeats_the_main_lobe_at_full_height():
    sparse = SensingGrid(**FULL, comb=4, pilot_share=0.5, knows_data=False)

    assert lobes(ambiguity(sparse, padding=16)[0], 16).peak_sidelobe_db == pytest.approx(0.0, abs=1e-6)


def test_a_single_symbol_tells_nothing_about_doppler():
    alone = SensingGrid(**FULL, symbol_step=28, pilot_share=0.5, knows_data=False)

    with pytest.raises(ValueError, match="nothing is resolved"):
        lobes(ambiguity(alone, padding=4)[:, 0], 4)
