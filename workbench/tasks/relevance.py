"""How good one ranked answer is, by graded relevance judgements: recall, reciprocal rank, nDCG."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.tasks.search import Hit

__all__ = ["answerable", "ndcg_at_k", "recall_at_k", "reciprocal_rank"]


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
        Answers and queries differ in number, or a query has no relevant passage.
    """
    shares = np.empty(len(answers))
    for row, relevant in enumerate(_relevant(answers, query_ids, qrels, relevant_from)):
        shares[row] = len(relevant & {hit.id for hit in answers[row][:k]}) / len(relevant)
    return shares


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
        Answers and queries differ in number, or a query has no relevant passage.

    References
    ----------
    E. M. Voorhees, The TREC-8 Question Answering Track Report, TREC 1999.
    """
    scores = np.zeros(len(answers))
    for row, relevant in enumerate(_relevant(answers, query_ids, qrels, relevant_from)):
        ranks = (rank for rank, hit in enumerate(answers[row], start=1) if hit.id in relevant)
        first = next(ranks, None)
        scores[row] = 1 / first if first else 0.0
    return scores


def ndcg_at_k(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    k: int = 10,
) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each query's first k hits, by scikit-learn's ``ndcg_score``.

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
    from sklearn.metrics import ndcg_score

    if len(answers) != len(query_ids):
        raise InputError(f"{len(answers):,} answers for {len(query_ids):,} queries", "Search every query once.")
    if k < 1:
        raise InputError(f"the first {k} hits are none", "Use a k from 1.")
    scores = np.empty(len(answers))
    for row, (answer, query) in enumerate(zip(answers, query_ids, strict=True)):
        gains = {passage: max(grade, 0) for passage, grade in qrels.get(query, {}).items()}
        if not any(gains.values()):
            raise InputError(f"the query {query!r} has no passage graded above 0", "Leave it out: nDCG is not defined.")
        found = [hit.id for hit in answer[:k]]
        if len(set(found)) != len(found):
            raise InputError(f"a passage stands twice in the answer to {query!r}", "Return each passage once.")
        missed = [gain for passage, gain in gains.items() if passage not in set(found)]
        # k empty places come between what was found and what was not, which must not move up into a short list
        true = [*(gains.get(passage, 0) for passage in found), *[0] * k, *missed]
        order = [*range(len(found) + 1, 1, -1), *[1] * k, *[0] * len(missed)]
        scores[row] = ndcg_score([true], [order], k=k)
    return scores


def _relevant(
    answers: Sequence[Sequence[Hit]],
    query_ids: Sequence[str],
    qrels: Mapping[str, Mapping[str, int]],
    relevant_from: int,
) -> list[set[str]]:
    """The relevant passages of each query, of which there must be one."""
    if len(answers) != len(query_ids):
        raise InputError(f"{len(answers):,} answers for {len(query_ids):,} queries", "Search every query once.")
    found = [{name for name, grade in qrels.get(query, {}).items() if grade >= relevant_from} for query in query_ids]
    for query, relevant in zip(query_ids, found, strict=True):
        if not relevant:
            raise InputError(
                f"the query {query!r} has no passage graded {relevant_from} or more",
                "Leave it out: neither recall nor reciprocal rank is defined for it.",
            )
    return found
