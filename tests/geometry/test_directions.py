"""Relations, planes, axes and WEAT: on planted spaces where the answer is known, and where there is none."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry import directions

SEEDS = st.integers(0, 10**6)


def words(array: np.ndarray, names: str = "w") -> StaticVectors:
    ids = names.split() if " " in names else [f"{names}{i}" for i in range(len(array))]
    return StaticVectors(tuple(ids), np.ascontiguousarray(array, dtype=np.float32))


def random(n: int, d: int = 20, seed: int = 0) -> StaticVectors:
    return words(np.random.default_rng(seed).normal(size=(n, d)))


def paired(n: int, step: float, noise: float, seed: int = 0, d: int = 40):
    """Words a0, a1, ... and b0, b1, ...: each b is its a, plus ``step`` along one axis, plus noise; and the pairs."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)) / np.sqrt(d)
    second = first + noise * rng.normal(size=(n, d)) / np.sqrt(d)
    second[:, 0] += step
    names = [f"{side}{i}" for side in "ab" for i in range(n)]
    return words(np.concatenate([first, second]), " ".join(names)), list(zip(names[:n], names[n:], strict=True))


# relations


@given(seed=SEEDS, n=st.integers(3, 12))
def test_parallelism_is_the_mean_over_all_pairs_of_pairs(seed: int, n: int) -> None:
    vectors = random(2 * n, 8, seed)
    pairs = [(f"w{i}", f"w{n + i}") for i in range(n)]
    found = directions.relation(vectors, pairs, permutations=5)
    steps = [vectors.unit[n + i].astype(float) - vectors.unit[i] for i in range(n)]
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in combinations(steps, 2)]
    assert_allclose(found.parallelism.mean, np.mean(cosines), atol=1e-6)
    sides = np.array([step / np.linalg.norm(step) for step in steps])
    for row in found.pairs.itertuples():
        at = int(row.first[1:])
        others = np.delete(sides, at, axis=0).sum(axis=0)
        assert_allclose(row.fit, sides[at] @ others / np.linalg.norm(others), atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_the_null_is_that_of_all_ways_to_pair_the_words(seed: int) -> None:
    vectors, pairs = paired(5, 0.6, 0.4, seed, d=6)
    found = directions.relation(vectors, pairs, permutations=20_000)
    unit, null = vectors.unit.astype(float), []
    for dealt in permutations(range(5)):
        steps = [unit[5 + b] - unit[a] for a, b in enumerate(dealt)]
        sides = [step / np.linalg.norm(step) for step in steps]
        null.append(np.mean([a @ b for a, b in combinations(sides, 2)]))
    assert_allclose(found.null_mean, np.mean(null), atol=0.01)
    assert_allclose([found.null_low, found.null_high], np.quantile(null, [0.025, 0.975]), atol=0.03)
    assert_allclose(found.p, np.mean(np.array(null) >= null[0] - 1e-6), atol=0.01)


def test_a_planted_relation_is_parallel_beyond_its_shuffles() -> None:
    vectors, pairs = paired(30, 0.8, 0.2)
    found = directions.relation(vectors, pairs)
    assert found.parallelism.mean > 0.7
    assert found.parallelism.low > found.null_high
    assert found.p == 1 / 1001
    assert found.parallelism.low < found.parallelism.mean < found.parallelism.high


def test_unrelated_pairs_are_not_parallel() -> None:
    vectors = random(80, 50)
    found = directions.relation(vectors, [(f"w{i}", f"w{i + 40}") for i in range(40)])
    assert abs(found.parallelism.mean) < 0.05
    assert found.p > 0.01


def test_two_kinds_of_words_are_parallel_however_they_are_paired_and_p_says_so() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 30, 40)) / np.sqrt(40)
    second[:, 0] += 2  # all cities lie over there: no relation, only two kinds
    vectors = words(np.concatenate([first, second]))
    found = directions.relation(vectors, [(f"w{i}", f"w{i + 30}") for i in range(30)])
    assert found.parallelism.low > 0.3
    assert found.null_low < found.parallelism.mean < found.null_high
    assert found.p > 0.05


def test_p_of_shuffled_pairs_is_uniform() -> None:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        vectors, pairs = paired(12, 0.7, 0.3, seed)
        dealt = rng.permutation(12)
        mixed = [(first, pairs[i][1]) for (first, _), i in zip(pairs, dealt, strict=True)]
        found.append(directions.relation(vectors, mixed, permutations=99, seed=seed).p)
    assert 0.35 < np.mean(found) < 0.65
    assert np.mean(np.array(found) <= 0.1) < 0.25


def test_the_pair_that_does_not_fit_stands_first() -> None:
    vectors, pairs = paired(12, 0.8, 0.1)
    array = vectors.array.copy()
    array[12 + 4] = array[4] - (array[12 + 4] - array[4])  # the other way
    found = directions.relation(words(array, " ".join(vectors.words)), pairs)
    assert tuple(found.pairs.loc[0, ["first", "second"]]) == ("a4", "b4")
    assert found.pairs["fit"][0] < 0 < found.pairs["fit"][1]


def test_one_seed_is_one_answer_and_repeats_count_once() -> None:
    vectors, pairs = paired(8, 0.5, 0.5)
    once, again = (directions.relation(vectors, given, permutations=50) for given in (pairs, pairs * 2))
    assert (once.parallelism, once.p, once.null_mean) == (again.parallelism, again.p, again.null_mean)
    other = directions.relation(vectors, pairs, permutations=50, seed=1)
    assert other.parallelism.mean == once.parallelism.mean
    assert other.null_mean != once.null_mean


def test_unknown_pairs_are_reported_and_too_few_refused() -> None:
    vectors, pairs = paired(4, 0.5, 0.5)
    found = directions.relation(vectors, [*pairs, ("a0", "nothing")], permutations=9)
    assert found.missing == (("a0", "nothing"),)
    assert len(found.pairs) == 4
    with pytest.raises(InputError, match="2 pairs are known, 1 are not"):
        directions.relation(vectors, [*pairs[:2], ("x", "y")])
    with pytest.raises(InputError, match="'a0' and 'a0' have one direction"):
        directions.relation(vectors, [("a0", "a0"), *pairs])
    with pytest.raises(InputError, match="permutations=0"):
        directions.relation(vectors, pairs, permutations=0)


def test_words_on_both_sides_may_be_dealt_to_themselves() -> None:
    vectors = random(5, 4)
    found = directions.relation(vectors, [(f"w{i}", f"w{(i + 1) % 5}") for i in range(5)], permutations=200)
    assert np.isfinite([found.null_mean, found.p]).all()


# planes


@given(seed=SEEDS, d=st.integers(3, 30))
def test_distances_in_the_plane_are_the_true_ones(seed: int, d: int) -> None:
    vectors = random(6, d, seed)
    found = directions.parallelogram(vectors, "w0", "w1", "w2", "w3", ["w4", "w5"])
    unit = vectors.array.astype(float) / np.linalg.norm(vectors.array.astype(float), axis=1, keepdims=True)
    a, a_star, b, *rest = unit
    true = np.stack([a, a_star, b, a_star - a + b, *rest])
    drawn = found.points[["x", "y"]].to_numpy()
    for i, j in combinations(range(4), 2):
        assert_allclose(np.linalg.norm(drawn[i] - drawn[j]), np.linalg.norm(true[i] - true[j]), atol=1e-6)
    assert_allclose(found.basis @ found.basis.T, np.eye(2), atol=1e-9)
    for i in range(7):  # a foot and what stands on it make the true distance to every point of the plane
        flat = np.linalg.norm(drawn[i] - drawn[3])
        assert_allclose(np.hypot(flat, found.points["off"][i]), np.linalg.norm(true[i] - true[3]), atol=1e-6)
        foot = found.origin + drawn[i] @ found.basis
        assert_allclose(np.linalg.norm(true[i] - foot), found.points["off"][i], atol=1e-6)
    assert_allclose(found.points["to_sum"], np.linalg.norm(true - true[3], axis=1), atol=1e-6)
    assert tuple(drawn[0]) == (0, 0)
    assert drawn[1, 0] > 0 and abs(drawn[1, 1]) < 1e-9 and drawn[2, 1] > 0
    assert (found.points["off"][:4] == 0).all()


def test_a_parallelogram_closes_in_its_plane() -> None:
    third = 1 / np.sqrt(3)
    vectors = words(np.array([[1, 0, 0], [0, 1, 0], [third, third, third], [0.6, 0.8, 0]]), "a c b d")
    found = directions.parallelogram(vectors, "a", "c", "b", "d")
    drawn = found.points[["x", "y"]].to_numpy()
    assert_allclose(drawn[3] - drawn[2], drawn[1] - drawn[0], atol=1e-9)
    step = np.array([0.6, 0.8, 0]) - third
    assert_allclose(found.parallel, (step[1] - step[0]) / np.sqrt(2) / np.linalg.norm(step), atol=1e-6)
    assert list(found.points["role"]) == ["a", "a*", "b", "sum", "answer"]


def test_the_answer_may_be_b_itself() -> None:
    found = directions.parallelogram(random(3), "w0", "w1", "w2", "w2", ["W1", "w1", "W2"])
    assert list(found.points["role"]) == ["a", "a*", "b", "sum", "answer", "other"]
    b, answer, other = (found.points.iloc[i] for i in (2, 4, 5))
    assert_allclose(answer[["x", "y", "off"]].astype(float), b[["x", "y", "off"]].astype(float), atol=1e-7)
    assert np.isnan(found.parallel)
    assert other["word"] == "w1"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "a", "b", "d"), "'a' and 'a' have one direction"),
        (("a", "long", "b", "d"), "'a' and 'long' have one direction"),
        (("a", "c", "a", "d"), "'a' and 'a' have one direction"),
        (("a", "c", "c", "d"), "are parallel and span no plane"),
        (("a", "c", "b", "doo"), "there is no word 'doo'"),
    ],
)
def test_words_that_span_no_plane_are_refused(names: tuple[str, ...], message: str) -> None:
    vectors = words(np.array([[1, 0, 0], [7, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]), "a long c b d")
    with pytest.raises(InputError, match=message):
        directions.parallelogram(vectors, *names)


# axes


def test_an_axis_is_the_difference_of_means_and_projections_are_cosines() -> None:
    vectors = random(300)
    found = directions.axis(vectors, ["w0", "W1", "w1", "no"], ["w2", "w3", "w4"])
    unit = vectors.unit.astype(float)
    expected = unit[:2].mean(axis=0) - unit[2:5].mean(axis=0)
    assert_allclose(found.direction, expected / np.linalg.norm(expected), atol=1e-6)
    assert (found.positive, found.negative, found.missing) == (("w0", "w1"), ("w2", "w3", "w4"), ("no",))
    table = found.project([f"w{i}" for i in range(20)])
    assert table["projection"].is_monotonic_decreasing
    everything = unit @ found.direction
    for row in table.itertuples():
        at = int(row.word[1:])
        assert_allclose(row.projection, everything[at], atol=1e-6)
        assert_allclose(row.percentile, 100 * ((everything < everything[at]).mean() + 0.5 / 300), atol=1e-4)
        assert row.defines == (at < 5)


def test_random_words_are_usual_and_planted_ones_are_not() -> None:
    array = np.random.default_rng(0).normal(size=(2000, 30)).astype(np.float32)
    array[:20, 0] += 8
    array[20:40, 0] -= 8
    found = directions.axis(words(array), [f"w{i}" for i in range(10)], [f"w{i}" for i in range(20, 30)])
    low, high = found.usual
    planted = found.project([f"w{i}" for i in range(10, 20)])
    assert (planted["projection"] > high).all() and (planted["percentile"] > 97.5).all()
    plain = found.project([f"w{i}" for i in range(100, 1100)])["projection"]
    assert 0.9 < plain.between(low, high).mean() < 1


@given(seed=SEEDS)
def test_an_axis_turned_round_turns_the_projections(seed: int) -> None:
    vectors = random(30, 6, seed)
    there, back = (directions.axis(vectors, *lists) for lists in ((["w0"], ["w1"]), (["w1"], ["w0"])))
    one, other = (found.project(vectors.words).set_index("word") for found in (there, back))
    assert_allclose(one["projection"], -other["projection"][one.index], atol=1e-7)
    assert_allclose(one["percentile"], 100 - other["percentile"][one.index], atol=1e-7)


def test_lists_that_make_no_axis_are_refused() -> None:
    vectors = words(np.array([[1, 0], [0, 1], [5, 0]]), "up down upper")
    with pytest.raises(InputError, match="negative list has 0 known words and needs 1; unknown: 'nothing'"):
        directions.axis(vectors, ["up"], ["nothing"])
    with pytest.raises(InputError, match="the word 'up' is in both the positive and the negative list"):
        directions.axis(vectors, ["up", "upper"], ["Up"])
    with pytest.raises(InputError, match="one mean"):
        directions.axis(vectors, ["up"], ["upper"])
    with pytest.raises(InputError, match="is the text 'up'"):
        directions.axis(vectors, "up", ["down"])
    found = directions.axis(vectors, ["up"], ["down"])
    with pytest.raises(InputError, match="there is no word 'uper'"):
        found.project(["up", "uper"])
    with pytest.raises(InputError, match="is the text 'up'"):
        found.project("up")


# WEAT


def test_weat_by_hand() -> None:
    # On the axes A = (1, 0), B = (0, 1) a word at (cos t, sin t) associates by cos t - sin t.
    array = np.array([[1, 0], [0, 1], [1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]])
    found = directions.weat(words(array, "a b x1 x2 y1 y2"), ["x1", "x2"], ["y1", "y2"], ["a"], ["b"])
    # s: x 1, 0.2; y -0.2, -1. Means 0.6 and -0.6, sum of squares 2.08 over n - 1 = 3.
    assert_allclose(found.effect, 1.2 / np.sqrt(2.08 / 3), rtol=1e-6)
    assert (found.p, found.partitions, found.exact) == (1 / 6, 6, True)
    assert list(found.words["word"]) == ["x1", "x2", "y1", "y2"]
    assert_allclose(found.words["association"], [1, 0.2, -0.2, -1], atol=1e-6)
    back = directions.weat(words(array, "a b x1 x2 y1 y2"), ["y1", "y2"], ["x1", "x2"], ["a"], ["b"])
    assert_allclose(back.effect, -found.effect)
    assert back.p == 1


@given(seed=SEEDS, x=st.integers(2, 5), y=st.integers(2, 5))
def test_the_exact_p_counts_every_split(seed: int, x: int, y: int) -> None:
    vectors = random(x + y + 5, 6, seed)
    names = list(vectors.words)
    found = directions.weat(vectors, names[:x], names[x : x + y], names[-5:-2], names[-2:])
    unit = vectors.unit.astype(float)
    s = [np.mean([unit[i] @ a for a in unit[-5:-2]]) - np.mean([unit[i] @ b for b in unit[-2:]]) for i in range(x + y)]
    statistic = [sum(s[i] if i in split else -s[i] for i in range(x + y)) for split in combinations(range(x + y), x)]
    assert found.exact and found.partitions == len(statistic)
    assert_allclose(found.p, np.mean(np.array(statistic) >= statistic[0] - 1e-6), atol=1e-9)
    assert_allclose(found.effect, (np.mean(s[:x]) - np.mean(s[x:])) / np.std(s, ddof=1), rtol=1e-3, atol=1e-4)
    assert found.sizes == (x, y, 3, 2)


def test_sampled_splits_come_near_all_of_them() -> None:
    vectors = random(22, 6, 5)
    sets = [[f"w{i}" for i in range(*ends)] for ends in ((0, 8), (8, 16), (16, 19), (19, 22))]
    exact, sampled = (directions.weat(vectors, *sets, permutations=most) for most in (20_000, 5_000))
    assert exact.exact and exact.partitions == 12_870
    assert not sampled.exact and sampled.partitions == 5_000
    assert abs(exact.p - sampled.p) < 0.03
    assert exact.effect == sampled.effect


def test_planted_bias_is_found_and_random_words_have_none() -> None:
    array = np.random.default_rng(1).normal(size=(40, 25))
    array[:8, 0] += 4
    array[16:20, 0] += 6
    planted = directions.weat(words(array), *_sets())
    assert planted.effect > 1.5
    assert planted.p < 0.001
    found = [directions.weat(random(40, 25, seed), *_sets(), permutations=200).p for seed in range(80)]
    assert 0.4 < np.mean(found) < 0.6
    assert np.mean(np.array(found) <= 0.1) < 0.22


def _sets() -> list[list[str]]:
    return [[f"w{i}" for i in range(*ends)] for ends in ((0, 8), (8, 16), (16, 20), (20, 24))]


def test_words_that_weat_does_not_know_are_reported() -> None:
    vectors, sets = random(30), _sets()
    found = directions.weat(vectors, [*sets[0], "nothing"], sets[1], [*sets[2], "nobody", "w16"], sets[3])
    assert found.missing == ("nothing", "nobody")
    assert found.sizes == (8, 8, 4, 4)
    with pytest.raises(InputError, match="the set Y has 1 known words and needs 2; unknown: 'gone'"):
        directions.weat(vectors, sets[0], ["w9", "gone"], sets[2], sets[3])
    with pytest.raises(InputError, match="'w0' is in both X and Y"):
        directions.weat(vectors, sets[0], sets[0], sets[2], sets[3])
    with pytest.raises(InputError, match="permutations=0"):
        directions.weat(vectors, *sets, permutations=0)


def test_words_of_one_direction_associate_alike_whatever_their_lengths() -> None:
    rng = np.random.default_rng(0)
    array = np.tile(rng.normal(size=30), (8, 1)) * rng.uniform(0.1, 9, (8, 1))
    array[4:6] = rng.normal(size=(2, 30))
    with pytest.raises(InputError, match="associate alike"):
        directions.weat(words(array), ["w0", "w1"], ["w2", "w3"], ["w4"], ["w5"])
