"""Retrieval step by step: a question, a budget, the passages that fit, the prompt, and whether it can answer."""

import re
from collections.abc import Sequence
from typing import Any

import ipywidgets

from workbench import callbacks
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus
from workbench.tasks import Context, Grounding, Hit, Searcher, TokenCounter, assemble, grounded, prompt
from workbench.view.read_out import QUIET, alert, status

__all__ = ["RagBench"]


class RagBench(KeyedBox):
    """A question, a slider for the budget, the retrieved chunks with their citations, and the prompt that they make.

    Parameters
    ----------
    questions
        Texts with ``evidence`` in the metadata: the words that answer each.
    searcher
        Finds the chunks.
    counter
        Counts tokens.
    budgets
        Of tokens: what the slider offers.
    budget
        The one to begin with; None takes the middle one.
    question
        Id of the one to begin with; None takes the first.
    k
        Chunks that are retrieved and offered to the context.

    Attributes
    ----------
    context
        What is shown, as :func:`tasks.assemble` gives it.
    grounding
        How much of the evidence is in it.
    prompt
        What a language model would be asked.

    Raises
    ------
    InputError
        There are no questions, they have no evidence, or a budget or question is not among those offered.
    """

    def __init__(
        self,
        questions: Corpus,
        searcher: Searcher,
        counter: TokenCounter,
        *,
        budgets: Sequence[int] = (64, 128, 192, 256, 384, 512, 768, 1024),
        budget: int | None = None,
        question: str | None = None,
        k: int = 20,
    ) -> None:
        if not len(questions) or "evidence" not in questions.metadata.columns:
            raise InputError(
                f"{questions.name!r} has no questions with 'evidence'", "Use the words that answer each as metadata."
            )
        budget = budgets[len(budgets) // 2] if budget is None else budget
        if budget not in budgets:
            raise InputError(f"the slider has no budget {budget!r}", f"It has {', '.join(map(str, budgets))}.")
        self._questions, self._searcher, self._counter, self._k = questions, searcher, counter, k
        self._found: dict[str, list[Hit]] = {}
        layout = ipywidgets.Layout
        self.questions = ipywidgets.Dropdown(
            options=[(shorten(text, 110), id) for id, text in zip(questions.ids, questions.texts, strict=True)],
            value=questions.ids[questions.row(question) if question is not None else 0], description="question",
            layout=layout(width="760px"), style={"description_width": "65px"},
        )  # fmt: skip
        self.budget = ipywidgets.SelectionSlider(
            options=[(f"{one:,} tokens", one) for one in budgets], value=budget, description="budget",
            continuous_update=True, layout=layout(width="560px"), style={"description_width": "65px"},
        )  # fmt: skip
        self._status = ipywidgets.HTML(layout=layout(width="100%", min_height="52px"))
        self._chunks = ipywidgets.HTML(layout=layout(width="520px", height="360px", overflow="auto"))
        self._prompt = ipywidgets.HTML(layout=layout(width="500px", height="360px", overflow="auto"))
        shown = ipywidgets.HBox([self._chunks, self._prompt], layout=layout(flex_flow="row wrap"))
        super().__init__([self.questions, self.budget, shown, self._status], layout=layout(width="100%"))
        self.questions.observe(self._changed, "value")
        self.budget.observe(self._changed, "value")
        self.context: Context
        self.grounding: Grounding
        self._show()

    def _show(self) -> None:
        id = self.questions.value
        row = self._questions.row(id)
        question, evidence = self._questions.texts[row], str(self._questions.metadata["evidence"].iloc[row])
        if id not in self._found:
            self._found[id] = self._searcher.search([question], self._k)[0]
        self.context = assemble(self._found[id], self.budget.value, self._counter)
        self.grounding = grounded(self.context, evidence)
        self.prompt = prompt(question, self.context)
        self._chunks.value = self._listed(self._found[id], evidence)
        self._prompt.value = (
            f'<div style="{QUIET}">The prompt</div><pre class="wb-prompt" tabindex="0" aria-label="the prompt" '
            f'style="white-space: pre-wrap; overflow-wrap: anywhere; word-break: normal; line-height: 1.4">'
            f"{escape(self.prompt)}</pre>"
        )
        held = self.grounding
        cited = ", ".join(f"[{n}]" for n in held.citations)
        verdict = (
            f"<b>Grounded</b>: the words that answer are in the context, at {cited}."
            if held.covered
            else f"<b>Not grounded</b>: {held.share:.0%} of the words that answer are in the context."
        )
        self._status.value = status(
            f"{verdict} {len(self.context.used)} of {len(self._found[id])} chunks fit: "
            f"<b>{self.context.tokens:,}</b> of {self.context.budget:,} tokens. ",
            f"The words: {escape(evidence)}",
        )

    def _listed(self, hits: Sequence[Hit], evidence: str) -> str:
        """The retrieved chunks, best first, each with its citation or a dash where there was no room."""
        number = {hit.id: at for at, hit in enumerate(self.context.used, 1)}
        lines = []
        for hit in hits:
            cited = number.get(hit.id)
            dim = "" if cited else "opacity: 0.6; "
            sign = f"[{cited}]" if cited else "—"
            lines.append(
                f'<div style="{dim}display: flex; gap: 8px; line-height: 1.4; padding: 2px 0">'
                f'<span style="flex: 0 0 32px; text-align: right">{sign}</span>'
                f'<span style="flex: 0 0 44px; {QUIET}">{hit.score:.3f}</span>'
                f'<span dir="auto" style="min-width: 0; overflow-wrap: anywhere">{_marked(hit.text, evidence)} '
                f'<span style="{QUIET}">{escape(hit.id)}{"" if cited else ", no room"}</span></span></div>'
            )
        head = f'<div style="{QUIET}">Citation, cosine and text of the {len(hits)} retrieved chunks</div>'
        return f'{head}<div class="wb-chunks" tabindex="0" aria-label="retrieved chunks">{"".join(lines)}</div>'

    def _changed(self, change: Any) -> None:
        with callbacks.guard("retrieve", lambda error: setattr(self._status, "value", alert(error))):
            self._show()


def _marked(text: str, evidence: str) -> str:
    """A chunk as HTML, with the evidence stressed where all of it is there."""
    found = re.search(r"\s+".join(map(re.escape, evidence.split())), text)
    if not found:
        return escape(text)
    before, held, after = text[: found.start()], found[0], text[found.end() :]
    return f"{escape(before)}<mark>{escape(held)}</mark>{escape(after)}"
