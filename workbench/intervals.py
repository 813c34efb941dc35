"""How sure a number is: a mean with its bootstrap interval, a share with its Wilson interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import InputError

__all__ = ["Interval", "few_values_interval", "mean_interval", "wilson_interval"]

_RESAMPLES = 2000
_DRAWS_AT_ONCE = 4_000_000  # 32 MB of row numbers
_Z = 1.959963984540054  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_interval(values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95, seed: int = 0) -> Interval:
    """Mean of per-query values with a bootstrap percentile interval (Efron and Tibshirani 1993, chapter 13).

    Raises
    ------
    InputError
        There are no values.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise InputError("there is nothing to average", "Measure at least one query.")
    rng, step = np.random.default_rng(seed), max(1, _DRAWS_AT_ONCE // len(array))
    means = [
        array[rng.integers(len(array), size=(min(step, _RESAMPLES - start), len(array)))].mean(axis=1)
        for start in range(0, _RESAMPLES, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(array.mean()), float(low), float(high))


def few_values_interval(
    values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95, seed: int = 0
) -> Interval:
    """:func:`mean_interval` for many values of which few differ, such as recalls at k = 10: many times faster.

    To resample ``n`` values is to draw how often each distinct one comes up, which is multinomial: the distribution
    of the resampled mean is the same, only the draws are others.

    Raises
    ------
    InputError
        There are no values.
    """
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    if not len(distinct):
        raise InputError("there is nothing to average", "Measure at least one query.")
    n = int(counts.sum())
    means = np.random.default_rng(seed).multinomial(n, counts / n, size=_RESAMPLES) @ distinct / n
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(counts @ distinct / n), float(low), float(high))


def wilson_interval(successes: ArrayLike, trials: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the 95 % interval of shares, each of so many independent trials.

    Parameters
    ----------
    successes, trials
        Counts, of any one shape; ``0 <= successes <= trials`` and ``trials`` at least 1.

    Returns
    -------
    tuple
        The lower and the upper ends, in [0, 1].

    Raises
    ------
    InputError
        A share of no trials, or more successes than trials.

    References
    ----------
    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    yes: NDArray[Any] = np.asarray(successes, dtype=np.float64)
    n: NDArray[Any] = np.asarray(trials, dtype=np.float64)
    if (n < 1).any() or (yes < 0).any() or (yes > n).any():
        raise InputError("a share needs at least one trial, and no more successes than trials", "Check the counts.")
    share = yes / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return (middle - reach).clip(0), (middle + reach).clip(max=1)
