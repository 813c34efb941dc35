"""The map beside a plotly FigureWidget in one JupyterLab: a slider that recolors all points, and a lasso to Python.

From the key that moves the slider to the frame with the new colors, and from the release of the mouse to the kernel's
callback, which both have the same clock. Both maps show the same points, and the same part of them is lassoed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.benchmarks.timing import arguments, report, rotate, save
from tests.browser.lab import Notebook, Server, launch, open_notebook, write_notebook
from workbench.doctor import find_browser

SIZES = (5_000, 50_000, 200_000)
MAP, PLOTLY = "workbench MapView", "plotly FigureWidget"
CELL = """
import time
import ipywidgets, numpy as np, pandas as pd, plotly.graph_objects as go
from workbench import view
n, rng = {n}, np.random.default_rng(0)
coordinates = rng.random((n, 2)).astype(np.float32)
values = [rng.random(n).astype(np.float32) for _ in range(2)]
arrived = []
came = lambda rows: arrived.append((time.time(), len(rows)))
points = view.MapView(coordinates, height=500)
points.color_by(pd.Series(values[0]), "value")
points.on_select(lambda rows: len(rows) and came(rows))
figure = go.FigureWidget(go.Scattergl(x=coordinates[:, 0], y=coordinates[:, 1], mode="markers",
                                      marker=dict(size=3, color=values[0])))
figure.update_layout(height=500, dragmode="lasso")
figure.data[0].on_selection(lambda trace, chosen, selector: came(chosen.point_inds))
sliders = [ipywidgets.IntSlider(0, 0, 1000) for _ in range(2)]
sliders[0].observe(lambda change: points.color_by(pd.Series(values[change["new"] % 2]), "value"), "value")
sliders[1].observe(lambda change: figure.data[0].marker.update(color=values[change["new"] % 2]), "value")
ipywidgets.VBox([sliders[0], points.widget, sliders[1], figure])
"""
# Each resolves two frames after the new colors are drawn, so that they have been shown.
WATCH = """(map) => {
    window.shown = null;
    const next = requestAnimationFrame;
    const done = () => next(() => next(() => { window.shown ??= performance.now(); }));
    document.addEventListener('keydown', () => { window.pressed = performance.now(); }, {capture: true, once: true});
    if (map) {
        const watcher = new MutationObserver(() => { watcher.disconnect(); done(); });
        watcher.observe(document.querySelector('.wb-map-side'), {attributes: true, attributeFilter: ['data-painted']});
    } else {
        document.querySelector('.js-plotly-plot').once('plotly_afterplot', done);
    }
}"""
RELEASE = (
    "() => addEventListener('mouseup', () => { window.released = Date.now() / 1000; }, {capture: true, once: true})"
)


class Maps:
    """Both maps of ``n`` points on one page, and the two things that a person does to them."""

    def __init__(self, notebook: Notebook, n: int) -> None:
        self.notebook, self.page, self.n = notebook, notebook.page, n
        self.lassoed, self.drawn, self.lost = ({MAP: 0, PLOTLY: 0} for _ in range(3))
        self.page.locator(".wb-map-side[data-painted]").wait_for(timeout=120_000)
        self.page.locator(".js-plotly-plot .nsewdrag").first.wait_for(timeout=120_000)
        self.page.wait_for_timeout(2_000)

    def recolor(self, name: str) -> float:
        """Seconds from the key to the new colors."""
        handle = self.page.locator(".jp-OutputArea .noUi-handle").nth([MAP, PLOTLY].index(name))
        handle.scroll_into_view_if_needed()
        handle.focus()
        self.page.evaluate(WATCH, name == MAP)
        self.page.keyboard.press("ArrowRight")
        self.page.wait_for_function("() => window.shown !== null", timeout=120_000)
        seconds = self.page.evaluate("() => (window.shown - window.pressed) / 1000")
        self.page.wait_for_timeout(300)
        return float(seconds)

    def lasso(self, name: str) -> float:
        """Seconds from the release of the mouse to the kernel's callback; one that never arrives is drawn again."""
        for _ in range(6):
            self.drawn[name] += 1
            self.notebook.run_cell("arrived.clear()")
            self._draw_lasso(name)
            deadline = time.monotonic() + 8 + self.n / 5_000
            while time.monotonic() < deadline:
                found = self.notebook.run_cell("print(*(arrived[0] if arrived else ()))", 120).split()
                if found:
                    self.lassoed[name] = int(found[1])
                    seconds = float(found[0]) - float(self.page.evaluate("() => window.released"))
                    self.page.wait_for_timeout(500)
                    return seconds
                self.page.wait_for_timeout(100)
            self.lost[name] += 1
        raise TimeoutError(f"{name}: six lassos of {self.n:,} points in a row did not reach Python")

    def _draw_lasso(self, name: str) -> None:
        """Draw the middle third, a few pixels off each time: a selection equal to the last one tells nobody."""
        left, top, right, bottom = self._square_of_map() if name == MAP else self._square_of_plotly()
        right += self.drawn[name] % 7
        if name == MAP:
            self.page.get_by_title("Activate lasso selection").click()
        else:  # beside the last outline, which would be dragged instead
            self.page.mouse.dblclick(left - (right - left) / 2, top - (bottom - top) / 2)
            self.page.wait_for_timeout(800)
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        for x, y in [(right, top), (right, bottom), (left, bottom), (left, top)]:
            self.page.mouse.move(x, y, steps=8)
        self.page.wait_for_timeout(600)  # plotly loses a lasso that is released at once
        self.page.evaluate(RELEASE)
        self.page.mouse.up()
        if name == MAP:
            self.page.get_by_title("Activate pan & zoom").click()

    def _square_of_map(self) -> tuple[float, float, float, float]:
        canvas = self.page.locator(".wb-map canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        # The points fill the square in the middle but for the 4 % that MapView leaves free.
        return _square(
            box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 0.96 * min(box["width"], box["height"])
        )

    def _square_of_plotly(self) -> tuple[float, float, float, float]:
        figure = self.page.locator(".js-plotly-plot")
        figure.scroll_into_view_if_needed()
        middle, size = self.page.evaluate(
            """() => {
                const plot = document.querySelector('.js-plotly-plot');
                const {xaxis, yaxis} = plot._fullLayout;
                const box = plot.getBoundingClientRect();
                return [[box.x + xaxis._offset + xaxis.d2p(0.5), box.y + yaxis._offset + yaxis.d2p(0.5)],
                        [xaxis.d2p(1) - xaxis.d2p(0), yaxis.d2p(0) - yaxis.d2p(1)]];
            }"""
        )
        return _square(*middle, *size)


def _square(x: float, y: float, width: float, height: float | None = None) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the middle third of the points."""
    w, h = width / 6, (height or width) / 6
    return x - w, y - h, x + w, y + h


def measure(notebook: Notebook, n: int, rounds: int) -> list[dict[str, Any]]:
    maps = Maps(notebook, n)

    def each(action: Callable[[str], float]) -> dict[str, list[float]]:
        for name in (MAP, PLOTLY):
            action(name)
        return rotate({name: lambda name=name: action(name) for name in (MAP, PLOTLY)}, rounds)  # type: ignore[misc]

    tables = [report(f"Slider to repaint, {n:,} points", each(maps.recolor), PLOTLY)]
    times = each(maps.lasso)
    counts = [
        f"{name}: {count:,} points lassoed; {maps.lost[name]} of {maps.drawn[name]} lassos never arrived"
        for name, count in maps.lassoed.items()
    ]
    return [*tables, report(f"Lasso to Python, {n:,} points", times, PLOTLY, counts)]


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments((__doc__ or "").splitlines()[0], rounds=4)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of points")
    options: argparse.Namespace = parser.parse_args(argv)
    executable = find_browser()
    if executable is None:
        print("bench_map: no Chromium or Chrome on the PATH, so nothing was measured.")
        return
    tables = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "root").mkdir()
        server = Server(home / "root", home)
        try:
            with sync_playwright() as playwright:
                context = launch(playwright, executable)
                for n in options.sizes:
                    path = write_notebook(home / "root" / f"map{n}.ipynb", [CELL.replace("{n}", str(n))])
                    notebook = open_notebook(context, server, path, home, f"b{n}")
                    notebook.run_all()
                    tables += measure(notebook, n, options.rounds)
                    notebook.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
                    notebook.page.close()
                context.browser.close()  # type: ignore[union-attr]
        finally:
            server.close()
    save(tables, options.json)


if __name__ == "__main__":
    main()
