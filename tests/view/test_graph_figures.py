"""Figures of graphs: every frame is one step, says what happened, and the last of them is what is shown at first."""

import numpy as np
import pandas as pd
import pytest

from workbench import ann
from workbench.errors import InputError
from workbench.view import figures


@pytest.fixture(scope="module")
def graph():
    return ann.toy_graph()


def caption(frame) -> str:
    return frame.layout.annotations[-1].text.replace("<br>", " ")


def pieces(trace) -> int:
    return sum(x is None for x in trace.x or ())


def test_each_insertion_is_a_frame_that_links_the_new_node(graph):
    figure = figures.toy_insertions(graph, title="x")
    assert len(figure.frames) == len(figure.layout.sliders[0].steps) == len(graph)
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    for insertion, frame in zip(graph.insertions, figure.frames, strict=True):
        by = dict(zip(frame.traces, frame.data, strict=True))
        assert list(by[8].text) == [str(insertion.node)] * (insertion.level + 1)
        drawn = sum(len(by[trace].text or ()) for trace in (5, 6, 7, 8))
        assert drawn == sum(graph.levels[: insertion.node + 1] + 1), "each node once on each of its layers"
        chosen = sum(len(one.chosen) for one in insertion.links)
        assert chosen - len(insertion.dropped) <= pieces(by[3]) <= chosen
        assert f"Node {insertion.node} " in caption(frame)
    assert figure.data[8].text == figure.frames[-1].data[8].text
    assert figure.layout.annotations[-1].text == figure.frames[-1].layout.annotations[-1].text


def test_each_step_of_a_search_is_a_frame(graph):
    search = graph.search([0.8, 0.2], 3, 4)
    figure = figures.toy_search(graph, search)
    assert len(figure.frames) == len(search.steps)
    for step, frame in zip(search.steps, figure.frames, strict=True):
        by = dict(zip(frame.traces, frame.data, strict=True))
        assert list(by[8].text) == [str(step.node)] and pieces(by[3]) == len(step.looked_at)
        assert set(by[7].text or ()) == {str(node) for node in step.results if node != step.node}
    assert "the search ends" in caption(figure.frames[-1])
    assert sum("down a layer" in caption(frame) for frame in figure.frames) == graph.layers - 1


def test_each_comparison_of_a_skip_list_is_a_frame():
    skips = ann.SkipList(np.arange(0.0, 32, 2), ann.draw_levels(16, 2, 3))
    figure = figures.skip_list_search(skips, 21)
    steps = skips.search(21)
    assert len(figure.frames) == len(steps)
    boxes = figure.data[3]
    assert len(boxes.text) == int((skips.levels + 1).sum())
    for step, frame in zip(steps, figure.frames, strict=True):
        here = frame.data[2]
        assert (here.x[0], here.y[0]) == (step.ahead if step.moved else step.at, step.layer)
    assert "the search ends here" in caption(figure.frames[-1])


def test_growth_is_solid_where_it_was_measured_and_dashed_beyond():
    points = pd.DataFrame({"n": [1000, 10_000], "distances": [300.0, 400], "low": [290.0, 390], "high": [310.0, 410]})
    law = {"n": [1000, 10_000, 10**8], "distances": [301.0, 399, 800], "low": [1.0, 2, 3], "high": [9.0] * 3}
    laws = pd.concat([pd.DataFrame({**law, "law": name}) for name in ("<b>power</b>", "logarithm")])
    figure = figures.work_growth(points, laws)
    band, known, beyond, _, other, _, marks = figure.data
    assert len(band.x) == 6 and list(known.x) == [1000, 10_000] and list(beyond.x) == [10_000, 10**8]
    assert (known.line.dash, beyond.line.dash) == ("solid", "dash") and known.line.color != other.line.color
    assert known.name == "&lt;b&gt;power&lt;/b&gt;" and list(marks.error_y.array) == [10, 10]
    low, high = figure.layout.xaxis.range
    assert low < 3 and high > 8 and figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    with pytest.raises(InputError, match="no column 'low'"):
        figures.work_growth(points.drop(columns="low"), laws)
    with pytest.raises(InputError, match="not above 0"):
        figures.work_growth(points.assign(low=0), laws)


def test_what_was_touched_is_not_drawn_among_the_rest():
    points = np.random.default_rng(0).normal(size=(50, 2))
    touched = pd.DataFrame({"row": [3, 7, 9], "nearest": [True, False, True],
                            "found": [False, False, True]})  # fmt: skip
    rest, seen, way, found, query = figures.seen_from_query(points, touched, rings=(0.5, 1.0), axis="<b>far</b>").data
    assert len(rest.x) == 47 and len(seen.x) == 3
    np.testing.assert_allclose(np.column_stack([way.x, way.y]), points[[3, 9]], rtol=1e-6)
    np.testing.assert_allclose(np.column_stack([found.x, found.y]), points[[9]], rtol=1e-6)
    assert list(query.x) == list(query.y) == [0]
    figure = figures.seen_from_query(points, touched, rings=(0.5, 1.0), axis="<b>far</b>")
    assert len(figure.layout.shapes) == 2 and "&lt;b&gt;" in figure.layout.annotations[1].text
    with pytest.raises(InputError, match=r"points of shape \(50, 3\)"):
        figures.seen_from_query(np.zeros((50, 3)), touched)
