"""What a threshold finds and misses, by labels: rows that share one are duplicates of each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.intervals import Interval, wilson_interval
from workbench.records import IntArray, Vectors
from workbench.tasks.duplicates.bounds import Comparison
from workbench.tasks.duplicates.pairs import Pairs
from workbench.tasks.duplicates.search import near_pairs

__all__ = ["DuplicateQuality", "Judged", "ThresholdFit", "duplicate_quality", "fit_threshold", "threshold_curve"]

_PAIRS = 5_000_000  # that a curve is made of at most
_SAMPLED = 2000  # rows by whose pairs the floor of a curve is set where all pairs would be more
_RESAMPLES = 2000
_DRAWS_AT_ONCE = 4_000_000
_WORK = 200_000_000  # pairs, or groups, that are drawn in all: fewer resamples where there are many

Labels: TypeAlias = "Sequence[Any] | NDArray[Any] | pd.Series[Any]"
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs and whether each is a true one.

    Parameters
    ----------
    pairs
        The most alike first.
    true
        ``(m,)`` whether both rows of a pair have the same label.
    groups
        ``(n,)`` numbers of the labels; rows without one have a number of their own.
    each
        ``(groups,)`` true pairs of each group, found or not; 0 for a group that does not count here.
    """

    pairs: Pairs
    true: _Bools = field(repr=False)
    groups: IntArray = field(repr=False)
    each: IntArray = field(repr=False)

    @property
    def wanted(self) -> int:
        """True pairs in all, found or not."""
        return int(self.each.sum())


@dataclass(frozen=True)
class DuplicateQuality:
    """What one threshold finds, with 95 % intervals.

    Attributes
    ----------
    threshold
        The least similarity of a pair, or the greatest distance.
    precision
        Share of the pairs found that are true; NaN where none was found.
    recall
        Share of the true pairs that were found.
    f1
        Their harmonic mean.
    found, true, wanted
        Pairs found, true ones among them, true ones in all.
    """

    threshold: float
    precision: Interval
    recall: Interval
    f1: Interval
    found: int
    true: int
    wanted: int

    def __str__(self) -> str:
        return (
            f"at {self.threshold:.3f}: {self.found:,} pairs, {self.true:,} of {self.wanted:,} true ones; precision "
            f"{self.precision}, recall {self.recall}, F1 {self.f1}"
        )


@dataclass(frozen=True, eq=False)
class ThresholdFit:
    """A threshold chosen on one half of the labelled groups, and what it does on the other.

    Attributes
    ----------
    threshold
        Half way between the score that served best on the first half and the next one.
    fitted
        What it finds in the half that chose it: flattered.
    held_out
        What it finds in the half that did not: the figure to state.
    everywhere
        What it finds in all rows.
    """

    threshold: float
    fitted: DuplicateQuality
    held_out: DuplicateQuality
    everywhere: DuplicateQuality
    _halves: tuple[Judged, Judged] = field(repr=False)

    def at(self, threshold: float) -> DuplicateQuality:
        """What another threshold finds in the half that is held out, such as one from a book."""
        return _quality(self._halves[1], threshold, 0)


def judge(vectors: ArrayLike | Vectors | Pairs, labels: Labels) -> Judged:
    """Pairs with their truth; of vectors, all pairs as alike as the least alike true one, or the best 5 million.

    Raises
    ------
    InputError
        Not one label for each row, all labels equal, or no two.
    """
    n = vectors.n if isinstance(vectors, Pairs) else len(np.asarray(_array(vectors)))
    groups = _groups(labels, n)
    pairs = vectors if isinstance(vectors, Pairs) else near_pairs(vectors, _floor(vectors, groups), progress=False)
    return _judged(pairs, groups)


def threshold_curve(vectors: ArrayLike | Vectors | Pairs, labels: Labels) -> pd.DataFrame:
    """Precision, recall and F1 of pairs, and the clusters that they make, at every threshold that makes a difference.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers or Vectors, of which all pairs count that are as alike as the least alike true one (or the
        best 5 million, where that would be more); or Pairs, which are then all there is.
    labels
        ``n`` labels: rows with the same one are duplicates. None, NaN and "" are no label.

    Returns
    -------
    pandas.DataFrame
        A row for each distinct score, the strictest first: ``threshold``, ``pairs`` (that reach it), ``true`` (of
        them), ``precision``, ``recall`` (of all true pairs), ``f1``, ``clusters`` (of two rows or more), ``largest``
        (rows of the largest), ``whole`` (labelled groups that are exactly one cluster).

    Raises
    ------
    InputError
        Not one label for each row, all labels equal, or no two.
    """
    return _curve(judge(vectors, labels))


def duplicate_quality(
    vectors: ArrayLike | Vectors | Pairs, labels: Labels, threshold: float, *, seed: int = 0
) -> DuplicateQuality:
    """What one threshold finds and misses, with intervals.

    Parameters
    ----------
    vectors, labels
        As for :func:`threshold_curve`.
    threshold
        The least similarity of a pair, or the greatest distance.
    seed
        Of the bootstrap. Pairs that share a row or a group are not independent, so groups are drawn, and a pair counts
        as often as the two groups of its rows (A. B. Owen, The Pigeonhole Bootstrap, Annals of Applied Statistics 1,
        2007), with Poisson counts of mean 1.

    Raises
    ------
    InputError
        As :func:`threshold_curve` raises.
    """
    if isinstance(vectors, Pairs):
        return _quality(judge(vectors, labels), threshold, seed)
    groups = _groups(labels, len(np.asarray(_array(vectors))))
    return _quality(_judged(near_pairs(vectors, threshold, progress=False), groups), threshold, seed)


def fit_threshold(
    vectors: ArrayLike | Vectors | Pairs, labels: Labels, *, share: float = 0.5, seed: int = 0
) -> ThresholdFit:
    """Choose the threshold of the best F1 on one half of the labelled groups, and measure it on the other.

    Groups are dealt to the halves, and a true pair goes with its group. A false pair within a half stays in it, and
    one across the halves is dealt at random: so both have as many false pairs for each true one as all rows together,
    and a precision measured on a half is that of the whole. No pair is in both; rows of false pairs may be.

    Parameters
    ----------
    vectors, labels
        As for :func:`threshold_curve`.
    share
        Of the groups, and of the false pairs across, that go to the half that chooses.
    seed
        Of the draw and of the bootstrap.

    Raises
    ------
    InputError
        As :func:`threshold_curve` raises; or fewer than two groups of duplicates, which cannot be halved.
    """
    if not 0 < share < 1:
        raise InputError(f"a share of {share:g} leaves one half empty", "Use share=0.5, or near it.")
    judged = judge(vectors, labels)
    halves = _halves(judged, share, seed)
    curve = _scores(halves[0])
    if not curve["true"].to_numpy(np.int64).any():
        raise InputError(
            f"none of {halves[0].wanted:,} true pairs is among the {len(judged.pairs):,} most alike pairs",
            "Check that the labels are those of duplicates, or try another model.",
        )
    best = int(curve["f1"].to_numpy(np.float64).argmax())
    values = curve["threshold"].to_numpy(np.float64)
    threshold = float(values[best] if best + 1 == len(values) else (values[best] + values[best + 1]) / 2)
    fitted, held_out = (_quality(half, threshold, seed) for half in halves)
    return ThresholdFit(threshold, fitted, held_out, _quality(judged, threshold, seed), halves)


def _judged(pairs: Pairs, groups: IntArray) -> Judged:
    sizes = np.bincount(groups)
    return Judged(pairs, groups[pairs.a] == groups[pairs.b], groups, sizes * (sizes - 1) // 2)


def _array(vectors: ArrayLike | Vectors) -> ArrayLike:
    return vectors.array if isinstance(vectors, Vectors) else vectors


def _groups(labels: Labels, n: int) -> IntArray:
    """Labels as numbers, one of its own for each row that has none."""
    values = pd.Series(list(labels), dtype=object)
    if len(values) != n:
        raise InputError(f"{len(values):,} labels for {n:,} rows", "Give one for each row.")
    missing = values.isna() | (values.astype(str).str.strip() == "")
    codes = pd.factorize(values.where(~missing, None).astype(object).map(str, na_action="ignore"))[0].astype(np.int64)
    there = codes[codes >= 0]
    if len(there) == 0 or len(np.unique(there)) == len(there):
        raise InputError(
            f"no two of {n:,} rows share a label", "Give rows that are duplicates of each other the same label."
        )
    if len(there) == n and len(np.unique(there)) == 1:
        raise InputError(
            f"all {n:,} rows have the label {str(values.iloc[0])!r}",
            "Give rows that are no duplicates different labels.",
        )
    codes[codes < 0] = len(np.unique(there)) + np.arange(int((codes < 0).sum()))
    return codes


def _floor(vectors: ArrayLike | Vectors, groups: IntArray) -> float:
    """The score of the least alike true pair, or a stricter one that leaves 5 million pairs or so."""
    metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    rows = np.ascontiguousarray(_array(vectors), dtype=np.float32)
    most = float(np.finfo(np.float32).max)
    everything = {"cosine": -1.0, "dot": -most, "euclidean": most}[metric]
    order = np.argsort(groups, kind="stable")
    sides = [(order[:-gap], order[gap:]) for gap in range(1, int(np.bincount(groups).max()))]
    alike = [(a[same], b[same]) for a, b in sides if (same := groups[a] == groups[b]).any()]
    comparison = Comparison(rows, metric, everything, rows.shape[1])
    a, b = (np.concatenate([pair[side] for pair in alike]) for side in (0, 1))
    scores = comparison.scored(a, b)[2]
    least = float(scores.max() if metric == "euclidean" else scores.min())
    n = len(rows)
    if n * (n - 1) // 2 <= _PAIRS:
        return least
    left, right = np.random.default_rng(0).integers(n, size=(2, 500 * _SAMPLED))
    some = comparison.scored(left[left != right], right[left != right])[2]
    share = _PAIRS / (n * (n - 1) / 2)
    if metric == "euclidean":
        return min(least, float(np.quantile(some, share)))
    return max(least, float(np.quantile(some, 1 - share)))


def _scores(judged: Judged) -> pd.DataFrame:
    """The curve without its clusters: one sort, which the pairs have been through, and one sum."""
    scores = judged.pairs.scores
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1) if len(scores) else np.empty(0, dtype=np.int64)
    true, found = judged.true.cumsum()[ends], ends + 1
    return pd.DataFrame(
        {
            "threshold": scores[ends].astype(np.float64),
            "pairs": found,
            "true": true,
            "precision": true / found,
            "recall": true / judged.wanted,
            "f1": 2 * true / (found + judged.wanted),
        }
    )


def _curve(judged: Judged) -> pd.DataFrame:
    table = _scores(judged)
    joined = _joined(judged)
    at = np.searchsorted(joined[:, 0], table["pairs"].to_numpy(), side="right") - 1
    return table.assign(**{name: joined[at, place] for place, name in enumerate(("clusters", "largest", "whole"), 1)})


def _joined(judged: Judged) -> IntArray:
    """Clusters as pairs are added: ``(pairs, clusters, largest, whole)`` after each pair that joins two of them.

    Only the pairs of a maximum spanning forest join anything (J. B. Kruskal 1956), one for each row at most.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    pairs, groups = judged.pairs, judged.groups
    n = len(groups)
    weights = np.arange(1.0, len(pairs) + 1)  # the place of a pair, so that the tree takes the most alike first
    tree = minimum_spanning_tree(coo_array((weights, (pairs.a, pairs.b)), shape=(n, n)).tocsr()).data
    parent, size = list(range(n)), [1] * n
    wanted = np.bincount(groups).tolist()
    only = groups.tolist()  # the one label of a cluster, -1 where there are several
    clusters = largest = whole = 0
    steps = [(0, 0, 1, 0)]
    for place in np.sort(tree).astype(np.int64).tolist():
        one, two = (_root(parent, int(side[place - 1])) for side in (pairs.a, pairs.b))
        for root in (one, two):
            clusters -= size[root] > 1
            whole -= size[root] > 1 and only[root] >= 0 and size[root] == wanted[only[root]]
        parent[two], size[one] = one, size[one] + size[two]
        only[one] = only[one] if only[one] == only[two] else -1
        clusters, largest = clusters + 1, max(largest, size[one])
        whole += only[one] >= 0 and size[one] == wanted[only[one]]
        steps.append((place, clusters, largest, whole))
    return np.array(steps, dtype=np.int64)


def _root(parent: list[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


def _halves(judged: Judged, share: float, seed: int) -> tuple[Judged, Judged]:
    rng = np.random.default_rng(seed)
    sizes = np.bincount(judged.groups)
    repeated, alone = np.flatnonzero(sizes > 1), np.flatnonzero(sizes == 1)
    if len(repeated) < 2:
        raise InputError(
            f"{len(repeated)} group of duplicates cannot be parted in two halves", "Label duplicates of two groups."
        )
    first = np.zeros(len(sizes), dtype=bool)
    for kind in (repeated, alone):
        count = round(share * len(kind))
        first[rng.permutation(kind)[: min(max(1, count), len(kind) - 1) if kind is repeated else count]] = True
    left, right = first[judged.groups[judged.pairs.a]], first[judged.groups[judged.pairs.b]]
    chosen = np.where(left == right, left, rng.random(len(judged.pairs)) < share)
    return _part(judged, chosen, first), _part(judged, ~chosen, ~first)


def _part(judged: Judged, chosen: _Bools, groups: _Bools) -> Judged:
    pairs = judged.pairs
    some = Pairs(pairs.a[chosen], pairs.b[chosen], pairs.scores[chosen], pairs.metric, pairs.threshold, pairs.n)
    return Judged(some, judged.true[chosen], judged.groups, np.where(groups, judged.each, 0))


def _quality(judged: Judged, threshold: float, seed: int) -> DuplicateQuality:
    """Counts, and intervals by drawing groups anew."""
    kept = judged.pairs.above(threshold)
    found = len(kept)
    true = judged.true[:found]
    right, wanted = int(true.sum()), judged.wanted
    hits, misses, extras = _drawn(judged, judged.groups[kept.a], judged.groups[kept.b], true, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = hits / (hits + extras), hits / (hits + misses), 2 * hits / (2 * hits + misses + extras)
    several = int((judged.each > 0).sum())
    shares = right / found if found else float("nan"), right / wanted, 2 * right / (found + wanted)
    precision, recall, f1 = map(_interval, shares, draws, (found, several, several))
    return DuplicateQuality(float(threshold), precision, recall, f1, found, right, wanted)


def _drawn(
    judged: Judged, one: IntArray, two: IntArray, true: _Bools, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """True pairs found, true pairs missed, and false pairs found, in each resample of the groups."""
    from scipy.sparse import csr_array

    counted, places = np.unique(np.concatenate([np.flatnonzero(judged.each), one, two]), return_inverse=True)
    one, two = np.split(places[-2 * len(one) :], 2) if len(one) else (one, two)
    m = len(counted)
    hit = np.bincount(one[true], minlength=m)
    missed = judged.each[counted] - hit
    false = csr_array((np.ones(int((~true).sum())), (one[~true], two[~true])), shape=(m, m))
    rng = np.random.default_rng(seed)
    resamples = int(np.clip(_WORK / max(m, len(one)), 100, _RESAMPLES))
    step = max(1, _DRAWS_AT_ONCE // m)
    parts = []
    for start in range(0, resamples, step):
        times = rng.poisson(1.0, size=(min(step, resamples - start), m)).astype(np.float64)
        parts.append((times @ hit, times @ missed, ((times @ false) * times).sum(axis=1)))
    hits, misses, extras = (np.concatenate([part[place] for part in parts]) for place in range(3))
    return hits, misses, extras


def _interval(share: float, draws: NDArray[np.float64], trials: int) -> Interval:
    """The bootstrap's interval; where no draw differs from another, Wilson's stands for it."""
    if share != share or not trials:
        return Interval(share, 0.0, 1.0)
    low, high = np.nanquantile(draws, [0.025, 0.975])
    if low == high:
        low, high = wilson_interval(share * trials, trials)
    return Interval(share, float(min(low, share)), float(max(high, share)))
