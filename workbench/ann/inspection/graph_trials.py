"""Graphs under trial: other settings of the build, vectors that are deleted, another order in which they come in."""

from collections.abc import Mapping, Sequence

import faiss
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import breadth_first_order

from workbench.ann.indexes import Database, Index, build_index
from workbench.ann.indexes.faiss_build import empty_faiss
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.inspection.graph import Graph, read_graph
from workbench.ann.measurement import recall
from workbench.ann.specs import IndexSpec, Settings, check_spec
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.intervals import mean_interval
from workbench.records import IntArray

__all__ = ["deletions", "graph_settings", "insertion_orders"]


def graph_settings(
    specs: Sequence[IndexSpec | str], database: Database, queries: ArrayLike, *, k: int = 10
) -> pd.DataFrame:
    """Build a graph for each specification, search it, and look at its links; nothing is timed but the builds.

    Parameters
    ----------
    specs
        HNSW indexes with their search settings, such as ``"HNSW16 efConstruction=80 efSearch=64"``. Those that differ
        in search settings alone share a build.
    database
        The vectors.
    queries
        ``(q, d)`` numbers, which are no rows of it.
    k
        Neighbours of each query.

    Returns
    -------
    pandas.DataFrame
        One row per specification: ``index``, ``M``, each build and search setting named, ``recall`` with
        ``recall_low`` and ``recall_high``, ``distances`` of a query, ``links`` (mean of a node on the bottom layer),
        ``unreachable`` (nodes that no link path from the entry leads to on the bottom layer), ``build_s``.

    Raises
    ------
    InputError
        An index without a graph that can be read, or what ``build_index`` refuses.
    VectorError
        Queries that cannot be used.
    """
    read = [IndexSpec.parse(spec) if isinstance(spec, str) else spec for spec in specs]
    asked = database.prepare(queries)
    truth = exact_neighbours(asked, database.array, k, database.metric)
    rows: dict[int, dict[str, object]] = {}
    for built in dict.fromkeys(spec.built() for spec in read):
        index = build_index(built, database)
        graph = read_graph(index)
        for place, spec in enumerate(read):
            if spec.built() == built:
                mean = mean_interval(recall(index.search(asked, k, spec.search), truth, asked, database.array))
                rows[place] = {
                    "index": str(spec), "M": graph.M, **dict(spec.build), **dict(spec.search), "recall": mean.mean,
                    "recall_low": mean.low, "recall_high": mean.high,
                    "distances": index.distances(asked, k, spec.search), "links": graph.edges(0).nnz / graph.n,
                    "unreachable": int((~graph.reachable()).sum()), "build_s": index.train_s + index.add_s,
                }  # fmt: skip
        index.close()
    return pd.DataFrame([rows[place] for place in range(len(read))])


def deletions(
    index: Index, queries: ArrayLike, shares: Sequence[float], *, k: int = 10, search: Settings = (), seed: int = 0
) -> pd.DataFrame:
    """Delete random vectors in two ways: marked, so that searches walk through them, or torn out with their links.

    Marking is what libraries do (FAISS's selectors, hnswlib's ``mark_deleted``). Tearing out without repair is what
    they avoid by it: here the links alone are looked at, as they would be left.

    Parameters
    ----------
    index
        HNSW of FAISS on full vectors.
    queries
        ``(q, d)`` numbers, which are no rows of it.
    shares
        Of the vectors to delete, from 0 and below 1; each holds the one before it.
    k
        Neighbours of each query, among those that are left.
    search
        Search settings.
    seed
        Of the vectors drawn.

    Returns
    -------
    pandas.DataFrame
        One row per share: ``share``, ``left`` (vectors), ``recall`` among them and ``distances`` of a query where they
        are marked, ``cut_off``: the share of those left that could not be reached any more, had the others been torn
        out.

    Raises
    ------
    InputError
        Another index, no share, one that is not from 0 and below 1, or one that leaves fewer than ``k``.
    VectorError
        Queries that cannot be used.
    """
    if not isinstance(index, FaissIndex) or index.spec.parts.kind != f"HNSW{index.spec.parts.M}":
        raise InputError(f"{index.spec} has no selectors on a graph of full vectors", "Use one such as HNSW16.")
    n, database = index.n, index.database
    if not shares or not all(0 <= share < 1 and n - round(share * n) >= k for share in shares):
        raise InputError(f"shares {list(shares)} of {n:,} vectors", f"Use 0 and more, and leave {k} vectors.")
    asked, graph = database.prepare(queries), read_graph(index)
    order = np.random.default_rng(seed).permutation(n)
    rows = []
    for share in shares:
        kept = np.ones(n, dtype=np.bool_)
        kept[order[: round(share * n)]] = False
        left = np.flatnonzero(kept)
        faiss.cvar.hnsw_stats.reset()
        found = index.filtered(asked, k, search, kept)
        counted = faiss.cvar.hnsw_stats.ndis / len(asked)
        truth = exact_neighbours(asked, database.array[left], k, database.metric)
        place = np.full(n + 1, -1, dtype=np.int64)
        place[left] = np.arange(len(left))
        rows.append(
            {"share": share, "left": len(left), "distances": counted, "cut_off": _cut_off(graph, kept),
             "recall": float(recall(place[found], truth, asked, database.array[left]).mean())}
        )  # fmt: skip
    return pd.DataFrame(rows)


def insertion_orders(
    spec: IndexSpec, database: Database, queries: ArrayLike, orders: Mapping[str, ArrayLike], *, k: int = 10,
    at_once: int = 50,
) -> pd.DataFrame:  # fmt: skip
    """Build the same graph of the same vectors in several orders, and search each.

    FAISS shuffles what it is given in one call, level by level. So the vectors come a few at a time here, as they would
    from a stream.

    Parameters
    ----------
    spec
        HNSW of FAISS on full vectors, with its efSearch.
    database
        The vectors.
    queries
        ``(q, d)`` numbers, which are no rows of it.
    orders
        Name -> ``(n,)`` rows in the order in which they come in, each once.
    k
        Neighbours of each query.
    at_once
        Vectors of one call.

    Returns
    -------
    pandas.DataFrame
        One row per order: ``order``, ``recall`` with ``recall_low`` and ``recall_high``, ``distances`` of a query,
        ``unreachable`` (vectors that no link path from the entry on the bottom layer leads to).

    Raises
    ------
    InputError
        Another index, or an order that is not every row once.
    VectorError
        Queries that cannot be used.
    """
    check_spec(spec, n=database.n, d=database.d, metric=database.metric, k=k)
    if spec.parts.kind != f"HNSW{spec.parts.M}":
        raise InputError(f"{spec} is no graph of full vectors", "Use one such as HNSW16 efSearch=64.")
    asked = database.prepare(queries)
    truth = exact_neighbours(asked, database.array, k, database.metric)
    rows = []
    for name, order in orders.items():
        coming = np.asarray(order, dtype=np.int64)
        if not np.array_equal(np.sort(coming), np.arange(database.n)):
            raise InputError(f"the order {name!r} is not every row once", f"Pass a permutation of {database.n:,} rows.")
        graph = empty_faiss(spec, database)
        for start in range(0, database.n, at_once):
            graph.add(database.array[coming[start : start + at_once]])
        index = FaissIndex(spec, database, graph)
        found = index.search(asked, k, spec.search)
        found = np.where(found < 0, -1, coming[found])
        mean = mean_interval(recall(found, truth, asked, database.array))
        rows.append(
            {"order": name, "recall": mean.mean, "recall_low": mean.low, "recall_high": mean.high,
             "distances": index.distances(asked, k, spec.search),
             "unreachable": int((~read_graph(index).reachable()).sum())}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _cut_off(graph: Graph, kept: NDArray[np.bool_]) -> float:
    """Share of the kept nodes that kept ones alone do not lead to on the bottom layer, from the highest of them."""
    rows: IntArray = np.flatnonzero(kept)
    links = graph.edges(0)[rows][:, rows]
    start = int(np.argmax(graph.levels[rows]))
    reached = breadth_first_order(links, start, return_predecessors=False)
    return 1 - len(reached) / len(rows)
