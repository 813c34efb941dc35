"""Intervals: they hold the mean, narrow with more data, and cover the truth about as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.intervals import Interval, few_values_interval, mean_interval, wilson_interval


def test_interval_holds_the_mean_and_narrows():
    rng = np.random.default_rng(0)
    few, many = mean_interval(rng.random(20)), mean_interval(rng.random(2000))
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
    with pytest.raises(InputError, match="nothing to average"):
        mean_interval([])


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    draws = [mean_interval(rng.random(100), seed=i) for i in range(200)]
    assert 0.88 <= np.mean([draw.low <= 0.5 <= draw.high for draw in draws]) <= 0.99


def test_many_values_are_resampled_in_blocks():
    values = np.random.default_rng(1).random(50_000)
    at = mean_interval(values)
    standard_error = values.std() / np.sqrt(len(values))
    assert at.high - at.low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


@pytest.mark.parametrize(("n", "k"), [(50, 10), (1000, 10), (1000, 1)])
def test_few_values_are_resampled_to_the_same_interval_by_their_counts(n, k):
    values = np.random.default_rng(2).binomial(k, 0.8, n) / k
    slow, fast = mean_interval(values), few_values_interval(values)
    assert fast.mean == pytest.approx(slow.mean)
    width = slow.high - slow.low
    assert fast.low == pytest.approx(slow.low, abs=0.1 * width)
    assert fast.high == pytest.approx(slow.high, abs=0.1 * width)
    with pytest.raises(InputError, match="nothing to average"):
        few_values_interval([])


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_between_0_and_1(counts):
    yes, n = counts
    low, high = wilson_interval(yes, n)
    assert 0 <= low <= yes / n + 1e-12
    assert yes / n - 1e-12 <= high <= 1


def test_wilson_is_the_published_interval():
    low, high = wilson_interval([8, 0], [10, 10])  # R: prop.test(8, 10, correct = FALSE) and prop.test(0, 10, ...)
    np.testing.assert_allclose(low, [0.490162, 0.0], atol=1e-6)
    np.testing.assert_allclose(high, [0.943318, 0.277533], atol=1e-6)


@pytest.mark.parametrize(("yes", "n"), [(1, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_counts_that_are_no_share(yes, n):
    with pytest.raises(InputError, match="at least one trial"):
        wilson_interval(yes, n)
