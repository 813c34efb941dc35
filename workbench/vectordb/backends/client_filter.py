"""Conditions as a Qdrant server takes them."""

from datetime import datetime
from typing import Any

from qdrant_client import models

from workbench.vectordb.filters import AllOf, AnyOf, Condition, Missing, NoneOf, OneOf, Range, Words

__all__ = ["client_filter", "field_path"]


def field_path(name: str) -> str:
    """A field's name as one step of a JSON path, so that dots and blanks in it are part of the name."""
    return f'"{name}"'


def client_filter(condition: Condition | None) -> models.Filter | None:
    """The server's filter; a single condition is one that must hold."""
    return None if condition is None else _filter(condition)


def _filter(condition: Condition) -> models.Filter:
    if isinstance(condition, AllOf):
        return models.Filter(must=[_filter(part) for part in condition.parts])
    if isinstance(condition, AnyOf):
        return models.Filter(should=[_filter(part) for part in condition.parts])
    if isinstance(condition, NoneOf):
        return models.Filter(must_not=[_filter(part) for part in condition.parts])
    return _leaf(condition)


def _leaf(condition: OneOf | Range | Words | Missing) -> models.Filter:
    if isinstance(condition, Missing):
        empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=field_path(condition.field)))
        return models.Filter(must=[empty])
    if isinstance(condition, Words):
        return models.Filter(must=[_field(condition.field, match=models.MatchText(text=condition.words))])
    if isinstance(condition, Range):
        return models.Filter(must=[_range(condition.field, dict(condition.bounds))])
    return _one_of(condition)


def _one_of(condition: OneOf) -> models.Filter:
    """Equality: by value for strings, whole numbers and truth values, by a range of one point for the others."""
    name, values = condition.field, condition.values
    if condition.kind == "integer":
        values = tuple(int(value) for value in values if isinstance(value, int | float) and value == int(value))
    if not values:
        return models.Filter(must=[models.HasIdCondition(has_id=[])])  # none of no values
    if condition.kind in ("float", "datetime"):
        return models.Filter(should=[_range(name, {"gte": value, "lte": value}) for value in values])
    if condition.kind == "bool":
        return models.Filter(should=[_field(name, match=models.MatchValue(value=bool(value))) for value in values])
    if len(values) == 1:
        return models.Filter(must=[_field(name, match=models.MatchValue(value=values[0]))])  # type: ignore[arg-type]
    return models.Filter(must=[_field(name, match=models.MatchAny(any=list(values)))])  # type: ignore[arg-type]


def _range(name: str, bounds: dict[Any, Any]) -> models.FieldCondition:
    if any(isinstance(value, datetime) for value in bounds.values()):
        return _field(name, range=models.DatetimeRange(**bounds))
    return _field(name, range=models.Range(**{sign: float(value) for sign, value in bounds.items()}))


def _field(name: str, **asked: Any) -> models.FieldCondition:
    return models.FieldCondition(key=field_path(name), **asked)
