import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import InputError
from workbench.geometry import compare_spaces
from workbench.geometry.agreement import _overlap
from workbench.records import Metric, ModelIdentity, Vectors


def space(seed: int, n: int = 120, d: int = 8, metric: Metric = "cosine", model: str = "a") -> Vectors:
    x = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return Vectors(tuple(f"id{i}" for i in range(n)), x, ModelIdentity(model, "1", d), metric)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("most", [5000, 50])
def test_a_space_agrees_with_itself_entirely(metric: Metric, most: int) -> None:
    found = compare_spaces(space(0, metric=metric), space(0, metric=metric, model="b"), permutations=99, most=most)
    assert found.overlap.min() == 1.0
    assert (found.mean.mean, found.mean.low, found.mean.high) == (1.0, 1.0, 1.0)
    assert found.p == 0.01  # the least that 99 relabellings can give
    assert found.null_high < 0.3
    assert len(found.ids) == min(most, 120)
    assert_allclose(found.moved["rank_in_b"], 5.5)  # ranks 1 to 10


def test_independent_spaces_do_not_beat_chance_and_p_is_calibrated() -> None:
    n, k, trials = 80, 5, 60
    found = [
        compare_spaces(space(i, n), space(1000 + i, n, d=5, model="b"), k, permutations=99, seed=i)
        for i in range(trials)
    ]
    p = np.array([one.p for one in found])
    assert np.mean(p <= 0.05) <= 0.15  # 3 of 60 expected; more than 9 in one of 1,000 runs
    assert 0.35 < p.mean() < 0.65
    assert abs(np.mean([one.mean.mean for one in found]) - k / (n - 1)) < 0.01
    assert abs(np.mean([one.null_mean for one in found]) - k / (n - 1)) < 0.005


def test_a_sample_is_calibrated_too() -> None:
    found = [
        compare_spaces(space(i, 90), space(500 + i, 90, model="b"), 5, permutations=99, seed=i, most=30)
        for i in range(60)
    ]
    p = np.array([one.p for one in found])
    assert np.mean(p <= 0.05) <= 0.15
    assert 0.35 < p.mean() < 0.65


def test_noise_lowers_the_overlap_and_hubs_do_not_make_it_significant() -> None:
    a = space(0, 200, 16)
    means = []
    for noise in (0.1, 0.5, 2.0):
        x = a.array + noise * np.random.default_rng(1).normal(size=a.array.shape).astype(np.float32)
        means.append(compare_spaces(a, Vectors(a.ids, x), permutations=9).mean.mean)
    assert 1 > means[0] > means[1] > means[2]
    hub = space(7, 200, 40, "dot", "b")
    x = hub.array.copy()
    x[3] *= 50  # near to half of all
    hubs = [
        compare_spaces(space(i, 200, 40, "dot"), Vectors(hub.ids, x, hub.model, "dot"), permutations=99).p
        for i in range(10)
    ]
    assert np.mean(hubs) > 0.2


def test_points_that_moved_come_first_and_ties_are_broken_by_rank() -> None:
    random = np.random.default_rng(2)
    centres = random.normal(size=(6, 12)).astype(np.float32) * 10
    groups = np.arange(180) % 6
    x = centres[groups] + random.normal(size=(180, 12)).astype(np.float32)
    y = x.copy()
    y[[4, 90, 133]] = centres[(groups[[4, 90, 133]] + 1) % 6] + random.normal(size=(3, 12)).astype(np.float32)
    ids = tuple(map(str, range(180)))
    found = compare_spaces(Vectors(ids, x), Vectors(ids, y), permutations=9)
    assert set(found.moved["id"][:3]) == {"4", "90", "133"}
    assert (np.diff(found.moved["overlap"]) >= 0).all()
    nothing = found.moved[found.moved["overlap"] == 0]
    assert (np.diff(nothing["rank_in_a"] + nothing["rank_in_b"]) <= 1e-9).all()


def test_rows_are_matched_by_id() -> None:
    a = space(0)
    order = np.random.default_rng(1).permutation(len(a))
    found = compare_spaces(a, a.take(order), permutations=9)
    assert found.overlap.min() == 1.0
    assert found.ids == a.ids


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 40), k=st.integers(1, 4))
def test_overlap_is_that_of_python_sets(seed: int, n: int, k: int) -> None:
    random = np.random.default_rng(seed)
    one, other = (np.array([random.permutation(n)[:k] for _ in range(7)]) for _ in range(2))
    slow = [len(set(x.tolist()) & set(y.tolist())) / k for x, y in zip(one, other, strict=True)]
    assert_array_equal(_overlap(one, other, n), slow)


def test_ranks_are_those_of_a_full_sort() -> None:
    a, b = space(0, 40), space(1, 40, metric="euclidean", model="b")
    found = compare_spaces(a, b, 3, permutations=1).moved.set_index("id")
    for i, name in enumerate(a.ids):
        unit = a.array / np.linalg.norm(a.array, axis=1, keepdims=True)
        near = np.argsort(np.where(np.arange(40) == i, np.inf, -(unit @ unit[i])))[:3]
        far = np.argsort(np.where(np.arange(40) == i, np.inf, np.linalg.norm(b.array - b.array[i], axis=1)))
        assert_allclose(found.loc[name, "rank_in_b"], np.mean([1 + far.tolist().index(j) for j in near]))


def test_what_is_said_of_a_sample() -> None:
    text = str(compare_spaces(space(0), space(1, model="b"), permutations=9, most=50))
    assert "overlap@10" in text
    assert "50 of 120 points" in text


def test_spaces_that_cannot_be_compared_are_refused() -> None:
    a = space(0)
    with pytest.raises(InputError, match="120 and 119 ids, and 'id119' is in one only"):
        compare_spaces(a, a.take(range(119)))
    with pytest.raises(InputError, match="k=120"):
        compare_spaces(a, a, 120)
    with pytest.raises(InputError, match="permutations=0"):
        compare_spaces(a, a, permutations=0)
