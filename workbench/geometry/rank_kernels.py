"""The inner loops of faithfulness, compiled by numba: nearest columns, places in a ranking, what two spaces share.

They hold no lock, so that threads can take a block of points each, and their compiled code is kept on disk.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from workbench.records import IntArray

__all__ = ["compare_block"]


@njit(nogil=True, cache=True)
def compare_block(
    inner: NDArray[np.float64],
    squares: NDArray[np.float64],
    places: NDArray[np.float64],
    rows: IntArray,
    k: int,
    sizes: IntArray,
    slack: tuple[float, float],
) -> tuple[NDArray[np.float64], IntArray]:
    """Compare each point of a block with all points in both spaces.

    Parameters
    ----------
    inner
        ``(block, n)``: dot products of the block's points with all. Overwritten.
    squares
        ``(n,)``: squared lengths, where distances order the original space; empty where dot products do.
    places
        ``(dimensions, n)``: the map.
    rows
        ``(block,)``: which points these are.
    k, sizes
        Neighbours for the ranks, and ascending neighbourhood sizes for the shared neighbours.
    slack
        By how much two squared distances (or dot products) may differ and still be equal, in truth and on the map.

    Returns
    -------
    tuple
        ``(block, 5)``: by how many places beyond ``k`` the false neighbours stand in truth, and the missing ones on the
        map; the sums of o^2, o m and m^2 over all others, with distances o in truth and m on the map (0 for dot
        products). And ``(block, sizes)``: neighbours that both spaces share.
    """
    most = max(k, sizes[-1])
    sums = np.zeros((len(rows), 5))
    shared = np.zeros((len(rows), len(sizes)), dtype=np.int64)
    for at in range(len(rows)):
        own, true = rows[at], inner[at]
        drawn = np.zeros(len(true))
        for axis in places:
            for j in range(len(true)):
                drawn[j] += (axis[own] - axis[j]) ** 2
        if squares.size:
            for j in range(len(true)):
                true[j] = max(squares[own] + squares[j] - 2.0 * true[j], 0.0)
            true[own] = 0.0
            sums[at, 2:] = _products(true, drawn)
        else:
            for j in range(len(true)):
                true[j] = -true[j]
        true[own] = drawn[own] = np.inf
        near_true, near_drawn = _nearest(true, most), _nearest(drawn, most)
        sums[at, 0] = _beyond(true, near_drawn[:k], k, slack[0])
        sums[at, 1] = _beyond(drawn, near_true[:k], k, slack[1])
        for place in range(len(sizes)):
            for i in range(sizes[place]):
                for j in range(sizes[place]):
                    shared[at, place] += near_true[i] == near_drawn[j]
    return sums, shared


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _products(true: NDArray[np.float64], drawn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Sums of o^2, o m and m^2 from squared distances."""
    oo = om = mm = 0.0
    for j in range(len(true)):
        oo += true[j]
        om += np.sqrt(true[j] * drawn[j])
        mm += drawn[j]
    return oo, om, mm


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
def _beyond(distances: NDArray[np.float64], columns: IntArray, k: int, slack: float) -> int:
    """The sum over ``columns`` of how far beyond the k-th place each stands, 0 within it.

    A place is one more than the number of distances that are smaller by more than ``slack``.
    """
    total = 0
    for column in columns:
        limit, smaller = distances[column] - slack, 0
        for j in range(len(distances)):  # by index and with an if: so it becomes vector instructions
            if distances[j] < limit:
                smaller += 1
        total += max(0, smaller + 1 - k)
    return total
