"""One query by meaning, by words and by both, side by side, under filters that a vector database applies."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets

from workbench import callbacks
from workbench.embed import Encoder
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.tasks import CollectionIndex, Hit, HybridIndex, KeywordIndex, Searcher, stored_corpus
from workbench.vectordb import Collection, describe
from workbench.view.read_out import QUIET, alert, status

__all__ = ["SearchBench"]

_ANY = ""
_ID = "padding: 2px 0; line-height: 1.4"


class SearchBench(KeyedBox):
    """A query and a drop-down for each filter; what search by meaning, by words and by both finds.

    Parameters
    ----------
    collection
        What is searched; the database applies the filters.
    encoder
        The model that made its vectors.
    fields
        Payload fields to filter by, each with a drop-down of its values.
    query
        To begin with.
    where
        Values of the filters to begin with.
    k
        Length of the lists.

    Attributes
    ----------
    where
        The filter that is shown; None for none.
    hits
        What each system found: ``dense``, ``BM25``, ``hybrid``.

    Raises
    ------
    InputError
        A filter that the drop-downs do not have.
    IdentityError
        Another model made the vectors.
    """

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        *,
        fields: Sequence[str] = ("source",),
        query: str = "",
        where: Mapping[str, Any] | None = None,
        k: int = 5,
    ) -> None:
        self._collection, self._encoder, self._k = collection, encoder, k
        self._searchers: dict[tuple[Any, ...], dict[str, Searcher]] = {}
        layout = ipywidgets.Layout
        self.query = ipywidgets.Text(
            value=query, description="query", placeholder="type a query and press Enter", continuous_update=False,
            layout=layout(width="560px"), style={"description_width": "50px"},
        )  # fmt: skip
        self.filters: dict[str, ipywidgets.Dropdown] = {}
        for name in fields:
            counts = collection.facet(name, limit=50)
            options = [("any", _ANY), *((f"{shorten(value, 30)} ({n:,})", value) for value, n in counts.items())]
            chosen = (where or {}).get(name, _ANY)
            if chosen != _ANY and chosen not in counts:
                raise InputError(f"no passage has {name}={chosen!r}", f"There are: {', '.join(map(str, counts))}.")
            self.filters[name] = ipywidgets.Dropdown(
                options=options, value=chosen, description=name, layout=layout(width="250px"),
                style={"description_width": "70px"},
            )  # fmt: skip
        if unknown := set(where or {}) - set(fields):
            raise InputError(f"there is no drop-down for {min(unknown)!r}", "Name it in fields.")
        self._status = ipywidgets.HTML(layout=layout(width="100%", min_height="30px"))
        self._lists = ipywidgets.HTML(layout=layout(width="1060px", height="430px", overflow="auto"))
        controls = ipywidgets.HBox([self.query, *self.filters.values()], layout=layout(flex_flow="row wrap"))
        super().__init__([controls, self._lists, self._status], layout=layout(width="100%"))
        for control in (self.query, *self.filters.values()):
            control.observe(self._changed, "value")
        self.hits: dict[str, list[Hit]] = {}
        self._show()

    @property
    def where(self) -> dict[str, Any] | None:
        """The filter that the drop-downs say."""
        return {name: box.value for name, box in self.filters.items() if box.value != _ANY} or None

    def _systems(self) -> dict[str, Searcher]:
        """The searches under the present filter, made once for each; words are searched in the rows that pass it."""
        where = self.where
        key = tuple((where or {}).items())
        if key not in self._searchers:
            passing = stored_corpus(self._collection, where)
            dense = CollectionIndex(self._collection, self._encoder, where=where)
            if not len(passing):
                self._searchers[key] = {}
            else:
                words = KeywordIndex(passing)
                self._searchers[key] = {"dense": dense, "BM25": words, "hybrid": HybridIndex([dense, words])}
        return self._searchers[key]

    def _show(self) -> None:
        systems, query, where = self._systems(), self.query.value.strip(), self.where
        passing = self._collection.count(where)
        k = min(self._k, passing)
        self.hits = {name: one.search([query], k)[0] if query else [] for name, one in systems.items()}
        shared = {name: {hit.id for hit in found} for name, found in self.hits.items()}
        columns = []
        for name, found in self.hits.items():
            others = set().union(*(ids for other, ids in shared.items() if other not in (name, "hybrid")))
            rows = "".join(self._row(at, hit, hit.id in others) for at, hit in enumerate(found, 1))
            columns.append(
                f'<div style="flex: 1 1 0; min-width: 0"><div style="font-weight: 600">{escape(name)}</div>'
                f'<ol class="wb-search" data-system="{name}" style="list-style: none; margin: 0; padding: 0">'
                f"{rows or '<li>nothing found</li>'}</ol></div>"
            )
        self._lists.value = f'<div style="display: flex; gap: 20px" tabindex="0">{"".join(columns)}</div>'
        if not query:
            self._status.value = status("Type a query and press Enter.")
            return
        both = len(shared.get("dense", set()) & shared.get("BM25", set()))
        asked = f"Filter: <b>{escape(describe(where))}</b>, " if where else "No filter, "
        self._status.value = status(
            f"{asked}<b>{passing:,}</b> passages pass. Dense and BM25 share <b>{both}</b> of {k}. ",
            "Scores of different lists are not comparable: cosine, BM25, and a sum of 1 / (60 + rank).",
        )

    def _row(self, at: int, hit: Hit, shared: bool) -> str:
        title = hit.metadata.get("title") or hit.id
        about = ", ".join(f"{hit.metadata.get(name)}" for name in self.filters)
        weight = "600" if not shared else "400"
        return (
            f'<li style="{_ID}"><span style="{QUIET}">{at}. {hit.score:.3f}</span> '
            f'<span dir="auto" style="font-weight: {weight}; overflow-wrap: anywhere">'
            f"{escape(shorten(title, 80))}</span>"
            f'<div style="{QUIET}; overflow-wrap: anywhere">{escape(about)}: {escape(shorten(hit.text, 80))}</div></li>'
        )

    def _changed(self, change: Any) -> None:
        with callbacks.guard("search", lambda error: setattr(self._status, "value", alert(error))):
            self._show()
