"""What an index without a graph computes for a query: lists in order, distances of codes in order, refinement."""

from dataclasses import dataclass, field
from typing import Any

import faiss
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.indexes.database import row_blocks
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.inspection.codes import Codes
from workbench.ann.specs import Settings
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["Scan", "Scanner"]

_FAST_SCAN = "Fast-scan adds partial distances rounded to 8 bits; the distances here are so too, the table is not."
_ESTIMATES = "RaBitQ estimates distances from one bit a dimension; the estimates here are FAISS's own."
_SIGNS = "Sign bits are compared by Hamming distance, whatever the metric."


@dataclass(frozen=True, eq=False)
class Scan:
    """What an index computed for one query.

    Distances are those of the index, smaller is nearer: squared for Euclidean, negated similarities for cosine and
    dot product, numbers of differing bits for sign bits.

    Attributes
    ----------
    found
        ``(k,) int64``: what the library returns, -1 where it found fewer.
    lists
        Every inverted list, nearest first: ``rank`` from 1, ``list``, ``distance`` of its centroid, ``size``,
        ``probed``. None without lists.
    computed
        One row per distance, in the order of the scan: ``order`` from 0, ``list`` (-1 without lists), ``row``,
        ``distance`` of the code.
    table
        ``(m, 2**bits) float32``: what each centroid of each part of a product quantizer adds to a distance. For
        Euclidean residuals it is the table of the nearest list; ``table_of`` gives those of others. For inner products
        of residuals the ``distance`` of the list's centroid comes on top. None without a product quantizer.
    refined
        What a refinement compared again, in the order of the codes: ``order`` from 0, ``row``, ``coarse`` (the
        distance of the code), ``distance`` of the vector itself, ``kept``. None without a refinement.
    note
        What is approximate in this record; empty where nothing is.
    """

    found: IntArray
    lists: pd.DataFrame | None
    computed: pd.DataFrame
    table: NDArray[np.float32] | None
    refined: pd.DataFrame | None
    note: str
    _measure: "_Measure" = field(repr=False)

    def distance_of(self, rows: IntArray) -> NDArray[np.float32]:
        """``(r,)``: distances of the codes of any rows, scanned or not; NaN for -1."""
        rows = np.asarray(rows, dtype=np.int64)
        out = np.full(len(rows), np.nan, dtype=np.float32)
        known = rows >= 0
        out[known] = self._measure.distances(rows[known])
        return out

    def table_of(self, one: int) -> NDArray[np.float32] | None:
        """The table of list ``one``, as ``table``; the same for every list but for Euclidean residuals."""
        return self._measure.table(one)


class Scanner:
    """Repeats the scans of an index; what it reads of the index is kept for many queries.

    Parameters
    ----------
    index
        Flat, IVF, PQ, scalar quantized, fast-scan, sign bits, RaBitQ, each with or without lists and refinement.
    codes
        What was read of it already; None reads it.

    Raises
    ------
    InputError
        A graph, whose search is a walk, or an index of another library.
    """

    def __init__(self, index: Index, codes: Codes | None = None) -> None:
        if not isinstance(index, FaissIndex) or index.spec.parts.M:
            why = "cannot be read" if index.spec.library == "qdrant" else "is searched by walking a graph"
            raise InputError(f"{index.spec} {why}, so there is no scan to repeat", "Scan an index such as IVF256,PQ48.")
        self._index = index
        self._codes = codes or Codes(index)

    def scan(self, query: FloatArray, k: int, search: Settings = ()) -> Scan:
        """Search for one query, and compute again what the index computed.

        Parameters
        ----------
        query
            ``(d,)`` or ``(1, d) float32`` as ``Database.prepare`` hands it back.
        k
            Neighbours.
        search
            Search settings, as ``Index.search`` takes them.

        Raises
        ------
        InputError
            As ``Index.search``, or several queries.
        VectorError
            A query of another dimension.
        """
        asked = np.ascontiguousarray(np.atleast_2d(query), dtype=np.float32)
        if len(asked) != 1:
            raise InputError(f"{len(asked):,} queries at once", "Scan one query at a time.")
        found = self._index.search(asked, k, search)[0]
        lists, coarse = self._lists(asked, search)
        measure = self._measure(asked, coarse, search)
        rows, holders = self._scanned(lists)
        computed = pd.DataFrame(
            {"order": np.arange(len(rows)), "list": holders, "row": rows, "distance": measure.distances(rows)}
        )
        nearest = -1 if lists is None else int(lists["list"].iloc[0])
        refined = self._refined(asked, k, search, found) if self._index.spec.parts.refine else None
        return Scan(found, lists, computed, measure.table(nearest), refined, measure.note, measure)

    def _lists(self, asked: FloatArray, search: Settings) -> tuple[pd.DataFrame | None, FloatArray]:
        """The lists in the order of the query, and the distance of each list by its number."""
        lists = self._codes.lists
        if lists is None:
            return None, np.zeros(0, dtype=np.float32)
        distances, order = (found[0] for found in lists.ordered(asked))
        coarse = np.empty_like(distances)
        coarse[order] = distances
        rank = np.arange(1, len(order) + 1)
        probed = rank <= int(dict(search).get("nprobe", 1))
        sizes = lists.sizes[order]
        table = {"rank": rank, "list": order, "distance": distances, "size": sizes, "probed": probed}
        return pd.DataFrame(table), coarse

    def _scanned(self, table: pd.DataFrame | None) -> tuple[IntArray, IntArray]:
        """Rows in the order of the scan, and the list of each."""
        lists = self._codes.lists
        if table is None or lists is None:
            return np.arange(self._index.n), np.full(self._index.n, -1)
        probed = table["list"].to_numpy()[table["probed"].to_numpy()]
        rows = np.concatenate([lists.members[lists.starts[one] : lists.starts[one + 1]] for one in probed])
        return rows, np.repeat(probed, lists.sizes[probed])

    def _measure(self, asked: FloatArray, coarse: FloatArray, search: Settings) -> "_Measure":
        parts = self._index.spec.parts
        if parts.codec == "RaBitQ":
            return _Estimates(self._index, self._codes, asked, search)
        if parts.codec == "LSH":
            return _Signs(self._codes, asked)
        turned = self._codes.turned(asked)
        if parts.codec == "PQ":
            return (_Rounded if parts.fast_scan else _Tables)(self._codes, turned, coarse)
        return _Measure(self._codes, turned)

    def _refined(self, asked: FloatArray, k: int, search: Settings, found: IntArray) -> pd.DataFrame:
        """What the refinement compared again."""
        index = self._index
        base = tuple(pair for pair in search if pair[0] != "k_factor")
        distances, rows = (both[0] for both in index.unrefined(asked, index.compared(k, search), base))
        distances, rows = distances[rows >= 0], rows[rows >= 0]
        flip = self._codes.similar and index.spec.parts.codec != "LSH"
        vectors = _compared(asked, index.database.array[rows], similar=self._codes.similar)
        return pd.DataFrame(
            {
                "order": np.arange(len(rows)),
                "row": rows,
                "coarse": -distances if flip else distances,
                "distance": vectors,
                "kept": np.isin(rows, found),
            }
        )


class _Measure:
    """Distances of a query to vectors, or to what codes of one number a dimension stand for."""

    note = ""

    def __init__(self, codes: Codes, query: FloatArray) -> None:
        self._codes, self._query = codes, query

    def distances(self, rows: IntArray) -> NDArray[np.float32]:
        out = np.empty(len(rows), dtype=np.float32)
        for at in row_blocks(len(rows), self._query.shape[1]):
            out[at] = _compared(self._query, self._codes.decode(rows[at]), similar=self._codes.similar)
        return out

    def table(self, one: int) -> NDArray[np.float32] | None:
        return None


class _Tables(_Measure):
    """A product quantizer: one table for each query, from which a code picks a number for each part."""

    def __init__(self, codes: Codes, query: FloatArray, coarse: FloatArray) -> None:
        super().__init__(codes, query)
        self._coarse = coarse
        self._expanded = codes.residual and not codes.similar  # |q - c|^2 - 2 <q, y> + what the code adds by itself
        self._summed = self._of(query, products=codes.similar or self._expanded)

    def distances(self, rows: IntArray) -> NDArray[np.float32]:
        codes = self._codes
        sums = self._sum(self._summed, rows)
        if self._expanded:
            sums = 2.0 * sums + codes.offsets[rows]
        if codes.residual and codes.lists is not None:
            sums = sums + self._coarse[codes.lists.of[rows]]
        return sums.astype(np.float32)

    def table(self, one: int) -> NDArray[np.float32]:
        if not self._expanded or self._codes.lists is None:
            return self._summed
        return self._of(self._query - self._codes.lists.centroids[one], products=False)

    def _of(self, query: FloatArray, *, products: bool) -> NDArray[np.float32]:
        """FAISS's table: squared distances, or negated inner products."""
        pq = self._codes.quantizer
        table = np.empty((pq.M, pq.ksub), dtype=np.float32)
        fill = pq.compute_inner_prod_tables if products else pq.compute_distance_tables
        fill(1, faiss.swig_ptr(query), faiss.swig_ptr(table))
        return -table if products else table

    def _sum(self, table: NDArray[Any], rows: IntArray, kind: type = np.float64) -> NDArray[Any]:
        """What the codes of rows pick from a table, added up."""
        m, centroids = table.shape
        starts = np.arange(m) * centroids
        out: NDArray[Any] = np.empty(len(rows), dtype=kind)
        for at in row_blocks(len(rows), 4 * m):
            out[at] = table.ravel().take(self._codes.parts[rows[at]] + starts).sum(axis=1, dtype=kind)
        return out


class _Rounded(_Tables):
    """Fast-scan: the table in 8 bits, added in 16; ``a`` and ``b`` undo it, as in quantize_lut.cpp."""

    note = _FAST_SCAN

    def __init__(self, codes: Codes, query: FloatArray, coarse: FloatArray) -> None:
        super().__init__(codes, query, coarse)
        table = -self._summed if codes.similar else self._summed
        least = table.min(axis=1)
        spans = table.max(axis=1) - least
        widest, total = spans.max(), _one_by_one(spans)
        self._b = _one_by_one(least)
        self._a = np.float32(255) / widest if widest > 0 else np.float32(0)
        if codes.lists is not None and total > 0:
            self._a = min(self._a, np.float32(65535) / total)
        scaled = ((table - least[:, None]) * self._a).astype(np.float64)
        self._rounded = np.floor(scaled + 0.5).astype(np.uint8)

    def distances(self, rows: IntArray) -> NDArray[np.float32]:
        sums = self._sum(self._rounded, rows, np.uint16).astype(np.float32)
        step = np.float32(1) / self._a if self._a > 0 else np.float32(0)
        back: NDArray[np.float32] = sums * step + self._b
        return -back if self._codes.similar else back


class _Signs(_Measure):
    """Sign bits, by the number that differ."""

    note = _SIGNS

    def __init__(self, codes: Codes, query: FloatArray) -> None:
        super().__init__(codes, query)
        self._bits = codes.held.sa_encode(query)

    def distances(self, rows: IntArray) -> NDArray[np.float32]:
        differing = np.bitwise_count(self._codes.raw[rows] ^ self._bits)
        return np.asarray(differing.sum(axis=1), dtype=np.float32)


class _Estimates(_Measure):
    """RaBitQ's estimates, from a search that keeps everything; the lists left out are searched when they are needed."""

    note = _ESTIMATES

    def __init__(self, index: FaissIndex, codes: Codes, query: FloatArray, search: Settings) -> None:
        super().__init__(codes, query)
        self._index, self._search = index, search
        self._all = np.full(index.n, np.nan, dtype=np.float32)
        self._ask({})

    def distances(self, rows: IntArray) -> NDArray[np.float32]:
        nlist = self._index.spec.parts.nlist
        if nlist and np.isnan(self._all[rows]).any():
            self._ask({"nprobe": nlist})
        return self._all[rows]

    def _ask(self, instead: dict[str, int | str]) -> None:
        settings = {name: value for name, value in self._search if name != "k_factor"} | instead
        distances, rows = (both[0] for both in self._index.unrefined(self._query, self._index.n, (*settings.items(),)))
        self._all[rows[rows >= 0]] = distances[rows >= 0] * (-1 if self._codes.similar else 1)


def _one_by_one(numbers: NDArray[np.float32]) -> np.float32:
    """The sum of float32 numbers in their order, as a loop in C has it."""
    total: np.float32 = np.add.accumulate(numbers)[-1]
    return total


def _compared(query: FloatArray, vectors: FloatArray, *, similar: bool) -> FloatArray:
    """Squared distances of a ``(1, d)`` query to vectors, or negated inner products."""
    if similar:
        products: FloatArray = np.einsum("ij,j->i", vectors, query[0])  # equal rows score equally, unlike in BLAS
        return -products
    left = vectors - query
    squares: FloatArray = np.einsum("ij,ij->i", left, left)
    return squares
