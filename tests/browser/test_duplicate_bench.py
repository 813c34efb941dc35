"""The threshold of duplicates under a person's hands: the slider by keyboard, the read-out, the pairs, the line."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = """
import numpy as np
from workbench import view
from workbench.records import Corpus, Vectors
rng = np.random.default_rng(0)
labels = np.concatenate([np.repeat(np.arange(20), 3), 20 + np.arange(30)])
array = (rng.normal(size=(50, 8))[labels] + 0.6 * rng.normal(size=(len(labels), 8))).astype(np.float32)
ids = tuple(f"r{row}" for row in range(len(labels)))
hostile = "<img src=x onerror=\\"window.hacked = 1\\"> $x$"
corpus = Corpus(ids, tuple(f"ticket {row} {hostile}" for row in range(len(labels))))
bench = view.DuplicateBench(corpus, Vectors(ids, array), labels)
bench
"""


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def test_the_threshold_by_keyboard(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "bench.ipynb", [SETUP]))
    notebook.run_all()
    page = notebook.page
    whole = page.locator(".wb-duplicates")
    whole.locator(".js-plotly-plot .scatterlayer").wait_for(state="visible", timeout=30_000)
    status = whole.locator("[role=status]")
    line = "() => document.querySelector('.wb-duplicates .shapelayer path').getBoundingClientRect().left"
    assert "At 0.95:" in status.inner_text()
    right = page.evaluate(line)
    recalls = [float(status.inner_text().split("recall ")[1].split(",")[0])]
    handle = whole.locator(".noUi-handle")
    handle.focus()
    for step in range(94, 79, -1):
        page.keyboard.press("ArrowLeft")
        seconds = notebook.wait_until(lambda step=step: f"At 0.{step}:" in status.inner_text(), "a read-out")
        recalls.append(float(status.inner_text().split("recall ")[1].split(",")[0]))
    record_property("step_to_status_s", round(seconds, 2))
    assert recalls == sorted(recalls) and recalls[-1] > recalls[0]
    notebook.wait_until(lambda: page.evaluate(line) < right - 50, "the line has moved")
    near, clusters = whole.locator(".wb-near"), whole.locator(".wb-clusters")
    notebook.wait_until(lambda: "threshold 0.80" in near.inner_text(), "the pairs about it")
    table = python(notebook, "bench.near['duplicates'].tolist()")
    assert near.get_by_text("● duplicates").count() == sum(table)
    assert near.get_by_text("○ not duplicates").count() == len(table) - sum(table)
    assert f"{python(notebook, 'len(bench.clusters)')} clusters" in status.inner_text()
    largest = python(notebook, "len(bench.clusters[0])")
    notebook.wait_until(lambda: f"{largest} rows" in clusters.inner_text(), "the clusters")
    notebook.shot("duplicate-bench-80", whole)

    lowest = python(notebook, "bench.threshold.options[0][0]")
    handle.focus()
    page.keyboard.press("Home")
    notebook.wait_until(lambda: f"At {lowest}:" in status.inner_text(), "the lowest threshold")
    page.keyboard.press("Tab")
    for _ in range(40):
        if page.evaluate("() => document.activeElement.classList.contains('wb-clusters')"):
            break
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.classList.contains('wb-clusters')"), "the list has the keyboard"
    notebook.wait_until(lambda: "different matters" in clusters.inner_text(), "clusters that join what differs")
    assert page.evaluate("() => window.hacked") is None and whole.locator("img").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
