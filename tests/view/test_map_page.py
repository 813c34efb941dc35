"""The map as one page: it holds every text once, states what it cut, and nothing in a corpus becomes markup."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError, StorageError, VectorError
from workbench.view import map_page, write_map_page
from workbench.view.pages import script_json

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)> <!-- <script>",
    "costs $5 and $\\LaTeX$ ${cut}",
    'a "quoted" \\ line\nwith \u2028 breaks &lt; مرحبا 🧪',
]


class Reader(HTMLParser):
    """Elements of a page, and the content of its scripts by id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self._script: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = dict(attrs).get("id") or "" if tag == "script" else None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._script = None


def held(path: Path) -> dict[str, Any]:
    """What the page holds as data."""
    found: dict[str, Any] = json.loads(Reader(path.read_text(encoding="utf-8")).scripts["data"])
    return found


def test_the_page_holds_what_it_was_given(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(4, 2))
    path = write_map_page(tmp_path / "m.html", points, HOSTILE, title="t", titles=["a", "b", "c", "d"])
    data = held(path)
    assert data["texts"] == HOSTILE
    assert data["titles"] == ["a", "b", "c", "d"]
    sent = np.frombuffer(base64.b64decode(data["xy"]), dtype="<f4").reshape(4, 2)
    np.testing.assert_array_equal(sent, points.astype(np.float32))
    assert base64.b64decode(data["codes"]) == bytes(4)
    assert "texts are cut" not in path.read_text()


def test_a_corpus_adds_no_element(tmp_path: Path) -> None:
    def tags(texts: list[str], path: Path) -> list[str]:
        color = pd.Series(texts, name=texts[0])
        statement = [(texts[0], texts[1], texts[2])]
        write_map_page(path, np.eye(4)[:, :2], texts, title=texts[0], titles=texts, color=color, statement=statement)
        page = Reader(path.read_text(encoding="utf-8"))
        fetched = [value for _, given in page.tags for name, value in given.items() if name in ("src", "href")]
        assert fetched == ["data:,"]
        return [tag for tag, _ in page.tags if tag != "span"]  # a dollar sign gets one of its own

    assert tags(HOSTILE, tmp_path / "a.html") == tags(["one", "two", "three", "four"], tmp_path / "b.html")
    page = (tmp_path / "a.html").read_text()
    assert "<title>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "default-src 'none'" in page


def test_a_first_line_that_is_the_title_is_held_once(tmp_path: Path) -> None:
    texts = ["Refunds\nWithin ten days.", "Refunds", "Refunds are slow"]
    data = held(write_map_page(tmp_path / "m.html", np.eye(3)[:, :2], texts, title="t", titles=["Refunds"] * 3))
    assert data["texts"] == ["Within ten days.", "Refunds", "Refunds are slow"]


def test_the_statement_and_the_limits_of_the_page_are_said(tmp_path: Path) -> None:
    page = write_map_page(
        tmp_path / "m.html", np.eye(2), ["a", "b"], title="t", statement=[("trustworthiness@5", "0.91", "1 is best")]
    ).read_text()
    assert re.search(r"<dt>trustworthiness@5</dt><dd class=value>0.91</dd><dd>1 is best</dd>", page)
    assert "does not search by meaning" in page
    assert "not always close in the original space" in page


def test_twenty_thousand_long_texts_stay_under_15_megabytes(tmp_path: Path) -> None:
    n, rng = 20_000, np.random.default_rng(0)
    filler = " ".join(rng.choice(["refund", "card", "naïve", "bank", "“quoted”", "<b>"], 9_000))
    texts = [f"{row} {filler[row : row + 700]}" for row in range(n)]
    texts[7] = "short"
    color = pd.Series(rng.integers(0, 12, n).astype(str), name="topic")
    path = write_map_page(
        tmp_path / "m.html", rng.normal(size=(n, 2)), texts, title="t", titles=[f"Title {row}" for row in range(n)],
        color=color,
    )  # fmt: skip
    assert 14_500_000 < path.stat().st_size < 15_000_000
    data = held(path)
    (length,) = re.findall(r"texts are cut at (\d+) characters: 19,999 of 20,000 are longer", path.read_text())
    assert max(map(len, data["texts"])) == int(length) > 300
    assert data["texts"][7] == "short"
    for text, kept in zip(texts[:50], data["texts"], strict=False):
        assert kept == text or (kept.endswith("…") and text.startswith(kept[:-1]))


@settings(deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=8), st.integers(0, 1500))
def test_texts_are_cut_at_the_largest_length_that_fits(texts: list[str], room: int) -> None:
    def bytes_at(length: int) -> int:
        return len(script_json(map_page._cut(texts, length)).encode("utf-8", "replace"))

    texts = [map_page.plain(text) for text in texts]
    longest = max(map(len, texts))
    found = map_page._fitting(texts, room)
    if found is None:
        assert longest <= 60 or bytes_at(longest) <= room
    else:
        assert 60 <= found < longest
        assert found == 60 or bytes_at(found) <= room
        assert bytes_at(found + 1) > room


def test_texts_that_can_not_be_cut_further_keep_sixty_characters() -> None:
    texts = ["x" * 100, "y" * 40]
    assert map_page._fitting(texts, 10) == 60
    assert map_page._cut(texts, 60) == ["x" * 59 + "…", "y" * 40]
    assert map_page._fitting(["x" * 60], 10) is None


def test_only_a_color_of_its_own_makes_a_legend_entry_a_button(tmp_path: Path) -> None:
    def buttons(values: list[Any]) -> list[str]:
        path = write_map_page(
            tmp_path / "m.html", np.zeros((len(values), 2)), ["x"] * len(values), title="t", color=pd.Series(values)
        )
        codes = base64.b64decode(held(path)["codes"])
        found = [given["data-code"] or "" for tag, given in Reader(path.read_text()).tags if "data-code" in given]
        assert {int(code) for code in found} <= set(codes)
        return found

    assert buttons(["a", "a", "b"]) == ["0", "1"]
    assert buttons(["a", "a", None]) == ["0", "1"]
    assert buttons([f"c{i}" for i in range(12)]) == [str(i) for i in range(10)]
    assert buttons([*(f"c{i}" for i in range(12)), None]) == [str(i) for i in range(9)]
    assert buttons([1.0, 2.0]) == []
    assert buttons([1.0, None]) == ["64"]


def test_what_can_not_be_drawn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.html"
    with pytest.raises(VectorError, match="row 1 holds nan"):
        write_map_page(path, [[0, 0], [0, np.nan]], ["a", "b"], title="t")
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        write_map_page(path, np.zeros((2, 3)), ["a", "b"], title="t")
    with pytest.raises(InputError, match="1 texts for 2 points"):
        write_map_page(path, np.eye(2), ["a"], title="t")
    with pytest.raises(InputError, match="3 titles for 2 points"):
        write_map_page(path, np.eye(2), ["a", "b"], titles=["a", "b", "c"], title="t")
    with pytest.raises(InputError, match="color column has 1"):
        write_map_page(path, np.eye(2), ["a", "b"], color=pd.Series([1]), title="t")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match="No such file"):
        write_map_page(tmp_path / "missing" / "m.html", np.eye(2), ["a", "b"], title="t")
    old = tmp_path / "m.html"
    old.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space left"):
        write_map_page(old, np.eye(2), ["a", "b"], title="t")
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["m.html"]
