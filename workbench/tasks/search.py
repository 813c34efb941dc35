"""Search a corpus by meaning (dense vectors) or by words (BM25)."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.embed import Encoder, VectorCache, check_identity, embed
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import Corpus, FloatArray, Metric, Vectors

__all__ = ["Hit", "KeywordIndex", "SemanticIndex"]


@dataclass(frozen=True)
class Hit:
    """One passage that a search found."""

    id: str
    score: float
    text: str
    metadata: Mapping[str, Any] = field(repr=False)


def _hits(corpus: Corpus, rows: Sequence[int], scores: Sequence[float]) -> list[Hit]:
    """Hits for rows of a corpus, best first."""
    records = corpus.metadata.iloc[list(rows)].to_dict("records")
    return [
        Hit(corpus.ids[row], float(score), corpus.texts[row], {str(key): value for key, value in record.items()})
        for row, score, record in zip(rows, scores, records, strict=True)
    ]


class SemanticIndex:
    """Exact search in the original space: the query is encoded and compared with every vector.

    Parameters
    ----------
    corpus, vectors
        Row by row the same ids.
    encoder
        The model that made the vectors.

    Raises
    ------
    InputError
        The ids of corpus and vectors differ.
    IdentityError
        Another model made the vectors.
    """

    def __init__(self, corpus: Corpus, vectors: Vectors, encoder: Encoder) -> None:
        if corpus.ids != vectors.ids:
            raise InputError(
                f"the {len(corpus):,} ids of {corpus.name!r} are not those of the {len(vectors):,} vectors",
                "Embed this corpus, or take the same rows of both.",
            )
        check_identity(encoder.identity, vectors.model)
        self._corpus, self._vectors, self._encoder = corpus, vectors, encoder

    def __len__(self) -> int:
        return len(self._corpus)

    @property
    def metric(self) -> Metric:
        """What the scores are."""
        return self._vectors.metric

    def vectors_of(self, ids: Sequence[str]) -> FloatArray:
        """Vectors of passages, ``(ids, d) float32``; raises InputError for an unknown id."""
        return self._vectors.array[[self._vectors.row(id) for id in ids]]

    def search(self, queries: Sequence[str], k: int = 5, *, cache: VectorCache | None = None) -> list[list[Hit]]:
        """The k best passages of each query, best first.

        Queries are encoded afresh unless a cache is given: a person's queries are short and rarely repeat.
        """
        if len(queries) == 0:
            return []
        asked = embed(queries, self._encoder, role="query", cache=cache or False, progress=False)
        found = exact_neighbours(asked, self._vectors, k, self._vectors.metric)
        return [
            _hits(self._corpus, rows, scores)
            for rows, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
        ]


class KeywordIndex:
    """BM25 over stemmed English words, without stop words (Robertson and Zaragoza 2009), by bm25s.

    Parameters
    ----------
    corpus
        The passages to search.
    """

    def __init__(self, corpus: Corpus) -> None:
        import bm25s
        import Stemmer

        self._corpus = corpus
        self._stemmer = Stemmer.Stemmer("english")
        self._index = bm25s.BM25()
        tokens = self._tokens(corpus.texts)
        self._has_words = any(tokens.ids)
        if self._has_words:  # bm25s cannot index stop words alone, in which nothing is ever found
            self._index.index(tokens, show_progress=False)

    def __len__(self) -> int:
        return len(self._corpus)

    def _tokens(self, texts: Sequence[str]) -> Any:
        import bm25s

        return bm25s.tokenize(list(texts), stopwords="en", stemmer=self._stemmer, show_progress=False)

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k best passages of each query that share a word with it, best first: fewer where fewer do."""
        if isinstance(queries, str):
            raise InputError(f"one string was given as queries, {queries[:40]!r}", "Pass a list: search([query]).")
        if not len(self._corpus):  # what a filter left of one
            return [[] for _ in queries]
        if not 1 <= k <= len(self._corpus):
            raise InputError(
                f"k={k:,} passages were asked of {len(self._corpus):,}", f"Use k from 1 to {len(self._corpus):,}."
            )
        if len(queries) == 0 or not self._has_words:
            return [[] for _ in queries]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a query of stop words alone: no hits, which is the answer
            rows, scores = self._index.retrieve(self._tokens(queries), k=k, show_progress=False)
        answers = []
        for some_rows, some_scores in zip(rows.tolist(), scores.tolist(), strict=True):
            kept = [(row, score) for row, score in zip(some_rows, some_scores, strict=True) if score > 0]
            answers.append(_hits(self._corpus, [row for row, _ in kept], [score for _, score in kept]))
        return answers
