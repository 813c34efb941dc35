"""From pairs to groups: what is joined by a chain of pairs is one cluster, and chains can go too far."""

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from workbench.errors import InputError
from workbench.geometry import cosine_similarity, dot_product, euclidean_distance
from workbench.records import IntArray, Vectors
from workbench.tasks.duplicates.pairs import Pairs
from workbench.tasks.duplicates.search import near_pairs

__all__ = ["ChainingWarning", "DuplicateReport", "duplicate_groups", "find_duplicates"]

_MOST_COMPARED = 2000  # members of the largest cluster among whom the least alike two are looked for, drawn if more
_CHAINED_FROM = 5  # members; in a smaller cluster a chain is short


class ChainingWarning(UserWarning):
    """The largest cluster is held together by chains: some of its members are far less alike than the threshold."""


def duplicate_groups(pairs: Pairs, n: int | None = None) -> IntArray:
    """Label the connected components of the graph whose edges are the pairs.

    Parameters
    ----------
    pairs
        As :func:`near_pairs` gives them.
    n
        Rows in all; None takes ``pairs.n``.

    Returns
    -------
    IntArray
        ``(n,) int64``: rows with equal labels are joined by a chain of pairs. Labels count from 0 in the order of
        their first rows; a row without a pair has a label of its own.

    Raises
    ------
    InputError
        A pair names a row beyond ``n``.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = pairs.n if n is None else n
    if len(pairs) and int(pairs.b.max()) >= n:
        raise InputError(f"a pair names row {int(pairs.b.max()):,} of {n:,}", "Pass as many rows as were compared.")
    edges = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs.a, pairs.b)), shape=(n, n))
    labels = connected_components(edges, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    numbered: IntArray = order[inverse]
    return numbered


@dataclass(frozen=True, eq=False)
class DuplicateReport:
    """The duplicates among vectors, by one threshold.

    Parameters
    ----------
    ids
        ``n`` ids of the rows.
    pairs
        All pairs that reach the threshold.
    labels
        ``(n,)`` clusters, as :func:`duplicate_groups` numbers them.
    weakest
        Score of the two members of the largest cluster that are least alike (of 2,000 of them drawn at random, where
        there are more); NaN without a cluster.
    """

    ids: tuple[str, ...] = field(repr=False)
    pairs: Pairs
    labels: IntArray = field(repr=False)
    weakest: float

    @property
    def threshold(self) -> float:
        """The least similarity of a pair, or the greatest distance."""
        return self.pairs.threshold

    @cached_property
    def rows(self) -> list[IntArray]:
        """Rows of each cluster of two or more, the largest first."""
        order = np.argsort(self.labels, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.labels[order])) + 1)
        return sorted((part for part in parts if len(part) > 1), key=lambda part: (-len(part), int(part[0])))

    @cached_property
    def clusters(self) -> list[list[str]]:
        """Ids of each cluster of two or more, the largest first."""
        return [[self.ids[row] for row in part] for part in self.rows]

    @property
    def chained(self) -> bool:
        """Whether the largest cluster, of five or more, has two members that do not reach the threshold themselves."""
        if not self.rows or len(self.rows[0]) < _CHAINED_FROM:
            return False
        return self.weakest > self.threshold if self.pairs.metric == "euclidean" else self.weakest < self.threshold

    @property
    def chaining(self) -> str:
        """What there is to say about chains: a sentence, or nothing."""
        if not self.chained:
            return ""
        return (
            f"the largest cluster joins {len(self.rows[0]):,} of {len(self.ids):,} rows by chains: its two least alike "
            f"score {self.weakest:.2f}, the threshold is {self.threshold:.2f}"
        )


def find_duplicates(
    vectors: Vectors, threshold: float, *, how: Literal["exact", "approximate"] = "exact", progress: bool = True
) -> DuplicateReport:
    """Pairs above a threshold and the clusters that they make.

    Parameters
    ----------
    vectors, threshold, how, progress
        As for :func:`near_pairs`.

    Warns
    -----
    ChainingWarning
        The largest cluster has two members that are less alike than the threshold.

    Raises
    ------
    InputError, VectorError
        As :func:`near_pairs` raises.
    """
    pairs = near_pairs(vectors, threshold, how=how, progress=progress)
    labels = duplicate_groups(pairs)
    largest = np.flatnonzero(labels == np.bincount(labels).argmax())
    weakest = float("nan")
    if len(largest) > _MOST_COMPARED:
        largest = np.random.default_rng(0).choice(largest, _MOST_COMPARED, replace=False)
    if len(largest) > 1:
        score = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}[pairs.metric]
        between = score(vectors.array[largest], vectors.array[largest])[np.triu_indices(len(largest), 1)]
        weakest = float(between.max() if pairs.metric == "euclidean" else between.min())
    report = DuplicateReport(vectors.ids, pairs, labels, weakest)
    if report.chained:
        warnings.warn(ChainingWarning(f"{report.chaining}. A stricter threshold breaks chains."), stacklevel=2)
    return report
