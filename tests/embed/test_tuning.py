"""Fine-tuning by a few real steps: what it learns, what it keeps and under which name, what it leaves alone."""

import gc
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests.embed.test_sentence import LISTENING
from workbench.embed import (
    SentenceEncoder,
    VectorCache,
    bundled_model_path,
    check_identity,
    embed,
    embed_with_report,
    loading,
    tuning,
)
from workbench.embed.token_table import input_table
from workbench.embed.tuning import fine_tuning, trainer
from workbench.errors import IdentityError, InputError, ModelError, StorageError
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


@pytest.fixture(scope="module")
def reseeded(home):
    return tuning.fine_tune(PAIRS, name="plants", epochs=1, seed=1, **QUICK)


def test_a_seed_gives_the_same_model_again_and_another_seed_another(reseeded):
    def table(model: tuning.Tuned) -> np.ndarray:
        return input_table(model.folder, model.folder.name)

    same, other = (tuning.fine_tune(PAIRS, name="plants", epochs=1, seed=seed, keep=False, **QUICK) for seed in (1, 2))
    assert np.abs(table(same) - table(reseeded)).max() < 1e-6
    assert np.abs(table(other) - table(reseeded)).max() > 1e-5


# identity and the vector cache


def test_base_and_tuned_models_are_never_confused(home, tuned, reseeded, tmp_path):
    encoders = [SentenceEncoder(), SentenceEncoder(str(tuned.folder)), SentenceEncoder(str(reseeded.folder))]
    identities = [encoder.identity for encoder in encoders]
    assert len({identity.key for identity in identities}) == 3
    assert [identity.name for identity in identities] == ["all-MiniLM-L6-v2", "plants", "plants"]
    assert [identity.revision for identity in identities[1:]] == [tuned.revision, reseeded.revision]
    assert {identity.precision for identity in identities} == {identities[0].precision}, "all are converted"

    texts, cache = [text for pair in PAIRS for text in pair], VectorCache(tmp_path)
    first = [embed(texts, encoder, cache=cache, progress=False) for encoder in encoders]
    for one in range(3):
        for other in range(one):
            assert np.abs(first[one].array - first[other].array).max() > 1e-3
            with pytest.raises(IdentityError):
                check_identity(first[one].model, first[other].model)
            with pytest.raises(IdentityError, match="same model and settings"):
                exact_neighbours(first[one], first[other], 1)
    for encoder, vectors in zip(encoders[::-1], first[::-1], strict=True):
        again, report = embed_with_report(texts, encoder, cache=cache, progress=False)
        assert (report.encoded, report.from_cache) == (0, len(texts))
        np.testing.assert_array_equal(again.array, vectors.array)


def test_the_conversion_is_that_of_the_tuned_weights(tuned):
    """OpenVINO's copy is found by the revision: it has to give what PyTorch gives, and not what the base gives."""
    texts = [anchor for anchor, _ in PAIRS]
    converted, base = SentenceEncoder(str(tuned.folder)).encode(texts), SentenceEncoder().encode(texts)
    own = SentenceEncoder(str(tuned.folder), backend="torch", device="cpu").encode(texts)
    assert (converted * own).sum(axis=1).min() > 0.999
    assert (base * own).sum(axis=1).min() < 0.99


# what is kept, and when


def untaught(model, rows, scratch, **options) -> pd.DataFrame:
    """In place of training, where a test is about what is kept."""
    return pd.DataFrame({"step": [1], "epoch": [1.0], "loss": [0.5], "seconds": [0.1]})


@pytest.fixture
def untrained(monkeypatch, tmp_path):
    """A home of the test's own in which training takes no time; yields the folder of kept models."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fine_tuning, "train", untaught)
    return tmp_path / "home" / "cache" / "tuned"


def test_every_fact_that_decides_the_weights_is_in_the_folders_name(untrained, monkeypatch):
    calls = [
        {},
        {"name": "other"},
        {"epochs": 3},
        {"batch_size": 5},
        {"learning_rate": 1e-5},
        {"warmup": 0.0},
        {"max_tokens": 32},
        {"seed": 7},
        {"pairs": PAIRS[:-1]},
        {"pairs": PAIRS[::-1]},
        {"pairs": [(*pair, "something else") for pair in PAIRS]},
    ]
    made = [tuning.fine_tune(**{"pairs": PAIRS, "name": "plants", "batch_size": 4, **call}) for call in calls]
    assert len({str(model.folder) for model in made}) == len(calls)
    monkeypatch.setattr(fine_tuning, "version", lambda library: "another")
    newer = tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    assert newer.folder != made[0].folder
    assert (untrained / newer.folder.parent.name).is_dir()
    locate = fine_tuning.loading.locate
    monkeypatch.setattr(fine_tuning.loading, "locate", lambda name: replace(locate(name), revision="another"))
    assert tuning.fine_tune(PAIRS, name="plants", batch_size=4).folder != newer.folder


def test_of_two_processes_that_train_the_same_the_first_is_kept(untrained, monkeypatch):
    def meanwhile(*_, **__) -> pd.DataFrame:
        with monkeypatch.context() as other:
            other.setattr(fine_tuning, "train", untaught)
            first.append(tuning.fine_tune(PAIRS, name="plants", batch_size=4).folder)
        return untaught(0, 0, 0).assign(loss=0.25)

    first: list[Path] = []
    monkeypatch.setattr(fine_tuning, "train", meanwhile)
    second = tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    assert [second.folder] == first
    assert second.history["loss"].tolist() == [0.5]
    assert list(untrained.iterdir()) == [second.folder.parent]


def test_an_interrupted_save_leaves_nothing(untrained, monkeypatch):
    half_saved(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    assert list(untrained.iterdir()) == []


def test_what_a_killed_run_left_is_never_read_and_goes_in_time(untrained, monkeypatch):
    with monkeypatch.context() as killed:
        half_saved(killed)
        killed.setattr(fine_tuning.shutil, "rmtree", lambda *_, **__: None)  # a killed process does not clear up
        with pytest.raises(KeyboardInterrupt):
            tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    (left,) = untrained.iterdir()
    assert (left / "plants" / "model.safetensors").is_file()
    tuned = tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    assert tuned.folder.parent != left
    SentenceEncoder(str(tuned.folder), backend="torch", device="cpu")
    os.utime(left, (0, 0))
    tuning.fine_tune(PAIRS, name="another", batch_size=4)
    assert not left.exists()


def half_saved(monkeypatch) -> None:
    def save(self, path, **options):
        Path(path).mkdir()
        (Path(path) / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(SentenceTransformer, "save_pretrained", save)


def test_a_model_that_is_not_kept_goes_with_its_result(untrained):
    tuned = tuning.fine_tune(PAIRS, name="plants", batch_size=4, keep=False)
    folder = tuned.folder
    assert (folder / "model.safetensors").is_file()
    assert list(untrained.iterdir()) == []
    del tuned
    gc.collect()
    assert not folder.parent.exists()


def test_a_model_that_is_not_kept_leaves_nothing_when_it_is_interrupted(untrained, monkeypatch, tmp_path):
    def move(*_) -> None:
        raise KeyboardInterrupt

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(fine_tuning.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(fine_tuning.shutil, "move", move)
    with pytest.raises(KeyboardInterrupt):
        tuning.fine_tune(PAIRS, name="plants", batch_size=4, keep=False)
    assert list((tmp_path / "temporary").iterdir()) == list(untrained.iterdir()) == []


def test_a_record_that_is_damaged(untrained):
    tuned = tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    (tuned.folder.parent / "tuning.json").write_text("{", encoding="utf-8")
    with pytest.raises(StorageError, match=r"the model kept in .* cannot be read .*Delete that folder"):
        tuning.fine_tune(PAIRS, name="plants", batch_size=4)


def test_a_record_that_is_gone(untrained):
    tuned = tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    (tuned.folder.parent / "tuning.json").unlink()
    with pytest.raises(StorageError, match="Delete that folder"):
        tuning.fine_tune(PAIRS, name="plants", batch_size=4)


def test_a_loss_that_is_not_finite(untrained, monkeypatch):
    monkeypatch.setattr(fine_tuning, "train", lambda *_, **__: untaught(0, 0, 0).assign(loss=np.nan))
    with pytest.raises(ModelError, match="the loss is not finite from step 1 on"):
        tuning.fine_tune(PAIRS, name="plants", batch_size=4)
    assert list(untrained.iterdir()) == []


# what it leaves alone


def random_states() -> tuple[object, ...]:
    numpys = np.random.get_state()[1].tolist()  # noqa: NPY002
    return random.getstate(), numpys, torch.get_rng_state().tolist()


def elsewhere(home: Path) -> set[Path]:
    """Files that are no fine-tuned models."""
    return {path for path in home.rglob("*") if path.is_file() and "tuned" not in path.parts}


def test_random_states_threads_environment_and_folders_are_left_as_found(home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    states = random_states()
    threads, environment, others = torch.get_num_threads(), dict(os.environ), elsewhere(home)
    triples = [(anchor, positive, PAIRS[place - 1][1]) for place, (anchor, positive) in enumerate(PAIRS)]
    tuned = tuning.fine_tune(triples, name="triples", epochs=1, max_tokens=8, **QUICK)
    assert random_states() == states
    assert (torch.get_num_threads(), dict(os.environ)) == (threads, environment)
    assert list(tmp_path.iterdir()) == []
    assert elsewhere(home) == others
    assert {path.name for path in tuned.folder.parent.iterdir()} == {"triples", "tuning.json"}
    assert len(tuned.history) == 2
    assert capsys.readouterr() == ("", "")
    assert SentenceEncoder(str(tuned.folder), backend="torch", device="cpu").identity.max_tokens == 256
    saved, own = (json.loads((at / "tokenizer.json").read_text()) for at in (tuned.folder, bundled_model_path()))
    assert saved["truncation"]["max_length"] == own["truncation"]["max_length"], "not that of training"


def test_a_model_reads_as_far_as_before_when_its_training_fails():
    model = loading.load(loading.locate("bundled"), "cpu")
    backend = model.tokenizer.backend_tokenizer
    before = model.max_seq_length, backend.truncation, backend.padding
    with pytest.raises(KeyboardInterrupt), trainer._cut_at(model, 8):
        model.encode("a text that is cut")
        assert model.max_seq_length == 8
        raise KeyboardInterrupt
    assert (model.max_seq_length, backend.truncation, backend.padding) == before


TUNING = """
from workbench.embed import tuning
pairs = [(f"question {n}", f"answer number {n}") for n in range(4)]
tuning.fine_tune(pairs, name="quiet", batch_size=2, epochs=1)
"""


def test_nothing_is_sent_anywhere(tmp_path):
    heard, empty = tmp_path / "heard", tmp_path / "empty"
    empty.mkdir()
    home = {"WORKBENCH_HOME": str(tmp_path / "workbench"), "HOME": str(empty), "HEARD": str(heard)}
    command = [sys.executable, "-c", f"{LISTENING}\n{TUNING}"]
    env = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"} | home
    subprocess.run(command, env=env, cwd=empty, capture_output=True, text=True, check=True)
    assert len(list((tmp_path / "workbench" / "cache" / "tuned").iterdir())) == 1
    assert not heard.exists(), heard.read_text()
    assert list(empty.iterdir()) == []


# what is refused


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "there are no pairs"),
        ([("a", "b"), ("c", " ")], "pair 1 holds ' '"),
        ([("a", "b"), ("c", None)], "pair 1 holds None"),
        ([("a", "b", "c"), ("a", "b")], "pair 1 has 2 texts where the first has 3"),
        ([("a",), ("b",)], "pair 0 has 1 texts"),
        ([("a", "b", "b")], "pair 0 holds one text twice, 'b'"),
        ([("a", "a")], "pair 0 holds one text twice, 'a'"),
        ([("a", "b"), ("c", "d")], "2 pairs, 2 without repeats, do not fill a batch of 4.*batch_size=2"),
        ([("a", str(n)) for n in range(9)], "9 pairs, 1 without repeats, .*Pass more pairs"),
    ],
)
def test_pairs_that_teach_nothing(pairs, message):
    with pytest.raises(InputError, match=message):
        tuning.fine_tune(pairs, name="none", batch_size=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "0 epochs"),
        ({"batch_size": 1}, "a batch of 1 has no negatives"),
        ({"learning_rate": 0}, "a learning rate of 0"),
        ({"warmup": 1}, "a warm-up of 1"),
        ({"max_tokens": 2}, "max_tokens=2"),
        ({"seed": -1}, "the seed is -1. Give a number from 0"),
        ({"name": "../up"}, "a model cannot be called '../up'"),
    ],
)
def test_parameters_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        tuning.fine_tune(PAIRS, **{"name": "none", "batch_size": 4, **options})


def test_a_base_that_is_not_there():
    with pytest.raises(ModelError, match="there is no model 'nowhere'"):
        tuning.fine_tune(PAIRS, name="none", base="nowhere", batch_size=4)
