"""One point of a sweep as HTML: its measures, the queries it fails, its code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.ann import CAUSE_LABELS, IndexSpec, SweepResult, pareto
from workbench.errors import InputError
from workbench.markup import escape, shorten
from workbench.records import Corpus
from workbench.view.figures.sweep_axes import COSTS
from workbench.view.read_out import QUIET

__all__ = [
    "Names",
    "cause_shares",
    "causes",
    "causes_beside",
    "code",
    "failing",
    "failures",
    "front_against",
    "measures",
]

_SHOWN = 40  # failing queries in the list
_TEXT = 110  # characters of a text
_BARS = 6  # settings of a build whose causes are drawn
_MISSED = 3  # missed neighbours of a query in the list
_CELL = "padding: 2px 10px 2px 0; vertical-align: top; line-height: 1.45"


@dataclass(frozen=True, eq=False)
class Names:
    """What rows and queries are called: their texts where there are any, else their numbers.

    Parameters
    ----------
    texts
        A text for each searched row, or for each of the rows that were given, held-out queries among them.
    queries
        A text for each query.
    """

    texts: Sequence[str] | None = None
    queries: Sequence[str] | None = None

    @classmethod
    def of(cls, texts: Corpus | Sequence[str] | None, queries: Corpus | Sequence[str] | None) -> "Names":
        """Names from corpora or texts."""
        plain = [part.texts if isinstance(part, Corpus) else part for part in (texts, queries)]
        return cls(*plain)

    def check(self, result: SweepResult) -> None:
        """Refuse names that are not those of the result's rows, with an InputError."""
        q, held = len(result.truth), 0 if result.query_rows is None else len(result.query_rows)
        if self.texts is not None and len(self.texts) not in (result.n, result.n + held):
            raise InputError(
                f"{len(self.texts):,} texts for {result.n:,} searched rows", "Give one for each, in their order."
            )
        if self.queries is not None and len(self.queries) != q:
            raise InputError(f"{len(self.queries):,} query texts for {q:,} queries", "Give one for each.")

    def row(self, result: SweepResult, row: int) -> str:
        """What a searched row is called."""
        if self.texts is None:
            return f"row {row:,}"
        return shorten(self.texts[self._given(result, row)], _TEXT)

    def query(self, result: SweepResult, query: int) -> str:
        """What a query is called."""
        if self.queries is not None:
            return shorten(self.queries[query], _TEXT)
        if result.query_rows is None:
            return f"query {query:,}"
        row = int(result.query_rows[query])
        if self.texts is not None and len(self.texts) > result.n:
            return shorten(self.texts[row], _TEXT)
        return f"query {query:,}, row {row:,} of what was given"

    def _given(self, result: SweepResult, row: int) -> int:
        """The row among all that were given: held-out queries leave gaps among the searched ones."""
        if self.texts is None or result.query_rows is None or len(self.texts) == result.n:
            return row
        return int(result.searched_rows[row])


def front_against(points: pd.DataFrame, x: str) -> "pd.Series[bool]":
    """Which points are on the front of recall against a cost of ``COSTS``; times compete within equal rounds alone."""
    cost = -points[x] if COSTS[x].more_is_better else points[x]
    if x.endswith("_us"):
        cost = cost.where(points["rounds"] == points["rounds"].max())
    return pd.Series(pareto(points["recall"], cost), index=points.index, dtype=bool)


def failing(result: SweepResult, point: str) -> pd.DataFrame:
    """The queries that a point does not answer in full, the worst first.

    Returns
    -------
    DataFrame
        ``query`` (number from 0), ``recall``, and ``missed``: the places, from 1, and the rows of the true neighbours
        that are not among its answers. A query whose every miss is a tie with what was answered instead fails nothing.
    """
    recalls, answers, truth = result.recalls(point), result.answers(point), result.truth.ids
    worst = np.flatnonzero(recalls < 1)
    worst = worst[np.argsort(recalls[worst], kind="stable")]
    missed = [[(place + 1, int(row)) for place, row in enumerate(truth[q]) if row not in answers[q]] for q in worst]
    return pd.DataFrame({"query": worst, "recall": recalls[worst], "missed": missed})


def cause_shares(result: SweepResult, points: pd.DataFrame, *, settings: bool = False) -> pd.DataFrame:
    """The table that ``figures.miss_causes`` draws, of those points whose misses are kept.

    Parameters
    ----------
    points
        Rows of ``result.points``, bars from the top.
    settings
        Call a bar by its search settings alone, instead of by its whole specification.
    """
    lines: list[tuple[str, str, float]] = []
    for point, index in zip(points["point"], points["index"], strict=True):
        kept = result.misses(point, needs=False)
        if kept is not None:
            spec = IndexSpec.parse(index)
            name = " ".join(f"{name}={value}" for name, value in spec.search) if settings else index
            lines += [(name or index, cause, share) for cause, share in kept.shares.items()]
    return pd.DataFrame(lines, columns=["search", "cause", "share"])


def causes_beside(result: SweepResult, point: str) -> pd.DataFrame:
    """The causes of a point among those of the same build, its nearest by recall, the least recall at the top."""
    row = result.point(point)
    build = result.points[result.points["build"] == row["build"]]
    apart = (build["recall"] - row["recall"]).abs().sort_values(kind="stable").index[:_BARS]
    table = cause_shares(result, build.loc[apart].sort_values("recall"), settings=True)
    own = " ".join(f"{name}={value}" for name, value in IndexSpec.parse(row["index"]).search) if len(table) else ""
    return table.assign(search=table["search"].replace(own, f"▸ {own}"))


def causes(result: SweepResult, point: str) -> str:
    """What to turn next, as HTML."""
    kept = result.misses(point)
    said = "What it missed is not known: Qdrant does not show it, and older sweeps did not keep it."
    return f"{_heading(result.point(point)['index'])}<div>{escape(said if kept is None else kept.advice)}</div>"


def measures(row: "pd.Series", k: int) -> str:
    """A point's specification and what was measured of it, as an HTML table."""
    timed = int(row["timed"])
    lines = [
        (f"recall@{k}", f"{row['recall']:.4f} [{row['recall_low']:.4f}, {row['recall_high']:.4f}]"),
        ("recall@1", f"{row['recall_at_1']:.4f} [{row['recall_at_1_low']:.4f}, {row['recall_at_1_high']:.4f}]"),
        ("worst tenth", f"{row['worst_decile']:.3f}"),
        ("p50", f"{row['p50_us']:,.0f} µs (rounds {row['p50_low_us']:,.0f} to {row['p50_high_us']:,.0f})"),
        ("p95, p99", f"{row['p95_us']:,.0f} µs, {row['p99_us']:,.0f} µs"),
        ("timed", f"{timed:,} queries one by one, {row['rounds']:,.0f} rounds"),
        ("against Flat", f"{row['speedup']:,.1f} times as fast"),
        ("break-even", f"{row['break_even']:,.0f} queries" if np.isfinite(row["break_even"]) else "never pays"),
        ("batch, all threads", f"{row['qps']:,.0f} queries a second"),
        ("distances a query", f"{row['distances']:,.0f}"),
        ("memory by formula", f"{row['memory_bytes'] / 1e6:,.1f} MB"),
        ("file, resident", f"{row['serialized_bytes'] / 1e6:,.1f} MB, {row['resident_bytes'] / 1e6:,.1f} MB"),
        ("build", f"{row['build_s']:,.2f} s: training {row['train_s']:,.2f}, adding {row['add_s']:,.2f}"),
    ]
    known = [(name, said) for name, said in lines if "nan" not in said]
    if not timed:
        known = [(name, said) for name, said in known if name not in ("timed", "against Flat", "break-even")]
        known.insert(3, ("latency", "not timed: it lies far behind the front"))
    body = "".join(
        f'<tr><td style="{_CELL}; {QUIET}; white-space: nowrap">{escape(name)}</td>'
        f'<td style="{_CELL}; font-variant-numeric: tabular-nums">{escape(said)}</td></tr>'
        for name, said in known
    )
    return f'{_heading(row["index"])}<table style="border-collapse: collapse">{body}</table>'


def failures(result: SweepResult, point: str, names: Names) -> str:
    """The queries that a point fails, as an HTML list: each with its recall, the true neighbours it missed, and why."""
    table, kept = failing(result, point), result.misses(point, needs=False)
    each = None if kept is None else kept.each
    why = {} if each is None else dict(zip(zip(each["query"], each["row"], strict=True), each["cause"], strict=True))
    said = f"{len(table):,} of {len(result.truth):,} queries miss a true neighbour"
    rest = f"; the worst {_SHOWN} are listed" if len(table) > _SHOWN else ""
    entries: list[str] = []
    for query, recall, missed in zip(table["query"], table["recall"], table["missed"], strict=True):
        if len(entries) == _SHOWN:
            break
        lines = [
            (f"{_ordinal(place)}: {names.row(result, row)}", CAUSE_LABELS.get(why.get((query, row), ""), ""))
            for place, row in missed[:_MISSED]
        ]
        more = f"<div>and {len(missed) - _MISSED:,} more</div>" if len(missed) > _MISSED else ""
        entries.append(
            '<li style="margin: 0 0 8px" dir="auto">'
            f"<b>{recall:.2f}</b> {escape(names.query(result, int(query)))}"
            f'<div style="{QUIET}; padding-left: 12px">missed '
            + "".join(f'<div dir="auto">{escape(line)}</div>{_reason(cause)}' for line, cause in lines)
            + f"{more}</div></li>"
        )
    items = f'<ol style="list-style: none; margin: 6px 0 0; padding: 0">{"".join(entries)}</ol>'
    return f"{_heading(result.point(point)['index'])}<div>{escape(said + rest)}</div>{items}"


def code(index: str, text: str) -> str:
    """Code as HTML, to be copied."""
    style = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; line-height: 1.45; margin: 0"
    return f'{_heading(index)}<pre style="{style}">{escape(text)}</pre>'


def _heading(index: str) -> str:
    return f'<div dir="auto" style="font-weight: 600; margin: 0 0 4px; overflow-wrap: anywhere">{escape(index)}</div>'


def _reason(cause: str) -> str:
    return f'<div style="padding-left: 12px; font-style: italic">{escape(cause)}</div>' if cause else ""


def _ordinal(place: int) -> str:
    ending = "th" if 10 <= place % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"
