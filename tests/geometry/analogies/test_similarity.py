import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from workbench.embed.words import StaticVectors, bundled
from workbench.errors import InputError
from workbench.geometry import analogies

ANGLES = {"zero": 0, "ten": 10, "thirty": 30, "Fifty": 50, "eighty": 80}


def fan() -> StaticVectors:
    """Words in the plane, each at the angle of its name, of various lengths."""
    radians = np.deg2rad(list(ANGLES.values()))
    lengths = np.array([1, 2, 0.5, 3, 1])
    return StaticVectors(
        tuple(ANGLES), np.float32(np.stack([np.cos(radians), np.sin(radians)], axis=1) * lengths[:, None])
    )


def pairs(*rows: tuple[str, str, object]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["first", "second", "human"])


def test_the_two_sets_are_whole() -> None:
    related, similar = analogies.wordsim353(), analogies.simlex999()
    assert (len(related), len(similar)) == (353, 999)
    for table in (related, similar):
        assert table.columns.tolist() == ["first", "second", "human"]
        assert table["human"].between(0, 10).all()
    assert related.iloc[0].tolist() == ["love", "sex", 6.77]
    assert similar.iloc[0].tolist() == ["old", "new", 1.58]


@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def test_it_is_gensims_and_scipys_on_the_covered_pairs(name: str) -> None:
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    vectors, table = bundled(), getattr(analogies, name)()
    found = analogies.word_similarity(vectors, table)
    assert 0.9 * found.total < found.covered <= found.total == len(table)
    assert found.correlation.mean == pytest.approx(spearmanr(found.pairs["human"], found.pairs["cosine"]).statistic)
    theirs = KeyedVectors(vectors.dimensions)
    theirs.add_vectors(list(vectors.words), vectors.array)
    path = datapath("wordsim353.tsv" if name == "wordsim353" else "simlex999.txt")
    _, spearman, unknown = theirs.evaluate_word_pairs(path, restrict_vocab=len(vectors))
    assert found.correlation.mean == pytest.approx(spearman.statistic, abs=1e-4)
    assert 100 * (1 - found.covered / found.total) == pytest.approx(unknown)
    assert found.correlation.low < found.correlation.mean < found.correlation.high
    assert found.correlation.low > 0.3


def test_the_order_of_people_is_one_and_its_reverse_minus_one() -> None:
    asked = pairs(("zero", "ten", 9), ("zero", "thirty", 5), ("ZERO", "fifty", 3), ("zero", "eighty", 1))
    found = analogies.word_similarity(fan(), asked)
    assert found.correlation.mean == found.correlation.high == pytest.approx(1)
    assert found.pairs["cosine"].tolist() == pytest.approx(np.cos(np.deg2rad([10, 30, 50, 80])).tolist(), rel=1e-6)
    assert found.pairs["human_rank"].tolist() == [1, 2, 3, 4]
    assert (found.pairs["gap"] == 0).all()
    assert analogies.word_similarity(fan(), asked.assign(human=-asked["human"])).correlation.mean == pytest.approx(-1)


def test_the_worst_pairs_are_those_whose_ranks_are_farthest_apart() -> None:
    asked = pairs(("zero", "ten", 9), ("zero", "thirty", 8), ("zero", "fifty", 7), ("zero", "eighty", 10))
    found = analogies.word_similarity(fan(), asked)
    assert found.worst(1)[["second", "human_rank", "cosine_rank", "gap"]].to_numpy().tolist() == [["eighty", 1, 4, 3]]
    assert len(found.worst()) == 4


def test_shuffled_scores_agree_with_nothing() -> None:
    table = analogies.simlex999()
    shuffled = table.assign(human=np.random.default_rng(0).permutation(table["human"]))
    interval = analogies.word_similarity(bundled(), shuffled).correlation
    assert interval.low < 0 < interval.high < 0.15


def test_the_interval_is_about_as_wide_as_theory_has_it() -> None:
    random = np.random.default_rng(3)
    vectors = bundled().take(range(5_000, 6_000))
    asked = pairs(*((*random.choice(vectors.words, 2, replace=False), random.normal()) for _ in range(400)))
    interval = analogies.word_similarity(vectors, asked).correlation
    assert interval.high - interval.low == pytest.approx(2 * 1.96 / np.sqrt(399), rel=0.15)  # of no correlation
    assert analogies.word_similarity(vectors, asked).correlation == interval  # seeded
    assert analogies.word_similarity(vectors, asked, seed=1).correlation != interval


def test_pairs_with_an_unknown_word_are_counted_out_and_named() -> None:
    asked = pairs(("zero", "ten", 9), ("zero", "b", 8), ("a", "b", 8), ("zero", "fifty", 7), ("zero", "eighty", 1))
    found = analogies.word_similarity(fan(), asked)
    assert (found.covered, found.total, found.unknown) == (3, 5, ("a", "b"))
    assert found.pairs["second"].tolist() == ["ten", "fifty", "eighty"]
    assert found.correlation.mean == pytest.approx(1)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pairs(("zero", "ten", 1), ("zero", "fifty", 2), ("zero", "x", 3)), "of 3 pairs, both words are known of 2"),
        (pairs(("zero", "ten", "high"), ("zero", "fifty", 2)), "the score of pair 0 is 'high'"),
        (pairs(("zero", "ten", 1), ("zero", "fifty", float("nan"))), "the score of pair 1 is nan"),
        (pairs(("zero", "ten", 1), ("zero", "fifty", 1), ("zero", "eighty", 1)), "all pairs have one score"),
        (pairs(("zero", "ten", 1), ("ten", "zero", 2), ("zero", "ten", 3)), "or one cosine"),
        (pd.DataFrame({"first": ["a"], "second": ["b"], "humane": [1]}), "has no column 'human'"),
    ],
)
def test_what_cannot_be_correlated(table: pd.DataFrame, says: str) -> None:
    with pytest.raises(InputError, match=says):
        analogies.word_similarity(fan(), table)
