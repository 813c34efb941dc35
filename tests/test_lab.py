"""The lab is a JupyterLab that only this machine reaches, and only with a token."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbench import lab
from workbench.errors import InputError, WorkbenchError


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that has the first notebook."""
    notebook = tmp_path / lab.FIRST_NOTEBOOK
    notebook.parent.mkdir()
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def get(url: str) -> tuple[int, str]:
    """Status and body of an answer, after redirects; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


def test_it_serves_the_notebook_on_loopback_to_whoever_has_the_token(clone: Path) -> None:
    planned = lab.plan(clone)
    code = "import sys; from pathlib import Path; from workbench import lab; lab.start("
    code += "lab.Lab(Path(sys.argv[1]), lab.FIRST_NOTEBOOK, int(sys.argv[2]), sys.argv[3]), open_browser=False)"
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(clone), str(planned.port), planned.token], stderr=subprocess.PIPE, text=True
    )
    try:
        contents = f"http://127.0.0.1:{planned.port}/api/contents/{planned.notebook.as_posix()}"
        deadline = time.monotonic() + 60
        while get(contents)[0] == 0 and time.monotonic() < deadline:
            assert server.poll() is None, server.communicate()[1]
            time.sleep(0.1)
        assert get(contents)[0] == 403
        assert get(f"{contents}?token=wrong")[0] == 403
        assert get(f"{contents}?token={planned.token}")[0] == 200
        status, page = get(planned.url)
        assert (status, "jupyter-config-data" in page) == (200, True)
        listening = [c.laddr for c in psutil.Process(server.pid).net_connections("inet") if c.status == "LISTEN"]
        assert (planned.port in [address.port for address in listening]) is True
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert planned.token not in " ".join(psutil.Process(server.pid).cmdline())
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_the_command_binds_loopback_asks_nothing_of_the_network_and_hides_the_token(clone: Path) -> None:
    planned = lab.Lab(clone, lab.FIRST_NOTEBOOK, 9000, "secret")
    command = planned.command(open_browser=False)
    assert {
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=9000",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
    } <= set(command)
    assert "--ServerApp.open_browser=True" in planned.command()
    assert not any("secret" in part for part in command)
    assert "secret" not in repr(planned)
    assert planned.environment({"A": "b"}) == {"A": "b", "JUPYTER_TOKEN": "secret"}
    assert planned.url == "http://127.0.0.1:9000/lab/tree/notebooks/00_start_here.ipynb?token=secret"


def test_every_lab_has_a_token_of_its_own_unless_one_is_given(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    tokens = {lab.plan(clone).token for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) == 48 for token in tokens)
    monkeypatch.setenv("JUPYTER_TOKEN", "mine")
    assert lab.plan(clone).token == "mine"


def test_a_taken_port_is_refused_by_name_and_passed_over_without(
    clone: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=f"port {taken} cannot be used"):
        lab.plan(clone, taken)
    monkeypatch.setattr(lab, "_USUAL_PORT", taken)
    assert lab.plan(clone).port > taken
    monkeypatch.setattr(lab, "_TRIES", 1)
    with pytest.raises(InputError, match="are all taken"):
        lab.plan(clone)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_port_that_does_not_exist_is_refused(clone: Path, port: int) -> None:
    with pytest.raises(InputError, match=f"port {port} is outside 1 to 65535"):
        lab.plan(clone, port)


def test_without_notebooks_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no notebooks/00_start_here\.ipynb in"):
        lab.plan(tmp_path)


def test_a_python_that_cannot_start_is_told(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(clone / "no-python"))
    with pytest.raises(WorkbenchError, match="JupyterLab cannot be started"):
        lab.start(lab.plan(clone))


def test_root_is_allowed_where_the_person_is_root(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = lab.plan(clone)
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert ("--allow-root" in planned.command()) is allowed
