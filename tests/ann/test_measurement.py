"""Recall and latency as honest measurement asks for them."""

import time

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.ann import latency, recall
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import Neighbours

METRICS = ["cosine", "dot", "euclidean"]


def gaussian(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
def test_flat_scores_exactly_one(metric):
    queries, vectors = gaussian(50, seed=1), gaussian(2000)
    truth = exact_neighbours(queries, vectors, 10, metric)
    kind = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexFlat(16, kind)
    scale = np.linalg.norm(vectors, axis=1, keepdims=True) if metric == "cosine" else 1
    index.add(vectors / scale)
    assert (recall(index.search(queries, 10)[1], truth, queries, vectors) == 1.0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_coarse_codes_score_well_below_one(metric):
    queries, vectors = gaussian(50, seed=1), gaussian(2000)
    truth = exact_neighbours(queries, vectors, 10, metric)
    coarse = np.round(vectors / 2).astype(np.float32) + np.float32(0.01)
    found = exact_neighbours(queries, coarse, 10, metric).ids
    assert 0.05 < recall(found, truth, queries, vectors).mean() < 0.9


def test_a_miss_of_two_closer_points_is_not_forgiven_by_ties():
    """Two points strictly closer than the five tied for places 3 to 5: finding only ties is 3 of 5."""
    vectors = np.array([[1, 0], [2, 0]] + [[3 * np.cos(a), 3 * np.sin(a)] for a in range(8)], dtype=np.float32)
    query = np.zeros((1, 2), dtype=np.float32)
    truth = exact_neighbours(query, vectors, 5, "euclidean")
    for found, expected in [([2, 3, 4, 5, 6], 0.6), ([0, 1, 7, 8, 9], 1.0), ([0, 2, 3, 4, 5], 0.8), ([0, 1], 0.4)]:
        padded = np.array([found + [-1] * (5 - len(found))])
        assert recall(padded, truth, query, vectors).tolist() == [expected]


def test_no_absolute_tolerance_for_scores_that_are_tiny():
    vectors = (np.arange(1, 101, dtype=np.float32)[:, None] * 1e-5).astype(np.float32)
    query = np.zeros((1, 1), dtype=np.float32)
    truth = exact_neighbours(query, vectors, 10, "euclidean")
    assert recall(np.arange(90, 100)[None], truth, query, vectors).tolist() == [0.0]


def test_repeats_and_padding_count_as_misses():
    queries, vectors = gaussian(1, seed=1), gaussian(100)
    truth = exact_neighbours(queries, vectors, 4, "dot")
    best = int(truth.ids[0, 0])
    assert recall(np.array([[best, best, best, best]]), truth, queries, vectors).tolist() == [0.25]
    assert recall(np.full((1, 4), -1), truth, queries, vectors).tolist() == [0.0]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_recall_equals_set_overlap_where_nothing_ties(seed):
    queries, vectors = gaussian(5, seed=seed), gaussian(60, seed=seed + 1)
    truth = exact_neighbours(queries, vectors, 8, "euclidean")
    rng = np.random.default_rng(seed)
    found = np.stack([rng.choice(60, 8, replace=False) for _ in queries])
    expected = [len(set(a) & set(b)) / 8 for a, b in zip(found.tolist(), truth.ids.tolist(), strict=True)]
    assert recall(found, truth, queries, vectors).tolist() == expected


@pytest.mark.parametrize(
    ("found", "message"),
    [(np.zeros((1, 3), dtype=np.int64), "do not match"), (np.full((1, 2), 7), "outside 0 to 4")],
    ids=["another k", "no such row"],
)
def test_answers_that_cannot_be_scored(found, message):
    truth = Neighbours(np.array([[0, 1]]), np.array([[1.0, 0.5]], dtype=np.float32), "dot")
    with pytest.raises(InputError, match=message):
        recall(found, truth, gaussian(1), gaussian(5))


def test_latency_times_every_query_in_every_round_and_puts_threads_back():
    asked: dict[str, int] = {"fast": 0, "slow": 0}

    def search(name: str, wait: float):
        def answer(query: np.ndarray) -> None:
            assert query.shape == (1, 16)
            assert faiss.omp_get_max_threads() == 1
            asked[name] += 1
            time.sleep(wait)

        return answer

    before = faiss.omp_get_max_threads()
    table = latency({"fast": search("fast", 0), "slow": search("slow", 0.003)}, gaussian(7), rounds=3)
    assert faiss.omp_get_max_threads() == before
    assert asked == {"fast": 28, "slow": 28}
    assert table["count"].tolist() == [21, 21]
    assert table.loc["slow", "p50_us"] > 3000 > table.loc["fast", "p50_us"]
    assert (table["p50_us"] <= table["p95_us"]).all()
    assert (table["p50_low_us"] <= table["p50_us"]).all()
    assert (table["p50_us"] <= table["p50_high_us"]).all()
