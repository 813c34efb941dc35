"""Vectors that repeat, kept once, with how often each occurs."""

from dataclasses import dataclass

import numpy as np

from workbench.records import FloatArray, IntArray

__all__ = ["Distinct", "distinct_rows"]


@dataclass(frozen=True, eq=False)
class Distinct:
    """The distinct rows of an array.

    Parameters
    ----------
    array
        ``(m, d) float32``: each once, in the order in which they first occur.
    first
        ``(m,) int64``: the row at which each first occurs.
    counts
        ``(m,) int64``: how often each occurs.
    inverse
        ``(n,) int64``: which of them each row is.
    """

    array: FloatArray
    first: IntArray
    counts: IntArray
    inverse: IntArray

    def __len__(self) -> int:
        return len(self.array)


def distinct_rows(array: FloatArray) -> Distinct:
    """The distinct rows of ``(n, d) float32``, equal to the last bit: one text encoded once gives one row."""
    whole = np.ascontiguousarray(array + np.float32(0))  # -0.0 is 0.0
    keys = whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Distinct(
        np.ascontiguousarray(array[first[order]]),
        first[order].astype(np.int64),
        counts[order].astype(np.int64),
        place[inverse.ravel()].astype(np.int64),
    )
