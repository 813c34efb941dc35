"""A training is kept and handed back when all that decides it is the same again; nothing damaged is ever read."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from workbench import settings
from workbench.embed.words import Trained, kept, train, training
from workbench.records import Corpus

WORDS = ["cat", "dog", *(f"{first}{last}" for first in "bdfgklmnpr" for last in ("a", "e", "o", "u"))]
TEXTS = [" ".join(row) for row in np.random.default_rng(0).choice(WORDS, (80, 14))]


@pytest.fixture
def trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A cache of its own, and a note of every training that truly ran."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    ran: list[str] = []
    really = training._train
    monkeypatch.setattr(training, "_train", lambda *given, **more: (ran.append(given[1]), really(*given, **more))[1])
    yield ran


def learned(**given: Any) -> Trained:
    texts = given.pop("texts", TEXTS)
    corpus = Corpus(tuple(map(str, range(len(texts)))), tuple(texts), name=given.pop("name", "corpus"))
    return train(corpus, **{"dimensions": 8, "min_count": 1, "epochs": 2, "watch": ["cat"], **given})


def files() -> list[Path]:
    return sorted(settings.cache_dir("words").iterdir())


def test_the_same_call_finds_what_was_learned(trainings: list[str]) -> None:
    first, again = learned(), learned()
    assert trainings == ["skip-gram"]
    assert again.vectors.words == first.vectors.words
    assert_array_equal(again.vectors.array, first.vectors.array)
    assert again.vectors.model == first.vectors.model
    pd.testing.assert_frame_equal(again.history, first.history)
    pd.testing.assert_frame_equal(again.neighbours, first.neighbours)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "cbow"},
        {"seed": 1},
        {"epochs": 3},
        {"window": 2},
        {"dimensions": 9},
        {"min_count": 2},
        {"negative": 4},
        {"workers": 2},
        {"name": "another"},
        {"watch": ["dog"]},
        {"watch": []},
        {"texts": [*TEXTS, "the end"]},
    ],
    ids=str,
)
def test_another_call_trains(trainings: list[str], change: dict[str, Any]) -> None:
    learned()
    other = learned(**change)
    assert len(trainings) == 2
    assert other.history["epoch"].max() == change.get("epochs", 2)
    assert set(other.neighbours["word"]) == set(change.get("watch", ["cat"]))
    assert other.vectors.model is not None
    assert other.vectors.model.name == f"{change.get('method', 'skip-gram')} on {change.get('name', 'corpus')}"
    assert len(files()) == 2


def test_another_gensim_trains(trainings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    learned()
    monkeypatch.setattr(training, "trainer_version", lambda: "another")
    learned()
    assert len(trainings) == 2


def test_an_identity_of_another_time_is_no_error(trainings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(kept, "asdict", lambda identity: {**asdict(identity), "a field that was dropped": 1})
        learned()
    learned()
    assert len(trainings) == 2


def test_nothing_is_written_when_it_is_not_to_be_kept(trainings: list[str]) -> None:
    learned(keep=False)
    learned(keep=False)
    assert trainings == ["skip-gram"] * 2
    assert files() == []


@pytest.mark.parametrize("damage", ["cut short", "a bit flipped", "empty", "of another kind"])
def test_a_damaged_file_is_made_anew(trainings: list[str], damage: str) -> None:
    whole = learned()
    (file,) = files()
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    spoiled = {
        "cut short": bytes(raw[: len(raw) // 2]),
        "a bit flipped": bytes(raw),
        "empty": b"",
        "of another kind": b"not a zip file",
    }
    file.write_bytes(spoiled[damage])
    again = learned()
    assert len(trainings) == 2
    assert_array_equal(again.vectors.array, whole.vectors.array)
    learned()
    assert len(trainings) == 2


def test_a_training_that_dies_leaves_nothing(trainings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(np, "savez", killed)
        with pytest.raises(KeyboardInterrupt):
            learned()
    assert files() == []
    learned()
    assert trainings == ["skip-gram"] * 2
