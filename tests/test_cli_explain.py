"""workbench explain, as a person and as a program call it: of one query, and of the points of a sweep."""

import json
import shutil

import numpy as np
import pytest

from workbench import ann
from workbench.cli import run


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((20, 16))
    return (centers[rng.integers(20, size=900)] + 0.5 * rng.standard_normal((900, 16))).astype(np.float32)


@pytest.fixture
def file(vectors, tmp_path):
    np.save(tmp_path / "v.npy", vectors)
    return str(tmp_path / "v.npy")


@pytest.fixture(scope="module")
def swept(vectors, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "sweep"
    grid = [ann.IndexSpec.parse(text) for text in (
        "IVF16,Flat nprobe=1", "IVF16,Flat nprobe=4", "HNSW4 efConstruction=8 efSearch=10")]  # fmt: skip
    return ann.sweep(vectors, metric="euclidean", grid=grid, out=folder, rounds=1, progress=False)


def explained(capsys, *arguments):
    assert run(["explain", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "index"),
    [
        (["--index", "HNSW4 efConstruction=8", "--ef", "10"], "HNSW4 efConstruction=8 efSearch=10"),
        (["--index", "IVF16,PQ4x4 nprobe=9", "--nprobe", "2"], "IVF16,PQ4x4 nprobe=2"),
    ],
)
def test_a_row_of_a_file_is_asked_for_and_not_found_itself(options, index, file, vectors, capsys):
    found = explained(capsys, file, *options, "--query", "7", "--metric", "euclidean")
    assert (found["index"], found["n"], found["query"], found["k"]) == (index, 899, 7, 10)
    distances = np.linalg.norm(vectors - vectors[7], axis=1)
    rows = [line["row"] for line in found["neighbours"]]
    assert rows == np.argsort(distances)[1:11].tolist()
    np.testing.assert_allclose([line["score"] for line in found["neighbours"]], np.sort(distances)[1:11], rtol=1e-5)
    assert [line["found"] for line in found["neighbours"]] == [row in found["found"] for row in rows]
    assert 7 not in found["found"]
    assert found["misses"]["missed"] == sum(line["cause"] is not None for line in found["neighbours"])
    assert (found["walk"] is None) == index.startswith("IVF")


def test_a_query_of_its_own_file(file, vectors, tmp_path, capsys):
    np.save(tmp_path / "q.npy", vectors[:3] + 0.01)
    asked = ["--queries", str(tmp_path / "q.npy"), "--query", "2"]
    found = explained(capsys, file, "--index", "SQ8", "--k", "4", *asked)
    assert (found["n"], found["k"], found["neighbours"][0]["row"]) == (900, 4, 2)


def test_what_a_person_reads(file, capsys):
    assert run(["explain", file, "--index", "IVF16,Flat", "--query", "7", "--k", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "IVF16,Flat, 899 x 16 by cosine"
    assert "of 5 true neighbours found" in lines[1] and "1 of 16 lists" in lines[1]
    assert len(lines) == 8 and all("found" in line or "probed" in line for line in lines[3:])
    assert run(["explain", file, "--index", "IVF16,Flat", "--query", "7", "--k", "899"]) == 0
    *first, last = capsys.readouterr().out.splitlines()[3:]
    assert len(first) == 50 and last == "and 849 more, which --json lists"
    assert [line.split(".")[0].strip() for line in first[:10]] == [str(rank) for rank in range(1, 11)]
    assert all("probed" in line for line in first[10:])


def test_the_points_of_a_sweep(swept, capsys):
    found = explained(capsys, str(swept.folder))
    assert [point["point"] for point in found["points"]] == swept.front["point"].tolist()
    for point in found["points"]:
        assert sum(point["shares"].values()) + point["recall"] == pytest.approx(1)
        assert point["recall"] == pytest.approx(swept.point(point["point"])["recall"])
    (one,) = explained(capsys, str(swept.folder), "--point", "IVF16,Flat nprobe=1")["points"]
    assert set(one["causes"]) == {"nprobe"} and one["knob"] == "nprobe" and one["main"] == "nprobe"
    assert len(one["each"]) == one["missed"] > 0 and min(miss["needs"] for miss in one["each"]) == 2

    assert run(["explain", str(swept.folder), "--point", "IVF16,Flat nprobe=1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("IVF16,Flat nprobe=1: recall@10 0.") and "its list was not probed" in said and "█" in said
    assert "Turn nprobe up from 1" in said


def test_a_point_whose_misses_were_not_kept(swept, tmp_path, capsys):
    folder = shutil.copytree(swept.folder, tmp_path / "sweep")
    lost = swept.point("IVF16,Flat nprobe=1")["point"]
    (folder / "misses" / f"{lost}.parquet").unlink()
    assert run(["explain", str(folder), "--point", "IVF16,Flat nprobe=1"]) == 2
    assert "did not keep what IVF16,Flat nprobe=1 missed" in capsys.readouterr().err
    known = [point for point in swept.front["point"] if point != lost]
    assert [point["point"] for point in explained(capsys, str(folder))["points"]] == known


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{file}"], "without an index"),
        (["{file}", "--index", "HNSW16"], "without a query"),
        (["{file}", "--index", "HSNW16", "--query", "0"], "no index can be read from 'HSNW16'"),
        (["{file}", "--index", "SQ8", "--query", "0", "--ef", "9"], "has no search setting 'efSearch'"),
        (["{file}", "--index", "IVF16,Flat", "--query", "0", "--nprobe", "17"], "nprobe=17"),
        (["{file}", "--index", "SQ8", "--query", "900"], "--query 900 of the 900 rows"),
        (["{file}", "--index", "SQ8", "--query", "-1"], "--query"),
        (["{file}", "--index", "SQ8", "--query", "0", "--k", "900"], "k=900"),
        (["{file}", "--index", "SQ8", "--query", "0", "--queries", "no.npy"], "no.npy"),
        (["{file}", "--index", "SQ8", "--query", "0", "--point", "x"], "holds no sweep"),
        (["{sweep}", "--point", "nothing"], "no point 'nothing'"),
        (["{sweep}", "--query", "3"], "--query 3 was given with the sweep"),
        (["{sweep}", "--k", "10"], "--k 10 was given with the sweep"),
        (["{sweep}", "--model", "bundled"], "--model bundled was given with the sweep"),
        (["nowhere.npy", "--index", "qdrant", "--query", "0"], "inside Qdrant's engine"),
        (["nowhere.npy", "--index", "SQ8", "--query", "0"], "nowhere.npy"),
    ],
)
def test_bad_input_is_one_line(arguments, message, file, swept, capsys):
    given = [argument.format(file=file, sweep=swept.folder) for argument in arguments]
    assert run(["explain", *given, "--json"]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1
