"""Without a browser the browser tests are skipped with a reason, or fail where one is required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.lab import LOOPBACK

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_a_missing_browser_is_a_skip_or_a_failure(tmp_path: Path, required: str, outcome: str) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "REQUIRE_BROWSER": required}
    test = "tests/browser/test_explorer.py::test_texts_are_text"
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert outcome in done.stdout
    assert "no Chromium or Chrome on the PATH" in done.stdout
    assert (done.returncode == 0) == (required == "0")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8888/lab", "ws://localhost:1/x", "data:,", "blob:http://x", "about:blank"]
)
def test_loopback_is_allowed(url: str) -> None:
    assert LOOPBACK.match(url)


@pytest.mark.parametrize(
    "url", ["https://cdn.example/x.js", "http://127.0.0.1.example/x", "http://10.0.0.1/", "wss://x/"]
)
def test_anything_else_is_outside(url: str) -> None:
    assert not LOOPBACK.match(url)
