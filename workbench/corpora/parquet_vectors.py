"""Vectors from a Parquet file's column of lists."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.corpora.opening import damaged, wrong_column
from workbench.errors import InputError, VectorError
from workbench.records import FloatArray

__all__ = ["read_lists"]


def read_lists(path: Path, column: str | None) -> tuple[NDArray[Any], np.dtype[Any]]:
    """The numbers of a column of lists, ``(n, d) float32``, and the format that they have in the file.

    Parameters
    ----------
    path
        A Parquet file; it is read batch by batch into one array.
    column
        None takes the only column of lists of numbers.

    Raises
    ------
    InputError
        A truncated file, a column that is not there, or more than one to choose from.
    VectorError
        Ragged or missing lists, missing numbers, a column that holds no lists of numbers.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, memory_map=True)
        column = _column_of_vectors(file.schema_arrow, column, path.name)
        array: FloatArray = np.empty((0, 0), np.float32)
        stored = array.dtype
        done = 0
        for batch in file.iter_batches(4096, columns=[column]):
            block = _rectangle(batch.column(0), done, array.shape[1] if done else None, path)
            if not done:
                array = np.empty((file.metadata.num_rows, block.shape[1]), np.float32)
                stored = block.dtype
            with np.errstate(over="ignore"):  # what overflows is reported with its row, as infinity
                array[done : done + len(block)] = block
            done += len(block)
        return array, stored
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(path, str(error).splitlines()[0]) from error


def _column_of_vectors(schema: Any, column: str | None, name: str) -> str:
    """The column asked for, or the only one there is, of those that hold lists of numbers."""
    columns = [field.name for field in schema if _is_list_of_numbers(field.type)]
    listed = ", ".join(columns) or "none"
    if column is None:
        if len(columns) == 1:
            return str(columns[0])
        fix = f"Say column=, one of: {listed}." if columns else "Write the vectors as a column of lists of numbers."
        raise InputError(f"{name!r} has {len(columns)} columns of lists of numbers", fix)
    if column in columns:
        return column
    if column not in schema.names:
        raise wrong_column(column, columns, f"{name} (columns of lists of numbers)")
    raise VectorError(
        f"{column!r} of {name!r} holds {schema.field(column).type}, not lists of numbers", f"Columns that do: {listed}."
    )


def _is_list_of_numbers(kind: Any) -> bool:
    import pyarrow.types as types

    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    number = kind.value_type
    return bool(types.is_integer(number) or types.is_floating(number) or types.is_boolean(number))


def _rectangle(lists: Any, start: int, dimensions: int | None, path: Path) -> NDArray[Any]:
    """One batch of lists as ``(rows, d)``, refusing missing lists and lists of other lengths."""
    lengths = np.asarray(lists.value_lengths().fill_null(-1)) if lists.null_count else np.asarray(lists.value_lengths())
    expected = int(lengths[0]) if dimensions is None else dimensions
    if (odd := np.flatnonzero((lengths != expected) | (lengths < 0))).size:
        row, length = start + int(odd[0]), int(lengths[odd[0]])
        raise VectorError(
            f"row {row:,} of {path.name!r} has no vector"
            if length < 0
            else f"ragged vectors: row {row:,} of {path.name!r} has {length} numbers, row 0 has {expected}",
            "Every row needs a vector of the same number of dimensions.",
        )
    values = lists.flatten()
    if values.null_count:
        row = start + int(np.flatnonzero(np.asarray(values.is_null()))[0]) // expected
        raise VectorError(f"row {row:,} of {path.name!r} has a missing number", "Fill it in or remove the row.")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(lists), expected)
