"""Hubs: planted ones are found, counts equal the slow obvious ones, and a sample says what all rows do."""

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.geometry import exact_neighbours, hub_counts, hubness, is_hub, k_occurrence
from workbench.records import Neighbours, Vectors


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_k_occurrence_is_the_count_over_all_lists() -> None:
    x = gaussian(60, 5)
    found = exact_neighbours(x, x, 4, exclude_self=True)
    slow = [sum(row in own for own in found.ids.tolist()) for row in range(60)]
    assert k_occurrence(found, 60).tolist() == slow
    assert sum(slow) == 60 * 4


def test_padding_is_not_counted_and_a_row_beyond_is_refused() -> None:
    lists = Neighbours(np.array([[1, -1], [0, 2]]), np.zeros((2, 2), np.float32), "dot")
    assert k_occurrence(lists, 4).tolist() == [1, 1, 1, 0]
    with pytest.raises(InputError, match="a list names row 2 of 2"):
        k_occurrence(lists, 2)


def test_a_planted_hub_is_found_with_those_it_crowds_out() -> None:
    """Points on a sphere, and one at its centre: nearer to each than they are to one another."""
    points = gaussian(200, 64)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    names = tuple(f"p{row}" for row in range(200))
    plain = hubness(Vectors(names, points, None, "euclidean"), 5)
    planted = hubness(
        Vectors((*names, "hub"), np.vstack([points, np.zeros((1, 64), np.float32)]), None, "euclidean"), 5
    )
    worst = planted.hubs.iloc[0]
    assert (worst["row"], worst["id"], worst["count"]) == (200, "hub", 200)
    assert worst["share"] == pytest.approx(200 / 201)
    assert planted.skewness > plain.skewness + 5
    assert is_hub(planted.counts)[200]
    without = exact_neighbours(points, points, 5, "euclidean", exclude_self=True).ids[:, 4]
    often = np.bincount(without)
    assert often[int(worst["crowds_out"][0][1:])] == often.max()
    assert planted.hubs["count"].is_monotonic_decreasing


def test_no_vector_is_in_its_own_list() -> None:
    x = np.eye(4, dtype=np.float32) + 0.1
    assert hubness(x, 3).counts.tolist() == [3, 3, 3, 3]
    assert np.isnan(hubness(x, 3).skewness)
    assert set(hubness(x, 3).hubs["crowds_out"]) == {()}


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_duplicates_are_each_others_neighbours(metric) -> None:
    x = np.repeat(gaussian(1, 8), 12, axis=0)
    found = hubness(np.vstack([x, gaussian(30, 8, 1)]), 5, metric)
    assert found.counts.sum() == 42 * 5
    assert np.isfinite(found.skewness)


def test_a_sample_of_lists_estimates_the_skewness_of_all() -> None:
    """The raw skewness of a sample's counts does not: noise adds to the variance and the asymmetry."""
    x = gaussian(3000, 40)
    everything = hubness(x, 10, "euclidean")
    assert everything.lists == 3000
    assert everything.skewness_error == 0
    counts = everything.counts - everything.counts.mean()
    assert everything.skewness == pytest.approx((counts**3).mean() / (counts**2).mean() ** 1.5)
    sampled = [hubness(x, 10, "euclidean", sample=500, seed=seed) for seed in range(6)]
    assert {some.lists for some in sampled} == {500}
    assert np.mean([some.skewness for some in sampled]) == pytest.approx(everything.skewness, rel=0.1)
    errors = [abs(some.skewness - everything.skewness) / some.skewness_error for some in sampled]
    assert max(errors) < 4
    assert sampled[0].hubs.iloc[0]["share"] == sampled[0].counts.max() / 500


def test_hub_counts_are_those_of_each_metric() -> None:
    x = gaussian(50, 6)
    counts = hub_counts(x, 4)
    assert set(counts) == {"cosine", "dot", "euclidean"}
    for metric, some in counts.items():
        assert some.tolist() == hubness(x, 4, metric).counts.tolist()


@pytest.mark.parametrize("k", [0, 5])
def test_k_out_of_range(k: int) -> None:
    with pytest.raises(InputError, match=f"k={k} neighbours were asked of 4 others"):
        hubness(gaussian(5, 3), k)
    with pytest.raises(InputError, match="a sample of 2 rows"):
        hubness(gaussian(5, 3), 2, sample=2)
