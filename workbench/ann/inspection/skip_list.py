"""The skip list that HNSW comes from: sorted numbers on layers, and every comparison of a search."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.records import IntArray

__all__ = ["SkipList", "SkipStep", "draw_levels"]


def draw_levels(n: int, branching: float, seed: int = 0) -> IntArray:
    """Highest layer of each of ``n`` nodes: one in ``branching`` stands on layer 1, one in its square on layer 2.

    Raises
    ------
    InputError
        ``branching`` is not above 1.

    References
    ----------
    W. Pugh, Skip Lists: A Probabilistic Alternative to Balanced Trees, CACM 33 (1990); for HNSW
    ``floor(-ln(u) / ln(M))``, Y. Malkov and D. Yashunin, TPAMI 42 (2020), algorithm 1.
    """
    if not 1 < branching < math.inf:
        raise InputError(f"one node in {branching:g} rises a layer", "Use more than 1, such as M.")
    chance = np.random.default_rng(seed).uniform(size=n)
    return np.floor(-np.log(1 - chance) / math.log(branching)).astype(np.int64)


@dataclass(frozen=True)
class SkipStep:
    """One comparison: from place ``at`` (-1: before the first) on a layer with ``ahead`` (-1: there is none).

    ``moved`` says whether the search went there; otherwise it goes down a layer, or ends.
    """

    layer: int
    at: int
    ahead: int
    moved: bool


@dataclass(frozen=True, eq=False)
class SkipList:
    """Sorted numbers of which some stand on higher layers too, so that a search can leap over the others.

    Parameters
    ----------
    values
        ``(n,)`` numbers, ascending.
    levels
        ``(n,)``: the highest layer of each.

    Raises
    ------
    InputError
        Values that are not ascending, or not as many levels.
    """

    values: NDArray[np.float64]
    levels: IntArray

    def __post_init__(self) -> None:
        if len(self.values) != len(self.levels) or not len(self.values):
            raise InputError(f"{len(self.levels)} levels for {len(self.values)} values", "Give each value its level.")
        if (np.diff(self.values) <= 0).any():
            raise InputError("the values do not ascend", "Sort them; each may be there once.")

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return int(self.levels.max()) + 1

    def on(self, layer: int) -> IntArray:
        """Places of the values that stand on a layer, ascending."""
        return np.flatnonzero(self.levels >= layer)

    def search(self, target: float) -> tuple[SkipStep, ...]:
        """Every comparison on the way to the last value that is not above ``target``."""
        steps, at = [], -1
        for layer in range(self.layers - 1, -1, -1):
            moved = True
            while moved:
                beyond = self.on(layer)[self.on(layer) > at]
                ahead = int(beyond[0]) if len(beyond) else -1
                moved = ahead >= 0 and bool(self.values[ahead] <= target)
                steps.append(SkipStep(layer, at, ahead, moved))
                at = ahead if moved else at
        return tuple(steps)
