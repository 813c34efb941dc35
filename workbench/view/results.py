"""The list beside a map: hits with scores, or the passages of a selection, each a button."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench import callbacks
from workbench.markup import plain, shorten
from workbench.records import Corpus

__all__ = ["Passages", "ResultList", "passage_titles"]

_STATIC = Path(__file__).parent / "static"
_TITLES = ("title", "name", "heading", "question", "subject")


@dataclass(frozen=True, eq=False)
class Passages:
    """How the passages of a corpus are shown: a title, a line about the metadata, the text."""

    corpus: Corpus

    @property
    def title_column(self) -> str | None:
        """The metadata column that names a passage, if there is one."""
        return next((name for name in _TITLES if name in self.corpus.metadata.columns), None)

    @cached_property
    def _titles(self) -> list[Any]:
        column = self.title_column
        return [None] * len(self.corpus) if column is None else self.corpus.metadata[column].tolist()

    def title(self, row: int) -> str:
        """Title of a passage, or its id."""
        named = self._titles[row]
        return shorten(named, 90) if isinstance(named, str) and named.strip() else self.corpus.ids[row]

    def about(self, row: int) -> str:
        """The first four other metadata values on one line."""
        names = [name for name in self.corpus.metadata.columns if name != self.title_column][:4]
        cells = ((name, self.corpus.metadata[name].iloc[row]) for name in names)
        return " · ".join(f"{name} {shorten(cell, 40)}" for name, cell in cells if cell is not None and cell == cell)

    def preview(self, row: int, length: int = 420) -> str:
        """Title and text for a tooltip, as one string with line breaks."""
        return f"{self.title(row)}\n{shorten(self.corpus.texts[row], length)}"

    def entry(
        self, row: int, *, rank: int = 0, score: float | None = None, chosen: bool = False, note: str = ""
    ) -> dict[str, Any]:
        """One entry of the list, as plain values; ``note`` stands before the line about the metadata."""
        return {
            "row": int(row),
            "id": self.corpus.ids[row],
            "rank": str(rank) if rank else "",
            "score": "" if score is None else f"{score:.3f}",
            "title": self.title(row),
            "about": " · ".join(filter(None, (note, self.about(row)))),
            "text": shorten(self.corpus.texts[row], 1500 if chosen else 420),
            "chosen": chosen,
        }


def passage_titles(corpus: Corpus) -> list[str]:
    """What each passage is called where it is listed: its title, or its id."""
    passages = Passages(corpus)
    return [passages.title(row) for row in range(len(corpus))]


class ResultList(anywidget.AnyWidget):
    """A scrolling list of fixed height; ``on_open`` is called with the row of an entry that was pressed."""

    _esm = _STATIC / "results.js"
    _css = _STATIC / "results.css"
    content: "traitlets.Dict[str, Any]" = traitlets.Dict({"heading": "", "note": "", "items": [], "hints": []}).tag(
        sync=True
    )

    def __init__(
        self,
        on_open: Callable[[int], object],
        on_error: Callable[[callbacks.CallbackError], object],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._on_open = on_open
        self._on_error = on_error
        self.on_msg(self._received)

    def show(
        self,
        heading: str,
        note: str,
        items: Sequence[dict[str, Any]],
        hints: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Replace what the list shows; ``hints`` are short named explanations above the entries."""
        self.content = {"heading": plain(heading), "note": plain(note), "items": list(items), "hints": list(hints)}

    def _received(self, widget: Any, message: Any, buffers: Any) -> None:
        with callbacks.guard("open a result", self._on_error):
            self._on_open(int(message["open"]))
