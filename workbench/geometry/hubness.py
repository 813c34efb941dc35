"""Hubness: vectors that stand in far more neighbour lists than their share, and whom they crowd out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry.neighbours import exact_neighbours
from workbench.records import FloatArray, IntArray, Metric, Neighbours, Vectors

__all__ = ["Hubness", "hub_counts", "hubness", "hubness_of", "is_hub", "k_occurrence"]

_LISTED = 20  # hubs in the table
_CROWDED = 3  # rows named for each hub as crowded out
_GROUPS = 10  # of lists, each left out once
_HUB_BEYOND = 3.0  # standard deviations above the mean k-occurrence


@dataclass(frozen=True, eq=False)
class Hubness:
    """How unevenly the places in neighbour lists are shared out.

    Parameters
    ----------
    k
        Length of a neighbour list.
    metric
        The metric of the lists.
    lists
        How many rows were asked for their neighbours: all of them, or a random sample.
    counts
        ``(n,) int64``: in how many of these lists each row stands, its k-occurrence. Its mean is ``k * lists / n``.
    skewness
        Of the k-occurrence over all ``n`` lists, estimated without bias in its factorial moments where only a sample
        was asked. 0 is symmetric, and what independent points in few dimensions come near; NaN where every row stands
        in equally many lists.
    skewness_error
        Its standard error from the sampling of lists, by a jackknife over tenths of them; 0 where all rows were asked.
        Where few are asked of vectors without hubs, it is large.
    hubs
        The 20 rows in most lists, worst first: ``row``, ``id``, ``count``, ``share`` (of the lists, 0 to 1), and
        ``crowds_out``: up to three ids, those that stand most often at place k + 1 of the lists the hub is in, and
        would be in them without it.
    """

    k: int
    metric: Metric
    lists: int
    counts: IntArray = field(repr=False)
    skewness: float
    skewness_error: float
    hubs: pd.DataFrame = field(repr=False)


def k_occurrence(neighbours: Neighbours, n: int) -> IntArray:
    """In how many neighbour lists each row stands.

    Parameters
    ----------
    neighbours
        Lists of rows; -1 pads a list that came back short and is not counted.
    n
        How many rows were searched.

    Returns
    -------
    IntArray
        ``(n,) int64``; its sum is the number of places in the lists.

    Raises
    ------
    InputError
        A list names a row beyond ``n``.
    """
    named = neighbours.ids[neighbours.ids >= 0]
    if named.size and int(named.max()) >= n:
        raise InputError(f"a list names row {int(named.max()):,} of {n:,}", "Pass the number of rows searched.")
    return np.bincount(named.ravel(), minlength=n).astype(np.int64)


def hubness(
    vectors: ArrayLike | Vectors, k: int = 10, metric: Metric | None = None, *, sample: int = 5000, seed: int = 0
) -> Hubness:
    """Find the hubs among vectors, and the skewness of the k-occurrence.

    In many dimensions some vectors are among the nearest of very many others, and most are among the nearest of few or
    none: such hubs fill the answers to unrelated queries. It comes from the concentration of distances: what lies
    nearer to the mean of the data is nearer to everything.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    k
        Length of a neighbour list, at most ``n - 1``: no vector is in its own list.
    metric
        None takes that of Vectors, and cosine for numbers.
    sample
        Where there are more rows than this, so many random ones are asked, among all: ``lists`` says how many.
    seed
        Of the sample.

    Raises
    ------
    InputError
        ``k`` is not between 1 and ``n - 1``, ``sample`` is under 3, or an unknown metric.
    VectorError
        Vectors that cannot be used.

    References
    ----------
    M. Radovanović, A. Nanopoulos, M. Ivanović, Hubs in Space: Popular Nearest Neighbors in High-Dimensional Data,
    Journal of Machine Learning Research 11 (2010).
    """
    named = _named(vectors, metric)
    asked = _asked(len(named), sample, seed)
    if not 1 <= k < len(named):
        raise InputError(f"k={k:,} neighbours were asked of {len(named) - 1:,} others", "Use a smaller k.")
    found = exact_neighbours(
        named if len(asked) == len(named) else named.take(asked),
        named,
        min(k + 1, len(named) - 1),
        named.metric,
        exclude_self=True,
    )
    return hubness_of(found, k, named.ids)


def hubness_of(neighbours: Neighbours, k: int, ids: tuple[str, ...]) -> Hubness:
    """Hubness from neighbours that are known already.

    Parameters
    ----------
    neighbours
        Of each of the rows, or of a random sample of them without repeats, itself excluded. Columns beyond ``k`` say
        who is crowded out; there may be none.
    k
        Length of a neighbour list.
    ids
        Of all ``n`` rows that were searched.
    """
    lists = neighbours.ids[:, :k]
    counts = k_occurrence(Neighbours(lists, neighbours.scores[:, :k], neighbours.metric), len(ids))
    worst = np.argsort(-counts, kind="stable")[:_LISTED]
    worst = worst[counts[worst] > 0]
    next_in_line = neighbours.ids[:, k] if neighbours.k > k else np.empty(0, dtype=np.int64)
    hubs = pd.DataFrame(
        {
            "row": worst,
            "id": [ids[row] for row in worst],
            "count": counts[worst],
            "share": counts[worst] / len(lists),
            "crowds_out": [_most_often(next_in_line[(lists == row).any(axis=1)], ids) for row in worst]
            if len(next_in_line)
            else [()] * len(worst),
        }
    )
    skewness = _skewness(counts, len(lists))
    return Hubness(k, neighbours.metric, len(lists), counts, skewness, _skewness_error(lists, counts), hubs)


def hub_counts(
    vectors: ArrayLike | Vectors, k: int = 10, *, sample: int = 5000, seed: int = 0
) -> dict[Metric, IntArray]:
    """The k-occurrence of every row under each metric, once for a corpus: what ``compare_metrics`` needs of it.

    Parameters and errors are those of :func:`hubness`; the zero vector has no cosine and is refused.
    """
    return {metric: hubness(vectors, k, metric, sample=sample, seed=seed).counts for metric in get_args(Metric)}


def is_hub(counts: IntArray) -> NDArray[np.bool_]:
    """Which rows are hubs: their k-occurrence is more than three standard deviations above the mean.

    The threshold is a convention, not a test; counts of a sample of lists serve as well as those of all.
    """
    hubs: NDArray[np.bool_] = counts > counts.mean() + _HUB_BEYOND * counts.std()
    return hubs


def _named(vectors: ArrayLike | Vectors, metric: Metric | None) -> Vectors:
    """Vectors under one metric; numbers get their row numbers as ids, by which each is kept out of its own list."""
    if isinstance(vectors, Vectors):
        return Vectors(vectors.ids, vectors.array, vectors.model, metric or vectors.metric)
    array: FloatArray = as_vectors_array(vectors, metric or "cosine")
    return Vectors(tuple(map(str, range(len(array)))), array, None, metric or "cosine")


def _asked(n: int, sample: int, seed: int) -> IntArray:
    """The rows that are asked for their neighbours, ascending."""
    if sample < 3:
        raise InputError(f"a sample of {sample:,} rows says nothing of skewness", "Use 3 or more.")
    if n <= sample:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))


def _most_often(rows: Iterable[int], ids: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of the rows that occur most often, equal counts by row."""
    often = sorted(Counter(map(int, rows)).items(), key=lambda item: (-item[1], item[0]))
    return tuple(ids[row] for row, _ in often[:_CROWDED] if row >= 0)


def _skewness(counts: IntArray, lists: int) -> float:
    """Skewness of the k-occurrence in all n lists, from the counts in a random sample of them.

    Of the N lists that a row is in, a sample holds a hypergeometric number X, whose factorial moments are those of N
    times ``m(m-1).../n(n-1)...``. Without this, sampling noise alone would look like hubness: where a row is in half
    a list on average, counts of no hubness at all have the skewness of a Poisson distribution, 1.4.
    """
    n, x = len(counts), counts.astype(np.float64)
    less = [1.0] * 3 if lists == n else [(n - i) / (lists - i) for i in range(3)]
    first = x.mean() * less[0]
    second = (x * (x - 1)).mean() * less[0] * less[1]
    third = (x * (x - 1) * (x - 2)).mean() * less[0] * less[1] * less[2]
    square, cube = second + first, third + 3 * second + first
    variance = square - first**2
    if variance <= 1e-9 * abs(square):
        return float("nan")
    return float((cube - 3 * first * square + 2 * first**3) / variance**1.5)


def _skewness_error(lists: IntArray, counts: IntArray) -> float:
    """Standard error of the skewness over samples of so many lists (delete-a-group jackknife); NaN for few lists."""
    n, m = len(counts), len(lists)
    if m == n:
        return 0.0
    if m < 10 * _GROUPS:
        return float("nan")
    left_out = [lists[group::_GROUPS] for group in range(_GROUPS)]
    without = [_skewness(counts - np.bincount(out.ravel(), minlength=n), m - len(out)) for out in left_out]
    return float(np.std(without) * np.sqrt((_GROUPS - 1) * (1 - m / n)))
