"""Where a word stands in a sentence, and which of the model's tokens it is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.embed.sentence import encodable
from workbench.errors import InputError
from workbench.markup import shorten

__all__ = ["Span", "Tokenized", "find_word", "places"]

Span = tuple[int, int]


@dataclass(frozen=True)
class Tokenized:
    """A text as a model reads it.

    Parameters
    ----------
    inputs
        Token ids and what goes with them, cut at the model's limit.
    letters
        Token, by its place in ``inputs`` -> the span of its letters in the text; without special tokens.
    uncut
        The same as if the model had no limit.
    """

    inputs: dict[str, list[int]]
    letters: dict[int, Span]
    uncut: dict[int, Span]

    def __len__(self) -> int:
        return len(self.inputs["input_ids"])

    def tokens_at(self, span: Span, sentence: str, number: int, limit: int) -> list[int]:
        """Places in ``inputs`` of the tokens that share a letter with a span of the sentence.

        Raises
        ------
        InputError
            There is none, or the limit of so many tokens cuts one off; it names the sentence and its number.
        """
        start, end = (len(encodable(sentence[:at])) for at in span)
        kept, all_of_it = (
            [at for at, (first, last) in letters.items() if first < end and last > start]
            for letters in (self.letters, self.uncut)
        )
        word = f"{sentence[slice(*span)]!r} of sentence {number:,}, {shorten(sentence, 60)!r},"
        if not all_of_it:
            raise InputError(f"{word} has no token", "Let the span hold at least one letter or sign.")
        if len(kept) < len(all_of_it):
            raise InputError(
                f"{word} is not within the {limit:,} tokens that the model reads", "Shorten the sentence before it."
            )
        return kept


def find_word(sentence: str, word: str) -> Span | None:
    """Where a word first stands in a sentence as a whole word, in any case, as a slice has it; None where it is not."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sentence, re.IGNORECASE) if word else None
    return found.span() if found else None


def places(sentences: Sequence[str], words: str | Sequence[str] | None, spans: Sequence[Span] | None) -> list[Span]:
    """The span of the word in each sentence, from either of the two ways to say it.

    Raises
    ------
    InputError
        Neither or both are given, or not one for each sentence; a word is not in its sentence, or a span outside.
    """
    if (words is None) == (spans is None):
        raise InputError("either the words or their spans are needed", "Pass words='bank', or spans=[(4, 8), ...].")
    if words is not None:
        each = [words] * len(sentences) if isinstance(words, str) else list(words)
        _one_for_each(each, sentences, "words")
        return [_found(*pair, number) for number, pair in enumerate(zip(sentences, each, strict=True), start=1)]
    given = list(spans or ())
    _one_for_each(given, sentences, "spans")
    return [_within(*pair, number) for number, pair in enumerate(zip(sentences, given, strict=True), start=1)]


def _one_for_each(given: Sequence[object], sentences: Sequence[str], kind: str) -> None:
    if len(given) != len(sentences):
        raise InputError(f"{len(given):,} {kind} for {len(sentences):,} sentences", "Pass one for each.")


def _found(sentence: str, word: str, number: int) -> Span:
    place = find_word(sentence, word)
    if place is None:
        raise InputError(
            f"sentence {number:,}, {shorten(sentence, 60)!r}, does not have {word!r} as a whole word",
            "Write the word as it stands there, or pass its span.",
        )
    return place


def _within(sentence: str, span: Span, number: int) -> Span:
    start, end = int(span[0]), int(span[1])
    if not 0 <= start < end <= len(sentence):
        raise InputError(
            f"the span {start} to {end} is not inside sentence {number:,}, {shorten(sentence, 60)!r}",
            f"Its {len(sentence):,} characters are counted from 0, as a slice counts them.",
        )
    return start, end
