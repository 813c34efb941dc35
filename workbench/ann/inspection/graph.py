"""The graph inside an HNSW index: who is linked to whom, layer by layer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from workbench.ann.indexes import Index
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.indexes.hnswlib_index import HnswlibIndex
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["Elements", "Graph", "Links", "read_graph"]

_NODES_AT_ONCE = 1 << 16  # whose padded lists are looked at together
_FAISS_ORDER_SEED = 789  # of the order in which FAISS inserts the nodes of one level: IndexHNSW.cpp


class Links(NamedTuple):
    """The lists of one layer: node ``v`` is linked to ``rows[starts[v]:starts[v + 1]]``, in the order of the library.

    ``starts`` is ``(n + 1,) int64``, ``rows`` is ``int32``; a node that is not on the layer has no links.
    """

    starts: IntArray
    rows: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Graph:
    """The layers of an HNSW graph. A node is a row of the indexed vectors.

    Parameters
    ----------
    levels
        ``(n,) int64``: the highest layer of each node; 0 is the bottom, where all are.
    entry
        The node where every search begins, on the highest layer.
    M
        Links that a node may have on each layer above the bottom; on the bottom it may have twice as many.
    library
        ``"faiss"`` or ``"hnswlib"``.
    inserted
        ``(n,) int64``: the nodes in the order in which they were inserted. FAISS goes through the levels from the
        highest down, and through each in an order of its own, not that of the rows. It keeps no record of it: this is
        the order of vectors that were all added at once, as ``build_index`` adds them.
    links
        Of each layer, the bottom first.
    """

    levels: IntArray = field(repr=False)
    entry: int
    M: int
    library: str
    inserted: IntArray = field(repr=False)
    links: tuple[Links, ...] = field(repr=False)
    _edges: dict[int, csr_array] = field(default_factory=dict, init=False, repr=False)

    @property
    def n(self) -> int:
        """Nodes on the bottom layer: all vectors."""
        return len(self.levels)

    @property
    def layers(self) -> int:
        """How many layers there are, the bottom included."""
        return len(self.links)

    def neighbours(self, node: int, layer: int) -> IntArray:
        """Nodes that a node is linked to, in the order in which the library keeps and tries them.

        Raises
        ------
        InputError
            No such node, or no such layer.
        """
        if not 0 <= node < self.n:
            raise InputError(f"there is no node {node:,} among {self.n:,}", f"Use 0 to {self.n - 1:,}.")
        starts, rows = self._layer(layer)
        return rows[starts[node] : starts[node + 1]].astype(np.int64)

    def edges(self, layer: int) -> csr_array:
        """The links of a layer as an ``(n, n)`` matrix of booleans: row is linked to column. Made once and remembered.

        Raises
        ------
        InputError
            No such layer.
        """
        if layer not in self._edges:
            starts, rows = self._layer(layer)
            edges = csr_array((np.ones(len(rows), dtype=np.bool_), rows, starts), shape=(self.n, self.n), copy=True)
            edges.sort_indices()  # or SciPy sorts a copy for every search of it
            self._edges[layer] = edges
        return self._edges[layer]

    def reachable(self, start: int | None = None, layer: int = 0) -> NDArray[np.bool_]:
        """Which nodes can be reached along the links of a layer, itself included.

        Parameters
        ----------
        start
            Where to begin; None takes the entry.
        layer
            The layer; 0 is the bottom.

        Returns
        -------
        NDArray
            ``(n,) bool``. What is False on the bottom layer no search that begins there finds, whatever its ``ef``.

        Raises
        ------
        InputError
            No such node, or no such layer.
        """
        from scipy.sparse.csgraph import breadth_first_order

        first = self.entry if start is None else start
        self.neighbours(first, layer)  # refuses what is not there
        reached = np.zeros(self.n, dtype=np.bool_)
        reached[breadth_first_order(self.edges(layer), first, return_predecessors=False)] = True
        return reached

    def _layer(self, layer: int) -> Links:
        if not 0 <= layer < self.layers:
            raise InputError(f"there is no layer {layer} in a graph of {self.layers}", f"Use 0 to {self.layers - 1}.")
        return self.links[layer]


def read_graph(index: Index) -> Graph:
    """Read the graph of an HNSW index of FAISS (full or scalar-quantized vectors, refined or not) or of hnswlib.

    Raises
    ------
    InputError
        The index has no graph, or one that its library does not hand out.
    """
    if isinstance(index, HnswlibIndex):
        return _read_hnswlib(index._graph.__getstate__()[0])
    if isinstance(index, FaissIndex) and index.spec.parts.M:
        return _read_faiss(faiss.downcast_index(index.base).hnsw, index.spec.parts.M)
    if index.spec.library == "qdrant":
        raise InputError("Qdrant does not hand out the graph of its index", "Build the same as HNSW16 or hnswlib.")
    raise InputError(f"{str(index.spec)!r} has no graph", "Use an HNSW index, such as HNSW16 or hnswlib.")


def _read_faiss(hnsw: Any, M: int) -> Graph:
    levels = faiss.vector_to_array(hnsw.levels).astype(np.int64) - 1
    offsets = faiss.vector_to_array(hnsw.offsets).astype(np.int64)[:-1]
    slots = faiss.vector_to_array(hnsw.cum_nneighbor_per_level)
    padded = faiss.vector_to_array(hnsw.neighbors)
    layers = range(int(hnsw.max_level) + 1)
    return Graph(
        levels=levels,
        entry=int(hnsw.entry_point),
        M=M,
        library="faiss",
        inserted=_faiss_order(levels),
        links=tuple(_faiss_layer(levels >= at, offsets, padded, slice(slots[at], slots[at + 1])) for at in layers),
    )


def _faiss_layer(on: NDArray[np.bool_], offsets: IntArray, padded: NDArray[np.int32], slots: slice) -> Links:
    """Links of the nodes that are on a layer, from lists that end with the first -1."""
    counts = np.zeros(len(on), dtype=np.int64)
    rows = [np.empty(0, dtype=np.int32)]
    within = np.arange(slots.start, slots.stop)
    for nodes in _blocks(np.flatnonzero(on)):
        lists = padded[offsets[nodes, None] + within]
        empty = np.column_stack([lists < 0, np.ones(len(nodes), dtype=np.bool_)])
        counts[nodes] = empty.argmax(axis=1)
        rows.append(lists[np.arange(len(within)) < counts[nodes, None]])
    return Links(np.concatenate([[0], np.cumsum(counts)]), np.concatenate(rows))


def _blocks(nodes: IntArray) -> Iterator[IntArray]:
    return (nodes[start : start + _NODES_AT_ONCE] for start in range(0, len(nodes), _NODES_AT_ONCE))


def _faiss_order(levels: IntArray) -> IntArray:
    """Nodes in the order of insertion into an empty index: by level from the highest, each level shuffled.

    The shuffle is that of ``hnsw_add_vertices`` in FAISS's IndexHNSW.cpp: a Mersenne Twister, its output taken modulo
    the nodes that are left.
    """
    twister = np.random.MT19937()
    twister._legacy_seeding(_FAISS_ORDER_SEED)
    order = []
    for level in range(int(levels.max()), -1, -1):
        nodes = np.flatnonzero(levels == level)
        places = np.arange(len(nodes))
        partners = (places + twister.random_raw(len(nodes)).astype(np.int64) % (len(nodes) - places)).tolist()
        shuffled = nodes.tolist()
        for at, other in enumerate(partners):
            shuffled[at], shuffled[other] = shuffled[other], shuffled[at]
        order.append(np.array(shuffled, dtype=np.int64))
    return np.concatenate(order)


def _read_hnswlib(state: dict[str, Any]) -> Graph:
    """From what hnswlib pickles; its own numbers for the elements, by insertion, are turned into rows."""
    stored = Elements(state)
    inserted, levels = stored.rows, np.empty(stored.n, dtype=np.int64)
    levels[inserted] = state["element_levels"][: stored.n]
    return Graph(
        levels=levels,
        entry=int(inserted[state["enterpoint_node"]]),
        M=int(state["M"]),
        library="hnswlib",
        inserted=inserted,
        links=tuple(_by_row(*stored.layer(at), inserted) for at in range(int(state["max_level"]) + 1)),
    )


class Elements:
    """The memory of an hnswlib index as it pickles it: an element has a list of each layer, a vector and its row."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state
        self.n = int(state["cur_element_count"])
        self._bytes = state["data_level0"].view(np.uint8).reshape(self.n, -1)

    @property
    def rows(self) -> IntArray:
        """``(n,) int64``: the row of each element; elements are in the order of insertion."""
        return self._part(self._state["label_offset"], np.dtype("<u8"), 1)[:, 0].astype(np.int64)

    def vectors(self, d: int) -> FloatArray:
        """``(n, d) float32``: the vectors as hnswlib keeps them, element by element."""
        return self._part(self._state["offset_data"], np.dtype("<f4"), d)

    def layer(self, layer: int) -> tuple[IntArray, NDArray[np.uint32]]:
        """How many links each element has, ``(n,)``, and its padded list of elements, ``(n, slots)``."""
        if layer == 0:
            lists = self._part(self._state["offset_level0"], np.dtype("<u4"), 1 + int(self._state["max_M0"]))
            return _count(lists[:, 0]), lists[:, 1:]
        words = int(self._state["size_links_per_element"]) // 4
        above = self._state["link_lists"].view(np.uint8).view("<u4").reshape(-1, words)
        levels = self._state["element_levels"][: self.n].astype(np.int64)
        lists = np.zeros((self.n, words), dtype=np.uint32)
        on = levels >= layer
        lists[on] = above[(np.cumsum(levels) - levels + layer - 1)[on]]
        return _count(lists[:, 0]), lists[:, 1:]

    def _part(self, offset: int, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        part = self._bytes[:, int(offset) : int(offset) + count * dtype.itemsize]
        return np.ascontiguousarray(part).view(dtype)


def _count(words: NDArray[np.uint32]) -> IntArray:
    """Hnswlib counts in the lower 16 bits; above them is the mark of a deletion."""
    return (words & 0xFFFF).astype(np.int64)


def _by_row(counts: IntArray, lists: NDArray[np.uint32], rows: IntArray) -> Links:
    elements = np.argsort(rows)  # of each row
    counted = counts[elements]
    listed = np.arange(lists.shape[1]) < counted[:, None]
    return Links(np.concatenate([[0], np.cumsum(counted)]), rows[lists[elements][listed]].astype(np.int32))
