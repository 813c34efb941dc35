"""One vector for each word: look a word up, whatever its case, and say what is near when it is not there."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.errors import InputError, VectorError
from workbench.records import FloatArray, Vectors

__all__ = ["StaticVectors"]

_LIKE = 0.6  # difflib's ratio, from which a spelling is worth offering
_LENGTHS = 2  # letters by which an offered spelling may be longer or shorter
_SHOWN = 60  # characters of an unknown word that a message shows


@dataclass(frozen=True, eq=False, repr=False)
class StaticVectors(Vectors):
    """Words and their vectors, the most frequent word first where the source orders them so.

    They are ``Vectors`` whose ids are the words, so whatever takes vectors takes them. A word is looked up as it is
    written, then in any case: of words that differ by case alone, the first in the order answers.

    Parameters
    ----------
    ids, array, model, metric
        As for ``Vectors``: the words, and ``(n, d) float32``, none of them zero, NaN or infinite.

    Raises
    ------
    VectorError
        As for ``Vectors``; or a vector is zero or holds a number that is not finite.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        with np.errstate(over="ignore"):
            squares = np.einsum("nd,nd->n", self.array, self.array, dtype=np.float64)
        bad = ~np.isfinite(squares) | (squares == 0)
        if bad.any():
            first = int(bad.argmax())
            raise VectorError(
                f"the vector of the word {self.ids[first]!r} (row {first:,}) is zero or not finite; {bad.sum():,} are",
                "Leave such words out: they have no direction.",
            )

    def __repr__(self) -> str:
        return f"StaticVectors({len(self):,} words x {self.dimensions}, {self.model or 'model unknown'})"

    @property
    def words(self) -> tuple[str, ...]:
        """The words, row by row: another name for ``ids``."""
        return self.ids

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) is not None

    def find(self, word: str) -> int | None:
        """Row of a word as written, else in any case; None for a word that is not there."""
        row = self._rows.get(word)
        return self._any_case.get(word.upper()) if row is None else row

    def row(self, id: str) -> int:
        """Row of a word as written, else in any case; an unknown one raises InputError with the nearest spellings."""
        row = self.find(id)
        if row is None:
            near = ", ".join(map(repr, self.spellings(id)))
            fix = f"Spelled most alike: {near}." if near else "No known word is spelled like it; look in .words."
            shown = repr(id) if len(id) <= _SHOWN else f"{id[:_SHOWN]!r}..."
            raise InputError(f"there is no word {shown} among the {len(self):,}", fix)
        return row

    def vector(self, word: str) -> FloatArray:
        """A word's vector, ``(d,) float32``; an unknown one raises InputError with the nearest spellings."""
        found: FloatArray = self.array[self.row(word)]
        return found

    def spellings(self, word: str, most: int = 3) -> list[str]:
        """Known words that are spelled most like a word, best first, by difflib's ratio; it may find none."""
        key = word.upper()
        lengths = range(len(key) - _LENGTHS, len(key) + _LENGTHS + 1)
        near = [known for known in self._any_case if len(known) in lengths and set(known) & set(key)]
        found = difflib.get_close_matches(key, near, most, _LIKE)
        return [self.ids[self._any_case[known]] for known in found]

    def take_words(self, words: Iterable[str]) -> "StaticVectors":
        """The vectors of the given words alone, in the given order; raises InputError for one unknown."""
        return self.take([self.row(word) for word in words])

    @cached_property
    def unit(self) -> FloatArray:
        """The vectors at unit length, ``(n, d) float32``."""
        lengths: Any = np.sqrt(np.einsum("nd,nd->n", self.array, self.array, dtype=np.float64))
        found: FloatArray = np.empty(self.array.shape, dtype=np.float32)
        np.divide(self.array, lengths[:, None], out=found)  # in float64, without a copy of it all
        return found

    @cached_property
    def _any_case(self) -> dict[str, int]:
        """Row by upper-case word; of words that share one, the first row."""
        return {word.upper(): row for row, word in reversed(list(enumerate(self.ids)))}
