"""What an answer is worth: recall by ids with ties handled exactly, how sure it is, and when a build pays back."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.errors import InputError, VectorError
from workbench.geometry import larger_is_better
from workbench.intervals import Interval, few_values_interval, wilson_interval
from workbench.records import FloatArray, IntArray, Metric, Neighbours

__all__ = ["COLUMNS", "break_even", "query_scores", "recall"]

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "recall": "share of the k true neighbours that were found, mean over queries; ids only, ties at place k exact",
        "recall_low": "lower end of its 95 % bootstrap interval over queries; Wilson's where all found as much",
        "recall_high": "upper end of it",
        "recall_at_1": "share of queries whose first answer is the nearest vector, or tied with it",
        "recall_at_1_low": "lower end of its 95 % Wilson interval",
        "recall_at_1_high": "upper end of it",
        "recall_tuned": "mean recall on the half of the queries (even rows) by which settings are chosen",
        "recall_stated": "mean recall on the other half (odd rows), by which no setting was chosen",
        "recall_stated_low": "lower end of its 95 % interval, made as that of recall",
        "recall_stated_high": "upper end of it",
        "worst_decile": "mean recall of the tenth of the queries that fared worst",
        "p50_us": "median latency of one query on one thread, closed loop, microseconds; median over rounds",
        "p95_us": "95th percentile of the same queries, median over rounds",
        "p99_us": "99th percentile of the same, median over rounds; of a slow index at least 50 queries a round",
        "p50_low_us": "p50 of the fastest round",
        "p50_high_us": "p50 of the slowest round",
        "timed": "queries timed, all rounds together; 0: not timed, and the latencies are NaN",
        "qps": "queries a second of one batch on all threads (Qdrant: one by one), first round alone; not 1 / p50",
        "distances": "distances computed for one query, mean; does not drift and carries over to other machines",
        "memory_bytes": "bytes by formula",
        "serialized_bytes": "bytes of the index written down",
        "resident_bytes": "growth of the process while its file was loaded; not the vectors that Flat and RFlat share",
        "train_s": "seconds of training (k-means, codebooks), in full even where several indexes shared one",
        "add_s": "seconds of adding the vectors",
        "build_s": "train_s + add_s",
        "speedup": "p50 of Flat in the same run / p50",
        "break_even": "queries, one at a time, after which the time saved against Flat has paid back the build",
    }
)
"""What each measured column means and its unit: the one place that says so."""

_RELATIVE = 2.0**-21  # two scores nearer than this, relative to their size, are tied: eight float32 roundoffs
_BLOCK_BYTES = 2 << 20  # of float64 copies of found vectors at a time: what a core's own cache holds


def recall(found: IntArray, truth: Neighbours, queries: FloatArray, vectors: FloatArray) -> NDArray[np.float64]:
    """Recall@k of each query, by ids, with ties at the k-th place counted exactly.

    With strict = ids that score better than the k-th true neighbour and tied = ids that score the same,
    ``recall@k = (|R & strict| + min(|R & tied|, k - |strict|)) / k``. Scores of the found ids are computed here from
    the vectors: the scores that an index reports are never believed.

    Parameters
    ----------
    found
        ``(queries, k) int64`` rows of ``vectors``; -1 pads an answer that came back short and counts as a miss, as
        does an id that is repeated.
    truth
        The exact neighbours, with the same number of queries and the same ``k``.
    queries, vectors
        ``(queries, d)`` and ``(n, d)`` float32.

    Returns
    -------
    numpy.ndarray
        ``(queries,) float64`` in [0, 1].

    Raises
    ------
    InputError
        There are no vectors, shapes differ, or an id is no row of ``vectors``.
    VectorError
        A query or a found vector has no score: NaN, infinity, zero length under cosine, or dimensions that differ.
    """
    if not len(vectors):
        raise InputError("there are no vectors to have been found", "Measure an index that holds some.")
    if found.shape != truth.ids.shape or len(queries) != len(found):
        raise InputError(
            f"answers of shape {found.shape} for {len(queries):,} queries do not match a truth of {truth.ids.shape}",
            "Search the same queries with the same k.",
        )
    if found.size and not -1 <= int(found.min()) <= int(found.max()) < len(vectors):
        raise InputError(f"an id is outside 0 to {len(vectors) - 1:,}", "Return rows of the searched vectors, or -1.")
    if not found.size:
        return np.empty(len(found))
    asked = as_vectors_array(queries, truth.metric)
    check_dimensions(asked.shape[1], vectors.shape[1], "the queries", "the searched vectors")
    own = np.sort(found, axis=1)
    counted = own >= 0
    counted[:, 1:] &= own[:, 1:] != own[:, :-1]

    sign = 1.0 if larger_is_better(truth.metric) else -1.0
    worst = sign * truth.scores[:, -1:].astype(np.float64)
    slack = _RELATIVE * np.abs(worst)
    better = (sign * truth.scores > worst + slack).sum(axis=1)
    strict, tied = np.empty(len(found), dtype=np.int64), np.empty(len(found), dtype=np.int64)
    for at in _blocks(len(found), 8 * truth.k * asked.shape[1]):
        scores = sign * _scores(asked[at], vectors, own[at].clip(0), truth.metric)
        if not np.isfinite(scores[counted[at]]).all():
            row = int(own[at][counted[at] & ~np.isfinite(scores)][0])
            raise VectorError(f"the vector in row {row:,} has no {truth.metric} score", "Search vectors that have one.")
        strict[at] = (counted[at] & (scores > worst[at] + slack[at])).sum(axis=1)
        tied[at] = (counted[at] & (np.abs(scores - worst[at]) <= slack[at])).sum(axis=1)
    shares: NDArray[np.float64] = (strict + np.minimum(tied, truth.k - better)) / truth.k
    return shares


def query_scores(recalls: NDArray[np.float64], first: NDArray[np.float64]) -> dict[str, float]:
    """What the recall of single queries says together: the columns ``recall`` to ``worst_decile`` of ``COLUMNS``.

    The best of many configurations is flattered by the queries that chose it. So half of the queries tune and the
    other half state. Rows alternate, because queries often come in an order, by document or by date, and two halves
    cut at the middle would be of two kinds.

    Parameters
    ----------
    recalls
        ``(queries,)`` recall@k of each query, from :func:`recall`.
    first
        ``(queries,)`` the same of each query's first answer alone, with k = 1: each is 0 or 1.

    Returns
    -------
    dict
        Name -> value. The stated half of a single query is NaN.

    Raises
    ------
    InputError
        There are no queries, or not as many of one as of the other.
    """
    if not len(recalls) or len(recalls) != len(first):
        what = f"recall@k of {len(recalls):,} queries and recall@1 of {len(first):,} do not describe one search"
        raise InputError(what, "Score at least one query, and the same queries in both.")
    whole = _interval(recalls)
    stated = _interval(recalls[1::2]) if len(recalls) > 1 else None
    low, high = wilson_interval(first.sum(), len(first))
    tenth = math.ceil(len(recalls) / 10)
    return {
        "recall": whole.mean,
        "recall_low": whole.low,
        "recall_high": whole.high,
        "recall_at_1": float(first.mean()),
        "recall_at_1_low": float(low),
        "recall_at_1_high": float(high),
        "recall_tuned": float(recalls[::2].mean()),
        "recall_stated": stated.mean if stated else math.nan,
        "recall_stated_low": stated.low if stated else math.nan,
        "recall_stated_high": stated.high if stated else math.nan,
        "worst_decile": float(np.partition(recalls, tenth - 1)[:tenth].mean()),
    }


def break_even(build_s: float, p50_us: float, baseline_p50_us: float) -> float:
    """Queries, asked one at a time, after which the time saved on each has paid back the build.

    Parameters
    ----------
    build_s
        Seconds of training and adding. Flat's own is 0: it keeps the vectors as they are.
    p50_us, baseline_p50_us
        Median latency of the index and of Flat in the same run, microseconds.

    Returns
    -------
    float
        A whole number of queries; 0 where nothing was built and nothing is lost; inf where it never pays; NaN where
        one of the three was not measured.
    """
    if math.isnan(build_s) or math.isnan(p50_us) or math.isnan(baseline_p50_us):
        return math.nan
    saved = baseline_p50_us - p50_us
    if build_s == 0 and saved >= 0:
        return 0.0
    return float(math.ceil(1e6 * build_s / saved)) if saved > 0 else math.inf


def _interval(recalls: NDArray[np.float64]) -> Interval:
    """The bootstrap's interval; of equal values it has no width, however few they are, and Wilson's stands for it."""
    found = few_values_interval(recalls)
    if found.low < found.high:
        return found
    low, high = wilson_interval(min(found.mean, 1.0) * len(recalls), len(recalls))
    return Interval(found.mean, min(float(low), found.mean), max(float(high), found.mean))


def _scores(queries: FloatArray, vectors: FloatArray, rows: IntArray, metric: Metric) -> NDArray[np.float64]:
    """Scores of ``rows (q, k)``, each for its own query: accumulated in float64, then rounded as true scores are."""
    near, asked = vectors[rows].astype(np.float64), queries.astype(np.float64)
    if metric == "euclidean":
        near -= asked[:, None]
        scores = np.sqrt(np.einsum("qkd,qkd->qk", near, near))
    else:
        scores = (near @ asked[:, :, None])[:, :, 0]
        if metric == "cosine":
            with np.errstate(invalid="ignore", divide="ignore"):  # refused by the caller, with its row
                lengths = np.sqrt(np.einsum("qkd,qkd->qk", near, near))
                scores = (scores / (lengths * np.linalg.norm(asked, axis=1)[:, None])).clip(-1.0, 1.0)
    rounded: NDArray[np.float64] = scores.astype(np.float32).astype(np.float64)
    return rounded


def _blocks(rows: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive slices of ``rows`` that take at most ``_BLOCK_BYTES`` each, one row at least."""
    step = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, rows, step):
        yield slice(start, start + step)
