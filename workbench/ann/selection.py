"""The points of a sweep under constraints: which fit, which is best, what keeps out better ones, which come near."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.constraints import Constraint, duration, size
from workbench.ann.sweeping import TARGETS, SweepResult
from workbench.intervals import Interval

__all__ = ["Selection", "pace", "recall_said", "stated"]

_LEANER = 0.9  # share of the memory up to which another index counts as saving some
_RELAXING = ["constraint", "now", "to", "buys", "point"]

Mask = NDArray[np.bool_]


class Selection:
    """The timed points of a sweep, held against constraints.

    Those that were timed in the interleaved rounds, since times of different minutes do not compare; before the rounds,
    all that were timed once.

    Parameters
    ----------
    result
        The sweep.
    asked
        The constraints, recall first.
    queries_per_day
        None: the cost of a point is its p50. Else the seconds of a day with all those queries, one after another, and
        one build.
    """

    def __init__(self, result: SweepResult, asked: tuple[Constraint, ...], queries_per_day: float | None) -> None:
        self.result, self.asked, self.queries_per_day = result, asked, queries_per_day
        most = result.points["rounds"].max()
        self.in_rounds = bool(most > 0)
        compared = (result.points["timed"] > 0) & (result.points["rounds"] == most)
        self.points: pd.DataFrame = result.points[compared].reset_index(drop=True)
        self.kept = {constraint: constraint.kept_by(self.points) for constraint in asked}
        self.fits = _all(list(self.kept.values()))
        self.exact: Mask = (self.points["family"] == "flat").to_numpy(dtype=bool)
        self.cost = self.cost_by("p50_us")

    def row(self, number: int) -> "pd.Series":
        """A point by its place."""
        return self.points.iloc[number]

    def cost_by(self, column: str) -> NDArray[np.float64]:
        """Seconds of a query, or of a day with its build, by a latency in microseconds."""
        seconds: NDArray[np.float64] = self.points[column].to_numpy(dtype=np.float64) / 1e6
        if self.queries_per_day is not None:
            seconds = seconds * self.queries_per_day + self.points["build_s"].to_numpy(dtype=np.float64)
        return seconds

    def cheapest(self, mask: Mask) -> int | None:
        """The place of the lowest cost; of equal ones that of highest recall on the tuning half; None of no point."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            return None
        return int(rows[np.lexsort((-self.points["recall_tuned"].to_numpy()[rows], self.cost[rows]))[0]])

    def surely_cheaper(self, number: int) -> Mask:
        """Points whose slowest round costs less than this one's fastest."""
        below: Mask = self.cost_by("p50_high_us") < self.cost_by("p50_low_us")[number]
        return below

    def of_another_build(self, number: int) -> Mask:
        """Points that fit and are not built as this one is."""
        others: Mask = (self.points["build"] != self.row(number)["build"]).to_numpy(dtype=bool)
        return self.fits & others

    def kept_out_by(self, constraint: Constraint) -> Mask:
        """Points that this constraint alone keeps out; a value that was not measured is no reason to let one in."""
        others = [kept for other, kept in self.kept.items() if other != constraint]
        return _all([~self.kept[constraint], ~np.isnan(constraint.value(self.points)), *others])

    def binding(self, best: int) -> tuple[str, ...]:
        """Names of the constraints each of which alone keeps out a point that costs less."""
        less = self.cost < self.cost[best]
        return tuple(constraint.name for constraint in self.asked if (self.kept_out_by(constraint) & less).any())

    def relaxing(self, best: int) -> pd.DataFrame:
        """What the next looser value of each constraint would buy over the best that fits.

        It buys a lower cost beyond the spread of the rounds; where there is none, a recall whose interval lies above;
        where there is neither, less memory.
        """
        row, rows = self.row(best), []
        better: list[Mask] = [
            self.surely_cheaper(best),
            (self.points["recall_stated_low"] > row["recall_stated_high"]).to_numpy(dtype=bool),
            (self.points["memory_bytes"] <= _LEANER * row["memory_bytes"]).to_numpy(dtype=bool),
        ]
        for constraint in self.asked:
            out = self.kept_out_by(constraint)
            gains = next((out & mask for mask in better if (out & mask).any()), out & ~out)
            admitted = self._next(constraint, gains)
            buys = "nothing: what it keeps out is neither faster nor finds more nor takes less memory"
            rows.append(_line(constraint, admitted, buys if admitted is None else _gain(row, admitted[1])))
        return pd.DataFrame(rows, columns=_RELAXING)

    def nearest(self) -> int:
        """The point that is off by the smallest factors in all; there must be one."""
        finest = 1 / (len(self.result.truth) * self.result.k)
        off = np.sum([constraint.excess(self.points, finest) for constraint in self.asked], axis=0)
        return int(np.lexsort((self.cost, off))[0])

    def opening(self) -> pd.DataFrame:
        """Where nothing fits: the value of each constraint that would let something in, all others kept."""
        rows = []
        for constraint in self.asked:
            admitted = self._next(constraint, self.kept_out_by(constraint), to_targets=False)
            buys = f"something that fits: {_all_of(admitted[1])}" if admitted else "nothing: nothing fits by this alone"
            rows.append(_line(constraint, admitted, buys))
        return pd.DataFrame(rows, columns=_RELAXING)

    def daily(self, rows: "list[pd.Series]") -> pd.DataFrame | None:
        """Seconds of a day for these points and exact search; None where its queries were not counted."""
        if self.queries_per_day is None:
            return None
        table = pd.DataFrame(rows)
        exact = self.points[self.exact]
        table = pd.concat([table, exact[~exact["point"].isin(table["point"])]], ignore_index=True)
        query_s = table["p50_us"] * self.queries_per_day / 1e6
        days = table["break_even"] / self.queries_per_day
        columns = {"index": table["index"], "query_s": query_s, "build_s": table["build_s"]}
        return pd.DataFrame({**columns, "total_s": query_s + table["build_s"], "break_even_days": days})

    def _next(
        self, constraint: Constraint, wanted: Mask, *, to_targets: bool = True
    ) -> "tuple[float, pd.Series] | None":
        """The smallest loosening that admits a wanted point, and the cheapest of those it admits.

        For recall it is the sweep's next lower target, where one is reached.
        """
        if not wanted.any():
            return None
        values = constraint.value(self.points[wanted])
        if constraint.name == "recall":
            targets = self.result.manifest.get("targets", TARGETS) if to_targets else ()
            reached = [target for target in targets if target < constraint.limit and (values >= target).any()]
            to = float(max(reached)) if reached else constraint.admitting(float(values.max()))
        else:
            to = constraint.admitting(float(values.min()))
        number = self.cheapest(wanted & Constraint(constraint.name, to).kept_by(self.points))
        return None if number is None else (to, self.row(number))


def pace(row: "pd.Series") -> str:
    """A point's p50 in words."""
    return duration(row["p50_us"] / 1e6)


def stated(row: "pd.Series") -> Interval:
    """A point's recall on the half of the queries that had no part in choosing it."""
    return Interval(row["recall_stated"], row["recall_stated_low"], row["recall_stated_high"])


def recall_said(row: "pd.Series") -> str:
    """The same in words: exact search needs no interval, and too few queries give none."""
    if row["family"] == "flat":
        return "exactly 1"
    return "not known (too few queries)" if np.isnan(row["recall_stated"]) else str(stated(row))


def _all(masks: list[Mask]) -> Mask:
    return np.asarray(np.logical_and.reduce(masks), dtype=bool)


def _all_of(row: "pd.Series") -> str:
    return f"{row['index']} with recall {recall_said(row)} at {pace(row)}, {size(row['memory_bytes'])}"


def _gain(row: "pd.Series", other: "pd.Series") -> str:
    """What the other point has, beside what the row has."""
    times = row["p50_us"] / other["p50_us"]
    speed = f"{times:.3g} times as fast" if times >= 1 else f"{1 / times:.3g} times as slow"
    memory, before = size(other["memory_bytes"]), size(row["memory_bytes"])
    return (
        f"{other['index']}, {speed} ({pace(other)} instead of {pace(row)}), recall {recall_said(other)} instead of "
        f"{recall_said(row)}, {memory}{f' instead of {before}' if memory != before else ' as before'}"
    )


def _line(constraint: Constraint, admitted: "tuple[float, pd.Series] | None", buys: str) -> tuple[object, ...]:
    to, point = (np.nan, None) if admitted is None else (admitted[0], str(admitted[1]["point"]))
    return constraint.name, constraint.limit, to, buys, point
