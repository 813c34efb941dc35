"""The geometry of vectors: metrics, exact neighbours, and projection to a map of two or three dimensions."""

from workbench.geometry.metrics import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    larger_is_better,
    normalize,
    squared_euclidean_distance,
)
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.projection import project, warm_up_projection

__all__ = [
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "exact_neighbours",
    "larger_is_better",
    "normalize",
    "project",
    "squared_euclidean_distance",
    "warm_up_projection",
]
