"""Clusters found where the vectors are, never on a picture of them; their names, and their agreement with labels."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["Clusters", "find_clusters", "label_agreement", "name_clusters"]

_LEAST_DIMENSIONS = 4  # two and three are pictures
_RESAMPLES = 500
_WORD = r"(?u)\b[^\W\d_][\w'’-]*\w\b"  # begins with a letter and has two characters or more


@dataclass(frozen=True, eq=False)
class Clusters:
    """A partition of vectors into clusters and noise.

    Attributes
    ----------
    labels
        ``(n,) int64``: the cluster of each vector, from 0; -1 is noise, a vector of no cluster.
    strengths
        ``(n,) float64``: how firmly each belongs to its cluster, 0 to 1; 0 for noise.
    space
        In words, where the clusters were sought.
    """

    labels: IntArray = field(repr=False)
    strengths: NDArray[np.float64] = field(repr=False)
    space: str

    @property
    def count(self) -> int:
        """Number of clusters; noise is none."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def noise(self) -> float:
        """Share of vectors that belong to no cluster, 0 to 1."""
        return float((self.labels < 0).mean())

    def __str__(self) -> str:
        return f"{self.count:,} clusters in {self.space}, {self.noise:.0%} of {len(self.labels):,} points in none"


def find_clusters(
    vectors: ArrayLike | Vectors,
    *,
    min_cluster_size: int = 10,
    min_samples: int = 1,
    dimensions: int | None = 50,
    metric: Metric | None = None,
    seed: int = 0,
) -> Clusters:
    """HDBSCAN (scikit-learn's) in the space of the vectors, or in their principal components.

    A map tears clusters apart and invents others, so nothing is ever clustered on one. Components are not a picture:
    density needs distances that still differ, which they do less and less as dimensions grow.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors, of four dimensions at least.
    min_cluster_size
        Fewest vectors of a cluster, 2 or more.
    min_samples
        Neighbours that make a place dense; HDBSCAN's own default, ``min_cluster_size``, leaves most passages of real
        text in no cluster.
    dimensions
        Principal components to keep, four or more; None, or as many as there are, searches the original space.
    metric
        ``"cosine"`` (unit length first) or ``"euclidean"``; None takes that of Vectors, and cosine for numbers.
    seed
        Of the principal components, which are found by random projection where vectors are many.

    Raises
    ------
    InputError
        The vectors or ``dimensions`` have fewer than four dimensions, which is a picture; a dot product, which is no
        distance; or a number out of range.
    VectorError
        Vectors that cannot be used.

    References
    ----------
    R. Campello, D. Moulavi, J. Sander, Density-Based Clustering Based on Hierarchical Density Estimates, PAKDD 2013.
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    if metric == "dot":
        raise InputError(
            "clusters need a distance, and 'dot' is none: a vector's largest dot product need not be with itself",
            "Choose metric='cosine' (directions alone) or 'euclidean'.",
        )
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    n, d = array.shape
    for given, what in ((d, f"vectors of {d} dimensions"), (dimensions, f"dimensions={dimensions!r}")):
        if given is not None and given < _LEAST_DIMENSIONS:
            raise InputError(
                f"{what} would put the clusters on a picture, which tears groups apart and joins others",
                "Pass the original vectors, and dimensions=50 or None.",
            )
    if min_cluster_size < 2 or min_samples < 1:
        raise InputError(
            f"min_cluster_size={min_cluster_size!r} and min_samples={min_samples!r} make no clusters",
            "Use 2 or more and 1 or more.",
        )
    reduced = dimensions is not None and dimensions < min(n, d)
    lengths = "at unit length" if metric == "cosine" else "as they are"
    space = (
        f"{dimensions} principal components of the {d} dimensions, vectors {lengths}"
        if reduced
        else f"the original {d} dimensions, vectors {lengths}"
    )
    labels, strengths = np.full(n, -1, dtype=np.int64), np.zeros(n)
    if n < max(min_cluster_size, min_samples + 1):
        return Clusters(labels, strengths, space)
    rows: FloatArray = normalize(array) if metric == "cosine" else array
    if reduced:
        from sklearn.decomposition import PCA

        rows = PCA(dimensions, random_state=seed).fit_transform(rows)
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples, copy=True).fit(rows)
    return Clusters(found.labels_.astype(np.int64), found.probabilities_.astype(np.float64), space)


def name_clusters(texts: Sequence[str], labels: ArrayLike, *, terms: int = 3) -> dict[int, tuple[str, ...]]:
    """The words that set each cluster's texts apart: class-based TF-IDF.

    A cluster's texts count as one document. A word weighs its count there times ``log(1 + A / f)``, ``A`` the mean
    number of words of a cluster and ``f`` the word's count in all of them.

    Parameters
    ----------
    texts
        ``n`` texts. A text is data: a name is made of its words, and must be escaped like it.
    labels
        ``(n,)`` clusters; negative ones are noise, which gets no name and does not count.
    terms
        Words of a name, at most; a cluster has fewer where its texts have no more, and none where they hold nothing
        but English stop words, numbers and signs.

    Returns
    -------
    dict
        Label to words, the heaviest first and equals by the alphabet; labels ascend.

    Raises
    ------
    InputError
        Texts and labels do not line up, or ``terms`` is below 1.

    References
    ----------
    M. Grootendorst, BERTopic: Neural topic modeling with a class-based TF-IDF procedure, arXiv:2203.05794.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    groups: IntArray = np.asarray(labels)
    if isinstance(texts, str) or groups.shape != (len(texts),):
        raise InputError(f"{len(texts):,} texts and labels of shape {groups.shape} do not line up", "Give one to each.")
    if terms < 1:
        raise InputError(f"terms={terms!r} leaves no name", "Use 1 or more.")
    kept = np.flatnonzero(groups >= 0)
    found, place = np.unique(groups[kept], return_inverse=True)
    vectorizer = CountVectorizer(stop_words="english", token_pattern=_WORD)
    try:
        counts = vectorizer.fit_transform([texts[int(row)] for row in kept])
    except ValueError:  # scikit-learn's for no words at all
        return {int(label): () for label in found}
    words = vectorizer.get_feature_names_out()  # in the order of the alphabet
    everywhere = np.asarray(counts.sum(axis=0)).ravel()
    rarity = np.log(1 + everywhere.sum() / len(found) / everywhere)
    names: dict[int, tuple[str, ...]] = {}
    for at, label in enumerate(found):
        weight = np.asarray(counts[place == at].sum(axis=0)).ravel() * rarity
        best = np.argsort(-weight, kind="stable")[:terms]
        names[int(label)] = tuple(str(words[i]) for i in best if weight[i] > 0)
    return names


def label_agreement(labels: ArrayLike, known: Sequence[Hashable], *, seed: int = 0) -> pd.DataFrame:
    """How well clusters agree with labels that somebody gave.

    Parameters
    ----------
    labels
        ``(n,)`` clusters, negative ones noise.
    known
        ``n`` labels of any kind.

    Returns
    -------
    pd.DataFrame
        Two rows, ``all points`` (noise counts as one more cluster) and ``points in a cluster`` (noise left out, which
        flatters a clustering that leaves much out: read ``share`` beside it). ``points`` and their ``share`` of all,
        ``clusters``, ``known``, the numbers of groups, ``adjusted_rand`` with ``low`` and ``high``, the ends of a 95 %
        bootstrap interval over points, and ``mutual_information``, normalised by the arithmetic mean of the entropies.
        1 is the same partition; 0 of the adjusted Rand index is chance, while mutual information grows with the number
        of clusters, and by chance too. NaN where no point is left.

    Raises
    ------
    InputError
        Labels do not line up, or there are none.

    References
    ----------
    L. Hubert, P. Arabie, Comparing partitions, Journal of Classification 2 (1985).
    """
    groups = np.asarray(labels)
    if groups.shape != (len(known),) or not len(known):
        raise InputError(
            f"labels of shape {groups.shape} and {len(known):,} known labels do not line up", "Give one of each."
        )
    codes, _ = pd.factorize(pd.Series(list(known), dtype=object), use_na_sentinel=False)
    rows = [
        _agreement(name, groups[at], codes[at], len(known), seed)
        for name, at in (("all points", np.ones(len(known), dtype=bool)), ("points in a cluster", groups >= 0))
    ]
    return pd.DataFrame(rows)


def _agreement(name: str, found: IntArray, known: IntArray, total: int, seed: int) -> Mapping[str, object]:
    """One row of :func:`label_agreement`."""
    from sklearn.metrics import normalized_mutual_info_score

    first, second = np.unique(found, return_inverse=True)[1], np.unique(known, return_inverse=True)[1]
    sizes = (int(first.max(initial=-1)) + 1, int(second.max(initial=-1)) + 1)
    row: dict[str, object] = {
        "compared": name, "points": len(found), "share": len(found) / total, "clusters": sizes[0], "known": sizes[1],
        "adjusted_rand": np.nan, "low": np.nan, "high": np.nan, "mutual_information": np.nan,
    }  # fmt: skip
    if not len(found):
        return row
    cells, counts = np.unique(first * sizes[1] + second, return_counts=True)
    at = (cells // sizes[1], cells % sizes[1])
    draws = np.random.default_rng(seed).multinomial(len(found), counts / len(found), size=_RESAMPLES)
    values = np.array([_adjusted_rand(drawn, at, sizes) for drawn in draws])  # drawing points is drawing their cells
    value = _adjusted_rand(counts, at, sizes)
    # A point drawn twice agrees with itself, which lifts every resample: the interval is moved back to the estimate.
    low, high = (np.quantile(values, [0.025, 0.975]) + value - values.mean()).clip(max=1.0)
    return row | {
        "adjusted_rand": value,
        "low": float(low),
        "high": float(high),
        "mutual_information": float(normalized_mutual_info_score(known, found, average_method="arithmetic")),
    }


def _adjusted_rand(counts: IntArray, at: tuple[IntArray, IntArray], sizes: tuple[int, int]) -> float:
    """Adjusted Rand index of a table of counts, given by its cells (Hubert and Arabie 1985, equation 5)."""

    def pairs(of: NDArray[Any]) -> float:
        return float((of * (of - 1)).sum()) / 2

    weights = counts.astype(np.float64)
    together = pairs(weights)
    rows, columns = (pairs(np.bincount(side, weights, size)) for side, size in zip(at, sizes, strict=True))
    n = float(weights.sum())
    expected, most = (rows * columns / (n * (n - 1) / 2) if n > 1 else 0.0), (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
