"""Why searches miss what they miss: a bar for each, cut up by cause."""

import pandas as pd
import plotly.graph_objects as go

from workbench.ann import CAUSE_LABELS, CAUSES
from workbench.view.figures.look import COLORS, INK, blank, label, require

__all__ = ["miss_causes"]

_COLORS = dict(zip(CAUSES, (COLORS[6], COLORS[0], COLORS[2], COLORS[1], COLORS[5], COLORS[7], COLORS[3]), strict=True))
_BAR, _BELOW = 34, 104  # pixels: of a bar, and of the axis and the legend under them


def miss_causes(table: pd.DataFrame, *, k: int = 10, title: str = "", height: int | None = None) -> go.Figure:
    """Stacked bars of what is missed, 1 - recall, by what kept it out: the widest part names the next knob to turn.

    Every figure has the same traces in the same order, whatever the table holds: one can be changed into another.

    Parameters
    ----------
    table
        One row per bar and cause, bars from the top: ``search``, what the bar is called, ``cause``, one of
        ``ann.CAUSES``, and ``share`` of the true neighbours that are missed for it. Causes may be left out.
    k
        Neighbours that were asked for.
    height
        Pixels; None takes as many as the bars need.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "search", "cause", "share")
    names = list(dict.fromkeys(table["search"]))
    shares = table.pivot_table(index="search", columns="cause", values="share", aggfunc="sum", fill_value=0.0)
    shares = 100 * shares.reindex(index=names, columns=list(CAUSES), fill_value=0.0)
    rows, totals = list(range(len(names))), shares.sum(axis=1).to_numpy()
    top = 56 if title else 10
    plot = _BAR * max(len(names), 2) if height is None else height - top - _BELOW
    figure = blank(title, f"missed of {k} true neighbours, %", "", top + plot + _BELOW)
    for cause in CAUSES:
        said = label(CAUSE_LABELS[cause])
        part = shares[cause].to_numpy()
        figure.add_bar(
            x=part, y=rows, orientation="h", name=said, marker={"color": _COLORS[cause]}, width=0.62,
            showlegend=bool((part > 0).any()),
            hovertemplate=f"%{{x:.2f}} %: {said}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=totals, y=rows, mode="text", text=[f" {total:.3g} %" if total else " nothing" for total in totals],
        textposition="middle right", textfont={"color": INK}, name="in all", showlegend=False, hoverinfo="skip",
        cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(
        barmode="stack", margin={"t": top, "b": _BELOW},
        legend={"y": -54 / plot, "yanchor": "top", "traceorder": "normal", "font_size": 12},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.22 * float(totals.max(initial=0.0)) or 1.0], rangemode="tozero", title_font_size=13)
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(name, 60, 2) for name in names], range=[len(rows) - 0.4, -0.6], showgrid=False,
        ticks="",
    )  # fmt: skip
    return figure
