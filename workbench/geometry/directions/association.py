"""WEAT: whether two sets of words associate differently with two sets of attributes, and what chance would give."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.directions.lists import known_rows, share_nothing

__all__ = ["Weat", "weat"]

_Array64 = NDArray[np.float64]
_ALIKE = 1e-6  # of associations, in cosines: what float32 words of one direction differ by is less


@dataclass(frozen=True, eq=False)
class Weat:
    """A word embedding association test.

    Parameters
    ----------
    effect
        Effect size d: difference of the mean associations of X and Y, in standard deviations of the associations of
        all their words. Between -2 and 2 for sets of one size; 0 where they associate alike.
    p
        One-sided: the share of the ways to split the same words into sets of these sizes that differ by at least as
        much, the true one among them. Swap X and Y for the other side.
    partitions
        How many ways were tried.
    exact
        Whether these are all there are; else they are random, and ``p`` is (r + 1) / (n + 1).
    words
        ``word``, ``set`` (``X`` or ``Y``) and ``association``: mean cosine with A minus mean cosine with B; the largest
        first.
    sizes
        Known words in X, Y, A and B.
    missing
        Unknown words. They are left out; a test of few words that are left is another test than the published one.
    """

    effect: float
    p: float
    partitions: int
    exact: bool
    words: pd.DataFrame = field(repr=False)
    sizes: tuple[int, int, int, int]
    missing: tuple[str, ...] = ()


def weat(
    vectors: StaticVectors,
    X: Iterable[str],
    Y: Iterable[str],
    A: Iterable[str],
    B: Iterable[str],
    *,
    permutations: int = 20_000,
    seed: int = 0,
) -> Weat:
    """Test whether words X are nearer to A than to B, more than words Y are: (science, arts, he-words, she-words).

    What it shows: with these words, in these vectors, the difference is larger than splitting the same words anyhow
    gives. What it does not show: that the size means anything outside of the vectors; that another choice of words
    would agree (the p-value is over splits of these words, not over words that could have been chosen); where it comes
    from; or that a system built on the vectors treats anyone differently. A large p shows no absence either: few words
    have little power.

    Parameters
    ----------
    vectors
        Words and their vectors.
    X, Y
        The two sets of target words, two known ones each at least.
    A, B
        The two sets of attribute words, one known each at least.
    permutations
        How many splits are tried; where there are no more than these, all are.
    seed
        Of the random splits.

    Raises
    ------
    InputError
        Too few known words in a set, a word in both X and Y or in both A and B, words that all associate alike, or no
        permutations.

    References
    ----------
    A. Caliskan, J. Bryson, A. Narayanan, Semantics derived automatically from language corpora contain human-like
    biases, Science 356 (2017). The standard deviation here is that of a sample (n - 1), and a split that ties with the
    true one counts against it, so that p is never 0.
    """
    if permutations < 1:
        raise InputError(f"permutations={permutations} give no p-value", "Use 20,000.")
    sets = [
        known_rows(vectors, words, f"the set {name}", least)
        for name, words, least in (("X", X, 2), ("Y", Y, 2), ("A", A, 1), ("B", B, 1))
    ]
    x, y, a, b = (rows for rows, _ in sets)
    share_nothing(vectors, x, y, "X and Y")
    share_nothing(vectors, a, b, "A and B")
    unit, target = vectors.unit, np.concatenate([x, y])
    toward = unit[a].mean(axis=0, dtype=np.float64) - unit[b].mean(axis=0, dtype=np.float64)
    association: _Array64 = unit[target].astype(np.float64) @ toward
    spread = float(association.std(ddof=1))
    if spread < _ALIKE:
        raise InputError("all words of X and Y associate alike with A and B", "Use words that differ.")
    p, partitions, exact = _p(association, len(x), permutations, seed)
    table = pd.DataFrame(
        {
            "word": [vectors.ids[row] for row in target],
            "set": ["X"] * len(x) + ["Y"] * len(y),
            "association": association,
        }
    )
    return Weat(
        effect=float(association[: len(x)].mean() - association[len(x) :].mean()) / spread,
        p=p,
        partitions=partitions,
        exact=exact,
        words=table.sort_values("association", ascending=False, kind="stable", ignore_index=True),
        sizes=(len(x), len(y), len(a), len(b)),
        missing=tuple(word for _, missing in sets for word in missing),
    )


def _p(association: _Array64, size: int, permutations: int, seed: int) -> tuple[float, int, bool]:
    """One-sided p-value, how many splits it is of, and whether they are all.

    With the sizes fixed, the sum of the first set orders splits as the paper's statistic does.
    """
    n = len(association)
    measured = float(association[:size].sum())
    slack = 1e-9 * float(np.abs(association).sum())  # equal sums in another order of addition
    if math.comb(n, size) <= permutations:
        splits = np.array(list(combinations(range(n), size)))
        sums = association[splits].sum(axis=1)
        return float((sums >= measured - slack).mean()), len(sums), True
    rng, rows = np.random.default_rng(seed), np.tile(association, (permutations, 1))
    sums = rng.permuted(rows, axis=1)[:, :size].sum(axis=1)
    return float((np.count_nonzero(sums >= measured - slack) + 1) / (permutations + 1)), permutations, False
