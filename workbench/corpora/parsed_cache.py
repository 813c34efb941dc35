"""Corpora that take seconds to parse, kept on disk so that the second load takes a moment."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from workbench import settings
from workbench.atomic import replacing
from workbench.errors import StorageError
from workbench.records import Corpus

__all__ = ["cached_corpus"]


def cached_corpus(name: str, key: str, build: Callable[[], Corpus]) -> Corpus:
    """The corpus that ``build`` makes, read back from disk where it was made before.

    The file is written beside its place and moved there in one step, so a killed process leaves no half file and
    two processes never see each other's. A file that cannot be read is made anew.

    Parameters
    ----------
    name
        Name of the corpus.
    key
        What decides its content: hash of the source, version of the parser, versions of packages.
    build
        Makes the corpus; called only where no readable file for ``key`` is there.

    Raises
    ------
    StorageError
        The cache folder cannot be written.
    """
    from pyarrow import ArrowException

    path = settings.cache_dir("corpora") / f"{name}-{key}.parquet"
    if path.exists():
        try:
            return _read(path, name)
        except (ArrowException, OSError, KeyError):
            path.unlink(missing_ok=True)
    _write(build(), path)
    return _read(path, name)


def _read(path: Path, name: str) -> Corpus:
    table = pd.read_parquet(path)
    return Corpus(tuple(table.pop("id")), tuple(table.pop("text")), table, name)


def _write(corpus: Corpus, path: Path) -> None:
    try:
        with replacing(path) as stream:
            corpus.frame().to_parquet(stream, compression="zstd", index=False)
    except StorageError as error:
        raise StorageError(error.what, "Free some space, or set WORKBENCH_HOME to a folder with room.") from error
