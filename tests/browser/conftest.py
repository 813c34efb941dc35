"""The fixture ``lab``: JupyterLab and a browser, started once; skipped with a reason where there is no browser.

    @pytest.mark.browser
    def test_something(lab, tmp_path):
        notebook = lab.open(path)          # copied into the server's folder, then opened; the kernel is ready
        notebook.run_all()                 # fails on a traceback
        notebook.wait_text("recall@5")
        explorer = notebook.explorer()     # type, click, lasso, lit, listed
        notebook.run_cell("explorer.selection")
        notebook.check()                   # no request left the machine, no console error, no dialog

``REQUIRE_BROWSER=1`` turns the skip into a failure; ``WORKBENCH_SHOTS`` names the folder for screenshots.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.browser.lab import Notebook, Server, launch, open_notebook, write_notebook
from workbench.doctor import find_browser

# A test opens each of these notebooks as it is and runs all of its cells, which fails where one of them does.
RUN_IN_A_BROWSER = {
    "00_start_here.ipynb": "test_start_here.py",
    "09_recall_vs_latency.ipynb": "test_recall_vs_latency.py",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where there is a browser, nbmake does not run what a test runs in it."""
    if find_browser() is None:
        return
    files = {item.path.name for item in items}
    twice = [item for item in items if RUN_IN_A_BROWSER.get(item.path.name) in files]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]


class Lab:
    """A running JupyterLab and the browser that looks at it."""

    def __init__(self, server: Server, context: BrowserContext, shots: Path) -> None:
        self.server, self.context, self.shots = server, context, shots
        self._opened: list[Notebook] = []

    def open(self, path: Path) -> Notebook:
        """Copy a notebook into the server's folder, open it and wait for its kernel."""
        name = f"t{len(self._opened)}"
        copy = self.server.root / name / path.name
        copy.parent.mkdir()
        shutil.copy(path, copy)
        self._opened.append(open_notebook(self.context, self.server, copy, self.shots, name))
        return self._opened[-1]

    def close_pages(self) -> None:
        """Close every page and shut its kernel down, so that tests do not share the cores."""
        for notebook in self._opened:
            if not notebook.page.is_closed():
                notebook.page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
                notebook.page.close()


@pytest.fixture(scope="session")
def _running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    executable = find_browser()
    if executable is None:
        reason = "no Chromium or Chrome on the PATH: install one (Debian: apt install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    shots = Path(os.environ.get("WORKBENCH_SHOTS") or folder / "shots")
    shots.mkdir(parents=True, exist_ok=True)
    server = Server(folder / "root", folder)
    try:
        with sync_playwright() as playwright:
            context = launch(playwright, executable)
            yield Lab(server, context, shots)
            context.browser.close()  # type: ignore[union-attr]
    finally:
        server.close()


@pytest.fixture
def lab(_running_lab: Lab) -> Iterator[Lab]:
    """JupyterLab and a browser; the pages that a test opened are closed after it."""
    yield _running_lab
    _running_lab.close_pages()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, so that the next one gets a notebook of its own."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="module")
def file_lab(_running_lab: Lab) -> Iterator[Lab]:
    """As ``lab``, but the pages stay open until the last test of the file."""
    yield _running_lab
    _running_lab.close_pages()


@pytest.fixture(scope="module")
def _kept(file_lab: Lab) -> list[Notebook]:
    return []


@pytest.fixture
def run_anew(
    request: pytest.FixtureRequest, file_lab: Lab, _kept: list[Notebook], tmp_path: Path
) -> Iterator[Callable[[list[str]], Notebook]]:
    """Run cells in the one notebook of a test file: opened for the first test, all cells run anew for every other.

    Every test of the file runs the same cells. Every widget is made anew; the page and the kernel, with its imports,
    stay. After a failure, or once a test closed the page, the next test opens another notebook.
    """

    def run(sources: list[str]) -> Notebook:
        if _kept and not _kept[0].page.is_closed():
            _kept[0].drop_cells_after(len(sources))
        else:
            file_lab.close_pages()
            _kept[:] = [file_lab.open(write_notebook(tmp_path / "cells.ipynb", sources))]
        _kept[0].run_all()
        return _kept[0]

    yield run
    if request.node.stash.get(FAILED, False) and _kept:
        file_lab.close_pages()
        _kept.clear()
