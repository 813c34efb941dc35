"""What the project's HTML pages share: parts that lie beside them, and data that cannot end its script element."""

import json
from pathlib import Path
from typing import Any

__all__ = ["POLICY", "part", "script_json"]

# The browser itself refuses every address. plotly's WebGL compiles its drawing commands, hence eval.
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
_STATIC = Path(__file__).parent / "static"


def script_json(value: Any) -> str:
    """JSON for a script element: without ``<``, nothing in it can end the element or open another."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def part(name: str) -> str:
    """The text of a file of styles or of script that lies in the package."""
    return (_STATIC / name).read_text(encoding="utf-8")
