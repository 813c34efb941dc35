"""The ways to answer a : a* :: b : ?, three from the literature and three baselines, over a whole vocabulary."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.metrics import unit_rows
from workbench.records import IntArray

__all__ = ["METHODS", "answers", "case_keys", "method_number", "solve"]

METHODS = ("3cosadd", "3cosmul", "pairdirection", "only-b", "only-a-star", "ignore-a")

_BLOCK = 4 << 20  # cosines held at a time: 32 MB
_NARROWEST, _WIDEST = 64, 8192  # words of the vocabulary in a block
_QUESTIONS = 20_000  # answered in one go over the vocabulary

_Array64 = NDArray[np.float64]


def solve(
    vectors: StaticVectors,
    a_star: str,
    a: str,
    b: str,
    *,
    method: str = "3cosadd",
    exclude: bool = True,
    k: int = 10,
) -> pd.DataFrame:
    """The words that best complete "a is to a* as b is to ...": ``solve(v, "king", "man", "woman")``.

    Parameters
    ----------
    vectors
        Words and their vectors. Each of the three is looked up as written, then in any case.
    a_star, a, b
        In the order of the famous sum, a* - a + b.
    method
        One of ``METHODS``. With all vectors at unit length, and w a word of the vocabulary:

        - ``3cosadd``: cos(w, a* - a + b);
        - ``3cosmul``: cos(w, b) cos(w, a*) / (cos(w, a) + 0.001), each cosine moved into [0, 1] first;
        - ``pairdirection``: cos(w - b, a* - a); b itself has no direction from b, and is never an answer;
        - ``only-b``, ``only-a-star``: cos(w, b), cos(w, a*); ``ignore-a``: cos(w, a* + b). Baselines, which know
          nothing of the analogy: what they get right, its arithmetic did not find.
    exclude
        Leave out the question's own three words, and words that differ from them by case alone. Nearly every published
        figure does so; without it the answer is most often one of the three.
    k
        How many words to list; fewer where the vocabulary holds fewer.

    Returns
    -------
    pandas.DataFrame
        Best first, equal scores in the order of the vocabulary: ``rank`` (from 1), ``word``, ``score`` (as above),
        ``input`` (it is one of the question's own words, or differs by case alone).

    Raises
    ------
    InputError
        An unknown word, with the nearest spellings; an unknown method; ``k`` under 1; ``pairdirection`` where a and a*
        are one vector, which has no direction.

    References
    ----------
    O. Levy, Y. Goldberg, Linguistic Regularities in Sparse and Explicit Word Representations (CoNLL 2014): the three
    methods. T. Linzen, Issues in Evaluating Semantic Spaces using Word Analogies (RepEval 2016): the baselines
    ``only-b`` and ``ignore-a``.
    """
    from workbench.geometry.analogies.kernels import TIED, score_words, shapes_of

    number = method_number(method)
    if k < 1:
        raise InputError(f"k={k} words were asked for", "Ask for 1 or more.")
    rows = np.array([vectors.row(a), vectors.row(a_star), vectors.row(b)], dtype=np.int64)
    units = unit_rows(vectors.array[rows])
    shape = shapes_of(units, np.array([[0, 1, 2]]))[0]
    scores = np.empty(len(vectors))
    for start, stop in pairwise(_edges(len(vectors), _WIDEST)):
        cosines = units @ unit_rows(vectors.array[start:stop]).T
        score_words(number, cosines[0], cosines[1], cosines[2], shape, scores[start:stop])
    order = np.flatnonzero(np.isfinite(scores))
    if not len(order):
        raise InputError(
            f"{a!r} and {a_star!r} have one vector, and so there is no direction between them",
            "Choose two other words, or another method.",
        )
    order = order[np.argsort(-scores[order], kind="stable")]
    best, ties = scores[order], np.zeros(len(order), dtype=np.int64)
    ties[1:] = np.cumsum(best[:-1] - best[1:] > TIED)  # which score, counted from the best
    order = order[np.lexsort((order, ties))]
    best = best[np.searchsorted(ties, ties)]
    own = {vectors.ids[row].upper() for row in rows}
    listed: list[tuple[int, str, float, bool]] = []
    for row, score in zip(order, best, strict=True):
        word = vectors.ids[row]
        given = word.upper() in own
        if not (exclude and given):
            listed.append((len(listed) + 1, word, float(score), given))
        if len(listed) == k:
            break
    return pd.DataFrame(listed, columns=["rank", "word", "score", "input"])


def method_number(method: str) -> int:
    """Place of a method in ``METHODS``; raises InputError, which lists them, for one that is not there."""
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}", f"Those there are: {', '.join(METHODS)}.")
    return METHODS.index(method)


def case_keys(vectors: StaticVectors) -> tuple[IntArray, dict[str, int]]:
    """One number for words that differ by case alone, the row of the first: ``(n,)``, and by upper-case word."""
    first: dict[str, int] = {}
    keys = [first.setdefault(word.upper(), row) for row, word in enumerate(vectors.ids)]
    return np.array(keys, dtype=np.int64), first


def answers(
    vectors: StaticVectors, questions: IntArray, methods: tuple[str, ...], keys: IntArray
) -> dict[str, IntArray]:
    """The best word for each question, by each method.

    Only the questions' own words are compared with the vocabulary, a block of it at a time: cosines in float64, some
    32 MB of them.

    Parameters
    ----------
    vectors
        ``n`` words and their vectors.
    questions
        ``(q, 3)``: rows of a, a* and b.
    methods
        Of ``METHODS``.
    keys
        ``(n,)``: see ``case_keys``.

    Returns
    -------
    dict
        By method ``(q, 2)``: row of the best word that is not the question's own, and of the best of all. -1 where
        there is none.
    """
    numbers = {method: method_number(method) for method in methods}
    found = {method: np.full((len(questions), 2), -1, dtype=np.int64) for method in methods}
    for start, stop in pairwise(_edges(len(questions), _QUESTIONS)):
        part = {number: found[method][start:stop] for method, number in numbers.items()}
        _answer(vectors, questions[start:stop], part, keys)
    return found


def _answer(vectors: StaticVectors, questions: IntArray, found: dict[int, IntArray], keys: IntArray) -> None:
    """Answer some questions by each method, into ``found``: by number of the method, see ``answers``."""
    from workbench.geometry.analogies.kernels import best_words, shapes_of

    known, places = np.unique(questions, return_inverse=True)
    places = places.reshape(questions.shape)
    units, own = unit_rows(vectors.array[known]), keys[questions]
    shapes = shapes_of(units, places)
    scores = {number: np.full((len(questions), 2), -np.inf) for number in found}
    cores = os.cpu_count() or 1
    shares = [slice(start, stop) for start, stop in pairwise(_edges(len(questions), -(-len(questions) // cores)))]
    width = min(max(_BLOCK // len(known), _NARROWEST), _WIDEST)
    with ThreadPoolExecutor(cores) as pool:
        for start, stop in pairwise(_edges(len(vectors), width)):
            cosines = units @ unit_rows(vectors.array[start:stop]).T
            block = keys[start:stop]
            waiting = [
                pool.submit(
                    best_words,
                    number,
                    cosines,
                    places[share],
                    own[share],
                    shapes[share],
                    block,
                    start,
                    scores[number][share],
                    rows[share],
                )
                for number, rows in found.items()
                for share in shares
            ]
            for task in waiting:
                task.result()


def _edges(n: int, step: int) -> Iterator[int]:
    """Where blocks of ``step`` begin, and where the last ends."""
    yield from range(0, n, step)
    yield n
