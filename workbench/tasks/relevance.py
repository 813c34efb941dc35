"""How good one ranked answer is, by graded relevance judgements: recall, reciprocal rank, nDCG, by trec_eval."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.tasks.search import Hit

__all__ = ["answerable", "measured", "ndcg_at_k", "recall_at_k", "reciprocal_rank"]


def answerable(benchmark: Benchmark, relevant_from: int = 2) -> list[int]:
    """Rows of the queries that have a passage graded ``relevant_from`` or more."""
    return [
        row
        for row, query in enumerate(benchmark.queries.ids)
        if any(grade >= relevant_from for grade in benchmark.qrels.get(query, {}).values())
    ]


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
        Answers and queries differ in number, a passage stands twice in one answer, a query has no relevant passage, or
        a number is under 1.
    """
    from ir_measures import R

    _check_relevant(answers, query_ids, qrels, relevant_from)
    return _calculated({"recall": R(rel=relevant_from) @ k}, answers, query_ids, qrels)["recall"]


def reciprocal_rank(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    relevant_from: int = 2,
) -> NDArray[np.float64]:
    """One divided by the rank of each query's first relevant hit; their mean over queries is the MRR.

    Parameters
    ----------
    answers
        Hits of each query, best first. Those of 10 hits give MRR@10: what is not among them counts as 0.
    query_ids, qrels, relevant_from
        As for :func:`recall_at_k`.

    Returns
    -------
    numpy.ndarray
        ``(queries,) float64`` in [0, 1].

    Raises
    ------
    InputError
        Answers and queries differ in number, a passage stands twice in one answer, a query has no relevant passage, or
        a number is under 1.

    References
    ----------
    E. M. Voorhees, The TREC-8 Question Answering Track Report, TREC 1999.
    """
    from ir_measures import RR

    _check_relevant(answers, query_ids, qrels, relevant_from)
    return _calculated({"rr": RR(rel=relevant_from)}, answers, query_ids, qrels)["rr"]


def ndcg_at_k(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    k: int = 10,
) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each query's first k hits.

    The gain of a hit is its grade (linear, as in trec_eval; not ``2 ** grade - 1``), divided by ``log2(place + 1)``;
    the sum is divided by that of the best order of all judged passages. A passage without a judgement gains nothing,
    nor does one graded below 0; a list that came back short loses the places it left empty.

    Parameters
    ----------
    answers, query_ids, qrels
        As for :func:`recall_at_k`.
    k
        Hits that count.

    Returns
    -------
    numpy.ndarray
        ``(queries,) float64`` in [0, 1].

    Raises
    ------
    InputError
        Answers and queries differ in number, ``k`` is under 1, a passage stands twice in one answer, or a query has no
        passage graded above 0.

    References
    ----------
    K. Järvelin, J. Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM Transactions on Information
    Systems 20 (2002).
    """
    from ir_measures import nDCG

    _check_count(answers, query_ids)
    for query in query_ids:
        if not any(grade > 0 for grade in qrels.get(query, {}).values()):
            raise InputError(f"the query {query!r} has no passage graded above 0", "Leave it out: nDCG is not defined.")
    return _calculated({"ndcg": nDCG @ k}, answers, query_ids, qrels)["ndcg"]


def measured(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    k: int = 10,
    relevant_from: int = 2,
) -> dict[str, NDArray[np.float64]]:
    """What a search is judged by, for each query.

    Parameters
    ----------
    answers, query_ids, qrels, relevant_from
        As for :func:`recall_at_k`.
    k
        Hits that count for recall.

    Returns
    -------
    dict
        ``recall@K``, ``rr`` (reciprocal rank), ``ndcg@10`` and ``ap`` (average precision), each ``(queries,) float64``
        in [0, 1]. A relevant passage that was not found adds 0 to the average precision.

    Raises
    ------
    InputError
        As :func:`recall_at_k` raises.

    References
    ----------
    S. MacAvaney, C. Macdonald, I. Ounis, Streamlining Evaluation with ir-measures, ECIR 2022.
    """
    from ir_measures import AP, RR, R, nDCG

    _check_relevant(answers, query_ids, qrels, relevant_from)
    level = {"rel": relevant_from}
    asked = {f"recall@{k}": R(**level) @ k, "rr": RR(**level), "ndcg@10": nDCG @ 10, "ap": AP(**level)}
    return _calculated(asked, answers, query_ids, qrels)


def _calculated(
    measures: Mapping[str, Any],
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
) -> dict[str, NDArray[np.float64]]:
    """Measures of each answer, by ``ir_measures``."""
    import ir_measures

    for name, measure in measures.items():
        if (cutoff := measure.params.get("cutoff", 1)) < 1:
            raise InputError(f"the first {cutoff} hits are none for {name.partition('@')[0]}", "Use a k from 1.")
    # queries by their place: one may have been asked twice. trec_eval sorts by score and knows no grade below 0
    grades, run = {}, {}
    for row, (answer, query) in enumerate(zip(answers, query_ids, strict=True)):
        run[str(row)] = {hit.id: float(-rank) for rank, hit in enumerate(answer)}
        if len(run[str(row)]) != len(answer):
            raise InputError(f"a passage stands twice in the answer to {query!r}", "Return each passage once.")
        grades[str(row)] = {passage: max(grade, 0) for passage, grade in qrels.get(query, {}).items()}
    scores = {name: np.zeros(len(answers)) for name in measures}
    names = {measure: name for name, measure in measures.items()}
    for value in ir_measures.iter_calc(list(names), grades, run):
        scores[names[value.measure]][int(value.query_id)] = value.value
    return scores


def _check_count(answers: Sequence[Sequence[Hit]], query_ids: Sequence[str]) -> None:
    if len(answers) != len(query_ids):
        raise InputError(f"{len(answers):,} answers for {len(query_ids):,} queries", "Search every query once.")


def _check_relevant(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    relevant_from: int,
) -> None:
    """Refuse a query without a relevant passage."""
    _check_count(answers, query_ids)
    if relevant_from < 1:
        raise InputError(f"relevant_from={relevant_from} takes passages judged not relevant", "Use a grade from 1.")
    for query in query_ids:
        if not any(grade >= relevant_from for grade in qrels.get(query, {}).values()):
            raise InputError(
                f"the query {query!r} has no passage graded {relevant_from} or more",
                "Leave it out: neither recall nor reciprocal rank is defined for it.",
            )
