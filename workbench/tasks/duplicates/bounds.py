"""An upper bound on how alike two vectors are, which is itself a dot product, of fewer numbers than theirs.

Rotate the vectors so that the first ``p`` coordinates hold most of them (principal axes), and put the length of what
is left behind these. By Cauchy and Schwarz the dot product of two such heads is at least that of the vectors, so a
pair whose heads fall short of the threshold cannot reach it, and only the others are compared in full.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.records import FloatArray, IntArray, Metric

__all__ = ["Comparison"]

_ROUNDOFF = 2.0**-24  # unit roundoff of float32
_SAMPLE = 1024  # rows from which the axes are learned and on which the number of coordinates is chosen
_SHARES = (1 / 12, 1 / 6, 1 / 4, 1 / 3, 1 / 2)  # of the coordinates, that are tried for the heads
_CHECK = 50.0  # what comparing one pair in full costs, in multiply-adds of a blocked product for each dimension
_DENSE = 0.02  # share of a block's pairs that stand, from which a blocked product of all is faster than pair by pair
_AT_ONCE = 1 << 14  # pairs whose vectors are copied at a time
_ROWS_AT_ONCE = 1 << 13

_Array64 = NDArray[np.float64]


class Comparison:
    """Vectors made ready to be compared with each other, a block against a block.

    Parameters
    ----------
    rows
        ``(n, d) float32``, finite; no zero vector under cosine.
    metric
        ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    threshold
        The least similarity, or the greatest distance, of a pair that is wanted.
    dimensions
        Coordinates of the heads; None chooses on a sample what will be fastest, which may be all of them.

    Attributes
    ----------
    dimensions
        Coordinates of the heads.

    Notes
    -----
    Inside, every metric is a dot product of rows no longer than 1: unit rows for cosine, rows over the longest one for
    the others; and ``-|a - b|^2 / 2 = a.b - |a|^2 / 2 - |b|^2 / 2``. A sum of ``p`` products in float32 is off by at
    most ``p * 2**-24`` of its size to first order: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd
    edition, section 3.1.
    """

    def __init__(self, rows: FloatArray, metric: Metric, threshold: float, dimensions: int | None = None) -> None:
        self.rows, self.metric, self.threshold = rows, metric, np.float32(threshold)
        n, d = len(rows), int(rows.shape[1])
        self._origin = rows.mean(axis=0, dtype=np.float64) if metric == "euclidean" else np.zeros(d)
        self._lengths = np.concatenate([_lengths(block - self._origin) for block in _wide(rows)])
        longest = float(self._lengths.max(initial=0.0)) or 1.0
        self._scale = 1 / self._lengths if metric == "cosine" else np.full(n, 1 / longest)
        limit = float(self.threshold)
        if metric == "cosine":
            self._cut = limit
        else:
            self._cut = limit / longest**2 if metric == "dot" else -((limit / longest) ** 2) / 2
        self._slack = 8 * (d + 16) * _ROUNDOFF * max(1.0, abs(self._cut))
        axes = None if dimensions == d else self._axes()
        self.dimensions = self._best(axes) if dimensions is None else dimensions
        kept = None if axes is None or self.dimensions == d else axes[:, : self.dimensions]
        self._left = np.empty((n, self._width(kept, d)), dtype=np.float32)
        self._right = np.empty_like(self._left) if metric == "euclidean" else self._left
        for start in range(0, n, _ROWS_AT_ONCE):
            at = slice(start, start + _ROWS_AT_ONCE)
            self._left[at], self._right[at] = self._heads(self._unit(at), kept)

    def candidates(self, some: IntArray | slice, others: slice, out: FloatArray) -> tuple[IntArray, IntArray]:
        """Places in two blocks of the pairs that may reach the threshold; ``out`` is room for the blocks' product."""
        left, right = self._left[some], self._right[others]
        bound = np.matmul(left, right.T, out=out[: len(left) * len(right)].reshape(len(left), len(right)))
        stands = bound >= np.float32(self._cut - self._slack)
        count = int(np.count_nonzero(stands))
        if count > _DENSE * stands.size and self.dimensions < self.rows.shape[1]:
            stands = self._unit(some) @ self._unit(others).T - self._offset(some, others) >= self._cut - self._slack
        at = np.flatnonzero(stands) if count else np.empty(0, dtype=np.int64)
        return at // len(right), at % len(right)

    def scored(self, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Those of the pairs that reach the threshold, and their scores by definition, accumulated in float64."""
        scores = np.empty(len(a), dtype=np.float32)
        for start in range(0, len(a), _AT_ONCE):
            at = slice(start, start + _AT_ONCE)
            scores[at] = self._scores(a[at], b[at])
        kept = scores <= self.threshold if self.metric == "euclidean" else scores >= self.threshold
        return a[kept], b[kept], scores[kept]

    def _scores(self, a: IntArray, b: IntArray) -> _Array64:
        left, right = self.rows[a].astype(np.float64), self.rows[b].astype(np.float64)
        if self.metric == "euclidean":
            return _lengths(left - right)
        products: _Array64 = np.einsum("ij,ij->i", left, right)
        if self.metric == "cosine":
            products = (products / (self._lengths[a] * self._lengths[b])).clip(-1.0, 1.0)
        return products

    def _unit(self, at: IntArray | slice) -> _Array64:
        """Rows as every metric compares them, none longer than 1."""
        unit: _Array64 = (self.rows[at].astype(np.float64) - self._origin) * self._scale[at][:, None]
        return unit

    def _offset(self, some: IntArray | slice, others: slice) -> _Array64 | float:
        if self.metric != "euclidean":
            return 0.0
        left, right = (((self._lengths * self._scale)[at] ** 2) / 2 for at in (some, others))
        offset: _Array64 = left[:, None] + right
        return offset

    def _axes(self) -> _Array64:
        """``(d, d)`` orthonormal columns, those that hold most of the sampled rows first."""
        unit = self._unit(self._sample())
        axes: _Array64 = np.linalg.eigh(unit.T @ unit)[1][:, ::-1]
        return axes

    def _sample(self) -> IntArray:
        n = len(self.rows)
        return np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))

    def _best(self, axes: _Array64 | None) -> int:
        """Coordinates with which the sample would have cost least: few products to do, and few pairs left standing."""
        d = int(self.rows.shape[1])
        if axes is None:
            return d
        unit = self._unit(self._sample())
        above = np.triu_indices(len(unit), 1)
        costs = {}
        for p in sorted({max(1, round(share * d)) for share in _SHARES} | {d}):
            left, right = self._heads(unit, axes[:, :p] if p < d else None)
            stands = (left @ right.T)[above] >= self._cut - self._slack
            costs[p] = p + _CHECK * d * float(stands.mean() if stands.size else 0.0)
        return min(costs, key=lambda p: costs[p])

    def _width(self, axes: _Array64 | None, d: int) -> int:
        return (d if axes is None else int(axes.shape[1]) + 1) + (2 if self.metric == "euclidean" else 0)

    def _heads(self, unit: _Array64, axes: _Array64 | None) -> tuple[FloatArray, FloatArray]:
        """Two forms of the heads of rows; the product of the first of one with the second of another is the bound."""
        squares = np.einsum("ij,ij->i", unit, unit)
        parts = [unit]
        if axes is not None:
            first = unit @ axes
            rest = squares - np.einsum("ij,ij->i", first, first)
            parts = [first, np.sqrt(rest.clip(0))[:, None]]
        if self.metric != "euclidean":
            head = np.hstack(parts).astype(np.float32)
            return head, head
        half, ones = -squares[:, None] / 2, np.ones((len(unit), 1))
        left, right = np.hstack([*parts, half, ones]), np.hstack([*parts, ones, half])
        return left.astype(np.float32), right.astype(np.float32)


def _wide(rows: FloatArray) -> Iterator[_Array64]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE].astype(np.float64)


def _lengths(rows: _Array64) -> _Array64:
    lengths: _Array64 = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return lengths
