"""Metadata on its way into a collection: types of columns, and what cannot be kept."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from tests.vectordb.places import filled, gaussian
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.vectordb import Collection
from workbench.vectordb.payloads import column_types, payloads


def corpus(**columns: object) -> Corpus:
    table = pd.DataFrame({name: pd.Series(cells) for name, cells in columns.items()})
    return Corpus(tuple(map(str, range(len(table)))), ("",) * len(table), table)


def test_a_column_has_the_type_of_its_values():
    table = corpus(
        a=["x", None],
        b=[1, 2],
        c=[1.0, np.nan],
        d=[True, False],
        e=pd.to_datetime(["2024-01-01", None]),
        f=pd.Categorical(["x", "y"]),
        g=pd.array([1, None], "Int64"),
        h=pd.Series([1, 2.5], dtype=object),
        i=pd.Series([("a", "b"), ()], dtype=object),
        j=pd.Series([date(2024, 1, 1), None], dtype=object),
        k=[None, None],
        l=pd.array([True, None], "boolean"),
        m=np.array([1, 2], dtype=np.uint8),
        n=pd.array(["x", None], "string"),
    )
    kinds = [
        "keyword",
        "integer",
        "float",
        "bool",
        "datetime",
        "keyword",
        "integer",
        "float",
        "keyword",
        "datetime",
        "bool",
        "integer",
        "keyword",
    ]
    assert column_types(table) == dict(zip("abcdefghijlmn", kinds, strict=True))
    assert column_types(filled(50)) == {
        "source": "keyword",
        "price": "float",
        "stock": "integer",
        "open": "bool",
        "day. 1": "datetime",
        "tags": "keyword",
    }


def test_times_are_kept_in_utc():
    east = datetime(2024, 5, 31, 2, tzinfo=timezone(timedelta(hours=2)))
    table = corpus(at=pd.Series([east, date(2024, 5, 31), None], dtype=object))
    assert [row.get("at") for row in payloads(table, range(3), {"at": "datetime"})] == [
        "2024-05-31T00:00:00+00:00",
        "2024-05-31T00:00:00+00:00",
        None,
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1, "x"]}, "'a' mixes integer and keyword"),
        ({"a": [True, 2]}, "'a' mixes bool and integer"),
        ({"a": [{"b": 1}, None]}, "holds {'b': 1} of type dict"),
        ({"_text": ["x", "y"]}, "cannot be called '_text'"),
        ({"not": ["x", "y"]}, "cannot be called 'not'"),
        ({'a"b': ["x", "y"]}, "cannot be called 'a\"b'"),
        ({"a": [2**64, 1]}, "cannot be stored"),
        ({"a": [float("inf"), 1.0]}, "cannot be stored"),
        ({"a": ["\ud800", "x"]}, "no Unicode text"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, columns, said):
    table = corpus(**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    with Collection.create(tmp_path / "collection", dimensions=8) as collection:
        with pytest.raises(InputError) as refused:
            collection.upsert(Vectors(table.ids, gaussian(2).array), table, progress=False)
        assert said in str(refused.value)
        assert collection.count() == 0


def test_a_column_keeps_its_type(tmp_path):
    with Collection.create(
        tmp_path / "collection", dimensions=8, fields={"n": "integer", "at": "datetime"}
    ) as collection:

        def put(**columns: object) -> None:
            table = corpus(**columns)
            collection.upsert(Vectors(table.ids, gaussian(len(table)).array), table, progress=False)

        put(n=[1], at=["2024-05-31"], price=[1])
        with pytest.raises(InputError, match="'n' holds keyword and the collection has integer"):
            put(n=["x"])
        with pytest.raises(InputError, match="'n' holds float"):
            put(n=[1.5])
        with pytest.raises(InputError, match="is a time, and 'tomorrow' is none"):
            put(at=["tomorrow"])
        put(price=[1.5])
        assert collection.config.columns == {"n": "integer", "at": "datetime", "price": "float"}
        assert collection.count({"price": 1.5}) == 1
