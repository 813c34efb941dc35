"""Word vectors learned from a corpus with gensim: skip-gram, CBOW, fastText, watched epoch by epoch."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from workbench.embed.words.files import identify
from workbench.embed.words.held_out import HeldOut, draw
from workbench.embed.words.kept import Trained, keep_training, kept_path, read_kept
from workbench.embed.words.quiet import quiet_gensim
from workbench.embed.words.static import StaticVectors
from workbench.embed.words.trainers import Method, Trainer, trainer_version
from workbench.errors import InputError
from workbench.records import Corpus, FloatArray

__all__ = ["tokenize", "train"]

_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST = 10_000  # words: gensim leaves out, in silence, what a sentence has beyond
_ONE_IN = 20  # passages is held out
_NEIGHBOURS = 10


def tokenize(text: str) -> list[str]:
    """The words of a text: runs of letters of any script, in lower case; digits and all else divide them.

    So does an accent or a vowel sign that is a character of its own, as in Devanagari or in decomposed Latin letters.
    """
    return _LETTERS.findall(text.lower())


def train(
    corpus: Corpus,
    *,
    method: Method = "skip-gram",
    dimensions: int = 100,
    window: int = 5,
    min_count: int = 5,
    epochs: int = 10,
    negative: int = 5,
    seed: int = 0,
    workers: int = 1,
    watch: Iterable[str] = (),
    keep: bool = True,
    progress: bool = False,
) -> Trained:
    """Learn a vector for each word of a corpus from the words around it, by negative sampling.

    A passage is one sentence to the trainer, its words are those of `tokenize`. One passage in twenty, drawn by the
    seed, is kept out of training for the loss: the mean over the same examples after each epoch of equation 4 of
    Mikolov et al. (2013), see ``held_out``. Its examples are drawn as training draws its own. gensim's own running
    loss is not used: it is a sum in float32 over vectors that change meanwhile, and for fastText it is 0.

    The losses of the epochs of one training compare with each other. So do those of skip-gram and fastText, at equal
    seed, window, min_count and negative: they foretell one word from one other, on the same examples. CBOW foretells
    a word from the mean of a whole window: its loss is of another, easier question. Losses at another ``negative``
    never compare: vectors that say nothing score ``(1 + negative) ln 2``, as all do at epoch 0.

    With one worker the same call gives the same bits on the same machine. With more, threads overwrite each other's
    changes, and no two trainings are equal.

    Parameters
    ----------
    corpus
        Any Corpus of at least two passages.
    method
        ``skip-gram``: a word foretells each word near it. ``cbow``: the mean of the words near it foretells a word.
        ``fasttext``: skip-gram, and a word's vector is the mean of those of its pieces of 3 to 6 letters and its own.
    dimensions
        Length of a vector.
    window
        Words to either side that count as near; the trainer draws 1 to ``window`` anew for each word. A wider one
        takes longer, and gets more out of a small corpus.
    min_count
        Words that occur less often in the passages that are trained on get no vector.
    epochs
        Times that the corpus is read, as the learning rate falls from 0.05 to nearly 0.
    negative
        Noise words for each pair.
    seed
        Of the first vectors, all draws, and the choice of held-out passages.
    workers
        Threads.
    watch
        Words whose neighbours are noted after each epoch.
    keep
        Keep what was learned in the cache, under the corpus and its name, all parameters and gensim's version: the
        same call finds it again at once, with the seconds that it took then. False trains anew and writes nothing.
    progress
        Show a bar of epochs with the loss.

    Raises
    ------
    InputError
        An unknown method; a number below 1; fewer than two passages; too few words that occur ``min_count`` times; a
        watched word that is not among them.
    """
    numbers = {
        "dimensions": dimensions,
        "window": window,
        "min_count": min_count,
        "epochs": epochs,
        "negative": negative,
        "workers": workers,
    }
    _check(method, numbers, seed)
    if isinstance(watch, str):
        raise InputError(f"watch is one string, {watch!r}", f"Pass a list: watch=[{watch!r}].")
    watch = list(watch)
    made_by = {"corpus": corpus.fingerprint, "method": method, "seed": seed, "gensim": trainer_version(), **numbers}
    path = kept_path({**made_by, "name": corpus.name, "watch": watch})
    trained = read_kept(path) if keep else None
    if trained is None:
        trained = _train(corpus, method, seed, made_by, watch, progress, **numbers)
        if keep:
            keep_training(path, trained)
    return trained


def _train(
    corpus: Corpus,
    method: Method,
    seed: int,
    made_by: Mapping[str, object],
    watch: Sequence[str],
    progress: bool,
    *,
    dimensions: int,
    window: int,
    min_count: int,
    epochs: int,
    negative: int,
    workers: int,
) -> Trained:
    """Read the corpus and train, noting loss and neighbours after each epoch."""
    sentences, kept_out = _split(corpus, seed)
    with quiet_gensim():
        trainer = Trainer(
            method,
            sentences,
            vector_size=dimensions,
            window=window,
            min_count=min_count,
            negative=negative,
            seed=seed,
            workers=workers,
        )
        words = trainer.words
        if len(words) < 2:
            total = sum(map(len, sentences))
            raise InputError(
                f"of the {total:,} words of {corpus.name!r} to train on, {len(words)} occur {min_count} times or more",
                "Lower min_count, or take a larger corpus.",
            )
        examples = _examples(trainer, kept_out, method, window, negative, seed)
        watched = _rows(words, trainer.vectors, watch)
        history: list[tuple[int, float, float, int]] = []
        neighbours: list[tuple[int, str, int, str, float]] = []
        read = sum(map(len, sentences))

        with tqdm(total=epochs, desc=f"training {method}", unit="epoch", disable=not progress) as bar:

            def note(epoch: int, seconds: float) -> None:
                vectors = trainer.vectors
                loss = examples.loss(trainer.inputs(vectors), trainer.outputs)
                history.append((epoch, loss, seconds, epoch * read))
                neighbours.extend((epoch, *found) for found in _nearest(words, vectors, watched))
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update(epoch - bar.n)

            note(0, 0.0)
            trainer.train(epochs, note)
    array = trainer.vectors
    identity = identify(f"{method} on {corpus.name}", words, array, json.dumps(made_by, sort_keys=True))
    return Trained(
        StaticVectors(tuple(words), array, identity),
        pd.DataFrame(history, columns=["epoch", "loss", "seconds", "words"]),
        pd.DataFrame(neighbours, columns=["epoch", "word", "rank", "neighbour", "similarity"]),
    )


def _check(method: str, numbers: dict[str, int], seed: int) -> None:
    if method not in get_args(Method):
        listed = ", ".join(map(repr, get_args(Method)))
        raise InputError(f"there is no training method {method!r}", f"Choose one of {listed}.")
    for name, number in numbers.items():
        if number < 1:
            raise InputError(f"{name} is {number}", f"Give at least 1 as {name}.")
    if not 0 <= seed < 2**32 - 1:
        raise InputError(f"the seed is {seed}", "Give a number from 0 to 4,294,967,294.")


def _split(corpus: Corpus, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences to train on, none longer than gensim reads, and the words of the passages that are held out."""
    if len(corpus) < 2:
        raise InputError(
            f"{corpus.name!r} has {len(corpus)} passages, and one is held out of training",
            "Cut the text into passages: one text for each.",
        )
    passages = [tokenize(text) for text in corpus.texts]
    number = max(1, len(passages) // _ONE_IN)
    held_out = set(np.random.default_rng(seed).permutation(len(passages))[:number].tolist())
    read = [passage for row, passage in enumerate(passages) if row not in held_out]
    sentences = [passage[at : at + _LONGEST] for passage in read for at in range(0, len(passage), _LONGEST)]
    return sentences, [passages[row] for row in sorted(held_out)]


def _examples(
    trainer: Trainer, kept_out: list[list[str]], method: Method, window: int, negative: int, seed: int
) -> HeldOut:
    row_of = {word: row for row, word in enumerate(trainer.words)}
    passages = [np.array([row_of[word] for word in words if word in row_of], dtype=np.int64) for words in kept_out]
    examples = draw(
        passages,
        trainer.counts,
        trainer.keep,
        window=window,
        negative=negative,
        means=method == "cbow",
        random=np.random.default_rng(seed),
    )
    if not len(examples):
        raise InputError(
            f"no two known words stand together in the {len(kept_out):,} passages held out of training",
            "Lower min_count, or take a corpus with more or longer passages.",
        )
    return examples


def _rows(words: list[str], vectors: FloatArray, watch: Sequence[str]) -> list[int]:
    """Rows of the watched words."""
    known = StaticVectors(tuple(words), vectors)
    return [known.row(word) for word in watch]


def _nearest(words: list[str], vectors: FloatArray, rows: list[int]) -> Iterator[tuple[str, int, str, float]]:
    """Word, rank, neighbour and cosine of the nearest of each row among all others."""
    if not rows:
        return
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row in rows:
        cosines = unit @ unit[row]
        order = np.argsort(-cosines, kind="stable")
        for rank, other in enumerate(order[order != row][:_NEIGHBOURS], 1):
            yield words[row], rank, words[other], float(cosines[other])
