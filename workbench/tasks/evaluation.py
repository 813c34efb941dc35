"""How good a search is, by graded relevance judgements, and what one way of searching loses against another."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.corpora import Benchmark, as_vectors_array
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.intervals import mean_interval
from workbench.records import Corpus, Metric, Vectors
from workbench.tasks.relevance import answerable, ndcg_at_k, recall_at_k, reciprocal_rank
from workbench.tasks.search import Hit

__all__ = ["Way", "by_group", "compare_searches", "search_scores"]

Way = tuple[ArrayLike | Vectors, ArrayLike | Vectors, Metric]  # queries, passages, the metric they are searched by


def search_scores(
    benchmark: Benchmark, ways: Mapping[str, Way], *, k: int = 10, relevant_from: int = 2
) -> pd.DataFrame:
    """Search a benchmark exactly in several ways, and score every query.

    Parameters
    ----------
    benchmark
        Queries, passages and judgements. Queries without a passage graded ``relevant_from`` or more are left out.
    ways
        By name: vectors of the queries, vectors of the passages, and the metric. Vectors are matched by their ids, and
        passages may be missing, which are then never found; arrays have the benchmark's own order.
    k
        Hits that count.
    relevant_from
        The lowest grade that counts as relevant for recall and reciprocal rank; nDCG takes the grades as they are.

    Returns
    -------
    pandas.DataFrame
        A row for each way and query: ``name``, ``query`` (id), ``recall``, ``ndcg`` and ``reciprocal_rank``.

    Raises
    ------
    InputError
        No query has a relevant passage, the vectors do not belong to the benchmark, or ``k`` is out of range.
    VectorError, IdentityError
        As :func:`geometry.exact_neighbours` raises.
    """
    judged = answerable(benchmark, relevant_from)
    if not judged:
        raise InputError(f"no query has a passage graded {relevant_from} or more", "Lower relevant_from.")
    asked = [benchmark.queries.ids[row] for row in judged]
    tables = []
    for name, (queries, passages, metric) in ways.items():
        left = _matched(queries, benchmark.queries, f"the queries of {name!r}")
        missing = [query for query in asked if query not in set(left.ids)]
        if missing:
            raise InputError(f"the queries of {name!r} have no vector for {missing[0]!r}", "Embed every query.")
        right = _matched(passages, benchmark.corpus, f"the passages of {name!r}")
        found = exact_neighbours(left.take([left.row(query) for query in asked]), right, k, metric)
        answers = [
            [Hit(right.ids[row], score, "", {}) for row, score in zip(rows, scores, strict=True)]
            for rows, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
        ]
        scored = {
            "name": name,
            "query": asked,
            "recall": recall_at_k(answers, asked, benchmark.qrels, k, relevant_from),
            "ndcg": ndcg_at_k(answers, asked, benchmark.qrels, k),
            "reciprocal_rank": reciprocal_rank(answers, asked, benchmark.qrels, relevant_from),
        }
        tables.append(pd.DataFrame(scored))
    return pd.concat(tables, ignore_index=True)


def compare_searches(
    benchmark: Benchmark, ways: Mapping[str, Way], *, baseline: str, k: int = 10, relevant_from: int = 2
) -> pd.DataFrame:
    """What each way of searching finds, and what it loses against one of them on the same queries.

    Parameters
    ----------
    benchmark, ways, k, relevant_from
        As for :func:`search_scores`.
    baseline
        Name of the way that the others are held against.

    Returns
    -------
    pandas.DataFrame
        A row for each way: ``name``, and for ``recall`` and ``ndcg`` (means over queries, 0 to 1) the 95 % bootstrap
        interval over queries, ``_low`` and ``_high``; then the loss against the baseline query by query, positive
        where it is worse: ``recall_lost``, ``recall_lost_low``, ``recall_lost_high``, and the same for ``ndcg_lost``;
        and ``queries``, their count. Intervals of two ways may overlap where that of their difference excludes 0: a
        query that is hard is hard for both.

    Raises
    ------
    InputError
        The baseline is none of the ways, and as :func:`search_scores` raises.
    """
    if baseline not in ways:
        raise InputError(f"the baseline {baseline!r} is none of the ways", f"Those there are: {', '.join(ways)}.")
    scores = search_scores(benchmark, ways, k=k, relevant_from=relevant_from)
    by_name = {name: some.reset_index(drop=True) for name, some in scores.groupby("name", sort=False)}
    rows = []
    for name in ways:
        row: dict[str, object] = {"name": name}
        for what in ("recall", "ndcg"):
            at = mean_interval(by_name[name][what].to_numpy())
            row |= {what: at.mean, f"{what}_low": at.low, f"{what}_high": at.high}
        for what in ("recall", "ndcg"):
            lost = mean_interval((by_name[baseline][what] - by_name[name][what]).to_numpy())
            row |= {f"{what}_lost": lost.mean, f"{what}_lost_low": lost.low, f"{what}_lost_high": lost.high}
        rows.append({**row, "queries": len(by_name[name])})
    return pd.DataFrame(rows)


def _matched(vectors: ArrayLike | Vectors, texts: Corpus, what: str) -> Vectors:
    """Vectors with the ids of a benchmark's texts."""
    if isinstance(vectors, Vectors):
        unknown = set(vectors.ids) - set(texts.ids)
        if unknown:
            raise InputError(
                f"{what} hold {min(unknown)!r}, which the benchmark does not", "Embed the benchmark's own."
            )
        return vectors
    array = as_vectors_array(vectors)
    if len(array) != len(texts):
        raise InputError(f"{what} are {len(array):,} rows, the benchmark has {len(texts):,}", "Pass one row for each.")
    return Vectors(texts.ids, array)


def by_group(scores: pd.DataFrame, groups: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Mean of each system's scores in each group of queries, with its 95 % bootstrap interval.

    Parameters
    ----------
    scores
        One row per query, one column per system.
    groups
        By name, ``(queries,) bool``: the queries that belong to the group.

    Returns
    -------
    pandas.DataFrame
        A row for each group and system: ``name`` (of the group), ``series`` (the system), ``value``, ``low``,
        ``high``, ``count``.

    Raises
    ------
    InputError
        A group has no query.
    """
    rows = []
    for name, members in groups.items():
        some = scores[np.asarray(members, dtype=bool)]
        for system in scores.columns:
            at = mean_interval(some[system].to_numpy())
            rows.append((name, system, at.mean, at.low, at.high, len(some)))
    return pd.DataFrame(rows, columns=["name", "series", "value", "low", "high", "count"])
