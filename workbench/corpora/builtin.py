"""The built-in corpora by name, and their datasheets."""

import inspect
from collections.abc import Callable
from typing import Any

from workbench import settings
from workbench.corpora.beir import read_beir
from workbench.corpora.opening import nearest_first
from workbench.corpora.python_api import python_api
from workbench.corpora.support_tickets import support_tickets
from workbench.corpora.wikipedia import wikipedia
from workbench.corpora.word_senses import word_senses
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["builtin", "datasheet", "load"]


def builtin() -> list[str]:
    """Names of the built-in corpora, for ``load``."""
    return list(_LOADERS)


def load(name: str, **options: Any) -> Corpus:
    """A built-in corpus; all of them are there without a network.

    Parameters
    ----------
    name
        One of ``builtin()``.
    **options
        For ``"python-api"``: ``packages``, a list of names. The others have none.

    Raises
    ------
    InputError
        No built-in corpus has this name or this option.
    StorageError
        The cache folder cannot be written.
    """
    loader = _LOADERS[_known(name)]
    try:
        inspect.signature(loader).bind(**options)
    except TypeError as error:
        takes = ", ".join(inspect.signature(loader).parameters) or "none"
        raise InputError(f"the corpus {name!r} has no such option ({error})", f"Its options: {takes}.") from error
    return loader(**options)


def datasheet(name: str) -> str:
    """Datasheet of a built-in corpus in Markdown: what it is, how it was made, its licence, its known limits.

    Raises
    ------
    InputError
        No built-in corpus has this name.
    """
    return (settings.data_dir() / "datasheets" / f"{_known(name)}.md").read_text(encoding="utf-8")


def _known(name: str) -> str:
    if name not in _LOADERS:
        listed = ", ".join(nearest_first(name, _LOADERS))
        raise InputError(f"there is no built-in corpus {name!r}", f"Take one of: {listed}; or corpora.read(path).")
    return name


def _help_center() -> Corpus:
    return read_beir(settings.data_dir() / "help-center", "help-center")


_LOADERS: dict[str, Callable[..., Corpus]] = {
    "wikipedia": wikipedia,
    "python-api": python_api,
    "help-center": _help_center,
    "word-senses": word_senses,
    "support-tickets": support_tickets,
}
