"""Files that gensim's package carries: found without importing gensim, which takes a second."""

import importlib.util
from pathlib import Path

from workbench.errors import InputError

__all__ = ["gensim_file"]


def gensim_file(name: str, what: str) -> Path:
    """Path of one of the files that gensim tests itself with.

    Parameters
    ----------
    name
        As in gensim's folder, such as ``questions-words.txt``.
    what
        What to call it in the error: ``its Wikipedia articles``.

    Raises
    ------
    InputError
        The installed gensim does not carry it.
    """
    spec = importlib.util.find_spec("gensim")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / "test" / "test_data" / name).is_file():
            return path
    raise InputError(f"the installed gensim does not carry {what}", "Run `make setup`.")
