"""Recall against what it costs, point by point, with the front of a sweep."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, INK, NO_LABEL, blank, label, require
from workbench.view.figures.sweep_axes import COSTS, RECALLS, Cost, bars, cost_axis, places, raised, recall_axis, top_of

__all__ = ["FAMILY_LOOKS", "sweep_front"]

# A color and a sign each, since the eight colors are fewer than the families.
FAMILY_LOOKS = {
    "flat": ("Flat", COLORS[7], "diamond-tall"), "hnsw": ("HNSW", COLORS[0], "circle"),
    "ivf": ("IVF", COLORS[2], "square"), "pq": ("PQ", COLORS[5], "triangle-up"),
    "ivfpq": ("IVF-PQ", COLORS[1], "diamond"), "sq": ("SQ", COLORS[3], "pentagon"),
    "hnswlib": ("hnswlib", COLORS[4], "circle-x"), "opq": ("OPQ", COLORS[6], "hexagon"),
    "ivfsq": ("IVF-SQ", COLORS[3], "square-cross"), "hnswsq": ("HNSW-SQ", COLORS[0], "circle-cross"),
    "binary": ("binary", COLORS[5], "triangle-down"), "rabitq": ("RaBitQ", COLORS[1], "star"),
    "qdrant": ("Qdrant", COLORS[6], "star-diamond"),
}  # fmt: skip
_NEEDED = ("point", "family", "index", "timed", "front", "p50_us", "p99_us", "memory_bytes", "build_s")
_HEIGHT = 520  # pixels
_RING = "#C2185B"  # of the recommended point: no family has it


def sweep_front(
    points: pd.DataFrame,
    *,
    x: str = "p50_us",
    y: str = "recall",
    k: int = 10,
    families: Sequence[str] | None = None,
    target: float | None = None,
    limit: float | None = None,
    recommended: str = "",
    chosen: str = "",
    title: str = "",
) -> go.Figure:
    """Recall against a cost, a point for each search setting, colored by family, with the front as a line.

    The axis of recall is logarithmic in the share that is missed, so that 0.9, 0.99 and 0.999 are as far from each
    other; recall 1 misses nothing and has a place of its own at the top. The line is a staircase: the recall that is to
    be had for at most (of queries a second: at least) so much. A point without a measured cost is not drawn, and a note
    counts them; a hollow one was not timed.

    Every figure has the same traces in the same order, whatever the table holds: one can be changed into another.

    Parameters
    ----------
    points
        As ``SweepResult.points`` has them; ``front`` says which points the line joins.
    x
        Of ``COSTS``: ``p50_us``, ``p95_us``, ``p99_us``, ``qps``, ``distances``, ``memory_bytes`` or ``build_s``.
    y
        ``recall``, ``recall_at_1``, ``recall_tuned``, ``recall_stated`` or ``worst_decile``.
    families
        Those to draw; None draws all.
    target, limit
        The least recall and the most cost, in the column's unit (of queries a second: the fewest): what fits is shaded.
    recommended, chosen
        Names of points to ring.

    Raises
    ------
    InputError
        There is no such axis, a column is missing, or there are no rows.
    """
    if x not in COSTS or y not in RECALLS:
        wrong, known = (x, COSTS) if x not in COSTS else (y, RECALLS)
        raise InputError(f"there is no axis {wrong!r}", f"Axes are {', '.join(known)}.")
    require(points, *_NEEDED, x, y)
    cost, shown = COSTS[x], points if families is None else points[points["family"].isin(families)]
    drawn = shown[np.isfinite(shown[x]) & (shown[x] > 0)]
    top = top_of(points[y])
    figure = blank(title, cost.title, f"{RECALLS[y].format(k=k)}, spread by the share missed", _HEIGHT)
    _shade(figure, target, limit, cost, top)
    order = drawn[drawn["front"]].sort_values(x)
    figure.add_scatter(
        x=places(order, x), y=places(order, y, top), mode="lines", name="front", hoverinfo="skip",
        line={"color": INK, "width": 1.5, "shape": "vh" if cost.more_is_better else "hv"}, opacity=0.75,
    )  # fmt: skip
    for family, (name, color, symbol) in FAMILY_LOOKS.items():
        rows = drawn[drawn["family"] == family].sort_values("front", ascending=False, kind="stable")
        marks = [symbol if timed else f"{symbol}-open" for timed in rows["timed"]]
        figure.add_scatter(
            x=places(rows, x), y=places(rows, y, top), name=name, mode="markers", cliponaxis=False,
            showlegend=len(rows) > 0,
            marker={"size": [_size(family, front) for front in rows["front"]], "color": color, "symbol": marks,
                    "opacity": [1.0 if front or family == "flat" else 0.62 for front in rows["front"]],
                    "line": {"color": "rgba(255,255,255,0.7)", "width": 0.8}},
            error_x=bars(rows, x, color), error_y=bars(rows, y, color, top),
            customdata=rows["point"].tolist(), text=[_about(row, y, k) for row in rows.to_dict("records")],
            hovertemplate="%{text}<extra>" + name + "</extra>",
        )  # fmt: skip
    for name, point, color, size in (("recommended", recommended, _RING, 25), ("chosen", chosen, INK, 19)):
        row = drawn[drawn["point"] == point]
        figure.add_scatter(
            x=places(row, x), y=places(row, y, top), mode="markers", name=name, hoverinfo="skip", cliponaxis=False,
            showlegend=len(row) > 0,
            marker={"size": size, "color": color, "symbol": "circle-open", "line": {"width": 2.5, "color": color}},
        )  # fmt: skip
    figure.update_yaxes(**recall_axis(points[y], top))
    figure.update_xaxes(**cost_axis(places(points, x)))
    _note(figure, shown, drawn, x)
    figure.update_layout(hovermode="closest", hoverdistance=16, legend={"itemclick": False, "itemdoubleclick": False})
    return figure


def _size(family: str, front: bool) -> int:
    return 15 if family == "flat" else 11 if front else 8


def _about(row: dict[Any, Any], y: str, k: int) -> str:
    """What the hover of a point says, one measure a line."""
    recall = f"{RECALLS[y].format(k=k)} {row[y]:.4f}"
    if f"{y}_low" in row:
        recall += f" [{row[f'{y}_low']:.4f}, {row[f'{y}_high']:.4f}]"
    timed = f"p50 {row['p50_us']:,.0f} µs, p99 {row['p99_us']:,.0f} µs" if row["timed"] else "not timed"
    return (
        f"<b>{label(row['index'], 60)}</b><br>{recall}<br>{timed}<br>"
        f"{row['memory_bytes'] / 1e6:,.1f} MB, built in {row['build_s']:,.2f} s"
    )


def _shade(figure: go.Figure, target: float | None, limit: float | None, cost: Cost, top: float) -> None:
    """The corner of what fits: above the least recall, on the better side of the limit."""
    if target is None and limit is None:
        return
    inside = {"y0": 0.0 if target is None else float(raised(target, top)), "y1": top + 1}
    ends = (1e-12, 1e15)
    at = None if limit is None else limit / cost.unit
    low, high = ends if at is None else (at, ends[1]) if cost.more_is_better else (ends[0], at)
    figure.add_shape(
        type="rect", x0=low, x1=high, **inside, fillcolor=COLORS[2], opacity=0.08, line={"width": 0}, layer="below"
    )
    edge = {"color": COLORS[2], "width": 1.5, "dash": "dot"}
    if target is not None:
        figure.add_shape(
            type="line", xref="paper", x0=0, x1=1, y0=inside["y0"], y1=inside["y0"], line=edge, layer="below"
        )
    if at is not None:
        figure.add_shape(type="line", yref="paper", y0=0, y1=1, x0=at, x1=at, line=edge, layer="below")


def _note(figure: go.Figure, shown: pd.DataFrame, drawn: pd.DataFrame, x: str) -> None:
    """What is not drawn, or drawn hollow, counted beside the title of the axis of cost."""
    absent, hollow = len(shown) - len(drawn), int((drawn["timed"] == 0).sum())
    said = [f"{absent:,} not drawn: not {'timed' if x.endswith('_us') else 'measured'}"] if absent else []
    said += [f"{hollow:,} hollow: not timed"] if hollow else []
    figure.add_annotation(
        x=1, y=0, xref="paper", yref="paper", xanchor="right", yanchor="top", yshift=-33, showarrow=False,
        text="; ".join(said) or NO_LABEL, font={"size": 12},
    )  # fmt: skip
