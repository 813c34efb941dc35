"""The threshold of duplicates: precision, recall and F1 against it."""

import pandas as pd
import plotly.graph_objects as go

from workbench.view.figures.look import COLORS, INK, blank, require

__all__ = ["duplicate_curve"]

_LINES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def duplicate_curve(table: pd.DataFrame, *, threshold: float | None = None, title: str = "") -> go.Figure:
    """Precision, recall and F1 of the pairs above a threshold, for every threshold.

    Parameters
    ----------
    table
        As :func:`tasks.threshold_curve` gives it: ``threshold``, ``precision``, ``recall``, ``f1``, ``pairs``.
    threshold
        Where a vertical line stands; None draws none.
    """
    require(table, "threshold", "precision", "recall", "f1", "pairs")
    figure = blank(title, "threshold: least cosine similarity of a pair", "share of pairs", 340)
    for (column, name), color in zip(_LINES.items(), COLORS, strict=False):
        figure.add_scatter(
            x=table["threshold"].to_numpy(), y=table[column].to_numpy(), mode="lines", name=name,
            line={"color": color, "width": 2.5}, customdata=table["pairs"].to_numpy(),
            hovertemplate="at %{x:.2f}: %{y:.2f} of %{customdata:,} pairs<extra>" + name + "</extra>",
        )  # fmt: skip
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": INK, "width": 2, "dash": "dot"})
    figure.update_yaxes(range=[-0.03, 1.05])
    return figure
