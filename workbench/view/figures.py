"""Tables in, plotly figures out; nothing is computed here.

Texts of a corpus are data: plotly reads ``<b>``, ``<br>``, ``<a href>`` and ``$TeX$`` in labels and hovers, so every
label goes through :func:`label` first. A notebook shows a figure; :func:`write_page` makes it one HTML file that needs
no network.
"""

import html
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.atomic import replacing
from workbench.errors import InputError
from workbench.markup import escape, plain
from workbench.view.palette import color_column

__all__ = [
    "bars",
    "calibration",
    "dumbbells",
    "histogram",
    "label",
    "map_figure",
    "similarity_matrix",
    "tradeoff",
    "write_page",
]

# Okabe and Ito, "Color Universal Design" (2008): told apart by color-blind eyes; readable on white and on near-black.
COLORS = ("#0072B2", "#E8590C", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A6FF0", "#8C8C8C")
_INK = "#6B7280"
_GRID = "rgba(128, 128, 128, 0.22)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d"]}
_DOLLAR = "&#36;"  # plotly shows a dollar sign, but looks for TeX before it reads character references


def _template() -> go.layout.Template:
    """Shared look: transparent background and mid-grey ink read in JupyterLab's light and dark themes."""
    axis = {
        "gridcolor": _GRID, "linecolor": _GRID, "zeroline": False, "ticks": "outside", "tickcolor": _GRID,
        "title": {"standoff": 12}, "automargin": True,
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 13, "color": _INK},
            "title": {"font": {"size": 16}, "x": 0, "xref": "paper", "xanchor": "left", "yanchor": "top", "y": 0.97},
            "colorway": COLORS, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis, "yaxis": axis, "margin": {"l": 64, "r": 24, "t": 64, "b": 56},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left"},
            "hoverlabel": {"font": {"family": _FONT, "size": 12}, "align": "left"},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _INK,
                        "remove": ["sendChartToCloud", "lasso2d", "select2d"]},
        }
    )  # fmt: skip


def label(text: object, width: int = 0, lines: int = 0) -> str:
    """Text that plotly shows literally: no pseudo-HTML, no TeX; wrapped at ``width`` characters, at most ``lines``."""
    rows = [plain(text)]
    if width:
        rows = textwrap.wrap(" ".join(rows[0].split()), width, max_lines=lines or None, placeholder=" …") or [""]
    return "<br>".join(html.escape(row, quote=False) for row in rows).replace("$", _DOLLAR)


def _figure(title: str, x: str, y: str, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(template=_template(), title_text=label(title), height=height)
    figure.update_xaxes(title_text=label(x))
    figure.update_yaxes(title_text=label(y))
    return figure


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
    figure = _figure(title, "", "", 190 + max(54 * n, 90))
    figure.add_heatmap(
        z=values, zmin=min(0.0, float(values.min())), zmax=1.0 if values.max() <= 1.001 else float(values.max()),
        colorscale=[[0, "#F4F7FB"], [0.5, "#7FB0D3"], [1, "#0B4F82"]], xgap=3, ygap=3,
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
    figure = _figure(title, x, "share of pairs, %", 380)
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
        figure.add_vline(x=at, line={"color": _INK, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=at, y=0.97 - 0.1 * (place % 4), yref="paper", text=f"{label(name)} {at:.2f}", showarrow=False,
            xanchor="left", xshift=5, font={"size": 12},
        )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    return figure


def map_figure(
    coordinates: ArrayLike,
    texts: Sequence[str] | None = None,
    color: "pd.Series[Any] | None" = None,
    *,
    title: str = "",
    height: int = 640,
) -> go.Figure:
    """A map of points, drawn by WebGL: the static fallback of the widget and the body of a self-contained page.

    Parameters
    ----------
    coordinates
        ``(n, 2)``; one unit is as long on x as on y.
    texts
        ``n`` hover texts, wrapped and shown literally.
    color
        ``n`` values: numbers and dates become a ramp, everything else categories with a legend.
    """
    points = np.asarray(coordinates, dtype=np.float32)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"coordinates of shape {points.shape}", "A map needs (n, 2).")
    coloring = color_column(color, len(points))
    hover = np.array(["" if texts is None else label(text, 64, 8) for text in (texts or [""] * len(points))])
    figure = _figure(title, "", "", height)
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
    blank = {"showgrid": False, "showticklabels": False, "ticks": "", "visible": False}
    figure.update_xaxes(**blank)
    figure.update_yaxes(scaleanchor="x", scaleratio=1, **blank)
    figure.update_layout(
        dragmode="pan", hovermode="closest", margin={"l": 8, "r": 8, "t": 56 if title else 16, "b": 8},
        legend={"orientation": "v", "x": 1.01, "y": 1, "yanchor": "top", "itemsizing": "constant",
                "title": {"text": label(coloring.title)}},
    )  # fmt: skip
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
    _require(table, "name", "value")
    figure = _figure(title, "", y, 380)
    groups = list(table.groupby("series", sort=False)) if "series" in table else [("", table)]
    for place, (series, part) in enumerate(groups):
        values = part["value"].to_numpy(dtype=np.float64)
        highs = part["high"].to_numpy(dtype=np.float64) if "high" in part else values
        lows = part["low"].to_numpy(dtype=np.float64) if "low" in part else values
        ends = f" (%{{customdata[0]:.{decimals}f}} to %{{customdata[1]:.{decimals}f}})" if "low" in part else ""
        figure.add_bar(
            x=[label(name, 24, 2) for name in part["name"]], y=values, name=label(series), offsetgroup=place,
            width=None if len(groups) > 1 else 0.55, marker_color=COLORS[place % len(COLORS)],
            error_y={"type": "data", "symmetric": False, "array": highs - values, "arrayminus": values - lows,
                     "thickness": 1.5, "width": 6, "color": _INK, "visible": "low" in part and "high" in part},
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
    _require(table, "similarity", "share", "count")
    figure = _figure(title, x, y, 420)
    start = min(0.0, float(table["similarity"].min()))
    figure.add_scatter(
        x=[start, 1], y=[start, 1], mode="lines", name="if it were a probability",
        line={"color": _INK, "dash": "dot", "width": 1.5}, hoverinfo="skip",
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
    _require(table, "name", left, right)
    rows = list(range(len(table)))
    figure = _figure(title, x, "", 150 + max(44 * len(rows), 88))
    figure.add_scatter(
        x=[end for a, b in zip(table[left], table[right], strict=True) for end in (a, b, None)],
        y=[row if end < 2 else None for row in rows for end in range(3)],
        mode="lines", line={"color": _GRID, "width": 6}, hoverinfo="skip", showlegend=False,
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
    _require(table, x, y)
    figure = _figure(title, x_title, y_title, 440)
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


def write_page(figure: go.Figure, path: str | Path, title: str) -> Path:
    """Write one self-contained HTML page with plotly.js inside; the file appears whole or not at all.

    Raises
    ------
    StorageError
        The folder does not exist or cannot be written, or the disk is full.
    """
    target = Path(path)
    body = figure.to_html(full_html=False, include_plotlyjs=True, include_mathjax=False, config=_CONFIG)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(plain(title))}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>body {{ margin: 0; padding: 16px 20px; font-family: {_FONT}; color-scheme: light; }}"
        f" h1 {{ font-size: 18px; color: #374151; margin: 0 0 8px; }}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
    with replacing(target) as file:
        file.write(page.encode("utf-8", "replace"))
    return target


def _require(table: pd.DataFrame, *columns: str) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        known = ", ".join(map(str, table.columns))
        raise InputError(f"the table has no column {missing[0]!r}", f"Its columns are: {known}.")
    if table.empty:
        raise InputError("the table has no rows", "Pass at least one.")
