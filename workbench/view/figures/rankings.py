"""Rankings side by side: what three metrics answer to one query, and why each item moves between them."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.view.figures.look import GREY, GRID, INK, NO_LABEL, blank, label, require

__all__ = ["rank_changes"]

_METRICS = {
    "cosine": ("cosine", "the angle alone"),
    "dot": ("dot product", "the angle times the length"),
    "euclidean": ("Euclidean distance", "straight line"),
}
_STEPS = (("cosine", "dot"), ("dot", "euclidean"))
# By cause: its name in the legend, color, dash and width; the dash tells them apart without color.
_CAUSES = {
    "": ("same rank", GREY, "solid", 1.5),
    "norm": ("its own length moves it", "#E8590C", "solid", 3.5),
    "angle": ("the lengths of others move it: its angle earns this place", "#1F86C7", "dash", 2.5),
    "hub": ("a hub comes up", "#B5179E", "dot", 4.0),
}
_TEXT = "#757B88"  # of the lists: as far from white as from JupyterLab's dark background
_LEFT = (0.0, 378.0, 756.0)  # of the three columns, on an axis of 1,000
_WIDTH = 244.0
_BELOW = 3.2  # rows of room for the items beyond the first k
_ROW = 37  # pixels
_BEND = np.linspace(0.0, 1.0, 25)


@dataclass(frozen=True)
class _Spot:
    """Where an item stands in a column: the height of its row, and whether that is among the first k."""

    y: float
    inside: bool


def rank_changes(table: pd.DataFrame, *, k: int = 10, title: str = "") -> go.Figure:
    """Three ranked lists of one query, by cosine, dot product and distance; a line follows each item between them.

    Lines are colored by the cause of the change. An item that is among the first ``k`` of one list and not of the next
    ends below it, at its rank there.

    Parameters
    ----------
    table
        One row per item that is among the first ``k`` by any metric, as ``geometry.compare_metrics(...).table`` has
        it, and two columns more: ``name``, its text, and ``why``, a sentence about its changes. Ranks count from 1.
    k
        Length of the lists.

    Returns
    -------
    plotly.graph_objects.Figure
        Always the same traces in the same order, so that a widget can replace their data.

    Raises
    ------
    InputError
        The table has no rows, or lacks a column.
    """
    ranks = [f"rank_{metric}" for metric in _METRICS]
    causes = [f"cause_{after}" for _, after in _STEPS]
    require(table, "name", "why", "norm", *_METRICS, *ranks, *causes)
    rows = table.to_dict("records")
    figure = blank(title, "", "", round(_ROW * (k + _BELOW + 1.2)) + 104)
    chips = _add_links(figure, rows, k)
    _add_pills(figure, rows, k)
    _add_chips(figure, chips)
    _add_frame(figure, k, bool(chips))
    return figure


def _add_links(figure: go.Figure, rows: list[dict[Hashable, Any]], k: int) -> list[tuple[float, float, str, str, str]]:
    """One trace of lines for each cause; the ends below a list as (x, y, rank, cause, side of the text)."""
    lines: dict[str, list[list[Any]]] = {cause: [[], [], []] for cause in _CAUSES}
    chips = []
    for step, (before, after) in enumerate(_STEPS):
        left = _spots(rows, before, after, k)
        right = _spots(rows, after, before, k)
        for row in sorted(left, key=lambda row: abs(rows[row][f"rank_{after}"] - rows[row][f"rank_{before}"])):
            item, start, end = rows[row], left[row], right[row]
            cause = item[f"cause_{after}"]
            x0 = _LEFT[step] + _WIDTH - (0 if start.inside else 8)
            x1 = _LEFT[step + 1] + (0 if end.inside else 8)
            bent = _BEND * _BEND * (3 - 2 * _BEND)
            xs, ys, texts = lines[cause]
            xs += [*(x0 + (x1 - x0) * _BEND), None]
            ys += [*(start.y + (end.y - start.y) * bent), None]
            texts += [_moved(item, before, after)] * (len(_BEND) + 1)
            if not start.inside:
                chips.append((x0, start.y, f"{item[f'rank_{before}']:,}", cause, "middle left"))
            if not end.inside:
                chips.append((x1, end.y, f"{item[f'rank_{after}']:,}", cause, "middle right"))
    for cause, (name, color, dash, width) in _CAUSES.items():
        xs, ys, texts = lines[cause]
        figure.add_scatter(
            x=xs, y=ys, text=texts, mode="lines", name=name, line={"color": color, "dash": dash, "width": width},
            opacity=0.5 if not cause else 0.9, hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    return chips


def _spots(rows: list[dict[Hashable, Any]], metric: str, other: str, k: int) -> dict[int, _Spot]:
    """Places in the list of one metric, of the items that are among the first k by it or by the other."""
    rank = {row: int(item[f"rank_{metric}"]) for row, item in enumerate(rows)}
    shown = [row for row, item in enumerate(rows) if min(rank[row], item[f"rank_{other}"]) <= k]
    below = sorted((row for row in shown if rank[row] > k), key=rank.__getitem__)
    pitch = min(0.42, (_BELOW - 0.9) / max(len(below) - 1, 1))
    spots = {row: _Spot(float(rank[row]), True) for row in shown if rank[row] <= k}
    return spots | {row: _Spot(k + 1.2 + pitch * place, False) for place, row in enumerate(below)}


def _add_pills(figure: go.Figure, rows: list[dict[Hashable, Any]], k: int) -> None:
    """The items of each list: rank, text and score, and spots that open the hover anywhere on the pill."""
    numbers, names, scores, hovers = [], [], [], []
    shapes = []
    for left, metric in zip(_LEFT, _METRICS, strict=True):
        for item in rows:
            rank = int(item[f"rank_{metric}"])
            if rank > k:
                continue
            first = rank == 1
            stress = ("<b>", "</b>") if first else ("", "")
            numbers.append((left + 20, rank, f"<b>{rank}</b>"))
            names.append((left + 30, rank, (label(item["name"], 25 if first else 28, 2) or NO_LABEL).join(stress)))
            scores.append((left + _WIDTH - 4, rank, f"{item[metric]:.2f}".replace("-", "−")))
            hovers += [(left + _WIDTH * part, rank, _everything(item)) for part in (0.04, 0.2, 0.4, 0.6, 0.8, 0.96)]
            shapes.append(
                {
                    "type": "rect", "x0": left, "x1": left + _WIDTH, "y0": rank - 0.44, "y1": rank + 0.44,
                    "fillcolor": "rgba(230, 159, 0, 0.20)" if first else "rgba(128, 128, 128, 0.10)",
                    "line": {"width": 1.5 if first else 0, "color": "#E69F00"}, "layer": "below",
                }
            )  # fmt: skip
    for spots, place, size in (
        (numbers, "middle left", 12), (names, "middle right", 12), (scores, "middle left", 11)
    ):  # fmt: skip
        xs, ys, texts = zip(*spots, strict=True)
        figure.add_scatter(
            x=xs, y=ys, text=texts, mode="text", textposition=place, textfont={"size": size, "color": _TEXT},
            hoverinfo="skip", showlegend=False, cliponaxis=False,
        )  # fmt: skip
    xs, ys, texts = zip(*hovers, strict=True)
    figure.add_scatter(
        x=xs, y=ys, text=texts, mode="markers", marker={"size": 26, "opacity": 0}, showlegend=False,
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(shapes=shapes)


def _add_chips(figure: go.Figure, chips: list[tuple[float, float, str, str, str]]) -> None:
    """The ranks of items that a list does not show, where their lines end."""
    xs, ys, texts, causes, places = zip(*chips, strict=True) if chips else ((),) * 5
    figure.add_scatter(
        x=xs, y=ys, text=texts, mode="markers+text", textposition=places, textfont={"size": 10.5, "color": _TEXT},
        marker={"size": 6, "color": [_CAUSES[cause][1] for cause in causes]}, hoverinfo="skip", showlegend=False,
        cliponaxis=False,
    )  # fmt: skip


def _add_frame(figure: go.Figure, k: int, leaves: bool) -> None:
    """Headings, the line under the first k, and axes that nobody sees."""
    for left, (name, meaning) in zip(_LEFT, _METRICS.values(), strict=True):
        figure.add_annotation(
            x=left, y=0.42, xanchor="left", yanchor="bottom", showarrow=False, align="left",
            text=f'<b>{name}</b>  <span style="font-size: 11px">{meaning}</span>', font={"size": 14},
        )  # fmt: skip
        figure.add_shape(
            type="line", x0=left, x1=left + _WIDTH, y0=k + 0.72, y1=k + 0.72, line={"color": GRID, "width": 1.5}
        )
        figure.add_annotation(
            x=left + _WIDTH / 2, y=k + 1.2, showarrow=False, font={"size": 10.5, "color": INK},
            text=f"rank, beyond {k}" if leaves else f"no other in the first {k}",
        )  # fmt: skip
    bare = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-2, 1002], **bare)
    figure.update_yaxes(range=[k + _BELOW + 0.8, -0.4], **bare)
    figure.update_layout(
        hovermode="closest", dragmode=False, margin={"l": 8, "r": 8, "t": 84, "b": 8}, legend={"y": 1.0, "x": 0}
    )


def _moved(item: dict[Hashable, Any], before: str, after: str) -> str:
    """What the hover of a line says: the item, its two places, and the sentence."""
    places = " → ".join(f"{_METRICS[metric][0]} {item[f'rank_{metric}']:,}" for metric in (before, after))
    return "<br>".join([f"<b>{label(item['name'], 56, 3)}</b>", places, label(item["why"], 64, 6)])


def _everything(item: dict[Hashable, Any]) -> str:
    """What the hover of an item says: its length, its three scores and places, and the sentence."""

    def lines() -> Iterator[str]:
        yield f"<b>{label(item['name'], 56, 3)}</b>"
        yield f"length {item['norm']:.3g}"
        for metric, (name, _) in _METRICS.items():
            yield f"{name} {item[metric]:.3f}, rank {item[f'rank_{metric}']:,}"
        yield label(item["why"], 64, 6)

    return "<br>".join(lines())
