"""The last word on latency: what is near the front is timed again, all of it in every round."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.ann.front import pareto
from workbench.ann.indexes import Index, load_index
from workbench.ann.machine import resident_growth
from workbench.ann.specs import IndexSpec, Settings
from workbench.ann.sweeping.store import Row
from workbench.ann.sweeping.trial import Trial, spread
from workbench.ann.threads import pinned
from workbench.ann.timing import summarise, throughput, time_queries
from workbench.records import FloatArray, IntArray

if TYPE_CHECKING:
    from workbench.ann.sweeping.run import Run

__all__ = ["finalists", "time_again"]

_NEAR = 1.2  # a point within this of the fastest at some target is timed again
_ROUND_S = 0.06  # seconds of a round that one point gets
_FEWEST = 50  # queries of a round, however slow they are
_BATCH_S = 0.5  # seconds of single queries that the batch on all threads holds at most


def finalists(rows: Sequence[Row], targets: Sequence[float]) -> list[Row]:
    """Points worth the interleaved timing, by their first one.

    The front; at each target every build's fastest point that is within a fifth of the fastest of all; each family's
    fastest, so that no family is judged by a first timing; what is fastest for its memory or for its build; and exact
    search. Whether a target is reached is decided on the even queries.
    """
    chosen: dict[str, Row] = {}
    recall = np.array([row["recall_tuned"] for row in rows])
    cost = np.array([row["p50_us"] for row in rows])
    for i in np.flatnonzero(pareto(recall, cost)).tolist():
        chosen[rows[i]["name"]] = rows[i]
    for target in targets:
        hits = sorted((row for row in rows if row["recall_tuned"] >= target), key=lambda row: float(row["p50_us"]))
        for dear in ("memory_bytes", "build_s"):
            cheap = pareto([-float(row[dear]) for row in hits], [float(row["p50_us"]) for row in hits])
            chosen |= {hits[i]["name"]: hits[i] for i in np.flatnonzero(cheap).tolist()}
        builds, families = set[str](), set[str]()
        for row in hits:
            near = row["p50_us"] <= _NEAR * hits[0]["p50_us"] and row["build"] not in builds
            if near or row["family"] not in families:
                chosen[row["name"]] = row
            builds.add(row["build"])
            families.add(row["family"])
    for row in rows:
        if row["build"] == "Flat":
            chosen[row["name"]] = row
    return list(chosen.values())


def time_again(run: "Run", rows: Sequence[Row], rounds: int) -> None:
    """Time every row in each round: one index in memory at a time, each with all of its settings, the order turning.

    A budget that has run out ends it after a whole round. Distances, queries a second on all threads and what the
    process grows by are measured in the first round.
    """
    builds: dict[str, list[Row]] = {}
    for row in rows:
        builds.setdefault(row["build"], []).append(row)
    names = list(builds)
    for name in names:
        builds[name] = _at_hand(run, name, builds[name])
    finals = [row for name in names for row in builds[name]]
    times: dict[str, list[IntArray]] = {row["name"]: [] for row in finals}
    others: dict[str, dict[str, Any]] = {row["name"]: {} for row in finals}
    done = 0
    while done < rounds and not (done and run.overdue):
        run.bar.set_description(f"timing {len(finals)} points, round {done + 1} of {rounds}")
        first = done % len(names)
        for name in names[first:] + names[:first]:
            _round(run, name, builds[name], times, others, first_round=done == 0)
        done += 1
    for row in run.points():
        if row["rounds"] and row["name"] not in times:  # of an earlier call's rounds, which had another pace
            run.store.add({**row, "rounds": 0})
    for row in finals:
        taken = summarise(np.stack(times[row["name"]]))
        run.store.add({**row, **taken, **others[row["name"]], "rounds": done})
    run.arrived([])


def _at_hand(run: "Run", build: str, rows: Sequence[Row]) -> list[Row]:
    """The rows of a build whose index is kept; one that is gone is built again, and its rows are measured again."""
    if run.store.index_path(build).exists():
        return list(rows)
    with Trial(IndexSpec.parse(build), run.ground, run.store, keep=True) as trial:
        return [trial.measure(dict(IndexSpec.parse(row["index"]).search), again=True) for row in rows]


def _round(
    run: "Run",
    build: str,
    rows: Sequence[Row],
    times: dict[str, list[IntArray]],
    others: dict[str, dict[str, Any]],
    *,
    first_round: bool,
) -> None:
    """One build's part of a round."""
    ground, path = run.ground, run.store.index_path(build)
    if first_round:
        index, grown = resident_growth(lambda: load_index(path, ground.database))
    else:
        index, grown = load_index(path, ground.database, verify=False), 0
    try:
        for row in rows:
            search = IndexSpec.parse(row["index"]).search
            count = int(np.clip(_ROUND_S * 1e6 / row["p50_us"], min(_FEWEST, len(ground.queries)), len(ground.queries)))
            asked = spread(ground.queries, count)
            with pinned(1):
                times[row["name"]].append(time_queries(index.searcher(ground.k, search), asked))
            if first_round:
                batch = spread(ground.queries, max(_FEWEST, int(_BATCH_S * 1e6 / row["p50_us"])))
                others[row["name"]] = {
                    "resident_bytes": grown,
                    "distances": index.distances(ground.few.queries, ground.k, search),
                    "qps": throughput(partial(_batch, index, ground.k, search), batch, run.threads, rounds=1),
                }
    finally:
        index.close()


def _batch(index: Index, k: int, search: Settings, queries: FloatArray) -> IntArray:
    return index.search(queries, k, search)
