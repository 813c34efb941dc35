"""Vectors as seen from one: the distance on the picture is the true one, whatever is drawn where."""

import numpy as np
import pytest

from workbench.errors import InputError, VectorError
from workbench.geometry import cosine_similarity, euclidean_distance, seen_from

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("d", [1, 2, 30])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_vector_is_as_far_from_the_middle_as_from_the_center(metric, d) -> None:
    vectors, center = RNG.normal(size=(400, d)).astype(np.float32), RNG.normal(size=d).astype(np.float32)
    vectors[7] = center
    placed = seen_from(center, vectors, metric)
    true = (
        euclidean_distance(center[None], vectors)
        if metric == "euclidean"
        else 1 - cosine_similarity(center[None], vectors)
    )
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), true[0], atol=2e-6, rtol=1e-4)
    assert np.abs(placed[7]).max() < 1e-6 and placed.dtype == np.float32


def test_what_lies_in_two_directions_is_drawn_in_two() -> None:
    along = (RNG.normal(size=(500, 20)) * 0.01).astype(np.float32)
    along[:, 3] += np.where(np.arange(500) % 2, 5.0, -5.0)
    placed = seen_from(np.zeros(20, np.float32), along, "euclidean")
    sides = [placed[start::2].mean(axis=0) for start in (0, 1)]
    assert np.dot(*sides) < -20, "opposite sides"


def test_the_picture_is_the_same_for_one_seed() -> None:
    vectors = RNG.normal(size=(6000, 8)).astype(np.float32)
    np.testing.assert_array_equal(seen_from(vectors[0], vectors), seen_from(vectors[0], vectors))


def test_what_has_no_distance_is_refused() -> None:
    with pytest.raises(InputError, match="dot product is no distance"):
        seen_from(np.ones(3), np.ones((4, 3)), "dot")
    with pytest.raises(VectorError, match="the center"):
        seen_from(np.ones(2, np.float32), np.ones((4, 3), np.float32))
