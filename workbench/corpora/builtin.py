"""The built-in corpora by name, and their datasheets."""

from workbench.corpora.wikipedia import wikipedia
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["builtin", "load"]

_LOADERS = {"wikipedia": wikipedia}


def builtin() -> list[str]:
    """Names of the built-in corpora, for ``load``."""
    return list(_LOADERS)


def load(name: str) -> Corpus:
    """A built-in corpus.

    Parameters
    ----------
    name
        One of ``builtin()``.

    Raises
    ------
    InputError
        No built-in corpus has this name.
    """
    if name not in _LOADERS:
        raise InputError(f"there is no built-in corpus {name!r}", f"Take one of: {', '.join(_LOADERS)}.")
    return _LOADERS[name]()
