"""A page of a map: it opens from disk, fetches nothing, searches, lights, lists, and shows texts as texts."""

import numpy as np
import pandas as pd
import pytest

from tests.browser.lab import Notebook
from workbench.view import write_map_page

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>window.hacked = 1</script> a script",
    "<img src=x onerror='window.hacked = 2'> a picture",
    "costs $5 and $\\LaTeX$ </script><script>window.hacked = 3</script>",
    "<b>bold</b> <a href='https://evil.example'>link</a> مرحبا 🧪",
]
N = 400
WORDS = ["refund", "card", "bank", "delivery", "straße", "résumé"]


def text_of(row: int) -> list[str]:
    """The two words of a text."""
    return [WORDS[row % 6], WORDS[row % 5]]


class MapPage:
    """A person's hands and eyes on one page."""

    def __init__(self, lab, path, **context) -> None:
        self.context = lab.context.browser.new_context(**{"viewport": {"width": 1500, "height": 1000}, **context})
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.watched = Notebook(self.page, lab.shots)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("#map[data-ready]")
        self.url = path.as_uri()

    def search(self, words: str) -> str:
        self.page.fill("#words", words)
        self.page.wait_for_timeout(600)
        return self.page.locator("#told").text_content()

    def rows(self) -> list[int]:
        return self.page.eval_on_selector_all("#found button", "nodes => nodes.map(node => Number(node.dataset.row))")

    def drawn(self, trace: int) -> list[list[float]]:
        """Points of one of the three layers: all, lit, chosen."""
        return self.page.evaluate(
            "trace => { const {x, y} = document.getElementById('map').data[trace];"
            " return Array.from(x, (value, i) => [value, y[i]]); }",
            trace,
        )

    def spot(self, row: int) -> tuple[float, float]:
        return self.page.evaluate(
            """row => {
                const map = document.getElementById('map'), {xaxis, yaxis} = map._fullLayout;
                const box = map.getBoundingClientRect(), {x, y} = map.data[0];
                return [box.x + xaxis._offset + xaxis.d2p(x[row]), box.y + yaxis._offset + yaxis.d2p(y[row])];
            }""",
            row,
        )

    def hover(self, row: int) -> None:
        x, y = self.spot(row)
        self.page.mouse.move(x - 9, y - 6)
        self.page.mouse.move(x, y, steps=5)
        self.page.wait_for_timeout(300)

    def reading(self) -> str:
        return self.page.locator("#reading").inner_text()

    def close(self) -> None:
        self.watched.requests_outside = [url for url in self.watched.requests_outside if url != self.url]
        self.watched.check()
        assert self.page.evaluate("() => window.hacked") is None
        self.context.close()


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    place = rng.normal(size=(5, 2))[rng.integers(0, 5, N)] * 4 + rng.normal(size=(N, 2))
    place[:4] = [[-16, -9], [16, -9], [16, 9], [-16, 9]]  # alone, in the corners
    return place.astype(np.float32)


@pytest.fixture(scope="module")
def written(points, tmp_path_factory):
    texts = [*HOSTILE, *(f"{' and '.join(text_of(row)).title()} {row}" for row in range(4, N))]
    kinds = pd.Series([*(["<i>odd</i> $x$"] * 4), *(f"kind {row % 3}" for row in range(4, N))], name="<u>kind</u>")
    return write_map_page(
        tmp_path_factory.mktemp("page") / "map.html", points, texts, title="Map <script> of $x$",
        titles=[f"T{row} <b>" for row in range(N)], color=kinds,
        statement=[("trustworthiness@15", "0.91", "1 = no point is drawn near that is far in truth"),
                   ("stress", "0.30", "0 = every distance is in proportion")],
    )  # fmt: skip


def test_words_are_found_lit_and_listed(lab, written, points) -> None:
    page = MapPage(lab, written)
    assert page.page.title() == "Map <script> of $x$"
    assert page.page.locator("h1").inner_text() == "Map <script> of $x$"
    assert page.drawn(1) == []
    both = [row for row in range(4, N) if {"refund", "card"} <= set(text_of(row))]
    assert page.search("CARD  refund") == f"{len(both)} of 400 match"
    assert page.rows() == both
    np.testing.assert_allclose(page.drawn(1), points[both])
    marked = page.page.locator("#found li").first.locator("mark").all_text_contents()
    assert sorted({mark.lower() for mark in marked}) == ["card", "refund"]

    page.page.locator("#found button").nth(1).click()
    page.page.wait_for_timeout(400)
    np.testing.assert_allclose(page.drawn(2), points[both[1:2]])
    assert page.reading().startswith(f"T{both[1]} <b>")
    page.watched.shot("page-search")
    page.page.keyboard.press("Escape")
    page.page.wait_for_timeout(400)
    assert (page.page.input_value("#words"), page.rows(), page.drawn(1), page.drawn(2)) == ("", [], [], [])
    assert page.search("e\u0301sume\u0301").startswith("66 of")  # decomposed accents are the same letters
    assert page.search("nowhere") == "0 of 400 match"
    assert page.search("t").endswith("the first 200 are listed")
    page.close()


def test_hostile_texts_stay_texts(lab, written) -> None:
    page = MapPage(lab, written)
    for row, text in enumerate(HOSTILE):
        page.hover(row)
        shown = " ".join(text.split())
        assert shown in " ".join(page.reading().split())
        assert shown[:30] in page.page.locator("#tip").inner_text()
    page.search("script hacked")
    assert page.rows() == [0, 2]
    assert page.page.locator("aside script, aside img, aside a, aside u, aside i").count() == 0
    assert page.page.locator("#legend h2").inner_text() == "<u>kind</u>"
    assert "<i>odd</i> $x$" in page.page.locator("#legend").inner_text()
    page.close()


def test_a_click_keeps_a_point_and_a_legend_entry_lights_its_own(lab, written, points) -> None:
    page = MapPage(lab, written)
    page.hover(2)
    page.page.mouse.down()
    page.page.mouse.up()
    page.page.mouse.move(5, 5)
    page.page.wait_for_timeout(400)
    assert page.reading().startswith("T2 <b>")
    np.testing.assert_allclose(page.drawn(2), points[2:3])
    kind = page.page.locator("#legend button", has_text="kind 1")
    kind.click()
    page.page.wait_for_timeout(400)
    own = [row for row in range(4, N) if row % 3 == 1]
    assert kind.get_attribute("aria-pressed") == "true"
    np.testing.assert_allclose(page.drawn(1), points[own])
    page.search("bank")
    assert page.rows() == [row for row in own if "bank" in text_of(row)]
    page.close()


def test_the_keyboard_does_it_all(lab, written, points) -> None:
    page = MapPage(lab, written)
    page.page.keyboard.press("/")
    page.page.keyboard.type("bank")
    page.page.wait_for_timeout(600)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    page.page.wait_for_timeout(400)
    np.testing.assert_allclose(page.drawn(2), points[page.rows()[1:2]])

    def ranges() -> np.ndarray:
        shown = "() => ['xaxis', 'yaxis'].map(name => document.getElementById('map').layout[name].range)"
        return np.array(page.page.evaluate(shown))

    page.page.locator("#map").focus()
    page.page.keyboard.press("0")
    page.page.wait_for_timeout(300)
    before = ranges()
    page.page.keyboard.press("+")
    page.page.keyboard.press("ArrowRight")
    page.page.wait_for_timeout(300)
    after = ranges()
    np.testing.assert_allclose(np.ptp(after, axis=1), 0.8 * np.ptp(before, axis=1), rtol=1e-4)
    assert after[0].mean() > before[0].mean()
    for _ in range(8):
        page.page.keyboard.press("+")
    page.search("delivery")
    away = page.rows()[0]
    page.page.locator("#found button").first.click()
    page.page.wait_for_timeout(400)
    low, high = ranges().T
    assert ((points[away] > low) & (points[away] < high)).all()
    page.close()


def test_x_and_y_have_one_scale(lab, written) -> None:
    page = MapPage(lab, written)
    scales = page.page.evaluate(
        "() => { const {xaxis: x, yaxis: y} = document.getElementById('map')._fullLayout;"
        " return [x.d2p(1) - x.d2p(0), y.d2p(0) - y.d2p(1)]; }"
    )
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)
    page.close()


@pytest.mark.parametrize(
    ("name", "context"),
    [("dark", {"color_scheme": "dark"}), ("narrow", {"viewport": {"width": 420, "height": 900}})],
    ids=["dark", "narrow"],
)
def test_a_dark_theme_and_a_narrow_window(lab, written, name, context) -> None:
    page = MapPage(lab, written, **context)
    page.search("refund")
    page.page.locator("#found button").first.click()
    page.page.wait_for_timeout(400)
    page.watched.shot(f"page-{name}")
    paper = page.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(17, 20, 24)") == (name == "dark")
    assert page.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    if name == "narrow":
        below = page.page.locator("aside").bounding_box()["y"]
        assert below >= page.page.locator("#map").bounding_box()["y"] + 300
    page.close()


def test_without_webgl_the_map_is_drawn_all_the_same(lab, written) -> None:
    page = MapPage(lab, written)
    page.page.add_init_script(
        "const make = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return /webgl/.test(kind) ? null : make.call(this, kind, ...more); };"
    )
    page.page.reload()
    page.page.wait_for_selector("#map[data-ready]")
    assert page.page.locator("#map .scatterlayer path.point").count() == N
    page.close()
