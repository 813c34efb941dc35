"""A search of a real graph: its distances step by step, what it touched as seen from the query, how its work grows."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, GRID, INK, blank, label, require

__all__ = ["seen_from_query", "walk_distances", "work_growth"]

_PINK = "#C2185B"
_BAND = "rgba(0, 114, 178, 0.10)"


def walk_distances(hops: pd.DataFrame, axis: str = "distance", *, height: int = 320, title: str = "") -> go.Figure:
    """Distance to the query of each node that a walk expanded, and of the nearest known by then.

    Parameters
    ----------
    hops
        One row per step, none is allowed: ``step``, ``layer``, ``distance`` (of the node expanded), ``best``, ``worst``
        (of the last of the results; NaN until there are as many).
    axis
        What the distances are.

    Raises
    ------
    InputError
        A column is missing.
    """
    if len(hops):
        require(hops, "step", "layer", "distance", "best", "worst")
    figure = blank(title, "step: nodes expanded", axis, height)
    steps = hops["step"].to_numpy(np.float64)
    for name, column, look in (
        ("expanded in this step", "distance", {"mode": "markers", "marker": {"size": 6, "color": COLORS[1]}}),
        ("worst of the k results", "worst", {"mode": "lines", "line": {"color": GREY, "width": 2, "dash": "dot"}}),
        ("nearest known", "best", {"mode": "lines", "line": {"color": COLORS[2], "width": 2.5, "shape": "hv"}}),
    ):
        heights = hops[column].to_numpy(np.float64)
        known = np.isfinite(heights)
        figure.add_scatter(
            x=steps[known], y=heights[known], name=name, **look,
            hovertemplate=f"step %{{x}}: %{{y:.3f}}<extra>{name}</extra>",
        )  # fmt: skip
    values = hops[["distance", "best", "worst"]].to_numpy(np.float64)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    low, high = low - 0.06 * (high - low), high + 0.14 * (high - low)
    figure.add_scatter(
        x=[0, 0], y=[low, high], mode="lines", line={"color": _PINK, "width": 2}, hoverinfo="skip", showlegend=False
    )
    last = float(steps.max()) if len(steps) else 1.0
    above = float((hops["layer"] > 0).sum())
    figure.update_layout(
        shapes=[{"type": "rect", "x0": 0, "x1": above + 0.5, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 0},
                 "fillcolor": "rgba(128, 128, 128, 0.12)", "layer": "below"}],
        annotations=[
            {"x": above + 0.5, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "showarrow": False,
             "text": "the bottom layer; shaded: the layers above", "font": {"size": 12}, "xshift": 6},
        ],
        margin={"t": 64 if title else 30, "b": 46, "l": 64, "r": 16}, hovermode="closest",
    )  # fmt: skip
    figure.update_xaxes(range=[-0.01 * last - 0.5, last * 1.01 + 0.5])
    figure.update_yaxes(range=[low, high])
    return figure


def seen_from_query(
    points: ArrayLike, touched: pd.DataFrame, *, rings: tuple[float, ...] = (), axis: str = "distance", title: str = ""
) -> go.Figure:
    """All vectors as seen from a query in the middle, those that its search touched, and the way that it took.

    Parameters
    ----------
    points
        ``(n, 2)``: the vectors, each as far from 0 as it is from the query.
    touched
        One row per vector whose distance was computed, in order: ``row``, ``nearest`` (whether it was then the nearest
        known), ``found`` (whether it is among the answers).
    rings
        Distances at which a circle is drawn and named.
    axis
        What the distances are.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or the points are not ``(n, 2)``.
    """
    require(touched, "row", "nearest", "found")
    places = np.asarray(points, dtype=np.float32)
    if places.ndim != 2 or places.shape[1] != 2:
        raise InputError(f"points of shape {places.shape}", "Pass (n, 2).")
    figure = blank(title, "", "", 720)
    rows = touched["row"].to_numpy(np.int64)
    rest = np.ones(len(places), dtype=np.bool_)
    rest[rows] = False
    way, found = (rows[touched[name].to_numpy(np.bool_)] for name in ("nearest", "found"))
    figure.add_scattergl(
        x=places[rest, 0], y=places[rest, 1], mode="markers", name=f"{int(rest.sum()):,} never touched",
        marker={"size": 2.2, "color": GREY, "opacity": 0.28}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scattergl(
        x=places[rows, 0], y=places[rows, 1], mode="markers", name=f"{len(rows):,} touched",
        marker={"size": 4.5, "color": COLORS[1], "opacity": 0.9}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scattergl(
        x=places[way, 0], y=places[way, 1], mode="lines+markers", name="the nearest known, as it changed",
        line={"color": COLORS[0], "width": 2.5}, marker={"size": 7, "color": COLORS[0]}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scattergl(
        x=places[found, 0], y=places[found, 1], mode="markers", name=f"{len(found)} found",
        marker={"size": 9, "color": COLORS[2], "line": {"width": 1.5, "color": "#FFFFFF"}}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scattergl(
        x=[0], y=[0], mode="markers", name="the query", marker={"size": 13, "symbol": "x", "color": _PINK},
        hoverinfo="skip",
    )  # fmt: skip
    reach = float(np.abs(places).max()) * 1.02
    figure.update_layout(
        shapes=[{"type": "circle", "x0": -at, "x1": at, "y0": -at, "y1": at, "layer": "above",
                 "line": {"color": INK, "width": 1, "dash": "dot"}} for at in rings],
        annotations=[{"x": 0, "y": -at, "text": f"{at:g}" + (f" {label(axis)}" if at == rings[-1] else ""),
                      "showarrow": False, "font": {"size": 12, "color": "#1B1B1B"}, "bgcolor": "rgba(255,255,255,0.8)",
                      "borderpad": 1} for at in rings],
        margin={"l": 8, "r": 8, "t": 92, "b": 12}, dragmode="pan",
    )  # fmt: skip
    bare = {"visible": False, "showgrid": False, "range": [-reach, reach]}
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, scaleanchor="x", scaleratio=1)
    return figure


def work_growth(points: pd.DataFrame, line: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Distances that a query costs against the number of vectors, which stands on a logarithmic axis.

    Parameters
    ----------
    points
        What was measured: ``n``, ``distances`` (mean of a query), ``low``, ``high``; optionally ``series``.
    line
        What was fitted, ascending: ``n``, ``distances``, ``low``, ``high``; ``series`` as in ``points``.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    for table in (points, line):
        require(table, "n", "distances", "low", "high")
    figure = blank(title, "vectors, n", "distances computed for a query", 440)
    for place, name in enumerate(dict.fromkeys(points["series"]) if "series" in points else [""]):
        color = COLORS[place]
        measured = points[points["series"] == name] if name else points
        fitted = line[line["series"] == name] if name else line
        n, low, high = (fitted[column].to_numpy(np.float64) for column in ("n", "low", "high"))
        figure.add_scatter(
            x=np.concatenate([n, n[::-1]]), y=np.concatenate([high, low[::-1]]), mode="lines", fill="toself",
            fillcolor=_BAND, line={"width": 0}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        known = n <= measured["n"].max()
        for part, dash in ((known, "solid"), (~known | (n == n[known][-1]), "dash")):
            figure.add_scatter(
                x=n[part], y=fitted["distances"].to_numpy(np.float64)[part], mode="lines", showlegend=dash == "dash",
                name=label(f"{name}: " if name else "") + "fitted, and carried on",
                line={"color": color, "width": 2, "dash": dash},
                hovertemplate="%{y:,.0f} at %{x:,.4s}<extra></extra>",
            )  # fmt: skip
        at = measured["distances"].to_numpy(np.float64)
        figure.add_scatter(
            x=measured["n"].to_numpy(np.float64), y=at, mode="markers", name=label(name) or "measured",
            marker={"size": 9, "color": color},
            error_y={"type": "data", "symmetric": False, "array": measured["high"].to_numpy(np.float64) - at,
                     "arrayminus": at - measured["low"].to_numpy(np.float64), "color": color},
            hovertemplate="%{y:,.0f} at %{x:,.4s}<extra></extra>",
        )  # fmt: skip
    powers = range(3, 10)
    figure.update_xaxes(
        type="log", tickvals=[10**power for power in powers],
        ticktext=["1,000", "10,000", "100,000", "1 million", "10 million", "100 million", "1 billion"],
    )  # fmt: skip
    figure.update_yaxes(rangemode="tozero", gridcolor=GRID)
    return figure
