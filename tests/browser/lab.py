"""A JupyterLab of its own and a browser that may talk to it alone: the hands of the browser tests."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Playwright, Request

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOOPBACK = re.compile(r"^(?:(?:https?|wss?)://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:/|$)|data:|blob:|about:)")
HARMLESS = (
    # JupyterLab asks for a workspace, a file or an extension's settings that may not exist yet, and copes.
    re.compile(r"Failed to load resource: the server responded with a status of 404"),
    # Chromium's software WebGL comments on its own speed.
    re.compile(r"GL Driver Message|GPU stall due to ReadPixels|Automatic fallback to software WebGL"),
)


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook of code cells, at a path that must not exist."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    with path.open("x", encoding="utf-8") as file:
        nbformat.write(notebook, file)
    return path


class Server:
    """JupyterLab on a free port of 127.0.0.1, with a token and with folders that no person uses."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.token = root, "browser-test"
        self.log = home / "jupyterlab.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
        }
        environment = dict(os.environ)
        for variable, name in folders.items():
            (home / name).mkdir(parents=True, exist_ok=True)
            environment[variable] = str(home / name)
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += [f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}"]
        command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", f"--ServerApp.root_dir={root}"]
        quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait()

    def _wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at once:\n{self.log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api?token={self.token}", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise TimeoutError(f"JupyterLab did not answer in {seconds:.0f} s:\n{self.log.read_text()[-3000:]}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


class Notebook:
    """One open notebook in the browser.

    ``requests_outside`` and ``console_errors`` collect what went wrong on the page; ``check()`` raises if anything did.
    """

    def __init__(self, page: Page, shots: Path) -> None:
        self.page, self.shots = page, shots
        self.requests_outside: list[str] = []
        self.console_errors: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", self._requested)
        page.on("websocket", lambda socket: self._address(socket.url))
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.console_errors.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _requested(self, request: Request) -> None:
        self._address(request.url)

    def _address(self, url: str) -> None:
        if not LOOPBACK.match(url):
            self.requests_outside.append(url)

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(pattern.search(message.text) for pattern in HARMLESS):
            self.console_errors.append(message.text)

    def check(self) -> None:
        """Raise if a request left the machine, the console showed an error, or a dialog opened."""
        assert not self.requests_outside, f"requests left the machine: {self.requests_outside[:5]}"
        assert not self.console_errors, f"console errors: {self.console_errors[:5]}"
        assert not self.dialogs, f"dialogs opened: {self.dialogs}"

    def ready(self, seconds: float = 60) -> None:
        """Wait until the notebook's kernel is ready."""
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady", timeout=1000 * seconds
        )
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.context?.isReady"
            " && window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
            timeout=1000 * seconds,
        )

    def run_all(self, seconds: float = 180) -> float:
        """Run every cell, wait for the last to finish, fail on a traceback; the seconds that it took."""
        started = time.monotonic()
        ok = self._execute("notebook:run-all-cells", seconds)
        failed = self.outputs("error")
        assert not failed, f"a cell failed: {failed[0]['ename']}: {failed[0]['evalue']}"
        assert ok is not False
        return time.monotonic() - started

    def _execute(self, command: str, seconds: float) -> Any:
        """Run a JupyterLab command whose promise ends with the execution."""
        self.page.evaluate(
            """command => {
                window.wbDone = null;
                window.jupyterapp.commands.execute(command).then(
                    value => { window.wbDone = {value: value ?? null}; },
                    error => { window.wbDone = {error: String(error)}; });
            }""",
            command,
        )
        self.page.wait_for_function("() => window.wbDone !== null", timeout=1000 * seconds)
        done = self.page.evaluate("() => window.wbDone")
        assert "error" not in done, f"{command}: {done['error']}"
        return done["value"]

    def run_cell(self, source: str, seconds: float = 60) -> str:
        """Add a code cell at the end, run it, and return what it printed or its last value, as plain text.

        The page stays scrolled as it was, so that positions taken before still hold.
        """
        outer = "document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer')"
        scrolled = self.page.evaluate(f"() => {outer}.scrollTop")
        self.page.evaluate(
            """source => {
                const content = window.jupyterapp.shell.currentWidget.content;
                content.model.sharedModel.addCell({cell_type: 'code', source, metadata: {}});
                content.activeCellIndex = content.widgets.length - 1;
                content.deselectAll();
            }""",
            source,
        )
        self._execute("notebook:run-cell", seconds)
        self.page.evaluate(f"top => {{ {outer}.scrollTop = top }}", scrolled)
        outputs = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.at(-1).model.outputs.toJSON()"
        )
        failed = [output for output in outputs if output["output_type"] == "error"]
        assert not failed, f"the cell failed: {failed[0]['ename']}: {failed[0]['evalue']}"
        texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
        return "".join("".join(text) for text in texts).strip()

    def drop_cells_after(self, number: int) -> None:
        """Delete every cell but the first ``number``, forget what the page logged, and scroll to the top."""
        self.page.evaluate(
            """number => {
                const content = window.jupyterapp.shell.currentWidget.content;
                const cells = content.model.sharedModel;
                cells.deleteCellRange(number, cells.cells.length);
                content.activeCellIndex = 0;
                content.deselectAll();
                document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer').scrollTop = 0;
            }""",
            number,
        )
        self.requests_outside.clear()
        self.console_errors.clear()
        self.dialogs.clear()

    def outputs(self, kind: str) -> list[dict[str, Any]]:
        """Outputs of one type, such as ``error``, of all cells."""
        cells = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells"
            ".filter(cell => cell.cell_type === 'code').map(cell => cell.getOutputs())"
        )
        return [output for outputs in cells for output in outputs if output["output_type"] == kind]

    def wait_text(self, text: str, seconds: float = 30, selector: str = ".jp-Notebook") -> Locator:
        """Wait until an element shows this text, and return the innermost such element."""
        found = self.page.locator(selector).get_by_text(text).first
        found.wait_for(state="visible", timeout=1000 * seconds)
        return found

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 15) -> float:
        """Wait until a Python condition holds; the seconds that it took."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"waited {seconds:.0f} s for: {what}")
            self.page.wait_for_timeout(40)
        return time.monotonic() - started

    def explorer(self, nth: int = 0) -> "ExplorerPage":
        """The nth explorer or map on the page, once it has drawn."""
        return ExplorerPage(self, nth)

    def theme(self, name: str) -> None:
        """Switch to ``"JupyterLab Dark"`` or ``"JupyterLab Light"``."""
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{light}'", timeout=20_000)

    def shot(self, name: str, locator: Locator | None = None) -> Path:
        """Write ``NAME.png`` of the page or an element to the folder for screenshots."""
        path = self.shots / f"{name}.png"
        (locator or self.page).screenshot(path=path)
        return path


class ExplorerPage:
    """A person's hands and eyes on one explorer: type, click points, draw lassos, see what is lit."""

    def __init__(self, notebook: Notebook, nth: int = 0, seconds: float = 60) -> None:
        self.notebook, self.page, self.nth = notebook, notebook.page, nth
        self.map = notebook.page.locator(".wb-map").nth(nth)
        self.map.wait_for(state="visible", timeout=1000 * seconds)
        self.map.scroll_into_view_if_needed()
        self.page.wait_for_function(
            f"() => {{ {self._FIND} return find({nth})?.get('points')?.length > 0 }}", timeout=1000 * seconds
        )
        canvas = self.map.locator("canvas").first.bounding_box()
        assert canvas is not None and canvas["width"] > 100, f"the map has no room: {canvas}"
        self.settle()

    _FIND = """const find = (nth) => {
        const box = document.querySelectorAll('.wb-map')[nth];
        return [...(box?.querySelectorAll('div[id]') ?? [])].find(element => element.api)?.api;
    };"""

    def _plot(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(
            f"(argument) => {{ {self._FIND} const api = find({self.nth}); return {expression}; }}", argument
        )

    def settle(self, milliseconds: int = 400) -> None:
        """Wait until what is drawn has not changed for a while."""
        last, since = None, time.monotonic()
        while time.monotonic() - since < milliseconds / 1000:
            now = json.dumps(self.drawn())
            if now != last:
                last, since = now, time.monotonic()
            self.page.wait_for_timeout(50)

    def drawn(self) -> list[float]:
        """The look of every point as the browser drew it: the codes of :attr:`MapView.codes`."""
        return self._plot("api.get('points').map(point => point[2])")

    def lit(self) -> list[int]:
        """Rows that are drawn in a role of their own: hits, the chosen point."""
        return self._plot("""(() => {
            const opacity = api.get('opacity');
            return api.get('points').flatMap((point, row) => opacity[point[2]] === 1 ? [row] : []);
        })()""")

    def position(self, row: int) -> tuple[float, float]:
        """Where a point is on the page, in pixels, once it has stayed there for a while."""
        self.map.scroll_into_view_if_needed()
        last, since = None, time.monotonic()
        while time.monotonic() - since < 0.2:  # running a cell scrolls the page, which moves on for some frames
            x, y = self._plot("api.getScreenPosition(argument)", row)
            box = self.map.locator("canvas").first.bounding_box()
            assert box is not None
            now = (box["x"] + x, box["y"] + y)
            if now != last:
                last, since = now, time.monotonic()
            self._frame()
        assert last is not None
        return last

    def _frame(self) -> None:
        """Wait until the browser has handled what the mouse did: it joins the moves of one frame into one."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def type(self, query: str) -> None:
        """Type into the search box and press Enter."""
        box = self.page.get_by_placeholder("Search by meaning").nth(self.nth)
        box.click()
        box.fill("")
        box.press_sequentially(query)
        box.press("Enter")

    def click(self, row: int) -> None:
        """Click on a point."""
        x, y = self.position(row)
        self.page.mouse.move(x - 12, y - 8)
        self.page.mouse.move(x, y, steps=4)
        self.page.wait_for_timeout(400)
        self.page.mouse.down()
        self.page.wait_for_timeout(40)
        self.page.mouse.up()

    def pixel(self, row: int) -> tuple[int, int, int]:
        """Color of the screen where a point is drawn: red, green, blue in 0..255."""
        x, y = self.position(row)
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        color = picture.getpixel((round(x), round(y)))
        assert isinstance(color, tuple)
        return int(color[0]), int(color[1]), int(color[2])

    def shot(self, name: str) -> Path:
        """Write ``NAME.png`` with the explorer in the middle of the page."""
        self.map.evaluate("element => element.scrollIntoView({block: 'center'})")
        return self.notebook.shot(name)

    def hover(self, row: int) -> str:
        """Rest the mouse on a point until its tooltip shows, and return what the tooltip says."""
        x, y = self.position(row)
        self.page.mouse.move(x - 12, y - 8)
        self.page.mouse.move(x, y, steps=4)
        self.page.wait_for_timeout(1200)
        return str(
            self.map.evaluate(
                """box => [...box.querySelectorAll('div')].filter(node => node.style.position === 'absolute'
                    && node.style.pointerEvents === 'none' && node.style.opacity === '1' && node.innerText)
                    .map(node => node.innerText).join('|')"""
            )
        )

    def lasso(self, corners: Sequence[tuple[float, float]]) -> None:
        """Take the lasso tool, draw through page positions, and put the tool back."""
        self.map.get_by_title("Activate lasso selection").click()
        self._wait_mode("lasso")  # before, the same drag would move the map
        (x, y), rest = corners[0], [*corners[1:], corners[0]]
        self.page.mouse.move(x, y)
        self._frame()
        self.page.mouse.down()
        for x, y in rest:
            self.page.mouse.move(x, y, steps=12)
            self._frame()  # a corner that was joined with the next move would be cut off
        self.page.wait_for_timeout(500)
        self.page.mouse.up()
        self.map.get_by_title("Activate pan & zoom").click()
        self._wait_mode("panZoom")

    def _wait_mode(self, mode: str) -> None:
        """Wait until the map takes a drag for what the tool says."""
        self.page.wait_for_function(
            f"mode => {{ {self._FIND} return find({self.nth}).get('mouseMode') === mode }}", arg=mode, timeout=20_000
        )

    def listed(self) -> list[str]:
        """Ids of the entries of the list, in order."""
        entries = self.page.locator(".wb-results").nth(self.nth).locator("li")
        # In one step: the list may be replaced between two questions.
        ids: list[str] = entries.evaluate_all("nodes => nodes.map(node => node.dataset.id)")
        return ids


def open_notebook(context: BrowserContext, server: Server, path: Path, shots: Path, name: str) -> Notebook:
    """Open a notebook, which lies under the server's root, in a page of its own and wait for its kernel."""
    page = context.new_page()
    notebook = Notebook(page, shots)
    inside = path.relative_to(server.root).as_posix()
    page.goto(f"http://127.0.0.1:{server.port}/lab/workspaces/{name}/tree/{inside}?reset&token={server.token}")
    notebook.ready()
    return notebook


def launch(playwright: Playwright, executable: str) -> BrowserContext:
    """One browser with one context, shared by all tests."""
    browser = playwright.chromium.launch(executable_path=executable, args=ARGS)
    return browser.new_context(viewport={"width": 1500, "height": 1000}, reduced_motion="reduce")
