"""What a map made of distances: each original distance against the one that is drawn."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.view.figures.look import COLORS, INK, blank, label, require

__all__ = ["distances_kept"]

_LARGE = 500  # points; more are small and translucent


def distances_kept(table: pd.DataFrame, *, title: str = "", what: str = "two points") -> go.Figure:
    """Original distances against those on the map: on a faithful map the points would lie along a line from 0.

    Parameters
    ----------
    table
        One row per distance: ``original`` and ``map``; ``name``, or ``a`` and ``b``, say what it is when hovered.
    what
        Between what the distances are, for the titles of the axes.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "original", "map")
    original, drawn = table["original"].to_numpy(np.float32), table["map"].to_numpy(np.float32)
    if {"a", "b"} <= set(table.columns):
        names = [f"{label(a)} – {label(b)}" for a, b in zip(table["a"], table["b"], strict=True)]
    else:
        names = [label(name) for name in table.get("name", [""] * len(table))]
    many = len(table) > _LARGE
    figure = blank(title, f"original distance of {what}", "distance on the map", 430)
    scale = float((original * drawn).sum() / (original * original).sum()) if original.any() else 0.0
    furthest = float(original.max())
    figure.add_scatter(
        x=[0, furthest], y=[0, scale * furthest], mode="lines", name="in proportion, at the best scale",
        line={"color": INK, "dash": "dot", "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scattergl(
        x=original, y=drawn, mode="markers", name="measured", text=names,
        marker={"size": 4 if many else 9, "opacity": 0.3 if many else 0.75, "color": COLORS[0]},
        hovertemplate="%{text}<br>original %{x:.3f}, map %{y:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    return figure
