"""Which of the measured indexes to use: the recommendation, what binds it, what relaxing buys, and how sure it is."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.ann.constraints import Constraint, constraints, duration, positive, size
from workbench.ann.inspection.causes import Misses
from workbench.ann.selection import Selection, pace, recall_said, stated
from workbench.ann.snippets import snippet
from workbench.ann.specs import IndexSpec
from workbench.ann.sweeping import SweepResult
from workbench.intervals import mean_interval
from workbench.records import Metric

__all__ = ["Advice", "advise", "point_record"]

_QUICK_US = 1000.0  # exact search below this, in microseconds, is not worth an index unless its queries are counted


@dataclass(frozen=True, eq=False)
class Advice:
    """An index to use, or the nearest to what was asked, and how sure that is.

    Parameters
    ----------
    recommended
        A row of the sweep's points; None where nothing fits.
    runner_up
        The best row of another build that fits; None where there is none.
    nearest
        Where nothing fits, the row that is off by the smallest factors; else None.
    binding
        Names of the constraints each of which alone keeps out a better point; where nothing fits, those that the
        nearest breaks.
    relaxing
        A row for each constraint: ``constraint``, its value ``now``, the next value ``to`` which it would have to be
        loosened for it to buy something (NaN where nothing measured would be gained), what that ``buys``, and the
        ``point`` it admits.
    confidence
        ``"sure"``: the interval of the recall on the other half of the queries lies above the target, or the search is
        exact. ``"probable"``: it holds the target, or there are too few queries for one. ``"refuted"``: it lies below.
        ``"none"``: nothing is recommended.
    verdict
        The same in words, and whether the runner-up is really slower.
    why_exact
        Why exact search is enough, in numbers; empty where an index is recommended.
    daily
        With ``queries_per_day``, ``index``, ``query_s``, ``build_s`` and ``total_s`` of a day that has one build in
        it, and ``break_even_days``, for the recommendation, the runner-up and exact search; else None.
    text
        All of it in plain sentences.
    cause, knob
        Why the recommended point, or the nearest where that falls short of the recall, misses most of what a setting
        could find, one of ``CAUSES``, and what to turn next; None where it misses nothing of that kind, or the sweep
        kept no misses.
    constraints
        What was asked.
    metric, d, k
        Of the sweep.
    """

    recommended: "pd.Series | None"
    runner_up: "pd.Series | None"
    nearest: "pd.Series | None"
    binding: tuple[str, ...]
    relaxing: pd.DataFrame = field(repr=False)
    confidence: Literal["sure", "probable", "refuted", "none"]
    verdict: str
    why_exact: str
    daily: pd.DataFrame | None = field(repr=False)
    text: str = field(repr=False)
    constraints: tuple[Constraint, ...]
    metric: Metric = field(repr=False)
    d: int = field(repr=False)
    k: int = field(repr=False)
    cause: str | None = None
    knob: str | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def code(self) -> str:
        """A script that builds and searches what is recommended, in its own library; empty where nothing is."""
        return "" if self.recommended is None else self._code(self.recommended)

    def record(self) -> dict[str, Any]:
        """What ``json.dumps`` can write: rows as :func:`point_record` has them, each with its ``code``."""
        return {
            "recommended": self._named(self.recommended),
            "runner_up": self._named(self.runner_up),
            "nearest": self._named(self.nearest),
            "constraints": {constraint.name: constraint.limit for constraint in self.constraints},
            "binding": list(self.binding),
            "relaxing": [_plain(row) for row in self.relaxing.to_dict("records")],
            "confidence": self.confidence,
            "verdict": self.verdict,
            "cause": self.cause,
            "knob": self.knob,
            "daily": None if self.daily is None else [_plain(row) for row in self.daily.to_dict("records")],
            "text": self.text,
        }

    def _named(self, row: "pd.Series | None") -> dict[str, Any] | None:
        return None if row is None else {**point_record(row), "code": self._code(row)}

    def _code(self, row: "pd.Series") -> str:
        return snippet(IndexSpec.parse(str(row["index"])), self.metric, self.d, self.k)


def point_record(row: "pd.Series") -> dict[str, Any]:
    """A point of a sweep for JSON; what was not measured, or never happens, is None."""
    return {
        "point": str(row["point"]),
        "family": str(row["family"]),
        "index": str(row["index"]),
        **_plain(
            {
                "recall": row["recall"],
                "recall_interval": [row["recall_low"], row["recall_high"]],
                "recall_at_1": row["recall_at_1"],
                "recall_at_1_interval": [row["recall_at_1_low"], row["recall_at_1_high"]],
                "recall_stated": row["recall_stated"],
                "recall_stated_interval": [row["recall_stated_low"], row["recall_stated_high"]],
                "worst_decile": row["worst_decile"],
                "latency_ms": {name: row[f"{name}_us"] / 1000 for name in ("p50", "p95", "p99")},
                "p50_spread_ms": [row["p50_low_us"] / 1000, row["p50_high_us"] / 1000],
                "timed": row["timed"],
                "rounds": row["rounds"],
                **{
                    name: row[name]
                    for name in ("qps", "distances", "memory_bytes", "serialized_bytes", "resident_bytes")
                },
                "build_seconds": row["build_s"],
                "train_seconds": row["train_s"],
                "add_seconds": row["add_s"],
                "speedup": row["speedup"],
                "break_even": row["break_even"],
            }
        ),
    }


def advise(
    result: SweepResult,
    recall: float = 0.95,
    p99_ms: float | None = None,
    memory: int | str | None = None,
    build_s: float | None = None,
    queries_per_day: float | None = None,
) -> Advice:
    """Recommend an index from what a sweep measured.

    It is chosen on one half of the queries: of the points timed in the interleaved rounds whose recall on that half
    reaches the target and which keep the other constraints, the one of lowest p50. Its recall is then stated on the
    other half, with the 95 % interval, since the best of many is flattered by the queries it was chosen on. With
    ``queries_per_day`` the build has a price, and the one is chosen that works the fewest seconds a day: all queries at
    its p50, one after another, and one build.

    Exact search is recommended where it keeps the constraints and nothing that does is better beyond the spread of the
    rounds, or where it answers within a millisecond and the queries of a day are not known.

    Parameters
    ----------
    result
        A sweep, finished or not.
    recall
        At least this recall@k, in (0, 1].
    p99_ms
        At most this p99 of one query on one thread, in milliseconds.
    memory
        At most so many bytes by formula; or a text such as ``"1GB"`` or ``"512MiB"``.
    build_s
        At most so many seconds of building on all threads.
    queries_per_day
        How many queries there are in a day.

    Raises
    ------
    InputError
        A constraint that nothing could keep.
    """
    asked = constraints(recall, p99_ms, memory, build_s)
    a_day = None if queries_per_day is None else positive("queries_per_day", queries_per_day)
    choice = Selection(result, asked, a_day)
    best = choice.cheapest(choice.fits)
    return _nothing_fits(choice) if best is None else _recommend(choice, best)


def _recommend(choice: Selection, best: int) -> Advice:
    """The advice where something fits."""
    exact = choice.cheapest(choice.fits & choice.exact)
    quick = False
    if exact is not None and exact != best:
        sure = (choice.fits & choice.surely_cheaper(exact)).any()
        quick = bool(sure) and choice.queries_per_day is None and choice.row(exact)["p50_us"] < _QUICK_US
        best = best if sure else exact
    chosen = exact if quick and exact is not None else best
    second = choice.cheapest(choice.of_another_build(chosen))
    row, runner_up = choice.row(chosen), None if second is None else choice.row(second)
    why_exact = _why_exact(choice, row, choice.row(best)) if chosen == exact else ""
    relaxing = choice.relaxing(best).iloc[: 0 if quick else None]
    binding = () if quick else choice.binding(best)
    confidence, reach = _reach(choice, row)
    verdict = reach if runner_up is None else f"{reach} {_against(choice, row, runner_up)}"
    daily = choice.daily([row] if runner_up is None else [row, runner_up])
    misses = choice.result.misses(str(row["point"]))
    sentences = [
        f"Use {'Flat, exact search' if chosen == exact else row['index']}: {_numbers(choice, row)}.",
        why_exact,
        verdict,
        _missed(misses),
        _once(choice),
        "" if runner_up is None else f"The runner-up is {runner_up['index']}: {_numbers(choice, runner_up)}.",
        "" if daily is None else _day(choice, row, daily),
        *_limits(choice, binding, relaxing),
    ]
    return Advice(
        row,
        runner_up,
        None,
        binding,
        relaxing,
        confidence,
        verdict,
        why_exact,
        daily,
        _joined(sentences),
        *_about(choice),
        *_next(misses),
    )


def _nothing_fits(choice: Selection) -> Advice:
    """The advice where nothing fits: the nearest, and which constraint alone would let something in."""
    if choice.points.empty:
        text = "No point is timed yet, so nothing can be recommended."
        nothing = choice.opening().iloc[:0]
        return Advice(None, None, None, (), nothing, "none", text, "", None, text, *_about(choice))
    number = choice.nearest()
    row, alone = choice.row(number), choice.points.iloc[[number]]
    broken = [constraint for constraint in choice.asked if not constraint.kept_by(alone)[0]]
    off = "; ".join(f"{constraint.show(constraint.value(alone)[0])} for a {constraint}" for constraint in broken)
    opening, binding = choice.opening(), tuple(constraint.name for constraint in broken)
    verdict = f"Nothing that was timed keeps to {' and '.join(f'a {constraint}' for constraint in choice.asked)}."
    misses = choice.result.misses(str(row["point"])) if "recall" in binding else None
    sentences = [
        verdict,
        f"The nearest is {row['index']} ({off}): {_numbers(choice, row)}.",
        _missed(misses),
        _once(choice),
        *_limits(choice, (), opening),
    ]
    text, daily = _joined(sentences), choice.daily([row])
    about = (*_about(choice), *_next(misses))
    return Advice(None, None, row, binding, opening, "none", verdict, "", daily, text, *about)


def _about(choice: Selection) -> tuple[tuple[Constraint, ...], Metric, int, int]:
    return choice.asked, choice.result.metric, choice.result.d, choice.result.k


def _missed(misses: Misses | None) -> str:
    """What a point misses and what to turn next, in a sentence or two."""
    return "" if misses is None or misses.each.empty else misses.advice


def _next(misses: Misses | None) -> tuple[str | None, str | None]:
    """The main cause, and what to turn next."""
    return (None, None) if misses is None else (misses.main, misses.knob)


def _why_exact(choice: Selection, exact: "pd.Series", best: "pd.Series") -> str:
    """Why exact search is enough, in numbers."""
    said = f"Exact search over {choice.result.n:,} vectors answers in {pace(exact)} and misses nothing"
    if exact["point"] == best["point"]:
        gain = "is faster" if choice.queries_per_day is None else "costs less in a day with a build"
        return f"{said}; nothing else that fits {gain} beyond the spread of the rounds."
    saved = duration((exact["p50_us"] - best["p50_us"]) / 1e6)
    return (
        f"{said}; {best['index']} would save {saved} a query and pay back its build of "
        f"{duration(best['build_s'])} after {best['break_even']:,.0f} queries."
    )


def _reach(choice: Selection, row: "pd.Series") -> tuple[Literal["sure", "probable", "refuted"], str]:
    """How sure the recall is, by the half of the queries on which nothing was chosen."""
    target, found = choice.asked[0].limit, stated(row)
    if row["family"] == "flat":
        return "sure", f"It reaches {target:.4g}: it is exact by construction."
    if np.isnan(found.mean):
        return (
            "probable",
            f"Whether it reaches {target:.4g} cannot be said: there are too few queries to state a recall.",
        )
    other = f"on the half of the queries that had no part in the choice its recall@{choice.result.k} is {found}"
    if found.low >= target:
        return "sure", f"It reaches {target:.4g} (95 % interval above it): {other}."
    if found.high >= target:
        return "probable", f"It probably reaches {target:.4g}: {other}, and the interval holds the target."
    return "refuted", f"It does not reach {target:.4g} there: {other}. Ask for a higher recall to be on the safe side."


def _once(choice: Selection) -> str:
    """What the latencies lack, before the rounds."""
    return "" if choice.in_rounds else "The sweep has not ended: its points were timed once, not in the rounds."


def _against(choice: Selection, row: "pd.Series", runner_up: "pd.Series") -> str:
    """Whether the runner-up is really slower, and whether it finds more, query by query."""
    ours, theirs = (choice.result.recalls(str(point["point"]))[1::2] for point in (row, runner_up))
    ratio = runner_up["p50_us"] / row["p50_us"]
    if row["p50_high_us"] < runner_up["p50_low_us"]:
        speed = f"{ratio:.3g} times as fast as the runner-up, beyond the spread of the rounds"
    elif runner_up["p50_high_us"] < row["p50_low_us"]:
        speed = f"{1 / ratio:.3g} times as slow as the runner-up, beyond the spread of the rounds"
    else:
        speed = "as fast as the runner-up to within the spread of the rounds"
    if not len(ours):
        return f"It is {speed}."
    gain = mean_interval(ours - theirs)
    finds = "finds as many" if gain.low <= 0 <= gain.high else "finds more" if gain.low > 0 else "finds fewer"
    return f"It is {speed}, and {finds}: {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] of recall by query."


def _numbers(choice: Selection, row: "pd.Series") -> str:
    """A point's numbers in a clause."""
    return (
        f"recall@{choice.result.k} {recall_said(row)}, p50 {pace(row)} and p99 {duration(row['p99_us'] / 1e6)} of one "
        f"query on one thread, {size(row['memory_bytes'])}, built in {duration(row['build_s'])}"
    )


def _day(choice: Selection, row: "pd.Series", daily: pd.DataFrame) -> str:
    """The day in sentences: what it costs, and when a build that is kept has paid for itself."""
    costs = [f"{duration(total)} with {name}" for name, total in zip(daily["index"], daily["total_s"], strict=True)]
    said = [
        f"A day of {choice.queries_per_day:,.0f} queries, one after another, and one build takes {', '.join(costs)}."
    ]
    fastest = choice.points[choice.fits].nsmallest(1, "p50_us").iloc[0]
    days = daily["break_even_days"].iloc[0]
    if row["family"] != "flat" and np.isfinite(days):
        said.append(f"Its build is paid back after {days:,.3g} days.")
    if fastest["point"] != row["point"]:
        days = fastest["break_even"] / (choice.queries_per_day or 1)
        back = f", paid back after {days:,.3g} days" if np.isfinite(days) else ""
        said.append(f"Built once and kept, {fastest['index']} is the fastest that fits, at {pace(fastest)}{back}.")
    return " ".join(said)


def _limits(choice: Selection, binding: tuple[str, ...], relaxing: pd.DataFrame) -> list[str]:
    """What binds, and what each loosened limit buys, in sentences."""
    bound = [f"the {constraint}" for constraint in choice.asked if constraint.name in binding]
    said = [f"Faster ones are kept out by {' and by '.join(bound)}."] if bound else []
    for name, to, buys in zip(relaxing["constraint"], relaxing["to"], relaxing["buys"], strict=True):
        if np.isfinite(to):
            said.append(f"A {Constraint(name, to)} would buy {buys}.")
    return said


def _joined(sentences: list[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _plain(values: Any) -> Any:
    """Numbers of the standard library, None for what is not finite."""
    if isinstance(values, dict):
        return {str(name): _plain(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_plain(value) for value in values]
    if isinstance(values, (np.integer, np.floating)):
        values = values.item()
    return None if isinstance(values, float) and not np.isfinite(values) else values
