"""A page written by figures.write_page: it opens from disk, fetches nothing, and shows texts as texts."""

import numpy as np
import pandas as pd
import pytest

from tests.browser.lab import Notebook
from workbench.view import figures

pytestmark = pytest.mark.browser

TEXTS = [
    "<script>window.hacked = 1</script> a script",
    "<img src=x onerror='window.hacked = 2'> a picture",
    "costs $5 and $\\LaTeX$",
    "<b>bold</b> <a href='https://evil.example'>link</a> مرحبا 🧪",
]


def test_a_page_needs_nothing_but_itself(lab, tmp_path) -> None:
    kinds = pd.Series(["<i>a</i>", "b", "b", "$c$"], name="kind")
    figure = figures.map_figure(np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), TEXTS, kinds, title="<u>Map</u> of $x$")
    path = figures.write_page(figure, tmp_path / "map.html", "A map <script>")
    opened = lab.context.new_page()
    page = Notebook(opened, lab.shots)
    try:
        opened.goto(path.as_uri())
        opened.wait_for_selector(".plotly-graph-div .main-svg")
        opened.wait_for_timeout(500)
        assert opened.title() == "A map <script>"
        assert opened.locator(".gtitle").first.inner_html().count("<u>") == 0
        assert opened.locator(".gtitle").first.text_content() == "<u>Map</u> of $x$"
        legend = opened.locator(".legend").first.text_content()
        assert "<i>a</i>" in legend
        assert "$c$" in legend
        spot = opened.evaluate("""() => {
            const plot = document.querySelector('.plotly-graph-div'), layout = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            const {xaxis, yaxis} = layout;
            return [box.x + xaxis._offset + xaxis.d2p(1), box.y + yaxis._offset + yaxis.d2p(0)];
        }""")
        opened.mouse.move(spot[0] - 10, spot[1] - 6)
        opened.mouse.move(*spot, steps=5)
        opened.wait_for_selector(".hoverlayer .hovertext")
        assert TEXTS[1] in " ".join(opened.locator(".hoverlayer .hovertext").first.text_content().split())
        page.shot("page-map")
        assert opened.evaluate("() => window.hacked") is None
        assert [url for url in page.requests_outside if not url.startswith("file:")] == []
        assert page.console_errors == []
    finally:
        opened.close()
