"""Peers run in environments of their own: what they need never meets what the workbench needs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.records import FloatArray, IntArray
from workbench.settings import cache_dir

# The versions that were seen to work together: autofaiss 2.18.0 needs NumPy 1, which newer pyarrow refuses.
REQUIREMENTS: Mapping[str, Sequence[str]] = {
    "autofaiss": (
        "autofaiss==2.18.0",
        "embedding-reader==1.8.1",
        "faiss-cpu==1.15.1",
        "numpy==1.26.4",
        "pyarrow==19.0.1",
    ),
    "vicinity": ("vicinity==0.4.6", "hnswlib==0.8.0", "faiss-cpu==1.15.1", "numpy==2.4.6"),
}
LIMIT_S = 3600


@dataclass(frozen=True)
class Answer:
    """What a peer found, and what it and its clock said."""

    name: str
    ids: IntArray
    said: Mapping[str, Any]


def ask(peer: str, vectors: FloatArray, queries: FloatArray, k: int, folder: Path) -> list[Answer] | str:
    """Run a peer on the task in a fresh ``folder``; its answers, or the reason why there are none."""
    try:
        python = _python(peer)
    except subprocess.CalledProcessError as error:
        return f"it could not be installed: {_last_line(error.stderr)}"
    (folder / "vectors").mkdir(parents=True)
    np.save(folder / "vectors" / "0.npy", vectors)
    np.save(folder / "queries.npy", queries)
    (folder / "task.json").write_text(json.dumps({"k": k}))
    script = Path(__file__).with_name(f"{peer}_peer.py")
    try:
        _run([python, script, folder], LIMIT_S)
    except subprocess.CalledProcessError as error:
        return f"it failed: {_last_line(error.stderr)}"
    except subprocess.TimeoutExpired:
        return f"it was not done after {LIMIT_S:,} s"
    names = sorted(path.stem for path in folder.glob("*.json") if path.stem != "task")
    return [_read(folder, name) for name in names]


def _read(folder: Path, name: str) -> Answer:
    said = json.loads((folder / f"{name}.json").read_text())
    return Answer(name.replace("_", " "), np.load(folder / f"{name}.npy"), said)


def _python(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made once for each list of requirements."""
    folder = cache_dir("benchmark-peers") / peer
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "requirements.txt", "\n".join(REQUIREMENTS[peer])
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", folder])
        _run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[peer]])
        stamp.write_text(wanted)  # last, so that an environment that was cut short is made again
    return python


def _run(command: Sequence[str | Path], limit: int | None = None) -> None:
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=limit, env=outside)


def _last_line(text: str | None) -> str:
    return ((text or "").strip().splitlines() or ["it said nothing"])[-1]
