"""Search settings are found on planted curves of recall and time."""

from types import SimpleNamespace

import numpy as np
import pytest

from workbench.ann import IndexSpec
from workbench.ann.sweeping.settle import settle

TARGETS = (0.9, 0.95, 0.99)


class Planted:
    """A build whose recall and time are formulas; it counts what is asked of it."""

    def __init__(self, kind, recall, microseconds, n=10_000, k=10):
        self.spec = IndexSpec(kind)
        self.ground = SimpleNamespace(k=k, database=SimpleNamespace(n=n))
        self._recall, self._time = recall, microseconds
        self.measured = {}

    def look(self, settings):
        return self._recall(**settings), self._time(**settings)

    def measure(self, settings):
        taken = self._time(**settings)
        row = {"recall_tuned": self._recall(**settings), "p50_us": taken, "p50_low_us": taken}
        self.measured[tuple(settings.values())] = row
        return row | settings


def rising(half):
    """Recall that misses a half as many for each so many more: 1 - 2**(-x / half), in sixteenths of a thousandth."""
    return lambda x: float(1 - 2 ** (-x / half))


@pytest.mark.parametrize("half", [3.0, 17.0, 60.0])
def test_the_smallest_setting_that_reaches_each_target_is_found_to_a_few_per_cent(half):
    curve = rising(half)
    trial = Planted("IVF1024,Flat", lambda nprobe: curve(nprobe), lambda nprobe: 10.0 + nprobe)
    settle(trial, TARGETS)
    for target in TARGETS:
        smallest = next(x for x in range(1, 1025) if curve(x) >= target)
        found = min(x for (x,), row in trial.measured.items() if row["recall_tuned"] >= target)
        assert smallest <= found <= max(smallest + 1, smallest * 1.12)


def test_a_ladder_ends_where_recall_is_nearly_one():
    trial = Planted("HNSW16", lambda efSearch: min(1.0, 0.5 + efSearch / 100), lambda efSearch: float(efSearch))
    settle(trial, TARGETS)
    assert max(value for (value,) in trial.measured) <= 80


def test_a_ladder_ends_where_recall_stalls():
    trial = Planted("HNSW16", lambda efSearch: min(0.93, efSearch / 20), lambda efSearch: float(efSearch))
    settle(trial, TARGETS)
    assert max(value for (value,) in trial.measured) <= 80
    assert all(row["recall_tuned"] <= 0.93 for row in trial.measured.values())


def test_of_two_settings_the_pair_that_is_fastest_to_reach_each_target_is_measured():
    def recall(nprobe, k_factor):
        return float((1 - 2 ** (-nprobe / 6)) * (1 - 4.0 ** (-k_factor)))

    def microseconds(nprobe, k_factor):
        return 5.0 + 0.5 * nprobe + 2.0 * k_factor

    trial = Planted("IVF256,PQ16x4fs,RFlat", recall, microseconds)
    settle(trial, TARGETS)
    grid = [(a, b) for a in range(1, 257) for b in range(1, 33)]
    for target in TARGETS:
        best = min(microseconds(a, b) for a, b in grid if recall(a, b) >= target)
        found = min(row["p50_us"] for row in trial.measured.values() if row["recall_tuned"] >= target)
        assert found <= best * 1.1
    assert len(trial.measured) < 40


def test_a_target_that_others_reach_far_sooner_is_not_closed_in_upon():
    curve = rising(20.0)
    free = Planted("IVF1024,Flat", lambda nprobe: curve(nprobe), lambda nprobe: 10.0 + nprobe)
    beaten = Planted("IVF1024,Flat", lambda nprobe: curve(nprobe), lambda nprobe: 10.0 + nprobe)
    settle(free, TARGETS)
    settle(beaten, TARGETS, np.full(len(TARGETS), 1.0))
    assert set(beaten.measured) < set(free.measured)
    assert len(beaten.measured) == len({2**power for power in range(11)} & {x for (x,) in beaten.measured})


def test_a_kind_without_settings_is_measured_once():
    trial = Planted("SQ8", lambda: 0.98, lambda: 700.0)
    assert len(settle(trial, TARGETS)) == len(trial.measured) == 1


def test_where_no_target_is_reached_the_best_pair_is_measured_all_the_same():
    trial = Planted("IVF16,PQ4x4fs,RFlat", lambda nprobe, k_factor: nprobe / 40 + k_factor / 1000, lambda **_: 5.0)
    rows = settle(trial, TARGETS)
    assert len(rows) == 1
    assert trial.measured[16, 32]
