"""Telling the senses of a word apart: how often its vectors do, at which layer, and what the topic alone achieves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from workbench.corpora import as_vectors_array
from workbench.embed import SentenceEncoder, TokenAverageEncoder
from workbench.errors import InputError
from workbench.intervals import Interval, mean_interval
from workbench.records import Corpus, FloatArray

__all__ = ["SenseAccuracy", "sense_accuracy", "sense_baselines"]

_STARTS = 10  # of k-means; the best of them counts
_TIED = 1e-6  # relative, at the level of float32: what lies closer is one similarity
_MEASURES = ("accuracy", "rand", "within", "between")


@dataclass(frozen=True, eq=False, repr=False)
class SenseAccuracy:
    """How well vectors tell senses apart.

    Parameters
    ----------
    table
        A row for each layer and each baseline: ``name``, ``layer`` (missing for a baseline); ``accuracy`` with ``low``
        and ``high``; ``rand`` with ``rand_low`` and ``rand_high``; ``within`` and ``between``. Every number is the mean
        over the words, and an interval is the 95 % bootstrap over words: sentences of one word are not independent.
        With one word there is no interval (NaN).
    words
        The same for each word, without intervals: ``name``, ``layer``, ``word``, ``sentences``, ``senses``,
        ``accuracy``, ``rand``, ``within``, ``between``.
    sentences
        A row for each sentence and each layer or baseline: ``name``, ``layer``, ``id``, ``word``, ``sense``;
        ``correct``, 1 or 0, or a share where senses tie; ``margin``, by how much the mean cosine with its own sense
        exceeds that with the nearest other one.
    chance
        Accuracy of guessing, in 0..1: the mean over words of one divided by the number of its senses.
    """

    table: pd.DataFrame
    words: pd.DataFrame = field(repr=False)
    sentences: pd.DataFrame = field(repr=False)
    chance: float

    def __repr__(self) -> str:
        best = self.table.iloc[int(self.table["accuracy"].to_numpy().argmax())]
        words = self.words["word"].nunique()
        return (
            f"SenseAccuracy({words:,} words, chance {self.chance:.2f}; best {best['name']}: {best['accuracy']:.3f} "
            f"[{best['low']:.3f}, {best['high']:.3f}])"
        )

    def gain(self, name: str, over: str) -> Interval:
        """Accuracy of one row of ``table`` less that of another, word by word, with its 95 % bootstrap interval.

        With one word there is no interval (NaN).

        Raises
        ------
        InputError
            There is no such row.
        """
        by_word = self.words.pivot_table(index="word", columns="name", values="accuracy", sort=False)
        for one in (name, over):
            if one not in by_word:
                raise InputError(
                    f"nothing here is named {one!r}", f"Take one of: {', '.join(map(str, by_word.columns))}."
                )
        return _over_words((by_word[name] - by_word[over]).to_numpy(dtype=np.float64))


def sense_accuracy(
    vectors: ArrayLike, corpus: Corpus, *, baselines: Mapping[str, ArrayLike] | None = None, seed: int = 0
) -> SenseAccuracy:
    """How often a word's vectors tell its senses apart, layer by layer, with labels and without.

    With labels: each sentence is left out in turn and goes to the sense whose centroid it is nearest to. A centroid is
    the mean of the unit vectors of a sense's other sentences, and near is a large dot product with it: the mean cosine
    with them. The centroid keeps its length and no distance is taken, because a centroid of fewer sentences is noisier:
    by distance or by the cosine with it, the sense that the sentence was taken from would lose for that reason alone.
    Of senses that tie, each gets an equal share. Accuracy falls below chance where a vector says nothing of the sense
    and the sentences were balanced in what it does say, as in the place of the word: the centroids of the senses are
    then alike, and a sentence is missing from that of its own.

    Without labels: k-means on a word's unit vectors, as many clusters as it has senses, the best of ten starts, against
    the senses by the adjusted Rand index: 1 where they are the same, 0 on average for random clusters (Hubert and
    Arabie 1985).

    Parameters
    ----------
    vectors
        ``(n, layers, d)``, as :meth:`ContextualEncoder.word_vectors` has it; ``(n, d)`` is one layer, named layer 0.
    corpus
        Its ``n`` sentences, with ``word`` and ``sense`` in the metadata. Senses of different words are never compared.
    baselines
        Name -> ``(n, d)``: what to hold the layers against, such as :func:`sense_baselines`.
    seed
        Of k-means.

    Raises
    ------
    InputError
        Vectors that are not one for each sentence, no ``word`` or ``sense`` in the metadata, a word of one sense, or a
        sense of one sentence.
    VectorError
        A vector is zero or not finite.
    """
    layered = np.asarray(vectors)
    if layered.ndim == 2:
        layered = layered[:, None]
    if layered.ndim != 3 or not layered.shape[1]:
        raise InputError(f"vectors of shape {layered.shape}", "Pass (n, layers, d), or (n, d) for one layer.")
    words = _words(corpus)
    ways: list[tuple[str, int | None, ArrayLike]] = [
        (f"layer {layer}", layer, layered[:, layer]) for layer in range(layered.shape[1])
    ]
    ways += [(name, None, rows) for name, rows in (baselines or {}).items()]
    per_word, per_sentence = [], []
    for name, layer, rows in ways:
        units = _units(rows, len(corpus), name)
        with threadpool_limits(1):  # of many small tasks, threads make slow ones
            for word, at in words.items():
                senses = corpus.metadata["sense"].iloc[at].astype(str).to_numpy()
                codes, kinds = pd.factorize(senses)
                correct, margin, within, between = _left_out(units[at], codes)
                mine = {"name": name, "layer": layer, "word": word}
                ids = [corpus.ids[row] for row in at]
                per_sentence.append(
                    pd.DataFrame({**mine, "id": ids, "sense": senses, "correct": correct, "margin": margin})
                )
                per_word.append(
                    {
                        **mine, "sentences": len(at), "senses": len(kinds), "accuracy": correct.mean(),
                        "rand": _rand(units[at], codes, seed), "within": within, "between": between,
                    }
                )  # fmt: skip
    by_word = pd.DataFrame(per_word).astype({"layer": "Int64"})
    chance = float((1 / by_word.drop_duplicates("word")["senses"]).mean())
    sentences = pd.concat(per_sentence, ignore_index=True).astype({"layer": "Int64"})
    return SenseAccuracy(_summary(by_word), by_word, sentences, chance)


def sense_baselines(corpus: Corpus, name: str = "bundled") -> dict[str, FloatArray]:
    """What tells senses apart without reading the word in its context: name -> ``(n, d) float32``.

    ``static word vector`` is one vector for each word and must score as chance. ``average of the other words`` is the
    static average of the sentence without the word: its topic. ``whole sentence`` is what the model makes of all of it.

    Parameters
    ----------
    corpus
        Sentences with ``word``, ``start`` and ``end`` in the metadata.
    name
        ``bundled``, a local folder, or a hub id of the model, as for ``SentenceEncoder``.

    Raises
    ------
    InputError
        The metadata lack a column.
    ModelError
        As for ``SentenceEncoder`` and ``TokenAverageEncoder``.
    """
    _require(corpus, "word", "start", "end")
    static = TokenAverageEncoder(name)
    spans = zip(corpus.texts, corpus.metadata["start"], corpus.metadata["end"], strict=True)
    return {
        "static word vector": static.encode([str(word) for word in corpus.metadata["word"]]),
        "average of the other words": static.encode([f"{text[:start]} {text[end:]}" for text, start, end in spans]),
        "whole sentence": SentenceEncoder(name).encode(corpus.texts),
    }


def _require(corpus: Corpus, *columns: str) -> None:
    missing = [column for column in columns if column not in corpus.metadata]
    if missing:
        raise InputError(
            f"the metadata of {corpus.name!r} have no column {missing[0]!r}",
            "Load the corpus 'word-senses', or name the columns of yours in the same way.",
        )


def _words(corpus: Corpus) -> dict[str, NDArray[np.int64]]:
    """Word -> rows of its sentences, every sense with two of them at least."""
    _require(corpus, "word", "sense")
    sizes = corpus.metadata.groupby(["word", "sense"], sort=False, as_index=False).size()
    lone = sizes[sizes["size"] < 2]
    if len(lone):
        raise InputError(
            f"the sense {lone['sense'].iloc[0]!r} of {lone['word'].iloc[0]!r} has one sentence",
            "Two at least are needed: one is left out, and the other says what the sense is like.",
        )
    kinds = sizes["word"].value_counts(sort=False)
    if (kinds < 2).any():
        word = kinds.index[int((kinds < 2).to_numpy().argmax())]
        raise InputError(f"the word {word!r} has one sense", "There is nothing to tell apart; leave it out.")
    groups = corpus.metadata.reset_index(drop=True).groupby("word", sort=False).indices
    if not groups:
        raise InputError(f"{corpus.name!r} has no sentences", "Pass some.")
    return {str(word): np.asarray(rows, dtype=np.int64) for word, rows in groups.items()}


def _units(rows: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """Vectors at unit length, one for each sentence."""
    array = as_vectors_array(rows, "cosine").astype(np.float64)
    if len(array) != n:
        raise InputError(f"{len(array):,} vectors ({name}) for {n:,} sentences", "Pass one for each.")
    units: NDArray[np.float64] = array / np.linalg.norm(array, axis=1, keepdims=True)
    return units


def _left_out(
    units: NDArray[np.float64], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
    """Of one word: correct and margin of each sentence left out, and the mean cosine within and between senses."""
    cosines = units @ units.T
    own = codes[:, None] == np.arange(codes.max() + 1)  # (n, senses)
    others = own.sum(axis=0) - own
    means = (cosines @ own - np.diag(cosines)[:, None] * own) / others
    best = means.max(axis=1, keepdims=True)
    tied = means >= best - _TIED * np.abs(best)
    correct = (tied & own).sum(axis=1) / tied.sum(axis=1)
    margin = means[own] - np.where(own, -np.inf, means).max(axis=1)
    same = codes[:, None] == codes
    pairs = ~np.eye(len(codes), dtype=np.bool_)
    return correct, margin, float(cosines[same & pairs].mean()), float(cosines[~same].mean())


def _rand(units: NDArray[np.float64], codes: NDArray[np.int64], seed: int) -> float:
    """Adjusted Rand index of k-means against the senses; 0 where fewer vectors differ than there are senses."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    k = int(codes.max()) + 1
    if len(np.unique(units.astype(np.float32), axis=0)) < k:
        return 0.0
    found = KMeans(k, n_init=_STARTS, random_state=seed).fit_predict(units)
    return float(adjusted_rand_score(codes, found))


def _summary(by_word: pd.DataFrame) -> pd.DataFrame:
    """Means over words, with intervals of what is claimed."""
    rows = []
    for name, group in by_word.groupby("name", sort=False):
        row = {"name": name, "layer": group["layer"].iloc[0]} | {one: group[one].mean() for one in _MEASURES}
        for measure, prefix in (("accuracy", ""), ("rand", "rand_")):
            found = _over_words(group[measure].to_numpy(dtype=np.float64))
            row |= {f"{prefix}low": found.low, f"{prefix}high": found.high}
        rows.append(row)
    columns = ["name", "layer", "accuracy", "low", "high", "rand", "rand_low", "rand_high", "within", "between"]
    return pd.DataFrame(rows)[columns].astype({"layer": "Int64"})


def _over_words(values: NDArray[np.float64]) -> Interval:
    """Mean over words with its interval; one word says nothing of others, and has none."""
    return mean_interval(values) if len(values) > 1 else Interval(float(values.mean()), np.nan, np.nan)
