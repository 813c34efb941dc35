import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from workbench.errors import InputError, VectorError
from workbench.geometry import find_clusters, label_agreement, name_clusters, project
from workbench.records import FloatArray, Vectors


def groups(n: int = 300, k: int = 5, d: int = 64, seed: int = 0) -> tuple[FloatArray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return (random.normal(size=(k, d))[labels] * 3 + random.normal(size=(n, d))).astype(np.float32), labels


@pytest.mark.parametrize("dimensions", [20, 50, None])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_planted_groups_are_found_and_scattered_points_are_noise(dimensions: int | None, metric: str) -> None:
    x, labels = groups()
    far = np.random.default_rng(1).normal(size=(20, 64)).astype(np.float32) * 12
    found = find_clusters(np.vstack([x, far]), dimensions=dimensions, metric=metric)  # type: ignore[arg-type]
    assert found.count == 5
    assert found.labels.dtype == np.int64
    assert adjusted_rand_score(labels, found.labels[:300]) > 0.95
    assert (found.labels[300:] == -1).mean() > 0.5 > 0.1 > (found.labels[:300] == -1).mean()
    assert_array_equal(found.strengths[found.labels < 0], 0)
    assert found.noise == (found.labels < 0).mean()
    assert ("principal components" in found.space) == (dimensions is not None)


def test_the_same_vectors_have_the_same_clusters_and_lengths_do_not_matter_under_cosine() -> None:
    x, _ = groups()
    lengths = np.random.default_rng(3).uniform(0.1, 10, size=(len(x), 1)).astype(np.float32)
    plain = find_clusters(x).labels
    assert_array_equal(find_clusters(x).labels, plain)
    assert adjusted_rand_score(find_clusters(x * lengths).labels, plain) == 1.0
    assert adjusted_rand_score(find_clusters(x * lengths, metric="euclidean").labels, plain) < 0.9


def test_a_picture_is_never_clustered() -> None:
    x, _ = groups(100)
    for flat in (project(x, "pca", 2), project(x, "pca", 3)):
        with pytest.raises(InputError, match=r"vectors of [23] dimensions would put the clusters on a picture"):
            find_clusters(flat)
    with pytest.raises(InputError, match="dimensions=2 would put"):
        find_clusters(x, dimensions=2)


def test_vectors_and_settings_that_give_no_clusters_are_refused() -> None:
    x, _ = groups(60)
    with pytest.raises(InputError, match="'dot' is none"):
        find_clusters(Vectors(tuple(map(str, range(60))), x, metric="dot"))
    with pytest.raises(InputError, match="min_cluster_size=1"):
        find_clusters(x, min_cluster_size=1)
    x[3] = np.nan
    with pytest.raises(VectorError, match="row 3"):
        find_clusters(x)


@pytest.mark.parametrize("n", [1, 2, 9, 11])
def test_few_vectors_are_noise_or_one_group_but_no_error(n: int) -> None:
    found = find_clusters(groups(n)[0])
    assert len(found.labels) == n
    assert found.count <= 1
    assert "clusters in" in str(found)


def test_equal_vectors_are_no_error() -> None:
    assert len(find_clusters(np.ones((40, 8), np.float32)).labels) == 40


def test_names_are_the_words_that_set_a_cluster_apart() -> None:
    texts = ["the cat sat common", "cats and a cat common", "a planet orbits common", "planet and star common", "noise"]
    names = name_clusters(texts, [0, 0, 7, 7, -1], terms=2)
    assert names == {0: ("cat", "cats"), 7: ("planet", "orbits")}


def test_names_equal_the_formula_by_hand() -> None:
    texts, labels = ["red red blue", "blue green", "green green yellow red"], [0, 1, 1]
    counts = {0: {"red": 2, "blue": 1}, 1: {"blue": 1, "green": 3, "yellow": 1, "red": 1}}
    total = {word: sum(c.get(word, 0) for c in counts.values()) for word in ("red", "blue", "green", "yellow")}
    mean = sum(total.values()) / 2
    for label, own in counts.items():
        weights = {word: n * np.log(1 + mean / total[word]) for word, n in own.items()}
        expected = tuple(sorted(weights, key=lambda word: (-weights[word], word)))
        assert name_clusters(texts, labels, terms=9)[label] == expected


def test_texts_without_words_and_hostile_ones_get_names_without_markup() -> None:
    assert name_clusters(["the of and", "12 34", "", "!!"], [0, 0, 1, -1]) == {0: (), 1: ()}
    assert name_clusters([], np.empty(0, dtype=int)) == {}
    assert name_clusters(["x"], [-1]) == {}
    hostile = name_clusters(["<script>alert(1)</script> $\\LaTeX$ \ud800 日本語 \x00"] * 2, [0, 0], terms=9)
    assert not any(sign in word for word in hostile[0] for sign in "<>$/\\\x00")
    with pytest.raises(InputError, match="2 texts and labels of shape"):
        name_clusters(["a", "b"], [0])
    with pytest.raises(InputError, match="terms=0"):
        name_clusters(["a"], [0], terms=0)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(-1, 4), st.sampled_from(["a", "b", "c", None])), min_size=2, max_size=60),
)
def test_agreement_is_that_of_scikit_learn(pairs: list[tuple[int, str | None]]) -> None:
    labels, known = np.array([label for label, _ in pairs]), [name for _, name in pairs]
    table = label_agreement(labels, known).set_index("compared")
    codes = pd.factorize(pd.Series(known, dtype=object), use_na_sentinel=False)[0]
    for name, at in (("all points", labels >= -1), ("points in a cluster", labels >= 0)):
        row = table.loc[name]
        assert row["points"] == at.sum()
        if at.sum():
            assert_allclose(row["adjusted_rand"], adjusted_rand_score(codes[at], labels[at]), atol=1e-12)
            assert_allclose(row["mutual_information"], normalized_mutual_info_score(codes[at], labels[at]), atol=1e-12)
        else:
            assert np.isnan(row["adjusted_rand"])


def test_agreement_is_one_for_renamed_groups_and_chance_for_shuffled_ones() -> None:
    labels = np.arange(600) % 6
    same = label_agreement(labels, [f"group {label}" for label in labels])
    assert same["adjusted_rand"].tolist() == [1.0, 1.0]
    assert same["low"].tolist() == [1.0, 1.0]
    shuffled = label_agreement(labels, np.random.default_rng(0).permutation(labels).tolist())
    assert (shuffled["adjusted_rand"].abs() < 0.02).all()
    noisy = labels.copy()
    noisy[:300] = -1
    table = label_agreement(noisy, labels.tolist())
    assert table["adjusted_rand"][0] < 0.7 < table["adjusted_rand"][1] == 1.0
    assert table["share"].tolist() == [1.0, 0.5]
    assert table["low"][0] < table["adjusted_rand"][0] < table["high"][0]
    with pytest.raises(InputError, match="do not line up"):
        label_agreement(labels, ["a"])


def test_the_interval_covers_the_index_of_the_population() -> None:
    """Half of 40 small groups' points keep their group, the others get one at random: the index is known."""

    def drawn(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        known = random.integers(40, size=n)
        return np.where(random.random(n) < 0.5, known, random.integers(40, size=n)), known

    population = adjusted_rand_score(*drawn(0, 200_000))
    rows = [label_agreement(found, known.tolist()).iloc[0] for found, known in (drawn(i, 400) for i in range(1, 61))]
    covered = np.mean([row["low"] <= population <= row["high"] for row in rows])
    assert covered > 0.8  # 0.95 by name; without the correction about a quarter
