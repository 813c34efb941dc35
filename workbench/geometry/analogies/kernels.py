"""The inner loops of analogies, compiled by numba: every word's score for a question, and the best word's row.

All methods are functions of three cosines: of a word with a, with a* and with b. They hold no lock, so that threads
can take some of the questions each, and their compiled code is kept on disk.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from workbench.records import IntArray

__all__ = ["TIED", "best_words", "score_words", "shapes_of"]

TIED = 1e-12  # of scores: a matrix product rounds equal words differently, by where in the matrix they stand

_Array64 = NDArray[np.float64]

_EPSILON = 0.001  # of 3CosMul, as Levy and Goldberg have it: no cosine of -1 divides by zero
_NO_DIRECTION = 1e-12  # a squared difference of unit vectors that is rounding and nothing else


@njit(nogil=True, cache=True)
def shapes_of(units: _Array64, questions: IntArray) -> _Array64:
    """What a question's own vectors say, whatever word is asked about.

    Parameters
    ----------
    units
        ``(m, d)``: the unit vectors of the questions' words.
    questions
        ``(q, 3)``: for each question the rows of a, a* and b among them.

    Returns
    -------
    NDArray
        ``(q, 4)``: the dot product of a* - a and b, and the lengths of a* - a + b, of a* - a and of a* + b.
    """
    found = np.zeros((len(questions), 4))
    for q in range(len(questions)):
        a, star, b = questions[q]
        for i in range(units.shape[1]):
            step = units[star, i] - units[a, i]
            found[q, 0] += step * units[b, i]
            found[q, 1] += (step + units[b, i]) ** 2
            found[q, 2] += step**2
            found[q, 3] += (units[star, i] + units[b, i]) ** 2
        for at in range(1, 4):
            found[q, at] = np.sqrt(found[q, at])
    return found


@njit(nogil=True, cache=True)
def score_words(method: int, a: _Array64, star: _Array64, b: _Array64, shape: _Array64, scores: _Array64) -> None:
    """Score words for one question, into ``scores``.

    Parameters
    ----------
    method
        Place of the method in ``METHODS``.
    a, star, b
        ``(n,)``: the words' cosines with a, a* and b.
    shape
        ``(4,)``: the question's row of ``shapes_of``.
    scores
        ``(n,)``, overwritten. A word that lies on b has no direction from it, and no word has one where a lies on a*:
        under PairDirection these score minus infinity. A sum of no length has the cosine 0 with everything.
    """
    if method == 0:  # the cosine with a* - a + b
        scale = 1.0 / shape[1] if shape[1] > 0 else 0.0
        for j in range(len(scores)):
            scores[j] = (star[j] - a[j] + b[j]) * scale
    elif method == 1:  # cosines moved into [0, 1]
        for j in range(len(scores)):
            scores[j] = 0.25 * (1 + b[j]) * (1 + star[j]) / (0.5 * (1 + a[j]) + _EPSILON)
    elif method == 2:  # the cosine of w - b with a* - a
        known = shape[2] ** 2 > _NO_DIRECTION
        for j in range(len(scores)):
            square = 2.0 - 2.0 * b[j]
            if known and square > _NO_DIRECTION:
                scores[j] = (star[j] - a[j] - shape[0]) / (np.sqrt(square) * shape[2])
            else:
                scores[j] = -np.inf
    elif method == 3:
        for j in range(len(scores)):
            scores[j] = b[j]
    elif method == 4:
        for j in range(len(scores)):
            scores[j] = star[j]
    else:  # the cosine with a* + b
        scale = 1.0 / shape[3] if shape[3] > 0 else 0.0
        for j in range(len(scores)):
            scores[j] = (star[j] + b[j]) * scale


@njit(nogil=True, cache=True)
def best_words(
    method: int,
    cosines: _Array64,
    questions: IntArray,
    own: IntArray,
    shapes: _Array64,
    keys: IntArray,
    first: int,
    scores: _Array64,
    rows: IntArray,
) -> None:
    """Go on looking for each question's best word in a block of the vocabulary.

    Parameters
    ----------
    method
        Place of the method in ``METHODS``.
    cosines
        ``(m, block)``: of the questions' words with the words of the block.
    questions
        ``(q, 3)``: rows of ``cosines`` for a, a* and b.
    own
        ``(q, 3)``: keys of a, a* and b.
    shapes
        ``(q, 4)``: see ``shapes_of``.
    keys
        ``(block,)``: the same number for words that differ by case alone.
    first
        Row of the block's first word in the vocabulary.
    scores, rows
        ``(q, 2)``: the best score so far and its row, among the words that are not the question's own and among all.
        Overwritten. Of scores that tie, within ``TIED``, the first row stays.
    """
    found = np.empty(cosines.shape[1])
    for q in range(len(questions)):
        a, star, b = questions[q]
        score_words(method, cosines[a], cosines[star], cosines[b], shapes[q], found)
        best = scores[q, 0]  # never above the best of all, but by a tie
        for j in range(len(found)):
            if found[j] > best + TIED:
                if found[j] > scores[q, 1] + TIED:
                    scores[q, 1], rows[q, 1] = found[j], first + j
                if keys[j] != own[q, 0] and keys[j] != own[q, 1] and keys[j] != own[q, 2]:
                    best = found[j]
                    rows[q, 0] = first + j
        scores[q, 0] = best
