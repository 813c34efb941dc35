"""Sliders over a grid of maps, moved by the keyboard: the map that is drawn is the map of that setting."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELLS = [
    """
import numpy as np, pandas as pd
from workbench import geometry, view
from workbench.records import Corpus, Vectors
rng = np.random.default_rng(0)
group = np.arange(150) % 5
array = (4 * np.eye(5)[group] @ rng.normal(size=(5, 16)) + rng.normal(size=(150, 16))).astype(np.float32)
ids = tuple(f"p{i}" for i in range(150))
names = pd.DataFrame({"group": [f"<b>g{i}</b>" for i in group]})
corpus = Corpus(ids, tuple(f"text {i}" for i in range(150)), names)
vectors = Vectors(ids, array)
grid = geometry.project_grid(vectors, n_neighbors=(4, 15, 40), min_dist=(0.1,), metrics=("cosine",), seeds=(0, 1),
                             epochs=40, processes=1, progress=False)
""",
    'tuner = view.MapTuner(corpus, vectors, grid, color="group")\ntuner',
]


def test_a_slider_answers_from_the_grid(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "tuner.ipynb", CELLS))
    notebook.run_all()
    page = notebook.explorer()

    def python(expression: str):
        return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))

    assert python("tuner.setting['n_neighbors']") == 4
    before = page.position(0)
    handles = notebook.page.locator(".noUi-handle")
    handles.first.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowRight")
    seconds = notebook.wait_until(lambda: python("tuner.setting['n_neighbors']") == 40, "the slider arrives")
    record_property("slider_to_python_s", round(seconds, 2))
    notebook.wait_until(lambda: python("tuner.map.painted == tuner.map.version"), "the map is painted")
    drawn = page._plot("api.get('points').map(point => [point[0], point[1]])")
    notebook.run_cell(f"drawn = np.array({drawn})")
    wanted = "grid.map(n_neighbors=40, min_dist=0.1, metric='cosine', seed=0)"
    assert python(f"geometry.align(drawn, {wanted}).disparity") < 1e-5, "what is drawn is the map of the setting"
    other = "grid.map(n_neighbors=4, min_dist=0.1, metric='cosine', seed=0)"
    assert python(f"geometry.align(drawn, {other}).disparity") > 1e-3
    assert page.position(0) != before
    said = notebook.page.locator(".wb-status").first.inner_text()
    assert said == python("str(tuner.faithfulness)")
    assert "trustworthiness@15" in said
    assert "<b>g0</b>" in page.map.locator(".wb-map-side").inner_text()
    page.shot("map-tuner")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
