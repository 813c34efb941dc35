"""One Collection over Qdrant: the embedded engine, a server or a cluster by URL; filtered search measured."""

from workbench.vectordb.collection import Collection
from workbench.vectordb.durability import KillReport, kill_while_writing
from workbench.vectordb.filtered_search import FILTER_METHODS, FILTERED_COLUMNS, measure_filtered
from workbench.vectordb.filters import Where, check_where, describe, parse_where
from workbench.vectordb.quantized import PLACEMENTS, QUANTIZATIONS, QUANTIZED_COLUMNS, measure_quantized
from workbench.vectordb.records import (
    CollectionConfig,
    CollectionInfo,
    FieldType,
    Layout,
    Match,
    Search,
    Server,
    UpsertReport,
)
from workbench.vectordb.transfer import MoveReport, move

__all__ = [
    "FILTERED_COLUMNS",
    "FILTER_METHODS",
    "PLACEMENTS",
    "QUANTIZATIONS",
    "QUANTIZED_COLUMNS",
    "Collection",
    "CollectionConfig",
    "CollectionInfo",
    "FieldType",
    "KillReport",
    "Layout",
    "Match",
    "MoveReport",
    "Search",
    "Server",
    "UpsertReport",
    "Where",
    "check_where",
    "describe",
    "kill_while_writing",
    "measure_filtered",
    "measure_quantized",
    "move",
    "parse_where",
]
