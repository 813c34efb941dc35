"""One build on trial: made once, then searched with one setting after another; every answer is scored and kept."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from workbench.ann.indexes import Database, Index, build_index, load_index, save_index
from workbench.ann.inspection.attribution import Attribution
from workbench.ann.measurement import query_scores, recall
from workbench.ann.specs import IndexSpec
from workbench.ann.sweeping.store import Row, Store
from workbench.ann.threads import pinned
from workbench.ann.timing import summarise, time_queries
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray, Neighbours

__all__ = ["Ground", "Trial", "spread"]

_TRUTH_BLOCK = 32 << 20  # bytes of each working copy of the exact search: small beside the vectors
_LOOKED_AT = 256  # queries that a look asks: enough to choose by, and no row of the sweep
_LOOK_TIMED = 24
_TIMED = 64  # queries of a first timing; what comes near the front is timed again, in interleaved rounds
_FIRST_TIMING_S = 0.5  # a slow search is timed on fewer queries, at least eight


@dataclass(frozen=True)
class Ground:
    """What indexes are tried on: the vectors, or a sample of them, the queries, and the exact answers."""

    database: Database
    queries: FloatArray = field(repr=False)
    truth: Neighbours = field(repr=False)

    @classmethod
    def of(cls, database: Database, queries: FloatArray, k: int) -> "Ground":
        """Search exactly for the neighbours of prepared queries."""
        truth = exact_neighbours(queries, database.array, k, database.metric, block_bytes=_TRUTH_BLOCK)
        return cls(database, queries, truth)

    @property
    def k(self) -> int:
        """Neighbours of each query."""
        return self.truth.k

    @cached_property
    def nearest(self) -> Neighbours:
        """The first neighbour alone."""
        return Neighbours(self.truth.ids[:, :1], self.truth.scores[:, :1], self.truth.metric)

    @cached_property
    def few(self) -> "Ground":
        """The same with the queries of a look: even ones, as all that chooses."""
        at = slice(None, None, 2 * max(1, len(self.queries) // (2 * _LOOKED_AT)))
        truth = Neighbours(self.truth.ids[at], self.truth.scores[at], self.truth.metric)
        return Ground(self.database, self.queries[at], truth)


class Trial:
    """One build on one ground. The index is made, or read from the store, when a setting is first measured.

    Parameters
    ----------
    spec
        Without search settings.
    ground
        The vectors, all of them or a sample.
    store
        Where rows are found again and kept.
    keep
        Keep the index, the answers and what they miss in the store: for builds on all of the vectors.
    """

    def __init__(self, spec: IndexSpec, ground: Ground, store: Store, *, keep: bool) -> None:
        self.spec, self.ground, self.store, self.keep = spec, ground, store, keep
        self._index: Index | None = None

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *raised: object) -> None:
        if self._index is not None:
            self.__dict__.pop("_attribution", None)  # it holds what it read of the index
            self._index.close()
            self._index = None

    @property
    def index(self) -> Index:
        """The built index."""
        if self._index is None:
            path = self.store.index_path(str(self.spec))
            if self.keep and path.exists():
                self._index = load_index(path, self.ground.database)
            else:
                self._index = build_index(self.spec, self.ground.database)
                if self.keep:
                    save_index(self._index, path)
        return self._index

    @cached_property
    def _file_bytes(self) -> int:
        """Bytes of the index as a file: once for all settings, since the index is written to count them."""
        return self.index.serialized_bytes

    @cached_property
    def _attribution(self) -> Attribution:
        """What keeps true neighbours out of this index: read once for all settings."""
        return Attribution(self.index, self.ground.queries, self.ground.truth)

    def name(self, settings: Mapping[str, int | str]) -> str:
        """The point's name: ten hex digits of the specification and the number of rows."""
        text = f"{self.spec.with_search(**settings)} on {self.ground.database.n}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def look(self, settings: Mapping[str, int | str]) -> tuple[float, float]:
        """Recall and microseconds by a few queries: good enough to choose what to measure."""
        few, chosen = self.ground.few, self.spec.with_search(**settings).search
        found = self.index.search(few.queries, few.k, chosen)
        scores = recall(found, few.truth, few.queries, few.database.array)
        with pinned(1):
            times = time_queries(self.index.searcher(few.k, chosen), spread(few.queries, _LOOK_TIMED), warm_up=3)
        return float(scores.mean()), float(np.median(times)) / 1e3

    def measure(self, settings: Mapping[str, int | str], *, again: bool = False) -> Row:
        """The row of one search setting: recall of all queries, and a first timing.

        A row that the store has is taken from there; ``again`` measures it anew, of an index that was built anew.
        """
        name = self.name(settings)
        kept = self.store.find(name)
        if kept is not None and not again:
            return kept
        ground, spec, index = self.ground, self.spec.with_search(**settings), self.index
        began = time.perf_counter()
        found = index.search(ground.queries, ground.k, spec.search)
        batch_s = time.perf_counter() - began
        recalls = recall(found, ground.truth, ground.queries, ground.database.array)
        first = recall(found[:, :1], ground.nearest, ground.queries, ground.database.array)
        row: dict[str, Any] = {
            "name": name,
            "kind": "point",
            "rows": ground.database.n,
            "family": spec.family,
            "index": str(spec),
            "build": str(self.spec),
            "recalls": recalls.astype(np.float32),
            **query_scores(recalls, first),
            **self._first_timing(spec, batch_s),
            "rounds": 0,
            "qps": np.nan,
            "distances": np.nan,
            "memory_bytes": index.memory_bytes,
            "serialized_bytes": self._file_bytes,
            "resident_bytes": np.nan,
            "train_s": index.train_s,
            "add_s": index.add_s,
            "build_s": index.train_s + index.add_s,
            "nlist": spec.parts.nlist or 0,
            "coarse_s": ground.database.coarse_seconds(spec.parts.nlist) if spec.parts.nlist else 0.0,
        }
        if self.keep:
            self.store.keep_answers(name, found)
            if spec.library != "qdrant":  # whose searches cannot be looked into
                self.store.keep_misses(name, self._attribution.misses(found, spec.search, recalls=recalls).each)
        return self.store.add(row)

    def _first_timing(self, spec: IndexSpec, batch_s: float) -> dict[str, float]:
        each = batch_s / len(self.ground.queries)
        count = int(np.clip(_FIRST_TIMING_S / max(each, 1e-9) / 4, 8, _TIMED))
        asked = spread(self.ground.queries, count)
        with pinned(1):
            times = time_queries(self.index.searcher(self.ground.k, spec.search), asked, warm_up=min(8, count))
        return summarise(times[None])


def spread(queries: FloatArray, count: int) -> FloatArray:
    """So many of the queries at most, evenly over all of them: held-out rows come in the order of the corpus."""
    at = np.linspace(0, len(queries) - 1, min(count, len(queries))).astype(np.int64)
    return np.ascontiguousarray(queries[at])
