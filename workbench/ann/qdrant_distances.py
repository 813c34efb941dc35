"""What Qdrant calls the metrics."""

from workbench.records import Metric

__all__ = ["QDRANT_DISTANCES"]

QDRANT_DISTANCES: dict[Metric, str] = {"cosine": "Cosine", "dot": "Dot", "euclidean": "Euclid"}
"""By metric, the name that Qdrant's embedded engine and its REST interface have for it."""
