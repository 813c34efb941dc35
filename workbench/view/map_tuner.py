"""Sliders over a map's settings, which answer at once because every map of the grid was made beforehand."""

from collections.abc import Hashable
from typing import Any

import ipywidgets

from workbench import callbacks, geometry
from workbench.errors import InputError
from workbench.markup import escape
from workbench.records import Corpus, FloatArray, Vectors
from workbench.view.read_out import QUIET
from workbench.view.results import Passages
from workbench.view.scatter import MapView

__all__ = ["MapTuner"]

_SAMPLE = 2_000  # points that the read-out measures, so that it keeps up with the slider


class MapTuner(ipywidgets.VBox):  # type: ignore[misc]
    """A map with sliders for n_neighbors, min_dist, metric and seed, and a line that says how far to trust it.

    Each map is turned, mirrored and scaled onto the one before it, so that what moves has really moved.

    Parameters
    ----------
    corpus, vectors
        Row by row the same ids.
    grid
        Maps of these vectors, as :func:`workbench.geometry.project_grid` makes them.
    color
        Metadata column that colors the points.
    height
        Height of the map in pixels.

    Attributes
    ----------
    map
        The :class:`MapView` that moves.
    controls
        The sliders by name: ``n_neighbors``, ``min_dist``, ``metric``, ``seed``. An axis of one value has none to move.

    Raises
    ------
    InputError
        Corpus, vectors and grid do not belong together, or there is no such column.
    """

    def __init__(
        self, corpus: Corpus, vectors: Vectors, grid: geometry.MapGrid, *, color: str | None = None, height: int = 460
    ) -> None:
        first = grid.map(**grid.settings()[0])
        if corpus.ids != vectors.ids or len(first) != len(vectors):
            raise InputError(
                f"{len(corpus):,} passages, {len(vectors):,} vectors and maps of {len(first):,} points differ",
                "Pass the corpus and the vectors that the grid was made from.",
            )
        if color is not None and color not in corpus.metadata.columns:
            known = ", ".join(map(str, corpus.metadata.columns)) or "none"
            raise InputError(f"the corpus has no column {color!r}", f"Columns are: {known}.")
        self._vectors, self._grid = vectors, grid
        self._measured: dict[tuple[Hashable, ...], geometry.Faithfulness] = {}
        self._shown: FloatArray = first
        passages = Passages(corpus)
        previews = [passages.preview(row) for row in range(len(corpus))]
        self.map = MapView(first, texts=previews, height=height, on_error=self._show_error)
        if color is not None:
            self.map.color_by(corpus.metadata[color], color)
        self.controls: dict[str, Any] = {
            name: self._slider(name, values)
            for name, values in (
                ("n_neighbors", grid.n_neighbors),
                ("min_dist", grid.min_dist),
                ("metric", grid.metrics),
                ("seed", grid.seeds),
            )
        }
        row = ipywidgets.HBox(list(self.controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._status = ipywidgets.HTML(layout=ipywidgets.Layout(height="28px", overflow="hidden"))
        box = ipywidgets.Box([self.map.widget], layout=ipywidgets.Layout(width="100%", height=f"{height + 2}px"))
        super().__init__([row, box, self._status], layout=ipywidgets.Layout(width="100%"))
        for control in self.controls.values():
            control.observe(self._moved, "value")
        self._read_out()

    @property
    def setting(self) -> dict[str, Any]:
        """The setting that is shown, by the names of :attr:`controls`."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def faithfulness(self) -> geometry.Faithfulness:
        """How far the map that is shown may be trusted; measured once for each setting."""
        key = tuple(self.setting.values())
        if key not in self._measured:
            n = len(self._vectors)
            k = min(15, (n - 1) // 2)
            self._measured[key] = geometry.faithfulness(
                self._vectors, self._grid.map(**self.setting), k, overlap_at=(k,), sample=min(n, _SAMPLE)
            )
        return self._measured[key]

    def _slider(self, name: str, values: tuple[Any, ...]) -> ipywidgets.SelectionSlider:
        return ipywidgets.SelectionSlider(
            options=[(str(value), value) for value in values],
            description=name,
            disabled=len(values) == 1,
            layout=ipywidgets.Layout(width="290px"),
            style={"description_width": "82px"},
        )

    def _moved(self, change: Any) -> None:
        with callbacks.guard("move the map", self._show_error):
            self._shown = geometry.align(self._grid.map(**self.setting), self._shown).coordinates
            self.map.move(self._shown)
            self._read_out()

    def _read_out(self) -> None:
        self._say(str(self.faithfulness))

    def _say(self, text: str, role: str = "status") -> None:
        self._status.value = f'<div role="{role}" class="wb-status" style="{QUIET}">{escape(text)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._say(f"Could not {error}", "alert")
