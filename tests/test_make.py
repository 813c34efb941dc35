"""The Makefile's set-up: done once, done again when the pins move, never half done. Python and pip are stand-ins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Stands for python3: makes .venv/bin/python from itself, and writes down what pip was asked for.
STAND_IN = """#!/bin/sh
case "$1 $2 $3" in
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip install") echo "$PIP_CONSTRAINT: $*" >> pip.log; touch ".venv/installed-$$"; test ! -e fail ;;
    "-c "*) echo include ;;
esac
"""

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None, reason="needs make: install it (Debian: apt install make)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone as far as the set-up is concerned."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "stand-in"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", f"PYTHON={folder / 'stand-in'}", *arguments]
    environment = {
        key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "PORT", "OPEN")
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def asked(folder: Path) -> list[str]:
    """What pip was asked for since the last look."""
    log = folder / "pip.log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_torch_is_installed_first_then_everything_by_the_pins(folder: Path) -> None:
    assert make(folder, "setup").returncode == 0
    torch, everything = asked(folder)
    assert torch.startswith("constraints.txt: ") and torch.endswith(" torch==2.13.0")
    assert everything.startswith("constraints.txt: ") and everything.endswith(" --editable .[dev]")


@pytest.mark.parametrize("compiler", ["true", "false"])
def test_hnswlib_is_compiled_where_that_is_possible(folder: Path, compiler: str) -> None:
    (folder / "include").mkdir()
    (folder / "include" / "Python.h").touch()
    assert make(folder, "setup", f"CXX={compiler}").returncode == 0
    assert [line.split()[-1] for line in asked(folder)[2:]] == (["hnswlib"] if compiler == "true" else [])


def test_it_is_done_once(folder: Path) -> None:
    assert make(folder, "setup").returncode == 0
    assert len(asked(folder)) == 2
    assert make(folder, "setup").returncode == 0
    assert asked(folder) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_it_is_done_again_when_what_it_was_made_of_moves(folder: Path, name: str) -> None:
    assert make(folder, "setup").returncode == 0
    later = (folder / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(folder / name, (later, later))
    asked(folder)
    assert make(folder, "setup").returncode == 0
    assert len(asked(folder)) == 2


def test_a_set_up_that_was_cut_short_is_started_over(folder: Path) -> None:
    (folder / "fail").touch()
    assert make(folder, "setup").returncode != 0
    assert not (folder / ".venv" / ".installed").exists()
    (left,) = (folder / ".venv").glob("installed-*")
    (folder / "fail").unlink()
    asked(folder)
    assert make(folder, "setup").returncode == 0
    assert not left.exists()
    assert len(asked(folder)) == 2
    assert not (folder / ".venv" / ".installing").exists()


def test_without_a_python_it_says_what_to_install(folder: Path) -> None:
    done = make(folder, "setup", "PYTHON=")
    assert done.returncode != 0
    assert "Python 3.11 or newer with venv was not found. Install it" in done.stderr


def test_the_lab_takes_port_and_open(folder: Path) -> None:
    plain = make(folder, "--dry-run", "lab").stdout.split()
    assert plain[-2:] == [".venv/bin/workbench", "lab"]
    chosen = make(folder, "--dry-run", "lab", "PORT=9001", "OPEN=0").stdout.split()
    assert chosen[-4:] == ["lab", "--port", "9001", "--no-open"]


def test_every_benchmark_runs_even_after_one_that_fails(folder: Path) -> None:
    assert make(folder, "setup").returncode == 0
    benchmarks = folder / "tests" / "benchmarks"
    benchmarks.mkdir(parents=True)
    (benchmarks / "bench_a.py").touch()
    (benchmarks / "bench_b.py").touch()
    (folder / ".venv" / "bin" / "python").write_text(
        '#!/bin/sh\necho "$2" >> ran; test "$2" != tests.benchmarks.bench_a\n'
    )
    assert make(folder, "bench").returncode != 0
    assert (folder / "ran").read_text().split() == ["tests.benchmarks.bench_a", "tests.benchmarks.bench_b"]


def test_clean_removes_what_was_made_and_nothing_else(folder: Path) -> None:
    assert make(folder, "setup").returncode == 0
    for name in (".mypy_cache/x", "workbench/__pycache__/x", "notebooks/.ipynb_checkpoints/x", "notebooks/keep.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    asked(folder)
    assert make(folder, "clean").returncode == 0
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"Makefile", "pyproject.toml", "constraints.txt", "stand-in", "notebooks/keep.ipynb"}
    assert not (folder / "workbench" / "__pycache__").exists()
