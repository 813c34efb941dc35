"""Two halves of a benchmark's queries, one to learn from and one held out, and what a model gained on that."""

import numpy as np
import pandas as pd

from workbench.corpora import Benchmark
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry import alignment, normalize, uniformity
from workbench.intervals import mean_interval
from workbench.records import IntArray, Vectors
from workbench.tasks.evaluation import search_scores
from workbench.tasks.relevance import answerable

__all__ = ["compare_alignment", "compare_models", "relevant_pairs", "split_queries"]


def split_queries(
    benchmark: Benchmark, *, by: str | None = None, share: float = 0.5, relevant_from: int = 2, seed: int = 0
) -> tuple[Benchmark, Benchmark]:
    """Part the queries of a benchmark in two, at random: those to learn from, and those held out.

    All judgements of a query go with it, so no pair is on both sides. **The passages are shared**: both parts search
    the same corpus, and a passage that answers queries of both is seen in training. What is held out is the question,
    as where a site's articles stay and its visitors keep asking anew. Queries without a relevant passage are left out.

    Parameters
    ----------
    benchmark
        Its corpus is in both parts.
    by
        A column of the queries' metadata whose values both parts have in like shares; None for none.
    share
        Of the queries, of each value, that go to the first part, rounded.
    relevant_from
        The lowest grade that counts as relevant.
    seed
        Of the draw.

    Returns
    -------
    tuple
        The benchmark to learn from and the one that is held out; queries keep their order.

    Raises
    ------
    InputError
        There is no such column, ``share`` is not between 0 and 1, or a part is left without a query.
    """
    if not 0 < share < 1:
        raise InputError(f"a share of {share:g} leaves one part without queries", "Use share=0.5, or near it.")
    columns = list(map(str, benchmark.queries.metadata.columns))
    if by is not None and by not in columns:
        raise InputError(
            f"the queries have no column {by!r} to part them by", f"Their columns: {', '.join(columns) or 'none'}."
        )
    judged = np.array(answerable(benchmark, relevant_from), dtype=np.int64)
    values = benchmark.queries.metadata[by].iloc[judged].astype(str).to_numpy() if by else np.zeros(len(judged))
    rng = np.random.default_rng(seed)
    first: list[int] = []
    for value in np.unique(values):
        members = rng.permutation(judged[values == value])
        first += members[: round(len(members) * share)].tolist()
    second = np.setdiff1d(judged, first)
    if not first or not len(second):
        raise InputError(
            f"{len(judged):,} queries with a relevant passage cannot be parted with share={share:g}",
            "Judge more queries, or move the share towards 0.5.",
        )
    return _part(benchmark, np.sort(first)), _part(benchmark, second)


def _part(benchmark: Benchmark, rows: IntArray) -> Benchmark:
    queries = benchmark.queries.take(rows)
    return Benchmark(benchmark.corpus, queries, {query: benchmark.qrels[query] for query in queries.ids})


def relevant_pairs(benchmark: Benchmark, *, relevant_from: int = 2) -> pd.DataFrame:
    """Every query with every passage that is relevant to it: what a model can learn from.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: ``query`` and ``passage`` (texts), ``query_id``, ``passage_id``, ``grade``.

    Raises
    ------
    InputError
        No passage is graded ``relevant_from`` or more.
    """
    corpus, queries = benchmark.corpus, benchmark.queries
    rows = [
        (queries.texts[queries.row(query)], corpus.texts[corpus.row(passage)], query, passage, grade)
        for query in queries.ids
        for passage, grade in benchmark.qrels.get(query, {}).items()
        if grade >= relevant_from
    ]
    if not rows:
        raise InputError(f"no passage is graded {relevant_from} or more", "Lower relevant_from.")
    return pd.DataFrame(rows, columns=["query", "passage", "query_id", "passage_id", "grade"])


def compare_models(
    benchmark: Benchmark,
    before: tuple[Vectors, Vectors],
    after: tuple[Vectors, Vectors],
    *,
    k: int = 5,
    relevant_from: int = 2,
) -> pd.DataFrame:
    """What a model finds before and after a change, and the difference on the same queries.

    Recall counts the first ``k`` hits; the first relevant passage is looked for in the whole corpus. The search is
    exact, by cosine. Intervals are at 95 %, by bootstrap over queries. That of the gain is of the difference query by
    query, and the one to read: the two others may overlap where it excludes 0, as a hard query is hard for both.

    Parameters
    ----------
    benchmark
        Queries that the change has not seen.
    before, after
        Vectors of the queries and of the passages, each pair by one model. Queries that the benchmark lacks, such as
        those that were learned from, are left out.
    k, relevant_from
        As for :func:`recall_at_k`.

    Returns
    -------
    pandas.DataFrame
        A row for each measure: ``name`` (``recall@5``, ``MRR``), ``before``, ``before_low``, ``before_high``,
        ``after``, ``after_low``, ``after_high``, ``gain``, ``gain_low``, ``gain_high``, ``beyond_chance`` (whether the
        interval of the gain excludes 0) and ``queries``, their count.

    Raises
    ------
    InputError, IdentityError
        As :func:`search_scores` raises.
    """
    depth = min(len(before[1]), len(after[1]))
    rows = []
    for name, column, hits in ((f"recall@{k}", "recall", k), ("MRR", "reciprocal_rank", depth)):
        ways = {
            when: (queries.take([queries.row(query) for query in benchmark.queries.ids]), passages, "cosine")
            for when, (queries, passages) in (("before", before), ("after", after))
        }
        scores = search_scores(benchmark, ways, k=hits, relevant_from=relevant_from)  # type: ignore[arg-type]
        table = scores.pivot_table(index="query", columns="name", values=column, sort=False)
        row: dict[str, object] = {"name": name}
        values = {"before": table["before"], "after": table["after"], "gain": table["after"] - table["before"]}
        for what, some in values.items():
            at = mean_interval(some.to_numpy())
            row |= {what: at.mean, f"{what}_low": at.low, f"{what}_high": at.high}
            if what == "gain":
                row["beyond_chance"] = at.low > 0 or at.high < 0
        rows.append({**row, "queries": len(table)})
    return pd.DataFrame(rows)


def compare_alignment(
    benchmark: Benchmark, before: tuple[Vectors, Vectors], after: tuple[Vectors, Vectors], *, relevant_from: int = 2
) -> pd.DataFrame:
    """Where a change moved the vectors on the sphere: alignment of queries with their passages, uniformity of passages.

    Parameters
    ----------
    benchmark
        Queries that the change has not seen.
    before, after
        Vectors of the queries and of the passages, each pair by one model.
    relevant_from
        The lowest grade of a pair that belongs together.

    Returns
    -------
    pandas.DataFrame
        One row: ``alignment_before`` with its interval ``low_before`` and ``high_before``, ``uniformity_before``, the
        same for ``after``; then ``change``, ``change_low`` and ``change_high``, of alignment pair by pair (below 0:
        nearer), and ``pairs``, their count. A query with several passages has several pairs, which the intervals take
        for independent.

    Raises
    ------
    InputError
        No passage is relevant, or a query or a passage has no vector.
    VectorError, IdentityError
        As :func:`geometry.alignment` and :func:`embed.check_identity` raise.
    """
    pairs = relevant_pairs(benchmark, relevant_from=relevant_from)
    row: dict[str, object] = {}
    shares = []
    for when, (queries, passages) in (("before", before), ("after", after)):
        check_identity(queries.model, passages.model)
        asked = queries.array[[queries.row(query) for query in pairs["query_id"]]]
        found = passages.array[[passages.row(passage) for passage in pairs["passage_id"]]]
        at = alignment(asked, found)
        row |= {f"alignment_{when}": at.mean, f"low_{when}": at.low, f"high_{when}": at.high}
        row[f"uniformity_{when}"] = uniformity(passages)
        shares.append(2 - 2 * np.einsum("ij,ij->i", normalize(asked), normalize(found), dtype=np.float64))
    change = mean_interval(shares[1] - shares[0])
    row |= {"change": change.mean, "change_low": change.low, "change_high": change.high, "pairs": len(pairs)}
    return pd.DataFrame([row])
