"""Inverted lists: which list holds what, how even they are, how far down a query's order a list stands."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.indexes.base import check_lines
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["ListHealth", "Lists", "border_margin", "list_health", "list_ranks", "read_lists", "unwrapped"]

_NUMBERS_AT_ONCE = 4 << 20  # of a block of queries times lists


def unwrapped(index: Index) -> tuple[Any, Any]:
    """FAISS's object that holds the codes, without refinement and rotation; and the rotation, None without one.

    Raises
    ------
    InputError
        An index of another library.
    """
    if not isinstance(index, FaissIndex):
        raise InputError(f"{index.spec} is not of FAISS, and its codes cannot be read", "Inspect an index of FAISS.")
    inner, rotation = faiss.downcast_index(index.base), None
    if index.spec.parts.opq:
        rotation = faiss.downcast_VectorTransform(inner.chain.at(0))
        inner = faiss.downcast_index(inner.index)
    return inner, rotation


class Lists:
    """The inverted lists of an index, read once.

    Attributes
    ----------
    held
        FAISS's IVF object.
    of
        ``(n,) int64``: the list that holds each row.
    members
        ``(n,) int64``: all rows, list by list, as they lie in memory.
    starts
        ``(nlist + 1,) int64``: list ``i`` is ``members[starts[i]:starts[i + 1]]``.
    centroids
        ``(nlist, d) float32``, rotated where the index rotates.
    """

    def __init__(self, index: Index) -> None:
        self.held, self._rotation = unwrapped(index)
        stored = self.held.invlists
        sizes = np.array([stored.list_size(one) for one in range(self.held.nlist)], dtype=np.int64)
        self.starts: IntArray = np.concatenate([[0], np.cumsum(sizes)])
        self.members: IntArray = np.empty(int(self.starts[-1]), dtype=np.int64)
        for one in np.flatnonzero(sizes):
            ids = faiss.rev_swig_ptr(stored.get_ids(int(one)), int(sizes[one]))
            self.members[self.starts[one] : self.starts[one + 1]] = ids
        self.of: IntArray = np.empty(len(self.members), dtype=np.int64)
        self.of[self.members] = np.repeat(np.arange(len(sizes)), sizes)
        self.centroids: FloatArray = faiss.downcast_index(self.held.quantizer).reconstruct_n(0, self.held.nlist)
        self.similar = self.held.metric_type == faiss.METRIC_INNER_PRODUCT

    @property
    def sizes(self) -> IntArray:
        """``(nlist,) int64``: rows in each list."""
        return np.diff(self.starts)

    def ordered(self, queries: FloatArray, count: int | None = None) -> tuple[FloatArray, IntArray]:
        """The nearest lists of prepared queries by the coarse quantizer, nearest first.

        Returns
        -------
        tuple
            ``(q, count) float32`` squared distances or negated similarities, and ``(q, count) int64`` lists; all lists
            where ``count`` is None.

        Raises
        ------
        VectorError
            Queries of another dimension.
        """
        check_lines(queries, self.held.d)
        asked = queries if self._rotation is None else self._rotation.apply(queries)
        distances, lists = self.held.quantizer.search(asked, count or self.held.nlist)
        return (-distances if self.similar else distances), lists

    def ranks(self, queries: FloatArray, rows: IntArray) -> IntArray:
        """As :func:`list_ranks`."""
        ranks = np.empty_like(rows)
        step = max(1, _NUMBERS_AT_ONCE // self.held.nlist)
        for start in range(0, len(rows), step):
            at = slice(start, start + step)
            order = self.ordered(queries[at])[1]
            place = np.empty_like(order)
            np.put_along_axis(place, order, np.arange(1, order.shape[1] + 1)[None], axis=1)
            ranks[at] = np.take_along_axis(place, self.of[rows[at]], axis=1)
        return ranks


def read_lists(index: Index) -> Lists:
    """The inverted lists of an index.

    Raises
    ------
    InputError
        It has none.
    """
    if not index.spec.parts.nlist:
        raise InputError(f"{index.spec} has no inverted lists", "Inspect the lists of an index such as IVF256,Flat.")
    return Lists(index)


def list_ranks(index: Index, queries: FloatArray, rows: IntArray) -> IntArray:
    """How many lists each query must probe until the list of a row is among them.

    Parameters
    ----------
    index
        An index with inverted lists.
    queries
        ``(q, d) float32`` as ``Database.prepare`` hands them back.
    rows
        ``(q, r) int64`` rows of the database for each query, such as its true neighbours.

    Returns
    -------
    IntArray
        ``(q, r) int64``: 1 where the nearest list of the query holds the row; in general the smallest ``nprobe`` that
        reaches it.

    Raises
    ------
    InputError
        No inverted lists, rows that are not of the database, or not one line of rows for each query.
    VectorError
        Queries of another dimension.
    """
    lists = read_lists(index)
    rows = np.asarray(rows, dtype=np.int64)
    if rows.ndim != 2 or len(rows) != len(queries):
        raise InputError(f"rows of shape {rows.shape} for {len(queries):,} queries", "Pass one line for each query.")
    if rows.size and not 0 <= rows.min() <= rows.max() < index.n:
        wrong = rows[(rows < 0) | (rows >= index.n)][0]
        raise InputError(f"row {wrong:,} of {index.n:,} vectors", f"Use rows from 0 to {index.n - 1:,}.")
    return lists.ranks(queries, rows)


@dataclass(frozen=True, eq=False)
class ListHealth:
    """How evenly vectors are spread over inverted lists.

    Attributes
    ----------
    sizes
        ``(nlist,) int64``: vectors in each list.
    imbalance
        ``nlist * sum(sizes**2) / sum(sizes)**2``, FAISS's ``imbalance_factor``: 1 for lists of equal size. Queries
        that are spread as the vectors are scan so many times what they would scan in equal lists.
    empty
        Lists without a vector.
    table
        One row per list, largest first: ``list``, ``size``, ``share`` of all vectors, ``relative`` to a list of equal
        size.
    """

    sizes: IntArray
    imbalance: float
    empty: int
    table: pd.DataFrame


def list_health(index: Index) -> ListHealth:
    """Sizes of the inverted lists of an index, and how even they are.

    Raises
    ------
    InputError
        It has no inverted lists.

    References
    ----------
    ``InvertedLists::imbalance_factor`` of FAISS, invlists/InvertedLists.cpp
    """
    sizes = read_lists(index).sizes
    total = int(sizes.sum())
    order = np.argsort(-sizes, kind="stable")
    share = sizes[order] / total
    table = pd.DataFrame({"list": order, "size": sizes[order], "share": share, "relative": share * len(sizes)})
    imbalance = len(sizes) * float((sizes.astype(np.float64) ** 2).sum()) / total**2
    return ListHealth(sizes, imbalance, int((sizes == 0).sum()), table)


def border_margin(index: Index, queries: FloatArray) -> NDArray[np.float64]:
    """How far queries are from the border between their two nearest lists.

    Parameters
    ----------
    index
        An index with inverted lists.
    queries
        ``(q, d) float32`` as ``Database.prepare`` hands them back.

    Returns
    -------
    NDArray[np.float64]
        ``(q,)``: ``(d2 - d1) / (d2 + d1)`` of the Euclidean distances to the two nearest centroids; 0 on the border, 1
        on a centroid, or where there is only one list.

    Raises
    ------
    InputError
        It has no inverted lists.
    VectorError
        Queries of another dimension.

    Notes
    -----
    Inner products rank lists by ``<q, c>`` with centroids of unit length, whatever the length of the query. There
    ``d = sqrt(2 - 2 <q, c> / |q|)``, the distance on the unit sphere, which has the same order and the same border.
    """
    lists = read_lists(index)
    if lists.held.nlist == 1:
        return np.ones(len(queries))
    two = lists.ordered(queries, 2)[0].astype(np.float64)
    if lists.similar:
        lengths = np.linalg.norm(queries.astype(np.float64), axis=1, keepdims=True)
        two = 2 + 2 * two / np.where(lengths > 0, lengths, 1)
    near, far = np.sqrt(two.clip(0)).T
    between = near + far
    margins: NDArray[np.float64] = np.divide(far - near, between, out=np.zeros(len(queries)), where=between > 0)
    return margins
