"""A collection on a Qdrant server, by REST or gRPC, or in the client's imitation of one."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from qdrant_client import QdrantClient, models

from workbench.ann import QDRANT_DISTANCES
from workbench.errors import InputError, StorageError
from workbench.records import FloatArray
from workbench.vectordb.backends.base import Found, StoredPoint
from workbench.vectordb.backends.client_filter import client_filter, field_path
from workbench.vectordb.backends.connection import Connection
from workbench.vectordb.filters import Condition
from workbench.vectordb.records import CollectionConfig, CollectionInfo, FieldType, Layout, Search, Server

__all__ = ["ClientBackend"]

_KEPT = "workbench"  # the name in the collection's metadata under which its configuration is
_REQUEST_BYTES = 8_000_000  # of one upsert; a server takes 32 MB (service.max_request_size_mb, config.yaml)
_NUMBER_BYTES = 22  # of one number in JSON, at most
_QUERIES = 64  # in one request, so that a large batch is no slow request
_POLL = 0.25  # seconds
_INDEXES: Mapping[FieldType, models.PayloadSchemaType] = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "bool": models.PayloadSchemaType.BOOL,
    "datetime": models.PayloadSchemaType.DATETIME,
    "text": models.PayloadSchemaType.TEXT,
}
_QUANTIZATIONS: Mapping[str, models.QuantizationConfig] = {
    "scalar": models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)),
    "product": models.ProductQuantization(
        product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X16)
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig()),
    "turbo": models.TurboQuantization(turbo=models.TurboQuantQuantizationConfig()),
}


class ClientBackend:
    """One collection of a server.

    Its configuration is in the collection's own metadata on the server, which keeps it since version 1.16. Every write
    waits until it is applied. The imitation compares every vector, has no indexes, and forgets when the process ends.
    """

    def __init__(self, server: Server, config: CollectionConfig, connection: Connection) -> None:
        self._server = server
        self._config = config
        self._connection: Connection | None = connection

    @staticmethod
    def exists(server: Server) -> bool:
        """Whether the server has a collection of that name."""
        connection = Connection(server)
        try:
            return connection.ask(lambda client: client.collection_exists(server.collection))
        finally:
            connection.close()

    @classmethod
    def create(cls, server: Server, config: CollectionConfig) -> Self:
        """A new collection.

        Raises
        ------
        StorageError
            There is one of that name, or the server cannot make it.
        InputError
            A setting that the server, or the imitation, cannot have.
        """
        connection = Connection(server)
        try:
            if connection.imitation:
                config.layout.refuse_server_settings()
            taken = StorageError(
                f"there is a collection {server.collection!r} on {server.url} already", "Open it, or name another."
            )
            if connection.ask(lambda client: client.collection_exists(server.collection)):
                raise taken
            try:
                connection.ask(lambda client: _create(client, server.collection, config))
            except InputError:  # a first attempt may have made it, whose answer was lost
                if not connection.ask(lambda client: client.collection_exists(server.collection)):
                    raise
            kept = _kept(connection, server)
            if kept is None:
                connection.ask(lambda client: client.delete_collection(server.collection))
                raise StorageError(
                    f"the Qdrant server at {server.url} keeps no metadata of a collection",
                    "Use version 1.16 of Qdrant, or a later one.",
                )
            if kept != config:
                raise taken
            made = cls(server, config, connection)
            made._index_fields()
        except BaseException:
            connection.close()
            raise
        return made

    @classmethod
    def open(cls, server: Server) -> Self:
        """The collection of that name; indexes that a creation cut short has not made are made now.

        Raises
        ------
        StorageError
            There is none, it was made by something else, or the server cannot be reached.
        """
        connection = Connection(server)
        try:
            if not connection.ask(lambda client: client.collection_exists(server.collection)):
                raise StorageError(
                    f"there is no collection {server.collection!r} on {server.url}", "Create it, or name another."
                )
            config = _kept(connection, server)
            if config is None:
                raise StorageError(
                    f"the collection {server.collection!r} on {server.url} does not say what its vectors are",
                    "It was made by other means; create one here.",
                )
            opened = cls(server, config, connection)
            opened._index_fields()
        except BaseException:
            connection.close()
            raise
        return opened

    @property
    def config(self) -> CollectionConfig:
        """What the collection remembers about itself."""
        return self._config

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise StorageError(f"the collection {str(self._server)!r} is closed", "Open it again.")
        return self._connection

    def remember(self, config: CollectionConfig) -> None:
        """Keep another configuration, and the columns that another writer has put in meanwhile."""
        kept = _kept(self._open, self._server) or config
        merged = replace(config, columns={**kept.columns, **config.columns})
        self._open.ask(
            lambda client: client.update_collection(self._server.collection, metadata={_KEPT: merged.as_dict()})
        )
        self._config = merged

    def upsert(self, points: Sequence[StoredPoint]) -> None:
        """Write one batch, in as many requests as the server's limit on their size needs."""
        for part in _requests(points):
            batch = models.Batch(
                ids=[point.key for point in part],
                vectors=[point.vector.tolist() for point in part],
                payloads=[dict(point.payload) for point in part],
            )
            done = self._open.ask(
                lambda client, batch=batch: client.upsert(self._server.collection, batch, wait=True)  # type: ignore[misc]
            )
            self._completed(done)

    def query_batch(self, vectors: FloatArray, k: int, where: Condition | None, search: Search) -> list[list[Found]]:
        """The nearest of each row."""
        connection, filtered = self._open, client_filter(where)
        params = None if connection.imitation else _search_params(search)
        answers: list[list[Found]] = []
        for start in range(0, len(vectors), _QUERIES):
            requests = [
                models.QueryRequest(query=row.tolist(), filter=filtered, params=params, limit=k, with_payload=True)
                for row in vectors[start : start + _QUERIES]
            ]
            found = connection.ask(
                lambda client, requests=requests: client.query_batch_points(  # type: ignore[misc]
                    self._server.collection, requests
                )
            )
            answers += [[Found(point.score, point.payload or {}) for point in answer.points] for answer in found]
        return answers

    def delete(self, keys: Sequence[str]) -> None:
        """Delete points, and wait until they are gone."""
        selector = models.PointIdsList(points=list(keys))
        done = self._open.ask(lambda client: client.delete(self._server.collection, selector, wait=True))
        self._completed(done)

    def scroll(
        self, where: Condition | None, limit: int, offset: str | None, with_vectors: bool
    ) -> tuple[list[Found], str | None]:
        """One page in the order of keys."""
        filtered = client_filter(where)
        records, after = self._open.ask(
            lambda client: client.scroll(
                self._server.collection,
                scroll_filter=filtered,
                limit=limit,
                offset=offset,
                with_payload=True,
                with_vectors=with_vectors,
            )
        )
        return [_found(record) for record in records], None if after is None else str(after)

    def count(self, where: Condition | None) -> int:
        """Exact count."""
        filtered = client_filter(where)
        answer = self._open.ask(lambda client: client.count(self._server.collection, count_filter=filtered, exact=True))
        return answer.count

    def facet(self, name: str, where: Condition | None, limit: int) -> dict[Any, int]:
        """Exact counts of the values."""
        filtered = client_filter(where)
        answer = self._open.ask(
            lambda client: client.facet(
                self._server.collection, field_path(name), facet_filter=filtered, limit=limit, exact=True
            )
        )
        return {hit.value: hit.count for hit in answer.hits}

    def retrieve(self, keys: Sequence[str], with_vectors: bool) -> list[Found]:
        """Points by key."""
        if not keys:
            return []
        records = self._open.ask(
            lambda client: client.retrieve(
                self._server.collection, list(keys), with_payload=True, with_vectors=with_vectors
            )
        )
        return [_found(record) for record in records]

    def info(self) -> CollectionInfo:
        """Points, and vectors in graphs; a server does not tell its bytes."""
        info = self._open.ask(lambda client: client.get_collection(self._server.collection))
        return CollectionInfo(self.count(None), info.indexed_vectors_count or 0)

    def optimize(self) -> None:
        """Have the server's optimizers run, and wait until they rest."""
        connection, name = self._open, self._server.collection
        if connection.imitation:
            return
        connection.ask(lambda client: client.update_collection(name, optimizers_config=models.OptimizersConfigDiff()))
        while True:
            info = connection.ask(lambda client: client.get_collection(name))
            if info.status == models.CollectionStatus.RED:
                raise StorageError(f"the Qdrant server at {self._server.url} cannot optimize {name!r}", "See its log.")
            if info.status == models.CollectionStatus.GREEN:
                return
            time.sleep(_POLL)

    def flush(self) -> None:
        """Nothing to do: a server writes its log to the disk itself."""

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _index_fields(self) -> None:
        """Make the payload indexes that are not there; the imitation has none."""
        connection, name = self._open, self._server.collection
        if connection.imitation or not self._config.fields:
            return
        there = connection.ask(lambda client: client.get_collection(name)).payload_schema
        for field, kind in self._config.fields.items():
            if field in there or field_path(field) in there:
                continue
            connection.ask(
                lambda client, field=field, kind=kind: client.create_payload_index(  # type: ignore[misc]
                    name, field_path(field), _INDEXES[kind], wait=True
                )
            )

    def _completed(self, result: models.UpdateResult) -> None:
        if result.status != models.UpdateStatus.COMPLETED:
            raise StorageError(
                f"the Qdrant server at {self._server.url} has not applied a write in time: {result.status}",
                "Write again; points that are there are replaced by the same.",
            )


def _create(client: QdrantClient, name: str, config: CollectionConfig) -> bool:
    layout: Layout = config.layout
    return client.create_collection(
        name,
        models.VectorParams(
            size=config.dimensions,
            distance=models.Distance(QDRANT_DISTANCES[config.metric]),
            on_disk=layout.on_disk or None,
        ),
        shard_number=layout.shard_number,
        replication_factor=layout.replication_factor,
        write_consistency_factor=layout.write_consistency_factor,
        on_disk_payload=layout.on_disk,
        hnsw_config=models.HnswConfigDiff(
            m=layout.m,
            ef_construct=max(layout.ef_construct, 4),  # what the server takes at least
            full_scan_threshold=max(layout.full_scan_threshold, 10),  # likewise
            payload_m=layout.payload_m,
            on_disk=layout.on_disk,
        ),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=layout.full_scan_threshold),
        quantization_config=None if layout.quantization is None else _QUANTIZATIONS[layout.quantization],
        metadata={_KEPT: config.as_dict()},
    )


def _kept(connection: Connection, server: Server) -> CollectionConfig | None:
    """The configuration in the collection's metadata; None where there is none of ours."""
    info = connection.ask(lambda client: client.get_collection(server.collection))
    kept = (info.config.metadata or {}).get(_KEPT)
    return None if kept is None else CollectionConfig.from_dict(kept)


def _requests(points: Sequence[StoredPoint]) -> Iterator[list[StoredPoint]]:
    """The batch in parts that each fit into one request."""
    part: list[StoredPoint] = []
    size = 0
    for point in points:
        more = _NUMBER_BYTES * point.vector.size + len(repr(point.payload).encode("utf-8", "replace"))
        if part and size + more > _REQUEST_BYTES:
            yield part
            part, size = [], 0
        part.append(point)
        size += more
    if part:
        yield part


def _search_params(search: Search) -> models.SearchParams:
    quantization = None
    if search.ignore_quantization or search.rescore is not None or search.oversampling is not None:
        quantization = models.QuantizationSearchParams(
            ignore=search.ignore_quantization, rescore=search.rescore, oversampling=search.oversampling
        )
    acorn = models.AcornSearchParams(enable=True, max_selectivity=search.max_selectivity) if search.acorn else None
    return models.SearchParams(hnsw_ef=search.ef, exact=search.exact, quantization=quantization, acorn=acorn)


def _found(record: models.Record) -> Found:
    vector = None if record.vector is None else np.asarray(record.vector, dtype=np.float32)
    return Found(float("nan"), record.payload or {}, vector)
