"""Inverted lists in a plane: the cells that a query reads, and where a query must not stand."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from workbench.errors import InputError
from workbench.view.figures.frames import slider
from workbench.view.figures.look import COLORS, GREY, INK, blank, label, require

__all__ = ["probed_cells"]

_HEIGHT, _WIDTH = 610, 1000
_READ, _WRONG = "rgba(0, 114, 178, 0.22)", "rgba(232, 89, 12, 0.6)"
_QUERY = "#C2185B"
_AROUND = np.linspace(0, 2 * math.pi, 91)


def probed_cells(
    cells: Sequence[ArrayLike],
    points: ArrayLike,
    query: ArrayLike,
    steps: pd.DataFrame,
    *,
    nearest: int,
    wrong: Sequence[ArrayLike],
    title: str = "",
) -> go.Figure:
    """A query near a border, and every place where a query would get a wrong answer; a slider steps through nprobe.

    On the left the cells that are read, and a circle about the query through its answer: whatever is nearer lies
    inside it, and where the circle leaves the cells that are read, nobody has looked. On the right the same plane,
    colored where the vector that is nearest to a query would be missed.

    Parameters
    ----------
    cells
        The ``(corners, 2)`` cell of each list, as ``geometry.voronoi_cells`` gives them; together a rectangle.
    points
        ``(n, 2)`` vectors.
    query
        ``(2,)``.
    steps
        One row per nprobe: ``nprobe``, ``read`` (numbers of the cells), ``answer`` (a row of ``points``), ``share`` (of
        the places that get a wrong answer, in 0..1).
    nearest
        The row of ``points`` that is nearest to the query in truth.
    wrong
        For each step ``(rows, columns)`` bool of places that cover the rectangle evenly, from its lower left corner:
        whether a query there gets a wrong answer.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or not one grid of places for each.
    """
    require(steps, "nprobe", "read", "answer", "share")
    if len(wrong) != len(steps):
        raise InputError(f"{len(wrong)} grids of places for {len(steps)} steps", "Give one for each nprobe.")
    vectors, asked = np.asarray(points, dtype=np.float64), np.asarray(query, dtype=np.float64)
    corners = [np.asarray(cell, dtype=np.float64) for cell in cells]
    low, high = np.concatenate(corners).min(axis=0), np.concatenate(corners).max(axis=0)
    rows: list[dict[Any, Any]] = steps.to_dict("records")
    moved = [
        [
            _closed([corners[cell] for cell in row["read"]]),
            {"z": np.asarray(grid, dtype=np.float64)},
            _circle(asked, vectors[row["answer"]]),
            _at(vectors[row["answer"]]),
        ]
        for row, grid in zip(rows, wrong, strict=True)
    ]
    figure = make_subplots(1, 2, horizontal_spacing=0.04, subplot_titles=["one query", "every query"])
    look = blank(title, "", "", _HEIGHT)
    figure.update_layout(template=look.layout.template, title=look.layout.title, height=_HEIGHT, width=_WIDTH)
    tall, wide = np.shape(wrong[0])
    step = (high - low) / [wide, tall]
    moving = [
        go.Scatter(**moved[0][0], mode="lines", fill="toself", fillcolor=_READ, line={"width": 0}, name="read"),
        go.Heatmap(**moved[0][1], x0=low[0] + step[0] / 2, dx=step[0], y0=low[1] + step[1] / 2, dy=step[1], zmin=0,
                   zmax=1, colorscale=[[0, "rgba(232, 89, 12, 0)"], [1, _WRONG]], showscale=False),
        go.Scatter(**moved[0][2], mode="lines", line={"color": COLORS[1], "width": 2, "dash": "dot"},
                   name="as far as the answer"),
        go.Scatter(**moved[0][3], mode="markers", marker={"size": 10, "color": COLORS[1]}, name="the answer"),
    ]  # fmt: skip
    still = [
        go.Scatter(**_closed(corners), mode="lines", line={"color": INK, "width": 1}, showlegend=False),
        go.Scatter(x=vectors[:, 0], y=vectors[:, 1], mode="markers", marker={"size": 5, "color": GREY}, name="vectors"),
    ]  # fmt: skip
    marks = [
        go.Scatter(**_at(vectors[nearest]), mode="markers", name="nearest in truth",
                   marker={"size": 17, "color": COLORS[2], "symbol": "circle-open", "line": {"width": 3}}),
        go.Scatter(**_at(asked), mode="markers", marker={"size": 12, "color": _QUERY, "symbol": "x"}, name="the query"),
        go.Scatter(x=[None], y=[None], mode="markers", marker={"size": 13, "color": _WRONG, "symbol": "square"},
                   name="a wrong answer here"),
    ]  # fmt: skip
    on_left = [moving[0], *still, moving[2], marks[0], moving[3], *marks[1:]]
    figure.add_traces(on_left, rows=[1] * len(on_left), cols=[1] * len(on_left))
    figure.add_traces([moving[1], *still], rows=[1] * 3, cols=[2] * 3)
    figure.update_traces(hoverinfo="skip")
    figure.update_traces(showlegend=False, selector=lambda trace: trace.xaxis == "x2")
    places = [0, len(on_left), 3, 5]
    figure.frames = [
        go.Frame(
            name=f"{row['nprobe']:,}", traces=places, layout={"annotations": _titles(figure, row, len(cells))},
            data=[{"type": trace.type, **changes} for trace, changes in zip(moving, of, strict=True)],
        )
        for row, of in zip(rows, moved, strict=True)
    ]  # fmt: skip
    figure.layout.annotations = figure.frames[0].layout.annotations
    bare = {"showgrid": False, "showticklabels": False, "ticks": "", "constrain": "domain"}
    for column, axis in ((1, "x"), (2, "x2")):
        figure.update_xaxes(**bare, range=[low[0], high[0]], row=1, col=column)
        figure.update_yaxes(**bare, range=[low[1], high[1]], scaleanchor=axis, row=1, col=column)
    figure.update_layout(
        sliders=[slider("nprobe ", [frame.name for frame in figure.frames])],
        legend={"y": -0.01, "yanchor": "top"}, margin={"l": 16, "r": 16, "t": 84, "b": 140},
    )  # fmt: skip
    return figure


def _titles(figure: go.Figure, row: dict[Any, Any], lists: int) -> list[dict[str, Any]]:
    """What stands above both planes at one step."""
    said = (
        f"one query: {len(row['read'])} of {lists} lists read",
        f"every query: {row['share']:.1%} of the plane gets a wrong answer",
    )
    return [
        old.to_plotly_json() | {"text": label(new), "font": {"size": 14}}
        for old, new in zip(figure.layout.annotations, said, strict=True)
    ]


def _at(place: NDArray[np.float64]) -> dict[str, Any]:
    return {"x": [float(place[0])], "y": [float(place[1])]}


def _circle(center: NDArray[np.float64], through: NDArray[np.float64]) -> dict[str, Any]:
    radius = float(np.linalg.norm(through - center))
    return {"x": center[0] + radius * np.cos(_AROUND), "y": center[1] + radius * np.sin(_AROUND)}


def _closed(cells: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Closed outlines, one after another with a gap between."""
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for cell in cells for part in (cell, cell[:1], gap)])
    return {"x": joined[:, 0], "y": joined[:, 1]}
