"""Relative contrast: the slow obvious version agrees, and it falls as dimensions grow."""

import numpy as np
import pandas as pd
import pytest

from workbench import ann
from workbench.errors import InputError
from workbench.intervals import Interval


@pytest.fixture(scope="module")
def curve():
    return ann.gaussian_contrasts((2, 4, 8, 16, 32, 128), n=2000, queries=200)


def test_the_obvious_version_agrees():
    rng = np.random.default_rng(0)
    queries, vectors = rng.standard_normal((70, 5)), rng.standard_normal((90, 5))
    distances = np.linalg.norm(queries[:, None] - vectors, axis=2)
    found = ann.relative_contrast(queries, vectors)
    assert found.ratio.mean == pytest.approx(distances.mean() / distances.min(axis=1).mean(), rel=1e-5)
    assert found.nearest == pytest.approx(distances.min(axis=1).mean(), rel=1e-5)
    assert found.mean == pytest.approx(distances.mean(), rel=1e-5)
    assert found.ratio.low < found.ratio.mean < found.ratio.high
    assert (found.n, found.d) == (90, 5)


def test_contrast_falls_as_dimensions_grow_and_the_intrinsic_dimension_follows(curve):
    assert (np.diff(curve["ratio"]) < 0).all() and (np.diff(curve["intrinsic"]) > 0).all()
    assert ((curve["low"] <= curve["ratio"]) & (curve["ratio"] <= curve["high"])).all()
    assert curve["intrinsic"].iloc[:3].to_numpy() == pytest.approx([2, 4, 8], rel=0.2)
    assert 1 < curve["ratio"].iloc[-1] < 1.5 < 10 < curve["ratio"].iloc[0]


def test_dimensions_that_are_copies_of_others_do_not_count(curve):
    rng = np.random.default_rng(5)
    flat = rng.standard_normal((2200, 8)) @ np.linalg.qr(rng.standard_normal((100, 8)))[0].T  # a plane of 8 in 100
    found = ann.relative_contrast(flat[2000:], flat[:2000])
    same = ann.matching_dimension(curve, found.ratio)
    assert found.d == 100 and same.low < same.mean < same.high
    assert same.mean == pytest.approx(8, rel=0.15) and found.intrinsic == pytest.approx(8, rel=0.2)


def test_a_measured_dimension_matches_itself(curve):
    for d, ratio in zip(curve["d"], curve["ratio"], strict=True):
        assert ann.matching_dimension(curve, Interval(ratio, ratio, ratio)).mean == pytest.approx(d)


@pytest.mark.parametrize("ratio", [1.0, 1e6])
def test_a_contrast_outside_the_curve_is_refused(curve, ratio):
    with pytest.raises(InputError, match="outside the curve"):
        ann.matching_dimension(curve, Interval(ratio, ratio, ratio))


def test_a_curve_that_does_not_fall_is_refused():
    with pytest.raises(InputError, match="does not fall"):
        ann.matching_dimension(pd.DataFrame({"d": [2, 4], "ratio": [1.5, 1.6]}), Interval(1.5, 1.5, 1.5))


def test_vectors_that_tell_nothing():
    rows = np.eye(12)
    with pytest.raises(InputError, match="9 vectors"):
        ann.relative_contrast(rows, rows[:9])
    with pytest.raises(InputError, match="copy of a vector"):
        ann.relative_contrast(rows, rows)
