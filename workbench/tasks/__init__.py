"""What embeddings are for: search by meaning and by words, and how good each is."""

from workbench.tasks.calibration import calibrate, judged_pairs
from workbench.tasks.evaluation import by_group, recall_at_k
from workbench.tasks.search import Hit, KeywordIndex, SemanticIndex

__all__ = ["Hit", "KeywordIndex", "SemanticIndex", "by_group", "calibrate", "judged_pairs", "recall_at_k"]
