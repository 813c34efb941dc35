"""The health of graphs with known faults, and its figures against slow counts."""

from collections import Counter

import numpy as np
import pytest

from tests.ann.builds import built, gaussian, need
from tests.ann.inspection.planted import unlink
from workbench.ann import Database, IndexSpec, build_index, graph_health, read_graph
from workbench.errors import InputError


@pytest.mark.parametrize("text", ["HNSW16 efConstruction=80", "HNSW16,SQ8", "hnswlib M=16 efConstruction=80"])
def test_degrees_layers_and_hubs_are_counted(text):
    index = built(text, "euclidean")
    graph, health = read_graph(index), graph_health(index)
    linked = [graph.neighbours(node, 0).tolist() for node in range(graph.n)]
    into = Counter(row for rows in linked for row in rows)
    assert health.out_degree.tolist() == [len(rows) for rows in linked]
    assert health.in_degree.tolist() == [into[node] for node in range(graph.n)]
    assert health.hubs["in_degree"].tolist() == [count for _, count in into.most_common(20)]
    assert health.in_degree[health.hubs["row"]].tolist() == health.hubs["in_degree"].tolist()
    layers = health.layers.set_index("layer")
    assert layers["nodes"].tolist() == [(graph.levels >= layer).sum() for layer in range(graph.layers)]
    assert layers.loc[0, "edges"] == health.out_degree.sum() == 1500 * layers.loc[0, "mean_degree"]
    assert (layers["components"] <= layers["strong_components"]).all() and layers["largest"].between(0, 1).all()
    assert layers.loc[graph.layers - 1, "nodes"] >= 1 and health.duplicates.empty


def test_a_planted_node_without_links_to_it_is_found():
    index = build_index(IndexSpec("HNSW16"), Database(gaussian(600), "dot"))
    before = graph_health(index)
    row = int(before.hubs["row"][0])
    assert row not in before.unreachable
    unlink(index, row)
    after = graph_health(index)
    assert set(after.unreachable) - set(before.unreachable) >= {row}
    assert after.in_degree[row] == 0 and row not in set(after.hubs["row"])
    assert after.layers["strong_components"][0] > before.layers["strong_components"][0]
    assert after.layers["components"][0] == 1, "its own links still lead away from it"


@pytest.mark.parametrize(
    ("text", "search", "lost"), [("HNSW8", "efSearch", True), ("hnswlib M=8", "ef", False)], ids=["faiss", "hnswlib"]
)
def test_many_copies_of_one_vector_are_a_group_and_faiss_loses_most_of_them(text, search, lost):
    rows = np.vstack([gaussian(400, d=8), np.tile(gaussian(1, d=8, seed=5), (200, 1))])
    rows = np.vstack([rows, rows[:1], np.zeros((1, 8)), -np.zeros((1, 8))]).astype(np.float32)
    index = build_index(IndexSpec.parse(need(text)), Database(rows, "euclidean"), threads=1)
    health = graph_health(index)
    assert health.duplicates[["row", "count"]].to_numpy().tolist() == [[400, 200], [0, 2], [601, 2]]
    unreachable = np.isin(np.arange(400, 600), health.unreachable).sum()
    assert health.duplicates["unreachable"][0] == unreachable
    assert unreachable > 100 if lost else unreachable == 0
    found = index.search(rows[400:401], len(rows), ((search, len(rows)),))
    assert ((found >= 400) & (found < 600)).sum() == 200 - unreachable


def test_those_inserted_early_are_linked_to_most():
    order = graph_health(built("HNSW16 efConstruction=80", "euclidean")).order
    assert -1 <= order.low < order.mean < order.high < 0


def test_clusters_in_order_take_from_hnswlib_what_those_inserted_early_have_else():
    """In hnswlib the first of the rows collect links, unless each is soon followed by a cluster of its own; FAISS
    shuffles, whatever the order of the rows."""
    rng = np.random.default_rng(0)
    centers = 30 * rng.standard_normal((20, 8))
    rows = (np.repeat(centers, 60, axis=0) + rng.standard_normal((1200, 8))).astype(np.float32)
    order = {
        (text, given): graph_health(
            build_index(IndexSpec.parse(need(text)), Database(rows, "euclidean", rows=places), threads=1)
        ).order
        for text in ("HNSW8", "hnswlib M=8")
        for given, places in (("clusters", np.arange(1200)), ("shuffled", rng.permutation(1200)))
    }
    assert order["hnswlib M=8", "shuffled"].high < -0.3 < -0.2 < order["hnswlib M=8", "clusters"].low
    assert order["HNSW8", "shuffled"].high < -0.3 > order["HNSW8", "clusters"].high


def test_an_order_that_says_nothing_has_no_correlation():
    order = graph_health(build_index(IndexSpec("HNSW8"), Database(gaussian(3), "euclidean"))).order
    assert np.isnan([order.mean, order.low, order.high]).all()


def test_an_index_without_a_graph_is_refused():
    with pytest.raises(InputError, match="has no graph"):
        graph_health(built("SQ8", "dot"))
