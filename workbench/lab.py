"""JupyterLab on the project's notebooks: loopback only, a token always, nothing fetched from the network."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from workbench.errors import InputError, WorkbenchError

__all__ = ["FIRST_NOTEBOOK", "Lab", "plan", "start"]

FIRST_NOTEBOOK = Path("notebooks/00_start_here.ipynb")
_HOST = "127.0.0.1"
_USUAL_PORT = 8888
_TRIES = 50


@dataclass(frozen=True)
class Lab:
    """A server about to be started.

    Parameters
    ----------
    root
        Folder that JupyterLab shows.
    notebook
        What it opens, relative to ``root``.
    port
        Loopback port, free a moment ago.
    token
        What a browser must present.
    """

    root: Path
    notebook: Path
    port: int
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """Address that opens the notebook, with the token in it."""
        return f"http://{_HOST}:{self.port}/lab/tree/{self.notebook.as_posix()}?token={self.token}"

    def command(self, *, open_browser: bool = True) -> list[str]:
        """The command line; the token is not on it, since any user of the machine can read command lines."""
        as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in a container
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            *as_root,
            f"--ServerApp.root_dir={self.root}",
            f"--ServerApp.ip={_HOST}",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.open_browser={open_browser}",
            f"--LabApp.default_url=/lab/tree/{self.notebook.as_posix()}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ]

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Environment of the server: the given one, and the token."""
        return {**base, "JUPYTER_TOKEN": self.token}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _free_port(port: int | None) -> int:
    if port is None:
        free = next((p for p in range(_USUAL_PORT, _USUAL_PORT + _TRIES) if _is_free(p)), None)
        if free is None:
            raise InputError(
                f"ports {_USUAL_PORT} to {_USUAL_PORT + _TRIES - 1} are all taken", "Name a free one with --port."
            )
        return free
    if not 1 <= port <= 65535:
        raise InputError(f"port {port} is outside 1 to 65535", "Name one in that range, or none.")
    if not _is_free(port):
        raise InputError(f"port {port} cannot be used: it is taken, or not yours", "Name another one, or none.")
    return port


def plan(root: Path | None = None, port: int | None = None) -> Lab:
    """Choose folder, port and token of a server, without starting anything.

    Parameters
    ----------
    root
        Folder with ``notebooks/``; None takes the clone that the package was installed from.
    port
        Port on 127.0.0.1; None takes the first free one from 8888.

    Raises
    ------
    InputError
        There is no first notebook under ``root``, or the port is taken or out of range.
    """
    chosen = _free_port(port)
    folder = (root or Path(__file__).parents[1]).resolve()
    if not (folder / FIRST_NOTEBOOK).is_file():
        raise InputError(f"there is no {FIRST_NOTEBOOK} in {folder}", "Start the lab from a clone of the project.")
    return Lab(folder, FIRST_NOTEBOOK, chosen, os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24))


def start(lab: Lab, *, open_browser: bool = True) -> NoReturn:
    """Become the server: this process is replaced by JupyterLab, so signals reach it and its exit status is ours.

    Raises
    ------
    WorkbenchError
        JupyterLab cannot be started.
    """
    command = lab.command(open_browser=open_browser)
    try:
        os.execve(command[0], command, lab.environment(os.environ))
    except OSError as error:
        raise WorkbenchError(f"JupyterLab cannot be started: {error}", "Run `make setup` again.") from error
