"""Which metric vectors need: by their lengths, by what their model declares, and by relevance where it is judged."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.corpora import Benchmark, as_vectors_array
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.intervals import Interval, mean_interval
from workbench.records import Metric, Vectors
from workbench.tasks.evaluation import Way, compare_searches, search_scores

__all__ = ["MetricAdvice", "advise_metric"]

_EQUAL_WITHIN = 2e-3  # lengths that spread over no more than this share of their median count as equal
_ALTERNATIVES = 2  # metrics held against the one that stands without evidence
_NAMES = {"cosine": "cosine similarity", "dot": "the dot product", "euclidean": "Euclidean distance"}


@dataclass(frozen=True, eq=False)
class MetricAdvice:
    """A metric for a set of vectors, and why.

    Parameters
    ----------
    metric
        The metric to use.
    because
        The reasons, each a clause.
    caveat
        What the evidence does not show: whole sentences.
    decided_by
        ``"lengths"`` (they are equal, so there is nothing to choose), ``"measured"`` (judged queries separate the
        metrics), ``"declared"`` (by the model) or ``"default"``.
    table
        What :func:`compare_searches` measured, ``name`` being the metric; None where nothing was judged.
    """

    metric: Metric
    because: tuple[str, ...]
    caveat: str
    decided_by: Literal["lengths", "measured", "declared", "default"]
    table: pd.DataFrame | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"for these vectors use {_NAMES[self.metric]}, because {'; '.join(self.because)}. {self.caveat}"


def advise_metric(
    vectors: ArrayLike | Vectors,
    *,
    declared: Metric | None = None,
    benchmark: Benchmark | None = None,
    queries: ArrayLike | Vectors | None = None,
    k: int = 10,
) -> MetricAdvice:
    """Say which metric to search vectors by, why, and what the evidence does not show.

    Vectors of one length rank alike under all three metrics, whatever the length of the query: then the dot product is
    the least work. Otherwise the model's own declaration stands, or cosine where there is none, until judged queries
    separate another metric from it: until the interval of the difference in nDCG, query by query, excludes 0. As the
    better of two alternatives is picked, each interval is at 97.5 %, which makes 95 % for both (Bonferroni).

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors. Zero vectors are allowed; under cosine they are never found.
    declared
        The metric that the model was made for, such as ``SentenceEncoder.similarity``.
    benchmark, queries
        Judged queries and their vectors, both or neither. ``vectors`` are then those of its passages.
    k
        Hits that count in the measurement.

    Raises
    ------
    InputError
        A benchmark without queries or the reverse, an unknown metric, no vector that is not zero, or as
        :func:`compare_searches` raises.
    VectorError
        Vectors that cannot be used.
    """
    if declared is not None:
        larger_is_better(declared)  # refuses an unknown one
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors)
    lengths = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    zeros = int((lengths == 0).sum())
    if zeros == len(array):
        raise InputError(f"all of {zeros:,} vectors are zero", "Find out what the model was given to produce them.")
    if (benchmark is None) != (queries is None):
        raise InputError("a benchmark and the vectors of its queries belong together", "Pass both or neither.")

    standing: Metric = declared or "cosine"
    ways: dict[str, Way] = {}
    if benchmark is not None and queries is not None:
        named = vectors if isinstance(vectors, Vectors) else _passages(array, benchmark)
        directed = named.take(np.flatnonzero(lengths)) if zeros else named
        ways = {metric: (queries, directed if metric == "cosine" else named, metric) for metric in get_args(Metric)}
    measured = benchmark is not None and compare_searches(benchmark, ways, baseline=standing, k=k)
    table = measured if isinstance(measured, pd.DataFrame) else None

    if lengths.max() - lengths.min() <= _EQUAL_WITHIN * np.median(lengths):
        return _equal(float(np.median(lengths)), len(array), declared, table)
    about = f"their lengths run from {lengths.min():.3g} to {lengths.max():.3g}, so the metrics rank differently"
    left_out = (
        f" Zero vectors, of which there are {zeros:,}, have no cosine: under it they are never found." if zeros else ""
    )
    if benchmark is None or table is None:
        return _unmeasured(declared, about, left_out)
    scores = search_scores(benchmark, ways, k=k).pivot_table(index="query", columns="name", values="ndcg", sort=False)
    gains: dict[Metric, Interval] = {
        metric: mean_interval((scores[metric] - scores[standing]).to_numpy(), confidence=1 - 0.05 / _ALTERNATIVES)
        for metric in get_args(Metric)
        if metric != standing
    }
    return _measured(standing, declared, gains, about, left_out, f"{len(scores):,} judged queries", k, table)


def _equal(length: float, n: int, declared: Metric | None, table: pd.DataFrame | None) -> MetricAdvice:
    """Where all vectors have one length."""
    because = [
        f"all {n:,} have length {length:.3g} to within {_EQUAL_WITHIN:.1%}, so all three metrics rank them alike "
        "but for near ties, whatever the length of the query",
        "the dot product is the least work",
    ]
    if declared not in (None, "dot"):
        because.append(f"{_NAMES[declared]}, which the model declares, gives the same order")
    caveat = (
        "This holds as long as every vector that is added has that length, and for the order alone: the scores differ, "
        "so a threshold belongs to one metric."
    )
    return MetricAdvice("dot", tuple(because), caveat, "lengths", table)


def _unmeasured(declared: Metric | None, about: str, left_out: str) -> MetricAdvice:
    """Where nothing was judged."""
    if declared is not None:
        caveat = f"Nothing was measured: the declaration is the model's word, not a result on your queries.{left_out}"
        return MetricAdvice(declared, (about, "it is what the model declares"), caveat, "declared")
    caveat = (
        "That is a default, not a finding: where length was trained to mean something, as popularity is in many "
        f"recommenders, the dot product may be right. Judge some queries and measure.{left_out}"
    )
    reason = "no metric is declared, and cosine does not let length decide without a reason"
    return MetricAdvice("cosine", (about, reason), caveat, "default")


def _measured(
    standing: Metric,
    declared: Metric | None,
    gains: dict[Metric, Interval],
    about: str,
    left_out: str,
    judged: str,
    k: int,
    table: pd.DataFrame,
) -> MetricAdvice:
    """Where judged queries may separate the metrics; ``gains`` in nDCG over the one that stands without them."""
    why = "what the model declares" if declared else "the default where none is declared"
    best = max(gains, key=lambda metric: gains[metric].mean)
    caveat = f"This was measured on {judged} with exact search; other queries and other passages may differ.{left_out}"
    if gains[best].low > 0:
        gain = f"on {judged} it gains {gains[best]} of nDCG@{k} over {_NAMES[standing]}, which is {why}"
        return MetricAdvice(best, (about, gain), caveat, "measured", table)
    losing = {metric: gain for metric, gain in gains.items() if gain.high < 0}
    against = [f"on {judged} {_NAMES[metric]} changes nDCG@{k} by {gain} against it" for metric, gain in losing.items()]
    if len(losing) == len(gains):
        return MetricAdvice(standing, (about, *against), caveat, "measured", table)
    unclear = " or ".join(_NAMES[metric] for metric in gains if metric not in losing)
    caveat += f" The evidence does not separate it from {unclear}: judge more queries if the choice matters."
    return MetricAdvice(
        standing, (about, f"it is {why}", *against), caveat, "declared" if declared else "default", table
    )


def _passages(array: ArrayLike, benchmark: Benchmark) -> Vectors:
    """Vectors of a benchmark's passages from rows in its order."""
    rows = as_vectors_array(array)
    if len(rows) != len(benchmark.corpus):
        raise InputError(
            f"{len(rows):,} vectors for the {len(benchmark.corpus):,} passages of the benchmark", "Pass one for each."
        )
    return Vectors(benchmark.corpus.ids, rows)
