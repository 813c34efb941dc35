"""The help center is what its datasheet says: large enough, graded, and nothing in it from a template."""

import itertools
import re

import pytest
from gensim.parsing.porter import PorterStemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from workbench.corpora import Benchmark, benchmark

SEEDS = [
    "How do I reset my password?",
    "I forgot my login credentials",
    "How do I cancel my subscription?",
    "noise canceling headphones under $200",
]
FUNCTION_WORDS = ENGLISH_STOP_WORDS | {"does", "did"}  # the list has "do" only
FUNCTION_WORDS |= {
    "d",
    "don",
    "doesn",
    "didn",
    "isn",
    "won",
    "ll",
    "m",
    "re",
    "s",
    "t",
    "ve",
}  # left of "don't" and such


@pytest.fixture(scope="module")
def center() -> Benchmark:
    return benchmark("help-center")


def content_words(text: str) -> set[str]:
    """Stems of the words that are no stop words."""
    words = set(re.findall(r"[a-z0-9]+", text.lower())) - FUNCTION_WORDS
    return {PorterStemmer().stem(word) for word in words}


def shingles(text: str) -> set[tuple[str, ...]]:
    """Every run of five words."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return set(zip(*(words[i:] for i in range(5)), strict=False))


def shared_answer_words(center: Benchmark) -> dict[str, set[str]]:
    """Content words that each query shares with any article graded 3 for it."""
    texts = dict(zip(center.corpus.ids, center.corpus.texts, strict=True))
    return {
        id: content_words(text)
        & set().union(*(content_words(texts[d]) for d, grade in center.qrels[id].items() if grade == 3))
        for id, text in zip(center.queries.ids, center.queries.texts, strict=True)
    }


def test_its_size(center: Benchmark) -> None:
    assert len(center.corpus) >= 240
    assert len(center.queries) >= 120


def test_every_article_has_complete_metadata(center: Benchmark) -> None:
    table = center.corpus.metadata
    assert set(table.columns) == {"title", "source", "audience", "updated"}
    assert not table.isna().any(axis=None)
    assert table["source"].str.fullmatch(r"[a-z_]+").all()
    assert set(table["audience"]) == {"public", "members", "business", "staff"}
    assert table["updated"].str.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])").all()
    assert table["title"].is_unique


def test_every_query_is_graded_0_to_3_and_has_an_answer(center: Benchmark) -> None:
    assert set(center.qrels) == set(center.queries.ids)
    grades = [grade for judged in center.qrels.values() for grade in judged.values()]
    assert set(grades) == {0, 1, 2, 3}
    assert [id for id, judged in center.qrels.items() if 3 not in judged.values()] == []


def test_the_queries_that_started_it_are_there(center: Benchmark) -> None:
    assert set(SEEDS) <= set(center.queries.texts)


def test_a_third_of_the_queries_share_no_content_word_with_their_answers(center: Benchmark) -> None:
    shared = shared_answer_words(center)
    assert sum(not words for words in shared.values()) >= len(shared) / 3


def test_the_queries_marked_as_sharing_no_content_word_share_none(center: Benchmark) -> None:
    marked = center.queries.metadata["shares_no_content_word"].astype(bool)
    shared = shared_answer_words(center)
    assert marked.sum() >= len(marked) / 3
    assert {id: shared[id] for id, flag in zip(center.queries.ids, marked, strict=True) if flag and shared[id]} == {}


@pytest.mark.parametrize("part", ["corpus", "queries"])
def test_no_two_share_more_than_a_fifth_of_their_five_word_shingles(center: Benchmark, part: str) -> None:
    texts = getattr(center, part)
    runs = {id: found for id, text in zip(texts.ids, texts.texts, strict=True) if (found := shingles(text))}
    alike = [
        (a, b)
        for a, b in itertools.combinations(runs, 2)
        if len(runs[a] & runs[b]) > min(len(runs[a]), len(runs[b])) / 5
    ]
    assert alike == []


def test_the_shingle_test_can_fail() -> None:
    one, two = "the quick brown fox jumps over the lazy dog", "a quick brown fox jumps over the lazy cat"
    assert len(shingles(one) & shingles(two)) > len(shingles(one)) / 5
    assert shingles("four words are few") == set()
