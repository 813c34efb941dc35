"""A log along time under a person's hands: the threshold moves, a click or a key names the nearest normal lines."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = """
import numpy as np, pandas as pd
from workbench import view
from workbench.records import Corpus, Vectors
from workbench.tasks import anomalies
rng = np.random.default_rng(0)
n = 4_000
hostile = "<img src=x onerror=\\"window.hacked = 1\\"> $x$"
space = rng.normal(size=(2 * n, 8)).astype(np.float32) + 4
label = np.arange(2 * n) % 100 == 99
space[label] = rng.normal(size=(label.sum(), 8)) * 1.5 - 3
space[n:][50] = -9
ids, texts = [f"line-{i}" for i in range(2 * n)], [f"message {i} {hostile}" for i in range(2 * n)]
times = pd.date_range("2026-03-02", periods=2 * n, freq="30s", tz="UTC")
table = pd.DataFrame({"time": times, "label": label.astype(int)})
vectors, log = Vectors(ids, space, metric="euclidean"), Corpus(ids, texts, table)
past, later = np.flatnonzero(~label[:n]), np.arange(n, 2 * n)
detector = anomalies.AnomalyDetector().fit(vectors.take(past))
watch = view.AnomalyTimeline(log.take(later), vectors.take(later), detector, log.take(past), quantile=0.98)
watch
"""


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def said(notebook) -> str:
    return notebook.page.locator(".wb-anomalies [role=status]").last.inner_text()


def test_the_threshold_moves_and_a_line_shows_its_likes(lab, tmp_path, record_property) -> None:
    notebook = lab.open(write_notebook(tmp_path / "watch.ipynb", [SETUP]))
    notebook.run_all()
    whole = notebook.page.locator(".wb-anomalies")
    whole.locator(".js-plotly-plot").wait_for(state="visible")
    whole.scroll_into_view_if_needed()
    assert "98.0% of the history" in said(notebook)
    many = python(notebook, "len(watch.alarms)")
    assert f"{many} alarms" in said(notebook)
    notebook.shot("anomaly-timeline-98", whole)

    whole.locator(".noUi-handle").focus()
    notebook.page.keyboard.press("ArrowRight")
    seconds = notebook.wait_until(lambda: "99.0% of the history" in said(notebook), "the read-out")
    record_property("step_to_status_s", round(seconds, 2))
    few = python(notebook, "len(watch.alarms)")
    assert few < many and f"{few} alarms" in said(notebook)
    height = "() => document.querySelector('.wb-anomalies .js-plotly-plot')._fullLayout.shapes[1].y0"
    threshold = python(notebook, "watch.threshold")
    notebook.wait_until(lambda: abs(notebook.page.evaluate(height) - threshold) < 1e-9, "the line has moved")

    whole.locator(".wb-hit-button").first.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    notebook.wait_until(lambda: " · score " in whole.inner_text(), "by keyboard")
    assert python(notebook, "watch.chosen == watch.rows[1]")
    assert whole.get_by_text("its nearest normal lines, by distance").is_visible()

    far = python(notebook, "[float(watch.figure.data[0].x[i]) for i in [int(np.argmax(watch.figure.data[0].y))]]"
                           " + [float(watch.figure.data[0].y.max())]")  # fmt: skip
    whole.scroll_into_view_if_needed()
    notebook.page.wait_for_timeout(300)
    x, y = notebook.page.evaluate(
        """([at, score]) => {
            const plot = document.querySelector('.wb-anomalies .js-plotly-plot'), box = plot.getBoundingClientRect();
            const {_size: size, xaxis, yaxis} = plot._fullLayout;
            return [box.left + size.l + xaxis.d2p(at), box.top + size.t + yaxis.d2p(score)];
        }""",
        far,
    )
    notebook.page.mouse.move(x - 15, y - 10)
    notebook.page.mouse.move(x, y, steps=5)
    notebook.page.wait_for_timeout(400)
    notebook.page.mouse.down()
    notebook.page.mouse.up()
    notebook.wait_until(lambda: "line-4050 · score" in whole.inner_text(), "the line that was clicked")
    assert python(notebook, "watch.chosen") == 50
    kind = "() => document.querySelector('.wb-anomalies .js-plotly-plot')._fullLayout.xaxis.type"
    assert notebook.page.evaluate(kind) == "date"
    notebook.shot("anomaly-timeline-clicked", whole)

    whole.locator(".widget-dropdown select").focus()
    notebook.page.keyboard.press("End")
    assert python(notebook, "watch.kind.value") == "missed anomalies"
    missed = python(notebook, "list(watch.rows)")
    assert all(row % 100 == 99 for row in missed)
    notebook.theme("JupyterLab Dark")
    try:
        notebook.page.wait_for_timeout(500)
        notebook.shot("anomaly-timeline-dark", whole)
    finally:
        notebook.theme("JupyterLab Light")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert whole.locator("img").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
