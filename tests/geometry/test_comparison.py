"""Metrics side by side: ranks by the definition, causes that were planted, and the identity on unit vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError, VectorError
from workbench.geometry import (
    compare_metrics,
    cosine_similarity,
    dot_product,
    hub_counts,
    normalize,
    rank_agreement,
    scale_by_popularity,
)
from workbench.records import Vectors

METRICS = ("cosine", "dot", "euclidean")


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def at_angle(degrees: float, length: float) -> list[float]:
    return [length * np.cos(np.radians(degrees)), length * np.sin(np.radians(degrees))]


def by_id(table, id: str) -> dict:
    return table[table["id"] == id].to_dict("records")[0]


@given(seed=st.integers(0, 10**6), n=st.integers(2, 40))
@settings(max_examples=40, deadline=None)
def test_ranks_are_those_of_the_definition(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)) * rng.uniform(0.2, 4, size=(n, 1))
    q, x = rng.normal(size=5).astype(np.float32), x.astype(np.float32)
    k = min(4, n)
    table = compare_metrics(q, x, k).table.set_index("row")
    wide, far = x.astype(np.float64), q.astype(np.float64)
    near = {
        "cosine": wide @ far / np.linalg.norm(wide, axis=1) / np.linalg.norm(far),
        "dot": wide @ far,
        "euclidean": -np.linalg.norm(wide - far, axis=1),
    }
    for metric in METRICS:
        order = np.argsort(-near[metric], kind="stable")
        ranks = {int(row): place for place, row in enumerate(order, 1)}
        assert table[f"rank_{metric}"].to_dict() == {row: ranks[row] for row in table.index}
        assert set(order[:k]) <= set(table.index)
    assert (table[["rank_cosine", "rank_dot", "rank_euclidean"]].min(axis=1) <= k).all()


def test_a_long_vector_rises_under_dot_product_because_of_its_length() -> None:
    items = [at_angle(angle, 1) for angle in range(5, 65, 5)] + [at_angle(70, 20)]
    found = compare_metrics(np.array([1, 0], np.float32), np.array(items, np.float32), 3, hubs={})
    long = by_id(found.table, "12")
    assert (long["rank_cosine"], long["rank_dot"], long["rank_euclidean"]) == (13, 1, 13)
    assert (long["cause_dot"], long["cause_euclidean"]) == ("norm", "norm")
    assert found.sentence("12") == (
        "12 rises from 13 to 1 under dot product, because it is 20 times as long as the median vector. "
        "12 falls from 1 to 13 under Euclidean distance, because it is 20 times as long as the median vector."
    )
    assert len(found.sentences) == (found.table[["cause_dot", "cause_euclidean"]] != "").sum().sum()


def test_those_that_others_pass_moved_by_angle_and_not_by_their_length() -> None:
    """All but the long ones have the median length: nothing changes for them when they are given it."""
    items = [at_angle(angle, 1) for angle in range(5, 65, 5)] + [at_angle(70, 20), at_angle(75, 20)]
    found = compare_metrics(np.array([1, 0], np.float32), np.array(items, np.float32), 3, hubs={})
    first = by_id(found.table, "0")
    assert (first["rank_cosine"], first["rank_dot"], first["cause_dot"]) == (1, 3, "angle")
    assert "would at the median length too" in found.sentence("0")


def test_a_short_vector_falls_under_dot_product_because_of_its_length() -> None:
    items = [at_angle(angle, 1) for angle in range(5, 65, 5)] + [at_angle(1, 0.1)]
    found = compare_metrics(np.array([1, 0], np.float32), np.array(items, np.float32), 3, hubs={})
    short = by_id(found.table, "12")
    assert (short["rank_cosine"], short["rank_dot"], short["cause_dot"]) == (1, 13, "norm")


def test_a_change_that_would_turn_round_at_the_median_length_is_by_length() -> None:
    """It rises by one place only; at the median length it would fall by many."""
    items = [at_angle(2, 1.02), at_angle(20, 1.3), *(at_angle(30 + angle, 1.2) for angle in range(10))]
    items += [at_angle(85, 0.3) for _ in range(15)]
    found = compare_metrics(np.array([1, 0], np.float32), np.array(items, np.float32), 4, hubs={})
    second = by_id(found.table, "1")
    assert (second["rank_cosine"], second["rank_dot"], second["cause_dot"]) == (2, 1, "norm")


def test_a_long_vector_that_is_in_very_many_lists_is_a_hub() -> None:
    x = gaussian(300, 16) + 0.5
    x[7] = 6 * x.mean(axis=0) + 4 * gaussian(1, 16, 9)[0]
    query = x[250] + 0.1 * gaussian(1, 16, 3)[0]
    found = compare_metrics(query, x, 5)
    risen = by_id(found.table, "7")
    assert risen["rank_cosine"] > 5 >= risen["rank_dot"]
    assert risen["cause_dot"] == "hub"
    assert "it is a hub" in found.sentence("7")
    assert by_id(compare_metrics(query, x, 5, hubs={}).table, "7")["cause_dot"] == "norm"
    assert compare_metrics(query, x, 5, hubs=hub_counts(x, 5)).table.equals(found.table)


def test_on_unit_vectors_the_metrics_tell_no_story() -> None:
    x = normalize(gaussian(200, 24))
    found = compare_metrics(normalize(gaussian(1, 24, 5)[0]), x, 10)
    assert len(found.table) == 10
    assert (found.table["cause_dot"] == "").all() and (found.table["cause_euclidean"] == "").all()
    assert found.sentences == ()
    assert found.sentence(found.table["id"][0]).endswith("is at 1 under all three metrics.")
    squared = found.table["euclidean"].to_numpy() ** 2
    np.testing.assert_allclose(squared, 2 - 2 * found.table["cosine"].to_numpy(), atol=1e-6)


def test_the_query_itself_is_left_out_by_its_id() -> None:
    x = gaussian(20, 6)
    vectors = Vectors(tuple(f"v{row}" for row in range(20)), x)
    found = compare_metrics(vectors.take([4]), vectors, 19, exclude_self=True)
    assert len(found.table) == 19
    assert "v4" not in set(found.table["id"])
    assert found.table["rank_cosine"].min() == 1
    assert by_id(compare_metrics(vectors.take([4]), vectors, 3).table, "v4")["rank_cosine"] == 1


def test_what_cannot_be_compared_is_refused() -> None:
    x = gaussian(6, 4)
    with pytest.raises(InputError, match="2 queries were given"):
        compare_metrics(x[:2], x, 2)
    with pytest.raises(InputError, match="k=7 items were asked of 6"):
        compare_metrics(x[0], x, 7)
    with pytest.raises(VectorError, match="row 1 is all zeros"):
        compare_metrics(x[0], np.vstack([x[:1], np.zeros((1, 4), np.float32)]), 1)
    with pytest.raises(InputError, match="the dot hubs count 3 rows, there are 6 vectors"):
        compare_metrics(x[0], x, 2, hubs={"dot": np.zeros(3, np.int64)})
    with pytest.raises(InputError, match="cannot tell which row"):
        compare_metrics(x[0], x, 2, exclude_self=True)
    with pytest.raises(InputError, match="'nobody' is in none of the three lists"):
        compare_metrics(x[0], x, 2).sentence("nobody")


# rank agreement


def test_on_unit_vectors_all_metrics_agree() -> None:
    table = rank_agreement(normalize(gaussian(20, 16, 1)), normalize(gaussian(400, 16)), 10)
    assert table[["first", "second"]].to_numpy().tolist() == [
        ["cosine", "dot"],
        ["cosine", "euclidean"],
        ["dot", "euclidean"],
    ]
    assert (table["tau"] > 0.9999).all()
    assert (table["overlap"] == 1.0).all()
    assert (table["queries"] == 20).all() and (table["ranked"] == 400).all()


def test_lengths_break_the_agreement_and_samples_say_how_large_they_are() -> None:
    x = gaussian(400, 16) * np.exp(np.random.default_rng(2).normal(size=(400, 1))).astype(np.float32)
    table = rank_agreement(gaussian(60, 16, 1), x, 10, most_queries=30, most_ranked=100).set_index(["first", "second"])
    assert (table["queries"] == 30).all() and (table["ranked"] == 100).all()
    assert table.loc[("dot", "euclidean"), "overlap_high"] < 0.5
    assert table.loc[("cosine", "dot"), "tau_high"] < 0.95
    for what in ("tau", "overlap"):
        some = table.iloc[:2]
        assert ((some[f"{what}_low"] < some[what]) & (some[what] < some[f"{what}_high"])).all()


def test_a_query_among_the_vectors_is_left_out_of_both_measures() -> None:
    """Two vectors beside each query: with itself in, the top one is itself under cosine and Euclidean distance."""
    x = gaussian(30, 4) * np.linspace(0.1, 5, 30, dtype=np.float32)[:, None]
    with_self = rank_agreement(x, x, 1).set_index(["first", "second"])
    assert with_self.loc[("cosine", "euclidean"), "overlap"] == 1.0
    without = rank_agreement(x, x, 1, exclude_self=True).set_index(["first", "second"])
    assert without.loc[("cosine", "euclidean"), "overlap"] < 0.9
    named = Vectors(tuple(map(str, range(30))), x)
    again = rank_agreement(named, named, 1, exclude_self=True).set_index(["first", "second"])
    assert again.equals(without)
    with pytest.raises(InputError, match="cannot tell which of 30 vectors the 5 queries are"):
        rank_agreement(x[:5], x, 1, exclude_self=True)


def test_equal_scores_have_no_tau() -> None:
    table = rank_agreement(gaussian(3, 4), np.repeat(gaussian(1, 4, 1), 6, axis=0), 2)
    assert table["tau"].isna().all()
    assert (table["overlap"] == 1).all()
    with pytest.raises(InputError, match="make no ranking"):
        rank_agreement(gaussian(3, 4), gaussian(4, 4), 2, most_ranked=1)


# popularity


@given(seed=st.integers(0, 10**6), strength=st.floats(-1, 2))
@settings(max_examples=50, deadline=None)
def test_popularity_moves_lengths_and_no_angle(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    x, popularity = rng.normal(size=(30, 8)).astype(np.float32), rng.integers(1, 1000, size=30)
    scaled = scale_by_popularity(x, popularity, strength)
    assert isinstance(scaled, np.ndarray)
    query = rng.normal(size=8).astype(np.float32)
    before, after = cosine_similarity(query, x), cosine_similarity(query, scaled)
    np.testing.assert_allclose(after, before, atol=5e-7)
    clear = np.abs(before[:, None] - before) > 2e-6
    assert (((before[:, None] > before) == (after[:, None] > after)) | ~clear).all()
    factor = (popularity / np.median(popularity)) ** strength
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), np.linalg.norm(x, axis=1) * factor, rtol=1e-5)


def test_popularity_changes_the_winner_under_dot_product() -> None:
    x = normalize(gaussian(50, 8))
    query = gaussian(1, 8, 1)[0]
    best = np.argsort(-dot_product(query, x))
    popularity = np.ones(50)
    popularity[best[5]] = 1e6
    assert np.argmax(dot_product(query, scale_by_popularity(x, popularity, 1.0))) == best[5]


def test_no_strength_changes_nothing_and_vectors_stay_vectors() -> None:
    vectors = Vectors(("a", "b", "c"), gaussian(3, 4), None, "dot")
    same = scale_by_popularity(vectors, [1, 20, 300], 0.0)
    assert isinstance(same, Vectors)
    assert (same.ids, same.metric) == (vectors.ids, "dot")
    np.testing.assert_array_equal(same.array, vectors.array)


def test_popularity_that_is_none() -> None:
    x = gaussian(3, 4)
    with pytest.raises(InputError, match="the popularity of row 1 is 0"):
        scale_by_popularity(x, [1, 0, 2], 1)
    with pytest.raises(InputError, match=r"popularity of shape \(2,\) for 3 vectors"):
        scale_by_popularity(x, [1, 2], 1)
    with pytest.raises(InputError, match="the strength nan"):
        scale_by_popularity(x, [1, 2, 3], float("nan"))
    with pytest.raises(VectorError, match="row 2"):
        scale_by_popularity(x, [1, 1, 1e30], 3)
