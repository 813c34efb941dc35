"""Every array that enters is checked in one place, and each defect has a message of its own."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.corpora import ConversionWarning, as_vectors_array, check_dimensions
from workbench.errors import VectorError

FINITE = st.floats(-(2.0**99), 2.0**99, width=32)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=FINITE))
def test_good_vectors_come_back_untouched(x: np.ndarray) -> None:
    assert as_vectors_array(x) is x


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 3), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert as_vectors_array(mapped, "cosine") is mapped


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "uint8", "bool", ">f8"])
def test_other_numbers_are_converted_and_that_is_said_once(dtype: str) -> None:
    x = np.arange(1, 13).reshape(4, 3).astype(dtype)
    with pytest.warns(ConversionWarning, match="converted to float32") as said:
        converted = as_vectors_array(x)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert converted.dtype == np.float32
    assert converted.flags.c_contiguous
    np.testing.assert_array_equal(converted, x.astype(np.float32))


def test_lists_need_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(as_vectors_array([[1, 2.5], [3, 4]]), np.array([[1, 2.5], [3, 4]], np.float32))


@pytest.mark.parametrize("x", [np.ones((4, 6), np.float32)[:, ::2], np.ones((4, 3), ">f4"), np.ones((3, 4), "f4").T])
def test_float32_in_another_layout_is_laid_out_quietly(x: np.ndarray) -> None:
    laid_out = as_vectors_array(x)
    assert laid_out.flags.c_contiguous
    assert laid_out.dtype.isnative
    np.testing.assert_array_equal(laid_out, x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(bad: float) -> None:
    x = np.ones((9000, 4), np.float32)
    x[[7321, 8000], 2] = bad
    with pytest.raises(VectorError, match=rf"row 7,321 holds {bad} in dimension 2"):
        as_vectors_array(x)


def test_rows_are_counted_across_blocks() -> None:
    x = np.ones((40_000, 256), np.float32)  # 40 MB: three blocks
    x[39_999] = 0
    with pytest.raises(VectorError, match="row 39,999 is all zeros"):
        as_vectors_array(x, "cosine")


@pytest.mark.filterwarnings("ignore::workbench.corpora.ConversionWarning")
def test_what_float32_cannot_hold_is_refused() -> None:
    with pytest.raises(VectorError, match=r"row 1 holds 1e\+300, too large for float32"):
        as_vectors_array(np.array([[1.0], [1e300]]))


def test_zero_vectors_matter_under_cosine_only() -> None:
    x = np.array([[1, 0], [0, 0], [0, 0]], np.float32)
    with pytest.raises(VectorError, match="row 1 is all zeros and has no direction under cosine"):
        as_vectors_array(x, "cosine")
    for metric in ("dot", "euclidean", None):
        assert as_vectors_array(x, metric) is x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2.0], [3.0, 4.0], [5.0]], "ragged vectors: row 2 has 1 numbers, row 0 has 2"),
        ([np.ones(3), np.ones(4)], "ragged vectors: row 1 has 4 numbers, row 0 has 3"),
        ([[[1.0], [2.0, 3.0]], [[1.0], [2.0]]], "ragged vectors: rows are not of one shape"),
        (np.array([[1, 2], None], dtype=object), "array of Python objects"),
        (pd.Series([np.ones(2), np.ones(2)]), "array of Python objects"),
        (np.array([["a", "b"]]), "real numbers, not <U1"),
        (np.array([[1j]]), "real numbers, not complex128"),
        (np.ones(3, np.float32), r"not one of shape \(3,\).*x\[None, :\]"),
        (np.ones((2, 2, 2), np.float32), r"not one of shape \(2, 2, 2\)"),
        (np.ones((0, 3), np.float32), r"no numbers in an array of shape \(0, 3\)"),
        (np.ones((3, 0), np.float32), r"no numbers in an array of shape \(3, 0\)"),
    ],
    ids=str,
)
def test_what_is_no_table_of_numbers_is_refused(x: object, message: str) -> None:
    with pytest.raises(VectorError, match=message):
        as_vectors_array(x)


def test_dimensions_that_differ_name_both_sides() -> None:
    check_dimensions(384, 384)
    with pytest.raises(VectorError, match="the queries have 768 dimensions, the index of MiniLM has 384"):
        check_dimensions(768, 384, "the queries", "the index of MiniLM")
