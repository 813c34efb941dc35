"""The parallelogram of an analogy, drawn in its own plane at one scale for both axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, GRID, NO_LABEL, blank, label, require

__all__ = ["analogy_plane"]

_MARGIN = {"l": 70, "r": 20, "t": 88, "b": 60}  # pixels
_LETTER, _SMALLER, _LINE = 8.2, 6.6, 17  # pixels of a bold letter at size 13, a plain one at 12, and a line
_ROOM = 0.16  # of the drawing on each side, for labels
_GIVEN, _REACHED = COLORS[0], COLORS[1]

_Array64 = NDArray[np.float64]
_Box = tuple[float, float, float, float]  # left, right, bottom, top in pixels


def analogy_plane(points: pd.DataFrame, *, title: str = "", width: int = 700, height: int = 480) -> go.Figure:
    """An analogy a : a* :: b : b* in the plane through a, a* and b, as ``geometry.directions.parallelogram`` places it.

    The three words and the sum lie in the plane, so distances between them on the drawing are the true ones. The answer
    and other words are drawn at the foot of their perpendicular, hollow, and their labels say how far off they stand.

    Parameters
    ----------
    points
        The table of a Parallelogram: ``word``, ``role``, ``x``, ``y``, ``off``, ``to_sum``.
    width, height
        In pixels; fixed, so that labels stay clear of each other.

    Returns
    -------
    plotly.graph_objects.Figure
        Always the same traces in the same order, so that a widget can replace their data.

    Raises
    ------
    InputError
        A column or a role is missing, or there are no rows.
    """
    require(points, "word", "role", "x", "y", "off", "to_sum")
    spots: dict[str, Any] = {str(row.role): row for row in points[points["role"] != "other"].itertuples()}
    for role in ("a", "a*", "b", "sum", "answer"):
        if role not in spots:
            raise InputError(f"the table has no row for {role!r}", "Pass the points of a Parallelogram.")
    others = points[points["role"] == "other"]
    figure = blank(title, "along a* − a, for vectors of length one", "at right angles, same unit", height)
    scale, left, bottom = _frame(figure, points, width, height)
    arrows = [
        ("a", "a*", _GIVEN, "solid", 2.5), ("b", "sum", _GIVEN, "dash", 2.5), ("b", "answer", _REACHED, "solid", 2.5),
        ("a", "b", GRID, "dot", 2), ("a*", "sum", GRID, "dot", 2),
    ]  # fmt: skip
    lines: list[tuple[_Array64, float]] = []
    for start, end, color, dash, thick in arrows:
        ends = np.array([[spots[role].x, spots[role].y] for role in (start, end)], dtype=np.float64)
        long = bool(np.linalg.norm(ends[1] - ends[0]) * scale > 1)
        if long:
            lines.append((ends * scale, 20.0 if color != GRID else 4.0))
        figure.add_scatter(
            x=ends[:, 0] if long else [], y=ends[:, 1] if long else [], mode="lines",
            line={"color": color, "dash": dash, "width": thick}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        if long and color != GRID:
            _add_head(figure, ends, color, thick, scale)
    figure.add_scatter(
        x=others["x"].to_numpy(), y=others["y"].to_numpy(), mode="markers", name="other answers, at their feet",
        marker={"size": 7, "color": GREY, "symbol": "circle-open"},
        hovertext=[_said(row) for row in others.itertuples()], hovertemplate="%{hovertext}<extra></extra>",
        showlegend=bool(len(others)), legendrank=2000,
    )  # fmt: skip
    pixels = points[["x", "y"]].to_numpy(np.float64) * scale
    area = (left * scale, (left * scale) + width - _MARGIN["l"] - _MARGIN["r"],
            bottom * scale, (bottom * scale) + height - _MARGIN["t"] - _MARGIN["b"])  # fmt: skip
    places = _places(_named(spots), scale, pixels, lines, area)
    groups = (
        ("the question's words", ["a", "a*", "b"], {"size": 11, "color": _GIVEN}),
        ("the sum a* − a + b", ["sum"], {"size": 13, "color": _GIVEN, "symbol": "diamond"}),
        ("the answer, at its foot", ["answer"],
         {"size": 15, "color": _REACHED, "symbol": "circle-open", "line": {"width": 3}}),
    )  # fmt: skip
    for name, roles, marker in groups:
        rows = [spots[role] for role in roles]
        figure.add_scatter(
            x=[row.x for row in rows], y=[row.y for row in rows], name=name, mode="markers+text", marker=marker,
            text=[places[role].text if role in places else NO_LABEL for role in roles],
            textposition=[places[role].side if role in places else "top center" for role in roles],
            textfont={"size": 13}, cliponaxis=False, hovertext=[_said(row) for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    return figure


@dataclass(frozen=True)
class _Label:
    """A label's text and plotly's name for the side of the point on which it stands."""

    text: str
    side: str


def _frame(figure: go.Figure, points: pd.DataFrame, width: int, height: int) -> tuple[float, float, float]:
    """One scale for both axes: pixels per unit, and the left and lower ends of the axes."""
    inner = width - _MARGIN["l"] - _MARGIN["r"], height - _MARGIN["t"] - _MARGIN["b"]
    low, high = (points[["x", "y"]].agg(end).to_numpy(np.float64) for end in ("min", "max"))
    scale = min(room * (1 - 2 * _ROOM) / max(span, 1e-9) for room, span in zip(inner, high - low, strict=True))
    middle = (low + high) / 2
    starts = [float(middle[axis] - inner[axis] / scale / 2) for axis in range(2)]
    ends = [float(middle[axis] + inner[axis] / scale / 2) for axis in range(2)]
    figure.update_xaxes(range=[starts[0], ends[0]], constrain="domain")
    figure.update_yaxes(range=[starts[1], ends[1]], scaleanchor="x", scaleratio=1, constrain="domain")
    figure.update_layout(width=width, margin=_MARGIN, hovermode="closest", legend={"font": {"size": 12}})
    return scale, starts[0], starts[1]


def _add_head(figure: go.Figure, ends: _Array64, color: str, thick: float, scale: float) -> None:
    """The head of an arrow, which stops short of the point that the arrow leads to."""
    step = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    tip, tail = ends[1] - step * 7 / scale, ends[1] - step * 24 / scale
    figure.add_annotation(
        x=tip[0], y=tip[1], ax=tail[0], ay=tail[1], xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowsize=1.2, arrowwidth=thick, arrowcolor=color,
    )  # fmt: skip


def _said(row: Any) -> str:
    """What the hover of a point says."""
    return f"<b>{label(row.word)}</b> ({label(row.role)})<br>{_off(row)}<br>{row.to_sum:.2f} from the sum, truly"


def _off(row: Any) -> str:
    return f"{row.off:.2f} off the plane" if row.off >= 0.005 else "in the plane"


def _named(spots: dict[str, Any]) -> dict[str, tuple[Any, list[str]]]:
    """The lines of each label; a word that stands twice is named once."""
    named = {
        role: (spots[role], [spots[role].word if role == "sum" else f"{spots[role].word} ({role})"])
        for role in ("a", "a*", "b", "sum")
    }
    answer = spots["answer"]
    same = next((role for role in ("a", "a*", "b") if spots[role].word == answer.word), None)
    texts = [f"{answer.word} ({same})", "the answer"] if same else [answer.word, _off(answer)]
    return {role: found for role, found in named.items() if role != same} | {"answer": (answer, texts)}


def _places(
    named: dict[str, tuple[Any, list[str]]],
    scale: float,
    dots: _Array64,
    lines: Sequence[tuple[_Array64, float]],
    area: _Box,
) -> dict[str, _Label]:
    """A side for each label on which it covers least: labels before it, points, lines, and the edge."""
    along = np.linspace(0.0, 1.0, 60)[:, None]
    inked = np.concatenate([dots, *(ends[0] + along * (ends[1] - ends[0]) for ends, _ in lines)])
    weights = np.concatenate([np.full(len(dots), 200.0), *(np.full(len(along), weight) for _, weight in lines)])
    placed: dict[str, _Label] = {}
    taken: list[_Box] = []
    for role, (row, texts) in named.items():
        shown = [label(text, 26, 1) for text in texts]
        wide = max(_LETTER * min(len(texts[0]), 26), *(_SMALLER * len(text) for text in texts[1:]), 0.0)
        size = wide, _LINE * len(texts)
        boxes = {side: _box((row.x * scale, row.y * scale), size, side) for side in _sides()}
        side = min(boxes, key=lambda side: _cost(boxes[side], taken, inked, weights, area))
        taken.append(boxes[side])
        first, *rest = shown
        small = "".join(f'<br><span style="font-size: 12px">{text}</span>' for text in rest)
        placed[role] = _Label(f"<b>{first}</b>{small}", side)
    return placed


def _sides() -> Iterable[str]:
    yield from ("top center", "bottom center", "middle right", "middle left")
    yield from ("top right", "top left", "bottom right", "bottom left")


def _box(at: tuple[float, float], size: tuple[float, float], side: str) -> _Box:
    """The pixels that a label covers on one side of a point, as plotly places it."""
    gap = 10.0
    up, across = side.split()
    left = at[0] + {"left": -gap - size[0], "center": -size[0] / 2, "right": gap}[across]
    low = at[1] + {"bottom": -gap - size[1], "middle": -size[1] / 2, "top": gap}[up]
    return left, left + size[0], low, low + size[1]


def _cost(box: _Box, taken: Sequence[_Box], inked: _Array64, weights: _Array64, area: _Box) -> float:
    """How much a label would cover: another label weighs most, then the edge, then points and lines."""
    left, right, low, high = box
    over = sum(
        max(0.0, min(right, other[1]) - max(left, other[0])) * max(0.0, min(high, other[3]) - max(low, other[2]))
        for other in taken
    )
    beyond = max(0.0, area[0] - left) + max(0.0, right - area[1]) + max(0.0, area[2] - low) + max(0.0, high - area[3])
    inside = (inked[:, 0] > left) & (inked[:, 0] < right) & (inked[:, 1] > low) & (inked[:, 1] < high)
    return 100 * over + 50 * beyond + float(weights[inside].sum())
