"""nDCG by its definition, and what one way of searching loses against another."""

import math

import numpy as np
import pytest

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.geometry import normalize
from workbench.records import Corpus, Vectors
from workbench.tasks import Hit, compare_searches, ndcg_at_k, recall_at_k, search_scores


def hits(*ids: str) -> list[Hit]:
    return [Hit(name, 1.0, "", {}) for name in ids]


def ndcg_by_hand(found: list[str], grades: dict[str, int], k: int) -> float:
    def dcg(gains: list[int]) -> float:
        return sum(max(gain, 0) / math.log2(place + 2) for place, gain in enumerate(gains[:k]))

    return dcg([grades.get(name, 0) for name in found]) / dcg(sorted(grades.values(), reverse=True))


@pytest.mark.parametrize("k", [1, 2, 3, 10])
@pytest.mark.parametrize("found", ["abcd", "dcba", "xyab", "b", "", "xyz", "cxayb"])
def test_ndcg_is_the_definition(found: str, k: int) -> None:
    grades = {"a": 3, "b": 2, "c": 1, "d": 0, "e": -1}
    got = ndcg_at_k([hits(*found)], ["q"], {"q": grades}, k)[0]
    assert got == pytest.approx(ndcg_by_hand(list(found), grades, k))


def test_ndcg_of_a_short_answer_does_not_count_what_was_not_found() -> None:
    qrels = {"q": {"a": 1, "b": 3}}
    assert ndcg_at_k([hits("a")], ["q"], qrels, 10)[0] < ndcg_at_k([hits("a", "b")], ["q"], qrels, 10)[0] < 1
    assert ndcg_at_k([hits("b", "a")], ["q"], qrels, 10)[0] == 1


def test_ndcg_that_is_not_defined() -> None:
    with pytest.raises(InputError, match="the query 'q' has no passage graded above 0"):
        ndcg_at_k([hits("a")], ["q"], {"q": {"a": 0}})
    with pytest.raises(InputError, match="1 answers for 2 queries"):
        ndcg_at_k([hits("a")], ["q", "r"], {})
    with pytest.raises(InputError, match="stands twice in the answer to 'q'"):
        ndcg_at_k([hits("a", "a")], ["q"], {"q": {"a": 1}})
    with pytest.raises(InputError, match="the first 0 hits are none"):
        ndcg_at_k([hits("a")], ["q"], {"q": {"a": 1}}, 0)


# ways of searching


def topics(n: int = 60, queries: int = 30, seed: int = 0) -> tuple[Benchmark, Vectors, Vectors]:
    """Passages of ten topics, queries that want the passages of theirs, and lengths that mean nothing."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(10, 16))
    passages = normalize((centres[np.arange(n) % 10] + 0.7 * rng.normal(size=(n, 16))).astype(np.float32))
    asked = normalize((centres[np.arange(queries) % 10] + 0.7 * rng.normal(size=(queries, 16))).astype(np.float32))
    ids, names = tuple(f"p{row}" for row in range(n)), tuple(f"q{row}" for row in range(queries))
    qrels = {f"q{q}": {f"p{p}": 3 if p == q else 2 for p in range(q % 10, n, 10)} for q in range(queries)}
    corpus, wanted = Corpus(ids, ids), Corpus(names, names)
    return Benchmark(corpus, wanted, qrels), Vectors(names, asked), Vectors(ids, passages)


def test_every_way_is_scored_and_held_against_the_baseline() -> None:
    benchmark, queries, passages = topics()
    stretch = np.exp(1.5 * np.random.default_rng(1).normal(size=(60, 1))).astype(np.float32)
    longer = Vectors(passages.ids, passages.array * stretch)
    ways = {
        "right": (queries, passages, "cosine"),
        "wrong": (queries, longer, "dot"),
        "same": (queries, longer, "cosine"),
    }
    table = compare_searches(benchmark, ways, baseline="right").set_index("name")
    assert table.index.tolist() == ["right", "wrong", "same"]
    zero = ["recall_lost", "recall_lost_low", "recall_lost_high", "ndcg_lost", "ndcg_lost_low", "ndcg_lost_high"]
    assert (table.loc["right", zero] == 0).all()
    assert (table.loc["same", zero].abs() < 1e-9).all()
    for what in ("recall", "ndcg"):
        wrong, right = table.loc["wrong"], table.loc["right"]
        assert wrong[f"{what}_lost_low"] > 0
        assert wrong[f"{what}_lost"] == pytest.approx(right[what] - wrong[what])
        assert (table[f"{what}_low"] <= table[what]).all() and (table[what] <= table[f"{what}_high"]).all()
    assert (table["queries"] == 30).all()


def test_scores_of_each_query_are_those_of_its_answer() -> None:
    benchmark, queries, passages = topics()
    scores = search_scores(benchmark, {"a": (queries, passages, "cosine")}, k=5)
    order = np.argsort(-(queries.array @ passages.array.T), axis=1)[:, :5]
    answers = [hits(*(passages.ids[row] for row in rows)) for rows in order]
    assert scores["query"].tolist() == list(queries.ids)
    np.testing.assert_allclose(scores["recall"], recall_at_k(answers, queries.ids, benchmark.qrels, 5))
    np.testing.assert_allclose(scores["ndcg"], ndcg_at_k(answers, queries.ids, benchmark.qrels, 5))


def test_vectors_are_matched_by_id_and_arrays_by_order() -> None:
    benchmark, queries, passages = topics()
    turned = passages.take(np.arange(60)[::-1])
    ways = {
        "ids": (queries.take(np.arange(30)[::-1]), turned, "cosine"),
        "order": (queries.array, passages.array, "cosine"),
        "fewer": (queries, passages.take(range(30)), "cosine"),
    }
    table = compare_searches(benchmark, ways, baseline="order").set_index("name")
    assert table.loc["ids", "recall_lost"] == 0
    assert table.loc["fewer", "recall_lost_low"] > 0


def test_queries_without_a_relevant_passage_are_left_out() -> None:
    benchmark, queries, passages = topics()
    benchmark.qrels["q3"] = {"p3": 1}
    del benchmark.qrels["q4"]
    scores = search_scores(benchmark, {"a": (queries, passages, "cosine")})
    assert len(scores) == 28
    assert not {"q3", "q4"} & set(scores["query"])
    with pytest.raises(InputError, match="no query has a passage graded 9 or more"):
        search_scores(benchmark, {"a": (queries, passages, "cosine")}, relevant_from=9)


def test_vectors_of_something_else_are_refused() -> None:
    benchmark, queries, passages = topics()
    with pytest.raises(InputError, match="the baseline 'b' is none of the ways"):
        compare_searches(benchmark, {"a": (queries, passages, "cosine")}, baseline="b")
    with pytest.raises(InputError, match="the passages of 'a' hold 'q0', which the benchmark does not"):
        search_scores(benchmark, {"a": (queries, queries, "cosine")})
    with pytest.raises(InputError, match="the queries of 'a' are 29 rows, the benchmark has 30"):
        search_scores(benchmark, {"a": (queries.array[1:], passages, "cosine")})
    with pytest.raises(InputError, match="the queries of 'a' have no vector for 'q0'"):
        search_scores(benchmark, {"a": (queries.take(range(1, 30)), passages, "cosine")})
