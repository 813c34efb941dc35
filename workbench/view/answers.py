"""A table of ranked words with scores, each row of which can be pressed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench import callbacks
from workbench.markup import plain

__all__ = ["AnswerTable"]

_STATIC = Path(__file__).parent / "static"


class AnswerTable(anywidget.AnyWidget):
    """A scrolling table of fixed height; ``on_open`` is called with the place of the row that was pressed, from 0."""

    _esm = _STATIC / "answers.js"
    _css = _STATIC / "answers.css"
    content: "traitlets.Dict[str, Any]" = traitlets.Dict({"caption": "", "score": "score", "items": []}).tag(sync=True)

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

    def show(self, caption: str, score: str, rows: Sequence[tuple[str, float, str]], chosen: int | None) -> None:
        """Replace the table: a heading, what the scores are, and by row a word, its score and a note about it."""
        items = [
            {
                "rank": str(at + 1),
                "word": plain(word),
                "score": f"{value:.3f}",
                "note": plain(note),
                "chosen": at == chosen,
            }
            for at, (word, value, note) in enumerate(rows)
        ]
        self.content = {"caption": plain(caption), "score": plain(score), "items": items}

    def _received(self, widget: Any, message: Any, buffers: Any) -> None:
        with callbacks.guard("choose an answer", self._on_error):
            self._on_open(int(message["open"]))
