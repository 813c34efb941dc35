"""Vector databases: one Collection over embedded Qdrant, a server or a cluster, and filtered search measured."""

from workbench.vectordb.filtered_search import FILTER_METHODS, FILTERED_COLUMNS, measure_filtered
from workbench.vectordb.quantized import PLACEMENTS, QUANTIZATIONS, QUANTIZED_COLUMNS, measure_quantized

__all__ = [
    "FILTERED_COLUMNS",
    "FILTER_METHODS",
    "PLACEMENTS",
    "QUANTIZATIONS",
    "QUANTIZED_COLUMNS",
    "measure_filtered",
    "measure_quantized",
]
