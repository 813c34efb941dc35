"""The bench of word analogies under a person's hands: typed words, own words allowed or not, answers by keyboard."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]

SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from workbench import embed, view

known = embed.words.bundled()
hostile = "<img src=x onerror=hacked=1>"
array = np.concatenate([known.array, known.vector("queen")[None] * np.float32(1.001)])
words = embed.words.StaticVectors((*known.words, hostile), array)
"""
BENCH = "bench = view.AnalogyBench(words)\nbench"
HOSTILE = "<img src=x onerror=hacked=1>"


@pytest.fixture
def notebook(run_anew):
    opened = run_anew([SETUP, BENCH])
    opened.page.locator(".js-plotly-plot .scatterlayer").wait_for(state="visible", timeout=30_000)
    opened.page.locator(".wb-answers").scroll_into_view_if_needed()
    return opened


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def listed(notebook) -> list[str]:
    """The words of the table, from the top, as the page shows them."""
    return notebook.page.locator(".wb-answer-name").all_text_contents()


def status(notebook) -> str:
    return notebook.page.locator(".jp-OutputArea [role=status], .jp-OutputArea [role=alert]").first.inner_text()


def labels(notebook) -> list[str]:
    """What is written in the plane."""
    return notebook.page.locator(".js-plotly-plot .textpoint text").evaluate_all(
        "nodes => nodes.map(node => [...node.querySelectorAll('tspan.line')].map(line => line.textContent).join(' ')"
        " || node.textContent)"
    )


def type_word(notebook, field: int, word: str) -> None:
    """Type into one of the three fields, from the left, and press Enter."""
    box = notebook.page.locator(".widget-text input").nth(field)
    box.fill(word)
    box.press("Enter")


def test_king_comes_first_with_its_own_words_and_queen_without(notebook) -> None:
    own = notebook.page.get_by_label("leave the question's own words out")
    notebook.wait_until(lambda: listed(notebook)[:2] == ["queen", HOSTILE], "the answers")
    assert "queen comes first" in status(notebook) and "Allowed, king would" in status(notebook)
    named = notebook.page.locator(".js-plotly-plot .legendtext").all_text_contents()
    assert named[:2] == ["the question's words", "the sum a* − a + b"] and len(named) == 4
    notebook.shot("analogy-bench")
    own.uncheck()
    notebook.wait_until(lambda: listed(notebook)[:1] == ["king"], "king, allowed")
    notebook.wait_until(lambda: "king (a*) the answer" in labels(notebook), "king in the plane")
    notes = notebook.page.locator(".wb-answer", has_text="in the question").locator(".wb-answer-name")
    assert "king" in notes.all_text_contents() and "queen" not in notes.all_text_contents()
    assert "one of the question's own words" in status(notebook)
    notebook.shot("analogy-bench-allowed")
    own.check()
    notebook.wait_until(lambda: listed(notebook)[:1] == ["queen"], "queen again")
    notebook.wait_until(lambda: {"king (a*)", "queen 0.78 off the plane"} <= set(labels(notebook)), "both in the plane")
    assert listed(notebook) == python(notebook, "bench.answers['word'].tolist()")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_words_are_typed_and_answers_chosen_by_keyboard(notebook) -> None:
    for field, word in enumerate(("france", "paris", "Tokyo")):
        type_word(notebook, field, word)
    notebook.wait_until(lambda: listed(notebook)[:1] == ["japan"], "japan")
    notebook.wait_until(lambda: any(said.startswith("japan ") for said in labels(notebook)), "japan in the plane")
    notebook.page.locator(".wb-answer-button").first.focus()
    for _ in range(2):
        notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    third = listed(notebook)[2]
    notebook.wait_until(lambda: f"{third} stands" in status(notebook), "the third answer")
    notebook.wait_until(
        lambda: any(said.startswith(f"{third} ") for said in labels(notebook)), "its place in the plane"
    )
    held = notebook.page.evaluate("() => document.activeElement.querySelector('.wb-answer-name')?.textContent")
    assert held == third, "the keyboard stays where it was"
    pressed = notebook.page.locator(".wb-answer-button[aria-pressed=true] .wb-answer-name").all_text_contents()
    assert pressed == [third]
    notebook.page.get_by_role("combobox", name="method").select_option(index=2)
    notebook.wait_until(lambda: "PairDirection" in status(notebook), "another method")
    assert listed(notebook) == python(notebook, "bench.answers['word'].tolist()")
    notebook.shot("analogy-bench-keyboard")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_an_unknown_word_and_a_hostile_one_are_text(notebook) -> None:
    type_word(notebook, 2, "womann <img src=x onerror=\"window.hacked = 'typed'\"> $\\alpha$")
    notebook.wait_until(lambda: "there is no word 'womann <img src=x onerror=" in status(notebook), "the message")
    assert listed(notebook) == []
    notebook.shot("analogy-bench-unknown")
    type_word(notebook, 2, "womann")
    notebook.wait_until(lambda: "'woman'" in status(notebook), "its spellings")
    type_word(notebook, 2, "woman")
    notebook.wait_until(lambda: HOSTILE in listed(notebook), "a hostile answer")
    notebook.page.locator(".wb-answer-button", has_text="onerror").click()
    notebook.wait_until(lambda: f"{HOSTILE} stands" in status(notebook), "it is chosen")
    notebook.wait_until(lambda: any(said.startswith("<img") for said in labels(notebook)), "it is in the plane")
    type_word(notebook, 0, HOSTILE)
    caption = notebook.page.locator(".wb-answers-caption")
    notebook.wait_until(lambda: caption.inner_text().startswith("<img src=x onerror="), "it is asked")
    notebook.page.wait_for_timeout(500)
    notebook.shot("analogy-bench-hostile")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".jp-OutputArea img, mjx-container, .MathJax").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
