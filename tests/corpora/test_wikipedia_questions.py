"""The questions about Wikipedia are as their datasheet says: answered where they say, spread out, no two alike."""

import itertools
import re

import pytest
from gensim.parsing.porter import PorterStemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from workbench import corpora
from workbench.corpora import Benchmark, benchmark
from workbench.corpora.sentences import split_sentences
from workbench.errors import InputError


@pytest.fixture(scope="module")
def questions() -> Benchmark:
    return benchmark("wikipedia-questions")


def content_words(text: str) -> set[str]:
    """Stems of the words that are no stop words."""
    stem = PorterStemmer().stem
    return {stem(word) for word in set(re.findall(r"[a-z0-9]+", text.lower())) - ENGLISH_STOP_WORDS if len(word) > 1}


def five_word_runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.lower())
    return set(zip(*(words[i:] for i in range(5)), strict=False))


def shares_of_words(questions: Benchmark) -> list[float]:
    """Of each question, the share of its content words that stand in the passage that answers it."""
    texts = dict(zip(questions.corpus.ids, questions.corpus.texts, strict=True))
    queries = questions.queries
    asked = [content_words(text) for text in queries.texts]
    answers = [content_words(texts[passage]) for passage in queries.metadata["passage"]]
    return [len(words & answer) / len(words) for words, answer in zip(asked, answers, strict=True)]


def test_their_number_and_spread(questions: Benchmark) -> None:
    table = questions.queries.metadata
    assert len(table) >= 160
    assert table["article"].nunique() >= 90
    assert table["passage"].is_unique
    titled = questions.corpus.metadata.assign(passage=questions.corpus.ids).set_index("passage")
    asked = titled.loc[table["passage"]]
    assert set(asked["topic"]) == set(titled["topic"])
    assert (asked["position"] >= 5).mean() > 0.6
    assert set(table["kind"]) == {"fact", "why", "how", "compare", "number"}


def test_every_question_has_one_answer_of_grade_3_in_the_article_it_names(questions: Benchmark) -> None:
    table = questions.queries.metadata
    assert questions.qrels == {
        id: {passage: 3} for id, passage in zip(questions.queries.ids, table["passage"], strict=True)
    }
    title_of = dict(zip(questions.corpus.ids, questions.corpus.metadata["title"], strict=True))
    assert [title_of[passage] for passage in table["passage"]] == table["article"].tolist()
    assert questions.corpus.fingerprint == corpora.load("wikipedia").fingerprint


def test_every_evidence_is_one_or_two_whole_sentences_of_its_passage(questions: Benchmark) -> None:
    sentences_of = {
        id: split_sentences(text) for id, text in zip(questions.corpus.ids, questions.corpus.texts, strict=True)
    }
    table, lengths = questions.queries.metadata, []
    for id, passage, evidence in zip(questions.queries.ids, table["passage"], table["evidence"], strict=True):
        there = sentences_of[passage]
        runs = {" ".join(there[i : i + n]): n for n in (1, 2) for i in range(len(there) - n + 1)}
        assert evidence in runs, id
        lengths.append(runs[evidence])
    assert lengths.count(2) >= 10


def test_no_answer_is_empty_and_no_question_speaks_of_its_page(questions: Benchmark) -> None:
    assert questions.queries.metadata["answer"].str.strip().ne("").all()
    assert [text for text in questions.queries.texts if re.search(r"\bthis (article|passage|text)\b", text)] == []


def test_no_two_questions_share_more_than_a_fifth_of_their_five_word_runs(questions: Benchmark) -> None:
    runs = {id: five_word_runs(text) for id, text in zip(questions.queries.ids, questions.queries.texts, strict=True)}
    alike = [
        (a, b)
        for a, b in itertools.combinations(runs, 2)
        if runs[a] and runs[b] and len(runs[a] & runs[b]) > min(len(runs[a]), len(runs[b])) / 5
    ]
    assert alike == []


def test_a_third_of_the_questions_say_most_of_it_in_words_of_their_own(questions: Benchmark) -> None:
    shares = shares_of_words(questions)
    assert sum(share <= 0.4 for share in shares) >= len(shares) / 3
    assert sum(share > 0.5 for share in shares) >= len(shares) / 5


def test_there_is_one_split() -> None:
    with pytest.raises(InputError, match=r"no split 'dev'\. Take split=\"test\""):
        benchmark("wikipedia-questions", split="dev")


def test_an_unknown_benchmark_is_told_the_built_in_ones() -> None:
    with pytest.raises(InputError, match=r"no file .*benchmarks: wikipedia-questions, help"):
        benchmark("wikipedia-qestions")


def test_the_datasheet() -> None:
    sheet = corpora.datasheet("wikipedia-questions")
    for heading in ("# Datasheet: wikipedia-questions", "**What.**", "**How it was made.**", "**Licence.**"):
        assert heading in sheet
    assert "**Known limits.**" in sheet
