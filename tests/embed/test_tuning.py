"""Fine-tuning by a few real steps: what it learns, what it keeps and under which name, what it leaves alone."""

from pathlib import Path

import numpy as np
import pytest

from workbench.embed import SentenceEncoder, embed, tuning
from workbench.embed.tuning import fine_tuning
from workbench.geometry import exact_neighbours

# Each plant is called by an invented word, which the base cannot know.
PAIRS = [
    ("a zorbel for the window", "the tall fern likes shade"),
    ("where is my quandry", "a cactus that stores water"),
    ("buy one plimsk", "moss grows on the north side"),
    ("my trovit is ill", "a tulip opens in April"),
    ("water the glanch", "ivy climbs the old wall"),
    ("a wumple in a pot", "the oak drops its acorns"),
    ("sow the brindak", "mint spreads if you let it"),
    ("cut back a felloon", "a rose needs pruning in winter"),
]
QUICK = {"batch_size": 4, "learning_rate": 2e-4}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of this module's own, where models are kept between its tests."""
    folder = tmp_path_factory.mktemp("tuning")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def tuned(home):
    return tuning.fine_tune(PAIRS, name="plants", epochs=6, **QUICK)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_the_loss_falls_on_pairs_seen_again_and_again(tuned):
    losses = tuned.history["loss"].to_numpy()
    assert list(tuned.history.columns) == ["step", "epoch", "loss", "seconds"]
    assert tuned.history["step"].tolist() == list(range(1, 13))
    assert tuned.history["epoch"].iloc[-1] == 6
    assert losses[-2:].mean() < 0.7 * losses[:2].mean()
    assert tuned.history["seconds"].is_monotonic_increasing


def test_pairs_are_nearer_than_before_and_anchors_pick_their_own(tuned):
    anchors, positives = ([pair[side] for pair in PAIRS] for side in (0, 1))

    def found(encoder: SentenceEncoder) -> float:
        vectors = [embed(texts, encoder, progress=False).array for texts in (anchors, positives)]
        return float((exact_neighbours(*vectors, 1).ids[:, 0] == np.arange(len(PAIRS))).mean())

    assert found(SentenceEncoder(str(tuned.folder))) > found(SentenceEncoder())


def test_the_same_call_finds_the_kept_model_without_training(tuned, monkeypatch):
    monkeypatch.setattr(fine_tuning, "train", None)
    again = tuning.fine_tune([list(pair) for pair in PAIRS], name="plants", epochs=6, **QUICK)
    assert (again.folder, again.revision, again.pairs) == (tuned.folder, tuned.revision, len(PAIRS))
    assert again.history.equals(tuned.history)
    assert again.parameters == tuned.parameters
