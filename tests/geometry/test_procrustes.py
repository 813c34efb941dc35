import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial import procrustes
from sklearn.datasets import load_digits

from workbench.errors import InputError
from workbench.geometry import align, noise_floor, project


def points(seed: int, n: int = 60, d: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1)


def turned(x: np.ndarray, seed: int, mirror: bool) -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(x.shape[1], x.shape[1])))
    if (np.linalg.det(rotation) < 0) != mirror:
        rotation[:, 0] *= -1
    return x @ rotation


@given(
    seed=st.integers(0, 10**6),
    d=st.sampled_from([2, 3]),
    mirror=st.booleans(),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-1e3, 1e3),
)
def test_a_copy_turned_scaled_mirrored_and_moved_is_the_same_map(
    seed: int, d: int, mirror: bool, scale: float, shift: float
) -> None:
    x = points(seed, d=d)
    found = align(scale * turned(x, seed + 1, mirror) + shift, x)
    assert_allclose(found.displacement, 0, atol=1e-9)
    assert_allclose(found.coordinates, x, atol=1e-4)
    assert found.disparity < 1e-18
    assert_allclose(found.scale, 1 / scale, rtol=1e-6)
    assert found.mirrored == mirror


@given(seed=st.integers(0, 10**6))
def test_disparity_is_scipys_and_the_same_both_ways(seed: int) -> None:
    a, b = points(seed), points(seed) + points(seed + 1) * 0.5
    _, _, expected = procrustes(a, b)
    assert_allclose(align(a, b).disparity, expected, rtol=1e-9)
    assert_allclose(align(b, a).disparity, expected, rtol=1e-9)
    assert_allclose((align(b, a).displacement ** 2).mean(), expected, rtol=1e-9)


def test_a_shuffled_map_has_nearly_nothing_in_common() -> None:
    x = points(0, 2000)
    found = align(np.random.default_rng(1).permutation(x), x)
    assert found.disparity > 0.98
    assert np.sqrt((found.displacement**2).mean()) > 0.99


def test_one_point_that_moved_is_the_one_that_is_displaced() -> None:
    x = points(3, 200)
    other = turned(x, 4, True) * 7
    other[17] += 40
    found = align(other, x)
    assert int(found.displacement.argmax()) == 17
    assert found.displacement[17] > 10 * np.median(found.displacement)


def test_a_displacement_is_counted_in_radii_of_the_map_that_stays() -> None:
    square = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    bent = square.copy()
    bent[0] *= 1.4
    for size in (1, 50):  # the unit does not depend on either map's scale
        assert_allclose(align(bent, square * size).displacement, align(bent, square).displacement, rtol=1e-6)
        assert_allclose(align(bent * size, square).displacement, align(bent, square).displacement, rtol=1e-6)


def test_the_noise_floor_is_zero_for_copies_and_grows_with_noise() -> None:
    x, random = points(5, 300), np.random.default_rng(6)
    assert noise_floor([x, turned(x, 1, True), 3 * turned(x, 2, False)]).overall < 1e-9
    floors = [noise_floor([x + random.normal(size=x.shape) * s for _ in range(3)]) for s in (0.01, 0.1, 1)]
    assert floors[0].overall < floors[1].overall < floors[2].overall
    assert floors[0].pairs == 3
    assert all(floor.worst >= floor.overall for floor in floors)
    assert floors[1].displacement.shape == (300,)


def test_seeds_of_one_map_differ_less_than_two_different_data() -> None:
    x = load_digits().data[:300].astype(np.float32)
    y = np.random.default_rng(0).permutation(x)  # each point is another digit
    seeds = [project(x, seed=seed, epochs=200, metric="euclidean", progress=False) for seed in (0, 1)]
    other = project(y, epochs=200, metric="euclidean", progress=False)
    floor = noise_floor(seeds)
    assert 0 < floor.overall < 0.8 * np.sqrt(align(other, seeds[0]).disparity)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (points(0), points(0)[:-1], r"\(60, 2\).*\(59, 2\)"),
        (points(0, d=3), points(0), r"\(60, 3\).*\(60, 2\)"),
        (np.ones((5, 2)), points(0, 5), "all 5 points of a map coincide"),
        (np.array([[0, 0], [np.nan, 1]]), points(0, 2), "row 1 of a map holds NaN"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "no points"),
        (np.zeros(4), np.zeros(4), "no points"),
    ],
)
def test_maps_that_cannot_be_aligned_are_refused(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        align(a, b)


def test_one_map_has_no_noise_floor() -> None:
    with pytest.raises(InputError, match="1 map cannot differ"):
        noise_floor([points(0)])
