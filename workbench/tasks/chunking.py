"""Documents cut into chunks, by whole sentences or by their structure, each with the place that it came from."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pandas as pd

from workbench.corpora.sentences import split_sentences
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["TokenCounter", "chunk_by_sentences", "chunk_by_structure", "join_passages"]

Span = tuple[int, int]

_BLOCK = re.compile(r"(?:(?!\n\s*\n).)+", re.DOTALL)
_OWN = ("document", "start", "end", "tokens")


class TokenCounter(Protocol):
    """What counts tokens as a model does, such as a ``SentenceEncoder``."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text."""
        ...


def join_passages(
    corpus: Corpus, *, by: str = "title", order: str = "position", section: str | None = "section"
) -> Corpus:
    """Passages of the same document as one text, in the order of their positions.

    Parameters
    ----------
    corpus
        Passages.
    by, order
        Columns of the metadata: which document, and where in it.
    section
        Column that begins a new paragraph, under a Markdown heading, where it changes; None joins by blank lines alone.

    Returns
    -------
    Corpus
        A row for each document, its id being the value of ``by``, in order of first appearance. Every passage is in
        it character for character.

    Raises
    ------
    InputError
        The corpus lacks one of the columns.
    """
    for column in (by, order, *([section] if section else [])):
        if column not in corpus.metadata.columns:
            raise InputError(f"{corpus.name!r} has no column {column!r}", f"It has: {[*corpus.metadata]}.")
    ids, texts = [], []
    for name, rows in corpus.metadata.reset_index(drop=True).groupby(by, sort=False):
        parts: list[str] = []
        last = None
        for row in rows.sort_values(order, kind="stable").index:
            now = rows.loc[row, section] if section else None
            if section and now != last and now:
                parts.append(f"## {now}")
            parts.append(corpus.texts[row])
            last = now
        ids.append(str(name))
        texts.append("\n\n".join(parts))
    return Corpus(tuple(ids), tuple(texts), pd.DataFrame({"title": ids}), f"{corpus.name} documents")


def chunk_by_sentences(documents: Corpus, counter: TokenCounter, *, tokens: int = 128, overlap: int = 0) -> Corpus:
    """Documents as chunks of as many whole sentences as fit.

    A sentence that is longer than a chunk is cut, at the largest boundary that fits (semantic-text-splitter).

    Parameters
    ----------
    documents
        Texts; a blank line or a Markdown heading ends a sentence.
    counter
        Counts tokens: the encoder that will read the chunks.
    tokens
        The most tokens of a chunk, counted sentence by sentence and summed: exact for tokenizers that split at
        white space first, as those of BERT do.
    overlap
        Tokens at a chunk's end that the next one may repeat, in whole sentences; under ``tokens``.

    Returns
    -------
    Corpus
        Ids like ``Anarchism#0003``; the documents' metadata, and ``document`` (id), ``start`` and ``end`` (characters:
        ``text[start:end]`` is the chunk), ``tokens`` (of the chunk as a whole).

    Raises
    ------
    InputError
        ``tokens`` or ``overlap`` is out of range, or a column of the metadata has one of the four names.
    """
    if not 0 <= overlap < max(tokens, 1):
        raise InputError(
            f"an overlap of {overlap:,} tokens does not fit into chunks of {tokens:,}", "Use 0 <= overlap < tokens."
        )
    splitter = _splitter(counter, tokens, 0, markdown=False)

    def cut(text: str) -> Iterator[Span]:
        spans = list(_sentences(text))
        counts = counter.count_tokens([text[start:end] for start, end in spans])
        pieces: list[tuple[Span, int]] = []
        for (start, end), count in zip(spans, counts, strict=True):
            if count <= tokens:
                pieces.append(((start, end), count))
                continue
            parts = [(start + at, start + at + len(part)) for at, part in splitter(text[start:end])]
            pieces += zip(parts, counter.count_tokens([text[a:b] for a, b in parts]), strict=True)
        yield from _packed(pieces, tokens, overlap)

    return _chunks(documents, counter, cut)


def chunk_by_structure(
    documents: Corpus, counter: TokenCounter, *, tokens: int = 128, overlap: int = 0, markdown: bool = True
) -> Corpus:
    """Documents as chunks that end with the largest part that fits: heading, paragraph, sentence, word.

    By semantic-text-splitter, which reads Markdown's headings, lists, tables and code, or plain text's blank lines.

    Parameters
    ----------
    documents, counter, tokens, overlap
        As of :func:`chunk_by_sentences`; here ``tokens`` holds for each chunk as a whole.
    markdown
        Whether the texts are Markdown.

    Returns
    -------
    Corpus
        As :func:`chunk_by_sentences` gives it.

    Raises
    ------
    InputError
        ``tokens`` or ``overlap`` is out of range, or a column of the metadata has a name that chunks need.
    """
    if not 0 <= overlap < max(tokens, 1):
        raise InputError(
            f"an overlap of {overlap:,} tokens does not fit into chunks of {tokens:,}", "Use 0 <= overlap < tokens."
        )
    splitter = _splitter(counter, tokens, overlap, markdown=markdown)
    return _chunks(documents, counter, lambda text: ((at, at + len(part)) for at, part in splitter(text)))


def _splitter(
    counter: TokenCounter, tokens: int, overlap: int, *, markdown: bool
) -> Callable[[str], list[tuple[int, str]]]:
    if tokens < 1:
        raise InputError(f"chunks of {tokens:,} tokens hold nothing", "Use tokens=128, or as many as the model reads.")
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    kind = MarkdownSplitter if markdown else TextSplitter
    return kind.from_callback(lambda text: counter.count_tokens([text])[0], tokens, overlap).chunk_indices


def _sentences(text: str) -> Iterator[Span]:
    """Where each sentence begins and ends; blocks are parted by blank lines."""
    for block in _BLOCK.finditer(text):
        words = [(word.start() + block.start(), word.end() + block.start()) for word in re.finditer(r"\S+", block[0])]
        at = 0
        for sentence in split_sentences(block[0]):
            length = len(sentence.split())
            yield words[at][0], words[at + length - 1][1]
            at += length


def _packed(pieces: Sequence[tuple[Span, int]], tokens: int, overlap: int) -> Iterator[Span]:
    """Spans of as many pieces as fit; each begins with what the overlap has room for of the one before."""
    start = 0
    while start < len(pieces):
        end, total = start, 0
        while end < len(pieces) and (end == start or total + pieces[end][1] <= tokens):
            total += pieces[end][1]
            end += 1
        yield pieces[start][0][0], pieces[end - 1][0][1]
        if end == len(pieces):
            return
        repeated, room = end, min(overlap, tokens - pieces[end][1])
        while repeated - 1 > start and pieces[repeated - 1][1] <= room:
            repeated -= 1
            room -= pieces[repeated][1]
        start = repeated


def _chunks(documents: Corpus, counter: TokenCounter, cut: Callable[[str], Iterator[Span]]) -> Corpus:
    if taken := [name for name in _OWN if name in documents.metadata.columns]:
        raise InputError(f"the documents have a column {taken[0]!r}, which chunks need", "Rename it.")
    ids, texts, places, rows = [], [], [], []
    for row, (id, text) in enumerate(zip(documents.ids, documents.texts, strict=True)):
        for number, (start, end) in enumerate(cut(text)):
            ids.append(f"{id}#{number:04d}")
            texts.append(text[start:end])
            places.append((id, start, end))
            rows.append(row)
    table = documents.metadata.iloc[rows].reset_index(drop=True)
    for place, column in enumerate(("document", "start", "end")):
        table[column] = [one[place] for one in places]
    table["tokens"] = counter.count_tokens(texts)
    return Corpus(tuple(ids), tuple(texts), table, f"chunks of {documents.name}")
