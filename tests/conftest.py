"""Every test run has a home of its own and no network to fall back on; processes that tests start inherit both."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_home = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    home = Path(tempfile.mkdtemp(prefix="workbench-tests-"))
    config.stash[_home] = home
    os.environ.update(
        WORKBENCH_HOME=str(home / "workbench"),
        IPYTHONDIR=str(home / "ipython"),
        JUPYTER_CONFIG_DIR=str(home / "jupyter"),
        JUPYTER_PLATFORM_DIRS="1",
        HF_HOME=str(home / "huggingface"),
        HF_HUB_OFFLINE="1",
        HF_HUB_DISABLE_TELEMETRY="1",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_home], ignore_errors=True)
