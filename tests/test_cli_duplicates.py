"""The verb duplicates: what it finds in texts and vectors, by a threshold or by labels, and one line for bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import cli, corpora, embed, tasks

MATTERS = [
    ("my parcel has not arrived", "the parcel never came", "Where is my package? It never arrived"),
    ("I forgot my password", "cannot remember the password of my account"),
    ("the invoice shows the wrong amount", "wrong sum on my bill"),
    ("the app crashes when I open it", "app closes itself at once when started"),
]
ALONE = ["how do I bake bread", "which river is the longest", "the museum is closed on Mondays", "she plays the cello"]
TEXTS = [*sum(MATTERS, ()), *ALONE]
LABELS = [*(place for place, texts in enumerate(MATTERS) for _ in texts), *(10 + place for place in range(len(ALONE)))]


@pytest.fixture
def workbench(capfd, tmp_path, monkeypatch):
    """Run ``workbench duplicates`` in this process, in a folder with a few files."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"id": [f"t{i}" for i in range(len(TEXTS))], "body": TEXTS, "matter": LABELS, "same": 1})
    table.to_csv("tickets.csv", index=False)
    table[:1].to_csv("one.csv", index=False)
    Path("odd.csv").write_text("id,body\na\x1b[31m,<b>hello</b>\nb,<b>hello</b>\n")
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    vectors[30:40] = vectors[:10]
    np.save("vectors.npy", vectors)

    def run(*arguments):
        status = cli.run(["duplicates", *arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


def result(outcome):
    status, out, err = outcome
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_pairs_and_clusters_by_a_threshold(workbench):
    found = result(workbench("tickets.csv", "--text", "body", "--threshold", "0.6", "--json"))
    vectors = embed.embed(corpora.read(Path("tickets.csv"), text="body"), embed.SentenceEncoder(), progress=False)
    report = tasks.find_duplicates(vectors, 0.6, progress=False)
    assert found["pairs"] == [
        [vectors.ids[a], vectors.ids[b], float(score)]
        for a, b, score in zip(report.pairs.a, report.pairs.b, report.pairs.scores, strict=True)
    ]
    assert found["clusters"] == report.clusters and "t0" in report.clusters[0]
    assert (found["threshold"], found["n"], found["metric"]) == (0.6, len(TEXTS), "cosine")
    assert "curve" not in found and "f1" not in found
    assert result(workbench("tickets.csv", "--text", "body", "--json"))["threshold"] == 0.9


def test_labels_fit_the_threshold(workbench):
    found = result(workbench("tickets.csv", "--text", "body", "--labels", "matter", "--json"))
    vectors = embed.embed(corpora.read(Path("tickets.csv"), text="body"), embed.SentenceEncoder(), progress=False)
    fit = tasks.fit_threshold(vectors, LABELS)
    assert found["threshold"] == fit.threshold and found["f1"] == fit.held_out.f1.mean
    assert found["f1_low"] <= found["f1"] <= found["f1_high"] and found["f1_all"] == fit.everywhere.f1.mean
    assert len(found["pairs"]) == fit.everywhere.found and "did not choose" in found["measured_on"]
    assert [row["true"] for row in found["curve"]] == sorted({row["true"] for row in found["curve"]})
    assert max(row["f1"] for row in found["curve"]) == tasks.threshold_curve(vectors, LABELS)["f1"].max()


def test_labels_measure_a_threshold_that_is_given(workbench):
    found = result(workbench("tickets.csv", "--text", "body", "--labels", "matter", "--threshold", "0.95", "--json"))
    assert (found["threshold"], found["f1"], found["precision"], found["pairs"]) == (0.95, 0, None, [])
    assert found["measured_on"] == "all rows" and found["curve"]


def test_vectors_and_an_index(workbench):
    exact = result(workbench("vectors.npy", "--threshold", "0.99", "--json"))
    assert [pair[:2] for pair in exact["pairs"]] == [[str(i), str(i + 30)] for i in range(10)]
    assert exact["recall_of_search"] is None and len(exact["clusters"]) == 10
    found = result(workbench("vectors.npy", "--threshold", "0.99", "--approximate", "--json"))
    assert found["recall_of_search"][0] == 1 and found["pairs"] == exact["pairs"]


def test_it_is_readable_without_json(workbench):
    status, out, _ = workbench("tickets.csv", "--text", "body", "--labels", "matter")
    lines = out.splitlines()
    assert status == 0 and f"pairs of {len(TEXTS)} at" in lines[0]
    assert any("measured on the other" in line for line in lines) and "all-MiniLM" in lines[-1]
    status, out, _ = workbench("odd.csv", "--text", "body", "--threshold", "0.9")
    assert status == 0 and "<b>hello</b>" in out and "\x1b" not in out
    status, out, _ = workbench("vectors.npy", "--threshold", "0.99", "--approximate")
    assert "on a sample: 1.000" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tickets.csv", "--text", "body", "--labels", "same"], f"all {len(TEXTS)} rows have the label '1'"),
        (["tickets.csv", "--text", "body", "--labels", "id"], "no column 'id'"),
        (
            ["tickets.csv", "--text", "body", "--labels", "mater"],
            "has no column 'mater'. It has, nearest name first: 'matter'",
        ),
        (["vectors.npy", "--labels", "matter"], "holds vectors and no texts"),
        (["one.csv", "--text", "body"], "makes no pair"),
        (["tickets.csv", "--text", "body", "--threshold", "nan"], "no cosine similarity"),
        (["vectors.npy", "--threshold", "1.5"], "the threshold 1.5 is no cosine similarity"),
        (["missing.csv", "--text", "body"], "missing.csv"),
    ],
)
def test_bad_input_is_one_line(workbench, arguments, said):
    status, out, err = workbench(*arguments, "--json")
    assert status == 2 and out == ""
    assert said in err and err.count("\n") == 1 and "Traceback" not in err
