from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import BPE, WordPiece

from workbench.embed import bundled_model_path
from workbench.embed.words import StaticVectors, bundled
from workbench.errors import InputError, ModelError, VectorError


def some(words: str = "Queen king queen mango") -> StaticVectors:
    ids = tuple(words.split())
    return StaticVectors(ids, np.arange(1, 1 + 3 * len(ids), dtype=np.float32).reshape(-1, 3))


def test_a_word_is_found_as_written_then_in_any_case() -> None:
    words = some()
    assert [words.row(word) for word in ("queen", "Queen", "QUEEN", "MANGO")] == [2, 0, 0, 3]
    assert "King" in words
    assert "kin" not in words
    assert 3 not in words
    assert_array_equal(words.vector("Mango"), [10, 11, 12])


def test_an_unknown_word_is_told_what_is_spelled_like_it() -> None:
    with pytest.raises(InputError, match=r"there is no word 'quene' among the 4\. Spelled most alike: 'Queen'"):
        some().row("quene")
    with pytest.raises(InputError, match="No known word is spelled like it"):
        some().vector("xx")
    with pytest.raises(InputError, match=r"there is no word 'x{60}'\.\.\. among"):
        some().vector("x" * 100_000)
    assert some().spellings("mangos") == ["mango"]
    assert some().spellings("") == []


def test_its_vectors_at_unit_length() -> None:
    words = some()
    assert words.unit.dtype == np.float32
    assert_allclose(np.linalg.norm(words.unit, axis=1), 1, rtol=1e-6)
    assert_allclose(words.unit[1] * np.linalg.norm(words.array[1]), words.array[1], rtol=1e-6)


def test_words_are_taken_in_the_order_asked_for() -> None:
    few = some().take_words(["MANGO", "king"])
    assert isinstance(few, StaticVectors)
    assert few.words == ("mango", "king")
    assert_array_equal(few.array, some().array[[3, 1]])


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_word_without_a_direction_is_refused(value: float) -> None:
    array = np.ones((3, 2), dtype=np.float32)
    array[1] = value
    with pytest.raises(VectorError, match=r"the vector of the word 'b' \(row 1\) is zero or not finite; 1 are"):
        StaticVectors(("a", "b", "c"), array)


def test_the_bundled_table_holds_whole_words_only() -> None:
    words = bundled()
    assert len(words) == 21_745
    assert words.dimensions == 384
    assert all(word.isascii() and word.isalpha() and word == word.lower() for word in words.words)
    assert {"king", "queen", "kathmandu"} < set(words.words)
    tokenizer = Tokenizer.from_file(str(bundled_model_path() / "tokenizer.json"))
    with safe_open(bundled_model_path() / "model.safetensors", framework="numpy") as tensors:
        table = tensors.get_tensor("embeddings.word_embeddings.weight")
    for word in ("king", "a", words.words[-1]):
        assert_array_equal(words.vector(word), table[tokenizer.token_to_id(word)])
    assert words.model is not None
    assert words.model.dimensions == 384


def test_frequent_words_come_before_rare_ones() -> None:
    words = bundled()
    rows = [words.row(word) for word in ("the", "house", "chemistry", "emirates")]
    assert rows == sorted(rows)


def test_a_model_that_does_not_mark_whole_words_is_refused(tmp_path: Path) -> None:
    Tokenizer(BPE({"a": 0}, [])).save(str(tmp_path / "tokenizer.json"))
    save_file({"embed_tokens.weight": np.ones((1, 4), dtype=np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="does not mark which tokens are whole words"):
        bundled(str(tmp_path))


def test_a_model_without_a_readable_tokenizer_or_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model\.safetensors|no \.safetensors weights"):
        bundled(str(tmp_path))
    save_file({"something.else": np.ones((1, 4), dtype=np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"has no tokenizer\.json"):
        bundled(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"the tokenizer of .* cannot be read"):
        bundled(str(tmp_path))
    Tokenizer(WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"has no table of input tokens.*'word_embeddings.weight', 'embed_tokens"):
        bundled(str(tmp_path))
