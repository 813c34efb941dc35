"""The explorer: a map, a search box and a list that answer from the original space."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from workbench import callbacks, geometry
from workbench.embed import Encoder, SentenceEncoder, check_identity
from workbench.errors import InputError, ModelError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus, IntArray, ModelIdentity, Vectors
from workbench.view.results import Passages, ResultList
from workbench.view.scatter import MapView
from workbench.view.tables import Table, table

__all__ = ["Explorer", "Found", "explorer"]

_LISTED = 200
_METRIC_NAMES = {"cosine": "cosine similarity", "dot": "dot product", "euclidean": "Euclidean distance"}
_HINTS = (
    ("Search", "Your words are encoded and compared with every passage in the original space, not on the map."),
    ("Click a point", "Its true neighbours light up, also where the map tore them away, and so do the false ones."),
    ("Color by map: …", "Shows where the map keeps neighbourhoods and where it does not."),
    ("Lasso", "Take the lasso tool at the left, draw around points, and read explorer.selection in a cell."),
)


@dataclass(frozen=True)
class _OfTheMap:
    """What the color menu offers beside the columns of the metadata: a measure of faithfulness."""

    measure: Literal["trustworthiness", "continuity", "overlap"]


_MEASURES = {
    "map: false neighbours": _OfTheMap("trustworthiness"),
    "map: missing neighbours": _OfTheMap("continuity"),
    "map: neighbour overlap": _OfTheMap("overlap"),
}


@dataclass(frozen=True)
class Found:
    """One passage of an answer: its id, its row, and its score in the metric of the vectors."""

    id: str
    row: int
    score: float


class Explorer:
    """A map of a corpus with search, neighbours and selection; every neighbour comes from the original space.

    Parameters
    ----------
    corpus
        ``n`` passages.
    vectors
        Their vectors, ids in the same order.
    encoder
        Encodes the search box's text; None loads the model that the vectors name, with its settings, when first
        needed.
    coordinates
        ``(n, 2)``; None projects the vectors with UMAP under their own metric, or under cosine where that is the dot
        product, which is no distance. Neighbours are always those of the vectors' metric.
    color
        Metadata column that colors the points at first.
    k
        How many neighbours are listed.
    height
        Height of the map and the list in pixels.

    Raises
    ------
    IdentityError
        The encoder is not the model that made the vectors.
    InputError
        Ids of corpus and vectors differ, ``k`` is not positive, or there is no such column.

    A search without ``encoder`` raises ModelError or IdentityError where the named model is not to be had, or is not
    the one that made the vectors.
    """

    def __init__(
        self,
        corpus: Corpus,
        vectors: Vectors,
        encoder: Encoder | None = None,
        *,
        coordinates: ArrayLike | None = None,
        color: str | None = None,
        k: int = 10,
        height: int = 520,
    ) -> None:
        if corpus.ids != vectors.ids:
            raise InputError(
                f"the corpus has {len(corpus):,} ids and the vectors {len(vectors):,}, or in another order",
                "Make them with embed(corpus), or align them with take.",
            )
        if k < 1:
            raise InputError(f"k={k} neighbours", "Ask for at least one.")
        if encoder is not None:
            check_identity(encoder.identity, vectors.model)
        self.corpus, self.vectors, self.k = corpus, vectors, min(k, len(corpus))
        self._encoder = encoder
        self._errors: list[callbacks.CallbackError] = []
        self._hits: tuple[Found, ...] = ()
        self._steps: list[tuple[str, Any]] = []
        self._moving = False
        self._passages = Passages(corpus)
        if coordinates is None:
            coordinates = geometry.project(vectors, metric="cosine" if vectors.metric == "dot" else vectors.metric)
        previews = [self._passages.preview(row) for row in range(len(corpus))]
        self.map = MapView(coordinates, texts=previews, height=height, on_error=self._show_error)
        self.map.on_select(self._selected)
        self._coordinates = coordinates
        self._faithfulness: geometry.Faithfulness | None = None

        layout = ipywidgets.Layout
        self._query = ipywidgets.Text(
            placeholder="Search by meaning", continuous_update=False, layout=layout(flex="1 1 240px", width="auto")
        )
        self._search = ipywidgets.Button(description="Search", button_style="primary", layout=layout(width="84px"))
        self._back = ipywidgets.Button(description="Back", disabled=True, layout=layout(width="64px"))
        self._clear = ipywidgets.Button(description="Clear", layout=layout(width="64px"))
        self._color = ipywidgets.Dropdown(
            options=[("one color", None), *((str(name), name) for name in corpus.metadata.columns), *_MEASURES.items()],
            description="Color by", layout=layout(width="256px"), style={"description_width": "62px"},
        )  # fmt: skip
        self._lines = ipywidgets.ToggleButton(
            value=True, description="Lines", tooltip="Draw a line to each true neighbour", layout=layout(width="64px")
        )
        self._list = ResultList(
            self._open, self._show_error, layout=layout(flex="1 1 300px", min_width="300px", height=f"{height + 2}px")
        )
        self._status = ipywidgets.HTML(layout=layout(height="28px", overflow="hidden"))
        wide = height + 216  # a square beside the tools and the legend
        map_box = ipywidgets.Box(
            [self.map.widget], layout=layout(flex=f"2 1 {wide}px", min_width="300px", height=f"{height + 2}px")
        )
        controls = [self._query, self._search, self._back, self._clear, self._lines, self._color]
        self.widget = KeyedBox(
            [
                ipywidgets.HBox(controls, layout=layout(width="100%", flex_flow="row wrap", margin="0 0 6px")),
                ipywidgets.HBox(
                    [map_box, self._list], layout=layout(width="100%", flex_flow="row wrap", grid_gap="8px")
                ),
                self._status,
            ],
            layout=layout(width="100%"),
        )
        self._query.observe(self._typed, "value")
        self._search.on_click(self._typed)
        self._back.on_click(self._went_back)
        self._clear.on_click(self._cleared)
        self._lines.observe(self._lines_toggled, "value")
        self._color.observe(self._recolored, "value")
        self._welcome()
        if color is not None:
            self.color_by(color)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    # What a person can do, also from Python.

    def search(self, query: str) -> tuple[Found, ...]:
        """Encode a query and list its ``k`` nearest passages in the original space; they light up on the map."""
        if not query.strip():
            raise InputError("the query is empty", "Type a few words.")
        encoder = self._loaded_encoder()
        self._say("Encoding the query …")
        start = perf_counter()
        array = np.ascontiguousarray(encoder.encode([query], role="query"), dtype=np.float32)
        encoded = perf_counter()
        near = geometry.exact_neighbours(
            Vectors(("query",), array, encoder.identity, self.vectors.metric), self.vectors, self.k, self.vectors.metric
        )
        done = perf_counter()
        self._hits = self._found(near.ids[0], near.scores[0])
        self._remember(("search", query))
        found = {"hit": [hit.row for hit in self._hits]}
        self._show_items(f"Nearest to “{shorten(query, 60)}”", self._entries(), found)
        self._say(
            f"{len(self._hits)} nearest of {len(self.corpus):,} passages by {self._score_name} · "
            f"encoded in {1000 * (encoded - start):.0f} ms, searched in {1000 * (done - encoded):.1f} ms"
        )
        return self._hits

    def open(self, id: str) -> tuple[Found, ...]:
        """Choose a passage, as a click on its point does: list its ``k`` true neighbours."""
        return self._open(self.corpus.row(id))

    def select(self, ids: tuple[str, ...] | list[str]) -> None:
        """Collect passages, as a lasso does."""
        rows = np.array(sorted(self.corpus.row(id) for id in ids), dtype=np.int64)
        self._select_quietly(rows)
        self._show_selection(rows)

    def clear(self) -> None:
        """Forget the answer and the selection; every point is plain again."""
        self._hits = ()
        self._select_quietly(np.empty(0, np.int64))
        self.map.mark()
        self.map.connect([])
        self._welcome()

    def color_by(self, column: str | None) -> None:
        """Color the points by a metadata column, or by none."""
        if column is not None and column not in self.corpus.metadata.columns:
            known = ", ".join(map(str, self.corpus.metadata.columns)) or "none"
            raise InputError(f"the corpus has no column {column!r}", f"Columns are: {known}.")
        self.map.color_by(None if column is None else self.corpus.metadata[column], str(column or ""))
        if self._color.value != column:
            self._color.value = column

    def color_by_distortion(self, measure: Literal["trustworthiness", "continuity", "overlap"] = "overlap") -> None:
        """Color the points by what the map keeps of their neighbourhoods; low values are distorted places.

        ``trustworthiness`` is low where false neighbours are, ``continuity`` where true ones are missing, ``overlap``
        is the share that both have. Of a large map only the sampled points have a color.
        """
        kept = self.faithfulness
        of = min(kept.overlap, key=lambda k: abs(k - kept.k))
        column = kept.column(f"overlap@{of}" if measure == "overlap" else measure)
        name = str(column.name) if measure == "overlap" else f"{measure}@{kept.k}"
        self.map.color_by(column, name)
        if self._color.value != _OfTheMap(measure):
            self._color.value = _OfTheMap(measure)
        self._say(f"Colored by {name}, dark where the map distorts · whole map: {kept}")

    # What a person can read back.

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of the passages that were clicked or lassoed, in corpus order."""
        return tuple(self.corpus.ids[row] for row in self.map.selection)

    @property
    def selected(self) -> Table:
        """The selected passages, shown with their text as text; ``.frame`` is the data frame: id, text, metadata."""
        return table(self.corpus.take(self.map.selection).frame())

    @property
    def faithfulness(self) -> geometry.Faithfulness:
        """How far this map may be trusted, in the metric of the vectors; measured when first asked for.

        Raises
        ------
        InputError
            The map has fewer than three points.
        """
        if self._faithfulness is None:
            n = len(self.corpus)
            if n < 3:
                raise InputError(f"a map of {n} points has no neighbourhoods to keep", "Take at least three.")
            self._say("Measuring the map …")
            k = min(15, (n - 1) // 2)
            self._faithfulness = geometry.faithfulness(self.vectors, self._coordinates, k, overlap_at=(k,))
        return self._faithfulness

    @property
    def hits(self) -> tuple[Found, ...]:
        """The last answer, best first."""
        return self._hits

    @property
    def errors(self) -> tuple[callbacks.CallbackError, ...]:
        """Errors of this explorer's callbacks; ``view.check()`` raises them."""
        return tuple(self._errors)

    @property
    def status(self) -> str:
        """The status line as plain text."""
        return self._status_text

    # How it works.

    @property
    def _score_name(self) -> str:
        return _METRIC_NAMES[self.vectors.metric]

    def _loaded_encoder(self) -> Encoder:
        if self._encoder is None:
            if self.vectors.model is None:
                raise ModelError(
                    "these vectors do not say which model made them, so a query cannot be encoded",
                    "Pass the encoder: explorer(corpus, vectors, encoder).",
                )
            self._say("Loading the model …")
            self._encoder = _named(self.vectors.model)
        return self._encoder

    def _found(self, rows: IntArray, scores: Any) -> tuple[Found, ...]:
        return tuple(Found(self.corpus.ids[r], int(r), float(s)) for r, s in zip(rows, scores, strict=True) if r >= 0)

    def _open(self, row: int) -> tuple[Found, ...]:
        k = min(self.k, len(self.corpus) - 1)
        around = geometry.neighbourhood(self.vectors, self._coordinates, row, k) if k else None
        self._hits = self._found(around.true, around.scores) if around else ()
        self._remember(("open", row))
        self._select_quietly(np.array([row]))
        heading = f"Neighbours of {self._passages.title(row)}"
        items = [self._passages.entry(row, chosen=True)]
        marks: dict[str, Any] = {"query": row}
        if around is not None:
            torn = set(around.missing.tolist())
            items += self._entries({hit.row: "far away on the map" for hit in self._hits if hit.row in torn})
            items += [self._passages.entry(int(false), note="near on the map only") for false in around.false]
            marks |= {"true": around.kept, "missing": around.missing, "false": around.false}
        self._show_items(heading, items, {role: rows for role, rows in marks.items() if np.size(rows)})
        by = f"{self._score_name}, all {self.vectors.dimensions} dimensions"
        self._say(f"{around} · {by}" if around else "There is no other passage.")
        return self._hits

    def _entries(self, notes: dict[int, str] | None = None) -> list[dict[str, Any]]:
        """The hits as entries of the list, with a note at some rows."""
        return [
            self._passages.entry(hit.row, rank=rank, score=hit.score, note=(notes or {}).get(hit.row, ""))
            for rank, hit in enumerate(self._hits, 1)
        ]

    def _show_items(self, heading: str, items: list[dict[str, Any]], marks: dict[str, Any]) -> None:
        self._list.show(heading, f"{self._score_name}, original space", items)
        self.map.mark(marks)
        self._draw_lines()

    def _draw_lines(self) -> None:
        kind, center = self._steps[-1] if self._steps else ("", 0)
        wanted = self._lines.value and kind == "open"
        self.map.connect([(int(center), hit.row) for hit in self._hits] if wanted else [])

    def _show_selection(self, rows: IntArray) -> None:
        self._hits = ()
        self._steps.clear()
        self._back.disabled = True
        self.map.mark(kept=rows)
        self.map.connect([])
        listed = [self._passages.entry(int(row)) for row in rows[:_LISTED]]
        note = "in explorer.selection" + (f"; the first {_LISTED} are listed" if len(rows) > _LISTED else "")
        self._list.show(f"{len(rows):,} selected passages", note, listed)
        self._say(f"{len(rows):,} of {len(self.corpus):,} passages selected · read them with explorer.selected")

    def _remember(self, step: tuple[str, Any]) -> None:
        if not self._steps or self._steps[-1] != step:
            self._steps.append(step)
        self._back.disabled = len(self._steps) < 2

    def _select_quietly(self, rows: IntArray) -> None:
        self._moving = True
        try:
            self.map.select(rows)
        finally:
            self._moving = False

    def _welcome(self) -> None:
        self._steps.clear()
        self._back.disabled = True
        self._list.show(self.corpus.name, f"{len(self.corpus):,} passages", [], _HINTS)
        self._say("Ready.")

    def _say(self, text: str, error: bool = False) -> None:
        self._status_text = text
        color = "var(--jp-error-color1, #b00020)" if error else "var(--jp-ui-font-color2, #616161)"
        style = f"color: {color}; white-space: nowrap; overflow: hidden; text-overflow: ellipsis"
        role = "alert" if error else "status"
        self._status.value = f'<div class="wb-status" role="{role}" dir="auto" style="{style}">{escape(text)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._errors.append(error)
        self._say(f"Could not {error}", error=True)

    # What the widgets call.

    def _typed(self, change: Any) -> None:
        if self._query.value.strip():
            with callbacks.guard("search", self._show_error):
                self.search(self._query.value)

    def _selected(self, rows: IntArray) -> None:
        if self._moving:
            return
        if len(rows) == 1:
            self._open(int(rows[0]))
        elif len(rows):
            self._show_selection(rows)
        elif not self._steps or self._steps[-1][0] == "open":
            self.clear()

    def _went_back(self, button: Any) -> None:
        if len(self._steps) < 2:
            return
        with callbacks.guard("go back", self._show_error):
            self._steps.pop()
            kind, what = self._steps.pop()
            if kind == "search":
                self._select_quietly(np.empty(0, np.int64))
                self.search(what)
            else:
                self._open(what)

    def _cleared(self, button: Any) -> None:
        with callbacks.guard("clear", self._show_error):
            self._query.value = ""
            self.clear()

    def _lines_toggled(self, change: Any) -> None:
        with callbacks.guard("draw lines", self._show_error):
            self._draw_lines()

    def _recolored(self, change: Any) -> None:
        with callbacks.guard("color", self._show_error):
            chosen = change["new"]
            if isinstance(chosen, _OfTheMap):
                self.color_by_distortion(chosen.measure)
            else:
                self.color_by(chosen)


def _named(identity: ModelIdentity) -> Encoder:
    """The encoder of this identity, found by its name; refused with the way out where that is not possible."""
    backend: Literal["auto", "torch", "openvino"] = "auto"
    if identity.precision.startswith("torch"):
        backend = "torch"
    elif identity.precision.startswith("openvino"):
        backend = "openvino"
    try:
        encoder = SentenceEncoder(
            identity.name,
            query_prompt=identity.query_prompt,
            document_prompt=identity.document_prompt,
            truncate_dim=identity.dimensions,
            normalize=identity.normalized,
            backend=backend,
        )
        check_identity(encoder.identity, identity)
    except ModelError as error:  # or an IdentityError, which stays one
        raise type(error)(
            f"the model that made these vectors cannot be had by its name, {identity.name!r}: {error.what}",
            "Pass the encoder that made them: explorer(corpus, vectors, encoder).",
        ) from error
    return encoder


explorer = Explorer  # what a notebook says
