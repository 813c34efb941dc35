"""Figures of a sweep: where points stand, what is not drawn, what the front joins, and texts that stay texts."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tiny_sweep import HOSTILE, K, tiny_sweep
from workbench import ann
from workbench.ann import FAMILIES, pareto
from workbench.ann.sweeping.adaptive import _ORDER
from workbench.errors import InputError
from workbench.view import figures
from workbench.view.figures.sweep import FAMILY_LOOKS
from workbench.view.figures.sweep_axes import COSTS, cost_axis, raised, recall_axis, top_of
from workbench.view.sweep_bench import _SIGNS
from workbench.view.sweep_details import cause_shares


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return tiny_sweep(tmp_path_factory.mktemp("sweep"))


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def drawn(figure):
    """Names of the points that stand on the figure."""
    return {name for trace in figure.data if trace.customdata is not None for name in trace.customdata}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_higher_recall_stands_no_lower_and_1_stands_above_all(recalls):
    top = top_of(pd.Series(recalls))
    at = raised(np.sort(recalls), top)
    assert (np.diff(at) >= 0).all() and (at <= top).all()
    assert (at[np.sort(recalls) == 1] == top).all() and (at[np.sort(recalls) < 1 - 1e-9] < top - 0.4).all()


def test_ninety_ninety_nine_and_three_nines_are_as_far_apart(result):
    axis = figures.sweep_front(result.points).layout.yaxis
    place = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert place["0.99"] - place["0.9"] == pytest.approx(place["0.999"] - place["0.99"]) == pytest.approx(1)
    assert place["exactly 1"] == max(axis.tickvals) < axis.range[1]
    assert "recall@10" in axis.title.text


@given(st.lists(st.floats(1e-4, 1e9), min_size=1, max_size=6))
def test_a_cost_axis_has_two_numbers_in_sight(costs):
    axis = cost_axis(costs)
    low, high = axis["range"]
    assert all(low < np.log10(cost) < high for cost in costs)
    assert sum(low <= np.log10(tick) <= high for tick in axis["tickvals"]) >= 2


@example([1.0])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_an_axis_of_recall_has_two_numbers_in_sight(recalls):
    top = top_of(recalls)
    axis = recall_axis(recalls, top)
    low, high = axis["range"]
    assert all(low <= place <= high for place in raised(recalls, top))
    assert sum(low <= tick <= high for tick in axis["tickvals"]) >= 2


def test_every_family_has_a_look_a_sign_and_a_turn():
    assert set(FAMILY_LOOKS) == set(_SIGNS) == set(FAMILIES) == set(_ORDER)
    assert len(set(_SIGNS.values())) == len(_SIGNS) and len(_ORDER) == len(FAMILIES)


def test_every_timed_point_is_drawn_and_no_other(result):
    figure = figures.sweep_front(result.points)
    timed = result.points[result.points["timed"] > 0]
    assert drawn(figure) == set(timed["point"]) and len(timed) < len(result.points)
    assert f"{len(result.points) - len(timed)} not drawn" in figure.layout.annotations[0].text
    for family, rows in timed.groupby("family"):
        trace = traces(figure)[FAMILY_LOOKS[family][0]]
        by_name = dict(zip(trace.customdata, trace.x, strict=True))
        assert by_name == dict(zip(rows["point"], rows["p50_us"], strict=True))
    assert traces(figure)["Flat"].y[0] == max(figure.layout.yaxis.tickvals)


def test_points_that_were_not_timed_are_hollow_where_time_does_not_matter(result):
    figure = figures.sweep_front(result.points, x="memory_bytes")
    assert drawn(figure) == set(result.points["point"])
    untimed = set(result.points.loc[result.points["timed"] == 0, "point"])
    hollow = {
        name
        for trace in figure.data
        if trace.customdata is not None
        for name, symbol in zip(trace.customdata, trace.marker.symbol, strict=True)
        if symbol.endswith("-open")
    }
    assert hollow == untimed
    assert "4 hollow" in figure.layout.annotations[0].text
    assert traces(figure)["Flat"].x[0] == pytest.approx(result.baseline["memory_bytes"] / 1e6)


@pytest.mark.parametrize("x", COSTS)
def test_the_line_is_the_best_recall_for_its_cost(result, x):
    cost = -result.points[x] if COSTS[x].more_is_better else result.points[x]
    points = result.points.assign(front=pareto(result.points["recall"], cost))
    line = traces(figures.sweep_front(points, x=x))["front"]
    assert len(line.x) == points["front"].sum() and (np.diff(line.x) > 0).all()
    assert (np.diff(line.y) * (-1 if COSTS[x].more_is_better else 1) >= 0).all()
    assert line.line.shape == ("vh" if COSTS[x].more_is_better else "hv")


def test_intervals_are_drawn_where_they_are_known(result):
    trace = traces(figures.sweep_front(result.points))["IVF"]
    row = result.point(trace.customdata[0])
    assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(row["p50_low_us"])
    top = top_of(result.points["recall"])
    assert trace.y[0] + trace.error_y.array[0] == pytest.approx(float(raised(row["recall_high"], top)))
    assert not traces(figures.sweep_front(result.points, x="p99_us"))["IVF"].error_x.visible
    assert not traces(figures.sweep_front(result.points, y="worst_decile"))["IVF"].error_y.visible


def test_families_rings_and_what_fits(result):
    best = result.front.query("family == 'hnsw'").iloc[0]["point"]
    figure = figures.sweep_front(
        result.points, families=["hnsw", "flat"], recommended=best, chosen="nowhere", target=0.95, limit=100.0
    )
    assert {result.point(name)["family"] for name in drawn(figure)} == {"hnsw", "flat"}
    fits, edge, limit = figure.layout.shapes
    assert (fits.x1, fits.y0) == (100.0, pytest.approx(-np.log10(0.05))) and edge.y0 == fits.y0 and limit.x0 == 100.0
    assert traces(figure)["recommended"].x[0] == result.point(best)["p50_us"]
    assert not len(traces(figure)["chosen"].x) and not traces(figure)["chosen"].showlegend
    names = [trace.name for trace in figure.data]
    assert names == [trace.name for trace in figures.sweep_front(result.points, x="qps").data]
    assert figures.sweep_front(result.points, x="qps", limit=2_000).layout.shapes[0].x0 == 2_000
    assert not figures.sweep_front(result.points, families=[]).data[0].x.size


def test_causes_are_stacked_to_what_is_missed(result):
    rows = result.points[result.points["family"] == "ivf"]
    table = cause_shares(result, rows)
    figure = figures.miss_causes(table, k=K)
    assert [trace.name for trace in figure.data[:-1]] == [ann.CAUSE_LABELS[cause] for cause in ann.CAUSES]
    stacked = np.sum([trace.x for trace in figure.data[:-1]], axis=0)
    np.testing.assert_allclose(stacked, 100 * (1 - rows["recall"]), atol=1e-9)
    np.testing.assert_allclose(figure.data[-1].x, stacked)
    assert figure.layout.yaxis.ticktext == tuple(rows["index"])
    assert [trace.name for trace in figure.data if trace.showlegend] == [ann.CAUSE_LABELS["nprobe"]]
    nothing = figures.miss_causes(table.assign(share=0.0))
    assert set(nothing.data[-1].text) == {" nothing"} and nothing.layout.xaxis.range[1] == 1
    with pytest.raises(InputError, match="no column 'share'"):
        figures.miss_causes(table.drop(columns="share"))


def test_texts_are_text_and_axes_must_be_known(tmp_path):
    hostile = tiny_sweep(tmp_path, hostile=True)
    table = pd.DataFrame({"recall": [0.1, 1.0], "series": HOSTILE, "query": HOSTILE})
    ledger = hostile.ledger.assign(what=HOSTILE)
    rows = hostile.points.head(3).assign(M=[8, 16, 32], series=HOSTILE)
    drawings = [
        figures.sweep_front(hostile.points, title=HOSTILE, x="build_s"),
        figures.query_recalls(table, title=HOSTILE),
        figures.shared_work(ledger, title=HOSTILE),
        figures.parameter_effect(rows, "M", title=HOSTILE),
        figures.miss_causes(pd.DataFrame({"search": [HOSTILE], "cause": "ef", "share": 0.1}), title=HOSTILE),
    ]
    for figure in drawings:
        written = json.dumps(json.loads(figure.to_json()), ensure_ascii=False)
        assert "<img" not in written and "<script" not in written and "$" not in written
        assert "&lt;img" in written and figure.layout.height
    with pytest.raises(InputError, match="no axis 'speed'"):
        figures.sweep_front(hostile.points, x="speed")
    with pytest.raises(InputError, match="no axis 'p50_us'"):
        figures.sweep_front(hostile.points, y="p50_us")
    with pytest.raises(InputError, match="no column 'front'"):
        figures.sweep_front(hostile.points.drop(columns="front"))
    with pytest.raises(InputError, match="no panel 'index'"):
        figures.parameter_effect(rows, "M", panels=["recall", "index"])


def test_the_worst_queries_come_first(result):
    name = result.points.iloc[3]["point"]
    recalls = result.recalls(name)
    trace = figures.query_recalls(pd.DataFrame({"recall": recalls})).data[0]
    assert list(trace.y[1:]) == sorted(recalls) and trace.x[-1] == 100
    at_or_below = {y: x for x, y in zip(trace.x, trace.y, strict=True)}  # the last of each recall
    for value in set(recalls):
        assert at_or_below[value] == pytest.approx(100 * (recalls <= value).mean())


def test_the_ledger_says_seconds_and_times(result):
    bar = figures.shared_work(result.ledger).data[0]
    assert list(bar.x) == list(result.ledger["saved_s"])
    assert bar.text[2] == "64.0 s, 33 times"
    nothing = result.ledger.assign(saved_s=0.0)
    assert figures.shared_work(nothing).layout.xaxis.range == (0, 1.0)


def test_one_parameter_alone_has_a_panel_for_each_measure(result):
    rows = result.points[result.points["family"] == "hnsw"].copy()
    rows["efSearch"] = rows["index"].str.extract(r"efSearch=(\d+)").astype(int)
    figure = figures.parameter_effect(
        rows.assign(series=rows["build"]), "efSearch", panels=["recall", "p50_us", "build_s"]
    )
    assert len(figure.data) == 6 and sum(trace.showlegend for trace in figure.data) == 2
    times = [trace for trace in figure.data if trace.yaxis == "y2"]
    assert [len(trace.x) for trace in times] == [6, 6] and list(times[0].x) == [16, 32, 64, 128, 256, 512]
    assert np.allclose(times[0].y + times[0].error_y.array, rows["p50_high_us"].head(6))
    assert figure.layout.xaxis.ticktext == ("16", "32", "64", "128", "256", "512")
    same = rows.assign(p50_us=50.0)
    low, high = figures.parameter_effect(same, "efSearch", panels=["p50_us"]).layout.yaxis.range
    assert high - low >= 1, "a constant must not look like an effect"
