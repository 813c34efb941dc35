"""How the work of a graph search grows: one graph that takes in more and more vectors, measured on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import faiss
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.ann.indexes import Database, Index
from workbench.ann.indexes.faiss_build import empty_faiss
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.measurement import recall
from workbench.ann.specs import IndexSpec, check_spec
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.intervals import Interval, few_values_interval, mean_interval
from workbench.records import IntArray

__all__ = ["GraphGrowth", "GrowthFit", "growing_graph"]

_RESAMPLES = 2000
_LADDER = (10, 16, 32, 64, 128, 256, 512)

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GrowthFit:
    """Distances that a query needs for a recall, against the number of vectors: a power law, and how sure it is.

    Attributes
    ----------
    recall
        The recall that is held.
    points
        One row per size: ``n``, ``distances`` with ``low`` and ``high`` (95 %, of the queries drawn again).
    exponent
        Of ``distances = factor * n ** exponent``, with its 95 % interval: 1 is exact search, 0 no growth at all.
    per_doubling
        Of ``distances = a + b log2(n)``: what each doubling of n adds, ``b``, with its 95 % interval.
    scatter
        Of both laws, by name (``"power"``, ``"logarithm"``): how far its line is off the measured points, as a share of
        them (root mean square).
    largest
        The largest n that was measured: beyond it is extrapolation.
    """

    recall: float
    points: pd.DataFrame
    exponent: Interval
    per_doubling: Interval
    scatter: dict[str, float]
    largest: int
    _powers: _Array64 = field(repr=False)  # (draws + 1, 2): logarithm at n = 1, exponent; the first is the fit
    _lines: _Array64 = field(repr=False)  # (draws + 1, 2): distances at n = 1, per doubling

    def at(self, n: float, law: str = "power") -> Interval:
        """Distances of a query at ``n`` vectors by one of the laws, with the 95 % interval of its line.

        It holds the doubt about the queries; not that the line may bend where nothing was measured.

        Raises
        ------
        InputError
            Another law than ``"power"`` or ``"logarithm"``.
        """
        if law not in self.scatter:
            raise InputError(f"there is no law {law!r}", f"Laws are {', '.join(self.scatter)}.")
        values = (
            np.exp(self._powers @ np.array([1.0, np.log(n)]))
            if law == "power"
            else self._lines @ np.array([1.0, np.log2(n)])
        )
        return _ends(values)

    def table(self, sizes: ArrayLike, law: str = "power") -> pd.DataFrame:
        """``n``, ``distances``, ``low``, ``high`` at these sizes, as ``view.figures.work_growth`` wants them."""
        spans = [self.at(float(n), law) for n in np.asarray(sizes, dtype=np.float64)]
        return pd.DataFrame(
            {"n": np.asarray(sizes), "distances": [span.mean for span in spans], "low": [span.low for span in spans],
             "high": [span.high for span in spans]}
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class GraphGrowth:
    """A graph, and what its searches cost while it grew.

    Attributes
    ----------
    index
        Of all vectors: an index like any other.
    points
        One row per size and efSearch: ``n``, ``efSearch``, ``distances`` (mean of a query) with ``low`` and ``high``
        (95 %), ``recall``.
    """

    index: Index = field(repr=False)
    points: pd.DataFrame
    _sizes: IntArray = field(repr=False)
    _distances: _Array64 = field(repr=False)  # (queries, sizes, ladder)
    _recalls: _Array64 = field(repr=False)

    def fit(self, recall: float = 0.9, *, seed: int = 0) -> GrowthFit:
        """What a query costs at a recall, and how that grows.

        Between two values of efSearch the logarithm of the distances is interpolated over the recall. All of it is
        done again with queries drawn with replacement, which gives the intervals.

        Raises
        ------
        InputError
            Some size does not reach the recall, or passes it with the smallest efSearch; or fewer than three sizes.
        """
        if len(self._sizes) < 3:
            raise InputError(f"{len(self._sizes)} sizes make no line", "Measure three at least.")
        reached = self._recalls.mean(axis=0)
        for size, ladder in zip(self._sizes, reached, strict=True):
            if not ladder[0] <= recall <= ladder.max():
                raise InputError(
                    f"recall {recall:g} is outside {ladder[0]:.3f} to {ladder.max():.3f} at {size:,} vectors",
                    "Choose one that every size reaches, and none passes at once.",
                )
        q = len(self._recalls)
        drawn = np.random.default_rng(seed).multinomial(q, np.full(q, 1 / q), size=_RESAMPLES) / q
        weights = np.vstack([np.full(q, 1 / q), drawn])
        needed = _needed(np.tensordot(weights, self._recalls, 1), np.tensordot(weights, self._distances, 1), recall)
        powers, off = _lines(np.log(self._sizes), np.log(needed))
        straight, away = _lines(np.log2(self._sizes), needed)
        spans = [_ends(needed[:, place]) for place in range(len(self._sizes))]
        return GrowthFit(
            recall=recall,
            points=pd.DataFrame(
                {"n": self._sizes, "distances": [span.mean for span in spans], "low": [span.low for span in spans],
                 "high": [span.high for span in spans]}
            ),
            exponent=_ends(powers[:, 1]),
            per_doubling=_ends(straight[:, 1]),
            scatter={
                "power": float(np.sqrt((np.expm1(-off) ** 2).mean())),
                "logarithm": float(np.sqrt(((away / needed[0]) ** 2).mean())),
            },
            largest=int(self._sizes.max()),
            _powers=powers,
            _lines=straight,
        )  # fmt: skip


def growing_graph(
    spec: IndexSpec,
    database: Database,
    queries: ArrayLike,
    sizes: Sequence[int],
    *,
    ladder: Sequence[int] = _LADDER,
    k: int = 10,
) -> GraphGrowth:
    """Build one HNSW graph in stages, in the order of the rows, and search it after each.

    It is one graph and not one for each size, so that nothing but ``n`` differs, and the time is that of one build.
    The vectors should be in a random order: the first thousand then are a sample of all.

    Parameters
    ----------
    spec
        An HNSW index of FAISS on full vectors, such as ``HNSW16 efConstruction=80``.
    database
        All vectors.
    queries
        ``(q, d)`` numbers, which are no rows of it.
    sizes
        Ascending; the rest of the vectors is added after the last.
    ladder
        Values of efSearch, ascending.
    k
        Neighbours of each query.

    Raises
    ------
    InputError
        Another index, values that do not ascend, or sizes that are not from ``k`` to the number of vectors.
    VectorError
        Queries that cannot be used.
    """
    check_spec(spec.built(), n=database.n, d=database.d, metric=database.metric, k=k)
    if spec.parts.kind != f"HNSW{spec.parts.M}":
        raise InputError(f"{spec} is no graph of full vectors", "Use one such as HNSW16.")
    steps, efs = np.asarray(sizes, dtype=np.int64), np.asarray(ladder, dtype=np.int64)
    for name, values, low, high in (("sizes", steps, k, database.n), ("values of efSearch", efs, 1, 10**6)):
        if not len(values) or (np.diff(values) <= 0).any() or values[0] < low or values[-1] > high:
            raise InputError(f"{name} {[*map(int, values)]}", f"Let them ascend from {low} to {high:,} at most.")
    asked = database.prepare(queries)
    graph = empty_faiss(spec, database)
    counts, scores = (np.empty((len(asked), len(steps), len(efs)), dtype=np.float64) for _ in range(2))
    held = 0
    for place, size in enumerate(steps):
        graph.add(database.array[held:size])
        held = int(size)
        truth = exact_neighbours(asked, database.array[:held], k, database.metric)
        for rung, ef in enumerate(efs):
            found, counts[:, place, rung] = _searched(graph, asked, k, int(ef))
            scores[:, place, rung] = recall(found, truth, asked, database.array)
    if held < database.n:
        graph.add(database.array[held:])
    rows = []
    for place, rung in np.ndindex(len(steps), len(efs)):
        mean, right = mean_interval(counts[:, place, rung]), few_values_interval(scores[:, place, rung])
        rows.append(
            {"n": int(steps[place]), "efSearch": int(efs[rung]), "distances": mean.mean, "low": mean.low,
             "high": mean.high, "recall": right.mean, "recall_low": right.low, "recall_high": right.high}
        )  # fmt: skip
    return GraphGrowth(FaissIndex(spec, database, graph), pd.DataFrame(rows), steps, counts, scores)


def _searched(graph: "faiss.IndexHNSWFlat", asked: ArrayLike, k: int, ef: int) -> tuple[IntArray, IntArray]:
    """Answers, and the distances that each query computed."""
    queries = np.asarray(asked, dtype=np.float32)
    parameters, counter = faiss.SearchParametersHNSW(efSearch=ef), faiss.cvar.hnsw_stats
    found, counted = np.empty((len(queries), k), dtype=np.int64), np.empty(len(queries), dtype=np.int64)
    for q in range(len(queries)):
        counter.reset()
        found[q] = graph.search(queries[q : q + 1], k, params=parameters)[1][0]
        counted[q] = counter.ndis
    return found, counted


def _needed(recalls: _Array64, distances: _Array64, wanted: float) -> _Array64:
    """Distances at a recall, ``(draws, sizes)``, from means over the ladder, ``(draws, sizes, ladder)``."""
    reached, logs = np.maximum.accumulate(recalls, axis=2), np.log(distances)
    right = np.clip((reached < wanted).sum(axis=2), 1, reached.shape[2] - 1)[..., None]
    ends = [np.take_along_axis(part, right - step, axis=2)[..., 0] for part in (reached, logs) for step in (1, 0)]
    low, high, cheap, dear = ends
    share = np.divide(wanted - low, high - low, out=np.ones_like(low), where=high > low)
    needed: _Array64 = np.exp(cheap + share * (dear - cheap))
    return needed


def _lines(x: _Array64, values: _Array64) -> tuple[_Array64, _Array64]:
    """Least squares of each row of values, ``(draws, 2)``, and how far the first row is from its line."""
    design = np.column_stack([np.ones(len(x)), x])
    fitted: _Array64 = values @ np.linalg.pinv(design).T
    return fitted, values[0] - design @ fitted[0]


def _ends(values: _Array64) -> Interval:
    """The first value, and the 95 % interval of the others, which are draws."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Interval(float(values[0]), float(low), float(high))
