"""What a similarity is worth, by bins with intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.tasks import calibrate, judged_pairs


def test_a_judged_pair_has_its_own_similarity():
    corpus = Corpus(("a", "b", "c"), ("north", "east", "north-east"))
    benchmark = Benchmark(corpus, Corpus(("q", "r"), ("up", "right")), {"r": {"c": 1, "b": 3}, "q": {"b": 0}})
    passages = Vectors(corpus.ids, np.array([[0, 2], [3, 0], [1, 1]], dtype=np.float32))
    queries = Vectors(("q", "r"), np.array([[0, 1], [1, 0]], dtype=np.float32))
    table = judged_pairs(benchmark, queries, passages)
    assert table[["query", "passage", "grade"]].values.tolist() == [["r", "c", 1], ["r", "b", 3], ["q", "b", 0]]
    assert table["similarity"].to_numpy() == pytest.approx([0.5**0.5, 1, 0])


def test_a_judged_passage_without_a_vector_is_refused():
    corpus = Corpus(("a", "b"), ("north", "east"))
    benchmark = Benchmark(corpus, Corpus(("q",), ("up",)), {"q": {"b": 1}})
    vectors = Vectors(("a",), np.ones((1, 2), dtype=np.float32))
    with pytest.raises(InputError, match="'b'"):
        judged_pairs(benchmark, Vectors(("q",), np.ones((1, 2), dtype=np.float32)), vectors)


def test_bins_hold_their_lower_end_and_empty_ones_are_left_out():
    table = calibrate([-0.3, 0.0, 0.1, 0.5, 0.9, 1.0], [1, 0, 1, 1, 1, 1], [0, 0.5, 0.8, 1.0])
    assert table["count"].tolist() == [2, 1, 1]
    assert table["share"].tolist() == [0.5, 1, 1]
    assert table["similarity"].tolist() == pytest.approx([0.05, 0.5, 0.9])
    assert len(calibrate([0.1, 0.9], [True, False], [0, 0.2, 0.8, 1])) == 2


def test_the_interval_is_wilsons():
    # 8 of 10: Wilson 1927 gives 0.490 to 0.943
    table = calibrate([0.5] * 10, [True] * 8 + [False] * 2, [0, 1])
    assert (table["low"][0], table["high"][0]) == pytest.approx((0.4902, 0.9433), abs=5e-4)


@given(st.lists(st.tuples(st.floats(0, 0.99), st.booleans()), min_size=1, max_size=60))
def test_counts_add_up_and_an_interval_holds_its_share(pairs):
    table = calibrate([s for s, _ in pairs], [h for _, h in pairs], np.linspace(0, 1, 6))
    assert table["count"].sum() == len(pairs)
    assert (table["share"] * table["count"]).sum() == pytest.approx(sum(h for _, h in pairs))
    assert (table["low"] <= table["share"] + 1e-12).all() and (table["share"] <= table["high"] + 1e-12).all()
    assert table["low"].min() >= 0 and table["high"].max() <= 1


@pytest.mark.parametrize(
    ("similarities", "holds", "edges", "said"),
    [
        ([0.1, 0.2], [True], [0, 1], "2 similarities for 1 outcomes"),
        ([0.1], [True], [0.5, 0.5], "do not ascend"),
        ([0.1], [True], [0.5], "do not ascend"),
        ([0.1], [True], [0.5, 1], "none of 1 pairs"),
    ],
)
def test_what_cannot_be_binned_is_refused(similarities, holds, edges, said):
    with pytest.raises(InputError, match=said):
        calibrate(similarities, holds, edges)
