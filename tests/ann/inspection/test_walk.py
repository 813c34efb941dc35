"""The walk against the libraries' own search: the same rows, the same number of distances, every step in the record."""

import gc
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from tests.ann.builds import need
from tests.ann.inspection.planted import unlink
from workbench.ann import Database, Index, IndexSpec, Walker, build_index, load_index, save_index
from workbench.errors import InputError, VectorError

METRICS = ["cosine", "dot", "euclidean"]
KINDS = {  # and how many queries are walked: a step of hnswlib costs several calls of it
    "HNSW4 efConstruction=20": 1_000,
    "HNSW4,SQ8 efConstruction=20": 100,
    "hnswlib M=4 efConstruction=20": 60,
}
K = 10
N, D = 3_000, 8


@lru_cache
def database(metric: str, n: int = N, copies: int = 1) -> Database:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n // copies, D)) * rng.uniform(0.5, 2.0, (n // copies, 1))
    return Database(np.tile(rows, (copies, 1)).astype(np.float32), metric)


@lru_cache
def index(text: str, metric: str, n: int = N, copies: int = 1) -> Index:
    return build_index(IndexSpec.parse(need(text)), database(metric, n, copies))


@lru_cache
def queries(metric: str, q: int = 1_000) -> np.ndarray:
    return database(metric).prepare(np.random.default_rng(1).standard_normal((q, D)).astype(np.float32))


def search(text: str, ef: int) -> tuple[tuple[str, int], ...]:
    return (("ef" if text.startswith("hnswlib") else "efSearch", ef),)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", KINDS)
def test_walks_return_what_the_library_returns(text, metric):
    own, asked = index(text, metric), queries(metric)[: KINDS[text]]
    walker = Walker(own)
    for ef in (10, 32, 100):
        walks = [walker.walk(query, K, search(text, ef)) for query in asked]
        assert np.array_equal([walk.found for walk in walks], own.search(asked, K, search(text, ef)))
        if not text.startswith("hnswlib"):
            counted = own.distances(asked, K, search(text, ef))
            assert np.mean([walk.distances for walk in walks]) == pytest.approx(counted, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", ["HNSW4", "HNSW4,SQ4", "hnswlib M=4"])
def test_equal_distances_are_taken_in_the_order_of_the_library(text, metric):
    """Every vector stands there eight times: what is expanded first among equals decides what is found."""
    own, asked = index(text, metric, 1_600, 8), queries(metric)[:40]
    walker = Walker(own)
    for ef in (4, 20, 60):
        found = own.search(asked, K, search(text, ef))
        assert np.array_equal([walker.walk(query, K, search(text, ef)).found for query in asked], found)


@pytest.mark.parametrize("metric", METRICS)
def test_a_refined_walk_returns_what_the_refined_search_returns(metric):
    own, asked = index("HNSW4,SQ4,RFlat", metric), queries(metric)[:40]
    settings = (("efSearch", 40), ("k_factor", 3))
    walker = Walker(own)
    walks = [walker.walk(query, K, settings) for query in asked]
    assert np.array_equal([walk.found for walk in walks], own.search(asked, K, settings))
    refined = walks[0].refined
    assert len(refined) == 30 and set(refined["row"][refined["kept"]]) == set(walks[0].found)
    assert refined["coarse"].is_monotonic_increasing
    assert refined.nsmallest(K, "distance")["row"].tolist() == walks[0].found.tolist()


@pytest.mark.parametrize("text", ["HNSW2", "hnswlib M=2"])
def test_a_walk_that_finds_fewer_is_padded_as_the_library_pads(text):
    own = index(text, "euclidean", 300)
    found = own.search(queries("euclidean")[:20], 300, search(text, 300))
    assert (found == -1).any()
    walker = Walker(own)
    walks = [walker.walk(query, 300, search(text, 300)) for query in queries("euclidean")[:20]]
    assert np.array_equal([walk.found for walk in walks], found)
    assert {walk.ends for walk in walks} == {"candidates exhausted"}
    visited = walker.visited(queries("euclidean")[0], 300, search(text, 300))
    assert set(visited) == set(found[0][found[0] >= 0])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", [*KINDS, "HNSW4,SQ4"])
def test_the_record_of_a_walk_holds_together(text, metric):
    own, query = index(text, metric), queries(metric)[0]
    walker = Walker(own)
    walk = walker.walk(query, K, search(text, 32))
    hops, computed = walk.hops, walk.computed
    assert walk.steps == len(hops) == hops["step"].max() and len(computed) == walk.distances + 1
    assert hops["layer"].is_monotonic_decreasing and walk.layer_entry[walker.graph.layers - 1] == walker.graph.entry
    assert computed.loc[0, ["step", "origin", "row"]].tolist() == [0, -1, walker.graph.entry]
    groups = computed[computed["step"] > 0].groupby("step")
    assert groups.size().reindex(hops["step"], fill_value=0).tolist() == hops["evaluated"].tolist()
    for step, group in groups:
        hop = hops.iloc[step - 1]
        assert set(group["origin"]) == {hop["node"]} and set(group["layer"]) == {hop["layer"]}
        assert set(group["row"]) <= set(walker.graph.neighbours(int(hop["node"]), int(hop["layer"])))
    known = computed.groupby("row")["distance"].first()
    assert np.allclose(known.loc[hops["node"]], hops["distance"], rtol=1e-6, atol=1e-6)
    assert np.allclose(np.minimum.accumulate(computed["distance"])[np.cumsum(hops["evaluated"])], hops["best"])
    bottom = hops[hops["layer"] == 0]
    assert bottom["worst"].dropna().is_monotonic_decreasing and hops["worst"][hops["layer"] > 0].isna().all()
    below = computed[computed["layer"] == 0]["row"].tolist()
    assert [walk.layer_entry[0], *below] == walker.visited(query, K, search(text, 32)).tolist()
    assert len(set(below)) == len(below)
    assert walk.ends == "ef nearer ones known"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", ["HNSW4 efConstruction=20", "hnswlib M=4 efConstruction=20"])
def test_distances_are_those_of_the_vectors(text, metric):
    own, query = index(text, metric), queries(metric)[0]
    computed = Walker(own).walk(query, K).computed
    rows = own.database.array[computed["row"]].astype(np.float64)
    products = rows @ query
    expected = ((rows - query) ** 2).sum(axis=1) if metric == "euclidean" else -products
    if text.startswith("hnswlib") and metric != "euclidean":
        expected += 1
    assert np.allclose(computed["distance"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("text", ["HNSW4 efConstruction=20", "hnswlib M=4 efConstruction=20"])
def test_every_state_follows_from_the_record(text):
    own, query = index(text, "dot"), queries("dot")[3]
    walk = Walker(own).walk(query, K, search(text, 24))
    first = walk.state(0)
    assert first.results["row"].tolist() == first.candidates["row"].tolist() == [walk.computed["row"][0]]
    assert first.layer == walk.hops["layer"].max() > 0
    for step in range(1, walk.steps + 1):
        state, hop = walk.state(step), walk.hops.iloc[step - 1]
        assert state.layer == hop["layer"]
        if walk.state(step - 1).layer == state.layer:
            assert walk.state(step - 1).candidates["row"][0] == hop["node"]
        assert (
            state.candidates["distance"].is_monotonic_increasing and state.results["distance"].is_monotonic_increasing
        )
        assert state.results["distance"][0] == hop["best"]
        if pd.notna(hop["worst"]):
            assert state.results["distance"].iloc[-1] == hop["worst"]
    assert walk.state(walk.steps).results["row"][:K].tolist() == walk.found.tolist()
    for step in (-1, walk.steps + 1):
        with pytest.raises(InputError, match=f"no step {step} in a walk of {walk.steps}"):
            walk.state(step)


def test_a_planted_node_without_links_to_it_is_never_visited():
    own = build_index(IndexSpec("HNSW4"), database("euclidean", 500))
    row = 123
    query = own.database.array[row : row + 1].copy()
    assert own.search(query, 1)[0, 0] == row and Walker(own).graph.reachable()[row]
    unlink(own, row)
    walker = Walker(own)
    assert not walker.graph.reachable()[row]
    assert row not in walker.visited(query, 500, (("efSearch", 500),))
    assert walker.walk(query, 1, (("efSearch", 500),)).found[0] != row
    assert own.search(query, 1, (("efSearch", 500),))[0, 0] != row


@pytest.mark.parametrize("text", ["HNSW4", "HNSW4,SQ8,RFlat", "hnswlib M=4"])
def test_an_index_from_a_file_is_walked_and_may_be_closed_meanwhile(text, tmp_path):
    save_index(index(text, "dot", 300), tmp_path / "index")
    own, asked = load_index(tmp_path / "index", database("dot", 300)), queries("dot")[:20]
    found = own.search(asked, K)
    walker = Walker(own)
    own.close()
    gc.collect()
    assert np.array_equal([walker.walk(query, K).found for query in asked], found)


@pytest.mark.parametrize("text", ["HNSW8", "HNSW8,SQ8", "hnswlib"])
def test_one_vector_is_walked(text):
    own = build_index(IndexSpec(need(text)), Database(np.ones((1, 8), dtype=np.float32), "dot"))
    walk = Walker(own).walk(np.ones(8, dtype=np.float32), 1)
    assert walk.found.tolist() == [0] and walk.distances == 0 and walk.layer_entry[0] == 0


@pytest.mark.parametrize(
    ("query", "k", "settings", "error", "message"),
    [
        (np.ones((2, D)), K, (), InputError, "2 queries were given to walk at once"),
        (np.ones(D + 1), K, (), VectorError, "9"),
        (np.ones(D), N + 1, (), InputError, "k=3,001"),
        (np.ones(D), K, (("nprobe", 3),), InputError, "no search setting 'nprobe'"),
    ],
)
def test_a_walk_that_cannot_be_is_refused(query, k, settings, error, message):
    walker = Walker(index("HNSW4 efConstruction=20", "dot"))
    for ask in (walker.walk, walker.visited):
        with pytest.raises(error, match=message):
            ask(query.astype(np.float32), k, settings)
