"""The verb analogy: three words, a set of questions, and one line for bad input."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench import cli
from workbench.embed import words
from workbench.geometry import analogies

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def workbench(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``workbench analogy`` in this process, in a folder with a few files."""
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text(": royal\nman king woman queen\nman king woman throne\n: none\nabc xyzzyx man king\n")
    Path("broken.txt").write_text("man king woman queen\nman king woman\n")
    table = words.bundled().take_words(["man", "king", "woman", "queen", "throne", "bread"])
    lines = (f"{word} {' '.join(map(str, row))}" for word, row in zip(table.words, table.array, strict=True))
    Path("six.txt").write_text("\n".join(lines) + "\n")
    Path("odd.txt").write_text("a\x1b[31m 1 0\nb 0 1\nc 1 1\nd 1 2\n")
    Path("nan.txt").write_text("king 1 2\nman nan 1\nwoman 2 1\n")
    Path("prose.txt").write_text("It was a bright cold day in April.\n")
    Path("empty.txt").touch()
    Path("cut.gz").write_bytes(gzip.compress(Path("six.txt").read_bytes())[:500])
    Path("folder").mkdir()

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.run(["analogy", *arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


def result(outcome: tuple[int, str, str]) -> dict:
    status, out, err = outcome
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_it_is_what_the_room_says(workbench: Run) -> None:
    found = result(workbench("King", "man", "woman", "--k", "4", "--json"))
    assert found["answers"] == analogies.solve(words.bundled(), "king", "man", "woman", k=4).to_dict("records")
    assert found["answers"][0]["word"] == "queen"
    assert found.items() >= {"a_star": "King", "a": "man", "b": "woman", "method": "3cosadd", "exclude": True}.items()
    assert found["words"] == 21_745
    assert "MiniLM" in found["vectors"]
    assert len(result(workbench("king", "man", "woman", "--json"))["answers"]) == 10


def test_its_own_words_are_allowed_on_request(workbench: Run) -> None:
    found = result(workbench("king", "man", "woman", "--allow-inputs", "--method", "3cosmul", "--json"))
    best = analogies.solve(words.bundled(), "king", "man", "woman", method="3cosmul", exclude=False)
    assert found["answers"] == best.to_dict("records")
    assert (found["exclude"], found["method"]) == (False, "3cosmul")
    assert any(answer["input"] for answer in found["answers"])


def test_it_is_readable_without_json(workbench: Run) -> None:
    status, out, _ = workbench("king", "man", "woman", "--allow-inputs", "--k", "2")
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "man is to king as woman is to: 3cosadd, its own words allowed"
    assert lines[1].startswith("  1. king") and lines[1].endswith("its own word")
    assert lines[2].startswith("  2. queen") and not lines[2].endswith("its own word")
    assert lines[3].startswith("21,745 words, ")


def test_words_come_from_a_file(workbench: Run) -> None:
    found = result(workbench("king", "man", "woman", "--vectors", "six.txt", "--json"))
    assert found["answers"][0]["word"] == "queen"
    assert {answer["word"] for answer in found["answers"]} == {"queen", "throne", "bread"}
    assert found["words"] == 6
    few = result(workbench("king", "man", "woman", "--vectors", "six.txt", "--limit", "4", "--json"))
    assert [answer["word"] for answer in few["answers"]] == ["queen"]
    assert result(workbench("king", "man", "woman", "--limit", "9000", "--json"))["words"] == 9_000


def test_no_control_character_is_printed(workbench: Run) -> None:
    status, out, _ = workbench("b", "c", "d", "--vectors", "odd.txt")
    assert status == 0
    assert "a[31m" in out and "\x1b" not in out


def test_googles_questions_are_counted(workbench: Run) -> None:
    found = result(workbench("--evaluate", "google", "--json"))
    row = analogies.evaluate(words.bundled(), analogies.google()).table.query("exclude and section == 'total'").iloc[0]
    assert found["accuracy"] == row["accuracy"]
    assert found["interval"] == [row["low"], row["high"]]
    assert (found["correct"], found["covered"], found["total"]) == (row["correct"], row["covered"], row["total"])
    assert len(found["sections"]) == 14
    assert sum(section["covered"] for section in found["sections"]) == found["covered"]
    assert found["sections"][0].keys() == {"section", "accuracy", "interval", "correct", "covered", "total"}
    assert found["seconds"] >= 0
    assert found.items() >= {"method": "3cosadd", "exclude": True, "questions": "google", "words": 21_745}.items()


def test_a_file_of_questions_is_counted(workbench: Run) -> None:
    found = result(workbench("--evaluate", "mine.txt", "--vectors", "six.txt", "--json"))
    assert found.items() >= {"correct": 1, "covered": 2, "total": 3, "accuracy": 0.5}.items()
    royal, none = found["sections"]
    assert (royal["section"], royal["accuracy"]) == ("royal", 0.5)
    assert (none["section"], none["accuracy"], none["interval"]) == ("none", None, [None, None])
    assert found["unknown"]["words"] == 2
    assert [word["word"] for word in found["unknown"]["costliest"]] == ["abc", "xyzzyx"]
    allowed = result(workbench("--evaluate", "mine.txt", "--vectors", "six.txt", "--allow-inputs", "--json"))
    assert (allowed["accuracy"], allowed["exclude"]) == (0, False)
    assert allowed["otherwise"] == {"exclude": True, "accuracy": found["accuracy"], "interval": found["interval"]}
    assert found["otherwise"] == {"exclude": False, "accuracy": 0, "interval": allowed["interval"]}


def test_files_whose_names_are_no_text(workbench: Run) -> None:
    questions, table = os.fsdecode(b"mine\xff\x1b.txt"), os.fsdecode(b"six\xff.txt")
    try:
        Path(questions).write_text("man king woman queen\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    Path("six.txt").rename(table)
    found = result(workbench("--evaluate", questions, "--vectors", table, "--json"))
    assert (found["questions"], found["sections"][0]["section"], found["accuracy"]) == ("mine", "mine", 1)
    status, out, _ = workbench("--evaluate", questions, "--vectors", table)
    assert (status, out.startswith("mine: 3cosadd")) == (0, True)


def test_the_counts_are_readable_without_json(workbench: Run) -> None:
    status, out, _ = workbench("--evaluate", "mine.txt", "--vectors", "six.txt", "--method", "3cosmul")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].startswith("mine: 3cosmul, a question's own words left out; 6 words, ")
    assert lines[2].split() == ["royal", "50.0%", "9.5%", "to", "90.5%", "1", "2", "2"]
    assert lines[3].split() == ["none", "-", "-", "0", "0", "1"]
    assert lines[4].split() == ["total", "50.0%", "9.5%", "to", "90.5%", "1", "2", "3"]
    assert lines[5] == "with a question's own words allowed: 0.0% (0.0% to 65.8%)"
    assert lines[6].startswith("2 words of the questions are unknown, the costliest: abc in 1")


THREE = ("king", "man", "woman")
BAD = {
    "an unknown word": (["kinng", "man", "woman"], "no word 'kinng' among the 21,745. Spelled most alike: 'king'"),
    "words missing": (["king", "man"], "an analogy takes three words, and 2 were given"),
    "no word": ([], "an analogy takes three words, and 0 were given"),
    "a word too many": (["king", "man", "woman", "queen"], "4 were given"),
    "both": (["king", "man", "woman", "--evaluate", "google"], "both --evaluate and the words 'king man woman'"),
    "no such method": (["king", "man", "woman", "--method", "cos"], "Those there are: 3cosadd, 3cosmul, pairdirection"),
    "no such method of all": (["--evaluate", "mine.txt", "--method", "cos"], "no method 'cos'"),
    "no direction": (["king", "king", "man", "--method", "pairdirection"], "there is no direction between them"),
    "k is 0": (["king", "man", "woman", "--k", "0"], "--k"),
    "k of all": (["--evaluate", "google", "--k", "3"], "--k has nothing to do with --evaluate"),
    "limit is 0": (["king", "man", "woman", "--limit", "0"], "--limit"),
    "no file of questions": (["--evaluate", "nine.txt"], "Did you mean 'mine.txt'"),
    "a broken file": (["--evaluate", "broken.txt"], "line 2 of 'broken.txt' has 3 words and not four"),
    "questions in a folder": (["--evaluate", "folder"], "'folder' is a folder"),
    "questions in an empty file": (["--evaluate", "empty.txt"], "'empty.txt' is empty"),
    "questions in a packed file": (["--evaluate", "cut.gz"], "'cut.gz' is not UTF-8"),
    "a hostile word": (["<b>\x1b[31m\n$x$", "man", "woman"], "there is no word"),
    "a very long word": (["x" * 100_000, "man", "woman"], "No known word is spelled like it"),
    "vectors in a folder": ([*THREE, "--vectors", "folder"], "'folder' is a folder"),
    "vectors in an empty file": ([*THREE, "--vectors", "empty.txt"], "'empty.txt' is empty"),
    "a packed file cut off": ([*THREE, "--vectors", "cut.gz"], "'cut.gz' is truncated or damaged"),
    "prose": ([*THREE, "--vectors", "prose.txt"], "line 1 of 'prose.txt' is neither a header nor a word"),
    "NaN": ([*THREE, "--vectors", "nan.txt"], "the word 'man' in line 2 of 'nan.txt' holds NaN"),
    "no file of vectors": (["king", "man", "woman", "--vectors", "none.txt"], "there is no file 'none.txt'"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("as_json", [False, True], ids=["", "json"])
def test_bad_input_is_one_line(workbench: Run, arguments: list[str], says: str, as_json: bool) -> None:
    status, out, err = workbench(*arguments, *["--json"] * as_json)
    assert (status, out) == (2, "")
    assert err.startswith("workbench: ")
    assert err.count("\n") == 1 and err.endswith("\n"), err
    assert says in err


def test_the_share_of_a_shuffled_table_is_small(workbench: Run) -> None:
    table = words.bundled().take(range(3_000))
    random = np.random.default_rng(0)
    rows = table.array[random.permutation(len(table))][:, :50]
    lines = (f"{word} {' '.join(f'{x:.4f}' for x in row)}" for word, row in zip(table.words, rows, strict=True))
    Path("shuffled.txt").write_text("\n".join(lines) + "\n")
    found = result(workbench("--evaluate", "google", "--vectors", "shuffled.txt", "--json"))
    assert found["covered"] > 1_000
    assert found["interval"][1] < 0.02
