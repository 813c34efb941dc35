"""What embeddings are for: search by meaning and by words, how good each is, which metric to search by, senses.

``anomalies`` is lines unlike a history of normal ones.
"""

from workbench.tasks import anomalies
from workbench.tasks.calibration import calibrate, judged_pairs
from workbench.tasks.collection_index import CollectionIndex, passing_rows, stored_corpus
from workbench.tasks.duplicates import (
    ChainingWarning,
    DuplicateQuality,
    DuplicateReport,
    Pairs,
    ThresholdFit,
    duplicate_groups,
    duplicate_quality,
    find_duplicates,
    fit_threshold,
    near_pairs,
    threshold_curve,
)
from workbench.tasks.evaluate import Comparison, Evaluation, evaluate
from workbench.tasks.evaluation import by_group, compare_searches, search_scores
from workbench.tasks.fusion import HybridIndex, Searcher, reciprocal_rank_fusion, score_fusion
from workbench.tasks.hard_negatives import mine_hard_negatives
from workbench.tasks.held_out import compare_alignment, compare_models, relevant_pairs, split_queries
from workbench.tasks.metric_advice import MetricAdvice, advise_metric
from workbench.tasks.relevance import ndcg_at_k, recall_at_k, reciprocal_rank
from workbench.tasks.search import Hit, KeywordIndex, SemanticIndex
from workbench.tasks.second_stage import Diverse, Reranked
from workbench.tasks.senses import SenseAccuracy, sense_accuracy, sense_baselines

__all__ = [
    "ChainingWarning",
    "CollectionIndex",
    "Comparison",
    "Diverse",
    "DuplicateQuality",
    "DuplicateReport",
    "Evaluation",
    "Hit",
    "HybridIndex",
    "KeywordIndex",
    "MetricAdvice",
    "Pairs",
    "Reranked",
    "Searcher",
    "SemanticIndex",
    "SenseAccuracy",
    "ThresholdFit",
    "advise_metric",
    "anomalies",
    "by_group",
    "calibrate",
    "compare_alignment",
    "compare_models",
    "compare_searches",
    "duplicate_groups",
    "duplicate_quality",
    "evaluate",
    "find_duplicates",
    "fit_threshold",
    "judged_pairs",
    "mine_hard_negatives",
    "ndcg_at_k",
    "near_pairs",
    "passing_rows",
    "recall_at_k",
    "reciprocal_rank",
    "reciprocal_rank_fusion",
    "relevant_pairs",
    "score_fusion",
    "search_scores",
    "sense_accuracy",
    "sense_baselines",
    "split_queries",
    "stored_corpus",
    "threshold_curve",
]
