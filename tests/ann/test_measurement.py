"""Recall as honest measurement asks for it: each of its rules has a test named for it."""

import math

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.ann import COLUMNS, break_even, query_scores, recall, summarise
from workbench.errors import InputError, VectorError
from workbench.geometry import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    exact_neighbours,
    larger_is_better,
    normalize,
)
from workbench.records import Metric, Neighbours

METRICS: list[Metric] = ["cosine", "dot", "euclidean"]


def gaussian(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def slow_recall(found: np.ndarray, truth: Neighbours, queries: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The definition, one query at a time, with the metrics of the room geometry."""
    score = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}[truth.metric]
    sign = 1.0 if larger_is_better(truth.metric) else -1.0
    recalls = np.empty(len(found))
    for row, answer in enumerate(found):
        own = np.unique(answer[answer >= 0])
        worst = sign * float(truth.scores[row, -1])
        slack = 2.0**-21 * abs(worst)
        better = int((sign * truth.scores[row].astype(np.float64) > worst + slack).sum())
        scores = sign * np.atleast_1d(score(queries[row], vectors[own])).astype(np.float64) if len(own) else np.empty(0)
        strict = int((scores > worst + slack).sum())
        tied = int((np.abs(scores - worst) <= slack).sum())
        recalls[row] = (strict + min(tied, truth.k - better)) / truth.k
    return recalls


@given(st.integers(0, 2**32 - 1), st.sampled_from(METRICS), st.integers(1, 12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_recall_equals_the_slow_definition_with_ties_padding_and_repeats(seed, metric, k, coarse):
    rng = np.random.default_rng(seed)
    if coarse:  # small whole numbers: many vectors and many scores are equal
        vectors, queries = rng.integers(-1, 2, (40, 3)), rng.integers(-1, 2, (6, 3))
        vectors[(vectors == 0).all(axis=1)] = 1
        queries[(queries == 0).all(axis=1)] = 1
        vectors, queries = vectors.astype(np.float32), queries.astype(np.float32)
    else:
        vectors, queries = gaussian(40, 3, seed), gaussian(6, 3, seed + 1)
    truth = exact_neighbours(queries, vectors, k, metric)
    near = rng.random((6, k)) < 0.6  # from the true ones, anywhere, or padding: with repeats of all of them
    found = np.where(near, rng.permuted(truth.ids, axis=1), rng.integers(-1, 40, (6, k)))
    assert recall(found, truth, queries, vectors).tolist() == slow_recall(found, truth, queries, vectors).tolist()


def test_recall_is_the_same_in_one_block_and_in_many(monkeypatch):
    queries, vectors = gaussian(30, seed=1), gaussian(200)
    truth = exact_neighbours(queries, vectors, 5, "cosine")
    found = exact_neighbours(queries, np.round(vectors) + np.float32(0.01), 5, "cosine").ids
    whole = recall(found, truth, queries, vectors)
    monkeypatch.setattr("workbench.ann.measurement._BLOCK_BYTES", 2000)
    assert recall(found, truth, queries, vectors).tolist() == whole.tolist()
    assert 0 < whole.mean() < 1


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


def test_ids_count_and_never_the_distances_that_the_index_reports():
    """A product quantizer's own distances, counted against the k-th true one, look far better than its ids are."""
    vectors, queries = normalize(gaussian(2000, 32)), normalize(gaussian(40, 32, seed=1))
    truth = exact_neighbours(queries, vectors, 10, "euclidean")
    index = faiss.index_factory(32, "PQ4x4")
    index.train(vectors)
    index.add(vectors)
    reported, found = index.search(queries, 10)
    by_its_word = (np.sqrt(reported.clip(0)) <= truth.scores[:, -1:]).mean()
    by_ids = recall(found, truth, queries, vectors).mean()
    overlap = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.ids.tolist(), strict=True)])
    assert by_ids == overlap
    assert by_ids < 0.3 < 0.9 < by_its_word


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
    last = np.arange(90, 100)[None]
    by_an_epsilon = (euclidean_distance(query, vectors[last[0]]) <= truth.scores[:, -1:] + 1e-3).mean()
    assert by_an_epsilon == 1.0
    assert recall(last, truth, query, vectors).tolist() == [0.0]


def test_repeats_and_padding_count_as_misses():
    queries, vectors = gaussian(1, seed=1), gaussian(100)
    truth = exact_neighbours(queries, vectors, 4, "dot")
    best = int(truth.ids[0, 0])
    assert recall(np.array([[best, best, best, best]]), truth, queries, vectors).tolist() == [0.25]
    assert recall(np.full((1, 4), -1), truth, queries, vectors).tolist() == [0.0]


def test_fewer_than_k_answers_are_a_measured_failure_and_no_error():
    queries, vectors = gaussian(20, seed=1), gaussian(500)
    truth = exact_neighbours(queries, vectors, 50, "euclidean")
    index = faiss.index_factory(16, "IVF32,Flat")
    index.train(vectors)
    index.add(vectors)
    found = index.search(queries, 50)[1]  # one list of 32 holds fewer than 50
    assert (found == -1).any(axis=1).all()
    assert 0 < recall(found, truth, queries, vectors).max() < 1


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


@pytest.mark.parametrize(("bad", "metric"), [(np.nan, "dot"), (np.inf, "euclidean"), (0.0, "cosine")])
def test_a_found_vector_without_a_score_is_named(bad, metric):
    queries, vectors = gaussian(2), gaussian(5)
    truth = exact_neighbours(queries, vectors, 2, metric)
    vectors[3] = bad
    with pytest.raises(VectorError, match="row 3"):
        recall(np.array([[0, -1], [3, 1]]), truth, queries, vectors)


def test_an_empty_index_is_refused_and_not_measured():
    truth = Neighbours(np.array([[0]]), np.array([[1.0]], dtype=np.float32), "dot")
    with pytest.raises(InputError, match="no vectors"):
        recall(np.array([[-1]]), truth, gaussian(1), np.empty((0, 16), dtype=np.float32))
    with pytest.raises(InputError):
        exact_neighbours(gaussian(1), np.empty((0, 16), dtype=np.float32), 1)


def test_how_sure_intervals_worst_decile_and_halves():
    recalls = np.tile([1.0, 0.5], 100)  # even rows found everything, odd rows half
    recalls[:20] = 0.1
    scores = query_scores(recalls, (recalls == 1.0).astype(float))
    assert set(scores) < set(COLUMNS)
    assert scores["recall"] == pytest.approx(recalls.mean())
    assert scores["recall_low"] < scores["recall"] < scores["recall_high"]
    assert scores["recall_at_1"] == pytest.approx(90 / 200)
    assert scores["recall_at_1_low"] < 0.45 < scores["recall_at_1_high"]
    assert scores["worst_decile"] == pytest.approx(0.1)
    assert scores["recall_tuned"] == pytest.approx((90 * 1.0 + 10 * 0.1) / 100)
    assert scores["recall_stated"] == pytest.approx((90 * 0.5 + 10 * 0.1) / 100)
    assert scores["recall_stated_low"] < scores["recall_stated"] < scores["recall_stated_high"]


def test_the_best_of_many_is_flattered_on_the_half_that_chose_it_and_not_on_the_other():
    """Of fifty equals, the winner by the tuned half looks better there than it is, and is stated as it is."""
    rng = np.random.default_rng(0)
    all_scores = [query_scores(rng.random(400), np.ones(400)) for _ in range(50)]
    winner = max(all_scores, key=lambda scores: scores["recall_tuned"])
    assert winner["recall_tuned"] > 0.53
    assert winner["recall_stated_low"] < 0.5 < winner["recall_stated_high"]


@pytest.mark.parametrize("same", [1.0, 0.9, 0.0])
def test_a_handful_of_equal_recalls_is_not_certain(same):
    few, many = (query_scores(np.full(count, same), np.ones(count)) for count in (6, 6000))
    for low, mean, high in (("recall_low", "recall", "recall_high"),
                            ("recall_stated_low", "recall_stated", "recall_stated_high")):  # fmt: skip
        assert 0 <= few[low] <= few[mean] <= few[high] <= 1 and few[mean] == pytest.approx(same)
        assert few[high] - few[low] > 0.3 > 0.03 > many[high] - many[low] > 0


def test_one_query_has_no_stated_half():
    scores = query_scores(np.array([0.7]), np.array([1.0]))
    assert scores["recall"] == scores["recall_tuned"] == scores["worst_decile"] == 0.7
    assert math.isnan(scores["recall_stated"])
    assert scores["recall_at_1_low"] < 0.3  # one success of one proves little


@pytest.mark.parametrize("lengths", [(0, 0), (3, 2)])
def test_scores_of_no_or_of_different_queries_are_refused(lengths):
    with pytest.raises(InputError, match="do not describe one search"):
        query_scores(np.ones(lengths[0]), np.ones(lengths[1]))


@given(st.floats(0.001, 1e5), st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_break_even_is_the_first_query_count_at_which_the_build_has_paid(build_s, p50, flat):
    queries = break_even(build_s, p50, flat)
    if p50 >= flat:
        assert queries == math.inf
    else:
        paid = queries * (flat - p50) / 1e6
        assert paid >= build_s * (1 - 1e-9)
        assert (queries - 1) * (flat - p50) / 1e6 < build_s * (1 + 1e-9)


@pytest.mark.parametrize(
    ("build_s", "p50", "flat", "queries"),
    [(0, 500, 500, 0), (0, 600, 500, math.inf), (1, 500, 500, math.inf), (2, 100, 1100, 2000)],
    ids=["Flat itself", "slower and free", "no faster", "faster"],
)
def test_break_even_at_its_ends(build_s, p50, flat, queries):
    assert break_even(build_s, p50, flat) == queries
    assert math.isnan(break_even(build_s, math.nan, flat))


def test_every_measured_column_says_what_it_means():
    scores, times = query_scores(np.ones(2), np.ones(2)), summarise(np.ones((1, 2)))
    assert set(scores) | set(times) < set(COLUMNS)
    assert all(COLUMNS.values())
