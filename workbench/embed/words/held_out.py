"""The loss, by formula: how well word vectors foretell which words stand together in passages held out of training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.records import FloatArray, IntArray

__all__ = ["HeldOut", "draw", "negative_sampling_loss"]

_MOST_PAIRS = 20_000
_NOISE_POWER = 0.75  # Mikolov et al. 2013, section 2.2


@dataclass(frozen=True)
class HeldOut:
    """Examples to foretell, always the same: words that are given, the word that stands with them, and noise.

    ``given`` is ``(m, w) int64`` word rows, padded by -1 to the widest: one word for skip-gram, a window for CBOW.
    ``told`` is ``(m,) int64``, and ``noise`` is ``(m, k) int64``.
    """

    given: IntArray
    told: IntArray
    noise: IntArray

    def __len__(self) -> int:
        return len(self.told)

    def loss(self, inputs: FloatArray, outputs: FloatArray) -> float:
        """Mean loss in nats of input and output vectors, each ``(n, d) float32``."""
        known = self.given >= 0
        counts = known.sum(axis=1, dtype=np.float32)
        means = np.einsum("mwd,mw->md", inputs[self.given], (known / counts[:, None]).astype(np.float32))
        return negative_sampling_loss(means, outputs[self.told], outputs[self.noise])


def negative_sampling_loss(given: FloatArray, told: FloatArray, noise: FloatArray) -> float:
    """Mean of ``-log s(u.v) - sum_i log s(-u_i.v)`` in nats, with ``s`` the logistic function.

    It is equation 4 of Mikolov et al. (2013), "Distributed Representations of Words and Phrases and their
    Compositionality", with its sign turned, the expectation taken over the noise words that are given. Vectors that
    say nothing, all products being 0, score ``(1 + k) ln 2``.

    Parameters
    ----------
    given
        Input vectors ``v``, ``(m, d)``.
    told
        Output vectors ``u`` of the words that stand with them, ``(m, d)``.
    noise
        Output vectors ``u_i`` of the noise words, ``(m, k, d)``.
    """
    true = np.einsum("md,md->m", given, told, dtype=np.float64)
    false = np.einsum("md,mkd->mk", given, noise, dtype=np.float64)
    return float((np.logaddexp(0, -true) + np.logaddexp(0, false).sum(axis=1)).mean())


def draw(
    passages: Sequence[IntArray],
    counts: IntArray,
    keep: NDArray[np.float64],
    *,
    window: int,
    negative: int,
    means: bool,
    random: np.random.Generator,
) -> HeldOut:
    """Draw the examples as training draws its own: frequent words thinned out, each window of 1 to ``window`` words.

    Parameters
    ----------
    passages
        Word rows of each held-out passage, unknown words left out.
    counts
        ``(n,)``: how often each word occurs in training; noise is drawn in proportion to counts to the power 0.75.
    keep
        ``(n,)``: the probability that an occurrence of a word is kept.
    window
        Widest window, in words to either side.
    negative
        Noise words ``k`` for each example.
    means
        Whether the words of a window are given together, as their mean (CBOW), or one by one (skip-gram).
    random
        Where chance comes from.

    Returns
    -------
    HeldOut
        At most 20,000 examples; none where no two known words stand together.
    """
    given: list[list[int]] = []
    told: list[int] = []
    for passage in passages:
        kept = passage[random.random(len(passage)) < keep[passage]].tolist()
        for at, (word, reach) in enumerate(zip(kept, random.integers(1, window + 1, len(kept)), strict=True)):
            around = kept[max(0, at - reach) : at] + kept[at + 1 : at + 1 + reach]
            groups = [around] if means and around else [] if means else [[one] for one in around]
            given += groups
            told += [word] * len(groups)
    chosen = np.sort(random.permutation(len(told))[:_MOST_PAIRS])
    widest = max((len(given[row]) for row in chosen), default=1)
    padded = np.full((len(chosen), widest), -1, dtype=np.int64)
    for to, row in enumerate(chosen):
        padded[to, : len(given[row])] = given[row]
    weights: Any = counts.astype(np.float64) ** _NOISE_POWER
    noise = random.choice(len(counts), (len(chosen), negative), p=weights / weights.sum())
    return HeldOut(padded, np.array(told, dtype=np.int64)[chosen], noise.astype(np.int64))
