"""The real bundled model: equal to the library's, told apart from every other, refused with reasons."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.embed import (
    ModelIdentity,
    SentenceEncoder,
    bundled_model_path,
    check_identity,
    openvino_backend,
    verify_bundled_model,
)
from workbench.embed.identity import folder_revision
from workbench.embed.loading import declared_similarity, locate
from workbench.errors import IdentityError, InputError, ModelError

TEXTS = [
    "How do I reset my password?",
    "I forgot my login credentials",
    "What is the capital of France?",
    "",
    "  spaces around, and a\nline break  ",
    "naïve café, 東京, привет, 😀",
    "a long passage " * 200,
    "<script>alert(1)</script>",
]


@pytest.fixture(scope="module")
def stock() -> np.ndarray:
    """Vectors by sentence-transformers alone."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(bundled_model_path()), device="cpu", local_files_only=True)
    return model.encode(TEXTS)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="module")
def on_torch() -> SentenceEncoder:
    return SentenceEncoder(backend="torch", device="cpu")


def test_default_vectors_are_the_librarys_to_four_nines(encoder, stock):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert (vectors * stock).sum(axis=1).min() >= 0.9999


def test_torch_vectors_are_the_librarys(on_torch, stock):
    np.testing.assert_allclose(on_torch.encode(TEXTS), stock, atol=2e-6)


def test_order_does_not_matter(encoder):
    forward, backward = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])
    assert (forward * backward[::-1]).sum(axis=1).min() >= 0.9999


def test_unit_length(encoder):
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-6)


def test_identity_says_what_the_model_is(encoder, on_torch):
    identity = encoder.identity
    assert (identity.name, identity.dimensions, identity.pooling) == ("all-MiniLM-L6-v2", 384, "mean")
    assert (identity.normalized, identity.max_tokens) == (True, 256)
    assert identity.precision.startswith("openvino-")
    assert on_torch.identity.precision == "torch-float32"
    assert encoder.identity.key != on_torch.identity.key


def test_pooling_by_hand_equals_the_library(on_torch, stock):
    tokens, vectors = on_torch.token_vectors(TEXTS[0])
    assert tokens == ["[CLS]", "how", "do", "i", "reset", "my", "password", "?", "[SEP]"]
    mean = vectors.mean(axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), stock[0], atol=1e-6)


def test_token_vectors_of_both_backends_agree(encoder, on_torch):
    tokens, fast = encoder.token_vectors(TEXTS[1])
    same_tokens, slow = on_torch.token_vectors(TEXTS[1])
    assert tokens == same_tokens
    cosines = (fast * slow).sum(1) / np.linalg.norm(fast, axis=1) / np.linalg.norm(slow, axis=1)
    assert cosines.min() >= 0.999


def test_prompts_change_vector_and_identity(encoder):
    prompted = SentenceEncoder(query_prompt="query: ")
    as_query, as_document = (prompted.encode(["banks"], role=role) for role in ("query", "document"))
    np.testing.assert_allclose(as_document, encoder.encode(["banks"]), atol=1e-3)
    np.testing.assert_allclose(as_query, encoder.encode(["query: banks"]), atol=1e-3)
    assert prompted.identity != encoder.identity
    on_torch = SentenceEncoder(query_prompt="query: ", backend="torch", device="cpu")
    np.testing.assert_allclose(on_torch.encode(["banks"], role="query"), as_query, atol=5e-3)


def test_truncation_keeps_the_first_dimensions_and_unit_length(encoder):
    short = SentenceEncoder(truncate_dim=64)
    kept = encoder.encode(TEXTS)[:, :64]
    np.testing.assert_allclose(short.encode(TEXTS), kept / np.linalg.norm(kept, axis=1, keepdims=True), atol=1e-3)
    assert short.identity.dimensions == 64
    with pytest.raises(ModelError, match="truncate_dim 1000 is outside 1 to 384"):
        SentenceEncoder(truncate_dim=1000)


def test_half_a_surrogate_pair_is_replaced(encoder):
    np.testing.assert_array_equal(encoder.encode(["caf\ud83d bar"]), encoder.encode(["caf\ufffd bar"]))


def test_nothing_to_encode_gives_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one string", "texts is one string, 'one string'"),
        (["fine", 3], "the text 3 is of type int"),
        ([None], "the text None is of type NoneType"),
    ],
    ids=["string", "number", "nothing"],
)
def test_texts_that_are_not_texts(encoder, texts, message):
    with pytest.raises(InputError, match=message):
        encoder.encode(texts)


def test_progress_shows_every_text(encoder, capsys):
    encoder.encode(TEXTS, progress=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().err


def test_a_local_copy_is_another_identity_by_content(tmp_path, encoder):
    copy = tmp_path / "copied-model"
    shutil.copytree(bundled_model_path(), copy)
    again = SentenceEncoder(str(copy))
    assert again.identity.name == "copied-model"
    (copy / "README.md").write_text("another readme", encoding="utf-8")
    assert folder_revision(copy) == again.identity.revision
    (copy / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    assert folder_revision(copy) != again.identity.revision


def test_a_model_that_is_not_here(monkeypatch):
    with pytest.raises(ModelError, match=r"the model 'acme/no-such-model' is not on this machine.*bundled model works"):
        SentenceEncoder("acme/no-such-model")


def test_a_name_that_cannot_be_a_model():
    with pytest.raises(ModelError, match=r"there is no model '\./nowhere'"):
        SentenceEncoder("./nowhere")


def test_pickled_weights_are_not_read(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelError, match=r"has (no \.safetensors weights|only pickled weights)"):
        SentenceEncoder(str(tmp_path))


def test_a_model_folder_that_is_damaged(tmp_path):
    copy = tmp_path / "half"
    shutil.copytree(bundled_model_path(), copy)
    (copy / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceEncoder(str(copy))


def test_the_bundled_model_is_proven_by_its_hash(tmp_path):
    assert verify_bundled_model() == bundled_model_path()
    copy = tmp_path / "model"
    shutil.copytree(bundled_model_path(), copy)
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(5_000_000)
        weights.write(b"\x01")
    with pytest.raises(ModelError, match=r"has SHA-256 .* damaged or replaced\. Run `make setup`"):
        verify_bundled_model(copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        verify_bundled_model(copy)


def test_two_models_never_meet(encoder, on_torch):
    check_identity(encoder.identity, encoder.identity)
    check_identity(None, encoder.identity)
    with pytest.raises(IdentityError, match=r"precision 'torch-float32' against 'openvino-.*same model and settings"):
        check_identity(on_torch.identity, encoder.identity)


def test_identity_key_depends_on_every_field():
    base = ModelIdentity("a", "1", 4)
    changed = [
        ModelIdentity("b", "1", 4),
        ModelIdentity("a", "2", 4),
        ModelIdentity("a", "1", 5),
        ModelIdentity("a", "1", 4, pooling="cls"),
        ModelIdentity("a", "1", 4, normalized=False),
        ModelIdentity("a", "1", 4, query_prompt="q"),
        ModelIdentity("a", "1", 4, document_prompt="d"),
        ModelIdentity("a", "1", 4, max_tokens=9),
        ModelIdentity("a", "1", 4, precision="x"),
    ]
    assert len({base.key, *(identity.key for identity in changed)}) == 10


def test_conversion_is_kept_and_survives_a_killed_one(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    leftover = tmp_path / "cache" / "models" / "converting-dead"
    leftover.mkdir(parents=True)
    (leftover / "model.xml").write_text("<half", encoding="utf-8")
    first = SentenceEncoder().encode(["banks"])
    kept = [path for path in (tmp_path / "cache" / "models").iterdir() if path != leftover]
    assert len(kept) == 1
    assert (kept[0] / "card.json").is_file()
    np.testing.assert_array_equal(SentenceEncoder().encode(["banks"]), first)


LISTENING = """
import os, socket, sys
def heard(*address, **options):
    with open(os.environ["HEARD"], "a") as file:  # a file, since a child process may be the one that asks
        file.write(repr(address))
    raise OSError("nobody is there")
socket.getaddrinfo = heard
socket.socket.connect = heard
"""
CONVERTING = "from workbench.embed import SentenceEncoder; SentenceEncoder().encode(['banks'])"
CHECKING = "from workbench import cli; cli.run(['check'])"


@pytest.mark.parametrize("doing", [CONVERTING, CHECKING], ids=["converting a model", "workbench check"])
def test_nothing_is_sent_anywhere(tmp_path: Path, doing: str):
    heard = tmp_path / "heard"
    home = {"WORKBENCH_HOME": str(tmp_path / "workbench"), "HOME": str(tmp_path / "user"), "HEARD": str(heard)}
    command = [sys.executable, "-c", f"{LISTENING}\n{doing}"]
    subprocess.run(command, env={**os.environ, **home}, capture_output=True, text=True, check=True)
    assert (tmp_path / "workbench" / "cache").is_dir(), "nothing was done"
    assert not heard.exists(), heard.read_text()
    assert not (tmp_path / "user" / "intel").exists(), "statistics were kept for sending"


def copied(folder: Path) -> Path:
    shutil.copytree(bundled_model_path(), folder)
    return folder


def test_a_folder_wins_over_the_bundled_model_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copied(tmp_path / "all-MiniLM-L6-v2")
    assert locate("all-MiniLM-L6-v2").folder == tmp_path / "all-MiniLM-L6-v2"
    assert locate("bundled").folder == bundled_model_path()


def test_one_pickled_part_is_enough_to_refuse_a_model(tmp_path):
    folder = copied(tmp_path / "with-dense")
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelError, match=r"only pickled weights in 2_Dense"):
        SentenceEncoder(str(folder))


def test_every_file_that_a_model_reads_is_in_its_revision(tmp_path):
    folder = copied(tmp_path / "model")
    before = folder_revision(folder)
    (folder / "extra.bin").write_bytes(b"1")
    assert folder_revision(folder) != before


def test_a_conversion_that_computes_something_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    encode = openvino_backend.OpenVinoModel.encode
    monkeypatch.setattr(openvino_backend.OpenVinoModel, "encode", lambda *given: encode(*given)[:, ::-1])
    with pytest.warns(UserWarning, match=r"all-MiniLM-L6-v2 runs on PyTorch.*vectors differ .*cosine"):
        encoder = SentenceEncoder()
    assert encoder.identity.precision == "torch-float32"
    assert list((tmp_path / "home" / "cache" / "models").iterdir()) == []
    with pytest.raises(ModelError, match=r"vectors differ .* Use backend='torch'"):
        SentenceEncoder(backend="openvino")


def test_identity_says_whether_vectors_have_unit_length(encoder):
    assert SentenceEncoder(normalize=False).identity.normalized, "the model's own last stage normalizes"
    assert not SentenceEncoder(normalize=False, truncate_dim=64).identity.normalized


@pytest.mark.parametrize(
    ("options", "message"),
    [({"backend": "onnx"}, "no backend 'onnx'"), ({"backend": "openvino", "device": "cuda"}, "not on 'cuda'")],
    ids=["backend", "device"],
)
def test_options_that_contradict(options, message):
    with pytest.raises(InputError, match=message):
        SentenceEncoder(**options)


def test_a_role_that_is_none(encoder):
    with pytest.raises(InputError, match="no role 'passage'"):
        encoder.encode(["a"], role="passage")


@pytest.mark.parametrize(
    ("said", "metric"),
    [("cosine", "cosine"), ("dot", "dot"), ("euclidean", "euclidean"), ("manhattan", None), (None, None)],
)
def test_the_similarity_is_what_the_models_own_configuration_declares(tmp_path, encoder, said, metric):
    assert encoder.similarity is None  # all-MiniLM-L6-v2 was saved before there was such a field
    folder = copied(tmp_path / "model")
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"similarity_fn_name": said}))
    assert SentenceEncoder(str(folder), backend="torch", device="cpu").similarity == metric


def test_a_similarity_is_declared_nowhere_or_in_a_damaged_file(tmp_path):
    assert declared_similarity(tmp_path) is None
    (tmp_path / "config_sentence_transformers.json").write_text('{"similarity_fn_name": ')
    with pytest.raises(ModelError, match=r"config_sentence_transformers\.json is not readable"):
        declared_similarity(tmp_path)
