"""Word vectors by name, where there is a network: those that gensim's downloader knows."""

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any

from workbench.corpora.opening import nearest_first
from workbench.embed.words.files import check_limit, read
from workbench.embed.words.quiet import quiet_gensim
from workbench.embed.words.static import StaticVectors
from workbench.errors import InputError, ModelError

__all__ = ["download"]

_NAMES_SHOWN = 5


def download(name: str, *, limit: int | None = None) -> StaticVectors:
    """Word vectors by the name that gensim's downloader has for them, such as ``glove-wiki-gigaword-100``.

    They are fetched once, into gensim's own folder (``~/gensim-data``, or ``GENSIM_DATA_DIR``), and read with `read`:
    the code that comes with them is not run. Progress goes to standard error.

    Parameters
    ----------
    name
        The name; ``gensim.downloader.info()["models"]`` lists them all.
    limit
        Read at most so many rows, the most frequent words first. The whole file is fetched all the same.

    Returns
    -------
    StaticVectors
        ``(n, d) float32``, named as asked for.

    Raises
    ------
    InputError
        There is no such name (the known ones nearest in spelling are given), it is a corpus, or ``limit`` is below 1.
    ModelError
        There is no network, or what came is not what was announced.
    """
    import gensim.downloader

    check_limit(limit)
    with quiet_gensim(), redirect_stdout(sys.stderr):
        try:
            known: dict[str, Any] = gensim.downloader.info(name_only=True)
        except Exception as error:  # it raises ValueError, OSError and what its reader of JSON raises
            raise _not_fetched(name, error) from error
        if name not in known["models"]:
            what = "is a corpus and not a set of vectors" if name in known["corpora"] else "is not known to gensim"
            models = [model for model in known["models"] if not model.startswith("__")]
            near = ", ".join(map(repr, nearest_first(name, models)[:_NAMES_SHOWN]))
            raise InputError(f"{name!r} {what}", f"Known word vectors, nearest in spelling first: {near}.")
        try:
            path = gensim.downloader.load(name, return_path=True)
        except Exception as error:  # a wrong checksum is a bare Exception
            raise _not_fetched(name, error) from error
    found = read(path, limit=limit)
    assert found.model is not None
    return StaticVectors(found.ids, found.array, replace(found.model, name=name))


def _not_fetched(name: str, error: Exception) -> ModelError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(
        f"the word vectors {name!r} are not on this machine and could not be fetched ({said})",
        f"Where there is a network, run `python -m gensim.downloader --download {name}`, copy the file from "
        f"~/gensim-data/{name} here and give it to embed.words.read; embed.words.bundled() needs no download.",
    )
