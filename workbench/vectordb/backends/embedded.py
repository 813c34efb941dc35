"""Qdrant's engine in this process, its files in a folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import qdrant_edge as edge

from workbench.ann import QDRANT_DISTANCES
from workbench.errors import InputError, StorageError
from workbench.records import FloatArray
from workbench.vectordb.backends.base import Found, StoredPoint
from workbench.vectordb.backends.edge_filter import edge_filter, json_path
from workbench.vectordb.backends.folder import CollectionFolder
from workbench.vectordb.filters import Condition
from workbench.vectordb.records import CollectionConfig, CollectionInfo, FieldType, Layout, Search

__all__ = ["EmbeddedBackend"]

# The engine writes into mapped files: on a full disk the system ends the whole process (SIGBUS), no error is raised.
# So nothing is begun without this much space. Opening was seen to take up to 40 MB (the log's next file, a replay).
_TO_OPEN = 64 * 2**20
_TO_WRITE = 2 * _TO_OPEN  # and then it can be opened again
_LOG = 32 * 2**20  # bytes after which the log is brought into the segments and cut
_BYTES_PER_BYTE = 4  # log, segment, index, and some air
_INDEXES: Mapping[FieldType, edge.PayloadSchemaType] = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Integer,
    "datetime": edge.PayloadSchemaType.Datetime,
    "text": edge.PayloadSchemaType.Text,
}
_QUANTIZATIONS: Mapping[str, Callable[[], Any]] = {
    "scalar": lambda: edge.ScalarQuantizationConfig(edge.ScalarType.Int8),
    "product": lambda: edge.ProductQuantizationConfig(edge.CompressionRatio.X16),
    "binary": edge.BinaryQuantizationConfig,
    "turbo": edge.TurboQuantQuantizationConfig,
}


class EmbeddedBackend:
    """One shard of Qdrant Edge.

    Every update goes through the engine's write-ahead log, which the system has before the engine acknowledges: it
    outlives this process, killed or not. ``flush`` brings it to the disk itself.

    A ``bool`` is stored as 0 or 1: the engine's Python binding reads True in a filter as the number 1, which no stored
    true value equals.
    """

    def __init__(self, folder: CollectionFolder, config: CollectionConfig, shard: edge.EdgeShard) -> None:
        self._folder = folder
        self._config = config
        self._shard: edge.EdgeShard | None = shard
        self._logged = 0

    @classmethod
    def create(cls, path: Path, config: CollectionConfig) -> Self:
        """A new collection in a folder that is new, empty, or of a creation that was cut short.

        Raises
        ------
        StorageError
            There is a collection or something else, or it cannot be written.
        InputError
            The layout needs a server.
        """
        config.layout.refuse_server_settings()
        folder = CollectionFolder(path, make=True)
        try:
            folder.prepare()
            folder.require(_TO_WRITE)
            with _told(path):
                shard = edge.EdgeShard.create(str(folder.shard), _edge_config(config))
                for name, kind in config.fields.items():
                    shard.update(edge.UpdateOperation.create_field_index(json_path(name), _INDEXES[kind]))
                shard.flush()
            folder.write(config)
        except BaseException:
            folder.close()
            raise
        return cls(folder, config, shard)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The collection in a folder; what a killed process had acknowledged is read from the log.

        Raises
        ------
        StorageError
            There is none, it is damaged, or another process has it open.
        """
        folder = CollectionFolder(path, make=False)
        try:
            config = folder.read()
            folder.require(_TO_OPEN)
            with _told(path):
                shard = edge.EdgeShard.load(str(folder.shard))
        except BaseException:
            folder.close()
            raise
        return cls(folder, config, shard)

    @property
    def config(self) -> CollectionConfig:
        """What the collection remembers about itself."""
        return self._config

    @contextmanager
    def _asked(self) -> Iterator[edge.EdgeShard]:
        """The open shard; what it raises becomes one StorageError."""
        if self._shard is None:
            raise StorageError(f"the collection in {str(self._folder.path)!r} is closed", "Open it again.")
        with _told(self._folder.path):
            yield self._shard

    def remember(self, config: CollectionConfig) -> None:
        """Keep another configuration in the folder."""
        with self._asked():
            self._folder.write(config)
        self._config = config

    def upsert(self, points: Sequence[StoredPoint]) -> None:
        """Write one batch through the log; the log is flushed whenever it has grown long."""
        flags = self._flags()
        size = sum(point.vector.nbytes + len(repr(point.payload)) for point in points)
        self._folder.require(_TO_WRITE + _BYTES_PER_BYTE * size)
        with self._asked() as shard:
            shard.update(
                edge.UpdateOperation.upsert_points(
                    [
                        edge.Point(point.key, point.vector.tolist(), _encoded(dict(point.payload), flags))
                        for point in points
                    ]
                )
            )
        self._logged += size
        if self._logged >= _LOG:
            self.flush()

    def query_batch(self, vectors: FloatArray, k: int, where: Condition | None, search: Search) -> list[list[Found]]:
        """The nearest of each row, the batch planned as a whole by the engine."""
        flags, filtered, params = self._flags(), edge_filter(where), _search_params(search)
        with self._asked() as shard:
            requests = [
                edge.QueryRequest(
                    k, query=edge.Query.Nearest(row.tolist()), filter=filtered, params=params, with_payload=True
                )
                for row in vectors
            ]
            answers = shard.query_batch(edge.QueryBatchRequest(requests))
        return [[Found(point.score, _decoded(point.payload, flags)) for point in answer] for answer in answers]

    def delete(self, keys: Sequence[str]) -> None:
        """Delete through the log."""
        self._folder.require(_TO_OPEN)
        with self._asked() as shard:
            shard.update(edge.UpdateOperation.delete_points(list(keys)))

    def scroll(
        self, where: Condition | None, limit: int, offset: str | None, with_vectors: bool
    ) -> tuple[list[Found], str | None]:
        """One page in the order of keys."""
        with self._asked() as shard:
            records, after = shard.scroll(
                edge.ScrollRequest(
                    offset=offset,
                    limit=limit,
                    filter=edge_filter(where),
                    with_payload=True,
                    with_vector=with_vectors,
                )
            )
        return self._found(records), None if after is None else str(after)

    def count(self, where: Condition | None) -> int:
        """Exact count."""
        with self._asked() as shard:
            return shard.count(edge.CountRequest(exact=True, filter=edge_filter(where)))

    def facet(self, name: str, where: Condition | None, limit: int) -> dict[Any, int]:
        """Exact counts of the values."""
        with self._asked() as shard:
            answer = shard.facet(edge.FacetRequest(json_path(name), limit=limit, exact=True, filter=edge_filter(where)))
        flag = name in self._flags()
        return {bool(hit.value) if flag else hit.value: hit.count for hit in answer.hits}

    def retrieve(self, keys: Sequence[str], with_vectors: bool) -> list[Found]:
        """Points by key."""
        with self._asked() as shard:
            return self._found(shard.retrieve(list(keys), True, with_vectors))

    def info(self) -> CollectionInfo:
        """Points, vectors in graphs, bytes of the folder."""
        with self._asked() as shard:
            info = shard.info()
        return CollectionInfo(info.points_count, info.indexed_vectors_count, self._folder.size())

    def optimize(self) -> None:
        """Run the engine's optimizers until they have nothing to do."""
        self._folder.require(_TO_WRITE + 2 * self._folder.size())
        with self._asked() as shard:
            shard.optimize()

    def flush(self) -> None:
        """Bring segments and log to the disk itself."""
        with self._asked() as shard:
            shard.flush()
        self._logged = 0

    def close(self) -> None:
        """Close the shard and let another process have the folder."""
        if self._shard is not None:
            shard, self._shard = self._shard, None
            try:
                with _told(self._folder.path):
                    shard.close()
            finally:
                self._folder.close()

    def _flags(self) -> set[str]:
        """Names of the fields of truth values."""
        return {name for name, kind in self._config.columns.items() if kind == "bool"}

    def _found(self, records: Sequence[edge.Record]) -> list[Found]:
        flags = self._flags()
        return [
            Found(
                float("nan"),
                _decoded(record.payload, flags),
                None if record.vector is None else np.asarray(record.vector, dtype=np.float32),
            )
            for record in records
        ]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The engine raises bare exceptions: say where, in one line.

    ValueError and TypeError are of values that were checked before, and pass.
    """
    try:
        yield
    except (StorageError, InputError, TypeError, ValueError):
        raise
    except Exception as error:
        said = str(error).splitlines()[0]
        raise StorageError(
            f"the collection in {str(path)!r} failed: {said}", "Check the disk's space and the folder's permissions."
        ) from error


def _edge_config(config: CollectionConfig) -> edge.EdgeConfig:
    layout: Layout = config.layout
    placed = edge.Memory.Cold if layout.on_disk else edge.Memory.Cached
    return edge.EdgeConfig(
        edge.EdgeVectorParams(
            config.dimensions, getattr(edge.Distance, QDRANT_DISTANCES[config.metric]), memory=placed
        ),
        hnsw_config=edge.HnswIndexConfig(
            layout.m,
            layout.ef_construct,
            layout.full_scan_threshold,
            payload_m=layout.payload_m,
            memory=placed,
        ),
        quantization_config=None if layout.quantization is None else _QUANTIZATIONS[layout.quantization](),
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=layout.full_scan_threshold),
        payload_memory=placed,
        wal_enabled=True,
    )


def _search_params(search: Search) -> edge.SearchParams:
    quantization = None
    if search.ignore_quantization or search.rescore is not None or search.oversampling is not None:
        quantization = edge.QuantizationSearchParams(search.ignore_quantization, search.rescore, search.oversampling)
    acorn = edge.AcornSearchParams(True, search.max_selectivity) if search.acorn else None
    return edge.SearchParams(hnsw_ef=search.ef, exact=search.exact, quantization=quantization, acorn=acorn)


def _encoded(payload: dict[str, Any], flags: set[str]) -> dict[str, Any]:
    for name in flags & payload.keys():
        value = payload[name]
        payload[name] = [int(entry) for entry in value] if isinstance(value, list) else int(value)
    return payload


def _decoded(payload: Mapping[str, Any] | None, flags: set[str]) -> dict[str, Any]:
    values = dict(payload or {})
    for name in flags & values.keys():
        value = values[name]
        values[name] = [bool(entry) for entry in value] if isinstance(value, list) else bool(value)
    return values
