"""Attribution of misses: from what an index answered to what kept each true neighbour out."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.indexes.hnswlib_index import HnswlibIndex
from workbench.ann.inspection.causes import MISSED, Misses, knob_of, now
from workbench.ann.inspection.codes import Codes
from workbench.ann.inspection.graph import Graph, read_graph
from workbench.ann.inspection.lists import list_ranks
from workbench.ann.inspection.walk import Walker
from workbench.ann.measurement import recall
from workbench.ann.specs import Settings
from workbench.corpora import check_dimensions
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Neighbours

__all__ = ["Attribution", "Needs", "attribute"]

Needs = Literal["known", "doubled", "exact"]

_TIED = 2.0**-20  # distances nearer than this, relative to their size, are equal to float32
_MOST = 4096  # of a candidate list, or times k compared again: beyond it, exact search is the better answer
_BYTES = 64 << 20  # of a working copy

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
    ``k * k_factor`` best by their codes. By codes, ``"distorted"``: its distance was computed, and lies beyond that of
    the worst answer. ``"tie"``: it equals that of the worst answer, to the precision of float32.

    Recall counts places, ties at the k-th exactly, and so do the causes: where some of several tied neighbours are
    missed, only as many are attributed as there are places lost. Causes and mean recall add up to 1.

    Parameters
    ----------
    index
        Of FAISS or hnswlib.
    queries
        ``(q, d) float32`` as ``Database.prepare`` hands them back.
    truth
        Their exact neighbours among all vectors of the index.
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
        ``needs`` of its rows is found by searching again with doubled settings, up to 4,096; of lists it is the rank
        of the list. For a refined index that is the nprobe that reaches the list, whatever its codes do then.

    Raises
    ------
    InputError
        An index of Qdrant, whose search cannot be looked into; shapes that do not match; a kind that cannot filter.
    VectorError
        Queries of another dimension.
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
        if index.spec.library == "qdrant":
            raise InputError(
                f"{index.spec} is searched inside Qdrant's engine, which shows neither its graph nor its codes",
                "Attribute the misses of an index of FAISS or hnswlib.",
            )
        check_dimensions(queries.shape[1], index.d, "the queries", "the index")
        if len(truth) != len(queries):
            raise InputError(f"a truth of {len(truth):,} queries for {len(queries):,}", "Pass one line for each query.")
        if allowed is not None and allowed.shape != (index.n,):
            raise InputError(f"allowed rows of shape {allowed.shape}", f"Pass ({index.n},) bool, one for each vector.")
        self.index, self.queries, self.truth, self.allowed = index, queries, truth, allowed
        self._parts = index.spec.parts
        self._coded = self._parts.codec not in ("Flat", "hnswlib")
        self._by_codes = self._coded and not self._parts.refine
        self._graph_like = bool(self._parts.M) or self._parts.codec == "hnswlib"
        self._entries: dict[int, int] = {}
        self._reached: dict[int, _Mask] = {}

    def search(self, settings: Settings, rows: IntArray | None = None) -> IntArray:
        """What the index answers to all queries, or to some, under the filter."""
        asked = self.queries if rows is None else np.ascontiguousarray(self.queries[rows])
        if self.allowed is None:
            return self.index.search(asked, self.truth.k, settings)
        return filtered(self.index, asked, self.truth.k, settings, self.allowed)

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
            ``"known"``: only those that need no other search, list ranks. ``"doubled"``: other settings are doubled
            until they find what was missed. ``"exact"``: between the last miss and the first hit they are bisected, and
            that of a list is tried.
        """
        spec = self.index.spec.with_search(**dict(search))
        shares = self._recall(found, None) if recalls is None else recalls
        missed = missed_places(found, self.truth, shares)
        query, place = np.nonzero(missed)
        rows = self.truth.ids[query, place]
        table = pd.DataFrame(
            {
                "query": query.astype(np.int64),
                "row": rows,
                "rank": place.astype(np.int64) + 1,
                "cause": np.full(len(query), "tie", dtype=object),
                "needs": np.full(len(query), np.nan),
                "gap": np.full(len(query), np.nan),
            },
            columns=list(MISSED),
        )
        if len(table):
            self._name_causes(table, found, spec.search, follow=needs != "known")
            if needs != "known":
                self._find_needs(table, spec.search, exact=needs == "exact")
        return Misses(table, len(self.queries), self.truth.k, spec)

    # Causes

    def _name_causes(self, table: pd.DataFrame, found: IntArray, search: Settings, *, follow: bool) -> None:
        """Fill in ``cause``, ``gap``, and ``needs`` where a list rank says it."""
        query, rows = table["query"].to_numpy(), table["row"].to_numpy()
        barred = np.zeros(len(table), dtype=bool) if self.allowed is None else ~self.allowed[rows]
        better, beyond, tied = self._against_worst(table, found)
        cause = np.where(tied | (not self._by_codes), "tie", "distorted").astype(object)
        if self._parts.refine:
            cause[better] = "refine"
        if self._parts.nlist:
            ranks = self._list_ranks[query, table["rank"].to_numpy() - 1]
            far = ranks > now(self.index.spec.with_search(**dict(search)), "nprobe")
            cause[far] = "nprobe"
            table.loc[far & ~beyond, "needs"] = ranks[far & ~beyond].astype(np.float64)
        if self._graph_like:
            unvisited = self._unvisited(table, found, search, better & ~barred, ~better & ~barred, follow=follow)
            cause[unvisited] = "ef"
            cause[self._cut_off(query, rows, unvisited)] = "unreachable"
        cause[barred] = "filter"
        table["cause"] = cause
        if barred.any():
            table.loc[barred, ["needs", "gap"]] = np.nan

    def _against_worst(self, table: pd.DataFrame, found: IntArray) -> tuple[_Mask, _Mask, _Mask]:
        """Which of the missed lie before, behind and beside the worst answer by what the index compares; fills ``gap``.

        What it compares last: the vectors themselves after a refinement. An answer that came short has room for
        anything, so that all lie before it. Sign bits and RaBitQ's stand for no vector: nothing is known of theirs.
        """
        query, rows = table["query"].to_numpy(), table["row"].to_numpy()
        if self._by_codes and self._parts.codec in ("LSH", "RaBitQ"):
            unknown = np.zeros(len(table), dtype=bool)
            return unknown, unknown, unknown
        short: _Mask = np.any(found < 0, axis=1)
        short, worst = short[query], found[:, -1].clip(0)
        asked, at = np.unique(query, return_inverse=True)
        if self._by_codes:
            own, size = self._distances(query, rows)
        else:
            scores = self.truth.scores[query, table["rank"].to_numpy() - 1].astype(np.float64)
            own = scores**2 if self.truth.metric == "euclidean" else -scores
            size = np.abs(own)
        last, last_size = (of[at] for of in self._distances(asked, worst[asked]))
        further, slack = own - last, _TIED * np.maximum(size, last_size)
        better, beyond = (further < -slack) | short, (further > slack) & ~short
        if self._by_codes:
            measured = beyond & (last != 0)
            table.loc[measured, "gap"] = further[measured] / np.abs(last[measured])
        return better, beyond, ~better & ~beyond

    def _distances(self, query: IntArray, rows: IntArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances of pairs by what is compared last, smaller is nearer; and the size of their terms."""
        distances, sizes = np.empty(len(rows)), np.empty(len(rows))
        step = max(1, _BYTES // (16 * self.index.d))
        for start in range(0, len(rows), step):
            at = slice(start, start + step)
            vectors = (
                self._decoded(rows[at]) if self._by_codes else self.index.database.array[rows[at]].astype(np.float64)
            )
            asked = (self._turned if self._by_codes else self.queries)[query[at]].astype(np.float64)
            if self.truth.metric == "euclidean":
                vectors -= asked
                distances[at] = np.einsum("ij,ij->i", vectors, vectors)
                sizes[at] = distances[at]
            else:
                distances[at] = -np.einsum("ij,ij->i", vectors, asked)
                sizes[at] = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked, axis=1)
        return distances, sizes

    def _decoded(self, rows: IntArray) -> NDArray[np.float64]:
        """What the codes of rows stand for, each row decoded once."""
        distinct, at = np.unique(rows, return_inverse=True)
        decoded: NDArray[np.float64] = self._codes.decode(distinct)[at].astype(np.float64)
        return decoded

    @cached_property
    def _codes(self) -> Codes:
        return Codes(self.index)

    @cached_property
    def _turned(self) -> FloatArray:
        """Queries in the dimensions of the codes, which OPQ rotates."""
        return self._codes.turned(self.queries)

    @cached_property
    def _list_ranks(self) -> IntArray:
        return list_ranks(self.index, self.queries, self.truth.ids)

    # Graphs

    @cached_property
    def _graph(self) -> Graph:
        return read_graph(self.index)

    @cached_property
    def _walker(self) -> Walker:
        return Walker(self.index)

    @cached_property
    def _paths(self) -> tuple[_Mask, _Mask, bool]:
        """Rows that every entry leads to, rows that some entry leads to, and whether entries can be dead ends.

        A query enters the bottom layer at a node of the layer above, or at the entry point where there is none. Where
        all of those nodes lead to the entry point and back, all queries reach the same rows.
        """
        from scipy.sparse.csgraph import breadth_first_order

        graph, n = self._graph, self._graph.n
        entries = np.flatnonzero(graph.levels >= 1)
        sure = graph.reachable()
        backward = np.zeros(n, dtype=bool)
        edges = graph.edges(0)
        backward[breadth_first_order(edges.T.tocsr(), graph.entry, return_predecessors=False)] = True
        perhaps = sure.copy()
        for entry in entries[~sure[entries]]:
            if not perhaps[entry]:
                perhaps |= graph.reachable(int(entry))
        return sure, perhaps, bool((~backward[entries]).any())

    def _cut_off(self, query: IntArray, rows: IntArray, unvisited: _Mask) -> _Mask:
        """Which of the unvisited no path leads to from where their query enters the bottom layer."""
        cut = np.zeros(len(rows), dtype=bool)
        if not unvisited.any():
            return cut
        sure, perhaps, dead_ends = self._paths
        cut[unvisited] = ~perhaps[rows[unvisited]]
        unclear = unvisited & ~cut & (dead_ends | ~sure[rows])
        for at in np.flatnonzero(unclear):
            cut[at] = not self._reachable_from(self._entry(int(query[at])))[rows[at]]
        return cut

    def _entry(self, query: int) -> int:
        """Node of the bottom layer at which a query enters it: the same whatever ef is."""
        if query not in self._entries:
            knob = knob_of("ef", self.index.spec)
            walk = self._walker.walk(self.queries[query], 1, ((knob, 1),))
            self._entries[query] = walk.layer_entry[0]
        return self._entries[query]

    def _reachable_from(self, node: int) -> _Mask:
        if node not in self._reached:
            self._reached[node] = self._graph.reachable(node)
        return self._reached[node]

    def _unvisited(
        self, table: pd.DataFrame, found: IntArray, search: Settings, better: _Mask, rest: _Mask, *, follow: bool
    ) -> _Mask:
        """Which of the missed were not visited on the bottom layer, the only one whose nodes are answers.

        One that lies before the worst answer would have been returned, had it been visited. For the others, of a graph
        over codes, the walk itself says.
        """
        unvisited = better.copy()
        if not self._coded or not follow:
            return unvisited
        query, rows = table["query"].to_numpy(), table["row"].to_numpy()
        open_ones = np.flatnonzero(rest | (better if self._parts.refine else False))
        k = self.truth.k * (now(self.index.spec.with_search(**dict(search)), "k_factor") if self._parts.refine else 1)
        for one in np.unique(query[open_ones]):
            own = open_ones[query[open_ones] == one]
            unvisited[own] = ~np.isin(rows[own], self._visited(int(one), k, search, rows[own]))
        return unvisited

    def _visited(self, query: int, k: int, search: Settings, rows: IntArray) -> IntArray:
        """What a search visits on the bottom layer; a row of a higher layer may have been seen on that alone."""
        if (self._graph.levels[rows] == 0).all():
            return self._walker.visited(self.queries[query], k, search)
        walk = self._walker.walk(self.queries[query], k, search)
        bottom = walk.computed.loc[walk.computed["layer"] == 0, "row"].to_numpy()
        return np.append(bottom, walk.layer_entry[0])

    # What would have found them

    def _find_needs(self, table: pd.DataFrame, search: Settings, *, exact: bool) -> None:
        """Fill in ``needs`` by searching again."""
        for cause in ("ef", "refine"):
            wanted = (table["cause"] == cause) & ~(table["gap"] > 0)
            if wanted.any():
                self._double(table, np.flatnonzero(wanted), search, knob_of(cause, self.index.spec), exact=exact)
        if exact:
            tried = np.flatnonzero((table["cause"] == "nprobe") & table["needs"].notna())
            for at in map(int, tried):
                if not self._finds(table, [at], search, "nprobe", int(table["needs"].iloc[at]))[0]:
                    table.loc[at, "needs"] = np.nan

    def _double(self, table: pd.DataFrame, wanted: IntArray, search: Settings, knob: str, *, exact: bool) -> None:
        """Raise a setting until it finds the wanted misses, or to its limit."""
        k, spec = self.truth.k, self.index.spec.with_search(**dict(search))
        most = min(_MOST, self.index.n) // (k if knob == "k_factor" else 1)
        left, value = wanted, now(spec, knob)
        while len(left) and value < most:
            low, value = value, min(2 * value, most)
            hit = self._finds(table, left, search, knob, value)
            for at in left[hit]:
                needed = self._bisect(table, int(at), search, knob, low, value) if exact else value
                table.loc[int(at), "needs"] = float(needed)
            left = left[~hit]

    def _bisect(self, table: pd.DataFrame, at: int, search: Settings, knob: str, low: int, high: int) -> int:
        """The smallest value that finds a miss; ``high`` does, ``low`` does not."""
        while high - low > 1:
            middle = (low + high) // 2
            if self._finds(table, [at], search, knob, middle)[0]:
                high = middle
            else:
                low = middle
        return high

    def _finds(
        self, table: pd.DataFrame, wanted: Sequence[int] | IntArray, search: Settings, knob: str, value: int
    ) -> _Mask:
        """Which misses are none any more with a setting at a value."""
        query, place = table["query"].to_numpy()[wanted], table["rank"].to_numpy()[wanted] - 1
        asked, at = np.unique(query, return_inverse=True)
        found = self.search(tuple({**dict(search), knob: value}.items()), asked)
        missed = missed_places(found, _taken(self.truth, asked), self._recall(found, asked))
        hit: _Mask = ~missed[at, place]
        return hit

    def _recall(self, found: IntArray, rows: IntArray | None) -> NDArray[np.float64]:
        truth = self.truth if rows is None else _taken(self.truth, rows)
        queries = self.queries if rows is None else self.queries[rows]
        return recall(found, truth, queries, self.index.database.array)


def missed_places(found: IntArray, truth: Neighbours, recalls: NDArray[np.floating[Any]]) -> _Mask:
    """Which places of the truth are lost: of the true neighbours that are not among the answers, the first so many.

    Those nearer than the k-th come first and are all lost; of those tied with it, as many as recall says.

    Parameters
    ----------
    found
        ``(q, k)`` answers.
    truth
        The true neighbours of the same queries.
    recalls
        ``(q,)`` recall of each query, from :func:`workbench.ann.recall`.

    Returns
    -------
    numpy.ndarray
        ``(q, k) bool``.
    """
    lost = truth.k - np.rint(np.asarray(recalls, dtype=np.float64) * truth.k).astype(np.int64)
    absent = np.zeros(truth.ids.shape, dtype=bool)
    short, step = np.flatnonzero(lost), max(1, _BYTES // truth.k**2)
    for start in range(0, len(short), step):
        at = short[start : start + step]
        absent[at] = (truth.ids[at][:, :, None] != found[at][:, None, :]).all(axis=2)
    places: _Mask = absent & (absent.cumsum(axis=1) <= lost[:, None])
    return places


def filtered(index: Index, queries: FloatArray, k: int, search: Settings, allowed: _Mask) -> IntArray:
    """Rows that an index finds among those that are allowed, ``(q, k)``, -1 where it found fewer.

    FAISS filters in the search, by a bitmap of the rows; hnswlib asks for each row.

    Raises
    ------
    InputError
        A kind that cannot be filtered.
    """
    if isinstance(index, HnswlibIndex):
        return index.filtered(queries, k, search, allowed)
    if isinstance(index, FaissIndex):
        return index.filtered(queries, k, search, allowed)
    raise InputError(f"{index.spec} is not filtered here", "Filter an index of FAISS or hnswlib.")


def _taken(truth: Neighbours, rows: IntArray) -> Neighbours:
    return Neighbours(truth.ids[rows], truth.scores[rows], truth.metric)
