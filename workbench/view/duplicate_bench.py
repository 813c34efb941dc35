"""A threshold for duplicates under a person's hands: what it finds and misses, the pairs about it, the clusters."""

from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import callbacks
from workbench.errors import InputError
from workbench.markup import escape, shorten
from workbench.records import Corpus, IntArray, Vectors
from workbench.tasks import duplicate_groups, threshold_curve
from workbench.tasks.duplicates.quality import Labels, judge
from workbench.view.figures import duplicate_curve
from workbench.view.read_out import QUIET, alert, status

__all__ = ["DuplicateBench"]

_NEAR = 4  # pairs shown above the threshold, and as many below
_CLUSTERS = 5
_MEMBERS = 4
_HEIGHT = 420  # pixels of the lists
_LETTERS = 150
_TRUE, _FALSE = "#009E73", "#E8590C"


class DuplicateBench(ipywidgets.VBox):  # type: ignore[misc]
    """A slider for the threshold, and what it makes of labelled texts.

    Parameters
    ----------
    corpus, vectors
        Row by row the same ids; vectors made for cosine.
    labels
        ``n`` labels: rows with the same one are duplicates. None, NaN and "" are no label.
    threshold
        To begin with: a whole number of hundredths, as the slider has them.

    Attributes
    ----------
    threshold
        The slider.
    curve
        What :func:`tasks.threshold_curve` says, at every step of the slider.
    near
        Table of the pairs about the threshold: ``a``, ``b`` (ids), ``score``, ``duplicates``.
    clusters
        Rows of each cluster of two or more at the threshold, the largest first.

    Raises
    ------
    InputError
        Ids of corpus and vectors differ, vectors of another metric, a threshold without a step, or labels that
        :func:`tasks.threshold_curve` refuses.
    """

    def __init__(self, corpus: Corpus, vectors: Vectors, labels: Labels, *, threshold: float = 0.95) -> None:
        if corpus.ids != vectors.ids or vectors.metric != "cosine":
            raise InputError(
                f"{vectors!r} is not what {corpus!r} has by cosine", "Embed this corpus, or take the same rows of both."
            )
        self._corpus = corpus
        self._judged = judge(vectors, labels)
        lowest = max(0, int(np.ceil(100 * self._judged.pairs.threshold)))
        steps = [step / 100 for step in range(lowest, 101)]
        if threshold not in steps:
            raise InputError(f"there is no step {threshold!r}", f"Steps are {steps[0]}, {steps[0] + 0.01:.2f}, ... 1.")
        whole = threshold_curve(self._judged.pairs, labels)
        self._best = whole.loc[int(whole["f1"].to_numpy().argmax())]
        self.curve = _at_steps(whole, steps)
        layout = ipywidgets.Layout
        self.threshold = ipywidgets.SelectionSlider(
            options=[(f"{step:.2f}", step) for step in steps], value=threshold, description="threshold",
            continuous_update=True, layout=layout(width="640px"), style={"description_width": "80px"},
        )  # fmt: skip
        self.figure = go.FigureWidget(duplicate_curve(self.curve, threshold=threshold).update_layout(width=1060))
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        self._lists = ipywidgets.HTML(layout=layout(width="100%"))
        super().__init__([self.threshold, self.figure, self._status, self._lists], layout=layout(width="100%"))
        self.add_class("wb-duplicates")
        self.threshold.observe(self._moved, "value")
        self._show()

    def _show(self) -> None:
        at = self.threshold.value
        judged = self._judged
        kept = judged.pairs.above(at)
        place = len(kept)
        about = range(max(0, place - _NEAR), min(len(judged.pairs), place + _NEAR))
        ids = self._corpus.ids
        self.near = pd.DataFrame(
            [
                (ids[judged.pairs.a[i]], ids[judged.pairs.b[i]], float(judged.pairs.scores[i]), bool(judged.true[i]))
                for i in about
            ],
            columns=["a", "b", "score", "duplicates"],
        )
        self.clusters = _clusters(duplicate_groups(kept))
        row = self.curve[self.curve["threshold"] == at].iloc[0]
        self.figure.layout.shapes[0].update(x0=at, x1=at)
        self._status.value = status(self._said(row), escape(self._chains(row)))
        self._lists.value = (
            f'<div style="display: flex; gap: 20px; font-size: 13px; line-height: 1.35">'
            f"{_column('wb-near', 'The pairs about the threshold, the most alike first', self._pair_lines(at))}"
            f"{_column('wb-clusters', 'The largest clusters', self._cluster_lines())}</div>"
        )

    def _said(self, row: "pd.Series[Any]") -> str:
        precision = "none is found" if row["pairs"] == 0 else f"precision <b>{row['precision']:.2f}</b>"
        return (
            f"At <b>{row['threshold']:.2f}</b>: {row['pairs']:,.0f} pairs, <b>{row['true']:,.0f}</b> of "
            f"{self._judged.wanted:,} true ones; {precision}, recall <b>{row['recall']:.2f}</b>, F1 "
            f"<b>{row['f1']:.2f}</b>. "
        )

    def _chains(self, row: "pd.Series[Any]") -> str:
        largest = (
            f"{len(self.clusters):,} clusters, the largest of {row['largest']:,.0f} rows. " if self.clusters else ""
        )
        return f"{largest}The best F1 of any threshold is {self._best['f1']:.2f}, at {self._best['threshold']:.3f}."

    def _pair_lines(self, at: float) -> str:
        lines = []
        passed = False
        for a, b, score, duplicates in self.near.to_numpy().tolist():
            if not passed and score < np.float32(at):
                passed = True
                lines.append(f'<div style="border-top: 2px solid {_FALSE}; {QUIET}">threshold {at:.2f}</div>')
            color, word = (_TRUE, "● duplicates") if duplicates else (_FALSE, "○ not duplicates")
            lines.append(
                f'<div style="margin: 6px 0"><b>{score:.3f}</b> <span style="color: {color}">{word}</span>'
                f"{self._text(a)}{self._text(b)}</div>"
            )
        return "".join(lines)

    def _cluster_lines(self) -> str:
        groups = self._judged.groups
        lines = []
        for rows in self.clusters[:_CLUSTERS]:
            kinds = len(np.unique(groups[rows]))
            color, word = (_TRUE, "● all duplicates") if kinds == 1 else (_FALSE, f"○ {kinds:,} different matters")
            more = f'<div style="{QUIET}">and {len(rows) - _MEMBERS:,} more</div>' if len(rows) > _MEMBERS else ""
            texts = "".join(self._text(self._corpus.ids[row]) for row in rows[:_MEMBERS])
            lines.append(
                f'<div style="margin: 6px 0"><b>{len(rows):,} rows</b> <span style="color: {color}">{word}</span>'
                f"{texts}{more}</div>"
            )
        return "".join(lines) or f'<div style="{QUIET}">none</div>'

    def _text(self, id: str) -> str:
        text = shorten(self._corpus.texts[self._corpus.row(id)], _LETTERS)
        return f'<div dir="auto" style="overflow-wrap: anywhere; margin-left: 10px">{escape(text)}</div>'

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("move the threshold", self._show_error):
            self._show()


def _column(name: str, title: str, lines: str) -> str:
    """A list that the keyboard reaches, and scrolls."""
    return (
        f'<div class="{name}" tabindex="0" role="region" aria-label="{escape(title)}" style="flex: 1 1 0; '
        f'min-width: 0; height: {_HEIGHT}px; overflow: hidden auto"><div style="{QUIET}">{escape(title)}</div>'
        f"{lines}</div>"
    )


def _at_steps(curve: pd.DataFrame, steps: list[float]) -> pd.DataFrame:
    """The curve at the steps of the slider: of the pairs that reach each of them."""
    scores = curve["threshold"].to_numpy()
    reached = np.searchsorted(-scores, [-float(np.float32(step)) for step in steps], side="right")
    nothing = {"pairs": 0, "true": 0, "precision": np.nan, "recall": 0.0, "f1": 0.0, "clusters": 0, "largest": 1}
    table = pd.concat([pd.DataFrame([{"threshold": 1.0, **nothing, "whole": 0}]), curve], ignore_index=True)
    return table.iloc[reached].assign(threshold=steps).reset_index(drop=True)


def _clusters(labels: IntArray) -> list[IntArray]:
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: (-len(part), int(part[0])))
