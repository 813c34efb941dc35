"""Passages that a model takes for an answer and that are none: what a model learns most from."""

import pandas as pd

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.geometry import cosine_similarity, exact_neighbours
from workbench.records import Vectors
from workbench.tasks.held_out import relevant_pairs

__all__ = ["mine_hard_negatives"]


def mine_hard_negatives(
    benchmark: Benchmark,
    queries: Vectors,
    passages: Vectors,
    *,
    per_pair: int = 1,
    margin: float | None = 0.05,
    relevant_from: int = 2,
    depth: int = 100,
) -> pd.DataFrame:
    """For each query and each of its relevant passages, the nearest passages that are not relevant.

    A passage that was judged and graded 0 or less is a negative however near it is. One graded 1 or more never is, even
    below ``relevant_from``. **One that nobody judged may be an answer that was overlooked**, a false negative, and the
    nearer it is the likelier: it is taken only where its cosine is below that of the relevant passage by ``margin`` of
    it, a share (sentence-transformers calls this ``relative_margin``).

    Parameters
    ----------
    benchmark
        Queries to mine for: those to learn from, not those held out.
    queries, passages
        Their vectors and those of the passages, by one model: the base, whose mistakes are looked for. Others may be in
        them: queries that the benchmark lacks are left out.
    per_pair
        Negatives of each pair, at most: fewer where ``depth`` holds no more.
    margin
        0.05 takes an unjudged passage up to 95 % of the relevant one's cosine; None takes judged ones alone.
    relevant_from
        The lowest grade that counts as relevant.
    depth
        How many of a query's nearest passages are looked through.

    Returns
    -------
    pandas.DataFrame
        A row for each negative, pairs in the benchmark's order, the nearest negative first: ``query``, ``positive``,
        ``negative`` (texts: a triple to learn from), ``query_id``, ``positive_id``, ``negative_id``,
        ``positive_score``, ``negative_score`` (cosines), ``rank`` of the negative among all passages, from 1, and
        ``judged``, whether somebody said that it does not help.

    Raises
    ------
    InputError
        No query has a relevant passage, a query or a relevant passage has no vector, a passage is not the benchmark's,
        or a number is out of range.
    IdentityError
        Two models made the vectors.
    """
    if per_pair < 1:
        raise InputError(f"{per_pair} negatives for each pair are none", "Use per_pair=1 or more.")
    if margin is not None and not 0 <= margin < 1:
        raise InputError(f"a margin of {margin:g} is no share of a cosine", "Use 0.05, or None for judged ones alone.")
    if depth < 1:
        raise InputError(f"depth={depth:,} looks through no passage", "Use depth=100, or more.")
    unknown = set(passages.ids) - set(benchmark.corpus.ids)
    if unknown:
        raise InputError(f"the passages hold {min(unknown)!r}, which the benchmark does not", "Embed its own corpus.")
    pairs = relevant_pairs(benchmark, relevant_from=relevant_from)
    asked = list(dict.fromkeys(pairs["query_id"]))
    some = queries.take([queries.row(query) for query in asked])
    texts = dict(zip(benchmark.corpus.ids, benchmark.corpus.texts, strict=True))
    near = exact_neighbours(some, passages, min(depth, len(passages)), "cosine")
    found = {
        query: [(passages.ids[row], float(score)) for row, score in zip(rows, scores, strict=True)]
        for query, rows, scores in zip(asked, near.ids.tolist(), near.scores.tolist(), strict=True)
    }
    rows = []
    for query, positive, query_id, positive_id, _ in pairs.itertuples(index=False):
        grades = benchmark.qrels[query_id]
        own = float(cosine_similarity(some.array[some.row(query_id)], passages.array[passages.row(positive_id)]))
        taken = 0
        for rank, (passage, score) in enumerate(found[query_id], start=1):
            judged = passage in grades
            below = margin is not None and score <= own - margin * abs(own)
            if grades.get(passage, 0) >= 1 or not (judged or below):
                continue
            texts_and_ids = (query, positive, texts[passage], query_id, positive_id, passage)
            rows.append((*texts_and_ids, own, score, rank, judged))
            taken += 1
            if taken == per_pair:
                break
    columns = ["query", "positive", "negative", "query_id", "positive_id", "negative_id"]
    return pd.DataFrame(rows, columns=[*columns, "positive_score", "negative_score", "rank", "judged"])
