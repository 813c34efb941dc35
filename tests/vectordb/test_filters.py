"""Filters: what they mean, what is refused, and how they are told."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.vectordb import FieldType, check_where, describe, parse_where
from workbench.vectordb.filters import AllOf, AnyOf, Missing, NoneOf, OneOf, Range, Words

COLUMNS = {
    "source": "keyword",
    "price": "float",
    "stock": "integer",
    "open": "bool",
    "sent": "datetime",
    "body": "text",
}


def test_plain_python_becomes_a_tree():
    assert check_where(None, COLUMNS) is None
    assert check_where({}, COLUMNS) is None
    billing = OneOf("source", "keyword", ("billing_docs",))
    cheap = Range("price", "float", (("gte", 10), ("lt", 200)))
    assert check_where({"source": "billing_docs"}, COLUMNS) == billing
    assert check_where({"source": "billing_docs", "price": {"lt": 200, "gte": 10}}, COLUMNS) == AllOf((billing, cheap))
    assert check_where({"or": [{"source": ["a", "b"]}, {"not": {"open": True}}]}, COLUMNS) == AnyOf(
        (OneOf("source", "keyword", ("a", "b")), NoneOf((OneOf("open", "bool", (True,)),)))
    )
    assert check_where({"stock": None}, COLUMNS) == Missing("stock")
    assert check_where({"body": {"text": "late parcel"}}, COLUMNS) == Words("body", "late parcel")
    assert check_where({"stock": np.int64(3)}, COLUMNS) == OneOf("stock", "integer", (3,))


@pytest.mark.parametrize(
    "moment",
    [
        date(2024, 5, 31),
        "2024-05-31",
        "2024-05-31T02:00:00+02:00",
        datetime(2024, 5, 31, tzinfo=UTC),
        pd.Timestamp("2024-05-31"),
        np.datetime64("2024-05-31T00:00:00", "us"),
    ],
)
def test_times_without_a_zone_are_in_utc(moment):
    assert check_where({"sent": {"gte": moment}}, COLUMNS) == Range(
        "sent", "datetime", (("gte", datetime(2024, 5, 31, tzinfo=UTC)),)
    )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"sorce": "a"}, "no field 'sorce' to filter by. Did you mean 'source'"),
        ({"zzz": 1}, "no field 'zzz' to filter by. Look again: there are body, open, price"),
        ({"price": "cheap"}, "'price' is of type float, and 'cheap' is str"),
        ({"price": {"lt": "9"}}, "'price' is of type float, and '9' is str"),
        ({"price": True}, "and True is bool"),
        ({"price": float("nan")}, "and nan is float"),
        ({"source": 3}, "'source' is of type keyword, and 3 is int. Compare it with a string"),
        ({"source": ["a", 3]}, "and 3 is int"),
        ({"open": "yes"}, "Compare it with True or False"),
        ({"open": 1}, "and 1 is int"),
        ({"open": {"lt": True}}, "type bool and has no order"),
        ({"source": {"gte": "a"}}, "type keyword and has no order"),
        ({"price": {"less": 3}}, "A range has gt, gte, lt or lte"),
        ({"price": {}}, "A range has gt, gte, lt or lte"),
        ({"source": {"text": "a"}}, "its words are not indexed"),
        ({"body": {"text": " "}}, "holds no word"),
        ({"sent": {"lt": "tomorrow"}}, "is a time, and 'tomorrow' is none"),
        ({"sent": pd.NaT}, "is a time, and NaT is none"),
        ({"stock": 2**64}, "too large"),
        ({"stock": {"lt": 2**53 + 1}}, "too large for a range"),
        ({"and": []}, "'and' is followed by []"),
        ({"or": {"source": "a"}}, "Give it a list of filters"),
        ({"not": {}}, "stands where a filter should"),
        ({"not": None}, "stands where a filter should"),
        ({"or": [{}]}, "stands where a filter should"),
        ({"source": "\ud800"}, "is no Unicode text"),
        ("source=a", "is no mapping"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(where, said):
    with pytest.raises(InputError) as refused:
        check_where(where, COLUMNS)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_filters_are_told_in_words():
    where = {"source": ["a", "b"], "price": {"gte": 10, "lt": 200}, "not": {"open": True}}
    assert describe(where) == "source is one of a, b and price >= 10 and price < 200 and not (open is True)"
    assert describe({"or": [{"stock": None}, {"body": {"text": "late"}}]}) == (
        "(stock is missing or body has the words 'late')"
    )
    assert describe(None) == describe({}) == "no filter"


def test_the_command_line_says_the_same():
    assert parse_where([]) == {}
    assert parse_where(["source=billing_docs"]) == {"source": "billing_docs"}
    assert parse_where(["source=billing_docs", "price<200", "price>=1.5", "audience!=staff"]) == {
        "and": [
            {"source": "billing_docs"},
            {"price": {"lt": 200}},
            {"price": {"gte": 1.5}},
            {"not": {"audience": "staff"}},
        ]
    }
    assert parse_where(["source=a, b"]) == {"source": ["a", "b"]}
    assert parse_where(['source="a, b"']) == {"source": "a, b"}
    assert parse_where(["source="]) == {"source": None}
    assert parse_where(["price=", "open!="], COLUMNS) == {"and": [{"price": None}, {"not": {"open": None}}]}
    assert parse_where(["open=true"]) == {"open": True}
    assert parse_where(["source=7"]) == {"source": 7}
    assert parse_where(["source=7", "open!=False"], COLUMNS) == {"and": [{"source": "7"}, {"not": {"open": False}}]}
    assert parse_where(["note=x<=y"]) == {"note": "x<=y"}


@pytest.mark.parametrize("text", ["source", "=a", "", "<5"])
def test_an_expression_that_compares_nothing_is_refused(text):
    with pytest.raises(InputError, match="compares nothing"):
        parse_where([text])


def test_a_word_of_another_type_than_its_field_is_refused():
    with pytest.raises(InputError, match="'price' is of type float, and 'cheap' is not"):
        parse_where(["price<cheap"], COLUMNS)
    with pytest.raises(InputError, match="'open' is of type bool, and 'x' is not"):
        parse_where(["open=x"], COLUMNS)


@pytest.mark.parametrize("kind", ["integer", "float", "bool", "datetime", "keyword", "text"])
def test_nothing_behind_equals_asks_for_a_missing_value_of_any_type(kind: FieldType) -> None:
    assert parse_where(["price="], {"price": kind}) == {"price": None}
    assert parse_where(["price!="], {"price": kind}) == {"not": {"price": None}}
    with pytest.raises(InputError, match="no value after <"):
        parse_where(["price<"], {"price": kind})
