"""Exact search against its limits: how time grows with size, what a batch gains, what dimensions take away."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, INK, blank, interval, label, require

__all__ = ["contrast_curve", "roofline", "scan_growth"]

_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_FAR = COLORS[6]  # what was not measured
_DASHES = ("dot", "dash", "dashdot", "longdash")


def scan_growth(
    points: pd.DataFrame,
    *,
    limits: Mapping[str, float] | None = None,
    extrapolated: pd.DataFrame | None = None,
    title: str = "",
) -> go.Figure:
    """Time of one query against the size of the database, both logarithmic, with the machine's limits as lines.

    Parameters
    ----------
    points
        One row per measured database: ``series`` (one color each), ``gb`` (10^9 bytes of float32), ``seconds`` of one
        query, ``low`` and ``high`` (the fastest and the slowest round), ``label`` (for the hover).
    limits
        Name -> seconds for each 10^9 bytes: a line below which nothing was seen of this machine.
    extrapolated
        ``label``, ``gb``, ``seconds``, ``low``, ``high``: drawn hollow, its range written beside it, in a part of the
        figure that says so.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or a value is not above 0.
    """
    require(points, "series", "gb", "seconds", "low", "high", "label")
    far = pd.DataFrame(columns=["label", "gb", "seconds", "low", "high"]) if extrapolated is None else extrapolated
    if extrapolated is not None:
        require(far, "label", "gb", "seconds", "low", "high")
    both = np.concatenate([part[["gb", "seconds", "low", "high"]].to_numpy(np.float64) for part in (points, far)])
    if not (np.isfinite(both).all() and (both > 0).all()):
        raise InputError("a size or a time is not finite and above 0", "A logarithmic axis has no place for it.")
    left, right = both[:, 0].min() / 2, both[:, 0].max() * 3
    figure = blank(title, "size of the database: 4 bytes × vectors × dimensions", "time of one query", 500)
    for place, (limit, per_gb) in enumerate((limits or {}).items()):
        figure.add_scatter(
            x=[left * 1e9, right * 1e9], y=[left * per_gb, right * per_gb], mode="lines", name=label(limit),
            line={"color": INK, "width": 1.5, "dash": _DASHES[place % len(_DASHES)]},
            hovertemplate=label(limit) + ": %{y:.3s}s for %{x:.3s}B<extra></extra>",
        )  # fmt: skip
    for place, (name, rows) in enumerate(points.groupby("series", sort=False)):
        color, seconds = COLORS[place % len(COLORS)], rows["seconds"].to_numpy(np.float64)
        figure.add_scatter(
            x=1e9 * rows["gb"].to_numpy(np.float64), y=seconds, mode="markers", name=label(name),
            marker={"size": 10, "color": color}, error_y=interval(seconds, rows["low"], rows["high"], color=color),
            customdata=[label(text) for text in rows["label"]],
            hovertemplate="%{customdata}: %{y:.3s}s<extra>" + label(name) + "</extra>",
        )  # fmt: skip
    if len(far):
        seconds = far["seconds"].to_numpy(np.float64)
        figure.add_scatter(
            x=1e9 * far["gb"].to_numpy(np.float64), y=seconds, mode="markers+text", name="extrapolated, not measured",
            text=[
                f"{label(text, 22)}<br><b>{_said(low, _TIMES)} to {_said(high, _TIMES)}</b>"
                for text, low, high in zip(far["label"], far["low"], far["high"], strict=True)
            ],
            textposition="top left", textfont={"size": 13}, cliponaxis=False,
            marker={"size": 13, "color": _FAR, "symbol": "diamond-open", "line": {"width": 2.5}},
            error_y=interval(seconds, far["low"], far["high"], color=_FAR, width=8, thickness=2.5),
            hovertemplate="%{y:.3s}s<extra>extrapolated</extra>",
        )  # fmt: skip
        figure.add_vrect(
            x0=points["gb"].max() * 1.5e9, x1=right * 1e9, fillcolor=INK, opacity=0.08, line_width=0, layer="below"
        )
        figure.add_annotation(
            x=math.log10(points["gb"].max() * 1.7e9), y=0.02, yref="paper", text="not measured from here on",
            showarrow=False, xanchor="left", yanchor="bottom", font={"size": 12},
        )  # fmt: skip
    bottom = min([both[:, 1:].min(), *(left * per_gb for per_gb in (limits or {}).values())])
    figure.update_xaxes(range=_decades(left * 1e9, right * 1e9), **_powers(left * 1e9, right * 1e9, _SIZES))
    figure.update_yaxes(range=_decades(bottom / 1.5, both[:, 1:].max() * 9), **_powers(bottom, both.max(), _TIMES))
    figure.update_layout(margin={"t": 116})
    return figure


def roofline(
    points: pd.DataFrame, *, read_gb_s: float, compute_gflop_s: float, cliff: float | None = None, title: str = ""
) -> go.Figure:
    """Arithmetic reached against the queries in one call, below the roof that reading and computing put over it.

    A call of ``q`` queries does ``2 n d q`` operations for the ``4 n d`` bytes that it reads: ``q / 2`` a byte. So the
    roof rises with ``q`` until the arithmetic is the limit (Williams, Waterman, Patterson, Roofline, CACM 52, 2009).

    Parameters
    ----------
    points
        ``series`` (one color and line each), ``queries``, ``gflop_s``, ``query_ms``; one row per measured batch.
    read_gb_s, compute_gflop_s
        The two limits, on as many threads as the points. The roof counts one reading of the vectors: a product also
        writes its ``n q`` scores, which the roof leaves out.
    cliff
        Queries at which a library changes its path: a vertical line.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or a limit is not above 0.
    """
    require(points, "series", "queries", "gflop_s", "query_ms")
    if not (read_gb_s > 0 and compute_gflop_s > 0):
        raise InputError(f"limits of {read_gb_s} GB/s and {compute_gflop_s} GFLOP/s", "Both have to be above 0.")
    most, ridge = float(points["queries"].max()) * 1.6, 2 * compute_gflop_s / read_gb_s
    figure = blank(title, "queries in one call", "arithmetic reached, GFLOP/s", 460)
    corners = [0.7, min(ridge, most), most]
    figure.add_scatter(
        x=corners, y=[min(read_gb_s * q / 2, compute_gflop_s) for q in corners], mode="lines",
        name="the roof: reading, then arithmetic", line={"color": INK, "width": 2, "dash": "dash"}, hoverinfo="skip",
    )  # fmt: skip
    for place, (name, rows) in enumerate(points.groupby("series", sort=False)):
        shown = rows.sort_values("queries")
        figure.add_scatter(
            x=shown["queries"].to_numpy(), y=shown["gflop_s"].to_numpy(np.float64), mode="lines+markers",
            name=label(name), marker={"size": 9}, line={"width": 2, "color": COLORS[place % len(COLORS)]},
            customdata=shown["query_ms"].to_numpy(np.float64),
            hovertemplate="%{x:,} queries: %{y:.1f} GFLOP/s, %{customdata:.3f} ms each<extra>"
            + label(name) + "</extra>",
        )  # fmt: skip
    if cliff is not None:
        figure.add_vline(x=cliff, line={"color": INK, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=math.log10(cliff), y=0.02, yref="paper", text="the library changes its path", showarrow=False,
            xanchor="right", yanchor="bottom", xshift=-6, font={"size": 12},
        )  # fmt: skip
    lows = [float(points["gflop_s"].min()), read_gb_s * 0.35]
    figure.update_xaxes(
        type="log", range=_decades(0.7, most), tickvals=[4**power for power in range(9)],
        ticktext=[f"{4**power:,}" for power in range(9)],
    )  # fmt: skip
    figure.update_yaxes(range=_decades(min(lows) / 1.5, compute_gflop_s * 2), **_plain(min(lows), compute_gflop_s * 2))
    return figure


def contrast_curve(curve: pd.DataFrame, real: pd.DataFrame | None = None, *, title: str = "") -> go.Figure:
    """Relative contrast of random vectors as their dimensions grow, and where real vectors stand beside them.

    Parameters
    ----------
    curve
        ``d``, ``ratio``, ``low``, ``high`` of random vectors, as ``ann.gaussian_contrasts`` gives them.
    real
        ``name``, ``d``, ``ratio``, ``low``, ``high``, and ``same_as``: the dimensions of random vectors of the same
        contrast, to which a line leads.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(curve, "d", "ratio", "low", "high")
    figure = blank(title, "dimensions", "mean distance ÷ nearest distance", 440)
    rows = curve.sort_values("d")
    figure.add_scatter(
        x=rows["d"].to_numpy(), y=rows["ratio"].to_numpy(np.float64), mode="lines+markers", name="random (Gaussian)",
        marker={"size": 9}, line={"width": 2, "color": COLORS[0]},
        error_y=interval(rows["ratio"], rows["low"], rows["high"], color=COLORS[0]),
        hovertemplate="%{x:,} dimensions: %{y:.2f}<extra>random</extra>",
    )  # fmt: skip
    shown = pd.DataFrame(columns=["name", "d", "ratio", "low", "high", "same_as"]) if real is None else real
    if real is not None:
        require(shown, "name", "d", "ratio", "low", "high", "same_as")
    for place, row in enumerate(shown.to_dict("records")):
        color = COLORS[1 + place % (len(COLORS) - 1)]
        figure.add_scatter(
            x=[row["same_as"], row["d"]], y=[row["ratio"]] * 2, mode="lines+markers", name=label(row["name"]),
            line={"width": 2, "dash": "dot", "color": color},
            marker={"size": [9, 14], "symbol": ["circle-open", "diamond"], "color": color},
            error_y=interval([row["ratio"]] * 2, [row["ratio"], row["low"]], [row["ratio"], row["high"]], color=color),
            hovertemplate="%{x:,.0f} dimensions: %{y:.2f}<extra>" + label(row["name"]) + "</extra>",
        )  # fmt: skip
        figure.add_annotation(
            x=math.log10(math.sqrt(row["same_as"] * row["d"])), y=math.log10(row["ratio"]), yshift=14, showarrow=False,
            text=f"as {row['same_as']:,.0f} random dimensions", font={"size": 13},
        )  # fmt: skip
    wide = rows["d"].to_numpy(np.float64)
    figure.update_xaxes(
        type="log", range=_decades(wide[0] / 1.4, wide[-1] * 1.4), tickvals=wide, ticktext=[f"{d:,.0f}" for d in wide]
    )
    highest = max(float(curve["ratio"].max()), float(shown["ratio"].max()) if len(shown) else 0.0) * 1.5
    figure.update_yaxes(range=_decades(0.92, highest), **_plain(1, highest))
    figure.add_hline(y=1, line={"color": INK, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=0, xref="paper", y=0, text="at 1 everything is equally far", showarrow=False, xanchor="left",
        yanchor="bottom", font={"size": 12},
    )  # fmt: skip
    return figure


def _decades(low: float, high: float) -> list[float]:
    """The range of a logarithmic axis."""
    return [math.log10(low), math.log10(high)]


def _said(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """A value in the largest of its units that leaves at least 1."""
    size, unit = next(((size, unit) for size, unit in units if value >= size * 0.9999), units[-1])
    shown = f"{value / size:.3g}"
    return f"{float(shown):,.10g} {unit}"


def _powers(low: float, high: float, units: tuple[tuple[float, str], ...]) -> dict[str, Any]:
    """A logarithmic axis whose ticks are powers of ten with their unit."""
    values = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    return {"type": "log", "tickvals": values, "ticktext": [_said(value, units) for value in values]}


def _plain(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis whose ticks are 1, 2 and 5 of every decade."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": values, "ticktext": [f"{value:,.6g}" for value in values]}
