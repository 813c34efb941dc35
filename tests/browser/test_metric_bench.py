"""The bench of metrics under a person's hands: the slider by keyboard, the three lists as the browser drew them."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]

SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import numpy as np, pandas as pd
from tests.tiny_encoder import TinyEncoder
from workbench import view
from workbench.records import Corpus, Vectors

hostile = [
    "<script>hacked = 1</script> apple",
    "<img src=x onerror=hacked=1> apple",
    "apple $\\\\LaTeX$ and \\\\(x^2\\\\)",
    "apple apple &lt;b&gt; <b>",
]
words = "pear plum cherry lemon melon bread butter salt".split()
titles = [*hostile, "Everybody reads this", *(f"Note {{i}}" for i in range(30))]
texts = [*hostile, "apple pear plum cherry", *(f"note {{i}} {{words[i % 8]}} {{words[i % 5]}}" for i in range(30))]
corpus = Corpus(tuple(f"p{{i}}" for i in range(len(texts))), tuple(texts), pd.DataFrame({{"title": titles}}))
encoder = TinyEncoder()
vectors = Vectors(corpus.ids, encoder.encode(corpus.texts), encoder.identity)
popularity = np.ones(len(texts)); popularity[4] = 30
queries = ["apple <img src=x onerror=hacked=1> apple $x$ apple", "lemon bread"]
"""
BENCH = "bench = view.MetricBench(corpus, vectors, popularity, queries, encoder, k=6)\nbench"
POPULAR = "Everybody reads this"
SLIDER = ".widget-hslider .noUi-handle"


@pytest.fixture
def notebook(run_anew):
    opened = run_anew([SETUP, BENCH])
    opened.page.locator(".js-plotly-plot .scatterlayer").wait_for(state="visible", timeout=30_000)
    opened.page.locator(SLIDER).scroll_into_view_if_needed()
    return opened


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def drawn(notebook) -> list[list[str]]:
    """The texts of the three lists as they stand on the page, by column from the left and from the top down."""
    return notebook.page.evaluate(
        """() => {
            const box = document.querySelector('.js-plotly-plot');
            const trace = [...box.querySelectorAll('.scatterlayer .trace')]
                .find(node => node.__data__[0].trace.index === 5);  // the names
            const columns = new Map();
            for (const node of trace.querySelectorAll('text')) {
                const lines = [...node.querySelectorAll('tspan.line')];
                const said = (lines.length ? lines : [node]).map(line => line.textContent).join(' ');
                const {x, y} = node.parentNode.__data__ ?? node.__data__;
                columns.set(x, [...(columns.get(x) ?? []), [y, said]]);
            }
            const order = (a, b) => a[0] - b[0];
            return [...columns].sort(order).map(([, list]) => list.sort(order).map(([, said]) => said));
        }"""
    )


def listed(notebook) -> list[list[str]]:
    """The same three lists as the kernel ranks them."""
    ranked = "[[titles[i] for i in bench.comparison.table.sort_values('rank_' + m)['row'][:6]] for m in {}]"
    return python(notebook, ranked.format(["cosine", "dot", "euclidean"]))


def crowded(notebook) -> list[str]:
    """Names that reach into the score at their right, or into what is beside their list."""
    return notebook.page.evaluate(
        """() => {
            const traces = [...document.querySelectorAll('.js-plotly-plot .scatterlayer .trace')];
            const texts = index => [...traces.find(node => node.__data__[0].trace.index === index)
                .querySelectorAll('text')];
            const [names, scores] = [texts(5), texts(6)];  // in one order
            return names.filter((node, at) =>
                node.getBoundingClientRect().right >= scores[at].getBoundingClientRect().left
            ).map(node => node.textContent);
        }"""
    )


def status(notebook) -> str:
    return notebook.page.locator("[role=status]").inner_text()


def test_popularity_by_keyboard_changes_dot_product_and_leaves_cosine(notebook, record_property) -> None:
    before = drawn(notebook)
    assert before == listed(notebook)
    assert crowded(notebook) == []
    assert before[0] == before[1] and before[0][0] != POPULAR
    assert "At strength 0.0 no winner differs" in status(notebook)
    notebook.shot("metric-bench-plain")

    handle = notebook.page.locator(SLIDER)
    handle.focus()
    winners = []
    for step in range(1, 11):
        notebook.page.keyboard.press("ArrowRight")
        seconds = notebook.wait_until(
            lambda step=step: f"At strength {step / 10:.1f}" in status(notebook), "a read-out"
        )
        notebook.wait_until(lambda: drawn(notebook)[0] == before[0], "cosine's list stays")
        winners.append(drawn(notebook)[1][0])
    record_property("step_to_status_s", round(seconds, 2))
    assert winners[-1] == POPULAR, winners
    assert winners == sorted(winners, key=lambda name: name == POPULAR), "once up, it stays up"
    after = drawn(notebook)
    assert after == listed(notebook)
    assert after[0] == before[0]
    assert f"the winner under dot product is now {POPULAR}, instead of {before[1][0]}" in status(notebook)
    notebook.shot("metric-bench-popular")

    handle.focus()
    for _ in range(10):
        notebook.page.keyboard.press("ArrowLeft")
    notebook.wait_until(lambda: "At strength 0.0" in status(notebook), "the way back")
    notebook.wait_until(lambda: drawn(notebook) == before, "the lists of the beginning")
    assert notebook.run_cell("view.check()") == ""
    notebook.check()


def test_texts_are_text(notebook) -> None:
    titles = python(notebook, "hostile")
    shown = drawn(notebook)[0]
    assert set(titles) <= set(shown), shown
    assert "apple <img src=x onerror=hacked=1> apple $x$ apple" in notebook.page.locator(".gtitle").text_content()
    box = notebook.page.get_by_placeholder("or type one and press Enter")
    box.fill("lemon <img src=x onerror=\"window.hacked = 'typed'\"> $\\alpha$")
    box.press("Enter")
    notebook.wait_until(
        lambda: "onerror=\"window.hacked = 'typed'\"> $\\alpha$" in notebook.page.locator(".gtitle").text_content(),
        "the query is the title",
    )
    notebook.page.locator(".widget-dropdown select").select_option(label="lemon bread")
    notebook.wait_until(lambda: "lemon bread" in notebook.page.locator(".gtitle").text_content(), "another query")
    notebook.wait_until(lambda: drawn(notebook) == listed(notebook), "its lists")
    notebook.page.locator(".widget-dropdown select").select_option(index=0)
    notebook.wait_until(lambda: drawn(notebook)[0] == shown, "the first query again")
    x, y = notebook.page.evaluate(
        """() => {
            const node = [...document.querySelectorAll('.js-plotly-plot .scatterlayer text')]
                .find(node => node.textContent.includes('onerror'));
            const {left, top, width, height} = node.getBoundingClientRect();
            return [left + width / 2, top + height / 2];
        }"""
    )
    notebook.page.mouse.move(x - 9, y - 4)
    notebook.page.mouse.move(x, y, steps=4)
    hover = notebook.page.locator(".hoverlayer .hovertext")
    hover.wait_for(state="visible", timeout=10_000)
    assert "onerror=hacked=1>" in hover.text_content()
    notebook.page.wait_for_timeout(500)  # time for MathJax, which would typeset a formula after it is shown
    notebook.shot("metric-bench-hostile")
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".jp-OutputArea img, mjx-container, .MathJax").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
