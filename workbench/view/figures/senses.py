"""One word in several sentences: its occurrences on a plane and pair by pair, and its senses by layer."""

import itertools
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, INK, RAMP, blank, interval, label, require

__all__ = ["occurrences", "sense_colors", "senses_by_layer"]

_MOST = 6  # senses with a color and a shape of their own
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "hexagon")
_MARK = ("\ue000", "\ue001")  # private-use letters that stand for <b> and </b> while a text is wrapped
_HEIGHT = 500
_SPAN = 0.02  # of cosines that the colors show, at least


def sense_colors(senses: Iterable[str]) -> dict[str, str]:
    """Sense -> color, in the order in which they come; "", which is no sense, and any beyond six are grey."""
    known = [sense for sense in dict.fromkeys(senses) if sense]
    return {sense: COLORS[place] if place < _MOST else GREY for place, sense in enumerate(known)} | {"": GREY}


def occurrences(table: pd.DataFrame, cosines: ArrayLike, *, shares: tuple[float, float], title: str = "") -> go.Figure:
    """Occurrences of a word as numbered points on a plane, and beside it a heat map of the cosine of each pair.

    Parameters
    ----------
    table
        One row per occurrence, in the order of the heat map: ``number``, ``sense`` ("" where it is not known), ``x``
        and ``y``, and the sentence in three parts, ``before``, ``word``, ``after``, for when the point is hovered.
    cosines
        ``(n, n)``, in the order of the table. The diagonal, which is 1, is not drawn.
    shares
        Of the variance along x and along y, in 0..1.

    Returns
    -------
    plotly.graph_objects.Figure
        1,060 by 500 pixels; always the same traces in the same order, so that a widget can replace their data.

    Raises
    ------
    InputError
        The table has no rows or lacks a column, or the matrix is not ``(n, n)``.
    """
    require(table, "number", "sense", "x", "y", "before", "word", "after")
    values = np.array(cosines, dtype=np.float64)
    n = len(table)
    if values.shape != (n, n):
        raise InputError(f"a matrix of shape {values.shape} for {n:,} occurrences", f"Pass ({n}, {n}) cosines.")
    figure = blank(title, f"principal component 1: {shares[0]:.0%} of the variance",
                   f"principal component 2: {shares[1]:.0%}", _HEIGHT)  # fmt: skip
    _add_points(figure, table)
    others = ~np.eye(n, dtype=np.bool_)
    numbers, colors = table["number"].tolist(), sense_colors(table["sense"])
    low, high = (float(values[others].min()), float(values[others].max())) if n > 1 else (0.0, 1.0)
    cells = [[value if drawn else None for value, drawn in zip(*row, strict=True)]
             for row in zip(values.tolist(), others.tolist(), strict=True)]  # fmt: skip
    figure.add_heatmap(
        z=cells, zmin=min(low, high - _SPAN), zmax=high, colorscale=RAMP, xgap=1, ygap=1, xaxis="x2", yaxis="y2",
        customdata=[[f"{a} and {b}" for b in numbers] for a in numbers], hoverongaps=False,
        hovertemplate="sentences %{customdata}: cosine <b>%{z:.3f}</b><extra></extra>",
        colorbar={"title": {"text": "cosine", "side": "right"}, "thickness": 12, "outlinewidth": 0, "tickformat": ".2f",
                  "len": 1.0, "x": 1.01},
    )  # fmt: skip
    ticks = {
        "tickvals": list(range(n)), "showgrid": False, "ticks": "", "tickangle": 0,
        "ticktext": [f'<span style="color:{colors[sense]}">{number}</span>'
                     for number, sense in zip(numbers, table["sense"], strict=True)],
    }  # fmt: skip
    figure.update_layout(
        width=1060,
        xaxis={"domain": [0, 0.5], "constrain": "range", "showticklabels": False, "ticks": ""},
        yaxis={"scaleanchor": "x", "constrain": "range", "showticklabels": False, "ticks": ""},
        xaxis2={"domain": [0.585, 1], "anchor": "y2", "title": {"text": "sentence, ordered by sense"}, **ticks},
        yaxis2={"anchor": "x2", "autorange": "reversed", **ticks},
        shapes=_borders(list(table["sense"])),
        legend={"y": 1.07, "itemsizing": "constant"},
        margin={"l": 56, "r": 24, "t": 100, "b": 60}, hovermode="closest",
        annotations=[
            _heading(0.0, f"a projection that shows {sum(shares):.0%} of the variance"),
            _heading(0.585, "cosine of every pair, in all dimensions"),
        ],
    )  # fmt: skip
    return figure


def senses_by_layer(
    table: pd.DataFrame, *, chance: float = 0.5, measure: Literal["accuracy", "rand"] = "accuracy", title: str = ""
) -> go.Figure:
    """How well each layer tells senses apart, with intervals, and the baselines as lines across.

    Parameters
    ----------
    table
        As ``tasks.sense_accuracy(...).table`` has it: ``name``, ``layer`` (missing for a baseline), ``accuracy`` with
        ``low`` and ``high``, or ``rand`` with ``rand_low`` and ``rand_high``.
    chance
        Accuracy of guessing, in 0..1.
    measure
        ``"accuracy"``, with labels, or ``"rand"``, the adjusted Rand index of clusters without; by chance it is 0.

    Raises
    ------
    InputError
        The table has no rows or lacks a column.
    """
    prefix = "" if measure == "accuracy" else "rand_"
    require(table, "name", "layer", measure, f"{prefix}low", f"{prefix}high")
    said, form = (
        ("accuracy, each sentence left out", ".0%") if measure == "accuracy" else ("adjusted Rand index", ".2f")
    )
    figure = blank(title, "layer (0: the input of the first block)", said, 440)
    layers = table[table["layer"].notna()]
    others = table[table["layer"].isna()]
    at = layers["layer"].to_numpy(dtype=np.float64)
    first, last = (at.min(), at.max()) if len(at) else (0.0, 0.0)
    end = last + len(others) + (0.6 if len(others) else 0.4)
    level = chance if measure == "accuracy" else 0.0
    figure.add_scatter(
        x=[first - 0.4, end], y=[level, level], mode="lines", name="chance",
        line={"color": INK, "dash": "dot", "width": 1.5}, hovertemplate=f"chance: %{{y:{form}}}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=at, y=layers[measure], mode="lines+markers", name="the word at this layer", cliponaxis=False,
        error_y=_interval(layers, measure, prefix, COLORS[0]), line={"color": COLORS[0], "width": 2.5}, marker_size=9,
        hovertemplate=f"layer %{{x}}: %{{y:{form}}}<extra></extra>",
    )  # fmt: skip
    for place, (_, row) in enumerate(others.iterrows(), start=1):
        color, name = COLORS[1 + (place - 1) % 6], label(row["name"])
        figure.add_scatter(
            x=[first - 0.4, last + place], y=[row[measure]] * 2, mode="lines", name=name, showlegend=False,
            line={"color": color, "width": 1.5, "dash": "dash"}, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=[last + place], y=[row[measure]], mode="markers", name=name, showlegend=False, cliponaxis=False,
            marker={"size": 10, "color": color, "symbol": _SYMBOLS[place % len(_SYMBOLS)]},
            error_y=_interval(row.to_frame().T, measure, prefix, color),
            hovertemplate=f"{name}: %{{y:{form}}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(
        tickvals=[*at, *(last + 1 + place for place in range(len(others)))], range=[first - 0.4, end],
        ticktext=[*(f"{layer:.0f}" for layer in at), *(label(name, 10, 4) for name in others["name"])], showgrid=False,
        tickangle=0,
    )  # fmt: skip
    figure.update_yaxes(tickformat=form)
    figure.update_layout(hovermode="closest")
    return figure


def _add_points(figure: go.Figure, table: pd.DataFrame) -> None:
    """A trace for each sense that has a color, and one for all the rest; those without points are empty."""
    colors = sense_colors(table["sense"])
    own = [sense for sense, color in colors.items() if color != GREY]
    kinds = [(own[place] if place < len(own) else None, COLORS[place]) for place in range(_MOST)]
    for place, (sense, color) in enumerate(kinds):
        _add_trace(figure, table[table["sense"] == sense], sense or "", color, _SYMBOLS[place])
    rest = table[~table["sense"].isin(own)]
    _add_trace(figure, rest, "other senses" if rest["sense"].any() else "sense not given", GREY, "circle")


def _add_trace(figure: go.Figure, rows: pd.DataFrame, name: str, color: str, symbol: str) -> None:
    parts = zip(rows["before"], rows["word"], rows["after"], strict=True)
    figure.add_scatter(
        x=rows["x"].to_numpy(dtype=np.float64), y=rows["y"].to_numpy(dtype=np.float64), mode="markers+text",
        name=label(name, 60, 1), showlegend=bool(len(rows)), text=[f"{number}" for number in rows["number"]],
        textfont={"size": 11, "color": "#FFFFFF"}, cliponaxis=False, customdata=[_stressed(*part) for part in parts],
        marker={"size": 21, "color": color, "symbol": symbol, "opacity": 0.92, "line": {"width": 0}},
        hovertemplate="%{text}. %{customdata}<extra></extra>",
    )  # fmt: skip


def _stressed(before: str, word: str, after: str) -> str:
    """A sentence for a hover, wrapped, with its word in bold; everything else in it is text."""
    clean = ["".join(" " if letter in _MARK else letter for letter in part) for part in (before, word, after)]
    marked = f"{clean[0]}{_MARK[0]}{clean[1]}{_MARK[1]}{clean[2]}"
    lines = textwrap.wrap(" ".join(marked.split()), 64) or [""]
    return "<br>".join(label(line) for line in lines).replace(_MARK[0], "<b>").replace(_MARK[1], "</b>")


def _borders(senses: Sequence[str]) -> list[dict[str, Any]]:
    """Lines across the heat map where one sense ends and the next begins."""
    ends = [at + 0.5 for at, (a, b) in enumerate(itertools.pairwise(senses)) if a != b]
    look = {"type": "line", "xref": "x2", "yref": "y2", "line": {"color": INK, "width": 2}}
    low, high = -0.5, len(senses) - 0.5
    return [
        shape
        for end in ends
        for shape in (
            {**look, "x0": end, "x1": end, "y0": low, "y1": high},
            {**look, "x0": low, "x1": high, "y0": end, "y1": end},
        )
    ]


def _heading(x: float, text: str) -> dict[str, Any]:
    return {
        "x": x, "y": 1.0, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 4,
        "text": label(text), "showarrow": False, "font": {"size": 12},
    }  # fmt: skip


def _interval(rows: pd.DataFrame, measure: str, prefix: str, color: str) -> dict[str, Any]:
    return interval(*(rows[name] for name in (measure, f"{prefix}low", f"{prefix}high")), color=color)
