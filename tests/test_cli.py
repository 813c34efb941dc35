"""The command line: one JSON object or readable lines on standard output, one line on standard error for bad input."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import cli, embed

TEXTS = [
    "How do I reset my password?",
    "I forgot my login password again",
    "Cancel my subscription",
    "Noise canceling headphones under $200",
    "</script><script>alert(1)</script> <img onerror=alert(2)> $\\LaTeX$ 😀 مرحبا",
]
TOPICS = ["login", "login", "billing", "audio", "odd"]

Run = Callable[..., tuple[int, str, str]]
SESSION = dict(os.environ)  # with the home that all tests share: the bundled model is converted into it once


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tiny encoder in place of the model, a folder and a home of its own."""
    monkeypatch.setattr(embed, "SentenceEncoder", lambda name: TinyEncoder(name=f"tiny {name}"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def workbench(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run one command line in this process: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.run(arguments)
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def table() -> Path:
    path = Path("tickets.jsonl")
    rows = [
        {"key": f"t{i}", "body": text, "topic": topic, "score": None if i else 0.5}
        for i, (text, topic) in enumerate(zip(TEXTS, TOPICS, strict=True))
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def result(outcome: tuple[int, str, str]) -> dict:
    """The one JSON object of a successful run."""
    status, out, err = outcome
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def refusal(outcome: tuple[int, str, str]) -> str:
    """The one line that a refused run says."""
    status, out, err = outcome
    assert (status, out) == (2, "")
    assert err.startswith("workbench: ")
    assert err.count("\n") == 1 and err.endswith("\n"), err
    return err


# embed


def test_embed_writes_the_vectors_and_says_what_it_did(workbench: Run, table: Path) -> None:
    found = result(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json"))
    assert found.items() >= {"n": 5, "dimensions": 64, "encoded": 5, "from_cache": 0}.items()
    assert found["model"].startswith("tiny bundled@")
    assert 0 <= found["encode_seconds"] <= found["seconds"]
    array = np.load("v.npy", allow_pickle=False)
    np.testing.assert_allclose(array, TinyEncoder().encode(TEXTS), atol=1e-6)
    assert array.dtype == np.float32


def test_embed_encodes_only_what_is_new(workbench: Run, table: Path) -> None:
    result(workbench("embed", str(table), "--text", "body", "--limit", "3", "--out", "v.npy", "--json"))
    found = result(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json"))
    assert (found["encoded"], found["from_cache"]) == (2, 3)
    other = result(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--model", "other", "--json"))
    assert (other["encoded"], other["from_cache"]) == (5, 0)


def test_embed_is_readable_without_json(workbench: Run, table: Path) -> None:
    status, out, _ = workbench("embed", str(table), "--text", "body", "--out", "v.npy")
    assert status == 0
    assert "5 vectors of 64 dimensions" in out
    assert "5 encoded in" in out and "0 from the cache" in out


def test_a_failure_leaves_the_old_output_and_no_trace(
    workbench: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("v.npy").write_bytes(b"old")

    def full(file: object, array: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    said = refusal_after_progress(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json"))
    assert "No space left on device" in said
    assert Path("v.npy").read_bytes() == b"old"
    assert sorted(path.name for path in Path().iterdir()) == ["tickets.jsonl", "v.npy"]


def refusal_after_progress(outcome: tuple[int, str, str]) -> str:
    """The last line of a run that was refused after a progress bar was shown."""
    status, out, err = outcome
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return re.split(r"[\r\n]", err.rstrip())[-1]


# search


def test_search_lists_the_best_first(workbench: Run, table: Path) -> None:
    arguments = ("search", str(table), "--text", "body", "--id", "key", "forgot password", "--k", "2", "--json")
    found = result(workbench(*arguments))
    assert [hit["id"] for hit in found["hits"]] == ["t1", "t0"]
    first, second = found["hits"]
    assert first["text"] == TEXTS[1]
    assert first["metadata"] == {"topic": "login", "score": None}
    assert first["score"] > second["score"]
    expected = float(TinyEncoder().encode(["forgot password"])[0] @ TinyEncoder().encode([TEXTS[1]])[0])
    assert first["score"] == pytest.approx(expected, abs=1e-5)
    assert found["metric"] == "cosine"
    assert found["model"].startswith("tiny bundled@")


def test_search_with_more_asked_for_than_there_is_lists_all(workbench: Run, table: Path) -> None:
    assert len(result(workbench("search", str(table), "--text", "body", "x", "--k", "50", "--json"))["hits"]) == 5


def test_search_is_readable_without_json_and_prints_no_control_characters(workbench: Run) -> None:
    Path("odd.txt").write_text("first \x1b[31mred\x07 line\nsecond line\n")
    status, out, _ = workbench("search", "odd.txt", "red line", "--k", "2")
    assert status == 0
    assert out.splitlines()[0].startswith("  1. 0.")
    assert "\x1b" not in out and "\x07" not in out
    assert "[31mred line" in out


# map


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_map_is_one_page_that_needs_nothing(workbench: Run, table: Path, method: str) -> None:
    arguments = ("map", str(table), "--text", "body", "--color", "topic", "--method", method, "--out", "m.html")
    found = result(workbench(*arguments, "--json"))
    assert found.items() >= {"n": 5, "dimensions": 64, "method": method, "seed": 0}.items()
    page = Path("m.html").read_text()
    assert "<script>alert(1)" not in page and "<img onerror" not in page
    fetched = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?([^\"'> ]+)", page)
    assert [address for address in fetched if not address.startswith("data:")] == []
    faith = found["faithfulness"]
    assert (faith["k"], faith["metric"], faith["exact"], faith["measured"]) == (2, "cosine", True, 5)
    for name, line in faith["measures"].items():
        assert name in page
        assert f"{line['value']:.2f}" in page
        assert line["low"] == line["value"] == line["high"]
    assert all(text in page for text in TEXTS[:4])


def test_map_says_what_was_sampled(workbench: Run) -> None:
    rng = np.random.default_rng(0)
    np.save("v.npy", rng.standard_normal((6_500, 3)).astype(np.float32))
    faith = result(workbench("map", "v.npy", "--method", "pca", "--out", "m.html", "--json"))["faithfulness"]
    assert (faith["k"], faith["exact"]) == (15, False)
    assert f"{faith['measured']:,} of 6,500" in Path("m.html").read_text()
    trust = faith["measures"]["trustworthiness@15"]
    assert trust["low"] < trust["value"] < trust["high"] < 1


@pytest.mark.parametrize("n", [1, 2])
def test_map_of_too_few_points_to_be_judged(workbench: Run, n: int) -> None:
    np.save("v.npy", np.eye(3, dtype=np.float32)[:n])
    assert result(workbench("map", "v.npy", "--method", "pca", "--out", "m.html", "--json"))["faithfulness"] is None
    assert "not measured" in Path("m.html").read_text()


def test_map_is_readable_without_json(workbench: Run, table: Path) -> None:
    status, out, _ = workbench("map", str(table), "--text", "body", "--method", "pca", "--out", "m.html")
    assert status == 0
    assert "5 points, PCA" in out and "trustworthiness@2 " in out


def test_map_of_a_file_of_vectors(workbench: Run) -> None:
    np.save("v.npy", np.random.default_rng(0).standard_normal((30, 8)).astype(np.float32))
    found = result(workbench("map", "v.npy", "--method", "pca", "--limit", "20", "--out", "m.html", "--json"))
    assert (found["n"], found["dimensions"], found["model"]) == (20, 8, None)
    assert '"row 19"' in Path("m.html").read_text()


def test_embedded_vectors_can_be_drawn(workbench: Run, table: Path) -> None:
    result(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json"))
    assert result(workbench("map", "v.npy", "--method", "pca", "--out", "m.html", "--json"))["n"] == 5


# check


def test_check_drops_one_model(workbench: Run, table: Path) -> None:
    result(workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json"))
    (key,) = [model["key"] for model in result(workbench("check", "--json"))["findings"]["cache"]["data"]["models"]]
    found = result(workbench("check", "--drop-model", key, "--json"))
    assert found["dropped"] == {"key": key, "vectors": 5}
    assert found["findings"]["cache"]["data"]["models"] == []
    assert "no vectors are cached under" in refusal(workbench("check", "--drop-model", key))


def test_check_diagnoses_a_file_of_vectors(workbench: Run) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8)).astype(np.float32) + 2
    x[5] = x[6]
    x[7] = 0
    np.save("v.npy", x)
    found = result(workbench("check", "v.npy", "--vectors", "--json"))
    assert found.items() >= {"n": 60, "dimensions": 8, "metric": "cosine", "k": 10, "sample": 59}.items()
    measures = {row["measure"]: row for row in found["measures"]}
    assert (measures["zero vectors"]["value"], measures["zero vectors"]["verdict"]) == (1, "look")
    assert measures["exact duplicates"]["value"] == 1
    assert measures["mean cosine of random pairs"]["verdict"] == "look"
    assert found["advice"]["metric"] == "cosine"
    assert "Zero vectors, of which there are 1," in found["advice"]["caveat"]
    assert found["hubs"][0]["count"] >= found["hubs"][-1]["count"] > 0


def test_check_of_vectors_is_readable_without_json(workbench: Run) -> None:
    x = np.eye(12, dtype=np.float32)
    np.save("v.npy", x)
    status, out, _ = workbench("check", "v.npy", "--vectors")
    assert status == 0
    assert out.startswith("v.npy: 12 vectors of 12 dimensions\n")
    assert "fine  zero vectors: 0\n" in out
    assert "look  two-NN dimension: not defined\n" in out
    assert "worry when" in out
    assert "for these vectors use the dot product, because" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["v.npy"], "Add --vectors"),
        (["--vectors"], "--vectors needs a file of vectors"),
        (["v.npy", "--vectors", "--drop-model", "k"], "--drop-model has nothing to do with a file"),
        (["one.npy", "--vectors"], "1 vectors have no geometry"),
        (["two.npy", "--vectors"], "2 vectors have no geometry"),
        (["nan.npy", "--vectors"], "row 1 holds nan"),
        (["zeros.npy", "--vectors"], "all of 5 vectors are zero"),
        (["flat.npy", "--vectors"], "must be an (n, d) array"),
        (["objects.npz", "--vectors"], "Nothing is ever unpickled"),
        (["nowhere.npy", "--vectors"], "nowhere.npy"),
        (["texts.csv", "--vectors"], "of no kind that can be read as vectors"),
    ],
)
def test_vectors_that_cannot_be_checked(workbench: Run, arguments: list[str], says: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.save("v.npy", x)
    np.save("one.npy", x[:1])
    np.save("two.npy", x[:2])
    np.save("zeros.npy", x * 0)
    np.save("flat.npy", x[0])
    x[1, 2] = np.nan
    np.save("nan.npy", x)
    np.savez("objects.npz", v=np.array([[1.0, 2.0], [1.0]], dtype=object))
    Path("texts.csv").write_text("text\nhello\n")
    assert says in refusal(workbench("check", *arguments, "--json"))


# bad input: one line, exit status 2

BAD = {
    "no file": (["embed", "none.csv", "--out", "v.npy"], "none.csv"),
    "no built-in corpus": (["embed", "wikipeda", "--out", "v.npy"], "the built-in corpora are wikipedia"),
    "wrong column": (["embed", "tickets.jsonl", "--text", "boddy", "--out", "v.npy"], "nearest name first: 'body'"),
    "no column named": (["search", "two.csv", "query"], "'a', 'b'"),
    "empty file": (["embed", "empty.csv", "--text", "a", "--out", "v.npy"], "empty"),
    "not UTF-8": (["embed", "latin.txt", "--out", "v.npy"], "byte offset 3"),
    "all texts empty": (["search", "blank.csv", "query", "--text", "a"], "empty"),
    "repeated ids": (["search", "twice.csv", "query", "--text", "a", "--id", "b"], "'7'"),
    "another suffix": (["embed", "tickets.jsonl", "--text", "body", "--out", "v.txt"], ".npy"),
    "no folder": (["embed", "tickets.jsonl", "--text", "body", "--out", "no/v.npy"], "mkdir -p"),
    "out is a folder": (["embed", "tickets.jsonl", "--text", "body", "--out", "dir.npy"], "is a folder"),
    "map into no folder": (["map", "tickets.jsonl", "--text", "body", "--out", "no/m.html"], "mkdir -p"),
    "map to another suffix": (["map", "tickets.jsonl", "--text", "body", "--out", "m.png"], ".html"),
    "empty query": (["search", "tickets.jsonl", "--text", "body", "  "], "query is empty"),
    "k is 0": (["search", "tickets.jsonl", "--text", "body", "x", "--k", "0"], "--k"),
    "k is a word": (["search", "tickets.jsonl", "--text", "body", "x", "--k", "five"], "--k"),
    "limit is 0": (["embed", "tickets.jsonl", "--text", "body", "--out", "v.npy", "--limit", "0"], "--limit"),
    "no such verb": (["serch", "tickets.jsonl"], "serch"),
    "no such option": (["search", "tickets.jsonl", "x", "--top", "5"], "--top"),
    "nothing to search": (["search"], "FILE"),
    "no output named": (["embed", "tickets.jsonl", "--text", "body"], "--out"),
    "no such projection": (["map", "tickets.jsonl", "--text", "body", "--method", "mds", "--out", "m.html"], "mds"),
    "no such color": (["map", "tickets.jsonl", "--text", "body", "--color", "hue", "--out", "m.html"], "'hue'"),
    "texts of vectors": (["map", "ok.npy", "--text", "body", "--out", "m.html"], "--text body"),
    "column of a built-in": (["embed", "wikipedia", "--text", "body", "--out", "v.npy"], "'body'"),
    "pickled vectors": (["map", "pickle.npy", "--out", "m.html"], "pickle.npy"),
    "truncated vectors": (["map", "short.npy", "--out", "m.html"], "short.npy"),
    "NaN in vectors": (["map", "nan.npy", "--out", "m.html"], "row 2"),
    "zero vectors": (["map", "zero.npy", "--out", "m.html"], "row 1"),
    "truncated fvecs": (["map", "short.fvecs", "--out", "m.html"], "short.fvecs"),
    "truncated Parquet": (["embed", "short.parquet", "--text", "a", "--out", "v.npy"], "Parquet"),
    "port out of range": (["lab", "--port", "99999"], "99999"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("as_json", [False, True], ids=["", "json"])
def test_bad_input_is_one_line(workbench: Run, table: Path, arguments: list[str], says: str, as_json: bool) -> None:
    Path("two.csv").write_text("a,b\nx,y\n")
    Path("empty.csv").write_text("")
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    Path("blank.csv").write_text("a,b\n,1\n ,2\n")
    Path("twice.csv").write_text("a,b\nx,7\ny,7\n")
    Path("dir.npy").mkdir()
    good = np.eye(4, dtype=np.float32)
    np.save("ok.npy", good)
    np.save("pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    Path("short.npy").write_bytes(Path("ok.npy").read_bytes()[:-9])
    np.save("nan.npy", np.where(good + np.arange(4)[:, None] == 3, np.nan, good + 1).astype(np.float32))
    np.save("zero.npy", good * np.array([[1], [0], [1], [1]], dtype=np.float32))
    Path("short.fvecs").write_bytes(np.int32(4).tobytes() + good[0].tobytes()[:-2])
    Path("short.parquet").write_bytes(b"PAR1 and no more")
    outputs = sorted(path.name for path in Path().iterdir())
    said = refusal(workbench(*arguments, *(["--json"] if as_json else [])))
    assert says in said
    assert sorted(path.name for path in Path().iterdir()) == outputs


def test_an_output_folder_that_may_not_be_written(workbench: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = refusal(workbench("embed", str(table), "--text", "body", "--out", "v.npy"))
    assert "nothing may be written to" in said


def test_a_home_that_cannot_be_made(workbench: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setenv("WORKBENCH_HOME", str(Path("file/home").absolute()))
    assert "file/home" in refusal(workbench("embed", str(table), "--text", "body", "--out", "v.npy"))


def test_an_interrupt_is_one_line(workbench: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(embed, "embed_with_report", interrupt)
    status, out, err = workbench("embed", str(table), "--text", "body", "--out", "v.npy", "--json")
    assert (status, out, err.count("\n")) == (130, "", 1)


def test_a_bug_is_not_hidden(workbench: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "embed_with_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        workbench("embed", str(table), "--text", "body", "--out", "v.npy")


# as a process, with the bundled model


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=SESSION)


def test_help_is_fast_and_loads_no_room() -> None:
    command = "import sys; from workbench import cli; cli.run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 5  # a slow machine is no failure; what is loaded decides
    assert all(
        verb in done.stdout
        for verb in ("lab", "check", "embed", "search", "map", "analogy", "sweep", "explain", "anomalies")
    )
    assert not {"torch", "numpy", "pandas", "plotly", "faiss", "workbench.embed"} & set(eval(done.stderr))


def test_no_verb_shows_the_help() -> None:
    done = process()
    assert done.returncode == 0
    assert "Usage: workbench" in done.stdout


def test_search_with_the_bundled_model(table: Path) -> None:
    done = process("search", str(table), "--text", "body", "--id", "key", "unable to sign in", "--k", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["hits"][0]["id"] in ("t0", "t1")
    assert "MiniLM" in found["model"]


def test_a_refusal_as_a_process() -> None:
    done = process("embed", "none.csv", "--out", "v.npy", "--json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_closed_pipe_is_no_error(table: Path) -> None:
    command = f"{sys.executable} -m workbench.cli check --json; echo status $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; ({command}) | true"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == "status 0\n"
