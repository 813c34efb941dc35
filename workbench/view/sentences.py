"""Sentences of one word as a person types them: a line each, its sense before a bar, the word found in it."""

from dataclasses import dataclass

from workbench.embed.contextual import Span, find_word
from workbench.errors import InputError
from workbench.markup import shorten
from workbench.records import Corpus

__all__ = ["Occurrence", "WordSentences"]

_MOST = 100  # sentences, of which a heat map still shows each
_BAR = " | "  # between a sense and its sentence


@dataclass(frozen=True)
class Occurrence:
    """A word where it stands: the number of its sentence from 1, its sense or "", the sentence and the word's span."""

    number: int
    sense: str
    sentence: str
    span: Span

    @property
    def parts(self) -> tuple[str, str, str]:
        """The sentence before the word, the word, and the sentence after it."""
        start, end = self.span
        return self.sentence[:start], self.sentence[start:end], self.sentence[end:]


class WordSentences:
    """The words of a corpus, their sentences as lines of text, and lines of text as occurrences.

    Parameters
    ----------
    corpus
        Sentences with ``word``, ``sense``, ``start`` and ``end`` in the metadata.

    Raises
    ------
    InputError
        A column is missing, or there are no sentences.
    """

    def __init__(self, corpus: Corpus) -> None:
        missing = [name for name in ("word", "sense", "start", "end") if name not in corpus.metadata]
        if missing or not len(corpus):
            what = f"no column {missing[0]!r}" if missing else "no sentences"
            raise InputError(f"{corpus.name!r} has {what}", "Take corpora.load('word-senses') as the model of yours.")
        self._corpus = corpus
        self._rows: dict[str, list[int]] = {}
        for row, word in enumerate(corpus.metadata["word"]):
            self._rows.setdefault(str(word), []).append(row)

    @property
    def words(self) -> list[str]:
        """The words of the corpus, in its order."""
        return list(self._rows)

    def lines(self, word: str) -> str:
        """A word's sentences of the corpus, one a line, each with its sense before a bar."""
        senses = self._corpus.metadata["sense"]
        return "\n".join(f"{senses.iloc[row]}{_BAR}{_one_line(self._corpus.texts[row])}" for row in self._rows[word])

    def read(self, word: str, lines: str) -> list[Occurrence]:
        """The word in each line that is not blank: where the corpus says, else the word or a form it has there.

        Raises
        ------
        InputError
            No word, fewer than two sentences or more than a hundred, or a sentence without the word, by its number.
        """
        word = _one_line(word)
        written = [line.strip() for line in lines.splitlines() if line.strip()]
        if not word:
            raise InputError("there is no word to look for", "Type one.")
        if not 2 <= len(written) <= _MOST:
            many = f"{len(written):,} sentence{'' if len(written) == 1 else 's'}"
            raise InputError(f"{many} cannot be compared here", f"Write 2 to {_MOST}, one a line.")
        places = self._places(word)
        forms = list(dict.fromkeys([word, *(text[slice(*span)] for text, span in places.items())]))
        return [_occurrence(line, number, word, forms, places) for number, line in enumerate(written, start=1)]

    def _places(self, word: str) -> dict[str, Span]:
        """Sentence of the corpus -> where this word stands in it, in whatever form."""
        data, texts = self._corpus.metadata, self._corpus.texts
        return {
            texts[row]: (int(data["start"].iloc[row]), int(data["end"].iloc[row])) for row in self._rows.get(word, ())
        }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _occurrence(line: str, number: int, word: str, forms: list[str], places: dict[str, Span]) -> Occurrence:
    sense, bar, after = line.partition(_BAR)
    sense, sentence = (_one_line(sense), after.strip()) if bar else ("", line)
    spans = (places.get(sentence), *(find_word(sentence, form) for form in forms))
    span = next((one for one in spans if one is not None), None)
    if span is None:
        raise InputError(
            f"sentence {number:,}, {shorten(sentence, 60)!r}, does not have {word!r} as a whole word",
            "Write the word as it stands there, or another sentence.",
        )
    return Occurrence(number, sense, sentence, span)
