"""The methods, against the slow obvious versions of their formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry import analogies
from workbench.geometry.analogies import Questions, methods


def slow_scores(vectors: StaticVectors, method: str, a: int, star: int, b: int) -> np.ndarray:
    """The formula word by word; NaN where it says nothing."""
    units = vectors.array.astype(np.float64)
    units = units / np.linalg.norm(units, axis=1, keepdims=True)

    def cos(x: np.ndarray, y: np.ndarray) -> float:
        size = np.linalg.norm(x) * np.linalg.norm(y)
        return float(x @ y / size) if size > 1e-7 else np.nan

    def moved(x: np.ndarray, y: np.ndarray) -> float:
        return (cos(x, y) + 1) / 2

    ua, us, ub = units[a], units[star], units[b]
    formulas = {
        "3cosadd": lambda w: cos(w, us - ua + ub),
        "3cosmul": lambda w: moved(w, ub) * moved(w, us) / (moved(w, ua) + 0.001),
        "pairdirection": lambda w: cos(w - ub, us - ua),
        "only-b": lambda w: cos(w, ub),
        "only-a-star": lambda w: cos(w, us),
        "ignore-a": lambda w: cos(w, us + ub),
    }
    return np.array([formulas[method](w) for w in units])


def random_table(seed: int, n: int = 60, d: int = 6) -> StaticVectors:
    """Words with a few variants by case among them."""
    array = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return StaticVectors(tuple(f"w{i}" if i % 7 else f"W{i + 1}" for i in range(n)), array)


@pytest.mark.parametrize("method", analogies.METHODS)
@pytest.mark.parametrize("exclude", [True, False])
@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_solve_is_the_formula(method: str, exclude: bool, seed: int) -> None:
    vectors = random_table(seed)
    a, star, b = map(int, np.random.default_rng(seed).choice(len(vectors), 3, replace=False))
    ids = vectors.ids
    found = analogies.solve(vectors, ids[star], ids[a], ids[b], method=method, exclude=exclude, k=len(vectors))
    slow = slow_scores(vectors, method, a, star, b)
    own = {ids[row].upper() for row in (a, star, b)}
    known = {ids[row]: s for row, s in enumerate(slow) if s == s and not (exclude and ids[row].upper() in own)}
    assert set(found["word"]) == set(known)
    np.testing.assert_allclose(found["score"], [known[word] for word in found["word"]], atol=1e-9, rtol=1e-9)
    assert found["score"].is_monotonic_decreasing
    assert found["rank"].tolist() == list(range(1, len(found) + 1))
    assert found["input"].tolist() == [word.upper() in own for word in found["word"]]


@pytest.mark.parametrize("method", analogies.METHODS)
@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_many_questions_at_once_are_solved_as_one_by_one(method: str, seed: int) -> None:
    vectors = random_table(seed)
    rows = np.random.default_rng(seed).integers(0, len(vectors), (40, 4))
    words = tuple(tuple(vectors.ids[row].upper() for row in four) for four in rows)
    asked = Questions(words, ("s",) * len(words))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:  # so that there are many blocks and many parts
        patch.setattr(methods, "_WIDEST", 7)
        patch.setattr(methods, "_NARROWEST", 7)
        patch.setattr(methods, "_QUESTIONS", 11)
        table = analogies.evaluate(vectors, asked, methods=method).questions
    _, first = methods.case_keys(vectors)
    for line in table.itertuples():
        a, star, b = (vectors.ids[first[word]] for word in (line.a, line.a_star, line.b))
        if method == "pairdirection" and a == star:
            assert line.answer == ""
            continue
        best = analogies.solve(vectors, star, a, b, method=method, exclude=line.exclude, k=1)
        assert line.answer == best["word"][0]
        assert line.correct == (line.answer.upper() == line.b_star)


@pytest.mark.parametrize("method", analogies.METHODS)
@given(seed=st.integers(0, 10_000), d=st.integers(3, 70))
@settings(max_examples=15, deadline=None)
def test_words_of_one_vector_stand_in_the_order_of_the_vocabulary(method: str, seed: int, d: int) -> None:
    random = np.random.default_rng(seed)
    which = random.integers(0, 20, 90)  # several words for each of twenty vectors
    which[:4] = range(4)
    array = random.standard_normal((20, d)).astype(np.float32)[which] * 2.0 ** random.integers(-2, 3, (90, 1))
    vectors = StaticVectors(tuple(f"w{i}" for i in range(90)), array.astype(np.float32))
    found = analogies.solve(vectors, "w1", "w0", "w2", method=method, exclude=False, k=90)
    rows = found["word"].str[1:].astype(int).to_numpy()
    for one in np.unique(which[rows]):
        assert (np.diff(rows[which[rows] == one]) > 0).all()
    asked = Questions((("w0", "w1", "w2", "w3"),), ("s",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "_WIDEST", int(random.integers(1, 90)))
        patch.setattr(methods, "_NARROWEST", 1)
        answer = analogies.evaluate(vectors, asked, methods=method, exclude=False).questions["answer"][0]
    assert answer == found["word"][0]


def some() -> StaticVectors:
    array = np.array([[1, 0, 0], [1, 0.4, 0], [0, 0, 1], [0, 0.4, 1], [1, 0.1, 0], [-1, -1, -1]], dtype=np.float32)
    return StaticVectors(("man", "king", "woman", "queen", "King", "far"), array)


def test_own_words_are_left_out_in_any_case_or_allowed() -> None:
    kept = analogies.solve(some(), "king", "man", "woman")
    assert kept["word"].tolist() == ["queen", "far"]
    assert not kept["input"].any()
    open_ = analogies.solve(some(), "king", "man", "woman", exclude=False)
    assert set(open_["word"]) == set(some().words)
    assert set(open_.loc[open_["input"], "word"]) == {"man", "king", "woman", "King"}


def test_a_word_that_comes_twice_is_a_question_like_any_other() -> None:
    found = analogies.solve(some(), "king", "king", "man", exclude=False, k=1)
    assert found.loc[0, "word"] == "man"  # king - king + man
    assert found.loc[0, "score"] == pytest.approx(1)
    with pytest.raises(InputError, match="'king' and 'king' have one vector"):
        analogies.solve(some(), "king", "king", "man", method="pairdirection")


def test_what_lies_on_b_has_no_direction_from_it() -> None:
    vectors = StaticVectors(("a", "star", "b", "double", "c"), np.float32([[1, 0], [1, 1], [0, 1], [0, 2], [-1, 1]]))
    found = analogies.solve(vectors, "star", "a", "b", method="pairdirection", exclude=False)
    assert set(found["word"]) == {"a", "star", "c"}


def test_words_that_cancel_each_other_say_nothing() -> None:
    vectors = StaticVectors(("a", "star", "b"), np.float32([[1, 0], [0, 1], [0, -1]]))
    assert analogies.solve(vectors, "star", "a", "b", method="ignore-a", exclude=False)["score"].tolist() == [0, 0, 0]


def test_what_cannot_be_solved() -> None:
    with pytest.raises(InputError, match=r"there is no word 'quene' among the 6\. Spelled most alike: 'queen'"):
        analogies.solve(some(), "quene", "man", "woman")
    with pytest.raises(InputError, match=r"there is no method '3CosAdd'\. Those there are: 3cosadd, 3cosmul, "):
        analogies.solve(some(), "king", "man", "woman", method="3CosAdd")
    with pytest.raises(InputError, match="k=0 words were asked for"):
        analogies.solve(some(), "king", "man", "woman", k=0)
