"""The threshold curve against its slow definition; a threshold chosen on one half and stated on the other."""

import numpy as np
import pytest

from workbench import geometry, tasks
from workbench.errors import InputError
from workbench.tasks.duplicates import quality


def labelled(seed=0, groups=40, alone=60, noise=0.6):
    """Groups of two to four around middles of their own, and rows that stand alone."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(groups + alone, 8))
    labels = np.concatenate([np.repeat(np.arange(groups), rng.integers(2, 5, groups)), groups + np.arange(alone)])
    vectors = (middles[labels] + noise * rng.normal(size=(len(labels), 8))).astype(np.float32)
    order = rng.permutation(len(labels))
    return vectors[order], labels[order]


def test_the_curve_is_the_definition_at_every_score():
    vectors, labels = labelled(groups=12, alone=20)
    curve = tasks.threshold_curve(vectors, labels)
    scores = geometry.cosine_similarity(vectors, vectors)
    a, b = np.triu_indices(len(labels), 1)
    score, true = scores[a, b], labels[a] == labels[b]
    assert curve["threshold"].is_monotonic_decreasing and curve["threshold"].is_unique
    assert curve["threshold"].iloc[-1] == pytest.approx(score[true].min()) and curve["recall"].iloc[-1] == 1
    for row in curve.iloc[::7].to_dict("records"):
        kept = score >= np.float32(row["threshold"])
        hits = int((kept & true).sum())
        assert (row["pairs"], row["true"]) == (kept.sum(), hits)
        precision, recall = hits / kept.sum(), hits / true.sum()
        assert row["precision"] == pytest.approx(precision) and row["recall"] == pytest.approx(recall)
        assert row["f1"] == pytest.approx(2 * precision * recall / (precision + recall) if hits else 0)
        found = tasks.duplicate_groups(tasks.near_pairs(vectors, row["threshold"], progress=False))
        sizes = np.bincount(found)
        assert (row["clusters"], row["largest"]) == ((sizes > 1).sum(), sizes.max())
        sets = {frozenset(np.flatnonzero(found == one)) for one in range(len(sizes))}
        wanted = [frozenset(np.flatnonzero(labels == one)) for one in range(12)]
        assert row["whole"] == sum(one in sets for one in wanted)


def test_pairs_may_be_given_and_rows_may_have_no_label():
    vectors, labels = labelled()
    named = [f"matter {one}" if one < 40 else (None, float("nan"), "")[one % 3] for one in labels]
    whole = tasks.threshold_curve(vectors, labels)
    assert tasks.threshold_curve(vectors, named).equals(whole)
    part = tasks.threshold_curve(tasks.near_pairs(vectors, 0.9, progress=False), labels)
    assert 5 < len(part) < len(whole) and part.equals(whole[: len(part)])


def test_a_curve_of_too_many_pairs_begins_higher(monkeypatch):
    vectors, labels = labelled(noise=1.5)
    whole = tasks.threshold_curve(vectors, labels)
    monkeypatch.setattr(quality, "_PAIRS", 2_000)
    cut = tasks.threshold_curve(vectors, labels)
    assert cut["pairs"].iloc[-1] == pytest.approx(2_000, rel=0.1)
    assert len(cut) < len(whole)
    assert cut.equals(whole[: len(cut)])


def test_a_threshold_is_stated_on_the_half_that_did_not_choose_it():
    vectors, labels = labelled(groups=80, alone=100)
    fit = tasks.fit_threshold(vectors, labels)
    counts = fit.fitted, fit.held_out, fit.everywhere
    assert all(counts[2].__dict__[name] == counts[0].__dict__[name] + counts[1].__dict__[name]
               for name in ("found", "true", "wanted"))  # fmt: skip
    curve = tasks.threshold_curve(vectors, labels)
    assert fit.everywhere.f1.mean <= curve["f1"].max() + 1e-12
    assert fit.everywhere == tasks.duplicate_quality(vectors, labels, fit.threshold)
    for name in ("precision", "recall", "f1"):
        held, everywhere = getattr(fit.held_out, name), getattr(fit.everywhere, name)
        assert held.low < held.mean < held.high and held.low < everywhere.mean < held.high
        assert everywhere.high - everywhere.low < held.high - held.low
    assert fit.at(fit.threshold) == fit.held_out
    assert fit.at(0.99).recall.mean < 0.2 < fit.held_out.recall.mean
    assert "of " in str(fit.held_out) and f"{fit.threshold:.3f}" in str(fit.held_out)


def test_halves_have_the_precision_of_the_whole():
    gaps = []
    for seed in range(12):
        vectors, labels = labelled(seed, noise=0.9)
        fit = tasks.fit_threshold(vectors, labels, seed=seed)
        here = [fit.at(0.8).precision.mean, tasks.duplicate_quality(vectors, labels, 0.8).precision.mean]
        gaps.append(here[0] - here[1])
    assert abs(np.mean(gaps)) < 0.05  # two halves of the rows alone would lose half of the false pairs
    assert np.std(gaps) > 0


def test_nine_of_ten_intervals_hold_the_truth():
    """Many data sets of one kind: the interval of each holds what they have on average."""
    measured = [tasks.duplicate_quality(*labelled(seed, noise=0.8), 0.8) for seed in range(40)]
    for name in ("precision", "recall", "f1"):
        values = [getattr(one, name) for one in measured]
        truth = np.mean([value.mean for value in values])
        assert np.mean([value.low <= truth <= value.high for value in values]) >= 0.85


def test_nothing_found():
    vectors, labels = labelled()
    nothing = tasks.duplicate_quality(vectors, labels, 1.0)
    assert (nothing.found, nothing.recall.mean, nothing.f1.mean) == (0, 0, 0)
    assert np.isnan(nothing.precision.mean) and (nothing.precision.low, nothing.precision.high) == (0, 1)
    assert nothing.recall.low == 0 < nothing.recall.high < 0.15


def test_what_is_refused():
    vectors, labels = labelled()
    n = len(labels)
    for wrong, match in (
        (labels[1:], f"{n - 1} labels for {n} rows"),
        (np.zeros(n), f"all {n} rows have the label '0.0'"),
        (np.arange(n), f"no two of {n} rows share a label"),
        ([None] * n, f"no two of {n} rows share a label"),
    ):
        with pytest.raises(InputError, match=match):
            tasks.threshold_curve(vectors, wrong)
    with pytest.raises(InputError, match="1 group of duplicates cannot be parted"):
        tasks.fit_threshold(vectors, [0, 0, *range(1, n - 1)])
    with pytest.raises(InputError, match="a share of 1 leaves one half empty"):
        tasks.fit_threshold(vectors, labels, share=1)
