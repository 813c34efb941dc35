"""Recall against what it costs, point by point, with the front of a sweep."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, INK, NO_LABEL, blank, label, require
from workbench.view.figures.sweep_axes import COSTS, RECALLS, bars, cost_axis, places, raised, recall_axis, top_of

__all__ = ["FAMILY_LOOKS", "Marks", "sweep_front", "sweep_marks"]

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
_NEEDED = ("point", "family", "index", "timed", "rounds", "front", "p50_us", "p99_us", "memory_bytes", "build_s")
_HEIGHT = 520  # pixels
_RINGS = (("recommended", "#C2185B", 25), ("chosen", INK, 19))  # colors that no family has
_ENDS = (1e-12, 1e15)  # of an axis of cost, beyond what anything costs


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
    counts them; a hollow one was not timed in the interleaved rounds, so its times do not compete. Bars, of the points
    on the front alone, are 95 % intervals of recall and the fastest and slowest round.

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
    drawn = _on_axis(shown, x)
    top = top_of(points[y])
    figure = blank(title, cost.title, f"{RECALLS[y].format(k=k)}, spread by the share missed", _HEIGHT)
    order = drawn[drawn["front"]].sort_values(x)
    figure.add_scatter(
        x=places(order, x), y=places(order, y, top), mode="lines", name="front", hoverinfo="skip",
        line={"color": INK, "width": 1.5, "shape": "vh" if cost.more_is_better else "hv"}, opacity=0.75,
    )  # fmt: skip
    drawn = drawn.assign(hollow=(drawn["timed"] == 0) | (drawn["rounds"] < points["rounds"].max()))
    about = {row["point"]: _about(row, y, k) for row in drawn.to_dict("records")}
    for family, (name, color, symbol) in FAMILY_LOOKS.items():
        rows = drawn[drawn["family"] == family].sort_values(["front", "hollow"], ascending=[False, True])
        signs = [f"{symbol}-open" if hollow else symbol for hollow in rows["hollow"]]
        figure.add_scatter(
            x=places(rows, x), y=places(rows, y, top), name=name, mode="markers", cliponaxis=False,
            showlegend=len(rows) > 0,
            marker={"size": [_size(family, *row) for row in zip(rows["front"], rows["hollow"], strict=True)],
                    "color": color, "symbol": signs,
                    "opacity": [1.0 if front or family == "flat" else 0.55 for front in rows["front"]],
                    "line": {"color": "rgba(255,255,255,0.7)", "width": 0.8}},
            error_x=bars(rows, x, color, only=rows["front"]), error_y=bars(rows, y, color, top, only=rows["front"]),
            customdata=rows["point"].tolist(), text=[about[point] for point in rows["point"]],
            hovertemplate="%{text}<extra>" + name + "</extra>",
        )  # fmt: skip
    marks = sweep_marks(
        points, x=x, y=y, families=families, target=target, limit=limit, recommended=recommended, chosen=chosen
    )
    for (name, color, size), ring in zip(_RINGS, marks.rings, strict=True):
        figure.add_scatter(
            **ring, mode="markers", name=name, hoverinfo="skip", cliponaxis=False,
            marker={"size": size, "color": color, "symbol": "circle-open", "line": {"width": 2.5, "color": color}},
        )  # fmt: skip
    figure.update_layout(shapes=marks.shapes)
    figure.update_yaxes(**recall_axis(points[y], top))
    figure.update_xaxes(**cost_axis(places(points, x)))
    _note(figure, len(shown) - len(drawn), int(drawn["hollow"].sum()), x)
    figure.update_layout(margin={"t": 80 if title else 44, "b": 78})
    figure.update_layout(hovermode="closest", hoverdistance=16, legend={"itemclick": False, "itemdoubleclick": False})
    return figure


class Marks(NamedTuple):
    """What moves over the points: the recommended and the chosen ring as parts of a trace, and the shading."""

    rings: list[dict[str, Any]]
    shapes: list[dict[str, Any]]


def sweep_marks(
    points: pd.DataFrame,
    *,
    x: str,
    y: str = "recall",
    families: Sequence[str] | None = None,
    target: float | None = None,
    limit: float | None = None,
    recommended: str = "",
    chosen: str = "",
) -> Marks:
    """The rings and the shading of :func:`sweep_front` alone, which its last two traces and its shapes become."""
    top, cost = top_of(points[y]), COSTS[x]
    drawn = _on_axis(points if families is None else points[points["family"].isin(families)], x)
    rings = [
        {"x": places(row, x), "y": places(row, y, top), "showlegend": name == recommended and len(row) > 0}
        for name, row in ((name, drawn[drawn["point"] == name]) for name in (recommended, chosen))
    ]
    if target is None and limit is None:
        return Marks(rings, [])
    least = 0.0 if target is None else float(raised(target, top))
    at = None if limit is None else limit / cost.unit
    low, high = _ENDS if at is None else (at, _ENDS[1]) if cost.more_is_better else (_ENDS[0], at)
    edge = {"type": "line", "layer": "below", "line": {"color": COLORS[2], "width": 1.5, "dash": "dot"}}
    shapes: list[dict[str, Any]] = [{
        "type": "rect", "x0": low, "x1": high, "y0": least, "y1": top + 1, "fillcolor": COLORS[2], "opacity": 0.08,
        "line": {"width": 0}, "layer": "below",
    }]  # fmt: skip
    if target is not None:
        shapes.append({**edge, "xref": "paper", "x0": 0, "x1": 1, "y0": least, "y1": least})
    if at is not None:
        shapes.append({**edge, "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1})
    return Marks(rings, shapes)


def _on_axis(points: pd.DataFrame, x: str) -> pd.DataFrame:
    """The points whose cost is known and stands on a logarithmic axis."""
    on_axis: pd.DataFrame = points.loc[np.isfinite(points[x]) & (points[x] > 0)]
    return on_axis


def _size(family: str, front: bool, hollow: bool) -> int:
    """Pixels: what matters more is larger."""
    return 15 if family == "flat" else 11 if front else 6 if hollow else 8


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


def _note(figure: go.Figure, absent: int, hollow: int, x: str) -> None:
    """What is not drawn, or drawn hollow, counted under the axis of cost."""
    said = [f"{absent:,} not drawn: not {'timed' if x.endswith('_us') else 'measured'}"] if absent else []
    said += [f"{hollow:,} hollow: not timed in the rounds"] if hollow else []
    figure.add_annotation(
        x=1, y=0, xref="paper", yref="paper", xanchor="right", yanchor="top", yshift=-54, showarrow=False,
        text="; ".join(said) or NO_LABEL, font={"size": 12},
    )  # fmt: skip
