"""What stands beside the front of a sweep: queries that miss, one parameter alone, the work that was shared."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, INK, NO_LABEL, blank, label, require
from workbench.view.figures.sweep_axes import COSTS, RECALLS, bars, cost_axis, places, recall_axis, top_of

__all__ = ["parameter_effect", "query_recalls", "shared_work"]

_LEAST_DECADES = 1.0  # of an axis of cost over a parameter: noise must not look like an effect


def query_recalls(table: pd.DataFrame, *, k: int = 10, title: str = "") -> go.Figure:
    """Recall of each query, the worst first: a mean of 0.95 may be all queries a little, or a few of them badly.

    Parameters
    ----------
    table
        One row per query: ``recall``; optionally ``series``, one color and line each, and ``query``, its text.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "recall")
    figure = blank(title, "share of the queries, the worst first, %", f"recall@{k} of the query", 400)
    groups = list(table.groupby("series", sort=False)) if "series" in table else [("recall", table)]
    for place, (name, part) in enumerate(groups):
        rows = part.sort_values("recall", kind="stable")
        steps = np.maximum(np.arange(len(rows) + 1), 0.7)  # a step for each query; the scale has no 0 to begin at
        texts = [label(text, 60, 3) for text in rows["query"]] if "query" in rows else [NO_LABEL] * len(rows)
        recalls = rows["recall"].to_numpy(np.float64)
        figure.add_scatter(
            x=100 * steps / len(rows), y=np.append(recalls[0], recalls), mode="lines", name=label(name),
            text=[texts[0], *texts], line={"color": COLORS[place % len(COLORS)], "width": 2.5, "shape": "vh"},
            hovertemplate=f"recall@{k} %{{y:.2f}}, %{{x:.1f}} % so far<br>%{{text}}<extra>{label(name)}</extra>",
            cliponaxis=False,
        )  # fmt: skip
    figure.add_vline(x=10, line={"color": INK, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=1, y=0, yref="paper", yanchor="bottom", text="the worst tenth ends here", showarrow=False,
        xanchor="right", xshift=-6, yshift=4, font={"size": 12},
    )  # fmt: skip
    fewest = 70 / max(len(part) for _, part in groups)
    figure.update_xaxes(**cost_axis([fewest, 100]) | {"range": [math.log10(fewest), 2.01]})
    figure.update_yaxes(range=[-0.03, 1.05])
    figure.update_layout(showlegend="series" in table)
    return figure


def shared_work(ledger: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Seconds that sharing saved, a bar for each kind of work, with how often it was not done again.

    Parameters
    ----------
    ledger
        One row per bar, drawn from the top: ``what``, ``times``, ``saved_s``, as ``SweepResult.ledger`` has them.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(ledger, "what", "times", "saved_s")
    rows, saved = list(range(len(ledger))), ledger["saved_s"].to_numpy(np.float64)
    top = 56 if title else 16
    figure = blank(title, "seconds saved", "", 70 + top + max(46 * len(rows), 92)).update_layout(margin={"t": top})
    figure.add_bar(
        x=saved, y=rows, orientation="h", marker_color=COLORS[0], width=0.6, cliponaxis=False, textposition="outside",
        text=[f"{seconds:,.1f} s, {times:,} times" for seconds, times in zip(saved, ledger["times"], strict=True)],
        hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.3 * float(saved.max()) or 1.0])
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(what, 34, 2) for what in ledger["what"]], range=[len(rows) - 0.4, -0.6],
        showgrid=False, ticks="",
    )  # fmt: skip
    return figure


def parameter_effect(
    table: pd.DataFrame,
    parameter: str,
    *,
    panels: Sequence[str] = ("recall", "p50_us"),
    k: int = 10,
    title: str = "",
) -> go.Figure:
    """One parameter alone: a panel each for recall and what it costs, over the parameter's values.

    Parameters
    ----------
    table
        One row per value: the parameter, the columns of ``panels`` and, where they are known, their intervals
        (``recall_low``, ``recall_high``, ``p50_low_us``, ``p50_high_us``); optionally ``series``, one color each.
    parameter
        Column of the parameter, in its own spelling: ``efSearch``, ``nprobe``, ``M``, ``nlist``, ``m``. Its values are
        positive and stand on a logarithmic axis, each with its tick.
    panels
        From the left: recalls, which stand on an axis of the share missed, or columns of ``COSTS``.

    Raises
    ------
    InputError
        There is no such panel, a column is missing, or there are no rows.
    """
    require(table, parameter, *panels)
    for name in panels:
        if name not in COSTS and name not in RECALLS:
            raise InputError(f"there is no panel {name!r}", f"Panels are {', '.join([*RECALLS, *COSTS])}.")
    names = [label(RECALLS[name].format(k=k) if name in RECALLS else COSTS[name].short) for name in panels]
    look = blank(title, "", "", 400)
    figure = make_subplots(1, len(panels), horizontal_spacing=0.09, subplot_titles=names)
    figure.update_layout(
        template=look.layout.template,
        title=look.layout.title,
        height=400,
        margin={"t": 112 if "series" in table else 84},
    )
    figure.update_annotations(font={"size": 14}, xanchor="center", yshift=6)
    groups = list(table.groupby("series", sort=False)) if "series" in table else [(parameter, table)]
    for column, name in enumerate(panels, start=1):
        top = top_of(table[name]) if name in RECALLS else 0.0
        for place, (series, part) in enumerate(groups):
            rows, color = part.sort_values(parameter), COLORS[place % len(COLORS)]
            figures = ".4f" if name in RECALLS else ",.4g"
            plain = rows[name] if name in RECALLS else rows[name] / COSTS[name].unit
            figure.add_scatter(
                x=rows[parameter].to_numpy(np.float64), y=places(rows, name, top), mode="lines+markers", row=1,
                col=column, name=label(series), line={"color": color, "width": 2.5},
                marker={"size": 9, "color": color}, cliponaxis=False, legendgroup=label(series),
                showlegend="series" in table and column == 1,
                text=[format(value, figures) for value in plain], error_y=bars(rows, name, color, top),
                hovertemplate=f"{label(parameter)} %{{x}}: {names[column - 1]} %{{text}}<extra>{label(series)}</extra>",
            )  # fmt: skip
        axis = (
            recall_axis(table[name], top) if name in RECALLS else cost_axis(places(table, name), least=_LEAST_DECADES)
        )
        figure.update_yaxes(**axis, row=1, col=column)
    values = sorted(set(table[parameter]))
    figure.update_xaxes(
        type="log", tickvals=values, ticktext=[f"{value:g}" for value in values], title_text=label(parameter)
    )
    figure.update_layout(legend={"y": 1.14})
    return figure
