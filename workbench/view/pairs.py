"""Read what a similarity looks like: pairs of real passages, chosen by how similar they are."""

import math
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from workbench import callbacks
from workbench.errors import InputError
from workbench.geometry import cosine_similarity
from workbench.markup import escape, shorten
from workbench.records import Corpus, Vectors
from workbench.view.read_out import QUIET, alert
from workbench.view.results import Passages

__all__ = ["Pair", "PairBrowser"]

_MOST_ROWS = 2000  # all pairs of so many: 2 million similarities
_STEP = 0.1
_KEPT = 40  # pairs to leaf through at each level


@dataclass(frozen=True)
class Pair:
    """Two passages of a corpus, by row, and their cosine similarity."""

    first: int
    second: int
    similarity: float

    @property
    def angle(self) -> float:
        """Angle between their vectors in degrees."""
        return math.degrees(math.acos(max(-1.0, min(1.0, self.similarity))))


class PairBrowser(ipywidgets.VBox):  # type: ignore[misc]
    """A slider over similarity, and below it two passages that are that similar.

    Parameters
    ----------
    corpus, vectors
        Row by row the same ids. Of a corpus of more than 2,000 a random 2,000 are compared.
    level
        Similarity to begin with; the nearest one that there is.
    seed
        Of the sample and of the order of the pairs.

    Raises
    ------
    InputError
        The ids of corpus and vectors differ, or there are fewer than two.
    """

    def __init__(self, corpus: Corpus, vectors: Vectors, *, level: float = 0.5, seed: int = 0) -> None:
        if corpus.ids != vectors.ids or len(corpus) < 2:
            raise InputError(
                f"{len(corpus):,} passages of {corpus.name!r} and {len(vectors):,} vectors make no pairs",
                "Pass at least two passages, and the vectors of these passages.",
            )
        self._passages = Passages(corpus)
        self._pairs, self._shares = _by_level(vectors, np.random.default_rng(seed))
        self._turn = 0
        levels = list(self._pairs)
        nearest = min(levels, key=lambda one: abs(one - level))
        layout = ipywidgets.Layout
        self.slider = ipywidgets.SelectionSlider(
            options=[(f"{one:.1f}", one) for one in levels], value=nearest, description="similarity about",
            continuous_update=True, layout=layout(width="460px"), style={"description_width": "110px"},
        )  # fmt: skip
        self.button = ipywidgets.Button(description="Another pair", layout=layout(width="120px"))
        self._texts = ipywidgets.HTML(layout=layout(width="100%", height="232px", overflow="auto"))
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="28px"))
        controls = ipywidgets.HBox([self.slider, self.button], layout=layout(flex_flow="row wrap"))
        super().__init__([controls, self._texts, self._status], layout=layout(width="100%", max_width="960px"))
        self.slider.observe(self._moved, "value")
        self.button.on_click(self._pressed)
        self._show()

    @property
    def pair(self) -> Pair:
        """The pair that is shown."""
        there = self._pairs[self.slider.value]
        return there[self._turn % len(there)]

    def examples(self, length: int = 90) -> pd.DataFrame:
        """One pair of every level as a table: similarity, angle in degrees, and how the two passages begin."""
        firsts = [pairs[0] for pairs in self._pairs.values()]
        return pd.DataFrame(
            {
                "similarity": [round(pair.similarity, 2) + 0.0 for pair in firsts],  # no minus before 0
                "degrees": [round(pair.angle) for pair in firsts],
                "one passage": [self._line(pair.first, length) for pair in firsts],
                "the other": [self._line(pair.second, length) for pair in firsts],
            }
        )

    def _line(self, row: int, length: int) -> str:
        return f"{self._passages.title(row)}: {shorten(self._passages.corpus.texts[row], length)}"

    def _show(self) -> None:
        pair, share = self.pair, self._shares[self.slider.value]
        self._texts.value = (
            '<div class="wb-pair" style="display: flex; gap: 16px; line-height: 1.45">'
            + "".join(self._column(row) for row in (pair.first, pair.second))
            + "</div>"
        )
        self._status.value = (
            f'<div role="status" style="{QUIET}">'
            f"cosine similarity <b>{pair.similarity:.3f}</b> · angle <b>{pair.angle:.0f}°</b> · "
            f"{escape(_percent(share))} of all pairs are at least as similar as this step of the slider</div>"
        )

    def _column(self, row: int) -> str:
        passage = self._passages
        return (
            '<div style="flex: 1 1 0; min-width: 0; padding: 8px 14px; border-left: 3px solid #0072B2">'
            f'<div dir="auto" style="font-weight: 600">{escape(passage.title(row))}</div>'
            f'<div dir="auto" style="overflow-wrap: anywhere">{escape(shorten(passage.corpus.texts[row], 620))}</div>'
            "</div>"
        )

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("choose a similarity", self._show_error):
            self._turn = 0
            self._show()

    def _pressed(self, button: Any) -> None:
        with callbacks.guard("show another pair", self._show_error):
            self._turn += 1
            self._show()


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 0.0001 else "fewer than 0.01 %"


def _by_level(vectors: Vectors, rng: np.random.Generator) -> tuple[dict[float, list[Pair]], dict[float, float]]:
    """Up to 40 pairs within half a step of each level, and the share of pairs above the level's lower end."""
    rows = np.arange(len(vectors))
    if len(rows) > _MOST_ROWS:
        rows = np.sort(rng.choice(rows, _MOST_ROWS, replace=False))
    array = vectors.array[rows]
    left, right = np.triu_indices(len(rows), 1)
    similarities = cosine_similarity(array, array)[left, right]
    step = np.rint(similarities / _STEP).astype(np.int64)
    pairs: dict[float, list[Pair]] = {}
    shares: dict[float, float] = {}
    for number in range(int(step.min()), int(step.max()) + 1):
        found = np.flatnonzero(step == number)
        if not len(found):
            continue
        level = round(number * _STEP, 1)
        nearest = found[np.argsort(np.abs(similarities[found] - level), kind="stable")[: 25 * _KEPT]]
        some = rng.permutation(nearest)[:_KEPT]
        pairs[level] = [Pair(int(rows[left[i]]), int(rows[right[i]]), float(similarities[i])) for i in some]
        shares[level] = float((step >= number).mean())
    return pairs, shares
