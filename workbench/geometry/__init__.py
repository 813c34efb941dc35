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

__all__ = [
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "exact_neighbours",
    "larger_is_better",
    "normalize",
    "squared_euclidean_distance",
]
