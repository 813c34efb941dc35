"""workbench sweep, as a person and as a program call it."""

import json

import h5py
import numpy as np
import pytest

from workbench.cli import run


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((20, 16))
    return (centers[rng.integers(20, size=900)] + 0.5 * rng.standard_normal((900, 16))).astype(np.float32)


def test_a_file_of_vectors_becomes_a_recommendation_with_its_evidence(vectors, tmp_path, capsys):
    np.save(tmp_path / "v.npy", vectors)
    out = tmp_path / "out"
    arguments = ["sweep", str(tmp_path / "v.npy"), "--metric", "euclidean", "--families", "ivf,sq", "--out", str(out)]
    assert run([*arguments, "--memory", "1MB", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["d"], found["metric"], found["queries"]) == (810, 16, "euclidean", 90)
    for point in found["points"]:
        assert {"family", "index", "recall", "recall_interval", "memory_bytes", "build_seconds"} <= set(point)
        assert set(point["latency_ms"]) == {"p50", "p95", "p99"}
        low, high = point["recall_interval"]
        assert low <= point["recall"] <= high
    assert {point["family"] for point in found["points"]} == {"flat", "ivf", "sq"}
    assert {row["point"] for row in found["front"]} <= {row["point"] for row in found["points"]}
    assert "import faiss" in found["recommended"]["code"]
    assert found["baseline"]["index"] == "Flat"
    assert found["baseline"]["recall"] == 1
    assert found["environment"]["libraries"]["faiss-cpu"]
    assert found["neighbors_agree"] is None
    assert "<html" in (out / "report.html").read_text()

    assert run(arguments) == 2
    assert "--resume" in capsys.readouterr().err
    assert run([*arguments, "--resume"]) == 0
    said = capsys.readouterr().out
    assert "Flat" in said
    assert str(out / "report.html") in said


@pytest.mark.parametrize("spoiled", [False, True])
def test_an_hdf5_files_own_queries_are_used_and_its_neighbours_verified(spoiled, vectors, tmp_path, capsys):
    train, test = vectors[:800], vectors[800:]
    order = np.argsort(((test[:, None] - train) ** 2).sum(axis=2), axis=1)[:, :10]
    with h5py.File(tmp_path / "b.hdf5", "w") as file:
        file.attrs["distance"] = "euclidean"
        file["train"], file["test"] = train, test
        file["neighbors"] = order[::-1] if spoiled else order
        file["distances"] = np.zeros(order.shape, np.float32)
    arguments = ["sweep", str(tmp_path / "b.hdf5"), "--families", "sq", "--out", str(tmp_path / "o"), "--json"]
    assert run(arguments) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["queries"] == 100
    assert not found["queries_held_out"]
    assert (found["neighbors_agree"] < 0.5) == spoiled
    assert ("agree with exact search" in printed.err) == spoiled


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--budget", "soon"], "the budget 'soon' is no time"),
        (["--budget", "0s"], "the budget '0s' is no time"),
        (["--recall", "95"], "95"),
        (["--memory", "lots"], "memory 'lots'"),
        (["--families", "hsnw"], "no index family"),
        (["--text", "body"], "--text body was given"),
        (["--k", "5000"], "k=5,000"),
        (["--queries", "no.npy"], "no.npy"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_folder(more, message, vectors, tmp_path, capsys):
    np.save(tmp_path / "v.npy", vectors)
    assert run(["sweep", str(tmp_path / "v.npy"), "--out", str(tmp_path / "o"), "--json", *more]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "o").exists()
