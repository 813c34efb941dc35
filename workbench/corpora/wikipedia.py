"""The built-in Wikipedia corpus: the 106 articles in gensim's package as passages that end at sentence ends."""

import bz2
import hashlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
from tqdm.auto import tqdm

from workbench import settings
from workbench.corpora.parsed_cache import cached_corpus
from workbench.corpora.sentences import split_sentences
from workbench.corpora.shipped import gensim_file
from workbench.records import Corpus

__all__ = ["wikipedia"]

_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_PARSER = "3"  # raise it with every change of what a passage says or where it ends
_WORDS = 95  # a passage's aim
_FEWEST = 45  # words: a section shorter than this is read on into the next one

Sentences = list[tuple[str, str]]  # (section, sentence)


def wikipedia() -> Corpus:
    """Passages of about 100 words from 106 Wikipedia articles of 2016, from Abacus to Azerbaijan.

    Returns
    -------
    Corpus
        Every passage ends at a sentence end. Metadata: ``title`` of the article, its ``topic`` (nine, assigned by
        hand), ``position`` of the passage in it (from 0), ``section`` in which it begins. Ids are like
        ``Anarchism-0012``.

    Raises
    ------
    InputError
        The installed gensim does not carry the articles.
    StorageError
        The cache folder cannot be written.

    Notes
    -----
    Parsed once, then read from the cache. Text: Wikipedia contributors, CC BY-SA 3.0; see ``datasheet("wikipedia")``.
    """
    dump = gensim_file(_DUMP, "its Wikipedia articles")
    topics = settings.data_dir() / "wikipedia" / "topics.tsv"
    key = f"{hashlib.sha256(dump.read_bytes() + topics.read_bytes()).hexdigest()[:16]}-v{_PARSER}"
    return cached_corpus("wikipedia", key, lambda: _parse(dump, topics))


def _parse(dump: Path, topics: Path) -> Corpus:
    from workbench.corpora.wikitext import sections

    topic_of = pd.read_csv(topics, sep="\t", index_col="title", keep_default_na=False)["topic"]
    rows = []
    for title, markup in tqdm(_articles(dump), desc="Reading Wikipedia", total=106, unit="article", leave=False):
        whole = [
            [(section.heading, sentence) for paragraph in section.paragraphs for sentence in split_sentences(paragraph)]
            for section in sections(markup)
        ]
        for position, (section, text) in enumerate(_passages(whole)):
            rows.append((f"{title.replace(' ', '_')}-{position:04d}", text, title, topic_of[title], position, section))
    table = pd.DataFrame(rows, columns=["id", "text", "title", "topic", "position", "section"])
    return Corpus(tuple(table.pop("id")), tuple(table.pop("text")), table, "wikipedia")


def _articles(dump: Path) -> Iterator[tuple[str, str]]:
    """Title and markup of every article, redirects left out, streamed from the compressed dump."""
    with bz2.open(dump) as stream:
        for _, page in ElementTree.iterparse(stream):
            if page.tag.endswith("}page"):
                if page.find("{*}redirect") is None and page.findtext("{*}ns") == "0":
                    yield page.findtext("{*}title") or "", page.findtext("{*}revision/{*}text") or ""
                page.clear()


def _passages(article: list[Sentences]) -> Iterator[tuple[str, str]]:
    """Section and text of each passage: whole sentences, sections kept apart unless they are very short."""
    groups: list[Sentences] = []
    for section in article:
        if groups and _length(groups[-1]) < _FEWEST:
            groups[-1].extend(section)
        else:
            groups.append(list(section))
    if len(groups) > 1 and _length(groups[-1]) < _FEWEST:
        last = groups.pop()
        groups[-1].extend(last)
    for group in groups:
        yield from _evenly_cut(group)


def _evenly_cut(sentences: Sentences) -> Iterator[tuple[str, str]]:
    """Cut where the words so far come nearest to equal parts of about 95 words."""
    total = _length(sentences)
    parts = max(1, round(total / _WORDS))
    begin = 0
    counts = [len(text.split()) for _, text in sentences]
    so_far = [sum(counts[: i + 1]) for i in range(len(counts))]
    for part in range(1, parts + 1):
        aim = total * part / parts
        end = min(range(len(counts)), key=lambda i: abs(so_far[i] - aim)) + 1
        if end > begin:
            yield sentences[begin][0], " ".join(text for _, text in sentences[begin:end])
            begin = end


def _length(sentences: Sentences) -> int:
    return sum(len(text.split()) for _, text in sentences)
