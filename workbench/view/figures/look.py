"""What all figures share: colors, fonts, the template, and labels in which no text becomes markup."""

import html
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.markup import plain

__all__ = ["COLORS", "FONT", "GREY", "GRID", "INK", "NO_LABEL", "RAMP", "blank", "interval", "label", "require"]

# Okabe and Ito, "Color Universal Design" (2008): told apart by color-blind eyes; readable on white and on near-black.
COLORS = ("#0072B2", "#E8590C", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A6FF0", "#8C8C8C")
NO_LABEL = "\u00a0"  # plotly.js drops the label of a point for good where its text was once empty
GREY = COLORS[7]  # what is there, but not what the figure is about
RAMP = ((0, "#F4F7FB"), (0.5, "#7FB0D3"), (1, "#0B4F82"))  # of a heat map
INK = "#6B7280"
GRID = "rgba(128, 128, 128, 0.22)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
# plotly shows these signs, but looks for TeX, and for a value to put into a hover, before it reads references
_REFERENCES = (("$", "&#36;"), ("%{", "&#37;{"))


def _template() -> go.layout.Template:
    """Shared look: transparent background and mid-grey ink read in JupyterLab's light and dark themes."""
    axis = {
        "gridcolor": GRID, "linecolor": GRID, "zeroline": False, "ticks": "outside", "tickcolor": GRID,
        "title": {"standoff": 12}, "automargin": True,
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {"font": {"size": 16}, "x": 0, "xref": "paper", "xanchor": "left", "yanchor": "top", "y": 0.97},
            "colorway": COLORS, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis, "yaxis": axis, "margin": {"l": 64, "r": 24, "t": 64, "b": 56},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left"},
            "hoverlabel": {"font": {"family": FONT, "size": 12}, "align": "left"},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": INK,
                        "remove": ["sendChartToCloud", "lasso2d", "select2d"]},
        }
    )  # fmt: skip


def label(text: object, width: int = 0, lines: int = 0) -> str:
    """Text that plotly shows literally: no pseudo-HTML, TeX or placeholder; wrapped at ``width``, at most ``lines``."""
    rows = [plain(text)]
    if width:
        rows = textwrap.wrap(" ".join(rows[0].split()), width, max_lines=lines or None, placeholder=" …") or [""]
    shown = "<br>".join(html.escape(row, quote=False) for row in rows)
    for sign, reference in _REFERENCES:
        shown = shown.replace(sign, reference)
    return shown


def interval(
    at: ArrayLike, low: ArrayLike, high: ArrayLike, *, color: str = INK, width: float = 5, thickness: float = 1.5
) -> dict[str, Any]:
    """Error bars from ``low`` to ``high`` around the values ``at``; widths in pixels."""
    value, below, above = (np.asarray(ends, dtype=np.float64) for ends in (at, low, high))
    return {
        "type": "data", "symmetric": False, "array": above - value, "arrayminus": value - below, "color": color,
        "width": width, "thickness": thickness,
    }  # fmt: skip


def blank(title: str, x: str, y: str, height: int) -> go.Figure:
    """An empty figure in the shared look, with its title, the titles of its axes, and its height in pixels."""
    figure = go.Figure()
    figure.update_layout(template=_template(), title_text=label(title), height=height)
    figure.update_xaxes(title_text=label(x))
    figure.update_yaxes(title_text=label(y))
    return figure


def require(table: pd.DataFrame, *columns: str) -> None:
    """Refuse a table without these columns, or without rows, with an InputError."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        known = ", ".join(map(str, table.columns))
        raise InputError(f"the table has no column {missing[0]!r}", f"Its columns are: {known}.")
    if table.empty:
        raise InputError("the table has no rows", "Pass at least one.")
