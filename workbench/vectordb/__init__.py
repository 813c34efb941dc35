"""Vector databases: one Collection over Qdrant's embedded engine or a server, and filtered search measured."""

from workbench.vectordb.collection import Collection
from workbench.vectordb.filters import Where, check_where, describe, parse_where
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

__all__ = [
    "Collection",
    "CollectionConfig",
    "CollectionInfo",
    "FieldType",
    "Layout",
    "Match",
    "Search",
    "Server",
    "UpsertReport",
    "Where",
    "check_where",
    "describe",
    "parse_where",
]
