"""Search under a filter: a measure against the share that passes, one line for each way to search."""

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, blank, interval, label, require

__all__ = ["filtered_search"]

_TITLES = {
    "recall": "recall of what passes",
    "missing": "share of the answers that did not come back",
    "p50_us": "one query on one thread, median, µs",
    "p99_us": "one query on one thread, 99th percentile, µs",
    "visited_share": "distances computed ÷ vectors",
}
_PANELS = {"uncorrelated": "filter drawn at random", "correlated": "filter = one topic"}
_LOOKS = {  # color, dash, sign; a method that is no part of it is grey
    "filterable HNSW": (COLORS[0], "solid", "circle"),
    "ACORN": (COLORS[2], "solid", "square"),
    "exact with filter": (COLORS[5], "dash", "diamond"),
    "filter afterwards": (COLORS[1], "solid", "x"),
    "filter afterwards, oversampled": (COLORS[1], "dot", "x-open"),
    "no payload links": (COLORS[0], "dot", "circle-open"),
    "ACORN, no payload links": (COLORS[2], "dot", "square-open"),
    "FAISS HNSW + selector": (COLORS[3], "solid", "triangle-up"),
}


def filtered_search(table: pd.DataFrame, measure: str = "recall", *, title: str = "") -> go.Figure:
    """One measure of search under a filter against the share that passes; a panel for each kind of filter.

    The hardest filters, which pass least, are on the right. Values of a column are points in a panel of their own, one
    for each value.

    Parameters
    ----------
    table
        What ``vectordb.measure_filtered`` returns, or rows of it: ``filter``, ``selectivity``, ``method``, and the
        measure; recall has its interval in ``recall_low`` and ``recall_high``, p50 its fastest and slowest round in
        ``p50_low_us`` and ``p50_high_us``.
    measure
        ``recall``, ``missing``, ``p50_us``, ``p99_us`` or ``visited_share``. Rows without a value are left out.

    Raises
    ------
    InputError
        An unknown measure, a column is missing, or no row has a value.
    """
    if measure not in _TITLES:
        raise InputError(f"there is no measure {measure!r}", f"Use one of: {', '.join(_TITLES)}.")
    ends = {"recall": ("recall_low", "recall_high"), "p50_us": ("p50_low_us", "p50_high_us")}.get(measure, ())
    require(table, "filter", "selectivity", "method", measure, *ends)
    rows = table[table[measure].notna()]
    require(rows, measure)
    panel = rows["filter"].where(rows["filter"].isin(list(_PANELS)), "column")
    panels = [name for name in (*_PANELS, "column") if (panel == name).any()]
    figure = blank(title, "", "", 460)
    look = figure.layout.to_plotly_json()
    figure = make_subplots(
        cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=[_PANELS.get(name, "values of a column") for name in panels],
    )  # fmt: skip
    figure.update_layout({name: look[name] for name in ("template", "title", "height")})
    for at, name in enumerate(panels, start=1):
        shown = rows[panel == name]
        for method, line in shown.groupby("method", sort=False):
            points = line.sort_values("selectivity", ascending=False)
            color, dash, sign = _LOOKS.get(str(method), (GREY, "solid", "circle"))
            values = points[measure].to_numpy(np.float64)
            figure.add_scatter(
                x=points["selectivity"].to_numpy(np.float64), y=values, name=label(method), legendgroup=str(method),
                mode="markers" if name == "column" else "lines+markers", cliponaxis=False,
                showlegend=bool(name == panel[rows["method"] == method].iloc[0]),
                line={"color": color, "dash": dash, "width": 2}, marker={"color": color, "symbol": sign, "size": 9},
                error_y=interval(values, *(points[end] for end in ends), color=color, width=3) if ends else None,
                customdata=[label(text) for text in points["filter"]], row=1, col=at,
                hovertemplate="%{customdata}, %{x:.2%} pass: %{y:.3g}<extra>" + label(method) + "</extra>",
            )  # fmt: skip
    low, high = float(rows["selectivity"].min()), float(rows["selectivity"].max())
    shares = [0.5, *(10.0**power for power in range(-1, math.floor(math.log10(low)) - 1, -1))]
    figure.update_xaxes(
        type="log", range=[math.log10(high) + 0.2, math.log10(low) - 0.2], title_text="share that passes the filter",
        tickvals=shares, ticktext=[f"{100 * share:.10g} %" for share in shares],
    )  # fmt: skip
    figure.update_yaxes(title_text=_TITLES[measure], col=1)
    if measure.endswith("_us"):
        times = [digit * 10.0**power for power in range(7) for digit in (1, 2, 5)]
        figure.update_yaxes(type="log", tickvals=times, ticktext=[f"{time:,.0f}" for time in times])
    else:
        figure.update_yaxes(rangemode="tozero")
    if measure in ("recall", "missing"):
        figure.update_yaxes(range=[-0.03, 1.05], tickformat=".0%" if measure == "missing" else None)
    figure.update_layout(
        margin={"t": 150}, legend={"y": 1.14, "entrywidth": 205}, hovermode="closest", title_y=0.98
    )  # fmt: skip
    return figure
