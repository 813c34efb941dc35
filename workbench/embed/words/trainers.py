"""gensim's three trainers behind one face: built, asked for their vectors, watched epoch by epoch."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.records import FloatArray, IntArray

__all__ = ["Method", "Trainer", "trainer_version"]

Method = Literal["skip-gram", "cbow", "fasttext"]

_LEARNING_RATE = 0.05  # at first, as in fastText, and in word2vec.c for CBOW; for skip-gram that takes half
_BUCKETS = 200_000  # rows for the pieces of words in fastText; gensim's two million take 800 MB at 100 dimensions


class Trainer:
    """A model of gensim with its vocabulary built and nothing learned.

    Parameters
    ----------
    method
        ``skip-gram``, ``cbow`` or ``fasttext``.
    sentences
        Lists of words, read once here and once in each epoch.
    options
        Keyword arguments of gensim's ``Word2Vec``.
    """

    def __init__(self, method: Method, sentences: Sequence[Sequence[str]], **options: Any) -> None:
        from gensim.models import FastText, Word2Vec

        self._sentences = sentences
        options = {"sg": int(method != "cbow"), "alpha": _LEARNING_RATE, **options}
        self._model = FastText(bucket=_BUCKETS, **options) if method == "fasttext" else Word2Vec(**options)
        self._model.build_vocab(sentences)
        self._pieces = np.array([len(of) for of in getattr(self._model.wv, "buckets_word", None) or []])

    @property
    def words(self) -> list[str]:
        """The words that occur often enough, the most frequent first."""
        return list(self._model.wv.index_to_key)

    @property
    def counts(self) -> IntArray:
        """How often each word occurs, ``(n,)``."""
        return np.array(self._model.wv.expandos["count"], dtype=np.int64)

    @property
    def keep(self) -> NDArray[np.float64]:
        """The probability that an occurrence of each word is not passed over, ``(n,)``: frequent words are thinned."""
        return np.array(self._model.wv.expandos["sample_int"], dtype=np.float64) / 2**32

    @property
    def vectors(self) -> FloatArray:
        """A copy of the words' vectors as they are now, ``(n, d) float32``."""
        if len(self._pieces):
            self._model.wv.adjust_vectors()
        return np.array(self._model.wv.vectors, dtype=np.float32)

    def inputs(self, vectors: FloatArray) -> FloatArray:
        """Those vectors as training multiplies them: fastText divides by the pieces alone, not by pieces and word."""
        if not len(self._pieces):
            return vectors
        return np.asarray(vectors * ((self._pieces + 1) / np.maximum(self._pieces, 1))[:, None], dtype=np.float32)

    @property
    def outputs(self) -> FloatArray:
        """The vectors of words as what is foretold, ``(n, d) float32``; all 0 before training."""
        return np.asarray(self._model.syn1neg)

    def train(self, epochs: int, after: Callable[[int, float], None]) -> None:
        """Read the sentences ``epochs`` times; after each, ``after`` gets its number and the seconds of training."""
        from gensim.models.callbacks import CallbackAny2Vec

        class Watcher(CallbackAny2Vec):  # type: ignore[misc]
            epoch, seconds = 0, 0.0

            def on_epoch_begin(self, _: Any) -> None:
                self.began = time.perf_counter()

            def on_epoch_end(self, _: Any) -> None:
                self.epoch += 1
                self.seconds += time.perf_counter() - self.began
                after(self.epoch, self.seconds)

        examples = self._model.corpus_count
        self._model.train(self._sentences, total_examples=examples, epochs=epochs, callbacks=[Watcher()])


def trainer_version() -> str:
    """The version of gensim."""
    import gensim

    return str(gensim.__version__)
