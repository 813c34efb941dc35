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


@pytest.mark.parametrize("text", ["HNSW8", "hnswlib M=8"])
def test_many_copies_of_one_vector_are_a_group_and_part_of_it_is_lost(text):
    rows = np.vstack([gaussian(400, d=8), np.tile(gaussian(1, d=8, seed=5), (200, 1)), gaussian(1, d=8, seed=6)])
    rows = np.vstack([rows, rows[:1], np.zeros((1, 8)), -np.zeros((1, 8))]).astype(np.float32)
    health = graph_health(build_index(IndexSpec.parse(need(text)), Database(rows, "euclidean")))
    assert health.duplicates[["row", "count"]].to_numpy().tolist() == [[400, 200], [0, 2], [602, 2]]
    copies = np.arange(400, 600)
    assert health.duplicates["unreachable"][0] == np.isin(copies, health.unreachable).sum()
    assert health.duplicates["unreachable"][0] > 50, "copies link to one another and crowd out other links to them"


def test_those_inserted_early_are_linked_to_most():
    order = graph_health(built("HNSW16 efConstruction=80", "euclidean")).order
    assert -1 <= order.low < order.mean < order.high < 0


def test_clusters_in_order_do_not_cut_a_graph_of_faiss_into_pieces():
    """FAISS shuffles what it inserts; hnswlib takes the rows as they come."""
    rng = np.random.default_rng(0)
    centers = 30 * rng.standard_normal((20, 8))
    rows = (np.repeat(centers, 60, axis=0) + rng.standard_normal((1200, 8))).astype(np.float32)
    shuffled = rng.permutation(1200)
    for text in ("HNSW4", need("hnswlib M=4")):
        lost = [
            len(graph_health(build_index(IndexSpec.parse(text), Database(given, "euclidean"), threads=1)).unreachable)
            for given in (rows, rows[shuffled])
        ]
        print(text, lost)


def test_an_order_that_says_nothing_has_no_correlation():
    order = graph_health(build_index(IndexSpec("HNSW8"), Database(gaussian(3), "euclidean"))).order
    assert np.isnan([order.mean, order.low, order.high]).all()


def test_an_index_without_a_graph_is_refused():
    with pytest.raises(InputError, match="has no graph"):
        graph_health(built("SQ8", "dot"))
