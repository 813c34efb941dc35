"""A sweep under a person's hands: its front, constraints that move the recommendation, what a point fails and why."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import ann, callbacks
from workbench.ann import SweepResult
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus
from workbench.view.figures import miss_causes, sweep_front
from workbench.view.figures.sweep import FAMILY_LOOKS, sweep_marks
from workbench.view.figures.sweep_axes import COSTS
from workbench.view.read_out import alert, status
from workbench.view.sweep_details import Names, causes, causes_beside, code, failures, front_against, measures
from workbench.view.sweep_files import save

__all__ = ["SweepBench"]

_ANY = math.inf
_WIDTH, _SIDE, _HEIGHT = 680, 364, 510  # pixels: the figure, what stands beside it, and how tall both are
_CAUSES = 228  # pixels of the figure of causes, which stands above what is said of them
_PAUSE = 0.4  # seconds at least between two paintings of a sweep that still runs ...
_SHARE = 10  # ... and so many times as long as the last one took: a tenth of the time at most
_RECALLS = (0.8, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999)
_A_DAY = (0, *(digit * 10**zeros for zeros in range(3, 9) for digit in (1, 3)))
_SIGNS = {
    "flat": "♦", "hnsw": "●", "ivf": "■", "pq": "▲", "ivfpq": "◆", "sq": "⬟", "hnswlib": "⊗", "opq": "⬢", "ivfsq": "⊞",
    "hnswsq": "⊕", "binary": "▼", "rabitq": "★", "qdrant": "✦",
}  # fmt: skip
# What differs between two figures. All traces are given all of it: what a batch_update gives to some of its traces, the
# others lose in a view that is opened later.
_TRACE = (
    "x", "y", "showlegend", "customdata", "text", "line.shape", "marker.size", "marker.symbol", "marker.opacity",
    *(f"{bars}.{part}" for bars in ("error_x", "error_y") for part in ("visible", "array", "arrayminus")),
)  # fmt: skip
_BARS = ("x", "y", "text", "showlegend")  # what differs between two figures of causes
_NO_CAUSES = pd.DataFrame({"search": [""], "cause": ["tie"], "share": [0.0]})
_LISTED = ["front", "recall", "p50_us", "timed", "index"]
_LIMITS = {"p99_us": ("p99_ms", 1000.0), "memory_bytes": ("memory", 1e6), "build_s": ("build_s", 1.0)}


class SweepBench(KeyedBox):
    """The front of a sweep, with axes, families and constraints to choose, and of a point its measures, what it fails,
    why, beside other settings of the same build, and its code.

    A click on a point chooses it; so does the list beside the figure, by keyboard. Without a result it waits for one:
    ``ann.sweep(..., watch=bench.watch)`` lets the points appear as they are measured.

    Parameters
    ----------
    result
        Of a sweep, finished or not; None to watch one.
    texts
        What the searched rows are called: a text for each of them, or for each of the vectors that were given to the
        sweep, those held out as queries among them.
    queries
        What the queries are called.
    recall
        The target to begin with: 0.8, 0.9, 0.95, 0.97, 0.99, 0.995 or 0.999.

    Attributes
    ----------
    result
        What is shown; None before there is any.
    advice
        The recommendation under the constraints, as :func:`ann.advise` gives it; None while a sweep runs.
    figure
        The plotly figure.
    causes
        The plotly figure of why the chosen point, and other settings of its build, miss what they miss.
    against, families, constraints, points, detail
        The controls: the axis of cost, a box for each family, a slider for each constraint, the list of points, and
        what is said of the chosen one.

    Raises
    ------
    InputError
        Texts that are not those of the rows, or a target that the slider does not have.
    """

    def __init__(
        self,
        result: SweepResult | None = None,
        *,
        texts: Corpus | Sequence[str] | None = None,
        queries: Corpus | Sequence[str] | None = None,
        recall: float = 0.95,
    ) -> None:
        if recall not in _RECALLS:
            raise InputError(f"there is no step {recall!r}", f"Steps are {', '.join(map(str, _RECALLS))}.")
        self.result: SweepResult | None = None
        self.advice: ann.Advice | None = None
        self._names, self._running, self._due, self._quiet = Names.of(texts, queries), False, 0.0, False
        # JupyterLab hands a person's clicks over on a thread of its own, also while a sweep runs in a cell.
        self._turn = threading.RLock()
        layout = ipywidgets.Layout
        self.against = ipywidgets.Dropdown(
            options=[(cost.short, name) for name, cost in COSTS.items()], description="recall against",
            layout=layout(width="260px"), style={"description_width": "96px"},
        )  # fmt: skip
        self.families: dict[str, ipywidgets.Checkbox] = {
            family: ipywidgets.Checkbox(
                value=True, indent=False, description_allow_html=True, tooltip=f"show or hide {name}",
                description=f'<span style="color: {color}">{_SIGNS[family]}</span> {escape(name)}',
                layout=layout(width="auto", display="none", margin="2px 12px 2px 4px"),
            )
            for family, (name, color, _) in FAMILY_LOOKS.items()
        }  # fmt: skip
        self.constraints: dict[str, ipywidgets.SelectionSlider] = {
            "recall": _slider("recall ≥", [(f"{one:g}", one) for one in _RECALLS], recall),
            "p99_ms": _slider("p99 ≤, ms", [("any", _ANY)], _ANY),
            "memory": _slider("memory ≤, MB", [("any", _ANY)], _ANY),
            "build_s": _slider("build ≤, s", [("any", _ANY)], _ANY),
            "queries_per_day": _slider("queries a day", [(f"{n:,}" if n else "not said", n) for n in _A_DAY], 0),
        }
        self.points = ipywidgets.Select(options=[], rows=8, layout=layout(width=f"{_SIDE}px", height="150px"))
        self.detail = ipywidgets.ToggleButtons(
            options=["measures", "fails", "causes", "code"],
            style={"button_width": "86px"},
            layout=layout(height="36px"),
        )
        self._panel = ipywidgets.HTML(
            layout=layout(width=f"{_SIDE}px", height=f"{_HEIGHT - 200}px", overflow="hidden auto")
        )
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="112px", overflow="hidden auto"))
        self._caption = ipywidgets.HTML(layout=layout(flex="1 1 auto", min_width="0"))
        self.exports = {
            suffix: ipywidgets.Button(
                description=name, layout=layout(width="76px"),
                tooltip=f"write it into the sweep's folder as sweep{suffix}",
            )
            for suffix, name in ((".parquet", "Parquet"), (".csv", "CSV"), (".png", "PNG"), (".html", "HTML"))
        }  # fmt: skip
        self.figure, self.causes = self._empty(), go.FigureWidget(_causes(_NO_CAUSES, 10))
        self._drawing = ipywidgets.Box([self.causes], layout=layout(display="none", height=f"{_CAUSES}px"))
        wrap = layout(flex_flow="row wrap", align_items="center")
        side = ipywidgets.VBox(
            [self.points, self.detail, self._drawing, self._panel], layout=layout(width=f"{_SIDE + 8}px")
        )
        super().__init__(
            [
                ipywidgets.HBox([self.against, *self.families.values()], layout=wrap),
                ipywidgets.HBox(list(self.constraints.values()), layout=wrap),
                ipywidgets.HBox([self.figure, side], layout=layout(height=f"{_HEIGHT + 6}px")),
                self._status,
                ipywidgets.HBox([self._caption, *self.exports.values()], layout=layout(align_items="center")),
            ],
            layout=layout(width=f"{_WIDTH + _SIDE + 16}px"),
        )
        self.add_class("wb-sweep-bench")
        self._drawing.add_class("wb-sweep-causes")
        self.against.observe(self._redrawn, "value")
        for box in self.families.values():
            box.observe(self._redrawn, "value")
        for slider in self.constraints.values():
            slider.observe(self._constrained, "value")
        self.points.observe(self._chosen, "value")
        self.detail.observe(self._chosen, "value")
        for suffix, button in self.exports.items():
            button.on_click(lambda _, suffix=suffix: self._export(suffix))
        for trace in self.figure.data:
            trace.on_click(self._clicked)
        if result is None:
            self._say("Waiting for the first point.")
        else:
            self.show(result)

    def show(self, result: SweepResult) -> None:
        """Show a result in place of what is shown now; the controls keep what they say."""
        self._names.check(result)
        with self._turn:
            self.result, self._running = result, False
            self._refresh()

    def watch(self, result: SweepResult) -> None:
        """Show what a running sweep has measured so far; at most a few times a second, and always when it has ended."""
        now, finished = time.monotonic(), bool(result.manifest["finished"])
        if not finished and now < self._due:
            return
        with self._turn, callbacks.guard("watch a sweep", self._show_error):
            self._names.check(result)
            self.result, self._running = result, not finished
            if len(result.points):
                self._refresh()
        painted = time.monotonic()
        self._due = painted + max(_PAUSE, _SHARE * (painted - now))

    def save(self, path: str | Path) -> Path:
        """Write the points (``.parquet``, ``.csv``), the figure as it is shown (``.png``) or the report (``.html``).

        Raises
        ------
        InputError
            There is no result yet, another suffix, or no kaleido to draw a picture with.
        StorageError
            The file cannot be written.
        """
        if self.result is None:
            raise InputError("there is no result to write", "Run a sweep with watch=bench.watch, or call bench.show.")
        advice = self.advice or ann.advise(self.result, recall=self.constraints["recall"].value)
        return save(self.result, Path(path), advice=advice, figure=self._drawn())

    # What is drawn

    def _shown_points(self) -> pd.DataFrame:
        """The points, with the front against the axis that is chosen, among the families that are shown."""
        assert self.result is not None
        points, x = self.result.points, self.against.value
        seen = points["family"].isin([family for family, box in self.families.items() if box.value])
        return points.assign(front=front_against(points[seen], x).reindex(points.index, fill_value=False))

    def _settings(self) -> dict[str, Any]:
        """What the figure shows, as :func:`sweep_front` takes it."""
        named, unit = _LIMITS.get(self.against.value, ("", 1.0))
        limit = self.constraints[named].value if named else _ANY
        chosen = self.advice.recommended if self.advice is not None else None
        return {
            "x": self.against.value, "target": self.constraints["recall"].value,
            "families": [family for family, box in self.families.items() if box.value],
            "limit": None if limit == _ANY else limit * unit,
            "recommended": "" if chosen is None else str(chosen["point"]), "chosen": self.points.value or "",
        }  # fmt: skip

    def _drawn(self) -> go.Figure:
        assert self.result is not None
        figure = sweep_front(self._shown_points(), k=self.result.k, **self._settings())
        return figure.update_layout(width=_WIDTH, height=_HEIGHT, margin={"t": 52, "r": 12})

    def _empty(self) -> go.FigureWidget:
        """The figure before there is a point: all traces, all of them empty."""
        nothing = pd.DataFrame(math.nan, index=[0], columns=list(ann.COLUMNS))
        nothing = nothing.assign(point="", family="", index="", front=False, timed=0, rounds=0, recall=0.9)
        figure = sweep_front(nothing, families=[]).update_layout(width=_WIDTH, height=_HEIGHT)
        return go.FigureWidget(figure.update_layout(margin={"t": 52, "r": 12}))

    def _paint(self) -> None:
        """Change the figure that is on the page into the one that is due."""
        fresh = self._drawn()
        self.figure.plotly_restyle({part: [_listed(trace[part]) for trace in fresh.data] for part in _TRACE})
        with self.figure.batch_update():
            for axis in ("xaxis", "yaxis"):
                for part in ("range", "tickvals", "ticktext", "title.text"):
                    self.figure.layout[axis][part] = fresh.layout[axis][part]
            self.figure.layout.shapes, self.figure.layout.annotations = fresh.layout.shapes, fresh.layout.annotations

    def _mark(self) -> None:
        """Move the rings and the shading alone, which is all that a constraint or a choice changes."""
        assert self.result is not None
        marks, last = sweep_marks(self.result.points, **self._settings()), len(self.figure.data)
        self.figure.plotly_restyle(
            {name: [ring[name] for ring in marks.rings] for name in marks.rings[0]}, [last - 2, last - 1]
        )
        self.figure.layout.shapes = marks.shapes

    def _refresh(self) -> None:
        """All of it, for a result that is new."""
        assert self.result is not None
        points = self.result.points
        for family, box in self.families.items():
            box.layout.display = None if (points["family"] == family).any() else "none"
        self._offer("p99_ms", points["p99_us"] / 1000)
        self._offer("memory", points["memory_bytes"] / 1e6)
        self._offer("build_s", points["build_s"])
        self._list()
        self._advise()
        self._paint()
        self._tell()
        self._count()

    def _offer(self, name: str, values: "pd.Series[float]") -> None:
        """The steps of a constraint: 1, 2, 5 of each decade that the points reach into, and any."""
        known = values[np.isfinite(values) & (values > 0)]
        if known.empty:
            return
        low, high = math.floor(math.log10(known.min())), math.ceil(math.log10(known.max()))
        steps = [digit * 10.0**zeros for zeros in range(low, high + 1) for digit in (1, 2, 5)]
        kept = [step for step in steps if known.min() <= step < 2.5 * known.max()]
        options, slider = [*((f"{step:,.10g}", step) for step in kept), ("any", _ANY)], self.constraints[name]
        if tuple(options) != tuple(slider.options):
            before = slider.value
            with self._silent():
                slider.options = options
                slider.value = min((value for _, value in options), key=lambda value: _apart(value, before))

    def _list(self) -> None:
        """The points of the families that are shown, those on the front first, by recall."""
        rows = self._shown_points().sort_values(["front", "recall", "p50_us"], ascending=[False, False, True])
        rows = rows[[bool(self.families[family].value) for family in rows["family"]]]
        said = [
            f"{'★ ' if front else ''}{recall:.4f} · {f'{p50:,.0f} µs' if timed else 'not timed'} · {shorten(index, 36)}"
            for front, recall, p50, timed, index in rows[_LISTED].itertuples(index=False)
        ]
        options, before = list(zip(said, rows["point"], strict=True)), self.points.value
        with self._silent():
            self.points.options = options
            self.points.value = before if before in set(rows["point"]) else None

    @contextmanager
    def _silent(self) -> Iterator[None]:
        """Controls are set by the program, which is no choice of a person."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _advise(self) -> None:
        """The recommendation that is due, set at once: another thread may be reading it."""
        assert self.result is not None
        if self._running or not (self.result.points["timed"] > 0).any():
            self.advice = None
            return
        asked = {name: slider.value for name, slider in self.constraints.items()}
        self.advice = ann.advise(
            self.result, recall=asked["recall"],
            p99_ms=None if asked["p99_ms"] == _ANY else asked["p99_ms"],
            memory=None if asked["memory"] == _ANY else int(1e6 * asked["memory"]),
            build_s=None if asked["build_s"] == _ANY else asked["build_s"],
            queries_per_day=asked["queries_per_day"] or None,
        )  # fmt: skip

    # What is said

    def _tell(self) -> None:
        """The recommendation, and what is known of the chosen point, or of the recommended one where none is chosen."""
        assert self.result is not None
        if self.advice is None:
            self._say("The recommendation comes with the end of the sweep." if self._running else "No point is timed.")
        else:
            first, _, rest = str(self.advice.text).partition(": ")
            self._status.value = status(f"<b>{escape(first)}</b>: {escape(rest)}{self._outside()}")
        best = None if self.advice is None else self.advice.recommended
        name = self.points.value or ("" if best is None else str(best["point"]))
        if not name:
            self._panel.value = status("Click a point, or choose one in the list.")
            return
        row = self.result.point(name)
        self._draw_causes(name)
        if self.detail.value == "measures":
            said = measures(row, self.result.k)
        elif self.detail.value == "fails":
            said = failures(self.result, name, self._names)
        elif self.detail.value == "causes":
            said = causes(self.result, name)
        else:
            spec = ann.IndexSpec.parse(str(row["index"]))
            said = code(str(row["index"]), ann.snippet(spec, self.result.metric, self.result.d, self.result.k))
        self._panel.value = f'<div class="wb-sweep-detail" style="line-height: 1.45">{said}</div>'

    def _draw_causes(self, point: str) -> None:
        """The figure of causes, where they are asked for and known."""
        assert self.result is not None
        table = causes_beside(self.result, point) if self.detail.value == "causes" else pd.DataFrame()
        shown = not table.empty
        if shown:
            fresh = _causes(table, self.result.k)
            self.causes.plotly_restyle({part: [_listed(trace[part]) for trace in fresh.data] for part in _BARS})
            with self.causes.batch_update():
                for axis, parts in (("xaxis", ("range", "title.text")), ("yaxis", ("range", "tickvals", "ticktext"))):
                    for part in parts:
                        self.causes.layout[axis][part] = fresh.layout[axis][part]
        self._drawing.layout.display = None if shown else "none"
        self._panel.layout.height = f"{_HEIGHT - 200 - (_CAUSES if shown else 0)}px"

    def _outside(self) -> str:
        """Why the recommended point stands below the line of the target, where it does."""
        best, target = None if self.advice is None else self.advice.recommended, self.constraints["recall"].value
        if best is None or best["recall"] >= target:
            return ""
        return (
            f" (Chosen on the even queries, where its recall is {best['recall_tuned']:.4f}; on all queries it is "
            f"{best['recall']:.4f}, below the line.)"
        )

    def _count(self) -> None:
        """How far the sweep is: points measured and timed, and what was not tested."""
        assert self.result is not None
        timed = int((self.result.points["timed"] > 0).sum())
        state = "still running" if self._running else f"{self.result.manifest['seconds']:,.0f} s"
        self._caption.value = status(
            f"{len(self.result.points):,} points measured, {timed:,} timed, {len(self.result.untested):,} builds or "
            f"settings not tested; {state}"
        )

    def _say(self, text: str) -> None:
        self._status.value = status(escape(text))

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    # What a person does

    def _redrawn(self, change: Any) -> None:
        if self.result is not None:
            with self._turn, callbacks.guard("choose what is drawn", self._show_error):
                self._list()
                self._paint()
                self._tell()

    def _constrained(self, change: Any) -> None:
        if self.result is not None and not self._quiet:
            with self._turn, callbacks.guard("move a constraint", self._show_error):
                self._advise()
                self._mark()
                self._tell()

    def _chosen(self, change: Any) -> None:
        if self.result is not None and not self._quiet:
            with self._turn, callbacks.guard("choose a point", self._show_error):
                self._mark()
                self._tell()

    def _clicked(self, trace: Any, points: Any, state: Any) -> None:
        with self._turn, callbacks.guard("click a point", self._show_error):
            if trace.customdata is not None and points.point_inds:
                self.points.value = str(trace.customdata[points.point_inds[0]])

    def _export(self, suffix: str) -> None:
        with self._turn, callbacks.guard("write a file", self._show_error):
            if self.result is None:
                raise InputError("there is no result to write", "Run a sweep first.")
            written = self.save(self.result.folder / f"sweep{suffix}")
            self._caption.value = status(f"Written: {escape(written)}")


def _causes(table: pd.DataFrame, k: int) -> go.Figure:
    """The figure of causes for its place beside the front."""
    return miss_causes(table, k=k, height=_CAUSES).update_layout(width=_SIDE)


def _slider(name: str, options: list[tuple[str, float]], value: float) -> ipywidgets.SelectionSlider:
    return ipywidgets.SelectionSlider(
        options=options, value=value, description=name, layout=ipywidgets.Layout(width="340px"),
        style={"description_width": "104px"},
    )  # fmt: skip


def _apart(value: float, before: float) -> float:
    """How far a step is from the one that was set: on the scale of the slider."""
    if math.isinf(value) or math.isinf(before):
        return 0.0 if value == before else math.inf
    return abs(math.log(value / before))


def _listed(value: Any) -> Any:
    """A value as plotly keeps it inside a figure: what it hands out as a tuple is a list there."""
    return list(value) if isinstance(value, tuple) else value
