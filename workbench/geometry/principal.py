"""The exact plane in which a few vectors differ most, and how much of their variance it shows."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.records import FloatArray, Metric, Vectors

__all__ = ["PrincipalPlane", "principal_plane"]

_NOTHING = 1e-6  # root of the variance, relative to the vectors' length, below which float32 has only rounding


@dataclass(frozen=True, eq=False)
class PrincipalPlane:
    """Vectors on their first two principal components: a projection, so distances on it are at most the true ones.

    Parameters
    ----------
    coordinates
        ``(n, 2) float32``, centered.
    shares
        Of the variance along each of the two axes, in 0..1; zeros where nothing varies.
    """

    coordinates: FloatArray = field(repr=False)
    shares: tuple[float, float]


def principal_plane(vectors: ArrayLike | Vectors, metric: Metric | None = None) -> PrincipalPlane:
    """Project vectors on the plane of their largest variance, exactly, by a singular value decomposition.

    The sign of an axis is free; it is chosen so that the point furthest from the middle along it is on its positive
    side.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors, one at least; meant for hundreds and not for millions.
    metric
        ``"cosine"`` scales the vectors to unit length first; None takes that of Vectors, and cosine for numbers.

    Raises
    ------
    InputError
        An unknown metric.
    VectorError
        Vectors that cannot be used.
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    rows: NDArray[np.float64] = (normalize(array) if metric == "cosine" else array).astype(np.float64)
    centered = rows - rows.mean(axis=0)
    u, lengths, _ = np.linalg.svd(centered, full_matrices=False)
    lengths[lengths <= _NOTHING * np.linalg.norm(rows)] = 0.0
    found = u[:, :2] * lengths[:2]
    furthest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]
    coordinates = np.zeros((len(rows), 2), dtype=np.float32)
    coordinates[:, : found.shape[1]] = found * np.where(furthest < 0, -1.0, 1.0)
    variances = np.pad(lengths**2, (0, 2))
    shares = variances[:2] / (variances.sum() or 1.0)
    return PrincipalPlane(coordinates, (float(shares[0]), float(shares[1])))
