"""Data stays text: nothing in it becomes a tag, an entity, a formula."""

import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import markup
from workbench.markup import emphasis, escape, plain, shorten


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@given(st.text())
def test_escaped_text_reads_back_as_itself(text: str) -> None:
    reader = read(escape(text))
    assert reader.text == plain(text)
    assert set(reader.tags) <= {"span"}


@given(st.text(alphabet="<>&\"'$\\*`bsciptremg=/ \n"))
def test_emphasis_makes_only_its_own_tags(text: str) -> None:
    assert set(read(emphasis(text)).tags) <= {"p", "br", "strong", "em", "code", "span"}


@pytest.mark.parametrize("tex", ["$x$", "$$x$$", r"\(x\)", r"\[x\]", "5$ and 6$"])
def test_no_delimiter_of_a_formula_stays_beside_its_content(tex: str) -> None:
    inside = escape(tex).replace("<span>$</span>", "").replace("<span>\\</span>", "")
    assert "$" not in inside
    assert "\\" not in inside


def test_emphasis_reads_what_it_looks_like() -> None:
    assert emphasis("a **b** *c* `d*e*`") == "<p>a <strong>b</strong> <em>c</em> <code>d*e*</code></p>"
    assert emphasis("one\ntwo\n\nthree") == "<p>one<br>two</p><p>three</p>"
    assert emphasis("2 * 3 * 4 and <b>") == "<p>2 * 3 * 4 and &lt;b&gt;</p>"


def test_shorten_cuts_at_a_word() -> None:
    assert shorten("one two three", 9) == "one two…"
    assert shorten("  one \n two ", 20) == "one two"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"


def test_plain_drops_exactly_the_control_characters_and_surrogates() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    kept = "".join(c for c in every if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    assert plain(every) == kept


def shorten_all_of_it(text: str, length: int) -> str:
    """The slow, obvious version: clean everything, then cut."""
    line = " ".join(plain(text).split())
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    spaced = cut.rsplit(" ", 1)[0]
    return (spaced if len(spaced) > length // 2 else cut).rstrip(" ,;:.") + "…"


@given(st.text(alphabet="ab \n\t\x00.,\u2003", max_size=200), st.integers(2, 20))
def test_shorten_reads_as_much_as_it_needs(text: str, length: int) -> None:
    assert shorten(text, length) == shorten_all_of_it(text, length)
    assert shorten("\x00 " * 100 + text, length) == shorten_all_of_it(text, length)


def test_shorten_cleans_no_more_of_a_long_text_than_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[int] = []
    monkeypatch.setattr(markup, "plain", lambda value: cleaned.append(len(value)) or value)
    assert shorten("word " * 100_000, 40) == "word word word word word word word…"
    assert cleaned == [80]


@given(st.text(), st.integers(2, 60))
def test_shorten_keeps_to_its_length(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= length
