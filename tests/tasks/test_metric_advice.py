"""Advice on the metric, branch by branch, each with evidence planted for it."""

import numpy as np
import pytest

from tests.tasks.test_evaluation import topics
from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.tasks import advise_metric


def stretched(passages: Vectors, spread: float) -> Vectors:
    by = np.exp(spread * np.random.default_rng(1).normal(size=(len(passages), 1))).astype(np.float32)
    return Vectors(passages.ids, passages.array * by, None, "cosine")


def popular() -> tuple[Benchmark, np.ndarray, np.ndarray]:
    """Length is what is wanted: of each direction's two passages the longer is relevant, and its angle is worse."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    near = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    far = 5 * np.stack([np.cos(turn + 0.1), np.sin(turn + 0.1)], axis=1)
    passages = np.vstack([near, far]).astype(np.float32)
    ids, names = tuple(f"p{row}" for row in range(40)), tuple(f"q{row}" for row in range(20))
    qrels = {f"q{row}": {f"p{row + 20}": 3} for row in range(20)}
    return Benchmark(Corpus(ids, ids), Corpus(names, names), qrels), near.astype(np.float32), passages


@pytest.mark.parametrize("declared", [None, "dot", "cosine", "euclidean"])
def test_of_equal_lengths_the_dot_product_is_the_least_work(declared) -> None:
    _, _, passages = topics()
    found = advise_metric(passages, declared=declared)
    assert (found.metric, found.decided_by, found.table) == ("dot", "lengths", None)
    assert str(found).startswith("for these vectors use the dot product, because all 60 have length 1 to within 0.2%")
    assert ("which the model declares" in str(found)) == (declared in ("cosine", "euclidean"))
    assert "a threshold belongs to one metric" in found.caveat
    assert advise_metric(7 * passages.array, declared=declared).decided_by == "lengths"


def test_equal_lengths_are_measured_all_the_same() -> None:
    benchmark, queries, passages = topics()
    found = advise_metric(passages, benchmark=benchmark, queries=queries)
    assert found.decided_by == "lengths"
    assert found.table is not None and found.table["name"].tolist() == ["cosine", "dot", "euclidean"]
    assert (found.table[["recall_lost", "ndcg_lost"]].abs() < 0.02).all(axis=None)


@pytest.mark.parametrize("declared", ["dot", "cosine", "euclidean"])
def test_without_judgements_the_declaration_stands(declared) -> None:
    _, _, passages = topics()
    found = advise_metric(stretched(passages, 0.5), declared=declared)
    assert (found.metric, found.decided_by) == (declared, "declared")
    assert "it is what the model declares" in found.because
    assert "Nothing was measured" in found.caveat


def test_with_nothing_to_go_by_cosine_is_a_default_and_says_so() -> None:
    _, _, passages = topics()
    found = advise_metric(stretched(passages, 0.5))
    assert (found.metric, found.decided_by) == ("cosine", "default")
    assert "a default, not a finding" in found.caveat
    assert "their lengths run from" in found.because[0]


def test_judged_queries_overrule_the_declaration_where_they_separate() -> None:
    benchmark, queries, passages = topics()
    found = advise_metric(stretched(passages, 1.5), declared="dot", benchmark=benchmark, queries=queries)
    assert (found.metric, found.decided_by) == ("cosine", "measured")
    assert "on 30 judged queries it gains" in found.because[1]
    assert found.table is not None
    assert found.table.set_index("name").loc["cosine", "ndcg_lost_high"] < 0


def test_the_dot_product_wins_where_length_is_what_is_wanted() -> None:
    benchmark, queries, passages = popular()
    found = advise_metric(passages, benchmark=benchmark, queries=queries, k=1)
    assert (found.metric, found.decided_by) == ("dot", "measured")


def test_what_stands_is_confirmed_where_both_others_are_worse() -> None:
    benchmark, queries, passages = topics()
    found = advise_metric(stretched(passages, 1.5), declared="cosine", benchmark=benchmark, queries=queries)
    assert (found.metric, found.decided_by) == ("cosine", "measured")
    assert "the dot product changes nDCG@10 by -" in found.because[1]


def test_what_is_not_separated_stays_and_is_said_to_be_so() -> None:
    benchmark, queries, passages = topics()
    found = advise_metric(stretched(passages, 0.01), declared="euclidean", benchmark=benchmark, queries=queries)
    assert (found.metric, found.decided_by) == ("euclidean", "declared")
    assert "does not separate it from cosine similarity or the dot product" in found.caveat
    assert advise_metric(stretched(passages, 0.01), benchmark=benchmark, queries=queries).decided_by == "default"


def test_what_is_measurably_worse_is_said_even_where_another_is_not_separated() -> None:
    benchmark, queries, passages = topics()
    found = advise_metric(stretched(passages, 0.35), benchmark=benchmark, queries=10 * queries.array)
    assert found.decided_by in ("default", "measured")
    text = str(found)
    for metric, name in (("dot", "the dot product"), ("euclidean", "Euclidean distance")):
        assert (f"{name} changes nDCG@10 by -" in text) != (name in found.caveat), metric


def test_zero_vectors_are_never_found_under_cosine() -> None:
    benchmark, queries, passages = topics()
    array = stretched(passages, 1.5).array.copy()
    array[[4, 5]] = 0
    found = advise_metric(array, benchmark=benchmark, queries=queries)
    assert found.metric == "cosine"
    assert "Zero vectors, of which there are 2, have no cosine" in found.caveat


def test_what_cannot_be_advised_on() -> None:
    benchmark, queries, passages = topics()
    with pytest.raises(InputError, match="belong together"):
        advise_metric(passages, benchmark=benchmark)
    with pytest.raises(InputError, match="belong together"):
        advise_metric(passages, queries=queries)
    with pytest.raises(InputError, match="there is no metric 'manhattan'"):
        advise_metric(passages, declared="manhattan")
    with pytest.raises(InputError, match="all of 3 vectors are zero"):
        advise_metric(np.zeros((3, 4), np.float32))
    with pytest.raises(InputError, match="59 vectors for the 60 passages"):
        advise_metric(passages.array[1:], benchmark=benchmark, queries=queries)
