"""Columns become colors that can be told apart, and nothing is left out."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view.palette import color_column


def test_no_column_is_one_color() -> None:
    coloring = color_column(None, 4)
    assert coloring.codes.tolist() == [0, 0, 0, 0]
    assert (len(coloring.light), len(coloring.dark), coloring.title) == (1, 1, "")


def test_numbers_become_a_ramp_with_their_ends_as_legend() -> None:
    coloring = color_column(pd.Series([0.0, 5.0, np.nan, 10.0], name="price"), 4)
    assert coloring.codes.tolist() == [0, 32, 64, 63]
    assert coloring.range == ("0", "10")
    assert [(entry.label, entry.count) for entry in coloring.entries] == [("no value", 1)]
    assert len(coloring.light) == len(coloring.dark) == 65
    assert coloring.title == "price"


def test_infinite_numbers_have_no_value() -> None:
    coloring = color_column(pd.Series([1.0, np.inf, -np.inf]), 3)
    assert coloring.codes.tolist() == [0, 64, 64]


@pytest.mark.parametrize("values", [[3, 3, 3], [np.nan, np.nan, np.nan]], ids=["equal", "all missing"])
def test_a_column_without_a_spread_is_drawn(values: list[float]) -> None:
    assert len(set(color_column(pd.Series(values), 3).codes.tolist())) == 1


def test_nullable_integers_and_dates_are_continuous() -> None:
    whole = color_column(pd.Series([1, None, 3], dtype="Int64"), 3)
    assert whole.codes.tolist() == [0, 64, 63]
    dates = pd.Series(pd.to_datetime(["2024-01-01", None, "2024-12-31"]))
    assert color_column(dates, 3).range == ("2024-01-01", "2024-12-31")
    assert color_column(dates, 3).codes.tolist() == [0, 64, 63]
    assert color_column(dates.dt.tz_localize("UTC"), 3).range == ("2024-01-01", "2024-12-31")


def test_truth_values_are_categories() -> None:
    coloring = color_column(pd.Series([True, False, True]), 3)
    assert [(entry.label, entry.count) for entry in coloring.entries] == [("True", 2), ("False", 1)]
    assert coloring.range is None


def test_many_categories_keep_the_most_frequent_and_join_the_rest() -> None:
    names = [name for place in range(14) for name in [f"c{place}"] * (20 - place)] + [None]
    coloring = color_column(pd.Series(names, dtype=object), len(names), "topic")
    assert [entry.label for entry in coloring.entries] == [*(f"c{i}" for i in range(9)), "5 others", "no value"]
    assert sum(entry.count for entry in coloring.entries) == len(names)
    assert coloring.codes.max() == 9
    assert len(set(coloring.light)) == len(set(coloring.dark)) == 10


def test_unhashable_cells_are_text() -> None:
    assert [entry.label for entry in color_column(pd.Series([["a"], ["a"], {"b": 1}]), 3).entries] == [
        "['a']",
        "{'b': 1}",
    ]


def test_the_wrong_length_and_too_many_colors_are_refused() -> None:
    with pytest.raises(InputError, match="2 values for 3 points"):
        color_column(pd.Series([1, 2]), 3)
    with pytest.raises(InputError, match="top=10"):
        color_column(pd.Series([1, 2]), 2, top=10)
