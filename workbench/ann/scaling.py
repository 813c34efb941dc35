"""How the time of an exact scan grows: measured for any shape of database, fitted, and carried further with doubt."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.ann.limits import allocate
from workbench.ann.threads import pinned
from workbench.errors import InputError
from workbench.intervals import Interval
from workbench.records import FloatArray

__all__ = ["ScalingFit", "fit_scaling", "scan_summary", "scan_times", "spanning"]

_RESAMPLES = 4000
_FEWEST = 3  # points of which a line can be wrong

_Array64 = NDArray[np.float64]


def scan_times(
    scans: Sequence[tuple[int, int, int]],
    *,
    memory: FloatArray | None = None,
    k: int = 10,
    threads: int = 1,
    rounds: int = 5,
    product_only: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Time exact searches by FAISS, in turn in every round, so that a slow minute hurts all alike.

    Every database is a view on one stretch of memory, so none is copied. ``scan_summary`` makes one row of each scan.

    Parameters
    ----------
    scans
        ``(n, d, queries)``: so many vectors of so many dimensions, so many queries in one call.
    memory
        ``(floats,) float32`` that holds the largest, as ``allocate`` makes it; None makes it.
    k
        Neighbours of each query, by inner product.
    threads
        For FAISS and BLAS while it is measured. FAISS shares queries out among threads: one query uses one.
    rounds
        Timed calls of each, after one that is not counted.
    product_only
        Time NumPy's matrix product of queries and vectors instead, which finds no neighbours: what the arithmetic
        alone takes.
    seed
        Of the queries.

    Returns
    -------
    pandas.DataFrame
        A row for each scan and round: ``n``, ``d``, ``queries``, ``round``, ``seconds`` of the call, ``query_ms`` of
        one query of it, ``gb`` (10^9 bytes of the vectors, ``4 n d``), ``gflop`` (10^9 operations of the call,
        ``2 n d queries``), ``gflop_s``.

    Raises
    ------
    InputError
        No scan, a shape below 1, ``k`` above the smallest ``n``, or memory that is too small.
    """
    import faiss

    if not scans or rounds < 1:
        raise InputError(f"{len(scans)} scans in {rounds} rounds measure nothing", "Pass at least one of each.")
    for n, d, queries in scans:
        if min(n, d, queries) < 1 or not 1 <= k <= n:
            raise InputError(
                f"{queries:,} queries for {k} of {n:,} vectors of {d} dimensions make no search",
                "Pass (n, d, queries) of at least 1 each, and k of at most n.",
            )
    largest = max(n * d for n, d, _ in scans)
    floats = allocate(largest) if memory is None else memory
    if floats.size < largest:
        raise InputError(
            f"{floats.size:,} numbers in memory do not hold a database of {largest:,}",
            "Allocate the largest n * d.",
        )
    rng = np.random.default_rng(seed)
    asked = [rng.standard_normal((queries, d), dtype=np.float32) for _, d, queries in scans]
    rows = []
    with pinned(threads):
        for turn in range(-1, rounds):
            for (n, d, queries), queried in zip(scans, asked, strict=True):
                database = floats[: n * d].reshape(n, d)
                products = np.empty((queries, n) if product_only else (0, 0), dtype=np.float32)
                products.fill(0)  # its pages exist before the clock starts
                began = time.perf_counter_ns()
                if product_only:
                    np.matmul(queried, database.T, out=products)
                else:
                    faiss.knn(queried, database, k, metric=faiss.METRIC_INNER_PRODUCT)
                taken = time.perf_counter_ns() - began
                if turn >= 0:
                    rows.append((n, d, queries, turn, taken / 1e9))
    table = pd.DataFrame(rows, columns=["n", "d", "queries", "round", "seconds"])
    size = table["n"].astype(np.float64) * table["d"]
    return table.assign(
        query_ms=1e3 * table["seconds"] / table["queries"],
        gb=4 * size / 1e9,
        gflop=2 * size * table["queries"] / 1e9,
        gflop_s=2 * size * table["queries"] / 1e9 / table["seconds"],
    )


def scan_summary(times: pd.DataFrame, series: str = "") -> pd.DataFrame:
    """One row for each scan: the median of its rounds, and the fastest and the slowest.

    Parameters
    ----------
    times
        What ``scan_times`` measured.
    series
        A name for all of them, as figures want it.

    Returns
    -------
    pandas.DataFrame
        ``series``, ``label``, ``n``, ``d``, ``queries``, ``gb``, ``seconds`` of one query, ``low``, ``high``,
        ``query_ms``, ``gflop_s``.
    """
    one = times.assign(one=times["seconds"] / times["queries"])
    found = one.groupby(["n", "d", "queries"], sort=False, as_index=False).agg(
        gb=("gb", "first"), seconds=("one", "median"), low=("one", "min"), high=("one", "max"),
        query_ms=("query_ms", "median"), gflop_s=("gflop_s", "median"),
    )  # fmt: skip
    shape = [f"{row.n:,} × {row.d:,}" for row in found.itertuples()]
    found.insert(0, "label", shape)
    found.insert(0, "series", series)
    return found


@dataclass(frozen=True, eq=False)
class ScalingFit:
    """A power law, ``seconds = factor * work ** exponent``, and how far it may be wrong.

    Attributes
    ----------
    factor
        Seconds at a work of 1, on the fitted line.
    exponent
        With its 95 % interval; the ends are equal where it was given and not fitted.
    scatter
        Typical ratio of a measured time to the line, above 1: 1.05 is 5 % off, up or down.
    smallest, largest
        The range of work that was measured: beyond it is extrapolation.
    """

    factor: float
    exponent: Interval
    scatter: float
    smallest: float
    largest: float
    _intercepts: _Array64 = field(repr=False)
    _exponents: _Array64 = field(repr=False)
    _errors: _Array64 = field(repr=False)

    def seconds(self, work: float) -> Interval:
        """Predicted seconds of one new measurement at this work, with its 95 % prediction interval.

        It holds the doubt of the line and the scatter of points about it; not that another law may hold out there.
        """
        line = np.log(self.factor) + self.exponent.mean * np.log(work)
        return _ends(line, self._intercepts + self._exponents * np.log(work) + self._errors)

    def work(self, seconds: float) -> Interval:
        """How much work takes so many seconds, with the same doubt."""
        line = (np.log(seconds) - np.log(self.factor)) / self.exponent.mean
        return _ends(line, (np.log(seconds) - self._intercepts - self._errors) / self._exponents)

    def extrapolates(self, work: float) -> bool:
        """Whether so much work is outside what was measured."""
        return not self.smallest <= work <= self.largest


def fit_scaling(work: ArrayLike, seconds: ArrayLike, *, exponent: float | None = None, seed: int = 0) -> ScalingFit:
    """Fit a power law by least squares on the logarithms, where an error is a share of the time.

    The interval is a bootstrap: rounds are drawn with replacement, all points of a round together, since a slow
    minute slows all of them; the leverage-corrected residuals of their medians are drawn with replacement, the line
    is fitted again, and one more residual is the error of a new point.

    Parameters
    ----------
    work
        ``(points,)`` such as ``n * d``, at least three, all above 0.
    seconds
        ``(points,)``, or ``(rounds, points)`` of which each point's median counts, all above 0.
    exponent
        1 where the time is known to be proportional to the work; None fits it.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        Shapes that do not match, fewer than three points, a value that is not finite and above 0, one work only
        where an exponent is to be fitted, or an exponent that is not above 0.

    References
    ----------
    A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), algorithm 6.4.
    """
    x, y = np.asarray(work, dtype=np.float64), np.atleast_2d(np.asarray(seconds, dtype=np.float64))
    if x.ndim != 1 or y.ndim != 2 or y.shape[1] != len(x) or len(x) < _FEWEST:
        raise InputError(
            f"times of shape {y.shape} for work of shape {x.shape} cannot be fitted",
            f"Pass (rounds, points) times of at least {_FEWEST} points.",
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all() and (y > 0).all()):
        raise InputError("work or time that is not finite and above 0 has no logarithm", "Leave such points out.")
    if exponent is None and len(np.unique(x)) < 2:
        raise InputError(f"every point has the work {x[0]:g}", "Measure at least two, or give the exponent.")
    if exponent is not None and not 0 < exponent < np.inf:
        raise InputError(f"an exponent of {exponent:g} does not grow", "Use 1 for a time proportional to the work.")
    logs, times = np.log(x), np.log(y)
    centred, share = logs - logs.mean(), np.full(len(x), 1 / len(x))
    if exponent is None:
        share = share + centred**2 / (centred @ centred)

    def fitted(taken: _Array64) -> tuple[_Array64, _Array64]:
        """Intercepts and exponents of ``(draws, points)`` logarithms of times."""
        slopes = taken @ centred / (centred @ centred) if exponent is None else np.full(len(taken), exponent)
        return taken.mean(axis=1) - slopes * logs.mean(), slopes

    rng = np.random.default_rng(seed)
    middle = np.median(times, axis=0)
    intercepts, slopes = fitted(middle[None])
    intercept, slope = float(intercepts[0]), float(slopes[0])
    residuals = (middle - intercept - slope * logs) / np.sqrt(1 - share).clip(min=1e-6)
    residuals -= residuals.mean()
    drawn = np.median(times[rng.integers(len(times), size=(_RESAMPLES, len(times)))], axis=1)
    drift = (drawn - middle).mean(axis=1)  # what the rounds that were drawn do to all points
    again = intercept + slope * logs + drift[:, None] + rng.choice(residuals, size=(_RESAMPLES, len(x)))
    intercepts, slopes = fitted(again)
    ends = np.quantile(slopes, [0.025, 0.975])
    return ScalingFit(
        factor=float(np.exp(intercept)),
        exponent=Interval(slope, float(ends[0]), float(ends[1])),
        scatter=float(np.exp(np.sqrt((residuals**2).mean()))),
        smallest=float(x.min()),
        largest=float(x.max()),
        _intercepts=intercepts,
        _exponents=slopes,
        _errors=rng.choice(residuals, size=_RESAMPLES),
    )


def spanning(first: Interval, *others: Interval) -> Interval:
    """The first prediction, with ends that hold all of the intervals.

    It says how far several ways of fitting disagree. Of 95 % intervals it is no 95 % interval: it covers more often.
    """
    every = (first, *others)
    return Interval(first.mean, min(each.low for each in every), max(each.high for each in every))


def _ends(line: float, draws: _Array64) -> Interval:
    """A value and the ends of its draws, from their logarithms."""
    low, high = np.exp(np.quantile(draws, [0.025, 0.975]))
    return Interval(float(np.exp(line)), float(low), float(high))
