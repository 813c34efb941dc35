"""One collection of vectors with their texts and metadata, in a folder or on a server."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np
from tqdm.auto import tqdm

from workbench.embed import check_identity
from workbench.errors import InputError, StorageError, VectorError
from workbench.records import Corpus, FloatArray, Metric, ModelIdentity, Vectors
from workbench.vectordb.backends import (
    Backend,
    Found,
    Place,
    StoredPoint,
    as_place,
    create_backend,
    holds_collection,
    open_backend,
)
from workbench.vectordb.filters import Condition, Where, check_where
from workbench.vectordb.payloads import ID, TEXT, column_types, payloads, point_key, widened
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

__all__ = ["Collection"]

_BATCH = 256  # points that are acknowledged at once
_KEYS_AT_ONCE = 1_000
_SEARCH = Search()
_LAYOUT = Layout()


class Collection:
    """Vectors with their texts and metadata; filters are evaluated by the engine that holds them.

    Made by ``create``, ``open`` or ``from_corpus``; a context manager that closes it.

    Attributes
    ----------
    place
        Its folder, or its server.
    """

    def __init__(self, place: Path | Server, backend: Backend) -> None:
        self.place = place
        self._backend = backend

    @classmethod
    def create(
        cls,
        place: Place,
        *,
        dimensions: int,
        metric: Metric = "cosine",
        model: ModelIdentity | None = None,
        fields: Mapping[str, FieldType] | None = None,
        layout: Layout = _LAYOUT,
    ) -> Self:
        """A new, empty collection.

        Parameters
        ----------
        place
            A folder that is new or empty, or a ``Server``.
        dimensions, metric, model
            Of the vectors that it will hold; vectors of another model are refused from then on.
        fields
            Metadata fields to index, with their types: their filters are quick, and ``facet`` counts their values.
        layout
            How it is stored.

        Raises
        ------
        StorageError
            There is a collection already, or it cannot be written.
        InputError
            A setting that is none, or that this place cannot have.
        """
        where = as_place(place)
        if model is not None and model.dimensions != dimensions:
            raise VectorError(f"{model} does not make vectors of {dimensions} dimensions", "Give that model's.")
        return cls(where, create_backend(where, CollectionConfig(dimensions, metric, model, fields or {}, {}, layout)))

    @classmethod
    def open(cls, place: Place) -> Self:
        """The collection that is there.

        Raises
        ------
        StorageError
            There is none, it is damaged, or another process has it open; the message names that process.
        """
        where = as_place(place)
        return cls(where, open_backend(where))

    @classmethod
    def from_corpus(
        cls,
        place: Place,
        corpus: Corpus,
        vectors: Vectors,
        *,
        fields: Mapping[str, FieldType] | None = None,
        layout: Layout = _LAYOUT,
        progress: bool = True,
    ) -> Self:
        """A collection of a whole corpus; where a run was cut short, the next one writes only what is missing.

        Parameters
        ----------
        fields
            None indexes every metadata column by its type.

        Raises
        ------
        StorageError
            The place holds a collection of other texts or vectors.
        InputError, VectorError
            Corpus and vectors do not have the same ids, or a column that cannot be stored.
        """
        _check_rows(vectors, corpus)
        types = column_types(corpus)
        source = hashlib.sha256(f"{corpus.fingerprint} {vectors.fingerprint}".encode()).hexdigest()
        made = CollectionConfig(
            vectors.dimensions,
            vectors.metric,
            vectors.model,
            types if fields is None else fields,
            {},
            layout,
            source,
        )
        where = as_place(place)
        there = holds_collection(where)
        collection = cls(where, open_backend(where) if there else create_backend(where, made))
        try:
            if collection.config.source != source:
                raise StorageError(
                    f"{str(where)!r} holds a collection of other texts or vectors", "Open it, or name another place."
                )
            collection._write(vectors, corpus, _BATCH, progress, anew=False)
            collection.optimize()
            collection.flush()
        except BaseException:
            collection.close()
            raise
        return collection

    @property
    def config(self) -> CollectionConfig:
        """What it remembers about itself."""
        return self._backend.config

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        config = self.config
        made = config.model or "model unknown"
        return f"Collection({str(self.place)!r}, {config.dimensions}-d, {config.metric}, {made})"

    def upsert(
        self, vectors: Vectors, corpus: Corpus | None = None, *, batch: int = _BATCH, progress: bool = True
    ) -> UpsertReport:
        """Write points; those whose id is there already are replaced.

        Parameters
        ----------
        vectors
            ``n`` vectors with their ids.
        corpus
            Texts and metadata of the same ids, in any order; None stores neither.
        batch
            Points that are acknowledged at once: what a killed process can lose is the batch that it was writing.
        progress
            Show a bar with the time left.

        Raises
        ------
        IdentityError
            Another model than the collection's.
        VectorError, InputError
            Another metric or dimension, NaN, a zero vector under cosine, ids without a text, metadata of another type.
        StorageError
            The engine cannot write. What was acknowledged before stays.
        """
        if batch < 1:
            raise InputError(f"batch={batch!r} writes nothing", "Give batch=1 or more.")
        return self._write(vectors, corpus or Corpus(vectors.ids, ("",) * len(vectors)), batch, progress, anew=True)

    def _write(self, vectors: Vectors, corpus: Corpus, batch: int, progress: bool, *, anew: bool) -> UpsertReport:
        """Points in batches; unless ``anew``, those alone that are not there yet."""
        started, written = time.perf_counter(), 0
        self._check_vectors(vectors)
        _check_rows(vectors, corpus)
        self._learn(column_types(corpus))
        with tqdm(total=len(vectors), desc="writing points", unit="point", disable=not progress) as bar:
            for start in range(0, len(vectors), batch):
                rows = list(range(start, min(start + batch, len(vectors))))
                passed = len(rows)
                if not anew:
                    there = {match.id for match in self.retrieve([vectors.ids[row] for row in rows])}
                    rows = [row for row in rows if vectors.ids[row] not in there]
                if rows:
                    stored = payloads(corpus, [corpus.row(vectors.ids[row]) for row in rows], self.config.columns)
                    points = zip(rows, stored, strict=True)
                    self._backend.upsert(
                        [StoredPoint(point_key(vectors.ids[row]), vectors.array[row], kept) for row, kept in points]
                    )
                written += len(rows)
                bar.update(passed)
        self.flush()
        return UpsertReport(written, len(vectors) - written, time.perf_counter() - started)

    def _learn(self, new: Mapping[str, FieldType]) -> None:
        """Remember columns before their first value is written."""
        types = widened(self.config.columns, self.config.fields, new)
        if types != dict(self.config.columns):
            self._backend.remember(replace(self.config, columns=types))

    def _check_vectors(self, vectors: Vectors) -> None:
        check_identity(vectors.model, self.config.model)
        if vectors.metric != self.config.metric:
            raise VectorError(
                f"vectors made for {vectors.metric} in a collection of {self.config.metric}",
                "Create one of that metric.",
            )
        self._check_array(vectors.array)

    def _check_array(self, array: FloatArray) -> None:
        if array.shape[1] != self.config.dimensions:
            raise VectorError(
                f"vectors of {array.shape[1]} dimensions in a collection of {self.config.dimensions}",
                "Encode with the collection's model.",
            )
        lengths = np.einsum("ij,ij->i", array, array)
        if not np.isfinite(lengths).all():
            row = int(np.flatnonzero(~np.isfinite(lengths))[0])
            raise VectorError(f"vector {row} holds NaN or infinity", "Encode its text again.")
        if self.config.metric == "cosine" and not lengths.all():
            row = int(np.flatnonzero(lengths == 0)[0])
            raise VectorError(f"vector {row} has length 0 and no cosine", "Leave empty texts out.")

    def query(
        self, vector: FloatArray | Vectors, k: int = 10, *, where: Where | None = None, search: Search = _SEARCH
    ) -> list[Match]:
        """The ``k`` nearest points that pass the filter, best first; fewer where fewer pass.

        Parameters
        ----------
        vector
            ``(d,)`` or ``(1, d) float32``, or ``Vectors`` of one row, whose model is then checked.
        where
            A filter, see :func:`check_where`.

        Raises
        ------
        IdentityError, VectorError, InputError
            A query of another model or dimension, or a filter that does not fit.
        StorageError
            The engine cannot answer.
        """
        array = vector.array if isinstance(vector, Vectors) else np.atleast_2d(np.asarray(vector, dtype=np.float32))
        if len(array) != 1:
            raise VectorError(f"{len(array)} vectors for one query", "Ask several at once with query_batch.")
        asked = vector if isinstance(vector, Vectors) else array
        return self.query_batch(asked, k, where=where, search=search)[0]

    def query_batch(
        self, vectors: FloatArray | Vectors, k: int = 10, *, where: Where | None = None, search: Search = _SEARCH
    ) -> list[list[Match]]:
        """The ``k`` nearest of each row of ``(queries, d) float32``, in one call; raises as ``query`` does."""
        if isinstance(vectors, Vectors):
            check_identity(vectors.model, self.config.model)
        array = vectors.array if isinstance(vectors, Vectors) else np.asarray(vectors, dtype=np.float32)
        if array.ndim != 2:
            raise VectorError(f"queries of shape {array.shape}", "Give an array of (queries, d).")
        self._check_array(array)
        if not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"k={k!r} asks for nothing", "Give k=1 or more.")
        if not len(array):
            return []
        answers = self._backend.query_batch(array, int(k), self._condition(where), search)
        return [[_match(found) for found in answer] for answer in answers]

    def delete(self, ids: Iterable[str] | None = None, *, where: Where | None = None) -> int:
        """Delete points by id or by filter, and say how many there were.

        Raises
        ------
        InputError
            Neither or both are given, or the filter is empty: a collection is not emptied by accident.
        """
        if (ids is None) == (where is None) or (where is not None and not where):
            raise InputError("delete() was not told what", "Give ids, or a filter with a field in it.")
        if isinstance(ids, str):
            raise InputError(f"ids={ids!r} is one string", f"Give a list: [{ids!r}].")
        doomed = [match.id for match in self.scroll(where)] if ids is None else list(dict.fromkeys(ids))
        gone = 0
        for start in range(0, len(doomed), _KEYS_AT_ONCE):
            keys = [point_key(id) for id in doomed[start : start + _KEYS_AT_ONCE]]
            gone += len(self._backend.retrieve(keys, False))
            self._backend.delete(keys)
        self.flush()
        return gone

    def scroll(self, where: Where | None = None, *, batch: int = 256, with_vectors: bool = False) -> Iterator[Match]:
        """Every point that passes the filter, in an order that stays; their scores are NaN."""
        condition = self._condition(where)
        return self._pages(condition, batch, with_vectors)

    def _pages(self, condition: Condition | None, batch: int, with_vectors: bool) -> Iterator[Match]:
        page, after = self._backend.scroll(condition, batch, None, with_vectors)
        yield from map(_match, page)
        while after is not None:
            page, after = self._backend.scroll(condition, batch, after, with_vectors)
            yield from map(_match, page)

    def count(self, where: Where | None = None) -> int:
        """Points that pass the filter, counted one by one."""
        return self._backend.count(self._condition(where))

    def facet(self, field: str, *, where: Where | None = None, limit: int = 20) -> dict[Any, int]:
        """Points for each value of an indexed field, most first.

        Raises
        ------
        InputError
            The field has no index whose values can be counted.
        """
        check_where({field: None}, self.config.columns)
        kind = self.config.fields.get(field)
        if kind not in ("keyword", "integer", "bool"):
            raise InputError(
                f"the values of {field!r} cannot be counted: it is indexed as {kind or 'nothing'}",
                f"Create the collection with fields={{{field!r}: 'keyword'}}, 'integer' or 'bool'.",
            )
        counts = self._backend.facet(field, self._condition(where), limit)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))))

    def retrieve(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Match]:
        """The points of some ids, in their order; those that are not there are left out."""
        found: dict[str, Match] = {}
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            keys = [point_key(id) for id in wanted[start : start + _KEYS_AT_ONCE]]
            for match in map(_match, self._backend.retrieve(keys, with_vectors)):
                found[match.id] = match
        return [found[id] for id in wanted if id in found]

    def info(self) -> CollectionInfo:
        """Points, vectors in the graph, bytes on disk."""
        return self._backend.info()

    def optimize(self) -> None:
        """Build the graphs and merge what was written since; returns when that is done."""
        self._backend.optimize()

    def flush(self) -> None:
        """Have everything on the disk itself: what was acknowledged then outlives a power failure too."""
        self._backend.flush()

    def close(self) -> None:
        """Let go of it; closing twice is no error."""
        self._backend.close()

    def reopen(self) -> Self:
        """Close it and open it again from what is stored."""
        self.close()
        self._backend = open_backend(self.place)
        return self

    def _condition(self, where: Where | None) -> Condition | None:
        return check_where(where, self.config.columns)


def _match(found: Found) -> Match:
    """A point without what is ours in its payload."""
    metadata = {name: value for name, value in found.payload.items() if name not in (ID, TEXT)}
    return Match(found.payload[ID], found.score, found.payload[TEXT], MappingProxyType(metadata), found.vector)


def _check_rows(vectors: Vectors, corpus: Corpus) -> None:
    """Every vector has its text."""
    with_text = set(corpus.ids)
    if with_text != set(vectors.ids):
        lone = next((id for id in vectors.ids if id not in with_text), None)
        what = f"the vector {lone!r} has no text" if lone else f"{len(vectors):,} vectors for {len(corpus):,} texts"
        raise InputError(f"{what} in {corpus!r}", "Give vectors and texts of the same ids.")
