"""Figures of what was measured: dumbbells, and calibration of several series."""

import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view import figures


def test_dumbbells_draw_two_points_a_row_and_put_the_numbers_outside():
    table = pd.DataFrame({"name": ["<b>one</b>", "two"], "opposite": [0.9, 0.2], "same": [0.4, 0.6]})
    figure = figures.dumbbells(table, "opposite", "same")
    line, opposite, same = figure.data
    assert list(line.x) == [0.9, 0.4, None, 0.2, 0.6, None] and list(line.y) == [0, 0, None, 1, 1, None]
    assert list(opposite.x) == [0.9, 0.2] and list(same.x) == [0.4, 0.6]
    assert list(opposite.text) == ["0.90", "0.20"]
    assert list(opposite.textposition) == ["middle right", "middle left"]
    assert list(same.textposition) == ["middle left", "middle right"]
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;one&lt;/b&gt;"
    with pytest.raises(InputError, match="no column 'other'"):
        figures.dumbbells(table, "opposite", "other")


def test_calibration_draws_a_line_and_an_interval_for_each_series():
    rows = {"similarity": [0.2, 0.6, 0.3], "share": [0.1, 0.5, 0.9], "count": [5, 7, 9]}
    table = pd.DataFrame({**rows, "low": [0, 0.2, 0.7], "high": [0.4, 0.8, 1.0], "series": ["a", "a", "b"]})
    figure = figures.calibration(table)
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert [trace.name for trace in lines] == ["a", "b"]
    assert [list(trace.y) for trace in lines] == [[0.1, 0.5], [0.9]]
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert [list(band.y) for band in bands] == [[0.4, 0.8, 0.2, 0.0], [1.0, 0.7]]
    assert lines[0].line.color != lines[1].line.color
    alone = figures.calibration(pd.DataFrame(rows))
    assert [trace.name for trace in alone.data if trace.mode == "lines+markers"] == ["measured"]
    assert not [trace for trace in alone.data if trace.fill == "toself"]
