"""The plane of largest variance: scikit-learn's, up to the sign of an axis, and what is flat stays flat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from workbench.errors import InputError
from workbench.geometry import normalize, principal_plane


def noise(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


@given(st.integers(3, 30), st.integers(2, 40), st.integers(0, 1000))
def test_it_is_scikit_learns_pca_up_to_signs(n: int, d: int, seed: int) -> None:
    vectors = noise(n, d, seed)
    found = principal_plane(vectors)
    unit = normalize(vectors).astype(np.float64)
    expected = PCA(2).fit(unit)
    assert_allclose(np.abs(found.coordinates), np.abs(expected.transform(unit)), atol=1e-4)
    assert_allclose(found.shares, expected.explained_variance_ratio_, atol=1e-6)


def test_points_of_a_plane_keep_their_distances_and_others_come_no_further_apart() -> None:
    flat = noise(9, 2) @ noise(2, 50, seed=1)
    plane = principal_plane(flat, "euclidean")
    gaps = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    assert_allclose(np.linalg.norm(plane.coordinates[:, None] - plane.coordinates[None], axis=-1), gaps, rtol=1e-4)
    assert sum(plane.shares) == pytest.approx(1, abs=1e-6)
    thick = noise(9, 50)
    plane = principal_plane(thick, "euclidean")
    drawn = np.linalg.norm(plane.coordinates[:, None] - plane.coordinates[None], axis=-1)
    assert (drawn <= np.linalg.norm(thick[:, None] - thick[None], axis=-1) + 1e-4).all()
    assert sum(plane.shares) < 0.7


def test_signs_do_not_depend_on_the_library() -> None:
    coordinates = principal_plane(noise(20, 30)).coordinates
    furthest = np.abs(coordinates).argmax(axis=0)
    assert (coordinates[furthest, [0, 1]] > 0).all()


@pytest.mark.parametrize("vectors", [np.ones((1, 5)), np.ones((4, 5)), np.ones((3, 1)), 1 / 3 * np.ones((7, 384))])
def test_where_nothing_varies_there_is_no_direction(vectors: np.ndarray) -> None:
    plane = principal_plane(vectors.astype(np.float32))
    assert_allclose(plane.coordinates, 0)
    assert plane.coordinates.shape == (len(vectors), 2)
    assert plane.shares == (0.0, 0.0)


def test_two_points_lie_on_one_axis() -> None:
    plane = principal_plane(noise(2, 5))
    assert plane.shares == pytest.approx((1.0, 0.0))
    assert_allclose(plane.coordinates[:, 1], 0, atol=1e-6)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(InputError, match="manhattan"):
        principal_plane(noise(3, 3), "manhattan")
