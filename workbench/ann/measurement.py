"""Recall with ties handled exactly, and latency with its spread."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from workbench.errors import InputError
from workbench.geometry import cosine_similarity, dot_product, euclidean_distance, larger_is_better
from workbench.records import FloatArray, IntArray, Neighbours

__all__ = ["latency", "recall"]

_RELATIVE = 2.0**-21  # two scores nearer than this, relative to their size, are tied: eight float32 roundoffs


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
        Shapes differ, or an id is no row of ``vectors``.
    """
    if found.shape != truth.ids.shape or len(queries) != len(found):
        raise InputError(
            f"answers of shape {found.shape} for {len(queries):,} queries do not match a truth of {truth.ids.shape}",
            "Search the same queries with the same k.",
        )
    if found.size and not -1 <= int(found.min()) <= int(found.max()) < len(vectors):
        raise InputError(f"an id is outside 0 to {len(vectors) - 1:,}", "Return rows of the searched vectors, or -1.")
    score = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}[truth.metric]
    sign = 1.0 if larger_is_better(truth.metric) else -1.0
    recalls = np.empty(len(found))
    for row, answer in enumerate(found):
        own = np.unique(answer[answer >= 0])
        worst = sign * float(truth.scores[row, -1])
        slack = _RELATIVE * abs(worst)
        better = int((sign * truth.scores[row].astype(np.float64) > worst + slack).sum())
        scores = sign * np.atleast_1d(score(queries[row], vectors[own])).astype(np.float64) if len(own) else np.empty(0)
        strict = int((scores > worst + slack).sum())
        tied = int((np.abs(scores - worst) <= slack).sum())
        recalls[row] = (strict + min(tied, truth.k - better)) / truth.k
    return recalls


def latency(
    searches: Mapping[str, Callable[[FloatArray], object]], queries: FloatArray, rounds: int = 5
) -> pd.DataFrame:
    """Time each search one query at a time on one thread, round-robin, so that a slow minute hurts all alike.

    Parameters
    ----------
    searches
        By name: a function that answers a ``(1, d) float32`` query.
    queries
        ``(queries, d) float32``; all are asked in every round, after a warm-up round that is not counted.
    rounds
        How often every search is timed.

    Returns
    -------
    pandas.DataFrame
        A row for each search: ``p50_us``, ``p95_us``, ``p99_us`` (medians over rounds, microseconds),
        ``p50_low_us`` and ``p50_high_us`` (the fastest and slowest round's p50), ``count`` (timed queries).
    """
    faiss_threads = _pin_faiss(1)
    try:
        with threadpool_limits(1):
            times = {name: np.empty((rounds, len(queries))) for name in searches}
            for turn in range(-1, rounds):
                for name, search in searches.items():
                    for row in range(len(queries)):
                        query = queries[row : row + 1]
                        began = time.perf_counter_ns()
                        search(query)
                        if turn >= 0:
                            times[name][turn, row] = time.perf_counter_ns() - began
    finally:
        _pin_faiss(faiss_threads)
    rows = []
    for name, taken in times.items():
        p50, p95, p99 = np.quantile(taken / 1e3, [0.5, 0.95, 0.99], axis=1)
        rows.append(
            {
                "search": name,
                "p50_us": np.median(p50),
                "p95_us": np.median(p95),
                "p99_us": np.median(p99),
                "p50_low_us": p50.min(),
                "p50_high_us": p50.max(),
                "count": taken.size,
            }
        )
    return pd.DataFrame(rows).set_index("search")


def _pin_faiss(threads: int) -> int:
    """Set FAISS's threads and return how many there were; threadpoolctl does not reach its OpenMP everywhere."""
    import faiss

    before = int(faiss.omp_get_max_threads())
    faiss.omp_set_num_threads(threads)
    return before
