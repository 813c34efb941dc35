"""What a collection asks of the engine that holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.records import FloatArray
from workbench.vectordb.filters import Condition
from workbench.vectordb.records import CollectionConfig, CollectionInfo, Search

__all__ = ["Backend", "Found", "StoredPoint"]


@dataclass(frozen=True)
class StoredPoint:
    """A point as an engine stores it: a UUID, ``(d,) float32``, and plain JSON values."""

    key: str
    vector: FloatArray = field(repr=False)
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """A point as an engine gives it back; the score is NaN where nothing was compared."""

    score: float
    payload: Mapping[str, Any]
    vector: FloatArray | None = field(default=None, repr=False)


class Backend(Protocol):
    """An engine with one collection open.

    A method returns when the engine has acknowledged, and raises StorageError where it cannot; what was given was
    checked before, but for filters on fields that this engine needs an index for.
    """

    @property
    def config(self) -> CollectionConfig:
        """What the collection remembers about itself."""
        ...

    def remember(self, config: CollectionConfig) -> None:
        """Keep another configuration, of the same dimensions, metric and layout."""
        ...

    def upsert(self, points: Sequence[StoredPoint]) -> None:
        """Write one batch: all of it is there, whatever happens to this process, when this returns."""
        ...

    def query_batch(self, vectors: FloatArray, k: int, where: Condition | None, search: Search) -> list[list[Found]]:
        """The k nearest of each row of ``(queries, d) float32``, best first."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete points; a key that is not there is no error."""
        ...

    def scroll(
        self, where: Condition | None, limit: int, offset: str | None, with_vectors: bool
    ) -> tuple[list[Found], str | None]:
        """One page in the order of keys, and where the next begins; None after the last."""
        ...

    def count(self, where: Condition | None) -> int:
        """Exact count."""
        ...

    def facet(self, name: str, where: Condition | None, limit: int) -> dict[Any, int]:
        """Points for each value of an indexed field, most first."""
        ...

    def retrieve(self, keys: Sequence[str], with_vectors: bool) -> list[Found]:
        """The points of some keys, in any order, without those that are not there."""
        ...

    def info(self) -> CollectionInfo:
        """What the collection holds."""
        ...

    def optimize(self) -> None:
        """Build or merge what a search runs through; return when it is done."""
        ...

    def flush(self) -> None:
        """Have everything on the disk itself, so that it outlives a power failure."""
        ...

    def close(self) -> None:
        """Let go of it; nothing else may be called then, but this again."""
        ...
