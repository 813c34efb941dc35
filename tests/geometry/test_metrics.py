import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from workbench.corpora import ConversionWarning
from workbench.errors import InputError, VectorError
from workbench.geometry import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    larger_is_better,
    normalize,
    squared_euclidean_distance,
)
from workbench.records import Vectors

Definition = Callable[[np.ndarray, np.ndarray], float]

DEFINITIONS: dict[Callable[..., np.ndarray], Definition] = {
    cosine_similarity: lambda a, b: np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)),
    dot_product: lambda a, b: np.dot(a, b),
    euclidean_distance: lambda a, b: np.linalg.norm(a - b),
    squared_euclidean_distance: lambda a, b: np.sum((a - b) ** 2),
}
METRICS = pytest.mark.parametrize("metric", DEFINITIONS, ids=lambda metric: metric.__name__)


@st.composite
def two_batches(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Queries and vectors of one dimension, of sizes, scales and offsets that differ widely; no zero rows."""
    q, n, d = draw(st.integers(1, 5)), draw(st.integers(1, 7)), draw(st.integers(1, 12))
    entry = st.floats(-1, 1, width=32)
    scale = np.float32(draw(st.sampled_from([1e-12, 1e-3, 1.0, 1e6])))
    offset = np.float32(draw(st.sampled_from([0.0, 1.0, 1e3])))
    left, right = (draw(arrays(np.float32, (rows, d), elements=entry)) * scale + offset * scale for rows in (q, n))
    for batch in (left, right):
        batch[~batch.any(axis=1), 0] = scale
    return left, right


@METRICS
@given(batches=two_batches())
@settings(max_examples=150, deadline=None)
def test_a_batch_equals_the_definition_pair_by_pair(
    metric: Callable[..., np.ndarray], batches: tuple[np.ndarray, np.ndarray]
) -> None:
    left, right = batches
    got = metric(left, right)
    assert got.dtype == np.float32
    assert got.shape == (len(left), len(right))
    wide = left.astype(np.float64), right.astype(np.float64)
    expected = np.array([[DEFINITIONS[metric](a, b) for b in wide[1]] for a in wide[0]])
    size = np.linalg.norm(wide[0], axis=1)[:, None] * np.linalg.norm(wide[1], axis=1)
    cancels = metric in (dot_product, cosine_similarity)
    slack = 1e-12 * (1.0 if metric is cosine_similarity else size) if cancels else 0.0
    flushed = np.finfo(np.float32).tiny  # below it float32 has no full precision left
    assert (np.abs(got - expected) <= 1.2e-7 * np.abs(expected) + slack + flushed).all()


@METRICS
def test_blocks_change_nothing(metric: Callable[..., np.ndarray]) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(1500, 6)).astype(np.float32), random.normal(size=(2100, 6)).astype(np.float32)
    got = metric(left, right)
    for i, j in [(0, 0), (1023, 1023), (1024, 1024), (1499, 2099), (3, 2048)]:
        assert_allclose(got[i, j], DEFINITIONS[metric](left[i].astype(float), right[j].astype(float)), rtol=1e-6)


@METRICS
def test_a_single_vector_has_no_axis_in_the_result(metric: Callable[..., np.ndarray]) -> None:
    a, b = np.array([[1, 2], [3, 5]], np.float32), np.array([[2, 1], [1, 1], [0, 1]], np.float32)
    whole = metric(a, b)
    assert_array_equal(metric(a[1], b), whole[1])
    assert_array_equal(metric(a, b[2]), whole[:, 2])
    assert metric(a[1], b[2]) == whole[1, 2]
    assert isinstance(metric(a[1], b[2]), np.float32)


@METRICS
def test_lists_and_vectors_are_taken_as_arrays_are(metric: Callable[..., np.ndarray]) -> None:
    array = np.array([[3, 4], [1, 0]], np.float32)
    vectors = Vectors(("a", "b"), array)
    assert_array_equal(metric([3.0, 4.0], [[3.0, 4.0], [1.0, 0.0]]), metric(array[0], array))
    assert_array_equal(metric(vectors, vectors), metric(array, array))


def test_textbook_values() -> None:
    assert cosine_similarity([3, 4], [4, 3]) == np.float32(24 / 25)
    assert dot_product([3, 4], [4, 3]) == 24
    assert euclidean_distance([3, 4], [0, 0]) == 5
    assert squared_euclidean_distance([3, 4], [0, 0]) == 25


def test_distance_of_vectors_that_nearly_coincide_keeps_its_digits() -> None:
    """The usual float32 expansion |a|^2 + |b|^2 - 2ab answers 0 or noise here, and in float64 it still errs."""
    random = np.random.default_rng(1)
    a = (random.normal(size=(20, 384)) + 10).astype(np.float32)
    b = a.copy()
    b[:, 0] = np.nextafter(a[:, 0], np.float32(np.inf))
    true = np.abs(b[:, 0].astype(np.float64) - a[:, 0])
    got = np.diagonal(euclidean_distance(a, b))
    assert_allclose(got, true, rtol=1e-7)

    expanded = (a * a).sum(1) + (b * b).sum(1) - 2 * (a * b).sum(1)
    assert (np.abs(np.sqrt(np.maximum(expanded, 0)) - true) > 0.4 * true).all()
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    expanded = (wide_a * wide_a).sum(1) + (wide_b * wide_b).sum(1) - 2 * (wide_a * wide_b).sum(1)
    assert (np.abs(np.sqrt(np.maximum(expanded, 0)) - true) > 1e-3 * true).any()


def test_a_vector_is_at_distance_zero_from_itself_and_at_cosine_one() -> None:
    x = (np.random.default_rng(2).normal(size=(300, 100)) * 1e3 + 1e5).astype(np.float32)
    assert (np.diagonal(euclidean_distance(x, x)) == 0).all()
    assert (np.diagonal(squared_euclidean_distance(x, x)) == 0).all()
    assert (np.diagonal(cosine_similarity(x, x)) == 1).all()


def test_small_terms_beside_large_ones_are_not_lost() -> None:
    a = np.array([2.0**13, 1.0, -(2.0**13)], np.float32)
    assert dot_product(a, np.array([2.0**13, 1.0, 2.0**13], np.float32)) == 1


def test_normalize_gives_unit_lengths_and_keeps_directions() -> None:
    x = np.random.default_rng(3).normal(size=(2500, 17)).astype(np.float32) * np.float32(1e-20)
    unit = normalize(x)
    assert unit.dtype == np.float32
    assert_allclose(np.linalg.norm(unit.astype(np.float64), axis=1), 1, atol=1e-7)
    wide = x.astype(np.float64)
    assert_allclose(unit, wide / np.linalg.norm(wide, axis=1, keepdims=True), rtol=1e-6)
    assert_array_equal(normalize(x[5]), unit[5])


@pytest.mark.parametrize("function", [cosine_similarity, lambda a, b: normalize(b)], ids=["cosine", "normalize"])
def test_a_zero_vector_has_no_direction_and_its_row_is_named(function: Callable[..., np.ndarray]) -> None:
    x = np.ones((5, 3), np.float32)
    x[3] = 0
    with pytest.raises(VectorError, match="row 3 is all zeros"):
        function(x[:2], x)


@pytest.mark.parametrize("metric", [dot_product, euclidean_distance, squared_euclidean_distance])
def test_a_zero_vector_is_allowed_where_it_has_a_meaning(metric: Callable[..., np.ndarray]) -> None:
    assert metric(np.zeros(3, np.float32), np.ones((2, 3), np.float32)).shape == (2,)


@METRICS
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_with_their_row(metric: Callable[..., np.ndarray], bad: float) -> None:
    x = np.ones((4, 3), np.float32)
    x[2, 1] = bad
    with pytest.raises(VectorError, match="row 2"):
        metric(x[:1], x)


@METRICS
def test_dimensions_that_differ_are_refused(metric: Callable[..., np.ndarray]) -> None:
    with pytest.raises(VectorError, match=r"3 dimensions.* 4"):
        metric(np.ones((2, 3), np.float32), np.ones((2, 4), np.float32))


@METRICS
def test_other_number_formats_are_converted_with_a_warning(metric: Callable[..., np.ndarray]) -> None:
    a, b = np.array([[1, 2, 3]], np.float32), np.array([[2, 1, 0], [1, 1, 1]])
    with pytest.warns(ConversionWarning, match="int64"):
        got = metric(a, b)
    assert_array_equal(got, metric(a, b.astype(np.float32)))


def test_one_rule_says_what_is_better() -> None:
    assert larger_is_better("cosine")
    assert larger_is_better("dot")
    assert not larger_is_better("euclidean")
    with pytest.raises(InputError, match="'manhattan'"):
        larger_is_better("manhattan")  # type: ignore[arg-type]


def test_dot_product_is_not_cosine() -> None:
    """The lesson that aliasing the two would hide: a longer vector wins by dot product."""
    query, short, long = [1.0, 0.0], [1.0, 0.0], [3.0, 3.0]
    assert dot_product(query, long) > dot_product(query, short)
    assert cosine_similarity(query, long) == pytest.approx(1 / math.sqrt(2))


@given(st.integers(0, 2**32 - 1), st.integers(2, 64))
def test_on_unit_vectors_the_three_metrics_are_one_angle(seed: int, d: int) -> None:
    a, b = (normalize(x) for x in np.random.default_rng(seed).normal(size=(2, 7, d)).astype(np.float32))
    cosines = cosine_similarity(a, b)
    assert_allclose(squared_euclidean_distance(a, b), 2 - 2 * cosines.astype(np.float64), atol=2e-6)
    assert_allclose(dot_product(a, b), cosines, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(1.5, 20))
def test_off_the_sphere_lengths_part_them(seed: int, longer: float) -> None:
    a, b = (normalize(x) for x in np.random.default_rng(seed).normal(size=(2, 7, 8)).astype(np.float32))
    scaled = b * np.float32(longer)
    cosines = cosine_similarity(a, scaled).astype(np.float64)
    assert_allclose(cosines, cosine_similarity(a, b), atol=1e-6)
    assert_allclose(dot_product(a, scaled), longer * cosines, rtol=1e-4, atol=1e-5)
    assert_allclose(squared_euclidean_distance(a, scaled), 1 + longer**2 - 2 * longer * cosines, rtol=1e-4)
    assert (np.abs(squared_euclidean_distance(a, scaled) - (2 - 2 * cosines)) > 0.1).any()
