"""The lists of an index under a person's hands: the slider lights them on the map and says what they find."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = """
import numpy as np
from workbench import ann, view
rng = np.random.default_rng(0)
n, asked = 3_000, 6
middles = rng.normal(size=(24, 16)) * 1.1
space = (middles[rng.integers(0, 24, n + asked)] + rng.normal(size=(n + asked, 16))).astype(np.float32)
vectors, queries = space[:n], space[n:]
plane = space @ np.linalg.svd(middles, full_matrices=False)[2][:2].T
hostile = "<img src=x onerror=\\"window.hacked = 1\\"> $x$"
index = ann.build_index(ann.IndexSpec.parse("IVF24,Flat"), ann.Database(vectors, "euclidean"), threads=1)
probes = view.ProbeView(plane[:n], index, queries, plane[n:], texts=[f"passage {i} {hostile}" for i in range(n)],
                        query_texts=[f"question {q} {hostile}" for q in range(asked)])
probes
"""


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def status(notebook) -> str:
    return notebook.page.locator(".wb-probe [role=status]").inner_text()


def wanted(notebook) -> list[int]:
    return python(notebook, "sorted({int(row) for rows in probes.map.marks.values() for row in rows})")


def test_the_slider_lights_lists_and_finds_more(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "probes.ipynb", [SETUP]))
    notebook.run_all()
    explorer = notebook.explorer()
    notebook.page.locator(".wb-probe").scroll_into_view_if_needed()
    first = wanted(notebook)
    notebook.wait_until(lambda: explorer.lit() == first, "the nearest list is lit")
    assert "nprobe 1 of 24 lists" in status(notebook) and "not read" in status(notebook)
    assert notebook.page.get_by_text("missed: in list").first.is_visible()
    whole = notebook.page.locator(".wb-probe")
    notebook.shot("probe-view-1", whole)

    handle = notebook.page.locator(".wb-probe .noUi-handle")
    handle.focus()
    for nprobe in range(2, 6):
        notebook.page.keyboard.press("ArrowRight")
        seconds = notebook.wait_until(lambda n=nprobe: f"nprobe {n} " in status(notebook), "the read-out")
    record_property("step_to_status_s", round(seconds, 2))
    second = wanted(notebook)
    notebook.wait_until(lambda: explorer.lit() == second, "five lists are lit")
    assert set(first) < set(second)
    assert python(notebook, "probes.nprobe.value") == 5
    notebook.wait_until(
        lambda: "list 5" in notebook.page.locator(".wb-probe .wb-map-labels").text_content(), "the lists are numbered"
    )
    notebook.shot("probe-view-5", whole)

    handle.focus()
    notebook.page.keyboard.press("End")
    notebook.wait_until(lambda: "10 of 10 true neighbours found" in status(notebook), "all lists find all")
    assert "3,000 of 3,000 vectors compared (100.0%)" in status(notebook)
    notebook.wait_until(lambda: len(explorer.lit()) == 3_001, "everything is lit, and the query")

    notebook.run_cell("probes.nprobe.value = 2")
    notebook.page.locator(".wb-probe .widget-dropdown select").select_option(index=3)
    notebook.wait_until(lambda: "question 3 <img" in whole.inner_text(), "another query")
    third = wanted(notebook)
    notebook.wait_until(lambda: explorer.lit() == third, "its lists")
    notebook.theme("JupyterLab Dark")
    try:
        notebook.wait_until(lambda: explorer.lit() == third, "the same in the dark")
        notebook.page.wait_for_timeout(500)
        notebook.shot("probe-view-dark", whole)
    finally:
        notebook.theme("JupyterLab Light")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".wb-probe img").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


FIGURES = """
import numpy as np, pandas as pd
from workbench import geometry, view
centers = np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 3.0]])
points = np.array([[0.5, 1.0], [2.1, 1.0], [2.0, 3.5]])
steps = pd.DataFrame({"nprobe": [1, 2], "read": [[0], [0, 1]], "answer": [0, 1], "share": [0.25, 0.125]})
wrong = [np.eye(8, dtype=bool), np.eye(8, k=4, dtype=bool)]
cells = geometry.voronoi_cells(centers, (0, 0), (4, 4))
view.figures.probed_cells(cells, points, (1.9, 1.0), steps, nearest=1, wrong=wrong)
"""
TABLE = """
table, codes = np.arange(12.0).reshape(3, 4), np.array([[0, 1, 2], [3, 3, 0]])
view.figures.distance_table(table, codes, ["a", "b"], true=[14.0, 20.0])
"""


def written(notebook, nth: int) -> str:
    """All that a figure has written into itself."""
    return notebook.page.locator(".js-plotly-plot").nth(nth).text_content()


def test_figures_step_and_play(lab, tmp_path) -> None:
    notebook = lab.open(write_notebook(tmp_path / "figures.ipynb", [FIGURES, TABLE]))
    notebook.run_all()
    plots = notebook.page.locator(".js-plotly-plot")
    notebook.wait_until(lambda: plots.count() == 2, "two figures")
    notebook.wait_until(lambda: "25.0% of the plane" in written(notebook, 0), "the first step")
    plots.nth(0).scroll_into_view_if_needed()
    rail = plots.nth(0).locator(".slider-rail-touch-rect").bounding_box()
    notebook.page.mouse.click(rail["x"] + rail["width"] - 8, rail["y"] + 12)
    notebook.wait_until(lambda: "12.5% of the plane" in written(notebook, 0), "the second step")
    assert "2 of 3 lists read" in written(notebook, 0)
    notebook.shot("probed-cells-2", plots.nth(0))

    plots.nth(1).scroll_into_view_if_needed()
    assert "15.00" in written(notebook, 1) and "18.00" in written(notebook, 1), "at first all is added up"
    plots.nth(1).locator(".updatemenu-button").first.click()
    notebook.wait_until(lambda: "18.00" not in written(notebook, 1), "it begins again")
    notebook.wait_until(lambda: "look-up 4" in written(notebook, 1), "and goes on")
    notebook.shot("distance-table-4", plots.nth(1))
    notebook.wait_until(lambda: "18.00" in written(notebook, 1), "to the end")
    notebook.check()
