"""How far the cosines of word pairs agree with people: Spearman's correlation with its interval."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.corpora.opening import utf8_lines, wrong_column
from workbench.corpora.shipped import gensim_file
from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.metrics import unit_rows
from workbench.intervals import Interval

__all__ = ["SimilarityResult", "simlex999", "word_similarity", "wordsim353"]

_COLUMNS = ("first", "second", "human")
_RESAMPLES = 2000
_FEWEST = 3  # pairs: of two, the correlation is 1 or -1

_Array64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SimilarityResult:
    """How far cosines put word pairs in the order in which people put them.

    Attributes
    ----------
    correlation
        Spearman's, over the covered pairs, with its 95 % bootstrap interval over pairs. 1 is people's order, 0 none.
    covered, total
        Pairs whose two words are known, and all of them.
    pairs
        A row for each covered pair, in the order of the question: ``first``, ``second``, ``human`` (their score),
        ``cosine``; ``human_rank`` and ``cosine_rank`` (1 is the most alike, equal scores share the mean of their
        ranks); ``gap``, the second less the first: the largest are pairs that people find alike and the vectors do not.
    unknown
        Words that are not known, sorted.
    """

    correlation: Interval
    covered: int
    total: int
    pairs: pd.DataFrame = field(repr=False)
    unknown: tuple[str, ...] = field(repr=False)

    def worst(self, most: int = 10) -> pd.DataFrame:
        """The covered pairs whose two ranks are farthest apart, in either direction, the farthest first."""
        return self.pairs.iloc[np.argsort(-self.pairs["gap"].abs(), kind="stable")[:most]]


def word_similarity(vectors: StaticVectors, pairs: pd.DataFrame, *, seed: int = 0) -> SimilarityResult:
    """Spearman's correlation of the cosines of word pairs with people's scores.

    Parameters
    ----------
    vectors
        Words and their vectors; a word is looked up as written, then in any case.
    pairs
        ``first`` and ``second``, words, and ``human``, a score that is larger for pairs more alike: ``wordsim353``,
        ``simlex999``, or a person's own. On any scale: only the order counts.
    seed
        Of the bootstrap.

    Raises
    ------
    InputError
        A column is missing, a score is no finite number, fewer than three pairs are covered, or all of them have one
        score or one cosine.

    References
    ----------
    C. Spearman, The Proof and Measurement of Association between Two Things (1904).
    """
    from scipy.stats import rankdata

    for name in _COLUMNS:
        if name not in pairs.columns:
            raise wrong_column(name, map(str, pairs.columns), "the table of pairs")
    human = pd.to_numeric(pairs["human"], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(human).all():
        bad = int((~np.isfinite(human)).argmax())
        raise InputError(
            f"the score of pair {bad:,} is {pairs['human'].tolist()[bad]!r}", "Make every score a finite number."
        )
    words = pairs[["first", "second"]].astype(str)
    rows = [(vectors.find(first), vectors.find(second)) for first, second in words.itertuples(index=False)]
    kept = [at for at, pair in enumerate(rows) if None not in pair]
    if len(kept) < _FEWEST:
        raise InputError(
            f"of {len(pairs):,} pairs, both words are known of {len(kept):,}", f"Give at least {_FEWEST} known pairs."
        )
    known = np.array([rows[at] for at in kept], dtype=np.int64)
    left, right = (unit_rows(vectors.array[column]) for column in known.T)
    cosine = (left * right).sum(axis=1)
    scores = np.stack([human[kept], cosine])
    if (scores == scores[:, :1]).all(axis=1).any():
        raise InputError("all pairs have one score, or one cosine", "Nothing is in any order; give pairs that differ.")
    table = words.iloc[kept].reset_index(drop=True)
    table["human"], table["cosine"] = scores
    table["human_rank"], table["cosine_rank"] = rankdata(-scores, axis=1)
    table["gap"] = table["cosine_rank"] - table["human_rank"]
    missing = {
        word
        for pair, ids in zip(words.to_numpy(), rows, strict=True)
        for word, id in zip(pair, ids, strict=True)
        if id is None
    }
    return SimilarityResult(_spearman(scores, seed), len(kept), len(pairs), table, tuple(sorted(missing)))


def wordsim353() -> pd.DataFrame:
    """353 pairs of English words and how related people find them, from 0 to 10: ``first``, ``second``, ``human``.

    Whether related or similar: *cup* and *coffee* score 6.58.

    Raises
    ------
    InputError
        The installed gensim does not carry them.

    References
    ----------
    L. Finkelstein et al., Placing Search in Context: The Concept Revisited, ACM TOIS 20 (2002).
    """
    return _pairs(gensim_file("wordsim353.tsv", "WordSim-353"))


def simlex999() -> pd.DataFrame:
    """999 pairs of English words and how similar people find them, from 0 to 10: ``first``, ``second``, ``human``.

    Similar, and not only related: opposites score low, *old* and *new* 1.58.

    Raises
    ------
    InputError
        The installed gensim does not carry them.

    References
    ----------
    F. Hill, R. Reichart, A. Korhonen, SimLex-999: Evaluating Semantic Models with (Genuine) Similarity Estimation,
    Computational Linguistics 41 (2015).
    """
    return _pairs(gensim_file("simlex999.txt", "SimLex-999"))


def _pairs(path: Path) -> pd.DataFrame:
    """Two words and a score on each line, between tabs; lines that begin with a hash are comments."""
    lines = [line.split("\t") for line in utf8_lines(path) if line.strip() and not line.startswith("#")]
    return pd.DataFrame([(first, second, float(score)) for first, second, score in lines], columns=list(_COLUMNS))


def _spearman(scores: _Array64, seed: int) -> Interval:
    """Spearman's correlation of two rows of scores, with a bootstrap percentile interval over the pairs."""
    from scipy.stats import rankdata

    random, n = np.random.default_rng(seed), scores.shape[1]
    drawn = random.integers(n, size=(_RESAMPLES, n))
    with np.errstate(invalid="ignore"):  # a draw of equal scores alone has no correlation, and is left out
        many = _correlation(rankdata(scores[0][drawn], axis=1), rankdata(scores[1][drawn], axis=1))
    low, high = np.nanquantile(many, [0.025, 0.975])
    one = _correlation(*rankdata(scores, axis=1))
    return Interval(float(one), float(low), float(high))


def _correlation(x: _Array64, y: _Array64) -> _Array64:
    """Pearson's correlation along the last axis."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    found: _Array64 = (x * y).sum(axis=-1) / np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return found
