"""A search of a graph under a person's hands: step by step on the map, with all that it knows beside it."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from workbench import callbacks, geometry
from workbench.ann import Index, Walk, Walker, recall
from workbench.ann.inspection import WalkState
from workbench.errors import InputError, VectorError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import IntArray, Neighbours
from workbench.view.figures.walks import walk_distances
from workbench.view.read_out import QUIET, alert, status
from workbench.view.scatter import MapView

__all__ = ["WalkView"]

_SIDE = 372  # pixels of the lists beside the map
_LINE, _WIDE = 250, 1040  # pixels: height and width of the line of distances
_LISTED = {"candidates": 8, "results": 10}  # rows of each list
_TEXT, _READ = 40, 64  # characters of a text in a list, and in the read-out
_MEANS = {
    "scanned": "others touched",
    "missing": "true, not reached",
    "false": "expanded now",
    "true": "true, reached",
    "kept": "nearest known",
    "hit": "new in this step",
    "query": "the query",
}
_NOTE = (
    "The walk happens in all {d:,} dimensions. The map is only a picture of them, on which a short step may be a long "
    "line. The distances above are those of the walk."
)
_LADDER = (10, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 384, 512)
_ICONS = {"first": "fast-backward", "back": "step-backward", "forward": "step-forward", "last": "fast-forward"}
_TIPS = {"first": "to the entry", "back": "a step back", "forward": "a step forward", "last": "to the end of the walk"}


class WalkView(KeyedBox):
    """The search of an HNSW graph on a map, a node expanded at each step; slider and buttons go forward and back.

    The arrow keys move the slider too, and a click on the line of distances goes to that step. The walk is that of the
    library, step for step, as :meth:`workbench.ann.Walker.walk` follows it.

    Parameters
    ----------
    coordinates
        ``(n, 2)``: where the index's vectors are on the map.
    index
        An index with a graph that can be read, such as ``"HNSW16"`` or ``"hnswlib"``.
    queries
        ``(q, d)`` numbers, which are no rows of the index.
    query_coordinates
        ``(q, 2)``: where the queries would be on the map; None draws none.
    k
        Neighbours asked for.
    ef
        To begin with, a step of the slider: efSearch, or hnswlib's ef.
    texts, query_texts
        What the vectors and the queries are called, ``n`` and ``q`` texts.
    height
        Height of the map in pixels.

    Attributes
    ----------
    map
        The :class:`MapView`; with coordinates of queries, its last point is the query.
    figure
        The plotly figure of the distances, step by step.
    query, ef, step, buttons
        The controls: the list of queries, the sliders, and the buttons by name: first, back, forward, last.
    walk
        The search that is shown, as data.
    recall
        Share of the true neighbours that it found, ties handled.

    Raises
    ------
    InputError
        The index has no graph that can be read, a number of texts that does not fit, or an ef without a step.
    VectorError
        Queries of another dimension, or coordinates that are not finite.
    """

    def __init__(
        self,
        coordinates: ArrayLike,
        index: Index,
        queries: ArrayLike,
        query_coordinates: ArrayLike | None = None,
        *,
        k: int = 10,
        ef: int = 64,
        texts: Sequence[str] | None = None,
        query_texts: Sequence[str] | None = None,
        height: int = 440,
    ) -> None:
        self._walker, self._index, self._k = Walker(index), index, k
        self._queries = index.database.prepare(queries)
        self._points = np.asarray(coordinates, dtype=np.float64)
        self._asked = None if query_coordinates is None else np.asarray(query_coordinates, dtype=np.float64)
        for what, there, names, wanted in (
            ("vectors", self._points, texts, index.n),
            ("queries", self._asked, query_texts, len(self._queries)),
        ):
            if there is not None and there.shape != (wanted, 2):
                raise VectorError(f"coordinates of shape {there.shape} for {wanted:,} {what}", f"Pass ({wanted}, 2).")
            if names is not None and len(names) != wanted:
                raise InputError(f"{len(names):,} texts for {wanted:,} {what}", "Give one text for each.")
        steps = [step for step in _LADDER if step >= k]
        if ef not in steps:
            raise InputError(f"there is no step {ef!r}", f"Steps for k={k} are {', '.join(map(str, steps))}.")
        self._texts = texts
        self._titles = [f"query {q}" for q in range(len(self._queries))] if query_texts is None else list(query_texts)
        self._truth = geometry.exact_neighbours(self._queries, index.database.array, k, index.metric)
        self._to_distance, axis = _reading(index)
        self._setting, self._quiet = index.spec.search_names[0], False
        layout, narrow = ipywidgets.Layout, {"description_width": "64px"}
        self.query = ipywidgets.Dropdown(
            options=[(shorten(title, 90), q) for q, title in enumerate(self._titles)], description="query",
            layout=layout(width="620px", display="none" if len(self._titles) == 1 else None), style=narrow,
        )  # fmt: skip
        self.ef = ipywidgets.SelectionSlider(
            options=[(f"{step:,}", step) for step in steps], value=ef, description=self._setting,
            layout=layout(width="380px"), style=narrow,
        )  # fmt: skip
        self.step = ipywidgets.IntSlider(
            value=0, min=0, max=1, description="step", layout=layout(width="620px"), style=narrow
        )
        self.buttons = {
            name: ipywidgets.Button(description=name, icon=icon, tooltip=_TIPS[name], layout=layout(width="92px"))
            for name, icon in _ICONS.items()
        }
        points = self._points if self._asked is None else np.concatenate([self._points, self._asked[:1]])
        shown = None if texts is None else [*texts, "the query"][: len(points)]
        self.map = MapView(points, texts=shown, height=height, on_error=self._show_error)
        self._axis, self.figure = axis, go.FigureWidget(walk_distances(_NOTHING, axis, height=_LINE))
        self.figure.update_layout(width=_WIDE)
        self._lists = ipywidgets.HTML(
            layout=layout(width=f"{_SIDE}px", height=f"{height}px", flex="none", overflow="hidden auto")
        )
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="46px", overflow="hidden"))
        note = ipywidgets.HTML(f'<div style="{QUIET}; line-height: 1.5">{escape(_NOTE.format(d=index.d))}</div>')
        box = ipywidgets.Box([self.map.widget], layout=layout(flex="1 1 auto", min_width="0"))
        wrap = layout(flex_flow="row wrap", align_items="center")
        super().__init__(
            [
                ipywidgets.HBox([self.query, self.ef], layout=wrap),
                ipywidgets.HBox([self.step, *self.buttons.values()], layout=wrap),
                ipywidgets.HBox([box, self._lists], layout=layout(width="100%", height=f"{height + 2}px")),
                self._status, self.figure, note,
            ],
            layout=layout(width="100%"),
        )  # fmt: skip
        self.add_class("wb-walk")
        self.query.observe(self._chosen, "value")
        self.ef.observe(self._chosen, "value")
        self.step.observe(self._stepped, "value")
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self._pressed(name))
        for trace in self.figure.data:
            trace.on_click(self._clicked)
        self._begin()

    @property
    def truth(self) -> IntArray:
        """``(k,)`` rows of the true neighbours of the query that is shown, nearest first."""
        true: IntArray = self._truth.ids[self.query.value]
        return true

    @property
    def visited(self) -> IntArray:
        """Rows whose distance was computed up to the step that is shown, each once, in order."""
        rows: IntArray = self._rows[self._steps <= self.step.value]
        return rows[np.sort(np.unique(rows, return_index=True)[1])]

    # What is shown

    def _begin(self) -> None:
        """Walk anew: another query, or another ef."""
        q = self.query.value
        asked, settings = self._queries[q : q + 1], ((self._setting, self.ef.value),)
        self.walk: Walk = self._walker.walk(asked, self._k, settings)
        only = Neighbours(self._truth.ids[q : q + 1], self._truth.scores[q : q + 1], self._truth.metric)
        self.recall = float(recall(self.walk.found[None], only, asked, self._index.database.array)[0])
        self._rows, self._steps = (self.walk.computed[name].to_numpy(np.int64) for name in ("row", "step"))
        self._quiet = True
        self.step.value, self.step.max = 0, self.walk.steps
        self._quiet = False
        self._draw_line()
        self._show()

    def _draw_line(self) -> None:
        hops = self.walk.hops
        read = {name: self._to_distance(hops[name].to_numpy(np.float64)) for name in ("distance", "best", "worst")}
        fresh = walk_distances(hops.assign(**read), self._axis, height=_LINE)
        self.figure.plotly_restyle({part: [_listed(trace[part]) for trace in fresh.data] for part in ("x", "y")})
        with self.figure.batch_update():
            for axis in ("xaxis", "yaxis"):
                self.figure.layout[axis].range = fresh.layout[axis].range
            self.figure.layout.shapes, self.figure.layout.annotations = fresh.layout.shapes, fresh.layout.annotations

    def _show(self) -> None:
        now, walk, truth = self.step.value, self.walk, self.truth
        state, seen = walk.state(now), self.visited
        fresh = self._rows[self._steps == now]
        node = walk.hops["node"].to_numpy(np.int64)[max(now - 1, 0) : now]
        lit: dict[str, IntArray] = {"false": node}  # each point once, by what matters most about it
        for role, rows in (
            ("hit", fresh), ("true", np.intersect1d(truth, seen)), ("missing", truth),
            ("kept", state.results["row"].to_numpy(np.int64)), ("scanned", seen),
        ):  # fmt: skip
            lit[role] = np.setdiff1d(rows, np.concatenate(list(lit.values())))
        if self._asked is not None:
            lit["query"] = np.array([len(self._points)])
        asked = None if self._asked is None else self._asked[self.query.value]
        with self.map.together():
            if asked is not None and not np.array_equal(asked, self.map.points[-1]):
                self.map.move(np.concatenate([self._points, asked[None]]))
            self.map.mark(lit, names=_MEANS)
            self.map.connect([(int(node[0]), int(row)) for row in fresh] if now else [])
        self.figure.plotly_restyle({"x": [[now, now]]}, [len(self.figure.data) - 1])
        self._lists.value = self._listed(state)
        self._status.value = status(self._told(now, len(seen), int(np.isin(truth, seen).sum())))
        for name, button in self.buttons.items():
            button.disabled = now == (0 if name in ("first", "back") else walk.steps)

    def _told(self, now: int, seen: int, reached: int) -> str:
        walk = self.walk
        sums = f"{seen:,} of {self._index.n:,} vectors touched, {reached} of {self._k} true neighbours among them."
        if not now:
            entry = self._name(self._rows[0], _READ)
            return f"<b>The entry</b>, layer {self._walker.graph.layers - 1}: <i>{entry}</i>. {sums}"
        layer, node, evaluated = (int(walk.hops[name].iloc[now - 1]) for name in ("layer", "node", "evaluated"))
        said = (
            f"<b>Step {now:,} of {walk.steps:,}, layer {layer}</b>: expands <i>{self._name(node, _READ)}</i>, "
            f"{evaluated} distance{'s' * (evaluated != 1)} computed. {sums}"
        )
        if now < walk.steps:
            return said
        return f"{said} The end: {escape(walk.ends)}; recall {self.recall:.2f}."

    def _listed(self, state: WalkState) -> str:
        parts = []
        for name, heading, known in (
            ("results", "Nearest known", state.results), ("candidates", "To be expanded next", state.candidates)
        ):  # fmt: skip
            shown = known.head(_LISTED[name])
            distances = self._to_distance(shown["distance"].to_numpy(np.float64))
            lines = "".join(
                self._line(place, int(row), float(distance), name == "results")
                for place, (row, distance) in enumerate(zip(shown["row"], distances, strict=True), 1)
            )
            count = "none" if not len(known) else f"{len(shown)} of {len(known):,}" if len(known) > len(shown) else ""
            parts.append(
                f'<div class="wb-walk-{name}"><div style="font-weight: 600; margin: 2px 0 3px">{heading} '
                f'<span style="{QUIET}; font-weight: 400">{count}</span></div>'
                f'<table style="border-collapse: collapse; width: 100%; margin: 0 0 10px">{lines}</table></div>'
            )
        return f'<div style="padding: 0 0 0 14px; font-size: 12.5px; line-height: 1.42">{"".join(parts)}</div>'

    def _line(self, place: int, row: int, distance: float, mark: bool) -> str:
        sign = '<span style="color: #009E73" title="a true neighbour">●</span>' if mark and row in self.truth else ""
        cell = "padding: 1px 8px 1px 0; vertical-align: top; text-align: left"
        return (
            f'<tr data-row="{row}"><td style="{cell}; {QUIET}; width: 2em">{place}</td>'
            f'<td dir="auto" style="{cell}; overflow-wrap: anywhere">{self._name(row)} {sign}</td>'
            f'<td style="{cell}; text-align: right; font-variant-numeric: tabular-nums">{distance:,.3f}</td></tr>'
        )

    def _name(self, row: int, most: int = _TEXT) -> str:
        return escape(f"row {row:,}" if self._texts is None else shorten(self._texts[row], most))

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    # What a person does

    def _stepped(self, change: Any) -> None:
        if not self._quiet:
            with callbacks.guard("take a step", self._show_error):
                self._show()

    def _chosen(self, change: Any) -> None:
        with callbacks.guard("walk anew", self._show_error):
            self._begin()

    def _pressed(self, name: str) -> None:
        with callbacks.guard("take a step", self._show_error):
            last = self.step.max
            to = {"first": 0, "back": self.step.value - 1, "forward": self.step.value + 1, "last": last}[name]
            self.step.value = min(max(to, 0), last)

    def _clicked(self, trace: Any, points: Any, state: Any) -> None:
        with callbacks.guard("go to a step", self._show_error):
            if points.xs:
                self.step.value = min(max(round(points.xs[0]), 0), self.step.max)


_NOTHING = pd.DataFrame({name: pd.Series(dtype=np.float64) for name in ("step", "layer", "distance", "best", "worst")})


def _reading(index: Index) -> tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], str]:
    """From what the index compares to a distance that people read, and what that is called."""
    if index.metric == "euclidean":
        return (lambda compared: np.sqrt(compared.clip(0))), "Euclidean distance"
    shift = 0.0 if index.spec.library == "hnswlib" else 1.0  # there it is 1 - inner product, here the negated one
    if index.metric == "cosine":
        return (lambda compared: compared + shift), "cosine distance"
    return (lambda compared: compared + shift - 1), "dot product, negated"


def _listed(values: Any) -> Any:
    return list(values) if isinstance(values, tuple | np.ndarray) else values
