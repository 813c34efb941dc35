import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from workbench import settings
from workbench.embed import SentenceEncoder, check_identity, token_stream, token_vectors
from workbench.errors import IdentityError, InputError, ModelError
from workbench.records import Corpus, FloatArray, ModelIdentity


class Words:
    """Every word has a vector that depends on it and on its place; counts the texts it was asked for."""

    def __init__(self, name: str = "words", dimensions: int = 5) -> None:
        self.identity = ModelIdentity(name, "1", dimensions)
        self.asked = 0

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        return [text.split() for text in texts]

    def contextual_vectors(self, texts: Sequence[str]) -> list[FloatArray]:
        self.asked += len(texts)
        return [self._text(text.split()) for text in texts]

    def _text(self, words: list[str]) -> FloatArray:
        rows = [[len(word), place, len(words), ord(word[0]), 1] for place, word in enumerate(words)]
        return np.array(rows, dtype=np.float32).reshape(-1, 5)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


def corpus(n: int = 200, name: str = "texts") -> Corpus:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["red", "green", "blue"], size=size)) for size in random.integers(0, 9, size=n)]
    return Corpus(tuple(f"p{i}" for i in range(n)), tuple(texts), name=name)


def slowly(corpus: Corpus, rows: Sequence[int]) -> tuple[list[str], list[str], list[int], FloatArray]:
    ids, tokens, at, vectors = [], [], [], []
    for row in rows:
        for place, (word, vector) in enumerate(
            zip(corpus.texts[row].split(), Words()._text(corpus.texts[row].split()), strict=True)
        ):
            ids.append(f"p{row}#{place}")
            tokens.append(word)
            at.append(row)
            vectors.append(vector)
    return ids, tokens, at, np.array(vectors)


@pytest.mark.parametrize("cache", [True, False])
def test_every_token_of_every_passage_in_order(cache: bool, home: Path) -> None:
    texts = corpus()
    found = token_vectors(texts, Words(), cache=cache, progress=False)
    ids, tokens, rows, vectors = slowly(texts, range(200))
    assert found.vectors.ids == tuple(ids)
    assert found.tokens == tuple(tokens)
    assert found.rows.tolist() == rows
    assert_array_equal(found.vectors.array, vectors)
    assert len(found) == found.total == len(ids)
    assert isinstance(found.vectors.array, np.memmap) == cache
    assert (home / "cache").exists() == cache


def test_a_part_is_whole_passages_of_all_the_corpus_and_says_of_how_many() -> None:
    texts = corpus()
    found = token_vectors(texts, Words(), most=300, progress=False)
    rows = sorted(set(found.rows.tolist()))
    ids, tokens, _, vectors = slowly(texts, rows)
    assert found.vectors.ids == tuple(ids)
    assert found.tokens == tuple(tokens)
    assert_array_equal(found.vectors.array, vectors)
    assert 280 < len(found) <= 300 < found.total
    assert str(found) == f"{len(found)} of {found.total} tokens"
    assert min(rows) < 40
    assert max(rows) > 160  # from everywhere, not the first ones
    assert token_vectors(texts, Words(), most=10**6, progress=False).total == found.total


def test_it_is_read_once_and_the_whole_serves_the_parts() -> None:
    texts, encoder = corpus(), Words()
    token_vectors(texts, encoder, progress=False)
    assert encoder.asked == 200
    again = token_vectors(texts, encoder, progress=False)
    part = token_vectors(texts, encoder, most=300, progress=False)
    assert encoder.asked == 200
    assert_array_equal(part.vectors.array, again.vectors.array[np.isin(again.rows, part.rows)])
    assert {kept.suffix for kept in settings.cache_dir("tokens").iterdir()} == {".npy", ".lock"}


def test_other_texts_models_and_parts_are_kept_apart() -> None:
    encoder = Words()
    token_vectors(corpus(), encoder, most=300, progress=False)
    first = encoder.asked
    token_vectors(corpus(), encoder, most=310, progress=False)
    assert encoder.asked > first
    other, one = Words("others"), corpus()
    token_vectors(one, other, most=300, progress=False)
    assert other.asked == first
    texts = (*one.texts[:-1], "something else")
    token_vectors(Corpus(one.ids, texts), encoder, progress=False)
    assert len(list(settings.cache_dir("tokens").glob("*.npy"))) == 4


def test_a_run_that_was_killed_goes_on_at_its_last_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, encoder = corpus(), Words()
    ask = encoder.contextual_vectors

    def killed(some: Sequence[str]) -> list[FloatArray]:
        if encoder.asked >= 128:
            raise KeyboardInterrupt
        return ask(some)

    with monkeypatch.context() as patch:
        patch.setattr(encoder, "contextual_vectors", killed)
        with pytest.raises(KeyboardInterrupt):
            token_vectors(texts, encoder, progress=False)
    assert encoder.asked == 128
    found = token_vectors(texts, encoder, progress=False)
    assert encoder.asked == 200
    assert_array_equal(found.vectors.array, slowly(texts, range(200))[3])


def test_what_one_is_reading_the_other_waits_for() -> None:
    texts, first, second = corpus(), Words(), Words()
    ask, begun = first.contextual_vectors, threading.Event()

    def slow(some: Sequence[str]) -> list[FloatArray]:
        begun.set()
        time.sleep(0.1)
        return ask(some)

    first.contextual_vectors = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(token_vectors, texts, first, progress=False)
        assert begun.wait(10)
        two = pool.submit(token_vectors, texts, second, progress=False)
        assert_array_equal(one.result().vectors.array, two.result().vectors.array)
    assert (first.asked, second.asked) == (200, 0)


def test_damaged_files_are_made_anew() -> None:
    texts, encoder = corpus(), Words()
    found = np.array(token_vectors(texts, encoder, progress=False).vectors.array)
    (kept,) = settings.cache_dir("tokens").glob("*.npy")
    for damaged in (kept.read_bytes()[:300], b""):
        kept.write_bytes(damaged)
        assert_array_equal(token_vectors(texts, encoder, progress=False).vectors.array, found)
    assert encoder.asked == 600


def test_what_has_no_vectors_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="2 texts of 'corpus' hold no token"):
        token_vectors(Corpus(("a", "b"), ("", " ")), Words(), progress=False)
    with pytest.raises(InputError, match=r"most=2 tokens hold no whole passage.*3 or more"):
        token_vectors(Corpus(("a",), ("one two three",)), Words(), most=2, progress=False)
    encoder = Words()
    monkeypatch.setattr(encoder, "contextual_vectors", lambda texts: [np.ones((1, 5), np.float32) for _ in texts])
    with pytest.raises(ModelError, match=r"gave 1 vectors for 3 tokens"):
        token_vectors(Corpus(("a",), ("one two three",)), encoder, progress=False)
    monkeypatch.setattr(encoder, "contextual_vectors", lambda texts: [np.full((3, 5), np.nan, np.float32)])
    with pytest.raises(ModelError, match="NaN"):
        token_vectors(Corpus(("a",), ("one two three",)), encoder, progress=False)


TEXTS = ["The bank of the river.", "", "The bank lent money at high interest [SEP] to nobody.", "half \ud800 a pair"]


@pytest.fixture(scope="module")
def encoders() -> dict[str, SentenceEncoder]:
    return {name: SentenceEncoder(backend=name) for name in ("openvino", "torch")}  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_the_bundled_model_gives_its_tokens_in_context(encoders: dict[str, SentenceEncoder], backend: str) -> None:
    encoder = encoders[backend]
    texts = Corpus(tuple("abcd"), tuple(TEXTS))
    found = token_vectors(texts, encoder, cache=False, progress=False)
    assert found.tokens[:6] == ("the", "bank", "of", "the", "river", ".")
    assert "[CLS]" not in found.tokens
    assert 1 not in found.rows  # the empty text
    for row in (0, 2):
        tokens, vectors = encoder.token_vectors(TEXTS[row])
        ours = found.vectors.array[found.rows == row]
        expected = vectors[1:-1]
        if len(expected) != len(ours):  # a special token in the text itself is left out too
            expected = expected[[token != "[SEP]" for token in tokens[1:-1]]]
        cosines = (ours * expected).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosines.min() > 0.999
    banks = found.vectors.array[[i for i, token in enumerate(found.tokens) if token == "bank"]]
    assert len(banks) == 2
    assert not np.allclose(banks[0], banks[1], atol=0.1)
    with pytest.raises(IdentityError):
        check_identity(found.vectors.model, encoder.identity)


def test_both_backends_agree_and_a_truncated_encoder_has_whole_tokens(encoders: dict[str, SentenceEncoder]) -> None:
    texts = Corpus(tuple("abcd"), tuple(TEXTS))
    one, other = (token_vectors(texts, encoder, cache=False, progress=False) for encoder in encoders.values())
    assert one.tokens == other.tokens
    a, b = one.vectors.array, other.vectors.array
    assert_allclose((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1), 1, atol=5e-3)
    short = token_vectors(texts, SentenceEncoder(truncate_dim=64), cache=False, progress=False)
    assert short.vectors.array.shape == one.vectors.array.shape


def test_long_texts_end_where_the_model_stops_reading(encoders: dict[str, SentenceEncoder]) -> None:
    long = Corpus(("a",), ("word " * 600,))
    for encoder in encoders.values():
        found = token_vectors(long, encoder, cache=False, progress=False)
        assert len(found) == found.total == encoder.identity.max_tokens - 2


def test_chunks_are_joined_without_a_second_copy_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_stream, "_PASSAGES_PER_CHUNK", 1)
    texts = corpus(30)  # some chunks are of no token
    found: Any = token_vectors(texts, Words(), progress=False)
    assert_array_equal(found.vectors.array, slowly(texts, range(30))[3])
