"""How sound an HNSW graph is: degrees, what cannot be reached, components, hubs, duplicates, order of insertion."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.inspection.graph import Graph, read_graph
from workbench.intervals import Interval
from workbench.records import FloatArray, IntArray

__all__ = ["GraphHealth", "graph_health"]

_LISTED = 20  # hubs in the table
_Z = 1.959963984540054  # two-sided 95 % of the normal distribution
_SPEARMAN = 1.06  # variance of Fisher's z of a rank correlation, times n - 3


@dataclass(frozen=True, eq=False)
class GraphHealth:
    """What the graph of an index is like.

    Parameters
    ----------
    in_degree, out_degree
        ``(n,) int64``: links to and from each node on the bottom layer.
    unreachable
        Rows that no path on the bottom layer leads to from the entry, ascending: no ``ef`` finds them there. A search
        enters the bottom layer where its descent ended; only a node that cannot reach the others either, such as an
        unreachable one, would find more or less from there.
    layers
        One row for each layer, the bottom first: ``layer``, ``nodes``, ``edges``, ``mean_degree`` (links from a node),
        ``components`` (parts that no link connects), ``strong_components`` (parts within which every node reaches
        every other along the links) and ``largest`` (share of the nodes in the largest of these).
    hubs
        The 20 nodes that most links lead to: ``row``, ``in_degree``.
    duplicates
        Groups of equal vectors, the largest first: ``row`` (the first of the group), ``count`` and ``unreachable`` (how
        many of them are).
    order
        Spearman's correlation of the place in the order of insertion and the in-degree, with its 95 % interval
        (Fisher's z, its variance ``1.06 / (n - 3)``): negative where those inserted early are linked to most. NaN where
        all have the same in-degree, or under 4 nodes.

    References
    ----------
    E. C. Fieller, H. O. Hartley, E. S. Pearson, Tests for Rank Correlation Coefficients I, Biometrika 44 (1957).
    """

    in_degree: IntArray = field(repr=False)
    out_degree: IntArray = field(repr=False)
    unreachable: IntArray
    layers: pd.DataFrame = field(repr=False)
    hubs: pd.DataFrame = field(repr=False)
    duplicates: pd.DataFrame = field(repr=False)
    order: Interval


def graph_health(index: Index) -> GraphHealth:
    """Look the graph of an HNSW index over.

    Raises
    ------
    InputError
        As :func:`read_graph`.
    """
    graph = read_graph(index)
    starts, rows = graph.links[0]
    in_degree = np.bincount(rows, minlength=graph.n).astype(np.int64)
    reached = graph.reachable()
    most = np.argsort(-in_degree, kind="stable")[:_LISTED]
    return GraphHealth(
        in_degree=in_degree,
        out_degree=np.diff(starts),
        unreachable=np.flatnonzero(~reached),
        layers=pd.DataFrame([_layer(graph, layer) for layer in range(graph.layers)]),
        hubs=pd.DataFrame({"row": most, "in_degree": in_degree[most]}),
        duplicates=_duplicates(index.database.array, reached),
        order=_order(graph.inserted, in_degree),
    )


def _layer(graph: Graph, layer: int) -> dict[str, float]:
    from scipy.sparse.csgraph import connected_components

    nodes = np.flatnonzero(graph.levels >= layer)
    edges = graph.edges(layer)
    if len(nodes) < graph.n:
        edges = edges[nodes][:, nodes]
    strong, parts = connected_components(edges, directed=True, connection="strong")
    return {
        "layer": layer,
        "nodes": len(nodes),
        "edges": edges.nnz,
        "mean_degree": edges.nnz / len(nodes),
        "components": int(connected_components(edges, directed=False, return_labels=False)),
        "strong_components": int(strong),
        "largest": float(np.bincount(parts).max() / len(nodes)),
    }


def _duplicates(vectors: FloatArray, reached: NDArray[np.bool_]) -> pd.DataFrame:
    """Groups of equal rows; -0 equals 0."""
    digests = [hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in vectors]
    groups = pd.DataFrame({"row": np.arange(len(vectors)), "unreachable": ~reached}).groupby(digests, sort=False)
    table = groups.agg(row=("row", "first"), count=("row", "size"), unreachable=("unreachable", "sum"))
    repeated = table[table["count"] > 1].sort_values(["count", "row"], ascending=[False, True])
    return repeated.reset_index(drop=True).astype(np.int64)


def _order(inserted: IntArray, in_degree: IntArray) -> Interval:
    from scipy.stats import rankdata

    n = len(inserted)
    degrees = rankdata(in_degree[inserted])
    if n < 4 or degrees.min() == degrees.max():
        return Interval(float("nan"), float("nan"), float("nan"))
    correlation = float(np.corrcoef(np.arange(n), degrees)[0, 1])
    middle, reach = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)), _Z * np.sqrt(_SPEARMAN / (n - 3))
    return Interval(correlation, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))
