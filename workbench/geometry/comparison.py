"""One query under three metrics, side by side, with the cause of every change of rank; and how far metrics agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry.hubness import hub_counts, is_hub
from workbench.geometry.metrics import cosine_similarity, dot_product, euclidean_distance
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["METRICS", "MetricComparison", "compare_metrics", "scale_by_popularity"]

METRICS: tuple[Metric, ...] = ("cosine", "dot", "euclidean")  # the order in which the lists stand side by side
_NAMES = {"cosine": "cosine", "dot": "dot product", "euclidean": "Euclidean distance"}
_SCORES = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MetricComparison:
    """The nearest of one query under cosine, dot product and Euclidean distance.

    Parameters
    ----------
    k
        How many of each list count as its top.
    median_length
        Median Euclidean length of all vectors.
    table
        A row for each item that is in the top k of any list, in the order of its best rank: ``row``, ``id``, ``norm``
        (its length), the scores ``cosine``, ``dot`` and ``euclidean``, its ranks among all vectors ``rank_cosine``,
        ``rank_dot`` and ``rank_euclidean`` (from 1, equal scores by row), and the cause of its change of rank on the
        way into the next list, ``cause_dot`` (from cosine) and ``cause_euclidean`` (from dot product): ``"norm"``,
        ``"angle"``, ``"hub"``, or ``""`` where the rank is the same.
    """

    k: int
    median_length: float
    table: pd.DataFrame = field(repr=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each change of rank, in the order of the table."""
        return tuple(said for item in self.table.to_dict("records") for said in self._changes(item))

    def sentence(self, id: str) -> str:
        """The sentences about one item; that it keeps its rank, where it does.

        Raises
        ------
        InputError
            The item is in no list.
        """
        items = self.table[self.table["id"] == id].to_dict("records")
        if not items:
            raise InputError(f"{id!r} is in none of the three lists", "Look in the table's id column.")
        return " ".join(self._changes(items[0])) or f"{id} is at {items[0]['rank_cosine']} under all three metrics."

    def _changes(self, item: Mapping[Any, Any]) -> list[str]:
        said = []
        for first, second in pairwise(METRICS):
            cause, before, after = item[f"cause_{second}"], int(item[f"rank_{first}"]), int(item[f"rank_{second}"])
            if not cause:
                continue
            moves = "rises" if after < before else "falls"
            times = item["norm"] / self.median_length
            why = {
                "norm": f"because it is {times:.2g} times as long as the median vector",
                "hub": f"because it is a hub: it stands in the lists of very many vectors ({times:.2g} times as long "
                "as the median)",
                "angle": "and would at the median length too: its angle gives it that place among the others",
            }[str(cause)]
            said.append(f"{item['id']} {moves} from {before:,} to {after:,} under {_NAMES[second]}, {why}.")
        return said


def compare_metrics(
    query: ArrayLike | Vectors,
    vectors: ArrayLike | Vectors,
    k: int = 10,
    *,
    hubs: Mapping[Metric, IntArray] | None = None,
    exclude_self: bool = False,
) -> MetricComparison:
    """Rank all vectors for one query under each metric, and say why an item's rank changes between metrics.

    For a query q and an item x, with the angle t between them: the dot product is ``|q| |x| cos t``, so among the
    items of one query it differs from cosine by the item's length alone. The squared Euclidean distance is
    ``|q|^2 + |x|^2 - 2 |q| |x| cos t``. At a fixed angle it is smallest at the length ``|q| cos t``: too long is as
    bad as too short, where the dot product knows no too long. With all lengths equal, the three rank alike.

    A rank, however, is relative: an item also moves because others pass it. So the cause of a change is found by
    changing the one thing that belongs to the item, its length, and nothing else. It is given the median length of
    all vectors, its direction is kept, and it is ranked again under both metrics among the others as they are (under
    cosine that changes nothing):

    - ``"norm"``: between these ranks the change is half as large or smaller, or the other way round. Its own length
      made it: by what the second metric makes of it, or by what the first one did and the second does not.
    - ``"angle"``: it is not; the item moves anyway. Its place is what its angle earns it among the others, whose
      lengths move them past it or out of its way.
    - ``"hub"``, in place of ``"norm"``: it rises into the second metric's top k and is a hub under that metric, in the
      lists of very many vectors (see :func:`is_hub`). It would have come up for most other queries too.

    Parameters
    ----------
    query
        ``(d,)`` numbers, or Vectors of one row.
    vectors
        ``(n, d)`` numbers, or Vectors.
    k
        How many of each list to show, at most ``n``.
    hubs
        By metric, the k-occurrence of every row, from :func:`hub_counts`: compute it once for a corpus. None computes
        it here, with lists of ``k``.
    exclude_self
        Leave out the row with the query's own id; both must be Vectors.

    Raises
    ------
    InputError
        ``k`` out of range, more than one query, counts that do not belong to the vectors, or ``exclude_self`` where
        the query's row is not known.
    VectorError
        Vectors that cannot be used, a zero vector among them: it has no angle.
    IdentityError
        Both are Vectors, and two different models made them.
    """
    asked, database = one_query(query), as_vectors_array(array_of(vectors), "cosine")
    check_dimensions(asked.shape[1], database.shape[1], "the query", "the array it searches")
    if isinstance(query, Vectors) and isinstance(vectors, Vectors):
        check_identity(query.model, vectors.model)
    ids = vectors.ids if isinstance(vectors, Vectors) else tuple(map(str, range(len(database))))
    own = _own_row(query, vectors) if exclude_self else None
    if not 1 <= k <= len(database) - (own is not None):
        raise InputError(f"k={k:,} items were asked of {len(database) - (own is not None):,}", "Use a smaller k.")
    if hubs is None:
        hubs = hub_counts(vectors, min(k, len(database) - 1)) if len(database) > 1 else {}
    for metric, counts in hubs.items():
        if len(counts) != len(database):
            raise InputError(
                f"the {metric} hubs count {len(counts):,} rows, there are {len(database):,} vectors",
                "Pass hub_counts(vectors) of these vectors.",
            )

    lengths = np.sqrt(np.einsum("ij,ij->i", database, database, dtype=np.float64))
    median = float(np.median(lengths))
    scores = {metric: np.atleast_2d(_SCORES[metric](asked, database))[0] for metric in METRICS}
    ranks = {metric: _ranks(nearness(scores[metric], metric), own) for metric in METRICS}
    shown = np.flatnonzero(np.minimum.reduce([ranks[metric] for metric in METRICS]) <= k)
    best = np.minimum.reduce([ranks[metric][shown] for metric in METRICS])
    shown = shown[np.lexsort((shown, ranks["cosine"][shown], best))]
    table = pd.DataFrame({"row": shown, "id": [ids[row] for row in shown], "norm": lengths[shown]})
    for metric in METRICS:
        table[metric] = scores[metric][shown]
    for metric in METRICS:
        table[f"rank_{metric}"] = ranks[metric][shown]
    resized = {"cosine": ranks["cosine"][shown]}
    for metric in METRICS[1:]:
        there = nearness(_at_length(asked[0], database[shown], lengths[shown], median, metric), metric)
        near = nearness(scores[metric], metric)
        resized[metric] = np.array([_rank_among(near, int(row), at, own) for row, at in zip(shown, there, strict=True)])
    for first, second in pairwise(METRICS):
        flags = is_hub(hubs[second]) if second in hubs else np.zeros(len(database), dtype=np.bool_)
        before, after = ranks[first][shown], ranks[second][shown]
        same_way = (resized[second] - resized[first]) * np.sign(after - before)
        anyway = same_way > np.abs(after - before) / 2
        hub = flags[shown] & (after <= k) & (before > k)
        table[f"cause_{second}"] = np.select([before == after, anyway, hub], ["", "angle", "hub"], "norm")
    return MetricComparison(k, median, table)


def scale_by_popularity(vectors: ArrayLike | Vectors, popularity: ArrayLike, strength: float) -> FloatArray | Vectors:
    """Make popular items longer: each vector times ``(popularity / median popularity) ** strength``.

    This is what a recommender does that is trained by dot products: what is popular gets long vectors. The direction
    stays, so cosine ranks as before; a dot product does not.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors, whose ids, model and metric are kept.
    popularity
        ``(n,)`` positive numbers, such as how often each item was used.
    strength
        0 gives the vectors back as they are; 1 makes length proportional to popularity.

    Returns
    -------
    FloatArray or Vectors
        As ``vectors`` was given.

    Raises
    ------
    InputError
        A popularity that is not positive (its row is named), or not one for each vector.
    VectorError
        Vectors that cannot be used, or grow too long for float32.
    """
    array = as_vectors_array(array_of(vectors))
    weights = np.asarray(popularity, dtype=np.float64)
    if weights.shape != (len(array),):
        raise InputError(f"popularity of shape {weights.shape} for {len(array):,} vectors", "Give one number for each.")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(bad):
        raise InputError(
            f"the popularity of row {int(bad[0]):,} is {weights[bad[0]]:g}",
            "Make each a number above 0: add 1 to counts.",
        )
    if not np.isfinite(strength):
        raise InputError(f"the strength {strength!r} is no number", "Use one from 0 to 2 or so.")
    with np.errstate(over="ignore"):  # what overflows is refused below, with its row
        factors = (weights / np.median(weights)) ** strength
        scaled: FloatArray = (array * factors[:, None]).astype(np.float32)
    as_vectors_array(scaled)
    return Vectors(vectors.ids, scaled, vectors.model, vectors.metric) if isinstance(vectors, Vectors) else scaled


def array_of(vectors: ArrayLike | Vectors) -> ArrayLike:
    """The numbers of vectors."""
    return vectors.array if isinstance(vectors, Vectors) else vectors


def one_query(query: ArrayLike | Vectors) -> FloatArray:
    """A query as one checked row, ``(1, d) float32``."""
    rows = array_of(query)
    asked = as_vectors_array(
        np.atleast_2d(rows) if isinstance(rows, np.ndarray) or np.ndim(rows) == 1 else rows, "cosine"
    )
    if len(asked) != 1:
        raise InputError(f"{len(asked):,} queries were given", "Compare the metrics on one at a time.")
    return asked


def nearness(scores: FloatArray | _Array64, metric: Metric) -> _Array64:
    """Scores of which the larger is the nearer under any metric."""
    wide = np.asarray(scores, dtype=np.float64)
    return -wide if metric == "euclidean" else wide


def _own_row(query: ArrayLike | Vectors, vectors: ArrayLike | Vectors) -> int | None:
    """Row of the query itself among the vectors; None where it is not there."""
    if not (isinstance(query, Vectors) and isinstance(vectors, Vectors)):
        raise InputError("exclude_self cannot tell which row the query is", "Pass both as Vectors, whose ids say it.")
    return vectors.row(query.ids[0]) if query.ids[0] in set(vectors.ids) else None


def _ranks(near: _Array64, own: int | None) -> IntArray:
    """Rank of each row from 1, equal scores by row; the query's own row comes after all others."""
    near = near.copy()
    if own is not None:
        near[own] = -np.inf
    ranks = np.empty(len(near), dtype=np.int64)
    ranks[np.lexsort((np.arange(len(near)), -near))] = np.arange(1, len(near) + 1)
    return ranks


def _rank_among(near: _Array64, row: int, score: float, own: int | None) -> int:
    """Rank that ``row`` would have with ``score`` among the others as they are."""
    before = (near > score) | ((near == score) & (np.arange(len(near)) < row))
    before[row] = False
    if own is not None:
        before[own] = False
    return 1 + int(before.sum())


def _at_length(query: FloatArray, items: FloatArray, lengths: _Array64, length: float, metric: Metric) -> FloatArray:
    """Scores that items would have at another length, rounded to float32 as all scores are."""
    resized = items.astype(np.float64) * (length / lengths)[:, None]
    wide = query.astype(np.float64)
    if metric == "dot":
        return (resized @ wide).astype(np.float32)
    distances: FloatArray = np.linalg.norm(resized - wide, axis=1).astype(np.float32)
    return distances
