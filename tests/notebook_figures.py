"""Refresh the README's pictures: run every notebook in a real JupyterLab and keep what its tagged cells show.

A code cell tagged ``picture:NAME`` becomes ``notebooks/pictures/NAME.png``: a plotly figure drawn by kaleido, anything
else, such as a widget, as a screenshot. Run by ``make notebook-figures``; notebooks named as arguments limit it.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kaleido
import nbformat
from playwright.sync_api import sync_playwright

from tests.browser.lab import ARGS, Notebook, Server, launch, open_notebook
from workbench.doctor import find_browser

ROOT = Path(__file__).parents[1]
TAG = "picture:"
PLOTLY = "application/vnd.plotly.v1+json"
WIDTH, HEIGHT, SCALE = 1000, 450, 1.5  # of a figure that does not say its own size, and pixels per unit
PAGE = {"width": 1400, "height": 1500}  # tall enough for a widget to be on the page at once


def tagged(notebook: dict[str, Any]) -> dict[int, str]:
    """Index of each code cell to be pictured, and the picture's name.

    Raises
    ------
    ValueError
        A name is used twice or is not plain letters, digits, ``-`` and ``_``.
    """
    names: dict[int, str] = {}
    for at, cell in enumerate(notebook["cells"]):
        for tag in cell["metadata"].get("tags", []):
            if tag.startswith(TAG):
                name = tag.removeprefix(TAG)
                if not name.replace("-", "").replace("_", "").isalnum() or name in names.values():
                    raise ValueError(f"the tag {tag!r} of cell {at} names no picture of its own")
                names[at] = name
    return names


@contextmanager
def quiet_browser(executable: str) -> Iterator[Path]:
    """A script that starts the browser with our arguments, for kaleido, which knows only a path."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "chromium"
        script.write_text(f'#!/bin/sh\nexec {shlex.join([executable, *ARGS])} "$@"\n')
        script.chmod(0o755)
        yield script


def draw(figure: dict[str, Any], target: Path, executable: str) -> None:
    """Draw a plotly figure, as JSON, into a PNG file."""
    layout = figure["layout"]
    size = {"width": layout.get("width") or WIDTH, "height": layout.get("height") or HEIGHT, "scale": SCALE}
    with quiet_browser(executable) as browser:
        kaleido.write_fig_sync(
            {"data": figure["data"], "layout": layout},
            path=target,
            opts={"format": "png", **size},
            kopts={"path": browser, "mathjax": False},
        )


def outputs_of(notebook: Notebook, at: int) -> list[dict[str, Any]]:
    """Outputs of an executed cell."""
    return notebook.page.evaluate(
        "at => window.jupyterapp.shell.currentWidget.content.widgets[at].model.outputs.toJSON()", at
    )


def screenshot(notebook: Notebook, at: int, target: Path) -> None:
    """Write what a cell shows into a PNG file, once it has stopped changing."""
    page = notebook.page
    page.evaluate("at => window.jupyterapp.shell.currentWidget.content.scrollToItem(at, 'start')", at)
    area = page.evaluate_handle(
        "at => [...window.jupyterapp.shell.currentWidget.content.widgets[at].outputArea.node"
        ".querySelectorAll('.jp-OutputArea-output')].at(-1)",
        at,
    ).as_element()
    if area is None:
        raise RuntimeError(f"cell {at} has no output on the page")
    area.wait_for_element_state("stable")
    before, now = b"", area.screenshot()
    while now != before:
        page.wait_for_timeout(1000)
        before, now = now, area.screenshot()
    target.write_bytes(now)


def take(notebook: Notebook, names: dict[int, str], folder: Path, executable: str) -> list[Path]:
    """Write the pictures of an executed notebook.

    Raises
    ------
    RuntimeError
        A tagged cell shows nothing.
    """
    folder.mkdir(exist_ok=True)
    written = []
    for at, name in names.items():
        outputs = outputs_of(notebook, at)
        if not outputs:
            raise RuntimeError(f"cell {at}, tagged {TAG}{name}, shows nothing")
        target = folder / f"{name}.png"
        figures = [output["data"][PLOTLY] for output in outputs if PLOTLY in output.get("data", {})]
        if figures:
            draw(figures[-1], target, executable)
        else:
            screenshot(notebook, at, target)
        written.append(target)
    return written


def refresh(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Run the notebooks that have tagged cells, and write their pictures."""
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium or Chrome on the PATH: install one (Debian: apt-get install chromium)")
    written: list[Path] = []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        root = Path(home) / "notebooks"
        root.mkdir()
        server = Server(root, Path(home))
        try:
            context = launch(playwright, executable)
            for path in paths:
                source = nbformat.read(path, as_version=4)
                if names := tagged(source):
                    copy = root / path.name
                    nbformat.write(source, copy)
                    notebook = open_notebook(context, server, copy, Path(home), path.stem)
                    notebook.page.set_viewport_size(PAGE)
                    notebook.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
                    notebook.run_all(seconds=source["metadata"]["execution"]["timeout"])
                    written += take(notebook, names, folder, executable)
                    notebook.check()
                    notebook.page.close()
            context.close()
        finally:
            server.close()
    return written


def main() -> None:
    """Refresh the pictures of the notebooks named on the command line, or of all."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for written in refresh(paths, ROOT / "notebooks" / "pictures"):
        print(written.relative_to(ROOT))


if __name__ == "__main__":
    main()
