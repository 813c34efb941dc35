"""The curse of dimensions, measured: how much nearer the nearest vector is than a vector on average."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.geometry.spread import two_nn
from workbench.intervals import Interval
from workbench.records import FloatArray

__all__ = ["Contrast", "gaussian_contrasts", "matching_dimension", "relative_contrast"]

_BLOCK = 64  # queries at a time
_RESAMPLES = 2000
_NEAREST = 10  # neighbours that the intrinsic dimension is read off, of which it takes the first two that differ

_Array64 = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """How far the nearest vector of a query stands out.

    Attributes
    ----------
    ratio
        Mean distance over mean nearest distance, with its 95 % bootstrap interval over queries: 1 is no contrast.
    nearest, mean
        The two distances, Euclidean, averaged over queries.
    intrinsic
        Intrinsic dimension by TwoNN, from the first two neighbours of each query; NaN where it cannot be told.
    n, d
        Vectors that were searched, and their dimensions.
    """

    ratio: Interval
    nearest: float
    mean: float
    intrinsic: float
    n: int
    d: int


def relative_contrast(queries: ArrayLike, vectors: ArrayLike, *, seed: int = 0) -> Contrast:
    """Mean distance over nearest distance, by exact search and Euclidean distance.

    Scale to unit length first what is searched by cosine. The contrast falls as the dimensions grow and rises with
    ``n``, so compare clouds of one ``n``; queries must be no rows of ``vectors``.

    Parameters
    ----------
    queries, vectors
        ``(queries, d)`` and ``(n, d)`` numbers, ``n`` at least 10.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        Fewer than ten vectors, or every query is a copy of one.
    VectorError
        Numbers that cannot be used as vectors, or of two dimensions.

    References
    ----------
    J. He, S. Kumar, S.-F. Chang, On the Difficulty of Nearest Neighbor Search, ICML 2012, section 2; K. Beyer,
    J. Goldstein, R. Ramakrishnan, U. Shaft, When Is "Nearest Neighbor" Meaningful?, ICDT 1999; TwoNN: E. Facco,
    M. d'Errico, A. Rodriguez, A. Laio, Estimating the intrinsic dimension of datasets by a minimal neighborhood
    information, Scientific Reports 7 (2017).
    """
    asked, database = np.asarray(queries, dtype=np.float32), np.asarray(vectors, dtype=np.float32)
    if len(database) < _NEAREST:
        raise InputError(f"{len(database)} vectors tell no contrast", f"Pass at least {_NEAREST}.")
    near = exact_neighbours(asked, database, _NEAREST, "euclidean").scores
    nearest, means = near[:, 0].astype(np.float64), _mean_distances(asked, database)
    if not nearest.any():
        raise InputError("every query is a copy of a vector, at distance 0", "Hold the queries out.")
    rows = np.random.default_rng(seed).integers(len(asked), size=(_RESAMPLES, len(asked)))
    low, high = np.quantile(means[rows].mean(axis=1) / nearest[rows].mean(axis=1), [0.025, 0.975])
    return Contrast(
        ratio=Interval(float(means.mean() / nearest.mean()), float(low), float(high)),
        nearest=float(nearest.mean()),
        mean=float(means.mean()),
        intrinsic=two_nn(near),
        n=len(database),
        d=database.shape[1],
    )


def gaussian_contrasts(
    dimensions: tuple[int, ...] = (2, 4, 8, 16, 32, 64, 128, 384, 1024),
    *,
    n: int = 20_000,
    queries: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """The same for standard normal vectors, whose every dimension counts: ``d``, ``ratio`` with ends, ``intrinsic``.

    Returns
    -------
    pandas.DataFrame
        ``d``, ``ratio``, ``low``, ``high``, ``intrinsic``, one row for each of ``dimensions``.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for d in dimensions:
        cloud = rng.standard_normal((n + queries, d), dtype=np.float32)
        found = relative_contrast(cloud[n:], cloud[:n], seed=seed)
        ratio = found.ratio
        rows.append({"d": d, "ratio": ratio.mean, "low": ratio.low, "high": ratio.high, "intrinsic": found.intrinsic})
    return pd.DataFrame(rows)


def matching_dimension(curve: pd.DataFrame, ratio: Interval) -> Interval:
    """How many dimensions random vectors have that show the same contrast, read off the measured curve.

    Between two measured dimensions the logarithms of ``d`` and of ``ratio - 1`` are joined by a line.

    Parameters
    ----------
    curve
        ``d`` and ``ratio``, which falls as ``d`` grows, as ``gaussian_contrasts`` gives them.
    ratio
        The contrast to match; its ends give the ends.

    Raises
    ------
    InputError
        The curve does not fall, or the contrast is outside it.
    """
    rows = curve.sort_values("d")
    d, above = np.log(rows["d"].to_numpy(np.float64)), rows["ratio"].to_numpy(np.float64) - 1
    if len(rows) < 2 or not (np.diff(above) < 0).all() or above[-1] <= 0:
        raise InputError("the curve of contrasts does not fall", "Measure more vectors, or dimensions further apart.")
    if not (above[-1] <= ratio.low - 1 and ratio.high - 1 <= above[0]):
        raise InputError(
            f"a contrast of {ratio} is outside the curve, which runs from {above[0] + 1:.2f} to {above[-1] + 1:.2f}",
            "Measure fewer or more dimensions.",
        )
    mean, most, fewest = (
        float(np.exp(np.interp(-np.log(of - 1), -np.log(above), d))) for of in (ratio.mean, ratio.low, ratio.high)
    )
    return Interval(mean, fewest, most)


def _mean_distances(asked: FloatArray, database: FloatArray) -> _Array64:
    """Mean Euclidean distance of each query to every vector."""
    means = np.empty(len(asked))
    squares = np.einsum("ij,ij->i", database, database)
    for start in range(0, len(asked), _BLOCK):
        part = asked[start : start + _BLOCK]
        squared = squares + np.einsum("ij,ij->i", part, part)[:, None] - 2 * (part @ database.T)
        means[start : start + _BLOCK] = np.sqrt(squared.clip(min=0)).mean(axis=1, dtype=np.float64)
    return means
