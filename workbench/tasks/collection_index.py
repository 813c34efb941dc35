"""Search of a vector database's collection by meaning, and its filters for search by words and for corpora."""

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.embed import Encoder, check_identity, embed
from workbench.errors import InputError
from workbench.records import Corpus, FloatArray, Metric, Vectors
from workbench.tasks.search import Hit
from workbench.vectordb import Collection, FieldType, Search, Where
from workbench.vectordb.payloads import column_types

__all__ = ["CollectionIndex", "filter_fields", "passing_rows", "stored_corpus"]


class CollectionIndex:
    """Search by meaning in a collection: the query is encoded, and the database searches.

    Parameters
    ----------
    collection
        What is searched, embedded or on a server.
    encoder
        The model that made its vectors.
    where
        A filter that every search has, such as ``{"audience": "public"}``; None searches all.
    search
        How the database searches: approximately, unless ``Search(exact=True)``.

    Raises
    ------
    IdentityError
        Another model made the vectors.
    """

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        *,
        where: Where | None = None,
        search: Search | None = None,
    ) -> None:
        check_identity(encoder.identity, collection.config.model)
        self._collection, self._encoder, self._where = collection, encoder, where
        self._how = search or Search()

    def __len__(self) -> int:
        return self._collection.count(self._where)

    @property
    def metric(self) -> Metric:
        """What the scores are."""
        return self._collection.config.metric

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k best passages of each query that pass the filter, best first: fewer where fewer are found.

        Raises
        ------
        InputError
            One string instead of queries, ``k`` is under 1, or the filter does not fit the collection.
        """
        if k < 1:
            raise InputError(f"the first {k} hits are none", "Use a k from 1.")
        if len(queries) == 0:
            return []
        asked = embed(queries, self._encoder, role="query", cache=False, progress=False)
        found = self._collection.query_batch(asked, k, where=self._where, search=self._how)
        return [[Hit(match.id, match.score, match.text, match.metadata) for match in matches] for matches in found]

    def vectors_of(self, ids: Sequence[str]) -> FloatArray:
        """Vectors of passages as they are stored, ``(ids, d) float32``; raises InputError for an unknown id."""
        kept = {match.id: match.vector for match in self._collection.retrieve(list(ids), with_vectors=True)}
        if missing := [id for id in ids if kept.get(id) is None]:
            raise InputError(f"there is no id {missing[0]!r} in the collection", "Ask for ids that a search found.")
        return np.array([kept[id] for id in ids], dtype=np.float32)


def stored_corpus(collection: Collection, where: Where | None = None) -> Corpus:
    """Passages of a collection as a corpus, such as for a :class:`KeywordIndex` beside a :class:`CollectionIndex`.

    The database applies the filter. All passages that pass are read into memory: for search by words in a collection
    that is too large for that, use a database that has its own.

    Parameters
    ----------
    collection
        Where they are.
    where
        A filter; None takes all.

    Returns
    -------
    Corpus
        In the collection's order; metadata that a passage lacks is NaN. It may be empty.
    """
    matches = list(collection.scroll(where))
    table = pd.DataFrame([dict(match.metadata) for match in matches], index=range(len(matches)), dtype=object)
    return Corpus(tuple(match.id for match in matches), tuple(match.text for match in matches), table, "collection")


def filter_fields(corpus: Corpus) -> dict[str, FieldType]:
    """Type of each metadata column as filters see it: strings that are all dates or times are times.

    Raises
    ------
    InputError
        A column that a collection cannot store.
    """
    types = column_types(corpus)
    return {
        name: "datetime" if kind == "keyword" and _all_times(corpus, name) else kind for name, kind in types.items()
    }


def passing_rows(corpus: Corpus, where: Where) -> list[int]:
    """Rows of a corpus whose metadata passes a filter, as a vector database decides.

    For exact search of few passages: ``corpus.take(rows)`` and ``vectors.take(rows)`` are then searched as they are.
    The metadata goes through an embedded collection that is thrown away; keep a :class:`vectordb.Collection` for more
    than one filter.

    Parameters
    ----------
    corpus
        Passages with metadata.
    where
        A filter such as ``{"source": "billing_docs", "price": {"lt": 200}}``.

    Returns
    -------
    list of int
        In the corpus's order; none where no passage passes.

    Raises
    ------
    InputError
        The filter names no column of the corpus, or a value of another type.
    """
    bare = Corpus(corpus.ids, ("",) * len(corpus), corpus.metadata, corpus.name)
    nowhere = Vectors(corpus.ids, np.ones((len(corpus), 1), dtype=np.float32), metric="dot")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "metadata"
        with Collection.create(place, dimensions=1, metric="dot", fields=filter_fields(corpus)) as collection:
            collection.count(where)  # refuses a filter that does not fit before anything is written
            collection.upsert(nowhere, bare, progress=False)
            return sorted(corpus.row(match.id) for match in collection.scroll(where))


def _all_times(corpus: Corpus, column: str) -> bool:
    """Whether every value is a date or time in ISO 8601, with year, month and day."""
    try:
        for value in corpus.metadata[column].dropna():
            if len(value) < len("2024-05-31"):
                return False
            datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
