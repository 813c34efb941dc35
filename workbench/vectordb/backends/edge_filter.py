"""Conditions as Qdrant's embedded engine takes them."""

from datetime import datetime
from typing import Any

import qdrant_edge as edge

from workbench.vectordb.filters import AllOf, AnyOf, Condition, Missing, NoneOf, OneOf, Range, Words

__all__ = ["edge_filter", "json_path"]


def json_path(name: str) -> str:
    """A field's name as one step of a JSON path, so that dots and blanks in it are part of the name."""
    return f'"{name}"'


def edge_filter(condition: Condition | None) -> edge.Filter | None:
    """The engine's filter; a single condition is one that must hold."""
    return None if condition is None else _filter(condition)


def _filter(condition: Condition) -> edge.Filter:
    if isinstance(condition, AllOf):
        return edge.Filter(must=[_filter(part) for part in condition.parts])
    if isinstance(condition, AnyOf):
        return edge.Filter(should=[_filter(part) for part in condition.parts])
    if isinstance(condition, NoneOf):
        return edge.Filter(must_not=[_filter(part) for part in condition.parts])
    return _leaf(condition)


def _leaf(condition: OneOf | Range | Words | Missing) -> edge.Filter:
    if isinstance(condition, Missing):
        return edge.Filter(must=[edge.IsEmptyCondition(json_path(condition.field))])
    if isinstance(condition, Words):
        return edge.Filter(must=[_field(condition.field, match=edge.MatchText(condition.words))])
    if isinstance(condition, Range):
        return edge.Filter(must=[_range(condition.field, dict(condition.bounds))])
    return _one_of(condition)


def _one_of(condition: OneOf) -> edge.Filter:
    """Equality: by value for strings and whole numbers, by a range of one point for the others."""
    name, values = condition.field, condition.values
    if condition.kind in ("float", "datetime") and values:
        return edge.Filter(should=[_range(name, {"gte": value, "lte": value}) for value in values])
    if condition.kind == "integer":
        values = tuple(int(value) for value in values if isinstance(value, int | float) and value == int(value))
    elif condition.kind == "bool":
        values = tuple(int(bool(value)) for value in values)  # as they are stored, see the engine
    if len(values) == 1:
        return edge.Filter(must=[_field(name, match=edge.MatchValue(values[0]))])  # type: ignore[arg-type]
    return edge.Filter(must=[_field(name, match=edge.MatchAny(list(values)))])  # type: ignore[arg-type]


def _range(name: str, bounds: dict[Any, Any]) -> edge.FieldCondition:
    if any(isinstance(value, datetime) for value in bounds.values()):
        return _field(name, range=edge.RangeDateTime(**{sign: value.isoformat() for sign, value in bounds.items()}))
    return _field(name, range=edge.RangeFloat(**{sign: float(value) for sign, value in bounds.items()}))


def _field(name: str, **asked: Any) -> edge.FieldCondition:
    return edge.FieldCondition(json_path(name), **asked)
