"""The search of an HNSW graph step by step, exactly as the library does it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice, pairwise
from typing import Any, NamedTuple, Protocol

import faiss
import numpy as np
import pandas as pd

from workbench.ann.indexes import Index
from workbench.ann.indexes.faiss_index import EF_SEARCH
from workbench.ann.indexes.hnswlib_index import EF, SPACES
from workbench.ann.inspection.fronts import FaissFront, Front, HnswlibFront, Known
from workbench.ann.inspection.graph import Elements, Graph, read_graph
from workbench.ann.specs import Settings
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Metric

__all__ = ["Walk", "WalkState", "Walker"]

_BATCH = 4  # distances that FAISS computes together


class _Hop(NamedTuple):
    """One node expanded."""

    layer: int
    node: int
    distance: float
    rows: list[int]  # whose distance was computed
    distances: list[float]
    kept: list[bool]
    best: float
    worst: float


@dataclass(frozen=True, eq=False)
class WalkState:
    """What the search knows after a step.

    Parameters
    ----------
    step
        Nodes expanded so far.
    layer
        The layer of the last of them.
    candidates
        ``row, distance`` of those that may still be expanded, nearest first; above the bottom the one nearest node.
    results
        ``row, distance`` of the best, nearest first; above the bottom the one nearest node.
    """

    step: int
    layer: int
    candidates: pd.DataFrame = field(repr=False)
    results: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, eq=False)
class Walk:
    """The search of one query, as data.

    Distances are those that the index compares, smaller = nearer: squared for FAISS's and hnswlib's Euclidean metric,
    the negated inner product for FAISS's cosine and dot product, and hnswlib's ``1 - inner product``.

    Parameters
    ----------
    found
        ``(k,) int64``: what the library returns, -1 where it found fewer.
    distances
        How many it computed, as FAISS's ``hnsw_stats.ndis`` counts them: without that of the entry.
    ends
        Why it stopped: ``"ef nearer ones known"``, than any that is left to expand, or ``"candidates exhausted"``: all
        that can be reached was.
    layer_entry
        Layer -> node at which it was entered.
    k, ef
        Results that the graph is asked for, more than are returned where they are refined, and the search setting
        (FAISS's efSearch, hnswlib's ef).
    refined
        With ``RFlat``, one row for each result of the graph, in its order: ``order`` (from 0), ``row``, ``coarse`` (the
        distance of the codes), ``distance`` (of the full vectors), ``kept`` (it is among those returned); else None.
    """

    found: IntArray
    distances: int
    ends: str
    layer_entry: dict[int, int]
    k: int
    ef: int
    refined: pd.DataFrame | None = field(repr=False)
    _entry: Known = field(repr=False)
    _hops: list[_Hop] = field(repr=False)
    _front: Callable[[int, int], Front] = field(repr=False)

    @cached_property
    def hops(self) -> pd.DataFrame:
        """One row for each node expanded.

        ``step`` (from 1), ``layer``, ``node``, ``distance``, ``evaluated`` (of how many of its neighbours the distance
        was computed; on the bottom only of those not seen before), ``best`` (smallest distance so far) and ``worst``
        (distance of the k-th result, with hnswlib of the ef-th; NaN until there are as many, and above the bottom).
        """
        layers, nodes, distances, rows, _, _, best, worst = zip(*self._hops, strict=True)
        return pd.DataFrame(
            {
                "step": np.arange(1, len(nodes) + 1),
                "layer": np.array(layers, dtype=np.int64),
                "node": np.array(nodes, dtype=np.int64),
                "distance": np.array(distances),
                "evaluated": np.array([len(near) for near in rows], dtype=np.int64),
                "best": np.array(best),
                "worst": np.array(worst),
            }
        )

    @cached_property
    def computed(self) -> pd.DataFrame:
        """One row for each distance, the entry's included.

        ``order`` (from 0), ``step`` (0 for the entry), ``layer``, ``origin`` (the node that was expanded; -1 for the
        entry), ``row``, ``distance``, ``kept`` (it became a candidate or a result or, above the bottom, the nearest).
        Above the bottom a row may come more than once.
        """
        (first, entry), hops = self._entry, self._hops
        evaluated = [1, *(len(hop.rows) for hop in hops)]
        layers = np.array([hops[0].layer, *(hop.layer for hop in hops)], dtype=np.int64)
        nodes = np.array([-1, *(hop.node for hop in hops)], dtype=np.int64)
        return pd.DataFrame(
            {
                "order": np.arange(sum(evaluated)),
                "step": np.repeat(np.arange(len(evaluated)), evaluated),
                "layer": np.repeat(layers, evaluated),
                "origin": np.repeat(nodes, evaluated),
                "row": np.array([entry, *(row for hop in hops for row in hop.rows)], dtype=np.int64),
                "distance": np.array([first, *(distance for hop in hops for distance in hop.distances)]),
                "kept": np.array([True, *(kept for hop in hops for kept in hop.kept)], dtype=np.bool_),
            }
        )

    @property
    def steps(self) -> int:
        """Nodes expanded."""
        return len(self._hops)

    def state(self, step: int) -> WalkState:
        """Candidates and results after a step, replayed from the distances computed.

        Parameters
        ----------
        step
            0 (only the entry is known) to ``steps``.

        Raises
        ------
        InputError
            No such step.
        """
        if not 0 <= step <= self.steps:
            raise InputError(f"there is no step {step} in a walk of {self.steps}", f"Use 0 to {self.steps}.")
        candidates, results = next(islice(self.replay(), step, None))
        return WalkState(step, self._hops[max(step - 1, 0)].layer, _known(candidates()), _known(results()))

    def replay(self) -> Iterator[tuple[Callable[[], list[Known]], Callable[[], list[Known]]]]:
        """What the search knows after each step, from 0 on: calls for its candidates and its results as they then are.

        Each gives distances with their rows, nearest first, and is to be called before the next step is taken.
        """
        above = [self._entry]
        above += [(hop.best, after.node) for hop, after in pairwise(self._hops) if hop.layer]
        for nearest in above:
            yield partial(list, [nearest]), partial(list, [nearest])
        front, bottom = self._front(self.k, self.ef), [hop for hop in self._hops if hop.layer == 0]
        front.offer([bottom[0].node], [bottom[0].distance])
        for hop in bottom:
            front.pop()
            front.offer(hop.rows, hop.distances)
            yield front.candidates, front.results


class _Distances(Protocol):
    """Distances of stored vectors to one query, computed as the library does."""

    def ask(self, query: FloatArray) -> None: ...

    def one(self, row: int) -> float: ...

    def many(self, rows: list[int]) -> list[float]: ...


class Walker:
    """Follows searches of one index over its own graph; prepared once for many queries.

    What it is asked for is not searched with the library but walked through here, one distance at a time, so that
    every step is known. ``found`` is what ``index.search`` returns, and the distances are as many.

    Parameters
    ----------
    index
        An HNSW index of FAISS, of full or scalar-quantized vectors, or one of hnswlib.

    Raises
    ------
    InputError
        As :func:`read_graph`.

    Attributes
    ----------
    graph
        The graph as it was when this was made.
    """

    def __init__(self, index: Index) -> None:
        self.graph: Graph = read_graph(index)
        self._index = index
        self._links = [(starts.data, rows.data) for starts, rows in self.graph.links]  # quick to index
        self._distances: _Distances
        self._front: Callable[[int, int], Front]
        if self.graph.library == "hnswlib":
            self._distances, self._front = _HnswlibDistances(index, self.graph), HnswlibFront
        else:
            self._base: Any = index.base  # type: ignore[attr-defined]  # which owns what follows, closed index or not
            storage = faiss.downcast_index(faiss.downcast_index(self._base).storage)
            self._distances = _FaissDistances(storage, index.metric)
            self._front = partial(FaissFront, larger_rows_first=index.metric != "euclidean")
        self._full = _FaissDistances(index.database.flat, index.metric) if index.spec.parts.refine else None

    def walk(self, query: FloatArray, k: int, search: Settings = ()) -> Walk:
        """Search one query and record every step.

        Parameters
        ----------
        query
            ``(d,)`` or ``(1, d) float32``, as ``Database.prepare`` hands it back.
        k
            Neighbours wanted.
        search
            Search settings, as for ``Index.search``.

        Raises
        ------
        InputError, VectorError
            As ``Index.search``; and where more than one query is given.
        """
        asked, wanted, ef = self._checked(query, k, search)
        front = self._front(wanted, ef)
        entry, hops = self._follow(asked, front)
        answer = front.answer()
        refined = None
        if self._full is not None:
            answer, refined = self._refine(self._full, asked, answer, k)
        return Walk(
            found=np.array([row for _, row in answer] + [-1] * (k - len(answer)), dtype=np.int64),
            distances=sum(len(hop.rows) for hop in hops),
            ends=front.ends,
            layer_entry={layer: next(hop.node for hop in hops if hop.layer == layer) for layer in self._layers},
            k=wanted,
            ef=ef,
            refined=refined,
            _entry=entry,
            _hops=hops,
            _front=self._front,
        )

    def visited(self, query: FloatArray, k: int, search: Settings = ()) -> IntArray:
        """Rows that a search compares on the bottom layer, where its results come from, in the order in which it does.

        What it compares above only leads it there. Parameters and errors are those of :meth:`walk`.

        Returns
        -------
        IntArray
            Each row once, the first of them where the search enters that layer. Of full vectors, the ``k`` nearest of
            these are what is found.
        """
        asked, wanted, ef = self._checked(query, k, search)
        _, hops = self._follow(asked, self._front(wanted, ef))
        bottom = [hop for hop in hops if hop.layer == 0]
        return np.array([bottom[0].node, *(row for hop in bottom for row in hop.rows)], dtype=np.int64)

    @property
    def _layers(self) -> Iterator[int]:
        return iter(range(self.graph.layers - 1, -1, -1))

    def _checked(self, query: FloatArray, k: int, search: Settings) -> tuple[FloatArray, int, int]:
        """The query as one row, how many the graph is asked for, and ef."""
        asked = np.ascontiguousarray(query, dtype=np.float32)
        if asked.ndim == 2 and len(asked) != 1:
            raise InputError(f"{len(asked):,} queries were given to walk at once", "Walk one query after another.")
        asked = asked.reshape(1, -1)
        self._index._check(asked, k, search)
        name, default = ("ef", EF) if self.graph.library == "hnswlib" else ("efSearch", EF_SEARCH)
        return asked, self._index.compared(k, search), int(dict(search).get(name, default))

    def _follow(self, query: FloatArray, front: Front) -> tuple[Known, list[_Hop]]:
        """Distance and row of the entry, and all hops: greedily down the layers, then along the front."""
        distances, links = self._distances, self._links
        distances.ask(query)
        hops: list[_Hop] = []
        entry = nearest = self.graph.entry
        first = distance = distances.one(entry)
        for layer in range(self.graph.layers - 1, 0, -1):
            starts, rows = links[layer]
            while True:
                node, before = nearest, distance
                near = rows[starts[node] : starts[node + 1]].tolist()
                measured = distances.many(near)
                kept = []
                for row, far in zip(near, measured, strict=True):
                    kept.append(far < distance)
                    if far < distance:
                        nearest, distance = row, far
                hops.append(_Hop(layer, node, before, near, measured, kept, distance, float("nan")))
                if nearest == node:
                    break
        self._follow_front(front, nearest, distance, hops)
        return (first, entry), hops

    def _follow_front(self, front: Front, node: int, distance: float, hops: list[_Hop]) -> None:
        many, offer = self._distances.many, front.offer
        starts, rows = self._links[0]
        seen = bytearray(self.graph.n)
        seen[node] = 1
        best = distance
        offer([node], [distance])
        while (taken := front.pop()) is not None:
            distance, node = taken
            fresh = []
            for row in rows[starts[node] : starts[node + 1]].tolist():
                if not seen[row]:
                    seen[row] = 1
                    fresh.append(row)
            measured = many(fresh)
            kept = offer(fresh, measured)
            best = min(best, min(measured, default=best))
            hops.append(_Hop(0, node, distance, fresh, measured, kept, best, front.worst()))

    def _refine(
        self, full: "_FaissDistances", query: FloatArray, answer: list[Known], k: int
    ) -> tuple[list[Known], pd.DataFrame]:
        """The ``k`` best of an answer by their own vectors, and the record of it."""
        full.ask(query)
        coarse, rows = zip(*answer, strict=True)
        distances = [full.one(row) for row in rows]
        best = self._front(k, k)
        best.offer(list(rows), distances)
        kept = best.answer()
        table = pd.DataFrame({"order": np.arange(len(rows)), "row": rows, "coarse": coarse, "distance": distances})
        return kept, table.assign(kept=table["row"].isin([row for _, row in kept]))


class _FaissDistances:
    """FAISS's own, of full vectors or of codes; inner products are negated."""

    def __init__(self, storage: Any, metric: Metric) -> None:
        self._storage = storage  # kept alive
        self._computer = storage.get_distance_computer()
        self._negated = metric != "euclidean"
        self._batch = np.zeros(_BATCH, dtype=np.float32)
        self._places = [faiss.swig_ptr(self._batch[at:]) for at in range(_BATCH)]
        self._query: FloatArray | None = None

    def ask(self, query: FloatArray) -> None:
        self._query = query  # FAISS keeps only its address
        self._computer.set_query(faiss.swig_ptr(query))

    def one(self, row: int) -> float:
        distance: float = self._computer(row)
        return -distance if self._negated else distance

    def many(self, rows: list[int]) -> list[float]:
        """In batches as FAISS computes them, which round otherwise than one by one."""
        compute, batch, places = self._computer, self._batch, self._places
        whole = len(rows) - len(rows) % _BATCH
        measured: list[float] = []
        for at in range(0, whole, _BATCH):
            compute.distances_batch_4(*rows[at : at + _BATCH], *places)
            measured += batch.tolist()
        for row in rows[whole:]:
            measured.append(compute(row))
        return [-distance for distance in measured] if self._negated else measured


class _HnswlibDistances:
    """hnswlib's own: rows are written into a small exhaustive index of it, and their distances read from its answer.

    hnswlib scales vectors and queries to unit length itself for cosine; that is left to it, too, and then compared as
    inner products.
    """

    def __init__(self, index: Any, graph: Graph) -> None:
        import hnswlib

        self._slots = max(1, 2 * graph.M)
        self._vectors, self._scale = index.database.array, None
        space = SPACES[index.metric]
        if space == "cosine":
            stored = Elements(index._graph.__getstate__()[0])
            self._vectors = np.empty((index.n, index.d), dtype=np.float32)
            self._vectors[stored.rows] = stored.vectors(index.d)
            self._scale = hnswlib.Index(space, index.d)
            self._scale.init_index(1)
            space = "ip"
        self._scan = hnswlib.BFIndex(space, index.d)
        self._scan.init_index(self._slots)
        self._filled = 0
        self._query: FloatArray | None = None

    def ask(self, query: FloatArray) -> None:
        self._query = query
        if self._scale is not None:
            self._scale.add_items(query, [0], num_threads=1)
            self._query = self._scale.get_items([0])

    def one(self, row: int) -> float:
        return self.many([row])[0]

    def many(self, rows: list[int]) -> list[float]:
        if not rows:
            return []
        self._scan.add_items(self._vectors[rows], np.arange(len(rows)))
        self._filled = max(self._filled, len(rows))
        slots, distances = self._scan.knn_query(self._query, k=self._filled, num_threads=1)
        measured = np.empty(self._filled, dtype=np.float32)
        measured[slots[0].astype(np.int64)] = distances[0]
        found: list[float] = measured[: len(rows)].tolist()
        return found


def _known(known: list[Known]) -> pd.DataFrame:
    distances, rows = zip(*known, strict=True) if known else ((), ())
    return pd.DataFrame({"row": np.array(rows, dtype=np.int64), "distance": np.array(distances, dtype=np.float64)})
