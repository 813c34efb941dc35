"""Phrases are means of tokens of one passage, none reaches into the next, and their text says where they stand."""

import numpy as np
import pytest

from workbench.embed import ModelIdentity, TokenVectors, phrase_vectors
from workbench.errors import InputError
from workbench.records import Vectors

TOKENS = ("play", "##ing", "well", "then", "stop", "go")
ROWS = np.array([3, 3, 3, 3, 8, 9])
ARRAY = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


@pytest.fixture
def tokens() -> TokenVectors:
    vectors = Vectors(tuple("abcdef"), ARRAY, ModelIdentity("tiny", "1", 5, pooling="none", normalized=False))
    return TokenVectors(vectors, TOKENS, ROWS, 6)


def test_every_run_of_whole_words_within_a_passage_is_there_once_and_is_a_mean(tokens) -> None:
    phrases = phrase_vectors(tokens, 3)
    runs = [(2, 1), (3, 1), (4, 1), (5, 1), (0, 2), (2, 2), (0, 3)]  # "play" and "##ing" are one word
    assert list(zip(phrases.starts, phrases.lengths, strict=True)) == runs
    for vector, row, (start, length) in zip(phrases.array, phrases.rows, runs, strict=True):
        np.testing.assert_allclose(vector, ARRAY[start : start + length].mean(axis=0), rtol=1e-6)
        assert row == ROWS[start]


def test_a_text_shows_the_phrase_between_the_tokens_of_its_passage(tokens) -> None:
    said = phrase_vectors(tokens, 3).texts(np.arange(7))
    assert said == [
        "playing [well] then", "playing well [then]", "[stop]", "[go]", "[playing] well then", "playing [well then]",
        "[playing well] then",
    ]  # fmt: skip


def test_what_makes_no_phrase_is_refused(tokens) -> None:
    with pytest.raises(InputError, match="at most 0 tokens"):
        phrase_vectors(tokens, 0)
