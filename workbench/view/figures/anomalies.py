"""Anomalies: scores along time with the threshold of an alarm, and what every threshold finds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, INK, blank, label, require

__all__ = ["alarm_curves", "alarm_shapes", "ring", "score_timeline"]

_CHOSEN = "#C2185B"
_ALARM = "rgba(232, 89, 12, 0.09)"
_CURVES = (1000, 430)  # pixels
_DRAWN = 600  # points of a curve at most


def score_timeline(
    lines: pd.DataFrame,
    threshold: float,
    *,
    y: str = "score",
    marks: Mapping[str, object] | None = None,
    title: str = "",
    height: int = 430,
) -> go.Figure:
    """The score of each line at its time; above the threshold is an alarm.

    Parameters
    ----------
    lines
        One row per line: ``at`` (a time, or a number of the line), ``score``, optionally ``label`` (whether it is an
        anomaly). The points' ``customdata`` is the number of the row.
    threshold
        Lines that score more are alarms.
    y
        What the score is.
    marks
        By name, places on the axis of time at which a line is drawn.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(lines, "at", "score")
    times = pd.api.types.is_datetime64_any_dtype(lines["at"])
    at = _place(lines["at"]) if times else lines["at"].to_numpy(np.float64)
    scores, rows = lines["score"].to_numpy(np.float32), np.arange(len(lines))
    strange = lines["label"].to_numpy(dtype=bool) if "label" in lines else np.zeros(len(lines), dtype=bool)
    figure = blank(title, "time" if times else "line", y, height)
    for name, here, look in (
        ("line" if not strange.any() else "normal line", ~strange, {"size": 4, "color": COLORS[0], "opacity": 0.45}),
        ("anomaly", strange, {"size": 7, "color": COLORS[1], "symbol": "diamond", "opacity": 0.9}),
    ):
        figure.add_scattergl(
            x=at[here], y=scores[here], mode="markers", name=f"{name} ({int(here.sum()):,})", marker=look,
            customdata=rows[here].astype(np.int32), showlegend=bool(here.any()),
            hovertemplate="%{x}: %{y:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
    top = float(max(scores.max(), threshold)) * 1.12 or 1.0
    figure.update_yaxes(range=[-0.03 * top, top])
    figure.update_layout(shapes=alarm_shapes(threshold, top))
    room = 0.01 * (float(np.ptp(at)) or 1.0)
    ends: list[Any] = [float(at.min()) - room, float(at.max()) + room]
    if times:
        ends = [str(pd.Timestamp(end, unit="ms")) for end in ends]
    figure.update_xaxes(type="date" if times else "linear", range=ends)
    for name, place in (marks or {}).items():
        where = _place(pd.Series([place]))[0] if times else float(str(place))
        figure.add_vline(x=where, line={"color": INK, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=where, y=1, yref="paper", text=label(name), showarrow=False, xanchor="left", xshift=4, yanchor="top"
        )
    return figure


def alarm_shapes(threshold: float, top: float) -> list[dict[str, Any]]:
    """The threshold as a line across, and the room above it, up to ``top``, shaded."""
    across = {"xref": "paper", "x0": 0, "x1": 1}
    return [
        {"type": "rect", **across, "y0": threshold, "y1": top, "fillcolor": _ALARM, "line": {"width": 0},
         "layer": "below"},
        {"type": "line", **across, "y0": threshold, "y1": threshold, "line": {"color": COLORS[1], "width": 2}},
    ]  # fmt: skip


def ring(at: object, score: float) -> dict[str, Any]:
    """A ring around a point; a trace of one point would make plotly.js guess anew what kind of axis time is."""
    return {
        "type": "circle", "xsizemode": "pixel", "ysizemode": "pixel", "xanchor": at, "yanchor": score,
        "x0": -8, "x1": 8, "y0": -8, "y1": 8, "line": {"color": _CHOSEN, "width": 3},
    }  # fmt: skip


def alarm_curves(curves: pd.DataFrame, *, anomalies: float, title: str = "") -> go.Figure:
    """What every threshold finds: recall against false alarms (ROC), and precision against recall.

    Parameters
    ----------
    curves
        Per ``series`` a row for each threshold, the highest first: ``false_alarms`` (share of normal lines),
        ``recall``, ``precision``.
    anomalies
        Share of the lines that are anomalies: the precision of guessing.

    Raises
    ------
    InputError
        A column is missing, there are no rows, or ``anomalies`` is no share.
    """
    require(curves, "series", "false_alarms", "recall", "precision")
    if not 0 < anomalies < 1:
        raise InputError(f"a share of {anomalies} anomalies", "Pass the share of lines, between 0 and 1.")
    figure = make_subplots(1, 2, horizontal_spacing=0.1)
    figure.update_layout(blank(title, "", "", _CURVES[1]).layout, width=_CURVES[0])
    figure.update_layout(margin={"t": 100})
    for place, (name, rows) in enumerate(curves.groupby("series", sort=False)):
        kept = np.unique(np.linspace(0, len(rows) - 1, _DRAWN).astype(int))  # evenly, the ends included
        share, recall, precision = (rows[c].to_numpy(np.float64)[kept] for c in ("false_alarms", "recall", "precision"))
        look = {"mode": "lines", "line": {"color": COLORS[place % len(COLORS)], "width": 2.5}, "name": label(name)}
        figure.add_scatter(
            x=np.append(0.0, share), y=np.append(0.0, recall), **look, legendgroup=label(name),
            hovertemplate="%{x:.1%} of normal lines, %{y:.0%} of anomalies<extra></extra>", row=1, col=1,
        )  # fmt: skip
        figure.add_scatter(
            x=recall, y=precision, **look, showlegend=False, legendgroup=label(name),
            hovertemplate="%{x:.0%} of anomalies, %{y:.0%} of alarms are right<extra></extra>", row=1, col=2,
        )  # fmt: skip
    for col, ends in ((1, ([0, 1], [0, 1])), (2, ([0, 1], [anomalies, anomalies]))):
        figure.add_scatter(
            x=ends[0], y=ends[1], mode="lines", line={"color": GREY, "width": 1.5, "dash": "dot"}, name="guessing",
            hoverinfo="skip", showlegend=col == 1, row=1, col=col,
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1.03], tickformat=".0%")
    figure.update_xaxes(range=[0, 1.0], tickformat=".0%")
    figure.update_xaxes(title_text="normal lines that raise an alarm", col=1)
    figure.update_yaxes(title_text="anomalies found", col=1)
    figure.update_xaxes(title_text="anomalies found", col=2)
    figure.update_yaxes(title_text="alarms that are right", col=2)
    return figure


def _place(times: "pd.Series[Any]") -> Any:
    """Times as milliseconds, which plotly reads as dates and which travel as numbers."""
    moments = pd.to_datetime(times, utc=True).astype("datetime64[ns, UTC]").astype("int64")
    return moments.to_numpy(np.float64) / 1e6
