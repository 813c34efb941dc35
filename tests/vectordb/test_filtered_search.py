"""Filtered search measured: the truth is brute force, lost answers are counted, and a topic is a harder filter."""

import numpy as np
import pandas as pd
import pytest

from tests.vectordb.clouds import QUERIES, TOPICS, VECTORS, D, N
from workbench import vectordb
from workbench.errors import IdentityError, InputError, VectorError
from workbench.records import ModelIdentity, Vectors

K = 10
COLUMN = pd.Series([None if topic == 0 else f"<b>topic {topic}</b>" for topic in TOPICS], name="source")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return vectordb.measure_filtered(
        VECTORS,
        QUERIES,
        column=COLUMN,
        selectivities=(0.5, 0.1, 0.004, 0.0001),
        most_values=2,
        rounds=1,
        progress=False,
    )


def row(table: pd.DataFrame, name: str, method: str, selectivity: float = 0.1) -> pd.Series:
    near = table[(table["filter"] == name) & (table["method"] == method)]
    return near.iloc[(near["selectivity"] - selectivity).abs().argmin()]


def test_every_filter_meets_every_method_and_columns_are_explained(table):
    assert list(table.columns) == list(vectordb.FILTERED_COLUMNS)
    filters = table[["filter", "selectivity"]].drop_duplicates()
    assert len(filters) == 3 + 3 + 2  # one in 10,000 passes none of 1,500
    assert len(table) == len(filters) * len(vectordb.FILTER_METHODS)
    assert not table.duplicated(["filter", "selectivity", "method"]).any()
    assert table.attrs["fingerprint"] and table.attrs["provenance"]["libraries"]["qdrant-edge-py"]
    assert (table["timed"] == len(QUERIES)).all() and (table["p50_us"] > 0).all()
    assert (table["p99_us"] >= table["p50_us"]).all()


def test_exact_search_under_a_filter_finds_all_and_filtering_afterwards_finds_what_brute_force_says(table):
    exact = table[table["method"] == "exact with filter"]
    assert (exact["recall"] == 1).all() and (exact["missing"] == 0).all()
    value = next(name for name in table["filter"] if name.startswith("source"))
    passes = (value.removeprefix("source = ") == COLUMN).to_numpy()
    order = np.argsort(-(QUERIES @ VECTORS.T), axis=1)
    for method, asked in (("filter afterwards", K), ("filter afterwards, oversampled", 10 * K)):
        true = np.mean([min(passes[nearest[:asked]].sum(), K) for nearest in order])
        assert row(table, value, method)["returned"] == pytest.approx(true, abs=0.2)  # the graph itself misses a few
        assert row(table, value, method)["recall"] == pytest.approx(true / K, abs=0.02)
    assert row(table, value, "filter afterwards")["returned"] < 2
    assert row(table, value, "exact with filter")["returned"] == K
    assert row(table, value, "exact with filter")["passing"] == passes.sum()


def test_what_is_lost_grows_as_less_passes_and_no_answer_is_asked_that_there_is_not(table):
    after = table[(table["method"] == "filter afterwards") & (table["filter"] == "uncorrelated")]
    assert after.sort_values("selectivity")["missing"].is_monotonic_decreasing
    np.testing.assert_allclose(after["missing"], 1 - after["selectivity"], atol=0.06)
    few = row(table, "uncorrelated", "exact with filter", 0.004)
    assert few["passing"] == 6 and few["returned"] == 6 and few["missing"] == 0


def test_a_topic_is_a_harder_filter_than_a_random_one_of_equal_selectivity(table):
    for method in ("filter afterwards, oversampled", "FAISS HNSW + selector"):
        random, topic = (row(table, name, method) for name in ("uncorrelated", "correlated"))
        assert random["passing"] == topic["passing"]
        assert topic["recall_high"] < random["recall_low"], method


def test_links_among_equal_payloads_keep_the_graph_whole(table):
    linked, bare = (row(table, "uncorrelated", name) for name in ("filterable HNSW", "no payload links"))
    assert linked["recall_low"] > bare["recall_high"]
    assert row(table, "uncorrelated", "ACORN, no payload links")["recall_low"] > bare["recall_high"]


def test_only_faiss_tells_what_it_visited_and_it_does_not_look_at_the_filter(table):
    told = table["method"] == "FAISS HNSW + selector"
    assert table[~told]["visited_share"].isna().all()
    shares = table[told]["visited_share"]
    assert 0 < shares.min() == shares.max() < 0.5


def test_above_the_threshold_the_engine_leaves_the_graph_and_every_metric_is_its_own():
    scaled = VECTORS * np.linspace(0.5, 2, N, dtype=np.float32)[:, None]
    for metric in ("dot", "euclidean"):
        found = vectordb.measure_filtered(
            scaled, QUERIES, selectivities=(0.1,), methods=("no payload links", "exact with filter"),
            full_scan_threshold=10_000, metric=metric, rounds=1, progress=False,
        )  # fmt: skip
        assert (found["recall"] == 1).all() and (found["metric"] == metric).all()


def test_rows_are_held_out_where_no_queries_are_given():
    found = vectordb.measure_filtered(
        VECTORS, column=COLUMN, selectivities=(), methods=("exact with filter",), held_out=100, rounds=1,
        most_values=1, progress=False,
    )  # fmt: skip
    assert list(found["n"]) == [N - 100] and list(found["queries"]) == [100] and list(found["recall"]) == [1]
    assert 0 < found["passing"][0] < (found["filter"][0].removeprefix("source = ") == COLUMN).sum() + 1


def model(name: str) -> ModelIdentity:
    return ModelIdentity(name, "1", D)


def named(array: np.ndarray, maker: str) -> Vectors:
    return Vectors(tuple(f"{maker}{at}" for at in range(len(array))), array, model(maker))


@pytest.mark.parametrize(
    ("error", "said", "change"),
    [
        (InputError, "no method 'magic'", {"methods": ["magic"]}),
        (InputError, "no method was asked", {"methods": []}),
        (InputError, "selectivity of 1.5", {"selectivities": [1.5]}),
        (InputError, "k=0", {"k": 0}),
        (InputError, "3 values for 1,500 vectors", {"column": ["a", "b", "c"]}),
        (InputError, "no filter passes one", {"selectivities": [0.0001]}),
        (InputError, "1,500 queries cannot be held out", {"queries": None, "held_out": N}),
        (InputError, "manhattan", {"metric": "manhattan"}),
        (VectorError, "dimensions", {"queries": QUERIES[:, :8]}),
        (IdentityError, "model", {"vectors": named(VECTORS, "a"), "queries": named(QUERIES, "b")}),
    ],
)
def test_what_cannot_be_measured_is_refused(error, said, change):
    given = {"vectors": VECTORS, "queries": QUERIES, "progress": False} | change
    with pytest.raises(error, match=said):
        vectordb.measure_filtered(**given)
