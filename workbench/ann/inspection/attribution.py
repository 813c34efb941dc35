"""Attribution of misses: from what an index answered to what kept each true neighbour out."""

from bisect import bisect_left
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.indexes.base import check_lines
from workbench.ann.indexes.database import row_blocks
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.indexes.hnswlib_index import HnswlibIndex
from workbench.ann.inspection.causes import MISSED, Misses, knob_of, now
from workbench.ann.inspection.codes import Codes
from workbench.ann.inspection.walk import Walker
from workbench.ann.measurement import recall
from workbench.ann.specs import IndexSpec, Settings
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Neighbours

__all__ = ["Attribution", "Needs", "attribute", "check_open"]

Needs = Literal["known", "doubled", "exact"]

_TIED = 2.0**-20  # distances nearer than this, relative to their size, are equal to float32
_MOST = 4096  # of a candidate list, or times k compared again: beyond it, exact search is the better answer
_UNIT = 1e-4  # off 1 is no rounding of float32
_BYTES = 64 << 20  # of a working copy

_ALL = slice(None)
_Mask = NDArray[np.bool_]


def attribute(
    index: Index,
    queries: FloatArray,
    truth: Neighbours,
    search: Settings = (),
    *,
    found: IntArray | None = None,
    allowed: _Mask | None = None,
) -> Misses:
    """Why each true neighbour that a search missed was missed.

    The causes are asked in the order in which a search could lose a neighbour, and the first that holds is its own.
    ``"filter"``: it was not allowed. In a graph, ``"unreachable"``: no path of the bottom layer leads to it from where
    this query enters that layer; ``"ef"``: it was not visited, and would be by a longer list of candidates. In inverted
    lists, ``"nprobe"``: its list was not probed. With a refinement, ``"refine"``: it was not among the
    ``k * k_factor`` best by their codes. By codes, ``"distorted"``: its distance was computed, and its code puts it
    behind the answers. ``"tie"``: it equals the worst answer, to the precision of float32.

    Recall counts places, ties at the k-th exactly, and so do the causes: where some of several tied neighbours are
    missed, only as many are attributed as there are places lost. Causes and mean recall add up to 1.

    Parameters
    ----------
    index
        Of FAISS or hnswlib.
    queries
        ``(q, d) float32`` as ``Database.prepare`` hands them back.
    truth
        Their exact neighbours among all vectors of the index, by its metric.
    search
        Search settings; those not named are as the library has them.
    found
        ``(q, k)`` what the index answered with these settings; None searches.
    allowed
        ``(n,) bool``: rows that a filter lets through; None lets all. Where ``found`` is not given, FAISS filters
        during the search, by an ``IDSelector``, and hnswlib by its own.

    Returns
    -------
    Misses
        ``needs`` of its rows is found by searching again with doubled settings, up to 4,096. Of lists it is the rank of
        the list, where probing so many finds the row: more of them would only bring in more that may be nearer.

    Raises
    ------
    InputError
        An index of Qdrant, whose search cannot be looked into; a truth by another metric; queries that are not of unit
        length under cosine; shapes that do not match; a kind that cannot filter.
    VectorError
        Queries of another dimension.

    Notes
    -----
    ``gap`` is that of the decoded vectors. Fast-scan rounds distances to 8 bits, sign bits and RaBitQ stand for no
    vector: one of theirs may be distorted without a gap. Where centroids of lists are as near as each other, the last
    list probed is either, and a miss in the other reads as if it had been probed.
    """
    attribution = Attribution(index, queries, truth, allowed)
    answered = attribution.search(search) if found is None else found
    return attribution.misses(answered, search, needs="doubled")


class Attribution:
    """What attributions of one index and the same queries share: reachability, list ranks, entries to a graph.

    Parameters
    ----------
    index, queries, truth, allowed
        As :func:`attribute` takes them.

    Raises
    ------
    InputError, VectorError
        As :func:`attribute`.
    """

    def __init__(self, index: Index, queries: FloatArray, truth: Neighbours, allowed: _Mask | None = None) -> None:
        check_open(index.spec)
        check_lines(queries, index.d)
        if index.metric == "cosine" and not (np.abs(np.linalg.norm(queries, axis=1) - 1) < _UNIT).all():
            raise InputError(
                "queries that are not of unit length were asked by cosine", "Pass index.database.prepare(queries)."
            )
        if truth.metric != index.metric:
            raise InputError(
                f"neighbours by {truth.metric} are no truth for an index by {index.metric}",
                "Search for the exact ones by the metric of the index.",
            )
        if len(truth) != len(queries):
            raise InputError(f"a truth of {len(truth):,} queries for {len(queries):,}", "Pass one line for each query.")
        if allowed is not None and (allowed.shape != (index.n,) or allowed.dtype != np.bool_):
            raise InputError(
                f"allowed rows of shape {allowed.shape} and {allowed.dtype}",
                f"Pass ({index.n},) bool, one for each vector.",
            )
        self.index, self.queries, self.truth, self.allowed = index, queries, truth, allowed
        self._parts = index.spec.parts
        self.is_graph = bool(self._parts.M) or index.spec.library == "hnswlib"
        self._coded = self._parts.codec not in ("Flat", "hnswlib")
        self._by_codes = self._coded and not self._parts.refine
        self._entries: dict[int, int] = {}
        self._reached: dict[int, _Mask] = {}

    def search(self, settings: Settings, rows: IntArray | slice = _ALL) -> IntArray:
        """What the index answers to all queries, or to some, under the filter."""
        asked = np.ascontiguousarray(self.queries[rows])
        if self.allowed is None:
            return self.index.search(asked, self.truth.k, settings)
        assert isinstance(self.index, FaissIndex | HnswlibIndex)
        return self.index.filtered(asked, self.truth.k, settings, self.allowed)

    def misses(
        self,
        found: IntArray,
        search: Settings = (),
        *,
        recalls: NDArray[np.floating[Any]] | None = None,
        needs: Needs = "known",
    ) -> Misses:
        """The misses of one answer.

        Parameters
        ----------
        found, search
            As :func:`attribute` takes them.
        recalls
            Recall of each query, where it is known already.
        needs
            ``"known"``: only those that need no other search, list ranks; nor is a graph over codes walked: what its
            codes put behind counts as distorted, or as not refined, visited or not. ``"doubled"``: other settings are
            doubled until they find what was missed, and ranks of lists of codes are tried. ``"exact"``: between the
            last miss and the first hit settings are bisected, and all ranks are tried.
        """
        spec = self.index.spec.with_search(**dict(search))
        query, place = np.nonzero(self._missed(found, recalls=recalls))
        table = pd.DataFrame(
            {
                "query": query.astype(np.int64),
                "row": self.truth.ids[query, place],
                "rank": place.astype(np.int64) + 1,
                "cause": np.full(len(query), "tie", dtype=object),
                "needs": np.full(len(query), np.nan),
                "gap": np.full(len(query), np.nan),
            },
            columns=list(MISSED),
        )
        tried: dict[str, int] = {}
        if len(table):
            self._name_causes(table, found, spec, follow=needs != "known")
            if needs != "known":
                tried = self._find_needs(table, spec, exact=needs == "exact")
        return Misses(table, len(self.queries), self.truth.k, spec, tried)

    # Causes

    def _name_causes(self, table: pd.DataFrame, found: IntArray, spec: IndexSpec, *, follow: bool) -> None:
        """Fill in ``cause``, ``gap``, and ``needs`` where a list rank says it."""
        query, rows = table["query"].to_numpy(), table["row"].to_numpy()
        better, beyond, gap = self._against_worst(table, found, codes=self._by_codes)
        cause = np.full(len(table), "tie", dtype=object)
        if self._by_codes:
            cause[better | beyond], table["gap"] = "distorted", gap
        elif self._parts.refine:
            cause[better] = "refine"
        if self._parts.nlist:
            ranks = self._list_ranks[query, table["rank"].to_numpy() - 1]
            far = ranks > now(spec, "nprobe")
            cause[far] = "nprobe"
            table.loc[far & ~beyond, "needs"] = ranks[far & ~beyond].astype(np.float64)
        if self.is_graph:
            unvisited = self._unvisited(table, better, spec, follow=follow)
            cause[unvisited] = "ef"
            cause[np.flatnonzero(unvisited)[self._cut_off(query[unvisited], rows[unvisited])]] = "unreachable"
        if self.allowed is not None:
            barred = ~self.allowed[rows]
            cause[barred] = "filter"
            table.loc[barred, ["needs", "gap"]] = np.nan
        table["cause"] = cause

    def _against_worst(
        self, table: pd.DataFrame, found: IntArray, *, codes: bool
    ) -> tuple[_Mask, _Mask, NDArray[np.float64]]:
        """Which of the missed lie before and behind the worst found, by codes or vectors, and how far behind by codes.

        Where fewer were found there was room for anything, so that all lie before. Sign bits and RaBitQ's stand for no
        vector: theirs lie before, by nothing that is known.
        """
        query, gap = table["query"].to_numpy(), np.full(len(table), np.nan)
        if codes and self._parts.codec in ("LSH", "RaBitQ"):
            return np.ones(len(table), dtype=bool), np.zeros(len(table), dtype=bool), gap
        short: _Mask = np.any(found < 0, axis=1)
        short = short[query]
        asked, at = np.unique(query, return_inverse=True)
        if codes:
            own, size = self._distances(query, table["row"].to_numpy(), codes=True)
        else:
            scores = self.truth.scores[query, table["rank"].to_numpy() - 1].astype(np.float64)
            own = scores**2 if self.truth.metric == "euclidean" else -scores
            size = np.abs(own)
        last, last_size = (of[at] for of in self._distances(asked, found[asked, -1].clip(0), codes=codes))
        further, slack = own - last, _TIED * np.maximum(size, last_size)
        beyond = (further > slack) & ~short
        np.divide(further, np.abs(last), out=gap, where=beyond & (last != 0))
        return (further < -slack) | short, beyond, gap

    def _distances(
        self, query: IntArray, rows: IntArray, *, codes: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances of pairs by codes or by vectors, smaller is nearer; and the size of their terms."""
        distances, sizes = np.empty(len(rows)), np.empty(len(rows))
        queries = self._turned if codes else self.queries
        for at in row_blocks(len(rows), 2 * self.index.d):
            distinct, back = np.unique(rows[at], return_inverse=True)
            kept = self.codes.decode(distinct) if codes else self.index.database.array[distinct]
            vectors, asked = kept[back].astype(np.float64), queries[query[at]].astype(np.float64)
            if self.truth.metric == "euclidean":
                vectors -= asked
                distances[at] = sizes[at] = np.einsum("ij,ij->i", vectors, vectors)
            else:
                distances[at] = -np.einsum("ij,ij->i", vectors, asked)
                sizes[at] = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked, axis=1)
        return distances, sizes

    @cached_property
    def codes(self) -> Codes:
        """What an index of FAISS keeps of its vectors."""
        return Codes(self.index)

    @cached_property
    def _turned(self) -> FloatArray:
        """Queries in the dimensions of the codes, which OPQ rotates."""
        return self.codes.turned(self.queries)

    @cached_property
    def _list_ranks(self) -> IntArray:
        assert self.codes.lists is not None
        return self.codes.lists.ranks(self.queries, self.truth.ids)

    # Graphs

    @cached_property
    def walker(self) -> Walker:
        """Follows the searches of a graph."""
        return Walker(self.index)

    def _unvisited(self, table: pd.DataFrame, better: _Mask, spec: IndexSpec, *, follow: bool) -> _Mask:
        """Which of the missed were not visited on the bottom layer, the only one whose nodes are answers.

        One that lies before the worst that the graph handed on would have been handed on too, had it been visited. Of
        the others, in a graph over codes, the walk itself says it.
        """
        query, rows = table["query"].to_numpy(), table["row"].to_numpy()
        if self._parts.refine:
            listed = self._listed(np.unique(query), spec)
            better = self._against_worst(table, listed, codes=True)[0]
            better &= (listed[query] != rows[:, None]).all(axis=1)
        unvisited = better.copy()
        for one in np.unique(query[~better]) if self._coded and follow else ():
            own = ~better & (query == one)
            visited = self.walker.visited(self.queries[one], self.truth.k, spec.search)
            unvisited[own] = ~np.isin(rows[own], visited)
        return unvisited

    def _listed(self, asked: IntArray, spec: IndexSpec) -> IntArray:
        """Rows that a graph hands on to be compared again, a line for each query; only those asked are filled in."""
        assert isinstance(self.index, FaissIndex)
        compared = self.index.compared(self.truth.k, spec.search)
        rows = np.zeros((len(self.queries), compared), dtype=np.int64)
        rows[asked] = self.index.unrefined(np.ascontiguousarray(self.queries[asked]), compared, spec.search)[1]
        return rows

    @cached_property
    def _core(self) -> tuple[_Mask, _Mask, bool]:
        """Rows of the bottom layer that the entry point leads to; those that also lead back; whether all entries do.

        A query enters the bottom layer at a node of the layer above, or at the entry point where there is none. From
        one that leads to the entry point and back, all queries reach the same rows.
        """
        from scipy.sparse.csgraph import breadth_first_order

        graph = self.walker.graph
        reached, back = graph.reachable(), np.zeros(graph.n, dtype=bool)
        back[breadth_first_order(graph.edges(0).T.tocsr(), graph.entry, return_predecessors=False)] = True
        back &= reached
        return reached, back, bool(back[graph.levels >= 1].all())

    def _cut_off(self, query: IntArray, rows: IntArray) -> _Mask:
        """Which rows no path leads to from where their query enters the bottom layer."""
        reached, back, all_alike = self._core
        cut: _Mask = ~reached[rows]
        for one in () if all_alike else np.unique(query):
            if not back[entry := self._entry(int(one))]:
                own = query == one
                cut[own] = ~self._reachable_from(entry)[rows[own]]
        return cut

    def _entry(self, query: int) -> int:
        """Node of the bottom layer at which a query enters it: the same whatever ef is."""
        if query not in self._entries:
            knob = knob_of("ef", self.index.spec)
            self._entries[query] = int(self.walker.visited(self.queries[query], 1, ((knob, 1),))[0])
        return self._entries[query]

    def _reachable_from(self, node: int) -> _Mask:
        if node not in self._reached:
            self._reached[node] = self.walker.graph.reachable(node)
        return self._reached[node]

    # What would have found them

    def _find_needs(self, table: pd.DataFrame, spec: IndexSpec, *, exact: bool) -> dict[str, int]:
        """Fill in ``needs`` by searching again; the largest value of each setting that this looked at."""
        tried: dict[str, int] = {}
        most = min(_MOST, self.index.n)
        for cause, limit in (("ef", most), ("refine", -(-most // self.truth.k))):
            wanted = (table["cause"] == cause) & ~(table["gap"] > 0)
            knob = knob_of(cause, spec)
            if wanted.any() and now(spec, knob) < limit:
                tried[knob] = self._double(table, np.flatnonzero(wanted), spec, knob, limit, exact=exact)
        if exact or self._coded:
            ranks = table["needs"].where(table["cause"] == "nprobe")
            for rank in ranks.dropna().unique():  # more lists than that only bring in more that may be nearer by code
                at = np.flatnonzero(ranks == rank)
                table.loc[at[~self._finds(table, at, spec, "nprobe", int(rank))], "needs"] = np.nan
                tried["nprobe"] = self._parts.nlist or 0
        return tried

    def _double(
        self, table: pd.DataFrame, left: IntArray, spec: IndexSpec, knob: str, most: int, *, exact: bool
    ) -> int:
        """Raise a setting until it finds the misses, or to its limit; the last value."""
        value = now(spec, knob)
        while len(left) and value < most:
            low, value = value, min(2 * value, most)
            hit = self._finds(table, left, spec, knob, value)
            for at in left[hit]:
                table.loc[at, "needs"] = float(self._least(table, at, spec, knob, low, value) if exact else value)
            left = left[~hit]
        return value

    def _least(self, table: pd.DataFrame, at: int, spec: IndexSpec, knob: str, low: int, high: int) -> int:
        """The smallest value that finds a miss; ``high`` does, ``low`` does not."""

        def finds(value: int) -> bool:
            return bool(self._finds(table, np.array([at]), spec, knob, value)[0])

        return low + 1 + bisect_left(range(low + 1, high), True, key=finds)

    def _finds(self, table: pd.DataFrame, wanted: IntArray, spec: IndexSpec, knob: str, value: int) -> _Mask:
        """Which misses are none any more with a setting at a value."""
        query, place = table["query"].to_numpy()[wanted], table["rank"].to_numpy()[wanted] - 1
        asked, at = np.unique(query, return_inverse=True)
        found = self.search(spec.with_search(**{knob: value}).search, asked)
        hit: _Mask = ~self._missed(found, asked)[at, place]
        return hit

    def _missed(
        self,
        found: IntArray,
        asked: IntArray | slice = _ALL,
        recalls: NDArray[np.floating[Any]] | None = None,
    ) -> _Mask:
        """Which places of the truth are lost, ``(q, k)``: of the true neighbours not among the answers, the first ones.

        Those nearer than the k-th come first and are all lost; of those tied with it, as many as recall says.
        """
        truth = Neighbours(self.truth.ids[asked], self.truth.scores[asked], self.truth.metric)
        if recalls is None:
            recalls = recall(found, truth, self.queries[asked], self.index.database.array)
        lost = truth.k - np.rint(np.asarray(recalls, dtype=np.float64) * truth.k).astype(np.int64)
        absent = np.zeros(truth.ids.shape, dtype=bool)
        short, step = np.flatnonzero(lost), max(1, _BYTES // truth.k**2)
        for start in range(0, len(short), step):
            at = short[start : start + step]
            absent[at] = (truth.ids[at][:, :, None] != found[at][:, None, :]).all(axis=2)
        places: _Mask = absent & (absent.cumsum(axis=1) <= lost[:, None])
        return places


def check_open(spec: IndexSpec) -> None:
    """Refuse an index whose searches cannot be looked into, with an InputError."""
    if spec.library == "qdrant":
        raise InputError(
            f"{spec} is searched inside Qdrant's engine, which shows neither its graph nor its codes",
            "Explain an index of FAISS or hnswlib.",
        )
