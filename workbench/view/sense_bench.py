"""One word in any sentences: what each layer of a transformer makes of it, sense by sense."""

from collections import Counter
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import callbacks, corpora, geometry
from workbench.embed.contextual import ContextualEncoder, Span
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus, FloatArray
from workbench.tasks import SenseAccuracy, sense_accuracy
from workbench.view.figures import occurrences, sense_colors
from workbench.view.read_out import QUIET, alert, status
from workbench.view.sentences import Occurrence, WordSentences

__all__ = ["SenseBench"]

_BESIDE = 90  # letters on either side of the word when a point is hovered


class SenseBench(KeyedBox):
    """A word, sentences to read it in, and a slider for the layer: on a plane, pair by pair, and in numbers.

    All layers are computed when the sentences are read, so the slider answers at once. A line of the text field is a
    sentence, or its sense, a bar between spaces, and the sentence: ``money | She went to the bank.``

    Parameters
    ----------
    encoder
        What reads the sentences.
    corpus
        Whose words the drop-down offers; sentences with ``word``, ``sense``, ``start`` and ``end`` in the metadata.
        None takes the built-in corpus ``word-senses``.
    word
        The one to begin with; None takes the corpus's first.
    layer
        To begin with; None takes the last.

    Attributes
    ----------
    occurrences
        What is shown, in the order of the heat map: ``number``, ``sense``, ``before``, ``word``, ``after``, ``x``,
        ``y``.
    cosines
        ``(n, n) float32``, in the same order, at the layer that is shown.
    accuracy
        What :func:`tasks.sense_accuracy` measured on the sentences whose sense is given; None where that are too few.

    Raises
    ------
    InputError
        The corpus lacks a column or the word, or the encoder the layer.
    """

    def __init__(
        self,
        encoder: ContextualEncoder,
        corpus: Corpus | None = None,
        *,
        word: str | None = None,
        layer: int | None = None,
    ) -> None:
        corpus = corpora.load("word-senses") if corpus is None else corpus
        self._encoder, self._written = encoder, WordSentences(corpus)
        offered = self._written.words
        if word is not None and word not in offered:
            raise InputError(f"{corpus.name!r} has no word {word!r}", f"Its words: {', '.join(offered)}.")
        if layer is not None and layer not in range(encoder.layers + 1):
            raise InputError(f"there is no layer {layer!r}", f"The layers are 0 to {encoder.layers}.")
        self._vectors: dict[tuple[str, Span], FloatArray] = {}
        self._planes: dict[int, tuple[FloatArray, tuple[float, float], FloatArray]] = {}
        self._points = np.empty((0, 2), dtype=np.float32)
        self._alert, self._busy = "", False
        word = offered[0] if word is None else word

        layout = ipywidgets.Layout
        self.words = ipywidgets.Dropdown(
            options=[("your own", ""), *((one, one) for one in offered)], value=word,
            description="sentences for", layout=layout(width="240px"), style={"description_width": "95px"},
        )  # fmt: skip
        self.word = ipywidgets.Text(
            value=word, description="word", continuous_update=False, layout=layout(width="230px"),
            style={"description_width": "45px"},
        )  # fmt: skip
        self.layer = ipywidgets.IntSlider(
            value=encoder.layers if layer is None else layer, min=0, max=encoder.layers, description="layer",
            continuous_update=True, layout=layout(width="420px"), style={"description_width": "50px"},
        )  # fmt: skip
        self.sentences = ipywidgets.Textarea(
            value=self._written.lines(word), continuous_update=False, description="sentences, one a line",
            layout=layout(width="508px", height="236px", margin="2px 2px 2px -6px"),
            style={"description_width": "0px"},  # for screen readers alone: eyes have the line above the field
        )  # fmt: skip
        self._read()
        self._repaint()
        self.figure = go.FigureWidget(self._drawn())
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        self._list = ipywidgets.HTML(layout=layout(width="510px", height="262px", overflow="auto", margin="0 0 0 16px"))
        hint = ipywidgets.HTML(
            f'<div style="{QUIET}">One sentence a line, its sense before a bar if known; then leave the field.</div>',
            layout=layout(width="500px", height="26px"),
        )
        controls = ipywidgets.HBox([self.words, self.word, self.layer], layout=layout(flex_flow="row wrap"))
        text = ipywidgets.HBox(
            [ipywidgets.VBox([hint, self.sentences], layout=layout(width="506px")), self._list],
            layout=layout(flex_flow="row wrap"),
        )
        super().__init__([controls, self.figure, self._status, text], layout=layout(width="100%"))
        self.words.observe(self._chosen, "value")
        self.word.observe(self._edited, "value")
        self.sentences.observe(self._edited, "value")
        self.layer.observe(self._moved, "value")
        self._say()
        self._list.value = self._listed()

    def _read(self) -> None:
        """Find the word in every line and compute all layers of what is new; what cannot be read changes nothing."""
        found = self._written.read(self.word.value, self.sentences.value)
        fresh = list({(one.sentence, one.span): one for one in found if (one.sentence, one.span) not in self._vectors})
        if fresh:
            computed = self._encoder.word_vectors([text for text, _ in fresh], spans=[span for _, span in fresh])
            self._vectors |= dict(zip(fresh, computed, strict=True))
        order = {sense: at for at, sense in enumerate(dict.fromkeys(one.sense for one in found if one.sense))}
        found.sort(key=lambda one: order.get(one.sense, len(order)))
        layers = np.stack([self._vectors[one.sentence, one.span] for one in found])
        self.accuracy = _measured(found, layers)
        self._found, self._layers = found, layers
        self._word, self._planes = self.word.value.strip(), {}

    def _repaint(self) -> None:
        """What is shown at the slider's layer; planes are computed once for each, and face as the one before did."""
        layer = self.layer.value
        if layer not in self._planes:
            vectors = np.ascontiguousarray(self._layers[:, layer])
            plane = geometry.principal_plane(vectors)
            points = plane.coordinates
            if self._planes:
                points = points * np.where((points * self._points).sum(axis=0) < 0, -1, 1).astype(np.float32)
            self._planes[layer] = points, plane.shares, geometry.cosine_similarity(vectors, vectors)
        self._points, self._shares, self.cosines = self._planes[layer]
        parts = [one.parts for one in self._found]
        self.occurrences = pd.DataFrame(
            {
                "number": [one.number for one in self._found],
                "sense": [one.sense for one in self._found],
                "before": [before for before, _, _ in parts],
                "word": [word for _, word, _ in parts],
                "after": [after for _, _, after in parts],
                "x": self._points[:, 0],
                "y": self._points[:, 1],
            }
        )

    def _drawn(self) -> go.Figure:
        near = self.occurrences.assign(
            before=[
                shorten(text[::-1], _BESIDE)[::-1] + " " * text.endswith(" ") for text in self.occurrences["before"]
            ],
            after=[" " * text.startswith(" ") + shorten(text, _BESIDE) for text in self.occurrences["after"]],
        )
        layer = f"layer {self.layer.value} of {self._encoder.layers}" + ", the input" * (self.layer.value == 0)
        return occurrences(near, self.cosines, shares=self._shares, title=f"“{shorten(self._word, 40)}” at {layer}")

    def _show(self) -> None:
        self._repaint()
        fresh = self._drawn()
        with self.figure.batch_update():
            for old, new in zip(self.figure.data, fresh.data, strict=True):
                heat = new.type == "heatmap"
                for name in ("z", "zmin", "zmax", "customdata") if heat else (
                    "x", "y", "text", "customdata", "name", "showlegend"
                ):  # fmt: skip
                    old[name] = new[name]
            for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2"):
                for name in ("title", "tickvals", "ticktext"):
                    self.figure.layout[axis][name] = fresh.layout[axis][name]
            self.figure.layout.shapes = fresh.layout.shapes
            self.figure.layout.annotations = fresh.layout.annotations
            self.figure.layout.title.text = fresh.layout.title.text
        self._say()
        self._list.value = self._listed()

    def _say(self) -> None:
        if self._alert:
            self._status.value = alert(self._alert)
            return
        layer = self.layer.value
        pairs = self.cosines[~np.eye(len(self.cosines), dtype=np.bool_)]
        said = f"At layer {layer} the mean cosine of two occurrences is <b>{pairs.mean():.3f}</b>"
        if self.accuracy is not None:
            row = self.accuracy.table[self.accuracy.table["layer"] == layer].iloc[0]
            n = int((self.accuracy.sentences["layer"] == layer).sum())
            said += (
                f", within a sense <b>{row['within']:.3f}</b>, between senses <b>{row['between']:.3f}</b>. "
                f"Left out in turn, <b>{row['accuracy']:.0%}</b> of {n} sentences go to their own sense; "
                f"guessing: {self.accuracy.chance:.0%}."
            )
        else:
            said += ". To compare senses, give two senses two sentences each: <i>money | She went to the bank.</i>"
        static = "A static vector is one for the word: its cosine is 1 everywhere by definition."
        self._status.value = status(f"{said} ", static)

    def _listed(self) -> str:
        """The sentences by sense, each with its number, its word stressed, and whether it is mistaken."""
        colors = sense_colors(one.sense for one in self._found)
        missed: set[str] = set()
        if self.accuracy is not None:
            rows = self.accuracy.sentences
            missed = set(rows[(rows["layer"] == self.layer.value) & (rows["correct"] < 1)]["id"])
        lines: list[str] = []
        for at, one in enumerate(self._found):
            if not at or one.sense != self._found[at - 1].sense:
                name = escape(shorten(one.sense, 80) or "sense not given")
                mark = f'<span aria-hidden="true" style="color: {colors[one.sense]}">■</span>'
                lines.append(f'<div style="font-weight: 600">{mark} {name}</div>')
            before, word, after = map(escape, one.parts)
            miss = f' <span style="{QUIET}">— taken for another sense</span>' if str(one.number) in missed else ""
            stressed = f'<strong style="text-decoration: underline 2px {colors[one.sense]}">{word}</strong>'
            lines.append(
                '<div style="display: flex; gap: 8px; line-height: 1.4; padding: 1px 0">'
                f'<span style="flex: 0 0 22px; text-align: right; {QUIET}">{one.number}</span>'
                '<span dir="auto" style="min-width: 0; overflow-wrap: anywhere">'
                f"{before}{stressed}{after}{miss}</span></div>"
            )
        return f'<div class="wb-senses">{"".join(lines)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._alert = str(error)
        self._say()

    def _ask(self) -> None:
        """Read the fields and show them; what a person can mend is said and the last figure stays."""
        try:
            self._read()
        except InputError as error:
            self._alert = str(error)
            self._say()
            return
        self._alert = ""
        self._show()

    def _chosen(self, change: Any) -> None:
        if not self.words.value or self._busy:
            return
        with callbacks.guard("choose a word", self._show_error):
            self._set(word=self.words.value, sentences=self._written.lines(self.words.value))
            self._ask()

    def _edited(self, change: Any) -> None:
        if self._busy:
            return
        with callbacks.guard("read the sentences", self._show_error):
            self._set(words="")
            self._ask()

    def _set(self, **values: Any) -> None:
        """Give fields values without reading them."""
        self._busy = True
        try:
            for name, value in values.items():
                getattr(self, name).value = value
        finally:
            self._busy = False

    def _moved(self, change: Any) -> None:
        with callbacks.guard("choose a layer", self._show_error):
            self._show()


def _measured(found: list[Occurrence], layers: FloatArray) -> SenseAccuracy | None:
    """Senses told apart, on the sentences of each sense that has two; None where there are not two such senses."""
    sizes = Counter(one.sense for one in found if one.sense)
    rows = [at for at, one in enumerate(found) if sizes[one.sense] > 1]
    if len({found[at].sense for at in rows}) < 2:
        return None
    kept = [found[at] for at in rows]
    corpus = Corpus(
        tuple(str(one.number) for one in kept),
        tuple(one.sentence for one in kept),
        pd.DataFrame({"word": "the word", "sense": [one.sense for one in kept]}),
        "what was typed",
    )
    return sense_accuracy(layers[rows], corpus)
