"""A search of a real graph: its distances step by step, what it touched as seen from the query, how its work grows."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, INK, blank, interval, label, require

__all__ = ["seen_from_query", "walk_distances", "work_growth"]

_PINK = "#C2185B"
_BANDS = ("rgba(0, 114, 178, 0.13)", "rgba(232, 89, 12, 0.13)", "rgba(0, 158, 115, 0.13)")  # of the first colors


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
        annotations=[{"x": 0, "y": -at, "text": f"{at:g} {label(axis)}" if last else f"{at:g}", "showarrow": False,
                      "font": {"size": 12, "color": "#1B1B1B" if last else INK}, "borderpad": 1,
                      "bgcolor": f"rgba(255, 255, 255, {0.75 if last else 0})"}
                     for at, last in ((at, at == rings[-1]) for at in rings)],
        margin={"l": 8, "r": 8, "t": 92, "b": 12}, dragmode="pan", legend_itemsizing="constant",
    )  # fmt: skip
    bare = {"visible": False, "showgrid": False, "range": [-reach, reach]}
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, scaleanchor="x", scaleratio=1)
    return figure


def work_growth(points: pd.DataFrame, laws: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Distances that a query costs against the number of vectors, both logarithmic, with what was fitted to them.

    Parameters
    ----------
    points
        What was measured: ``n``, ``distances`` (mean of a query), ``low``, ``high``.
    laws
        What was fitted, ascending in n: ``law`` (its name, one color each), ``n``, ``distances``, ``low``, ``high``.
        Dashed beyond what was measured.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or a value is not above 0.
    """
    require(points, "n", "distances", "low", "high")
    require(laws, "law", "n", "distances", "low", "high")
    numbers = ["n", "distances", "low", "high"]
    every = np.concatenate([table[numbers].to_numpy(np.float64) for table in (points, laws)])
    if not (every > 0).all():
        raise InputError("a number is not above 0", "A logarithmic axis has no place for it.")
    figure = blank(title, "vectors, n", "distances computed for a query", 460)
    largest = float(points["n"].max())
    for place, (law, rows) in enumerate(laws.groupby("law", sort=False)):
        n, at, low, high = (rows[column].to_numpy(np.float64) for column in numbers)
        figure.add_scatter(
            x=np.concatenate([n, n[::-1]]), y=np.concatenate([high, low[::-1]]), mode="lines", fill="toself",
            fillcolor=_BANDS[place], line={"width": 0}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        last = int((n <= largest).sum()) - 1
        for part, dash in ((slice(0, last + 1), "solid"), (slice(last, None), "dash")):
            figure.add_scatter(
                x=n[part], y=at[part], mode="lines", name=label(law), showlegend=dash == "solid",
                line={"color": COLORS[place], "width": 2, "dash": dash},
                hovertemplate="%{y:,.0f} at %{x:,.4s}<extra></extra>",
            )  # fmt: skip
    measured = points["distances"].to_numpy(np.float64)
    figure.add_scatter(
        x=points["n"].to_numpy(np.float64), y=measured, mode="markers", name="measured",
        marker={"size": 9, "color": INK}, error_y=interval(measured, points["low"], points["high"]),
        hovertemplate="%{y:,.0f} at %{x:,.4s}<extra>measured</extra>",
    )  # fmt: skip
    figure.add_vline(x=largest, line={"color": INK, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=np.log10(largest), y=0, yref="paper", yanchor="bottom", text="beyond: extrapolated", showarrow=False,
        xanchor="left", xshift=6, font={"size": 12},
    )  # fmt: skip
    powers = range(3, 10)
    figure.update_xaxes(
        type="log", tickvals=[10**power for power in powers],
        range=[np.log10(every[:, 0].min() / 1.5), np.log10(every[:, 0].max() * 1.8)],
        ticktext=["1,000", "10,000", "100,000", "1 million", "10 million", "100 million", "1 billion"],
    )  # fmt: skip
    steps = [digit * 10.0**power for power in range(8) for digit in (1, 2, 5)]
    figure.update_yaxes(
        type="log", tickvals=steps, ticktext=[f"{step:,.6g}" for step in steps],
        range=[np.log10(every[:, 2].min() / 1.2), np.log10(every[:, 3].max() * 1.2)],
    )  # fmt: skip
    return figure
