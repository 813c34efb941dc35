"""All pairs above a threshold, held against the whole matrix of similarities; an index's recall against the truth."""

import numpy as np
import pytest

from workbench import geometry, tasks
from workbench.errors import InputError, VectorError
from workbench.records import Vectors
from workbench.tasks.duplicates import search
from workbench.tasks.duplicates.bounds import Comparison

N, D = 1_300, 24  # more than one block of rows
SCORES = {
    "cosine": geometry.cosine_similarity,
    "dot": geometry.dot_product,
    "euclidean": geometry.euclidean_distance,
}


def planted(seed: int = 0, d: int = D) -> np.ndarray:
    """Random vectors of many lengths, of which some are near others, and ten are one and the same."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(N, d)) * rng.uniform(0.2, 5, size=(N, 1))
    vectors[700:900] = vectors[:200] + rng.normal(size=(200, d)) * 0.05
    vectors[900:910] = vectors[0]
    return vectors.astype(np.float32)


def slow(vectors: np.ndarray, metric: str, threshold: float) -> np.ndarray:
    """The upper triangle of the whole matrix: which pairs reach the threshold."""
    scores = SCORES[metric](vectors, vectors)
    near = scores <= np.float32(threshold) if metric == "euclidean" else scores >= np.float32(threshold)
    return np.triu(near, 1)


def marked(pairs: tasks.Pairs) -> np.ndarray:
    """The same of pairs that were found, of which none may be there twice."""
    near = np.zeros((pairs.n, pairs.n), dtype=bool)
    near[pairs.a, pairs.b] = True
    assert near.sum() == len(pairs)
    return near


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [("cosine", 1.0), ("cosine", 0.95), ("cosine", 0.3), ("cosine", -1.0), ("dot", 60.0), ("dot", -3.0),
     ("euclidean", 0.0), ("euclidean", 1.5), ("euclidean", 30.0)],
)  # fmt: skip
def test_every_pair_is_found_once_and_no_other(metric, threshold):
    vectors = planted()
    found = tasks.near_pairs(vectors, threshold, metric=metric, progress=False)
    assert np.array_equal(marked(found), slow(vectors, metric, threshold)) and len(found) > 40
    np.testing.assert_allclose(found.scores, SCORES[metric](vectors, vectors)[found.a, found.b], rtol=1e-6, atol=1e-6)
    assert (np.diff(found.alike) <= 0).all() and found.recall is None and found.n == N


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("dimensions", [1, 5, 23, D])
def test_the_bound_never_loses_a_pair(metric, dimensions):
    vectors = planted(1)
    rows = np.arange(200, 900)
    scores = SCORES[metric](vectors[rows], vectors)
    for share in (0.001, 0.05, 0.4):
        threshold = float(np.quantile(scores, share if metric == "euclidean" else 1 - share))
        comparison = Comparison(vectors, metric, threshold, dimensions)
        a, b = comparison.candidates(rows, slice(0, N), np.empty(N * N, dtype=np.float32))
        left = np.zeros(scores.shape, dtype=bool)
        left[a, b] = True
        wanted = scores <= np.float32(threshold) if metric == "euclidean" else scores >= np.float32(threshold)
        assert not (wanted & ~left).any()
        assert not left.all() or dimensions == 1


def test_the_bound_takes_fewer_numbers_where_that_is_enough():
    rng = np.random.default_rng(0)
    flat = (rng.normal(size=(N, 6)) @ rng.normal(size=(6, 96)) + 0.01 * rng.normal(size=(N, 96))).astype(np.float32)
    round_ = rng.normal(size=(N, 96)).astype(np.float32)
    assert Comparison(flat, "cosine", 0.95).dimensions <= 24
    assert Comparison(round_, "cosine", 0.1).dimensions == 96


@pytest.mark.parametrize("factor", [1e-18, 1e17])
def test_very_short_and_very_long_vectors(factor):
    vectors = (planted(2)[:950].astype(np.float64) * factor).astype(np.float32)
    for metric, threshold in (("dot", 60.0 * factor**2), ("euclidean", 1.5 * factor)):
        found = tasks.near_pairs(vectors, threshold, metric=metric, progress=False)
        assert np.array_equal(marked(found), slow(vectors, metric, threshold)) and len(found)


def test_the_metric_of_vectors_is_taken():
    array = planted()
    vectors = Vectors(tuple(f"v{i}" for i in range(N)), array, metric="euclidean")
    found = tasks.near_pairs(vectors, 0.5, progress=False)
    assert found.metric == "euclidean" and np.array_equal(marked(found), slow(array, "euclidean", 0.5))


def test_a_stricter_threshold_leaves_a_part():
    for metric, loose, strict in (("cosine", 0.3, 0.9), ("euclidean", 5.0, 1.0)):
        found = tasks.near_pairs(planted(), loose, metric=metric, progress=False)
        part, again = found.above(strict), tasks.near_pairs(planted(), strict, metric=metric, progress=False)
        assert 0 < len(part) < len(found) and part.threshold == strict
        assert np.array_equal(part.a, again.a) and np.array_equal(part.scores, again.scores)


@pytest.mark.parametrize("index", [None, "HNSW16 efSearch=64", "IVF16,Flat nprobe=1"])
def test_an_index_says_what_share_it_finds(index):
    vectors = planted()
    truth = slow(vectors, "cosine", 0.6)
    found = tasks.near_pairs(vectors, 0.6, how="approximate", index=index, progress=False)
    assert not (marked(found) & ~truth).any()
    share = len(found) / truth.sum()
    assert found.recall is not None and found.recall.mean == pytest.approx(share)  # the sample is all rows here
    assert found.recall.low <= share <= found.recall.high
    assert (share < 0.9) == (index == "IVF16,Flat nprobe=1")


def test_recall_is_measured_on_a_sample(monkeypatch):
    monkeypatch.setattr(search, "_SAMPLED", 400)
    vectors = planted()
    found = tasks.near_pairs(vectors, 0.6, how="approximate", index="IVF16,Flat nprobe=1", progress=False)
    share = len(found) / slow(vectors, "cosine", 0.6).sum()
    assert found.recall.low < share < found.recall.high and found.recall.mean != pytest.approx(share)
    nothing = tasks.near_pairs(vectors[:600], 0.999, how="approximate", progress=False)
    assert len(nothing) == 0 and np.isnan(nothing.recall.mean) and (nothing.recall.low, nothing.recall.high) == (0, 1)


def test_rows_with_many_duplicates_are_asked_for_more():
    vectors = planted()
    vectors[:120] = vectors[0]
    found = tasks.near_pairs(vectors, 0.999, how="approximate", progress=False)
    assert len(found.above(1.0)) >= 120 * 119 / 2


def test_what_is_refused():
    vectors = planted()[:50]
    for arguments, error, match in (
        ((vectors[:1], 0.9), InputError, "1 vectors make no pairs"),
        ((vectors, float("nan")), InputError, "no cosine score"),
        ((np.zeros((3, 4), dtype=np.float32), 0.9), VectorError, "row 0"),
    ):
        with pytest.raises(error, match=match):
            tasks.near_pairs(*arguments, progress=False)
    with pytest.raises(InputError, match="index='Flat' was given with how='exact'"):
        tasks.near_pairs(vectors, 0.9, index="Flat", progress=False)
    with pytest.raises(InputError, match="how='fast' is unknown"):
        tasks.near_pairs(vectors, 0.9, how="fast", progress=False)
    for how in ("exact", "approximate"):
        with pytest.raises(InputError, match=r"more than 100 pairs of 50 rows reach -0\.5"):
            tasks.near_pairs(vectors, -0.5, how=how, most=100, progress=False)
