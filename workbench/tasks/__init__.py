"""What embeddings are for: search by meaning and by words, how good each is, which metric to search by, senses."""

from workbench.tasks.calibration import calibrate, judged_pairs
from workbench.tasks.evaluation import by_group, compare_searches, ndcg_at_k, recall_at_k, search_scores
from workbench.tasks.metric_advice import MetricAdvice, advise_metric
from workbench.tasks.search import Hit, KeywordIndex, SemanticIndex
from workbench.tasks.senses import SenseAccuracy, sense_accuracy, sense_baselines

__all__ = [
    "Hit",
    "KeywordIndex",
    "MetricAdvice",
    "SemanticIndex",
    "SenseAccuracy",
    "advise_metric",
    "by_group",
    "calibrate",
    "compare_searches",
    "judged_pairs",
    "ndcg_at_k",
    "recall_at_k",
    "search_scores",
    "sense_accuracy",
    "sense_baselines",
]
