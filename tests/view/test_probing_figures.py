"""Figures of lists and codes: what each step shows, that sums are those of the table, and that no text is markup."""

import numpy as np
import pandas as pd
import pytest

from workbench import geometry
from workbench.errors import InputError
from workbench.view import figures

CENTERS = np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 3.0]])
CELLS = geometry.voronoi_cells(CENTERS, (0, 0), (4, 4))
POINTS = np.array([[0.5, 1.0], [2.1, 1.0], [2.0, 3.5]])
STEPS = pd.DataFrame({"nprobe": [1, 2], "read": [[0], [0, 1]], "answer": [0, 1], "share": [0.25, 0.0]})
WRONG = [np.eye(4, dtype=bool), np.zeros((4, 4), dtype=bool)]
TABLE = np.arange(12.0).reshape(3, 4)  # 3 parts of 4 centroids
CODES = np.array([[0, 1, 2], [3, 3, 0]])


def cells_drawn(**changes):
    given = {"cells": CELLS, "points": POINTS, "query": (1.9, 1.0), "steps": STEPS, "nearest": 1, "wrong": WRONG}
    return figures.probed_cells(**given | changes)


def test_each_step_shows_what_is_read_the_answer_and_where_it_fails():
    figure = cells_drawn(title="<b>two</b>")
    assert figure.layout.title.text == "&lt;b&gt;two&lt;/b&gt;"
    assert [frame.name for frame in figure.frames] == ["1", "2"]
    assert [step.label for step in figure.layout.sliders[0].steps] == ["1", "2"]
    first, second = (frame.data for frame in figure.frames)
    assert len(figure.frames[0].traces) == len(first) == 4
    kinds = [figure.data[place].type for place in figure.frames[0].traces]
    assert kinds == [trace.type for trace in first]
    read = np.stack([first[0].x, first[0].y], axis=1)
    np.testing.assert_allclose(read[: len(CELLS[0])], CELLS[0])
    assert np.isnan(second[0].x).sum() == 2, "two cells, each closed"
    np.testing.assert_array_equal(first[1].z, WRONG[0])
    np.testing.assert_allclose(np.hypot(np.subtract(first[2].x, 1.9), np.subtract(first[2].y, 1.0)), 1.4)
    assert (first[3].x[0], second[3].x[0]) == (0.5, 2.1)
    assert "25.0%" in figure.layout.annotations[1].text
    assert "0.0%" in figure.frames[1].layout.annotations[1].text
    np.testing.assert_array_equal(figure.data[0].x, first[0].x, "what is shown at first is the first step")
    grid = next(trace for trace in figure.data if trace.type == "heatmap")
    assert (grid.x0, grid.dx) == (0.5, 1.0), "a place is the middle of its square"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"steps": STEPS.drop(columns="read")}, "no column 'read'"),
        ({"steps": STEPS.iloc[:0], "wrong": []}, "no rows"),
        ({"wrong": WRONG[:1]}, "1 grids of places for 2 steps"),
    ],
)
def test_steps_that_cannot_be_drawn(changes, what):
    with pytest.raises(InputError, match=what):
        cells_drawn(**changes)


def test_a_bar_is_the_sum_of_the_cells_that_a_code_picks():
    figure = figures.distance_table(TABLE, CODES, ["<b>a</b>", "b"], true=[14.0, 20.0])
    bars = [trace for trace in figure.data if trace.type == "bar"]
    np.testing.assert_array_equal(np.sum([bar.x for bar in bars], axis=0), [0 + 5 + 10, 3 + 7 + 8])
    assert figure.layout.yaxis2.ticktext[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert [trace.x[0] for trace in figure.data if trace.name == "true distance"] == [14.0]
    assert len(figure.frames) == CODES.size and figure.layout.sliders[0].active == CODES.size - 1


def test_each_step_adds_one_cell_and_the_last_is_the_whole():
    figure = figures.distance_table(TABLE, CODES, ["a", "b"])
    added = [np.nansum([trace.x for trace in frame.data[1:4]]) for frame in figure.frames]
    np.testing.assert_array_equal(np.diff([0, *added]), [0, 5, 10, 3, 7, 8])
    picked = figure.frames[4].data[0]
    assert (list(picked.x), list(picked.y)) == ([3, 3], [0, 1])
    shown = [figure.data[place] for place in figure.frames[-1].traces]
    for now, last in zip(shown, figure.frames[-1].data, strict=True):
        np.testing.assert_array_equal(now.x, last.x)
    assert figure.frames[0].data[-1].text[1] == "\u00a0", "a vector that is not reached has no sum"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"codes": CODES[:, :2]}, "codes of shape"),
        ({"codes": CODES + 1}, "a code is not in 0 to 3"),
        ({"names": ["a"]}, "1 names for 2"),
        ({"true": [1.0]}, "2 names for 2"),
    ],
)
def test_codes_that_do_not_fit_their_table(changes, what):
    with pytest.raises(InputError, match=what):
        figures.distance_table(**{"table": TABLE, "codes": CODES, "names": ["a", "b"]} | changes)
