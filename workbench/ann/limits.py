"""The best that was seen of this machine: bytes read from memory and float32 operations, without any search."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.threads import pinned
from workbench.errors import InputError
from workbench.intervals import Interval
from workbench.records import FloatArray

__all__ = ["MachineLimits", "allocate", "machine_limits", "usable_cores"]

_BLOCK = 2**22  # random floats (16 MB) that are repeated: a scan reads them all the same
_SIDE = 1024  # of the square matrices: 4 MB each, large enough for the product to run at its full rate
_SPARE = 0.8  # of the free memory may be taken


@dataclass(frozen=True)
class MachineLimits:
    """What NumPy got out of this machine, on one thread and on all: reading without searching, and multiplying.

    Each is the fastest of the rounds, since a limit is what the machine can do and not what it mostly did; the lower
    end of its interval is the slowest round. They are the best that was seen and no law: minutes differ, and another
    library may read faster. ``raised`` takes in what scans reached.

    Attributes
    ----------
    threads
        How many ``all`` means.
    read_one, read_all
        Bytes read from memory per second.
    compute_one, compute_all
        Floating-point operations per second of a float32 matrix product; a multiply-add is two.
    """

    threads: int
    read_one: Interval
    read_all: Interval
    compute_one: Interval
    compute_all: Interval

    def read_seconds(self, n: int, d: int, threads: int = 1) -> float:
        """Seconds to read ``n`` float32 vectors of ``d`` dimensions once: ``4 n d`` bytes."""
        return 4 * n * d / (self.read_one if threads == 1 else self.read_all).mean

    def compute_seconds(self, n: int, d: int, threads: int = 1) -> float:
        """Seconds of the arithmetic of one query against ``n`` vectors of ``d`` dimensions: ``2 n d`` operations."""
        return 2 * n * d / (self.compute_one if threads == 1 else self.compute_all).mean

    def raised(self, scans: pd.DataFrame) -> "MachineLimits":
        """The same limits, raised to the fastest of the scans where one beat them: a limit that was passed is none.

        Parameters
        ----------
        scans
            Of one thread, as ``scan_summary`` gives them: ``gb``, ``queries``, and ``low``, the fastest seconds of one
            query. A call reads its vectors at least once, and a query does two operations for each number.
        """
        low = scans["low"].to_numpy(np.float64)
        size, queries = scans["gb"].to_numpy(np.float64) * 1e9, scans["queries"].to_numpy(np.float64)
        read, compute = float((size / (low * queries)).max()), float((size / 2 / low).max())

        def at_least(limit: Interval, rate: float) -> Interval:
            return limit if rate <= limit.high else Interval(rate, limit.low, rate)

        return MachineLimits(
            self.threads,
            at_least(self.read_one, read),
            at_least(self.read_all, read),
            at_least(self.compute_one, compute),
            at_least(self.compute_all, compute),
        )

    def table(self) -> pd.DataFrame:
        """``limit``, ``threads``, ``fastest``, ``slowest`` and ``unit``, one row for each rate."""
        rates = (
            ("reading memory", 1, self.read_one, "GB/s"),
            ("reading memory", self.threads, self.read_all, "GB/s"),
            ("matrix product", 1, self.compute_one, "GFLOP/s"),
            ("matrix product", self.threads, self.compute_all, "GFLOP/s"),
        )
        return pd.DataFrame(
            [
                {"limit": what, "threads": threads, "fastest": rate.high / 1e9, "slowest": rate.low / 1e9, "unit": unit}
                for what, threads, rate, unit in rates
            ]
        )


def machine_limits(memory: FloatArray | None = None, rounds: int = 5) -> MachineLimits:
    """Measure the limits, on one thread and on all, in turn, so that a slow moment hurts all alike.

    Reading is a maximum and a sum of squares over memory that no cache holds, a part for each thread, and the faster
    of the two counts; arithmetic is a product of two square float32 matrices of 1,024. Neither uses the library that
    searches.

    Parameters
    ----------
    memory
        ``(floats,) float32`` to read, as ``allocate`` makes it; None makes 512 MB. What fits into a cache measures
        the cache.
    rounds
        Timed passes of each, after one that is not counted.

    Raises
    ------
    InputError
        No round, no memory to read, or not enough of it free.
    """
    if rounds < 1:
        raise InputError(f"{rounds} rounds measure nothing", "Take at least one.")
    floats = allocate(2**27) if memory is None else memory
    if floats.ndim != 1 or floats.size < 1:
        raise InputError(f"memory of shape {floats.shape} cannot be read as one stretch", "Pass (floats,) float32.")
    cores = usable_cores()
    left, right = allocate(_SIDE**2).reshape(_SIDE, _SIDE), allocate(_SIDE**2, seed=1).reshape(_SIDE, _SIDE)
    product = np.empty_like(left)
    with ThreadPoolExecutor(cores) as pool:
        parts = np.array_split(floats, min(cores, floats.size))

        def read(kernel: Callable[[FloatArray], object], of: list[FloatArray]) -> Callable[[], object]:
            return lambda: list(pool.map(kernel, of))

        def multiply() -> object:
            return np.matmul(left, right, out=product)

        works = [
            *((read(kernel, [floats]), 1, floats.nbytes) for kernel in (np.max, _squares)),
            *((read(kernel, parts), 1, floats.nbytes) for kernel in (np.max, _squares)),  # a thread for each part
            *((multiply, threads, 2 * _SIDE**3) for threads in (1, cores)),
        ]
        rates = _rates(works, rounds)
    # a round's rate is that of its faster kernel
    best = (rates[0:2].max(axis=0), rates[2:4].max(axis=0), rates[4], rates[5])
    ends = [Interval(float(of.max()), float(of.min()), float(of.max())) for of in best]
    return MachineLimits(cores, *ends)


def allocate(floats: int, seed: int = 0) -> FloatArray:
    """So many float32 numbers in memory, standard normal, of which a block of 4 million is repeated.

    Any ``(n, d)`` with ``n d`` at most ``floats`` is a view on them: ``floats[: n * d].reshape(n, d)``. How long an
    exact scan takes does not depend on what it reads.

    Raises
    ------
    InputError
        None was asked for, or more than four fifths of the free memory holds.
    """
    import psutil

    if floats < 1:
        raise InputError(f"{floats} numbers take no memory", "Ask for at least one.")
    free = int(psutil.virtual_memory().available)
    if 4 * floats > _SPARE * free:
        raise InputError(
            f"{4 * floats / 2**30:.1f} GiB were asked for and {free / 2**30:.1f} GiB are free",
            f"Ask for at most {_SPARE * free / 2**30:.1f} GiB.",
        )
    block = np.random.default_rng(seed).standard_normal(min(floats, _BLOCK), dtype=np.float32)
    memory = np.empty(floats, dtype=np.float32)
    starts = range(0, floats, len(block))
    with ThreadPoolExecutor(usable_cores()) as pool:  # the first touch of a page costs more than its copy

        def fill(start: int) -> None:
            part = memory[start : start + len(block)]
            part[:] = block[: len(part)]

        list(pool.map(fill, starts))
    return memory


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _squares(floats: FloatArray) -> float:
    """Sum of squares, by BLAS."""
    return float(np.dot(floats, floats))


def _rates(works: Sequence[tuple[Callable[[], object], int, int]], rounds: int) -> NDArray[np.float64]:
    """Units per second of each work in each round, ``(works, rounds)``; a work is a call, its threads, its units."""
    rates = np.empty((len(works), rounds))
    for turn in range(-1, rounds):
        for place, (work, threads, units) in enumerate(works):
            with pinned(threads):
                began = time.perf_counter_ns()
                work()
                taken = time.perf_counter_ns() - began
            if turn >= 0:
                rates[place, turn] = units / taken * 1e9
    return rates
