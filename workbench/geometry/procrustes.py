"""Maps laid on one another, so that what moved can be told from what was only turned, scaled or mirrored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.records import FloatArray

__all__ = ["Aligned", "NoiseFloor", "align", "noise_floor"]

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Aligned:
    """A map laid on another one.

    Parameters
    ----------
    coordinates
        ``(n, dimensions) float32``: the map moved, turned, scaled and, where that fits better, mirrored.
    displacement
        ``(n,) float64``: how far each point then lies from its place on the other map, in root-mean-square radii of
        the other map (the root of its points' mean squared distance to their centre). 0 is the same place; a map that
        has nothing in common with the other one averages nearly 1 (root mean square).
    disparity
        Mean squared displacement, 0 to 1: the share of the other map's variance that the aligned one leaves out. It is
        the same whichever of the two is laid on the other.
    scale
        What the map was multiplied by.
    mirrored
        Whether it was reflected.
    """

    coordinates: FloatArray = field(repr=False)
    displacement: _Array64 = field(repr=False)
    disparity: float
    scale: float
    mirrored: bool


@dataclass(frozen=True, eq=False)
class NoiseFloor:
    """How much maps differ that should be the same: all that changed between them is the seed.

    Parameters
    ----------
    displacement
        ``(n,) float64``: displacement of each point as :class:`Aligned` defines it, averaged over the pairs of maps.
    overall
        Root-mean-square displacement, averaged over the pairs.
    worst
        That of the pair that differs most.
    pairs
        Number of pairs of maps.
    """

    displacement: _Array64 = field(repr=False)
    overall: float
    worst: float
    pairs: int


def align(map_: ArrayLike, onto: ArrayLike) -> Aligned:
    """Lay a map on another one of the same points by the similarity that leaves the least squared distance.

    Distances on a map mean nothing beyond its own scale, and neither do its directions: translation, rotation,
    reflection and scale are taken out (orthogonal Procrustes, by scipy). What is left is what really moved.

    Parameters
    ----------
    map_
        ``(n, dimensions)``: the map to be laid on the other.
    onto
        ``(n, dimensions)``: the map that stays; row ``i`` of both is the same point.

    Raises
    ------
    InputError
        The shapes differ, a coordinate is NaN or infinite, or all points of a map coincide.

    References
    ----------
    P. H. Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31 (1966).
    J. C. Gower, Generalized Procrustes analysis, Psychometrika 40 (1975).
    """
    from scipy.linalg import orthogonal_procrustes

    moving, fixed = _centred(map_), _centred(onto)
    if moving[0].shape != fixed[0].shape:
        raise InputError(
            f"a map of shape {moving[0].shape} cannot be laid on one of shape {fixed[0].shape}",
            "Both need the same points, in the same order, in the same number of dimensions.",
        )
    turn, fit = orthogonal_procrustes(moving[0], fixed[0])  # both have a root-mean-square radius of 1
    n = len(moving[0])
    scale = float(fit) / n
    placed = scale * moving[0] @ turn
    displacement: _Array64 = np.linalg.norm(placed - fixed[0], axis=1)
    centre, radius = fixed[1], fixed[2]
    return Aligned(
        coordinates=(placed * radius + centre).astype(np.float32),
        displacement=displacement,
        disparity=min(1.0, float((displacement**2).mean())),
        scale=scale * radius / moving[2],
        mirrored=bool(np.linalg.det(turn) < 0),
    )


def noise_floor(maps: Sequence[ArrayLike]) -> NoiseFloor:
    """How far points move between maps that differ in their seed alone.

    A difference between two models' maps means something where it is larger than this.

    Parameters
    ----------
    maps
        Two or more maps of the same points, ``(n, dimensions)`` each: one for each seed, all else equal. Every pair is
        aligned both ways.

    Raises
    ------
    InputError
        Fewer than two maps, or maps that cannot be laid on one another.
    """
    if len(maps) < 2:
        raise InputError(f"{len(maps)} map cannot differ from itself", "Make the same map with two seeds or more.")
    pairs = [(align(a, b), align(b, a)) for a, b in combinations(maps, 2)]
    moved: _Array64 = np.mean([(one.displacement + other.displacement) / 2 for one, other in pairs], axis=0)
    sizes = [float(np.sqrt(one.disparity)) for one, _ in pairs]
    return NoiseFloor(moved, float(np.mean(sizes)), max(sizes), len(pairs))


def _centred(coordinates: ArrayLike) -> tuple[_Array64, _Array64, float]:
    """A map about its centre at a root-mean-square radius of 1, with the centre and the radius that it had."""
    points: NDArray[Any] = np.asarray(coordinates, dtype=np.float64)
    if points.ndim != 2 or not points.size:
        raise InputError(f"a map of shape {points.shape} has no points to align", "Pass (n, 2) or (n, 3) coordinates.")
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise InputError(f"row {row} of a map holds NaN or infinity", "Leave that point out of both maps.")
    centre = points.mean(axis=0)
    centred = points - centre
    radius = float(np.sqrt((centred**2).sum(axis=1).mean()))
    if radius <= 1e-12 * float(np.abs(points).max()):
        raise InputError(f"all {len(points):,} points of a map coincide", "Such a map has no shape to align.")
    return centred / radius, centre, radius
