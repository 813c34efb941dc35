import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ann import fastest, hypervolume, pareto
from workbench.errors import InputError

points = st.lists(
    st.tuples(st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]), st.sampled_from([1.0, 2.0, 5.0, 9.0])),
    min_size=1,
    max_size=9,
)


@given(points)
def test_a_point_is_on_the_front_when_no_other_beats_it(drawn):
    recall, cost = np.array(drawn).T
    on = pareto(recall, cost)
    for i, (r, c) in enumerate(drawn):
        beaten = any((a >= r and b <= c) and (a > r or b < c) for a, b in drawn)
        earlier_equal = any(drawn[j] == drawn[i] for j in range(i))
        assert on[i] == (not beaten and not earlier_equal)


@given(points)
def test_the_front_alone_has_the_whole_hypervolume_and_a_further_point_never_lowers_it(drawn):
    recall, cost = np.array(drawn).T
    on = pareto(recall, cost)
    whole = hypervolume(recall, cost, 10.0, 1.0)
    assert whole == pytest.approx(hypervolume(recall[on], cost[on], 10.0, 1.0))
    assert hypervolume(np.append(recall, 0.97), np.append(cost, 3.0), 10.0, 1.0) >= whole - 1e-12


def test_hypervolume_of_known_fronts():
    assert hypervolume([1.0], [1.0], 100.0, 1.0) == pytest.approx(1.0)
    assert hypervolume([0.5, 1.0], [1.0, 10.0], 100.0, 1.0) == pytest.approx(0.75)
    with pytest.raises(InputError, match="span nothing"):
        hypervolume([1.0], [1.0], 1.0, 1.0)


def test_what_was_not_timed_is_neither_on_the_front_nor_the_fastest():
    table = pd.DataFrame({"recall": [0.99, 0.95, 1.0], "p50_us": [np.nan, 50.0, 900.0]})
    assert pareto(table["recall"], table["p50_us"]).tolist() == [False, True, True]
    assert fastest(table, 0.97)["p50_us"] == 900.0
    assert fastest(table.iloc[:2], 0.97) is None
