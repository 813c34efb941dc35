"""Inverted lists under a person's hands: a slider for nprobe lights the lists that are read, and what that finds."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from workbench import callbacks, geometry
from workbench.ann import Index, Scan, Scanner, Settings, list_ranks, recall
from workbench.errors import InputError, VectorError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import IntArray, Neighbours
from workbench.view.labels import Labels, Rows
from workbench.view.read_out import QUIET, alert, status
from workbench.view.scatter import MapView

__all__ = ["ProbeView"]

_SIDE = 420  # pixels of the list beside the map
_EACH = 16  # every nprobe up to here has a step of its own, those beyond are a quarter apart
_NAMED = 12  # so many lists at most are numbered on the map, the nearest ones
_MEANS = {
    "scanned": "read",
    "false": "a wrong answer",
    "true": "neighbour, found",
    "hit": "neighbour, missed",
    "query": "the query",
}
_SIGNS = {"found": "●", "unread": "○", "beaten": "◐", "tied": "◐"}
_FOUND, _MISSED = "#009E73", "#E8590C"


class ProbeView(KeyedBox):
    """A map on which the lists that a query reads are lit, a slider for how many, and the true neighbours beside it.

    The index is asked anew at every step, and every distance is its own. The lists lie in the vectors' own space: what
    is torn apart on the map may be one list, and two lists may share a place on it.

    Parameters
    ----------
    coordinates
        ``(n, 2)``: where the index's vectors are on the map.
    index
        An index with inverted lists, such as ``"IVF64,Flat"`` or ``"IVF64,PQ48,RFlat"``.
    queries
        ``(q, d)`` numbers, which are no rows of the index.
    query_coordinates
        ``(q, 2)``: where the queries would be on the map.
    k
        Neighbours asked for.
    nprobe
        To begin with: one of the slider's steps, which are 1 to 16 and then a quarter apart, up to all lists.
    search
        Further settings of the search, such as ``(("k_factor", 4),)``.
    texts, query_texts
        What the vectors and the queries are called, ``n`` and ``q`` texts.
    height
        Height of the map in pixels.

    Attributes
    ----------
    map
        The :class:`MapView`; its last point is the query.
    query, nprobe
        The controls.
    scan
        What the index computed for the query that is shown, as :meth:`workbench.ann.Scanner.scan` records it.
    recall
        Share of the true neighbours that it found, ties handled.

    Raises
    ------
    InputError
        The index has no lists, a number of coordinates or texts that does not fit, or an nprobe without a step.
    VectorError
        Queries of another dimension, or coordinates that are not finite.
    """

    def __init__(
        self,
        coordinates: ArrayLike,
        index: Index,
        queries: ArrayLike,
        query_coordinates: ArrayLike,
        *,
        k: int = 10,
        nprobe: int = 1,
        search: Settings = (),
        texts: Sequence[str] | None = None,
        query_texts: Sequence[str] | None = None,
        height: int = 540,
    ) -> None:
        nlist = index.spec.parts.nlist
        if not nlist:
            raise InputError(f"{index.spec} has no lists to read", "Use an index with them, such as IVF64,Flat.")
        self._index, self._k = index, k
        self._queries = index.database.prepare(queries)
        self._points, self._asked = (np.asarray(at, dtype=np.float64) for at in (coordinates, query_coordinates))
        for what, there, names, wanted in (
            ("vectors", self._points, texts, index.n),
            ("queries", self._asked, query_texts, len(self._queries)),
        ):
            if there.shape != (wanted, 2):
                raise VectorError(f"coordinates of shape {there.shape} for {wanted:,} {what}", f"Pass ({wanted}, 2).")
            if names is not None and len(names) != wanted:
                raise InputError(f"{len(names):,} texts for {wanted:,} {what}", "Give one text for each.")
        steps = _steps(nlist)
        if nprobe not in steps:
            raise InputError(f"there is no step {nprobe!r}", f"Steps are {', '.join(map(str, steps))}.")
        self._search = tuple((name, value) for name, value in search if name != "nprobe")
        self._texts = [f"row {row}" for row in range(index.n)] if texts is None else list(texts)
        self._titles = [f"query {q}" for q in range(len(self._queries))] if query_texts is None else list(query_texts)
        self._scanner = Scanner(index)
        self._truth = geometry.exact_neighbours(self._queries, index.database.array, k, index.metric)
        self._ranks = list_ranks(index, self._queries, self._truth.ids)
        layout = ipywidgets.Layout
        self.query = ipywidgets.Dropdown(
            options=[(shorten(title, 90), q) for q, title in enumerate(self._titles)], description="query",
            layout=layout(width="620px"), style={"description_width": "60px"},
        )  # fmt: skip
        self.nprobe = ipywidgets.SelectionSlider(
            options=[(f"{step:,}", step) for step in steps], value=nprobe, description="nprobe",
            layout=layout(width="460px"), style={"description_width": "60px"},
        )  # fmt: skip
        self.map = MapView(
            np.concatenate([self._points, self._asked[:1]]), texts=[*self._texts, "the query"], height=height,
            on_error=self._show_error,
        )  # fmt: skip
        self._list = ipywidgets.HTML(
            layout=layout(width=f"{_SIDE}px", height=f"{height}px", overflow="hidden auto", flex="none")
        )
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        room = layout(width="100%", height=f"{height + 2}px")
        box = ipywidgets.Box([self.map.widget], layout=layout(flex="1 1 auto", min_width="0"))
        super().__init__(
            [
                ipywidgets.HBox([self.query, self.nprobe], layout=layout(flex_flow="row wrap")),
                ipywidgets.HBox([box, self._list], layout=room),
                self._status,
            ],
            layout=layout(width="100%"),
        )
        self.add_class("wb-probe")
        self.query.observe(self._chosen, "value")
        self.nprobe.observe(self._moved, "value")
        self._show()

    @property
    def truth(self) -> IntArray:
        """``(k,)`` rows of the true neighbours of the query that is shown, nearest first."""
        rows: IntArray = self._truth.ids[self.query.value]
        return rows

    def _show(self) -> None:
        q = self.query.value
        settings = (("nprobe", self.nprobe.value), *self._search)
        self.scan: Scan = self._scanner.scan(self._queries[q], self._k, settings)
        only = Neighbours(self._truth.ids[q : q + 1], self._truth.scores[q : q + 1], self._truth.metric)
        found = self.scan.found[None]
        self.recall = float(recall(found, only, self._queries[q : q + 1], self._index.database.array)[0])
        self._mark()
        self._tell()

    def _mark(self) -> None:
        """Light what was read, and say with labels which list came when and what would reach those that are missed."""
        n, truth = self._index.n, self.truth
        scan, answered = self.scan, self.scan.found[self.scan.found >= 0]
        caught = np.isin(truth, answered)
        missed = truth[~caught]
        rows: dict[str, Rows] = {
            "scanned": scan.computed["row"].to_numpy(), "false": np.setdiff1d(answered, truth), "true": truth[caught],
            "hit": missed, "query": [n],
        }  # fmt: skip
        with self.map.together():
            self.map.move(np.concatenate([self._points, self._asked[[self.query.value]]]))
            self.map.mark(rows, names=_MEANS)
            self.map.connect([(n, int(row)) for row in missed])
            labels = self._labels()
            self.map.label(labels, weights=range(len(labels), 0, -1))  # what is missed has room before lists

    def _labels(self) -> Labels:
        q, nprobe = self.query.value, self.nprobe.value
        lists, holder = self._lists(), self.scan.computed["list"].to_numpy()
        rows = self.scan.computed["row"].to_numpy()
        near = [
            (f"list {rank}", rows[holder == one])
            for rank, one in enumerate(lists[: min(nprobe, _NAMED)], start=1)
            if (holder == one).any()
        ]
        far = [
            (f"nprobe {rank}", int(row)) for row, rank in zip(self.truth, self._ranks[q], strict=True) if rank > nprobe
        ]
        return [*far, *near]

    def _lists(self) -> IntArray:
        """All lists, the nearest to the query first."""
        assert self.scan.lists is not None  # the constructor refuses an index without them
        lists: IntArray = self.scan.lists["list"].to_numpy()
        return lists

    def _tell(self) -> None:
        q, nprobe = self.query.value, self.nprobe.value
        compared, nlist = len(self.scan.computed), len(self._lists())
        notes = [self._fate(int(row), int(rank)) for row, rank in zip(self.truth, self._ranks[q], strict=True)]
        kinds = [kind for kind, _ in notes]
        said = (
            f"<b>nprobe {nprobe:,}</b> of {nlist:,} lists: <b>{compared:,}</b> of {self._index.n:,} vectors compared "
            f"({compared / self._index.n:.1%}). <b>{kinds.count('found')} of {self._k}</b> true neighbours found, "
            f"recall {self.recall:.2f}. "
        )
        why = []
        if unread := kinds.count("unread"):
            why.append(f"{unread} in lists that are not read: nprobe {self._ranks[q].max():,} reaches the last of them")
        if beaten := kinds.count("beaten"):
            why.append(f"{beaten} read, and beaten by what looks nearer in codes")
        if tied := kinds.count("tied"):
            why.append(f"{tied} read, and as near as the last answer to what the index knows")
        self._status.value = status(said, escape("; ".join(why) + "." if why else ""))
        lines = "".join(
            f'<div style="display: flex; gap: 7px; margin: 5px 0"><span style="{QUIET}; flex: none; width: 1.2em; '
            f'text-align: right">{place}</span><span style="color: {_FOUND if kind == "found" else _MISSED}">'
            f'{_SIGNS[kind]}</span><div style="min-width: 0; overflow-wrap: anywhere"><span dir="auto">'
            f"{escape(shorten(self._texts[row], 76))}</span>"
            f'<div style="{QUIET}; font-size: 12px">{note}</div></div></div>'
            for place, (row, (kind, note)) in enumerate(zip(self.truth, notes, strict=True), start=1)
        )
        self._list.value = (
            f'<div style="padding: 0 6px 0 14px; font-size: 13px; line-height: 1.3"><div style="font-weight: 600" '
            f'dir="auto">{escape(shorten(self._titles[q], 110))}</div>'
            f'<div style="{QUIET}; margin: 6px 0 2px">its true neighbours, the nearest first; list 1 is the '
            f"nearest to the query</div>{lines}</div>"
        )

    def _fate(self, row: int, rank: int) -> tuple[str, str]:
        """What became of a true neighbour, as a word and in words."""
        where = f"in list {rank:,}"
        if row in self.scan.found:
            return "found", f"found, {where}"
        if rank > self.nprobe.value:
            return "unread", f"missed: {where}, which is not read"
        by_code = self.scan.computed.sort_values("distance", kind="stable")
        rows, distances = by_code["row"].to_numpy(), by_code["distance"].to_numpy()
        at, last = (int(np.flatnonzero(rows == one)[0]) for one in (row, self.scan.found[self.scan.found >= 0][-1]))
        place = f"missed: {where}, place {at + 1:,} by its code"
        if self.scan.refined is not None:
            checked = self.scan.refined["row"].to_numpy()
            return "beaten", place if row in checked else f"{place}, and {len(checked):,} were compared again"
        if np.isclose(distances[at], distances[last], rtol=1e-6, atol=0):
            return "tied", f"missed: {where}, as near by its code as the last answer"
        return "beaten", place

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("move nprobe", self._show_error):
            self._show()

    def _chosen(self, change: Any) -> None:
        with callbacks.guard("choose a query", self._show_error):
            self._show()


def _steps(nlist: int) -> list[int]:
    """Each nprobe to begin with, then a quarter more each time, and all lists at the end."""
    steps = list(range(1, min(nlist, _EACH) + 1))
    while steps[-1] < nlist:
        steps.append(min(nlist, steps[-1] + max(1, steps[-1] // 4)))
    return steps
