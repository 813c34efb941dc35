"""What a verb prints: one JSON object for a program, lines for a person, and nothing a terminal would act on."""

import json
import os
import sys
import textwrap
from typing import Any

import typer

from workbench.markup import plain

__all__ = ["leave_quietly", "one_line", "paragraph", "report", "say"]


def _plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers and arrays, NaN (null), dates and paths (text)."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if value != value or value in (float("inf"), float("-inf")):
        return None
    return value if isinstance(value, float) else str(value)


def report(as_json: bool, found: dict[str, Any], *lines: str) -> None:
    """Print the result, for a program or for a person."""
    try:
        typer.echo(json.dumps(_plain(found), allow_nan=False) if as_json else "\n".join(lines))
    except BrokenPipeError:
        leave_quietly()


def leave_quietly() -> None:
    """Whoever reads has read enough, such as ``head``: say no more, or Python complains when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def one_line(message: object) -> str:
    """A message on one line, without control characters that a terminal would act on."""
    return " ".join(plain(message).split())


def paragraph(text: str, width: int) -> list[str]:
    """A text on three indented lines at most."""
    return textwrap.wrap(
        one_line(text), width, initial_indent="     ", subsequent_indent="     ", max_lines=3, placeholder=" …"
    )


def say(message: object) -> None:
    """One line on standard error."""
    typer.echo(f"workbench: {one_line(message)}", err=True)
