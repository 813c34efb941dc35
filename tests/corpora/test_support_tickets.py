"""The support tickets are what their datasheet says: duplicates that paraphrase, and near-misses that are none."""

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_curve

from workbench import corpora, embed

NUMBERS = ("two", "three", "four", "five")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The metadata beside the ids and texts, with the ``length`` in words."""
    frame = corpora.load("support-tickets").frame()
    return frame.assign(length=[len(text.split()) for text in frame["text"]])


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    """Every run of n words."""
    words = re.findall(r"\w+(?:['-]\w+)*", text.lower())
    return set(zip(*(words[i:] for i in range(n)), strict=False))


def shared(one: str, two: str, n: int) -> float:
    """Share of the runs of n words of the one with fewer that the other has too."""
    first, second = runs(one, n), runs(two, n)
    return len(first & second) / max(min(len(first), len(second)), 1)


def near_misses(table: pd.DataFrame) -> list[tuple[str, str]]:
    marked = table[table["near_miss"] != ""]
    return list(zip(marked["id"], marked["near_miss"], strict=True))


def duplicates(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for _, group in table.groupby("incident")["id"]:
        yield from itertools.combinations(group, 2)


def test_its_size(table: pd.DataFrame) -> None:
    assert len(table) >= 400
    assert table["id"].str.fullmatch(r"t[12]\d{3}").all()
    assert table["text"].is_unique


def test_its_metadata(table: pd.DataFrame) -> None:
    columns = ["incident", "channel", "product", "customer", "opened", "near_miss"]
    assert list(corpora.load("support-tickets").metadata.columns) == columns
    assert not table.isna().any(axis=None)
    assert table["incident"].str.fullmatch(r"i[12]\d{3}").all()
    assert table["customer"].str.fullmatch(r"c\d+").all()
    assert set(table["channel"]) == {"email", "chat", "phone", "app"}
    assert table["opened"].str.fullmatch(r"2026-(09|10|11)-[0-3]\dT[0-2]\d:[0-5]\d").all()
    assert pd.to_datetime(table["opened"]).notna().all()
    for _, part in table.groupby(table["id"].str[:2]):
        assert part["opened"].is_monotonic_increasing
        assert part["id"].is_monotonic_increasing


def test_a_quarter_lies_in_groups_of_two_to_five(table: pd.DataFrame) -> None:
    sizes = table["incident"].value_counts()
    assert set(sizes) == {1, 2, 3, 4, 5}
    assert sizes[sizes > 1].sum() >= len(table) / 4


def test_duplicates_paraphrase(table: pd.DataFrame) -> None:
    texts = dict(zip(table["id"], table["text"], strict=True))
    repeated = [(a, b) for a, b in duplicates(table) if runs(texts[a], 4) & runs(texts[b], 4)]
    assert len(repeated) <= len(list(duplicates(table))) / 20


def test_a_near_miss_names_a_ticket_of_another_incident(table: pd.DataFrame) -> None:
    incident = dict(zip(table["id"], table["incident"], strict=True))
    pairs = near_misses(table)
    assert len(pairs) >= 70
    assert [(a, b) for a, b in pairs if b not in incident or incident[a] == incident[b]] == []


def test_near_misses_share_more_words_than_duplicates_do(table: pd.DataFrame) -> None:
    texts = dict(zip(table["id"], table["text"], strict=True))
    near = pd.Series([shared(texts[a], texts[b], 1) for a, b in near_misses(table)])
    same = pd.Series([shared(texts[a], texts[b], 1) for a, b in duplicates(table)])
    assert near.median() > same.median()


def test_no_two_but_near_misses_share_more_than_a_fifth_of_their_five_word_runs(table: pd.DataFrame) -> None:
    allowed = {frozenset(pair) for pair in near_misses(table)}
    found = {id: part for id, text in zip(table["id"], table["text"], strict=True) if (part := runs(text, 5))}
    alike = [
        (a, b)
        for a, b in itertools.combinations(found, 2)
        if len(found[a] & found[b]) > min(len(found[a]), len(found[b])) / 5 and frozenset((a, b)) not in allowed
    ]
    assert alike == []


def test_the_test_of_likeness_can_fail() -> None:
    one, two = "The left bud died after the update last night.", "the right bud died after the update last week"
    assert shared(one, two, 5) > 1 / 5
    assert shared("four words are few", one, 5) == 0


def test_lengths_are_spread(table: pd.DataFrame) -> None:
    low, middle, high = table["length"].quantile([0.1, 0.5, 0.9])
    assert low <= 15
    assert 20 <= middle <= 45
    assert high >= 50
    assert table["length"].between(2, 150).all()
    assert table["length"].max() > 100


def test_awkward_texts_are_there(table: pd.DataFrame) -> None:
    texts = table["text"]
    assert texts.str.contains("<b>", regex=False).any()
    assert texts.str.contains("&amp;", regex=False).any()
    assert texts.str.contains("Forwarded message").any()
    assert texts.map(lambda text: text.isupper() and len(text) > 100).any()
    assert texts.str.contains("\n").any()
    assert not texts.map(str.isascii).all()


def test_the_datasheet_counts_right(table: pd.DataFrame) -> None:
    sheet = " ".join(corpora.datasheet("support-tickets").split())
    sizes = table["incident"].value_counts()
    groups = sizes[sizes > 1]
    listed = ", ".join(f"{(groups == n).sum()} of {word}" for n, word in zip(range(2, 6), NUMBERS, strict=True))
    assert f"{len(table)} tickets" in sheet
    assert f"{groups.sum()} of them lie in {len(groups)} groups of duplicates ({listed};" in sheet
    assert f"{len(list(duplicates(table)))} pairs)" in sheet
    assert f"{len(near_misses(table))} near-misses" in sheet
    low, middle, high = table["length"].quantile([0.1, 0.5, 0.9])
    assert f"{low:.0f} to {high:.0f} in the middle eight tenths, median {middle:.0f}" in sheet
    assert f"from {table['length'].min()} to {table['length'].max()}" in sheet


def test_how_hard_it_is_for_a_model_is_as_the_datasheet_says(table: pd.DataFrame) -> None:
    unit = embed.embed(corpora.load("support-tickets"), embed.SentenceEncoder()).array
    one, two = np.triu_indices(len(table), 1)
    similarity = np.einsum("ij,ij->i", unit[one], unit[two])
    incident = table["incident"].to_numpy()
    same = incident[one] == incident[two]
    precision, recall, _ = precision_recall_curve(same, similarity)
    best = float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))
    sheet = " ".join(corpora.datasheet("support-tickets").split())
    said = re.search(r"0\.95 finds no duplicate at all, and the threshold with the best F1 \((0\.\d\d)\)", sheet)
    assert said
    assert best == pytest.approx(float(said[1]), abs=0.02)
    assert not same[similarity >= 0.95].any()
