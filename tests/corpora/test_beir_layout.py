"""A folder in BEIR's layout becomes a benchmark whose parts fit together, or says why not."""

import json
from pathlib import Path

import pytest

from workbench.corpora import benchmark, read
from workbench.errors import InputError

PASSAGES = [
    {"_id": "d1", "title": "Cats", "text": "They purr.", "metadata": {"source": "zoo", "title": "hidden"}},
    {"_id": "d2", "title": "", "text": "They bark.", "metadata": {}},
    {"_id": "d3", "title": "Only a title", "text": ""},
]
QUERIES = [{"_id": "q1", "text": "purring", "metadata": {"hard": True}}, {"_id": "q2", "text": "unjudged"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(p) + "\n" for p in PASSAGES))
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in QUERIES))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t3\nq1\td2\t0\n")
    return tmp_path


def test_the_parts_of_a_benchmark(folder: Path) -> None:
    found = benchmark(folder)
    assert found.corpus.ids == ("d1", "d2", "d3")
    assert found.corpus.texts == ("Cats\nThey purr.", "They bark.", "Only a title")
    table = found.corpus.metadata
    assert sorted(table.columns) == ["source", "title"]
    assert table["title"].fillna("").tolist() == ["Cats", "", "Only a title"]
    assert table["source"].fillna("").tolist() == ["zoo", "", ""]
    assert found.queries.ids == ("q1",)
    assert found.queries.metadata["hard"].tolist() == [True]
    assert found.qrels == {"q1": {"d1": 3, "d2": 0}}


def test_read_takes_the_passages_of_such_a_folder(folder: Path) -> None:
    assert read(folder, limit=2).fingerprint == benchmark(folder).corpus.take([0, 1]).fingerprint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q9\td1\t1", "judgements are about a query that is not there, first 'q9'"),
        ("q1\td9\t1", "judgements are about a passage that is not there, first 'd9'"),
        ("q1 d1 1", "line 4 .* is not a judgement: 'q1 d1 1'"),
        ("q1\td1\tgood", "line 4 .* is not a judgement"),
        ("q1\td1\t2", "line 4 .* judges 'd1' for 'q1' a second time"),
    ],
)
def test_judgements_that_cannot_be_used(folder: Path, line: str, message: str) -> None:
    with (folder / "qrels" / "test.tsv").open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(InputError, match=message):
        benchmark(folder)


def test_another_split(folder: Path) -> None:
    with pytest.raises(InputError, match=r"dev\.tsv.*Take split=, one of: test"):
        benchmark(folder, split="dev")


@pytest.mark.parametrize("part", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_part_that_is_missing(folder: Path, part: str) -> None:
    (folder / part).unlink()
    with pytest.raises(InputError, match="there is no file"):
        benchmark(folder)


def test_judgements_without_any_line(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(InputError, match="holds no judgements"):
        benchmark(folder)


def test_metadata_that_is_no_object_is_a_column(folder: Path) -> None:
    rows = [{"_id": "d1", "text": "a", "metadata": "x"}, {"_id": "d2", "text": "b", "metadata": {"source": "zoo"}}]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = benchmark(folder).corpus.metadata
    assert table.fillna("").to_dict("records") == [{"metadata": "x", "source": ""}, {"metadata": "", "source": "zoo"}]


def test_a_passage_without_an_id(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text('{"text": "x"}\n')
    with pytest.raises(InputError, match="no column '_id'"):
        benchmark(folder)
