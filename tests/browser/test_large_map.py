"""An explorer of a hundred thousand passages: the map keeps up with Python; how fast is reported, never asserted."""

import json

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


def test_a_hundred_thousand_points_end_at_the_last_update(lab, tmp_path, record_property, capsys) -> None:
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
    with capsys.disabled():
        print(
            f"\n100,000 passages: explorer made in {built:.2f} s, repaint {repaint:.0f} ms, "
            f"lasso read back within {seconds:.2f} s"
        )
    selected = int(notebook.run_cell("len(points.selection)"))
    notebook.wait_until(lambda: len(page.listed()) == min(selected, 200), "the selection is listed", 30)
    page.click(0)
    notebook.wait_until(lambda: page.listed()[:1] == ["p0"], "the neighbours of p0 are listed", 30)
    near = "sorted(np.concatenate([points.marks.get(r, []) for r in ('true', 'missing')]).astype(int).tolist())"
    assert notebook.run_cell(f"{near} == sorted(hit.row for hit in explorer.hits)") == "True"
    page.shot("map-100000")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
