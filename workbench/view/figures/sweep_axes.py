"""The axes of a sweep's figures: recall by the share that is missed, and each cost in its unit."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.view.figures.look import interval

__all__ = ["COSTS", "RECALLS", "Cost", "bars", "cost_axis", "places", "raised", "recall_axis", "top_of"]


class Cost(NamedTuple):
    """A column as an axis: its title, a shorter one, how much of the column is one unit, which end is better."""

    title: str
    short: str
    unit: float = 1.0
    more_is_better: bool = False


COSTS = {
    "p50_us": Cost("latency p50 of one query on one thread, µs", "p50, µs"),
    "p95_us": Cost("latency p95 of one query on one thread, µs", "p95, µs"),
    "p99_us": Cost("latency p99 of one query on one thread, µs", "p99, µs"),
    "qps": Cost("queries a second in one batch on all threads", "queries a second", more_is_better=True),
    "distances": Cost("distances computed for a query", "distances a query"),
    "memory_bytes": Cost("memory by formula, MB", "memory, MB", 1e6),
    "build_s": Cost("build on all threads, s", "build, s"),
}
RECALLS = {
    "recall": "recall@{k}", "recall_at_1": "recall@1", "recall_tuned": "recall@{k} on the even queries",
    "recall_stated": "recall@{k} on the odd queries", "worst_decile": "recall@{k} of the worst tenth of the queries",
}  # fmt: skip
_TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999)
_LEAST_TOP = 3.0  # of the axis of recall: 0.999 is on it even where nothing reaches that
_GAP = 0.45  # between the last tick and the place of recall 1
_SEEN_FROM = 0.99  # the axis of recall begins there at the latest: one tick alone says nothing
_TWO_TICKS = 0.7  # decades: at least two of the steps 1, 2 and 5 are in every such stretch
_NOTHING = 1e-9  # a share missed below this is rounding


def top_of(recalls: ArrayLike) -> float:
    """The place of recall 1 on an axis of the share missed: above the half decade that the best other one reaches."""
    missed = 1 - np.asarray(recalls, dtype=np.float64)
    finest = -math.log10(missed[missed > _NOTHING].min(initial=1.0))
    return max(_LEAST_TOP, math.ceil(2 * finest) / 2) + _GAP


def raised(recalls: ArrayLike, top: float) -> NDArray[np.float64]:
    """Recalls as places: -log10 of the share missed, and ``top`` where nothing is."""
    missed = np.maximum(1 - np.asarray(recalls, dtype=np.float64), 0)
    return np.asarray(np.where(missed > _NOTHING, -np.log10(np.maximum(missed, _NOTHING)), top))


def places(rows: pd.DataFrame, name: str, top: float = 0.0) -> NDArray[np.float64]:
    """A column where its axis has it: recalls raised, costs in their unit."""
    values = rows[name].to_numpy(np.float64)
    return raised(values, top) if name in RECALLS else values / COSTS[name].unit


def bars(
    rows: pd.DataFrame, name: str, color: str, top: float = 0.0, only: "pd.Series[bool] | None" = None
) -> dict[str, Any]:
    """Interval bars of a column in a lighter tone, of ``only`` some rows; invisible where the table has no ends."""
    low, high = ("p50_low_us", "p50_high_us") if name == "p50_us" else (f"{name}_low", f"{name}_high")
    known, at = low in rows and high in rows and len(rows) > 0, places(rows, name, top)
    ends = (rows[low].to_numpy(np.float64), rows[high].to_numpy(np.float64)) if known else (at, at)
    if known and name in RECALLS:
        ends = raised(ends[0], top), raised(ends[1], top)
    if only is not None:
        shown = only.to_numpy(np.bool_)
        ends = np.where(shown, ends[0], np.nan), np.where(shown, ends[1], np.nan)
    return interval(at, *ends, color=f"{color}88", width=0, thickness=1.3) | {"visible": known}


def recall_axis(recalls: ArrayLike, top: float) -> dict[str, Any]:
    """Ticks and range of an axis of the share missed, which begins a little below the least recall."""
    ticks = [tick for tick in _TICKS if raised(tick, top) <= top - _GAP + _NOTHING]
    least = float(np.asarray(recalls, dtype=np.float64).min(initial=_SEEN_FROM))
    return {
        "tickvals": [*(float(raised(tick, top)) for tick in ticks), top],
        "ticktext": [*(f"{tick:g}" for tick in ticks), "exactly 1"],
        "range": [max(0.0, float(raised(least, top)) - 0.15), top + 0.13],
    }  # fmt: skip


def cost_axis(costs: ArrayLike, *, least: float = _TWO_TICKS) -> dict[str, Any]:
    """A logarithmic axis around costs, at least so many decades long: two ticks or more at 1, 2 and 5, written out."""
    values = np.asarray(costs, dtype=np.float64)
    known = values[np.isfinite(values) & (values > 0)]
    low, high = (math.log10(known.min()), math.log10(known.max())) if len(known) else (0.0, 1.0)
    middle, half = (low + high) / 2, max((high - low) / 2 + 0.12, least / 2)
    digits = (1, 2, 5) if half < 1.75 else (1,)
    decades = range(math.floor(middle - half), math.ceil(middle + half) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return {
        "type": "log", "range": [middle - half, middle + half], "tickvals": ticks,
        "ticktext": [f"{tick:,.10g}" for tick in ticks],
    }  # fmt: skip
