"""Halves of a benchmark, hard negatives, and what a model gained."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpora import Benchmark, benchmark
from workbench.errors import IdentityError, InputError
from workbench.geometry import uniformity
from workbench.records import Corpus, ModelIdentity, Vectors
from workbench.tasks import (
    Hit,
    compare_alignment,
    compare_models,
    mine_hard_negatives,
    reciprocal_rank,
    relevant_pairs,
    search_scores,
    split_queries,
)

HELP = benchmark("help-center")
# One query along the first axis; each passage at the cosine that its name says.
COSINES = {"answer": 0.8, "bad": 0.9, "topic": 0.85, "near": 0.78, "below": 0.7, "far": 0.1}
GRADES = {"answer": 3, "bad": 0, "topic": 1}


def small(grades: dict[str, int] = GRADES) -> tuple[Benchmark, Vectors, Vectors]:
    names = tuple(COSINES)
    corpus = Corpus(names, tuple(f"text of {name}" for name in names))
    cosines = np.array(list(COSINES.values()))
    array = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)
    queries = Corpus(("q",), ("what?",))
    asked = Vectors(("q",), np.array([[1, 0]], dtype=np.float32))
    return Benchmark(corpus, queries, {"q": grades}), asked, Vectors(names, array)


# reciprocal rank


@pytest.mark.parametrize(
    ("found", "score"), [("axy", 1), ("xby", 1 / 2), ("xyab", 1 / 3), ("xyc", 0), ("", 0)], ids=repr
)
def test_reciprocal_rank_by_hand(found, score):
    answer = [Hit(name, 1.0, "", {}) for name in found]
    qrels = {"q": {"a": 3, "b": 2, "c": 1}}
    assert reciprocal_rank([answer], ["q"], qrels)[0] == pytest.approx(score)


def test_reciprocal_rank_that_is_not_defined():
    with pytest.raises(InputError, match="the query 'q' has no passage graded 2"):
        reciprocal_rank([[]], ["q"], {"q": {"a": 1}})
    with pytest.raises(InputError, match="0 answers for 1 queries"):
        reciprocal_rank([], ["q"], {})


def test_reciprocal_rank_reads_as_far_as_the_search():
    bench, asked, passages = small({"far": 3})
    ways = {"a": (asked, passages, "cosine")}
    assert search_scores(bench, ways, k=5)["reciprocal_rank"][0] == 0
    assert search_scores(bench, ways, k=6)["reciprocal_rank"][0] == pytest.approx(1 / 6)


# halves


@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.5, 0.7]))
def test_halves_share_no_query_and_lose_none(seed, share):
    learn, held = split_queries(HELP, by="shares_no_content_word", share=share, seed=seed)
    assert not set(learn.queries.ids) & set(held.queries.ids)
    assert set(learn.queries.ids) | set(held.queries.ids) == set(HELP.queries.ids)
    for part in (learn, held):
        assert part.qrels == {query: HELP.qrels[query] for query in part.queries.ids}
        assert part.corpus is HELP.corpus
        hard = part.queries.metadata["shares_no_content_word"].mean()
        assert hard == pytest.approx(HELP.queries.metadata["shares_no_content_word"].mean(), abs=0.02)


def test_the_seed_decides_the_halves():
    def learn(seed: int) -> tuple[str, ...]:
        return split_queries(HELP, seed=seed)[0].queries.ids

    assert learn(1) == learn(1) != learn(2)


def test_queries_without_an_answer_are_in_neither_half():
    grades = {"a": {"p": 3}, "b": {"p": 2}, "c": {"p": 1}}
    bench = Benchmark(Corpus(("p",), ("text",)), Corpus(tuple("abc"), tuple("abc")), grades)
    learn, held = split_queries(bench)
    assert {*learn.queries.ids, *held.queries.ids} == {"a", "b"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "topic"}, "no column 'topic'.*shares_no_content_word"),
        ({"share": 0}, "a share of 0"),
        ({"share": 0.001}, "cannot be parted"),
        ({"relevant_from": 9}, "0 queries with a relevant passage"),
    ],
)
def test_halves_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        split_queries(HELP, **options)


def test_pairs_are_the_judgements_from_that_grade():
    pairs = relevant_pairs(HELP, relevant_from=3)
    assert len(pairs) == sum(grade >= 3 for grades in HELP.qrels.values() for grade in grades.values())
    first = pairs.iloc[0]
    assert HELP.qrels[first.query_id][first.passage_id] == first.grade >= 3
    assert first.query == HELP.queries.texts[HELP.queries.row(first.query_id)]
    assert first.passage == HELP.corpus.texts[HELP.corpus.row(first.passage_id)]
    with pytest.raises(InputError, match="no passage is graded 9"):
        relevant_pairs(HELP, relevant_from=9)


# hard negatives


def mined(**options) -> pd.DataFrame:
    return mine_hard_negatives(*small(), **options)


def test_what_was_judged_is_taken_however_near_and_what_was_not_only_below_the_margin():
    # 95 % of 0.8 is 0.76: "near" at 0.78 may be an answer that nobody judged; "topic" is graded 1
    table = mined(per_pair=9)
    assert table["negative_id"].tolist() == ["bad", "below", "far"]
    assert table["rank"].tolist() == [1, 5, 6]
    assert table["judged"].tolist() == [True, False, False]
    np.testing.assert_allclose(table["negative_score"], [0.9, 0.7, 0.1], atol=1e-6)
    np.testing.assert_allclose(table["positive_score"], 0.8, atol=1e-6)
    assert table[["query", "positive", "negative"]].iloc[0].tolist() == ["what?", "text of answer", "text of bad"]


@pytest.mark.parametrize(
    ("options", "negatives"),
    [
        ({}, ["bad"]),
        ({"margin": 0, "per_pair": 2}, ["bad", "near"]),
        ({"margin": 0.2, "per_pair": 9}, ["bad", "far"]),
        ({"margin": None, "per_pair": 9}, ["bad"]),
        ({"per_pair": 9, "depth": 4}, ["bad"]),
    ],
    ids=str,
)
def test_margin_number_and_depth(options, negatives):
    assert mined(**options)["negative_id"].tolist() == negatives


def test_no_negative_is_relevant_or_on_topic_in_the_help_center(help_vectors):
    table = mine_hard_negatives(HELP, *help_vectors, per_pair=3)
    grades = [
        HELP.qrels[query].get(passage, 0) for query, passage in zip(table.query_id, table.negative_id, strict=True)
    ]
    assert max(grades) <= 0
    assert table.groupby(["query_id", "positive_id"]).size().max() == 3
    unjudged = table[~table["judged"]]
    assert (unjudged["negative_score"] <= 0.95 * unjudged["positive_score"] + 1e-6).all()


@pytest.fixture(scope="module")
def help_vectors() -> tuple[Vectors, Vectors]:
    rng = np.random.default_rng(0)
    return tuple(
        Vectors(texts.ids, rng.normal(size=(len(texts), 16)).astype(np.float32) + 1)
        for texts in (HELP.queries, HELP.corpus)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_pair": 0}, "0 negatives"),
        ({"margin": 1}, "a margin of 1"),
        ({"depth": 0}, "depth=0"),
        ({"relevant_from": 9}, "no passage is graded 9"),
    ],
)
def test_what_cannot_be_mined(options, message):
    with pytest.raises(InputError, match=message):
        mined(**options)


def test_two_models_never_meet_in_mining():
    bench, asked, passages = small()
    named = [
        Vectors(vectors.ids, vectors.array, ModelIdentity(name, "1", 2))
        for vectors, name in ((asked, "base"), (passages, "other"))
    ]
    with pytest.raises(IdentityError):
        mine_hard_negatives(bench, *named)
    stranger = Vectors((*passages.ids[:-1], "stranger"), passages.array)
    with pytest.raises(InputError, match="the passages hold 'stranger'"):
        mine_hard_negatives(bench, asked, stranger)


# before and after


def test_nothing_gained_by_the_same_vectors(help_vectors):
    table = compare_models(HELP, help_vectors, help_vectors).set_index("name")
    assert list(table.index) == ["recall@5", "MRR"]
    assert (table[["gain", "gain_low", "gain_high"]] == 0).all(axis=None)
    assert not table["beyond_chance"].any()
    assert (table["queries"] == len(HELP.queries)).all()


def test_the_gain_is_the_paired_difference(help_vectors):
    """A model that puts each query on its best passage gains what recall and reciprocal rank by hand say."""
    queries, passages = help_vectors
    best = [max(HELP.qrels[query], key=HELP.qrels[query].get) for query in queries.ids]
    told = Vectors(queries.ids, passages.array[[passages.row(passage) for passage in best]])
    table = compare_models(HELP, help_vectors, (told, passages)).set_index("name")
    assert table.loc["MRR", "after"] == pytest.approx(1)
    assert table["beyond_chance"].all()
    np.testing.assert_allclose(table["gain"], table["after"] - table["before"])
    ways = {"a": (told, passages, "cosine"), "b": (*help_vectors, "cosine")}
    scores = search_scores(HELP, ways, k=5).pivot_table(index="query", columns="name", values="recall")
    assert table.loc["recall@5", "gain"] == pytest.approx((scores["a"] - scores["b"]).mean())
    lost = compare_models(HELP, (told, passages), help_vectors).set_index("name")
    np.testing.assert_allclose(lost["gain"], -table["gain"])
    assert lost["beyond_chance"].all()


def test_alignment_and_uniformity_before_and_after_by_hand():
    # 2 - 2 cos of the one pair: 0.4 before, 0.2 after; the passages stay where they are
    bench, asked, passages = small()
    turned = Vectors(("q",), np.array([[0.9, 0.1]], dtype=np.float32))
    row = compare_alignment(bench, (asked, passages), (turned, passages)).iloc[0]
    answer = passages.array[passages.row("answer")]
    cosine = float(turned.array[0] @ answer / np.linalg.norm(turned.array[0]))
    assert row["alignment_before"] == pytest.approx(0.4)
    assert row["alignment_after"] == pytest.approx(2 - 2 * cosine)
    assert row["change"] == row["change_low"] == row["change_high"] == pytest.approx(1.6 - 2 * cosine)
    assert row["uniformity_before"] == row["uniformity_after"] == pytest.approx(uniformity(passages))
    assert row["pairs"] == 1


def test_the_change_of_alignment_is_paired(help_vectors):
    queries, passages = help_vectors
    nearer = Vectors(queries.ids, queries.array + 1)
    row = compare_alignment(HELP, help_vectors, (nearer, passages)).iloc[0]
    assert row["change"] == pytest.approx(row["alignment_after"] - row["alignment_before"], abs=1e-6)
    assert row["change_high"] - row["change_low"] < row["high_after"] - row["low_after"]
    assert row["pairs"] == len(relevant_pairs(HELP))
    named = [Vectors(v.ids, v.array, ModelIdentity(name, "1", 16)) for v, name in zip(help_vectors, "ab", strict=True)]
    with pytest.raises(IdentityError):
        compare_alignment(HELP, help_vectors, tuple(named))
