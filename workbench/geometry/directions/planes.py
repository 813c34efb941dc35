"""The parallelogram of an analogy in the plane that it spans: an exact plane, no projection of many to two."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry.metrics import unit_rows

__all__ = ["Parallelogram", "parallelogram"]

_Array64 = NDArray[np.float64]
_FLAT = 1e-5  # of a difference's length; below it float32 words span no plane
_SUM = "a* − a + b"


@dataclass(frozen=True, eq=False)
class Parallelogram:
    """An analogy a : a* :: b : b* in the plane of its two differences.

    Parameters
    ----------
    points
        One row per point: ``word``, ``role`` (``a``, ``a*``, ``b``, ``sum``, ``answer``, ``other``), ``x`` and ``y`` in
        the plane with a at the origin and a* on the x axis, ``off``, how far the point stands off the plane, and
        ``to_sum``, its true distance from the sum. All are in the units of the vectors, which have length one. The
        first four lie in the plane: their ``off`` is 0, and distances between them on a drawing are the true ones. Of
        the others a drawing shows the foot of the perpendicular; the point itself is ``off`` away from it.
    parallel
        Cosine of ``a* - a`` with ``b* - b``: 1 would be a parallelogram. NaN where b* is b.
    basis
        ``(2, d) float64``: orthonormal rows that span the plane.
    origin
        ``(d,) float64``: a at unit length.
    """

    points: pd.DataFrame = field(repr=False)
    parallel: float
    basis: _Array64 = field(repr=False)
    origin: _Array64 = field(repr=False)


def parallelogram(
    vectors: StaticVectors, a: str, a_star: str, b: str, b_star: str, others: Iterable[str] = ()
) -> Parallelogram:
    """Coordinates of an analogy in the plane through a, a* and b, by Gram and Schmidt's orthonormal basis.

    "man is to king as woman is to queen" is ``parallelogram(vectors, "man", "king", "woman", "queen")``. Words count at
    unit length, as 3CosAdd takes them. The sum a* - a + b lies in the plane; no word has to.

    Parameters
    ----------
    vectors
        Words and their vectors.
    a, a_star, b, b_star
        The words; b* may be any answer.
    others
        More words to be placed, such as other answers; each is placed once.

    Raises
    ------
    InputError
        An unknown word; or the two differences are zero or parallel, and span no plane.
    """
    given = [vectors.row(word) for word in (a, a_star, b)]
    rows = [*given, *dict.fromkeys(vectors.row(word) for word in (b_star, *others))]
    words = [vectors.ids[row] for row in rows]
    at_a, at_star, at_b, *answers = unit_rows(vectors.array[rows])
    across, along = at_star - at_a, at_b - at_a
    for to, difference in ((words[1], across), (words[2], along)):
        if np.linalg.norm(difference) < _FLAT:
            raise InputError(f"{words[0]!r} and {to!r} have one direction, so no difference", "Use two words.")
    one = across / np.linalg.norm(across)
    rest = along - (along @ one) * one
    if np.linalg.norm(rest) < _FLAT * np.linalg.norm(along):
        ends = f"{words[0]!r} to {words[1]!r} and {words[0]!r} to {words[2]!r}"
        raise InputError(f"the differences {ends} are parallel and span no plane", "Choose another b.")
    rest -= (rest @ one) * one  # once more, against rounding
    basis = np.stack([one, rest / np.linalg.norm(rest)])
    total = at_star - at_a + at_b
    placed = [at_a, at_star, at_b, total, *answers]
    away = np.stack(placed) - at_a
    flat = away @ basis.T
    off = np.linalg.norm(away - flat @ basis, axis=1)
    off[:4] = 0  # in the plane by what a plane is
    points = pd.DataFrame(
        {
            "word": [*words[:3], _SUM, *words[3:]],
            "role": ["a", "a*", "b", "sum", "answer", *["other"] * (len(answers) - 1)],
            "x": flat[:, 0],
            "y": flat[:, 1],
            "off": off,
            "to_sum": np.linalg.norm(np.stack(placed) - total, axis=1),
        }
    )
    step = placed[4] - at_b
    length = float(np.linalg.norm(step))
    parallel = float(one @ step) / length if length >= _FLAT else float("nan")
    return Parallelogram(points, parallel, basis, at_a)
