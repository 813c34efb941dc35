"""The Wikipedia corpus: as many passages as promised, each ending at a sentence end, pleasant to read."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench import corpora, settings
from workbench.corpora.sentences import ends_sentence, split_sentences
from workbench.errors import InputError
from workbench.records import Corpus


@pytest.fixture(scope="module")
def wikipedia() -> Corpus:
    return corpora.load("wikipedia")


def test_its_size(wikipedia: Corpus) -> None:
    words = [len(text.split()) for text in wikipedia.texts]
    assert 4_500 <= len(wikipedia) <= 5_000
    assert 90 <= sum(words) / len(words) <= 105
    assert sum(50 <= n <= 140 for n in words) / len(words) > 0.97
    assert max(words) <= 200


def test_its_metadata(wikipedia: Corpus) -> None:
    table = wikipedia.metadata
    assert list(table.columns) == ["title", "topic", "position", "section"]
    assert table["title"].nunique() == 106
    assert table["topic"].nunique() == 9
    assert (table.groupby("title")["topic"].nunique() == 1).all()
    for title, part in table.groupby("title", sort=False):
        assert part["position"].tolist() == list(range(len(part))), title
    assert not table.isna().any(axis=None)
    assert wikipedia.ids[0] == "Anarchism-0000"
    assert not set(table["section"]) & {"References", "External links", "See also", "Further reading"}


def test_every_passage_ends_at_a_sentence_end(wikipedia: Corpus) -> None:
    assert [t[-60:] for t in wikipedia.texts if not ends_sentence(t)] == []


def test_passages_neither_begin_nor_end_inside_a_sentence(wikipedia: Corpus) -> None:
    """Two passages read on: split together, they fall apart at least where they were parted."""
    table, texts = wikipedia.metadata, wikipedia.texts
    parted = torn = 0
    for row in range(len(texts) - 1):
        if table["title"][row] == table["title"][row + 1]:
            parted += 1
            torn += not set(split_sentences(texts[row + 1])) & set(split_sentences(f"{texts[row]} {texts[row + 1]}"))
    assert parted > 4_000
    assert torn / parted < 0.005  # an open quotation runs on across the cut


@pytest.mark.parametrize(
    "leftover",
    [
        r"\{\{|\}\}|\[\[|\]\]|'''|''(?!')|<ref|</|\{\||\|-|\|\|",
        r"https?://",
        r"\b(File|Image|Category):",
        r"&(nbsp|amp|ndash|lt|gt);",
        r"\(\s*[;,)]|[;,]\s*\)",
        r" ,|,,|;;|\s\.(?=\s[A-Z])",
        r"\b\d+px\b|thumb\|",
        r"[\ue000-\uf8ff\u200b\xa0\n\t]",
        r"(?:is located|situated|found) at\.",
        r":\.$",
    ],
)
def test_no_markup_is_left_over(wikipedia: Corpus, leftover: str) -> None:
    found = [(id, text) for id, text in zip(wikipedia.ids, wikipedia.texts, strict=True) if re.search(leftover, text)]
    assert len(found) <= 2, found[:5]  # the article on ASCII writes of such characters


def test_passages_a_reader_knows(wikipedia: Corpus) -> None:
    lead = wikipedia.texts[wikipedia.row("Albert_Einstein-0000")]
    assert lead.startswith("Albert Einstein (14 March 1879 – 18 April 1955) was a German-born theoretical physicist.")
    assert "E = mc²" in lead
    assert any(
        "At 1,300 miles, Alabama has one of the longest navigable inland waterways" in text for text in wikipedia.texts
    )


def test_the_second_load_is_fast_and_the_same(wikipedia: Corpus) -> None:
    begin = time.perf_counter()
    again = corpora.load("wikipedia")
    assert time.perf_counter() - begin < 2  # 0.05 s when nothing else runs; parsing takes 5 s
    assert again.fingerprint == wikipedia.fingerprint


def test_gensim_is_not_imported(wikipedia: Corpus) -> None:
    code = "import sys; from workbench import corpora; corpora.load('wikipedia'); assert 'gensim' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_its_articles_gensim_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("workbench.corpora.wikipedia._DUMP", "no/such/file.bz2")
    with pytest.raises(InputError, match=r"does not carry its Wikipedia articles\. Run `make setup`\."):
        corpora.load("wikipedia")


def test_the_parsed_file_is_where_caches_live(wikipedia: Corpus) -> None:
    assert list(settings.cache_dir("corpora").glob("wikipedia-*.parquet"))
