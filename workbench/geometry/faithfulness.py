"""How far a map may be trusted: trustworthiness, continuity, neighbour overlap and stress, by point and in all."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from workbench.corpora import as_vectors_array
from workbench.errors import InputError, VectorError
from workbench.geometry.metrics import larger_is_better, unit_rows
from workbench.geometry.neighbours import exact_neighbours
from workbench.intervals import Interval, mean_interval
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["Faithfulness", "Neighbourhood", "faithfulness", "neighbourhood"]

_EXACT_UP_TO = 6_000  # points: all of them against all of them take a few seconds
_SAMPLE = 2_000  # points of a larger map that are measured, each against all others
_BLOCK_BYTES = 8 << 20  # of one block of distances, in each thread
_TIED = 1e-12  # squared distances that differ by less, relative to the longest, are equal: thousands of roundoffs

_Array64 = NDArray[np.float64]

_MEANINGS = {
    "trustworthiness": "1 = no point is drawn near that is far in truth (false neighbours)",
    "continuity": "1 = no point is drawn far that is near in truth (missing neighbours)",
    "overlap": "share of the two neighbourhoods together that is in both (Jaccard)",
    "stress": "0 = every distance on the map is in proportion; the map has one scale for all",
}


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """What a map keeps of the space it was made from.

    Attributes
    ----------
    n, k, metric
        Points of the map; neighbours that trustworthiness and continuity look at; the metric of the original space.
    points
        A row for each measured point: ``row``, ``trustworthiness``, ``continuity``, ``stress``, and ``overlap@K`` for
        each K. NaN stress under the dot product, which is no distance.
    trustworthiness, continuity
        Means over the points, in [0, 1]; 1 is best.
    overlap
        By K, the mean Jaccard index of the K nearest in the original space and on the map, in [0, 1].
    stress
        Kruskal's stress-1 of the best-scaled map, from 0; None under the dot product.

    An interval's ends are those of a 95 % bootstrap over points where ``exact`` is False, and its mean where every
    point was measured: then nothing was sampled and nothing is uncertain.
    """

    n: int
    k: int
    metric: Metric
    points: pd.DataFrame = field(repr=False)
    trustworthiness: Interval
    continuity: Interval
    overlap: dict[int, Interval]
    stress: Interval | None

    @property
    def measured(self) -> int:
        """How many points were measured, each against all others."""
        return len(self.points)

    @property
    def exact(self) -> bool:
        """Whether every point was measured."""
        return self.measured == self.n

    def table(self) -> pd.DataFrame:
        """A row for each measure: ``measure``, ``value``, ``low``, ``high``, ``meaning``."""
        rows: list[tuple[str, Interval, str]] = [
            (f"trustworthiness@{self.k}", self.trustworthiness, _MEANINGS["trustworthiness"]),
            (f"continuity@{self.k}", self.continuity, _MEANINGS["continuity"]),
            *((f"neighbour overlap@{k}", at, _MEANINGS["overlap"]) for k, at in self.overlap.items()),
        ]
        if self.stress is not None:
            rows.append(("stress", self.stress, _MEANINGS["stress"]))
        return pd.DataFrame(
            [(name, at.mean, at.low, at.high, meaning) for name, at, meaning in rows],
            columns=["measure", "value", "low", "high", "meaning"],
        )

    def column(self, measure: str) -> "pd.Series[float]":
        """One measure for all ``n`` points, named, in the order of the map; NaN for points that were not measured.

        Raises
        ------
        InputError
            There is no such column in ``points``.
        """
        known = [str(name) for name in self.points.columns if name != "row"]
        if measure not in known:
            raise InputError(f"there is no measure {measure!r}", f"Those there are: {', '.join(known)}.")
        values = pd.Series(np.full(self.n, np.nan), name=measure)
        values.iloc[self.points["row"].to_numpy()] = self.points[measure].to_numpy()
        return values

    def __str__(self) -> str:
        k = min(self.overlap, key=lambda one: (abs(one - self.k), one))
        parts = [
            f"trustworthiness@{self.k} {self.trustworthiness.mean:.2f}",
            f"continuity@{self.k} {self.continuity.mean:.2f}",
            f"overlap@{k} {self.overlap[k].mean:.2f}",
            *([f"stress {self.stress.mean:.2f}"] if self.stress is not None else []),
        ]
        of = "" if self.exact else f" ({self.measured:,} of {self.n:,} points measured)"
        return ", ".join(parts) + of


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The neighbours of one point in truth and on the map, as rows, nearest first, itself left out.

    Attributes
    ----------
    row, k
        The point, and how many neighbours were looked at.
    true, scores
        All its true neighbours, nearest first, and their scores in the metric of the original space.
    kept
        Near in truth and near on the map.
    missing
        Near in truth, far on the map: the map tore them away.
    false
        Near on the map, far in truth: the picture invents them.
    """

    row: int
    k: int
    true: IntArray
    scores: FloatArray
    kept: IntArray
    missing: IntArray
    false: IntArray

    def __str__(self) -> str:
        if not len(self.missing):
            return f"The {self.k} nearest on the map are the {self.k} nearest in truth."
        away = "is far away on the map" if len(self.missing) == 1 else "are far away on the map"
        near = "point is drawn near and is not" if len(self.false) == 1 else "points are drawn near and are not"
        return (
            f"Of the {self.k} true neighbours, {len(self.kept)} are near on the map and {len(self.missing)} {away}; "
            f"{len(self.false)} {near}."
        )


def neighbourhood(
    vectors: ArrayLike | Vectors, coordinates: ArrayLike, row: int, k: int = 10, metric: Metric | None = None
) -> Neighbourhood:
    """What a map does to the neighbours of one point.

    Parameters
    ----------
    vectors, coordinates
        ``(n, d)`` numbers or Vectors, and their places on the map, ``(n, 2)`` or ``(n, 3)``.
    row
        The point.
    k
        Neighbours to compare, at most ``n - 1``.
    metric
        Of the original space; None takes that of Vectors, and cosine for numbers.

    Raises
    ------
    InputError
        No such row, or ``k`` is not between 1 and ``n - 1``.
    VectorError
        Vectors or coordinates that cannot be used, or that differ in number.
    """
    space, array, places = _checked(vectors, coordinates, metric)
    n = len(array)
    if not 0 <= row < n:
        raise InputError(f"row {row} is not on a map of {n:,} points", "Count rows from 0.")
    if not 1 <= k <= n - 1:
        raise InputError(f"k={k:,} neighbours were asked of {n - 1:,} other points", f"Use k from 1 to {n - 1:,}.")
    found = exact_neighbours(array[row : row + 1], array, min(k + 1, n), space)  # itself may be among them
    others = found.ids[0] != row
    true, scores = found.ids[0][others][:k], found.scores[0][others][:k]
    away = ((places - places[row]) ** 2).sum(axis=1)
    away[row] = np.inf
    near = np.lexsort((np.arange(n), away))[:k]
    both = np.isin(true, near)
    return Neighbourhood(row, k, true, scores, true[both], true[~both], near[~np.isin(near, true)])


def faithfulness(
    vectors: ArrayLike | Vectors,
    coordinates: ArrayLike,
    k: int = 15,
    *,
    overlap_at: Sequence[int] = (5, 15, 50),
    metric: Metric | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> Faithfulness:
    """Measure what a map keeps: every measured point against all others, in float64, in the original metric.

    With ``r(i, j)`` the place of ``j`` among the neighbours of ``i`` in the original space, and ``U(i)`` the points
    that are among the ``k`` nearest of ``i`` on the map and not in the original space, the trustworthiness of ``i`` is
    ``1 - 2 / (k (2n - 3k - 1)) * sum over U(i) of (r(i, j) - k)``. Continuity exchanges the two spaces. Equal
    distances share the best place. The map's value is the mean over points: scikit-learn's ``trustworthiness``.

    Stress-1 is ``sqrt(sum (o - s m)^2 / sum o^2)`` over pairs with distances ``o`` in the original space and ``m`` on
    the map, at the scale ``s`` that makes it smallest, as a map has no unit of its own. Under cosine ``o`` is the
    chord ``sqrt(2 - 2 cos)``.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers or Vectors.
    coordinates
        Their places on the map, ``(n, 2)`` or ``(n, 3)``, in the same order.
    k
        Neighbours for trustworthiness and continuity, fewer than ``n / 2``.
    overlap_at
        Neighbourhood sizes for the overlap; those that are not below ``n`` are left out.
    metric
        Of the original space; None takes that of Vectors, and cosine for numbers.
    sample
        Measure so many points, drawn at random, each against all others; None measures all of up to 6,000 points and
        2,000 of a larger map.
    seed
        Of the sample.

    Returns
    -------
    Faithfulness
        For each measured point and for the map. It takes ``8 n d`` bytes, and two blocks of distances for each core.

    Raises
    ------
    InputError
        ``k``, ``overlap_at`` or ``sample`` out of range.
    VectorError
        Vectors or coordinates that cannot be used, or that differ in number.

    References
    ----------
    J. Venna, S. Kaski, Neighborhood preservation in nonlinear projection methods: an experimental study, ICANN 2001.
    J. B. Kruskal, Multidimensional scaling by optimizing goodness of fit to a nonmetric hypothesis, Psychometrika 29
    (1964). K. Smelser, J. Miller, S. Kobourov, "Normalized Stress" is Not Normalized: How to Interpret Stress
    Correctly, BELIV 2024, on why the scale is fitted.
    """
    space, array, places = _checked(vectors, coordinates, metric)
    n = len(array)
    if not 1 <= k < n / 2:
        raise InputError(f"k={k} neighbours of {n:,} points", f"Use k from 1 to {(n - 1) // 2}, fewer than half.")
    sizes = sorted({size for size in overlap_at if size < n})
    if not sizes or sizes[0] < 1:
        raise InputError(f"overlap_at={tuple(overlap_at)} for {n:,} points", f"Name sizes from 1 to {n - 1:,}.")
    if sample is not None and not 1 <= sample <= n:
        raise InputError(f"sample={sample:,} of {n:,} points", f"Use 1 to {n:,}, or leave it out.")
    count = sample or (n if n <= _EXACT_UP_TO else _SAMPLE)
    rows = np.arange(n) if count == n else np.sort(np.random.default_rng(seed).choice(n, count, replace=False))

    sums, shared = _compared(_wide(array, space), places, space, k, np.array(sizes), rows)

    worst = k * (2 * n - 3 * k - 1) / 2  # all k neighbours of a point at the far end of the other space
    points = pd.DataFrame(
        {"row": rows, "trustworthiness": 1 - sums[:, 0] / worst, "continuity": 1 - sums[:, 1] / worst}
    )
    oo, om, mm = sums[:, 2:].T
    scale = om.sum() / mm.sum() if mm.sum() > 0 else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0: a point at which all others coincide
        residual = np.maximum(oo - 2 * scale * om + scale**2 * mm, 0.0)
        points["stress"] = np.nan if space == "dot" else np.sqrt(residual / oo)
    for place, size in enumerate(sizes):
        points[f"overlap@{size}"] = shared[:, place] / (2 * size - shared[:, place])

    def over_points(name: str) -> Interval:
        values = points[name].to_numpy()
        return Interval(*[float(values.mean())] * 3) if count == n else mean_interval(values)

    return Faithfulness(
        n,
        k,
        space,
        points,
        over_points("trustworthiness"),
        over_points("continuity"),
        {size: over_points(f"overlap@{size}") for size in sizes},
        None if space == "dot" or oo.sum() == 0 else _stress(residual, oo, exact=count == n),
    )


def _wide(array: FloatArray, metric: Metric) -> _Array64:
    """The vectors in float64: of unit length under cosine, about their mean where distances could lose digits."""
    if metric == "cosine":
        return unit_rows(array)
    rows = array.astype(np.float64)
    if metric == "euclidean":
        rows -= rows.mean(axis=0)
    return rows


def _compared(
    array: _Array64, places: _Array64, metric: Metric, k: int, sizes: IntArray, rows: IntArray
) -> tuple[_Array64, IntArray]:
    """What :func:`compare_block` says of each row, in blocks, one thread for each core."""
    from workbench.geometry.rank_kernels import compare_block

    squares = np.einsum("ij,ij->i", array, array)
    slack = (_TIED * float(squares.max()), _TIED * float(np.ptp(places, axis=0).max()) ** 2)
    if metric == "dot":
        squares = np.empty(0)
    axes = np.ascontiguousarray(places.T)

    def block(some: IntArray) -> tuple[_Array64, IntArray]:
        found: tuple[_Array64, IntArray] = compare_block(array[some] @ array.T, squares, axes, some, k, sizes, slack)
        return found

    step = max(1, _BLOCK_BYTES // (8 * len(array)))
    blocks = [rows[at : at + step] for at in range(0, len(rows), step)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(block, blocks))
    return np.concatenate([sums for sums, _ in found]), np.concatenate([shared for _, shared in found])


def _stress(residual: _Array64, squares: _Array64, *, exact: bool) -> Interval:
    """Stress-1 from each point's share of the residual and of the squared distances."""
    value = float(np.sqrt(residual.sum() / squares.sum()))
    if exact:
        return Interval(value, value, value)
    picks = np.random.default_rng(0).integers(len(residual), size=(1000, len(residual)))
    low, high = np.quantile(np.sqrt(residual[picks].sum(axis=1) / squares[picks].sum(axis=1)), [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _checked(
    vectors: ArrayLike | Vectors, coordinates: ArrayLike, metric: Metric | None
) -> tuple[Metric, FloatArray, _Array64]:
    """The metric, the vectors, and the places on the map."""
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    array: FloatArray = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    places: NDArray[Any] = np.asarray(coordinates, dtype=np.float64)
    if places.ndim != 2 or len(places) != len(array):
        raise VectorError(
            f"a map of shape {places.shape} for {len(array):,} vectors", "Pass one row of coordinates for each vector."
        )
    if not np.isfinite(places).all():
        row = int(np.flatnonzero(~np.isfinite(places).all(axis=1))[0])
        raise VectorError(f"row {row:,} of the map is {places[row].tolist()}", "Leave it out, or project again.")
    return metric, array, places
