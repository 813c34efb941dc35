"""What every index can do, whatever library it is of."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import faiss

from workbench.ann.indexes.database import Database
from workbench.ann.memory import formula_bytes
from workbench.ann.specs import IndexSpec, Settings
from workbench.corpora import check_dimensions
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Metric

__all__ = ["Index", "Stopwatch", "check_lines", "threads_set"]


class Index(ABC):
    """An index of a database; ``build_index`` makes it.

    Attributes
    ----------
    spec
        What it is and how it was built, without search settings.
    database
        The vectors that it indexes; refinements and Flat read them.
    train_s, add_s
        Seconds of training and of adding. A k-means that was shared counts in full, as if made for this index alone.
    """

    def __init__(self, spec: IndexSpec, database: Database, train_s: float, add_s: float) -> None:
        self.spec = spec.built()
        self.database = database
        self.train_s = train_s
        self.add_s = add_s

    @property
    def metric(self) -> Metric:
        """The metric of the database."""
        return self.database.metric

    @property
    def n(self) -> int:
        """Vectors in it."""
        return self.database.n

    @property
    def d(self) -> int:
        """Dimensions of them."""
        return self.database.d

    @property
    def fingerprint(self) -> str:
        """What identifies the vectors that it holds."""
        return self.database.fingerprint

    def search(self, queries: FloatArray, k: int, search: Settings = ()) -> IntArray:
        """Rows of the database that it finds, in one batch, on as many threads as FAISS is set to.

        Parameters
        ----------
        queries
            ``(q, d) float32`` as ``Database.prepare`` hands them back.
        k
            Neighbours of each.
        search
            Search settings; those not named are as the library has them.

        Returns
        -------
        IntArray
            ``(q, k) int64`` rows, best first by what the index knows; -1 where it found fewer.

        Raises
        ------
        InputError
            ``k`` is not between 1 and ``n``, or a setting that this index does not have.
        VectorError
            Queries of another dimension.
        """
        self._check(queries, k, search)
        return self._batch(queries, k, search)

    def searcher(self, k: int, search: Settings = ()) -> Callable[[FloatArray], object]:
        """The bare call of the library for a ``(1, d) float32`` prepared query, for timing: nothing is checked in it.

        Raises
        ------
        InputError
            As ``search``.
        """
        self._check(None, k, search)
        return self._single(k, search)

    def distances(self, queries: FloatArray, k: int, search: Settings = ()) -> float:
        """Distances computed for a query on average, centroids and refinement included; NaN: the library does not say.

        Raises
        ------
        InputError, VectorError
            As ``search``.
        """
        self._check(queries, k, search)
        return self._count(queries, k, search)

    def compared(self, k: int, search: Settings = ()) -> int:
        """How many of its best are compared by their own vectors, for ``k`` neighbours: ``k`` without a refinement."""
        return min(k * int(dict(search).get("k_factor", 1)), self.n) if self.spec.parts.refine else k

    @property
    def memory_bytes(self) -> int:
        """Bytes by the formula of ``memory.formula_bytes``."""
        return formula_bytes(self.spec, self.n, self.d, self.metric)

    @property
    @abstractmethod
    def serialized_bytes(self) -> int:
        """Bytes of the library's own file of it, the vectors of a refinement (``4 * n * d``) added."""

    @abstractmethod
    def write(self, file: IO[bytes]) -> None:
        """Write what cannot be had from the database again: nothing for Flat, the base alone for a refinement."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds, folders on disk included; it cannot be searched any more."""

    @abstractmethod
    def _batch(self, queries: FloatArray, k: int, search: Settings) -> IntArray: ...

    @abstractmethod
    def _single(self, k: int, search: Settings) -> Callable[[FloatArray], object]: ...

    def _count(self, queries: FloatArray, k: int, search: Settings) -> float:
        return float("nan")

    def _check(self, queries: FloatArray | None, k: int, search: Settings) -> None:
        self.spec.with_search(**dict(search))
        if not 1 <= k <= self.n:
            raise InputError(f"k={k:,} neighbours were asked of {self.n:,} vectors", f"Use k from 1 to {self.n:,}.")
        if queries is not None:
            check_lines(queries, self.d)


def check_lines(vectors: FloatArray, d: int, what: str = "the queries") -> None:
    """Refuse vectors that are not a line each, with an InputError, or of other dimensions, with a VectorError."""
    if vectors.ndim != 2:
        raise InputError(f"{what} have shape {vectors.shape}", f"Pass an array of (number, {d}), one line for each.")
    check_dimensions(vectors.shape[1], d, what)


class Stopwatch:
    """Seconds of the stages of a build."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap, or since the beginning."""
        before, self._last = self._last, time.perf_counter()
        return self._last - before


@contextmanager
def threads_set(threads: int | None) -> Iterator[int]:
    """Let FAISS use so many threads inside the block; None leaves them as they are."""
    before = int(faiss.omp_get_max_threads())
    if threads is not None:
        faiss.omp_set_num_threads(threads)
    try:
        yield int(faiss.omp_get_max_threads())
    finally:
        faiss.omp_set_num_threads(before)
