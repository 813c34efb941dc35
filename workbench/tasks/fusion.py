"""Several searches as one: their rankings fused by rank or by score."""

from collections import defaultdict
from collections.abc import Sequence, Sized
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.tasks.search import Hit

__all__ = ["Fusion", "HybridIndex", "Searcher", "reach", "reciprocal_rank_fusion", "score_fusion"]

Fusion = Literal["reciprocal rank", "score"]
Scale = Literal["spread", "range"]


class Searcher(Protocol):
    """Anything that finds passages for queries."""

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k best passages of each query, best first; fewer where fewer are found."""
        ...


def reach(searcher: Searcher, k: int) -> int:
    """As many passages as may be asked of a searcher: k, or all that it has where it says how many."""
    return max(1, min(k, len(searcher))) if isinstance(searcher, Sized) else k


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Hit]], k: int, *, constant: float = 60, weights: Sequence[float] | None = None
) -> list[Hit]:
    """Rankings of one query as one, by the sum of ``weight / (constant + rank)``, ranks from 1.

    Scores are not looked at, so that searches whose scores have nothing in common can be fused. A passage that a
    ranking lacks gets nothing from it.

    Parameters
    ----------
    rankings
        Hits of each search, best first.
    k
        Hits to return, at most.
    constant
        How little the first ranks stand out: 60 in the paper, where it was chosen on data and hardly mattered.
    weights
        What each ranking counts for, 0 or more; None counts all alike.

    Returns
    -------
    list of Hit
        Best first, with the fused score; ties in the order of the first ranking that has them.

    Raises
    ------
    InputError
        There is no ranking, a passage stands twice in one, or a number is out of range.

    References
    ----------
    G. V. Cormack, C. L. A. Clarke, S. Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank
    Learning Methods, SIGIR 2009.
    """
    if constant < 0:
        raise InputError(f"a constant of {constant:g} is below 0", "Use constant=60.")
    shares = [1 / (constant + np.arange(1, len(ranking) + 1)) for ranking in rankings]
    return _fused(rankings, shares, k, weights)


def score_fusion(
    rankings: Sequence[Sequence[Hit]], k: int, *, scale: Scale = "spread", weights: Sequence[float] | None = None
) -> list[Hit]:
    """Rankings of one query as one, by the weighted sum of their scores, each ranking's brought to 0..1 first.

    A ranking's scale is that of its own hits: how good they are in themselves is lost, and depends on how many there
    are. A passage that a ranking lacks gets 0 from it, as its worst hits do.

    Parameters
    ----------
    rankings
        Hits of each search, best first. Scores that ascend are distances, and are turned round.
    k
        Hits to return, at most.
    scale
        ``"spread"``: 0 is three standard deviations below the mean of a ranking's scores, 1 three above, and what lies
        beyond is cut off (Qdrant's distribution-based score fusion). ``"range"``: 0 is its lowest score, 1 its highest.
        A ranking whose scores are all equal gives each of its hits 0.5.
    weights
        What each ranking counts for, 0 or more; None counts all alike.

    Returns
    -------
    list of Hit
        Best first, with the fused score; ties in the order of the first ranking that has them.

    Raises
    ------
    InputError
        There is no ranking, a passage stands twice in one, a scale is unknown, or a number is out of range.

    References
    ----------
    Min-max and other scales: M. Montague, J. A. Aslam, Relevance Score Normalization for Metasearch, CIKM 2001.
    Mean and three standard deviations: qdrant.tech/documentation/concepts/hybrid-queries.
    """
    if scale not in ("spread", "range"):
        raise InputError(f"there is no scale {scale!r}", "Use 'spread' or 'range'.")
    return _fused(rankings, [_scaled(ranking, scale) for ranking in rankings], k, weights)


def _scaled(ranking: Sequence[Hit], scale: Scale) -> NDArray[np.float64]:
    scores = np.array([hit.score for hit in ranking], dtype=np.float64)
    if not len(scores) or scores.min() == scores.max():
        return np.full(len(scores), 0.5)
    if scores[0] < scores[-1]:
        scores = -scores
    low, high = float(scores.min()), float(scores.max())
    if scale == "spread":
        middle, wide = float(scores.mean()), 3 * float(scores.std(ddof=1))
        low, high = middle - wide, middle + wide
    return np.clip((scores - low) / (high - low), 0, 1)


def _fused(
    rankings: Sequence[Sequence[Hit]],
    shares: Sequence[NDArray[np.float64]],
    k: int,
    weights: Sequence[float] | None,
) -> list[Hit]:
    """The k passages of the largest weighted sums."""
    if not rankings:
        raise InputError("there is no ranking to fuse", "Pass the hits of at least one search.")
    if k < 1:
        raise InputError(f"the first {k} hits are none", "Use a k from 1.")
    sums: dict[str, float] = defaultdict(float)
    first: dict[str, Hit] = {}
    for ranking, share, weight in zip(rankings, shares, _weights(weights, len(rankings)), strict=True):
        if len({hit.id for hit in ranking}) != len(ranking):
            raise InputError(
                f"a passage stands twice in a ranking of {len(ranking):,}", "Fuse rankings of distinct passages."
            )
        for hit, value in zip(ranking, share.tolist(), strict=True):
            sums[hit.id] += weight * value
            first.setdefault(hit.id, hit)
    best = sorted(first, key=lambda id: -sums[id])[:k]  # sorting is stable
    return [Hit(id, sums[id], first[id].text, first[id].metadata) for id in best]


def _weights(weights: Sequence[float] | None, count: int) -> list[float]:
    if weights is None:
        return [1.0] * count
    if len(weights) != count:
        raise InputError(f"{len(weights):,} weights for {count:,} searches", "Give one weight for each search.")
    if not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
        raise InputError(f"the weights {list(weights)} cannot be used", "Use numbers from 0, one of them above 0.")
    return [float(weight) for weight in weights]


class HybridIndex:
    """Several searches of one set of passages, fused: by meaning and by words, mostly.

    Parameters
    ----------
    searchers
        What is fused, such as ``[SemanticIndex(...), KeywordIndex(...)]``: two at least.
    fusion
        ``"reciprocal rank"`` (:func:`reciprocal_rank_fusion`) or ``"score"`` (:func:`score_fusion`).
    weights
        What each searcher counts for; None counts all alike.
    depth
        Passages that each searcher is asked for: what none of them has so far up is not found.

    Raises
    ------
    InputError
        Fewer than two searchers, an unknown fusion, or weights or a depth out of range.
    """

    def __init__(
        self,
        searchers: Sequence[Searcher],
        *,
        fusion: Fusion = "reciprocal rank",
        weights: Sequence[float] | None = None,
        depth: int = 100,
    ) -> None:
        if len(searchers) < 2:
            raise InputError(f"{len(searchers)} searchers are not two", "Pass two searchers or more, in a list.")
        if fusion not in ("reciprocal rank", "score"):
            raise InputError(f"there is no fusion {fusion!r}", "Use 'reciprocal rank' or 'score'.")
        if depth < 1:
            raise InputError(f"depth={depth:,} asks for no passage", "Use depth=100, or more.")
        self._searchers, self._depth = list(searchers), depth
        self._fuse = reciprocal_rank_fusion if fusion == "reciprocal rank" else score_fusion
        self._weights = _weights(weights, len(searchers))

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The k best passages of each query, best first, with their fused scores: fewer where fewer are found.

        Raises
        ------
        InputError
            ``k`` is under 1, or a searcher refuses the queries.
        """
        if k < 1:
            raise InputError(f"the first {k} hits are none", "Use a k from 1.")
        each = [searcher.search(queries, reach(searcher, max(k, self._depth))) for searcher in self._searchers]
        return [self._fuse(rankings, k, weights=self._weights) for rankings in zip(*each, strict=True)]
