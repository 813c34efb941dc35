"""Lists of choices and radio buttons by keyboard: arrows choose, letters delete no cell, and Tab goes on."""

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CELL = """
import ipywidgets
from workbench.keys import KeyedBox
drop = ipywidgets.Dropdown(options=["one", "two", "three"])
several = ipywidgets.Select(options=["one", "two", "three"], value="one")
radio = ipywidgets.RadioButtons(options=["one", "two", "three"], value="one")
KeyedBox([drop, ipywidgets.HBox([several]), radio])
"""


def test_keys_choose_and_stay_in_their_widget(lab, tmp_path) -> None:
    notebook = lab.open(write_notebook(tmp_path / "keys.ipynb", [CELL, "'another cell'", "'a third one'"]))
    notebook.run_all()
    page = notebook.page
    cells = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
    controls = [page.locator(f".widget-{name} {tag}").first for name, tag in
                [("dropdown", "select"), ("select", "select"), ("radio", "input")]]  # fmt: skip
    controls[0].wait_for(state="visible", timeout=30_000)
    page.wait_for_timeout(300)
    before = page.evaluate(cells)
    for control in controls:
        control.focus()
        page.keyboard.press("ArrowDown")
        for _ in range(2):
            page.keyboard.press("d")
        assert page.evaluate("() => ['SELECT', 'INPUT'].includes(document.activeElement.tagName)")
    assert page.evaluate(cells) == before
    for _ in range(3):  # each radio button is a stop of its own
        page.keyboard.press("Tab")
    assert page.evaluate("() => !document.activeElement.closest('.widget-vbox')"), "Tab leaves"
    notebook.wait_until(
        lambda: notebook.run_cell("print(drop.value, several.value, radio.value)") == "two two two", "the choices"
    )
    notebook.check()
