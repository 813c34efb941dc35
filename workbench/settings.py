"""Where data and caches live: one place, moved by environment variables.

``WORKBENCH_HOME`` moves everything that the workbench writes. Without it, files go to the user's cache folder.
"""

import os
from pathlib import Path

from platformdirs import user_cache_path

from workbench.errors import StorageError

__all__ = ["cache_dir", "data_dir", "home"]


def home() -> Path:
    """Folder that holds everything the workbench writes: ``$WORKBENCH_HOME``, or the user's cache folder."""
    named = os.environ.get("WORKBENCH_HOME")
    return Path(named).expanduser().resolve() if named else user_cache_path("embedding-workbench")


def cache_dir(kind: str) -> Path:
    """Folder for one kind of derived data (``vectors``, ``corpora``, ``models``, ...), made if missing.

    Raises
    ------
    StorageError
        The folder cannot be made.
    """
    folder = home() / "cache" / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {str(folder)!r} cannot be made: {error.strerror}", "Set WORKBENCH_HOME to a folder of yours."
        ) from error
    return folder


def data_dir() -> Path:
    """Folder of the data sets written for this project: inside the installed package, or beside it in a clone."""
    packaged = Path(__file__).parent / "_data"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "data"
