"""The cells of a plane: for each center, the part of a rectangle that is nearer to it than to any other."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError

__all__ = ["voronoi_cells"]


def voronoi_cells(
    centers: ArrayLike, low: tuple[float, float], high: tuple[float, float]
) -> tuple[NDArray[np.float64], ...]:
    """Voronoi cells of points in a rectangle, cut off at its edges.

    The points are mirrored in the four edges, which then are borders between a point and its mirror image.

    Parameters
    ----------
    centers
        ``(n, 2)`` points inside the rectangle, all different.
    low, high
        Corners of the rectangle: least and greatest x and y.

    Returns
    -------
    tuple of numpy.ndarray
        For each center the ``(corners, 2) float64`` of its convex cell, counterclockwise.

    Raises
    ------
    InputError
        No ``(n, 2)`` points, two that are equal, or one that is not inside.
    """
    from scipy.spatial import Voronoi

    points, bottom, top = (np.asarray(given, dtype=np.float64) for given in (centers, low, high))
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError(f"centers of shape {points.shape}", "Cells are drawn in a plane: pass (n, 2).")
    outside = np.flatnonzero(~((points > bottom) & (points < top)).all(axis=1))
    if len(outside):
        raise InputError(
            f"center {outside[0]} at {points[outside[0]].tolist()} is not inside {bottom.tolist()} to {top.tolist()}",
            "Take a larger rectangle.",
        )
    if len(np.unique(points, axis=0)) < len(points):
        raise InputError("two centers are equal", "A cell belongs to one center: leave repeats out.")
    mirrored = [points]
    for axis in range(2):
        for edge in (bottom, top):
            image = points.copy()
            image[:, axis] = 2 * edge[axis] - image[:, axis]
            mirrored.append(image)
    diagram = Voronoi(np.concatenate(mirrored))
    return tuple(
        _counterclockwise(diagram.vertices[diagram.regions[diagram.point_region[place]]], points[place])
        for place in range(len(points))
    )


def _counterclockwise(corners: NDArray[np.float64], center: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of a convex cell by their angle about a point inside it."""
    angles = np.arctan2(*(corners - center).T[::-1])
    ordered: NDArray[np.float64] = corners[np.argsort(angles)]
    return ordered
