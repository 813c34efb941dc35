"""Diagnosis: each measure finds what was planted, and vectors that are odd are told of and not crashed on."""

import numpy as np
import pytest

from workbench.errors import InputError, VectorError
from workbench.geometry import diagnose, hubness
from workbench.records import Vectors


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def embedded(n: int, inner: int, outer: int, seed: int = 0) -> np.ndarray:
    """A Gaussian of ``inner`` dimensions, turned into ``outer``."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(outer, inner)))
    return (gaussian(n, inner, seed) @ turn.T).astype(np.float32)


def verdicts(x: np.ndarray, **settings) -> dict[str, str]:
    table = diagnose(x, **settings).table
    return dict(zip(table["measure"], table["verdict"], strict=True))


def test_dimensions_of_a_gaussian_in_a_larger_space() -> None:
    found = diagnose(embedded(3000, 5, 50), metric="euclidean")
    assert found.two_nn == pytest.approx(5, rel=0.12)
    assert found.participation_ratio == pytest.approx(5, rel=0.03)


def test_two_nn_counts_curved_dimensions_and_the_participation_ratio_straight_ones() -> None:
    turns = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    found = diagnose(circle, metric="euclidean")
    assert found.two_nn == pytest.approx(1, rel=0.15)
    assert found.participation_ratio == pytest.approx(2, rel=0.02)


def test_copies_do_not_change_the_two_nn_dimension() -> None:
    x = embedded(1500, 4, 20)
    assert diagnose(np.vstack([x, x[:700]]), metric="euclidean").two_nn == pytest.approx(4, rel=0.2)


def test_the_participation_ratio_is_that_of_the_eigenvalues() -> None:
    x = gaussian(200, 12) * np.linspace(0.1, 3, 12, dtype=np.float32)
    values = np.linalg.eigvalsh(np.cov(x.T.astype(np.float64)))
    assert diagnose(x).participation_ratio == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-9)


def test_a_shifted_gaussian_is_anisotropic_and_a_centred_one_is_not() -> None:
    centred, shifted = diagnose(gaussian(2000, 50)), diagnose(gaussian(2000, 50) + 2)
    assert centred.anisotropy is not None and shifted.anisotropy is not None
    assert centred.anisotropy.mean == pytest.approx(0, abs=0.02)
    assert shifted.anisotropy.mean == pytest.approx(4 / 5, abs=0.02)  # |shift|^2 over |shift|^2 + d
    assert shifted.anisotropy.low < shifted.anisotropy.mean < shifted.anisotropy.high
    assert shifted.mean_direction**2 == pytest.approx(shifted.anisotropy.mean, abs=0.01)
    assert verdicts(gaussian(2000, 50))["mean cosine of random pairs"] == "fine"
    assert verdicts(gaussian(2000, 50) + 2)["mean cosine of random pairs"] == "look"


def test_lengths() -> None:
    unit = gaussian(100, 8)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert diagnose(unit).lengths.unit
    assert verdicts(unit)["variation of lengths"] == "fine"
    unit[3] *= 1.01
    found = diagnose(unit)
    assert not found.lengths.unit
    assert (found.lengths.min, found.lengths.median, found.lengths.max) == pytest.approx((1, 1, 1.01), abs=1e-6)
    assert verdicts(unit * np.linspace(1, 2, 100, dtype=np.float32)[:, None])["variation of lengths"] == "look"


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_hubs_are_those_of_hubness(metric) -> None:
    x = gaussian(400, 30) + 0.3
    found, expected = diagnose(x, 6, metric=metric), hubness(x, 6, metric)
    assert found.hubness is not None
    assert found.hubness.metric == metric
    assert found.hubness.counts.tolist() == expected.counts.tolist()
    assert found.largest_hub_share == expected.counts.max() / 400


def test_a_planted_hub_is_looked_at() -> None:
    points = gaussian(500, 64)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    with_hub = np.vstack([points, np.full((1, 64), 1e-3, np.float32)])
    share = "largest hub's share of lists"
    assert verdicts(points, metric="euclidean")[share] == "fine"
    assert verdicts(with_hub, metric="euclidean")[share] == "look"


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_zeros_and_duplicates_are_counted(metric) -> None:
    x = np.vstack([gaussian(50, 8), gaussian(3, 8), np.zeros((4, 8)), -np.zeros((1, 8))]).astype(np.float32)
    found = diagnose(x, metric=metric)
    assert (found.zeros, found.duplicates) == (5, 3 + 4)
    look = verdicts(x, metric=metric)
    assert (look["zero vectors"], look["exact duplicates"]) == ("look", "look")
    assert np.isfinite(found.table["value"]).all()


def test_what_is_not_defined_is_said_to_be_nan() -> None:
    found = diagnose(np.zeros((5, 4), np.float32))
    assert found.zeros == 5
    assert found.hubness is None and found.anisotropy is None
    assert np.isnan([found.participation_ratio, found.two_nn, found.mean_direction, found.lengths.variation]).all()
    assert set(found.table[found.table["value"].isna()]["verdict"]) == {"look"}
    same = diagnose(np.full((6, 4), 0.1, np.float32))
    assert same.duplicates == 5
    assert np.isnan([same.participation_ratio, same.two_nn]).all()


def test_a_few_vectors_get_shorter_lists() -> None:
    found = diagnose(gaussian(4, 3))
    assert found.k == 3
    assert "hubness (skewness of 3-occurrence)" in set(found.table["measure"])
    with pytest.raises(InputError, match="2 vectors have no geometry"):
        diagnose(gaussian(2, 3))
    with pytest.raises(InputError, match="k=0 and a sample of 50 diagnose nothing"):
        diagnose(gaussian(5, 3), 0, sample=50)
    with pytest.raises(VectorError, match="row 1 holds nan"):
        diagnose([[1.0, 2.0], [float("nan"), 1.0], [0.0, 1.0]])


def test_a_sample_stands_for_all() -> None:
    x = embedded(3000, 8, 30) + 0.2
    everything, some = diagnose(x), diagnose(x, sample=600)
    assert (everything.sample, some.sample) == (3000, 600)
    assert some.two_nn == pytest.approx(everything.two_nn, rel=0.2)
    assert some.mean_direction == everything.mean_direction
    assert some.hubness is not None and some.hubness.lists == 600
    assert "standard error" in " ".join(some.table["meaning"])
    assert "standard error" not in " ".join(everything.table["meaning"])


def test_the_table_says_what_and_when_for_every_measure() -> None:
    vectors = Vectors(tuple("abcde"), gaussian(5, 4), None, "dot")
    found = diagnose(vectors)
    assert found.metric == "dot"
    assert list(found.table.columns) == ["measure", "value", "verdict", "meaning", "worry_when"]
    assert set(found.table["verdict"]) <= {"fine", "look"}
    assert found.table[["meaning", "worry_when"]].map(len).min().min() > 10
    assert found.table["measure"].is_unique
