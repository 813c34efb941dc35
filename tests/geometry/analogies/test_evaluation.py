"""Evaluation: equal to gensim's, right where every analogy holds, lost where none can."""

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from workbench.embed.words import StaticVectors, bundled
from workbench.errors import InputError
from workbench.geometry import analogies
from workbench.geometry.analogies import Questions
from workbench.intervals import wilson_interval

FEW = Questions(
    (("a", "A2", "b", "b2"), ("b", "b2", "a", "a2"), ("a", "a2", "zebra", "b2"), ("zebra", "x", "a", "a2")),
    ("one", "one", "two", "two"),
    "few",
)


def planted(pairs: int = 20, noise: int = 200, seed: int = 0) -> tuple[StaticVectors, Questions]:
    """A space where every pair differs by the same vector, with all its questions, and decoys for the baselines.

    The words of a pair are u + e and v + e, with e the pair's own direction, and all of one length. Its decoy lies on
    u + v + e: nearer to both words than they are to each other, and nearer than b* to a* + b.
    """
    random = np.random.default_rng(seed)
    u, v, *own = np.linalg.qr(random.standard_normal((pairs + 20, pairs + 20)))[0]
    e = np.array(own[:pairs])
    others = random.standard_normal((noise, pairs + 20))
    names = [f"w{i}" for i in range(pairs)]
    ids = (*names, *(f"{n}*" for n in names), *(f"{n}-decoy" for n in names), *(f"n{i}" for i in range(noise)))
    vectors = StaticVectors(ids, np.concatenate([u + e, v + e, u + v + e, others]).astype(np.float32))
    words = tuple((a, f"{a}*", b, f"{b}*") for a, b in itertools.permutations(names, 2))
    return vectors, Questions(words, ("planted",) * len(words), "planted")


def gensim_says(vectors: StaticVectors, path: Path) -> dict[tuple[str, ...], bool]:
    """Each covered question, in upper case, and whether gensim answers it rightly."""
    from gensim.models import KeyedVectors

    table = KeyedVectors(vectors.dimensions)
    table.add_vectors(list(vectors.words), vectors.array)
    _, sections = table.evaluate_word_analogies(str(path), restrict_vocab=len(table), case_insensitive=True)
    total = sections[-1]
    return dict.fromkeys(total["correct"], True) | dict.fromkeys(total["incorrect"], False)


def we_say(vectors: StaticVectors, path: Path) -> dict[tuple[str, ...], bool]:
    table = analogies.evaluate(vectors, analogies.read_questions(path), exclude=True).questions
    words = table[["a", "a_star", "b", "b_star"]]
    return {
        tuple(map(str.upper, row)): bool(right) for row, right in zip(words.to_numpy(), table["correct"], strict=True)
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fifteenth of Google's questions, in their sections."""
    asked = analogies.google()
    path = tmp_path_factory.mktemp("questions") / "sample.txt"
    lines, section = [], None
    for words, name in list(zip(asked.words, asked.sections, strict=True))[::15]:
        lines += [f": {name}"] * (name != section) + [" ".join(words)]
        section = name
    path.write_text("\n".join(lines))
    return path


def sub_vocabulary(n: int, path: Path, seed: int = 0) -> StaticVectors:
    """The words that the questions need and others drawn at random, most frequent first."""
    words = bundled()
    needed = {row for q in analogies.read_questions(path).words for word in q if (row := words.find(word)) is not None}
    others = np.random.default_rng(seed).choice(len(words), n, replace=False)
    return words.take(sorted(needed | set(map(int, others))))


def test_it_is_gensims_question_for_question(sample: Path) -> None:
    vectors = sub_vocabulary(3_000, sample)
    theirs, ours = gensim_says(vectors, sample), we_say(vectors, sample)
    assert len(theirs) > 500
    assert 0.5 < np.mean(list(theirs.values())) < 0.95
    assert ours == theirs


def test_it_is_gensims_where_words_differ_by_case_alone(sample: Path) -> None:
    words = sub_vocabulary(1_500, sample, seed=1)
    random = np.random.default_rng(2)
    ids: list[str] = []
    rows: list[np.ndarray] = []
    for word, vector in zip(words.words, words.array, strict=True):
        variants = random.permutation([word, word.capitalize(), word.upper()])[: random.integers(1, 4)]
        for variant in dict.fromkeys(map(str, variants)):
            if variant not in ids:
                ids.append(variant)
                rows.append(vector + 0.02 * random.standard_normal(len(vector)))
    order = random.permutation(len(ids))
    vectors = StaticVectors(tuple(ids[i] for i in order), np.array([rows[i] for i in order], dtype=np.float32))
    theirs, ours = gensim_says(vectors, sample), we_say(vectors, sample)
    assert len(theirs) > 500
    assert 0.3 < np.mean(list(theirs.values())) < 0.95
    assert ours == theirs


def test_the_figure_that_is_told_of_the_bundled_table() -> None:
    found = analogies.evaluate(bundled(), analogies.google())
    total = found.table[found.table["section"] == "total"].set_index("exclude")
    assert total["covered"].tolist() == [12_154, 12_154]
    assert total["total"].tolist() == [19_544, 19_544]
    assert total.loc[True, "accuracy"] == pytest.approx(0.755, abs=0.002)
    assert total.loc[False, "accuracy"] < 0.05  # the question's own words are in the way


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul", "pairdirection"])
def test_where_every_analogy_holds_all_are_found(method: str) -> None:
    vectors, asked = planted()
    assert analogies.evaluate(vectors, asked, methods=method).accuracy(method).mean == 1


@pytest.mark.parametrize("method", ["only-b", "only-a-star", "ignore-a"])
def test_where_every_analogy_holds_the_baselines_find_none(method: str) -> None:
    vectors, asked = planted()
    assert analogies.evaluate(vectors, asked, methods=method).accuracy(method).high < 0.05


@pytest.mark.parametrize("method", analogies.METHODS)
@pytest.mark.parametrize("exclude", [True, False])
def test_where_the_vectors_are_shuffled_next_to_none_is_found(method: str, exclude: bool) -> None:
    vectors, asked = planted()
    shuffled = np.random.default_rng(1).permutation(vectors.array)
    found = analogies.evaluate(StaticVectors(vectors.ids, shuffled), asked, methods=method, exclude=exclude)
    assert found.accuracy(method, exclude).high < 0.1


def test_the_counts_add_up_and_the_intervals_are_wilsons() -> None:
    found = analogies.evaluate(bundled(), analogies.google(), methods=("3cosadd", "only-b"))
    for _, part in found.table.groupby(["method", "exclude"]):
        sections, total = part.iloc[:-1], part.iloc[-1]
        assert total["section"] == "total"
        for count in ("correct", "covered", "total"):
            assert sections[count].sum() == total[count]
        low, high = wilson_interval(part["correct"], part["covered"])
        np.testing.assert_array_equal(part["low"], low)
        np.testing.assert_array_equal(part["high"], high)
        np.testing.assert_allclose(part["accuracy"], part["correct"] / part["covered"])
    right = found.questions.groupby(["method", "exclude", "section"])["correct"].sum()
    table = found.table[found.table["section"] != "total"].set_index(["method", "exclude", "section"])["correct"]
    assert right.sort_index().tolist() == table.sort_index().tolist()


def small() -> StaticVectors:
    array = np.array([[1, 0, 0], [1, 0.5, 0], [0, 0, 1], [0, 0.5, 1], [-1, -1, -1]], dtype=np.float32)
    return StaticVectors(("a", "a2", "b", "b2", "far"), array)


def test_questions_with_unknown_words_are_not_asked_and_the_words_are_reported() -> None:
    found = analogies.evaluate(small(), FEW, exclude=True)
    table = found.table.set_index("section")
    assert table["covered"].tolist() == [2, 0, 2]
    assert table["total"].tolist() == [2, 2, 4]
    assert table["correct"].tolist() == [2, 0, 2]
    assert table.loc["two", ["accuracy", "low", "high"]].isna().all()
    assert found.questions["question"].tolist() == [0, 1]
    assert found.questions["a_star"].tolist() == ["A2", "b2"]  # as asked
    assert found.questions["answer"].tolist() == ["b2", "a2"]  # as the vocabulary has it
    assert found.unknown["word"].tolist() == ["zebra", "x"]
    assert found.unknown["questions"].tolist() == [2, 1]
    assert found.unknown["sections"].tolist() == [{"two": 2}, {"two": 1}]
    assert all(isinstance(spellings, tuple) for spellings in found.unknown["spellings"])


def test_unknown_words_come_with_what_is_spelled_like_them() -> None:
    asked = Questions((("king", "quene", "man", "woman"),), ("s",))
    assert "queen" in analogies.evaluate(bundled(), asked).unknown["spellings"][0]


def test_nothing_covered_is_said_and_not_divided_by() -> None:
    found = analogies.evaluate(small(), Questions((("x", "y", "z", "w"),), ("s",)))
    assert found.table["covered"].tolist() == [0, 0, 0, 0]
    assert found.table["accuracy"].isna().all()
    assert found.questions.empty


def test_a_question_without_a_direction_has_no_answer_and_is_wrong() -> None:
    asked = Questions((("a", "a", "b", "b2"),), ("s",))
    found = analogies.evaluate(small(), asked, methods="pairdirection")
    assert found.questions["answer"].tolist() == ["", ""]
    assert found.table["correct"].sum() == 0


def test_what_cannot_be_evaluated() -> None:
    with pytest.raises(InputError, match=r"no method 'cosadd'\. Those there are: 3cosadd, 3cosmul, "):
        analogies.evaluate(small(), FEW, methods=("3cosadd", "cosadd"))
    with pytest.raises(InputError, match="no method to evaluate"):
        analogies.evaluate(small(), FEW, methods=())
    with pytest.raises(InputError, match="no method to evaluate"):
        analogies.evaluate(small(), FEW, exclude=())
    with pytest.raises(InputError, match=r"section 'three' was not evaluated"):
        analogies.evaluate(small(), FEW).accuracy(section="three")
    assert "3cosadd 1.000, 3cosadd with its own words allowed" in repr(analogies.evaluate(small(), FEW))


def test_a_large_vocabulary_is_taken_block_by_block() -> None:
    random = np.random.default_rng(0)
    n, asked_for = 40_000, 2_000
    vectors = StaticVectors(tuple(f"w{i}" for i in range(n)), random.standard_normal((n, 8)).astype(np.float32))
    rows = random.permutation(n)[:asked_for].reshape(-1, 4)
    asked = Questions(tuple(tuple(vectors.ids[row] for row in four) for four in rows), ("s",) * len(rows))  # type: ignore[misc]
    analogies.evaluate(small(), FEW)  # compiled before it is measured
    tracemalloc.start()
    try:
        found = analogies.evaluate(vectors, asked, methods=("3cosadd", "3cosmul"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.table["covered"].max() == len(rows)
    assert peak < 100e6 < 8 * n * 0.7 * asked_for  # bytes; all the cosines at once would not fit


def test_vectors_that_stay_on_disk_are_answered_alike(tmp_path: Path) -> None:
    vectors, asked = planted()
    np.save(tmp_path / "v.npy", vectors.array)
    mapped = StaticVectors(vectors.ids, np.load(tmp_path / "v.npy", mmap_mode="r"))
    found = analogies.evaluate(mapped, asked, methods=analogies.METHODS).questions
    assert found.equals(analogies.evaluate(vectors, asked, methods=analogies.METHODS).questions)
    assert analogies.solve(mapped, "w1*", "w1", "w2").equals(analogies.solve(vectors, "w1*", "w1", "w2"))
