"""Vectors as seen from one of them: how far is exact, where is a picture."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.errors import InputError
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.records import FloatArray, Metric

__all__ = ["seen_from"]

_SAMPLE = 4096  # vectors that decide the two directions


def seen_from(center: ArrayLike, vectors: ArrayLike, metric: Metric = "cosine", *, seed: int = 0) -> FloatArray:
    """Place vectors around one: each at its true distance from it, in the direction of two principal axes.

    A map of two dimensions cannot keep all distances. This one keeps those to one vector, and gives up the others.

    Parameters
    ----------
    center
        ``(d,)`` or ``(1, d)`` numbers.
    vectors
        ``(n, d)`` numbers.
    metric
        ``"cosine"``, where the distance is ``1 - cosine similarity``, or ``"euclidean"``.
    seed
        Of the vectors drawn for the axes, where there are many.

    Returns
    -------
    FloatArray
        ``(n, 2) float32``; the center is at ``(0, 0)``.

    Raises
    ------
    InputError
        An unknown metric, or the dot product, which is no distance.
    VectorError
        Vectors that cannot be used, or a center of another dimension.
    """
    larger_is_better(metric)  # refuses an unknown one
    if metric == "dot":
        raise InputError("a dot product is no distance", "Use cosine or euclidean.")
    rows, middle = as_vectors_array(vectors, metric), as_vectors_array(np.atleast_2d(center), metric)
    check_dimensions(middle.shape[1], rows.shape[1], "the center", "the vectors")
    if metric == "cosine":
        rows, middle = normalize(rows), normalize(middle)
    away: NDArray[np.float32] = rows - middle[0]
    distances = np.linalg.norm(away, axis=1)
    if metric == "cosine":
        away -= (away @ middle[0])[:, None] * middle[0]  # along the sphere
        distances = distances**2 / 2
    drawn = np.random.default_rng(seed).permutation(len(away))[:_SAMPLE]
    mean = away[drawn].mean(axis=0)
    axes = np.linalg.eigh(np.cov(away[drawn], rowvar=False, bias=True).reshape(rows.shape[1], -1))[1][:, ::-1][:, :2]
    flat = np.zeros((len(away), 2), dtype=np.float64)
    flat[:, : axes.shape[1]] = (away - mean) @ axes
    lengths = np.linalg.norm(flat, axis=1)
    flat[lengths == 0], lengths[lengths == 0] = (1.0, 0.0), 1.0
    found: FloatArray = (flat / lengths[:, None] * distances[:, None]).astype(np.float32)
    return found
