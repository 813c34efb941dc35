"""Large maps: what was asked for last is what is drawn; how fast is reported beside plotly, never asserted."""

import json

import numpy as np
import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELL = """
import time
import numpy as np, pandas as pd
from workbench import view
from workbench.records import Corpus, Vectors
n, rng = 100_000, np.random.default_rng(0)
centers = rng.normal(size=(30, 2)) * 8
group = rng.integers(0, 30, n)
words = "stars galaxies telescope orbit planet light bread flour oven butter salt recipe ships anchor tide".split()
filler = " ".join(rng.choice(words, 2_000))
texts = tuple(f"{filler[i % 1_000 :][:590]} {i}" for i in range(n))
corpus = Corpus(tuple(f"p{i}" for i in range(n)), texts, pd.DataFrame({"group": group.astype(str)}), "large")
vectors = Vectors(corpus.ids, rng.normal(size=(n, 4)).astype(np.float32))
coordinates = centers[group] + rng.normal(size=(n, 2))
began = time.perf_counter()
explorer = view.explorer(corpus, vectors, coordinates=coordinates, color="group")
built, points = time.perf_counter() - began, explorer.map
explorer
"""
TOKENS = """
import numpy as np, pandas as pd
from workbench import view
n, rng = {n}, np.random.default_rng(0)
group = rng.integers(0, 400, n)
coordinates = rng.normal(size=(400, 2))[group] * 12 + rng.normal(size=(n, 2))
points = view.MapView(coordinates)
points.color_by(pd.Series(group % 9).astype(str), "topic")
points
"""
API = "[...document.querySelectorAll('.wb-map div[id]')].find(element => element.api).api"


def test_a_hundred_thousand_points_end_at_the_last_update(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "large.ipynb", [CELL]))
    notebook.run_all()
    page = notebook.explorer()

    def painted() -> bool:
        return notebook.run_cell("points.painted == points.version") == "True"

    notebook.wait_until(painted, "the first drawing is finished", 60)
    notebook.run_cell("for i in range(25):\n    points.mark(hit=np.arange(i * 100, i * 100 + 50), query=i)")
    notebook.wait_until(painted, "the burst is finished", 60)
    assert page.lit() == [24, *range(2400, 2450)]
    assert page.drawn() == json.loads(notebook.run_cell("import json; print(json.dumps(points.codes.tolist()))"))
    repaint = float(notebook.run_cell("points.paint_ms"))

    (x, y), size = page.position(0), 60
    page.lasso([(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)])
    seconds = notebook.wait_until(lambda: int(notebook.run_cell("len(points.selection)")) > 10, "the lasso arrives", 30)
    built = float(notebook.run_cell("built"))
    record_property("explorer_s", round(built, 2))
    record_property("repaint_ms", round(repaint))
    record_property("lasso_s", round(seconds, 2))
    selected = int(notebook.run_cell("len(points.selection)"))
    notebook.wait_until(lambda: len(page.listed()) == min(selected, 200), "the selection is listed", 30)
    page.click(0)
    notebook.wait_until(lambda: page.listed()[:1] == ["p0"], "the neighbours of p0 are listed", 30)
    near = "sorted(np.concatenate([points.marks.get(r, []) for r in ('true', 'missing')]).astype(int).tolist())"
    assert notebook.run_cell(f"{near} == sorted(hit.row for hit in explorer.hits)") == "True"
    page.shot("map-100000")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_as_many_points_as_there_are_token_vectors(lab, tmp_path, record_property) -> None:
    n = 688_209
    notebook = lab.open(write_notebook(tmp_path / "tokens.ipynb", [TOKENS.replace("{n}", str(n))]))
    notebook.run_all()

    def painted() -> bool:
        return notebook.run_cell("points.painted == points.version", 120) == "True"

    first = notebook.wait_until(painted, "the first drawing is finished", 120)
    notebook.run_cell(
        "for i in range(8):\n    points.mark(hit=np.arange(i, n, 50_000), query=n - 1 - i)\n"
        "    points.move(coordinates * [1, 1 + i])"
    )
    notebook.wait_until(painted, "the burst is finished", 120)
    repaint = float(notebook.run_cell("points.paint_ms"))
    assert notebook.page.evaluate(f"{API}.get('points').length") == n
    lit = notebook.page.evaluate(
        f"""(() => {{
            const opacity = {API}.get('opacity');
            return {API}.get('points').flatMap((point, row) => opacity[point[2]] === 1 ? [row] : []);
        }})()"""
    )
    assert lit == [*range(7, n, 50_000), n - 8]
    sample = f"{API}.get('points').filter((_, row) => row % 9973 === 0)"
    shown = np.array(notebook.page.evaluate(f"{sample}.map(point => point.slice(0, 3))"))
    asked = json.loads(
        notebook.run_cell(
            "xy = np.frombuffer(points._painter.xy, np.float32).reshape(-1, 2)[::9973]\n"
            "import json; print(json.dumps(np.column_stack([xy, points.codes[::9973]]).tolist()))"
        )
    )
    assert np.array_equal(shown, np.array(asked))
    record_property("first_drawing_s", round(first, 1))
    record_property("repaint_ms", round(repaint))
    notebook.shot("map-688209")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
