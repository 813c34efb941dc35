"""Clusters against a slow walk through the pairs, and the warning about chains."""

import warnings

import numpy as np
import pytest

from workbench import tasks
from workbench.errors import InputError
from workbench.records import Vectors
from workbench.tasks.duplicates import groups


def slow_groups(a, b, n):
    labels = list(range(n))
    for _ in range(n):
        for one, two in zip(a, b, strict=True):
            labels[one] = labels[two] = min(labels[one], labels[two])
    numbers = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return [numbers[label] for label in labels]


def pairs_of(a, b, n):
    return tasks.Pairs(np.array(a), np.array(b), np.ones(len(a), dtype=np.float32), "cosine", 0.9, n)


@pytest.mark.parametrize("count", [0, 5, 20, 60])
def test_groups_are_what_chains_join(count):
    rng = np.random.default_rng(count)
    a, b = np.sort(np.array([rng.choice(40, 2, replace=False) for _ in range(count)]).reshape(count, 2), axis=1).T
    assert tasks.duplicate_groups(pairs_of(a, b, 40)).tolist() == slow_groups(a.tolist(), b.tolist(), 40)


def test_more_rows_than_pairs_know_of():
    assert tasks.duplicate_groups(pairs_of([0], [2], 3), 5).tolist() == [0, 1, 0, 2, 3]
    with pytest.raises(InputError, match="row 2 of 2"):
        tasks.duplicate_groups(pairs_of([0], [2], 3), 2)


def around(degrees):
    turned = np.radians(degrees)
    array = np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)
    return Vectors(tuple(f"at {one}" for one in degrees), array)


def test_a_chain_is_told_from_a_knot():
    chain = around([0, 10, 20, 30, 40, 50, 180])
    with pytest.warns(tasks.ChainingWarning, match=r"joins 6 of 7 rows by chains: its two least alike score 0\.64"):
        report = tasks.find_duplicates(chain, 0.98, progress=False)
    assert report.clusters == [["at 0", "at 10", "at 20", "at 30", "at 40", "at 50"]] and report.chained
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        knot = tasks.find_duplicates(around([0, 1, 2, 3, 4, 5, 90, 91]), 0.98, progress=False)
    assert [len(cluster) for cluster in knot.clusters] == [6, 2] and not knot.chaining
    assert knot.weakest == pytest.approx(np.cos(np.radians(5)), abs=1e-6)


def test_a_cluster_of_more_than_are_compared(monkeypatch):
    monkeypatch.setattr(groups, "_MOST_COMPARED", 12)
    with pytest.warns(tasks.ChainingWarning):
        report = tasks.find_duplicates(around(list(range(90))), 0.99, progress=False)
    assert len(report.clusters[0]) == 90 and np.cos(np.radians(89)) < report.weakest < 0.9


def test_nothing_alike():
    report = tasks.find_duplicates(around([0, 60, 120]), 0.9, progress=False)
    assert report.clusters == [] and not report.chained and np.isnan(report.weakest) and len(report.pairs) == 0
