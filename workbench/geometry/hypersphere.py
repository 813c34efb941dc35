"""What contrastive training works on: how near pairs lie that belong together, how evenly all fill the sphere."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.geometry.metrics import normalize, unit_rows
from workbench.intervals import Interval, mean_interval
from workbench.records import Vectors

__all__ = ["alignment", "uniformity"]

_BLOCK = 1024  # rows at a time: a block of pairs is 8 MB

_Array64 = NDArray[np.float64]


def alignment(x: ArrayLike | Vectors, y: ArrayLike | Vectors, alpha: float = 2.0, *, seed: int = 0) -> Interval:
    """Mean distance of pairs that belong together, ``mean(|x_i - y_i| ** alpha)``: 0 where each pair is one vector.

    Vectors are scaled to unit length first, so with ``alpha=2`` a pair's share is ``2 - 2 cos(x_i, y_i)``. Smaller is
    better, and worth nothing alone: a model that gives every text one vector is perfectly aligned. See `uniformity`.

    Parameters
    ----------
    x, y
        ``(n, d)`` numbers; row ``i`` of both is a pair, such as a query and a passage that answers it.
    alpha
        Above 0.
    seed
        Of the bootstrap.

    Returns
    -------
    Interval
        The mean with its 95 % bootstrap interval over pairs, which takes the pairs for independent.

    Raises
    ------
    InputError
        The shapes differ, or ``alpha`` is not above 0.
    VectorError
        A zero vector (its row is named), NaN or infinity.

    References
    ----------
    T. Wang, P. Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity on the
    Hypersphere, ICML 2020, arXiv:2005.10242, section 4.1.1.
    """
    left, right = _on_sphere(x), _on_sphere(y)
    if left.shape != right.shape:
        raise InputError(
            f"{len(left):,} vectors of {left.shape[1]} dimensions cannot be paired with {len(right):,} of "
            f"{right.shape[1]}",
            "Row i of both has to be a pair: take the passage of each query.",
        )
    if not alpha > 0:
        raise InputError(f"a power of {alpha:g} measures no distance", "Use alpha=2, as the paper does.")
    distances: _Array64 = np.sqrt(np.einsum("ij,ij->i", left - right, left - right))
    return mean_interval(distances**alpha, seed=seed)


def uniformity(x: ArrayLike | Vectors, t: float = 2.0) -> float:
    """How evenly vectors fill the sphere, ``log(mean over i < j of exp(-t |x_i - x_j| ** 2))``: smaller is more even.

    Vectors are scaled to unit length first. It is 0 where all are one vector; vectors spread evenly over a sphere of
    ``d`` dimensions come near ``log(0F1(d / 2, t ** 2)) - 2 t``, which is close to ``-2 t`` where ``d`` is large. Every
    pair counts, a block of them at a time, so the value is exact; the time grows with ``n ** 2``.

    Parameters
    ----------
    x
        ``(n, d)`` numbers, at least two.
    t
        Above 0: the larger, the more the nearest pairs decide.

    Raises
    ------
    InputError
        Fewer than two vectors, or ``t`` is not above 0.
    VectorError
        A zero vector (its row is named), NaN or infinity.

    References
    ----------
    T. Wang, P. Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity on the
    Hypersphere, ICML 2020, arXiv:2005.10242, section 4.1.2.
    """
    rows = _on_sphere(x)
    if len(rows) < 2:
        raise InputError(f"{len(rows)} vector makes no pair", "Pass at least two.")
    if not t > 0:
        raise InputError(f"t={t:g} weighs no distance", "Use t=2, as the paper does.")
    total = 0.0
    for i in range(0, len(rows), _BLOCK):
        for j in range(i, len(rows), _BLOCK):
            cosines = rows[i : i + _BLOCK] @ rows[j : j + _BLOCK].T
            # |a - b|^2 = 2 - 2 cos for unit vectors; rounding may take equal ones below 0
            weights = np.exp(-2.0 * t * (1.0 - cosines).clip(min=0.0))
            total += float(weights[np.triu_indices(len(weights), 1)].sum() if i == j else weights.sum())
    return float(np.log(total) - np.log(len(rows) * (len(rows) - 1) / 2))


def _on_sphere(x: ArrayLike | Vectors) -> _Array64:
    """Vectors as rows of unit length in float64."""
    unit = normalize(x)
    if unit.ndim != 2:
        raise InputError("one vector was given where many belong", "Pass (n, d) numbers.")
    return unit_rows(unit)
