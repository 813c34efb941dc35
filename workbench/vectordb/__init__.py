"""Vector databases: one Collection over Qdrant's embedded engine, a server or a cluster, and filtered search measured."""

from workbench.vectordb.filtered_search import FILTER_METHODS, FILTERED_COLUMNS, measure_filtered

__all__ = ["FILTERED_COLUMNS", "FILTER_METHODS", "measure_filtered"]
