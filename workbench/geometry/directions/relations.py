"""Is a relation one direction? How parallel the differences of word pairs are, against the same words paired anyhow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.intervals import Interval
from workbench.records import IntArray

__all__ = ["Relation", "relation"]

_Array64 = NDArray[np.float64]
_RESAMPLES = 2000
_LEAST = 3  # pairs; two have one angle, and no resample of them says how sure it is
_NUMBERS_AT_ONCE = 4_000_000  # 32 MB of differences


@dataclass(frozen=True, eq=False)
class Relation:
    """How parallel the differences ``second - first`` of word pairs are.

    Parameters
    ----------
    parallelism
        Mean cosine of two pairs' differences, over all of the pairs of pairs: 1 is one direction, 0 is what independent
        directions have. Its 95 % interval is a bootstrap over the word pairs.
    null_mean, null_low, null_high
        The same mean with the second words dealt out anew, at random: its mean over many dealings, and the range of
        95 % of them. It is above 0 where all second words differ from all first words in one way (they are all cities,
        say), whoever belongs to whom.
    p
        How often, of all dealings and the true one, one is at least as parallel as the true one: (r + 1) / (n + 1).
    permutations
        How many dealings: the ``n`` of ``p``.
    pairs
        The pair that fits worst first: ``first``, ``second``, and ``fit``, the cosine of its difference with the mean
        direction of the others.
    missing
        Pairs with a word that is unknown. They are left out of everything above.
    """

    parallelism: Interval
    null_mean: float
    null_low: float
    null_high: float
    p: float
    permutations: int
    pairs: pd.DataFrame = field(repr=False)
    missing: tuple[tuple[str, str], ...] = ()


def relation(
    vectors: StaticVectors, pairs: Iterable[tuple[str, str]], *, permutations: int = 1000, seed: int = 0
) -> Relation:
    """Measure whether a relation is one direction: (Athens, Greece), (Oslo, Norway), ...

    Differences are those of vectors at unit length, as 3CosAdd takes them. That a relation is more parallel than its
    shuffled pairs is what an analogy needs: without it the differences would say "a country, no city", and any country
    would do.

    Parameters
    ----------
    vectors
        Words and their vectors.
    pairs
        Two words each; a pair given twice counts once.
    permutations
        How many times the second words are dealt out at random.
    seed
        Of the dealings and of the bootstrap.

    Raises
    ------
    InputError
        Fewer than three pairs are known, a pair of words of one and the same direction, or no permutations.

    References
    ----------
    T. Mikolov, W. Yih, G. Zweig, Linguistic Regularities in Continuous Space Word Representations, NAACL 2013: the
    claim. L. Fournier, E. Dupoux, E. Dunbar, Analogies minus analogy test, CoNLL 2020: the shuffled pairs.
    """
    if permutations < 1:
        raise InputError(f"permutations={permutations} give no null", "Use 1,000.")
    first, second, missing = _rows(vectors, pairs)
    words, at = np.unique(np.concatenate([first, second]), return_inverse=True)
    unit = vectors.unit[words].astype(np.float64)
    first, second = at[: len(first)], at[len(first) :]
    differences = _directions(unit[second] - unit[first])
    same = ~differences.any(axis=1)
    if same.any():
        a, b = (vectors.ids[words[ends[same][0]]] for ends in (first, second))
        raise InputError(f"the words {a!r} and {b!r} have one direction, so no difference", "Leave the pair out.")
    rng = np.random.default_rng(seed)
    measured = float(_parallelism(differences))
    low, high = _bootstrap(differences, rng)
    null = _null(unit, first, second, permutations, rng)
    null_low, null_high = np.quantile(null, [0.025, 0.975])
    fit = _fit(differences)
    table = pd.DataFrame(
        {
            "first": [vectors.ids[words[row]] for row in first],
            "second": [vectors.ids[words[row]] for row in second],
            "fit": fit,
        }
    )
    return Relation(
        parallelism=Interval(measured, low, high),
        null_mean=float(null.mean()),
        null_low=float(null_low),
        null_high=float(null_high),
        p=float((np.count_nonzero(null >= measured - 1e-12) + 1) / (permutations + 1)),
        permutations=permutations,
        pairs=table.sort_values("fit", kind="stable", ignore_index=True),
        missing=missing,
    )


def _rows(
    vectors: StaticVectors, pairs: Iterable[tuple[str, str]]
) -> tuple[IntArray, IntArray, tuple[tuple[str, str], ...]]:
    """Rows of the first and of the second words, each pair once; and the pairs that are not known."""
    known: dict[tuple[int, int], None] = {}
    missing: dict[tuple[str, str], None] = {}
    for first, second in pairs:
        rows = vectors.find(first), vectors.find(second)
        if rows[0] is None or rows[1] is None:
            missing[first, second] = None
        else:
            known[rows[0], rows[1]] = None
    if len(known) < _LEAST:
        raise InputError(
            f"{len(known)} pairs are known, {len(missing)} are not; parallelism needs {_LEAST}", "Pass more pairs."
        )
    at = np.array(list(known), dtype=np.int64)
    return at[:, 0], at[:, 1], tuple(missing)


def _directions(differences: _Array64) -> _Array64:
    """Differences at unit length; one that is nothing but rounding has no direction and becomes zero."""
    lengths = np.linalg.norm(differences, axis=-1, keepdims=True)
    found: _Array64 = np.divide(differences, lengths, out=np.zeros_like(differences), where=lengths > 1e-6)
    return found


def _parallelism(directions: _Array64) -> _Array64:
    """Mean cosine of two different rows of ``(..., n, d)`` unit vectors: the square of their sum holds all cosines."""
    n = directions.shape[-2]
    all_cosines = (directions.sum(axis=-2) ** 2).sum(axis=-1)
    found: _Array64 = (all_cosines - (directions**2).sum(axis=(-2, -1))) / (n * (n - 1))
    return found


def _bootstrap(directions: _Array64, rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval over pairs; a pair that is drawn twice is not compared with itself."""
    n = len(directions)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, 0)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(np.float64)
    compared = n**2 - (drawn**2).sum(axis=1)
    totals: _Array64 = np.einsum("rn,rn->r", drawn @ cosines, drawn)
    low, high = np.quantile(totals[compared > 0] / compared[compared > 0], [0.025, 0.975])
    return float(low), float(high)


def _null(unit: _Array64, first: Any, second: Any, permutations: int, rng: np.random.Generator) -> _Array64:
    """Parallelism of the pairs with their second words dealt out at random, ``(permutations,)``.

    Dealt a word of its own direction, a first word has no difference: such a pair counts as at right angles to all.
    """
    step = max(1, _NUMBERS_AT_ONCE // (len(first) * unit.shape[1]))
    found = []
    for start in range(0, permutations, step):
        dealt = rng.permuted(np.tile(second, (min(step, permutations - start), 1)), axis=1)
        found.append(_parallelism(_directions(unit[dealt] - unit[first])))
    return np.concatenate(found)


def _fit(directions: _Array64) -> _Array64:
    """Cosine of each row with the sum of the others; 0 where the others cancel."""
    others = _directions(directions.sum(axis=0) - directions)
    fit: _Array64 = np.einsum("nd,nd->n", directions, others)
    return fit
