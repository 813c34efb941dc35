"""The adaptive sweep: cheap families at full size, dear builds ranked on subsamples first, the beaten ones left out."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.ann.specs import IndexSpec
from workbench.ann.sweeping.candidates import GRAPHS, candidates, coarse_sizes
from workbench.ann.sweeping.settle import settle
from workbench.ann.sweeping.store import Row
from workbench.ann.sweeping.trial import Ground, Trial

if TYPE_CHECKING:
    from workbench.ann.sweeping.run import Run

__all__ = ["explore"]

# The families that tend to win come first: what they reach spares the others settings that cannot be on the front.
_ORDER = ("flat", "ivfpq", "opq", "rabitq", "ivfsq", "ivf", "pq", "binary", "sq", *GRAPHS)
_RUNGS = (16, 4)  # a graph is tried on n/16 of the vectors, then on n/4, then on all
_SMALLEST_RUNG = 2_000  # rows below which a rung says nothing
_ROWS_PER_NEIGHBOUR = 20  # and rows for each of the k neighbours
_KEPT = (3, 2)  # builds that go on from each rung
_RIVAL = 1.25  # an inverted file within this of the best at some target is tried with other numbers of lists
_ALIKE = 1.1  # builds whose mean times on a subsample are this near are alike
_MISSED = 4.0  # what a target that a build does not reach counts as, in times of the best
_BEATEN = 1.1  # a carried-on time beyond this much of what is measured is beaten
_GAIN = 0.9  # a neighbouring nlist is worth a further step when some target is reached in this share of the time
_DEEPER = (0.6, 0.8)  # recalls below the targets, from which a front is drawn
_GROWTH = 1.2  # exponent of a graph's build time in n, where a single rung has been timed


@dataclass
class _Times:
    """Microseconds to reach each target, by build: the lowest first timing of a setting whose recall reaches it."""

    targets: Sequence[float]
    by_build: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def enter(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Note what a build's rows reach."""
        reached = np.full(len(self.targets), np.inf)
        for row in rows:
            hit = np.asarray(self.targets) <= row["recall_tuned"]
            reached[hit] = np.minimum(reached[hit], row["p50_us"])
        self.by_build[rows[0]["build"]] = reached
        return reached

    def best(self) -> NDArray[np.float64]:
        """The lowest of all builds at each target; infinite where none reaches it."""
        best: NDArray[np.float64] = np.min([*self.by_build.values(), np.full(len(self.targets), np.inf)], axis=0)
        return best


def explore(run: "Run", families: Sequence[str]) -> None:
    """Measure what may be on the front, build by build; what is left out is said to be, with the reason.

    Inverted files and flat codes are built on all of the vectors: they cost seconds. An inverted file starts at an
    ``nlist`` near the square root of n and moves to the next larger and smaller while one is faster at some target.

    Graphs cost minutes. All builds of a family are tried on a sixteenth of the vectors, the best three on a quarter;
    the best two of these go on to all of the vectors unless their time, carried on from the rungs, lies beyond what is
    measured already at every target. Then the cheaper of them still goes on: no family is without a measured point.

    Where there is a budget, one build of every family comes first: an end of the budget leaves none unseen.
    """
    times = _Times((*_DEEPER, *run.targets))
    n, d = run.ground.database.n, run.ground.database.d
    plans = {family: list(run.allowed(candidates(family, n, d))) for family in sorted(families, key=_ORDER.index)}
    if run.has_budget:
        for specs in plans.values():
            for spec in _customary(specs):
                _full(run, spec, times)
    for family, specs in plans.items():
        if family in GRAPHS:
            for group in _by_quantization(specs):
                _climb(run, group, times)
            continue
        for spec in specs:
            reached = _full(run, spec, times)
            if spec.parts.nlist and reached is not None and (reached <= times.best() * _RIVAL).any():
                for direction in (1, -1):
                    _walk(run, spec, times, direction)


def _customary(specs: Sequence[IndexSpec]) -> list[IndexSpec]:
    """The build to see first: of a graph the cheapest with 16 links, as libraries have it, else the first."""
    usual = [spec for spec in specs if 16 in (spec.parts.M, dict(spec.build).get("M"), dict(spec.build).get("m"))]
    return [*usual, *specs][:1]


def _full(run: "Run", spec: IndexSpec, times: _Times, predicted_s: float = 0.0) -> NDArray[np.float64] | None:
    """Measure a build on all of the vectors, unless it is measured already or the budget ends first."""
    if str(spec) in times.by_build:
        return times.by_build[str(spec)]
    if spec.family != "flat" and not run.affords(spec, max(predicted_s, run.took(spec))):
        return None
    began = time.monotonic()
    with Trial(spec, run.ground, run.store, keep=True) as trial:
        rows = settle(trial, times.targets, times.best())
    run.arrived(rows, time.monotonic() - began)
    return times.enter(rows)


def _walk(run: "Run", spec: IndexSpec, times: _Times, direction: int) -> None:
    """Try the next larger (1) or smaller (-1) nlist, and go on while that is faster at some target."""
    sizes = coarse_sizes(run.ground.database.n)
    here = times.by_build[str(spec)]
    at = sizes.index(spec.parts.nlist or 0) + direction
    while 0 <= at < len(sizes):
        near = IndexSpec(spec.kind.replace(f"IVF{spec.parts.nlist},", f"IVF{sizes[at]},"), spec.build)
        if str(near) in times.by_build or not list(run.allowed([near])):
            return
        before = times.best()
        reached = _full(run, near, times)
        asked = slice(len(_DEEPER), None)
        if reached is None or not (reached[asked] < np.minimum(here, before)[asked] * _GAIN).any():
            return
        here, at = reached, at + direction


def _by_quantization(specs: Sequence[IndexSpec]) -> Iterator[list[IndexSpec]]:
    """Builds that differ in more than their effort, as plain and quantized storage do, are ranked apart."""
    groups: dict[object, list[IndexSpec]] = {}
    for spec in specs:
        groups.setdefault(dict(spec.build).get("quantization"), []).append(spec)
    yield from groups.values()


def _climb(run: "Run", specs: Sequence[IndexSpec], times: _Times) -> None:
    """Rank the builds of a graph family on growing samples, and measure the best on all of the vectors."""
    n = run.ground.database.n
    rungs = [n // share for share in _RUNGS if n // share >= max(_SMALLEST_RUNG, _ROWS_PER_NEIGHBOUR * run.ground.k)]
    left, seen = list(specs), dict[str, list[tuple[int, float, NDArray[np.float64]]]]()
    for rows, kept in zip(rungs, _KEPT[len(_KEPT) - len(rungs) :], strict=True):
        if not left:
            break
        ground = run.sample(rows)
        tried = _Times(times.targets)
        for spec in left:
            if run.affords(spec, 0.0):  # a sample's builds are small beside what they save
                found = _on(run, spec, ground, tried)
                seen.setdefault(str(spec), []).append(found)
        going = [spec for spec in left if str(spec) in tried.by_build]
        chosen = _best(going, tried, kept)
        for spec in going:
            if spec not in chosen:
                run.leave_out(spec, f"others of its family were faster over the recall targets on {rows:,} vectors")
        left = chosen
        del ground  # a quarter of the vectors, which the next builds need not carry
    _finish(run, left, times, seen)


def _on(run: "Run", spec: IndexSpec, ground: Ground, tried: _Times) -> tuple[int, float, NDArray[np.float64]]:
    """Rows of the sample, seconds of the build and time to each target."""
    with Trial(spec, ground, run.store, keep=False) as trial:
        rows = settle(trial, tried.targets)
    run.store.flush()
    return ground.database.n, float(rows[0]["build_s"]), tried.enter(rows)


def _best(specs: Sequence[IndexSpec], tried: _Times, kept: int) -> list[IndexSpec]:
    """Builds of the lowest geometric mean time over the targets; of those alike, the cheapest to build come first."""
    best = tried.best()
    reached = np.isfinite(best)

    def lag(spec: IndexSpec) -> float:
        behind = np.minimum(tried.by_build[str(spec)][reached] / best[reached], _MISSED)
        return float(np.log(behind).mean()) if reached.any() else 0.0

    least = min((lag(spec) for spec in specs), default=0.0)
    return sorted(specs, key=lambda spec: int((lag(spec) - least) / np.log(_ALIKE)))[:kept]


def _finish(
    run: "Run",
    left: Sequence[IndexSpec],
    times: _Times,
    seen: dict[str, list[tuple[int, float, NDArray[np.float64]]]],
) -> None:
    """Measure on all of the vectors what the rungs do not show to be beaten, and at least one build."""
    n = run.ground.database.n
    plans = [(_seconds(seen.get(str(spec), []), n), spec) for spec in left]
    standing = [(seconds, spec) for seconds, spec in plans if not _beaten(seen.get(str(spec), []), n, times.best())]
    going = standing or sorted(plans, key=lambda plan: plan[0])[:1]
    for _, spec in plans:
        if spec not in [chosen for _, chosen in going]:
            run.leave_out(spec, "its time, carried on from the subsamples, is beyond what is measured at every target")
    for seconds, spec in going:
        _full(run, spec, times, seconds)


def _seconds(seen: Sequence[tuple[int, float, NDArray[np.float64]]], n: int) -> float:
    """Build seconds on n vectors: the power law through the last two rungs, or a usual one through a single rung."""
    if not seen:
        return 0.0
    rows, seconds, _ = seen[-1]
    growth = _GROWTH
    if len(seen) > 1 and seen[-2][1] > 0 and seconds > 0:
        growth = float(np.clip(np.log(seconds / seen[-2][1]) / np.log(rows / seen[-2][0]), 1.0, 2.0))
    return float(seconds * (n / rows) ** growth)


def _beaten(seen: Sequence[tuple[int, float, NDArray[np.float64]]], n: int, best: NDArray[np.float64]) -> bool:
    """Whether the time on n vectors, linear in log n through the last two rungs, is beyond the best at every target.

    One rung alone bounds from below: a graph over fewer vectors is no slower at the same recall.
    """
    if not seen:
        return False
    rows, _, reached = seen[-1]
    carried = reached.copy()
    if len(seen) > 1:
        with np.errstate(invalid="ignore"):
            slope = np.maximum(reached - seen[-2][2], 0) / np.log(rows / seen[-2][0])
        carried = reached + np.where(np.isfinite(slope), slope, 0) * np.log(n / rows)
    asked = slice(len(_DEEPER), None)
    return bool(np.isfinite(best[asked]).all() and (carried[asked] > best[asked] * _BEATEN).all())
