import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

from workbench.embed import SentenceEncoder, TokenAverageEncoder, bundled_model_path, check_identity, embed
from workbench.errors import IdentityError, InputError, ModelError


@pytest.fixture(scope="module")
def encoder() -> TokenAverageEncoder:
    return TokenAverageEncoder()


def test_a_vector_is_the_mean_of_the_rows_of_its_tokens(encoder: TokenAverageEncoder) -> None:
    from safetensors import safe_open
    from tokenizers import Tokenizer

    folder = bundled_model_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    with safe_open(folder / "model.safetensors", framework="numpy") as tensors:
        table = tensors.get_tensor("embeddings.word_embeddings.weight")
    text = "Reset your password, please: embeddings!"
    rows = [table[tokenizer.token_to_id(token)] for token in tokenizer.encode(text, add_special_tokens=False).tokens]
    mean = np.mean(rows, axis=0)
    assert_allclose(encoder.encode([text])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_order_does_not_matter_and_counts_do(encoder: TokenAverageEncoder) -> None:
    dog, man, twice = encoder.encode(["dog bites man", "man bites dog", "dog bites man man"])
    assert_allclose(dog, man, atol=1e-6)
    assert not np.allclose(dog, twice, atol=1e-3)
    assert_allclose(np.linalg.norm([dog, twice], axis=1), 1, rtol=1e-6)
    long = encoder.encode(["dog " * 1000 + "astronomy"])[0]
    assert not np.allclose(long, encoder.encode(["dog"])[0], atol=1e-6)  # nothing is cut


def test_texts_without_a_known_token_coincide_and_have_a_direction(encoder: TokenAverageEncoder) -> None:
    nothing = encoder.encode(["", "   ", "[CLS] [SEP]", "\U0001f9ff\U0001f9ff", "[UNK]"])
    assert_array_equal(nothing, np.repeat(nothing[:1], 5, axis=0))
    assert_allclose(np.linalg.norm(nothing[0]), 1, rtol=1e-6)
    known = encoder.encode(["dog", "dog \U0001f9ff", "[CLS] dog [SEP]"])
    assert_array_equal(known, np.repeat(known[:1], 3, axis=0))


def test_its_vectors_never_meet_those_of_the_sentence_model(encoder: TokenAverageEncoder) -> None:
    assert encoder.identity.dimensions == 384
    assert "static token average" in encoder.identity.name
    assert encoder.identity.normalized
    with pytest.raises(IdentityError):
        check_identity(encoder.identity, SentenceEncoder().identity)


def test_embed_takes_it_and_hostile_texts(encoder: TokenAverageEncoder) -> None:
    vectors = embed(["half \ud800 a pair", "<script>", "null \x00"], encoder, cache=False, progress=False)
    assert np.isfinite(vectors.array).all()
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize(("texts", "message"), [("one", "one string"), ([1], "of type int")])
def test_what_is_no_list_of_texts_is_refused(encoder: TokenAverageEncoder, texts: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encoder.encode(texts)
    with pytest.raises(InputError, match="no role 'passage'"):
        encoder.encode(["a"], role="passage")  # type: ignore[arg-type]


def test_models_without_the_parts_are_refused(tmp_path: Path) -> None:
    save_file({"layer.weight": np.zeros((2, 2), np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"no tokenizer.json"):
        TokenAverageEncoder(str(tmp_path))
    (tmp_path / "tokenizer.json").write_bytes((bundled_model_path() / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match="no table of input tokens"):
        TokenAverageEncoder(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot be read"):
        TokenAverageEncoder(str(tmp_path))


def test_torch_is_not_loaded() -> None:
    code = "import sys, workbench.embed as e; e.TokenAverageEncoder().encode(['a']); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
