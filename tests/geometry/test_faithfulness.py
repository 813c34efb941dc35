"""Faithfulness: scikit-learn's value, the slow obvious definition, and maps that lie at a known place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

from workbench.errors import InputError, VectorError
from workbench.geometry import exact_neighbours, faithfulness, neighbourhood
from workbench.records import Vectors

METRICS = ["cosine", "dot", "euclidean"]


def distances(array: np.ndarray, metric: str) -> np.ndarray:
    """All pairs, by the definition; smaller is nearer."""
    if metric == "dot":
        return -(array @ array.T)
    return cdist(array, array, metric)


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def obvious(array: np.ndarray, places: np.ndarray, metric: str, k: int, size: int):
    """Trustworthiness, continuity, overlap and squared products of each point, neighbour by neighbour."""
    true, drawn = distances(array.astype(np.float64), metric), cdist(places, places)
    n = len(array)
    rows = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_truth, by_map = sorted(others, key=lambda j: true[i, j]), sorted(others, key=lambda j: drawn[i, j])
        false = sum(by_truth.index(j) + 1 - k for j in by_map[:k] if j not in by_truth[:k])
        missing = sum(by_map.index(j) + 1 - k for j in by_truth[:k] if j not in by_map[:k])
        worst = k * (2 * n - 3 * k - 1) / 2
        both, either = set(by_truth[:size]) & set(by_map[:size]), set(by_truth[:size]) | set(by_map[:size])
        rows.append([1 - false / worst, 1 - missing / worst, len(both) / len(either)])
    return np.array(rows)


def stress(original: np.ndarray, drawn: np.ndarray) -> float:
    scale = (original * drawn).sum() / (drawn**2).sum()
    return float(np.sqrt(((original - scale * drawn) ** 2).sum() / (original**2).sum()))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_trustworthiness_is_scikit_learns(metric, k):
    array, places = gaussian(300, 20), gaussian(300, 2, seed=1)
    places += 2 * array[:, :2]
    got = faithfulness(array, places, k, metric=metric)
    assert got.trustworthiness.mean == pytest.approx(
        trustworthiness(array.astype(np.float64), places.astype(np.float64), n_neighbors=k, metric=metric), abs=1e-12
    )
    assert got.exact
    assert got.trustworthiness.low == got.trustworthiness.mean == got.trustworthiness.high
    assert got.points["trustworthiness"].mean() == pytest.approx(got.trustworthiness.mean)


def test_continuity_is_trustworthiness_with_the_spaces_exchanged():
    array, places = gaussian(200, 3), gaussian(200, 2, seed=4).astype(np.float64)
    there = faithfulness(array, places, 7, metric="euclidean")
    assert there.continuity.mean == pytest.approx(trustworthiness(places, array.astype(np.float64), n_neighbors=7))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(METRICS), st.integers(1, 9))
def test_every_point_is_as_the_definition_says(seed, metric, k):
    array, places = gaussian(25, 4, seed), gaussian(25, 2, seed + 1).astype(np.float64)
    got = faithfulness(array, places, k, overlap_at=(k, 24), metric=metric)
    np.testing.assert_allclose(
        got.points[["trustworthiness", "continuity", f"overlap@{k}"]], obvious(array, places, metric, k, k), atol=1e-12
    )
    assert got.overlap[24].mean == 1.0, "all others are all others"


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_stress_is_kruskals_at_the_best_scale(metric):
    array, places = gaussian(120, 6) + 3, gaussian(120, 2, seed=2).astype(np.float64)
    original = distances(array.astype(np.float64), metric)
    if metric == "cosine":
        original = np.sqrt(2 * original.clip(0))
    got = faithfulness(array, places, metric=metric)
    assert got.stress is not None
    assert got.stress.mean == pytest.approx(stress(original, cdist(places, places)), abs=1e-9)
    assert faithfulness(array, 1000 * places, metric=metric).stress.mean == pytest.approx(got.stress.mean)


def test_a_dot_product_is_no_distance():
    got = faithfulness(gaussian(60, 5), gaussian(60, 2, seed=1), metric="dot")
    assert got.stress is None
    assert got.points["stress"].isna().all()
    assert "stress" not in got.table()["measure"].tolist()


def test_a_perfect_map_scores_one():
    places = gaussian(400, 2)
    got = faithfulness(places, 5 * places[:, ::-1] - 7, metric="euclidean")
    assert (got.trustworthiness.mean, got.continuity.mean) == (1.0, 1.0)
    assert {at.mean for at in got.overlap.values()} == {1.0}
    assert got.stress.mean < 1e-6


def test_a_random_map_keeps_what_chance_keeps():
    got = faithfulness(gaussian(1500, 30), gaussian(1500, 2, seed=8), k=10, overlap_at=(10,))
    assert got.trustworthiness.mean == pytest.approx(0.5, abs=0.03)
    assert got.overlap[10].mean < 0.01


def test_far_from_the_origin_distances_keep_their_digits():
    array = (gaussian(150, 3) + 10_000).astype(np.float32)
    places = array[:, :2].astype(np.float64)
    got = faithfulness(array, places, 5, metric="euclidean")
    exact = trustworthiness(array.astype(np.float64) - 10_000, places, n_neighbors=5)
    assert got.trustworthiness.mean == pytest.approx(exact, abs=1e-12)


def test_duplicates_share_the_best_place():
    array = np.repeat(gaussian(30, 8), 4, axis=0)
    places = np.repeat(gaussian(30, 2, seed=3), 4, axis=0)
    got = faithfulness(array, places, k=3, overlap_at=(3,))
    assert got.trustworthiness.mean == got.continuity.mean == got.overlap[3].mean == 1.0


def swiss_roll(n: int = 1500, seed: int = 0):
    """Points on a rolled-up sheet, and where they lie on the sheet: along it and across it."""
    rng = np.random.default_rng(seed)
    along, across = rng.uniform(10, 60, n), rng.uniform(0, 20, n)
    turn = np.sqrt(2 * along)  # an arc length along a spiral of radius = angle, nearly
    return np.stack([turn * np.cos(turn), across, turn * np.sin(turn)], axis=1).astype(np.float32), along, across


def test_a_swiss_roll_scores_badly_where_its_map_is_torn():
    space, along, across = swiss_roll()
    torn = np.stack([along + 200 * (along > 35), across], axis=1)
    got = faithfulness(space, torn, k=10, metric="euclidean")
    edge = np.abs(along - 35) < 0.5
    inner = np.abs(along - 35) > 8
    continuity = got.column("continuity").to_numpy()
    assert continuity[edge].mean() < 0.85
    assert continuity[inner].mean() > 0.99
    assert np.argmin(continuity) in np.flatnonzero(np.abs(along - 35) < 3)


def test_a_swiss_roll_scores_badly_where_its_map_is_folded():
    space, along, across = swiss_roll()
    folded = np.stack([np.abs(along - 35), across], axis=1)  # the two halves lie on one another
    got = faithfulness(space, folded, k=10, metric="euclidean")
    crease = np.abs(along - 35) < 1
    trust = got.column("trustworthiness").to_numpy()
    assert trust[crease].mean() > 0.97, "at the crease both halves are near in truth"
    assert trust[~crease].mean() < 0.93
    assert got.trustworthiness.mean < got.continuity.mean


def test_a_sample_says_so_and_holds_the_truth():
    array = gaussian(3000, 10)
    places = array[:, :2] + 0.1 * gaussian(3000, 2, seed=5)
    everything = faithfulness(array, places)
    some = faithfulness(array, places, sample=600, seed=3)
    assert not some.exact
    assert (some.measured, some.n) == (600, 3000)
    assert "600 of 3,000 points" in str(some)
    assert "points measured" not in str(everything)
    for name in ("trustworthiness", "continuity", "stress"):
        low, high = getattr(some, name).low, getattr(some, name).high
        assert low - 0.005 < getattr(everything, name).mean < high + 0.005
    rows = some.points["row"].to_numpy()
    np.testing.assert_allclose(
        some.points["trustworthiness"], everything.points["trustworthiness"].to_numpy()[rows], atol=1e-12
    )
    column = some.column("continuity")
    assert column.isna().sum() == 2400
    assert column.name == "continuity"


def test_a_large_map_is_sampled_by_itself():
    got = faithfulness(gaussian(7000, 4), gaussian(7000, 2, seed=1), k=5)
    assert not got.exact
    assert got.measured == 2000


def test_the_table_says_what_each_number_means():
    table = faithfulness(gaussian(100, 5), gaussian(100, 2, seed=1), k=4, overlap_at=(4, 200)).table()
    assert table["measure"].tolist() == ["trustworthiness@4", "continuity@4", "neighbour overlap@4", "stress"]
    assert table["value"].between(table["low"], table["high"]).all()
    assert table["meaning"].str.len().min() > 20


@pytest.mark.parametrize("metric", METRICS)
def test_a_neighbourhood_is_told_apart(metric):
    array, places = gaussian(80, 6), gaussian(80, 2, seed=1)
    vectors = Vectors(tuple(f"v{i}" for i in range(80)), array, metric=metric)
    got = neighbourhood(vectors, places, 17, k=12)
    true = exact_neighbours(vectors, vectors, 12, exclude_self=True).ids[17]
    away = np.linalg.norm(places - places[17], axis=1)
    away[17] = np.inf
    near = np.argsort(away, kind="stable")[:12]
    assert set(got.kept) | set(got.missing) == set(true)
    assert set(got.kept) | set(got.false) == set(near)
    assert not set(got.missing) & set(got.false)
    assert len(got.missing) == len(got.false)
    assert f"Of the 12 true neighbours, {len(got.kept)} are near on the map" in str(got)
    assert 17 not in {*got.kept, *got.missing, *got.false}


def test_a_neighbourhood_that_is_kept_whole():
    places = gaussian(40, 2)
    got = neighbourhood(places, places, 3, k=5, metric="euclidean")
    assert len(got.kept) == 5
    assert str(got) == "The 5 nearest on the map are the 5 nearest in truth."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k=0 neighbours of 30 points"),
        ({"k": 15}, "Use k from 1 to 14"),
        ({"overlap_at": ()}, "overlap_at"),
        ({"overlap_at": (0, 3)}, "Name sizes from 1 to 29"),
        ({"sample": 31}, "sample=31 of 30"),
        ({"metric": "manhattan"}, "there is no metric 'manhattan'"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        faithfulness(gaussian(30, 4), gaussian(30, 2), **{"k": 3} | options)


def test_a_map_of_other_points_is_refused():
    with pytest.raises(VectorError, match=r"a map of shape \(29, 2\) for 30 vectors"):
        faithfulness(gaussian(30, 4), gaussian(29, 2), 3)
    places = gaussian(30, 2)
    places[4, 1] = np.nan
    with pytest.raises(VectorError, match="row 4 of the map"):
        faithfulness(gaussian(30, 4), places, 3)
    with pytest.raises(InputError, match="row 30 is not on a map of 30 points"):
        neighbourhood(gaussian(30, 4), gaussian(30, 2), 30)
    with pytest.raises(InputError, match="k=30 neighbours were asked of 29"):
        neighbourhood(gaussian(30, 4), gaussian(30, 2), 0, k=30)
    with pytest.raises(InputError, match="no measure 'trust'"):
        faithfulness(gaussian(30, 4), gaussian(30, 2), 3).column("trust")
