"""One table of what a set of vectors is like: lengths, anisotropy, dimension, hubs, duplicates, and when to worry."""

import hashlib
import textwrap
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry.hubness import Hubness, hubness_of
from workbench.geometry.metrics import larger_is_better
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.spread import anisotropy, mean_direction, participation_ratio, two_nn
from workbench.intervals import Interval
from workbench.records import FloatArray, IntArray, Metric, Neighbours, Vectors

__all__ = ["Diagnosis", "Lengths", "diagnose"]

_UNIT_WITHIN = 1e-3  # lengths this near to 1 count as unit length; float16 rounding stays within it
_COVARIANCE_ROWS = 20_000  # rows of the covariance; more change the participation ratio by less than a hundredth
_BLOCK = 4096  # rows in float64 at a time

_Array64 = NDArray[np.float64]


@dataclass(frozen=True)
class Lengths:
    """Euclidean lengths of vectors; ``variation`` is the standard deviation over the mean, NaN where all are zero."""

    min: float
    median: float
    max: float
    variation: float

    @property
    def unit(self) -> bool:
        """Whether every vector has length 1 within 0.001."""
        return self.min >= 1 - _UNIT_WITHIN and self.max <= 1 + _UNIT_WITHIN


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What a set of vectors is like. NaN stands where a measure is not defined for these vectors.

    Parameters
    ----------
    n, dimensions
        Shape of the vectors.
    metric, k
        Of the neighbour lists; ``k`` is smaller than asked where there are too few vectors.
    sample
        How many rows were asked for their neighbours.
    lengths
        Euclidean lengths of all vectors.
    anisotropy
        Mean cosine of random pairs, with its 95 % bootstrap interval. None where there are not two vectors that are
        not zero.
    mean_direction
        Length of the mean of the vectors at unit length, 0 to 1; its square is the mean cosine of all pairs, each
        vector with itself included.
    participation_ratio
        Effective dimension of the covariance, ``(sum of eigenvalues)^2 / (sum of their squares)``.
    two_nn
        Intrinsic dimension near the points, by two nearest neighbours.
    hubness
        Hubs under ``metric``; None where there are too few vectors.
    duplicates
        Rows equal to an earlier one, number by number.
    zeros
        Rows of zeros. They have no direction: what is measured by directions is measured on the others.
    table
        A row for each measure: ``measure``, ``value`` (float), ``verdict`` (``"fine"`` or ``"look"``), ``meaning``
        and ``worry_when``.
    """

    n: int
    dimensions: int
    metric: Metric
    k: int
    sample: int
    lengths: Lengths
    anisotropy: Interval | None
    mean_direction: float
    participation_ratio: float
    two_nn: float
    hubness: Hubness | None
    duplicates: int
    zeros: int
    table: pd.DataFrame = field(repr=False)

    @property
    def largest_hub_share(self) -> float:
        """Share of the neighbour lists that the worst hub stands in, 0 to 1; NaN where there are no lists."""
        if self.hubness is None:
            return float("nan")
        return float(self.hubness.counts.max() / self.hubness.lists)

    def lines(self, width: int = 100) -> list[str]:
        """The table as text: a line for each measure, then what it means, and where one has to look, why."""
        lines = []
        for row in self.table.to_dict("records"):
            value = "not defined" if np.isnan(row["value"]) else f"{row['value']:.4g}"
            lines.append(f"{row['verdict']:<6}{row['measure']}: {value}")
            said = row["meaning"] + (f"; worry when {row['worry_when']}" if row["verdict"] == "look" else "")
            lines += textwrap.wrap(said, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
        return lines


def diagnose(
    vectors: ArrayLike | Vectors, k: int = 10, *, metric: Metric | None = None, sample: int = 5000, seed: int = 0
) -> Diagnosis:
    """Measure what decides how vectors can be searched, and say what each number means and when to worry.

    Lengths, duplicates and zeros are counted over all rows, the mean direction too. Cosines are those of ``sample``
    random pairs; neighbours are those of ``sample`` random rows among all; the covariance is that of at most 20,000
    random rows. The thresholds of the verdicts are rules of thumb: "look" means look, not broken.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors; zero vectors are allowed, and counted.
    k
        Length of a neighbour list; ``n - 1`` where there are fewer others.
    metric
        Of the neighbour lists; None takes that of Vectors, and cosine for numbers. Under cosine the two-NN dimension is
        that of the directions, and the zero vectors are left out of the lists.
    sample
        Rows and pairs that stand for all where there are more; at least 100.
    seed
        Of every sample.

    Raises
    ------
    InputError
        Fewer than 3 vectors, an unknown metric, ``k`` under 1 or ``sample`` under 100.
    VectorError
        Vectors that cannot be used.

    References
    ----------
    E. Facco, M. d'Errico, A. Rodriguez, A. Laio, Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information, Scientific Reports 7 (2017). K. Ethayarajh, How Contextual are Contextualized Word
    Representations?, EMNLP 2019, for anisotropy. P. Gao et al., A theory of multineuronal dimensionality, dynamics and
    measurement, bioRxiv 214262 (2017), for the participation ratio.
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    larger_is_better(metric)  # refuses an unknown one
    if k < 1 or sample < 100:
        raise InputError(f"k={k:,} and a sample of {sample:,} diagnose nothing", "Use k from 1 and a sample from 100.")
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors)
    if len(array) < 3:
        raise InputError(f"{len(array):,} vectors have no geometry to diagnose", "Give 3 or more.")
    ids = vectors.ids if isinstance(vectors, Vectors) else tuple(map(str, range(len(array))))
    rng = np.random.default_rng(seed)

    norms = _lengths(array)
    directed = np.flatnonzero(norms > 0)
    lengths = Lengths(
        float(norms.min()),
        float(np.median(norms)),
        float(norms.max()),
        float(norms.std() / norms.mean()) if len(directed) else float("nan"),
    )
    listed = directed if metric == "cosine" else np.arange(len(array))
    rows = array if len(listed) == len(array) else array[listed]
    k = min(k, len(listed) - 1)
    hubs, intrinsic, asked = None, float("nan"), 0
    if len(listed) >= 3:
        chosen = _some(len(listed), sample, rng)
        asked = len(chosen)
        named = Vectors(tuple(ids[row] for row in listed), rows, None, metric)
        hubs, intrinsic = _neighbourhoods(named, chosen, k)
    found = {
        "lengths": lengths,
        "anisotropy": anisotropy(array, norms, directed, sample, rng),
        "mean_direction": mean_direction(array, norms, directed),
        "participation_ratio": participation_ratio(array[_some(len(array), _COVARIANCE_ROWS, rng)]),
        "two_nn": intrinsic,
        "hubness": hubs,
        "duplicates": _duplicates(array),
        "zeros": len(array) - len(directed),
    }
    about = {"n": len(array), "dimensions": array.shape[1], "metric": metric, "k": k, "sample": asked}
    bare = Diagnosis(**about, **found, table=pd.DataFrame())  # type: ignore[arg-type]
    return Diagnosis(**about, **found, table=_table(bare))  # type: ignore[arg-type]


def _table(of: Diagnosis) -> pd.DataFrame:
    """Every measure with its verdict, its meaning, and when to worry."""
    expected = of.k / max(1, of.n - 1)
    cosine = of.anisotropy.mean if of.anisotropy else float("nan")
    skewness = of.hubness.skewness if of.hubness else float("nan")
    error = (
        f" (standard error {of.hubness.skewness_error:.2g})"
        if of.hubness and of.hubness.lists < of.n - of.zeros
        else ""
    )
    most = min(of.dimensions, of.n - 1)
    vary, point, few, intrinsic, skewed, hub = 0.05, 0.25, most / 10, 20.0, 1.4, max(0.05, 5 * expected)
    rows: list[tuple[str, float, bool, str, str]] = [
        (
            "median length",
            of.lengths.median,
            not of.lengths.median > 0,
            "the Euclidean length of a typical vector"
            + (
                "; all have length 1, so cosine, dot product and Euclidean distance rank alike"
                if of.lengths.unit
                else ""
            ),
            "it is 0: most vectors then are zero",
        ),
        (
            "variation of lengths",
            of.lengths.variation,
            not of.lengths.variation <= vary,
            "standard deviation of the lengths over their mean: how much dot product can differ from cosine",
            f"above {vary:g}: the metrics rank differently, so choose one on purpose, or scale to unit length",
        ),
        (
            "zero vectors",
            of.zeros,
            of.zeros > 0,
            "rows of zeros, often empty texts: they have no direction, so cosine is not defined for them",
            "there is any",
        ),
        (
            "exact duplicates",
            of.duplicates,
            of.duplicates > 0.01 * of.n,
            "rows equal to an earlier one: a text that occurs twice fills two places of the same list",
            "above 1 % of the rows: they crowd the lists, tie at the k-th place, and break up graph indexes",
        ),
        (
            "mean cosine of random pairs",
            cosine,
            not abs(cosine) <= point,
            f"anisotropy: 0 where directions are spread evenly{f' (here {of.anisotropy})' if of.anisotropy else ''}",
            f"above {point:g}: all vectors lie in a cone, similarities are high for unrelated texts, and a threshold "
            "learned elsewhere means nothing; try to subtract the mean, and measure",
        ),
        (
            "length of the mean direction",
            of.mean_direction,
            not of.mean_direction <= point**0.5,
            "of the mean of all vectors at unit length: the part that all directions share",
            f"above {point**0.5:g}: the same cone, seen from its axis",
        ),
        (
            "participation-ratio dimension",
            of.participation_ratio,
            not of.participation_ratio >= few,
            f"in how many of {of.dimensions:,} directions the variance lies; n - 1 rows cannot show more than n - 1",
            f"below {few:.3g}, a tenth of what is possible: few directions carry the variance, fewer dimensions may do",
        ),
        (
            "two-NN dimension",
            of.two_nn,
            not of.two_nn <= intrinsic,
            "intrinsic dimension near the points, from each one's two nearest; too low where high and points are few",
            f"above {intrinsic:g}: near and far differ little, so approximate search needs more effort for its recall",
        ),
        (
            f"hubness (skewness of {of.k}-occurrence)",
            skewness,
            not skewness <= skewed,
            f"how unevenly the places in lists of {of.k} under {of.metric} are shared out; 0 is symmetric" + error,
            f"above {skewed:g}: some vectors come up for unrelated queries, and many come up for none",
        ),
        (
            "largest hub's share of lists",
            of.largest_hub_share,
            not of.largest_hub_share <= hub,
            f"share of the lists that the worst hub is in; an even share would be {expected:.2g}",
            f"above {hub:.2g}: look at what it is, often a very short or a very general text",
        ),
    ]
    table = pd.DataFrame(rows, columns=["measure", "value", "verdict", "meaning", "worry_when"])
    table["value"] = table["value"].astype(float)
    table["verdict"] = ["look" if look else "fine" for look in table["verdict"]]
    return table


def _neighbourhoods(vectors: Vectors, chosen: IntArray, k: int) -> tuple[Hubness, float]:
    """Hubs of the vectors' metric and the two-NN dimension, from one search where one gives both."""
    asked = vectors if len(chosen) == len(vectors) else vectors.take(chosen)
    most = min(max(k + 1, 3), len(vectors) - 1)
    lengths = _lengths(vectors.array)
    if (
        vectors.metric == "cosine"
    ):  # of unit vectors the Euclidean order is that of cosine, and has distances to count in
        unit = _scaled(vectors.array, lengths)
        vectors = Vectors(vectors.ids, unit, None, "euclidean")
        found = exact_neighbours(vectors.take(chosen), vectors, most, "euclidean", exclude_self=True)
        lists = Neighbours(found.ids, (1 - found.scores.astype(np.float64) ** 2 / 2).astype(np.float32), "cosine")
        return hubness_of(lists, k, vectors.ids), two_nn(found.scores)
    found = exact_neighbours(asked, vectors, most, vectors.metric, exclude_self=True)
    near = (
        found
        if vectors.metric == "euclidean"
        else exact_neighbours(asked, vectors, most, "euclidean", exclude_self=True)
    )
    return hubness_of(found, k, vectors.ids), two_nn(near.scores)


def _duplicates(array: FloatArray) -> int:
    """How many rows equal an earlier one."""
    digests = {hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in array}  # -0.0 is 0.0
    return len(array) - len(digests)


def _lengths(array: FloatArray) -> _Array64:
    """Euclidean length of each row, accumulated in float64."""
    lengths: _Array64 = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    return lengths


def _scaled(array: FloatArray, lengths: _Array64) -> FloatArray:
    """Rows at unit length."""
    out = np.empty_like(array)
    for start in range(0, len(array), _BLOCK):
        at = slice(start, start + _BLOCK)
        out[at] = array[at] / lengths[at, None]
    return out


def _some(n: int, most: int, rng: np.random.Generator) -> IntArray:
    """All of n rows, or a random sample of them, ascending."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))
