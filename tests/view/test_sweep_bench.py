"""The bench of a sweep without a browser: constraints, families, axes, points, a sweep that still runs, files."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.tiny_sweep import HOSTILE, QUERIES, K, N, tiny_sweep
from workbench import ann, callbacks
from workbench.errors import InputError
from workbench.records import Corpus
from workbench.view import SweepBench
from workbench.view.sweep_details import Names, failing


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return tiny_sweep(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def bench(result):
    yield SweepBench(result)
    callbacks.check()


def traces(bench):
    return {trace.name: trace for trace in bench.figure.data}


def said(bench):
    return bench.children[3].value


def picture(bench):
    """What the page shows, without what plotly names by chance."""
    drawn = json.loads(bench.figure.to_json())
    told = [{name: part for name, part in trace.items() if name != "uid" and part != {}} for trace in drawn["data"]]
    return told, drawn["layout"]


def test_a_constraint_moves_the_recommendation_and_its_ring(bench, result):
    targets = [value for _, value in bench.constraints["recall"].options]
    seen = []
    for target in targets:
        bench.constraints["recall"].value = target
        asked = ann.advise(result, recall=target)
        assert bench.advice.recommended["point"] == asked.recommended["point"]
        assert traces(bench)["recommended"].x[0] == asked.recommended["p50_us"]
        assert str(asked.recommended["index"]) in said(bench)
        assert bench.figure.layout.shapes[0].y0 == pytest.approx(-np.log10(1 - target))
        seen.append(asked.recommended["point"])
    assert len(set(seen)) > 3, "a harder target needs another index"
    bench.constraints["memory"].value = min(value for _, value in bench.constraints["memory"].options)
    assert bench.advice.recommended is None and not len(traces(bench)["recommended"].x)
    assert "Nothing that was timed" in said(bench)


def test_a_recommended_point_below_the_line_is_explained(tmp_path):
    result = tiny_sweep(tmp_path)
    low = result.points.query("timed > 0 and recall < 0.9").nsmallest(1, "p50_us").index[0]
    result.points.loc[low, "recall_tuned"] = 0.9512
    bench = SweepBench(result)
    row = result.points.loc[low]
    assert bench.advice.recommended["point"] == row["point"]
    assert f"recall is 0.9512; on all queries it is {row['recall']:.4f}, below the line" in said(bench)
    bench.constraints["recall"].value = 0.8
    assert ("below the line" in said(bench)) == (bench.advice.recommended["recall"] < 0.8)
    callbacks.check()


def test_controls_speak_again_after_an_error(bench):
    with pytest.raises(RuntimeError), bench._silent():
        raise RuntimeError
    bench.constraints["recall"].value = 0.99
    assert bench.advice.constraints[0].limit == 0.99


def test_steps_of_a_constraint_reach_over_the_points(bench, result):
    for name, values in (("p99_ms", result.points["p99_us"] / 1000), ("build_s", result.points["build_s"])):
        steps = [value for _, value in bench.constraints[name].options]
        assert steps == sorted(steps) and np.isinf(steps[-1])
        assert steps[0] < np.nanmax(values) <= steps[-2], "the last step but one leaves nothing out"
    bench.constraints["p99_ms"].value = 0.1
    assert bench.advice.recommended["p99_us"] <= 100
    bench.against.value = "p99_us"
    assert bench.figure.layout.shapes[0].x1 == pytest.approx(100)


def test_axes_and_families_change_what_is_drawn_and_the_front_among_it(bench, result):
    bench.families["hnsw"].value = False
    assert not len(traces(bench)["HNSW"].x) and len(traces(bench)["IVF"].x)
    assert "HNSW" not in " ".join(label for label, _ in bench.points.options)
    rest = result.points[result.points["family"] != "hnsw"]
    assert len(traces(bench)["front"].x) == ann.pareto(rest["recall"], rest["p50_us"]).sum()
    bench.against.value = "qps"
    assert "queries a second" in bench.figure.layout.xaxis.title.text
    assert (np.diff(traces(bench)["front"].y) <= 0).all()
    fresh = SweepBench(result)
    fresh.families["hnsw"].value = False
    fresh.against.value = "qps"
    assert picture(bench) == picture(fresh)
    bench.families["hnsw"].value = True
    bench.against.value = "p50_us"
    assert picture(bench) == picture(SweepBench(result))
    for family in result.points["family"].unique():
        bench.families[family].value = False
    assert not len(traces(bench)["front"].x) and not bench.points.options


def test_a_click_and_the_list_choose_a_point(bench, result):
    trace = traces(bench)["IVF"]
    bench._clicked(trace, SimpleNamespace(point_inds=[2]), None)
    row = result.point(trace.customdata[2])
    assert bench.points.value == row["point"] and traces(bench)["chosen"].x[0] == row["p50_us"]
    assert f"{row['recall']:.4f}" in bench._panel.value and f"{row['p95_us']:,.0f}" in bench._panel.value
    untimed = result.points.query("timed == 0").iloc[0]
    bench.points.value = untimed["point"]
    assert "not timed" in bench._panel.value and "nan" not in bench._panel.value
    bench.points.value = result.front.iloc[0]["point"]
    bench.detail.value = "code"
    assert "import faiss" in bench._panel.value
    bench.against.value = "memory_bytes"
    assert bench.points.value == result.front.iloc[0]["point"], "a choice outlives another axis"


def test_causes_stand_beside_those_of_other_settings_of_the_build(bench, result):
    point = result.points[result.points["family"] == "ivf"].iloc[2]
    bench.points.value, bench.detail.value = point["point"], "causes"
    assert bench._drawing.layout.display is None
    named = bench.causes.layout.yaxis.ticktext
    assert all("nprobe=" in name for name in named) and len(named) > 1
    at = named.index("▸ nprobe=4")
    assert bench.causes.data[-1].x[at] == pytest.approx(100 * (1 - point["recall"]))
    assert "because their lists were not probed. Turn nprobe up from 4" in bench._panel.value
    bench.detail.value = "fails"
    assert bench._drawing.layout.display == "none"
    assert ann.CAUSE_LABELS["nprobe"] in bench._panel.value
    bench.points.value, bench.detail.value = result.baseline["point"], "causes"
    assert "Nothing is missed." in bench._panel.value


def test_causes_that_were_not_kept_are_said_to_be_unknown(tmp_path):
    result = tiny_sweep(tmp_path)
    for path in (tmp_path / "misses").iterdir():
        path.unlink()
    bench = SweepBench(result)
    bench.detail.value = "causes"
    assert "is not known" in bench._panel.value and bench._drawing.layout.display == "none"
    assert bench.advice.cause is None
    callbacks.check()


def test_failing_queries_are_those_below_1_with_what_they_missed(result):
    point = result.points.query("recall < 0.9").iloc[0]["point"]
    table, recalls, answers = failing(result, point), result.recalls(point), result.answers(point)
    assert set(table["query"]) == set(np.flatnonzero(recalls < 1))
    assert (np.diff(table["recall"]) >= 0).all()
    for query, recall, missed in table.itertuples(index=False):
        assert len(missed) == round(K * (1 - recall))
        for place, row in missed:
            assert result.truth.ids[query][place - 1] == row and row not in answers[query]
    assert failing(result, result.baseline["point"]).empty


def test_texts_are_text_and_must_be_those_of_the_rows(result):
    texts = [f"{HOSTILE} {row}" for row in range(N)]
    queries = Corpus(tuple(map(str, range(QUERIES))), tuple(f"q{i} {HOSTILE}" for i in range(QUERIES)))
    bench = SweepBench(result, texts=texts, queries=queries)
    bench.points.value = result.points.query("recall < 0.9").iloc[0]["point"]
    bench.detail.value = "fails"
    worst = failing(result, bench.points.value).iloc[0]
    assert f"q{worst['query']} &lt;img" in bench._panel.value
    assert "<img" not in bench._panel.value and "<script" not in bench._panel.value
    _, row = worst["missed"][0]
    assert "1) &lt;/script&gt; " not in bench._panel.value and f" {row}</div>" in bench._panel.value
    callbacks.check()
    with pytest.raises(InputError, match="3 texts for 60,000 searched rows"):
        SweepBench(result, texts=["a", "b", "c"])
    with pytest.raises(InputError, match="1 query texts for 120"):
        SweepBench(result, queries=["a"])
    with pytest.raises(InputError, match=r"no step 0\.123"):
        SweepBench(result, recall=0.123)


def test_texts_of_all_that_was_given_skip_the_held_out_rows(result):
    names = Names.of([f"text {row}" for row in range(N + QUERIES)], None)
    names.check(result)
    held = set(result.query_rows.tolist())
    searched = [row for row in range(N + QUERIES) if row not in held]
    assert [names.row(result, row) for row in (0, 1, 500)] == [f"text {searched[row]}" for row in (0, 1, 500)]
    assert names.query(result, 3) == f"text {result.query_rows[3]}"


def test_a_running_sweep_shows_its_points_and_then_its_advice(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.view.sweep_bench._PAUSE", 0.0)
    monkeypatch.setattr("workbench.view.sweep_bench._SHARE", 0.0)
    bench = SweepBench(recall=0.9)
    assert "Waiting" in said(bench)
    with pytest.raises(InputError, match="no result"):
        bench.save(tmp_path / "x.csv")
    counts = []
    for rows in (1, 9, 20):
        bench.watch(tiny_sweep(tmp_path, finished=False, rows=rows))
        counts.append(sum(len(trace.x) for trace in bench.figure.data if trace.customdata is not None))
        assert bench.advice is None and "with the end of the sweep" in said(bench) and "running" in bench._caption.value
    assert counts == [1, 9, 20]
    result = tiny_sweep(tmp_path)
    bench.watch(result)
    assert bench.advice.recommended is not None and "34 timed" in bench._caption.value
    assert picture(bench) == picture(SweepBench(result, recall=0.9))
    callbacks.check()


def test_painting_waits_its_turn_and_the_end_does_not_wait(tmp_path, monkeypatch):
    bench, painted = SweepBench(), []
    monkeypatch.setattr(bench, "_paint", lambda: painted.append(len(bench.result.points)))
    for rows in (5, 6, 7):
        bench.watch(tiny_sweep(tmp_path, finished=False, rows=rows))
    bench.watch(tiny_sweep(tmp_path, rows=8))
    assert painted[0] == 5 and painted[-1] == 8 and len(painted) < 4


def test_an_error_is_shown_and_recorded(result, monkeypatch):
    bench = SweepBench(result)

    def broken(*args, **options):
        raise ValueError("<i>out of order</i>")

    monkeypatch.setattr(ann, "advise", broken)
    bench.constraints["recall"].value = 0.8
    assert "&lt;i&gt;out of order" in said(bench)
    with pytest.raises(Exception, match="out of order"):
        callbacks.check()


def test_files_hold_the_points(bench, result, tmp_path):
    table = pd.read_parquet(bench.save(tmp_path / "points.parquet"))
    pd.testing.assert_frame_equal(table, result.points)
    rows = pd.read_csv(bench.save(tmp_path / "points.csv"), dtype={"point": str})
    assert rows["point"].tolist() == result.points["point"].tolist()
    np.testing.assert_allclose(rows["p50_us"], result.points["p50_us"])
    with pytest.raises(InputError, match="none of"):
        bench.save(tmp_path / "points.xlsx")
    monkey = bench.exports[".csv"]
    monkey.click()
    assert (result.folder / "sweep.csv").exists() and "Written" in bench._caption.value


def test_a_picture_without_kaleido_says_where_else_to_get_one(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.view.sweep_files.find_spec", lambda name: None)
    with pytest.raises(InputError, match="camera"):
        bench.save(tmp_path / "front.png")
