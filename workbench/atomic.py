"""Output files that appear whole or not at all."""

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workbench.errors import InputError, StorageError

__all__ = ["output_path", "replacing"]


def output_path(path: str | Path, suffix: str) -> Path:
    """Refuse an output that could not be written, before hours are spent on what it should hold.

    Parameters
    ----------
    path
        What the person named.
    suffix
        What it must end in, such as ``.npy``.

    Returns
    -------
    Path
        The absolute path; a symbolic link is followed.

    Raises
    ------
    InputError
        Another suffix, a folder, or a place that does not exist or may not be written to.
    """
    out = Path(path)
    target = out.expanduser().resolve()
    if target.suffix.lower() != suffix:
        raise InputError(f"the output {str(out)!r} does not end in {suffix}", f"Name a file that ends in {suffix}.")
    if target.is_dir():
        raise InputError(f"the output {str(out)!r} is a folder", "Name a file.")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {str(target.parent)!r}", f"Make it first: mkdir -p {target.parent}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"nothing may be written to {str(target.parent)!r}", "Name an output in a folder of yours.")
    return target


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``target`` when the block ends well, and leaves no trace when it does not.

    It gets the permissions of the file that it replaces, or those that the process gives to new files (its umask).

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written.
    """
    part: Path | None = None
    try:
        beside = target.parent / f".{target.name}.{uuid.uuid4().hex}.part"
        with beside.open("xb") as file:
            part = beside
            if target.exists():  # before anything is written that others may not read
                part.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise StorageError(
            f"cannot write {str(target)!r}: {error.strerror or error}", "Free some space or name another place."
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
