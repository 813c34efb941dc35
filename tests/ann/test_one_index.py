"""A trial of one index: exact search scores 1, a weak setting less, and halves of the queries are kept apart."""

import numpy as np
import pytest

from workbench import ann
from workbench.errors import InputError


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1300, 16)).astype(np.float32)
    return rows[:1200], rows[1200:]


def test_a_weak_setting_misses_and_exact_search_does_not(cloud):
    found = ann.trial(ann.IndexSpec("IVF32,Flat"), *cloud, (1, 32), timed=5, rounds=2).set_index("setting")
    assert found.index.tolist() == ["1", "32", "exact"]
    assert found.loc["exact", ["tuned", "recall", "high"]].tolist() == [1, 1, 1] and 0.9 < found.loc["exact", "low"] < 1
    assert found.loc["32", "recall"] == 1 and 0 < found.loc["1", "recall"] < 0.9
    assert found.loc["1", "low"] < found.loc["1", "recall"] < found.loc["1", "high"]
    assert found.loc["1", "distances"] < found.loc["32", "distances"] and found.loc["exact", "distances"] == 1200
    assert (found["count"] == 10).all() and (found["p50_us"] > 0).all() and (found["n"] == 1200).all()
    assert found.loc["1", "build_s"] > 0 == found.loc["exact", "build_s"]


def test_one_half_chooses_and_the_other_states(cloud):
    vectors, queries = cloud
    easy = queries.copy()
    easy[::2] = vectors[:50]  # the half that chooses finds itself; the half that states is as hard as before
    halves = ann.trial(ann.IndexSpec("IVF32,Flat"), vectors, easy, (1,), k=1, timed=1, rounds=1).iloc[0]
    assert halves["tuned"] == 1 and halves["recall"] < 1


@pytest.mark.parametrize(
    ("kind", "ladder", "queries", "why"),
    [
        ("IVF32,Flat", (), 9, "no trial"),
        ("IVF32,Flat", (1,), 1, "no trial"),
        ("Flat", (1,), 9, "no search setting"),
        ("IVF4096,Flat", (1,), 9, "4,096"),
    ],
)
def test_trials_that_cannot_be_held(cloud, kind, ladder, queries, why):
    with pytest.raises(InputError, match=why):
        ann.trial(ann.IndexSpec(kind), cloud[0], cloud[1][:queries], ladder)
