"""The metrics that vectors are compared by, each equal to its textbook definition, for one vector or for many."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.errors import InputError
from workbench.records import FloatArray, Metric, Vectors

__all__ = [
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "larger_is_better",
    "normalize",
    "squared_euclidean_distance",
    "unit_rows",
]

_BLOCK_BYTES = 16 << 20  # of float64 copies of rows at a time
_CANCELS_BELOW = 1e-6  # |a-b|^2 / (|a|^2 + |b|^2) under which the expanded form loses digits that float32 would show

_Array64 = NDArray[np.float64]


def larger_is_better(metric: Metric) -> bool:
    """Whether a larger score means nearer: True for ``cosine`` and ``dot``, False for ``euclidean``.

    Raises
    ------
    InputError
        An unknown metric.
    """
    if metric not in ("cosine", "dot", "euclidean"):
        raise InputError(f"there is no metric {metric!r}", "Use 'cosine', 'dot' or 'euclidean'.")
    return metric != "euclidean"


def normalize(x: ArrayLike | Vectors) -> FloatArray:
    """Scale every vector to unit Euclidean length: ``x / np.linalg.norm(x)``.

    Parameters
    ----------
    x
        One vector ``(d,)`` or many ``(n, d)``.

    Returns
    -------
    FloatArray
        A new float32 array of the same shape; lengths are accumulated in float64.

    Raises
    ------
    VectorError
        A zero vector, which has no direction (its row is named), or anything that is no vector.
    """
    rows, single = _rows(x, "cosine")
    out = np.empty_like(rows)
    for at, block in _blocks(rows):
        out[at] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return out[0] if single else out


def unit_rows(rows: ArrayLike) -> _Array64:
    """Vectors that were checked before, ``(n, d)``, at unit length in a new float64 array: no digit is lost again."""
    wide = np.array(rows, dtype=np.float64)
    wide /= np.sqrt(np.einsum("nd,nd->n", wide, wide))[:, None]
    return wide


def cosine_similarity(a: ArrayLike | Vectors, b: ArrayLike | Vectors) -> FloatArray:
    """Cosine of the angle between vectors: ``np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))``.

    Parameters
    ----------
    a, b
        One vector ``(d,)`` or many, ``(q, d)`` and ``(n, d)``.

    Returns
    -------
    FloatArray
        ``(q, n) float32`` in [-1, 1], accumulated in float64. A single vector has no axis in the result: two of them
        give one ``np.float32``.

    Raises
    ------
    VectorError
        A zero vector, which has no angle to anything (its row is named), or dimensions that differ.
    """

    def score(left: _Array64, right: _Array64) -> _Array64:
        lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
        cosines: _Array64 = left @ right.T / lengths
        return cosines.clip(-1.0, 1.0)

    return _all_pairs(a, b, score, "cosine")


def dot_product(a: ArrayLike | Vectors, b: ArrayLike | Vectors) -> FloatArray:
    """Inner product of vectors: ``np.dot(a, b)``. It grows with their lengths, which cosine similarity ignores.

    Shapes, precision and errors are those of :func:`cosine_similarity`, but zero vectors are allowed.
    """
    return _all_pairs(a, b, lambda left, right: left @ right.T, "dot")


def euclidean_distance(a: ArrayLike | Vectors, b: ArrayLike | Vectors) -> FloatArray:
    """Straight-line distance between vectors: ``np.linalg.norm(a - b)``.

    Shapes, precision and errors are those of :func:`cosine_similarity`, but zero vectors are allowed. Vectors that
    nearly coincide are subtracted first, so their distance keeps its digits, and equal vectors are at exactly 0.
    """
    return _all_pairs(a, b, lambda left, right: np.sqrt(_squared_distances(left, right)), "euclidean")


def squared_euclidean_distance(a: ArrayLike | Vectors, b: ArrayLike | Vectors) -> FloatArray:
    """Square of :func:`euclidean_distance`, ``np.sum((a - b) ** 2)``: the same order, and what FAISS calls L2."""
    return _all_pairs(a, b, _squared_distances, "euclidean")


def _squared_distances(left: _Array64, right: _Array64) -> _Array64:
    """Squared distances by ``|a|^2 + |b|^2 - 2ab``, and by differences for the pairs where that cancels."""
    scale = np.einsum("ij,ij->i", left, left)[:, None] + np.einsum("ij,ij->i", right, right)
    squared: _Array64 = scale - 2.0 * (left @ right.T)
    rows, columns = np.nonzero(squared <= _CANCELS_BELOW * scale)
    step = max(1, _BLOCK_BYTES // (8 * left.shape[1]))
    for start in range(0, len(rows), step):
        i, j = rows[start : start + step], columns[start : start + step]
        difference = left[i] - right[j]
        squared[i, j] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _all_pairs(
    a: ArrayLike | Vectors, b: ArrayLike | Vectors, score: Callable[[_Array64, _Array64], _Array64], metric: Metric
) -> FloatArray:
    """Score every pair in float64, block by block; drop the axes of single vectors."""
    (left, one_left), (right, one_right) = _rows(a, metric), _rows(b, metric)
    check_dimensions(left.shape[1], right.shape[1], "the first vectors", "the second argument")
    out = np.empty((len(left), len(right)), dtype=np.float32)
    for i, some_left in _blocks(left):
        for j, some_right in _blocks(right):
            out[i, j] = score(some_left, some_right)
    shape = (() if one_left else (len(left),)) + (() if one_right else (len(right),))
    result: FloatArray = out.reshape(shape)[()]
    return result


def _blocks(rows: FloatArray) -> Iterator[tuple[slice, _Array64]]:
    """Float64 copies of blocks of rows, at most 1,024 so that a block of scores is small too."""
    step = min(1024, max(1, _BLOCK_BYTES // (8 * rows.shape[1])))
    for start in range(0, len(rows), step):
        yield slice(start, start + step), rows[start : start + step].astype(np.float64)


def _rows(x: ArrayLike | Vectors, metric: Metric) -> tuple[FloatArray, bool]:
    """``x`` as checked rows, and whether it was a single vector."""
    if isinstance(x, Vectors):
        return as_vectors_array(x.array, metric), False
    if isinstance(x, np.ndarray):
        return as_vectors_array(x[None] if x.ndim == 1 else x, metric), x.ndim == 1
    if isinstance(x, list | tuple) and len(x) and np.ndim(x[0]) == 0:
        row: list[Any] = [x]
        return as_vectors_array(row, metric), True
    return as_vectors_array(x, metric), False
