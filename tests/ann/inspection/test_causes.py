"""Why true neighbours were missed: causes that add up to what is missed, and that hold when they are tried."""

import faiss
import numpy as np
import pandas as pd
import pytest

from tests.ann import builds
from tests.ann.builds import METRICS, K, gaussian, searched
from workbench.ann import (
    CAUSE_LABELS,
    CAUSES,
    Database,
    IndexSpec,
    Misses,
    attribute,
    border_margin,
    build_index,
    code_distances,
    recall,
)
from workbench.ann.inspection.attribution import Attribution
from workbench.ann.inspection.scan import Scanner
from workbench.ann.inspection.walk import Walker
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import Neighbours

ASKED = 24  # queries: walks through graphs over codes take their time


# A search of each kind that misses something, and what it can miss it for.
KINDS = {
    "Flat": set(),
    "HNSW4 efConstruction=8 efSearch=4": {"ef", "unreachable"},
    "HNSW8,SQ4 efConstruction=20 efSearch=10": {"ef", "unreachable", "distorted", "tie"},
    "HNSW8,SQ4,RFlat efConstruction=20 efSearch=4": {"ef", "unreachable", "refine"},
    "IVF16,Flat nprobe=2": {"nprobe"},
    "IVF16,SQ8 nprobe=2": {"nprobe", "distorted", "tie"},
    "PQ8x4": {"distorted", "tie"},
    "PQ8x4fs": {"distorted", "tie"},
    "IVF16,PQ8x4 nprobe=2": {"nprobe", "distorted", "tie"},
    "IVF16,PQ8x4fs,RFlat nprobe=4 k_factor=2": {"nprobe", "refine"},
    "SQ4": {"distorted", "tie"},
    "SQ4,RFlat": {"refine"},
    "LSH": {"distorted"},
    "LSHr,RFlat k_factor=4": {"refine"},
    "IVF16,RaBitQ,RFlat nprobe=4 k_factor=2": {"nprobe", "refine"},
    "hnswlib M=4 efConstruction=8 ef=2": {"ef", "unreachable"},
}


def queries(metric):
    return builds.queries(metric)[:ASKED]


def truth(metric):
    exact = builds.truth(metric)
    return Neighbours(exact.ids[:ASKED], exact.scores[:ASKED], metric)


def attributed(text, metric, **how):
    index, spec = searched(text, metric)
    found = index.search(queries(metric), K, spec.search)
    misses = attribute(index, queries(metric), truth(metric), spec.search, found=found, **how)
    return index, spec, found, misses


def finds(index, metric, spec, row, knob, value):
    """Whether the search with one more setting returns a missed row."""
    settings = spec.with_search(**{knob: int(value)}).search
    return row["row"] in index.search(queries(metric)[[row["query"]]], K, settings)[0]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", KINDS)
def test_the_parts_add_up_to_what_recall_misses(text, metric):
    index, spec, found, misses = attributed(text, metric)
    recalls = recall(found, truth(metric), queries(metric), index.database.array)
    lost = K - np.rint(recalls * K).astype(int)
    assert sum(misses.counts.values()) == lost.sum() == len(misses.each)
    assert sum(misses.shares.values()) + recalls.mean() == pytest.approx(1, abs=1e-12)
    assert misses.recall == pytest.approx(recalls.mean(), abs=1e-12)
    assert {cause for cause, count in misses.counts.items() if count} <= KINDS[text]
    assert (np.bincount(misses.each["query"], minlength=len(found)) == lost).all()
    for row in misses.each.to_dict("records"):
        assert row["row"] == truth(metric).ids[row["query"], row["rank"] - 1]
        assert row["row"] not in found[row["query"]]
    assert (misses.each.empty) == (text == "Flat")
    assert misses.spec == spec


def test_codes_of_a_rotated_index_are_compared_as_it_compares_them():
    vectors, asked = gaussian(300, 4, seed=8), gaussian(30, 4, seed=9)
    index = build_index(IndexSpec("OPQ2,IVF8,PQ2x4"), Database(vectors, "euclidean"))
    exact = exact_neighbours(asked, vectors, K, "euclidean")
    misses = attribute(index, asked, exact, (("nprobe", 8),))
    assert {*misses.each["cause"]} == {"distorted", "tie"}
    found, scanner = index.search(asked, K, (("nprobe", 8),)), Scanner(index)
    for query, rows in misses.each.query("cause == 'distorted'").groupby("query"):
        scan = scanner.scan(asked[query], K, (("nprobe", 8),))
        worst = scan.distance_of(found[query][-1:])[0]
        gaps = scan.distance_of(rows["row"].to_numpy()) / worst - 1
        np.testing.assert_allclose(rows["gap"], gaps, rtol=1e-3, atol=1e-5)


def test_a_list_that_was_not_probed_is_found_by_probing_up_to_its_rank():
    index, spec, _, misses = attributed("IVF16,Flat nprobe=2", "cosine")
    for row in misses.each.head(40).to_dict("records"):
        assert finds(index, "cosine", spec, row, "nprobe", row["needs"])
        assert not finds(index, "cosine", spec, row, "nprobe", row["needs"] - 1)


@pytest.mark.parametrize("text", ["HNSW4 efConstruction=8 efSearch=4", "hnswlib M=4 efConstruction=8 ef=2"])
def test_what_ef_cut_off_is_visited_by_the_ef_that_is_named_and_the_unreachable_by_none(text):
    index, spec, _, misses = attributed(text, "euclidean")
    knob = misses.setting("ef")
    for row in misses.each[misses.each["cause"] == "ef"].head(40).to_dict("records"):
        assert finds(index, "euclidean", spec, row, knob, row["needs"])
    lost = misses.each[misses.each["cause"] == "unreachable"]
    assert lost["needs"].isna().all()
    for row in lost.to_dict("records"):
        assert not finds(index, "euclidean", spec, row, knob, index.n)


def test_in_a_refined_graph_what_was_visited_and_not_compared_again_is_for_refine():
    text = "HNSW8,SQ4,RFlat efConstruction=20 efSearch=40 k_factor=2"
    index, spec, found, misses = attributed(text, "cosine")
    walker = Walker(index)
    for row in misses.each.to_dict("records"):
        walk = walker.walk(queries("cosine")[row["query"]], K, spec.search)
        assert len(walk.refined) == 2 * K and row["row"] not in set(walk.refined["row"])
        bottom = {walk.layer_entry[0], *walk.computed.loc[walk.computed["layer"] == 0, "row"]}
        assert row["cause"] == ("refine" if row["row"] in bottom else "ef")
    assert misses.counts["refine"] and misses.counts["ef"]
    unfollowed = Attribution(index, queries("cosine"), truth("cosine")).misses(found, spec.search).counts
    assert unfollowed["refine"] >= misses.counts["refine"] and unfollowed["ef"] <= misses.counts["ef"]
    many = spec.with_search(k_factor=index.n // K).search
    assert not attribute(index, queries("cosine"), truth("cosine"), many).counts["refine"]


def test_the_last_k_factor_compares_everything():
    vectors, asked = gaussian(25, 16, seed=1), gaussian(40, 16, seed=2)
    index = build_index(IndexSpec("LSH,RFlat"), Database(vectors, "euclidean"))
    exact = exact_neighbours(asked, vectors, K, "euclidean")
    misses = attribute(index, asked, exact, (("k_factor", 2),))
    assert set(misses.each["cause"]) == {"refine"} and set(misses.each["needs"]) == {3.0}


def test_what_was_not_refined_is_brought_in_by_the_k_factor_that_is_named():
    index, spec, _, misses = attributed("SQ4,RFlat", "dot")
    assert misses.main == "refine" and misses.knob == "k_factor"
    for row in misses.each.head(40).to_dict("records"):
        assert finds(index, "dot", spec, row, "k_factor", row["needs"])


def test_a_distorted_code_lies_beyond_the_worst_answer_and_one_that_was_not_probed_too_needs_no_nprobe():
    index, spec, _, misses = attributed("IVF16,PQ8x4 nprobe=2", "euclidean")
    distorted = misses.each[misses.each["cause"] == "distorted"]
    assert (distorted["gap"] > 0).all() and distorted["needs"].isna().all()
    unprobed = misses.each[misses.each["cause"] == "nprobe"]
    kept_out = unprobed["gap"] > 0
    assert unprobed.loc[kept_out, "needs"].isna().all() and unprobed["needs"].notna().any()
    assert unprobed.loc[~kept_out, "needs"].isna().any(), "or no list brings in codes that are nearer"
    for row in unprobed.to_dict("records"):
        there = not np.isnan(row["needs"])
        assert finds(index, "euclidean", spec, row, "nprobe", row["needs"] if there else 16) == there
    held = misses.each["cause"].isin(["nprobe"]) & (misses.each["gap"] > 0)
    assert (misses.main == "distorted") == (
        len(distorted) + held.sum() > (misses.each["cause"] == "nprobe").sum() - held.sum()
    )


def test_over_codes_what_was_visited_is_distorted_and_what_was_not_is_cut_off():
    index, spec, _, misses = attributed("HNSW8,SQ4 efConstruction=20 efSearch=10", "cosine")
    walker = Walker(index)
    for row in misses.each.to_dict("records"):
        walk = walker.walk(queries("cosine")[row["query"]], K, spec.search)
        bottom = {walk.layer_entry[0], *walk.computed.loc[walk.computed["layer"] == 0, "row"]}
        assert (row["row"] in bottom) == (row["cause"] in ("distorted", "tie"))


def cut(index, row):
    """Take away every link that leads to a node on the bottom layer."""
    graph = faiss.downcast_index(index.base).hnsw
    links, width = faiss.vector_to_array(graph.neighbors), graph.nb_neighbors(0)
    for start in faiss.vector_to_array(graph.offsets)[:-1].astype(int):
        near = links[start : start + width]
        kept = near[(near != row) & (near >= 0)]
        near[:] = -1
        near[: len(kept)] = kept
    faiss.copy_array_to_vector(links, graph.neighbors)


def test_a_node_that_no_link_leads_to_is_unreachable():
    vectors = gaussian(400, 8, seed=3)
    index = build_index(IndexSpec("HNSW8"), Database(vectors, "euclidean"))
    levels = faiss.vector_to_array(faiss.downcast_index(index.base).hnsw.levels)
    row = int(np.flatnonzero(levels == 1)[5])
    asked = vectors[[row]] + 1e-3
    exact = exact_neighbours(asked, vectors, 3, "euclidean")
    assert exact.ids[0, 0] == row
    settings = (("efSearch", 400),)
    assert attribute(index, asked, exact, settings).each.empty
    cut(index, row)
    misses = attribute(index, asked, exact, settings)
    assert misses.each[["row", "rank", "cause"]].to_numpy().tolist() == [[row, 1, "unreachable"]]
    assert np.isnan(misses.each["needs"].iloc[0]) and misses.knob == "efConstruction"


def test_reachability_is_that_from_where_each_query_enters_the_bottom_layer():
    vectors, rng = gaussian(600, 6, seed=4), np.random.default_rng(0)
    index = build_index(IndexSpec("HNSW4", build=(("efConstruction", 8),)), Database(vectors, "euclidean"))
    graph = faiss.downcast_index(index.base).hnsw
    links, width = faiss.vector_to_array(graph.neighbors), graph.nb_neighbors(0)
    for start in faiss.vector_to_array(graph.offsets)[:-1]:
        links[int(start) + rng.integers(1, 4) : int(start) + width] = -1
    faiss.copy_array_to_vector(links, graph.neighbors)
    asked = gaussian(80, 6, seed=5)
    exact, walker = exact_neighbours(asked, vectors, 5, "euclidean"), Walker(index)
    misses = attribute(index, asked, exact, (("efSearch", 5),))
    entries = {query: walker.walk(asked[query], 5).layer_entry[0] for query in range(80)}
    reached = {entry: walker.graph.reachable(entry) for entry in set(entries.values())}
    for row in misses.each.to_dict("records"):
        assert (row["cause"] == "unreachable") == (not reached[entries[row["query"]]][row["row"]])
    assert misses.counts["unreachable"] > 0 and misses.counts["ef"] > 0
    assert len({reach.sum() for reach in reached.values()}) > 1, "or the entry would not matter"


def test_a_neighbour_across_a_border_is_found_by_probing_two_lists():
    rng = np.random.default_rng(0)
    left, right = rng.normal((-1, 0), 0.1, (60, 2)), rng.normal((1, 0), 0.1, (60, 2))
    vectors = np.vstack([left, right, [[0.05, 0.0]]]).astype(np.float32)
    index = build_index(IndexSpec("IVF2,Flat"), Database(vectors, "euclidean"))
    asked = np.array([[-0.04, 0.0]], dtype=np.float32)
    exact = exact_neighbours(asked, vectors, 1, "euclidean")
    assert exact.ids[0, 0] == 120
    misses = attribute(index, asked, exact, (("nprobe", 1),))
    assert misses.each[["row", "rank", "cause", "needs"]].to_numpy().tolist() == [[120, 1, "nprobe", 2.0]]
    assert attribute(index, asked, exact, (("nprobe", 2),)).each.empty


@pytest.mark.parametrize("text", ["HNSW8 efSearch=4", "IVF8,Flat nprobe=1", "hnswlib M=8 ef=2"])
def test_of_duplicates_as_many_are_missed_as_places_are_lost(text):
    vectors = gaussian(300, 8, seed=6)
    vectors[40:160] = vectors[40]
    spec = IndexSpec.parse(text)
    index = build_index(spec, Database(vectors, "euclidean"))
    asked = gaussian(40, 8, seed=7)
    asked[:20] = vectors[40] + 0.01 * asked[:20]
    exact = exact_neighbours(asked, vectors, 10, "euclidean")
    found = index.search(asked, 10, spec.search)
    recalls = recall(found, exact, asked, vectors)
    misses = attribute(index, asked, exact, spec.search, found=found)
    lost = np.bincount(misses.each["query"], minlength=40)
    np.testing.assert_array_equal(lost, 10 - np.rint(10 * recalls).astype(int))
    assert not misses.counts["tie"], "an equal vector in its place is no miss"


@pytest.mark.parametrize("text", ["Flat", "IVF16,Flat nprobe=4", "HNSW16 efConstruction=80 efSearch=64", "SQ8",
                                  "SQ4,RFlat k_factor=4", "hnswlib M=16 efConstruction=80 ef=64"])  # fmt: skip
def test_what_a_filter_keeps_out_is_told_from_what_is_missed(text):
    index, spec = searched(text, "dot")
    allowed = np.random.default_rng(0).random(index.n) < 0.5
    misses = attribute(index, queries("dot"), truth("dot"), spec.search, allowed=allowed)
    barred = ~allowed[truth("dot").ids]
    assert misses.counts["filter"] == barred.sum()
    assert (~allowed[misses.each["row"]] == (misses.each["cause"] == "filter")).all()
    ours = exact_neighbours(queries("dot"), index.database.array[allowed], K, "dot")
    answers = np.flatnonzero(allowed)[ours.ids]
    recalls = recall(answers, truth("dot"), queries("dot"), index.database.array)
    assert misses.recall <= recalls.mean() + 1e-12
    if text == "Flat":
        assert misses.recall == pytest.approx(recalls.mean(), abs=1e-12)


def test_misses_of_many_answers_share_what_was_read_of_the_index():
    index, spec = searched("IVF16,Flat nprobe=2", "dot")
    attribution = Attribution(index, queries("dot"), truth("dot"))
    for nprobe in (1, 4, 16):
        settings = spec.with_search(nprobe=nprobe).search
        once = attribute(index, queries("dot"), truth("dot"), settings)
        pd.testing.assert_frame_equal(attribution.misses(attribution.search(settings), settings).each, once.each)
    assert once.each.empty and once.advice == "Nothing is missed." and once.knob is None


def made(text, *rows, queries=10, k=10, **tried):
    table = pd.DataFrame(rows, columns=["cause", "needs", "gap"]).assign(query=0, row=range(len(rows)), rank=1)
    return Misses(table, queries, k, IndexSpec.parse(text), tried)


NAN = float("nan")


@pytest.mark.parametrize(
    ("misses", "knob", "said"),
    [
        (
            made("IVF64,Flat nprobe=4", *[("nprobe", n, NAN) for n in (5, 6, 9, 40)]),
            "nprobe",
            "Of the true neighbours 4 % are missed, because their lists were not probed. "
            "Turn nprobe up from 4: 6 finds half of them, 40 nine tenths.",
        ),
        (
            made("HNSW16", ("ef", NAN, NAN), ("unreachable", NAN, NAN), ("unreachable", NAN, NAN)),
            "efConstruction",
            "2 % because no path of the graph leads to them. No ef finds those: drop repeated vectors, or build",
        ),
        (made("IVF64,Flat", *[("nprobe", 2.0, NAN)] * 2), "nprobe", "up from 1: 2 finds nine tenths of them."),
        (made("HNSW16", ("ef", 32.0, NAN)), "efSearch", "Turn efSearch up from 16: 32 finds it."),
        (made("hnswlib", ("ef", NAN, NAN), ef=512), "ef", "Turn ef up from 10; no value up to 512 finds it."),
        (made("hnswlib", ("ef", NAN, NAN)), "ef", "before it came to them. Turn ef up from 10."),
        (
            made("IVF64,PQ8 nprobe=4", ("nprobe", NAN, 0.5), ("nprobe", NAN, 0.1), ("nprobe", 9.0, NAN)),
            "RFlat",
            "2 % because their codes put them too far away. In the median their codes lie 30 % beyond the worst",
        ),
        (made("SQ4,RFlat", ("refine", 3.0, NAN)), "k_factor", "Turn k_factor up from 1: 3 finds it."),
        (
            made("HNSW16", *[("ef", 32.0, NAN)] * 9_999, ("unreachable", NAN, NAN), queries=10_000),
            "efSearch",
            "Of the true neighbours 10 % are missed, nearly all because ef ended the walk before it came to them.",
        ),
        (made("SQ8", ("tie", NAN, NAN)), None, "because they are as near as what was returned instead."),
        (made("SQ8", ("filter", NAN, NAN), ("filter", NAN, NAN), ("tie", NAN, NAN)), None, "most because the filter"),
    ],
)
def test_the_next_knob_is_that_of_the_cause_that_would_find_most(misses, knob, said):
    assert misses.knob == knob
    assert said in misses.advice


def test_every_cause_has_words_and_the_record_is_plain():
    assert set(CAUSE_LABELS) == set(CAUSES)
    record = made("HNSW16", ("ef", 32.0, NAN), ("unreachable", NAN, NAN)).record()
    assert record["causes"] == {"unreachable": 1, "ef": 1}
    assert record["shares"] == {"unreachable": 0.01, "ef": 0.01} and record["recall"] == 0.98


def test_what_cannot_be_attributed_is_refused():
    index, _ = searched("IVF16,Flat nprobe=2", "dot")
    asked, exact = queries("dot"), truth("dot")
    one = asked[0]
    for refused in (
        lambda: attribute(index, one, exact),
        lambda: index.search(one, K),
        lambda: border_margin(index, one),
        lambda: code_distances(index, one, np.arange(3)),
    ):
        with pytest.raises(InputError, match=r"have shape \(32,\)"):
            refused()
    with pytest.raises(InputError, match="a truth of 24 queries for 3"):
        attribute(index, asked[:3], exact)
    with pytest.raises(InputError, match="allowed rows of shape"):
        attribute(index, asked, exact, allowed=np.ones(3, dtype=bool))
    with pytest.raises(InputError, match="and int64"):
        attribute(index, asked, exact, allowed=np.ones(index.n, dtype=np.int64))
    with pytest.raises(InputError, match="neighbours by cosine are no truth for an index by dot"):
        attribute(index, asked, truth("cosine"))
    with pytest.raises(InputError, match="not of unit length were asked by cosine"):
        attribute(searched("Flat", "cosine")[0], asked, truth("cosine"))
    with pytest.raises(InputError, match="has no search setting 'efSearch'"):
        attribute(index, asked, exact, (("efSearch", 3),))
    with pytest.raises(InputError, match="cannot be filtered"):
        attribute(searched("PQ8x4", "dot")[0], asked, exact, allowed=np.ones(1500, dtype=bool))


def test_qdrant_cannot_be_looked_into():
    pytest.importorskip("qdrant_edge")
    vectors = gaussian(60, 4)
    index = build_index(IndexSpec("qdrant"), Database(vectors, "dot"))
    try:
        with pytest.raises(InputError, match="inside Qdrant's engine"):
            attribute(index, vectors[:2], exact_neighbours(vectors[:2], vectors, 3, "dot"))
    finally:
        index.close()
