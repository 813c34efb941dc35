"""The engine's answer to a filter is that of a slow obvious evaluation in Python."""

import operator
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectordb.places import Places, filled, gaussian, is_engine
from workbench.vectordb import Collection

N = 120
CORPUS = filled(N)
VECTORS = gaussian(N)
NAMES = list(CORPUS.metadata.columns)


@pytest.fixture(scope="module", params=["indexed", "not indexed"])
def collection(fresh: Places, request: pytest.FixtureRequest) -> Iterator[Collection]:
    fields = None if request.param == "indexed" else {}
    place = fresh()
    if fields is None and not is_engine(place):
        pytest.skip("the imitation has no indexes")
    with Collection.from_corpus(place, CORPUS, VECTORS, fields=fields, progress=False) as made:
        yield made


numbers = st.one_of(st.integers(-6, 6), st.integers(-9, 9).map(lambda quarter: quarter / 4))
times = st.integers(0, 14).map(lambda half: datetime(2024, 2, 27, tzinfo=UTC) + timedelta(hours=12 * half))
VALUES = {
    "source": st.sampled_from(["billing_docs", "shipping", "Käse & <b>", "with blank", "elsewhere"]),
    "price": numbers,
    "stock": numbers,
    "open": st.booleans(),
    "day. 1": st.one_of(times, times.map(datetime.isoformat)),
    "tags": st.sampled_from(["a", "b", "c", "d"]),
}


def field_filters(name: str) -> st.SearchStrategy[dict[str, Any]]:
    values = VALUES[name]
    asked = [values, st.none(), st.lists(values, max_size=3)]
    if name in ("price", "stock", "day. 1"):
        asked.append(st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), values, min_size=1))
    return st.one_of(asked).map(lambda value: {name: value})


leaves = st.sampled_from(NAMES).flatmap(field_filters)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda part: {"not": part}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        st.lists(leaves, min_size=2, max_size=3).map(lambda parts: {k: v for part in parts for k, v in part.items()}),
    ),
    max_leaves=8,
)


def passes(row: int, where: dict[str, Any]) -> bool:
    """The meaning of a filter, one row and one key at a time."""
    return all(_holds(row, key, value) for key, value in where.items())


def _holds(row: int, key: str, value: Any) -> bool:
    if key == "not":
        return not passes(row, value)
    if key == "and":
        return all(passes(row, part) for part in value)
    if key == "or":
        return any(passes(row, part) for part in value)
    cell = CORPUS.metadata[key][row]
    there = [] if cell is None or cell is pd.NA else cell if isinstance(cell, list) else [cell]
    if value is None:
        return not there
    if isinstance(value, dict):
        return any(all(_compare(entry, sign, bound) for sign, bound in value.items()) for entry in there)
    return any(_compare(entry, "eq", one) for entry in there for one in (value if isinstance(value, list) else [value]))


def _compare(cell: Any, sign: str, bound: Any) -> bool:
    if isinstance(cell, pd.Timestamp):
        cell = cell.tz_localize("UTC").to_pydatetime()
        bound = datetime.fromisoformat(bound) if isinstance(bound, str) else bound
    signs = {"eq": operator.eq, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
    return bool(signs[sign](cell, bound))


@settings(max_examples=60, deadline=None)
@given(where=filters)
def test_a_filter_lets_pass_what_it_says(collection: Collection, where: dict[str, Any]) -> None:
    expected = {CORPUS.ids[row] for row in range(N) if passes(row, where)}
    assert {match.id for match in collection.scroll(where)} == expected
    assert collection.count(where) == len(expected)
    assert {match.id for match in collection.query(VECTORS.array[0], N, where=where)} == expected
