"""How far metrics agree over many queries: Kendall's tau-b of whole rankings, and the overlap of their tops."""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry.comparison import METRICS, array_of, nearness
from workbench.geometry.metrics import cosine_similarity, dot_product, euclidean_distance
from workbench.geometry.neighbours import exact_neighbours
from workbench.intervals import mean_interval
from workbench.records import FloatArray, Metric, Vectors

__all__ = ["rank_agreement"]

_SCORES = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}


def rank_agreement(
    queries: ArrayLike | Vectors,
    vectors: ArrayLike | Vectors,
    k: int = 10,
    *,
    exclude_self: bool = False,
    most_queries: int = 200,
    most_ranked: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the rankings that each pair of metrics gives the same queries.

    Kendall's tau-b is taken over whole rankings, in which the far items, which nobody sees, are the most: it can be
    high where the tops differ. So the overlap of the tops stands beside it: the share of one metric's k nearest that
    are also among the other's.

    Parameters
    ----------
    queries
        ``(q, d)`` numbers, or Vectors.
    vectors
        ``(n, d)`` numbers, or Vectors.
    k
        Length of a top.
    exclude_self
        Leave each query itself out, as :func:`exact_neighbours` does.
    most_queries
        Of more queries, so many random ones are asked; the column ``queries`` says how many.
    most_ranked
        Of more vectors, so many random ones are ranked for tau; the column ``ranked`` says how many. The tops are
        always those among all vectors.
    seed
        Of both samples.

    Returns
    -------
    pandas.DataFrame
        A row for each pair of metrics: ``first``, ``second``; ``tau`` in [-1, 1] and ``overlap`` in [0, 1], means over
        the queries, with their 95 % bootstrap intervals ``tau_low``, ``tau_high``, ``overlap_low`` and
        ``overlap_high``; ``queries`` and ``ranked``, counts. A query whose scores are all equal has no tau and counts
        for the overlap alone; ``tau`` is NaN where all are so.

    Raises
    ------
    InputError
        As :func:`exact_neighbours` raises, or a sample of less than 1 query or 2 vectors.
    VectorError
        Vectors that cannot be used, a zero vector among them: it has no cosine.
    IdentityError
        Both are Vectors, and two different models made them.

    References
    ----------
    M. G. Kendall, The Treatment of Ties in Ranking Problems, Biometrika 33 (1945).
    """
    if most_queries < 1 or most_ranked < 2:
        raise InputError(
            f"{most_queries:,} queries and {most_ranked:,} vectors make no ranking",
            "Sample 1 query and 2 vectors or more.",
        )
    if isinstance(queries, Vectors) and isinstance(vectors, Vectors):
        check_identity(queries.model, vectors.model)
    database = as_vectors_array(array_of(vectors), "cosine")
    everything = as_vectors_array(array_of(queries), "cosine")
    if exclude_self and not (isinstance(queries, Vectors) and isinstance(vectors, Vectors)):
        if len(everything) != len(database):
            raise InputError(
                f"exclude_self cannot tell which of {len(database):,} vectors the {len(everything):,} queries are",
                "Search the same array, or pass both as Vectors, whose ids say it.",
            )
        names = tuple(map(str, range(len(database))))
        queries, vectors = Vectors(names, everything), Vectors(names, database)
    rng = np.random.default_rng(seed)
    at = _some(len(everything), most_queries, rng)
    ranked = _some(len(database), most_ranked, rng)
    asked: FloatArray | Vectors = queries.take(at) if isinstance(queries, Vectors) else everything[at]
    searched: FloatArray | Vectors = vectors if isinstance(vectors, Vectors) else database
    tops = {metric: exact_neighbours(asked, searched, k, metric, exclude_self=exclude_self).ids for metric in METRICS}
    some = database[ranked]
    near = {metric: nearness(_SCORES[metric](everything[at], some), metric) for metric in METRICS}
    own = _own_among(asked, vectors, ranked) if exclude_self else np.full(len(at), -1)
    rows = []
    for first, second in combinations(METRICS, 2):
        shared = [len(np.intersect1d(a, b)) / k for a, b in zip(tops[first], tops[second], strict=True)]
        taus = _taus(near, first, second, own)
        tau = mean_interval(taus) if len(taus) else None
        overlap = mean_interval(shared)
        rows.append(
            {
                "first": first,
                "second": second,
                "tau": tau.mean if tau else np.nan,
                "tau_low": tau.low if tau else np.nan,
                "tau_high": tau.high if tau else np.nan,
                "overlap": overlap.mean,
                "overlap_low": overlap.low,
                "overlap_high": overlap.high,
                "queries": len(at),
                "ranked": len(ranked),
            }
        )
    return pd.DataFrame(rows)


def _some(n: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """All of n rows, or a random sample of them, ascending."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _own_among(
    asked: FloatArray | Vectors, vectors: ArrayLike | Vectors, ranked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where each query itself stands among the ranked vectors; -1 where it does not."""
    if not (isinstance(asked, Vectors) and isinstance(vectors, Vectors)):  # made so above
        return np.full(len(asked), -1)
    places = {vectors.ids[row]: place for place, row in enumerate(ranked)}
    return np.array([places.get(name, -1) for name in asked.ids], dtype=np.int64)


def _taus(
    near: dict[Metric, NDArray[np.float64]], first: Metric, second: Metric, own: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Kendall's tau-b of each query's two rankings, where it is defined."""
    from scipy.stats import kendalltau

    taus = []
    for place, left, right in zip(own, near[first], near[second], strict=True):
        kept = np.arange(len(left)) != place
        taus.append(float(kendalltau(left[kept], right[kept]).statistic))
    found = np.array(taus, dtype=np.float64)
    defined: NDArray[np.float64] = found[np.isfinite(found)]
    return defined
