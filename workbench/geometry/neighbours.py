"""Exact nearest neighbours: every vector is compared, in blocks, and ties are broken by row."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry.metrics import cosine_similarity, dot_product, euclidean_distance, larger_is_better
from workbench.records import FloatArray, IntArray, Metric, Neighbours, Vectors

__all__ = ["exact_neighbours"]

_ROUNDOFF = 2.0**-24  # unit roundoff of float32
_UNDERFLOW = 2.0**-126  # smallest normal float32: products below it may be flushed to zero
_HUGE = 2.0**120  # products of lengths beyond it may overflow float32 on the way
_TINY = 2.0**-100  # squared lengths between this and its inverse are accurate in float32
_UNIT_WITHIN = 1e-6  # rows of lengths this near to 1 are searched as they are, without a normalized copy
_FAISS_MULTIPLIES_FROM = 128_000  # numbers in a batch of queries; fewer are compared one by one, six times slower

_Array64 = NDArray[np.float64]


def exact_neighbours(
    queries: ArrayLike | Vectors,
    vectors: ArrayLike | Vectors,
    k: int,
    metric: Metric | None = None,
    *,
    exclude_self: bool = False,
    block_bytes: int = 128 << 20,
) -> Neighbours:
    """Find the ``k`` nearest vectors of each query by comparing it with all of them.

    FAISS finds candidates in float32, a block of the database at a time. Their scores are then computed in float64,
    and the order is that of the float32 scores returned, equal scores by row. A bound on the rounding error of the
    first step proves for each query that no other vector can belong to the answer; a query for which it cannot, such
    as one whose k-th neighbour has many equals, is compared with everything again in float64. The answer is therefore
    the same whatever the blocks, the threads and the order of additions.

    Parameters
    ----------
    queries
        ``(q, d)`` numbers, or Vectors.
    vectors
        ``(n, d)`` numbers to search, memory maps included, or Vectors.
    k
        Neighbours of each query, at most ``n`` (``n - 1`` with ``exclude_self``).
    metric
        ``"cosine"``, ``"dot"`` or ``"euclidean"``; None takes the metric of ``vectors``, or else of ``queries``, where
        they are Vectors, and cosine where neither is.
    exclude_self
        Leave each query itself out: the row with its own id when both are Vectors, otherwise the row of its number,
        for which queries and vectors must have the same shape. Its duplicates stay in.
    block_bytes
        Bound on each of the working copies made of vectors and scores, in bytes, whatever ``n`` is.

    Returns
    -------
    Neighbours
        ``(q, k)`` rows of ``vectors`` and their scores, best first.

    Raises
    ------
    InputError
        ``k`` is not between 1 and the number of vectors, an unknown metric, or ``exclude_self`` where the rows of
        the queries are not known.
    VectorError
        NaN or infinity, a zero vector under cosine (the row is named), or dimensions that differ.
    IdentityError
        Both are Vectors, and two different models made them.

    Notes
    -----
    The error of a float32 dot product of ``d`` terms in any order of addition is at most ``d * 2**-24 * |a| * |b|``
    to first order: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1.
    """
    if metric is None:
        made_for: list[Metric] = [x.metric for x in (vectors, queries) if isinstance(x, Vectors)]
        metric = made_for[0] if made_for else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    if isinstance(queries, Vectors) and isinstance(vectors, Vectors):
        check_identity(queries.model, vectors.model)
    asked = as_vectors_array(queries.array if isinstance(queries, Vectors) else queries, metric)
    database = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    check_dimensions(asked.shape[1], database.shape[1], "the queries", "the array they search")
    most = len(database) - exclude_self
    if not 1 <= k <= most:
        others = " other" if exclude_self else ""
        raise InputError(f"k={k:,} neighbours were asked of {most:,}{others} vectors", f"Use k from 1 to {most:,}.")
    own = _own_rows(queries, vectors, asked, database) if exclude_self else np.full(len(asked), -1)

    threads = faiss.omp_get_max_threads()
    ids = np.empty((len(asked), k), dtype=np.int64)
    scores = np.empty((len(asked), k), dtype=np.float32)
    with ThreadPoolExecutor(threads) as pool:
        search = _Search(database, k, metric, block_bytes, threads, pool)
        for at in _slices(len(asked), 24 * search.count + 12 * database.shape[1], block_bytes):
            ids[at], scores[at] = search.answer(asked[at], own[at])
    return Neighbours(ids, scores, metric)


@dataclass(frozen=True)
class _Search:
    """One search of ``database``. Inside it larger scores are better, so Euclidean ones are negative."""

    database: FloatArray
    k: int
    metric: Metric
    block_bytes: int
    threads: int
    pool: ThreadPoolExecutor

    @property
    def count(self) -> int:
        """Candidates of each query: beyond k, room for itself, for near ties and for the error bound."""
        return min(len(self.database), self.k + self.k // 16 + 9)

    def answer(self, asked: FloatArray, own: IntArray) -> tuple[IntArray, FloatArray]:
        """The k best rows and their scores for a block of queries; ``own`` rows (or -1) are left out."""
        found, beyond = self._candidates(asked)
        ids = np.full((len(asked), self.k), -1, dtype=np.int64)
        scores = np.full((len(asked), self.k), -np.inf, dtype=np.float32)

        def settle(rows: range) -> None:
            for i in rows:
                kept = found[i][(found[i] != own[i]) & (found[i] >= 0)]
                if len(kept) >= self.k:
                    ids[i], scores[i] = self._best(kept, self._exact(asked[i], kept))

        list(self.pool.map(settle, [range(t, len(asked), self.threads) for t in range(self.threads)]))

        worst = scores[:, -1].astype(np.float64)
        proved = beyond < (-(worst**2) if self.metric == "euclidean" else worst)
        unproved = np.flatnonzero(~proved)
        for at in _slices(len(unproved), 24 * asked.shape[1], self.block_bytes):
            rows = unproved[at]
            ids[rows], scores[rows] = self._scan(asked[rows], own[rows])
        return ids, -scores if self.metric == "euclidean" else scores

    def _candidates(self, asked: FloatArray) -> tuple[IntArray, _Array64]:
        """Rows that look nearest in float32, and a bound on the score of every other row.

        The bound is in the scores that FAISS gives: cosine, dot product or the negative squared distance.
        """
        d = asked.shape[1]
        origin = asked.mean(axis=0, dtype=np.float64).astype(np.float32)  # near the data, so that L2 cancels less
        queries, lengths, drift = self._prepared(asked, origin)
        ids = np.empty((len(asked), 0), dtype=np.int64)
        scores = np.empty((len(asked), 0), dtype=np.float32)
        longest = database_drift = 0.0
        for at in _slices(len(self.database), 4 * d, self.block_bytes):
            block, block_lengths, block_drift = self._prepared(self.database[at], origin)
            longest, database_drift = max(longest, float(block_lengths.max())), max(database_drift, block_drift)
            some_ids, some_scores = self._nearest(queries, block)
            some_ids[some_ids >= 0] += at.start
            ids, scores = np.hstack([ids, some_ids]), np.hstack([scores, some_scores])
            if ids.shape[1] > self.count:
                best = np.argpartition(-scores, self.count - 1, axis=1)[:, : self.count]
                ids, scores = np.take_along_axis(ids, best, axis=1), np.take_along_axis(scores, best, axis=1)
        if self.count == len(self.database):
            return ids, np.where((ids < 0).any(axis=1), np.inf, -np.inf)  # -1: a score overflowed to NaN
        size = (lengths + longest) ** 2 if self.metric == "euclidean" else lengths * longest
        error = 2 * (d + 16) * (_ROUNDOFF * size + _UNDERFLOW) + drift + database_drift
        error[size > _HUGE] = np.inf
        return ids, scores.min(axis=1).astype(np.float64) + error

    def _nearest(self, queries: FloatArray, block: FloatArray) -> tuple[IntArray, FloatArray]:
        """What FAISS finds in one block, each thread with queries of its own: FAISS's threads wait for one another."""
        parts = min(self.threads, max(1, queries.size // _FAISS_MULTIPLIES_FROM))
        kind = faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT

        def find(part: FloatArray) -> tuple[FloatArray, IntArray]:
            faiss.omp_set_num_threads(self.threads // parts)  # of this thread of the pool only
            found: tuple[FloatArray, IntArray] = faiss.knn(part, block, min(self.count, len(block)), metric=kind)
            return found

        found = list(self.pool.map(find, np.array_split(queries, parts)))
        scores, ids = np.vstack([scores for scores, _ in found]), np.vstack([ids for _, ids in found])
        return ids, -scores if self.metric == "euclidean" else scores

    def _prepared(self, rows: FloatArray, origin: FloatArray) -> tuple[FloatArray, _Array64, float]:
        """Rows for FAISS (of unit length under cosine, from the origin for L2), lengths, and how far from unit."""
        if self.metric == "euclidean":
            with np.errstate(over="ignore"):  # rows that overflow prove nothing and are scanned in float64
                rows = rows - origin
        squares = np.einsum("ij,ij->i", rows, rows)
        usual = bool((squares > _TINY).all() and (squares < 1 / _TINY).all())
        lengths = np.sqrt(squares, dtype=np.float64) if usual else _lengths(rows)
        if self.metric != "cosine":
            return rows, lengths, 0.0
        drift = float(np.abs(lengths - 1.0).max())
        if drift <= _UNIT_WITHIN:
            return rows, lengths, drift
        unit: FloatArray = rows / lengths.astype(np.float32)[:, None]
        return unit, np.ones(len(rows)), 0.0

    def _exact(self, query: FloatArray, ids: IntArray) -> FloatArray:
        """Scores of the given rows, accumulated in float64 one row at a time: equal rows score equally anywhere."""
        wide = query.astype(np.float64)
        scores = np.empty(len(ids), dtype=np.float32)
        for at in _slices(len(ids), 20 * len(query), self.block_bytes):
            rows = np.take(self.database, ids[at], axis=0).astype(np.float64)
            if self.metric == "euclidean":
                scores[at] = -_lengths(rows - wide)
            elif self.metric == "dot":
                scores[at] = np.einsum("ij,j->i", rows, wide)
            else:
                scores[at] = np.einsum("ij,j->i", rows, wide) / (_lengths(rows) * _lengths(wide[None]))
        return scores

    def _best(self, ids: IntArray, scores: FloatArray) -> tuple[IntArray, FloatArray]:
        """The k best, equal scores by row."""
        order = np.lexsort((ids, -scores))[: self.k]
        return ids[order], scores[order]

    def _scan(self, asked: FloatArray, own: IntArray) -> tuple[IntArray, FloatArray]:
        """The k best rows by the definition of the metric, for the queries whose candidates prove nothing."""
        d = asked.shape[1]
        score = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}[self.metric]
        best = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))] * len(asked)
        reach = {"cosine": np.ones(len(asked)), "dot": _lengths(asked), "euclidean": np.zeros(len(asked))}[self.metric]
        for at in _slices(len(self.database), 16 * d + 4 * len(asked), self.block_bytes):
            block = self.database[at]
            scores = score(asked, block)
            if self.metric == "euclidean":
                scores = -scores
            slack = reach * d * 2.0**-50 * (_lengths(block).max() if self.metric == "dot" else 1.0)
            inside = np.flatnonzero((own >= at.start) & (own < at.stop))
            scores[inside, own[inside] - at.start] = -np.inf
            for i, row in enumerate(scores):
                ids, known = best[i]
                floor = np.partition(row, -self.k)[-self.k] if self.k < len(row) else -np.inf
                floor = max(float(floor), float(known[-1])) if len(ids) == self.k else float(floor)
                near = np.flatnonzero(row >= floor - abs(floor) * 4 * _ROUNDOFF - slack[i]) + at.start
                near = near[near != own[i]]
                merged = np.concatenate([known, self._exact(asked[i], near)])
                best[i] = self._best(np.concatenate([ids, near]), merged)
        return np.stack([ids for ids, _ in best]), np.stack([scores for _, scores in best])


def _own_rows(
    queries: ArrayLike | Vectors, vectors: ArrayLike | Vectors, asked: FloatArray, database: FloatArray
) -> IntArray:
    """The row of each query in what it searches, -1 where it has none."""
    if isinstance(queries, Vectors) and isinstance(vectors, Vectors):
        rows = {name: row for row, name in enumerate(vectors.ids)}
        return np.array([rows.get(name, -1) for name in queries.ids], dtype=np.int64)
    if len(asked) != len(database):
        raise InputError(
            f"exclude_self cannot tell which of {len(database):,} vectors the {len(asked):,} queries are",
            "Search the same array, or pass both as Vectors, whose ids say it.",
        )
    return np.arange(len(asked))


def _lengths(rows: NDArray[np.floating[Any]]) -> _Array64:
    """Euclidean length of each row, accumulated in float64."""
    lengths: _Array64 = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return lengths


def _slices(rows: int, row_bytes: int, block_bytes: int) -> Iterator[slice]:
    """Consecutive slices of ``rows`` whose rows take at most ``block_bytes``, one row at least."""
    step = max(1, block_bytes // row_bytes)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
