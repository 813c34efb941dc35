"""Which search settings of a build to measure: a ladder of doublings, then the smallest that reaches each target."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from workbench.ann.sweeping.store import Row
from workbench.ann.sweeping.trial import Trial

__all__ = ["settle"]

_KNOBS = ("efSearch", "ef", "hnsw_ef", "nprobe", "k_factor", "oversampling")  # others stay as the library has them
_REFINED = (1, 2, 4, 8, 16, 32)  # k_factor: so many times k candidates are compared again with the full vectors
_LIMIT = 4096  # of a candidate list: beyond it, exact search is the better answer
_STEPS = 3  # of a bisection
_NEAR = 1.04  # two settings this near are as good as one
_RIVAL = 1.03  # a second pair is measured when it is predicted to be this near the fastest
_HOPELESS = 1.5  # times the best of other builds: a target that needs longer is not closed in upon
_ENOUGH = 0.9995  # recall beyond which a ladder need not go
_STALLED = 2e-4  # recall that a doubling must gain


def settle(trial: Trial, targets: Sequence[float], best: ArrayLike | None = None) -> list[Row]:
    """Measure a build with the search settings that matter, and return the rows.

    A kind with no search setting is measured once. With one, the setting is doubled until recall is nearly 1 or stalls,
    or until others are far sooner at every target, and between the last miss and the first hit of each target it is
    bisected. With two, ``nprobe`` and ``k_factor``, a few queries look over the grid of doublings; a linear model of
    the time and an interpolation of the recall then say which pair is the fastest to reach each target. That pair is
    measured, and moved until it does.

    All is chosen by the even queries, so that the odd ones can state what the choice is worth.

    Parameters
    ----------
    trial
        The build.
    targets
        Recalls, ascending.
    best
        Microseconds in which other builds reach each target, infinite where none does. A target that this build could
        reach in far longer only is not closed in upon: time grows with a search setting, so the setting that still
        misses the target bounds its time from below.
    """
    names = [name for name in trial.spec.search_names if name in _KNOBS]
    if not names:
        return [trial.measure({})]
    known = np.full(len(targets), np.inf) if best is None else np.asarray(best, dtype=np.float64)
    bounds = dict(zip(targets, known.tolist(), strict=True))
    if len(names) == 1:
        return _one(trial, names[0], bounds)
    return _two(trial, names[0], names[1], bounds)


def _limit(trial: Trial, name: str) -> int:
    """Largest sensible value of a search setting."""
    ground = trial.ground
    if name == "nprobe":
        return trial.spec.parts.nlist or 1
    if name in ("k_factor", "oversampling"):
        return max(1, min(_REFINED[-1] * 2, ground.database.n // ground.k))
    return min(_LIMIT, ground.database.n)


def _first(trial: Trial, name: str) -> int:
    """Smallest sensible value: a candidate list holds k at least."""
    return 1 if name in ("nprobe", "k_factor", "oversampling") else trial.ground.k


def _ladder(first: int, last: int) -> list[int]:
    """Doublings from first to last, last included."""
    steps = [first]
    while steps[-1] * 2 < last:
        steps.append(steps[-1] * 2)
    return [*steps, last] if last > steps[-1] else steps


def _one(trial: Trial, name: str, bounds: Mapping[float, float]) -> list[Row]:
    """Rows of a build with one search setting."""
    measured: dict[int, Row] = {}

    def measure(value: int) -> Row:
        if value not in measured:
            measured[value] = trial.measure({name: value})
        return measured[value]

    previous = -1.0
    for value in _ladder(_first(trial, name), _limit(trial, name)):
        row = measure(value)
        reached = float(row["recall_tuned"])
        if row["p50_low_us"] > _HOPELESS * max(bounds.values()):
            break
        if reached >= _ENOUGH or (reached - previous < _STALLED and reached > min(bounds)):
            break
        previous = reached
    for target, bound in bounds.items():
        low = max((v for v, row in measured.items() if row["recall_tuned"] < target), default=None)
        high = min((v for v, row in measured.items() if row["recall_tuned"] >= target), default=None)
        if low is not None and high is not None and low < high and measured[low]["p50_low_us"] < _HOPELESS * bound:
            _bisect(measure, low, high, target)
    return list(measured.values())


def _bisect(measure: Callable[[int], Row], low: int, high: int, target: float) -> int:
    """The smallest value, to a few per cent, whose recall reaches the target; ``high`` does, ``low`` does not."""
    for _ in range(_STEPS):
        if high - low <= 1 or high <= low * _NEAR:
            break
        middle = _between(low, high, float(measure(low)["recall_tuned"]), float(measure(high)["recall_tuned"]), target)
        if float(measure(middle)["recall_tuned"]) >= target:
            high = middle
        else:
            low = middle
    return high


def _between(low: int, high: int, recall_low: float, recall_high: float, target: float) -> int:
    """Where the target lies between two settings, log misses taken as linear in the log setting; strictly inside."""
    misses = [np.log(max(1 - value, 1e-6)) for value in (recall_low, recall_high, target)]
    share = 0.5 if misses[0] == misses[1] else (misses[0] - misses[2]) / (misses[0] - misses[1])
    inside = np.exp(np.log(low) + float(np.clip(share, 0.1, 0.9)) * np.log(high / low))
    return int(np.clip(round(inside), low + 1, high - 1))


def _two(trial: Trial, outer: str, inner: str, bounds: Mapping[float, float]) -> list[Row]:
    """Rows of a build with two search settings."""
    looks = _look_over(trial, outer, inner)
    pairs = np.array([(1.0, a, b) for a, b in looks])
    model, _ = nnls(pairs, np.array([us for _, us in looks.values()]))

    rows: dict[tuple[int, int], Row] = {}
    for target, bound in bounds.items():
        plans = []
        for b in sorted({b for _, b in looks}):
            needed = _needed(sorted((a, found) for (a, other), (found, _) in looks.items() if other == b), target)
            if needed is not None:
                plans.append((float(model @ (1.0, needed[1], b)), b, needed))
        for predicted, b, (low, guess, high) in sorted(plans)[:2]:
            if predicted > _RIVAL * min(plans)[0] or (rows and predicted > _HOPELESS * bound):
                break

            def measure(a: int, b: int = b) -> Row:
                if (a, b) not in rows:
                    rows[a, b] = trial.measure({outer: a, inner: b})
                return rows[a, b]

            _reach(measure, low, guess, high, target)
    if not rows:  # nothing reaches any target: the best that it can do
        a, b = max(looks, key=lambda pair: looks[pair][0])
        rows[a, b] = trial.measure({outer: a, inner: b})
    return list(rows.values())


def _look_over(trial: Trial, outer: str, inner: str) -> dict[tuple[int, int], tuple[float, float]]:
    """Recall and microseconds by a few queries over the grid of doublings, as far as it gains."""
    looks: dict[tuple[int, int], tuple[float, float]] = {}
    furthest = -1.0
    for b in (value for value in _REFINED if value <= _limit(trial, inner)):
        previous = -1.0
        for a in _ladder(_first(trial, outer), _limit(trial, outer)):
            looks[a, b] = trial.look({outer: a, inner: b})
            reached = looks[a, b][0]
            if reached >= 1.0 or (reached - previous < _STALLED and reached > 0):
                break
            previous = reached
        reaches = max(found for (_, other), (found, _) in looks.items() if other == b)
        if reaches - furthest < _STALLED and reaches > 0:
            break
        furthest = reaches
    return looks


def _needed(curve: Sequence[tuple[int, float]], target: float) -> tuple[int, int, int] | None:
    """The last setting that misses the target, the interpolated one, and the first that reaches it."""
    if curve[0][1] >= target:
        return curve[0][0], curve[0][0], curve[0][0]
    for (a, miss), (b, hit) in pairwise(curve):
        if hit >= target:
            return a, (b if b - a <= 1 else _between(a, b, miss, hit, target)), b
    return None


def _reach(measure: Callable[[int], Row], low: int, guess: int, high: int, target: float) -> None:
    """Measure the guess, then close in on the smallest setting that reaches the target on all queries."""
    if float(measure(guess)["recall_tuned"]) >= target:
        high = guess
        closer = max(low, int(guess / (_NEAR**2)))
        if closer < guess and float(measure(closer)["recall_tuned"]) < target:
            low = closer
        elif closer < guess:
            high = closer
    else:
        low = guess
        if low >= high or float(measure(high)["recall_tuned"]) < target:
            return
    if low < high:
        _bisect(measure, low, high, target)
