"""What embeddings are for: search by meaning and by words, and how good each is."""

from workbench.tasks.evaluation import recall_at_k
from workbench.tasks.search import Hit, KeywordIndex, SemanticIndex

__all__ = ["Hit", "KeywordIndex", "SemanticIndex", "recall_at_k"]
