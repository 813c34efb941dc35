"""Senses told apart: planted ones always, shuffled ones half the time, identical vectors by chance and no better."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from workbench.corpora import load
from workbench.embed.contextual import ContextualEncoder
from workbench.errors import InputError, VectorError
from workbench.records import Corpus
from workbench.tasks import sense_accuracy, sense_baselines

PER_SENSE = 8
BANKS = [
    ("river", "We sat on the bank and watched the river flow."),
    ("river", "The bank was muddy after the flood."),
    ("river", "Ducks nested along the bank of the stream."),
    ("money", "She went to the bank to open an account."),
    ("money", "The bank raised its interest on loans."),
    ("money", "He owes the bank for his mortgage."),
]


def labelled(words: int, senses: int = 2, per_sense: int = PER_SENSE) -> Corpus:
    rows = [(f"w{w}", f"sense {s}") for w in range(words) for s in range(senses) for _ in range(per_sense)]
    frame = pd.DataFrame(rows, columns=["word", "sense"])
    return Corpus(tuple(f"s{i}" for i in range(len(rows))), tuple("text" for _ in rows), frame, "planted")


def banks() -> Corpus:
    frame = pd.DataFrame(
        [("bank", sense, text.index("bank"), text.index("bank") + 4) for sense, text in BANKS],
        columns=["word", "sense", "start", "end"],
    )
    return Corpus(tuple(map(str, range(len(BANKS)))), tuple(text for _, text in BANKS), frame, "banks")


def noise(n: int, d: int = 384, seed: int = 0) -> np.ndarray:
    """Vectors that share a large part and differ by noise, as contextual vectors of one word do."""
    rng = np.random.default_rng(seed)
    return (2 + rng.standard_normal((n, d))).astype(np.float32)


def slow(vectors: np.ndarray, corpus: Corpus) -> list[float]:
    """The leave-one-out accuracy of each sentence, step by step; no ties."""
    frame, correct = corpus.metadata, []
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row in range(len(corpus)):
        scores = {}
        for sense in frame["sense"][frame["word"] == frame["word"][row]].unique():
            same = (frame["word"] == frame["word"][row]) & (frame["sense"] == sense) & (frame.index != row)
            scores[sense] = units[same].mean(axis=0) @ units[row]
        correct.append(float(max(scores, key=scores.get) == frame["sense"][row]))
    return correct


def test_planted_senses_are_told_apart_at_their_layer_alone() -> None:
    corpus = labelled(6)
    directions = np.random.default_rng(1).standard_normal((12, 384))
    planted = noise(len(corpus)) + 2 * np.repeat(directions, PER_SENSE, axis=0).astype(np.float32)
    found = sense_accuracy(np.stack([noise(len(corpus)), planted], axis=1), corpus)
    row = found.table.iloc[1]
    assert row[["name", "layer"]].tolist() == ["layer 1", 1]
    assert row[["accuracy", "low", "high", "rand", "rand_low", "rand_high"]].tolist() == [1.0] * 6
    assert row["within"] > row["between"] + 0.1
    assert (found.sentences.query("layer == 1")["margin"] > 0).all()
    assert found.table.loc[0, "accuracy"] < 0.75
    assert abs(found.table.loc[0, "rand"]) < 0.2
    assert found.gain("layer 1", over="layer 0").low > 0.25
    assert found.chance == 0.5
    assert "6 words, chance 0.50; best layer 1: 1.000 [1.000, 1.000]" in repr(found)


def test_it_is_the_slow_obvious_version() -> None:
    corpus = labelled(5, senses=3, per_sense=4)
    vectors = noise(len(corpus), d=5)
    found = sense_accuracy(vectors, corpus)
    assert found.sentences["correct"].tolist() == slow(vectors, corpus)
    assert found.chance == pytest.approx(1 / 3)
    by_word = found.sentences.groupby("word")["correct"].mean()
    assert_allclose(found.words.set_index("word")["accuracy"], by_word)
    assert found.table.loc[0, "accuracy"] == pytest.approx(by_word.mean())


def test_labels_that_mean_nothing_score_half_where_distances_would_score_next_to_nothing() -> None:
    corpus = labelled(60)
    vectors = noise(len(corpus))
    found = sense_accuracy(vectors, corpus).table.iloc[0]
    assert found["low"] < 0.5 < found["high"]
    assert found["high"] - found["low"] < 0.15
    assert found["rand_low"] < 0.02 and found["rand_high"] < 0.05
    by_distance = []  # the centroid of seven is noisier than that of eight, and so farther from everything
    for start in range(0, len(vectors), 2 * PER_SENSE):
        own, other = vectors[start : start + PER_SENSE], vectors[start + PER_SENSE : start + 2 * PER_SENSE]
        for i, vector in enumerate(own):
            rest = np.delete(own, i, axis=0).mean(axis=0)
            by_distance.append(np.linalg.norm(vector - rest) < np.linalg.norm(vector - other.mean(axis=0)))
    assert np.mean(by_distance) < 0.4


def test_shuffled_senses_of_real_structure_score_half() -> None:
    corpus = labelled(60)
    directions = np.random.default_rng(1).standard_normal((120, 384))
    planted = noise(len(corpus)) + 2 * np.repeat(directions, PER_SENSE, axis=0).astype(np.float32)
    rng = np.random.default_rng(2)
    order = np.concatenate([16 * word + rng.permutation(16) for word in range(60)])
    found = sense_accuracy(planted[order], corpus).table.iloc[0]
    assert found["accuracy"] < 0.6
    assert abs(found["rand"]) < 0.1


def test_balanced_sentences_score_below_chance() -> None:
    corpus = labelled(20)
    places = np.tile(noise(PER_SENSE, seed=3), (40, 1))  # both senses have the same eight vectors, 8 of each of them
    assert sense_accuracy(places, corpus).table.loc[0, "accuracy"] < 0.1


def test_identical_vectors_are_chance_and_not_luck() -> None:
    corpus = labelled(4, senses=3)
    found = sense_accuracy(np.ones((len(corpus), 2, 7), dtype=np.float32), corpus)
    assert_allclose(found.sentences["correct"], 1 / 3)
    assert_allclose(found.table["accuracy"], found.chance)
    assert_allclose(found.table[["rand", "rand_low", "rand_high"]], 0)
    assert_allclose(found.table[["within", "between"]], 1, atol=1e-6)
    assert_allclose(found.sentences["margin"], 0, atol=1e-6)


def test_senses_of_other_words_do_not_count() -> None:
    corpus = labelled(2)
    vectors = np.zeros((len(corpus), 4), dtype=np.float32)
    vectors[:, 3] = 1
    vectors[:PER_SENSE, 0] = 1
    vectors[3 * PER_SENSE :, 0] = 1  # the second sense of the second word looks like the first of the first
    assert sense_accuracy(vectors, corpus).table.loc[0, "accuracy"] == 1.0


def test_rows_of_a_word_need_not_stand_together() -> None:
    corpus = labelled(4)
    vectors = noise(len(corpus), d=6)
    order = np.random.default_rng(5).permutation(len(corpus))
    straight, mixed = sense_accuracy(vectors, corpus), sense_accuracy(vectors[order], corpus.take(order))
    assert (
        mixed.sentences.set_index("id")["correct"].to_dict() == straight.sentences.set_index("id")["correct"].to_dict()
    )
    assert mixed.table.loc[0, "within"] == pytest.approx(straight.table.loc[0, "within"])


def test_one_word_has_no_interval() -> None:
    found = sense_accuracy(noise(16), labelled(1)).table.iloc[0]
    assert 0 <= found["accuracy"] <= 1
    assert found[["low", "high", "rand_low", "rand_high"]].isna().all()
    gain = sense_accuracy(np.stack([noise(16), noise(16, seed=1)], axis=1), labelled(1)).gain("layer 0", over="layer 1")
    assert -1 <= gain.mean <= 1
    assert np.isnan([gain.low, gain.high]).all()


def test_baselines_stand_beside_the_layers_and_the_static_vector_is_chance() -> None:
    corpus, encoder = banks(), ContextualEncoder()
    vectors = encoder.word_vectors(corpus.texts, "bank")
    baselines = sense_baselines(corpus)
    found = sense_accuracy(vectors, corpus, baselines=baselines)
    assert found.table["name"].tolist() == [*(f"layer {i}" for i in range(7)), *baselines]
    assert found.table["layer"].isna().tolist() == [False] * 7 + [True] * 3
    scores = found.table.set_index("name")["accuracy"]
    assert scores["static word vector"] == 0.5
    assert scores["layer 6"] == 1.0
    margins = found.sentences.query("name == 'layer 6'")["margin"]
    assert (margins > 0).all()
    with pytest.raises(InputError, match="nothing here is named 'layer 9'"):
        found.gain("layer 9", over="layer 6")


def test_the_last_layer_tells_more_than_the_topic_and_the_input_tells_nothing() -> None:
    corpus = load("word-senses")
    spans = list(zip(corpus.metadata["start"], corpus.metadata["end"], strict=True))
    vectors = ContextualEncoder().word_vectors(corpus.texts, spans=spans)
    found = sense_accuracy(vectors, corpus, baselines=sense_baselines(corpus))
    scores = found.table.set_index("name")
    assert scores.loc["static word vector", ["accuracy", "low", "high", "rand"]].tolist() == [0.5, 0.5, 0.5, 0.0]
    assert scores.loc["layer 6", "low"] > 0.6 and scores.loc["layer 0", "high"] < 0.6
    assert found.gain("layer 6", over="average of the other words").low > 0.05
    assert scores.loc["layer 6", "rand_low"] > 0.1 > scores.loc["layer 0", "rand_high"]


def test_the_average_of_the_other_words_never_sees_the_word() -> None:
    corpus = banks()
    other = Corpus(
        corpus.ids,
        tuple(text.replace("bank", "harp") for text in corpus.texts),
        corpus.metadata.assign(word="harp"),
        "harps",
    )
    name = "average of the other words"
    assert_allclose(sense_baselines(corpus)[name], sense_baselines(other)[name], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sense": "river"}, "the word 'bank' has one sense"),
        ({"sense": [*"aaaaab"]}, "the sense 'b' of 'bank' has one sentence"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(change, message) -> None:
    corpus = banks()
    changed = Corpus(corpus.ids, corpus.texts, corpus.metadata.assign(**change), "banks")
    with pytest.raises(InputError, match=message):
        sense_accuracy(noise(6), changed)


def test_what_does_not_fit_is_refused() -> None:
    corpus = banks()
    with pytest.raises(InputError, match=r"5 vectors \(layer 0\) for 6 sentences"):
        sense_accuracy(noise(5), corpus)
    with pytest.raises(InputError, match=r"5 vectors \(mine\) for 6 sentences"):
        sense_accuracy(noise(6), corpus, baselines={"mine": noise(5)})
    with pytest.raises(InputError, match=r"vectors of shape \(6,\)"):
        sense_accuracy(np.ones(6, dtype=np.float32), corpus)
    with pytest.raises(VectorError, match="zero"):
        sense_accuracy(np.zeros((6, 4), dtype=np.float32), corpus)
    bare = Corpus(corpus.ids, corpus.texts, corpus.metadata[["word"]], "bare")
    with pytest.raises(InputError, match="'bare' have no column 'sense'"):
        sense_accuracy(noise(6), bare)
    with pytest.raises(InputError, match="no column 'start'"):
        sense_baselines(bare)
    with pytest.raises(InputError, match="has no sentences"):
        sense_accuracy(np.empty((0, 4), dtype=np.float32), corpus.take([]))
