"""An HNSW graph small enough to read: points of the plane, every insertion recorded.

It follows the paper and not a library, with all that a library does for speed left out. What a library does, step by
step, is in ``walk.py``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.ann.inspection.skip_list import draw_levels
from workbench.errors import InputError, VectorError
from workbench.records import IntArray

__all__ = [
    "Link",
    "ToyGraph",
    "ToyInsertion",
    "ToyLinks",
    "ToySearch",
    "ToyStep",
    "ToyTrip",
    "scattered_points",
    "toy_graph",
]

_SEED = 364  # of 40 points that come to stand 40, 12 and 3 on three layers
_TRIES = 12  # places thrown for each point: the more, the more evenly they lie

Link = tuple[int, int, int]  # layer, from, to


@dataclass(frozen=True)
class ToyStep:
    """A node is expanded: its links are followed.

    Attributes
    ----------
    layer, node
        Where the search is.
    looked_at
        Neighbours whose distance was computed now; the others were seen before.
    candidates
        Nodes that are yet to be expanded, the nearest first.
    results
        The nearest nodes known, at most ``ef``, the nearest first.
    """

    layer: int
    node: int
    looked_at: tuple[int, ...]
    candidates: tuple[int, ...]
    results: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ToyTrip:
    """The way from an entry down through the layers.

    Attributes
    ----------
    entry
        The node that it began at.
    steps
        In order. A layer begins with what the one above ended with, whose distances are known.
    """

    entry: int
    steps: tuple[ToyStep, ...] = field(repr=False)

    @property
    def computed(self) -> tuple[tuple[int, int], ...]:
        """Layer and node of each distance computed, in order."""
        first = (self.steps[0].layer, self.entry)
        return (first, *((step.layer, node) for step in self.steps for node in step.looked_at))

    @property
    def way(self) -> tuple[tuple[int, int], ...]:
        """Layer and node of the nearest that was known, as it changed: from node to node, and down the layers."""
        way = [(self.steps[0].layer, self.entry)]
        for step in self.steps:
            if step.layer != way[-1][0]:
                way.append((step.layer, way[-1][1]))
            if step.results[0] != way[-1][1]:
                way.append((step.layer, step.results[0]))
        return tuple(way)


@dataclass(frozen=True, eq=False)
class ToySearch(ToyTrip):
    """A search: where it entered, each step, what it found.

    Attributes
    ----------
    query
        ``(2,)``.
    ef
        Results kept on the bottom layer; above it is 1.
    found
        Nodes, the nearest first, ``k`` of them or fewer where it came to fewer.
    """

    query: NDArray[np.float64]
    ef: int
    found: tuple[int, ...]


@dataclass(frozen=True)
class ToyLinks:
    """How a new node chose its neighbours on one layer.

    Attributes
    ----------
    layer
        The layer.
    near
        What the search for its place found, the nearest first.
    chosen
        Those it is linked with.
    passed_over
        Nodes left aside, each with the chosen one that it is nearer to than to the new node: the way leads over that.
    """

    layer: int
    near: tuple[int, ...]
    chosen: tuple[int, ...]
    passed_over: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ToyInsertion:
    """All that happened when one node came in.

    Attributes
    ----------
    node, level
        The new node and its highest layer.
    trip
        The search for its place; None for the first node.
    links
        A layer each, from its highest that was there.
    dropped
        Links ``(layer, from, to)`` that full nodes gave up to take it in.
    """

    node: int
    level: int
    trip: ToyTrip | None = None
    links: tuple[ToyLinks, ...] = ()
    dropped: tuple[Link, ...] = ()

    @property
    def added(self) -> tuple[Link, ...]:
        """New links, both ways."""
        return tuple(
            link
            for one in self.links
            for other in one.chosen
            for link in ((one.layer, self.node, other), (one.layer, other, self.node))
        )


@dataclass(frozen=True, eq=False)
class ToyGraph:
    """A graph of points of the plane, with its history; :func:`toy_graph` makes it.

    Attributes
    ----------
    points
        ``(n, 2)``, in the order in which they came in.
    levels
        ``(n,)``: the highest layer of each.
    M
        Links that a new node makes on a layer, and the most that a node has above the bottom, where it is twice that.
    ef_construction
        Results kept while a node's place is searched for.
    insertions
        One for each node.
    """

    points: NDArray[np.float64]
    levels: IntArray
    M: int
    ef_construction: int
    insertions: tuple[ToyInsertion, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return int(self.levels.max()) + 1

    def entry(self, after: int | None = None) -> int:
        """The node that searches begin at, after so many insertions: the first of the highest level."""
        return int(np.argmax(self.levels[: len(self) if after is None else after]))

    def links(self, layer: int, after: int | None = None) -> tuple[tuple[int, int], ...]:
        """Links ``(from, to)`` of a layer after so many insertions, ascending; None: after all.

        Where a full node gave one up, the way back may still be there.
        """
        there: set[tuple[int, int]] = set()
        for insertion in self.insertions[:after]:
            there.update((a, b) for at, a, b in insertion.added if at == layer)
            there.difference_update((a, b) for at, a, b in insertion.dropped if at == layer)
        return tuple(sorted(there))

    def neighbours(self, node: int, layer: int = 0) -> tuple[int, ...]:
        """Where the links of a node lead."""
        return tuple(b for a, b in self.links(layer) if a == node)

    def search(self, query: ArrayLike, k: int = 1, ef: int = 4) -> ToySearch:
        """The ``k`` nearest nodes that a search with ``ef`` finds.

        Raises
        ------
        VectorError
            The query is not two finite numbers.
        InputError
            ``k`` is not between 1 and ``ef``.
        """
        target = np.asarray(query, dtype=np.float64)
        if target.shape != (2,) or not np.isfinite(target).all():
            raise VectorError(f"a query of shape {target.shape}", "Pass two finite numbers, x and y.")
        if not 1 <= k <= ef:
            raise InputError(f"k={k} of ef={ef} results", "Keep at least as many results as are asked for.")
        outgoing = {layer: _outgoing(self.links(layer)) for layer in range(self.layers)}
        steps: list[ToyStep] = []
        entry = self.entry()
        results: tuple[int, ...] = (entry,)
        for layer in range(self.layers - 1, -1, -1):
            for step in _layer_steps(self.points, outgoing[layer], target, results, ef if layer == 0 else 1, layer):
                steps.append(step)
                results = step.results
        return ToySearch(entry, tuple(steps), target, ef, results[:k])


def scattered_points(n: int = 40, seed: int = 0) -> NDArray[np.float64]:
    """``(n, 2)`` points of the unit square, by chance but not too near each other.

    References
    ----------
    D. Mitchell, Spectrally Optimal Sampling for Distribution Ray Tracing, SIGGRAPH 1991: the best of some candidates.
    """
    rng = np.random.default_rng(seed)
    points = rng.uniform(size=(1, 2))
    while len(points) < n:
        thrown = rng.uniform(size=(_TRIES * len(points), 2))
        nearest = np.linalg.norm(thrown[:, None] - points[None], axis=2).min(axis=1)
        points = np.vstack([points, thrown[nearest.argmax()]])
    return rng.permutation(points)


def toy_graph(
    points: ArrayLike | None = None,
    M: int = 3,
    ef_construction: int = 6,
    *,
    seed: int = _SEED,
    levels: ArrayLike | None = None,
) -> ToyGraph:
    """Build an HNSW graph of points of the plane, in their order, and record every insertion.

    Parameters
    ----------
    points
        ``(n, 2)``; None takes 40 scattered ones.
    M, ef_construction
        As everywhere; a node of the bottom layer has at most ``2 * M`` links.
    seed
        Of the levels, and of the points where none are given.
    levels
        ``(n,)``: the highest layer of each point; None draws them.

    Raises
    ------
    VectorError
        Points that are not ``(n, 2)`` finite numbers.
    InputError
        ``M`` below 2, ``ef_construction`` below ``M``, or not a level for each point.

    References
    ----------
    Y. Malkov and D. Yashunin, Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical Navigable
    Small World Graphs, TPAMI 42 (2020): algorithms 1 (insert), 2 (search a layer), 4 (select by heuristic, neither
    extending candidates nor keeping pruned ones) and 5 (search).
    """
    placed = np.asarray(scattered_points(seed=seed) if points is None else points, dtype=np.float64)
    if placed.ndim != 2 or placed.shape[1] != 2 or not len(placed) or not np.isfinite(placed).all():
        raise VectorError(f"points of shape {placed.shape}", "Pass (n, 2) finite numbers.")
    if M < 2 or ef_construction < M:
        raise InputError(
            f"M={M} with ef_construction={ef_construction}", "Use M of at least 2, and no less of the other."
        )
    tops = draw_levels(len(placed), M, seed) if levels is None else np.asarray(levels, dtype=np.int64)
    if tops.shape != (len(placed),) or (tops < 0).any():
        raise InputError(f"levels of shape {tops.shape} for {len(placed)} points", "Give each point one, from 0.")
    builder = _Builder(placed, tops, M, ef_construction)
    return ToyGraph(placed, tops, M, ef_construction, tuple(builder.insert(node) for node in range(len(placed))))


class _Builder:
    """A graph under construction."""

    def __init__(self, points: NDArray[np.float64], levels: IntArray, M: int, ef_construction: int) -> None:
        self.points, self.levels, self.M, self.ef = points, levels, M, ef_construction
        self.links: list[dict[int, list[int]]] = [{} for _ in range(int(levels.max()) + 1)]
        self.entry: int | None = None

    def insert(self, node: int) -> ToyInsertion:
        level, entry = int(self.levels[node]), self.entry
        for layer in range(level + 1):
            self.links[layer][node] = []
        if entry is None:
            self.entry = node
            return ToyInsertion(node, level)
        top, target = int(self.levels[entry]), self.points[node]
        steps: list[ToyStep] = []
        made: list[ToyLinks] = []
        dropped: list[Link] = []
        near: tuple[int, ...] = (entry,)
        for layer in range(top, -1, -1):
            width = 1 if layer > level else self.ef
            for step in _layer_steps(self.points, self.links[layer], target, near, width, layer):
                steps.append(step)
                near = step.results
            if layer <= level:
                chosen, passed = self._select(node, near, self.M)
                made.append(ToyLinks(layer, near, chosen, passed))
                self.links[layer][node] = list(chosen)
                for other in chosen:
                    dropped += self._take_in(layer, other, node)
        if level > top:
            self.entry = node
        return ToyInsertion(node, level, ToyTrip(entry, tuple(steps)), tuple(made), tuple(dropped))

    def _take_in(self, layer: int, node: int, new: int) -> Iterator[Link]:
        """Link ``node`` to ``new``; a full one keeps the best, which may be without it."""
        most = 2 * self.M if layer == 0 else self.M
        held = [*self.links[layer][node], new]
        if len(held) > most:
            kept, _ = self._select(node, sorted(held, key=lambda other: self._apart(node, other)), most)
            yield from ((layer, node, other) for other in held if other not in kept)
            held = [other for other in held if other in kept]
        self.links[layer][node] = held

    def _select(self, node: int, near: Iterable[int], most: int) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Of nodes from the nearest on, those that are nearer to ``node`` than to any chosen before, and the others."""
        chosen: list[int] = []
        passed: list[tuple[int, int]] = []
        for other in near:
            if len(chosen) == most:
                break
            nearer = [one for one in chosen if self._apart(one, other) < self._apart(node, other)]
            if nearer:
                passed.append((other, nearer[0]))
            else:
                chosen.append(other)
        return tuple(chosen), tuple(passed)

    def _apart(self, a: int, b: int) -> float:
        return float(np.linalg.norm(self.points[a] - self.points[b]))


def _outgoing(links: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for a, b in links:
        found.setdefault(a, []).append(b)
    return found


def _layer_steps(
    points: NDArray[np.float64],
    links: dict[int, list[int]],
    target: NDArray[np.float64],
    start: tuple[int, ...],
    ef: int,
    layer: int,
) -> Iterator[ToyStep]:
    """Algorithm 2: expand the nearest candidate until it is farther than the worst of ``ef`` results."""

    def distance(node: int) -> float:
        return float(np.linalg.norm(points[node] - target))

    candidates = sorted(start, key=distance)
    results = candidates[:ef]
    seen = set(start)
    while candidates and distance(candidates[0]) <= distance(results[-1]):
        node = candidates.pop(0)
        fresh = [other for other in links.get(node, []) if other not in seen]
        seen.update(fresh)
        for other in fresh:
            if len(results) < ef or distance(other) < distance(results[-1]):
                candidates = sorted([*candidates, other], key=distance)
                results = sorted([*results, other], key=distance)[:ef]
        yield ToyStep(layer, node, tuple(fresh), tuple(candidates), tuple(results))
