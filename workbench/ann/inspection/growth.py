"""How the work of a graph search grows: one graph that takes in more and more vectors, measured on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import faiss
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.ann.indexes import Database
from workbench.ann.indexes.database import faiss_metric
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.measurement import recall
from workbench.ann.specs import IndexSpec, check_spec
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.intervals import Interval, mean_interval
from workbench.records import FloatArray

__all__ = ["GrowthFit", "GrowthRecord", "fit_growth", "growing_graph"]

_RESAMPLES = 4000


@dataclass(frozen=True, eq=False)
class GrowthRecord:
    """A graph, and what its searches cost while it grew.

    Attributes
    ----------
    index
        Of all vectors: an index like any other.
    points
        One row per size: ``n``, ``distances`` (mean of a query) with ``low`` and ``high`` (95 %, of the queries drawn
        again), ``recall``.
    sizes
        ``(sizes,)``: how many vectors it held when it was measured.
    distances
        ``(queries, sizes)``: distances that each query computed.
    """

    index: FaissIndex = field(repr=False)
    points: pd.DataFrame
    sizes: NDArray[np.int64]
    distances: NDArray[np.int64] = field(repr=False)


def growing_graph(
    spec: IndexSpec, database: Database, queries: ArrayLike, sizes: Sequence[int], *, k: int = 10
) -> GrowthRecord:
    """Build one HNSW graph in stages, in the order of the rows, and search it after each.

    It is one graph and not one for each size, so that nothing but ``n`` differs, and the time is that of one build.
    The vectors should be in a random order: the first thousand then are a sample of all.

    Parameters
    ----------
    spec
        An HNSW index of FAISS on full vectors, with its efSearch, such as ``HNSW16 efConstruction=80 efSearch=64``.
    database
        All vectors.
    queries
        ``(q, d)`` numbers, which are no rows of it.
    sizes
        Ascending; the rest of the vectors is added after the last.
    k
        Neighbours of each query.

    Raises
    ------
    InputError
        Another index, or sizes that do not ascend from ``k`` to the number of vectors.
    VectorError
        Queries that cannot be used.
    """
    check_spec(spec, n=database.n, d=database.d, metric=database.metric, k=k)
    if spec.parts.kind != f"HNSW{spec.parts.M}":
        raise InputError(f"{spec} is no graph of full vectors", "Use one such as HNSW16 efSearch=64.")
    steps = np.asarray(sizes, dtype=np.int64)
    if not len(steps) or (np.diff(steps) <= 0).any() or not k <= steps[0] or steps[-1] > database.n:
        raise InputError(f"sizes {[*map(int, steps)]}", f"Let them ascend from {k} to {database.n:,} at most.")
    asked = database.prepare(queries)
    graph = faiss.IndexHNSWFlat(database.d, spec.parts.M, faiss_metric(database.metric))
    for _, value in spec.build:  # efConstruction
        graph.hnsw.efConstruction = int(value)
    parameters = faiss.SearchParametersHNSW(efSearch=int(dict(spec.search).get("efSearch", 16)))
    counts, rows, held = np.empty((len(asked), len(steps)), dtype=np.int64), [], 0
    for place, size in enumerate(steps):
        graph.add(database.array[held:size])
        held = int(size)
        truth = exact_neighbours(asked, database.array[:held], k, database.metric)
        found = np.empty((len(asked), k), dtype=np.int64)
        for q in range(len(asked)):
            faiss.cvar.hnsw_stats.reset()
            found[q] = graph.search(asked[q : q + 1], k, params=parameters)[1][0]
            counts[q, place] = faiss.cvar.hnsw_stats.ndis
        mean = mean_interval(counts[:, place].astype(np.float64))
        rows.append(
            {"n": held, "distances": mean.mean, "low": mean.low, "high": mean.high,
             "recall": float(recall(found, truth, asked, database.array).mean())}
        )  # fmt: skip
    if held < database.n:
        graph.add(database.array[held:])
    return GrowthRecord(FaissIndex(spec, database, graph), pd.DataFrame(rows), steps, counts)


@dataclass(frozen=True, eq=False)
class GrowthFit:
    """A straight line over the logarithm of n: each time n doubles, a query costs the same number of distances more.

    Attributes
    ----------
    per_doubling
        That number, with its 95 % interval.
    scatter
        Root mean square of the measured means about the line, in distances.
    largest
        The largest n that was measured: beyond it is extrapolation.
    """

    per_doubling: Interval
    scatter: float
    largest: int
    _lines: NDArray[np.float64] = field(
        repr=False
    )  # (resamples + 1, 2): at n = 1, and per doubling; the first is the fit

    def at(self, n: float) -> Interval:
        """Distances of a query at ``n`` vectors, with the 95 % interval of the line.

        It holds the doubt about these queries; not that the line may bend where nothing was measured.
        """
        values = self._lines @ np.array([1.0, np.log2(n)])
        low, high = np.quantile(values[1:], [0.025, 0.975])
        return Interval(float(values[0]), float(low), float(high))

    def table(self, sizes: ArrayLike) -> pd.DataFrame:
        """``n``, ``distances``, ``low``, ``high`` at these sizes, as ``view.figures.work_growth`` wants them."""
        spans = [self.at(float(n)) for n in np.asarray(sizes, dtype=np.float64)]
        return pd.DataFrame(
            {"n": np.asarray(sizes), "distances": [s.mean for s in spans], "low": [s.low for s in spans],
             "high": [s.high for s in spans]}
        )  # fmt: skip


def fit_growth(sizes: ArrayLike, distances: ArrayLike, *, seed: int = 0) -> GrowthFit:
    """Fit mean distances to ``a + b log2(n)`` by least squares; the interval draws queries again, all sizes of each.

    Parameters
    ----------
    sizes
        ``(sizes,)``, at least three.
    distances
        ``(queries, sizes)``, as ``growing_graph`` counts them.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        Shapes that do not match, fewer than three sizes, or fewer than two queries.

    References
    ----------
    That the number of steps grows with the logarithm of n: Y. Malkov and D. Yashunin, TPAMI 42 (2020), section 4.2.1.
    """
    n: FloatArray | NDArray[np.float64] = np.asarray(sizes, dtype=np.float64)
    counts = np.asarray(distances, dtype=np.float64)
    if n.ndim != 1 or counts.ndim != 2 or counts.shape[1] != len(n) or len(n) < 3 or len(counts) < 2:
        raise InputError(
            f"distances of shape {counts.shape} for sizes of shape {n.shape} cannot be fitted",
            "Pass (queries, sizes) of at least two queries and three sizes.",
        )
    design = np.column_stack([np.ones(len(n)), np.log2(n)])
    solver = np.linalg.pinv(design)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(_RESAMPLES, len(counts)))
    means = np.vstack([counts.mean(axis=0), counts[drawn].mean(axis=1)])
    lines = means @ solver.T
    low, high = np.quantile(lines[1:, 1], [0.025, 0.975])
    off = means[0] - design @ lines[0]
    return GrowthFit(
        per_doubling=Interval(float(lines[0, 1]), float(low), float(high)),
        scatter=float(np.sqrt((off**2).mean())),
        largest=int(n.max()),
        _lines=lines,
    )
