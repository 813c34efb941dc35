"""The front of a sweep: what no other point beats in both recall and cost."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError

__all__ = ["fastest", "hypervolume", "pareto"]


def pareto(recall: ArrayLike, cost: ArrayLike) -> NDArray[np.bool_]:
    """Which points are on the front: no other has at least their recall at no more than their cost, one of them better.

    Parameters
    ----------
    recall
        ``(points,)``; more is better.
    cost
        ``(points,)`` in any unit; less is better. A point whose cost is NaN was not measured and is never on the front.

    Returns
    -------
    numpy.ndarray
        ``(points,) bool``. Of points that are equal in both, the first alone is on the front.
    """
    quality, price = np.asarray(recall, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    on = np.zeros(len(quality), dtype=bool)
    best = -np.inf
    for i in np.lexsort((np.arange(len(price)), -quality, price)):
        if np.isfinite(price[i]) and quality[i] > best:
            on[i], best = True, quality[i]
    return on


def hypervolume(recall: ArrayLike, cost: ArrayLike, worst_cost: float, best_cost: float) -> float:
    """Share of the rectangle of recall (0 to 1) and log cost that the front leaves behind it.

    The rectangle reaches from ``best_cost`` to ``worst_cost``; two fronts are compared over the same one. 1 is an index
    of recall 1 at the best cost (E. Zitzler and L. Thiele, Multiobjective Optimization Using Evolutionary Algorithms,
    1998).

    Raises
    ------
    InputError
        The costs do not span a rectangle.
    """
    if not 0 < best_cost < worst_cost:
        raise InputError(f"costs from {best_cost} to {worst_cost} span nothing", "Give 0 < best_cost < worst_cost.")
    quality, price = np.asarray(recall, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    on = pareto(quality, price)
    order = np.argsort(price[on])
    left = np.log(np.clip(price[on][order], best_cost, worst_cost))
    right = np.append(left[1:], np.log(worst_cost))
    return float(((right - left) * quality[on][order]).sum() / (np.log(worst_cost) - np.log(best_cost)))


def fastest(points: pd.DataFrame, target: float, *, recall: str = "recall", cost: str = "p50_us") -> "pd.Series | None":
    """The row of lowest cost whose recall reaches the target; None where no timed point does."""
    fits = points[(points[recall] >= target) & points[cost].notna()]
    return None if fits.empty else fits.iloc[int(fits[cost].argmin())]
