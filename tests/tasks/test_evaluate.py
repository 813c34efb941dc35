"""Searches held against judgements: each measure by its definition, the paired test by all its permutations."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from workbench.errors import InputError
from workbench.records import Corpus
from workbench.tasks import Hit, evaluate

PASSAGES = "abcdefghij"


class Fixed:
    """A search that answers as it was told."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def search(self, queries, k=5):
        return [[Hit(name, 0.5, f"text {name}", {}) for name in self._answers[query][:k]] for query in queries]


def one(answer: str, grades: dict[str, int], **options: int) -> dict[str, float]:
    evaluation = evaluate({"it": Fixed({"what?": answer})}, {"q": "what?"}, {"q": grades}, **options)
    return evaluation.scores.iloc[0].to_dict()


@given(
    st.permutations(PASSAGES).flatmap(lambda order: st.integers(0, len(order)).map(lambda n: "".join(order)[:n])),
    st.dictionaries(st.sampled_from(PASSAGES), st.integers(-1, 3), min_size=1),
    st.integers(1, 12),
)
def test_each_measure_is_its_definition(answer, grades, k):
    relevant = {name for name, grade in grades.items() if grade >= 2}
    if not relevant:
        return
    scores = one(answer, grades, k=k, relevant_from=2)
    hits = [name in relevant for name in answer]
    assert scores[f"recall@{k}"] == pytest.approx(sum(hits[:k]) / len(relevant))
    assert scores["rr"] == pytest.approx(max((1 / (n + 1) for n, hit in enumerate(hits) if hit), default=0))
    precisions = [sum(hits[: n + 1]) / (n + 1) for n, hit in enumerate(hits) if hit]
    assert scores["ap"] == pytest.approx(sum(precisions) / len(relevant))
    gains = [max(grades.get(name, 0), 0) for name in answer]
    ideal = sorted((max(grade, 0) for grade in grades.values()), reverse=True)
    dcg = [sum(gain / np.log2(n + 2) for n, gain in enumerate(some[:10])) for some in (gains, ideal)]
    assert scores["ndcg@10"] == pytest.approx(dcg[0] / dcg[1])


def test_a_complete_answer_scores_as_scikit_learn_says():
    grades = dict(zip(PASSAGES, [0, 3, 1, 0, 2, 0, 2, 1, 0, 3], strict=True))
    scores = one(PASSAGES, grades)
    gains, order = list(grades.values()), list(range(10, 0, -1))
    assert scores["ndcg@10"] == pytest.approx(ndcg_score([gains], [order], k=10))
    assert scores["ap"] == pytest.approx(average_precision_score([gain >= 2 for gain in gains], order))


def test_grades_of_0_and_1_alone_make_1_relevant():
    assert one("ab", {"a": 1})["rr"] == 1
    assert one("ba", {"a": 2, "b": 1})["rr"] == 0.5
    assert one("ba", {"a": 2, "b": 1}, relevant_from=1)["rr"] == 1


def test_hits_beyond_the_depth_are_not_found():
    assert one("abcdefghij", {"j": 1}, depth=1, k=3)["rr"] == 0.1  # at least 10, for nDCG@10
    far = "".join(map(chr, range(200, 300)))
    assert one(far, {far[50]: 1}, depth=20)["ap"] == 0
    assert one(far, {far[50]: 1}, depth=51)["ap"] == pytest.approx(1 / 51)


# two systems

TEXTS = {f"q{n}": f"question {n}" for n in range(9)}
QRELS = {f"q{n}": {"a": 3} for n in range(8)} | {"q8": {"b": 0}}


def two(n_better: int = 5, n_worse: int = 1):
    """A system that has ``a`` first on the first queries where the other has it second, and the other way round."""
    left = {
        text: "ab" if n < n_better else "ba" if n < n_better + n_worse else "ab"
        for n, text in enumerate(TEXTS.values())
    }
    right = {text: "ba" if n < n_better else "ab" for n, text in enumerate(TEXTS.values())}
    return evaluate({"left": Fixed(left), "right": Fixed(right)}, TEXTS, QRELS)


def test_summary_and_table_have_every_system_and_measure():
    evaluation = two()
    assert evaluation.systems == ("left", "right")
    assert evaluation.measures == ("recall@10", "rr", "ndcg@10", "ap")
    assert evaluation.left_out == 1
    assert len(evaluation.scores) == 16
    table = evaluation.summary().set_index(["system", "measure"])
    assert table.loc[("left", "rr"), "value"] == pytest.approx((7 + 0.5) / 8)
    assert table.loc[("right", "rr"), "value"] == pytest.approx((3 + 5 * 0.5) / 8)
    assert (table["queries"] == 8).all()
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert table.loc[("left", "recall@10"), ["low", "high"]].tolist() == [1, 1]


def test_the_paired_test_agrees_with_all_permutations():
    compared = two().compare("left", "right", "rr")
    gained = np.array([0.5] * 5 + [-0.5])
    flipped = [abs((gained * signs).sum()) for signs in itertools.product([1, -1], repeat=6)]
    exact = np.mean(np.array(flipped) >= abs(gained.sum()) - 1e-12)
    assert compared.p_value == pytest.approx(exact, abs=0.02)
    assert (compared.a_better, compared.b_better, compared.equal) == (5, 1, 2)
    assert compared.difference.mean == pytest.approx(2 / 8)
    assert compared.difference.low < 2 / 8 < compared.difference.high
    assert two().compare("right", "left", "rr").p_value == compared.p_value
    assert two().compare("right", "left", "rr").difference.mean == pytest.approx(-2 / 8)


def test_systems_that_score_alike_do_not_differ():
    assert two().compare("left", "right", "recall@10").p_value == 1
    assert two().compare("left", "left", "rr").p_value == 1
    assert two().differences("left", "right", measure="recall@10").empty


def test_a_difference_on_every_one_of_many_queries_has_the_smallest_p():
    texts = {f"q{n}": str(n) for n in range(200)}
    answers = dict.fromkeys(texts.values(), "ab"), dict.fromkeys(texts.values(), "ba")
    some = evaluate({"a": Fixed(answers[0]), "b": Fixed(answers[1])}, texts, {query: {"a": 1} for query in texts})
    assert some.compare("a", "b").p_value == 1 / 10_001


def test_p_values_are_uniform_where_nothing_differs():
    rng = np.random.default_rng(5)
    texts = {f"q{n}": str(n) for n in range(40)}
    values = []
    for _ in range(60):
        sides = [{text: "".join(rng.permutation(list(PASSAGES))) for text in texts.values()} for _ in "ab"]
        some = evaluate({"a": Fixed(sides[0]), "b": Fixed(sides[1])}, texts, {query: {"a": 1} for query in texts})
        values.append(some.compare("a", "b").p_value)
    assert 0.35 < np.mean(values) < 0.65
    assert np.mean(np.array(values) <= 0.05) < 0.17  # 3 of 60 are expected; 10 or more come up once in a thousand times


def test_the_queries_that_differ_most_come_with_both_first_hits():
    evaluation = two(n_better=2, n_worse=1)
    table = evaluation.differences("left", "right", measure="rr")
    assert table["query"].tolist() == ["q0", "q1", "q2"]
    assert table["difference"].tolist() == [0.5, 0.5, -0.5]
    first = table.iloc[0]
    assert (first["text"], first["a"], first["b"]) == ("question 0", 1, 0.5)
    assert (first["first_a"], first["first_a_text"], first["first_a_grade"]) == ("a", "text a", 3)
    assert (first["first_b"], first["first_b_grade"]) == ("b", 0)
    assert len(evaluation.differences("left", "right", 2, "rr")) == 2
    assert [hit.id for hit in evaluation.hits("right", "q0")] == ["b", "a"]


def test_nothing_found_is_a_score_of_0_and_an_empty_first_hit():
    some = evaluate({"a": Fixed({"x": "a"}), "b": Fixed({"x": ""})}, Corpus(("q",), ("x",)), {"q": {"a": 1}})
    assert some.scores.set_index("system").loc["b", list(some.measures)].tolist() == [0, 0, 0, 0]
    assert some.differences("a", "b")["first_b"].tolist() == [""]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"searchers": {}}, "there is no searcher"),
        ({"k": 0}, "the first 0 hits are none"),
        ({"qrels": {"q0": {"a": 1}, "zz": {"a": 1}, "yy": {}}}, "2 judged queries are not among the 9, first 'yy'"),
        ({"relevant_from": 4}, "no query has a passage graded 4 or more: the highest grade is 3. Use relevant_from=3"),
        ({"qrels": {"q0": {"a": 0}}}, "the highest grade is 0. Judgements of a grade above 0 are needed"),
        ({"relevant_from": 0}, "relevant_from=0 takes passages judged not relevant"),
        ({"searchers": {"x": Fixed(dict.fromkeys(TEXTS.values(), "aa"))}}, "a passage stands twice in the answer"),
    ],
)
def test_what_cannot_be_evaluated(arguments, message):
    usual = {"searchers": {"x": Fixed(dict.fromkeys(TEXTS.values(), "ab"))}, "queries": TEXTS, "qrels": QRELS}
    with pytest.raises(InputError, match=message):
        evaluate(**{**usual, **arguments})


def test_what_was_not_evaluated():
    evaluation = two()
    with pytest.raises(InputError, match=r"no system 'middle'.*left, right"):
        evaluation.compare("left", "middle")
    with pytest.raises(InputError, match=r"no measure 'mrr'.*recall@10, rr, ndcg@10, ap"):
        evaluation.compare("left", "right", "mrr")
    with pytest.raises(InputError, match="the query 'q8' was not scored"):
        evaluation.hits("left", "q8")
    assert isinstance(evaluation.summary(), pd.DataFrame)
