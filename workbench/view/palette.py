"""A metadata column as colors and a legend, readable by people who are color-blind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.markup import shorten

__all__ = ["Coloring", "LegendEntry", "color_column"]

# Paul Tol, "Colour Schemes" (SRON/EPS/TN/09-002): muted for light backgrounds, light for dark ones.
_LIGHT_THEME = ("#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677", "#44AA99", "#882255", "#999933", "#AA4499")
_DARK_THEME = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#44BB99", "#99DDFF", "#BBCC33", "#AAAA00", "#CC99BB")
_OTHER = ("#A8ACB3", "#6E737B")
_PLAIN = ("#4C6A92", "#8FB1DC")
_BINS = 64


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: the value as text, its color under a light and a dark theme, how many points have it."""

    label: str
    light: str
    dark: str
    count: int


@dataclass(frozen=True, eq=False)
class Coloring:
    """A column as colors.

    Parameters
    ----------
    codes
        ``(n,) uint16``: index into ``light`` and ``dark`` for each point.
    light, dark
        Hex colors for a light and a dark background.
    title
        Name of the column; empty when points are not colored by anything.
    entries
        Legend of a categorical column, most frequent first; for a numeric column only "no value", if any.
    range
        Labels of the lowest and the highest value of a numeric column; None for a categorical one.
    """

    codes: NDArray[np.uint16]
    light: tuple[str, ...]
    dark: tuple[str, ...]
    title: str = ""
    entries: tuple[LegendEntry, ...] = ()
    range: tuple[str, str] | None = None


def color_column(values: "pd.Series[Any] | None", n: int, title: str = "", top: int = 9) -> Coloring:
    """Colors for ``n`` points by a column: continuous for numbers and dates, categorical for everything else.

    Parameters
    ----------
    values
        ``n`` values, or None for one color.
    top
        How many categories get a color of their own, at most 9; the rest are "other".

    Raises
    ------
    InputError
        The column does not have ``n`` values, or ``top`` is not in 1..9.
    """
    if not 1 <= top <= len(_LIGHT_THEME):
        raise InputError(f"top={top} colors were asked for", f"The palette tells {len(_LIGHT_THEME)} categories apart.")
    if values is None:
        return Coloring(np.zeros(n, np.uint16), _PLAIN[:1], _PLAIN[1:])
    if len(values) != n:
        raise InputError(f"the color column has {len(values):,} values for {n:,} points", "Give one value per point.")
    title = title or str(values.name or "color")
    dates = pd.api.types.is_datetime64_any_dtype(values)
    numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return _continuous(values, title, dates) if dates or numbers else _categorical(values, title, top)


def _continuous(values: "pd.Series[Any]", title: str, dates: bool) -> Coloring:
    import matplotlib as mpl

    moments = pd.to_datetime(values, utc=True).astype("datetime64[ns, UTC]") if dates else values
    numbers = (moments.astype("int64") if dates else moments).to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(numbers) & ~values.isna().to_numpy()
    low, high = (numbers[known].min(), numbers[known].max()) if known.any() else (0.0, 0.0)
    scaled = np.where(known, (numbers - low) / ((high - low) or 1.0), 0.0)
    codes = np.where(known, np.minimum((scaled * _BINS).astype(np.int64), _BINS - 1), _BINS).astype(np.uint16)
    ramp = mpl.colormaps["viridis"].resampled(_BINS)
    steps = [mpl.colors.to_hex(ramp(step)) for step in range(_BINS)]
    missing = int((~known).sum())
    entries = (LegendEntry("no value", *_OTHER, missing),) if missing else ()
    shown = (_label(low, dates), _label(high, dates)) if known.any() else ("", "")
    return Coloring(codes, (*steps, _OTHER[0]), (*steps, _OTHER[1]), title, entries, shown)


def _label(number: float, dates: bool) -> str:
    return pd.Timestamp(int(number)).strftime("%Y-%m-%d") if dates else f"{number:,.4g}"


def _categorical(values: "pd.Series[Any]", title: str, top: int) -> Coloring:
    named = values.astype(object).where(~values.isna(), None).map(lambda cell: None if cell is None else str(cell))
    counts = named.value_counts()
    kept = [str(name) for name in counts.index[:top]]
    code_of = {name: code for code, name in enumerate(kept)}
    codes = np.array([code_of.get(cell, len(kept)) for cell in named], dtype=np.uint16)
    entries = [
        LegendEntry(shorten(name, 40) or "(blank)", _LIGHT_THEME[code], _DARK_THEME[code], int(counts.iloc[code]))
        for code, name in enumerate(kept)
    ]
    rest, missing = int(counts.iloc[top:].sum()), int(named.isna().sum())
    if rest:
        entries.append(LegendEntry(f"{len(counts) - top:,} others", *_OTHER, rest))
    if missing:
        entries.append(LegendEntry("no value", *_OTHER, missing))
    light = (*_LIGHT_THEME[: len(kept)], _OTHER[0])
    return Coloring(codes, light, (*_DARK_THEME[: len(kept)], _OTHER[1]), title, tuple(entries))
