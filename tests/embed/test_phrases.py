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


def test_every_run_within_a_passage_is_there_once_and_is_a_mean(tokens) -> None:
    phrases = phrase_vectors(tokens, 3)
    runs = [
        (start, length)
        for length in (1, 2, 3)
        for start in range(7 - length)
        if len({*ROWS[start : start + length]}) == 1
    ]
    assert list(zip(phrases.starts, phrases.lengths, strict=True)) == runs and len(phrases) == 6 + 3 + 2
    for vector, row, (start, length) in zip(phrases.array, phrases.rows, runs, strict=True):
        np.testing.assert_allclose(vector, ARRAY[start : start + length].mean(axis=0), rtol=1e-6)
        assert row == ROWS[start]


def test_a_text_shows_the_phrase_between_the_tokens_of_its_passage(tokens) -> None:
    phrases = phrase_vectors(tokens, 2)
    said = dict(
        zip(
            zip(phrases.starts.tolist(), phrases.lengths.tolist(), strict=True),
            phrases.texts(np.arange(len(phrases))),
            strict=True,
        )
    )
    assert said[(0, 2)] == "[playing] well then" and said[(1, 1)] == "play [ing] well then"
    assert said[(2, 2)] == "playing [well then]" and said[(4, 1)] == "[stop]"


def test_one_token_alone_is_the_token(tokens) -> None:
    np.testing.assert_array_equal(phrase_vectors(tokens, 1).array, ARRAY)
    with pytest.raises(InputError, match="at most 0 tokens"):
        phrase_vectors(tokens, 0)
