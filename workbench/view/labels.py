"""Labels of a map: which text stands at which point, and which of them have room."""

import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.markup import plain
from workbench.records import IntArray

__all__ = ["Label", "Labels", "Rows", "anchor", "checked_rows", "named_groups", "roomy", "text_size"]

Rows = int | Sequence[int] | NDArray[np.integer[Any]]
Labels = Mapping[str, Rows] | Sequence[tuple[str, Rows]]
_WIDE = {"W", "F"}  # https://www.unicode.org/reports/tr11/: as wide as two Latin letters


@dataclass(frozen=True, eq=False)
class Label:
    """A text for a group of rows, or for one; the heavier it is, the sooner it gets room."""

    text: str
    rows: IntArray
    weight: float


def checked_rows(rows: Rows, n: int) -> IntArray:
    """Rows as an array, each on a map of ``n`` points; raises InputError where one is not."""
    at = np.atleast_1d(np.asarray(rows, dtype=np.int64))
    outside = at[(at < 0) | (at >= n)]
    if len(outside):
        raise InputError(f"row {outside[0]} is not on a map of {n:,} points", "Count rows from 0.")
    return at


def named_groups(labels: Labels, n: int, weights: Sequence[float] | None = None) -> tuple[Label, ...]:
    """Labels of a map of ``n`` points, heaviest first, in the order given where two weigh the same.

    Parameters
    ----------
    labels
        Text -> rows, or pairs of them where a text occurs twice.
    weights
        One finite number per label; None weighs each by its number of rows.

    Raises
    ------
    InputError
        A label without rows, a row outside the map, or weights that do not fit.
    """
    pairs = list(labels.items()) if isinstance(labels, Mapping) else list(labels)
    if weights is not None and len(weights) != len(pairs):
        raise InputError(f"{len(weights):,} weights for {len(pairs):,} labels", "Give one weight per label.")
    named = []
    for place, (text, rows) in enumerate(pairs):
        at = checked_rows(rows, n)
        if not len(at):
            raise InputError(f"the label {text!r} has no rows", "Leave it out, or say where it belongs.")
        weight = float(len(at) if weights is None else weights[place])
        if not np.isfinite(weight):
            raise InputError(f"the label {text!r} weighs {weight}", "Give it a finite weight.")
        named.append(Label(plain(text), at, weight))
    return tuple(sorted(named, key=lambda label: -label.weight))


def anchor(label: Label, points: NDArray[np.floating[Any]]) -> int:
    """The row that a label stands at: of its rows, the one nearest to their median on the map.

    A median alone may lie where the group has no point: between its two halves, where the map has torn it.
    """
    own = points[label.rows]
    return int(label.rows[((own - np.median(own, axis=0)) ** 2).sum(axis=1).argmin()])


def text_size(text: str, font: float) -> tuple[float, float]:
    """Width and height in pixels, estimated on the large side, of a figure's text with ``<br>`` between its lines."""
    lines = [html.unescape(line) for line in text.split("<br>")]
    letters = max(sum(2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in line) for line in lines)
    return 0.66 * font * letters + 6, 1.35 * font * len(lines) + 4


def roomy(centers: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes to draw so that no two overlap: each in turn, unless one that is drawn already is in its way.

    Parameters
    ----------
    centers, sizes
        ``(n, 2)`` pixels, most important first; a size is width and height.

    Returns
    -------
    array
        ``(n,) bool``
    """
    drawn = np.zeros(len(centers), dtype=bool)
    for i in range(len(centers)):
        gaps = np.abs(centers[drawn] - centers[i]) - (sizes[drawn] + sizes[i]) / 2
        drawn[i] = not (gaps < 0).all(axis=1).any()
    return drawn
