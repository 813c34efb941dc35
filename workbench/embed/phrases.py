"""Vectors of phrases: from the tokens of passages, every run of a few of them that cuts no word."""

from dataclasses import dataclass, field

import numpy as np

from workbench.embed.token_stream import TokenVectors
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["PhraseVectors", "phrase_vectors"]

_CONTEXT = 4  # tokens shown on either side


@dataclass(frozen=True, eq=False)
class PhraseVectors:
    """Phrases where they stand: all of one token first, then all of two, in the order of the corpus.

    Attributes
    ----------
    array
        ``(n, d) float32``: the mean of the vectors of a phrase's tokens, which is mean pooling.
    rows
        ``(n,) int64``: the corpus row of each phrase's passage.
    starts, lengths
        ``(n,) int64``: the first token of each phrase among all tokens, and how many it has.
    """

    array: FloatArray = field(repr=False)
    rows: IntArray = field(repr=False)
    starts: IntArray = field(repr=False)
    lengths: IntArray = field(repr=False)
    _tokens: TokenVectors = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def text(self, phrase: int) -> str:
        """A phrase in brackets, between the tokens around it in its passage."""
        begin, end = (int(at) for at in np.searchsorted(self._tokens.rows, self.rows[phrase] + np.array([0, 1])))
        first, after = int(self.starts[phrase]), int(self.starts[phrase] + self.lengths[phrase])
        tokens = self._tokens.tokens
        left = _joined(tokens[max(first - _CONTEXT, begin) : first])
        right = _joined(tokens[after : min(after + _CONTEXT, end)])
        return f"{left} [{_joined(tokens[first:after])}] {right}".strip()

    def texts(self, phrases: IntArray) -> list[str]:
        """:meth:`text` of several."""
        return [self.text(int(phrase)) for phrase in phrases]


def phrase_vectors(tokens: TokenVectors, longest: int = 5) -> PhraseVectors:
    """Vectors of every run of 1 to ``longest`` tokens of whole words within a passage: more than there are tokens.

    Neighbours overlap, as they do wherever long texts are cut into windows: they are near to each other, and lie in
    clumps. Whoever measures with them should say so.

    Parameters
    ----------
    tokens
        Tokens of passages, in order, as ``token_vectors`` gives them.
    longest
        Tokens of the longest phrase.

    Raises
    ------
    InputError
        ``longest`` is below 1.
    """
    if longest < 1:
        raise InputError(f"phrases of at most {longest} tokens", "Ask for 1 or more.")
    array, rows = tokens.vectors.array, tokens.rows
    begins = np.array([not token.startswith("##") for token in tokens.tokens])
    ends = np.append(begins[1:], True)
    starts, lengths, means = [], [], []
    for length in range(1, longest + 1):
        most = len(rows) - length + 1
        first = np.flatnonzero((rows[:most] == rows[length - 1 :]) & begins[:most] & ends[length - 1 :])
        starts.append(first)
        lengths.append(np.full(len(first), length, dtype=np.int64))
        total = array[first].astype(np.float32)
        for step in range(1, length):
            total += array[first + step]
        means.append(total / np.float32(length))
    first = np.concatenate(starts)
    return PhraseVectors(np.concatenate(means), rows[first], first, np.concatenate(lengths), tokens)


def _joined(tokens: tuple[str, ...]) -> str:
    """Tokens as text: ``##ing`` goes on a word."""
    return " ".join(tokens).replace(" ##", "").removeprefix("##")
