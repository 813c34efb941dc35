"""The bench of a sweep under a person's hands: constraints, families, a point and what it fails; and its report."""

import json
from pathlib import Path

import pytest

from tests.browser.lab import Notebook, write_notebook
from tests.tiny_sweep import HOSTILE, tiny_sweep
from workbench import ann, view

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]

SETUP = f"""
import sys, tempfile; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.tiny_sweep import HOSTILE, N, QUERIES, tiny_sweep
from workbench import view
result = tiny_sweep(Path(tempfile.mkdtemp()), hostile=True)
texts = [f"{{HOSTILE}} {{row}}" if row % 2 else f"passage {{row}}" for row in range(N)]
bench = view.SweepBench(result, texts=texts, queries=[f"query {{q}} {{HOSTILE}}" for q in range(QUERIES)])
"""


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def status(notebook) -> str:
    return notebook.page.locator(".wb-sweep-bench [role=status]").first.inner_text()


def detail(notebook) -> str:
    return notebook.page.locator(".wb-sweep-detail").inner_text()


def drawn(notebook) -> dict[str, int]:
    """Points on the page by the name of their trace."""
    return notebook.page.evaluate(
        """() => Object.fromEntries(
            [...document.querySelectorAll('.wb-sweep-bench .scatterlayer .trace')].map(node =>
                [node.__data__[0].trace.name, node.querySelectorAll('path.point').length]))"""
    )


def spot(notebook, trace: str, at: int) -> tuple[float, float]:
    """Where a point is on the page, in pixels."""
    x, y = notebook.page.evaluate(
        """([name, at]) => {
            const node = [...document.querySelectorAll('.wb-sweep-bench .scatterlayer .trace')]
                .find(node => node.__data__[0].trace.name === name).querySelectorAll('path.point')[at];
            const {left, top, width, height} = node.getBoundingClientRect();
            return [left + width / 2, top + height / 2];
        }""",
        [trace, at],
    )
    return x, y


def test_constraints_families_and_failing_queries(lab, tmp_path) -> None:
    notebook = lab.open(write_notebook(tmp_path / "bench.ipynb", [SETUP, "bench"]))
    notebook.run_all()
    page = notebook.page
    page.locator(".wb-sweep-bench .scatterlayer").first.wait_for(state="visible", timeout=30_000)
    page.locator(".wb-sweep-bench").scroll_into_view_if_needed()
    before, ring = status(notebook), spot(notebook, "recommended", 0)
    assert before.startswith("Use ")
    notebook.shot("sweep-bench")

    handle = page.locator(".wb-sweep-bench .noUi-handle").first
    handle.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    notebook.wait_until(
        lambda: python(notebook, "bench.constraints['recall'].value") == 0.99, "both steps have arrived"
    )
    notebook.wait_until(lambda: status(notebook) != before, "another recommendation")
    notebook.wait_until(lambda: spot(notebook, "recommended", 0) != ring, "the ring moves")
    assert python(notebook, "str(bench.advice.recommended['index'])") in status(notebook)

    assert drawn(notebook)["HNSW"] > 0
    box = page.locator(".wb-sweep-bench .widget-checkbox").filter(has_text="HNSW").first.locator("input")
    box.click()
    notebook.wait_until(lambda: not drawn(notebook).get("HNSW"), "the family goes")
    box.click()
    notebook.wait_until(lambda: drawn(notebook).get("HNSW", 0) > 0, "and comes back")

    x, y = spot(notebook, "IVF", 0)
    page.mouse.move(x - 12, y - 8)
    page.mouse.move(x, y, steps=4)
    page.wait_for_timeout(400)
    page.mouse.down()
    page.mouse.up()
    notebook.wait_until(lambda: detail(notebook).startswith("IVF256,Flat nprobe="), "what was clicked")
    notebook.shot("sweep-bench-chosen")
    page.get_by_role("button", name="fails").click()
    notebook.wait_until(lambda: "queries miss a true neighbour" in detail(notebook), "its failing queries")
    assert HOSTILE[:20] in detail(notebook) and "missed" in detail(notebook)
    notebook.shot("sweep-bench-fails")
    page.get_by_role("button", name="causes").click()
    notebook.wait_until(lambda: "true neighbours" in detail(notebook), "why it fails them")
    assert page.locator(".wb-sweep-causes .barlayer .point path").count() > 0
    assert "▸ nprobe=" in "".join(page.locator(".wb-sweep-causes .ytick").all_text_contents())
    notebook.shot("sweep-bench-causes")
    page.get_by_role("button", name="code").click()
    notebook.wait_until(lambda: "faiss" in detail(notebook), "its code")
    page.locator(".wb-sweep-bench .widget-dropdown select").select_option(label="memory, MB")
    notebook.wait_until(
        lambda: "memory" in page.locator(".wb-sweep-bench .xtitle").first.text_content(), "the other axis"
    )
    notebook.shot("sweep-bench-memory")
    assert notebook.run_cell("view.check()") == ""
    assert page.evaluate("() => window.hacked") is None
    notebook.check()


def test_the_report_sorts_draws_and_shows_text_as_text(lab, tmp_path) -> None:
    result = tiny_sweep(tmp_path, hostile=True)
    path = view.write_sweep_report(result, ann.advise(result, recall=0.95), tmp_path / "report.html")
    page = lab.context.new_page()
    watched = Notebook(page, lab.shots)
    page.goto(path.as_uri())
    page.wait_for_selector("#front[data-axis=p50_us] .scatterlayer")
    page.screenshot(path=lab.shots / "sweep-report.png", full_page=True)
    recalls = "() => [...document.querySelectorAll('#points tbody tr')].map(row => row.cells[5].dataset.value)"
    page.get_by_role("button", name="p50, µs").click()
    values = page.evaluate(recalls)
    known = [float(value) for value in values if value]
    assert known == sorted(known) and values[-1] == "" and len(values) == len(result.points)
    page.get_by_role("button", name="p50, µs").click()
    assert page.evaluate(recalls)[0] == str(max(known)) or float(page.evaluate(recalls)[0]) == max(known)
    page.select_option("#against", "memory_bytes")
    page.wait_for_selector("#front[data-axis=memory_bytes]")
    assert HOSTILE in page.locator("#points").inner_text()
    assert page.locator("main img, main a, td script, dd script").count() == 0
    assert page.evaluate("() => window.hacked") is None
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=lab.shots / "sweep-report-dark.png")
    watched.requests_outside = [url for url in watched.requests_outside if url != path.as_uri()]
    watched.check()
    page.close()
