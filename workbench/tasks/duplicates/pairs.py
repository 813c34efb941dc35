"""All pairs of vectors that are at least so much alike, and what is known of how complete they are."""

from dataclasses import dataclass, field, replace

import numpy as np

from workbench.intervals import Interval
from workbench.records import FloatArray, IntArray, Metric

__all__ = ["Pairs"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of rows and their scores, the most alike first; equal scores by rows.

    Parameters
    ----------
    a, b
        ``(m,) int64`` rows, ``a < b`` in every pair; no pair occurs twice.
    scores
        ``(m,) float32``: similarity for cosine and dot product, distance for Euclidean.
    metric
        The metric that the scores are in.
    threshold
        Every pair scores at least this; under Euclidean, at most.
    n
        Rows that were compared.
    recall
        Share of all such pairs that are here, measured on a sample of rows, with its 95 % interval; its mean is NaN
        where the sample has none. None: every pair is here.
    """

    a: IntArray = field(repr=False)
    b: IntArray = field(repr=False)
    scores: FloatArray = field(repr=False)
    metric: Metric
    threshold: float
    n: int
    recall: Interval | None = None

    def __len__(self) -> int:
        return len(self.a)

    @property
    def alike(self) -> FloatArray:
        """Scores of which the larger is the more alike under every metric: distances are negative."""
        return -self.scores if self.metric == "euclidean" else self.scores

    def above(self, threshold: float) -> "Pairs":
        """Those of the pairs that a stricter threshold leaves."""
        limit = np.float32(threshold)
        end = int(np.searchsorted(-self.alike, limit if self.metric == "euclidean" else -limit, side="right"))
        return replace(self.first(end), threshold=threshold)

    def first(self, count: int) -> "Pairs":
        """The most alike of the pairs, so many."""
        return replace(self, a=self.a[:count], b=self.b[:count], scores=self.scores[:count])


def in_order(
    a: IntArray, b: IntArray, scores: FloatArray, metric: Metric, threshold: float, n: int, recall: Interval | None
) -> Pairs:
    """Pairs in the one order, whatever order they were found in."""
    order = np.lexsort((b, a, scores if metric == "euclidean" else -scores))
    return Pairs(a[order], b[order], scores[order], metric, threshold, n, recall)
