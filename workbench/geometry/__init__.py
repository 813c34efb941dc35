"""The geometry of vectors: metrics and how they differ, exact neighbours, hubs, maps and their faults, words."""

from workbench.geometry import analogies, directions
from workbench.geometry.agreement import SpaceAgreement, compare_spaces
from workbench.geometry.clusters import Clusters, find_clusters, label_agreement, name_clusters
from workbench.geometry.comparison import MetricComparison, compare_metrics, scale_by_popularity
from workbench.geometry.diagnosis import Diagnosis, diagnose
from workbench.geometry.faithfulness import Faithfulness, Neighbourhood, faithfulness, neighbourhood
from workbench.geometry.hubness import Hubness, hub_counts, hubness, is_hub, k_occurrence
from workbench.geometry.hypersphere import alignment, uniformity
from workbench.geometry.libraries import library_metrics
from workbench.geometry.map_grid import MapGrid, MapSetting, project_grid
from workbench.geometry.metric_agreement import rank_agreement
from workbench.geometry.metrics import (
    cosine_similarity,
    dot_product,
    euclidean_distance,
    larger_is_better,
    normalize,
    squared_euclidean_distance,
)
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.principal import PrincipalPlane, principal_plane
from workbench.geometry.procrustes import Aligned, NoiseFloor, align, noise_floor
from workbench.geometry.projection import project, warm_up_projection
from workbench.geometry.surroundings import seen_from
from workbench.geometry.traps import MapTraps, cluster_distortion
from workbench.geometry.voronoi import voronoi_cells

__all__ = [
    "Aligned",
    "Clusters",
    "Diagnosis",
    "Faithfulness",
    "Hubness",
    "MapGrid",
    "MapSetting",
    "MapTraps",
    "MetricComparison",
    "Neighbourhood",
    "NoiseFloor",
    "PrincipalPlane",
    "SpaceAgreement",
    "align",
    "alignment",
    "analogies",
    "cluster_distortion",
    "compare_metrics",
    "compare_spaces",
    "cosine_similarity",
    "diagnose",
    "directions",
    "dot_product",
    "euclidean_distance",
    "exact_neighbours",
    "faithfulness",
    "find_clusters",
    "hub_counts",
    "hubness",
    "is_hub",
    "k_occurrence",
    "label_agreement",
    "larger_is_better",
    "library_metrics",
    "name_clusters",
    "neighbourhood",
    "noise_floor",
    "normalize",
    "principal_plane",
    "project",
    "project_grid",
    "rank_agreement",
    "scale_by_popularity",
    "seen_from",
    "squared_euclidean_distance",
    "uniformity",
    "voronoi_cells",
    "warm_up_projection",
]
