"""The word senses are what their datasheet says: enough, each word in its place, and no short cut to the sense."""

import itertools
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench import corpora, embed
from workbench.corpora.word_senses import with_span
from workbench.errors import InputError
from workbench.records import Corpus


@pytest.fixture(scope="module")
def senses() -> Corpus:
    return corpora.load("word-senses")


@pytest.fixture(scope="module")
def table(senses: Corpus) -> pd.DataFrame:
    """The metadata beside the ids and texts, with the ``length`` in words and the ``place`` of the word, 0 to 1."""
    frame = senses.frame()
    before = [len(words(t[:s])) for t, s in zip(frame["text"], frame["start"], strict=True)]
    frame["length"] = [len(words(t)) for t in frame["text"]]
    return frame.assign(place=np.array(before) / (frame["length"] - 1))


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['-]\w+)*", text.lower())


def runs(text: str, n: int = 3) -> set[tuple[str, ...]]:
    """Every run of n words."""
    return set(zip(*(words(text)[i:] for i in range(n)), strict=False))


def jaccard(one: set[tuple[str, ...]], two: set[tuple[str, ...]]) -> float:
    return len(one & two) / max(len(one | two), 1)


def guessed(table: pd.DataFrame, guess: Callable[[pd.DataFrame, pd.Series], str]) -> pd.Series:
    """Which sentences' senses are guessed right from others of their word: 14, one of each sense being left out.

    With one alone left out its sense would be the rarer one among the others and its mean the farther one: guesses that
    know nothing would be right in fewer than half of the cases.
    """
    number = table["id"].str.rsplit("-").str[-1]
    right = {
        row: guess(part[number[part.index] != number[row]], part.loc[row]) == part.loc[row, "sense"]
        for _, part in table.groupby("word")
        for row in part.index
    }
    return pd.Series(right)


def left_out(table: pd.DataFrame, guess: Callable[[pd.DataFrame, pd.Series], str]) -> float:
    """Share of the sentences that are guessed right."""
    return float(guessed(table, guess).mean())


def threshold(column: str) -> Callable[[pd.DataFrame, pd.Series], str]:
    """The rule "up to here the one sense, above it the other" that is right most often among the others."""

    def guess(others: pd.DataFrame, one: pd.Series) -> str:
        values, senses = others[column].to_numpy(), others["sense"].to_numpy()
        rules = [
            (np.mean(np.where(values <= cut, low, high) == senses), cut, low, high)
            for cut in np.unique(values)
            for low, high in itertools.permutations(np.unique(senses))
        ]
        _, cut, low, high = max(rules)
        return str(low if one[column] <= cut else high)

    return guess


def same_form(others: pd.DataFrame, one: pd.Series) -> str:
    """The sense that this form, such as a plural, has most often among the others; of equals the first by name."""
    alike = others[others["form"].str.lower() == one["form"].lower()]
    counts = (alike if len(alike) else others)["sense"].value_counts()
    return str(min(counts.index, key=lambda sense: (-counts[sense], sense)))


def test_its_size(table: pd.DataFrame) -> None:
    assert table["word"].nunique() == 18
    assert (table.groupby("word")["sense"].nunique() == 2).all()
    assert (table.groupby(["word", "sense"]).size() == 8).all()
    assert table["sense"].nunique() == 36
    assert table["id"].is_unique
    assert table["id"].str.fullmatch(r"[a-z]+-[a-z]+-[1-8]").all()


def test_its_metadata(senses: Corpus) -> None:
    table = senses.metadata
    assert list(table.columns) == ["word", "sense", "form", "clue", "start", "end"]
    assert not table.isna().any(axis=None)
    assert set(table["clue"]) == {"plain", "subtle", "misleading"}
    assert (table["clue"] == "subtle").mean() > 0.25
    assert set(table[table["clue"] == "misleading"]["word"]) == set(table["word"])


def test_the_span_cuts_out_the_form_and_the_word_stands_once(table: pd.DataFrame) -> None:
    for row in table.itertuples():
        assert row.text[row.start : row.end] == row.form, row.id
        assert row.form.lower().startswith(row.word), row.id
        assert [w for w in words(row.text) if w.startswith(row.word)] == [row.form.lower()], row.id


def test_every_sentence_is_clean(table: pd.DataFrame) -> None:
    assert table["text"].map(str.isascii).all()
    assert table["text"].map(lambda text: text == " ".join(text.split())).all()
    assert not table["text"].str.contains(r"[\[\]{}<>|]").any()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("A bank is no bank.", "bank"),
        ("Bank by bank.", "bank"),
        ("Banks.", "bank"),
        ("Bank holiday.", "bank"),
        ("Nothing.", "bank"),
    ],
)
def test_a_form_that_does_not_stand_once_is_refused(text: str, form: str) -> None:
    with pytest.raises(InputError, match=f"the form '{form}' does not stand exactly once"):
        with_span({"text": text, "form": form})


def test_a_form_inside_a_longer_word_is_not_it() -> None:
    assert with_span({"text": "A battery, a bat.", "form": "bat"}) == {
        "text": "A battery, a bat.",
        "form": "bat",
        "start": 13,
        "end": 16,
    }


def test_no_two_sentences_are_alike(table: pd.DataFrame) -> None:
    parts = dict(zip(table["id"], map(runs, table["text"]), strict=True))
    alike = [(a, b) for a, b in itertools.combinations(parts, 2) if jaccard(parts[a], parts[b]) > 0.1]
    assert alike == []
    openings = table["text"].map(lambda text: " ".join(words(text)[:3]))
    assert openings[openings.duplicated(keep=False)].tolist() == []


def test_the_test_of_likeness_can_fail() -> None:
    one, two = "The heron stood by the old bank all day.", "The heron slept by the old bank all day."
    assert jaccard(runs(one), runs(two)) > 0.1


def test_lengths_and_places_vary(table: pd.DataFrame) -> None:
    shortest, longest = table["length"].quantile([0.1, 0.9])
    assert shortest < 8
    assert longest > 22
    assert table["length"].between(4, 40).all()
    thirds = np.histogram(table["place"], bins=[0, 1 / 3, 2 / 3, 1])[0] / len(table)
    assert (thirds > 0.25).all()
    assert (table["place"] == 0).sum() >= 18
    assert (table["place"] == 1).sum() >= 18
    for _, part in table.groupby(["word", "sense"]):
        assert part["length"].min() < 8
        assert part["length"].max() > 22
        assert part["place"].max() - part["place"].min() > 0.5


def test_the_datasheet_counts_right(table: pd.DataFrame) -> None:
    sheet = " ".join(corpora.datasheet("word-senses").split())
    counts = {(a, b): table["length"].between(a, b).sum() for a, b in [(4, 7), (8, 11), (12, 15), (16, 20), (21, 30)]}
    listed = ", ".join(f"{a} to {b} in {n}{' sentences' * (a == 4)}" for (a, b), n in counts.items())
    assert f"{listed}, 31 to 40 in {len(table) - sum(counts.values())}." in sheet
    assert f"first in {(table['place'] == 0).sum()}, the last in {(table['place'] == 1).sum()};" in sheet
    for clue, count in table["clue"].value_counts().items():
        assert f"`{clue}` ({count}: " in sheet
    assert f"{len(table)} English sentences around {table['word'].nunique()} words" in sheet
    assert f"{', '.join(sorted(table['word'].unique()))}." in sheet


@pytest.mark.parametrize("column", ["length", "place"])
def test_neither_length_nor_place_tells_the_sense(table: pd.DataFrame, column: str) -> None:
    assert left_out(table, threshold(column)) < 0.58  # 288 guesses by chance: two standard errors are 6 points
    rigged = table.assign(**{column: table["sense"].rank(method="dense")})
    assert left_out(rigged, threshold(column)) == 1


def test_the_form_says_little_of_the_sense(table: pd.DataFrame) -> None:
    assert left_out(table, same_form) < 0.6
    assert left_out(table.assign(form=table["sense"]), same_form) == 1


def test_shared_words_do_not_tell_the_sense(table: pd.DataFrame) -> None:
    """The sentence of the same word that shares most words has the same sense no more often than not."""

    def most_shared(others: pd.DataFrame, one: pd.Series) -> str:
        shared = others["text"].map(lambda text: jaccard(runs(text, 1), runs(one["text"], 1)))
        return str(others.loc[shared.idxmax(), "sense"])

    assert left_out(table, most_shared) < 0.58
    assert left_out(table.assign(text=table["sense"]), most_shared) == 1


def test_what_was_judged_subtle_or_misleading_is_harder_for_a_model_too(senses: Corpus, table: pd.DataFrame) -> None:
    """Each sentence gets the sense whose sentences, one of each left out, are nearer on average, by whole sentences."""
    unit = embed.embed(senses, embed.SentenceEncoder()).array

    def nearest(others: pd.DataFrame, one: pd.Series) -> str:
        nearness = pd.Series(unit[others.index] @ unit[one.name], index=others["sense"])
        return str(nearness.groupby(level=0).mean().idxmax())

    share = guessed(table, nearest).groupby(table["clue"]).mean()
    assert share["plain"] > 0.75
    assert share["plain"] - 0.05 > share["subtle"] > share["misleading"] + 0.15
