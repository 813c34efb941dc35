"""Maps of the same passages side by side: what is selected or hovered on one is shown on all."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import ipywidgets
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench import callbacks
from workbench.errors import InputError
from workbench.markup import escape
from workbench.records import Corpus, IntArray
from workbench.view.labels import Labels, Rows, checked_rows
from workbench.view.results import Passages
from workbench.view.scatter import MapView
from workbench.view.tables import Table, table

__all__ = ["LinkedMaps"]

_LEGEND = 180  # pixels: the last map has it for all, and is that much wider
_TITLE = "line-height: 1.35; padding: 0 2px 5px; overflow-wrap: anywhere; color: var(--jp-ui-font-color{}, {})"


class LinkedMaps(ipywidgets.VBox):  # type: ignore[misc]
    """Two or more maps of the same passages: a lasso, a click or a hover on one shows the same passages on all.

    A selection travels through Python and ends at the last one made, on whichever map; a hover stays in the browser,
    which rings the point on the other maps at once.

    Parameters
    ----------
    maps
        Title -> ``(n, 2)`` coordinates, row by row the same passages.
    passages
        A Corpus of ``n`` passages, or their ``n`` texts, whose ids are then their row numbers.
    notes
        Title -> a line beneath it, such as how faithful that map is.
    color
        What colors the points at first, as for :meth:`color_by`.
    height
        Height of each map in pixels.

    Attributes
    ----------
    corpus
        The passages.
    maps
        Title -> its :class:`MapView`.

    Raises
    ------
    InputError
        Fewer than two maps, a map of another length, a note for no map, or there is no such column.
    VectorError
        Coordinates that are not ``(n, 2)`` finite numbers.
    """

    def __init__(
        self,
        maps: Mapping[str, ArrayLike],
        passages: Corpus | Sequence[str],
        *,
        notes: Mapping[str, str] | None = None,
        color: "str | pd.Series[Any] | Sequence[Any] | None" = None,
        height: int = 420,
    ) -> None:
        if len(maps) < 2:
            raise InputError(f"{len(maps)} map to link", "Give at least two, or use MapView for one.")
        if not isinstance(passages, Corpus):
            passages = Corpus(tuple(str(row) for row in range(len(passages))), tuple(passages), name="passages")
        stray = [title for title in notes or {} if title not in maps]
        if stray:
            raise InputError(f"a note for {stray[0]!r}, which is no map", f"Maps are: {', '.join(maps)}.")
        self.corpus = passages
        self._rows: IntArray = np.empty(0, np.int64)
        self._marks: dict[str, Rows] = {}
        self._passing_on = False
        shown = Passages(passages)
        previews = [shown.preview(row) for row in range(len(passages))]
        self.maps: dict[str, MapView] = {}
        for title, coordinates in maps.items():
            if len(np.asarray(coordinates)) != len(passages):
                raise InputError(
                    f"the map {title!r} has {len(np.asarray(coordinates)):,} points for {len(passages):,} passages",
                    "Give every map one point per passage, in the same order.",
                )
            self.maps[title] = MapView(coordinates, texts=previews, height=height, on_error=self._show_error)
        group = uuid4().hex
        for view in self.maps.values():
            view.share_hover(group)
            view.on_select(self._selected)
        layout = ipywidgets.Layout
        columns = []
        for title, view in self.maps.items():
            last = view is list(self.maps.values())[-1]
            if not last:
                view.widget.add_class("wb-map-bare")
            box = ipywidgets.Box([view.widget], layout=layout(width="100%", height=f"{height + 2}px"))
            room = layout(flex=f"1 1 {320 + _LEGEND * last}px", min_width="300px", margin="0")
            columns.append(ipywidgets.VBox([_heading(title, (notes or {}).get(title, "")), box], layout=room))
        self._status = ipywidgets.HTML(layout=layout(height="28px", overflow="hidden"))
        row = ipywidgets.HBox(columns, layout=layout(width="100%", flex_flow="row wrap", grid_gap="10px"))
        super().__init__([row, self._status], layout=layout(width="100%"))
        self._read_out()
        if color is not None:
            self.color_by(color)

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of the passages that were selected last, on whichever map, in corpus order."""
        return tuple(self.corpus.ids[row] for row in self._rows)

    @property
    def selected(self) -> Table:
        """The selected passages, shown with their text as text; ``.frame`` is the data frame: id, text, metadata."""
        return table(self.corpus.take(self._rows).frame())

    def select(self, ids: Sequence[str]) -> None:
        """Select passages on every map, as a lasso does; an empty sequence clears the selection."""
        self._show(np.array(sorted({self.corpus.row(id) for id in ids}), dtype=np.int64))

    def color_by(self, values: "str | pd.Series[Any] | Sequence[Any] | None", title: str = "") -> None:
        """Color all maps by a metadata column, named, or by ``n`` values; None returns to one color.

        Raises
        ------
        InputError
            There is no such column, or there are not ``n`` values.
        """
        if isinstance(values, str):
            if values not in self.corpus.metadata.columns:
                known = ", ".join(map(str, self.corpus.metadata.columns)) or "none"
                raise InputError(f"the corpus has no column {values!r}", f"Columns are: {known}.")
            title, values = title or values, self.corpus.metadata[values]
        for view in self.maps.values():
            view.color_by(values, title)

    def mark(self, marks: Mapping[str, Rows] | None = None, **roles: Rows) -> None:
        """Give rows a role on every map, as :meth:`MapView.mark` does; what is selected stays lit besides."""
        asked = {**(marks or {}), **roles}
        for view in self.maps.values():
            view.mark(self._lit(asked))
        self._marks = asked

    def label(self, labels: Labels = (), *, weights: Sequence[float] | None = None) -> None:
        """Write the same texts at the same rows of every map, as :meth:`MapView.label` does."""
        for view in self.maps.values():
            view.label(labels, weights=weights)

    def _lit(self, marks: Mapping[str, Rows]) -> dict[str, Rows]:
        if not len(self._rows):
            return dict(marks)
        kept = checked_rows(marks.get("kept", []), len(self.corpus))
        return {**marks, "kept": np.union1d(kept, self._rows)}

    def _selected(self, rows: IntArray) -> None:
        if not self._passing_on:  # else it is this object that selects, not a person
            self._show(rows)

    def _show(self, rows: IntArray) -> None:
        self._rows = rows
        self._passing_on = True
        try:
            for view in self.maps.values():
                if not np.array_equal(view.selection, rows):
                    view.select(rows)
                view.mark(self._lit(self._marks))
        finally:
            self._passing_on = False
        self._read_out()

    def _read_out(self, error: callbacks.CallbackError | None = None) -> None:
        if error is not None:
            text = f"Could not {error}"
        elif len(self._rows):
            text = f"{len(self._rows):,} of {len(self.corpus):,} passages selected · read them with .selected"
        else:
            text = f"{len(self.corpus):,} passages on {len(self.maps)} maps · lasso, click or hover on one of them"
        color = "var(--jp-ui-font-color2, #616161)" if error is None else "var(--jp-error-color1, #b00020)"
        role = "status" if error is None else "alert"
        self._status.value = f'<div role="{role}" dir="auto" style="color: {color}">{escape(text)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._read_out(error)


def _heading(title: str, note: str) -> ipywidgets.HTML:
    lines = [f'<div dir="auto" style="font-weight: 600; {_TITLE.format(1, "#212121")}">{escape(title)}</div>']
    if note:
        style = f"font-size: 12px; min-height: 2.7em; {_TITLE.format(2, '#616161')}"  # two lines, so that maps line up
        lines.append(f'<div dir="auto" style="{style}">{escape(note)}</div>')
    return ipywidgets.HTML("".join(lines))
