"""How good a search is, by graded relevance judgements."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.intervals import mean_interval
from workbench.tasks.search import Hit

__all__ = ["by_group", "recall_at_k"]


def recall_at_k(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    k: int = 5,
    relevant_from: int = 2,
) -> NDArray[np.float64]:
    """Share of each query's relevant passages that are among its first k hits.

    Parameters
    ----------
    answers
        Hits of each query, best first.
    query_ids
        The query of each answer.
    qrels
        By query and passage id, the grade of relevance.
    k
        Hits that count.
    relevant_from
        The lowest grade that counts as relevant.

    Returns
    -------
    numpy.ndarray
        ``(queries,) float64`` in [0, 1]. A query with more than ``k`` relevant passages cannot reach 1.

    Raises
    ------
    InputError
        Answers and queries differ in number, or a query has no relevant passage.
    """
    if len(answers) != len(query_ids):
        raise InputError(f"{len(answers):,} answers for {len(query_ids):,} queries", "Search every query once.")
    shares = np.empty(len(answers))
    for row, (answer, query) in enumerate(zip(answers, query_ids, strict=True)):
        relevant = {passage for passage, grade in qrels.get(query, {}).items() if grade >= relevant_from}
        if not relevant:
            raise InputError(
                f"the query {query!r} has no passage graded {relevant_from} or more",
                "Leave it out: recall is not defined for it.",
            )
        shares[row] = len(relevant & {hit.id for hit in answer[:k]}) / len(relevant)
    return shares


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
