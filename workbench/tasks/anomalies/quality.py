"""How well scores tell anomalies from normal lines, and what an alarm at a threshold finds, each with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError
from workbench.intervals import Interval

__all__ = ["Alarms", "Detection", "alarms", "as_labels", "detection_quality", "fit_alarms"]

_RESAMPLES = 1000
_NUMBERS_AT_ONCE = 4_000_000
_NORMAL = {"", "0", "0.0", "-", "false", "no", "none", "nan", "normal"}

_Bools = NDArray[np.bool_]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Detection:
    """How well scores order anomalies before normal lines.

    Parameters
    ----------
    roc_auc
        Chance that an anomaly scores more than a normal line, ties counted half; 0.5 is guessing.
    average_precision
        Mean precision over the recalls that are reached; guessing gives the share of anomalies.
    roc
        The curve: ``threshold``, ``false_alarms`` (share of normal lines), ``recall``; a row for each distinct score.
    precision_recall
        The curve: ``threshold``, ``recall``, ``precision``.
    anomalies, lines
        How many, in all.
    """

    roc_auc: Interval
    average_precision: Interval
    roc: pd.DataFrame = field(repr=False)
    precision_recall: pd.DataFrame = field(repr=False)
    anomalies: int
    lines: int


@dataclass(frozen=True)
class Alarms:
    """What is found where a score above ``threshold`` raises an alarm.

    Parameters
    ----------
    threshold
        Lines that score more are alarms.
    precision, recall, f1
        With 95 % intervals; a precision without alarms is taken as 0.
    raised, false_alarms, missed, lines
        Counts on the lines that they were measured on.
    """

    threshold: float
    precision: Interval
    recall: Interval
    f1: Interval
    raised: int
    false_alarms: int
    missed: int
    lines: int


def as_labels(values: ArrayLike) -> _Bools:
    """``(n,) bool``, True for an anomaly: whatever is not 0, False, ``"no"``, ``"normal"``, ``"-"`` or nothing at all.

    Raises
    ------
    InputError
        All are of one class.
    """
    cells = pd.Series(np.asarray(values, dtype=object))
    missing = cells.isna().to_numpy()
    found: _Bools = ~missing & ~cells.map(lambda cell: str(cell).strip().lower() in _NORMAL).to_numpy(dtype=bool)
    if found.all() or not found.any():
        which = "an anomaly" if len(found) and found.all() else "normal"
        raise InputError(
            f"all {len(found):,} labels say {which}",
            "Labels need both: 0, no, normal, - or nothing for a normal line, anything else for an anomaly.",
        )
    return found


def detection_quality(labels: ArrayLike, scores: ArrayLike, *, groups: ArrayLike | None = None) -> Detection:
    """ROC AUC and average precision of scores against labels, with bootstrap intervals, and both curves.

    Parameters
    ----------
    labels
        ``(n,)`` labels, as :func:`as_labels` reads them.
    scores
        ``(n,)`` numbers, larger is stranger.
    groups
        ``(n,)`` names of what caused each line: anomalies of one name are drawn together, since the forty lines of one
        failure are one piece of evidence. None takes every line for itself. Normal lines are always drawn alone.

    Returns
    -------
    Detection
        Intervals are 95 % percentile intervals over 1,000 resamples, anomalies and normal lines drawn apart.

    Raises
    ------
    InputError
        Labels of one class, lengths that differ, or a score that is not finite.

    References
    ----------
    T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27 (2006). Average precision is that of
    scikit-learn: the sum of precisions times steps of recall, without interpolation.
    """
    truth, values = _checked(labels, scores)
    order = np.argsort(-values, kind="stable")
    truth, values = truth[order], values[order]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    ones = np.ones((1, len(values)), dtype=np.float64)
    draws = [_areas(truth, weights, ends) for weights in _resampled(truth, _ordered(groups, order, len(values)))]
    area, average = _areas(truth, ones, ends)
    areas, averages = (np.concatenate([one[part] for one in draws]) for part in (0, 1))
    found, false = np.cumsum(truth)[ends], np.cumsum(~truth)[ends]
    recall, thresholds = found / truth.sum(), values[ends]
    return Detection(
        _interval(float(area[0]), areas),
        _interval(float(average[0]), averages),
        pd.DataFrame({"threshold": thresholds, "false_alarms": false / (~truth).sum(), "recall": recall}),
        pd.DataFrame({"threshold": thresholds, "recall": recall, "precision": found / (found + false)}),
        int(truth.sum()),
        len(truth),
    )


def alarms(labels: ArrayLike, scores: ArrayLike, threshold: float, *, groups: ArrayLike | None = None) -> Alarms:
    """What alarms above a threshold find and what they cry out falsely.

    Parameters
    ----------
    labels, scores, groups
        As for :func:`detection_quality`.
    threshold
        Lines that score more are alarms.

    Raises
    ------
    InputError
        As :func:`detection_quality`.
    """
    truth, values = _checked(labels, scores)
    raised = values > threshold
    ones = np.ones((1, len(values)), dtype=np.float64)
    draws = [_shares(truth, raised, weights) for weights in _resampled(truth, _ordered(groups, None, len(values)))]
    at = [float(share[0]) for share in _shares(truth, raised, ones)]
    precision, recall, f1 = (
        _interval(value, np.concatenate([one[part] for one in draws])) for part, value in enumerate(at)
    )
    counts = int(raised.sum()), int((raised & ~truth).sum()), int((truth & ~raised).sum())
    return Alarms(float(threshold), precision, recall, f1, *counts, len(truth))


def fit_alarms(labels: ArrayLike, scores: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0) -> Alarms:
    """The threshold with the best F1 on one half of the lines, and what it does on the other half.

    The halves are drawn by ``groups``: anomalies of one cause are all in one of them. The threshold lies halfway
    between the last score that is an alarm and the next.

    Raises
    ------
    InputError
        As :func:`detection_quality`, and where one of the halves has no anomaly.
    """
    truth, values = _checked(labels, scores)
    codes = _ordered(groups, None, len(values))
    draw = np.random.default_rng(seed)
    first = np.zeros(len(truth), dtype=np.bool_)
    for kind, of in ((True, codes), (False, np.arange(len(truth)))):  # each class in halves
        names = draw.permutation(np.unique(of[truth == kind]))
        first |= (truth == kind) & np.isin(of, names[: (len(names) + 1) // 2])
    if not (truth & first).any() or not (truth & ~first).any():
        raise InputError("one half of the lines has no anomaly", "Label anomalies of two causes or more.")
    order = np.argsort(-values[first], kind="stable")
    known, ranked = truth[first][order], values[first][order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    found, raised = np.cumsum(known)[ends], ends + 1
    best = int(np.argmax(2 * found / (raised + known.sum())))
    above = ranked[ends[best]]
    below = ranked[ends[best] + 1] if ends[best] + 1 < len(ranked) else above - 1.0
    held = ~first
    return alarms(truth[held], values[held], float((above + below) / 2), groups=None if groups is None else codes[held])


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[_Bools, _Floats]:
    truth, values = as_labels(labels), np.asarray(scores, dtype=np.float64)
    if values.shape != truth.shape:
        raise InputError(f"scores of shape {values.shape} for {len(truth):,} labels", "Give one score for each label.")
    if not np.isfinite(values).all():
        raise InputError(f"row {int(np.flatnonzero(~np.isfinite(values))[0]):,} has no finite score", "Score it again.")
    return truth, values


def _ordered(groups: ArrayLike | None, order: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
    """Numbers of the groups, in an order; each line its own where none are given."""
    if groups is None:
        codes = np.arange(n)
    else:
        codes = pd.factorize(np.asarray(groups, dtype=object), use_na_sentinel=False)[0].astype(np.int64)
        if len(codes) != n:
            raise InputError(f"{len(codes):,} groups for {n:,} labels", "Give one group for each label.")
    return codes if order is None else codes[order]


def _resampled(truth: _Bools, groups: NDArray[np.int64]) -> Iterator[_Floats]:
    """Blocks of ``(some, n)`` weights: how often each line is drawn, anomalies by their groups, normal lines alone."""
    draw, n = np.random.default_rng(0), len(truth)
    bad, good = np.flatnonzero(truth), np.flatnonzero(~truth)
    _, causes = np.unique(groups[bad], return_inverse=True)
    count, step = int(causes.max()) + 1, max(1, _NUMBERS_AT_ONCE // n)
    for start in range(0, _RESAMPLES, step):
        some = min(step, _RESAMPLES - start)
        weights = np.zeros((some, n))
        weights[:, bad] = _drawn(draw, some, count)[:, causes]
        weights[:, good] = _drawn(draw, some, len(good))
        yield weights


def _drawn(draw: np.random.Generator, some: int, count: int) -> NDArray[np.int64]:
    """``(some, count)``: how often each of ``count`` comes up in as many draws."""
    at = draw.integers(count, size=(some, count)) + count * np.arange(some)[:, None]
    return np.bincount(at.ravel(), minlength=some * count).reshape(some, count)


def _areas(truth: _Bools, weights: _Floats, ends: NDArray[np.int64]) -> tuple[_Floats, _Floats]:
    """``(some,)`` ROC AUC and average precision of lines in falling order of score, for each row of weights."""
    found = np.cumsum(weights * truth, axis=1)[:, ends]
    false = np.cumsum(weights * ~truth, axis=1)[:, ends]
    gained, cost = (np.diff(part, axis=1, prepend=0.0) for part in (found, false))
    before = found - gained
    area = (cost * (before + gained / 2)).sum(axis=1) / (found[:, -1] * false[:, -1])
    precision = found / np.maximum(found + false, 1e-300)
    average = (gained * precision).sum(axis=1) / found[:, -1]
    return area, average


def _shares(truth: _Bools, raised: _Bools, weights: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """``(some,)`` precision, recall and F1 for each row of weights."""
    found = weights @ (truth & raised).astype(np.float64)
    all_raised, bad = weights @ raised.astype(np.float64), weights @ truth.astype(np.float64)
    return found / np.maximum(all_raised, 1e-300), found / bad, 2 * found / (all_raised + bad)


def _interval(value: float, draws: _Floats) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value, float(low), float(high))
