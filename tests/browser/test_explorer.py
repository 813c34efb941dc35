"""The explorer under a person's hands: a real JupyterLab, a real browser, a corpus that tries to break out."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]

SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import numpy as np, pandas as pd
from tests.tiny_encoder import TinyEncoder
from workbench import view
from workbench.interview import predict
from workbench.records import Corpus, Vectors

hostile = [
    "<script>window.hacked = 'script'</script> the tag of a script",
    "<img src=x onerror=\\"window.hacked = 'img'\\"> the picture that fails",
    "A formula $\\\\LaTeX$ and \\\\(x^2\\\\) in dollars and $$\\\\int f$$",
    "emoji 🧪🚀 family 👨‍👩‍👧 laboratory",
    "مرحبا بالعالم שלום right to left",
]
topics = {{
    "astronomy": "stars galaxies telescope orbit planet light",
    "kitchen": "bread flour oven butter salt recipe",
    "harbour": "ships anchor crane cargo tide rope",
}}
rng = np.random.default_rng(0)
texts, titles, kinds, places = list(hostile), [f"<b>Title</b> {{i}} $x$" for i in range(5)], ["<i>hostile</i>"] * 5, []
for number, (topic, words) in enumerate(topics.items()):
    for i in range(40):
        chosen = rng.choice(words.split(), 4, replace=False)
        texts.append(f"Passage {{i}} on {{topic}}: " + " ".join(chosen))
        titles.append(f"{{topic.title()}} {{i}}")
        kinds.append(topic)
texts.append("The lighthouse keeper polishes brass lanterns every evening")
titles.append("Keeper"); kinds.append("harbour")
n = len(texts)
angle = np.arange(n) * 2.399963
coordinates = np.stack([np.cos(angle), np.sin(angle)], 1) * np.sqrt(np.arange(n) + 1)[:, None]
metadata = pd.DataFrame({{"title": titles, "kind": kinds, "words": [len(t.split()) for t in texts]}})
corpus = Corpus(tuple(f"p{{i}}" for i in range(n)), tuple(texts), metadata, name="small")
encoder = TinyEncoder()
vectors = Vectors(corpus.ids, encoder.encode(corpus.texts), encoder.identity)
"""
EXPLORE = 'explorer = view.explorer(corpus, vectors, encoder, coordinates=coordinates, color="kind", k=6)\nexplorer'
KEEPER = 125


@pytest.fixture
def notebook(run_anew):
    return run_anew([SETUP, EXPLORE])


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def test_a_person_searches_clicks_lassos_and_reads_back(notebook, record_property) -> None:
    page = notebook.explorer()
    assert page.drawn() == python(notebook, "explorer.map.codes.tolist()")
    assert page.lit() == []
    page.shot("explorer-plain")

    page.type("lighthouse keeper lanterns")
    seconds = notebook.wait_until(lambda: KEEPER in page.lit(), "the keeper's passage is lit")
    record_property("search_to_lit_s", round(seconds, 2))
    assert page.listed()[0] == f"p{KEEPER}"
    red, green, blue = page.pixel(KEEPER)
    assert (red > 200, green < 140, blue < 80) == (True, True, True), "the passage has the color of a hit"
    assert len(page.listed()) == 6
    notebook.wait_text("The lighthouse keeper polishes brass", selector=".wb-results")
    notebook.wait_text("6 nearest of 126 passages by cosine similarity")
    assert sorted(page.lit()) == sorted(python(notebook, "[hit.row for hit in explorer.hits]"))
    page.shot("explorer-search")

    page.click(60)
    seconds = notebook.wait_until(lambda: page.listed()[:1] == ["p60"], "the neighbours of p60 are listed")
    record_property("click_to_list_s", round(seconds, 2))
    rows = python(notebook, "sorted({int(row) for rows in explorer.map.marks.values() for row in rows})")
    assert set(python(notebook, "[hit.row for hit in explorer.hits]")) < set(rows)
    notebook.wait_text("Of the 6 true neighbours,")
    assert page.map.locator(".wb-legend-marks").inner_text().count("near") >= 2
    assert python(notebook, "len(explorer.map._painter.lines)") == 6
    notebook.wait_until(lambda: sorted(page.lit()) == sorted(rows), "the neighbours are lit")
    assert python(notebook, "explorer.selection") == ["p60"]
    exact = "(-(vectors.array @ vectors.array[60])).argsort(kind='stable')[1:7].tolist()"
    assert python(notebook, "[hit.row for hit in explorer.hits]") == python(notebook, exact)
    page.shot("explorer-click")

    corners = [(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)]
    near, far = python(notebook, "coordinates[[0, 120]].tolist()")
    inside = "[i for i, (x, y) in enumerate(coordinates.tolist()) if max(abs(x), abs(y)) < 3.2]"
    expected = [f"p{row}" for row in python(notebook, inside)]
    (x0, y0), (x1, y1) = page.position(0), page.position(120)
    per_x, per_y = (x1 - x0) / (far[0] - near[0]), (y1 - y0) / (far[1] - near[1])
    assert abs(per_x + per_y) < 0.01 * per_x, "one unit is as long on x as on y"
    page.lasso([(x0 + (x - near[0]) * per_x, y0 + (y - near[1]) * per_y) for x, y in corners])
    started = notebook.wait_until(lambda: len(page.listed()) == len(expected), "the lasso's passages are listed")
    record_property("lasso_to_list_s", round(started, 2))
    assert python(notebook, "explorer.selection") == expected
    assert python(notebook, "explorer.selected.frame['id'].tolist()") == expected
    notebook.wait_until(lambda: page.lit() == [int(name[1:]) for name in expected], "the selection is lit")
    page.shot("explorer-lasso")

    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_the_map_shows_where_it_lies(notebook) -> None:
    page = notebook.explorer()
    menu = notebook.page.locator(".widget-dropdown select").first
    menu.select_option(label="map: neighbour overlap")
    notebook.wait_text("Colored by overlap@15, dark where the map distorts")
    asked = python(notebook, "explorer.map.version")
    notebook.wait_until(lambda: python(notebook, "explorer.map.painted") == asked, "the colors are painted")
    assert page.drawn() == python(notebook, "explorer.map.codes.tolist()")
    low, high = python(notebook, "[explorer.faithfulness.points['overlap@15'].agg(f) for f in ('min', 'max')]")
    legend = page.map.locator(".wb-map-side").inner_text()
    assert "overlap@15" in legend
    assert f"{low:,.4g}" in legend
    assert f"{high:,.4g}" in legend
    page.shot("explorer-distortion")
    page.click(60)
    notebook.wait_text("Of the 6 true neighbours,")
    page.settle()
    page.shot("explorer-distortion-click")
    menu.select_option(label="kind")
    notebook.wait_until(lambda: "overlap" not in page.map.locator(".wb-map-side").inner_text(), "topics again")
    notebook.check()


def test_the_keyboard_does_what_a_click_does(notebook) -> None:
    page = notebook.explorer()
    page.type("telescope orbit")
    notebook.wait_until(lambda: len(page.listed()) == 6, "six hits")
    second = page.listed()[1]
    notebook.page.locator(".wb-hit-button").first.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    notebook.wait_until(lambda: page.listed()[:1] == [second], "the second hit is chosen")
    notebook.wait_until(lambda: int(second[1:]) in page.lit(), "its point is lit")
    assert python(notebook, "explorer.selection") == [second]
    notebook.check()


def test_texts_are_text(notebook) -> None:
    page = notebook.explorer()
    queries = {
        0: ("tag of a script", "<script>window.hacked = 'script'</script> the tag of a script"),
        1: ("the picture that fails", "<img src=x onerror=\"window.hacked = 'img'\"> the picture that fails"),
        2: ("formula dollars", "A formula $\\LaTeX$ and \\(x^2\\) in dollars and $$\\int f$$"),
        3: ("emoji family laboratory", "emoji 🧪🚀 family 👨‍👩‍👧 laboratory"),
        4: ("right to left", "مرحبا بالعالم שלום right to left"),
    }
    for row, (query, text) in queries.items():
        page.type(query)
        notebook.wait_until(lambda row=row: page.listed()[:1] == [f"p{row}"], f"{query!r} finds p{row}")
        shown = notebook.page.locator(".wb-results li").first
        assert shown.locator(".wb-hit-text").inner_text() == text
        assert shown.locator(".wb-hit-title").inner_text() == f"<b>Title</b> {row} $x$"
    page.shot("explorer-hostile")
    assert text in page.hover(4)
    notebook.shot("explorer-hostile-tooltip")
    page.type("<img src=x onerror=\"window.hacked = 'query'\"> $\\alpha$")
    notebook.wait_until(
        lambda: "onerror" in notebook.page.locator(".wb-results-heading").inner_text(), "the query is the heading"
    )
    legend = notebook.page.locator(".wb-map-side").inner_text()
    assert "<i>hostile</i>" in legend
    notebook.run_cell("explorer.select(['p0', 'p1', 'p2', 'p3', 'p4'])\nexplorer.selected")
    notebook.wait_until(lambda: page.listed() == [f"p{row}" for row in range(5)], "the selection is listed")
    cells = notebook.page.locator(".jp-OutputArea td").all_inner_texts()
    for row, (_, shown_text) in queries.items():
        assert cells[5 * row : 5 * row + 4] == [f"p{row}", shown_text, f"<b>Title</b> {row} $x$", "<i>hostile</i>"]
    notebook.page.wait_for_timeout(500)  # time for MathJax, which would typeset a formula after it is shown
    notebook.shot("explorer-selected")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".jp-OutputArea img, mjx-container, .MathJax").count() == 0
    notebook.check()


def test_a_burst_of_updates_ends_at_the_last(notebook, record_property) -> None:
    page = notebook.explorer()
    notebook.run_cell(
        "for i in range(60):\n    explorer.map.mark(hit=[i, i + 1], query=i + 2)\n"
        "for column in ['title', 'words', None, 'kind', 'words']:\n"
        "    explorer.map.color_by(corpus.metadata[column] if column else None)"
    )
    asked = python(notebook, "explorer.map.version")
    notebook.wait_until(lambda: python(notebook, "explorer.map.painted") == asked, "the last update is painted")
    assert page.drawn() == python(notebook, "explorer.map.codes.tolist()")
    assert page.lit() == [59, 60, 61]
    for burst in range(4):  # one update every few milliseconds, from outside a cell
        notebook.run_cell(
            "import asyncio\n"
            "async def burst():\n"
            f"    for i in range(40):\n        explorer.map.mark(hit=[i, {burst}]); await asyncio.sleep(0.004)\n"
            "await burst()"
        )
        asked = python(notebook, "explorer.map.version")
        notebook.wait_until(lambda asked=asked: python(notebook, "explorer.map.painted") == asked, "painted")
        assert page.drawn() == python(notebook, "explorer.map.codes.tolist()")
    record_property("paint_ms", round(python(notebook, "explorer.map.paint_ms")))
    notebook.run_cell("explorer.map.move(coordinates[::-1] * [3, 1], animate=True)\nexplorer.map.mark(hit=[5])")
    asked = python(notebook, "explorer.map.version")
    notebook.wait_until(lambda: python(notebook, "explorer.map.painted") == asked, "the move is painted")
    assert page.lit() == [5]
    notebook.check()


def test_the_dark_theme_reaches_the_map(notebook) -> None:
    page = notebook.explorer()
    notebook.theme("JupyterLab Dark")
    try:
        notebook.wait_until(
            lambda: python(notebook, "explorer.map.scatter.widget.background_color == '#111111'"), "the map turns dark"
        )
        page.type("bread butter")
        notebook.wait_until(lambda: len(page.lit()) == 6, "six hits are lit")
        page.settle()
        page.shot("explorer-dark")
    finally:
        notebook.theme("JupyterLab Light")
    notebook.check()


def test_an_error_in_a_callback_is_shown_and_kept(notebook) -> None:  # the last: its kernel remembers the error
    page = notebook.explorer()
    notebook.run_cell(
        "def broken(texts, *, role):\n    raise ValueError('the encoder <b>fell</b> over')\nencoder.encode = broken"
    )
    page.type("anything")
    notebook.wait_text("Could not search: ValueError: the encoder <b>fell</b> over")
    told = notebook.run_cell("try:\n    view.check()\nexcept Exception as error:\n    print(error)")
    assert "1 widget callback failed: search: ValueError: the encoder <b>fell</b> over" in told
    assert len(python(notebook, "[str(error) for error in explorer.errors]")) == 1
    notebook.check()
