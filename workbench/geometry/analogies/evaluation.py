"""How many analogy questions a table of word vectors answers, section by section, with and without its own words."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.analogies.methods import METHODS, answers, case_keys, method_number
from workbench.geometry.analogies.questions import TOTAL, Questions
from workbench.intervals import Interval, wilson_interval

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Which questions were answered rightly, by which method.

    Attributes
    ----------
    asked, vectors
        The questions, and the words and vectors that answered them.
    table
        A row for each method, exclusion and section, and one where ``section`` is ``total``: ``method``, ``exclude``,
        ``section``, ``correct``, ``covered`` (questions whose four words are all known), ``total``, ``accuracy``
        (correct / covered), ``low`` and ``high``, its 95 % Wilson interval. NaN where nothing is covered. The interval
        takes questions for independent; those of a section are built from the same few pairs of words, so it is
        rather too narrow.
    questions
        A row for each method, exclusion and covered question: ``method``, ``exclude``, ``question`` (its place, from
        0), ``section``, ``a``, ``a_star``, ``b``, ``b_star`` as asked, ``answer`` as the vocabulary has it, and
        ``correct``.
    """

    asked: Questions
    vectors: StaticVectors
    table: pd.DataFrame = field(repr=False)
    questions: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        total = self.table[self.table["section"] == TOTAL]
        says = ", ".join(
            f"{row.method}{'' if row.exclude else ' with its own words allowed'} {row.accuracy:.3f}"
            for row in total.itertuples()
        )
        return f"Evaluation({self.asked.name!r} by {len(self.vectors):,} words: {says})"

    def accuracy(self, method: str = "3cosadd", exclude: bool = True, section: str = TOTAL) -> Interval:
        """Accuracy of one row of the table with its interval.

        Raises
        ------
        InputError
            That was not evaluated.
        """
        table = self.table
        row = table[(table["method"] == method) & (table["exclude"] == exclude) & (table["section"] == section)]
        if row.empty:
            raise InputError(
                f"method {method!r} with exclude={exclude} and section {section!r} was not evaluated",
                "Look in .table for what was.",
            )
        return Interval(*map(float, row.iloc[0][["accuracy", "low", "high"]]))

    @cached_property
    def unknown(self) -> pd.DataFrame:
        """Every word that is not known: see ``costliest``. Made when first asked for: spellings take a while."""
        return self.costliest(len(self._costs))

    def costliest(self, most: int) -> pd.DataFrame:
        """Words that are not known, those that are in most questions first.

        Parameters
        ----------
        most
            How many words to report.

        Returns
        -------
        pandas.DataFrame
            ``word``; ``questions`` that it is in, none of which can be asked (one with two such words counts for both);
            ``sections``, a dict of these numbers by section; ``spellings``, a tuple of the known words that are spelled
            most alike, which may be empty.
        """
        words = list(self._costs)[:most]
        return pd.DataFrame(
            {
                "word": words,
                "questions": [self._costs[word].total() for word in words],
                "sections": [dict(self._costs[word]) for word in words],
                "spellings": [tuple(self.vectors.spellings(word)) for word in words],
            }
        )

    @property
    def unknown_count(self) -> int:
        """How many words are not known."""
        return len(self._costs)

    @cached_property
    def _costs(self) -> dict[str, Counter[str]]:
        """Questions by section for each word that is not known, the costliest word first."""
        costs: defaultdict[str, Counter[str]] = defaultdict(Counter)
        _, known = case_keys(self.vectors)
        for words, section in zip(self.asked.words, self.asked.sections, strict=True):
            for word in set(words):
                if word.upper() not in known:
                    costs[word][section] += 1
        return {word: costs[word] for word in sorted(costs, key=lambda word: (-costs[word].total(), word))}


def evaluate(
    vectors: StaticVectors,
    questions: Questions,
    *,
    methods: str | Sequence[str] = ("3cosadd",),
    exclude: bool | Sequence[bool] = (True, False),
) -> Evaluation:
    """Ask every question whose words are known, by each method, and count the right answers.

    Upper and lower case are one, as in gensim's ``evaluate_word_analogies``: of words that differ by case alone the
    first in the vocabulary counts, all of them are left out together, and any of them is a right answer.

    Parameters
    ----------
    vectors
        Words and their vectors. All of them are candidates.
    questions
        From ``google``, ``read_questions``, or made by hand.
    methods
        Of ``METHODS``; see ``solve`` for what each is.
    exclude
        Whether a question's own three words are left out of the answers: True, False, or both, which takes no longer.

    Raises
    ------
    InputError
        An unknown method, or nothing to evaluate.

    Notes
    -----
    Scores are computed in float64 from the vectors at unit length. gensim's are in float32, so two answers that it
    cannot tell apart (scores within about 1e-7) may come in another order here. It also looks at the five best words
    alone, and where case variants of the question's own words are all five, takes the last of them for the answer.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(dict.fromkeys(methods))
    exclusions = (exclude,) if isinstance(exclude, bool) else tuple(dict.fromkeys(map(bool, exclude)))
    for method in methods:
        method_number(method)
    if not methods or not exclusions:
        raise InputError(
            "there is no method to evaluate, or neither with exclusion nor without",
            f"Name methods of {', '.join(METHODS)}, and True, False or both for exclude.",
        )
    keys, first = case_keys(vectors)
    rows = np.array([[first.get(word.upper(), -1) for word in words] for words in questions.words], dtype=np.int64)
    covered = np.flatnonzero((rows >= 0).all(axis=1))
    asked = rows[covered]
    best = answers(vectors, asked[:, :3], methods, keys) if len(covered) else {}

    frame = questions.frame().iloc[covered].reset_index(drop=True)
    frame.insert(0, "question", covered)
    ids = np.array([*vectors.ids, ""], dtype=object)  # -1, no answer, takes the last
    parts, lines = [], []
    for method in methods:
        for excluded in exclusions:
            answer = best[method][:, 0 if excluded else 1] if best else np.empty(0, dtype=np.int64)
            right = (answer >= 0) & (keys[answer] == asked[:, 3])
            part = frame.assign(answer=ids[answer], correct=right)
            part.insert(0, "exclude", excluded)
            part.insert(0, "method", method)
            parts.append(part)
            lines.append(_counted(questions, covered, right).assign(method=method, exclude=excluded))
    table = pd.concat(lines, ignore_index=True)
    names = ["method", "exclude", "section", "correct", "covered", "total", "accuracy", "low", "high"]
    return Evaluation(questions, vectors, table[names], pd.concat(parts, ignore_index=True))


def _counted(questions: Questions, covered: NDArray[np.int64], right: NDArray[np.bool_]) -> pd.DataFrame:
    """Right answers, covered questions and all of them, by section and in total, with accuracy and interval."""
    names = questions.section_names
    place = {name: at for at, name in enumerate(names)}
    sections = np.array([place[name] for name in questions.sections])
    counts = [
        np.bincount(some, minlength=len(names)) for some in (sections[covered[right]], sections[covered], sections)
    ]
    correct, known, total = (np.append(count, count.sum()) for count in counts)
    table = pd.DataFrame({"section": [*names, TOTAL], "correct": correct, "covered": known, "total": total})
    some = known > 0
    for name in ("accuracy", "low", "high"):
        table[name] = np.nan
    table.loc[some, "accuracy"] = correct[some] / known[some]
    table.loc[some, "low"], table.loc[some, "high"] = wilson_interval(correct[some], known[some])
    return table
