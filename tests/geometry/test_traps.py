import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from workbench.errors import InputError, VectorError
from workbench.geometry import cluster_distortion, exact_neighbours, normalize
from workbench.geometry.traps import _spearman
from workbench.records import FloatArray


def data(k: int = 8, per: int = 40, d: int = 12, seed: int = 0) -> tuple[FloatArray, np.ndarray]:
    """Groups whose spreads differ, in the plane of the first two of ``d`` dimensions, the others empty."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(k), per)
    x = np.zeros((k * per, d), np.float32)
    x[:, :2] = random.normal(size=(k, 2))[labels] * 20
    x[:, :2] += random.normal(size=(k * per, 2)) * (0.2 + 0.3 * labels[:, None])
    return x, labels


def test_a_map_that_is_the_space_itself_sets_no_trap() -> None:
    x, labels = data()
    found = cluster_distortion(x, x[:, :2], labels, metric="euclidean")
    for value in (found.distance_correlation, found.size_correlation, found.neighbours_kept):
        assert (value.mean, value.low, value.high) == pytest.approx((1, 1, 1))
    assert_allclose(found.distances["original"], found.distances["map"], rtol=1e-5)
    assert_allclose(found.sizes["original"], found.sizes["map"], rtol=1e-5)
    assert len(found.distances) == 8 * 7 / 2
    assert found.sizes["count"].tolist() == [40] * 8


def test_groups_put_elsewhere_lose_their_distances_alone() -> None:
    x, labels = data(k=12)
    moved = x[:, :2] + np.random.default_rng(5).normal(size=(12, 2))[labels] * 1000
    found = cluster_distortion(x, moved, labels, metric="euclidean")
    assert abs(found.distance_correlation.mean) < 0.4
    assert found.distance_correlation.low < 0.2 < found.distance_correlation.high + 0.4
    assert found.size_correlation.mean == pytest.approx(1)
    assert found.neighbours_kept.mean > 0.8


def test_groups_drawn_equally_large_lose_their_sizes_alone() -> None:
    x, labels = data()
    flat = x[:, :2].copy()
    for label in range(8):
        at = labels == label
        centre = flat[at].mean(axis=0)
        flat[at] = centre + (flat[at] - centre) * (10 - label) / np.linalg.norm(flat[at] - centre)
    found = cluster_distortion(x, flat, labels, metric="euclidean")
    assert found.distance_correlation.mean > 0.99
    assert found.size_correlation.mean < -0.9  # what is spread most is drawn smallest


def test_points_shuffled_within_their_groups_lose_their_neighbours_alone() -> None:
    x, labels = data(per=60)
    flat, random = x[:, :2].copy(), np.random.default_rng(1)
    for label in range(8):
        at = np.flatnonzero(labels == label)
        flat[at] = flat[random.permutation(at)]
    found = cluster_distortion(x, flat, labels, metric="euclidean", k=5)
    assert found.distance_correlation.mean > 0.99
    assert found.size_correlation.mean > 0.99
    assert found.neighbours_kept.mean < 0.2


def test_kept_neighbours_are_those_counted_one_by_one() -> None:
    random = np.random.default_rng(3)
    x, flat = random.normal(size=(50, 6)).astype(np.float32), random.normal(size=(50, 2)).astype(np.float32)
    found = cluster_distortion(x, flat, np.arange(50) % 5, k=4)
    truth = exact_neighbours(x, x, 4, "cosine", exclude_self=True).ids
    drawn = exact_neighbours(flat, flat, 4, "euclidean", exclude_self=True).ids
    assert_allclose(found.neighbours["kept"], [len({*a} & {*b}) / 4 for a, b in zip(truth, drawn, strict=True)])


def test_cosine_measures_directions() -> None:
    x, labels = data(d=5)
    lengths = np.random.default_rng(4).uniform(0.5, 2, (len(x), 1)).astype(np.float32)
    one = cluster_distortion(normalize(x), x[:, :2], labels, metric="euclidean")
    other = cluster_distortion(x * lengths, x[:, :2], labels)
    assert_allclose(one.distances["original"], other.distances["original"], atol=1e-5)
    assert_allclose(one.sizes["original"], other.sizes["original"], atol=1e-5)


def test_what_is_in_no_group_is_left_out() -> None:
    x, labels = data()
    named = [f"<b>{label}</b>" for label in labels.tolist()]
    named[0], named[1], named[2], named[3] = None, float("nan"), "", "alone"  # type: ignore[call-overload]
    found = cluster_distortion(x, x[:, :2], named, metric="euclidean")
    assert found.sizes["count"].sum() == len(x) - 4
    assert len(found.sizes) == 8
    assert len(found.neighbours) == len(x)
    noise = np.where(labels == 0, -1, labels)
    assert len(cluster_distortion(x, x[:, :2], noise, metric="euclidean").sizes) == 7


def test_a_large_map_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.geometry.traps._SAMPLE", 50)
    x, labels = data()
    found = cluster_distortion(x, x[:, :2], labels, metric="euclidean")
    assert len(found.neighbours) == 50
    assert found.neighbours_kept.mean == 1


def test_rank_correlation_is_scipys() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        a, b = random.integers(5, size=12).astype(float), random.integers(5, size=12).astype(float)
        assert_allclose(_spearman(a, b), spearmanr(a, b).statistic)
    assert np.isnan(_spearman(np.ones(5), np.arange(5.0)))


def test_maps_that_cannot_be_measured_are_refused() -> None:
    x, labels = data()
    with pytest.raises(InputError, match="320 vectors, a map of shape"):
        cluster_distortion(x, x[:-1, :2], labels)
    with pytest.raises(InputError, match="3 groups"):
        cluster_distortion(x, x[:, :2], labels % 3)
    with pytest.raises(InputError, match="k=320"):
        cluster_distortion(x, x[:, :2], labels, k=320)
    flat = x[:, :2].copy()
    flat[0] = np.nan
    with pytest.raises(VectorError, match="NaN"):
        cluster_distortion(x, flat, labels)
