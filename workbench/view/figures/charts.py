"""Charts of measurements: bars, histograms, calibration, pairs of values, trade-offs, similarity matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GRID, INK, RAMP, blank, interval, label, require

__all__ = ["bars", "calibration", "dumbbells", "histogram", "similarity_matrix", "tradeoff"]


def similarity_matrix(
    texts: Sequence[str], similarities: ArrayLike, *, title: str = "", name: str = "cosine similarity"
) -> go.Figure:
    """Heat map of a similarity matrix, the sentences as labels and the value written in each cell.

    Parameters
    ----------
    texts
        ``n`` sentences.
    similarities
        ``(n, n)`` values.
    name
        What the values are; shown at the color bar.

    Raises
    ------
    InputError
        The matrix is not ``(n, n)``.
    """
    values = np.asarray(similarities, dtype=np.float64)
    n = len(texts)
    if values.shape != (n, n):
        raise InputError(f"a matrix of shape {values.shape} for {n} texts", f"Pass ({n}, {n}) similarities.")
    names = [label(text, 34, 3) for text in texts]
    figure = blank(title, "", "", 190 + max(54 * n, 90))
    figure.add_heatmap(
        z=values, zmin=min(0.0, float(values.min())), zmax=1.0 if values.max() <= 1.001 else float(values.max()),
        colorscale=RAMP, xgap=3, ygap=3,
        customdata=[[f"{a}<br>—<br>{b}" for b in names] for a in names],
        hovertemplate="%{customdata}<br><b>%{z:.3f}</b><extra></extra>",
        colorbar={"title": {"text": label(name), "side": "right"}, "thickness": 12, "outlinewidth": 0},
    )  # fmt: skip
    low, high = figure.data[0].zmin, figure.data[0].zmax
    for i in range(n):
        for j in range(n):
            share = (values[i, j] - low) / ((high - low) or 1.0)
            figure.add_annotation(
                x=j, y=i, text=f"{values[i, j]:.2f}".replace("-0.00", "0.00").replace("-", "−"), showarrow=False,
                font={"size": 15, "color": "#FFFFFF" if share > 0.5 else "#1F2937"},
            )  # fmt: skip
    ticks = {"tickvals": list(range(n)), "ticktext": names, "showgrid": False, "ticks": ""}
    figure.update_yaxes(autorange="reversed", **ticks)
    figure.update_xaxes(side="bottom", tickangle=0, **ticks)
    return figure


def histogram(
    series: Mapping[str, ArrayLike],
    *,
    title: str = "",
    x: str = "cosine similarity",
    references: Mapping[str, float] | None = None,
    bins: int = 60,
) -> go.Figure:
    """Overlaid histograms of several series as shares of each, with named vertical reference lines.

    Parameters
    ----------
    series
        Name -> values; all share one set of ``bins`` equal bins.
    references
        Name -> position on the x axis.
    """
    if not series:
        raise InputError("there is no series to draw", "Pass at least one name with its values.")
    arrays = {name: np.asarray(values, dtype=np.float64).ravel() for name, values in series.items()}
    marks = dict(references or {})
    low = min([float(a.min()) for a in arrays.values()] + list(marks.values()))
    high = max([float(a.max()) for a in arrays.values()] + list(marks.values()))
    step = ((high - low) or 1.0) / bins
    figure = blank(title, x, "share of pairs, %", 380)
    peak = max(np.histogram(a, bins, (low, high + step))[0].max() / max(len(a), 1) for a in arrays.values())
    room = 1.08 + 0.12 * min(len(marks), 4)  # the names of the references stand above the bars
    figure.update_yaxes(range=[0, 100 * peak * room])
    for name, values in arrays.items():
        figure.add_histogram(
            x=values.astype(np.float32), name=label(f"{name} ({len(values):,})"), histnorm="percent",
            xbins={"start": low, "end": high + step, "size": step}, opacity=0.62, marker_line_width=0,
            hovertemplate="%{x}: %{y:.2f} %<extra>" + label(name) + "</extra>",
        )  # fmt: skip
    for place, (name, at) in enumerate(sorted(marks.items(), key=lambda item: item[1])):
        figure.add_vline(x=at, line={"color": INK, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=at, y=0.97 - 0.1 * (place % 4), yref="paper", text=f"{label(name)} {at:.2f}", showarrow=False,
            xanchor="left", xshift=5, font={"size": 12},
        )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    return figure


def bars(
    table: pd.DataFrame, *, title: str = "", y: str = "recall@5", top: float | None = None, decimals: int = 2
) -> go.Figure:
    """Bars with intervals, the value written above each.

    Parameters
    ----------
    table
        One row per bar: ``name``, ``value``, and optionally ``low`` and ``high``, the ends of its interval, and
        ``series``: bars of one series share a color and the legend names it, side by side for each name.
    top
        Upper end of the y axis; None fits it.
    """
    require(table, "name", "value")
    figure = blank(title, "", y, 380)
    groups = list(table.groupby("series", sort=False)) if "series" in table else [("", table)]
    for place, (series, part) in enumerate(groups):
        values = part["value"].to_numpy(dtype=np.float64)
        highs = part["high"].to_numpy(dtype=np.float64) if "high" in part else values
        lows = part["low"].to_numpy(dtype=np.float64) if "low" in part else values
        ends = f" (%{{customdata[0]:.{decimals}f}} to %{{customdata[1]:.{decimals}f}})" if "low" in part else ""
        figure.add_bar(
            x=[label(name, 24, 2) for name in part["name"]], y=values, name=label(series), offsetgroup=place,
            width=None if len(groups) > 1 else 0.55, marker_color=COLORS[place % len(COLORS)],
            error_y=interval(values, lows, highs, width=6) | {"visible": "low" in part and "high" in part},
            customdata=np.stack([lows, highs], axis=1),
            hovertemplate=f"%{{x}}: %{{y:.{decimals}f}}{ends}<extra>{label(series)}</extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[label(name, 24, 2) for name in part["name"]], y=np.fmax(values, highs), mode="text",
            text=[f"<b>{value:.{decimals}f}</b>" for value in values], textposition="top center",
            textfont={"size": 14}, offsetgroup=place, hoverinfo="skip", showlegend=False, cliponaxis=False,
        )  # fmt: skip
    highs = table["high" if "high" in table else "value"].to_numpy(dtype=np.float64)
    figure.update_yaxes(range=[0, top if top is not None else float(np.nanmax(highs)) * 1.15 or 1.0])
    figure.update_layout(showlegend=len(groups) > 1, barmode="group", scattermode="group")
    return figure


def calibration(
    table: pd.DataFrame, *, title: str = "", x: str = "cosine similarity", y: str = "share that is relevant"
) -> go.Figure:
    """Calibration curve: what share of pairs at a similarity is relevant, against "similarity is a probability".

    Parameters
    ----------
    table
        One row per bin: ``similarity`` (its mean), ``share`` in 0..1, ``count``; optionally ``low`` and ``high``, the
        interval of the share, and ``series`` (one color and line each).
    """
    require(table, "similarity", "share", "count")
    figure = blank(title, x, y, 420)
    start = min(0.0, float(table["similarity"].min()))
    figure.add_scatter(
        x=[start, 1], y=[start, 1], mode="lines", name="if it were a probability",
        line={"color": INK, "dash": "dot", "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    groups = table.groupby("series", sort=False) if "series" in table else [("measured", table)]
    for (name, rows), color in zip(groups, COLORS, strict=False):
        at, share = rows["similarity"].to_numpy(np.float64), rows["share"].to_numpy(np.float64)
        if "low" in rows and "high" in rows:
            ends = np.concatenate([rows["high"].to_numpy(np.float64), rows["low"].to_numpy(np.float64)[::-1]])
            figure.add_scatter(
                x=np.concatenate([at, at[::-1]]), y=ends, fill="toself", fillcolor=color, opacity=0.16, mode="lines",
                line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=label(name),
            )  # fmt: skip
        figure.add_scatter(
            x=at, y=share, mode="lines+markers", name=label(name), line={"color": color, "width": 2.5},
            marker={"size": 8}, customdata=rows["count"].to_numpy(), legendgroup=label(name),
            hovertemplate="similarity %{x:.2f}: %{y:.0%} of %{customdata:,} pairs<extra>" + label(name) + "</extra>",
        )  # fmt: skip
    figure.update_yaxes(range=[-0.03, 1.05], tickformat=".0%")
    return figure


def dumbbells(
    table: pd.DataFrame, left: str, right: str, *, title: str = "", x: str = "cosine similarity"
) -> go.Figure:
    """Two values of each row as two points on one line, the row's name beside it: what differs, and which way.

    Parameters
    ----------
    table
        One row per line, drawn from the top: ``name`` and two columns of numbers.
    left, right
        The two columns; they name the points in the legend.
    """
    require(table, "name", left, right)
    rows = list(range(len(table)))
    figure = blank(title, x, "", 150 + max(44 * len(rows), 88))
    figure.add_scatter(
        x=[end for a, b in zip(table[left], table[right], strict=True) for end in (a, b, None)],
        y=[row if end < 2 else None for row in rows for end in range(3)],
        mode="lines", line={"color": GRID, "width": 6}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    leads = table[left].to_numpy() >= table[right].to_numpy()
    for column, color, outer in ((left, COLORS[1], leads), (right, COLORS[0], ~leads)):
        figure.add_scatter(
            x=table[column].to_numpy(dtype=np.float64), y=rows, name=label(column), mode="markers+text",
            marker={"size": 15, "color": color}, text=[f"{value:.2f}" for value in table[column]],
            textposition=["middle right" if right_end else "middle left" for right_end in outer], cliponaxis=False,
            hovertemplate=label(column) + ": %{x:.3f}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(name, 42, 2) for name in table["name"]], range=[len(rows) - 0.4, -0.6],
        showgrid=False, ticks="",
    )  # fmt: skip
    return figure


def tradeoff(
    table: pd.DataFrame,
    *,
    title: str = "",
    x: str = "latency",
    y: str = "recall",
    x_title: str = "latency per query, ms",
    y_title: str = "recall@10",
    log_x: bool = True,
) -> go.Figure:
    """Recall against latency (or any two columns): one line per ``series``, one labelled point per row.

    Parameters
    ----------
    table
        Columns ``x`` and ``y``; optionally ``series`` (one color and line each), ``label`` (written at the point), and
        ``low`` and ``high`` (the interval of ``y``).
    """
    require(table, x, y)
    figure = blank(title, x_title, y_title, 440)
    groups = table.groupby("series", sort=False) if "series" in table else [("", table)]
    for name, part in groups:
        rows = part.sort_values(x)
        marks = [label(text) for text in rows["label"]] if "label" in rows else [""] * len(rows)
        error = None
        if "low" in rows and "high" in rows:
            error = {
                "type": "data", "symmetric": False, "array": rows["high"] - rows[y],
                "arrayminus": rows[y] - rows["low"], "thickness": 1, "width": 3,
            }  # fmt: skip
        figure.add_scatter(
            x=rows[x].to_numpy(), y=rows[y].to_numpy(), mode="lines+markers+text", name=label(name), text=marks,
            textposition="bottom right", textfont={"size": 12}, marker={"size": 9}, line={"width": 1.5}, error_y=error,
            cliponaxis=False, showlegend="series" in table,
            hovertemplate=f"{label(name)} %{{text}}<br>{label(x_title)} %{{x:.3g}}<br>{label(y_title)} %{{y:.3f}}"
            "<extra></extra>",
        )  # fmt: skip
    if log_x:
        low, high = float(table[x].min()), float(table[x].max())
        figure.update_xaxes(
            type="log", range=[math.log10(low) - 0.15, math.log10(high) + 0.25], **_log_ticks(low, high)
        )
    return figure


def _log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks at 1, 2 and 5 of every decade, written out: plotly's own say 2 where they mean 20."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    values = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}
