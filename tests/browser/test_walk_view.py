"""The walk under a person's hands: forward and back by button and keyboard, and what is lit is the walk's."""

import json
import re

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELL = """
import numpy as np
from workbench import ann, view
rng = np.random.default_rng(0)
n, d = 1500, 16
centers = rng.normal(size=(10, d)) * 3
vectors = (centers[rng.integers(0, 10, n + 3)] + rng.normal(size=(n + 3, d))).astype(np.float32)
index = ann.build_index(ann.IndexSpec.parse("HNSW8 efConstruction=40"), ann.Database(vectors[:n], "cosine"), threads=1)
hostile = '<img src=x onerror="window.hacked = 1"> $x$'
walked = view.WalkView(vectors[:n, :2], index, vectors[n:], vectors[n:, :2], ef=24,
                       texts=[f"{hostile} {row}" for row in range(n)], query_texts=[f"{hostile} {q}" for q in range(3)])
walked
"""
STATUS = ".wb-walk [role=status]"


def python(notebook, expression: str):
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def test_a_walk_is_stepped_forward_and_back_by_button_and_by_keyboard(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "walk.ipynb", [CELL]))
    notebook.run_all()
    shown, page = notebook.explorer(), notebook.page
    said = page.locator(STATUS).first

    def says(text: str) -> None:
        notebook.wait_until(lambda: text in said.inner_text(), f"{text!r} in the line below the map")

    says("The entry")
    computed, steps = python(notebook, "(walked.walk.computed[['step', 'row']].values.tolist(), walked.walk.steps)")
    visited = [[row for at, row in computed if at <= step] for step in range(steps + 1)]
    truth = python(notebook, "walked.truth.tolist()")

    def agrees(step: int) -> None:
        """What the page has lit is what was computed by this step, the true neighbours and the query."""
        expected = sorted({*visited[step], *truth, 1500})
        notebook.wait_until(lambda: shown.lit() == expected, f"step {step} is lit")

    agrees(0)
    notebook.shot("walk-view")
    forward, back, last = (
        page.locator(".wb-walk button").filter(has_text=re.compile(f"^\\s*{name}$"))
        for name in ("forward", "back", "last")
    )
    assert back.is_disabled()
    for step in (1, 2, 3):
        forward.click()
        says(f"Step {step} of {steps}")
        agrees(step)
    notebook.shot("walk-view-begun")
    back.click()
    says(f"Step 2 of {steps}")
    agrees(2)
    handle = page.locator(".wb-walk .noUi-handle").last
    handle.focus()
    for step in (3, 4, 5):
        page.keyboard.press("ArrowRight")
        says(f"Step {step} of {steps}")
    agrees(5)
    page.keyboard.press("ArrowLeft")
    says(f"Step 4 of {steps}")
    agrees(4)
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    says(f"Step {min(16, steps)} of {steps}")
    agrees(min(16, steps))
    last.click()
    says("The end: ")
    agrees(steps)
    assert forward.is_disabled()
    notebook.wait_until(lambda: page.locator(".wb-walk-results tr").count() == 10, "ten answers are listed")
    rows = page.locator(".wb-walk-results tr").evaluate_all("rows => rows.map(row => Number(row.dataset.row))")
    assert rows == python(notebook, "walked.walk.found.tolist()")
    notebook.shot("walk-view-ended")

    page.locator(".wb-walk .widget-dropdown select").select_option(index=2)
    says("The entry")
    notebook.wait_until(
        lambda: python(notebook, "walked.map.painted == walked.map.version"), "the other query is drawn"
    )
    assert set(python(notebook, "walked.truth.tolist()")) < set(shown.lit())
    assert page.evaluate("() => window.hacked") is None and page.locator(".wb-walk img").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
