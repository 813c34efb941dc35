"""Opening a file that a person named: it is there, not empty, UTF-8, and has the columns asked for."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import InputError

__all__ = ["damaged", "existing", "nearest_first", "utf8_lines", "wrong_column"]


def existing(path: str | Path) -> Path:
    """``path`` as a Path that is there and, where it is a file, not empty.

    Raises
    ------
    InputError
        It is missing (the nearest name in its folder is given) or holds no bytes.
    """
    found = Path(path).expanduser()
    if not found.exists():
        there = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
        close = difflib.get_close_matches(found.name, there, 1, 0.6)
        fix = f"Did you mean {str(found.parent / close[0])!r}?" if close else "Check the path."
        raise InputError(f"there is no file {str(found)!r}", fix)
    if found.is_file() and found.stat().st_size == 0:
        raise InputError(f"{str(found)!r} is empty (0 bytes)", "Write it again, or name another file.")
    return found


def utf8_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file with their line ends, one at a time; a byte order mark is left out.

    Raises
    ------
    InputError
        A byte that is not UTF-8; its offset in the file is given.
    """
    offset = 0
    with path.open("rb") as stream:
        for line in stream:
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                at = offset + error.start
                raise InputError(
                    f"{str(path)!r} is not UTF-8: byte 0x{line[error.start]:02x} at byte offset {at:,}",
                    "Save it as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW.",
                ) from error
            yield text.removeprefix("\ufeff") if offset == 0 else text
            offset += len(line)


def damaged(path: Path, detail: str) -> InputError:
    """The error for a file that breaks off or contradicts itself."""
    return InputError(f"{path.name!r} is truncated or damaged ({detail})", "Copy or write the file again.")


def wrong_column(name: str, columns: Iterable[str], where: object) -> InputError:
    """The error for a column that is not there; the columns there are come nearest name first."""
    listed = ", ".join(map(repr, nearest_first(name, columns))) or "none"
    return InputError(f"{str(where)!r} has no column {name!r}", f"It has, nearest name first: {listed}.")


def nearest_first(name: str, columns: Iterable[str]) -> list[str]:
    """Names sorted by likeness to ``name``, the most like first."""
    wanted = name.casefold()
    return sorted(columns, key=lambda c: -difflib.SequenceMatcher(None, wanted, c.casefold()).ratio())
