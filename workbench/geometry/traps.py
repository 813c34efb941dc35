"""What people read off a map and should not: distances between groups, sizes of groups, and who is near to whom."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.errors import InputError, VectorError
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.geometry.neighbours import exact_neighbours
from workbench.intervals import Interval, mean_interval
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["MapTraps", "cluster_distortion"]

_RESAMPLES = 1000
_FEWEST_GROUPS = 4  # three have three pairs, whose order says nothing
_SAMPLE = 5_000  # points whose neighbours are sought

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapTraps:
    """Three things a map seems to say, held against the vectors it was made from.

    Attributes
    ----------
    distances
        A row for each pair of groups: ``a``, ``b``, ``original`` and ``map``, the distances of their centres.
    sizes
        A row for each group: ``name``, ``count``, ``original`` and ``map``, the root-mean-square distance of its
        points to its centre.
    neighbours
        A row for each measured point: ``row``, and ``kept``, the share of its k nearest on the map that are among its
        k nearest in truth.
    distance_correlation, size_correlation
        Spearman's rank correlation of ``original`` and ``map``, -1 to 1, with a 95 % bootstrap interval over groups;
        1 is the same order. NaN where all of one kind are equal.
    neighbours_kept
        Mean of ``kept`` with its bootstrap interval over points, 0 to 1.
    k
        Neighbours of a point.
    """

    distances: pd.DataFrame = field(repr=False)
    sizes: pd.DataFrame = field(repr=False)
    neighbours: pd.DataFrame = field(repr=False)
    distance_correlation: Interval
    size_correlation: Interval
    neighbours_kept: Interval
    k: int


def cluster_distortion(
    vectors: ArrayLike | Vectors,
    coordinates: ArrayLike,
    labels: Sequence[Hashable] | NDArray[Any],
    *,
    k: int = 10,
    metric: Metric | None = None,
    seed: int = 0,
) -> MapTraps:
    """Measure, on one map with its groups, the three readings that maps invite and do not bear.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors: what the map was made from.
    coordinates
        ``(n, 2)`` or ``(n, 3)``: the map.
    labels
        ``n`` groups. Negative whole numbers (the noise of a clustering), None, NaN and empty texts are no group, and
        neither is a group of a single point.
    k
        Neighbours of each point, itself left out.
    metric
        Of the original space; None takes that of Vectors, and cosine for numbers. Under cosine, centres and sizes are
        Euclidean ones of the vectors at unit length; under dot, of the vectors as they are.
    seed
        Of the bootstrap, and of the 5,000 points whose neighbours are sought where there are more.

    Raises
    ------
    InputError
        Vectors, map and labels do not line up, there are fewer than four groups, or ``k`` is out of range.
    VectorError
        Vectors or coordinates that cannot be used.

    Notes
    -----
    Pairs of groups are not independent, since each group is in many of them: groups are drawn, not pairs, and the pairs
    are those of the groups drawn, a group and its own copy left out. T. A. B. Snijders, S. P. Borgatti, Non-Parametric
    Standard Errors and Tests for Network Statistics, Connections 22 (1999).
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    places = np.ascontiguousarray(np.asarray(coordinates), dtype=np.float32)
    if not len(array) == len(places) == len(labels) or places.ndim != 2:
        raise InputError(
            f"{len(array):,} vectors, a map of shape {places.shape} and {len(labels):,} labels do not line up",
            "Give each vector one place on the map and one label.",
        )
    if not np.isfinite(places).all():
        raise VectorError("the map holds NaN or infinity", "Leave those points out of the vectors and the map.")
    groups, names = _groups(labels)
    if len(names) < _FEWEST_GROUPS:
        raise InputError(
            f"{len(names)} groups of two points or more have too few pairs to put in order",
            f"Choose labels with {_FEWEST_GROUPS} groups at least.",
        )
    rows = normalize(array) if metric == "cosine" else array
    (true_centres, true_sizes), (map_centres, map_sizes) = _centres(rows, groups), _centres(places, groups)
    truth, drawn = _apart(true_centres), _apart(map_centres)
    first, second = np.triu_indices(len(names), 1)
    kept, measured = _kept(array, places, k, metric, seed)
    random = np.random.default_rng(seed)
    draws = [random.integers(len(names), size=len(names)) for _ in range(_RESAMPLES)]
    return MapTraps(
        distances=pd.DataFrame(
            {
                "a": [names[i] for i in first],
                "b": [names[i] for i in second],
                "original": truth[first, second],
                "map": drawn[first, second],
            }
        ),
        sizes=pd.DataFrame(
            {"name": names, "count": [len(group) for group in groups], "original": true_sizes, "map": map_sizes}
        ),
        neighbours=pd.DataFrame({"row": measured, "kept": kept}),
        distance_correlation=_interval(
            _spearman(truth[first, second], drawn[first, second]),
            [_pairs_correlation(truth, drawn, at) for at in draws],
        ),
        size_correlation=_interval(
            _spearman(true_sizes, map_sizes), [_spearman(true_sizes[at], map_sizes[at]) for at in draws]
        ),
        neighbours_kept=mean_interval(kept, seed=seed),
        k=k,
    )


def _groups(labels: Sequence[Hashable] | NDArray[Any]) -> tuple[list[IntArray], list[str]]:
    """Rows of each group of two or more, largest first, and the groups' names."""
    rows: dict[Hashable, list[int]] = {}
    for row, label in enumerate(labels):
        if label is None or label == "" or label != label or (isinstance(label, int | np.integer) and label < 0):
            continue
        rows.setdefault(label, []).append(row)
    kept = sorted(((name, at) for name, at in rows.items() if len(at) > 1), key=lambda item: -len(item[1]))
    return [np.array(at, dtype=np.int64) for _, at in kept], [str(name) for name, _ in kept]


def _centres(rows: FloatArray, groups: list[IntArray]) -> tuple[_Array64, _Array64]:
    """Centre of each group, ``(groups, d)``, and the root-mean-square distance of its points to it."""
    centres, sizes = [], []
    for at in groups:
        points = rows[at].astype(np.float64)
        centre = points.mean(axis=0)
        centres.append(centre)
        sizes.append(np.sqrt(((points - centre) ** 2).sum(axis=1).mean()))
    return np.array(centres), np.array(sizes)


def _apart(centres: _Array64) -> _Array64:
    """Distances of all centres, ``(groups, groups)``."""
    return np.array([np.linalg.norm(centres - centre, axis=1) for centre in centres])


def _kept(array: FloatArray, places: FloatArray, k: int, metric: Metric, seed: int) -> tuple[_Array64, IntArray]:
    """Of each measured point's k nearest on the map, the share among its k nearest in truth; and the rows measured."""
    n = len(array)
    asked = np.arange(n)
    if n > _SAMPLE:
        asked = np.sort(np.random.default_rng(seed).choice(n, _SAMPLE, replace=False))
    ids = tuple(map(str, range(n)))
    near = []
    for rows, by in ((array, metric), (places, "euclidean")):
        space = Vectors(ids, rows, metric=by)
        near.append(exact_neighbours(space.take(asked), space, k, exclude_self=True).ids)
    truth, drawn = near
    shared = [np.isin(drawn[i], truth[i], assume_unique=True).mean() for i in range(len(asked))]
    return np.array(shared), asked


def _pairs_correlation(truth: _Array64, drawn: _Array64, at: IntArray) -> float:
    """Correlation over the pairs of the groups drawn."""
    first, second = np.triu_indices(len(at), 1)
    apart = at[first] != at[second]
    one, other = at[first[apart]], at[second[apart]]
    return _spearman(truth[one, other], drawn[one, other])


def _spearman(a: _Array64, b: _Array64) -> float:
    """Spearman's rank correlation, equals at their mean rank; NaN where one side does not vary."""
    from scipy.stats import rankdata

    if len(a) < 2:
        return float("nan")
    one, other = rankdata(a), rankdata(b)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale else float("nan")


def _interval(value: float, resampled: list[float]) -> Interval:
    """The value with the ends of its resampled ones, those that are not defined left out."""
    values = np.array(resampled)
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(value, float(low), float(high))
