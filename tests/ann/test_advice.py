"""Advice on sweeps made by hand, so that what it must say is known beforehand."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ann.sweeps import made
from workbench.ann import advise, snippet
from workbench.ann.constraints import Constraint, constraints, duration, parse_bytes, size
from workbench.ann.specs import IndexSpec
from workbench.errors import InputError

FLAT = {"family": "flat", "index": "Flat", "recall": 1.0, "p50": 12_000.0}
HNSW = {"family": "hnsw", "index": "HNSW32 efSearch=64", "recall": 0.992, "p50": 60.0, "build_s": 30.0}
HNSW_MORE = {"family": "hnsw", "index": "HNSW32 efSearch=256", "recall": 1.0, "p50": 200.0, "build_s": 30.0}
IVF = {"family": "ivf", "index": "IVF256,Flat nprobe=8", "recall": 0.985, "p50": 240.0, "build_s": 1.5}
IVFPQ = {"family": "ivfpq", "index": "IVF256,PQ48x4fs nprobe=8", "recall": 0.92, "p50": 30.0, "memory": 10**7}
POOR = {"family": "pq", "index": "PQ16", "recall": 0.5, "p50": 10.0, "memory": 2 * 10**6}
ALL = (FLAT, HNSW, HNSW_MORE, IVF, IVFPQ, POOR)


def test_the_fastest_that_reaches_the_target_is_recommended_and_another_build_runs_up():
    advice = advise(made(*ALL), recall=0.95)
    assert advice.recommended["index"] == "HNSW32 efSearch=64"
    assert advice.runner_up["index"] == "IVF256,Flat nprobe=8"
    assert advice.confidence == "sure"
    assert "4 times as fast as the runner-up, beyond the spread" in advice.verdict
    assert advice.binding == ("recall",)
    assert advice.nearest is None and advice.why_exact == ""


def test_a_choice_is_made_on_one_half_of_the_queries_and_its_recall_stated_on_the_other():
    lucky = {**IVF, "recall": 0.90, "p50": 20.0, "tuned": 0.96}
    advice = advise(made(*ALL, lucky), recall=0.95)
    assert advice.recommended["p50_us"] == 20.0
    assert advice.confidence == "refuted"
    assert "It does not reach 0.95 there" in advice.text
    assert f"recall@10 {advice.recommended['recall_stated']:.3f} [" in advice.text


def test_an_interval_that_holds_the_target_is_probable_only():
    sweep = made(FLAT, {**HNSW, "recall": 0.95, "tuned": 0.955})
    row = sweep.points.iloc[1]
    assert row["recall_stated_low"] < 0.95 < row["recall_stated_high"]
    assert advise(sweep, recall=0.95).confidence == "probable"


def test_what_was_not_timed_is_never_recommended():
    untimed = {**HNSW, "recall": 1.0, "p50": np.nan, "timed": 0}
    assert advise(made(FLAT, untimed, IVF)).recommended["index"] == IVF["index"]
    empty = advise(made(untimed))
    assert empty.recommended is None and empty.nearest is None and "No point is timed" in empty.text


def test_what_was_timed_before_the_rounds_only_is_neither_recommended_nor_runner_up():
    early = [{**HNSW, "index": f"HNSW{m} efSearch=64", "p50": 5.0, "rounds": 0} for m in (8, 48)]
    advice = advise(made(FLAT, *early, HNSW, IVF))
    assert advice.recommended["index"] == HNSW["index"] and advice.runner_up["index"] == IVF["index"]
    assert advice.record()["recommended"]["rounds"] == 5 and "timed once" not in advice.text
    before = advise(made(*({**row, "rounds": 0} for row in (FLAT, *early, HNSW, IVF))))
    assert before.recommended["p50_us"] == 5.0 and "timed once, not in the rounds" in before.text


def test_too_few_queries_refute_nothing_and_prove_nothing():
    sweep = made(FLAT, {**HNSW, "recall": 0.99, "tuned": 1.0})
    names = ["recall_stated", "recall_stated_low", "recall_stated_high"]
    sweep.points[names] = np.nan
    advice = advise(sweep)
    assert advice.recommended["index"] == HNSW["index"] and advice.confidence == "probable"
    assert "too few queries" in advice.verdict and "nan" not in advice.text
    alone = made(FLAT)
    alone.points[names] = 1.0, 0.4, 1.0
    assert advise(alone, recall=0.999).confidence == "sure" and "exact by construction" in advise(alone).verdict
    assert "recall@10 exactly 1, p50" in advise(alone).text


def test_rounds_that_overlap_do_not_separate_two_indexes():
    close = {**IVF, "p50": 62.0, "spread": 0.05}
    assert "as fast as the runner-up to within the spread" in advise(made(FLAT, HNSW, close)).verdict


def test_recall_is_compared_query_by_query():
    assert "finds more" in advise(made(FLAT, {**HNSW, "recall": 1.0}, {**IVF, "recall": 0.96, "tuned": 0.96})).verdict


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [
        ({"p99_ms": 0.1}, None),
        ({"memory": "20 MB"}, None),
        ({"build_s": 2}, IVF["index"]),
        ({"memory": 4 * 100_000 * 384}, HNSW["index"]),
    ],
    ids=["p99", "memory", "build", "memory that is just enough"],
)
def test_every_constraint_is_kept(limit, chosen):
    advice = advise(made(*ALL), recall=0.97, **limit)
    assert (None if advice.recommended is None else advice.recommended["index"]) == chosen


def test_what_binds_and_what_relaxing_it_buys():
    advice = advise(made(*ALL), recall=0.95, build_s=2, memory="1GB")
    lines = advice.relaxing.set_index("constraint")
    assert advice.binding == ("recall", "build_s")
    assert list(lines.index) == ["recall", "memory", "build_s"]
    assert lines.loc["build_s", "to"] == 30.0 and HNSW["index"] in lines.loc["build_s", "buys"]
    assert lines.loc["recall", "to"] == 0.9 and IVFPQ["index"] in lines.loc["recall", "buys"]
    assert np.isnan(lines.loc["memory", "to"]) and lines.loc["memory", "buys"].startswith("nothing")
    assert "Faster ones are kept out by the recall of at least 0.95 and by the build of at most 2 s." in advice.text


def test_slack_in_the_slowest_queries_can_buy_recall_alone():
    advice = advise(made(FLAT, {**HNSW, "recall": 0.96, "tuned": 0.96}, HNSW_MORE), recall=0.95, p99_ms=0.2)
    line = advice.relaxing.set_index("constraint").loc["p99_ms"]
    assert line["to"] == pytest.approx(0.4)
    assert "3.33 times as slow" in line["buys"] and "recall 1.000" in line["buys"]


def test_where_nothing_fits_the_nearest_is_shown_and_what_would_let_something_in():
    advice = advise(made(*ALL), recall=0.97, memory="20MB")
    assert advice.recommended is None and advice.runner_up is None and advice.confidence == "none"
    assert (
        advice.nearest["index"] == IVFPQ["index"]
    )  # 2.7 times the misses allowed; the others take 7.7 times the memory
    assert advice.binding == ("recall",)
    lines = advice.relaxing.set_index("constraint")
    assert advise(made(*ALL), recall=lines.loc["recall", "to"], memory="20MB").recommended["index"] == IVFPQ["index"]
    assert advise(made(*ALL), recall=0.97, memory=int(lines.loc["memory", "to"])).recommended is not None
    assert advice.text.startswith(
        "Nothing that was timed keeps to a recall of at least 0.97 and a memory of at most 20.0"
    )


def test_constraints_that_no_single_one_opens():
    advice = advise(made(FLAT, IVFPQ), recall=0.97, p99_ms=0.01, memory="5MB")
    assert advice.recommended is None
    assert advice.relaxing["to"].isna().all()
    assert set(advice.relaxing["buys"]) == {"nothing: nothing fits by this alone"}


def test_small_data_needs_no_index():
    fast = {**FLAT, "p50": 300.0}
    advice = advise(made(fast, HNSW, n=2_000), recall=0.95)
    assert advice.recommended["index"] == "Flat" and advice.runner_up["index"] == HNSW["index"]
    assert advice.text.startswith("Use Flat, exact search")
    assert "Exact search over 2,000 vectors answers in 300 µs" in advice.why_exact
    assert "would save 240 µs a query and pay back its build of 30 s after 125,000 queries" in advice.why_exact
    assert advice.binding == () and advice.relaxing.empty
    assert advise(made(fast, HNSW, n=2_000), p99_ms=0.2).recommended["index"] == HNSW["index"]


def test_exact_search_wins_where_no_index_is_faster_beyond_the_spread():
    slow = {**FLAT, "p50": 5_000.0, "spread": 0.3}
    advice = advise(made(slow, {**IVF, "p50": 4_500.0, "spread": 0.3}))
    assert advice.recommended["index"] == "Flat"
    assert "nothing else that fits is faster beyond the spread" in advice.why_exact
    assert advise(made(FLAT), recall=1.0).recommended["index"] == "Flat"


@pytest.mark.parametrize(
    ("queries", "chosen"), [(50, "Flat"), (10_000, IVF["index"]), (10_000_000, HNSW["index"])], ids=str
)
def test_the_queries_of_a_day_weigh_the_build(queries, chosen):
    advice = advise(made(*ALL), recall=0.95, queries_per_day=queries)
    assert advice.recommended["index"] == chosen
    totals = {
        row["index"]: queries * row["p50"] / 1e6 + row.get("build_s", 0.05) for row in (FLAT, HNSW, HNSW_MORE, IVF)
    }
    assert min(totals, key=totals.get) == chosen
    assert advice.daily["total_s"].iloc[0] == pytest.approx(totals[chosen])
    assert "Flat" in set(advice.daily["index"])
    assert f"A day of {queries:,} queries, one after another, and one build takes" in advice.text
    if chosen == "Flat":
        assert (
            f"Built once and kept, {HNSW['index']} is the fastest that fits, at 60 µs, paid back after 50.3 days"
            in (advice.text)
        )
    if chosen == IVF["index"]:
        assert advice.daily["break_even_days"].iloc[0] == pytest.approx(1.5 / 0.01176 / queries)


point = st.fixed_dictionaries(
    {
        "family": st.just("ivf"),
        "index": st.integers(1, 3).map(lambda number: f"IVF{number},Flat nprobe=1"),
        "recall": st.sampled_from([0.6, 0.9, 0.95, 0.99, 1.0]),
        "p50": st.sampled_from([10.0, 50.0, 51.0, 400.0, 9000.0]),
        "memory": st.integers(10**5, 10**9),
        "build_s": st.floats(0.01, 100),
        "timed": st.sampled_from([0, 1000, 1000]),
        "rounds": st.sampled_from([0, 5, 5, 5]),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(point, min_size=1, max_size=8),
    st.sampled_from([0.85, 0.95, 1.0]),
    st.none() | st.floats(0.01, 20),
    st.none() | st.integers(10**5, 10**9),
    st.none() | st.floats(0.01, 100),
)
def test_advice_keeps_what_it_was_asked_and_relaxing_gives_what_it_promises(rows, recall, p99_ms, memory, build_s):
    sweep = made(FLAT, *rows)
    asked = {"recall": recall, "p99_ms": p99_ms, "memory": memory, "build_s": build_s}
    advice = advise(sweep, **asked)
    fitting = [
        row
        for _, row in sweep.points.iterrows()
        if row["timed"]
        and row["rounds"] == 5
        and row["recall_tuned"] >= recall
        and (p99_ms is None or row["p99_us"] <= p99_ms * 1000)
        and (memory is None or row["memory_bytes"] <= memory)
        and (build_s is None or row["build_s"] <= build_s)
    ]
    if not fitting:
        assert advice.recommended is None and advice.nearest["timed"] > 0 and advice.binding
    elif advice.recommended["family"] != "flat":
        assert advice.recommended["p50_us"] == min(row["p50_us"] for row in fitting)
    for line in advice.relaxing.itertuples():
        assert line.now == asked[line.constraint]
        if np.isfinite(line.to):
            assert (line.to < line.now) == (line.constraint == "recall") and line.to != line.now
            loosened = advise(sweep, **{**asked, line.constraint: line.to})
            assert loosened.recommended is not None
            admitted = sweep.point(line.point)
            assert Constraint(line.constraint, line.to).kept_by(admitted.to_frame().T.infer_objects())[0]
            if advice.recommended is not None and admitted["p50_us"] < advice.recommended["p50_us"]:
                assert loosened.recommended["p50_us"] <= admitted["p50_us"] or loosened.why_exact
    assert json.loads(json.dumps(advice.record()))["text"] == advice.text


def test_what_the_recommended_point_still_misses_names_the_next_knob(tmp_path):
    sweep = replace(made(*ALL), folder=tmp_path)
    assert advise(sweep).cause is None and advise(sweep).knob is None and "are missed" not in advise(sweep).text
    (tmp_path / "misses").mkdir()
    point = advise(sweep, recall=0.97, build_s=2).recommended
    assert point["index"] == IVF["index"]
    each = pd.DataFrame({"query": [0, 0, 1], "row": [4, 5, 6], "rank": [9, 10, 3], "cause": "nprobe",
                         "needs": [9.0, 9.0, 20.0], "gap": np.nan})  # fmt: skip
    each.to_parquet(tmp_path / "misses" / f"{point['point']}.parquet")
    advice = advise(sweep, recall=0.97, build_s=2)
    assert (advice.cause, advice.knob) == ("nprobe", "nprobe")
    assert "are missed, because their lists were not probed. Turn nprobe up from 8: 9 finds half of them" in advice.text
    assert advice.record()["cause"] == advice.record()["knob"] == "nprobe"
    nothing = each.iloc[:0]
    nothing.to_parquet(tmp_path / "misses" / f"{point['point']}.parquet")
    assert advise(sweep, recall=0.97, build_s=2).cause is None


def test_the_nearest_names_the_next_knob_where_it_is_the_recall_that_it_lacks(tmp_path):
    sweep = replace(made(IVF, HNSW), folder=tmp_path)
    (tmp_path / "misses").mkdir()
    each = pd.DataFrame({"query": [0], "row": [4], "rank": [9], "cause": "ef", "needs": np.nan, "gap": np.nan})
    for point in sweep.points["point"]:
        each.to_parquet(tmp_path / "misses" / f"{point}.parquet")
    advice = advise(sweep, recall=0.9999)
    assert advice.nearest["index"] == HNSW["index"] and advice.binding == ("recall",)
    assert (advice.cause, advice.knob) == ("ef", "efSearch")
    assert "because ef ended the walk before it came to them. Turn efSearch up from 64. " in advice.text
    cheap = advise(sweep, recall=0.9, memory=1000)
    assert cheap.binding == ("memory",) and cheap.cause is None and "are missed" not in cheap.text


def test_the_record_is_plain_json_and_names_every_part():
    record = json.loads(json.dumps(advise(made(*ALL), recall=0.95, memory="1GB", queries_per_day=10**6).record()))
    assert record["recommended"]["index"] == HNSW["index"]
    assert record["recommended"]["latency_ms"] == {"p50": 0.06, "p95": 0.09, "p99": 0.12}
    assert record["constraints"] == {"recall": 0.95, "memory": 1e9}
    assert record["runner_up"]["family"] == "ivf" and record["nearest"] is None
    assert record["recommended"]["code"] == snippet(IndexSpec.parse(HNSW["index"]), "dot", 384, 10)
    assert "index_factory" in record["runner_up"]["code"]
    assert [line["constraint"] for line in record["relaxing"]] == ["recall", "memory"]
    flat = json.loads(json.dumps(advise(made(FLAT)).record()))["recommended"]
    assert flat["break_even"] is None  # it is never paid back


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1GB", 10**9),
        ("512MB", 512 * 10**6),
        ("1.5 gib", 3 * 2**29),
        ("2KiB", 2048),
        ("100", 100),
        (4096, 4096),
        ("8k", 8000),
    ],
)
def test_sizes_are_read(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "GB", "1 PB", "-1GB", "1,5GB", "5iB", "nan", 0, -1, float("nan"), float("inf"), True, None]
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match="is no size"):
        parse_bytes(text)


@pytest.mark.parametrize(
    "bad",
    [
        {"recall": 0},
        {"recall": 1.01},
        {"recall": -0.5},
        {"recall": float("nan")},
        {"recall": True},
        {"p99_ms": 0},
        {"p99_ms": -1},
        {"build_s": float("inf")},
        {"memory": "much"},
        {"queries_per_day": 0},
        {"queries_per_day": -5},
    ],
    ids=str,
)
def test_a_constraint_that_nothing_could_keep_is_refused(bad):
    with pytest.raises(InputError):
        advise(made(*ALL), **bad)


@given(st.floats(1e-6, 1e12))
def test_a_loosened_limit_admits_its_value_and_is_near_it(value):
    to = Constraint("memory", 1.0).admitting(value)
    assert value <= to <= value * 1.011
    share = min(value, 1.0)
    assert share - 0.001 <= Constraint("recall", 1.0).admitting(share) <= share


def test_numbers_in_words():
    assert [duration(s) for s in (47.2e-6, 1.25e-3, 31.4, 4000, np.inf)] == [
        "47.2 µs",
        "1.25 ms",
        "31.4 s",
        "4,000 s",
        "no known time",
    ]
    assert [size(b) for b in (12, 153_600_000, 2.5e12)] == ["12 bytes", "153.6 MB", "2.5 TB"]
    assert [str(c) for c in constraints(0.95, 5, "1GB", 60)] == [
        "recall of at least 0.95",
        "p99 of at most 5 ms",
        "memory of at most 1.0 GB",
        "build of at most 60 s",
    ]
