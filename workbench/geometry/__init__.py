"""The geometry of vectors: metrics, exact neighbours, projection to a map, and how far a map may be trusted."""

from workbench.geometry.agreement import SpaceAgreement, compare_spaces
from workbench.geometry.alignment import Aligned, NoiseFloor, align, noise_floor
from workbench.geometry.clusters import Clusters, find_clusters, label_agreement, name_clusters
from workbench.geometry.faithfulness import Faithfulness, Neighbourhood, faithfulness, neighbourhood
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
    "Aligned",
    "Clusters",
    "Faithfulness",
    "Neighbourhood",
    "NoiseFloor",
    "SpaceAgreement",
    "align",
    "compare_spaces",
    "cosine_similarity",
    "dot_product",
    "euclidean_distance",
    "exact_neighbours",
    "faithfulness",
    "find_clusters",
    "label_agreement",
    "larger_is_better",
    "name_clusters",
    "neighbourhood",
    "noise_floor",
    "normalize",
    "project",
    "squared_euclidean_distance",
    "warm_up_projection",
]
