"""How vectors spread: the cone they lie in, and in how many dimensions."""

import numpy as np
from numpy.typing import NDArray

from workbench.intervals import Interval, mean_interval
from workbench.records import FloatArray, IntArray

__all__ = ["anisotropy", "mean_direction", "participation_ratio", "two_nn"]

_BLOCK = 4096  # rows in float64 at a time
_DISCARDED = 0.1  # of the largest ratios of distances, as Facco et al. do

_Array64 = NDArray[np.float64]


def anisotropy(
    array: FloatArray, norms: _Array64, directed: IntArray, pairs: int, rng: np.random.Generator
) -> Interval | None:
    """Mean cosine of random pairs of two different rows, none of them zero."""
    if len(directed) < 2:
        return None
    left = rng.integers(len(directed), size=pairs)
    right = (left + rng.integers(1, len(directed), size=pairs)) % len(directed)
    cosines = np.empty(pairs)
    for start in range(0, pairs, _BLOCK):
        at = slice(start, start + _BLOCK)
        a, b = directed[left[at]], directed[right[at]]
        products = np.einsum("ij,ij->i", array[a].astype(np.float64), array[b].astype(np.float64))
        cosines[at] = products / norms[a] / norms[b]
    return mean_interval(cosines)


def mean_direction(array: FloatArray, norms: _Array64, directed: IntArray) -> float:
    """Length of the mean of the rows at unit length, zero rows left out."""
    if not len(directed):
        return float("nan")
    total = np.zeros(array.shape[1])
    for start in range(0, len(directed), _BLOCK):
        at = directed[start : start + _BLOCK]
        total += (array[at].astype(np.float64) / norms[at, None]).sum(axis=0)
    return float(np.linalg.norm(total / len(directed)))


def participation_ratio(rows: FloatArray) -> float:
    """``tr(C)^2 / tr(C^2)`` of the covariance C, which needs no eigenvalues; NaN where nothing varies."""
    mean = rows.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] - mean
        covariance += block.T @ block
    total = float(np.trace(covariance))
    # a variance that is rounding alone is none
    size = float(np.einsum("ij,ij->", rows, rows, dtype=np.float64))
    return total**2 / float((covariance**2).sum()) if total > 1e-12 * size else float("nan")


def two_nn(distances: FloatArray) -> float:
    """Intrinsic dimension from the first two distances of each point that are above 0 and differ.

    The ratio r of the second to the first is distributed as ``F(r) = 1 - r^-D``, whatever the density, so the slope
    of ``-log(1 - F)`` against ``log r`` through the origin is D. Copies of a point are one point here: distances of 0
    and repeated ones are skipped, and a point with fewer than two left is too.
    """
    ratios = []
    for row in distances.astype(np.float64):
        apart = np.unique(row[row > 0])
        if len(apart) >= 2:
            ratios.append(apart[1] / apart[0])
    logs = np.log(np.sort(ratios))
    kept = int(len(logs) * (1 - _DISCARDED))
    if kept < 2 or not logs[:kept].any():
        return float("nan")
    x, y = logs[:kept], -np.log1p(-np.arange(1, kept + 1) / len(logs))
    return float(x @ y / (x @ x))
