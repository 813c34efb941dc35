"""The records that cross rooms: whole, aligned, and the same content the same fingerprint."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError, VectorError
from workbench.records import Corpus, ModelIdentity, Vectors

ROWS = st.lists(st.text(max_size=12), min_size=1, max_size=12)


def corpus(texts, **metadata) -> Corpus:
    return Corpus(tuple(f"i{n}" for n in range(len(texts))), tuple(texts), pd.DataFrame(metadata))


@given(ROWS)
def test_fingerprint_is_of_the_content_alone(texts):
    one, same = corpus(texts, n=range(len(texts))), corpus(list(texts), n=list(range(len(texts))))
    assert one.fingerprint == same.fingerprint
    assert Corpus(one.ids, one.texts, one.metadata, "another name").fingerprint == one.fingerprint
    assert corpus([*texts[:-1], texts[-1] + "!"], n=range(len(texts))).fingerprint != one.fingerprint
    assert corpus(texts, n=range(1, len(texts) + 1)).fingerprint != one.fingerprint


def test_moving_a_letter_across_two_texts_changes_the_fingerprint():
    assert corpus(["ab", "c"]).fingerprint != corpus(["a", "bc"]).fingerprint


def test_missing_values_are_part_of_the_content():
    assert corpus(["a"], x=[None]).fingerprint == corpus(["a"], x=[float("nan")]).fingerprint
    assert corpus(["a"], x=[None]).fingerprint != corpus(["a"], x=["None"]).fingerprint


def test_take_keeps_rows_together():
    some = corpus(["a", "b", "c"], n=[0, 1, 2]).take([2, 0])
    assert (some.ids, some.texts, some.metadata["n"].tolist()) == (("i2", "i0"), ("c", "a"), [2, 0])
    assert some.frame().columns.tolist() == ["id", "text", "n"]
    assert some.row("i0") == 1


def test_a_record_says_what_it_is_in_one_line():
    assert repr(corpus(["a" * 999], n=[1])) == "Corpus('corpus', 1 texts, metadata ['n'])"
    assert repr(Vectors(("a",), np.zeros((1, 4), np.float32))) == "Vectors(1 x 4, cosine, model unknown)"


@pytest.mark.parametrize(
    ("ids", "texts", "metadata", "message"),
    [
        (("a", "a"), ("x", "y"), {}, "the id 'a' occurs more than once"),
        (("a",), ("x", "y"), {}, "1 ids, 2 texts and 1 metadata rows"),
        (("a", "b"), ("x", "y"), {"n": [1]}, "2 ids, 2 texts and 1 metadata rows"),
        (("a", 2), ("x", "y"), {}, "the id 2 is of type int"),
        (("a", "b"), ("x", None), {}, "the text None is of type NoneType"),
    ],
    ids=["repeated", "texts", "metadata", "id type", "text type"],
)
def test_a_corpus_that_cannot_be(ids, texts, metadata, message):
    with pytest.raises(InputError, match=message):
        Corpus(ids, texts, pd.DataFrame(metadata))


def test_unknown_ids_are_named():
    with pytest.raises(InputError, match=r"there is no id 'x' in Corpus\('corpus'"):
        corpus(["a"]).row("x")


@pytest.mark.parametrize(
    ("ids", "array", "message"),
    [
        (("a",), np.zeros((1, 4)), "not float64 of shape"),
        (("a",), np.zeros(4, np.float32), "not float32 of shape"),
        (("a", "b"), np.zeros((4, 2), np.float32).T, "C-contiguous"),
        (("a", "b"), np.zeros((1, 4), np.float32), "2 ids for 1 vectors"),
    ],
    ids=["float64", "one dimension", "Fortran order", "ids"],
)
def test_vectors_that_cannot_be(ids, array, message):
    with pytest.raises(VectorError, match=message):
        Vectors(ids, array)


def test_vectors_and_their_model_agree_on_dimensions():
    with pytest.raises(VectorError, match=r"vectors of 4 dimensions cannot come from m@1"):
        Vectors(("a",), np.zeros((1, 4), np.float32), ModelIdentity("m", "1", 5))


def test_vectors_fingerprint_covers_values_ids_and_model():
    array = np.arange(8, dtype=np.float32).reshape(2, 4)
    base = Vectors(("a", "b"), array)
    assert base.fingerprint == Vectors(("a", "b"), array.copy()).fingerprint
    others = [
        Vectors(("a", "c"), array),
        Vectors(("a", "b"), array + 1),
        Vectors(("a", "b"), array, ModelIdentity("m", "1", 4)),
        Vectors(("a", "b"), array, metric="dot"),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 5
