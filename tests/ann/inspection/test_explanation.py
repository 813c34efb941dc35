"""One query explained: what was found, what was missed and what exactly would have found it, as data and in words."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.ann.builds import K, gaussian, queries, searched, truth
from workbench.ann import Database, IndexSpec, build_index, explain
from workbench.errors import InputError, VectorError

SEARCHES = [
    "Flat",
    "HNSW4 efConstruction=8 efSearch=4",
    "HNSW8,SQ4 efConstruction=20 efSearch=10",
    "IVF16,Flat nprobe=2",
    "IVF16,PQ8x4 nprobe=2",
    "IVF16,PQ8x4fs,RFlat nprobe=4 k_factor=2",
    "SQ4,RFlat",
    "LSH",
    "hnswlib M=4 efConstruction=8 ef=2",
]


@pytest.mark.parametrize("text", SEARCHES)
def test_it_says_what_the_index_answered_and_every_true_neighbour_is_accounted_for(text):
    index, spec = searched(text, "cosine")
    for query in gaussian(60, seed=1)[:4]:
        found = explain(index, query, K, spec.search)
        asked = index.database.prepare(query[None])
        np.testing.assert_array_equal(found.found, index.search(asked, K, spec.search)[0])
        assert found.spec == spec and found.k == K
        assert len(found.misses.each) == K - round(found.recall * K)
        table = found.neighbours
        assert (table["found"] | table["cause"].notna()).all()
        assert table["cause"].notna().sum() == len(found.misses.each)
        assert (found.walk is None) != (found.scan is None)
        assert f"{round(found.recall * K)} of 10 true neighbours found." in str(found)
        assert ("missed:" in str(found)) == (found.recall < 1)
        record = json.loads(json.dumps(found.record(), allow_nan=False))
        assert [line["row"] for line in record["neighbours"]] == found.truth.ids[0].tolist()
        assert record["found"] == found.found.tolist() and record["distances"] == found.distances
        assert record["misses"]["missed"] == len(found.misses.each)


@pytest.mark.parametrize(
    ("text", "cause", "knob"),
    [
        ("HNSW4 efConstruction=8 efSearch=4", "ef", "efSearch"),
        ("IVF16,Flat nprobe=2", "nprobe", "nprobe"),
        ("SQ4,RFlat", "refine", "k_factor"),
        ("hnswlib M=4 efConstruction=8 ef=2", "ef", "ef"),
    ],
)
def test_the_setting_that_it_names_finds_what_was_missed_and_one_less_does_not(text, cause, knob):
    index, spec = searched(text, "dot")
    tried = 0
    for query in queries("dot")[:4]:
        found = explain(index, query, K, spec.search)
        for row in found.misses.each[found.misses.each["cause"] == cause].to_dict("records"):
            for value, there in ((row["needs"], True), (row["needs"] - 1, False)):
                answers = index.search(query[None], K, spec.with_search(**{knob: int(value)}).search)[0]
                assert (row["row"] in answers) == there
            assert f"{knob}={row['needs']:,.0f}" in found.verdict or len(found.misses.each) > 2
            tried += 1
    assert tried > 5


def test_a_verdict_counts_what_the_search_cost():
    index, spec = searched("IVF16,PQ8x4fs,RFlat nprobe=4 k_factor=2", "euclidean")
    found = explain(index, queries("euclidean")[0], K, spec.search)
    assert found.distances == 16 + len(found.scan.computed) + 2 * K
    assert "probed 4 of 16 lists" in found.verdict and "20 of them again with the vectors" in found.verdict
    index, spec = searched("HNSW4 efConstruction=8 efSearch=4", "euclidean")
    found = explain(index, queries("euclidean")[0], K, spec.search)
    assert found.distances == found.walk.distances
    assert f"{found.walk.distances:,} distances" in found.verdict and found.walk.ends in found.verdict


def test_a_refined_graph_is_walked_as_far_as_it_is_searched():
    index, spec = searched("HNSW8,SQ4,RFlat efConstruction=20 efSearch=10 k_factor=4", "dot")
    found = explain(index, queries("dot")[0], K, spec.search)
    np.testing.assert_array_equal(found.walk.found, found.found)
    assert found.walk.k == len(found.walk.refined) == 4 * K
    assert found.distances == index.distances(queries("dot")[:1], K, spec.search)
    assert explain(index, queries("dot")[0], K, (("k_factor", 200),)).walk.k == index.n


def test_rows_of_a_record_are_called_what_the_file_calls_them():
    index, spec = searched("HNSW4 efConstruction=8 efSearch=4", "dot")
    names = 10_000 + np.arange(index.n)
    plain = explain(index, queries("dot")[1], K, spec.search)
    record, own = plain.record(names), plain.record()
    assert [line["row"] - 10_000 for line in record["neighbours"]] == [line["row"] for line in own["neighbours"]]
    assert record["found"] == [row + 10_000 for row in own["found"]]
    steps = record["walk"]["computed"]
    assert steps["origin"][0] == -1 and [row - 10_000 for row in steps["row"]] == own["walk"]["computed"]["row"]
    assert record["walk"]["hops"]["node"] == (plain.walk.hops["node"] + 10_000).tolist()


@pytest.mark.parametrize("text", ["HNSW8,SQ4,RFlat efConstruction=20 efSearch=10", "hnswlib M=4 efConstruction=8 ef=2"])
def test_a_record_has_every_step_of_a_walk(text):
    index, spec = searched(text, "euclidean")
    found = explain(index, queries("euclidean")[0], K, spec.search)
    kept = json.loads(json.dumps(found.record()["walk"], allow_nan=False))
    for name in ("hops", "computed", "refined"):
        table = getattr(found.walk, name)
        if table is None:
            assert kept[name] is None and not spec.parts.refine
            continue
        assert list(kept[name]) == list(table)
        for column in table:
            np.testing.assert_allclose(np.array(kept[name][column], dtype=float), table[column], rtol=1e-7)
    known = {"candidates": set(), "results": set()}
    assert len(kept["changes"]) == found.walk.steps + 1
    for step, change in enumerate(kept["changes"]):
        for what, rows in known.items():
            rows -= set(change[what]["out"])
            rows |= set(change[what]["in"])
            assert rows == set(getattr(found.walk.state(step), what)["row"]) and change["step"] == step


def test_a_record_has_every_distance_of_a_scan_and_the_table_that_they_are_summed_from():
    index, spec = searched("IVF16,PQ8x4 nprobe=2", "dot")
    found = explain(index, queries("dot")[0], K, spec.search)
    kept = json.loads(json.dumps(found.record()["scan"], allow_nan=False))
    scan = found.scan
    assert (
        kept["computed"]["row"] == scan.computed["row"].tolist()
        and kept["lists"]["list"] == scan.lists["list"].tolist()
    )
    np.testing.assert_allclose(kept["computed"]["distance"], scan.computed["distance"], rtol=1e-7)
    np.testing.assert_allclose(kept["table"], scan.table, rtol=1e-7)
    assert kept["refined"] is None


def worded(cause, *needs, text="IVF16,Flat nprobe=2", **tried):
    """The verdict of made-up misses of a real search."""
    index, spec = searched(text, "dot")
    found = explain(index, queries("dot")[0], K, spec.search)
    each = pd.DataFrame({"query": 0, "row": 0, "rank": np.arange(len(needs)) + 1, "cause": cause, "needs": needs,
                         "gap": np.nan})  # fmt: skip
    misses = replace(found.misses, each=each, tried=tried)
    return replace(found, misses=misses, recall=1 - len(needs) / K).verdict


def test_a_verdict_says_which_setting_finds_how_many():
    nan = float("nan")
    assert "1 lies in a list that was not probed, nprobe=5 finds it." in worded("nprobe", 5)
    assert "not probed, nprobe=5 finds them." in worded("nprobe", 5, 5)
    assert "not probed, nprobe=5 finds the first, nprobe=9 finds all." in worded("nprobe", 5, 9)
    assert "not probed, nprobe=5 finds the first, nprobe=9 finds 2 of them." in worded("nprobe", 5, 9, nan)
    assert "not probed, nprobe=5 finds 1 of them." in worded("nprobe", 5, nan)
    assert "not probed, and no nprobe up to 16 finds it." in worded("nprobe", nan, nprobe=16)
    assert "not probed, and a larger nprobe was not tried." in worded("nprobe", nan)


def test_one_is_not_counted_as_many():
    index = build_index(IndexSpec("IVF1,Flat"), Database(gaussian(1, 4), "dot"))
    verdict = explain(index, gaussian(1, 4, seed=1)[0], 1).verdict
    assert verdict.startswith("1 of 1 true neighbour found. The search probed 1 of 1 list, computed 2 distances")


def test_what_cannot_be_explained_is_refused():
    index, _ = searched("IVF16,Flat nprobe=2", "dot")
    asked = queries("dot")
    with pytest.raises(InputError, match="2 queries were given"):
        explain(index, asked[:2])
    with pytest.raises(InputError, match="k=2,000"):
        explain(index, asked[0], 2_000)
    with pytest.raises(InputError, match="'ef'"):
        explain(index, asked[0], 5, (("ef", 3),))
    with pytest.raises(VectorError):
        explain(index, asked[0][:7])
    with pytest.raises(VectorError):
        explain(index, np.full(32, np.nan, dtype=np.float32))
    assert IndexSpec.parse("IVF16,Flat") == index.spec
    assert explain(index, asked[0], 1).truth.ids[0, 0] == truth("dot").ids[0, 0]
