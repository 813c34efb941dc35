"""One Collection over Qdrant: the embedded engine, a server or a cluster by URL; filtered search measured."""

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
from workbench.vectordb.transfer import MoveReport, move

__all__ = [
    "Collection",
    "CollectionConfig",
    "CollectionInfo",
    "FieldType",
    "Layout",
    "Match",
    "MoveReport",
    "Search",
    "Server",
    "UpsertReport",
    "Where",
    "check_where",
    "describe",
    "move",
    "parse_where",
]
