"""Vectors from files: .npy (memory-mapped), .npz, .fvecs, .ivecs, .bvecs, HDF5, Parquet. Nothing is ever unpickled."""

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.corpora.arrays import check_dimensions, checked_vectors, say_converted
from workbench.corpora.opening import damaged, existing, wrong_column
from workbench.corpora.parquet_vectors import read_lists
from workbench.errors import InputError, VectorError
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["AnnBenchmark", "read_ann_benchmark", "read_vectors"]

Read = tuple[NDArray[Any], np.dtype[Any]]  # the numbers, and the format that they have in the file
_COMPONENTS: dict[str, np.dtype[Any]] = {".fvecs": np.dtype("<f4"), ".ivecs": np.dtype("<i4"), ".bvecs": np.dtype("u1")}
_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".bin"}
_BLOCK_BYTES = 16 << 20
_DAMAGED_ZIP = (  # what zipfile, its decompressors and NumPy raise; RuntimeError is for flags that promise a password
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError, RuntimeError, EOFError, OSError,
)  # fmt: skip
_REFUSED = "Nothing is ever unpickled here: save plain numbers with np.save(path, x.astype(np.float32))."


def read_vectors(path: str | Path, column: str | None = None, metric: Metric = "cosine") -> Vectors:
    """Vectors from a file, checked by ``as_vectors_array``; their ids are row numbers from 0.

    Parameters
    ----------
    path
        ``.npy`` (memory-mapped, read-only, where it holds float32 row by row), ``.npz``, ``.fvecs``, ``.ivecs``,
        ``.bvecs`` (layouts of http://corpus-texmex.irisa.fr), ann-benchmarks ``.hdf5``, or ``.parquet`` with a column
        of lists of numbers.
    column
        Which array of an ``.npz``, data set of an HDF5 file (None: ``train``) or column of a Parquet file (None: the
        only column of lists of numbers).
    metric
        The metric that the vectors are for; zero vectors are refused under cosine.

    Raises
    ------
    InputError
        A missing, empty or truncated file, a column that is not there, an object array or a pickle.
    VectorError
        Ragged rows, NaN or infinity, zero vectors under cosine, what holds no table of numbers.

    Warns
    -----
    ConversionWarning
        Once, where the numbers were not float32.

    Notes
    -----
    All but ``.npy`` and ``.npz`` are read block by block into one float32 array, whatever the file's numbers are.
    """
    found = existing(path)
    kind = found.suffix.lower()
    if kind in _PICKLES:
        raise InputError(f"{found.name!r} looks like a pickle", _REFUSED)
    if kind not in _READERS:
        raise InputError(
            f"{found.name!r} is of no kind that can be read as vectors",
            "Use .npy, .npz, .fvecs, .ivecs, .bvecs, .hdf5 or .parquet.",
        )
    array, stored = _READERS[kind](found, column)
    if stored != array.dtype:
        say_converted(stored, stacklevel=2)
    vectors = checked_vectors(array, metric, stacklevel=3)
    return Vectors(tuple(map(str, range(len(vectors)))), vectors, None, metric)


@dataclass(frozen=True, eq=False)
class AnnBenchmark:
    """A data set of ann-benchmarks: what is searched, the queries, and their exact neighbours.

    Parameters
    ----------
    train, test
        Vectors to search, ``(n, d)``, and queries, ``(q, d)``; both carry the file's metric.
    neighbors
        ``(q, k) int64``: rows of ``train``, nearest first.
    distances
        ``(q, k) float32``: distances to them, as the file has them.
    """

    train: Vectors
    test: Vectors
    neighbors: IntArray = field(repr=False)
    distances: FloatArray = field(repr=False)


def read_ann_benchmark(path: str | Path) -> AnnBenchmark:
    """An HDF5 file of ann-benchmarks (Aumueller et al. 2018, https://ann-benchmarks.com).

    Raises
    ------
    InputError
        A missing or truncated file, a data set that is not there, a metric other than angular, Euclidean and dot
        product, neighbours that are no rows of ``train``.
    VectorError
        What ``as_vectors_array`` refuses; queries of another dimension than the vectors.
    """
    found = existing(path)
    with _open_hdf5(found) as file:
        named = file.attrs.get("distance", "euclidean")
        named = named.decode() if isinstance(named, bytes) else str(named)
        metrics: dict[str, Metric] = {
            "angular": "cosine", "cosine": "cosine", "euclidean": "euclidean", "dot": "dot", "ip": "dot",
        }  # fmt: skip
        if named not in metrics:
            raise InputError(f"{found.name!r} is for the distance {named!r}", f"Known ones: {', '.join(metrics)}.")
    metric = metrics[named]
    train, test = read_vectors(found, "train", metric), read_vectors(found, "test", metric)
    check_dimensions(test.dimensions, train.dimensions, "the queries in 'test'", "'train'")
    neighbors: IntArray = _hdf5_table(found, "neighbors", np.dtype(np.int64))[0]
    distances: FloatArray = _hdf5_table(found, "distances", np.dtype(np.float32))[0]
    if not (neighbors.shape == distances.shape and neighbors.ndim == 2 and len(neighbors) == len(test)):
        raise InputError(
            f"neighbors {neighbors.shape} and distances {distances.shape} do not fit {len(test):,} queries",
            f"Copy {found.name!r} again.",
        )
    if neighbors.size and not 0 <= neighbors.min() <= neighbors.max() < len(train):
        raise InputError(
            f"neighbors of {found.name!r} run from {neighbors.min()} to {neighbors.max()}, train has {len(train):,}",
            "Copy the file again.",
        )
    return AnnBenchmark(train, test, neighbors, distances)


def _npy(path: Path, column: str | None) -> Read:
    with path.open("rb") as stream:
        if stream.read(6) != b"\x93NUMPY":
            raise InputError(f"{path.name!r} is no .npy file; it may be a pickle", _REFUSED)
        stream.seek(0)
        try:
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(stream)
        except (ValueError, EOFError, tokenize.TokenError) as error:
            raise damaged(path, f"its header: {error}") from error
        if dtype.hasobject:
            raise InputError(f"{path.name!r} holds an array of Python objects, which is a pickle", _REFUSED)
        expected = stream.tell() + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if (size := path.stat().st_size) < expected:
        raise damaged(path, f"{size:,} bytes where its header promises {expected:,}")
    if 0 in shape:
        raise VectorError(f"{path.name!r} holds an array of shape {shape}", "Write at least one vector.")
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped, mapped.dtype


def _npz(path: Path, column: str | None) -> Read:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            names = list(arrays.files)
            if column is None and len(names) != 1:
                raise InputError(
                    f"{path.name!r} holds {len(names)} arrays", f"Say column=, one of: {', '.join(names)}."
                )
            if column is not None and column not in names:
                raise wrong_column(column, names, path.name)
            name = column or names[0]
            array = arrays[name]
            if not isinstance(array, np.ndarray):  # NumPy hands over the bytes of what does not begin like an array
                raise damaged(path, f"{name!r} in it is no array")
            return array, array.dtype
    except ValueError as error:
        if "pickle" in str(error):
            raise InputError(f"{path.name!r} holds Python objects, which are a pickle", _REFUSED) from error
        raise damaged(path, str(error)) from error
    except _DAMAGED_ZIP as error:
        raise damaged(path, str(error)) from error


def _vecs(path: Path, column: str | None) -> Read:
    """Rows of ``dimension (int32), components``; all dimensions must be the same."""
    component = _COMPONENTS[path.suffix.lower()]
    size = path.stat().st_size
    dimensions = int(np.fromfile(path, "<i4", 1)[0]) if size >= 4 else 0
    row_bytes = 4 + dimensions * component.itemsize
    if not 0 < dimensions <= 1_000_000:
        raise InputError(
            f"{path.name!r} begins with the dimension {dimensions}: no {path.suffix} file", "Check its format."
        )
    if size < row_bytes:
        raise damaged(path, f"{size:,} bytes, one vector of {dimensions} dimensions takes {row_bytes:,}")
    rows = np.memmap(path, np.uint8, "r", shape=(size // row_bytes, row_bytes))
    array: FloatArray = np.empty((len(rows), dimensions), np.float32)
    step = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, len(rows), step):
        block = np.ascontiguousarray(rows[start : start + step])
        stated = block[:, :4].copy().view("<i4")[:, 0]
        if (odd := np.flatnonzero(stated != dimensions)).size:
            row = start + int(odd[0])
            raise VectorError(
                f"ragged vectors: row {row:,} of {path.name!r} states {stated[odd[0]]} numbers, row 0 has {dimensions}",
                f"Check that it is a {path.suffix} file and was copied whole.",
            )
        array[start : start + step] = block[:, 4:].copy().view(component)
    if size % row_bytes:
        raise damaged(path, f"{size % row_bytes} bytes are left after {len(rows):,} vectors of {row_bytes:,} bytes")
    return array, component


def _open_hdf5(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, f"not readable as HDF5: {error}") from error


def _hdf5(path: Path, column: str | None) -> Read:
    return _hdf5_table(path, column or "train", np.dtype(np.float32))


def _hdf5_table(path: Path, column: str, wanted: np.dtype[Any]) -> Read:
    """A table of numbers, converted to ``wanted`` while it is read."""
    import h5py

    with _open_hdf5(path) as file:
        if column not in file:
            raise wrong_column(column, file, path.name)
        data = file[column]
        if not isinstance(data, h5py.Dataset):
            inner = [f"{column}/{name}" for name in data] if isinstance(data, h5py.Group) else []
            raise VectorError(
                f"{column!r} of {path.name!r} is a {type(data).__name__.lower()}, not a data set",
                f"Say column=, one of: {', '.join(inner)}." if inner else "Name a data set.",
            )
        if data.dtype.kind not in "fiu" or data.ndim != 2:
            raise VectorError(
                f"{column!r} of {path.name!r} is {data.dtype} of shape {data.shape}", "Use numbers (n, d)."
            )
        array: NDArray[Any] = np.empty(data.shape, wanted)
        try:
            if array.size:
                data.read_direct(array)
        except OSError as error:
            raise damaged(path, str(error)) from error
        return array, data.dtype


_READERS: dict[str, Callable[[Path, str | None], Read]] = {
    ".npy": _npy, ".npz": _npz, ".fvecs": _vecs, ".ivecs": _vecs, ".bvecs": _vecs,
    ".hdf5": _hdf5, ".h5": _hdf5, ".parquet": read_lists, ".pq": read_lists,
}  # fmt: skip
