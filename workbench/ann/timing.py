"""How long an answer takes: one query on one thread in interleaved rounds, batches on all threads, an open loop."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.threads import pinned
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["latency", "open_loop", "summarise", "throughput", "time_queries"]

_WARM_UP = 20  # queries; the working set of the last contender has left the caches by then
_SPIN_NS = 2_000_000  # a sleep may end this late, so the last part of every wait is spent looking at the clock

Search = Callable[[FloatArray], object]


def time_queries(search: Search, queries: FloatArray, *, warm_up: int = _WARM_UP) -> IntArray:
    """Nanoseconds that ``search`` takes for each query, asked one at a time: a closed loop.

    Nothing but the call stands between two looks at ``time.perf_counter_ns``. The caller has pinned the threads, with
    :func:`pinned`, and decides the order of contenders.

    Parameters
    ----------
    search
        Answers a ``(1, d) float32`` query.
    queries
        ``(queries, d) float32``.
    warm_up
        Queries asked first and not counted: the first ones, again and again where there are fewer.

    Returns
    -------
    numpy.ndarray
        ``(queries,) int64``, in the order of the queries.

    Raises
    ------
    InputError
        There are no queries.
    """
    single = _one_by_one(queries)
    taken = np.empty(len(single), dtype=np.int64)
    for row in range(warm_up):
        search(single[row % len(single)])
    clock = time.perf_counter_ns
    for row, query in enumerate(single):
        began = clock()
        search(query)
        taken[row] = clock() - began
    return taken


def summarise(times: NDArray[np.number]) -> dict[str, float | int]:
    """Percentiles of timed rounds: the columns ``p50_us`` to ``timed`` of ``COLUMNS``, all from the same runs.

    Parameters
    ----------
    times
        ``(rounds, queries)`` nanoseconds, a row from each call of :func:`time_queries`.

    Returns
    -------
    dict
        Percentiles within a round, then their median over rounds, in microseconds; the p50 of the fastest and of the
        slowest round; the number of timed queries. Without any, that is 0 and the others are NaN.
    """
    if not times.size:
        none = dict.fromkeys(("p50_us", "p95_us", "p99_us", "p50_low_us", "p50_high_us"), float("nan"))
        return {**none, "timed": 0}
    p50, p95, p99 = np.quantile(np.atleast_2d(times) / 1e3, [0.5, 0.95, 0.99], axis=1)
    return {
        "p50_us": float(np.median(p50)),
        "p95_us": float(np.median(p95)),
        "p99_us": float(np.median(p99)),
        "p50_low_us": float(p50.min()),
        "p50_high_us": float(p50.max()),
        "timed": int(times.size),
    }


def latency(searches: Mapping[str, Search], queries: FloatArray, rounds: int = 5) -> pd.DataFrame:
    """Time each search one query at a time on one thread, round-robin, so that a slow minute hurts all alike.

    Parameters
    ----------
    searches
        By name: a function that answers a ``(1, d) float32`` query.
    queries
        ``(queries, d) float32``; all are asked in every round, after a warm-up round that is not counted, and after
        the first of them again, uncounted, since another search has had the caches. The order of the searches turns
        from round to round, so that none always follows the same other.
    rounds
        How often every search is timed.

    Returns
    -------
    pandas.DataFrame
        A row for each search: ``p50_us``, ``p95_us``, ``p99_us`` (medians over rounds, microseconds),
        ``p50_low_us`` and ``p50_high_us`` (the fastest and slowest round's p50), ``count`` (timed queries).

    Raises
    ------
    InputError
        There are no queries, or there is no round to time them in.
    """
    if rounds < 1:
        raise InputError(f"nothing can be timed in {rounds} rounds", "Time at least one round.")
    names = list(searches)
    times: dict[str, list[IntArray]] = {name: [] for name in names}
    with pinned(1):
        for search in searches.values():
            time_queries(search, queries, warm_up=0)
        for turn in range(rounds):
            first = turn % max(1, len(names))
            for name in names[first:] + names[:first]:
                times[name].append(time_queries(searches[name], queries, warm_up=min(_WARM_UP, len(queries))))
    rows = [{"search": name, **summarise(np.stack(taken))} for name, taken in times.items()]
    columns = ["search", "p50_us", "p95_us", "p99_us", "p50_low_us", "p50_high_us", "timed"]
    return pd.DataFrame(rows, columns=columns).rename(columns={"timed": "count"}).set_index("search")


def throughput(search: Search, queries: FloatArray, threads: int, *, rounds: int = 3) -> float:
    """Queries a second when all are asked at once, on ``threads`` threads: median of rounds after an uncounted one.

    A batch lets a library share work between queries and threads (FAISS multiplies matrices for Flat), so this is
    another quantity than one over a latency, in a column of its own.

    Parameters
    ----------
    search
        Answers ``(queries, d) float32`` at once.
    queries
        ``(queries, d) float32``.
    threads
        Threads of every pool; a library that takes its own count must be given the same one by ``search``.
    rounds
        Timed batches.

    Raises
    ------
    InputError
        There are no queries, no round or no thread.
    """
    if not len(queries) or rounds < 1:
        what = f"{len(queries):,} queries in {rounds} rounds have no throughput"
        raise InputError(what, "Ask at least one query in one round.")
    batch = np.ascontiguousarray(queries, dtype=np.float32)
    seconds = []
    with pinned(threads):
        search(batch)
        for _ in range(rounds):
            began = time.perf_counter_ns()
            search(batch)
            seconds.append((time.perf_counter_ns() - began) / 1e9)
    return len(batch) / float(np.median(seconds))


def open_loop(search: Search, queries: FloatArray, rate: float, seconds: float, *, seed: int = 0) -> pd.DataFrame:
    """Latency where queries arrive by themselves: each is counted from its scheduled arrival, not from when it began.

    A closed loop asks the next query when the last is answered, so a stall delays one query; in service it delays all
    that arrive meanwhile. Leaving that out is called coordinated omission (G. Tene, How NOT to Measure Latency). Here
    arrivals are a Poisson process of ``rate`` a second, and one thread answers them in turn.

    Parameters
    ----------
    search
        Answers a ``(1, d) float32`` query.
    queries
        ``(queries, d) float32``, asked in turn, again from the first where the run outlasts them.
    rate
        Arrivals a second, on average.
    seconds
        Length of the run. What has arrived and is unanswered at its end is kept, with what it has waited so far.
    seed
        Of the arrivals.

    Returns
    -------
    pandas.DataFrame
        A row for each arrival: ``query`` (its row), ``arrival_s``, ``waited_us`` until it was begun, ``service_us``
        as a closed loop would count it, ``latency_us`` = both together, ``answered``. Where that is False,
        ``service_us`` is NaN and ``latency_us`` a lower bound.

    Raises
    ------
    InputError
        There are no queries, or the rate or the length is not positive.
    """
    if not (0 < rate < float("inf") and 0 < seconds < float("inf")):
        raise InputError(f"nothing arrives at {rate} a second in {seconds} s", "Give a positive rate and length.")
    single = _one_by_one(queries)
    rng, gaps = np.random.default_rng(seed), max(16, int(2 * rate * seconds))
    arrivals = rng.exponential(1 / rate, gaps).cumsum()
    while arrivals[-1] < seconds:
        arrivals = np.concatenate([arrivals, arrivals[-1] + rng.exponential(1 / rate, gaps).cumsum()])
    due = (arrivals[arrivals < seconds] * 1e9).astype(np.int64)
    begun, ended = np.full(len(due), -1, dtype=np.int64), np.full(len(due), -1, dtype=np.int64)
    last = int(seconds * 1e9)
    with pinned(1):
        for row in range(_WARM_UP):
            search(single[row % len(single)])
        start = time.perf_counter_ns()
        for row, at in enumerate(due.tolist()):
            now = _wait_until(start + at) - start
            if now >= last:
                break
            search(single[row % len(single)])
            begun[row], ended[row] = now, time.perf_counter_ns() - start
    answered = ended >= 0
    return pd.DataFrame(
        {
            "query": np.arange(len(due)) % len(single),
            "arrival_s": due / 1e9,
            "waited_us": (np.where(answered, begun, last) - due) / 1e3,
            "service_us": np.where(answered, (ended - begun) / 1e3, np.nan),
            "latency_us": (np.where(answered, ended, last) - due) / 1e3,
            "answered": answered,
        }
    )


def _wait_until(moment: int) -> int:
    """Wait for a time of ``time.perf_counter_ns``, and return the time that it is then."""
    while (now := time.perf_counter_ns()) < moment:
        if moment - now > _SPIN_NS:
            time.sleep((moment - now - _SPIN_NS) / 1e9)
    return now


def _one_by_one(queries: FloatArray) -> list[FloatArray]:
    """Queries as ``(1, d)`` views that no library needs to copy."""
    if not len(queries):
        raise InputError("there are no queries to time", "Ask at least one.")
    rows = np.ascontiguousarray(queries, dtype=np.float32)
    return [rows[row : row + 1] for row in range(len(rows))]
