"""Vectors survive a trip through every format, and damaged files say what is wrong with them."""

import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.corpora import ConversionWarning, read_ann_benchmark, read_vectors
from workbench.errors import InputError, VectorError

X = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)


def write_vecs(path: Path, x: np.ndarray) -> None:
    """The layout of corpus-texmex: dimension as int32, then the components, row by row."""
    with path.open("wb") as stream:
        for row in x:
            stream.write(np.int32(len(row)).tobytes() + row.tobytes())


def write_hdf5(path: Path, x: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["train"] = x


def write_parquet(path: Path, x: np.ndarray) -> None:
    pq.write_table(pa.table({"embedding": list(x), "text": ["t"] * len(x)}), path, row_group_size=16)


def write_fixed(path: Path, x: np.ndarray) -> None:
    pq.write_table(pa.table({"v": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])}), path)


WRITERS: dict[str, tuple[str, Callable[[Path, np.ndarray], None]]] = {
    "npy": (".npy", np.save),
    "npz": (".npz", np.savez),
    "fvecs": (".fvecs", write_vecs),
    "hdf5": (".hdf5", write_hdf5),
    "parquet": (".parquet", write_parquet),
    "parquet, fixed size": (".parquet", write_fixed),
}


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    x=hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-9, 9, width=32))
)
def test_vectors_survive_the_trip(tmp_path: Path, kind: str, x: np.ndarray) -> None:
    suffix, write = WRITERS[kind]
    write(tmp_path / f"x{suffix}", x)
    back = read_vectors(tmp_path / f"x{suffix}", metric="dot")
    np.testing.assert_array_equal(back.array, x)
    assert back.ids == tuple(map(str, range(len(x))))
    assert back.metric == "dot"


@pytest.mark.parametrize(("suffix", "dtype"), [(".ivecs", np.int32), (".bvecs", np.uint8)])
def test_integers_are_converted_and_that_is_said_once(tmp_path: Path, suffix: str, dtype: type) -> None:
    x = np.arange(1, 61).reshape(6, 10).astype(dtype)
    write_vecs(tmp_path / f"x{suffix}", x)
    with pytest.warns(ConversionWarning) as said:
        back = read_vectors(tmp_path / f"x{suffix}")
    assert len(said) == 1
    np.testing.assert_array_equal(back.array, x)


def test_npy_is_memory_mapped_and_read_only(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    array = read_vectors(tmp_path / "x.npy").array
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "fvecs"])
def test_float64_is_converted_and_said_once(tmp_path: Path, kind: str) -> None:
    suffix, write = WRITERS[kind]
    write(tmp_path / f"x{suffix}", X.astype(np.float64))
    with pytest.warns(ConversionWarning, match="float64") as said:
        back = read_vectors(tmp_path / f"x{suffix}")
    assert len(said) == 1
    assert said[0].filename == __file__
    np.testing.assert_array_equal(back.array, X)


@pytest.mark.parametrize(
    ("suffix", "write"), [(".fvecs", write_vecs), (".hdf5", write_hdf5), (".parquet", write_fixed)]
)
def test_numbers_are_held_once(tmp_path: Path, suffix: str, write: Callable[[Path, np.ndarray], None]) -> None:
    """Reading 64 MB takes little more than 64 MB, counting what NumPy and Python allocate."""
    path = tmp_path / f"x{suffix}"
    write(path, np.ones((2**16, 2**8), np.float32))
    read_vectors(path)
    tracemalloc.start()
    try:
        array = read_vectors(path).array
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert array.nbytes == 2**26
    assert peak < 1.8 * array.nbytes


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.98])
def test_a_truncated_file_is_refused(tmp_path: Path, kind: str, part: float) -> None:
    suffix, write = WRITERS[kind]
    path = tmp_path / f"x{suffix}"
    write(path, np.tile(X, (20, 1)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part) - 1])
    with pytest.raises(InputError, match=r"truncated or damaged"):
        read_vectors(path)


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pkl", ".renamed.npy"])
def test_objects_and_pickles_are_refused_and_never_unpickled(tmp_path: Path, suffix: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"x{suffix}"
    objects = np.array([Trap(mark)], dtype=object)
    if suffix == ".npy":
        np.save(path, objects, allow_pickle=True)
    elif suffix == ".npz":
        np.savez(path, objects)
    else:
        path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(InputError, match=r"pickle.*Nothing is ever unpickled here"):
        read_vectors(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))  # noqa: S301  the trap works
    assert mark.exists()


def test_a_missing_file_names_its_neighbor(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", X)
    with pytest.raises(InputError, match=r"there is no file .*vector\.npy.*Did you mean .*vectors\.npy"):
        read_vectors(tmp_path / "vector.npy")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npy").touch()
    with pytest.raises(InputError, match="is empty"):
        read_vectors(tmp_path / "x.npy")


def test_an_unknown_kind_lists_the_known(tmp_path: Path) -> None:
    (tmp_path / "x.xyz").write_text("1")
    with pytest.raises(InputError, match=r"\.npy, \.npz, \.fvecs"):
        read_vectors(tmp_path / "x.xyz")


@pytest.mark.parametrize("shape", [(0, 7), (7, 0)])
def test_an_array_without_numbers_is_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "x.npy", np.ones(shape, np.float32))
    with pytest.raises(VectorError, match="shape"):
        read_vectors(tmp_path / "x.npy")


def test_zero_vectors_are_refused_under_cosine(tmp_path: Path) -> None:
    x = X.copy()
    x[3] = 0
    write_vecs(tmp_path / "x.fvecs", x)
    with pytest.raises(VectorError, match="row 3 is all zeros"):
        read_vectors(tmp_path / "x.fvecs")
    assert len(read_vectors(tmp_path / "x.fvecs", metric="euclidean")) == 50


def test_fvecs_of_different_lengths_name_the_first_row(tmp_path: Path) -> None:
    with (tmp_path / "x.fvecs").open("wb") as stream:
        for length in (4, 4, 3, 5):  # together as many bytes as four rows of four
            stream.write(np.int32(length).tobytes() + np.ones(length, np.float32).tobytes())
    with pytest.raises(VectorError, match=r"ragged vectors: row 2 .* states 3 numbers, row 0 has 4"):
        read_vectors(tmp_path / "x.fvecs")


def test_a_file_that_is_no_fvecs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.fvecs").write_bytes(b"\xff" * 40)
    with pytest.raises(InputError, match=r"begins with the dimension -1: no \.fvecs file"):
        read_vectors(tmp_path / "x.fvecs")


def test_npz_with_several_arrays_asks_which(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train=X, test=X[:3])
    with pytest.raises(InputError, match=r"holds 2 arrays.*train, test"):
        read_vectors(tmp_path / "x.npz")
    with pytest.raises(InputError, match="nearest name first: 'train', 'test'"):
        read_vectors(tmp_path / "x.npz", column="trian")
    assert len(read_vectors(tmp_path / "x.npz", column="test")) == 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0], [1.0]], "ragged vectors: row 1 .* has 1 numbers, row 0 has 2"),
        ([[1.0, 2.0], None], "row 1 .* has no vector"),
        ([[1.0, 2.0], [1.0, None]], "row 1 .* has a missing number"),
        ([[1.0, 2.0], [1.0, float("nan")]], "row 1 holds nan"),
    ],
    ids=["ragged", "missing vector", "missing number", "NaN"],
)
def test_parquet_lists_that_are_no_vectors(tmp_path: Path, rows: list[object], message: str) -> None:
    pq.write_table(pa.table({"v": pa.array(rows, pa.list_(pa.float32()))}), tmp_path / "x.parquet")
    with pytest.raises(VectorError, match=message):
        read_vectors(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("kind", "rows"),
    [(pa.list_(pa.string()), [["a", "b"]] * 3), (pa.list_(pa.list_(pa.float32())), [[[1.0], [2.0]]] * 3)],
    ids=["strings", "lists"],
)
def test_parquet_lists_of_anything_but_numbers(tmp_path: Path, kind: pa.DataType, rows: list[object]) -> None:
    tags = pa.array(rows, kind)
    pq.write_table(pa.table({"tags": tags}), tmp_path / "tags.parquet")
    with pytest.raises(InputError, match=r"has 0 columns of lists of numbers\. Write the vectors as a column"):
        read_vectors(tmp_path / "tags.parquet")
    pq.write_table(pa.table({"tags": tags, "v": list(X[:3]), "n": [1, 2, 3]}), tmp_path / "x.parquet")
    np.testing.assert_array_equal(read_vectors(tmp_path / "x.parquet").array, X[:3])
    with pytest.raises(VectorError, match=r"'tags' of 'x\.parquet' holds list<.*, not lists .*Columns that do: v\."):
        read_vectors(tmp_path / "x.parquet", column="tags")
    with pytest.raises(VectorError, match=r"'n' of .* holds int64, not lists of numbers"):
        read_vectors(tmp_path / "x.parquet", column="n")


def test_a_damaged_compressed_npz(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, X)
    damaged = bytearray(path.read_bytes())
    name, extra = (int.from_bytes(damaged[at : at + 2], "little") for at in (26, 28))
    damaged[30 + name + extra] = 0b111  # deflate knows no blocks of type 3
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"'x\.npz' is truncated or damaged \(Error -3 while decompressing"):
        read_vectors(path)


def test_an_npz_with_a_part_that_is_no_array(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("notes.txt", "not an array")
    with pytest.raises(InputError, match=r"damaged \('notes\.txt' in it is no array\)"):
        read_vectors(tmp_path / "x.npz")


def test_an_npy_whose_header_breaks_off(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'shape': (1,\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match=r"damaged \(its header"):
        read_vectors(tmp_path / "x.npy")


def test_an_hdf5_group_is_no_data_set(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["train/vectors"] = X
        file.create_group("empty")
    with pytest.raises(VectorError, match=r"'train' of .* is a group, not a data set\. .*one of: train/vectors\."):
        read_vectors(tmp_path / "x.hdf5")
    with pytest.raises(VectorError, match=r"'empty' of .* is a group, not a data set\. Name a data set\."):
        read_vectors(tmp_path / "x.hdf5", column="empty")
    np.testing.assert_array_equal(read_vectors(tmp_path / "x.hdf5", column="train/vectors").array, X)


def test_a_ragged_row_in_a_later_batch_is_counted_from_the_start(tmp_path: Path) -> None:
    rows = [[1.0, 2.0]] * 5000 + [[1.0]]
    pq.write_table(pa.table({"v": pa.array(rows, pa.list_(pa.float32()))}), tmp_path / "x.parquet")
    with pytest.raises(VectorError, match="row 5,000 "):
        read_vectors(tmp_path / "x.parquet")


def test_parquet_columns_are_listed_nearest_first(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title_vector": list(X), "vector": list(X), "text": ["a"] * 50}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"no column 'vectors'.*nearest name first: 'vector', 'title_vector'"):
        read_vectors(tmp_path / "x.parquet", column="vectors")
    with pytest.raises(InputError, match=r"has 2 columns of lists of numbers.*title_vector, vector"):
        read_vectors(tmp_path / "x.parquet")


def write_benchmark(path: Path, **changed: np.ndarray) -> None:
    scores = X[:4] @ X.T
    order = np.argsort(-scores, axis=1)[:, :5]
    data = {"train": X, "test": X[:4], "neighbors": order, "distances": np.take_along_axis(-scores, order, 1)}
    with h5py.File(path, "w") as file:
        file.attrs["distance"] = "angular"
        for name, array in (data | changed).items():
            file[name] = array


def test_an_ann_benchmark_is_read_whole(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "b.hdf5")
    read = read_ann_benchmark(tmp_path / "b.hdf5")
    assert (len(read.train), len(read.test), read.train.metric, read.test.metric) == (50, 4, "cosine", "cosine")
    assert (read.neighbors.dtype, read.distances.dtype, read.neighbors.shape) == (np.int64, np.float32, (4, 5))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test": X[:4, :5]}, "the queries in 'test' have 5 dimensions, 'train' has 7"),
        ({"neighbors": np.full((4, 5), 50)}, "neighbors of .* run from 50 to 50, train has 50"),
        ({"neighbors": np.zeros((3, 5), int)}, "do not fit 4 queries"),
    ],
    ids=["dimension", "neighbor beyond train", "shape"],
)
def test_an_ann_benchmark_that_contradicts_itself(tmp_path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    write_benchmark(tmp_path / "b.hdf5", **changed)
    with pytest.raises(InputError, match=message):
        read_ann_benchmark(tmp_path / "b.hdf5")


def test_an_ann_benchmark_of_an_unknown_distance_or_without_a_part(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "b.hdf5")
    with h5py.File(tmp_path / "b.hdf5", "a") as file:
        del file["neighbors"]
    with pytest.raises(InputError, match="no column 'neighbors'"):
        read_ann_benchmark(tmp_path / "b.hdf5")
    with h5py.File(tmp_path / "b.hdf5", "a") as file:
        file.attrs["distance"] = "hamming"
    with pytest.raises(InputError, match="the distance 'hamming'"):
        read_ann_benchmark(tmp_path / "b.hdf5")
