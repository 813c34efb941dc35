"""Hits put into another order: for variety, and by a model that reads query and passage together."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench.embed import embed
from workbench.errors import InputError, ModelError
from workbench.geometry import normalize
from workbench.records import Corpus, Vectors
from workbench.tasks import Diverse, Hit, KeywordIndex, Reranked, SemanticIndex

TEXTS = (
    "reset your password",
    "reset your password now",
    "reset your password here",
    "the password of the router",
    "interest rates rise",
)


@pytest.fixture
def dense() -> SemanticIndex:
    corpus, encoder = Corpus(tuple("abcde"), TEXTS), TinyEncoder()
    return SemanticIndex(corpus, embed(corpus, encoder, cache=False, progress=False), encoder)


# variety


def mmr_by_hand(scores: np.ndarray, between: np.ndarray, k: int, trade_off: float) -> list[int]:
    taken = [int(scores.argmax())]
    while len(taken) < k:
        rest = [row for row in range(len(scores)) if row not in taken]
        taken.append(
            max(rest, key=lambda row: trade_off * scores[row] - (1 - trade_off) * max(between[row][t] for t in taken))
        )
    return taken


class Given:
    """A search whose vectors and scores were given."""

    metric = "cosine"

    def __init__(self, array: np.ndarray, query: np.ndarray) -> None:
        self._vectors = Vectors(tuple(map(str, range(len(array)))), array)
        self._scores = array @ query

    def search(self, queries, k=5):
        order = np.argsort(-self._scores)[:k]
        return [[Hit(str(row), float(self._scores[row]), "", {}) for row in order] for _ in queries]

    def vectors_of(self, ids):
        return self._vectors.array[[int(id) for id in ids]]


@pytest.mark.parametrize("trade_off", [0, 0.3, 0.7, 1])
def test_the_order_is_that_of_the_definition(trade_off):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        array = normalize(rng.normal(size=(30, 5)).astype(np.float32))
        given = Given(array, array[0] + 0.3 * array[1])
        hits = Diverse(given, trade_off, depth=30).search(["x"], 12)[0]
        wanted = mmr_by_hand(given._scores, array @ array.T, 12, trade_off)
        assert [int(hit.id) for hit in hits] == wanted


def test_near_duplicates_make_room(dense):
    plain = [hit.id for hit in dense.search(["reset your password"], 3)[0]]
    assert set(plain) == set("abc")
    diverse = Diverse(dense, 0.3).search(["reset your password"], 3)[0]
    assert diverse[0].id == "a"
    assert set("de") & {hit.id for hit in diverse}
    scores = {hit.id: hit.score for hit in dense.search(["reset your password"], 5)[0]}
    assert all(hit.score == scores[hit.id] for hit in diverse)


def test_a_trade_off_of_1_is_the_search_itself(dense):
    queries = ["reset your password", "rates"]
    assert Diverse(dense, 1).search(queries, 5) == dense.search(queries, 5)
    assert len(Diverse(dense).search(queries, 50)[0]) == 5
    assert Diverse(dense).search([], 3) == []


def test_variety_that_cannot_be(dense):
    with pytest.raises(InputError, match="a trade-off of 2 is not within 0 and 1"):
        Diverse(dense, 2)
    with pytest.raises(InputError, match="depth=0 asks for no passage"):
        Diverse(dense, depth=0)
    with pytest.raises(InputError, match="the first 0 hits are none"):
        Diverse(dense).search(["x"], 0)
    given = Given(np.eye(3, dtype=np.float32), np.ones(3))
    given.metric = "euclidean"
    with pytest.raises(InputError, match="goes by euclidean"):
        Diverse(given)


# a cross-encoder


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two small layers with random weights and a head of one score: a real cross-encoder, of no use."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("cross-encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({w for text in TEXTS for w in text.split()})]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(words), num_labels=1, initializer_range=1.0, **shape)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_hits_are_ordered_by_the_model_that_reads_both(dense, cross_encoder):
    from sentence_transformers import CrossEncoder

    queries = ["reset your password", "interest rates"]
    model = CrossEncoder(str(cross_encoder), local_files_only=True)
    reranked = Reranked(dense, str(cross_encoder)).search(queries, 4)
    for query, hits in zip(queries, reranked, strict=True):
        scores = model.predict([(query, text) for text in TEXTS], show_progress_bar=False)
        assert [hit.id for hit in hits] == ["abcde"[row] for row in np.argsort(-scores)[:4]]
        assert [hit.score for hit in hits] == pytest.approx(sorted(scores, reverse=True)[:4], abs=1e-5)
    shallow = Reranked(dense, model, depth=2).search(queries[:1], 2)[0]
    assert {hit.id for hit in shallow} == {hit.id for hit in dense.search(queries[:1], 2)[0]}


def test_nothing_found_stays_nothing(cross_encoder):
    words = KeywordIndex(Corpus(("a",), ("reset your password",)))
    assert Reranked(words, str(cross_encoder)).search(["submarine"], 3) == [[]]


def changed(cross_encoder: Path, folder: Path, **config: object) -> str:
    for path in cross_encoder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    old = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**old, **config}))
    return str(folder)


def test_models_that_are_no_cross_encoder(dense, cross_encoder, tmp_path):
    with pytest.raises(ModelError, match="'bundled' is a BertModel, not a cross-encoder"):
        Reranked(dense, "bundled")
    with pytest.raises(ModelError, match="there is no model 'no-such-model'"):
        Reranked(dense, "no-such-model")
    with pytest.raises(ModelError, match="gives 3 scores to a pair"):
        Reranked(dense, changed(cross_encoder, tmp_path, id2label={"0": "no", "1": "maybe", "2": "yes"}))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"the configuration of .* is not readable"):
        Reranked(dense, str(tmp_path))
    changed(cross_encoder, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match=r"the cross-encoder in .* cannot be loaded"):
        Reranked(dense, str(tmp_path))
