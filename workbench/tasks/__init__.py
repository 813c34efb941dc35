"""What embeddings are for: search by meaning and by words, how good each is, which metric to search by, senses.

``anomalies`` is lines unlike a history of normal ones.
"""

from workbench.tasks import anomalies
from workbench.tasks.calibration import calibrate, judged_pairs
from workbench.tasks.chunk_trial import ChunkTrial, chunk_sizes
from workbench.tasks.chunking import TokenCounter, chunk_by_sentences, chunk_by_structure, join_passages
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
from workbench.tasks.rag import Context, Grounding, answer, assemble, grounded, prompt
from workbench.tasks.relevance import ndcg_at_k, recall_at_k, reciprocal_rank
from workbench.tasks.search import Hit, KeywordIndex, SemanticIndex
from workbench.tasks.second_stage import Diverse, Reranked
from workbench.tasks.senses import SenseAccuracy, sense_accuracy, sense_baselines

__all__ = [
    "ChainingWarning",
    "ChunkTrial",
    "CollectionIndex",
    "Comparison",
    "Context",
    "Diverse",
    "DuplicateQuality",
    "DuplicateReport",
    "Evaluation",
    "Grounding",
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
    "TokenCounter",
    "advise_metric",
    "anomalies",
    "answer",
    "assemble",
    "by_group",
    "calibrate",
    "chunk_by_sentences",
    "chunk_by_structure",
    "chunk_sizes",
    "compare_alignment",
    "compare_models",
    "compare_searches",
    "duplicate_groups",
    "duplicate_quality",
    "evaluate",
    "find_duplicates",
    "fit_threshold",
    "grounded",
    "join_passages",
    "judged_pairs",
    "mine_hard_negatives",
    "ndcg_at_k",
    "near_pairs",
    "passing_rows",
    "prompt",
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
