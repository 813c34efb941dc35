"""The first notebook as a person meets it: Run All, search, click, lasso, read the selection back."""

import json
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"


@pytest.fixture(scope="module")
def run(file_lab):
    """The notebook after Run All, and the seconds that took: one run for every test, as it is long."""
    notebook = file_lab.open(NOTEBOOK)
    return notebook, notebook.run_all(600)


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def on_page(page, coordinates: np.ndarray) -> np.ndarray:
    """Where every point is on the page, in pixels, from where two of them are."""
    a, b = int(coordinates.sum(1).argmin()), int(coordinates.sum(1).argmax())
    first, second = np.array(page.position(a)), np.array(page.position(b))
    return first + (coordinates - coordinates[a]) * (second - first) / (coordinates[b] - coordinates[a])


def test_a_person_explores_wikipedia(run, record_property) -> None:
    notebook, seconds = run
    record_property("run_all_s", round(seconds, 1))
    page = notebook.explorer()
    assert len(page.drawn()) > 4000
    assert len(page.lit()) == 10, "the search of the cell itself is lit"
    notebook.wait_text("The beads are counted by moving them", selector=".wb-results")

    page.type("people who believe nobody should rule")
    seconds = notebook.wait_until(lambda: page.listed()[0].startswith("Anarchism-"), "a passage on anarchism")
    record_property("search_to_list_s", round(seconds, 2))
    rows = python(notebook, "[hit.row for hit in explorer.hits]")
    notebook.wait_until(lambda: sorted(page.lit()) == sorted(rows), "the hits are lit")
    assert python(notebook, "wikipedia.metadata['title'][explorer.hits[0].row]") == "Anarchism"
    page.shot("start-here-search")

    coordinates = np.array(python(notebook, "coordinates.tolist()"))
    pixels = on_page(page, coordinates)
    box = page.map.bounding_box()  # tools stand at its left, the legend at its right
    low, high = [box["x"] + 110, box["y"] + 110], [box["x"] + box["width"] - 220, box["y"] + box["height"] - 110]
    free = np.flatnonzero(((pixels > low) & (pixels < high)).all(axis=1))
    gaps = [np.partition(np.linalg.norm(pixels - pixels[row], axis=1), 1)[1] for row in free]
    alone = int(free[np.argmax(gaps)])
    page.click(alone)
    name = python(notebook, f"wikipedia.ids[{alone}]")
    notebook.wait_until(lambda: page.listed()[:1] == [name], f"{name} and its neighbours are listed")
    exact = f"(-(passages.array @ passages.array[{alone}])).argsort(kind='stable')[1:11].tolist()"
    assert python(notebook, "[hit.row for hit in explorer.hits]") == python(notebook, exact)

    away = np.abs(pixels - pixels[alone]).max(axis=1)
    radius = next(r for r in range(14, 80) if np.abs(away - r).min() > 1.5)
    inside = np.flatnonzero(away < radius).tolist()
    expected = python(notebook, f"[wikipedia.ids[row] for row in {inside}]")
    x, y = page.position(alone)  # anew: running a cell scrolled the page
    page.lasso([(x + a * radius, y + b * radius) for a, b in [(-1, -1), (1, -1), (1, 1), (-1, 1)]])
    seconds = notebook.wait_until(lambda: set(page.listed()) == set(expected), "the lasso's passages are listed")
    record_property("lasso_to_list_s", round(seconds, 2))
    assert python(notebook, "explorer.selection") == expected
    page.shot("start-here-lasso")

    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_a_prediction_waits_for_its_reveal(run) -> None:
    notebook, _ = run
    card = notebook.page.get_by_text("between 0.4 and 0.5", exact=True).first
    card.scroll_into_view_if_needed()
    assert notebook.page.locator(".wb-card-outcome:visible").count() == 0, "Run All shows no answer"
    notebook.page.get_by_placeholder("a number").first.fill("45")
    notebook.page.get_by_role("button", name="Reveal").first.click()
    notebook.wait_text("percentage points above the measured value")
    assert notebook.run_cell("print(sure.prediction, round(sure.answer) == round(share[3]))") == "45.0 True"
    notebook.shot("start-here-card")
    notebook.check()
