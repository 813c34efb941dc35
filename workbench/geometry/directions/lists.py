"""Lists of words as rows: each word once, and the unknown ones named."""

from collections.abc import Iterable

import numpy as np

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.records import IntArray

__all__ = ["known_rows", "share_nothing"]


def known_rows(vectors: StaticVectors, words: Iterable[str], what: str, least: int = 1) -> tuple[IntArray, list[str]]:
    """Rows of the words that are known, each once, in their order; and the words that are not.

    Raises
    ------
    InputError
        A string instead of a list of strings, or fewer than ``least`` known words; ``what`` names the list.
    """
    if isinstance(words, str):
        raise InputError(f"{what} is the text {words!r}, not a list of words", f"Pass [{words!r}].")
    listed = list(dict.fromkeys(words))
    found = [(word, vectors.find(word)) for word in listed]
    rows = list(dict.fromkeys(row for _, row in found if row is not None))
    missing = [word for word, row in found if row is None]
    if len(rows) < least:
        unknown = f"; unknown: {', '.join(map(repr, missing[:5]))}" if missing else ""
        raise InputError(f"{what} has {len(rows)} known words and needs {least}{unknown}", "Look in vectors.words.")
    return np.array(rows, dtype=np.int64), missing


def share_nothing(vectors: StaticVectors, rows: IntArray, others: IntArray, what: str) -> None:
    """Refuse two lists with a word in common."""
    both = np.intersect1d(rows, others)
    if len(both):
        raise InputError(f"the word {vectors.ids[both[0]]!r} is in both {what}", "Leave it in one of them.")
