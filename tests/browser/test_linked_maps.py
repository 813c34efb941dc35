"""Linked maps under a person's hands: a lasso, a click and a hover on one map are seen on the other."""

import json

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELL = """
import numpy as np, pandas as pd
from workbench import view
from workbench.records import Corpus
rng = np.random.default_rng(0)
n = 900
kind = rng.integers(0, 6, n)
space = rng.normal(size=(6, 5))[kind] * 4 + rng.normal(size=(n, 5))
one, other = space[:, :2], space[:, 2:4] * [1, 3]
metadata = pd.DataFrame({"title": [f"Passage {i}" for i in range(n)], "kind": kind.astype(str)})
corpus = Corpus(tuple(f"p{i}" for i in range(n)), tuple(f"<b>text</b> {i}" for i in range(n)), metadata)
hostile = "<img src=x onerror=\\"window.hacked = 1\\"> $x$"
linked = view.LinkedMaps({"PCA": one, hostile: other}, corpus, color="kind",
                         notes={"PCA": "trustworthiness 0.71", hostile: "<b>0.94</b>"})
linked
"""


@pytest.fixture
def notebook(run_anew):
    return run_anew([CELL])


def python(notebook, expression: str):
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def test_a_lasso_and_a_hover_on_one_map_are_seen_on_the_other(notebook, record_property) -> None:
    first, second = notebook.explorer(0), notebook.explorer(1)
    widths = [page.map.locator("canvas").first.bounding_box()["width"] for page in (first, second)]
    assert abs(widths[0] - widths[1]) < 3, "both maps have the same room"
    notebook.wait_text('<img src=x onerror="window.hacked = 1"> $x$', selector=".jp-OutputArea")
    notebook.wait_text("trustworthiness 0.71", selector=".jp-OutputArea")
    first.shot("linked-plain")

    (x, y), size = first.position(0), 45
    first.lasso([(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)])
    seconds = notebook.wait_until(lambda: 0 in second.lit(), "the lasso reaches the other map")
    record_property("lasso_to_other_map_s", round(seconds, 2))
    rows = [int(name[1:]) for name in python(notebook, "linked.selection")]
    assert 1 < len(rows) < 900
    notebook.wait_until(lambda: first.lit() == second.lit() == rows, "the same rows are lit on both")
    assert python(notebook, "[view.selection.tolist() for view in linked.maps.values()]") == [rows, rows]
    first.shot("linked-lasso")

    target = next(row for row in range(900) if row not in rows)
    second.click(target)
    notebook.wait_until(lambda: first.lit() == second.lit() == [target], "a click on the other replaces it on both")
    assert python(notebook, "linked.selection") == [f"p{target}"]

    tip = first.hover(0)
    assert "Passage 0" in tip and "<b>text</b> 0" in tip
    ring = second.map.locator(".wb-map-ring")
    ring.wait_for(state="visible")
    box, (x, y) = ring.bounding_box(), second.position(0)
    assert abs(box["x"] + box["width"] / 2 - x) < 2 and abs(box["y"] + box["height"] / 2 - y) < 2
    assert first.map.locator(".wb-map-ring").is_hidden(), "the ring is for the other map"
    notebook.shot("linked-hover")
    corner = second.map.bounding_box()
    notebook.page.mouse.move(corner["x"] + 60, corner["y"] - 30)
    ring.wait_for(state="hidden")

    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".jp-OutputArea img").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_a_burst_of_selections_ends_at_the_last_on_both_maps(notebook) -> None:
    first, second = notebook.explorer(0), notebook.explorer(1)
    notebook.run_cell(
        "for i in range(40):\n    linked.select([f'p{i}', f'p{i + 1}'])\n"
        "linked.maps['PCA'].select([7, 8])\nlinked.mark(hit=[3])"
    )
    notebook.wait_until(lambda: first.lit() == second.lit() == [3, 7, 8], "both show the last selection and the mark")
    assert python(notebook, "linked.selection") == ["p7", "p8"]
    second.click(500)
    notebook.wait_until(lambda: first.lit() == second.lit() == [3, 500], "a click still arrives")
    notebook.theme("JupyterLab Dark")
    try:
        notebook.run_cell("linked.label({f'kind {i}': np.flatnonzero(kind == i) for i in range(6)})\nlinked.mark()")
        notebook.wait_until(lambda: first.lit() == second.lit() == [500], "only the selection is lit")
        first.hover(4)
        notebook.shot("linked-dark")
    finally:
        notebook.theme("JupyterLab Light")
    notebook.check()
