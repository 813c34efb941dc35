"""HNSW graphs of hnswlib, where it is installed."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import faiss
import numpy as np
from numpy.typing import NDArray

from workbench.ann.indexes.base import Index, Stopwatch
from workbench.ann.indexes.database import Database
from workbench.ann.specs import IndexSpec, Settings
from workbench.records import FloatArray, IntArray

__all__ = ["DEFAULTS", "EF", "SPACES", "HnswlibIndex", "build_hnswlib", "read_hnswlib"]

SPACES = {"cosine": "cosine", "dot": "ip", "euclidean": "l2"}
_SEED = 100  # hnswlib's own; the seeds of a database count from it
DEFAULTS = {"M": 16, "efConstruction": 200}  # hnswlib's own
EF = 10  # hnswlib's own


class HnswlibIndex(Index):
    """A graph of hnswlib. It keeps ``ef`` in the index, so that every call of a searcher sets it first."""

    def __init__(self, spec: IndexSpec, database: Database, graph: Any, train_s: float, add_s: float) -> None:
        super().__init__(spec, database, train_s, add_s)
        self._graph = graph

    @property
    def serialized_bytes(self) -> int:
        """Bytes of the file that hnswlib saves."""
        return int(self._graph.index_file_size())

    def write(self, file: IO[bytes]) -> None:
        """The format of hnswlib, through a temporary file: it writes to paths alone."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph"
            self._graph.save_index(str(path))
            with path.open("rb") as saved:
                shutil.copyfileobj(saved, file)

    def close(self) -> None:
        """Free its memory."""
        self._graph = None

    def _batch(self, queries: FloatArray, k: int, search: Settings) -> IntArray:
        self._graph.set_ef(_ef(search))
        threads = int(faiss.omp_get_max_threads())
        try:
            return np.asarray(self._graph.knn_query(queries, k=k, num_threads=threads)[0], dtype=np.int64)
        except RuntimeError:  # some query found fewer than k, which hnswlib refuses to return
            return np.vstack([self._fewer(queries[row : row + 1], k) for row in range(len(queries))])

    def filtered(self, queries: FloatArray, k: int, search: Settings, allowed: NDArray[np.bool_]) -> IntArray:
        """As ``search``, among the rows that are allowed, ``(n,) bool``: hnswlib asks about each that it comes to."""
        self._check(queries, k, search)
        self._graph.set_ef(_ef(search))
        return np.vstack([self._fewer(queries[row : row + 1], k, allowed) for row in range(len(queries))])

    def _fewer(self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None = None) -> IntArray:
        """As many as it finds for one query, padded with -1."""
        passes = None if allowed is None else lambda row: bool(allowed[row])
        answer = np.full((1, k), -1, dtype=np.int64)
        for count in range(k, 0, -1):
            try:
                answer[0, :count] = self._graph.knn_query(query, k=count, num_threads=1, filter=passes)[0][0]
            except RuntimeError:
                continue
            break
        return answer

    def _single(self, k: int, search: Settings) -> Callable[[FloatArray], object]:
        graph, ef = self._graph, _ef(search)

        def answer(query: FloatArray) -> object:
            graph.set_ef(ef)
            return graph.knn_query(query, k=k, num_threads=1)

        return answer


def build_hnswlib(spec: IndexSpec, database: Database) -> HnswlibIndex:
    """Build a graph on the threads that are set for FAISS."""
    import hnswlib

    watch = Stopwatch()
    settings = {**DEFAULTS, **{name: int(value) for name, value in spec.build}}
    graph = hnswlib.Index(space=SPACES[database.metric], dim=database.d)
    graph.init_index(
        max_elements=database.n,
        M=settings["M"],
        ef_construction=settings["efConstruction"],
        random_seed=_SEED + database.seed,
    )
    graph.add_items(database.array, np.arange(database.n), num_threads=int(faiss.omp_get_max_threads()))
    return HnswlibIndex(spec, database, graph, 0.0, watch.lap())


def read_hnswlib(file: IO[bytes], spec: IndexSpec, database: Database, train_s: float, add_s: float) -> HnswlibIndex:
    """The graph that ``write`` wrote. hnswlib raises RuntimeError where it cannot read it."""
    import hnswlib

    graph = hnswlib.Index(space=SPACES[database.metric], dim=database.d)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        graph.load_index(str(path), max_elements=database.n)
    return HnswlibIndex(spec, database, graph, train_s, add_s)


def _ef(search: Settings) -> int:
    return int(dict(search).get("ef", EF))
