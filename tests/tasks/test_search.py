"""Search by meaning and by words, scored by judgements."""

import pandas as pd
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench.embed import embed
from workbench.errors import IdentityError, InputError
from workbench.records import Corpus
from workbench.tasks import Hit, KeywordIndex, SemanticIndex, by_group, recall_at_k

TEXTS = ("the cat sat on the mat", "dogs bark at cats", "interest rates rise", "the bank raised its rates")


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(("a", "b", "c", "d"), TEXTS, pd.DataFrame({"topic": ["pets", "pets", "money", "money"]}))


def semantic(corpus: Corpus) -> SemanticIndex:
    encoder = TinyEncoder()
    return SemanticIndex(corpus, embed(corpus, encoder, cache=False, progress=False), encoder)


def test_semantic_search_finds_the_text_itself(corpus):
    answers = semantic(corpus).search(list(TEXTS), k=2)
    assert [hits[0].id for hits in answers] == list("abcd")
    assert answers[2][0].metadata == {"topic": "money"}
    assert answers[2][0].score == pytest.approx(1, abs=1e-6)
    assert answers[2][0].score >= answers[2][1].score


def test_keywords_are_stemmed_and_need_a_shared_word(corpus):
    index = KeywordIndex(corpus)
    assert [hit.id for hit in index.search(["barking cat"], k=4)[0]] == ["b", "a"]
    assert index.search(["submarine", "the"], k=4) == [[], []]


def test_a_corpus_of_stop_words_alone_has_nothing_to_find():
    index = KeywordIndex(Corpus(("a", "b"), ("the of", "is a")))
    assert index.search(["cat", "the"], k=2) == [[], []]
    with pytest.raises(InputError, match=r"k=3 .*Use k from 1 to 2"):
        index.search(["cat"], k=3)


def test_no_queries_have_no_answers(corpus):
    assert KeywordIndex(corpus).search([], k=2) == []
    assert semantic(corpus).search([], k=2) == []


def test_another_models_query_is_refused(corpus):
    vectors = embed(corpus, TinyEncoder(), cache=False, progress=False)
    with pytest.raises(IdentityError, match="other-words"):
        SemanticIndex(corpus, vectors, TinyEncoder(name="other-words"))


def test_corpus_and_vectors_must_hold_the_same_ids(corpus):
    encoder = TinyEncoder()
    vectors = embed(corpus, encoder, cache=False, progress=False)
    with pytest.raises(InputError, match="the 3 ids of 'corpus' are not those of the 4 vectors"):
        SemanticIndex(corpus.take([0, 1, 2]), vectors, encoder)


@pytest.mark.parametrize("k", [0, 5])
def test_k_beyond_the_corpus(corpus, k):
    for index in (KeywordIndex(corpus), semantic(corpus)):
        with pytest.raises(InputError, match=f"k={k} .*Use k from 1 to 4"):
            index.search(["cat"], k=k)


def hits(*ids: str) -> list[Hit]:
    return [Hit(name, 1.0, "", {}) for name in ids]


def test_recall_counts_relevant_passages_among_the_first_k():
    qrels = {"q": {"a": 3, "b": 2, "c": 1}, "r": {"d": 3}}
    answers = [hits("a", "c", "b"), hits("x", "y", "d")]
    assert recall_at_k(answers, ["q", "r"], qrels, k=2).tolist() == [0.5, 0.0]
    assert recall_at_k(answers, ["q", "r"], qrels, k=3).tolist() == [1.0, 1.0]
    assert recall_at_k(answers, ["q", "r"], qrels, k=3, relevant_from=3).tolist() == [1.0, 1.0]


def test_recall_is_not_defined_without_a_relevant_passage():
    with pytest.raises(InputError, match="the query 'q' has no passage graded 2 or more"):
        recall_at_k([hits("a")], ["q"], {"q": {"a": 1}})
    with pytest.raises(InputError, match="1 answers for 2 queries"):
        recall_at_k([hits("a")], ["q", "r"], {"q": {"a": 3}})


def test_groups_of_queries_get_a_mean_and_an_interval_for_each_system():
    scores = pd.DataFrame({"a": [1.0, 1.0, 0.0, 0.0], "b": [0.5, 0.5, 0.5, 0.5]})
    table = by_group(scores, {"all": [True] * 4, "first": [True, True, False, False]})
    assert table["name"].tolist() == ["all", "all", "first", "first"]
    assert table["series"].tolist() == ["a", "b", "a", "b"]
    assert table["value"].tolist() == [0.5, 0.5, 1.0, 0.5]
    assert table["count"].tolist() == [4, 4, 2, 2]
    assert table["low"][0] < 0.5 < table["high"][0]
    assert table["low"][1] == table["high"][1] == 0.5
    with pytest.raises(InputError, match="nothing to average"):
        by_group(scores, {"none": [False] * 4})


def test_one_string_is_not_a_list_of_queries(corpus):
    for index in (KeywordIndex(corpus), semantic(corpus)):
        with pytest.raises(InputError, match="one string was given"):
            index.search("cat")
