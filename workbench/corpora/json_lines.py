"""JSONL: one JSON object a line, read one at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.corpora.opening import utf8_lines
from workbench.errors import InputError

__all__ = ["json_lines"]


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a JSONL file, one a line; empty lines are passed over.

    Raises
    ------
    InputError
        A line that is not JSON, or not an object, or that no reader takes in (a whole number of thousands of digits,
        thousands of levels); its number (from 1) is given.
    """
    for number, line in enumerate(utf8_lines(path), start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"line {number:,} of {str(path)!r} is not JSON ({error.msg}, column {error.colno})",
                "Write one JSON object on each line.",
            ) from error
        except ValueError as error:  # json.loads hands on what int() says of very many digits
            raise InputError(
                f"line {number:,} of {str(path)!r} holds a whole number too long to read ({error})",
                "Write it as a string, in quotation marks.",
            ) from error
        except RecursionError as error:
            raise InputError(
                f"line {number:,} of {str(path)!r} is nested too deeply to read", "Write it with fewer levels."
            ) from error
        if not isinstance(row, dict):
            raise InputError(
                f"line {number:,} of {str(path)!r} holds a {type(row).__name__}, not an object",
                'Write one JSON object on each line, such as {"text": "..."}.',
            )
        yield row
