"""The bench of senses under a person's hands: another word, another layer, sentences of one's own, hostile ones too."""

import json

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = """
from workbench import view
from workbench.embed.contextual import ContextualEncoder
encoder = ContextualEncoder(device="cpu")
"""
BENCH = "bench = view.SenseBench(encoder)\nbench"
SLIDER = ".widget-hslider .noUi-handle"
HOSTILE = """river | We sat on the bank <img src=x onerror="window.hacked = 'typed'"> and $\\alpha$ rose
river | Willows grow along this bank.
<b>money</b> | <script>window.hacked = 'script'</script> The bank lends money.
<b>money</b> | My bank &lt;closes&gt; at four."""


@pytest.fixture
def notebook(run_anew):
    opened = run_anew([SETUP, BENCH])
    opened.page.locator(".js-plotly-plot .heatmaplayer").wait_for(state="attached", timeout=60_000)
    assert opened.outputs("stream") == [], "no warning, as of numbers that JSON lacks"
    opened.page.locator(SLIDER).scroll_into_view_if_needed()
    return opened


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def drawn(notebook) -> dict[str, list[float]]:
    """Number of each sentence -> where its point is, in the coordinates of the plane, as the browser has it."""
    return notebook.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.js-plotly-plot .scatterlayer .trace text')]
            .map(node => [node, node.parentNode.__data__ ?? node.__data__])
            .map(([node, {x, y}]) => [node.textContent, [x, y]]))"""
    )


def points(notebook) -> dict[str, list[float]]:
    return python(notebook, "{str(r.number): [float(r.x), float(r.y)] for r in bench.occurrences.itertuples()}")


def same(notebook) -> bool:
    shown, there = drawn(notebook), points(notebook)
    return shown.keys() == there.keys() and all(shown[key] == pytest.approx(there[key], abs=1e-6) for key in there)


def title(notebook) -> str:
    return notebook.page.locator(".gtitle").first.text_content()


def whole(notebook):
    """The bench from its controls to the list of sentences."""
    return notebook.page.locator(".jp-OutputArea-output", has=notebook.page.locator(".wb-senses")).last


def status(notebook) -> str:
    return notebook.page.locator("[role=status]").inner_text()


def write(notebook, text: str) -> None:
    """Fill the text field and leave it."""
    field = notebook.page.get_by_role("textbox", name="sentences, one a line")
    field.fill(text)
    field.blur()


def test_another_layer_and_another_word(notebook, record_property) -> None:
    assert same(notebook)
    first = title(notebook)
    assert "at layer 6 of 6" in first
    notebook.shot("sense-bench-last-layer", whole(notebook))
    handle = notebook.page.locator(SLIDER)
    handle.focus()
    for layer in range(5, -1, -1):
        notebook.page.keyboard.press("ArrowLeft")
        seconds = notebook.wait_until(
            lambda layer=layer: f"At layer {layer} " in status(notebook), "the read-out of the layer"
        )
    record_property("step_to_status_s", round(seconds, 2))
    notebook.wait_until(lambda: "at layer 0 of 6" in title(notebook), "the figure of layer 0")
    assert same(notebook)
    notebook.shot("sense-bench-layer-0", whole(notebook))

    notebook.page.locator(".widget-dropdown select").select_option(label="match")
    notebook.wait_until(lambda: title(notebook).startswith("“match”"), "the other word")
    handle.focus()
    for _ in range(6):
        notebook.page.keyboard.press("ArrowRight")
    notebook.wait_until(lambda: "At layer 6 " in status(notebook), "the last layer")
    notebook.wait_until(lambda: "“match” at layer 6 of 6" in title(notebook), "its figure")
    assert same(notebook)
    said = python(notebook, "f\"{bench.accuracy.table.set_index('layer')['accuracy'][6]:.0%}\"")
    assert f"{said} of 16 sentences go to their own sense" in status(notebook)
    numbers = notebook.page.locator(".wb-senses strong")
    assert {text.lower() for text in numbers.all_inner_texts()} <= {"match", "matches"}
    notebook.shot("sense-bench-match", whole(notebook))
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_sentences_of_ones_own_are_text(notebook) -> None:
    notebook.page.locator(".widget-text input").fill("bank")
    notebook.page.locator(".widget-text input").press("Enter")
    write(notebook, HOSTILE)
    notebook.wait_until(lambda: "of 4 sentences go to their own sense" in status(notebook), "the four sentences")
    notebook.wait_until(lambda: len(drawn(notebook)) == 4, "four points")
    assert same(notebook)
    listed = notebook.page.locator(".wb-senses").inner_text()
    assert "onerror=\"window.hacked = 'typed'\"> and $\\alpha$ rose" in listed
    assert "<script>window.hacked = 'script'</script>" in listed and "&lt;closes&gt;" in listed
    assert "<b>money</b>" in notebook.page.locator(".legend").first.text_content()

    x, y = notebook.page.evaluate(
        """() => {
            const node = [...document.querySelectorAll('.js-plotly-plot .scatterlayer text')]
                .find(node => node.textContent === '1');
            const {left, top, width, height} = node.getBoundingClientRect();
            return [left + width / 2, top + height / 2];
        }"""
    )
    notebook.page.mouse.move(x - 9, y - 4)
    notebook.page.mouse.move(x, y, steps=4)
    hover = notebook.page.locator(".hoverlayer .hovertext")
    hover.wait_for(state="visible", timeout=10_000)
    assert "<img src=x onerror=" in hover.text_content()
    notebook.page.wait_for_timeout(500)  # time for MathJax, which would typeset a formula after it is shown
    notebook.shot("sense-bench-hostile")

    write(notebook, "The bank is open.\nNo such <img src=x onerror=\"window.hacked = 'error'\"> word here.")
    alert = notebook.page.locator("[role=alert]")
    alert.wait_for(state="visible", timeout=10_000)
    assert "sentence 2, 'No such <img src=x onerror=" in alert.inner_text()
    assert "does not have 'bank' as a whole word" in alert.inner_text()
    assert len(drawn(notebook)) == 4, "the last good figure stays"
    write(notebook, "The bank is open.\nA bank of clay.")
    notebook.wait_until(lambda: notebook.page.locator("[role=status]").count() == 1, "the way back")
    assert "To compare senses, give two senses two sentences each" in status(notebook)
    notebook.shot("sense-bench-no-senses")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".jp-OutputArea img, mjx-container, .MathJax").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
