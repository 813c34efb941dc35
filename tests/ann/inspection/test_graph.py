"""The graph as it is read: against FAISS's and hnswlib's own arrays, and its reachability against a slow walk."""

from collections import deque

import faiss
import numpy as np
import pytest

from tests.ann.builds import built, need
from workbench.ann import Database, IndexSpec, build_index, read_graph
from workbench.errors import InputError

KINDS = ["HNSW16 efConstruction=80", "HNSW16,SQ8", "hnswlib M=16 efConstruction=80"]


@pytest.mark.parametrize("text", KINDS)
def test_every_node_is_on_the_layers_of_its_level(text):
    graph = read_graph(built(text, "euclidean"))
    assert graph.n == 1500 and graph.M == 16
    assert graph.levels.min() == 0 and graph.levels.max() == graph.layers - 1 == graph.levels[graph.entry]
    assert np.array_equal(np.sort(graph.inserted), np.arange(1500))
    for layer in range(graph.layers):
        edges = graph.edges(layer)
        assert set(np.unique(edges.indices)) <= set(np.flatnonzero(graph.levels >= layer))
        assert np.diff(edges.indptr).max() <= (16 if layer else 32)
        assert not np.diff(edges.indptr)[graph.levels < layer].any()
        assert edges.diagonal().sum() == 0
        assert edges.has_sorted_indices and edges.nnz == len(graph.links[layer].rows)
    for node in range(0, 1500, 100):
        assert np.array_equal(np.sort(graph.neighbours(node, 0)), np.sort(graph.edges(0)[[node]].nonzero()[1]))


def test_the_lists_of_faiss_are_kept_in_their_order():
    index = built("HNSW16 efConstruction=80", "dot")
    hnsw = faiss.downcast_index(index._base).hnsw
    offsets, padded = faiss.vector_to_array(hnsw.offsets), faiss.vector_to_array(hnsw.neighbors)
    graph = read_graph(index)
    above = np.flatnonzero(graph.levels > 0)
    for node in [0, 7, 1499, *above[:20]]:
        for layer in range(graph.levels[node] + 1):
            begin, end = (offsets[node] + hnsw.cum_nb_neighbors(at) for at in (layer, layer + 1))
            stored = padded[begin:end]
            assert graph.neighbours(int(node), layer).tolist() == [row for row in stored if row >= 0]


def test_hnswlib_inserts_in_the_order_of_its_elements():
    index = built("hnswlib M=16 efConstruction=80", "cosine")
    state = index._graph.__getstate__()[0]
    inserted = np.empty(1500, dtype=np.int64)
    inserted[state["label_lookup_internal"]] = state["label_lookup_external"]
    assert np.array_equal(read_graph(index).inserted, inserted)


def test_the_order_of_insertion_of_faiss_is_that_of_its_links():
    """A node links only to those that were there when it was inserted, or that linked back: the second to the first."""
    rows = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    for n in range(2, 200, 9):
        index = build_index(IndexSpec("HNSW64"), Database(rows[:n], "euclidean"))
        graph = read_graph(index)
        assert graph.entry == graph.inserted[0]


def slowly_reached(graph, start: int) -> set[int]:
    reached, waiting = {start}, deque([start])
    while waiting:
        for row in graph.neighbours(waiting.popleft(), 0).tolist():
            if row not in reached:
                reached.add(row)
                waiting.append(row)
    return reached


def test_what_is_reachable_is_what_a_slow_search_reaches():
    rows = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    graph = read_graph(build_index(IndexSpec("HNSW2"), Database(rows, "dot")))
    reached = graph.reachable()
    assert 0 < (~reached).sum() < 400
    for start in (graph.entry, 3, int(np.flatnonzero(~reached)[0])):
        assert set(np.flatnonzero(graph.reachable(start))) == slowly_reached(graph, start)


def test_one_vector_is_a_graph():
    for text in ("HNSW8", need("hnswlib")):
        graph = read_graph(build_index(IndexSpec(text), Database(np.ones((1, 4), dtype=np.float32), "dot")))
        assert graph.n == 1 and graph.entry == 0
        assert graph.reachable().tolist() == [True]
        assert not len(graph.neighbours(0, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [("Flat", "'Flat' has no graph"), ("IVF16,Flat", "no graph"), ("qdrant m=16 ef_construct=80", "not hand out")],
)
def test_an_index_without_a_graph_that_can_be_read_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        read_graph(built(text, "dot"))


def test_a_node_or_layer_that_is_not_there_is_refused():
    graph = read_graph(built("HNSW16 efConstruction=80", "dot"))
    for ask, message in (
        (lambda: graph.neighbours(1500, 0), "no node 1,500 among 1,500"),
        (lambda: graph.neighbours(0, graph.layers), "no layer"),
        (lambda: graph.edges(-1), "no layer -1"),
        (lambda: graph.reachable(-1), "no node -1"),
    ):
        with pytest.raises(InputError, match=message):
            ask()
