"""What fine-tuning did: the loss as it fell, what is found before and after, where the vectors went on the sphere."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, INK, blank, interval, label, require

__all__ = ["alignment_uniformity", "before_after", "loss_curve"]

_SMOOTH = 5  # steps whose mean the line shows


def loss_curve(history: pd.DataFrame, *, title: str = "", chance: float | None = None) -> go.Figure:
    """Loss of each step as points, and the mean of the last five as a line.

    Parameters
    ----------
    history
        One row per step: ``step``, ``loss``, ``seconds``, as ``embed.tuning.fine_tune(...).history`` has it;
        optionally ``series``, one color and line each.
    chance
        The loss of a model that cannot tell, about the logarithm of the candidates in a batch: a dotted line.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(history, "step", "loss", "seconds")
    figure = blank(title, f"step (line: mean of the last {_SMOOTH})", "loss of its batch, nats", 360)
    groups = list(history.groupby("series", sort=False)) if "series" in history else [("loss", history)]
    for place, (name, rows) in enumerate(groups):
        color, steps, losses = COLORS[place % len(COLORS)], rows["step"].to_numpy(), rows["loss"].to_numpy(np.float64)
        figure.add_scatter(
            x=steps, y=losses, mode="markers", name=label(name), legendgroup=label(name), showlegend=False,
            marker={"size": 8, "color": color, "opacity": 0.45}, customdata=rows["seconds"].to_numpy(),
            hovertemplate="step %{x}, after %{customdata:.0f} s: %{y:.3f}<extra>" + label(name) + "</extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=steps, y=rows["loss"].rolling(_SMOOTH, min_periods=1).mean().to_numpy(), mode="lines",
            name=label(name), legendgroup=label(name), line={"color": color, "width": 2.5}, hoverinfo="skip",
            showlegend="series" in history,
        )  # fmt: skip
    if chance is not None:
        figure.add_hline(y=chance, line={"color": INK, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=1, xref="paper", y=chance, text=f"cannot tell: {chance:.2f}", showarrow=False, xanchor="right",
            yanchor="bottom", font={"size": 12},
        )  # fmt: skip
    top = max(float(history["loss"].max()), chance or 0.0)
    figure.update_yaxes(range=[0, 1.1 * top or 1.0])
    figure.update_xaxes(rangemode="tozero")
    return figure


def before_after(table: pd.DataFrame, *, title: str = "", x: str = "gain on held-out queries") -> go.Figure:
    """The gain of each measure with its interval, beside a line at 0, and the values before and after in words.

    A gain whose interval holds 0 is drawn hollow: the queries do not show that there is one.

    Parameters
    ----------
    table
        One row per measure, drawn from the top: ``name``, ``before``, ``after``, ``gain``, ``gain_low``, ``gain_high``,
        ``beyond_chance``, as ``tasks.compare_models`` gives them; optionally ``series``, one color each.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "name", "before", "after", "gain", "gain_low", "gain_high", "beyond_chance")
    rows = list(range(len(table)))
    figure = blank(title, x, "", 150 + max(58 * len(rows), 116))
    figure.add_vline(x=0, line={"color": INK, "width": 1.5, "dash": "dot"})
    groups = (
        table.assign(row=rows).groupby("series", sort=False) if "series" in table else [("", table.assign(row=rows))]
    )
    for place, (name, some) in enumerate(groups):
        color, sure = COLORS[place % len(COLORS)], some["beyond_chance"].to_numpy(np.bool_)
        gain = some["gain"].to_numpy(np.float64)
        figure.add_scatter(
            x=gain, y=some["row"].to_numpy(), mode="markers", name=label(name), showlegend="series" in table,
            marker={"size": 15, "color": color, "symbol": np.where(sure, "circle", "circle-open"),
                    "line": {"width": 2.5, "color": color}},
            error_x=interval(gain, some["gain_low"], some["gain_high"], color=color, width=7, thickness=2.5),
            customdata=some[["before", "after", "gain_low", "gain_high"]].to_numpy(np.float64),
            hovertemplate="before %{customdata[0]:.3f}, after %{customdata[1]:.3f}<br>gain %{x:+.3f} "
            "[%{customdata[2]:+.3f}, %{customdata[3]:+.3f}]<extra>" + label(name) + "</extra>",
        )  # fmt: skip
    for row, (gain, before, after, sure) in enumerate(
        zip(table["gain"], table["before"], table["after"], table["beyond_chance"], strict=True)
    ):
        verdict = "" if sure else ", not beyond chance"
        figure.add_annotation(
            x=gain, y=row, yshift=20, showarrow=False, font={"size": 12},
            text=f"{before:.3f} → {after:.3f} ({gain:+.3f}{verdict})".replace("-", "−"),
        )  # fmt: skip
    reach = 1.15 * float(table[["gain_low", "gain_high"]].abs().to_numpy().max()) or 1.0
    figure.update_xaxes(range=[-reach, reach], tickformat="+.2f")
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(name, 30, 2) for name in table["name"]], range=[len(rows) - 0.5, -0.7],
        showgrid=False, ticks="",
    )  # fmt: skip
    return figure


def alignment_uniformity(table: pd.DataFrame, *, title: str = "") -> go.Figure:
    """The plane of alignment and uniformity; an arrow leads from each model before to the same one after.

    Both axes are better to the lower left: pairs that belong together nearer, all vectors more evenly spread.

    Parameters
    ----------
    table
        One row per arrow: ``name``, ``alignment_before``, ``uniformity_before``, ``alignment_after``,
        ``uniformity_after``; optionally all of ``low_before``, ``high_before``, ``low_after`` and ``high_after``, the
        ends of the intervals of alignment.

    Raises
    ------
    InputError
        A column is missing, a value is not finite, or there are no rows.
    """
    ends = [f"{what}_{when}" for when in ("before", "after") for what in ("alignment", "uniformity")]
    require(table, "name", *ends)
    if not np.isfinite(table[ends].to_numpy(np.float64)).all():
        raise InputError("a point of the plane is not finite", "Leave such models out.")
    figure = blank(title, "uniformity (lower: more evenly spread)", "alignment (lower: pairs nearer)", 430)
    for place, row in enumerate(table.to_dict("records")):
        color = COLORS[place % len(COLORS)]
        x, y = ([row[f"{what}_{when}"] for when in ("before", "after")] for what in ("uniformity", "alignment"))
        lows, highs = ([row.get(f"{end}_{when}", 0.0) for when in ("before", "after")] for end in ("low", "high"))
        figure.add_annotation(
            x=x[1], y=y[1], ax=x[0], ay=y[0], axref="x", ayref="y", text="", showarrow=True, arrowhead=2,
            arrowsize=1.2, arrowwidth=2, arrowcolor=color, standoff=9, startstandoff=7,
        )  # fmt: skip
        figure.add_scatter(
            x=x, y=y, mode="markers", name=label(row["name"]), customdata=["before", "after"],
            marker={"size": 13, "color": color, "symbol": ["circle-open", "circle"],
                    "line": {"width": 2.5, "color": color}},
            error_y=interval(y, lows, highs, color=color, thickness=1.2) | {"visible": "low_before" in row},
            hovertemplate="%{customdata}: alignment %{y:.3f}, uniformity %{x:.3f}<extra>"
            + label(row["name"]) + "</extra>",
        )  # fmt: skip
    figure.add_annotation(
        x=0, y=0, xref="paper", yref="paper", text="better ↙", showarrow=False, xanchor="left", yanchor="bottom",
        xshift=6, yshift=6, font={"size": 12},
    )  # fmt: skip
    return figure
