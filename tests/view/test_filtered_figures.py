"""The figure of filtered search: a panel for each kind of filter, a line for each method, no text as markup."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view import figures

TABLE = pd.DataFrame(
    {
        "filter": ["uncorrelated"] * 4 + ["correlated"] * 2 + ["<b>c</b> = 1"],
        "selectivity": [0.01, 0.5, 0.01, 0.5, 0.5, 0.01, 0.2],
        "method": ["ACORN", "ACORN", "<i>mine</i>", "<i>mine</i>", "ACORN", "ACORN", "ACORN"],
        "recall": [0.8, 1.0, 0.1, 0.5, 0.9, 0.6, 0.7],
        "recall_low": [0.7, 0.9, 0.0, 0.4, 0.8, 0.5, 0.6],
        "recall_high": [0.9, 1.0, 0.2, 0.6, 1.0, 0.7, 0.8],
        "visited_share": [np.nan, np.nan, 0.04, 0.04, np.nan, np.nan, np.nan],
    }
)


def test_panels_by_filter_and_lines_by_method_from_the_mildest_filter_to_the_hardest():
    figure = figures.filtered_search(TABLE, title="<u>hard</u>")
    first, mine, topic, column = figure.data
    assert list(first.x) == [0.5, 0.01] and list(first.y) == [1.0, 0.8] and mine.name == "&lt;i&gt;mine&lt;/i&gt;"
    np.testing.assert_allclose(first.error_y.arrayminus, [0.1, 0.1])
    assert [trace.xaxis for trace in figure.data] == ["x", "x", "x2", "x3"]
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
    assert column.mode == "markers" and column.customdata[0] == "&lt;b&gt;c&lt;/b&gt; = 1"
    assert figure.layout.title.text == "&lt;u&gt;hard&lt;/u&gt;"
    low, high = figure.layout.xaxis.range
    assert low > np.log10(0.5) and high < np.log10(0.01) and "1 %" in figure.layout.xaxis.ticktext
    assert topic.line.color == first.line.color != mine.line.color


def test_rows_without_a_value_are_left_out():
    (trace,) = figures.filtered_search(TABLE, "visited_share").data
    assert trace.name == "&lt;i&gt;mine&lt;/i&gt;" and list(trace.y) == [0.04, 0.04]


@pytest.mark.parametrize(
    ("measure", "table", "said"),
    [
        ("beauty", TABLE, "no measure 'beauty'"),
        ("p50_us", TABLE, "p50_us"),
        ("recall", TABLE.drop(columns="recall_low"), "recall_low"),
        ("visited_share", TABLE[TABLE["method"] == "ACORN"], "no rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(measure, table, said):
    with pytest.raises(InputError, match=said):
        figures.filtered_search(table, measure)
