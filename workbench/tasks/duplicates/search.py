"""All pairs above a threshold: exactly, block against block, or through an index whose recall is then measured."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Literal

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from workbench.ann import Database, IndexSpec, build_index, pinned
from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.intervals import Interval, wilson_interval
from workbench.records import FloatArray, IntArray, Metric, Vectors
from workbench.tasks.duplicates.bounds import Comparison
from workbench.tasks.duplicates.pairs import Pairs, in_order

__all__ = ["near_pairs"]

_BLOCK = 1024  # rows; the product of two blocks is 4 MB
_SHOWN_FROM = 50  # blocks; fewer are compared before a bar could be read
_FIRST_K = 16  # neighbours of each row at first; rows that have more above the threshold are asked for four times more
_NPROBE = 12
_SAMPLED = 2000  # rows whose pairs are counted exactly, to say what share an index found
_RESAMPLES = 2000


def near_pairs(
    vectors: ArrayLike | Vectors,
    threshold: float,
    *,
    metric: Metric | None = None,
    how: Literal["exact", "approximate"] = "exact",
    index: IndexSpec | str | None = None,
    most: int = 10_000_000,
    seed: int = 0,
    progress: bool = True,
) -> Pairs:
    """Find all pairs of rows that are at least so much alike, in memory that does not grow with their square.

    Exact: the rows are compared block against block, half of all blocks, first by an upper bound that takes fewer
    numbers (see :mod:`workbench.tasks.duplicates.bounds`), and what that leaves in float64. Approximate: an index finds
    the neighbours of every row, so only rows that share a list, or a part of a graph, are compared; what share of the
    pairs that finds is measured on a sample of rows, whose pairs are counted exactly.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    threshold
        The least cosine similarity or dot product, or the greatest Euclidean distance, of a pair.
    metric
        None takes that of Vectors, and cosine otherwise.
    how
        ``"exact"`` or ``"approximate"``.
    index
        For ``"approximate"``: any of ``ann``'s, such as ``"HNSW32 efSearch=64"``; None takes inverted lists.
    most
        Refuse to collect more pairs than this: 20 bytes each.
    seed
        Of the sample on which the recall is measured.
    progress
        Show a bar.

    Raises
    ------
    InputError
        Fewer than two rows, a threshold that is no finite number, an index where none is used, or more than ``most``
        pairs reach the threshold.
    VectorError
        NaN or infinity, or a zero vector under cosine.
    """
    metric = metric or (vectors.metric if isinstance(vectors, Vectors) else "cosine")
    larger_is_better(metric)
    rows = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    if len(rows) < 2:
        raise InputError(f"{len(rows)} vectors make no pairs", "Pass at least two.")
    if not np.isfinite(threshold) or (metric == "euclidean" and threshold < 0):
        raise InputError(f"the threshold {threshold!r} is no {metric} score", "Pass a number, such as 0.9.")
    if how not in ("exact", "approximate") or (how == "exact" and index is not None):
        asked = f"index={str(index)!r} was given with how={how!r}" if index is not None else f"how={how!r} is unknown"
        raise InputError(asked, "Use how='exact' without an index, or how='approximate'.")
    if how == "exact":
        n = len(rows)
        starts = range(0, n, _BLOCK)
        blocks = [(i, j) for i in starts for j in starts if j >= i]
        found = _compared(Comparison(rows, metric, threshold), None, blocks, most, progress)
        return in_order(*found, metric, threshold, n, None)
    return _approximate(rows, metric, threshold, index, most, seed, progress)


def _compared(
    comparison: Comparison, picked: IntArray | None, blocks: list[tuple[int, int]], most: int, progress: bool
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of a block of rows (of ``picked``, where given) with a block of rows: ``a < b``, each once."""
    n = len(comparison.rows)
    threads, own = faiss.omp_get_max_threads(), local()
    found, collected = [], 0

    def work(block: tuple[int, int]) -> tuple[IntArray, IntArray, FloatArray]:
        if not hasattr(own, "room"):
            own.room = np.empty(_BLOCK * _BLOCK, dtype=np.float32)
        i, j = block
        some = slice(i, min(i + _BLOCK, n)) if picked is None else picked[i : i + _BLOCK]
        a, b = comparison.candidates(some, slice(j, min(j + _BLOCK, n)), own.room)
        a, b = a + i if picked is None else picked[i + a], b + j
        kept = a < b if picked is None else a != b
        return comparison.scored(a[kept], b[kept])

    with pinned(1), ThreadPoolExecutor(threads) as pool:
        waiting = pool.map(work, blocks)
        try:
            hidden = not progress or len(blocks) < _SHOWN_FROM
            for some in tqdm(waiting, total=len(blocks), desc="comparing", unit="block", disable=hidden):
                found.append(some)
                collected += len(some[0])
                if collected > most:
                    share = len(found) / len(blocks)
                    raise InputError(
                        f"more than {most:,} pairs of {n:,} rows reach {float(comparison.threshold):g}: so many after "
                        f"{share:.0%} of the comparisons",
                        "Ask for pairs that are more alike, or allow for more with most=.",
                    )
        finally:
            pool.shutdown(cancel_futures=True)
    a, b = (np.concatenate([some[side] for some in found]).astype(np.int64) for side in (0, 1))
    return np.minimum(a, b), np.maximum(a, b), np.concatenate([some[2] for some in found])


def _approximate(
    rows: FloatArray, metric: Metric, threshold: float, index: IndexSpec | str | None, most: int, seed: int, bar: bool
) -> Pairs:
    n = len(rows)
    spec = _lists(n) if index is None else IndexSpec.parse(index) if isinstance(index, str) else index
    comparison = Comparison(rows, metric, threshold)
    a, b, scores = _through(spec, comparison, most, bar)
    sample = np.sort(np.random.default_rng(seed).choice(n, min(n, _SAMPLED), replace=False))
    blocks = [(i, j) for i in range(0, len(sample), _BLOCK) for j in range(0, n, _BLOCK)]
    truth = np.unique(_keys(*_compared(comparison, sample, blocks, most, False)[:2], n))
    hit = np.isin(truth, _keys(a, b, n))
    return in_order(a, b, scores, metric, threshold, n, _recall(truth, hit, sample, n, seed))


def _lists(n: int) -> IndexSpec:
    """Inverted lists of 80 rows or so for 100,000, of which a dozen are read."""
    nlist = max(1, min(n // 40, round(4 * n**0.5)))
    return IndexSpec.parse(f"IVF{nlist},Flat nprobe={min(nlist, _NPROBE)}")


def _through(spec: IndexSpec, comparison: Comparison, most: int, bar: bool) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs that the index finds: more neighbours are asked for a row as long as all it has reach the threshold."""
    rows, metric = comparison.rows, comparison.metric
    n = len(rows)
    database = Database(rows, metric)
    index = build_index(spec, database)
    keys = np.empty(0, dtype=np.int64)
    scores = np.empty(0, dtype=np.float32)
    asked, k = np.arange(n), min(_FIRST_K, n)
    with tqdm(total=n, desc="searching", unit="row", disable=not bar) as shown:
        while len(asked):
            full = []
            for at in _slices(len(asked), k):
                some = asked[at]
                ids = index.search(np.ascontiguousarray(database.array[some]), k, spec.search)
                own = np.broadcast_to(some[:, None], ids.shape)
                there = (ids >= 0) & (ids != own)
                a, b = np.minimum(ids, own)[there], np.maximum(ids, own)[there]
                near = np.unique(_keys(a, b, n))
                near = near[~np.isin(near, keys)]
                a, b, some_scores = comparison.scored(near // n, near % n)
                keys, scores = np.concatenate([keys, _keys(a, b, n)]), np.concatenate([scores, some_scores])
                if len(keys) > most:
                    raise InputError(
                        f"more than {most:,} pairs of {n:,} rows reach {float(comparison.threshold):g}",
                        "Ask for pairs that are more alike, or allow for more with most=.",
                    )
                reached = there & np.isin(_keys(np.minimum(ids, own), np.maximum(ids, own), n), keys)
                full.append(some[(reached | (ids == own)).all(axis=1)])
            shown.update(len(asked) - sum(map(len, full)))
            if k == n:
                break
            asked, k = np.concatenate(full), min(n, 4 * k)
    index.close()
    return keys // n, keys % n, scores


def _slices(count: int, k: int) -> Iterator[slice]:
    step = max(1, (1 << 20) // k)
    return (slice(start, start + step) for start in range(0, count, step))


def _keys(a: IntArray, b: IntArray, n: int) -> IntArray:
    """One number for each pair."""
    return a * n + b


def _recall(truth: IntArray, hit: NDArray[np.bool_], sample: IntArray, n: int, seed: int) -> Interval:
    """Share of the sampled rows' pairs that were found; rows are drawn anew for its interval, with all their pairs."""
    if not len(truth):
        return Interval(float("nan"), 0.0, 1.0)
    owner = np.where(np.isin(truth // n, sample), truth // n, truth % n)
    _, place = np.unique(owner, return_inverse=True)
    pairs, found = np.bincount(place), np.bincount(place, weights=hit)
    share = float(hit.mean())
    if hit.all() or not hit.any():  # no draw would differ
        low, high = wilson_interval(found.sum() / pairs.sum() * len(pairs), len(pairs))
        return Interval(share, float(low), float(high))
    draws = np.random.default_rng(seed).multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=_RESAMPLES)
    low, high = np.quantile((draws @ found) / (draws @ pairs), [0.025, 0.975])
    return Interval(share, float(low), float(high))
