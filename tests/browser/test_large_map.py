"""A hundred thousand points: the map keeps up with Python; how fast is reported, never asserted."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELL = """
import numpy as np
from workbench import view
rng = np.random.default_rng(0)
centers = rng.normal(size=(30, 2)) * 8
group = rng.integers(0, 30, 100_000)
points = view.MapView(centers[group] + rng.normal(size=(100_000, 2)), texts=[f"point {i}" for i in range(100_000)])
points.color_by(group.astype(str), "group")
points
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
    record_property("repaint_ms", round(repaint))
    record_property("lasso_s", round(seconds, 2))
    with capsys.disabled():
        print(f"\n100,000 points: repaint {repaint:.0f} ms, lasso read back within {seconds:.2f} s")
    page.shot("map-100000")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
