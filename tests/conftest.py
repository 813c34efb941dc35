"""Every test run has a home of its own and no network to fall back on; processes that tests start inherit both.

The workers of one run share its home, so what one of them has encoded or trained the others read.
"""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_home = pytest.StashKey[Path]()
# Begun last, one of these would keep one worker busy while the other has nothing left to do.
LONGEST = (
    "02_how_embeddings_are_made.ipynb",
    "test_recall_vs_latency.py",
    "07_inside_hnsw.ipynb",
    "test_start_here.py",
    "12_semantic_search_and_rag.ipynb",
    "06_exact_or_approximate.ipynb",
    "11_vector_databases.ipynb",
    "08_inside_ivf_and_pq.ipynb",
    "05_maps_and_what_they_hide.ipynb",
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist has inherited home and environment from the process that started it
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
    if _home in config.stash:
        shutil.rmtree(config.stash[_home], ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _young_memory() -> None:
    """The collector, which sweeps call often, leaves alone what was loaded before."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured and did not assert, whichever worker ran them."""
    for report in terminalreporter.getreports("passed"):
        if report.user_properties:
            measured = ", ".join(f"{name} {value}" for name, value in report.user_properties)
            terminalreporter.line(f"{report.nodeid}: {measured}")
