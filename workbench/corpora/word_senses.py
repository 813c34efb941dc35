"""The built-in word senses: sentences around words of two senses, and where in each the word stands."""

import re
from typing import Any

from workbench import settings
from workbench.corpora.json_lines import json_lines
from workbench.corpora.rows import Row, corpus_from_rows
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["with_span", "word_senses"]


def word_senses() -> Corpus:
    """Sentences in which a word has one of two senses: what a contextual encoder must tell apart.

    Returns
    -------
    Corpus
        One sentence a text. Metadata: ``word`` (its plain form), ``sense`` (a short gloss), ``form`` (the word as it
        stands in the sentence), ``start`` and ``end`` (characters, from 0, the end excluded:
        ``text[start:end] == form``), ``clue`` (what tells the sense, as the writer judged: ``"plain"``, words of its
        topic; ``"subtle"``, the situation alone; ``"misleading"``, words of the other sense's topic are there too).
        Ids are like ``bank-river-3``.

    Raises
    ------
    InputError
        The file in the data folder was changed and is malformed.
    """
    path = settings.data_dir() / "word-senses" / "senses.jsonl"
    return corpus_from_rows(map(with_span, json_lines(path)), source=path, name="word-senses", text="text", id="id")


def with_span(row: Row) -> dict[str, Any]:
    """A row with the characters, ``start`` to ``end``, at which its ``form`` stands in its ``text`` as a whole word.

    Raises
    ------
    InputError
        The form stands there never or more than once, in capitals or not: which one is meant would not be known.
    """
    text, form = row["text"], row["form"]
    found = [match.span() for match in re.finditer(rf"\b{re.escape(form)}\b", text, re.IGNORECASE)]
    if len(found) != 1 or text[slice(*found[0])] != form:
        raise InputError(
            f"the form {form!r} does not stand exactly once in {text!r}",
            "Write a sentence that has the word once, and as its form what stands there, capitals included.",
        )
    start, end = found[0]
    return {**row, "start": start, "end": end}
