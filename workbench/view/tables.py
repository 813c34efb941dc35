"""Small tables for notebooks: text stays text, wraps, and stands on the left."""

import pandas as pd

from workbench.markup import escape
from workbench.view.read_out import QUIET

__all__ = ["Table", "table"]

_ROWS = 100
_CELL = "padding: 5px 12px 5px 0; vertical-align: top; text-align: {side}; max-width: 34em; {wrap}"
_TEXT_WRAPS, _HEAD_WRAPS = "overflow-wrap: anywhere", "overflow-wrap: break-word"  # a column has room for its name
_NUMBERS_STAY = "white-space: nowrap"
_EDGE = "border-bottom: 1px solid var(--jp-border-color2, #e0e0e0)"
_HEAD = f"font-weight: 600; {QUIET}"


class Table:
    """A data frame as it is shown in a notebook: numbers on the right, everything else escaped and on the left.

    Attributes
    ----------
    frame
        The data frame, all of it. Shown are its first 100 rows.
    """

    def __init__(self, frame: pd.DataFrame, decimals: int = 2) -> None:
        self.frame = frame
        self._decimals = decimals

    def __repr__(self) -> str:
        return "\n".join(filter(None, (self.frame.head(_ROWS).to_string(index=False), self._rest)))

    @property
    def _rest(self) -> str:
        hidden = len(self.frame) - _ROWS
        return f"… and {hidden:,} more rows: all are in .frame" if hidden > 0 else ""

    def _repr_html_(self) -> str:
        right = [pd.api.types.is_numeric_dtype(kind) for kind in self.frame.dtypes]
        head = "".join(self._cell("th", name, number) for name, number in zip(self.frame.columns, right, strict=True))
        body = "".join(
            "<tr>"
            + "".join(self._cell("td", value, number) for value, number in zip(row, right, strict=True))
            + "</tr>"
            for row in self.frame.head(_ROWS).itertuples(index=False)
        )
        rest = f"<p>{escape(self._rest)}</p>" if self._rest else ""
        return f'<table style="border-collapse: collapse; margin: 4px 0"><tr>{head}</tr>{body}</table>{rest}'

    def _cell(self, tag: str, value: object, number: bool) -> str:
        wrap = _HEAD_WRAPS if tag == "th" else _NUMBERS_STAY if number else _TEXT_WRAPS
        cell = _CELL.format(side="right" if number else "left", wrap=wrap)
        style = f"{cell}; {_EDGE}" + (f"; {_HEAD}" if tag == "th" else "")
        return f'<{tag} dir="auto" style="{style}">{escape(self._shown(value))}</{tag}>'

    def _shown(self, value: object) -> str:
        if value is None or value is pd.NA:
            return ""
        if isinstance(value, float):
            return "" if value != value else f"{value:,.{self._decimals}f}"
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def table(frame: pd.DataFrame, decimals: int = 2) -> Table:
    """Show a data frame as a table in which no text can become markup; floats get so many ``decimals``."""
    return Table(frame, decimals)
