"""Product quantization drawn: the table of partial distances of one query, and the sums that codes make of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from workbench.errors import InputError
from workbench.view.figures.frames import buttons, slider
from workbench.view.figures.look import COLORS, INK, RAMP, blank, label

__all__ = ["distance_table"]

_WIDTH, _ROW = 1000, 44  # pixels
_PLAY_MS = 550


def distance_table(
    table: ArrayLike, codes: ArrayLike, names: Sequence[str], *, true: ArrayLike | None = None, title: str = ""
) -> go.Figure:
    """The distances of one query to every centroid of every part, and vectors compared by looking them up, in steps.

    On the left the table, computed once for a query. On the right the vectors: for each part a code says which cell of
    its row to add, so that no vector is read. A slider and a button step through the look-ups; at first all are shown.

    Parameters
    ----------
    table
        ``(m, centroids)`` partial distances, squared.
    codes
        ``(n, m)`` whole numbers: the centroid of each part of each vector; best few and small.
    names
        ``n`` names of the vectors.
    true
        ``(n,)`` their true squared distances, drawn as a line across each bar.

    Raises
    ------
    InputError
        Codes that are no columns of the table, or a number of names or distances that does not fit.
    """
    cells, chosen = np.asarray(table, dtype=np.float64), np.asarray(codes)
    if cells.ndim != 2 or chosen.ndim != 2 or not chosen.size or chosen.shape[1] != cells.shape[0]:
        raise InputError(
            f"codes of shape {chosen.shape} for a table of {cells.shape}", "Pass (n, m) and (m, centroids)."
        )
    if chosen.min() < 0 or chosen.max() >= cells.shape[1]:
        raise InputError(f"a code is not in 0 to {cells.shape[1] - 1}", "Pass the codes of this table's centroids.")
    exact = None if true is None else np.asarray(true, dtype=np.float64)
    if len(names) != len(chosen) or (exact is not None and exact.shape != (len(chosen),)):
        raise InputError(f"{len(names)} names for {len(chosen)} vectors", "Give one name, and one distance, for each.")
    n, m = chosen.shape
    parts = cells[np.arange(m), chosen]
    height = 262 + _ROW * max(n, m)
    figure = make_subplots(
        1, 2, column_widths=[0.56, 0.44], horizontal_spacing=0.17,
        subplot_titles=["to each centroid of each part, computed once", "of the vectors, by look-ups alone"],
    )  # fmt: skip
    look = blank(title, "", "", height)
    figure.update_layout(template=look.layout.template, title=look.layout.title, height=height, width=_WIDTH)
    figure.update_annotations(font={"size": 14}, yshift=4)
    low, high = float(cells.min()), float(cells.max())
    figure.add_heatmap(
        z=cells, zmin=low, zmax=high, colorscale=RAMP, showscale=False, xgap=2, ygap=2, row=1, col=1,
        hovertemplate="part %{y}, centroid %{x}: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        **_picked(chosen[-1], range(m)), mode="markers", showlegend=False, hoverinfo="skip", row=1, col=1,
        marker={"symbol": "square-open", "size": 25, "color": COLORS[1], "line": {"width": 3}},
    )  # fmt: skip
    for part in range(m):
        figure.add_bar(
            x=parts[:, part], y=list(range(n)), orientation="h", name=f"part {part + 1}", width=0.62, row=1, col=2,
            marker={"color": COLORS[part % len(COLORS)]},
            hovertemplate=f"part {part + 1}: %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
    sums = parts.sum(axis=1)
    figure.add_scatter(
        **_written(sums, exact), y=list(range(n)), mode="text", textposition="middle right", showlegend=False,
        cliponaxis=False, hoverinfo="skip", row=1, col=2,
    )  # fmt: skip
    if exact is not None:
        figure.add_scatter(
            x=exact, y=list(range(n)), mode="markers", name="true distance", row=1, col=2,
            marker={"symbol": "line-ns", "size": 30, "line": {"width": 2.5, "color": INK}},
            hovertemplate="true: %{x:.3f}<extra></extra>",
        )  # fmt: skip
    moving = [1, *range(2, m + 2), m + 2]
    frames = []
    for at in range(n * m):
        vector, part = divmod(at, m)
        known = np.where(np.arange(n * m).reshape(n, m) <= at, parts, np.nan)
        done = np.where(np.isnan(known).all(axis=1), np.nan, np.nansum(known, axis=1))
        frames.append(
            go.Frame(
                name=f"{at + 1}", traces=moving,
                data=[
                    {"type": "scatter", **_picked(chosen[vector], range(part + 1))},
                    *({"type": "bar", "x": known[:, each]} for each in range(m)),
                    {"type": "scatter", **_written(done, exact)},
                ],
            )
        )  # fmt: skip
    figure.frames = frames
    figure.update_xaxes(
        title_text="centroid", tickvals=list(range(0, cells.shape[1], max(1, cells.shape[1] // 16))), showgrid=False,
        ticks="", row=1, col=1,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(m)), ticktext=[f"part {part + 1}" for part in range(m)], range=[m - 0.5, -0.5],
        showgrid=False, ticks="", row=1, col=1,
    )  # fmt: skip
    longest = max(float(sums.max()), 0.0 if exact is None else float(exact.max()))
    figure.update_xaxes(title_text="squared distance", range=[0, 1.16 * longest or 1.0], row=1, col=2)
    figure.update_yaxes(
        tickvals=list(range(n)), ticktext=[label(name, 24, 2) for name in names], range=[n - 0.4, -0.6], showgrid=False,
        ticks="", row=1, col=2,
    )  # fmt: skip
    figure.update_layout(
        barmode="stack", margin={"t": 136, "b": 150}, updatemenus=[buttons(_PLAY_MS)],
        sliders=[slider("look-up ", [frame.name for frame in frames], len(frames) - 1)],
        legend={"y": 1 + 44 / (height - 286), "traceorder": "normal"},
    )  # fmt: skip
    return figure


def _picked(code: NDArray[Any], parts: Sequence[int]) -> dict[str, Any]:
    """Where the cells of a code are in the table, for some of its parts."""
    return {"x": [int(code[part]) for part in parts], "y": list(parts)}


def _written(sums: NDArray[np.float64], exact: NDArray[np.float64] | None) -> dict[str, Any]:
    """Sums beside their bars, beyond the true distance too; nothing where nothing is added up yet."""
    known = np.isfinite(sums)
    ends = np.where(known, sums, 0.0)
    return {
        "x": ends if exact is None else np.maximum(ends, exact),
        "text": [f"  {value:.2f}" if there else "\u00a0" for value, there in zip(sums, known, strict=True)],
    }
