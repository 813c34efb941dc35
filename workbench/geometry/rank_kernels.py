"""The inner loops of faithfulness, compiled by numba: nearest columns, places in a ranking, what two spaces share.

They hold no lock, so that threads can take a block of points each, and their compiled code is kept on disk.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from workbench.records import IntArray

__all__ = ["compare_block"]

_TIED = 1e-12  # distances this near, relative to the longest, are equal: some thousand float64 roundoffs


@njit(nogil=True, cache=True)
def compare_block(
    original: NDArray[np.float64],
    places: NDArray[np.float64],
    rows: IntArray,
    k: int,
    sizes: IntArray,
    squared: bool,
) -> tuple[NDArray[np.float64], IntArray]:
    """Compare each point of a block with all points in both spaces.

    Parameters
    ----------
    original
        ``(block, n)``: distances of the block's points to all, or anything that orders as they do; squared distances
        where ``squared``. Overwritten at the point itself.
    places
        ``(n, dimensions)``: the map.
    rows
        ``(block,)``: which points these are.
    k, sizes
        Neighbours for the ranks, and ascending neighbourhood sizes for the shared neighbours.
    squared
        Whether ``original`` holds squared distances, of which the products are then formed.

    Returns
    -------
    tuple
        ``(block, 5)``: by how many places beyond ``k`` the false neighbours stand in truth, and the missing ones on the
        map; the sums of o^2, o m and m^2 over all others, with distances o in truth and m on the map (0 unless
        ``squared``). And ``(block, sizes)``: neighbours that both spaces share.
    """
    n, most = original.shape[1], max(k, sizes[-1])
    sums = np.zeros((len(rows), 5))
    shared = np.zeros((len(rows), len(sizes)), dtype=np.int64)
    drawn = np.empty(n)
    for at in range(len(rows)):
        own, true = rows[at], original[at]
        for j in range(n):
            total = 0.0
            for axis in range(places.shape[1]):
                total += (places[own, axis] - places[j, axis]) ** 2
            drawn[j] = total
        if squared:
            true[own] = 0.0
            for j in range(n):
                sums[at, 2] += true[j]
                sums[at, 3] += np.sqrt(true[j] * drawn[j])
                sums[at, 4] += drawn[j]
        true[own] = drawn[own] = np.inf
        near_true, near_drawn = _nearest(true, most), _nearest(drawn, most)
        sums[at, 0] = _beyond(true, near_drawn[:k], k)
        sums[at, 1] = _beyond(drawn, near_true[:k], k)
        for place in range(len(sizes)):
            for i in range(sizes[place]):
                for j in range(sizes[place]):
                    shared[at, place] += near_true[i] == near_drawn[j]
    return sums, shared


@njit(nogil=True, cache=True)
def _nearest(distances: NDArray[np.float64], count: int) -> IntArray:
    """Columns of the ``count`` smallest, smallest first, equal ones by column."""
    nearest = np.empty(count, dtype=np.int64)
    kept = np.full(count, np.inf)
    for column in range(len(distances)):
        distance = distances[column]
        if distance >= kept[-1]:
            continue
        place = count - 1
        while place > 0 and kept[place - 1] > distance:
            kept[place], nearest[place] = kept[place - 1], nearest[place - 1]
            place -= 1
        kept[place], nearest[place] = distance, column
    return nearest


@njit(nogil=True, cache=True)
def _beyond(distances: NDArray[np.float64], columns: IntArray, k: int) -> int:
    """The sum over ``columns`` of how far beyond the k-th place each stands, 0 within it.

    A place is one more than the number of smaller distances; those that differ by rounding alone count as equal.
    """
    longest = 0.0
    for distance in distances:
        if distance < np.inf:
            longest = max(longest, abs(distance))
    total = 0
    for column in columns:
        limit, smaller = distances[column] - _TIED * longest, 0
        for distance in distances:
            smaller += distance < limit
        total += max(0, smaller + 1 - k)
    return total
