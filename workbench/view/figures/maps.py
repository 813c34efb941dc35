"""Maps of points as figures: the static fallback of the map widget."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.view.figures.look import blank, label
from workbench.view.labels import Labels, anchor, named_groups, roomy, text_size
from workbench.view.palette import color_column

__all__ = ["map_figure"]

_WIDTH, _LABEL = 620, 12  # pixels: the narrowest that labels are placed for, and their font


def map_figure(
    coordinates: ArrayLike,
    texts: Sequence[str] | None = None,
    color: "pd.Series[Any] | None" = None,
    *,
    labels: Labels = (),
    title: str = "",
    height: int = 640,
) -> go.Figure:
    """A map of points, drawn by WebGL: the static fallback of the widget.

    Parameters
    ----------
    coordinates
        ``(n, 2)``; one unit is as long on x as on y.
    texts
        ``n`` hover texts, wrapped and shown literally.
    color
        ``n`` values: numbers and dates become a ramp, everything else categories with a legend.
    labels
        Text -> rows, as for :meth:`workbench.view.MapView.label`. A figure cannot make room when it is zoomed: the
        lighter of two labels that would overlap in a figure 620 pixels wide is left out.
    """
    points = np.asarray(coordinates, dtype=np.float32)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"coordinates of shape {points.shape}", "A map needs (n, 2).")
    coloring = color_column(color, len(points))
    hover = np.array(["" if texts is None else label(text, 64, 8) for text in (texts or [""] * len(points))])
    figure = blank(title, "", "", height)
    size = float(np.clip(60 / max(len(points), 1) ** 0.3, 2.5, 8))

    def add(rows: np.ndarray[Any, Any], name: str, marker: dict[str, Any], legend: bool) -> None:
        figure.add_scattergl(
            x=points[rows, 0], y=points[rows, 1], mode="markers", name=name, text=hover[rows], showlegend=legend,
            marker={"size": size, "opacity": 0.75, **marker},
            hovertemplate="%{text}<extra></extra>" if texts is not None else "(%{x:.2f}, %{y:.2f})<extra></extra>",
        )  # fmt: skip

    if coloring.range:
        steps = len(coloring.light) - 1
        ramp = [[i / (steps - 1), shade] for i, shade in enumerate(coloring.light[:steps])]
        known = coloring.codes < steps
        add(np.flatnonzero(known), "", {
            "color": coloring.codes[known].astype(np.float32), "colorscale": ramp, "cmin": 0, "cmax": steps - 1,
            "colorbar": {"title": {"text": label(coloring.title)}, "tickvals": [0, steps - 1],
                         "ticktext": [label(end) for end in coloring.range], "thickness": 12, "outlinewidth": 0},
        }, False)  # fmt: skip
        if not known.all():
            add(np.flatnonzero(~known), "no value", {"color": coloring.light[-1]}, True)
    else:
        names = [entry.label for entry in coloring.entries] or [""]
        for code in np.unique(coloring.codes):
            place = min(int(code), len(names) - 1)
            add(
                np.flatnonzero(coloring.codes == code), label(names[place]),
                {"color": coloring.light[int(code)]}, bool(coloring.entries),
            )  # fmt: skip
    figure.update_layout(annotations=_annotations(points, labels, height))
    bare = {"showgrid": False, "showticklabels": False, "ticks": "", "visible": False}
    figure.update_xaxes(**bare)
    figure.update_yaxes(scaleanchor="x", scaleratio=1, **bare)
    figure.update_layout(
        dragmode="pan", hovermode="closest", margin={"l": 8, "r": 8, "t": 56 if title else 16, "b": 8},
        legend={"orientation": "v", "x": 1.01, "y": 1, "yanchor": "top", "itemsizing": "constant",
                "title": {"text": label(coloring.title)}},
    )  # fmt: skip
    return figure


def _annotations(points: np.ndarray[Any, Any], labels: Labels, height: int) -> list[dict[str, Any]]:
    """The labels that have room, as plotly's annotations."""
    named = named_groups(labels, len(points))
    if not named:
        return []
    texts = [label(one.text, 24, 2) for one in named]
    at = points[[anchor(one, points) for one in named]].astype(np.float64)
    shifts = [0 if len(one.rows) > 1 else 14 for one in named]  # the name of one point stands above it
    pixels = min(np.array([_WIDTH, height]) / np.maximum(np.ptp(points, axis=0) * 1.1, 1e-12))
    drawn = roomy(
        at * pixels + np.array([[0, shift] for shift in shifts]), np.array([text_size(t, _LABEL) for t in texts])
    )
    look = {"showarrow": False, "font": {"size": _LABEL, "color": "#1B1B1B"}, "bgcolor": "rgba(255,255,255,0.78)"}
    return [
        {"x": at[i, 0], "y": at[i, 1], "yshift": shifts[i], "text": texts[i], "borderpad": 1, **look}
        for i in np.flatnonzero(drawn)
    ]
