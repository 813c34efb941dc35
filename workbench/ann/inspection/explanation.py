"""One query of one index explained: how the search went, what it missed and why, what would have found it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.ann.indexes import Index
from workbench.ann.inspection.attribution import Attribution
from workbench.ann.inspection.causes import CAUSES, Misses, knob_of
from workbench.ann.inspection.scan import Scan, Scanner
from workbench.ann.inspection.walk import Walk
from workbench.ann.measurement import recall
from workbench.ann.specs import IndexSpec, Settings
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray, IntArray, Metric, Neighbours

__all__ = ["Explanation", "explain"]

_ROWS = ("row", "node", "origin")  # columns of vectors


@dataclass(frozen=True, eq=False)
class Explanation:
    """The search of one query as data, and what it comes to in words; ``str`` is the verdict.

    Parameters
    ----------
    spec
        The index, with the settings that it was searched with.
    metric
        Of the search.
    n, d
        Vectors in the index, and their dimensions.
    query
        ``(d,) float32``, as the index compares it.
    found
        ``(k,) int64`` what the index answered, -1 where it found fewer.
    truth
        The exact neighbours, one line.
    recall
        Recall@k of the answer, ties exact.
    walk
        The steps through the graph, and what was compared again where there is a refinement; None without a graph.
    scan
        Lists, codes and refinement; None of a graph.
    misses
        What was missed and why; ``needs`` is exact, to one.
    """

    spec: IndexSpec
    metric: Metric
    n: int
    d: int
    query: FloatArray = field(repr=False)
    found: IntArray = field(repr=False)
    truth: Neighbours = field(repr=False)
    recall: float
    walk: Walk | None = field(repr=False)
    scan: Scan | None = field(repr=False)
    misses: Misses = field(repr=False)

    def __str__(self) -> str:
        return self.verdict

    @property
    def k(self) -> int:
        """Neighbours asked for."""
        return self.truth.k

    @property
    def distances(self) -> int:
        """Distances computed, centroids of lists and those of a refinement among them."""
        if self.walk is not None:
            return self.walk.distances + (0 if self.walk.refined is None else len(self.walk.refined))
        assert self.scan is not None
        lists = 0 if self.scan.lists is None else len(self.scan.lists)
        return lists + len(self.scan.computed) + (0 if self.scan.refined is None else len(self.scan.refined))

    @property
    def neighbours(self) -> pd.DataFrame:
        """One row per true neighbour: ``rank``, ``row``, ``score``, ``found``; of those missed ``cause``, ``needs``
        and ``gap``, as ``Misses.each`` has them. One that is tied with what was found instead is neither.
        """
        rows = self.truth.ids[0]
        table = pd.DataFrame(
            {
                "rank": np.arange(1, self.k + 1),
                "row": rows,
                "score": self.truth.scores[0].astype(np.float64),
                "found": np.isin(rows, self.found),
            }
        )
        return table.merge(self.misses.each[["rank", "cause", "needs", "gap"]], on="rank", how="left")

    @property
    def verdict(self) -> str:
        """What was found, what was missed and why, what would have found it, and what the search cost."""
        hits = round(self.recall * self.k)
        lost = self.k - hits
        said = [f"{hits:,} of {_count(self.k, 'true neighbour')} found."]
        if lost:
            said.append(f"{lost:,} missed: {'; '.join(self._causes())}.")
        return " ".join([*said, self._cost()])

    def record(self, rows: IntArray | None = None) -> dict[str, Any]:
        """The same as data for ``json.dumps``: all that was computed, in order.

        Tables are columns, each a list. Of a walk ``changes`` has, for each step from 0 on, the rows that came into its
        candidates and results, and those that went out. The ``table`` of partial distances is that of ``Scan``.

        Parameters
        ----------
        rows
            ``(n,)`` what each row of the index is called, such as its row in a file of which some were left out; None
            leaves their own numbers.
        """
        names = np.arange(self.n) if rows is None else rows
        return {
            "index": str(self.spec),
            "metric": self.metric,
            "n": self.n,
            "d": self.d,
            "k": self.k,
            "recall": self.recall,
            "verdict": self.verdict,
            "distances": self.distances,
            "found": _named(self.found, names).tolist(),
            "neighbours": _lines(self.neighbours, names),
            "misses": self.misses.record(),
            "walk": None if self.walk is None else _walk_record(self.walk, names),
            "scan": None if self.scan is None else _scan_record(self.scan, names),
        }

    def _causes(self) -> Iterator[str]:
        """A clause for each cause and what would have mended it."""
        for cause in CAUSES:
            rows = self.misses.each[self.misses.each["cause"] == cause]
            if len(rows):
                yield self._clause(cause, rows)

    def _clause(self, cause: str, rows: pd.DataFrame) -> str:
        one = len(rows) == 1
        was, them = ("was", "it") if one else ("were", "them")
        count = f"{len(rows):,}"
        if cause == "unreachable":
            return f"{count} {was} never visited and cannot be, no path of the bottom layer leads to {them}"
        if cause == "filter":
            return f"{count} {'is' if one else 'are'} kept out by the filter"
        if cause == "tie":
            return f"{count} {'is' if one else 'are'} as near as what was returned instead, to the precision of float32"
        if cause == "distorted":
            gaps = rows["gap"].dropna()
            size = "" if gaps.empty else f", {_per_cent(gaps.min(), gaps.max())} beyond the worst answer"
            return f"{count} {'has a code that puts' if one else 'have codes that put'} {them} too far away{size}"
        if cause == "nprobe":
            said = f"{count} {'lies in a list' if one else 'lie in lists'} that {was} not probed"
        elif cause == "ef":
            said = f"{count} {was} never visited"
        else:
            record = self.scan if self.walk is None else self.walk
            assert record is not None and record.refined is not None
            said = f"{count} {was} not among the {len(record.refined):,} that were compared again"
        held = int((rows["gap"] > 0).sum())
        if held == len(rows):
            return f"{said}, and {'its code' if one else 'their codes'} would keep {them} out all the same"
        kept = f" (the codes of {held:,} of them would keep them out all the same)" if held else ""
        return f"{said}{kept}, {self._mended(knob_of(cause, self.spec), rows, them)}"

    def _mended(self, knob: str, rows: pd.DataFrame, them: str) -> str:
        """Which values of a setting would have found the rows."""
        known = np.sort(rows["needs"].dropna().to_numpy()).astype(np.int64)
        if not len(known):
            most = self.misses.tried.get(knob)
            return f"and no {knob} up to {most:,} finds {them}" if most else f"and a larger {knob} was not tried"
        spread = known[0] < known[-1]
        whom = f"{len(known):,} of them" if len(known) < len(rows) else "all" if spread else them
        first = f"{knob}={known[0]:,} finds the first, " if spread else ""
        return f"{first}{knob}={known[-1]:,} finds {whom}"

    def _cost(self) -> str:
        """What the search looked at."""
        part = f"{_count(self.distances, 'distance')} ({_per_cent(self.distances / self.n)} of an exact search's)"
        if self.walk is not None:
            way = _count(len(self.walk.layer_entry), "layer")
            nodes = f"{_count(self.walk.steps, 'node')} of {way}"
            return f"The walk went through {nodes}, computed {part} and ended: {self.walk.ends}."
        assert self.scan is not None
        lists = ""
        if self.scan.lists is not None:
            lists = f"probed {int(self.scan.lists['probed'].sum()):,} of {_count(len(self.scan.lists), 'list')}, "
        again = "" if self.scan.refined is None else f", {len(self.scan.refined):,} of them again with the vectors"
        note = f" {self.scan.note}" if self.scan.note else ""
        return f"The search {lists}computed {part}{again}.{note}"


def explain(index: Index, query: ArrayLike, k: int = 10, search: Settings = ()) -> Explanation:
    """Search for one query, follow what the index does, and say why it missed what it missed.

    Parameters
    ----------
    index
        Of FAISS or hnswlib.
    query
        ``(d,)`` or ``(1, d)`` numbers. It should be no vector of the index: it would find itself.
    k
        Neighbours.
    search
        Search settings; those not named are as the library has them.

    Raises
    ------
    InputError
        An index of Qdrant, several queries, ``k`` that is not between 1 and ``n``, a setting that the index lacks.
    VectorError
        Another dimension, NaN, a zero vector under cosine.
    """
    given = np.atleast_2d(np.asarray(query))
    if len(given) != 1:
        raise InputError(f"{len(given):,} queries were given to be explained", "Explain one at a time.")
    spec = index.spec.with_search(**dict(search))
    if not 1 <= k <= index.n:
        raise InputError(f"k={k:,} neighbours were asked of {index.n:,} vectors", f"Use k from 1 to {index.n:,}.")
    asked = index.database.prepare(given)
    truth = exact_neighbours(asked, index.database.array, k, index.metric)
    attribution = Attribution(index, asked, truth)
    found = attribution.search(spec.search)
    recalls = recall(found, truth, asked, index.database.array)
    return Explanation(
        spec=spec,
        metric=index.metric,
        n=index.n,
        d=index.d,
        query=asked[0],
        found=found[0],
        truth=truth,
        recall=float(recalls[0]),
        walk=attribution.walker.walk(asked, k, spec.search) if attribution.is_graph else None,
        scan=None if attribution.is_graph else Scanner(index, attribution.codes).scan(asked, k, spec.search),
        misses=attribution.misses(found, spec.search, recalls=recalls, needs="exact"),
    )


def _walk_record(walk: Walk, names: IntArray) -> dict[str, Any]:
    return {
        "distances": walk.distances,
        "k": walk.k,
        "ef": walk.ef,
        "ends": walk.ends,
        "layer_entry": {str(layer): int(names[node]) for layer, node in walk.layer_entry.items()},
        "hops": _columns(walk.hops, names),
        "computed": _columns(walk.computed, names),
        "changes": list(_changes(walk, names)),
        "refined": _columns(walk.refined, names),
    }


def _changes(walk: Walk, names: IntArray) -> Iterator[dict[str, Any]]:
    """What came into candidates and results, and what went out, at each step."""
    before: dict[str, set[int]] = {"candidates": set(), "results": set()}
    for step, known in enumerate(walk.replay()):
        line: dict[str, Any] = {"step": step}
        for what, now in zip(before, known, strict=True):
            rows = [row for _, row in now()]
            came, went = [row for row in rows if row not in before[what]], sorted(before[what].difference(rows))
            line[what] = {"in": _named(came, names).tolist(), "out": _named(went, names).tolist()}
            before[what] = set(rows)
        yield line


def _scan_record(scan: Scan, names: IntArray) -> dict[str, Any]:
    return {
        "note": scan.note,
        "lists": _columns(scan.lists, names),
        "computed": _columns(scan.computed, names),
        "table": None if scan.table is None else [_numbers(part) for part in scan.table],
        "refined": _columns(scan.refined, names),
    }


def _columns(table: pd.DataFrame | None, names: IntArray) -> dict[str, list[Any]] | None:
    """A table for JSON, vectors by their names."""
    if table is None:
        return None
    return {
        str(name): _numbers(_named(column, names) if name in _ROWS else column.to_numpy())
        for name, column in table.items()
    }


def _numbers(values: NDArray[Any]) -> list[Any]:
    """For JSON, in as many digits as float32 has; None for what is not finite."""
    plain: list[Any] = values.tolist()
    if values.dtype.kind != "f":
        return plain
    return [float(f"{value:.9g}") if math.isfinite(value) else None for value in plain]


def _lines(table: pd.DataFrame, names: IntArray) -> list[dict[str, Any]]:
    """Rows of a table for JSON, vectors by their names, None for what is not known."""
    named = table.assign(row=_named(table["row"], names))
    plain = named.astype(object).where(named.notna(), None)
    return [{str(name): _plain(value) for name, value in line.items()} for line in plain.to_dict("records")]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _named(rows: ArrayLike, names: IntArray) -> IntArray:
    """Names of rows; -1, which is no row, stays."""
    at = np.asarray(rows, dtype=np.int64)
    called: IntArray = np.where(at < 0, -1, names[at.clip(0)])
    return called


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _per_cent(low: float, high: float | None = None) -> str:
    first = f"{100 * low:.3g}"
    last = first if high is None else f"{100 * high:.3g}"
    return f"{first} %" if first == last else f"{first} to {last} %"
