"""Analogy questions a : a* :: b : b*, from Google's set or a person's own file."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.corpora.opening import existing, utf8_lines
from workbench.corpora.shipped import gensim_file
from workbench.errors import InputError
from workbench.markup import plain

__all__ = ["TOTAL", "Questions", "google", "read_questions"]

TOTAL = "total"  # what an evaluation calls all sections together

Words = tuple[str, str, str, str]


@dataclass(frozen=True, repr=False)
class Questions:
    """Questions "a is to a* as b is to b*", each in a section.

    Parameters
    ----------
    words
        For each question its four words: a, a*, b, b*, as in *man king woman queen*.
    sections
        For each question the name of its section.
    name
        What to call them in titles.

    Raises
    ------
    InputError
        There are no questions, their sections are of another number, or a section is called ``total``.
    """

    words: tuple[Words, ...]
    sections: tuple[str, ...]
    name: str = "questions"

    def __post_init__(self) -> None:
        if not self.words:
            raise InputError(f"{self.name!r} holds no question", "Write four words on a line: a a* b b*.")
        if len(self.words) != len(self.sections):
            raise InputError(
                f"{len(self.words):,} questions and {len(self.sections):,} sections do not line up",
                "Give each question one section.",
            )
        for words in self.words:
            if len(words) != 4:
                raise InputError(f"the question {' '.join(words)!r} has {len(words)} words", "Give a, a*, b and b*.")
        if TOTAL in self.sections:
            raise InputError(f"a section is called {TOTAL!r}, as is the sum of all", "Give it another name.")

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"Questions({self.name!r}, {len(self):,} in {len(self.section_names)} sections)"

    @property
    def section_names(self) -> tuple[str, ...]:
        """Every section once, in the order in which they begin."""
        return tuple(dict.fromkeys(self.sections))

    def frame(self) -> pd.DataFrame:
        """A row for each question: ``section``, ``a``, ``a_star``, ``b``, ``b_star``."""
        table = pd.DataFrame(self.words, columns=["a", "a_star", "b", "b_star"])
        table.insert(0, "section", self.sections)
        return table


def google() -> Questions:
    """Google's analogy questions: 19,544 in 14 sections, five of them about meaning, nine (``gram``) about grammar.

    Raises
    ------
    InputError
        The installed gensim does not carry them.

    References
    ----------
    T. Mikolov, K. Chen, G. Corrado, J. Dean, Efficient Estimation of Word Representations in Vector Space (2013).
    """
    path = gensim_file("questions-words.txt", "Google's analogy questions")
    read = read_questions(path)
    return Questions(read.words, read.sections, "google")


def read_questions(path: str | Path) -> Questions:
    """Questions from a text file: four words on a line, a a* b b*, under headings such as ``: currency``.

    A heading begins a section and is a colon, a space and the name; questions before the first one, or in a file
    without any, are in a section named after the file. A heading that comes again goes on with its section. Empty
    lines count for nothing.

    Parameters
    ----------
    path
        A UTF-8 file. Its name without the suffix becomes the name of the questions.

    Raises
    ------
    InputError
        The file is missing, empty or not UTF-8; a line that is not four words, with its number; a heading without a
        name; no question at all.
    """
    file = existing(path)
    if file.is_dir():
        raise InputError(f"{str(file)!r} is a folder", "Name a text file of questions.")
    words: list[Words] = []
    sections: list[str] = []
    section = name = plain(file.stem) or "questions"  # a name in bytes that are no UTF-8 fits in no table
    for number, line in enumerate(utf8_lines(file), 1):
        parts = line.split()
        where = f"line {number:,} of {file.name!r}"
        if parts and parts[0] == ":":
            section = " ".join(parts[1:])
            if section in ("", TOTAL):
                raise InputError(
                    f"{where} is a heading named {section!r}", "Write a name after the colon, as : family."
                )
        elif len(parts) == 4:
            words.append((parts[0], parts[1], parts[2], parts[3]))
            sections.append(section)
        elif parts:
            count = f"{len(parts)} word{'s' * (len(parts) > 1)}"
            raise InputError(
                f"{where} has {count} and not four: {_short(line)!r}", "Write a a* b b*, one space between."
            )
    return Questions(tuple(words), tuple(sections), name)


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= 60 else line[:59] + "…"
