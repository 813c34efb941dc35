"""One sweep from end to end: queries held out, truth, exploration or a given grid, interleaved timing, the result."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from workbench import settings
from workbench.ann.front import fastest
from workbench.ann.indexes import Database
from workbench.ann.kinds import DEFAULT_FAMILIES, FAMILIES
from workbench.ann.machine import provenance
from workbench.ann.specs import IndexSpec, check_spec
from workbench.ann.sweeping.adaptive import explore
from workbench.ann.sweeping.asked import check_asked, fingerprint, hold_out, numbers, repeated, rows_among
from workbench.ann.sweeping.finals import finalists, time_again
from workbench.ann.sweeping.folder import assemble, open_sweep
from workbench.ann.sweeping.result import TARGETS, SweepResult
from workbench.ann.sweeping.store import Row, Store
from workbench.ann.sweeping.trial import Ground, Trial
from workbench.corpora import as_vectors_array, check_dimensions
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["Run", "sweep"]

_FOR_FINALS = 0.2  # share of a budget that is kept for the interleaved timing

Watch = Callable[[SweepResult], None]


def sweep(
    vectors: ArrayLike | Vectors,
    queries: ArrayLike | Vectors | None = None,
    metric: Metric | None = None,
    k: int = 10,
    families: Sequence[str] = DEFAULT_FAMILIES,
    budget: float | None = None,
    grid: Sequence[IndexSpec] | None = None,
    *,
    out: str | Path | None = None,
    targets: Sequence[float] = TARGETS,
    seed: int = 0,
    rounds: int = 5,
    progress: bool = True,
    watch: Watch | None = None,
) -> SweepResult:
    """Measure recall against latency over index families, and keep every row on disk as it comes.

    Exact search comes first, in the same run: it gives the truth and the baseline. Then builds are tried, each with the
    search settings that reach the recall targets; what is beaten on a subsample is left out and listed as untested.
    At the end all points near the front are timed again, one query at a time on one thread, in interleaved rounds.

    A sweep that was stopped or killed goes on where it was when it is called again with the same data and folder; one
    that has finished, asked the same again, is read.
    Graphs are built on several threads, so another run of them may find other neighbours.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, a memory map included, or Vectors.
    queries
        ``(q, d)`` numbers or Vectors; none of them may be a row of ``vectors``. None holds 1,000 random rows out, a
        tenth of the vectors at most, and searches the others.
    metric
        None takes the metric of ``vectors``, and cosine where they have none.
    k
        Neighbours of each query.
    families
        Of ``FAMILIES``; exact search is always among them.
    budget
        Seconds of this call. A build is left out, and listed, when the time that is left is less than its own as the
        subsamples predict it, or than the dearest of its family took; the timing at the end stops after a whole round.
        The exact search and one timed round are made in any case. None: no limit.
    grid
        Specifications with their search settings: all are measured and timed, and nothing else is.
    out
        Folder for rows, truth and answers. None takes one in the cache folder that belongs to the data.
    targets
        Recalls for which the fastest index is looked for, ascending.
    seed
        Of the queries held out, the subsamples and the training.
    rounds
        Interleaved rounds of the timing at the end.
    progress
        Show what is being tried.
    watch
        Called with the result so far whenever rows have arrived, between measurements and never during one, and with
        the finished result at the end.

    Raises
    ------
    InputError
        Unknown families, targets outside (0, 1], k larger than n, nothing left to search, a folder of other data, or a
        specification in ``grid`` that a library cannot build.
    VectorError
        NaN, infinity, a zero vector under cosine, dimensions that differ.
    IdentityError
        Vectors and queries of two models.
    StorageError
        The folder cannot be written, or another sweep is running in it.
    """
    chosen: Metric = metric or (vectors.metric if isinstance(vectors, Vectors) else "cosine")
    larger_is_better(chosen)  # refuses an unknown one
    check_asked(families, targets, budget, rounds)
    if isinstance(queries, Vectors) and isinstance(vectors, Vectors):
        check_identity(queries.model, vectors.model)
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, chosen)
    given = None if queries is None else as_vectors_array(numbers(queries), chosen)
    if given is not None:
        check_dimensions(given.shape[1], array.shape[1], "the queries", "the vectors they search")
    held_out = None if given is not None else hold_out(len(array), seed)
    n = len(array) - (0 if held_out is None else len(held_out))
    if not 1 <= k <= n:
        raise InputError(f"k={k:,} neighbours were asked of {n:,} vectors", f"Use k from 1 to {n:,}.")
    for spec in grid or ():
        check_spec(spec, n=n, d=array.shape[1], metric=chosen, k=k)

    identity = {
        "fingerprint": fingerprint(array),
        "queries": "held out" if given is None else fingerprint(given),
        "n": n,
        "d": int(array.shape[1]),
        "metric": chosen,
        "k": k,
        "seed": seed,
        "grid": None if grid is None else sorted(map(str, grid)),
    }
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(out).expanduser() if out is not None else settings.cache_dir("sweeps") / key
    named = [name for name in FAMILIES if name in {"flat", *families}]
    asked = {"families": named, "targets": list(targets), "budget": budget, "rounds": rounds}
    store = Store(folder, identity, provenance())
    if store.manifest["finished"] and store.manifest.get("asked") == asked:
        store.close(finished=True)
        return _shown(open_sweep(folder), watch)
    finished = False
    with tqdm(disable=not progress, unit=" points", desc="exact search", leave=False) as bar:
        try:
            store.write_manifest(asked=asked, finished=False)
            run = Run(store, array, given, held_out, targets, budget, bar, watch)
            if grid is None:
                explore(run, named)
                time_again(run, finalists([row for row in run.points() if row["family"] in named], targets), rounds)
            else:
                run.measure_all(grid)
                time_again(run, run.points(), rounds)
            finished = True
        finally:
            store.close(finished=finished)
    return _shown(run.result(), watch)


class Run:
    """A sweep under way: what exploration asks for, measures on and reports to."""

    def __init__(
        self,
        store: Store,
        array: FloatArray,
        given: FloatArray | None,
        held_out: IntArray | None,
        targets: Sequence[float],
        budget: float | None,
        bar: Any,
        watch: Watch | None,
    ) -> None:
        self.store, self.targets, self._budget, self.bar, self._watch = store, tuple(targets), budget, bar, watch
        self._began = time.monotonic()
        self._took: dict[str, float] = {}
        self.threads = int(store.machine["threads"])
        self._held_out = held_out
        identity = store.identity
        metric: Metric = identity["metric"]
        kept = np.setdiff1d(np.arange(len(array)), held_out) if held_out is not None else None
        database = Database(array, metric, rows=kept, fingerprint=identity["fingerprint"], seed=identity["seed"])
        self._asked: FloatArray = array[held_out] if given is None else given
        queries, truth = database.prepare(self._asked), store.truth()
        if truth is None:
            started = time.perf_counter()
            self.ground = Ground.of(database, queries, identity["k"])
            self.store.write_manifest(truth_s=time.perf_counter() - started)
            store.keep_truth(self.ground.truth, self._asked, held_out)
        else:
            self.ground = Ground(database, queries, truth[0])
        store.write_manifest(
            targets=list(targets),
            repeated_rows=repeated(database.array),
            queries_that_are_rows=rows_among(queries, database.array, self.ground.truth),
        )

    def allowed(self, specs: Sequence[IndexSpec]) -> Iterator[IndexSpec]:
        """Those that can be built on this data; the others are left out with the library's reason."""
        database = self.ground.database
        for spec in specs:
            try:
                check_spec(spec, n=database.n, d=database.d, metric=database.metric, k=self.ground.k)
            except InputError as refused:
                self.leave_out(spec, str(refused))
            else:
                yield spec

    @property
    def has_budget(self) -> bool:
        """Whether the sweep may end before it has seen everything."""
        return self._budget is not None

    @property
    def overdue(self) -> bool:
        """Whether the budget has run out."""
        return self._budget is not None and time.monotonic() - self._began > self._budget

    def took(self, spec: IndexSpec) -> float:
        """Seconds of the dearest build of its family so far, with all that was measured of it."""
        return self._took.get(spec.family, 0.0)

    def affords(self, spec: IndexSpec, predicted_s: float) -> bool:
        """Whether the budget has room for a build of so many seconds; if not, it is left out and listed."""
        self.bar.set_description(str(spec))
        if self._budget is None:
            return True
        left = self._budget * (1 - _FOR_FINALS) - (time.monotonic() - self._began)
        if left > predicted_s:
            return True
        self.leave_out(spec, f"the budget of {self._budget:,.0f} s had {max(left, 0):,.0f} s left for it")
        return False

    def leave_out(self, spec: IndexSpec, reason: str) -> None:
        """List a build as untested, with the reason."""
        self.store.add({"name": f"untested {spec}", "kind": "untested", "index": str(spec), "reason": reason})

    def sample(self, rows: int) -> Ground:
        """A random subsample with its own exact answers to the same queries."""
        database = self.ground.database.sample(rows, self.store.identity["seed"])
        return Ground.of(database, self.ground.queries, self.ground.k)

    def arrived(self, rows: Sequence[Row], seconds: float = 0.0) -> None:
        """Rows of all of the vectors are there: write them and show them."""
        for row in rows:
            self._took[row["family"]] = max(seconds, self._took.get(row["family"], 0.0))
        self.store.flush()
        result = self.result()
        self.bar.update(len(rows))
        self.bar.set_postfix_str(_front_in_words(result))
        if self._watch is not None:
            self._watch(result)

    def points(self) -> list[Row]:
        """Rows measured on all of the vectors by this environment."""
        rows = [self.store.find(name) for name in self.store.rows]
        return [
            row for row in rows if row is not None and row["kind"] == "point" and row["rows"] == self.ground.database.n
        ]

    def measure_all(self, grid: Sequence[IndexSpec]) -> None:
        """Measure every specification, one build for all that share it, exact search first."""
        builds: dict[str, list[IndexSpec]] = {"Flat": [IndexSpec("Flat")]}
        for spec in grid:
            builds.setdefault(str(spec.built()), []).append(spec)
        for specs in builds.values():
            if specs[0].family != "flat" and not self.affords(specs[0].built(), self.took(specs[0])):
                continue
            began = time.monotonic()
            with Trial(specs[0].built(), self.ground, self.store, keep=True) as trial:
                rows = [trial.measure(dict(spec.search)) for spec in dict.fromkeys(specs)]
            self.arrived(rows, time.monotonic() - began)

    def result(self) -> SweepResult:
        """The result so far."""
        rows = list(self.store.rows.values())
        return assemble(self.store.folder, self.store.manifest, rows, self.ground.truth, self._asked, self._held_out)


def _shown(result: SweepResult, watch: Watch | None) -> SweepResult:
    if watch is not None:
        watch(result)
    return result


def _front_in_words(result: SweepResult) -> str:
    """The front so far, on one line."""
    best = [(target, fastest(result.points, target, recall="recall_tuned")) for target in result.manifest["targets"]]
    said = [f"{target:g} at {row['p50_us']:,.0f} µs" for target, row in best if row is not None]
    return f"{len(result.front)} on the front; recall {', '.join(said)}"
