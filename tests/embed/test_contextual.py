"""The bundled model, layer by layer: held against its own weights, against the sentence encoder, and by hand."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.embed import SentenceEncoder, TokenAverageEncoder, bundled_model_path, check_identity
from workbench.embed.contextual import ContextualEncoder, find_word
from workbench.errors import IdentityError, InputError, ModelError

RIVER = "She moored the boat at the bank of the river."
MONEY = "He asked the bank for a loan."
BANKS = [RIVER, MONEY, "Bank!", "Between two banks, one bank is steeper than the river's other side ever was."]


@pytest.fixture(scope="module")
def encoder() -> ContextualEncoder:
    return ContextualEncoder()


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    found = load_file(bundled_model_path() / "model.safetensors")
    return {key: value for key, value in found.items() if key.startswith("embeddings")}


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer

    one = Tokenizer.from_file(str(bundled_model_path() / "tokenizer.json"))
    one.no_padding()
    one.no_truncation()
    return one


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def states_by_hand(text: str) -> np.ndarray:
    """Hidden states of one text, ``(layers + 1, tokens, d)``, by transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(bundled_model_path())
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        found = AutoModel.from_pretrained(folder)(**inputs, output_hidden_states=True).hidden_states
    return torch.stack(found)[:, 0].numpy()


def test_the_layers_are_counted_from_the_input(encoder) -> None:
    assert encoder.layers == 6
    assert encoder.word_vectors([MONEY], "bank").shape == (1, 7, 384)
    assert encoder.word_vectors([MONEY], "bank").dtype == np.float32
    assert repr(encoder) == "ContextualEncoder(all-MiniLM-L6-v2, layers 0 to 6, 384-d)"


def test_the_tokens_of_one_text_and_their_vectors_at_every_layer(encoder, tokenizer) -> None:
    tokens, vectors = encoder.token_vectors(RIVER)
    assert tokens == tokenizer.encode(RIVER).tokens
    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    assert_allclose(vectors, states_by_hand(RIVER), atol=1e-5)
    assert_allclose(vectors[:, tokens.index("bank")], encoder.word_vectors([RIVER], "bank")[0], atol=1e-5)


def test_layer_0_is_the_layer_norm_of_word_position_and_segment(encoder, weights, tokenizer) -> None:
    tokens = tokenizer.encode(RIVER).tokens
    at = tokens.index("bank")
    raw = (
        weights["embeddings.word_embeddings.weight"][tokenizer.token_to_id("bank")]
        + weights["embeddings.position_embeddings.weight"][at]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    scaled = (raw - raw.mean()) / np.sqrt(raw.var() + 1e-12)
    expected = scaled * weights["embeddings.LayerNorm.weight"] + weights["embeddings.LayerNorm.bias"]
    assert_allclose(encoder.word_vectors([RIVER], "bank", layers=[0])[0, 0], expected, atol=1e-5)


def test_layer_0_knows_the_position_alone_and_the_last_layer_the_context(encoder) -> None:
    same_place = ["the bank of the river", "the bank lends us money"]
    first, second = encoder.word_vectors(same_place, "bank")
    assert_allclose(first[0], second[0], atol=1e-6)
    assert cosine(first[-1], second[-1]) < 0.9
    moved = encoder.word_vectors(["now the bank of the river"], "bank")[0]
    assert not np.allclose(moved[0], first[0], atol=1e-3)


def test_sub_tokens_are_pooled_by_their_mean(encoder, tokenizer) -> None:
    text = "Their embeddings untangle words."
    tokens = tokenizer.encode(text).tokens
    pieces = [at for at, token in enumerate(tokens) if token in ("em", "##bed", "##ding", "##s")]
    assert len(pieces) == 4, tokens
    by_hand = states_by_hand(text)[:, pieces].mean(axis=1)
    assert_allclose(encoder.word_vectors([text], "Embeddings")[0], by_hand, atol=1e-5)
    start = text.index("embeddings")
    assert_array_equal(
        encoder.word_vectors([text], spans=[(start, start + len("embeddings"))]),
        encoder.word_vectors([text], "embeddings"),
    )
    part = encoder.word_vectors([text], spans=[(start, start + 1)])[0]  # a letter of the first piece
    assert_allclose(part, states_by_hand(text)[:, pieces[0]], atol=1e-5)


def test_a_batch_is_the_same_as_one_by_one_in_the_order_given(encoder) -> None:
    sentences = [*BANKS, *(f"{'so ' * n}the bank" for n in range(40))]
    together = encoder.word_vectors(sentences, "bank")
    for row in (0, 1, 2, 3, 4, 20, 43):
        assert_allclose(together[row], encoder.word_vectors([sentences[row]], "bank")[0], atol=1e-5)
    texts = encoder.every_layer(sentences, poolings=("mean", "cls", "max"))
    for pooling, vectors in texts.items():
        for row in (0, 2, 43):
            alone = encoder.sentence_vectors([sentences[row]], layer=3, pooling=pooling)[0]
            assert_allclose(vectors[3, row], alone, atol=1e-5)


def test_chosen_layers_come_in_the_order_asked_for(encoder) -> None:
    every = encoder.word_vectors(BANKS, ["bank", "loan", "bank", "river"])
    some = encoder.word_vectors(BANKS, ["bank", "loan", "bank", "river"], layers=[6, 0])
    assert_array_equal(some, every[:, [6, 0]])


def test_pooling_is_over_the_tokens_of_the_text_special_ones_too(encoder) -> None:
    texts = [MONEY, "short", "a much longer text that makes the others be padded " * 3]
    found = encoder.every_layer(texts, poolings=("mean", "cls", "max"), normalize=False)
    states = states_by_hand("short")
    assert_allclose(found["mean"][:, 1], states.mean(axis=1), atol=1e-5)
    assert_allclose(found["cls"][:, 1], states[:, 0], atol=1e-5)
    assert_allclose(found["max"][:, 1], states.max(axis=1), atol=1e-5)


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_the_last_layer_by_its_mean_is_the_sentence_encoder(encoder, backend) -> None:
    texts = [*BANKS, "", "naïve café, 東京, 😀", "a long passage " * 200]
    expected = SentenceEncoder(backend=backend).encode(texts)
    found = encoder.sentence_vectors(texts, layer=6)
    assert np.einsum("nd,nd->n", expected, found).min() > 1 - 1e-3
    if backend == "torch":
        assert_allclose(found, expected, atol=1e-5)


def test_vectors_of_layers_and_poolings_never_meet(encoder) -> None:
    identities = {encoder.identity(layer, pooling) for layer in range(7) for pooling in ("mean", "cls", "max")}
    assert len({one.key for one in identities}) == 21
    assert "layer 3 of 6" in str(encoder.identity(3))
    with pytest.raises(IdentityError, match="layer 6"):
        check_identity(encoder.identity(6), SentenceEncoder(backend="torch").identity)
    assert not encoder.identity(6, normalize=False).normalized
    norms = np.linalg.norm(encoder.sentence_vectors([MONEY], layer=2), axis=1)
    assert_allclose(norms, 1, rtol=1e-5)


def test_threads_do_not_disturb_each_other(encoder) -> None:
    texts = ["the bank and " * 2000, "the bank"]  # one is cut, for which the tokenizer's limit goes on and off
    alone = encoder._tokenized(texts)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == alone for found in pool.map(lambda _: encoder._tokenized(texts), range(100)))


def test_no_sentences_have_no_vectors(encoder) -> None:
    assert encoder.word_vectors([], "bank").shape == (0, 7, 384)
    assert encoder.word_vectors([], spans=[]).shape == (0, 7, 384)
    assert encoder.every_layer([])["cls"].shape == (7, 0, 384)
    assert encoder.sentence_vectors([], layer=1).shape == (0, 384)


def test_a_word_that_is_cut_off_is_refused_and_one_before_it_is_not(encoder) -> None:
    long = "so " * 300 + "the bank"
    with pytest.raises(InputError, match=r"'bank' of sentence 2, 'so so .*256 tokens"):
        encoder.word_vectors([MONEY, long], "bank")
    fits = "so " * 253 + "bank and more " * 20  # [CLS], 253 words, the word, [SEP]
    assert encoder.word_vectors([fits], "bank").shape == (1, 7, 384)
    with pytest.raises(InputError, match="256 tokens"):
        encoder.word_vectors(["so " * 254 + "bank"], "bank")
    half = "so " * 252 + "embeddings"  # two of its four pieces are left
    with pytest.raises(InputError, match="'embeddings'"):
        encoder.word_vectors([half], "embeddings")


def test_a_word_that_is_not_there_is_refused_by_its_sentence(encoder) -> None:
    with pytest.raises(InputError, match=r"sentence 2, 'The embankment.*'bank' as a whole word"):
        encoder.word_vectors([MONEY, "The embankment of banks"], "bank")
    with pytest.raises(InputError, match="''"):
        encoder.word_vectors([MONEY], "")


@pytest.mark.parametrize("span", [(3, 3), (-1, 2), (5, 99), (8, 4)])
def test_a_span_outside_its_sentence_is_refused(encoder, span) -> None:
    with pytest.raises(InputError, match="sentence 1"):
        encoder.word_vectors([MONEY], spans=[span])


def test_what_makes_no_sense_is_refused(encoder) -> None:
    with pytest.raises(InputError, match="has no token"):
        encoder.word_vectors(["a  b"], spans=[(1, 3)])
    with pytest.raises(InputError, match="either the words or their spans"):
        encoder.word_vectors([MONEY])
    with pytest.raises(InputError, match="either the words or their spans"):
        encoder.word_vectors([MONEY], "bank", spans=[(0, 2)])
    with pytest.raises(InputError, match="2 words for 1 sentences"):
        encoder.word_vectors([MONEY], ["bank", "loan"])
    with pytest.raises(InputError, match="0 spans for 1 sentences"):
        encoder.word_vectors([MONEY], spans=[])
    with pytest.raises(InputError, match="no layer 7 in all-MiniLM-L6-v2"):
        encoder.word_vectors([MONEY], "bank", layers=[7])
    with pytest.raises(InputError, match="no layer was asked for"):
        encoder.word_vectors([MONEY], "bank", layers=[])
    with pytest.raises(InputError, match="no layer -1"):
        encoder.sentence_vectors([MONEY], layer=-1)
    with pytest.raises(InputError, match="no pooling 'sum'"):
        encoder.every_layer([MONEY], poolings=("sum",))
    with pytest.raises(InputError, match="one string"):
        encoder.word_vectors(MONEY, "bank")
    with pytest.raises(ModelError, match="there is no model"):
        ContextualEncoder("no-such-model")


def test_half_a_surrogate_pair_before_the_word_moves_nothing(encoder) -> None:
    assert_array_equal(
        encoder.word_vectors(["\ud83d\ude00 \ud800 the bank"], "bank"),
        encoder.word_vectors(["😀 \ufffd the bank"], "bank"),
    )


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_word_between_spaces_is_found_in_any_case(before: str, after: str) -> None:
    found = find_word(f"{before} BaNK {after}", "bank")
    assert found is not None
    assert f"{before} BaNK {after}"[slice(*found)].lower() == "bank"


@pytest.mark.parametrize("sentence", ["embankment", "banks", "bank_holiday", "bank2", ""])
def test_a_part_of_a_word_is_not_the_word(sentence: str) -> None:
    assert find_word(sentence, "bank") is None


def test_the_static_average_is_what_layer_0_starts_from(encoder, weights, tokenizer) -> None:
    static = TokenAverageEncoder().encode(["bank"])[0]
    row = weights["embeddings.word_embeddings.weight"][tokenizer.token_to_id("bank")]
    assert_allclose(static, row / np.linalg.norm(row), atol=1e-6)
    layer_0 = encoder.word_vectors([MONEY], "bank", layers=[0])[0, 0]
    assert 0.2 < cosine(static, layer_0) < 0.999  # the position and the LayerNorm are in between


def test_a_model_without_a_transformer_is_refused(tmp_path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bundled_model_path() / "tokenizer.json"))
    static = StaticEmbedding(tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[static], device="cpu").save_pretrained(str(tmp_path / "static"))
    with pytest.raises(ModelError, match="has no transformer"):
        ContextualEncoder(str(tmp_path / "static"))
