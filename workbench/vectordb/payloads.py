"""Metadata of a corpus as the plain JSON values that an engine stores, each column of one type."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InputError
from workbench.records import Corpus
from workbench.vectordb.records import FieldType

__all__ = ["ID", "TEXT", "column_types", "payloads", "point_key", "widened"]

ID = "_id"
TEXT = "_text"
_RESERVED = {ID, TEXT, "and", "or", "not"}
_SPACE = uuid.UUID("6f2a4c1e-8f0b-5d43-9a57-0c1f6d1f3a52")  # of our ids: the same id is the same point everywhere
_WHOLE_FLOATS = 2**63


def point_key(id: str) -> str:
    """The UUID under which an engine keeps the point of an id (RFC 9562, version 5)."""
    try:
        return str(uuid.uuid5(_SPACE, id))
    except UnicodeEncodeError as error:
        raise InputError(f"the id {id!r} is no Unicode text", "Decode the file with its right encoding.") from error


def column_types(corpus: Corpus) -> dict[str, FieldType]:
    """Type of every metadata column that has a value at all, by its values.

    Raises
    ------
    InputError
        A column's name is one that filters or the collection use, or its values are of several types or of none that
        can be filtered by.
    """
    types: dict[str, FieldType] = {}
    for column in corpus.metadata.columns:
        _check_name(column)
        kinds = {_kind(column, value) for value in _values(corpus.metadata[column])}
        if kinds == {"integer", "float"}:
            kinds = {"float"}
        if len(kinds) > 1:
            raise InputError(
                f"the metadata column {column!r} mixes {' and '.join(sorted(kinds))}", "Give every row the same type."
            )
        if kinds:
            types[str(column)] = kinds.pop()
    return types


def _check_name(column: object) -> None:
    if not isinstance(column, str) or not column or '"' in column or "\\" in column or column in _RESERVED:
        raise InputError(
            f"a metadata column cannot be called {column!r} in a collection",
            f"Rename it to a string without quotes and backslashes, other than {', '.join(sorted(_RESERVED))}.",
        )


def _values(cells: "pd.Series[Any]") -> list[Any]:
    """Entries of a column as Python's own objects, without the missing ones and with lists opened."""
    found: list[Any] = []
    for cell in cells:
        plain = _plain(cell)
        found.extend(plain if isinstance(plain, list) else [] if plain is None else [plain])
    return found


def _plain(cell: object) -> Any:
    """A cell as Python's own object; None where it is missing."""
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        entries = sorted(cell) if isinstance(cell, set | frozenset) else cell
        return [plain for plain in map(_plain, entries) if plain is not None]
    if isinstance(cell, np.generic):
        cell = cell.item()
    return None if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell else cell


def _kind(column: object, value: object) -> FieldType:
    """The type that one value has of itself."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "keyword"
    if isinstance(value, date):
        return "datetime"
    raise InputError(
        f"the metadata column {column!r} holds {value!r} of type {type(value).__name__}",
        "Keep strings, numbers, True and False, dates, or lists of them.",
    )


def widened(
    known: Mapping[str, FieldType], indexed: Mapping[str, FieldType], new: Mapping[str, FieldType]
) -> dict[str, FieldType]:
    """Types of all columns after ``new`` ones come in.

    Raises
    ------
    InputError
        A column holds another type than before, or than its index.
    """
    types = dict(known)
    for name, kind in new.items():
        before = types.get(name, kind)
        if before == kind or (before, kind) in {("float", "integer"), ("text", "keyword"), ("datetime", "keyword")}:
            types.setdefault(name, kind)  # strings for a time are read as times, or refused, when they are stored
        elif (before, kind) == ("integer", "float") and name not in indexed:
            types[name] = "float"
        else:
            raise InputError(
                f"the metadata column {name!r} holds {kind} and the collection has {before} there",
                f"Convert the column to {before}, or create the collection anew.",
            )
    return types


def payloads(corpus: Corpus, rows: Sequence[int], types: Mapping[str, FieldType]) -> list[dict[str, Any]]:
    """What is stored with the points of some rows: id, text, and each value that is not missing.

    Raises
    ------
    InputError
        A time that is none, a number beyond 64 bits or infinite, or text that is no Unicode.
    """
    columns = {str(name): corpus.metadata[name] for name in corpus.metadata.columns if str(name) in types}
    stored = []
    for row in rows:
        payload: dict[str, Any] = {ID: _unicode("id", corpus.ids[row]), TEXT: _unicode("text", corpus.texts[row])}
        for name, cells in columns.items():
            plain = _plain(cells.iloc[row])
            if isinstance(plain, list):
                payload[name] = [_json(name, types[name], entry) for entry in plain]
            elif plain is not None:
                payload[name] = _json(name, types[name], plain)
        stored.append(payload)
    return stored


def _json(name: str, kind: FieldType, value: Any) -> Any:
    """A value as JSON has it, in the form that its type is filtered by."""
    if kind == "datetime":
        return _iso(name, value)
    if kind in ("integer", "float"):
        if not abs(value) < _WHOLE_FLOATS and (kind == "integer" or abs(value) == float("inf")):
            raise InputError(f"the number {value!r} in {name!r} cannot be stored", "Stay within 64 bits.")
        return int(value) if kind == "integer" else float(value)
    return _unicode(name, value) if isinstance(value, str) else value


def _unicode(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{value!r} in {name!r} is no Unicode text", "Decode the file with its right encoding."
        ) from error
    return value


def _iso(name: str, value: Any) -> str:
    """A time in ISO 8601; one that names no zone is in UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise InputError(
            f"the field {name!r} is a time, and {value!r} is none", "Write it like 2024-05-31T18:00:00Z."
        ) from error
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return str(moment.isoformat())
