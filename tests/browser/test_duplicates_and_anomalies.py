"""Notebook 13 in a real browser, on a shorter log: both thresholds are moved by keyboard, and say what they find."""

from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "13_duplicates_and_anomalies.ipynb"


def test_the_thresholds_of_13_are_moved(lab, tmp_path) -> None:
    whole = nbformat.read(NOTEBOOK, as_version=4)
    shorter = 0
    for cell in whole.cells:
        if cell.cell_type == "code":
            shorter += cell.source.count("lines=6_000")
            cell.source = cell.source.replace("lines=6_000", "lines=1_500").replace("release + 400", "release + 100")
        if "check" in cell.metadata.get("tags", []):
            cell.source = "view.check()"  # what the words claim is claimed of the whole
    assert shorter == 1
    nbformat.write(whole, tmp_path / NOTEBOOK.name)
    notebook = lab.open(tmp_path / NOTEBOOK.name)
    notebook.run_all()
    page = notebook.page

    watch = page.locator(".wb-anomalies")
    watch.scroll_into_view_if_needed()
    watch.locator(".js-plotly-plot").wait_for(state="visible")
    said = watch.locator("[role=status]").last
    notebook.wait_until(lambda: "99.0% of the history" in said.inner_text(), "the threshold")
    handle = watch.locator(".noUi-handle")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    notebook.wait_until(lambda: "98.0% of the history" in said.inner_text(), "a lower threshold")
    alarms = notebook.run_cell("len(timeline.alarms)")
    assert f"{int(alarms):,} alarms" in said.inner_text()
    assert watch.get_by_text("its nearest normal lines").is_visible()
    notebook.shot("13-timeline", watch)

    page.evaluate("() => document.querySelector('.wb-duplicates')?.scrollIntoView({block: 'center'})")
    before = notebook.run_cell("bench.threshold.value")
    handle = page.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    page.keyboard.press("ArrowRight")
    notebook.wait_until(lambda: notebook.run_cell("bench.threshold.value") != before, "the threshold of duplicates")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
