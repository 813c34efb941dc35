"""Limits of a machine, the time of exact scans and its fit: planted truths are found, and covered as often as said."""

import os

import faiss
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import ann
from workbench.errors import InputError

WORK = np.geomspace(1e6, 1e9, 9)


def planted(rng, *, factor=2e-10, exponent=1.0, scatter=0.08, rounds=5, drift=0.0, noise=0.0):
    """Times of a power law: points scatter about it, rounds drift together, single calls are noisy."""
    spread = scatter * rng.standard_normal(len(WORK)) + drift * rng.standard_normal((rounds, 1))
    return factor * WORK**exponent * np.exp(spread + noise * rng.standard_normal((rounds, len(WORK))))


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(1e-12, 1e-3), exponent=st.floats(0.3, 2.0), rounds=st.integers(1, 4), far=st.floats(1e-3, 1e6))
def test_a_planted_law_is_found(factor, exponent, rounds, far):
    fit = ann.fit_scaling(WORK, np.tile(factor * WORK**exponent, (rounds, 1)))
    assert fit.exponent.mean == pytest.approx(exponent) and fit.factor == pytest.approx(factor, rel=1e-6)
    assert fit.exponent.high - fit.exponent.low < 1e-6 and fit.scatter == pytest.approx(1.0)
    truth = factor * (far * 1e9) ** exponent
    assert fit.seconds(far * 1e9).mean == pytest.approx(truth, rel=1e-6)
    assert fit.work(truth).mean == pytest.approx(far * 1e9, rel=1e-6)
    assert fit.extrapolates(far * 1e9) is not (1e6 <= far * 1e9 <= 1e9)


@pytest.mark.parametrize(("exponent", "work"), [(1.0, 3e7), (1.0, 1e11), (None, 1e11)])
def test_the_interval_covers_a_new_measurement_about_as_often_as_it_says(exponent, work):
    covered = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        fit = ann.fit_scaling(WORK, planted(rng), exponent=exponent, seed=seed)
        new = 2e-10 * work * np.exp(0.08 * rng.standard_normal())
        found = fit.seconds(work)
        covered.append(found.low <= new <= found.high)
    assert 0.85 < np.mean(covered) <= 0.99


def test_the_exponent_covers_its_planted_truth_and_refuses_another():
    fits = [ann.fit_scaling(WORK, planted(np.random.default_rng(s), exponent=1.2), seed=s).exponent for s in range(50)]
    assert np.mean([fit.low <= 1.2 <= fit.high for fit in fits]) > 0.8
    assert np.mean([fit.low <= 1.0 <= fit.high for fit in fits]) < 0.1


def test_rounds_that_drift_together_make_the_interval_wider():
    def width(drift):
        times = planted(np.random.default_rng(1), scatter=0.02, rounds=7, drift=drift)
        found = ann.fit_scaling(WORK, times, exponent=1.0).seconds(1e8)
        return found.high / found.low

    assert width(0.5) > 1.3 * width(0.0)


def test_the_fit_is_least_squares_on_the_logarithms_of_the_medians():
    times = planted(np.random.default_rng(3), noise=0.3)
    slope, intercept = np.polyfit(np.log(WORK), np.log(np.median(times, axis=0)), 1)
    fit = ann.fit_scaling(WORK, times)
    assert fit.exponent.mean == pytest.approx(slope) and np.log(fit.factor) == pytest.approx(intercept)
    assert fit.exponent.low < slope < fit.exponent.high and fit.scatter > 1
    assert (fit.smallest, fit.largest) == (pytest.approx(1e6), pytest.approx(1e9))


@pytest.mark.parametrize(
    ("work", "seconds", "exponent", "why"),
    [
        ([1, 2], [1, 2], None, "at least 3"),
        ([1, 2, 3], [1, 2], None, "cannot be fitted"),
        ([1, 2, 0], [1, 2, 3], None, "no logarithm"),
        ([1, 2, 3], [1, np.nan, 3], None, "no logarithm"),
        ([5, 5, 5], [1, 2, 3], None, "every point has the work 5"),
        ([1, 2, 3], [1, 2, 3], 0.0, "does not grow"),
    ],
)
def test_points_that_cannot_be_fitted(work, seconds, exponent, why):
    with pytest.raises(InputError, match=why):
        ann.fit_scaling(work, seconds, exponent=exponent)


def test_scans_are_timed_in_turn_and_said_in_units():
    before = faiss.omp_get_max_threads()
    table = ann.scan_times([(100, 8, 1), (50, 16, 4)], rounds=3)
    assert faiss.omp_get_max_threads() == before
    assert table["n"].tolist() == [100, 50] * 3 and table["round"].tolist() == [0, 0, 1, 1, 2, 2]
    assert (table["seconds"] > 0).all()
    one, four = table.iloc[0], table.iloc[1]
    assert one["gb"] == pytest.approx(4 * 800 / 1e9) and four["gflop"] == pytest.approx(2 * 800 * 4 / 1e9)
    assert four["query_ms"] == pytest.approx(1e3 * four["seconds"] / 4)
    assert four["gflop_s"] == pytest.approx(four["gflop"] / four["seconds"])


def test_a_scan_searches_what_is_in_memory(monkeypatch):
    asked = []
    monkeypatch.setattr(faiss, "knn", lambda queries, database, k, metric: asked.append((queries, database, k)))
    memory = ann.allocate(1000)
    ann.scan_times([(100, 8, 2)], memory=memory, rounds=1, k=3)
    queries, database, k = asked[-1]
    assert queries.shape == (2, 8) and k == 3 and database.base is memory
    np.testing.assert_array_equal(database, memory[:800].reshape(100, 8))


def test_the_product_alone_searches_nothing(monkeypatch):
    monkeypatch.setattr(faiss, "knn", None)
    table = ann.scan_times([(100, 8, 2)], rounds=2, product_only=True)
    assert (table["seconds"] > 0).all() and table["gflop"].iloc[0] == pytest.approx(2 * 1600 / 1e9)


def test_a_summary_has_the_median_round_and_its_ends_for_one_query():
    times = ann.scan_times([(100, 8, 1), (50, 16, 4)], rounds=3)
    found = ann.scan_summary(times, "both")
    assert found["label"].tolist() == ["100 × 8", "50 × 16"] and set(found["series"]) == {"both"}
    for row in found.itertuples():
        taken = times.loc[times["n"] == row.n, "seconds"].to_numpy() / row.queries
        assert (row.low, row.seconds, row.high) == tuple(np.quantile(taken, [0, 0.5, 1]))
        assert row.query_ms == pytest.approx(1e3 * row.seconds)


@pytest.mark.parametrize(
    ("scans", "memory", "why"),
    [
        ([], 10, "measure nothing"),
        ([(0, 8, 1)], 10, "make no search"),
        ([(9, 8, 1)], 1000, "10 of 9 vectors"),
        ([(100, 8, 0)], 1000, "make no search"),
        ([(100, 8, 1)], 799, "do not hold a database of 800"),
    ],
)
def test_scans_that_cannot_be_made(scans, memory, why):
    with pytest.raises(InputError, match=why):
        ann.scan_times(scans, memory=ann.allocate(memory))


def test_memory_is_filled_to_its_end_and_repeatable():
    floats = ann.allocate(2**22 + 5)
    np.testing.assert_array_equal(floats[2**22 :], floats[:5])
    np.testing.assert_array_equal(floats[:100], ann.allocate(100))
    assert not np.array_equal(floats[:100], ann.allocate(100, seed=1))
    assert 0.99 < floats.std() < 1.01


@pytest.mark.parametrize(("floats", "why"), [(0, "take no memory"), (2**50, "are free")])
def test_memory_that_is_not_there(floats, why):
    with pytest.raises(InputError, match=why):
        ann.allocate(floats)


def test_limits_are_rates_of_this_machine():
    limits = ann.machine_limits(ann.allocate(2**20), rounds=2)
    assert limits.threads == len(os.sched_getaffinity(0))
    for rate in (limits.read_one, limits.read_all, limits.compute_one, limits.compute_all):
        assert 0 < rate.low <= rate.high == rate.mean
    assert limits.read_seconds(1000, 10) == pytest.approx(40_000 / limits.read_one.mean)
    assert limits.compute_seconds(1000, 10, threads=2) == pytest.approx(20_000 / limits.compute_all.mean)
    table = limits.table()
    assert table["unit"].tolist() == ["GB/s", "GB/s", "GFLOP/s", "GFLOP/s"]
    assert table["threads"].tolist() == [1, limits.threads] * 2
    assert table["fastest"][2] == pytest.approx(limits.compute_one.mean / 1e9)


def test_a_scan_that_passed_a_limit_is_the_limit():
    one = ann.Interval(10e9, 8e9, 10e9)
    limits = ann.MachineLimits(2, one, ann.Interval(30e9, 20e9, 30e9), one, one)
    scans = pd.DataFrame({"gb": [2.0, 1.0], "queries": [1, 100], "low": [0.1, 0.02]})  # 20 GB/s; 25 GFLOP/s in 2 s
    raised = limits.raised(scans)
    assert raised.read_one == ann.Interval(20e9, 8e9, 20e9) and raised.read_all == limits.read_all
    assert raised.compute_one == raised.compute_all == ann.Interval(25e9, 8e9, 25e9)
    assert limits.raised(scans.assign(low=scans["low"] * 100)) == limits


def test_no_scan_is_below_the_limits_it_raised():
    found = ann.scan_summary(ann.scan_times([(500, 8, 1), (200, 16, 40)], rounds=3))
    limits = ann.machine_limits(ann.allocate(2**16), rounds=1).raised(found)
    for row in found.itertuples():
        assert row.low * row.queries >= limits.read_seconds(row.n, row.d) * 0.999999
        assert row.low >= limits.compute_seconds(row.n, row.d) * 0.999999


def test_a_span_keeps_the_first_centre_and_the_farthest_ends():
    first, second = ann.Interval(5, 4, 6), ann.Interval(9, 3, 10)
    assert ann.spanning(first) == first
    assert ann.spanning(first, second) == ann.Interval(5, 3, 10)


def test_fewer_numbers_than_cores_are_still_read():
    assert ann.machine_limits(np.ones(1, np.float32), rounds=1).read_all.mean > 0


@pytest.mark.parametrize(("memory", "rounds", "why"), [(10, 0, "measure nothing"), (0, 1, "one stretch")])
def test_limits_that_cannot_be_measured(memory, rounds, why):
    with pytest.raises(InputError, match=why):
        ann.machine_limits(np.ones(memory, np.float32), rounds)
