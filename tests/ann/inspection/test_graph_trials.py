"""Graphs under trial: settings, deletions and orders are measured on the vectors that are there."""

import numpy as np
import pytest

from workbench.ann import Database, IndexSpec, build_index, deletions, graph_settings, insertion_orders
from workbench.errors import InputError

RNG = np.random.default_rng(1)
GROUPS = RNG.normal(size=(12, 16)) * 3
MEMBER = np.sort(RNG.integers(0, 12, 1500))
VECTORS = (GROUPS[MEMBER] + RNG.normal(size=(1500, 16))).astype(np.float32)
QUERIES = (GROUPS[RNG.integers(0, 12, 60)] + RNG.normal(size=(60, 16))).astype(np.float32)
SPEC = IndexSpec.parse("HNSW8 efConstruction=40 efSearch=32")


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_marked_vectors_are_walked_through_and_torn_out_ones_cut_others_off(metric) -> None:
    index = build_index(SPEC, Database(VECTORS, metric), threads=1)
    gone = deletions(index, QUERIES, (0.0, 0.5, 0.9), search=SPEC.search)
    asked = index.database.prepare(QUERIES)
    assert gone["left"].tolist() == [1500, 750, 150]
    assert gone["distances"][0] == index.distances(asked, 10, SPEC.search)
    if metric != "dot":  # there links lead to the longest vectors, and not all are reached to begin with
        assert gone["cut_off"][0] < 0.05 < gone["cut_off"][2], "few links are left between so few"
    assert gone["cut_off"].is_monotonic_increasing
    assert gone["recall"][0] > (0.6 if metric == "dot" else 0.9) and gone["recall"].min() > 0, (
        "answers are among those left, and numbered as they are"
    )


def test_an_order_is_measured_by_the_rows_of_the_database() -> None:
    database = Database(VECTORS, "euclidean")
    shuffled = RNG.permutation(1500)
    found = insertion_orders(SPEC, database, QUERIES, {"as it is": np.arange(1500), "shuffled": shuffled})
    assert found["order"].tolist() == ["as it is", "shuffled"] and found["recall"].min() > 0.5
    assert found["recall"][1] > 0.9, "whatever the order, rows are those of the database"
    assert (found["distances"] > 0).all() and (found["unreachable"] >= 0).all()


def test_settings_are_measured_each_on_its_graph_and_builds_are_shared() -> None:
    database = Database(VECTORS, "cosine")
    specs = [
        "HNSW4 efConstruction=40 efSearch=10",
        "HNSW16 efConstruction=40 efSearch=10",
        "HNSW4 efConstruction=40 efSearch=80",
    ]
    found = graph_settings(specs, database, QUERIES)
    assert found["index"].tolist() == specs and found["M"].tolist() == [4, 16, 4]
    assert found["efSearch"].tolist() == [10, 10, 80] and set(found["efConstruction"]) == {40}
    assert found["build_s"][0] == found["build_s"][2] != found["build_s"][1]
    assert found["links"][0] == found["links"][2] <= 8 < found["links"][1]
    assert found["distances"][0] < found["distances"][2] and found["recall"][0] < found["recall"][2]
    assert (found["recall_low"] <= found["recall"]).all() and (found["recall"] <= found["recall_high"]).all()


def test_what_cannot_be_measured_is_refused() -> None:
    database = Database(VECTORS, "cosine")
    index = build_index(SPEC, database, threads=1)
    with pytest.raises(InputError, match=r"shares \[1.0\]"):
        deletions(index, QUERIES, (1.0,))
    with pytest.raises(InputError, match="no selectors"):
        deletions(build_index(IndexSpec.parse("IVF16,Flat"), database), QUERIES, (0.5,))
    with pytest.raises(InputError, match="'twice' is not every row once"):
        insertion_orders(SPEC, database, QUERIES, {"twice": np.zeros(1500, int)})
