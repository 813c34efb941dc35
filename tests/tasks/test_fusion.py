"""Rankings fused by rank and by score, and searches fused whole."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_encoder import TinyEncoder
from workbench.embed import embed
from workbench.errors import InputError
from workbench.records import Corpus
from workbench.tasks import Hit, HybridIndex, KeywordIndex, SemanticIndex, reciprocal_rank_fusion, score_fusion

TEXTS = ("the cat sat on the mat", "dogs bark at cats", "interest rates rise", "the bank raised its rates")


def ranked(**scores: float) -> list[Hit]:
    return [Hit(name, score, name.upper(), {"n": name}) for name, score in scores.items()]


def found(hits: list[Hit]) -> dict[str, float]:
    return {hit.id: hit.score for hit in hits}


def test_ranks_are_fused_as_in_the_paper():
    fused = reciprocal_rank_fusion([ranked(a=9, b=8, c=7), ranked(c=0.2, a=0.1)], 10)
    wanted = {"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62}
    assert list(found(fused)) == ["a", "c", "b"]
    assert found(fused) == pytest.approx(wanted)
    assert fused[0].text == "A" and fused[0].metadata == {"n": "a"}
    assert [hit.id for hit in reciprocal_rank_fusion([ranked(a=9, b=8), ranked(c=1)], 2)] == ["a", "c"]


def test_a_weight_and_a_constant_decide_between_the_rankings():
    rankings = [ranked(a=1, b=0.5), ranked(b=1, a=0.5), ranked(c=1)]
    assert found(reciprocal_rank_fusion(rankings, 3, constant=0, weights=[1, 3, 0])) == pytest.approx(
        {"b": 1 / 2 + 3, "a": 1 + 3 / 2, "c": 0}
    )


def test_scores_are_fused_on_the_scale_of_their_own_ranking():
    left, right = ranked(a=10, b=6, c=2), ranked(b=0.9, d=0.4)
    assert found(score_fusion([left, right], 4, scale="range")) == pytest.approx({"b": 1.5, "a": 1, "c": 0, "d": 0})
    spread = found(score_fusion([left, right], 4))
    wide = 3 * 4  # three standard deviations of 10, 6, 2
    share = 0.5 + 0.25 / (6 * 0.5 / math.sqrt(2))  # 0.9 lies 0.25 above the mean of the right one
    assert spread == pytest.approx({"b": 0.5 + share, "a": 0.5 + 4 / (2 * wide), "d": 1 - share, "c": 0.5 - 4 / 24})


def test_distances_are_turned_round_and_equal_scores_tell_nothing():
    near = found(score_fusion([ranked(a=0.1, b=0.4, c=0.9)], 3, scale="range"))
    assert near == pytest.approx({"a": 1, "b": 0.625, "c": 0})
    assert found(score_fusion([ranked(a=2, b=2), []], 3)) == {"a": 0.5, "b": 0.5}


@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=4),
    st.integers(1, 9),
    st.sampled_from(["rank", "spread", "range"]),
)
def test_a_fusion_keeps_what_all_agree_on(orders, k, how):
    rankings = [[Hit(name, 1.0 - place / 7, "", {}) for place, name in enumerate(order)] for order in orders]
    fuse = reciprocal_rank_fusion if how == "rank" else lambda r, k: score_fusion(r, k, scale=how)
    hits = fuse(rankings, k)
    names = {name for order in orders for name in order}
    assert len(hits) == min(k, len(names))
    assert {hit.id for hit in hits} <= names
    assert all(first.score >= second.score for first, second in itertools.pairwise(hits))
    everywhere = fuse(rankings, 9)
    place = {hit.id: number for number, hit in enumerate(everywhere)}
    for a in names:
        for b in names:
            if all(a in order and (b not in order or order.index(a) < order.index(b)) for order in orders):
                assert everywhere[place[a]].score >= everywhere[place[b]].score


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rankings": []}, "there is no ranking"),
        ({"k": 0}, "the first 0 hits are none"),
        ({"constant": -1}, "a constant of -1 is below 0"),
        ({"weights": [1]}, "1 weights for 2 searches"),
        ({"weights": [1, -1]}, "cannot be used"),
        ({"weights": [0, 0]}, "one of them above 0"),
        ({"rankings": [ranked(a=1) * 2]}, "a passage stands twice in a ranking of 2"),
    ],
)
def test_what_cannot_be_fused(arguments, message):
    with pytest.raises(InputError, match=message):
        reciprocal_rank_fusion(**{"rankings": [ranked(a=1), ranked(b=1)], "k": 2, **arguments})


def test_an_unknown_scale():
    with pytest.raises(InputError, match="no scale 'log'"):
        score_fusion([ranked(a=1)], 1, scale="log")


# a whole search


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(("a", "b", "c", "d"), TEXTS)


def test_a_hybrid_finds_what_either_search_finds(corpus):
    encoder = TinyEncoder()
    dense = SemanticIndex(corpus, embed(corpus, encoder, cache=False, progress=False), encoder)
    words = KeywordIndex(corpus)
    for fusion, fuse in (("reciprocal rank", reciprocal_rank_fusion), ("score", score_fusion)):
        hybrid = HybridIndex([dense, words], fusion=fusion, weights=[1, 2])
        queries = ["rates of interest", "cats", "the"]
        wanted = [
            fuse(pair, 3, weights=[1, 2])
            for pair in zip(dense.search(queries, 4), words.search(queries, 4), strict=True)
        ]
        assert hybrid.search(queries, 3) == wanted
        assert hybrid.search(queries, 40)[0][:3] == wanted[0]
    assert hybrid.search([], 3) == []


def test_a_hybrid_asks_as_deep_as_it_was_told():
    asked = []

    class Counting:
        def search(self, queries, k=5):
            asked.append(k)
            return [ranked(**{f"p{n}": float(-n) for n in np.arange(k).tolist()}) for _ in queries]

    HybridIndex([Counting(), Counting()], depth=7).search(["x"], 3)
    HybridIndex([Counting(), Counting()], depth=7).search(["x"], 12)
    assert asked == [7, 7, 12, 12]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"searchers": 1}, "1 searchers are not two"),
        ({"fusion": "borda"}, "no fusion 'borda'"),
        ({"depth": 0}, "depth=0 asks for no passage"),
        ({"weights": [1, 2, 3]}, "3 weights for 2 searches"),
    ],
)
def test_hybrids_that_cannot_be(corpus, arguments, message):
    searchers = [KeywordIndex(corpus)] * arguments.pop("searchers", 2)
    with pytest.raises(InputError, match=message):
        HybridIndex(searchers, **arguments)
    with pytest.raises(InputError, match="the first 0 hits are none"):
        HybridIndex([KeywordIndex(corpus)] * 2).search(["cat"], 0)
