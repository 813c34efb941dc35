"""Tables in, plotly figures out; nothing is computed here.

Texts of a corpus are data: plotly reads ``<b>``, ``<br>``, ``<a href>`` and ``$TeX$`` in labels and hovers, so every
label goes through :func:`label` first.
"""

from workbench.view.figures.anomalies import alarm_curves, score_timeline
from workbench.view.figures.causes import miss_causes
from workbench.view.figures.charts import bars, calibration, dumbbells, histogram, similarity_matrix, tradeoff
from workbench.view.figures.codes import distance_table
from workbench.view.figures.distances import distances_kept
from workbench.view.figures.duplicates import duplicate_curve
from workbench.view.figures.filtered import filtered_search
from workbench.view.figures.look import label
from workbench.view.figures.maps import map_figure
from workbench.view.figures.planes import analogy_plane
from workbench.view.figures.probing import probed_cells
from workbench.view.figures.rankings import rank_changes
from workbench.view.figures.scaling import contrast_curve, roofline, scan_growth
from workbench.view.figures.senses import occurrences, sense_colors, senses_by_layer
from workbench.view.figures.sweep import sweep_front
from workbench.view.figures.sweep_measures import parameter_effect, query_recalls, shared_work
from workbench.view.figures.toy_graph import skip_list_search, toy_insertions, toy_search
from workbench.view.figures.tuning import alignment_uniformity, before_after, loss_curve
from workbench.view.figures.walks import seen_from_query, walk_distances, work_growth
from workbench.view.figures.words import along_axis, analogy_accuracy, held_out_loss, human_scores, parallelism

__all__ = [
    "alarm_curves",
    "alignment_uniformity",
    "along_axis",
    "analogy_accuracy",
    "analogy_plane",
    "bars",
    "before_after",
    "calibration",
    "contrast_curve",
    "distance_table",
    "distances_kept",
    "dumbbells",
    "duplicate_curve",
    "filtered_search",
    "held_out_loss",
    "histogram",
    "human_scores",
    "label",
    "loss_curve",
    "map_figure",
    "miss_causes",
    "occurrences",
    "parallelism",
    "parameter_effect",
    "probed_cells",
    "query_recalls",
    "rank_changes",
    "roofline",
    "scan_growth",
    "score_timeline",
    "seen_from_query",
    "sense_colors",
    "senses_by_layer",
    "shared_work",
    "similarity_matrix",
    "skip_list_search",
    "sweep_front",
    "toy_insertions",
    "toy_search",
    "tradeoff",
    "walk_distances",
    "work_growth",
]
