"""What a search found, put into another order: for variety, or by a model that reads query and passage together."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.embed.loading import locate
from workbench.errors import InputError, ModelError
from workbench.geometry import cosine_similarity
from workbench.records import FloatArray, Metric
from workbench.tasks.fusion import Searcher, reach
from workbench.tasks.search import Hit

__all__ = ["Diverse", "PairScorer", "Reranked", "VectorSearcher"]


class VectorSearcher(Searcher, Protocol):
    """A searcher that has a vector for every passage."""

    @property
    def metric(self) -> Metric:
        """What its scores are."""
        ...

    def vectors_of(self, ids: Sequence[str]) -> FloatArray:
        """Vectors of passages, ``(ids, d) float32``."""
        ...


class PairScorer(Protocol):
    """What reranking needs of a cross-encoder: ``sentence_transformers.CrossEncoder`` is one."""

    def predict(self, inputs: Sequence[tuple[str, str]], /, *, show_progress_bar: bool) -> Any:
        """How well each passage answers its query, ``(pairs,)`` numbers, larger is better."""
        ...


class Diverse:
    """Maximal marginal relevance: each next passage is near the query and far from those already taken.

    Of the candidates, the one of the largest ``trade_off * cos(query, passage) - (1 - trade_off) * m`` is taken next,
    ``m`` its largest cosine to one that was taken. Near-duplicates of a good passage then make room for others.

    Parameters
    ----------
    searcher
        Where the candidates come from: a :class:`SemanticIndex` or a :class:`CollectionIndex`, by cosine.
    trade_off
        1 is the search itself, 0 looks at variety alone once the best passage is taken.
    depth
        Candidates of each query.

    Raises
    ------
    InputError
        The searcher goes by another metric, or a number is out of range.

    References
    ----------
    J. Carbonell, J. Goldstein, The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
    Summaries, SIGIR 1998.
    """

    def __init__(self, searcher: VectorSearcher, trade_off: float = 0.7, depth: int = 50) -> None:
        if searcher.metric != "cosine":
            raise InputError(
                f"the searcher goes by {searcher.metric}, which cannot be weighed against a cosine",
                "Search by cosine.",
            )
        if not 0 <= trade_off <= 1:
            raise InputError(f"a trade-off of {trade_off:g} is not within 0 and 1", "Use trade_off=0.7.")
        self._searcher, self._trade_off, self._depth = searcher, trade_off, _depth(depth)

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k passages of each query in the order in which they were taken; a score is the cosine to the query."""
        _check_k(k)
        found = self._searcher.search(queries, reach(self._searcher, max(k, self._depth)))
        return [self._taken(hits, k) for hits in found]

    def _taken(self, hits: list[Hit], k: int) -> list[Hit]:
        if not hits:
            return []
        vectors = self._searcher.vectors_of([hit.id for hit in hits])
        between = cosine_similarity(vectors, vectors)
        relevance = self._trade_off * np.array([hit.score for hit in hits])
        left, taken, nearest = np.ones(len(hits), dtype=bool), [0], between[0]
        left[0] = False
        while len(taken) < min(k, len(hits)):
            gain = np.where(left, relevance - (1 - self._trade_off) * nearest, -np.inf)
            best = int(gain.argmax())
            taken.append(best)
            left[best] = False
            nearest = np.maximum(nearest, between[best])
        return [hits[row] for row in taken]


class Reranked:
    """The first hits of a search, ordered anew by a cross-encoder, which reads query and passage together.

    Slower than a comparison of vectors by orders of magnitude, since nothing can be computed before the query is
    known: for the first tens of hits. What the search did not bring up cannot come back.

    Parameters
    ----------
    searcher
        Where the candidates come from.
    cross_encoder
        A hub id such as ``cross-encoder/ms-marco-MiniLM-L6-v2``, a local folder, or a loaded
        ``sentence_transformers.CrossEncoder``.
    depth
        Candidates of each query.

    Raises
    ------
    ModelError
        There is no such model here and it cannot be fetched, it has no safetensors weights, or it is not a
        cross-encoder of one score.
    InputError
        The depth is under 1.

    References
    ----------
    R. Nogueira, K. Cho, Passage Re-ranking with BERT, arXiv:1901.04085 (2019).
    """

    def __init__(self, searcher: Searcher, cross_encoder: str | PairScorer, depth: int = 50) -> None:
        self._searcher, self._depth = searcher, _depth(depth)
        self._model = _load(cross_encoder) if isinstance(cross_encoder, str) else cross_encoder

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k best passages of each query by the cross-encoder's scores, best first."""
        _check_k(k)
        found = self._searcher.search(queries, reach(self._searcher, max(k, self._depth)))
        return [self._ordered(query, hits)[:k] for query, hits in zip(queries, found, strict=True)]

    def _ordered(self, query: str, hits: list[Hit]) -> list[Hit]:
        if not hits:
            return []
        scores: NDArray[np.float64] = np.asarray(
            self._model.predict([(query, hit.text) for hit in hits], show_progress_bar=False), dtype=np.float64
        )
        if scores.shape != (len(hits),):
            raise ModelError(
                f"the cross-encoder gave scores of shape {scores.shape} for {len(hits):,} pairs",
                "Use one that gives each pair one score.",
            )
        order = np.argsort(-scores, kind="stable").tolist()
        return [Hit(hits[row].id, float(scores[row]), hits[row].text, hits[row].metadata) for row in order]


def _check_k(k: int) -> None:
    if k < 1:
        raise InputError(f"the first {k} hits are none", "Use a k from 1.")


def _depth(depth: int) -> int:
    if depth < 1:
        raise InputError(f"depth={depth:,} asks for no passage", "Use depth=50, or more.")
    return depth


def _load(name: str) -> PairScorer:
    """A cross-encoder, from safetensors alone and without remote code."""
    located = locate(name)
    _require_head(located.folder, name)
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging as transformers_logging

    quiet = logging.getLogger("sentence_transformers")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        model: PairScorer = CrossEncoder(
            str(located.folder),
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # whatever the file formats raise, the person needs one line
        raise ModelError(
            f"the cross-encoder in {located.folder} cannot be loaded ({(str(error).splitlines() or [''])[0]})",
            "Check that the folder was copied whole.",
        ) from error
    finally:
        quiet.setLevel(level)
    return model


def _require_head(folder: Path, name: str) -> None:
    """Refuse a model without a trained head of one score: it would be loaded with a random one, and rank at random."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kinds = [str(kind) for kind in config.get("architectures") or []]
        labels = len(config.get("id2label") or {}) or int(config.get("num_labels", 2))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(
            f"the configuration of {name!r} in {folder} is not readable", "Check that the folder was copied whole."
        ) from error
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise ModelError(
            f"{name!r} is a {', '.join(kinds) or 'model of no known kind'}, not a cross-encoder",
            "Choose one, such as 'cross-encoder/ms-marco-MiniLM-L6-v2'.",
        )
    if labels != 1:
        raise ModelError(f"{name!r} gives {labels} scores to a pair", "Choose a cross-encoder that gives one.")
