"""Two models on the same texts, compared where they are true: by neighbours in the two original spaces."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.geometry.metrics import cosine_similarity, dot_product, euclidean_distance, larger_is_better
from workbench.geometry.neighbours import exact_neighbours
from workbench.intervals import Interval, mean_interval
from workbench.records import FloatArray, IntArray, Vectors

__all__ = ["SpaceAgreement", "compare_spaces"]

_BLOCK = 8 << 20  # scores at a time


@dataclass(frozen=True, eq=False)
class SpaceAgreement:
    """How far two spaces agree on who is near to whom.

    Parameters
    ----------
    ids
        Of the points that were asked: all, or a sample.
    overlap
        ``(points,) float64``: of each point's k nearest in one space, the share that is among its k nearest in the
        other, 0 to 1.
    k
        Neighbours of each point.
    points
        How many points there are to be near to; more than ``len(ids)`` where a sample was asked.
    mean
        Mean overlap with its bootstrap interval over the points asked.
    null_mean, null_high
        Mean and upper end (97.5 %) of the mean overlap when the texts of one space are relabelled at random.
    p
        Share of relabellings that overlap at least as much, the data themselves counted among them: at least
        ``1 / (permutations + 1)``.
    permutations
        Number of relabellings.
    moved
        One row per point asked, the most moved first: ``id``, ``overlap``, ``rank_in_b`` (mean rank, from 1, in the
        second space of its k nearest in the first) and ``rank_in_a`` (the reverse). Equal overlaps stand in the order
        of those ranks.
    """

    ids: tuple[str, ...] = field(repr=False)
    overlap: NDArray[np.float64] = field(repr=False)
    k: int
    points: int
    mean: Interval
    null_mean: float
    null_high: float
    p: float
    permutations: int
    moved: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        asked = f"{len(self.ids):,}" if len(self.ids) == self.points else f"{len(self.ids):,} of {self.points:,}"
        return (
            f"neighbour overlap@{self.k} {self.mean} over {asked} points; "
            f"relabelled {self.null_mean:.3f}, at most {self.null_high:.3f} (p = {self.p:.2g})"
        )


def compare_spaces(
    a: Vectors, b: Vectors, k: int = 10, *, permutations: int = 200, seed: int = 0, most: int = 5_000
) -> SpaceAgreement:
    """Compare two sets of vectors of the same texts by their nearest neighbours, each in its own space and metric.

    Nothing is drawn and nothing is aligned: the two may differ in model, in dimensions and in metric. Overlap is the
    share of the k nearest that both name, as in recall@k; the Jaccard index of the two sets is ``o / (2 - o)``.
    Chance is measured, not assumed: the texts of the second space are relabelled at random, which keeps its geometry,
    hubs included, and breaks only who is who.

    Parameters
    ----------
    a, b
        Vectors with the same ids, in any order. Vectors of different models may meet here, since no vector of one is
        compared with a vector of the other.
    k
        Neighbours of each point, itself left out by id.
    permutations
        Number of relabellings, 1 or more.
    seed
        Of the relabellings and of the sample.
    most
        Ask so many points at most, a random sample where there are more; neighbours are always sought among all.

    Raises
    ------
    InputError
        The ids differ, or ``k``, ``permutations`` or ``most`` is out of range.
    VectorError
        Vectors that cannot be used.

    Notes
    -----
    The interval is over points as if they were drawn independently. The p-value is that of B. Phipson, G. K. Smyth,
    Permutation P-values Should Never Be Zero, Statistical Applications in Genetics and Molecular Biology 9 (2010).
    Relabelling exchanges the points asked with one another and the others with one another.
    """
    b = _in_order_of(a, b)
    n = len(a)
    if permutations < 1 or most < 1:
        raise InputError(
            f"permutations={permutations!r} and most={most!r} must be 1 or more", "200 and 5,000 are usual."
        )
    random = np.random.default_rng(seed)
    asked = np.arange(n) if n <= most else np.sort(random.choice(n, most, replace=False))
    near_a, near_b = _neighbours(a, asked, k), _neighbours(b, asked, k)
    overlap = _overlap(near_a, near_b, n)

    others = np.setdiff1d(np.arange(n), asked)
    null = np.empty(permutations)
    for i in range(permutations):
        order = random.permutation(len(asked))
        relabelled = np.empty(n, dtype=np.int64)
        relabelled[asked[order]], relabelled[others] = asked, random.permutation(others)
        null[i] = _overlap(near_a, relabelled[near_b[order]], n).mean()
    at_least = int((null >= overlap.mean() - 1e-12).sum())

    ids = tuple(a.ids[row] for row in asked)
    moved = pd.DataFrame(
        {
            "id": ids,
            "overlap": overlap,
            "rank_in_b": _mean_ranks(b, asked, near_a),
            "rank_in_a": _mean_ranks(a, asked, near_b),
        }
    )
    order = np.lexsort((-(moved["rank_in_b"] + moved["rank_in_a"]).to_numpy(), overlap))
    return SpaceAgreement(
        ids=ids,
        overlap=overlap,
        k=k,
        points=n,
        mean=mean_interval(overlap, seed=seed),
        null_mean=float(null.mean()),
        null_high=float(np.quantile(null, 0.975)),
        p=(1 + at_least) / (permutations + 1),
        permutations=permutations,
        moved=moved.iloc[order].reset_index(drop=True),
    )


def _in_order_of(a: Vectors, b: Vectors) -> Vectors:
    """``b`` with its rows in the order of ``a``'s ids."""
    if a.ids == b.ids:
        return b
    if set(a.ids) != set(b.ids):
        missing = next(name for name in (*a.ids, *b.ids) if (name in set(a.ids)) != (name in set(b.ids)))
        raise InputError(
            f"the two spaces hold different points: {len(a):,} and {len(b):,} ids, and {missing!r} is in one only",
            "Embed the same corpus with both models, or take the rows they share.",
        )
    return b.take([b.row(name) for name in a.ids])


def _neighbours(vectors: Vectors, asked: IntArray, k: int) -> IntArray:
    """Rows of the k nearest of the rows asked, ``(asked, k)``, each row itself left out."""
    queries = vectors if len(asked) == len(vectors) else vectors.take(asked)
    return exact_neighbours(queries, vectors, k, exclude_self=True).ids


def _overlap(one: IntArray, other: IntArray, n: int) -> NDArray[np.float64]:
    """Share of each row's ids that the other has too: each row's ids are distinct and below ``n``."""
    first = np.arange(len(one))[:, None] * n
    known, sought = np.sort(one, axis=1) + first, other + first  # ``known`` ascends from row to row
    place = np.searchsorted(known.ravel(), sought.ravel()).clip(max=known.size - 1)
    shared = (known.ravel()[place] == sought.ravel()).reshape(sought.shape)
    share: NDArray[np.float64] = shared.sum(axis=1) / one.shape[1]
    return share


def _mean_ranks(vectors: Vectors, asked: IntArray, of: IntArray) -> NDArray[np.float64]:
    """Mean rank, from 1, of the given neighbours of each row asked; equals share the best rank, the row itself none."""
    score = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}[vectors.metric]
    sign = 1 if larger_is_better(vectors.metric) else -1
    means = np.empty(len(asked))
    step = max(1, _BLOCK // len(vectors))
    for start in range(0, len(asked), step):
        at = slice(start, start + step)
        rows = asked[at]
        scores: FloatArray = sign * score(vectors.array[rows], vectors.array)
        scores[np.arange(len(rows)), rows] = -np.inf
        named = np.take_along_axis(scores, of[at], axis=1)
        nearer = [(scores > named[:, place : place + 1]).sum(axis=1) for place in range(of.shape[1])]
        means[at] = 1.0 + np.mean(nearer, axis=0)
    return means
