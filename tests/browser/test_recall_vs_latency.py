"""Notebook 09 in a real browser: a sweep that is watched, asked and taken apart."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "09_recall_vs_latency.ipynb"


def test_the_sweep_of_09_is_watched_asked_and_taken_apart(lab, record_property) -> None:
    notebook = lab.open(NOTEBOOK)
    record_property("run_all_s", round(notebook.run_all(400), 1))
    page = notebook.page

    bench = page.locator(".wb-sweep-bench").first
    bench.scroll_into_view_if_needed()
    bench.locator(".scatterlayer").first.wait_for(state="visible", timeout=30_000)
    said = bench.locator("[role=status]").first
    notebook.wait_until(lambda: said.inner_text().startswith("Use "), "the advice")
    points = notebook.run_cell(
        "print(len(result.points), result.manifest['finished'], result.points['family'].nunique() > 2)"
    )
    assert points.split()[1:] == ["True", "True"]
    notebook.wait_until(lambda: f"{points.split()[0]} points measured" in bench.inner_text(), "all points counted")
    notebook.shot("09-bench")

    before = said.inner_text()
    notebook.run_cell("bench.constraints['queries_per_day'].value = 1_000_000")
    notebook.wait_until(lambda: said.inner_text() != before, "a day's queries change the advice")
    bench.get_by_role("button", name="fails").click()
    notebook.wait_until(lambda: "miss a true neighbour" in bench.locator(".wb-sweep-detail").inner_text(), "who pays")
    assert "[" in bench.locator(".wb-sweep-detail").inner_text()
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
