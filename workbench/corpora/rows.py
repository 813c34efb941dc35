"""Rows, one dictionary at a time, to a Corpus: the one place that checks ids and texts."""

import itertools
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.corpora.opening import wrong_column
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["EmptyTextWarning", "Row", "corpus_from_rows"]

Row = Mapping[str, Any]
_ID_COLUMNS = ("id", "_id")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_OWN_ID = "Give every row its own id, or name another column; without a column 'id' or '_id', rows are numbered."


class EmptyTextWarning(UserWarning):
    """Some rows had no text and were left out."""


def corpus_from_rows(
    rows: Iterable[Row],
    *,
    source: object,
    name: str,
    text: str | None = None,
    id: str | None = None,
    metadata: Sequence[str] | None = None,
    limit: int | None = None,
) -> Corpus:
    """Read rows as they come and keep what was asked for.

    Parameters
    ----------
    rows
        One mapping of column to value for each row.
    source
        Where they come from, for messages.
    name
        Name of the corpus.
    text
        Column of the texts; None for ``"text"``, or the only column of strings, ids aside, that the first row has.
    id
        Column of the ids (strings or integers); None for ``"id"`` or ``"_id"`` where there is one, else rows are
        numbered from 0.
    metadata
        Columns to keep beside the texts; None for all others but those that hold lists or mappings.
    limit
        Read the first rows only, at most so many.

    Raises
    ------
    InputError
        No rows, a column that is not there, an id that is missing or occurs twice, a text that is not a string, no
        text in any row.

    Warns
    -----
    EmptyTextWarning
        Some rows have no text (missing, or white space only); they are left out, the others keep their numbers.

    Notes
    -----
    A lone surrogate (half of a pair, such as U+D800: JSON may hold it, UTF-8 may not) becomes U+FFFD, the replacement
    character, in texts, ids and other strings: whatever is kept can be encoded.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}", "Read at least one row, or leave limit out to read all.")
    stream = map(_encodable, itertools.islice(rows, limit))
    first = next(stream, None)
    if first is None:
        raise InputError(f"{str(source)!r} is empty: it has no rows", "Name a file that has at least one row.")
    if id is not None and id not in first:
        raise wrong_column(id, first, source)
    column_of_texts = _text_column(first, source) if text is None else text
    if id is None:
        id = next((column for column in _ID_COLUMNS if column in first and column != column_of_texts), None)
    ids: dict[str, int] = {}
    texts: list[str] = []
    kept: dict[str, list[Any]] = {}
    seen: set[str] = set()
    left_out: list[int] = []
    for number, row in enumerate(itertools.chain([first], stream)):
        seen.update(row)
        value = row.get(column_of_texts)
        if value is not None and not isinstance(value, str):
            raise InputError(
                f"row {number:,} of {str(source)!r} has {value!r} ({type(value).__name__}) as its {column_of_texts!r}",
                "Name a column of strings.",
            )
        if not value or value.isspace():
            left_out.append(number)
            continue
        _add_id(ids, number, str(number) if id is None else row.get(id), source)
        for column in row.keys() - kept.keys() if metadata is None else set(metadata) - kept.keys():
            kept[column] = [None] * len(texts)
        texts.append(value)
        for column, values in kept.items():
            values.append(row.get(column))
    for column in (column_of_texts, *(metadata or ())):
        if column not in seen:
            raise wrong_column(column, sorted(seen), source)
    _tell_left_out(left_out, len(texts), column_of_texts, source)
    if metadata is None:
        order = [c for c in first if c in kept] + sorted(kept.keys() - first.keys())
        columns = [c for c in order if c not in (column_of_texts, id) and not _is_nested(kept[c])]
    else:
        columns = list(metadata)
    table = pd.DataFrame({column: kept[column] for column in columns}, index=range(len(texts)))
    return Corpus(tuple(ids), tuple(texts), table, name)


def _encodable(row: Row) -> Row:
    """The row with U+FFFD for every lone surrogate in its strings."""
    return {column: _without_surrogates(v) if isinstance(v, str) else v for column, v in row.items()}


def _without_surrogates(text: str) -> str:
    try:
        text.encode()  # many times faster than a search for surrogates, of which there are hardly ever any
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text


def _text_column(first: Row, source: object) -> str:
    strings = [column for column, value in first.items() if isinstance(value, str) and column not in _ID_COLUMNS]
    if "text" in first:
        return "text"
    if len(strings) != 1:
        listed = ", ".join(map(repr, first))
        raise InputError(f"which column of {str(source)!r} holds the texts is not clear", f"Name it, one of: {listed}.")
    return strings[0]


def _add_id(ids: dict[str, int], number: int, value: Any, source: object) -> None:
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        raise InputError(
            f"row {number:,} of {str(source)!r} has the id {value!r}",
            _OWN_ID,
        )
    if (before := ids.setdefault(str(value), number)) != number:
        raise InputError(
            f"the id {str(value)!r} is in row {before:,} and again in row {number:,} of {str(source)!r}",
            _OWN_ID,
        )


def _tell_left_out(left_out: list[int], kept: int, text: str, source: object) -> None:
    if not left_out:
        return
    if not kept:
        raise InputError(
            f"all {len(left_out):,} texts in {text!r} of {str(source)!r} are empty", "Name the column that holds text."
        )
    warnings.warn(
        f"{len(left_out):,} of {len(left_out) + kept:,} rows of {str(source)!r} have no text in {text!r} and were left "
        f"out (the first is row {left_out[0]:,})",
        EmptyTextWarning,
        stacklevel=4,
    )


def _is_nested(values: list[Any]) -> bool:
    return any(isinstance(value, (list, dict)) for value in values)
