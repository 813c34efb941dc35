"""The same query under cosine, dot product and distance, while popularity stretches the vectors it searches."""

from collections.abc import Sequence
from typing import Any, cast

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from workbench import callbacks, geometry
from workbench.embed import Encoder, check_identity
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus, FloatArray, Metric, Vectors
from workbench.view.figures import rank_changes
from workbench.view.read_out import alert, status
from workbench.view.results import Passages

__all__ = ["MetricBench"]

_STRENGTHS = tuple(step / 10 for step in range(11))
_WIDTH = 1060  # pixels, in which the texts of three lists stay clear of their scores
_METRICS: dict[Metric, str] = {"cosine": "cosine", "dot": "dot product", "euclidean": "distance"}


class MetricBench(KeyedBox):
    """A query, a slider for the strength of popularity, and what three metrics answer.

    Each vector is made longer by its popularity, as :func:`geometry.scale_by_popularity` does; directions stay.

    Parameters
    ----------
    corpus, vectors
        Row by row the same ids.
    popularity
        ``(n,)`` numbers above 0.
    queries
        What the drop-down offers: texts, or a Corpus of them.
    encoder
        The model that made the vectors; it encodes queries, and what is typed.
    query
        The one to begin with; None takes the first.
    strength
        Of popularity, to begin with: 0, 0.1, ... 1.
    k
        Length of the lists.

    Attributes
    ----------
    comparison
        What is shown, as :func:`geometry.compare_metrics` gives it.

    Raises
    ------
    InputError
        Ids of corpus and vectors differ, there are no queries, ``query`` is not among them, or a strength that the
        slider does not have.
    IdentityError
        Another model made the vectors.
    """

    def __init__(
        self,
        corpus: Corpus,
        vectors: Vectors,
        popularity: ArrayLike,
        queries: Corpus | Sequence[str],
        encoder: Encoder,
        *,
        query: str | None = None,
        strength: float = 0.0,
        k: int = 10,
    ) -> None:
        texts = tuple(queries.texts if isinstance(queries, Corpus) else queries)
        if corpus.ids != vectors.ids:
            raise InputError(
                f"the {len(corpus):,} ids of {corpus.name!r} are not those of the {len(vectors):,} vectors",
                "Embed this corpus, or take the same rows of both.",
            )
        if not texts or (query is not None and query not in texts):
            raise InputError(f"the query {query!r} is not among {len(texts):,}", "Pass it in queries.")
        if strength not in _STRENGTHS:
            raise InputError(f"there is no step {strength!r}", f"Steps are {', '.join(map(str, _STRENGTHS))}.")
        check_identity(encoder.identity, vectors.model)
        self._passages, self._vectors, self._encoder, self._k = Passages(corpus), vectors, encoder, k
        self._popularity = np.asarray(popularity, dtype=np.float64)
        self._encoded: dict[str, FloatArray] = {}
        self._stretched: dict[float, tuple[Vectors, dict[Metric, Any]]] = {}
        self._query = texts[0] if query is None else query
        self._before = self._ranked(0.0)

        layout = ipywidgets.Layout
        self.queries = ipywidgets.Dropdown(
            options=[(shorten(text, 90), text) for text in texts], value=self._query, description="query",
            layout=layout(width="560px"), style={"description_width": "60px"},
        )  # fmt: skip
        self.typed = ipywidgets.Text(
            placeholder="or type one and press Enter", continuous_update=False, layout=layout(width="320px")
        )
        self.strength = ipywidgets.SelectionSlider(
            options=[(f"{one:.1f}", one) for one in _STRENGTHS], value=strength, description="strength of popularity",
            continuous_update=True, layout=layout(width="560px"), style={"description_width": "150px"},
        )  # fmt: skip
        # A FigureWidget without a width is drawn 700 pixels wide until the window changes: too narrow for three lists.
        self.figure = go.FigureWidget(self._drawn(self._ranked(strength)).update_layout(width=_WIDTH))
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        controls = ipywidgets.HBox([self.queries, self.typed], layout=layout(flex_flow="row wrap"))
        super().__init__([controls, self.strength, self.figure, self._status], layout=layout(width="100%"))
        self.queries.observe(self._chosen, "value")
        self.typed.observe(self._entered, "value")
        self.strength.observe(self._moved, "value")
        self._say()

    def _ranked(self, strength: float) -> geometry.MetricComparison:
        """What the metrics answer; stretched vectors, their hubs and queries are computed once."""
        if self._query not in self._encoded:
            self._encoded[self._query] = self._encoder.encode([self._query], role="query")[0]
        if strength not in self._stretched:
            stretched = cast(Vectors, geometry.scale_by_popularity(self._vectors, self._popularity, strength))
            self._stretched[strength] = stretched, geometry.hub_counts(stretched, self._k)
        vectors, hubs = self._stretched[strength]
        self.comparison = geometry.compare_metrics(self._encoded[self._query], vectors, self._k, hubs=hubs)
        return self.comparison

    def _drawn(self, comparison: geometry.MetricComparison) -> go.Figure:
        table = comparison.table
        names = [self._passages.title(row) for row in table["row"]]
        said = [comparison.sentence(id) for id in table["id"]]
        title = f"“{shorten(self._query, 90)}”"
        return rank_changes(table.assign(name=names, why=said), k=self._k, title=title)

    def _show(self) -> None:
        fresh = self._drawn(self._ranked(self.strength.value))
        with self.figure.batch_update():
            for old, new in zip(self.figure.data, fresh.data, strict=True):
                for name in ("x", "y", "text", "textposition"):
                    if new[name] is not None or old[name] is not None:
                        old[name] = new[name]
                if new.mode and "markers" in new.mode:
                    old.marker.color = new.marker.color
            self.figure.layout.shapes = fresh.layout.shapes
            self.figure.layout.annotations = fresh.layout.annotations
            self.figure.layout.title.text = fresh.layout.title.text
        self._say()

    def _say(self) -> None:
        now, then = self.comparison.table, self._before.table
        winners = {metric: int(now.loc[now[f"rank_{metric}"] == 1, "row"].iloc[0]) for metric in _METRICS}
        changed = [
            f"the winner under <b>{name}</b> is now <b>{escape(self._passages.title(winners[metric]))}</b>, instead of "
            f"{escape(self._passages.title(row))}"
            for metric, name in _METRICS.items()
            if (row := int(then.loc[then[f"rank_{metric}"] == 1, "row"].iloc[0])) != winners[metric]
        ]
        lead = "; ".join(changed) if changed else "no winner differs from strength 0"
        shared = int(((now[[f"rank_{metric}" for metric in _METRICS]] <= self._k).all(axis=1)).sum())
        self._status.value = status(
            f"At strength {self.strength.value:.1f} {lead}. All three lists share <b>{shared} of {self._k}</b>. ",
            escape(self._why(winners["dot"])),
        )

    def _why(self, row: int) -> str:
        """Why the winner under dot product is where it is, in a sentence."""
        table = self.comparison.table
        item = table[table["row"] == row].iloc[0]
        times = item["norm"] / self.comparison.median_length
        return (
            f"The dot product's winner is at {item['rank_cosine']:,} by angle and {times:.2g} times as long as the "
            "median vector."
        )

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _ask(self, query: str) -> None:
        self._query = query
        self._before = self._ranked(0.0)
        self._show()

    def _chosen(self, change: Any) -> None:
        with callbacks.guard("choose a query", self._show_error):
            self._ask(self.queries.value)

    def _entered(self, change: Any) -> None:
        if self.typed.value.strip():
            with callbacks.guard("ask a query", self._show_error):
                self._ask(self.typed.value)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("stretch by popularity", self._show_error):
            self._show()
