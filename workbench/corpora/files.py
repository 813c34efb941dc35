"""Texts from a person's own files: CSV, TSV, JSONL, Parquet, plain text, a folder."""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from workbench.corpora.beir import is_beir, read_beir
from workbench.corpora.json_lines import json_lines
from workbench.corpora.opening import existing, utf8_lines, wrong_column
from workbench.corpora.rows import Row, corpus_from_rows
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["read"]

_TRUTH = {"True": True, "False": False}  # as Python writes them; of other spellings nothing is known


def read(
    path: str | Path,
    text: str | None = None,
    id: str | None = None,
    metadata: Sequence[str] | None = None,
    name: str | None = None,
    limit: int | None = None,
) -> Corpus:
    """A corpus from a file or a folder.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.jsonl`` (``.ndjson``) or ``.parquet``; ``.txt`` or ``.log`` (a document a line); a
        folder in BEIR's layout; or a folder of ``.txt`` files (a document a file). Text files are UTF-8.
    text
        Column of the texts. None: the column ``text``, or the only column of strings.
    id
        Column of the ids, one for each row. None: ``"id"`` or ``"_id"`` where there is one, else rows are numbered
        from 0.
    metadata
        Columns to keep. None: all others, but for those that hold lists or mappings.
    name
        Name of the corpus; None for the file's.
    limit
        Read the first rows only, at most so many.

    Returns
    -------
    Corpus
        Rows in the file's order. Those without text are left out, with a warning that counts them. A CSV's column
        becomes numbers where all of it can be written back as it was: ``00501`` stays a string.

    Raises
    ------
    InputError
        A missing or empty file, a column that is not there, a repeated id, a text that is not a string, bytes that
        are not UTF-8, a line that is not JSON, a truncated Parquet file, texts that are all empty.

    Notes
    -----
    Rows are read one at a time; only what is kept is in memory, once.
    """
    found = existing(path)
    name = name or found.stem
    if found.is_dir():
        if is_beir(found):
            return read_beir(found, name=name, limit=limit)
        return _plain(_folder_rows(found), found, name, text, id, metadata, limit)
    kind = found.suffix.lower()
    if kind in (".txt", ".log"):
        return _plain(_text_rows(found), found, name, text, id, metadata, limit)
    if kind in (".csv", ".tsv"):
        return _typed(
            corpus_from_rows(
                _table_rows(found, text), source=found, name=name, text=text, id=id, metadata=metadata, limit=limit
            )
        )
    if kind in (".jsonl", ".ndjson"):
        rows: Iterator[Row] = json_lines(found)
    elif kind in (".parquet", ".pq"):
        rows = _parquet_rows(found, [c for c in (text, id, *(metadata or ())) if c is not None], metadata is None)
    else:
        raise InputError(
            f"{found.name!r} is of no kind that can be read as texts",
            "Use .csv, .tsv, .jsonl, .parquet, .txt, .log, a folder of .txt files, or a folder in BEIR's layout.",
        )
    return corpus_from_rows(rows, source=found, name=name, text=text, id=id, metadata=metadata, limit=limit)


def _table_rows(path: Path, text: str | None) -> Iterator[Row]:
    """Rows of a CSV or TSV file, all values strings, empty fields None."""
    csv.field_size_limit(sys.maxsize)
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(utf8_lines(path), delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        if len(header) == 1 and ";" in header[0]:
            raise InputError(
                f"{str(path)!r} has one column, {header[0]!r}: its fields seem to be parted by semicolons",
                "Save it with commas, or with tabs as .tsv.",
            )
        repeated = next((column for column in header if header.count(column) > 1), None)
        if repeated is not None:
            raise InputError(f"{str(path)!r} has more than one column {repeated!r}", "Give every column its own name.")
        if text is not None and text not in header:
            raise wrong_column(text, header, path)
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"line {reader.line_num:,} of {str(path)!r} has {len(fields)} fields, the header has {len(header)}",
                    "Quote fields that hold the separator or a line end.",
                )
            yield {column: value or None for column, value in zip(header, fields, strict=True)}
    except csv.Error as error:
        raise InputError(
            f"line {reader.line_num:,} of {str(path)!r} is not well-formed ({error})", "Close every quotation mark."
        ) from error


def _typed(corpus: Corpus) -> Corpus:
    """The corpus of a CSV file with those metadata columns as numbers or truth values that lose nothing by it."""
    table = corpus.metadata.copy(deep=False)
    for column in table.columns:
        words = table[column].dropna()
        if len(words) and words.isin(list(_TRUTH)).all():
            table[column] = table[column].map(_TRUTH)
            continue
        try:
            numbers = pd.to_numeric(table[column])
        except (ValueError, TypeError):
            continue  # a column of words stays one
        there = table[column].notna()
        if _are_written_so(numbers[there].tolist(), table[column][there].tolist()):
            table[column] = numbers
    return Corpus(corpus.ids, corpus.texts, table, corpus.name)


def _are_written_so(numbers: list[float], texts: list[str]) -> bool:
    """Whether the numbers can be written back as the texts: no zeros in front, no sign lost, no digit beyond float64.

    Zeros at the end are those of a column with a fixed count of decimals (``1.50``, ``12.00``), not of versions
    (``3.9``, ``3.10``).
    """
    decimals = {len(text.partition(".")[2]) for text in texts if "." in text}
    places = decimals.pop() if len(decimals) == 1 else 0
    return all(
        text in (repr(number), f"{number:.0f}", f"{number:.{places}f}")
        for number, text in zip(numbers, texts, strict=True)
    )


def _parquet_rows(path: Path, wanted: list[str], everything: bool) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, memory_map=True)
        columns = file.schema_arrow.names
        for column in wanted:
            if column not in columns:
                raise wrong_column(column, columns, path)
        flat = [f.name for f in file.schema_arrow if not pyarrow.types.is_nested(f.type)]
        for batch in file.iter_batches(1024, columns=[*dict.fromkeys([*wanted, *flat])] if everything else wanted):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read as Parquet: truncated, or another format ({str(error).splitlines()[0]})",
            "Copy or write the file again.",
        ) from error


def _plain(
    rows: Iterator[Row],
    source: Path,
    name: str,
    text: str | None,
    id: str | None,
    metadata: Sequence[str] | None,
    limit: int | None,
) -> Corpus:
    """A corpus of plain text, whose only columns are those that the workbench gives it."""
    known = ["text", "id", "line", "file"]
    for column in [c for c in (text, id, *(metadata or ())) if c is not None and c not in known]:
        raise wrong_column(column, known, source)
    return corpus_from_rows(rows, source=source, name=name, text="text", id="id", metadata=metadata, limit=limit)


def _text_rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(utf8_lines(path)):
        if not line.isspace():
            yield {"id": str(number), "text": line.strip(), "line": number + 1}


def _folder_rows(folder: Path) -> Iterator[Row]:
    paths = sorted(folder.rglob("*.txt"))
    if not paths:
        raise InputError(
            f"the folder {str(folder)!r} holds no .txt files and no corpus.jsonl",
            "Name a file, a folder of .txt files, or a folder in BEIR's layout.",
        )
    for path in paths:
        relative = path.relative_to(folder).as_posix()
        yield {"id": relative.removesuffix(".txt"), "text": "".join(utf8_lines(path)).strip(), "file": relative}
