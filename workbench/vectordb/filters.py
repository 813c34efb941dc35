"""Filters as plain Python, checked against a collection's fields, for an engine to evaluate."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from numbers import Integral, Real
from typing import Any, Literal

from workbench.errors import InputError
from workbench.vectordb.records import FieldType

__all__ = [
    "AllOf",
    "AnyOf",
    "Condition",
    "Missing",
    "NoneOf",
    "OneOf",
    "Range",
    "Scalar",
    "Where",
    "Words",
    "check_where",
    "describe",
    "parse_where",
]

Where = Mapping[str, Any]
Scalar = str | int | float | bool | datetime
Bound = Literal["gt", "gte", "lt", "lte"]
_SIGNS: dict[Bound, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_EXACT = 2**53  # an engine compares a range in float64


@dataclass(frozen=True)
class OneOf:
    """The field has one of these values; where it holds a list, one of its entries is among them."""

    field: str
    kind: FieldType
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Range:
    """The field's number or time lies within all bounds."""

    field: str
    kind: FieldType
    bounds: tuple[tuple[Bound, Scalar], ...]


@dataclass(frozen=True)
class Words:
    """Every word occurs in the field, which has a ``text`` index."""

    field: str
    words: str


@dataclass(frozen=True)
class Missing:
    """The field has no value."""

    field: str


@dataclass(frozen=True)
class AllOf:
    """Every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class NoneOf:
    """No part holds."""

    parts: tuple["Condition", ...]


Condition = OneOf | Range | Words | Missing | AllOf | AnyOf | NoneOf


def check_where(where: Where | None, columns: Mapping[str, FieldType]) -> Condition | None:
    """The tree of conditions that a filter means; nothing in it is evaluated here.

    Parameters
    ----------
    where
        ``{"source": "billing_docs"}`` equal; ``{"source": ["a", "b"]}`` any of; ``{"price": {"gte": 10, "lt": 200}}``
        a range of numbers or times; ``{"body": {"text": "late parcel"}}`` every word, where a ``text`` index is;
        ``{"source": None}`` no value. Several keys must all hold. ``{"not": {...}}``, ``{"and": [...]}`` and
        ``{"or": [...]}`` nest. None or an empty mapping lets everything pass.
    columns
        Type of every field.

    Raises
    ------
    InputError
        A field that is not there, a value of another type than the field's, or a filter that is not built like this.
    """
    if where is None:
        return None
    if not isinstance(where, Mapping):
        raise InputError(f"the filter {where!r} is no mapping", "Write it like {'source': 'billing_docs'}.")
    return _all(where, columns) if where else None


def _all(where: object, columns: Mapping[str, FieldType]) -> Condition:
    """Every key of one mapping."""
    if not isinstance(where, Mapping) or not where:
        raise InputError(
            f"{where!r} stands where a filter should", "Write a mapping with a field, like {'source': 'billing_docs'}."
        )
    parts = tuple(_part(key, value, columns) for key, value in where.items())
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _part(key: object, value: object, columns: Mapping[str, FieldType]) -> Condition:
    """One key of a mapping: logic or a field."""
    if key == "not":
        return NoneOf((_all(value, columns),))
    if key in ("and", "or"):
        if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
            raise InputError(
                f"{key!r} is followed by {value!r}", f"Give it a list of filters: {{{key!r}: [{{...}}, {{...}}]}}."
            )
        parts = tuple(_all(entry, columns) for entry in value)
        return AllOf(parts) if key == "and" else AnyOf(parts)
    return _field(_known(key, columns), value, columns)


def _known(name: object, columns: Mapping[str, FieldType]) -> str:
    """The field's name, or a refusal that names the nearest one."""
    if isinstance(name, str) and name in columns:
        return name
    near = difflib.get_close_matches(str(name), columns, n=1, cutoff=0.5)
    there = f"there are {', '.join(sorted(columns))}" if columns else "the collection has no metadata"
    raise InputError(
        f"there is no field {name!r} to filter by", f"Did you mean {near[0]!r}?" if near else f"Look again: {there}."
    )


def _field(name: str, value: object, columns: Mapping[str, FieldType]) -> Condition:
    """What is asked of one field."""
    kind = columns[name]
    if value is None:
        return Missing(name)
    if isinstance(value, Mapping):
        return _operators(name, kind, value)
    if isinstance(value, list | tuple | set | frozenset):
        return OneOf(name, kind, tuple(_typed(name, kind, entry) for entry in value))
    return OneOf(name, kind, (_typed(name, kind, value),))


def _operators(name: str, kind: FieldType, value: Mapping[Any, Any]) -> Condition:
    """A range, or words."""
    if set(value) == {"text"}:
        if kind != "text":
            raise InputError(
                f"the field {name!r} is of type {kind}, its words are not indexed",
                f"Create the collection with fields={{{name!r}: 'text'}}.",
            )
        words = value["text"]
        if not isinstance(words, str) or not words.strip():
            raise InputError(f"{words!r} holds no word to look for in {name!r}", "Give a string with words.")
        return Words(name, words)
    unknown = [key for key in value if key not in _SIGNS]
    if unknown or not value:
        raise InputError(
            f"{name!r} is followed by {value!r}", "A range has gt, gte, lt or lte; words to be found have text."
        )
    if kind not in ("integer", "float", "datetime"):
        raise InputError(
            f"the field {name!r} is of type {kind} and has no order", "Ask for a value, or for a list of values."
        )
    bounds = tuple((key, _typed(name, kind, value[key])) for key in _SIGNS if key in value)
    for _, bound in bounds:
        if isinstance(bound, int) and abs(bound) > _EXACT:
            raise InputError(f"the bound {bound} for {name!r} is too large for a range", "Stay within 2**53.")
    return Range(name, kind, bounds)


def _typed(name: str, kind: FieldType, value: object) -> Scalar:
    """The value as the field's type has it."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # a number of NumPy
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind in ("integer", "float") and isinstance(value, Real) and not isinstance(value, bool) and value == value:
        number = int(value) if isinstance(value, Integral) else float(value)
        if abs(number) >= 2**63:
            raise InputError(f"the number {value!r} for {name!r} is too large", "Stay within 64 bits.")
        return number
    if kind in ("keyword", "text") and isinstance(value, str):
        if not value.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InputError(f"{value!r} for {name!r} is no Unicode text", "Write it in the file's encoding.")
        return value
    if kind == "datetime":
        return _moment(name, value)
    wanted = {"keyword": "a string", "text": "a string", "bool": "True or False"}.get(kind, "a number")
    raise InputError(
        f"the field {name!r} is of type {kind}, and {value!r} is {type(value).__name__}", f"Compare it with {wanted}."
    )


def _moment(name: str, value: object) -> datetime:
    """A time with its zone; one that names none is in UTC, as Qdrant reads it."""
    moment: datetime | None = None
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if moment is None or moment != moment:
        raise InputError(
            f"the field {name!r} is a time, and {value!r} is none", "Write it like 2024-05-31 or 2024-05-31T18:00:00Z."
        )
    if isinstance(moment, datetime) and hasattr(moment, "to_pydatetime"):
        moment = moment.to_pydatetime(warn=False)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def describe(where: Where | None) -> str:
    """A filter in words, for a title or a read-out: plain text, never markup."""
    if not where:
        return "no filter"
    return _words_of(where)


def _words_of(where: Mapping[Any, Any]) -> str:
    return " and ".join(_word(key, value) for key, value in where.items())


def _word(key: object, value: Any) -> str:
    if key == "not":
        return f"not ({_words_of(value)})"
    if key in ("and", "or"):
        return "(" + f" {key} ".join(_words_of(part) for part in value) + ")"
    if value is None:
        return f"{key} is missing"
    if isinstance(value, Mapping):
        if "text" in value:
            return f"{key} has the words {value['text']!r}"
        return " and ".join(f"{key} {_SIGNS.get(sign, sign)} {bound}" for sign, bound in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return f"{key} is one of {', '.join(map(str, value))}"
    return f"{key} is {value}"


def parse_where(expressions: Sequence[str], columns: Mapping[str, FieldType] | None = None) -> dict[str, Any]:
    """The filter that a command line's ``--where`` means; several must all hold.

    Parameters
    ----------
    expressions
        ``source=billing_docs``, ``source=a,b`` for any of, ``audience!=staff``, ``price<200``, ``price>=10``, and
        ``source=`` for no value. A value in double quotes is taken as it is, commas too.
    columns
        Type of every field; where it is known a value is read as that type, else as a number where it is one.

    Raises
    ------
    InputError
        An expression without a sign, or a value that is not of its field's type.
    """
    parts = [_expression(text, columns or {}) for text in expressions]
    return {} if not parts else parts[0] if len(parts) == 1 else {"and": parts}


def _expression(text: str, columns: Mapping[str, FieldType]) -> dict[str, Any]:
    place = min((at for at in map(text.find, "<>=!") if at > 0), default=-1)
    sign = next((sign for sign in ("!=", "<=", ">=", "<", ">", "=") if place > 0 and text.startswith(sign, place)), "")
    name, rest = text[:place].strip(), text[place + len(sign) :].strip()
    if not sign or not name:
        raise InputError(
            f"the filter {text!r} compares nothing", "Write it like source=billing_docs, price<200 or audience!=staff."
        )
    kind = columns.get(name)
    if sign in ("=", "!="):
        quoted = len(rest) > 1 and rest[0] == rest[-1] == '"'
        values = [rest[1:-1]] if quoted else [part.strip() for part in rest.split(",")] if rest else [None]
        read = [value if quoted or value is None else _read(name, value, kind) for value in values]
        equal = {name: read[0] if len(read) == 1 else read}
        return {"not": equal} if sign == "!=" else equal
    if not rest:
        raise InputError(f"the filter {text!r} has no value after {sign}", "Write it like price<200.")
    bound = next(key for key, shown in _SIGNS.items() if shown == sign)
    return {name: {bound: _read(name, rest, kind)}}


def _read(name: str, value: str, kind: FieldType | None) -> Scalar:
    """A word of the command line as its field's type."""
    if kind in ("keyword", "text", "datetime"):
        return value
    if kind in (None, "bool") and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in (None, "integer", "float"):
        for number in (int, float):
            try:
                return number(value)
            except ValueError:
                continue
    if kind is None:
        return value
    wanted = "true or false" if kind == "bool" else "a number"
    raise InputError(f"the field {name!r} is of type {kind}, and {value!r} is not", f"Compare it with {wanted}.")
