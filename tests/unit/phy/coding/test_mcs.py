"""What a caller of the MCS tables sees: exact rates, and refusals that name the limit."""

from fractions import Fraction

import pytest

from ntn6g.core.errors import ScenarioError
from ntn6g.phy.coding import mcs, mcs_table


def test_half_integer_rates_are_exact():
    assert Fraction(mcs(2, 20).code_rate) == Fraction(1365, 2048)  # 682.5 / 1024


@pytest.mark.parametrize(("table", "last"), [(1, 28), (2, 27), (3, 28), (4, 26)])
def test_a_reserved_index_is_refused_and_the_last_one_named(table, last):
    assert mcs(table, last).index == last
    with pytest.raises(ScenarioError, match=f"{last + 1} is reserved.*table {table} is {last}") as caught:
        mcs(table, last + 1)
    assert caught.value.key == "link.mcs"


@pytest.mark.parametrize("index", [-1, 32])
def test_an_index_out_of_range_is_refused(index):
    with pytest.raises(ScenarioError, match=f"link.mcs: {index} is out of range"):
        mcs(1, index)


def test_an_unknown_table_is_refused():
    with pytest.raises(ScenarioError, match=r"link.mcs_table: 5 is no MCS table"):
        mcs_table(5)
