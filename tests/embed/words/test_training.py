import logging
import math
from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from workbench.embed.words import Trained, train
from workbench.embed.words.trainers import Method, Trainer
from workbench.embed.words.training import _examples, _split, tokenize
from workbench.errors import InputError
from workbench.records import Corpus

METHODS = get_args(Method)
ANIMALS, METALS = ["cat", "dog", "cow", "pig", "hen", "fox"], ["iron", "zinc", "lead", "gold", "tin", "copper"]


def planted(passages: int = 400, seed: int = 0, shuffled: bool = False) -> Corpus:
    """Passages of animals and passages of metals, never mixed; ``shuffled`` deals the same words out anew."""
    random = np.random.default_rng(seed)
    texts = [list(random.choice((ANIMALS, METALS)[row % 2], 12)) for row in range(passages)]
    if shuffled:
        words = random.permutation(np.concatenate(texts)).reshape(passages, 12)
        texts = [list(row) for row in words]
    return Corpus(tuple(map(str, range(passages))), tuple(" ".join(text) for text in texts), name="planted")


def trained(corpus: Corpus | None = None, **options: Any) -> Trained:
    given: dict[str, Any] = {"dimensions": 16, "min_count": 2, "epochs": 12, **options}
    return train(planted() if corpus is None else corpus, **{"keep": False, **given})


@pytest.mark.parametrize("method", METHODS)
def test_words_that_stand_together_come_together(method: Method) -> None:
    found = trained(method=method, watch=["Cat", "gold"])
    assert set(found.vectors.words) == {*ANIMALS, *METALS}
    last = found.neighbours[found.neighbours.epoch == 12]
    assert set(last[(last.word == "cat") & (last["rank"] <= 5)].neighbour) == {*ANIMALS} - {"cat"}
    assert set(last[(last.word == "gold") & (last["rank"] <= 5)].neighbour) == {*METALS} - {"gold"}
    losses = found.history.loss
    assert losses[0] == pytest.approx(6 * math.log(2))  # nothing is foretold yet
    assert losses.iloc[-1] < losses[0] - 1


@pytest.mark.parametrize("method", METHODS)
def test_where_words_stand_together_by_chance_nothing_is_learned(method: Method) -> None:
    """Then all that can be learned is that 1 in 6 is the true one, of words that are about equally frequent."""
    ceiling = math.log(6) + 5 * math.log(6 / 5)
    assert trained(planted(shuffled=True), method=method).history.loss.iloc[-1] == pytest.approx(ceiling, abs=0.03)
    assert trained(method=method).history.loss.iloc[-1] < ceiling - 0.3


def test_the_tables_are_as_described() -> None:
    found = trained(epochs=3, watch=["cat"])
    history, neighbours = found.history, found.neighbours
    assert list(history.columns) == ["epoch", "loss", "seconds", "words"]
    assert list(history.epoch) == [0, 1, 2, 3]
    assert list(history.words) == [0, 4560, 9120, 13680]  # 380 of 400 passages of 12 words
    assert history.seconds[0] == 0
    assert history.seconds.is_monotonic_increasing
    assert list(neighbours.columns) == ["epoch", "word", "rank", "neighbour", "similarity"]
    assert len(neighbours) == 4 * 10
    assert "cat" not in set(neighbours.neighbour)
    last = neighbours[neighbours.epoch == 3]
    assert list(last["rank"]) == list(range(1, 11))
    unit = found.vectors.unit
    for row in last.itertuples():
        cosine = unit[found.vectors.row(row.neighbour)] @ unit[found.vectors.row("cat")]
        assert row.similarity == pytest.approx(float(cosine), abs=1e-5)
    assert last.similarity.is_monotonic_decreasing
    assert list(trained(epochs=1).neighbours.columns) == list(neighbours.columns)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_call_gives_the_same_bits(method: Method) -> None:
    one, two = (trained(method=method, epochs=3, watch=["cat"]) for _ in range(2))
    assert_array_equal(one.vectors.array, two.vectors.array)
    assert one.vectors.model == two.vectors.model
    assert_frame_equal(one.history.drop(columns="seconds"), two.history.drop(columns="seconds"))
    assert_frame_equal(one.neighbours, two.neighbours)
    other = trained(method=method, epochs=3, seed=1)
    assert not np.array_equal(one.vectors.array, other.vectors.array)


def test_watching_changes_nothing() -> None:
    assert_array_equal(trained(epochs=3).vectors.array, trained(epochs=3, watch=["cat"], progress=True).vectors.array)


def test_the_identity_names_method_and_corpus_and_tells_trainings_apart() -> None:
    model = trained(epochs=1).vectors.model
    assert model is not None
    assert (model.name, model.dimensions, model.normalized) == ("skip-gram on planted", 16, False)
    others = [
        trained(epochs=1, **option).vectors.model
        for option in ({"seed": 1}, {"window": 4}, {"negative": 4}, {"min_count": 3}, {"corpus": planted(seed=1)})
    ]
    assert len({model.key, *(other.key for other in others if other)}) == 6


def test_skip_gram_and_fasttext_are_asked_the_same() -> None:
    sentences, kept_out = _split(planted(), seed=3)
    drawn = [
        _examples(Trainer(method, sentences, vector_size=4, seed=3), kept_out, method, window=4, negative=2, seed=3)
        for method in METHODS
    ]
    skip_gram, cbow, fasttext = drawn
    for name in ("given", "told", "noise"):
        assert_array_equal(getattr(skip_gram, name), getattr(fasttext, name))
    assert 0 < len(cbow) < len(skip_gram)
    assert len(skip_gram) > 10
    assert {word for words in kept_out for word in words} == {*ANIMALS, *METALS}
    assert len(sentences) + len(kept_out) == len(planted())


def test_two_workers_train_too() -> None:
    assert trained(workers=2).history.loss.iloc[-1] < 3.5


def test_vectors_of_fasttext_are_composed_as_gensim_composes_them() -> None:
    sentences = [tokenize(text) for text in planted().texts]
    trainer = Trainer("fasttext", sentences, vector_size=8, min_count=1, workers=1, seed=0)
    trainer.train(2, lambda _epoch, _seconds: None)
    kept = trainer._model.wv
    vectors = trainer.vectors
    for row, word in enumerate(trainer.words):
        pieces = kept.vectors_ngrams[kept.buckets_word[row]]
        whole = kept.vectors_vocab[row] + pieces.sum(axis=0)
        assert_allclose(vectors[row], whole / (len(pieces) + 1), atol=1e-6)
        assert_allclose(trainer.inputs(vectors)[row], whole / len(pieces), atol=1e-6)
        assert_allclose(vectors[row], kept[word], atol=1e-6)
    plain = Trainer("cbow", sentences, vector_size=8, seed=0)
    assert_array_equal(plain.inputs(plain.vectors), plain.vectors)


def test_words_are_runs_of_letters_in_lower_case() -> None:
    assert tokenize("Don't panic: Élan vital, 42 naïve_Σ words!") == [
        "don", "t", "panic", "élan", "vital", "naïve", "σ", "words",
    ]  # fmt: skip


def test_the_end_of_a_long_passage_is_read_too() -> None:
    long = "one two " * 5000 + "three four " * 10
    found = trained(Corpus(("a", "b", "c"), (long, long, long)), epochs=1)
    assert {"three", "four"} <= set(found.vectors.words)
    assert found.history.words[1] == 2 * 10_020


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "glove"}, r"no training method 'glove'\. Choose one of 'skip-gram', 'cbow', 'fasttext'"),
        ({"epochs": 0}, r"epochs is 0\. Give at least 1 as epochs"),
        ({"dimensions": -1}, "dimensions is -1"),
        ({"workers": 0}, "workers is 0"),
        ({"seed": -1}, "the seed is -1. Give a number from 0"),
        ({"min_count": 10_000}, "of the 4,560 words of 'planted' to train on, 0 occur 10000 times or more"),
        ({"watch": ["cat", "goldd"]}, r"no word 'goldd' among the 12\. Spelled most alike: 'gold'"),
        ({"watch": "cat"}, r"watch is one string, 'cat'"),
        ({"corpus": Corpus(("a",), ("some words " * 50,))}, "has 1 passages, and one is held out"),
        ({"corpus": Corpus((), ())}, "has 0 passages"),
        (
            {"corpus": Corpus(("a", "b"), ("a b a b", "")), "seed": 1},
            "to train on, 0 occur|no two known words",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trained(**options)


def test_gensim_is_silent_and_its_log_is_as_before(caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    log = logging.getLogger("gensim")
    before = log.level
    trained(epochs=1)
    assert log.level == before
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")
    trained(epochs=1, progress=True)
    assert "training skip-gram" in capsys.readouterr().err
