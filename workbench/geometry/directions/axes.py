"""An axis from two lists of words, and where other words lie along it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.directions.lists import known_rows, share_nothing

__all__ = ["Axis", "axis"]

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """A direction from one list of words to another.

    Parameters
    ----------
    vectors
        The words that lie along it.
    direction
        ``(d,) float64``, of length one: mean of the positive words at unit length, minus that of the negative ones.
    positive, negative
        The words that define it.
    missing
        Words of either list that are unknown.
    """

    vectors: StaticVectors = field(repr=False)
    direction: _Array64 = field(repr=False)
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def project(self, words: Iterable[str]) -> pd.DataFrame:
        """Where words lie along the axis, the most positive first.

        Parameters
        ----------
        words
            Each is shown once.

        Returns
        -------
        pandas.DataFrame
            ``word``; ``projection``, its cosine with the axis, -1 to 1; ``percentile``, the percentage of all words
            that lie below it (ties count half): what a random word would show; and ``defines``, whether the word is
            one of the axis' own, which lie at its ends by construction.

        Raises
        ------
        InputError
            An unknown word, with the nearest spellings.
        """
        if isinstance(words, str):
            raise InputError(f"words is the text {words!r}, not a list of words", f"Pass [{words!r}].")
        rows = list(dict.fromkeys(self.vectors.row(word) for word in words))
        here = self._all[rows]
        below = np.searchsorted(self._sorted, here, "left"), np.searchsorted(self._sorted, here, "right")
        named = [self.vectors.ids[row] for row in rows]
        table = pd.DataFrame(
            {
                "word": named,
                "projection": here,
                "percentile": 50 * (below[0] + below[1]) / len(self._all),
                "defines": [word in self.positive or word in self.negative for word in named],
            }
        )
        return table.sort_values("projection", ascending=False, kind="stable", ignore_index=True)

    @property
    def usual(self) -> tuple[float, float]:
        """The range of projections of 95 % of all words: a projection within it is nothing special."""
        low, high = np.quantile(self._all, [0.025, 0.975])
        return float(low), float(high)

    @cached_property
    def _all(self) -> _Array64:
        """Projection of every word."""
        found: _Array64 = self.vectors.unit @ self.direction
        return found

    @cached_property
    def _sorted(self) -> _Array64:
        return np.sort(self._all)


def axis(vectors: StaticVectors, positive: Iterable[str], negative: Iterable[str]) -> Axis:
    """The axis from negative to positive words, such as from ``["she", "her"]`` to ``["he", "him"]``.

    A word's place on it says in what company the word was trained, along this one direction. It does not say what the
    word means, nor why: lists of other words give another axis, and one pair of words carries whatever else the two
    differ in. Compare with ``percentile`` before reading anything into a number.

    Parameters
    ----------
    vectors
        Words and their vectors.
    positive, negative
        One known word each at least.

    Raises
    ------
    InputError
        A list without a known word, a word in both lists, or two lists of one and the same mean.

    References
    ----------
    J. An, H. Kwak, Y. Ahn, SemAxis: A Lightweight Framework to Characterize Domain-Specific Word Semantics Beyond
    Sentiment, ACL 2018: the difference of two means, and the cosine with it. T. Bolukbasi, K. Chang, J. Zou,
    V. Saligrama, A. Kalai, Man is to Computer Programmer as Woman is to Homemaker? Debiasing Word Embeddings, NeurIPS
    2016: bias along a direction.
    """
    up, up_missing = known_rows(vectors, positive, "the positive list")
    down, down_missing = known_rows(vectors, negative, "the negative list")
    share_nothing(vectors, up, down, "the positive and the negative list")
    unit = vectors.unit
    difference = unit[up].mean(axis=0, dtype=np.float64) - unit[down].mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(difference))
    if length < 1e-6:
        raise InputError("the two lists have one mean, so there is no axis between them", "Use other words.")
    return Axis(
        vectors,
        difference / length,
        tuple(vectors.ids[row] for row in up),
        tuple(vectors.ids[row] for row in down),
        (*up_missing, *down_missing),
    )
