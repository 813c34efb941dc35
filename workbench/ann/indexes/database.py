"""The searched vectors, once in memory, and what all indexes of them share."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import faiss
import numpy as np
from numpy.typing import ArrayLike

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.errors import InputError
from workbench.geometry import larger_is_better, normalize
from workbench.records import FloatArray, IntArray, Metric

__all__ = ["FAISS_SEED", "Coarse", "Database", "faiss_metric", "row_blocks"]

FAISS_SEED = 1234  # of FAISS's k-means (Clustering.h); the seeds of a database count from it
_BYTES_AT_ONCE = 16 << 20  # of a copy of some rows


def faiss_metric(metric: Metric) -> int:
    """FAISS's number of a metric: inner product for cosine (of unit rows) and dot product, L2 for Euclidean."""
    return int(faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT)


@dataclass(frozen=True, eq=False)
class Coarse:
    """A k-means of the vectors, and the list that each belongs to.

    Parameters
    ----------
    centroids
        ``(nlist, d) float32``; of unit length for inner products, as FAISS trains them.
    lists
        ``(n,) int64``: the nearest centroid of each vector.
    train_s, assign_s
        Seconds that the k-means and the assignment took.
    """

    centroids: FloatArray
    lists: IntArray
    train_s: float
    assign_s: float

    @property
    def seconds(self) -> float:
        """What an index that shares it did not have to pay again."""
        return self.train_s + self.assign_s


class Database:
    """Vectors to search, prepared for a metric and kept once, inside a ``faiss.IndexFlat`` that indexes share.

    Flat is that index; every refinement (``RFlat``) compares with it; ``array`` looks at its memory.

    Parameters
    ----------
    array
        ``(n, d)`` numbers, memory maps included. Float32 rows are read block by block, never copied as a whole but
        into this database; another number format is converted first, which takes another copy while this runs.
    metric
        ``"cosine"`` (rows are kept at unit length), ``"dot"`` or ``"euclidean"``.
    rows
        Rows of ``array`` to take, in this order; None takes all. Those left out are not copied.
    fingerprint
        What identifies the vectors; None takes the SHA-256 of shape, metric and values.
    seed
        Of the k-means of ``coarse``; 0 is FAISS's own.

    Raises
    ------
    InputError
        An unknown metric.
    VectorError
        What ``corpora.as_vectors_array`` refuses: NaN, a zero row under cosine, ragged rows.
    """

    def __init__(
        self,
        array: ArrayLike,
        metric: Metric,
        *,
        rows: IntArray | None = None,
        fingerprint: str | None = None,
        seed: int = 0,
    ) -> None:
        larger_is_better(metric)  # refuses an unknown one
        given = as_vectors_array(array, metric)
        self._begin(len(given) if rows is None else len(rows), given.shape[1], metric, seed)
        digest = hashlib.sha256(f"{self.n, self.d} {metric} ".encode())
        for at in row_blocks(self.n, self.d):
            block = given[at] if rows is None else given[rows[at]]
            if fingerprint is None:
                digest.update(np.ascontiguousarray(block).data)
            self._writable[at] = normalize(block) if metric == "cosine" else block
        self.fingerprint: str = fingerprint if fingerprint is not None else digest.hexdigest()

    def _begin(self, n: int, d: int, metric: Metric, seed: int) -> None:
        self.n, self.d, self.metric, self.seed = n, d, metric, seed
        self.flat = faiss.IndexFlat(d, faiss_metric(metric))
        self.flat.codes.resize(4 * n * d)  # once, at full size: adding in blocks would grow it by copies
        self.flat.ntotal = n
        self._writable = _view(self.flat, n, d)
        self._coarse: dict[int, Coarse] = {}
        self._lock = threading.Lock()

    @cached_property
    def array(self) -> FloatArray:
        """``(n, d) float32``, read-only: the rows as they are compared, a view on the memory of ``flat``."""
        view = self._writable.view()
        view.flags.writeable = False
        return view

    def prepare(self, queries: ArrayLike) -> FloatArray:
        """Queries as the indexes of this database want them: ``(q, d) float32``, contiguous, unit rows under cosine.

        Raises
        ------
        VectorError
            Another dimension, NaN, or a zero row under cosine.
        """
        asked = as_vectors_array(queries, self.metric)
        check_dimensions(asked.shape[1], self.d, "the queries", "the database")
        return np.ascontiguousarray(normalize(asked), dtype=np.float32) if self.metric == "cosine" else asked

    def coarse(self, nlist: int) -> Coarse:
        """The k-means of ``nlist`` centroids that FAISS itself would train for IVF, made once and remembered.

        Raises
        ------
        InputError
            ``nlist`` is not between 1 and the number of vectors.
        """
        if not 1 <= nlist <= self.n:
            raise InputError(f"nlist={nlist:,} lists of {self.n:,} vectors", f"Use nlist from 1 to {self.n:,}.")
        with self._lock:
            if nlist not in self._coarse:
                self._coarse[nlist] = self._train(nlist)
            return self._coarse[nlist]

    def coarse_seconds(self, nlist: int) -> float:
        """Seconds that the k-means of ``nlist`` took; 0 where none was trained, as for an index read from a file."""
        return self._coarse[nlist].seconds if nlist in self._coarse else 0.0

    def sample(self, rows: int, seed: int = 0) -> "Database":
        """A database of ``rows`` of these vectors, drawn without replacement, in their order.

        Raises
        ------
        InputError
            ``rows`` is not between 1 and the number of vectors.
        """
        if not 1 <= rows <= self.n:
            raise InputError(f"a sample of {rows:,} rows of {self.n:,} vectors", f"Use 1 to {self.n:,} rows.")
        drawn = np.sort(np.random.default_rng(seed).choice(self.n, rows, replace=False))
        sample = type(self).__new__(type(self))
        sample._begin(rows, self.d, self.metric, self.seed)
        np.take(self.array, drawn, axis=0, out=sample._writable)
        digest = hashlib.sha256(f"{self.fingerprint} ".encode() + drawn.astype("<i8").tobytes())
        sample.fingerprint = digest.hexdigest()
        return sample

    def _train(self, nlist: int) -> Coarse:
        began = time.perf_counter()
        index = faiss.index_factory(self.d, f"IVF{nlist},Flat", faiss_metric(self.metric))
        index.cp.seed = FAISS_SEED + self.seed
        index.cp.min_points_per_centroid = 1  # below 39 it only prints a warning
        index.train(self.array)
        trained = time.perf_counter()
        lists = index.quantizer.search(self.array, 1)[1][:, 0]
        assigned = time.perf_counter()
        centroids = faiss.downcast_index(index.quantizer).reconstruct_n(0, nlist)
        return Coarse(centroids, np.ascontiguousarray(lists), trained - began, assigned - trained)


def row_blocks(n: int, d: int) -> Iterator[slice]:
    """Slices of so many rows that a float32 copy of one is small."""
    rows = max(1, _BYTES_AT_ONCE // (4 * d))
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


class _Memory:
    """Numpy's view of the memory of a FAISS index, which it keeps alive."""

    def __init__(self, flat: Any, n: int, d: int) -> None:
        self.flat = flat
        address = faiss.rev_swig_ptr(flat.get_xb(), n * d).ctypes.data
        self.__array_interface__ = {"data": (address, False), "shape": (n, d), "typestr": "<f4", "version": 3}


def _view(flat: Any, n: int, d: int) -> FloatArray:
    view: FloatArray = np.asarray(_Memory(flat, n, d))
    return view
