"""Word analogies under a person's hands: three words, a method, ten answers, and the plane that they span."""

from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import callbacks
from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry import analogies, directions
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.view.answers import AnswerTable
from workbench.view.figures import analogy_plane
from workbench.view.read_out import alert, status

__all__ = ["AnalogyBench"]

_NAMES = {
    "3cosadd": ("3CosAdd: cosine with the sum a* − a + b", "3CosAdd"),
    "3cosmul": ("3CosMul: products and a quotient instead of a sum", "3CosMul"),
    "pairdirection": ("PairDirection: the direction of the step alone", "PairDirection"),
    "only-b": ("baseline: nearest to b", "cosine with b"),
    "only-a-star": ("baseline: nearest to a*", "cosine with a*"),
    "ignore-a": ("baseline: nearest to a* + b", "cosine"),
}
_PLANE = (690, 450)  # pixels
_TABLE = 350
_BLANK = pd.DataFrame({"role": ["a", "a*", "b", "sum", "answer"], "x": [0, 1, 0, 1, 1], "y": [0, 0, 1, 1, 0]}).assign(
    word="", off=0.0, to_sum=0.0
)  # traces for a figure that shows nothing yet


class AnalogyBench(KeyedBox):
    """Three words, a method, and whether the question's own words may be the answer; the answers, and their plane.

    The plane is exact: the question's words and the sum lie in it, the chosen answer stands off it by what its label
    says. A word that is not known is answered in the line below with the nearest spellings.

    Parameters
    ----------
    vectors
        Words and their vectors.
    a_star, a, b
        The words to begin with, in the order of the sum a* - a + b.
    method
        The one to begin with, of ``geometry.analogies.METHODS``.
    exclude
        Whether the question's own words are left out, to begin with.
    k
        How many answers are listed.

    Attributes
    ----------
    answers
        What is listed, as :func:`geometry.analogies.solve` gives it; None while a word is unknown.
    plane
        The :class:`geometry.directions.Parallelogram` that is drawn; None while there is none.

    Raises
    ------
    InputError
        A method that there is not, or ``k`` under 1.
    """

    def __init__(
        self,
        vectors: StaticVectors,
        a_star: str = "king",
        a: str = "man",
        b: str = "woman",
        *,
        method: str = "3cosadd",
        exclude: bool = True,
        k: int = 10,
    ) -> None:
        if method not in analogies.METHODS:
            raise InputError(f"there is no method {method!r}", f"Those there are: {', '.join(analogies.METHODS)}.")
        if k < 1:
            raise InputError(f"k={k} answers were asked for", "Ask for 1 or more.")
        self._vectors, self._k = vectors, k
        self._asked: tuple[str, ...] = ()
        self._found: dict[bool, pd.DataFrame] = {}
        self.answers: pd.DataFrame | None = None
        self.plane: directions.Parallelogram | None = None

        layout = ipywidgets.Layout
        self.a_star, self.a, self.b = (_field(word, name) for word, name in ((a_star, "a*"), (a, "a"), (b, "b")))
        self.method = ipywidgets.Dropdown(
            options=[(_NAMES[name][0], name) for name in analogies.METHODS], value=method,
            description="method", layout=layout(width="400px"), style={"description_width": "55px"},
        )  # fmt: skip
        self.exclude = ipywidgets.Checkbox(
            value=exclude, description="leave the question's own words out", indent=False, layout=layout(width="300px")
        )
        self._table = AnswerTable(self._open, self._show_error, layout=layout(width=f"{_TABLE}px", height="100%"))
        self._answer()
        self.figure = go.FigureWidget(self._drawing())  # what it shows at first must not come as a change
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        words = ipywidgets.HBox(
            [self.a_star, _sign("−"), self.a, _sign("+"), self.b, _sign("=  ?")], layout=layout(align_items="center")
        )
        ways = ipywidgets.HBox([self.method, self.exclude], layout=layout(align_items="center", grid_gap="16px"))
        shown = ipywidgets.HBox([self._table, self.figure], layout=layout(height=f"{_PLANE[1] + 4}px", width="100%"))
        super().__init__([words, ways, shown, self._status], layout=layout(width="100%"))
        for control in (self.a_star, self.a, self.b, self.method, self.exclude):
            control.observe(self._changed, "value")
        self._show()

    @property
    def chosen(self) -> str | None:
        """The answer that is drawn."""
        return None if self.answers is None else str(self.answers["word"].iloc[self._chosen])

    def choose(self, word: str) -> None:
        """Draw one of the listed answers.

        Raises
        ------
        InputError
            The word is not listed.
        """
        listed = [] if self.answers is None else self.answers["word"].tolist()
        if word not in listed:
            raise InputError(f"{word!r} is not among the answers", f"They are: {', '.join(listed) or 'none'}.")
        self._open(listed.index(word))

    def _answer(self) -> None:
        """Answer the question as it stands; what cannot be asked becomes the read-out."""
        self._chosen, self.answers, self._why = 0, None, ""
        typed = [field.value.strip() for field in (self.a_star, self.a, self.b)]
        signed = zip(("", "− ", "+ "), typed, strict=True)
        self._question = " ".join(f"{sign}{shorten(word, 24)}" for sign, word in signed)
        try:
            if not all(typed):
                raise InputError("a field is empty", "Type a word into each of the three.")
            method, asked = self.method.value, (*typed, self.method.value)
            if asked != self._asked:  # allowing the question's own words, or not, asks nothing new
                self._found = {
                    exclude: analogies.solve(self._vectors, *typed, method=method, exclude=exclude, k=self._k)
                    for exclude in (True, False)
                }
                self._asked = asked
            if self._found[self.exclude.value].empty:
                raise InputError("no word is left to answer with", "Allow the question's own words.")
        except InputError as error:  # a word that is not known is the person's to mend, no failure of the notebook
            self._why = str(error)
        else:
            self.answers, self._others = self._found[self.exclude.value], self._found[not self.exclude.value]
            self._words = [self._vectors.ids[self._vectors.row(word)] for word in (typed[1], typed[0], typed[2])]
        self._span()

    def _span(self) -> None:
        """The plane of the chosen answer, if there is one."""
        self.plane, self._flat = None, "No answer, no plane"
        if self.answers is None:
            return
        a, a_star, b = self._words
        others = [word for word in self.answers["word"] if word != self.chosen and word not in self._words]
        try:
            self.plane = directions.parallelogram(self._vectors, a, a_star, b, str(self.chosen), others)
        except InputError as error:
            self._flat = f"No plane: {error.what}"

    def _drawing(self) -> go.Figure:
        """The plane; or none, so that no drawing of another question stands beside this one."""
        size = {"width": _PLANE[0], "height": _PLANE[1]}
        if self.plane is not None:
            return analogy_plane(self.plane.points, title=f"{self._question}, and {shorten(self.chosen, 24)}", **size)
        figure = analogy_plane(_BLANK, title=shorten(self._flat, 80), **size)
        figure.for_each_trace(lambda trace: trace.update(x=[], y=[]))
        return figure.update_layout(annotations=[])

    def _show(self) -> None:
        """The table, the plane and the read-out of the answers there are."""
        rows = []
        if self.answers is not None:
            columns = (self.answers[name] for name in ("word", "score", "input"))
            rows = [(word, score, "in the question" if own else "") for word, score, own in zip(*columns, strict=True)]
        self._table.show(f"{self._question} = ?", _NAMES[self.method.value][1], rows, self._chosen)
        fresh = self._drawing()
        with self.figure.batch_update():
            for old, new in zip(self.figure.data, fresh.data, strict=True):
                for name in ("x", "y", "text", "textposition", "hovertext", "showlegend"):
                    if new[name] is not None or old[name] is not None:
                        old[name] = new[name]
            self.figure.layout.annotations = fresh.layout.annotations
            self.figure.layout.xaxis.range = fresh.layout.xaxis.range
            self.figure.layout.yaxis.range = fresh.layout.yaxis.range
            self.figure.layout.title.text = fresh.layout.title.text
        if self._why:
            self._status.value = alert(self._why)
        else:
            self._status.value = status(f"{self._comes_first()}<br>", escape(self._stands()))

    def _comes_first(self) -> str:
        """Which word comes first, and which would if the question's own words were treated the other way, as HTML."""
        answers = self.answers
        assert answers is not None
        first, score = str(answers["word"].iloc[0]), float(answers["score"].iloc[0])
        other = "" if self._others.empty else str(self._others["word"].iloc[0])
        lead = f"<b>{escape(first)}</b> comes first ({escape(_NAMES[self.method.value][1])} {score:.3f})"
        if self.exclude.value:
            lead += ", the question's own words left out. Allowed, "
            return lead + ("it would too." if first == other else f"<b>{escape(other)}</b> would.")
        if answers["input"].iloc[0]:
            lead += ", one of the question's own words."
            return lead + (f" Without them <b>{escape(other)}</b> would." if other else "")
        return f"{lead}, though the question's own words are allowed."

    def _stands(self) -> str:
        """Where the chosen answer stands, in a sentence."""
        if self.plane is None:
            return f"{self._flat}."
        answer = self.plane.points[self.plane.points["role"] == "answer"].iloc[0]
        where = "in the plane" if answer["off"] < 0.005 else f"{answer['off']:.2f} off the plane"
        said = f"{shorten(self.chosen, 40)} stands {where} and {answer['to_sum']:.2f} from the sum"
        if self.plane.parallel != self.plane.parallel:  # b itself is the answer
            return f"{said}."
        return f"{said}; b* − b and a* − a have cosine {self.plane.parallel:.2f}."

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _open(self, at: int) -> None:
        if self.answers is not None and 0 <= at < len(self.answers):
            self._chosen = at
            self._span()
            self._show()

    def _changed(self, change: Any) -> None:
        with callbacks.guard("answer an analogy", self._show_error):
            self._answer()
            self._show()


def _field(word: str, name: str) -> ipywidgets.Text:
    return ipywidgets.Text(
        value=word, description=name, continuous_update=False, layout=ipywidgets.Layout(width="170px"),
        style={"description_width": "22px"},
    )  # fmt: skip


def _sign(text: str) -> ipywidgets.Label:
    return ipywidgets.Label(text, layout=ipywidgets.Layout(margin="0 2px"))
