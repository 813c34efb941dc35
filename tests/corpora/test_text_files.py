"""Texts survive a trip through every format, and bad files say what is wrong with them."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.corpora import EmptyTextWarning, read
from workbench.errors import InputError

TEXTS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1).filter(lambda t: not t.isspace()),
    min_size=1,
    max_size=8,
)


def write(path: Path, texts: list[str]) -> None:
    """The same table (id, text, n) in the format that the suffix says."""
    rows = [{"id": f"p{n}", "text": text, "n": n} for n, text in enumerate(texts)]
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, ["id", "text", "n"], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=TEXTS)
def test_texts_survive_the_trip_and_the_fingerprint_is_stable(tmp_path: Path, suffix: str, texts: list[str]) -> None:
    path = tmp_path / f"c{suffix}"
    write(path, texts)
    corpus = read(path, id="id")
    assert corpus.texts == tuple(texts)
    assert corpus.ids == tuple(f"p{n}" for n in range(len(texts)))
    assert corpus.metadata["n"].tolist() == list(range(len(texts)))
    assert list(corpus.metadata.columns) == ["n"]
    assert corpus.name == "c"
    assert read(path, id="id").fingerprint == corpus.fingerprint


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
class TestEveryTable:
    """What holds for every format with columns."""

    def test_a_column_called_id_is_the_id(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["a", "b"])
        assert read(tmp_path / f"c{suffix}").ids == ("p0", "p1")

    def test_rows_are_numbered_without_an_id(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["a", "b"])
        assert read(tmp_path / f"c{suffix}", text="id").ids == ("0", "1")

    def test_limit_name_and_metadata(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["a", "b", "c"])
        corpus = read(tmp_path / f"c{suffix}", text="text", metadata=["id"], name="mine", limit=2)
        assert (corpus.texts, corpus.name, list(corpus.metadata.columns)) == (("a", "b"), "mine", ["id"])
        with pytest.raises(InputError, match="limit is 0"):
            read(tmp_path / f"c{suffix}", limit=0)

    @pytest.mark.parametrize("asked", [{"text": "txet"}, {"id": "txet"}, {"metadata": ["txet"]}], ids=str)
    def test_a_wrong_column_lists_the_nearest_first(
        self, tmp_path: Path, suffix: str, asked: dict[str, object]
    ) -> None:
        write(tmp_path / f"c{suffix}", ["a"])
        with pytest.raises(InputError, match=r"no column 'txet'\. It has, nearest name first: 'text', "):
            read(tmp_path / f"c{suffix}", **asked)

    def test_an_empty_file_and_one_without_rows(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"c{suffix}"
        path.touch()
        with pytest.raises(InputError, match=r"is empty \(0 bytes\)"):
            read(path)
        if suffix == ".parquet":
            pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
        else:
            path.write_text("\n" if suffix == ".jsonl" else "text\n")
        with pytest.raises(InputError, match="is empty: it has no rows"):
            read(path)

    def test_rows_without_text_are_left_out_and_counted(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["a", "", "  ", "d"])
        with pytest.warns(EmptyTextWarning, match=r"2 of 4 rows .* no text in 'text'.*first is row 1\)") as said:
            corpus = read(tmp_path / f"c{suffix}")
        assert len(said) == 1
        assert said[0].filename == __file__
        assert corpus.ids == ("p0", "p3")
        assert corpus.metadata["n"].tolist() == [0, 3]

    def test_texts_that_are_all_empty(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["", " "])
        with pytest.raises(InputError, match=r"all 2 texts in 'text' .* are empty"):
            read(tmp_path / f"c{suffix}")

    def test_a_repeated_id_names_both_rows(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"c{suffix}", ["a", "b", "a"])
        with pytest.raises(InputError, match=r"the id 'a' is in row 0 and again in row 2"):
            read(tmp_path / f"c{suffix}", text="text", id="text")

    def test_which_column_is_text_must_be_clear(self, tmp_path: Path, suffix: str) -> None:
        frame = pd.DataFrame({"title": ["x"], "body": ["y"]})
        path = tmp_path / f"c{suffix}"
        if suffix == ".parquet":
            frame.to_parquet(path)
        elif suffix == ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
        with pytest.raises(InputError, match=r"not clear\. Name it, one of: 'title', 'body'"):
            read(path)
        assert read(path, text="body").texts == ("y",)


def test_a_missing_file_names_its_neighbor(tmp_path: Path) -> None:
    write(tmp_path / "articles.csv", ["a"])
    with pytest.raises(InputError, match=r"there is no file .*article\.csv.*Did you mean .*articles\.csv"):
        read(tmp_path / "article.csv")
    with pytest.raises(InputError, match=r"Check the path"):
        read(tmp_path / "nowhere" / "x.csv")


def test_an_unknown_kind_lists_the_known(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_text("x")
    with pytest.raises(InputError, match=r"\.csv, \.tsv, \.jsonl, \.parquet, \.txt"):
        read(tmp_path / "x.docx")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
def test_bytes_that_are_not_utf8_are_named_by_offset(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"c{suffix}"
    good = b'{"text": "plain"}\n' if suffix == ".jsonl" else b"text\n" + b"plain\n" * 5000
    path.write_bytes(good + "naïve".encode("latin-1"))
    with pytest.raises(InputError, match=rf"is not UTF-8: byte 0xef at byte offset {len(good) + 2:,}"):
        read(path)


def test_a_byte_order_mark_is_no_part_of_a_column_name(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes("\ufefftext,n\na,1\n".encode())
    assert read(tmp_path / "c.csv", text="text").texts == ("a",)


def test_csv_keeps_words_that_look_like_missing_values_and_long_fields(tmp_path: Path) -> None:
    long = "word " * 60_000
    write(tmp_path / "c.csv", ["NA", "null", "007", long.strip(), 'two\nlines, "quoted"'])
    assert read(tmp_path / "c.csv").texts == ("NA", "null", "007", long.strip(), 'two\nlines, "quoted"')


def test_csv_columns_of_numbers_are_numbers_and_words_are_words(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("text,price,code\na,1.5,x1\nb,,7\n")
    table = read(tmp_path / "c.csv", text="text").metadata
    assert table["price"].dtype == "float64"
    assert table["price"].isna().tolist() == [False, True]
    assert table["code"].tolist() == ["x1", "7"]


def test_csv_columns_of_true_and_false_are_truth_values_as_they_are_in_parquet(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("text,paid,open,other\na,True,True,true\nb,False,,False\n")
    table = read(tmp_path / "c.csv", text="text").metadata
    assert table["paid"].tolist() == [True, False]
    assert table["open"].dropna().tolist() == [True] and table["open"].isna().tolist() == [False, True]
    assert table["other"].tolist() == ["true", "False"]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (["0", "-7", "12"], [0, -7, 12]),
        (["1.50", "12.00", "3"], [1.5, 12.0, 3.0]),
        (["0.1", "1e-07", "-2.25"], [0.1, 1e-07, -2.25]),
        (["00501", "10001"], None),
        (["01.5", "2.5"], None),
        (["3.9", "3.10"], None),
        (["+49", "1"], None),
        (["-0", "1"], None),
        ([" 1", "2"], None),
        (["1e5", "2"], None),
        (["9007199254740993", ""], None),
        (["0.12345678901234567890", "1"], None),
    ],
    ids=lambda values: " ".join(map(str, values)) if values else "words",
)
def test_csv_metadata_is_never_altered(tmp_path: Path, written: list[str], numbers: list[float] | None) -> None:
    (tmp_path / "c.csv").write_text("text,n\n" + "".join(f"t,{value}\n" for value in written))
    column = read(tmp_path / "c.csv", text="text").metadata["n"]
    assert column.fillna("").tolist() == (written if numbers is None else numbers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,n\na,1\nb\n", "line 3 .* has 1 fields, the header has 2"),
        ("text,n\na,1,2\n", "line 2 .* has 3 fields, the header has 2"),
        ('text,n\n"a,1\n', "not well-formed"),
        ("text;n\na;1\n", "parted by semicolons"),
        ("text,text\na,b\n", "more than one column 'text'"),
    ],
    ids=["too few", "too many", "open quote", "semicolons", "repeated column"],
)
def test_malformed_csv(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "c.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "b"', r"line 3 .* is not JSON \(Expecting"),
        ('["b"]', "line 3 .* holds a list, not an object"),
        ('{"text": "b", "n": ' + "9" * 5000 + "}", r"line 3 .* whole number too long .*Write it as a string"),
        ('{"text": "b", "n": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 3 .* nested too deeply"),
        ('{"text": 5}', r"row 1 .* has 5 \(int\) as its 'text'"),
        ('{"text": "b", "id": 1.5}', "row 1 .* has the id 1.5"),
        ('{"text": "b", "id": null}', "row 1 .* has the id None"),
    ],
    ids=["open", "list", "digits", "depth", "text", "id", "no id"],
)
def test_malformed_jsonl(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": "a", "id": 0}\n\n' + line + "\n")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "c.jsonl", text="text", id="id")


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    row = {"text": "a\ud800b \U0001f600", "id": "\udfff", "title": "\ud800\ud800"}
    (tmp_path / "c.jsonl").write_text(json.dumps(row))
    corpus = read(tmp_path / "c.jsonl")
    assert (corpus.texts, corpus.ids) == (("a\ufffdb \U0001f600",), ("\ufffd",))
    assert corpus.metadata["title"].tolist() == ["\ufffd\ufffd"]


def test_jsonl_rows_may_differ_and_nested_values_stay_out_unless_asked_for(tmp_path: Path) -> None:
    rows = [{"text": "a", "tags": ["x"]}, {"text": "b", "year": 1999}, {"text": "c", "year": None}]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain = read(tmp_path / "c.jsonl").metadata
    assert list(plain.columns) == ["year"]
    assert plain["year"].isna().tolist() == [True, False, True]
    assert read(tmp_path / "c.jsonl", metadata=["tags"]).metadata["tags"].tolist() == [["x"], None, None]


@pytest.mark.parametrize("part", [0.2, 0.6, 0.99])
def test_truncated_parquet(tmp_path: Path, part: float) -> None:
    path = tmp_path / "c.parquet"
    write(path, [f"text {n}" for n in range(1000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match="cannot be read as Parquet: truncated"):
        read(path)


def test_parquet_of_numbers_has_no_texts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "c.parquet")
    with pytest.raises(InputError, match=r"row 0 .* has 1 \(int\) as its 'text'"):
        read(tmp_path / "c.parquet")


def test_parquet_vectors_beside_the_texts_are_not_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "v": [[1.0, 2.0]], "n": [1]}), tmp_path / "c.parquet")
    assert list(read(tmp_path / "c.parquet").metadata.columns) == ["n"]


def test_plain_text_is_a_document_a_line(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("first\n\n  third \r\n")
    corpus = read(tmp_path / "c.txt")
    assert (corpus.ids, corpus.texts) == (("0", "2"), ("first", "third"))
    assert corpus.metadata["line"].tolist() == [1, 3]
    with pytest.raises(InputError, match="no column 'body'"):
        read(tmp_path / "c.txt", text="body")


def test_a_folder_of_plain_text_is_a_document_a_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_text("line one\nline two\n")
    (tmp_path / "deep" / "a.txt").write_text("äöü", encoding="utf-8")
    corpus = read(tmp_path)
    assert dict(zip(corpus.ids, corpus.texts, strict=True)) == {"b": "line one\nline two", "deep/a": "äöü"}
    assert corpus.metadata["file"].tolist() == ["b.txt", "deep/a.txt"]


def test_a_folder_with_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.txt files and no corpus\.jsonl"):
        read(tmp_path)
