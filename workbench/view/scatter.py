"""MapView: the one class over jupyter-scatter, and the only one that knows what goes wrong with it.

What it hides: updates that overlap are dropped by the browser (here each waits for the one before, and the newest
wins); x and y are scaled apart (here one span serves both); color, size and opacity want their own columns (here one
code per point decides all three); NaN is drawn at 0 (here it is refused).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets
from numpy.typing import ArrayLike, NDArray

from workbench import callbacks
from workbench.errors import InputError, VectorError
from workbench.markup import plain
from workbench.records import IntArray
from workbench.view.labels import Label, Labels, Rows, anchor, checked_rows, named_groups
from workbench.view.palette import color_column

__all__ = ["ROLES", "MapView"]

_STATIC = Path(__file__).parent / "static"
_BACKGROUND = {False: "#ffffff", True: "#111111"}


@dataclass(frozen=True)
class _Role:
    label: str
    light: str
    dark: str
    size: float  # 0: little larger than a plain point


# Later roles are drawn above earlier ones. Vermilion, blue and bluish green are told apart by color-blind eyes
# (Okabe and Ito, "Color Universal Design", 2008).
_ROLES = {
    "scanned": _Role("looked at", "#56B4E9", "#2B7BB0", 0),
    "missing": _Role("near in truth only", "#CC79A7", "#E7A4C8", 9),
    "false": _Role("near on map only", "#000000", "#FFFFFF", 9),
    "true": _Role("near in both", "#009E73", "#2FD6A5", 9),
    "kept": _Role("selected", "#0072B2", "#56B4E9", 9),
    "hit": _Role("found", "#E8590C", "#FF922B", 10),
    "query": _Role("chosen", "#C2185B", "#FF6FA5", 15),
}
ROLES = tuple(_ROLES)


class _Painter(anywidget.AnyWidget):
    """The companion that paints the map in the browser and says what it has painted.

    The traits that are not synchronized are what the browser told: see ``map.js`` for why it tells them as messages.
    """

    _esm = _STATIC / "map.js"
    _css = _STATIC / "map.css"
    xy = traitlets.Bytes().tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)
    look = traitlets.Dict().tag(sync=True)
    lines: "traitlets.List[Any]" = traitlets.List().tag(sync=True)
    labels: "traitlets.List[Any]" = traitlets.List().tag(sync=True)
    legend = traitlets.Dict().tag(sync=True)
    animate = traitlets.Bool(False).tag(sync=True)
    version = traitlets.Int(0).tag(sync=True)
    group = traitlets.Unicode("").tag(sync=True)
    painted = traitlets.Int(0)
    paint_ms = traitlets.Float(0.0)
    dark = traitlets.Bool(False)
    failure = traitlets.Unicode("")

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(self._told)

    def _told(self, widget: Any, message: Any, buffers: Any) -> None:
        for name in ("painted", "paint_ms", "dark", "failure"):
            if name in message:
                setattr(self, name, message[name])


class MapView:
    """A map of points in a notebook: color, marks, lines, labels, hover text, click and lasso, in JupyterLab's theme.

    Parameters
    ----------
    coordinates
        ``(n, 2)`` finite numbers. One unit is as long on x as on y.
    texts
        ``n`` strings shown, wrapped and as plain text, when a point is hovered.
    height
        Height in pixels; it never changes.
    on_error
        Called with a :class:`workbench.callbacks.CallbackError` when a callback or the browser's painter fails; the
        error is recorded for ``view.check()`` in any case.

    Raises
    ------
    VectorError
        Coordinates are not ``(n, 2)``, or one is NaN or infinite (names the first row).
    InputError
        There are not ``n`` texts.
    """

    def __init__(
        self,
        coordinates: ArrayLike,
        *,
        texts: Sequence[str] | None = None,
        height: int = 520,
        on_error: Callable[[callbacks.CallbackError], object] | None = None,
    ) -> None:
        import ipywidgets
        import jscatter

        points = _checked(coordinates)
        scaled = _normalized(points)
        if texts is not None and len(texts) != len(points):
            raise InputError(f"{len(texts):,} texts for {len(points):,} points", "Give one text per point.")
        self._on_error = on_error or (lambda error: None)
        self._listeners: list[Callable[[IntArray], object]] = []
        self._points, self._scaled = points, scaled
        self._marks: dict[str, IntArray] = {}
        self._named: dict[str, str] = {}
        self._held, self._due = False, False
        self._lines: list[tuple[int, int]] = []
        self._labels: tuple[Label, ...] = ()
        self._coloring = color_column(None, len(points))
        frame = pd.DataFrame({"x": scaled[:, 0], "y": scaled[:, 1]})
        tooltip: dict[str, Any] = {}
        if texts is not None:
            frame["text"] = [plain(text) or " " for text in texts]
            tooltip = {"tooltip": True, "tooltip_properties": [], "tooltip_preview": "text"}
        self.scatter = jscatter.Scatter(
            "x", "y", data=frame, x_scale=(-1, 1), y_scale=(-1, 1), height=height, axes=False, lasso_initiator=False,
            opacity_by=None, opacity=0.7, size=self._base_size, color=self._coloring.light[0],
            background_color=_BACKGROUND[False], tooltip_histograms=False, **tooltip,
        )  # fmt: skip
        plot = self.scatter.widget
        plot.tooltip_preview_text_lines = 14
        plot.transition_points = False
        plot.layout.width = "100%"  # without it a Box gives the canvas no width
        plot.opacity_unselected = 1.0  # what is not chosen is dimmed by mark, in one place
        plot.reticle = False
        # With a thin outline, a lasso of thousands stays legible.
        plot.regl_scatterplot_options = {"pointSizeSelected": 1, "pointOutlineWidth": 1}
        plot.show(["pan_zoom", "lasso", "lasso_type", "divider", "full_screen", "reset"])
        self._painter = _Painter()
        self.widget = ipywidgets.Box([plot, self._painter], layout=ipywidgets.Layout(width="100%", overflow="hidden"))
        self.widget.add_class("wb-map")
        self._painter.observe(self._theme_changed, "dark")
        self._painter.observe(self._failed, "failure")
        plot.observe(self._selected, "selection")
        self._repaint()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def __len__(self) -> int:
        return len(self._scaled)

    @property
    def version(self) -> int:
        """Number of the last change asked for."""
        return int(self._painter.version)

    @property
    def painted(self) -> int:
        """Number of the last change that a browser has finished drawing: :attr:`version` once it is up to date."""
        return int(self._painter.painted)

    @property
    def paint_ms(self) -> float:
        """Milliseconds that the last finished drawing took in the browser."""
        return float(self._painter.paint_ms)

    @property
    def codes(self) -> NDArray[np.uint16]:
        """``(n,) uint16``: what each point looks like, as last sent to the browser."""
        return np.frombuffer(self._painter.codes, dtype=np.uint16)

    @property
    def points(self) -> NDArray[np.float64]:
        """``(n, 2)``: the coordinates, as last given."""
        return self._points.copy()

    @property
    def marks(self) -> dict[str, IntArray]:
        """Rows by role, as last given to :meth:`mark`."""
        return dict(self._marks)

    @property
    def labels(self) -> tuple[Label, ...]:
        """Text, rows and weight of each label, as last given to :meth:`label`, heaviest first."""
        return self._labels

    @property
    def selection(self) -> IntArray:
        """Rows that were clicked or lassoed, ascending."""
        chosen = self.scatter.widget.selection
        return np.sort(np.asarray([] if chosen is None else chosen, dtype=np.int64))

    def on_select(self, listener: Callable[[IntArray], object]) -> None:
        """Call ``listener`` with the selected rows, ascending, after every click, lasso and deselection."""
        self._listeners.append(listener)

    def select(self, rows: Rows) -> None:
        """Select rows from Python, as a lasso would; an empty sequence clears the selection."""
        self.scatter.widget.selection = self._rows(rows).astype(np.uint32)

    def color_by(self, values: "pd.Series[Any] | Sequence[Any] | None", title: str = "", top: int = 9) -> None:
        """Color the points by a column and show its legend; None returns to one color.

        See :func:`workbench.view.palette.color_column` for what becomes continuous and what categorical.
        """
        series = values if values is None or isinstance(values, pd.Series) else pd.Series(list(values))
        self._coloring = color_column(series, len(self), title, top)
        self._repaint()

    def mark(
        self, marks: Mapping[str, Rows] | None = None, *, names: Mapping[str, str] | None = None, **roles: Rows
    ) -> None:
        """Give rows a role and dim all others; without roles, every point is plain again.

        Roles are those of :data:`ROLES`; a row in several takes the last of them in that order. ``names`` says what a
        role means here, in the words of the legend: role -> text.

        Raises
        ------
        InputError
            An unknown role, or a row outside the map.
        """
        asked, named = {**(marks or {}), **roles}, dict(names or {})
        unknown = sorted({*asked, *named} - set(ROLES))
        if unknown:
            raise InputError(f"there is no role {unknown[0]!r}", f"Roles are {', '.join(ROLES)}.")
        self._marks, self._named = {role: self._rows(asked[role]) for role in ROLES if role in asked}, named
        self._repaint()

    def connect(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Draw a line between the two rows of each pair; an empty sequence removes all lines. They follow moves."""
        flat = self._rows([row for pair in pairs for row in pair])
        self._lines = [(int(a), int(b)) for a, b in flat.reshape(-1, 2)]
        self._repaint()

    def label(self, labels: Labels = (), *, weights: Sequence[float] | None = None) -> None:
        """Write texts on the map, each at the middle of its rows; without labels, none. They follow moves and zooms.

        No two ever overlap: the heaviest comes first, and one that finds no room is hidden until zooming in makes some.

        Parameters
        ----------
        labels
            Text -> rows, or pairs of them where a text occurs twice: ``{"ships": rows}`` names a group at the row
            nearest to its middle, ``{"ships": 7}`` names one point, beside it.
        weights
            One number per label; None weighs each by its number of rows.

        Raises
        ------
        InputError
            A label without rows, a row outside the map, or weights that do not fit.
        """
        self._labels = named_groups(labels, len(self), weights)
        self._repaint()

    def share_hover(self, group: str) -> None:
        """Ring the point here that is hovered on another map of the same group; "" ends it.

        The maps of a group show the same rows. The browser does this by itself, also while Python is busy.
        """
        self._painter.group = group

    def move(self, coordinates: ArrayLike, *, animate: bool = False) -> None:
        """Move the points, in their order, to new ``(n, 2)`` coordinates; the scale is fitted to them.

        ``animate`` glides for 0.4 s: leave it off for sliders.
        """
        points = _checked(coordinates)
        if len(points) != len(self):
            raise VectorError(f"{len(points):,} coordinates for a map of {len(self):,} points", "Make a new MapView.")
        self._points, self._scaled = points, _normalized(points)
        self._repaint(animate=animate)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Draw once what is marked, connected, labelled and moved inside the block: at its end."""
        self._held, self._due = True, False
        try:
            yield
        finally:
            self._held = False
            if self._due:
                self._repaint()

    @property
    def _base_size(self) -> float:
        return float(np.clip(60 / max(len(self), 1) ** 0.3, 2, 8))

    @property
    def _dimmed(self) -> float:
        """Opacity of what is not marked: of a hundred thousand points many lie on each other."""
        return float(np.clip(0.2 * (20_000 / len(self)) ** 0.5, 0.05, 0.2))

    def _rows(self, rows: Rows) -> IntArray:
        return checked_rows(rows, len(self))

    def _repaint(self, animate: bool = False) -> None:
        """Send everything that decides what the map shows, as one message."""
        if self._held:
            self._due = True
            return
        dark, coloring = bool(self._painter.dark), self._coloring
        colors = coloring.dark if dark else coloring.light
        bins = len(colors)
        codes = coloring.codes.copy()
        if self._marks:
            codes += bins  # the dimmed copy of each color
        for place, role in enumerate(ROLES):
            codes[self._marks.get(role, np.empty(0, np.int64))] = 2 * bins + place
        size, scaled = self._base_size, self._scaled
        line_color = "#FFFFFF" if dark else "#37474F"
        with self._painter.hold_sync():
            self._painter.xy = scaled.astype(np.float32).tobytes()
            self._painter.codes = codes.tobytes()
            self._painter.look = {
                "color": [*colors, *colors, *(role.dark if dark else role.light for role in _ROLES.values())],
                "opacity": [*[0.75] * bins, *[self._dimmed] * bins, *[1.0] * len(ROLES)],
                "size": [
                    *[size] * (2 * bins),
                    *(max(role.size, size + (2 if role.size else 1)) for role in _ROLES.values()),
                ],
                "above": 2 * bins,
            }
            self._painter.lines = [
                {"vertices": scaled[[a, b]].tolist(), "color": line_color, "width": 1.5} for a, b in self._lines
            ]
            self._painter.labels = [[anchor(one, scaled), one.text, len(one.rows) == 1] for one in self._labels]
            self._painter.legend = {
                "title": coloring.title,
                "entries": [[e.label, e.dark if dark else e.light, f"{e.count:,}"] for e in coloring.entries],
                "range": list(coloring.range) if coloring.range else None,
                "ramp": list(colors[:64:7]) if coloring.range else [],
                "marks": [
                    [
                        self._named.get(role, look.label),
                        look.dark if dark else look.light,
                        f"{len(rows):,}",
                    ]
                    for role, rows in reversed(self._marks.items())
                    for look in (_ROLES[role],)
                ],
            }
            self._painter.animate = animate
            self._painter.version += 1

    def _paint_background(self) -> None:
        # Not Scatter.background(): it also sets the color of the axes, upon which the browser draws axes.
        plot = self.scatter.widget
        dark = bool(self._painter.dark)
        plot.background_color = _BACKGROUND[dark]
        plot.tooltip_color = [0.2, 0.2, 0.2, 1] if dark else [1, 1, 1, 1]

    def _theme_changed(self, change: Any) -> None:
        with callbacks.guard("theme", self._on_error):
            self._paint_background()
            self._repaint()

    def _failed(self, change: Any) -> None:
        if change["new"]:
            self._on_error(callbacks.record("map", RuntimeError(change["new"])))

    def _selected(self, change: Any) -> None:
        with callbacks.guard("selection", self._on_error):
            for listener in self._listeners:
                listener(self.selection)


def _checked(coordinates: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(coordinates, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise VectorError(f"a map needs (n, 2) coordinates, not {points.shape}", "Use geometry.project(vectors).")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise VectorError(
            f"row {bad[0]} of the coordinates is {points[bad[0]].tolist()} ({len(bad):,} rows are not finite)",
            "Leave those rows out, or mend the projection: jupyter-scatter would draw them at 0.",
        )
    return points


def _normalized(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points centered in [-0.96, 0.96], x and y divided by the same number so that distances keep their proportions."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    scaled: NDArray[np.float64] = (points - (low + high) / 2) / half * 0.96
    return scaled
