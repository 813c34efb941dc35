"""The predict-then-reveal card: it asks before a result is shown, and never blocks Run All."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ipywidgets

from workbench import callbacks
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import emphasis, escape

__all__ = ["PredictionCard", "predict"]

Kind = Literal["number", "choice", "text"]
Answer = float | str


@dataclass(frozen=True)
class _Measured:
    value: Answer
    reasoning: str
    mistake: str


class PredictionCard(KeyedBox):
    """A question, a place for the prediction, and a button that reveals what was measured beside it.

    The question comes before the measurement, so the answer usually is not known yet. Three cells read well::

        card = interview.predict("What share of **random** pairs is above 0.3?", kind="number", unit="%")
        card                                                        # the reader answers, or runs on

        share = 100 * (similarities > 0.3).mean()                   # the measurement

        card.reveal_with(share, "Most of the space is empty: ...", mistake="Half: they read 0 as the middle.")

    ``reveal_with`` gives the card above its answer and returns a folded copy of it to show where the result is. The
    card shows the answer at once beside a prediction that was made; without one it waits for its Reveal button, so Run
    All spoils nothing. Before that, the button says that the result is measured further down.

    Parameters
    ----------
    question, reasoning, mistake
        Text; ``**strong**``, ``*stressed*``, ```code``` and blank lines are read, everything else is shown literally.
    answer
        The measured value, or a function called when it is revealed, or None to set it later.
    kind
        ``"number"``, ``"choice"`` (among ``options``) or ``"text"``.
    unit
        Shown after numbers.
    tolerance
        A number counts as close within this share of the measured value (0.1 is 10 %).
    decimals
        Digits after the point when numbers are shown.

    Attributes
    ----------
    prediction
        What was answered, or None; kept when the measured value is shown.
    revealed
        Whether the measured value has been shown.

    Raises
    ------
    InputError
        An unknown kind, a choice with fewer than two options, or an answer that the kind does not allow.
    """

    def __init__(
        self,
        question: str,
        answer: Answer | Callable[[], Answer] | None = None,
        *,
        kind: Kind = "number",
        options: Sequence[str] | None = None,
        unit: str = "",
        reasoning: str = "",
        mistake: str = "",
        tolerance: float = 0.1,
        decimals: int = 2,
    ) -> None:
        if kind not in ("number", "choice", "text"):
            raise InputError(f"there is no kind {kind!r} of question", "Use number, choice or text.")
        if kind == "choice" and len(options or ()) < 2:
            raise InputError(f"a choice among {list(options or ())!r}", "Pass at least two options.")
        if not math.isfinite(tolerance) or tolerance < 0:
            raise InputError(f"tolerance={tolerance}", "Use a share of the measured value, such as 0.1.")
        self.question, self.kind, self.options = question, kind, tuple(options or ())
        self.unit, self.tolerance, self.decimals = unit, tolerance, decimals
        self.prediction: Answer | None = None
        self.revealed = False
        self.errors: list[callbacks.CallbackError] = []
        self._source: Callable[[], _Measured] | None = None
        if callable(answer):
            self._source = lambda: _Measured(self._valid(answer()), reasoning, mistake)
        elif answer is not None:
            known = _Measured(self._valid(answer), reasoning, mistake)
            self._source = lambda: known
        self._reasoning, self._mistake = reasoning, mistake
        self.input = self._make_input()
        self.button = ipywidgets.Button(
            description="Reveal", button_style="primary", tooltip="Show what was measured",
            layout=ipywidgets.Layout(width="88px", flex="none"),
        )  # fmt: skip
        self._outcome = ipywidgets.HTML(layout=ipywidgets.Layout(width="100%"))
        asked = ipywidgets.HTML(f'<div dir="auto" style="font-size: 15px; line-height: 1.5">{_spaced(question)}</div>')
        row = [self.input, *([ipywidgets.HTML(escape(unit))] if unit and kind == "number" else []), self.button]
        super().__init__(
            [
                ipywidgets.HTML(_eyebrow("Predict first")),
                asked,
                ipywidgets.HBox(row, layout=ipywidgets.Layout(align_items="center", flex_flow="row wrap")),
                self._outcome,
            ],
            layout=ipywidgets.Layout(
                max_width="760px", padding="10px 16px 12px", margin="6px 0",
                border_left="4px solid var(--jp-brand-color1, #0072B2)",
                border_top=_EDGE, border_right=_EDGE, border_bottom=_EDGE,
            ),
        )  # fmt: skip
        self.button.on_click(self._pressed)
        if kind == "text" or kind == "number":
            self.input.on_msg(self._entered)

    @property
    def answer(self) -> Answer | None:
        """The measured value; None while it is not known."""
        return None if self._source is None else self._source().value

    def reveal(self) -> None:
        """Record what stands in the input as the prediction and show the measured value beside it.

        Raises
        ------
        InputError
            The input is not a number where a number is asked for.
        """
        given = self._read()
        if given is not None:
            self.prediction = given
        if self._source is None:
            noted = "Noted. " if self.prediction is not None else ""
            self._outcome.value = _note(f"{noted}It has not been measured yet: run the cells below.")
            return
        self._outcome.value = self._compared(self._source())
        self.revealed = True
        self.button.description = "Again"

    def reveal_with(self, value: Answer, reasoning: str = "", mistake: str = "") -> ipywidgets.Widget:
        """Say what was measured, and return a folded comparison to display in this cell.

        The card above shows it too if it holds a prediction; without one it keeps the answer for its Reveal button.
        """
        measured = _Measured(self._valid(value), reasoning or self._reasoning, mistake or self._mistake)
        self._source = lambda: measured
        if self.prediction is not None or self.input.value:
            self._pressed(None)
        compared = ipywidgets.HTML(self._compared(measured))
        folded = ipywidgets.Accordion([compared], titles=("Reveal: what was measured",))
        folded.layout.max_width = "760px"
        return folded

    def _make_input(self) -> ipywidgets.Widget:
        if self.kind == "choice":
            return ipywidgets.RadioButtons(
                options=list(self.options), value=None, layout=ipywidgets.Layout(width="100%", height="auto")
            )
        if self.kind == "text":
            return ipywidgets.Textarea(
                placeholder="One sentence", rows=2, layout=ipywidgets.Layout(width="100%", max_width="560px")
            )
        return ipywidgets.Text(placeholder="a number", layout=ipywidgets.Layout(width="130px", flex="none"))

    def _valid(self, value: Answer) -> Answer:
        if self.kind == "choice" and value not in self.options:
            raise InputError(f"the answer {value!r} is not an option", f"Options are {list(self.options)!r}.")
        if self.kind == "number":
            number = float(value)
            if not math.isfinite(number):
                raise InputError(f"the measured value is {value!r}", "A number that is finite can be compared.")
            return number
        return str(value)

    def _read(self) -> Answer | None:
        raw = self.input.value
        if raw is None or not str(raw).strip():
            return None
        if self.kind != "number":
            return str(raw)
        cleaned = str(raw).strip().replace("−", "-").removesuffix(self.unit).replace(",", "").replace("_", "").strip()
        try:
            number = float(cleaned)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InputError(f"{str(raw)!r} is not a number", "Write one such as 0.42 or 1,200.")
        return number

    def _shown(self, value: Answer) -> str:
        if self.kind != "number":
            return escape(value)
        return escape(f"{value:,.{self.decimals}f}{'' if self.unit == '%' else ' '}{self.unit}".strip())

    def _difference(self, off: float) -> str:
        points = f"{abs(off):,.{self.decimals}f} percentage points"
        return points if self.unit == "%" else self._shown(abs(off))

    def _verdict(self, measured: Answer) -> str:
        """How far off, in words; free text is for the reader to judge."""
        if self.prediction is None:
            return "You ran on without a prediction."
        if self.kind == "choice":
            return "You were right." if self.prediction == measured else "It is another one."
        if self.kind == "text":
            return "Compare: does yours name the mechanism?"
        guess, truth = float(self.prediction), float(measured)
        off = guess - truth
        if abs(off) <= self.tolerance * abs(truth) or off == 0:
            return f"Close: off by {self._difference(off)}."
        direction = "above" if off > 0 else "below"
        ratio = guess / truth if truth else math.inf
        times = ratio if ratio >= 1 else 1 / ratio if ratio > 0 else math.inf
        factor = f", a factor of {times:,.1f}" if 1.5 <= times < math.inf else ""
        return f"{self._difference(off)} {direction} the measured value{factor}."

    def _compared(self, measured: _Measured) -> str:
        mine = "—" if self.prediction is None else self._shown(self.prediction)
        size = "22px" if self.kind == "number" else "15px"
        pair = "".join(
            f'<div style="flex: 1 1 180px; min-width: 0"><div style="{_SMALL}">{name}</div>'
            f'<div dir="auto" style="font-size: {size}; overflow-wrap: anywhere; {style}">{shown}</div></div>'
            for name, shown, style in (
                ("Your prediction", mine, ""),
                ("Measured", self._shown(measured.value), "font-weight: 600; color: var(--jp-brand-color1, #0072B2)"),
            )
        )
        parts = [f'<div style="display: flex; gap: 24px; margin: 10px 0 4px">{pair}</div>']
        parts.append(f'<div style="{_SMALL}">{self._verdict(measured.value)}</div>')
        for title, text in (("Why", measured.reasoning), ("The common wrong answer", measured.mistake)):
            if text:
                parts.append(
                    f'<div style="margin-top: 10px">{_eyebrow(title)}<div dir="auto">{_spaced(text)}</div></div>'
                )
        return f'<div class="wb-card-outcome" style="font-size: 14px; line-height: 1.5">{"".join(parts)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self.errors.append(error)
        self._outcome.value = _note(str(error.error), error=True)

    def _pressed(self, button: Any) -> None:
        try:
            self._read()
        except InputError as error:  # a typing slip is the reader's to mend, no failure of the notebook
            self._outcome.value = _note(str(error), error=True)
            return
        with callbacks.guard("reveal", self._show_error):
            self.reveal()

    def _entered(self, widget: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("event") == "submit":
            self._pressed(None)


predict = PredictionCard  # what a notebook says


_EDGE = "1px solid var(--jp-border-color2, #e0e0e0)"
_SMALL = "color: var(--jp-ui-font-color2, #616161); font-size: 13px"


def _spaced(text: str) -> str:
    """Emphasized text whose paragraphs stand apart; notebooks take their margins away."""
    return emphasis(text).replace("</p><p>", '</p><p style="margin-top: 8px">')


def _eyebrow(text: str) -> str:
    style = "font-size: 12px; font-weight: 600; color: var(--jp-brand-color1, #0072B2)"
    return f'<div style="{style}">{escape(text)}</div>'


def _note(text: str, error: bool = False) -> str:
    color = "var(--jp-error-color1, #b00020)" if error else "var(--jp-ui-font-color2, #616161)"
    return f'<div role="status" style="color: {color}; margin-top: 6px">{escape(text)}</div>'
