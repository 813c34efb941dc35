"""The one place that decides whether an array may be used as vectors."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import VectorError
from workbench.records import FloatArray, Metric

__all__ = ["ConversionWarning", "as_vectors_array", "check_dimensions", "checked_vectors", "say_converted"]

_BLOCK_BYTES = 16 << 20


class ConversionWarning(UserWarning):
    """Numbers were converted to float32, the one format in which vectors are searched."""


def as_vectors_array(x: ArrayLike, metric: Metric | None = None) -> FloatArray:
    """Check vectors and hand them back as C-contiguous float32.

    Parameters
    ----------
    x
        ``(n, d)`` numbers: an array, a memory map, or a list of equally long rows. A float32 array that is already
        C-contiguous is handed back as it is, memory maps included; it is read block by block, never copied.
    metric
        The metric the vectors are for. Under ``"cosine"`` a row of zeros is refused: it has no direction.

    Returns
    -------
    FloatArray
        ``(n, d) float32``, C-contiguous.

    Raises
    ------
    VectorError
        Objects instead of numbers, ragged rows, not two-dimensional, empty, NaN or infinity (the first row is named),
        values beyond float32, a zero row under cosine.

    Warns
    -----
    ConversionWarning
        Once per call, when an array of another number format (float64, float16, integers) was converted.
    """
    return checked_vectors(x, metric, stacklevel=3)


def checked_vectors(x: ArrayLike, metric: Metric | None, stacklevel: int) -> FloatArray:
    """What ``as_vectors_array`` does; ``stacklevel`` says whose line a warning names, as in ``warnings.warn``."""
    array = _as_numbers(x)
    if array.ndim != 2:
        fix = "Pass a single vector as x[None, :]." if array.ndim == 1 else "Reshape it to one row per vector."
        raise VectorError(f"vectors must be an (n, d) array, not one of shape {array.shape}", fix)
    if 0 in array.shape:
        raise VectorError(f"there are no numbers in an array of shape {array.shape}", "Pass at least one vector.")
    if array.dtype == np.float32 and array.flags.c_contiguous and array.dtype.isnative:
        vectors: FloatArray = array
    else:
        if array.dtype.newbyteorder("=") != np.float32 and hasattr(x, "dtype"):
            say_converted(array.dtype, stacklevel)
        vectors = np.empty(array.shape, dtype=np.float32)
        with np.errstate(over="ignore"):  # what overflows is reported below, with its row
            for block in _blocks(array):
                vectors[block] = array[block]
    for block in _blocks(vectors):
        _check_block(vectors[block], array[block], block.start, metric)
    return vectors


def say_converted(dtype: np.dtype[Any], stacklevel: int) -> None:
    """Warn that numbers of ``dtype`` were converted to float32."""
    warnings.warn(f"{dtype} vectors were converted to float32", ConversionWarning, stacklevel=stacklevel + 1)


def check_dimensions(got: int, expected: int, what: str = "the query vectors", owner: str = "the index") -> None:
    """Refuse vectors whose dimension differs from the index's or the model's.

    Parameters
    ----------
    got, expected
        Dimensions of the vectors at hand, and of what they are about to meet.
    what, owner
        Names of the two, for the message.

    Raises
    ------
    VectorError
        The dimensions differ.
    """
    if got != expected:
        raise VectorError(
            f"{what} have {got} dimensions, {owner} has {expected}",
            "Make both with the same model and the same truncate_dim.",
        )


def _as_numbers(x: ArrayLike) -> NDArray[Any]:
    """``x`` as an array of real numbers, without a copy where it is one already."""
    try:
        array = x if isinstance(x, np.ndarray) else np.asarray(x)
    except ValueError as error:
        raise _ragged(x) from error
    if array.dtype == object:
        raise VectorError(
            f"an array of Python objects (shape {array.shape}) is not a table of numbers",
            "Rows of one length can be stacked first: np.stack(list(x)).",
        )
    if array.dtype.kind not in "fiub":
        raise VectorError(f"vectors must be real numbers, not {array.dtype}", "Pass float32 numbers.")
    return array


def _ragged(x: Any) -> VectorError:
    """The error for rows of different lengths, naming the first that differs."""
    lengths = [np.size(row) if isinstance(row, np.ndarray) else len(row) if hasattr(row, "__len__") else 1 for row in x]
    row = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    what = (
        "rows are not of one shape"
        if row is None
        else f"row {row:,} has {lengths[row]} numbers, row 0 has {lengths[0]}"
    )
    return VectorError(
        f"ragged vectors: {what}", "Every vector needs the same number of dimensions: were they all made by one model?"
    )


def _blocks(array: NDArray[Any]) -> Iterator[slice]:
    """Slices of rows of about 16 MiB, so that checks on a memory map stay within bounded memory."""
    rows = max(1, _BLOCK_BYTES // (array.shape[1] * array.itemsize))
    for start in range(0, len(array), rows):
        yield slice(start, min(start + rows, len(array)))


def _check_block(vectors: FloatArray, original: NDArray[Any], start: int, metric: Metric | None) -> None:
    """Refuse NaN, infinity, overflow and, under cosine, zero rows; ``start`` is the block's first row."""
    finite = np.isfinite(vectors)
    if not finite.all():
        row = int(np.flatnonzero(~finite.all(axis=1))[0])
        column = int(np.flatnonzero(~finite[row])[0])
        value = original[row, column]
        if np.isfinite(value):
            raise VectorError(f"row {start + row:,} holds {value}, too large for float32", "Scale the vectors down.")
        bad = f"{int((~finite.all(axis=1)).sum()):,} such rows in this block"
        raise VectorError(
            f"row {start + row:,} holds {value} in dimension {column} ({bad})",
            "Remove those rows, or find out what the model was given to produce them.",
        )
    if metric == "cosine":
        zero = ~vectors.any(axis=1)
        if zero.any():
            raise VectorError(
                f"row {start + int(np.flatnonzero(zero)[0]):,} is all zeros and has no direction under cosine",
                "Remove it (often an empty text), or use the dot product or Euclidean metric.",
            )
