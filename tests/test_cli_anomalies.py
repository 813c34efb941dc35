"""The verb anomalies: what the room says, with and without a history, and one line for bad input."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import cli, corpora, embed
from workbench.records import Corpus
from workbench.tasks import anomalies

Run = Callable[..., tuple[int, str, str]]
LOG = corpora.load("service-logs", lines=900, anomalies=0.1, seed=1, drift=None)
FIRST = int(np.flatnonzero(LOG.metadata["label"])[0])
LATER, NORMAL = LOG.take(range(FIRST, 900)), LOG.take(range(FIRST))


@pytest.fixture
def workbench(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``workbench anomalies`` in this process, in a folder with a log and its history."""
    monkeypatch.setattr(embed, "SentenceEncoder", lambda name: TinyEncoder(name=f"tiny {name}"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for corpus, name in ((LATER, "later.csv"), (NORMAL, "normal.csv")):
        corpus.frame().assign(time=lambda table: table["time"].astype(str)).to_csv(name, index=False)
    Path("normal.log").write_text("\n".join(NORMAL.texts) + "\n")
    NORMAL.frame().head(3)[["id", "text"]].to_csv("few.csv", index=False)
    for corpus, name in ((LATER, "later.npy"), (NORMAL, "normal.npy")):
        np.save(name, TinyEncoder().encode(corpus.texts))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.run(["anomalies", *arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


def result(outcome: tuple[int, str, str]) -> dict:
    status, out, err = outcome
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def vectors(corpus: Corpus, masked: bool = False):
    texts = tuple(map(corpora.mask_variables, corpus.texts)) if masked else corpus.texts
    return embed.embed(Corpus(corpus.ids, texts), TinyEncoder(), cache=False, progress=False)


def test_it_is_what_the_room_says(workbench: Run) -> None:
    labelled = ["--labels", "label", "--groups", "event"]
    found = result(workbench("later.csv", "--text", "text", "--history", "normal.csv", *labelled, "--mask", "--json"))
    detector = anomalies.AnomalyDetector().fit(vectors(NORMAL, masked=True))
    scores = detector.scores(vectors(LATER, masked=True))
    assert [name for name, _ in found["scores"]] == list(LATER.ids)
    np.testing.assert_allclose([score for _, score in found["scores"]], scores, atol=1e-6)
    assert found["threshold"] == pytest.approx(detector.threshold(0.99), abs=1e-6)
    assert found["alarms"] == (scores > detector.threshold(0.99)).sum()
    quality = anomalies.detection_quality(LATER.metadata["label"], scores, groups=LATER.metadata["event"])
    assert found["roc_auc"] == pytest.approx(quality.roc_auc.mean)
    assert found["average_precision"] == pytest.approx(quality.average_precision.mean)
    assert found["roc_auc_interval"] == pytest.approx([quality.roc_auc.low, quality.roc_auc.high])
    assert found["history"] == {"lines": FIRST, "distinct": detector.distinct}


@pytest.mark.parametrize("method", ["lof", "forest"])
def test_other_methods_and_thresholds(workbench: Run, method: str) -> None:
    found = result(workbench("later.csv", "--history", "normal.csv", "--text", "text", "--method", method,
                             "--k", "9", "--quantile", "0.9", "--json"))  # fmt: skip
    detector = anomalies.AnomalyDetector(method, k=9).fit(vectors(NORMAL))
    assert found["threshold"] == pytest.approx(detector.threshold(0.9), rel=1e-5)
    assert "roc_auc" not in found


@pytest.mark.filterwarnings("always::workbench.tasks.anomalies.NoHistoryWarning")
def test_without_a_history_it_warns(workbench: Run) -> None:
    status, out, err = workbench("later.csv", "--text", "text", "--json")
    assert status == 0 and "anomalies that repeat are near each other" in err and "Give a history" in err
    with pytest.warns(anomalies.NoHistoryWarning):
        scores = anomalies.score_alone(vectors(LATER))
    np.testing.assert_allclose([score for _, score in json.loads(out)["scores"]], scores, atol=1e-6)
    assert json.loads(out)["history"] is None


def test_a_log_file_and_files_of_vectors(workbench: Run) -> None:
    Path("later.log").write_text("\n".join(text.replace("\t", " ") for text in LATER.texts))
    by_line = result(workbench("later.log", "--history", "normal.log", "--json"))
    assert [name for name, _ in by_line["scores"]] == [str(row) for row in range(len(LATER))]
    held = result(workbench("later.npy", "--history", "normal.npy", "--json"))
    np.testing.assert_allclose(
        [score for _, score in held["scores"]], [score for _, score in by_line["scores"]], atol=1e-5
    )
    assert held["model"] is None


def test_it_is_readable_without_json(workbench: Run) -> None:
    status, out, _ = workbench("later.csv", "--text", "text", "--history", "normal.csv", "--labels", "label")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].startswith(f"{len(LATER)} lines against {FIRST} normal lines, ")
    assert "alarms: scores above" in lines[1] and lines[2].startswith("ROC AUC 0.")
    assert sum(line.lstrip().startswith("nearest normal line: 2026-") for line in lines) == 10
    status, out, _ = workbench("later.npy", "--history", "normal.npy")
    assert status == 0 and len(out.splitlines()) == 12


BASE = ["later.csv", "--text", "text", "--history", "normal.csv"]
BAD = {
    "no file": (["none.csv"], "there is no file 'none.csv'"),
    "no history": (["later.csv", "--text", "text", "--history", "norml.csv"], "Did you mean 'normal.csv'"),
    "no column": (
        [*BASE, "--labels", "lable"],
        "'later.csv' has no column 'lable'. It has, nearest name first: 'label'",
    ),
    "one class": ([*BASE, "--labels", "service"], "labels say an anomaly"),
    "no groups": ([*BASE, "--labels", "label", "--groups", "events"], "nearest name first: 'event'"),
    "groups alone": ([*BASE, "--groups", "event"], "Add --labels"),
    "no text column": (["later.csv", "--history", "normal.csv", "--text", "txt"], "no column 'txt'"),
    "a short history": (
        ["later.csv", "--text", "text", "--history", "few.csv"],
        "a history of 3 lines has no 5 neighbours",
    ),
    "a line alone": (["few.csv", "--text", "text", "--limit", "1"], "5 neighbours for each of them. Take more lines."),
    "quantile": ([*BASE, "--quantile", "99"], "the quantile 99.0 is no share"),
    "method": ([*BASE, "--method", "svm"], "--method"),
    "k": ([*BASE, "--k", "0"], "--k"),
    "vectors masked": (["later.npy", "--history", "normal.npy", "--mask"], "--mask was given with later.npy"),
    "vectors with labels": (["later.npy", "--labels", "label"], "holds vectors, which have no column 'label'"),
    "vectors with a column of text": (["later.npy", "--text", "text"], "--text was given with later.npy"),
    "another dimension": (["later.npy", "--history", "wide.npy"], "dimension"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("as_json", [False, True], ids=["", "json"])
def test_bad_input_is_one_line(workbench: Run, arguments: list[str], says: str, as_json: bool) -> None:
    np.save("wide.npy", np.ones((9, 3), dtype=np.float32))
    status, out, err = workbench(*arguments, *["--json"] * as_json)
    assert (status, out) == (2, "")
    said = [line for line in err.splitlines() if line.startswith("workbench: ")]
    assert len(said) == 1 and says in said[0], err
