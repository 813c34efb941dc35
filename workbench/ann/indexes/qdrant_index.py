"""HNSW of Qdrant's embedded engine, plain and quantized, in a folder of its own."""

import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import faiss
import numpy as np

from workbench.ann.indexes.base import Index, Stopwatch
from workbench.ann.indexes.database import Database
from workbench.ann.qdrant_distances import QDRANT_DISTANCES
from workbench.ann.specs import IndexSpec, Settings
from workbench.errors import StorageError
from workbench.records import FloatArray, IntArray

__all__ = ["DEFAULTS", "QdrantIndex", "build_qdrant", "read_qdrant"]

DEFAULTS = {"m": 16, "ef_construct": 100}  # https://qdrant.tech/documentation/concepts/indexing/
_ROWS_AT_ONCE = 1_000
_KILOBYTES = 1  # data of this size is indexed and searched by its graph: small data too is to be measured
_DISK_BLOCK = 512  # bytes that st_blocks counts in


class QdrantIndex(Index):
    """A shard of Qdrant Edge: the engine of the server in this process, its files in a temporary folder.

    A query is handed over as Qdrant takes it, a list of numbers, and that conversion is part of a timed search. There
    is no batch: several queries are asked one after another. The threads of the engine are its own: ``pinned`` does
    not reach them.
    """

    def __init__(
        self, spec: IndexSpec, database: Database, shard: Any, folder: Path, train_s: float, add_s: float
    ) -> None:
        super().__init__(spec, database, train_s, add_s)
        self._shard = shard
        self._folder = folder
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def serialized_bytes(self) -> int:
        """Bytes that its folder takes on disk; files that are reserved but empty count as what is written."""
        return sum(path.stat().st_blocks * _DISK_BLOCK for path in self._folder.rglob("*") if path.is_file())

    @property
    def indexed(self) -> int:
        """Vectors that its graph holds; the rest, none but in tiny data, is searched exhaustively."""
        return int(self._shard.info().indexed_vectors_count)

    def write(self, file: IO[bytes]) -> None:
        """Its folder as a zip."""
        self._shard.flush()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(self._folder.rglob("*")):
                archive.write(path, path.relative_to(self._folder))

    def close(self) -> None:
        """Close the shard and remove its folder."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None
        self._remove()

    def _batch(self, queries: FloatArray, k: int, search: Settings) -> IntArray:
        answers = np.full((len(queries), k), -1, dtype=np.int64)
        ask = self._single(k, search)
        for row in range(len(queries)):
            found: Any = ask(queries[row : row + 1])
            answers[row, : len(found)] = [point.id for point in found]
        return answers

    def _single(self, k: int, search: Settings) -> Callable[[FloatArray], object]:
        import qdrant_edge as edge

        given = {name: int(value) for name, value in search}
        more = given.get("oversampling")
        quantization = None if more is None else edge.QuantizationSearchParams(rescore=True, oversampling=float(more))
        params = edge.SearchParams(hnsw_ef=given.get("hnsw_ef"), quantization=quantization)
        request, nearest, shard = edge.SearchRequest, edge.Query.Nearest, self._shard

        def answer(query: FloatArray) -> object:
            return shard.search(request(nearest(query[0].tolist()), k, params=params))

        return answer


def build_qdrant(spec: IndexSpec, database: Database) -> QdrantIndex:
    """Fill a shard and let it optimise until its graph is built, on the threads that are set for FAISS.

    Adding is counted in ``add_s``, the graph and the quantization in ``train_s``: the engine does them afterwards.
    """
    import qdrant_edge as edge

    watch = Stopwatch()
    settings = {**DEFAULTS, **dict(spec.build)}
    quantizations: dict[object, Callable[[], Any]] = {
        "scalar": lambda: edge.ScalarQuantizationConfig(edge.ScalarType.Int8),
        "binary": edge.BinaryQuantizationConfig,
        "product": lambda: edge.ProductQuantizationConfig(edge.CompressionRatio.X16),
    }
    quantization = settings.get("quantization")
    config = edge.EdgeConfig(
        edge.EdgeVectorParams(database.d, getattr(edge.Distance, QDRANT_DISTANCES[database.metric])),
        hnsw_config=edge.HnswIndexConfig(
            int(settings["m"]),
            int(settings["ef_construct"]),
            _KILOBYTES,
            max_indexing_threads=int(faiss.omp_get_max_threads()),
        ),
        quantization_config=quantizations[quantization]() if quantization else None,
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=_KILOBYTES),
        wal_enabled=False,
    )
    folder = Path(tempfile.mkdtemp(prefix="qdrant-"))
    shard = edge.EdgeShard.create(str(folder), config)
    for start in range(0, database.n, _ROWS_AT_ONCE):
        rows = database.array[start : start + _ROWS_AT_ONCE]
        points = [edge.Point(start + offset, row.tolist()) for offset, row in enumerate(rows)]
        shard.update(edge.UpdateOperation.upsert_points(points))
    add_s = watch.lap()
    shard.optimize()
    shard.flush()
    return QdrantIndex(spec, database, shard, folder, watch.lap(), add_s)


def read_qdrant(path: Path, spec: IndexSpec, database: Database, train_s: float, add_s: float) -> QdrantIndex:
    """The shard that ``write`` wrote into the file, unpacked into a temporary folder.

    Raises
    ------
    StorageError
        What is there is no zip of a shard.
    """
    import qdrant_edge as edge

    folder = Path(tempfile.mkdtemp(prefix="qdrant-"))
    try:
        with zipfile.ZipFile(path) as archive:  # it finds its beginning behind our header
            archive.extractall(folder)
        shard = edge.EdgeShard.load(str(folder))
    except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(f"the Qdrant index in {str(path)!r} cannot be opened: {error}", "Build it again.") from error
    return QdrantIndex(spec, database, shard, folder, train_s, add_s)
