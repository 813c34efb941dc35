"""A shard of Qdrant's embedded engine in a temporary folder, laid out to be measured and thrown away."""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss

from workbench.ann import QDRANT_DISTANCES, Database
from workbench.records import FloatArray

__all__ = ["TrialShard", "search_bytes", "shard_config", "trial_shard"]

_KILOBYTES = 1  # data of this size is indexed by a graph: small data too is to be measured
_KILOBYTE = 1_024  # bytes
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class TrialShard:
    """An open shard, asked without a payload in the answers: what is timed is the search.

    The engine searches on one thread. What it visited it does not tell: an answer has an id, a score and a version, and
    the shard's information only counts points, vectors and segments.
    """

    shard: Any
    folder: Path

    def ask(self, k: int, *, where: Any = None, **search: Any) -> Callable[[FloatArray], list[Any]]:
        """A function from a ``(1, d) float32`` query to at most ``k`` scored points.

        ``where`` is a filter of the engine, ``search`` what its ``SearchParams`` takes. The query is handed over as a
        list of numbers, and that conversion is part of a timed search.
        """
        import qdrant_edge as edge

        params = edge.SearchParams(**search)
        request, nearest, shard = edge.SearchRequest, edge.Query.Nearest, self.shard

        def answer(query: FloatArray) -> list[Any]:
            found: list[Any] = shard.search(request(nearest(query[0].tolist()), k, filter=where, params=params))
            return found

        return answer


def shard_config(
    database: Database,
    *,
    m: int = 16,
    ef_construct: int = 100,
    payload_m: int | None = None,
    full_scan_threshold: int | None = None,
    quantization: Any = None,
    vectors_memory: Any = None,
    graph_memory: Any = None,
) -> Any:
    """What a shard of these vectors is created or loaded with: one segment, no log of writes, one search thread.

    ``payload_m`` is the links that a vector gets among those of equal payload: None takes ``m``, 0 gives none.
    ``full_scan_threshold`` is in kilobytes of vectors: where fewer pass a filter, the engine compares them all. None
    takes what one vector fills, so that the graph is walked whatever passes: below that, the engine rounds to no vector
    at all and was seen to compare them all instead.
    """
    import qdrant_edge as edge

    distance = getattr(edge.Distance, QDRANT_DISTANCES[database.metric])
    return edge.EdgeConfig(
        edge.EdgeVectorParams(database.d, distance, memory=vectors_memory),
        hnsw_config=edge.HnswIndexConfig(
            m,
            ef_construct,
            full_scan_threshold or math.ceil(4 * database.d / _KILOBYTE),
            max_indexing_threads=int(faiss.omp_get_max_threads()),
            payload_m=payload_m,
            memory=graph_memory,
        ),
        quantization_config=quantization,
        optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=_KILOBYTES),
        max_search_threads=1,
        wal_enabled=False,
    )


@contextmanager
def trial_shard(
    database: Database,
    config: Any,
    *,
    fields: Mapping[str, Any] | None = None,
    payloads: Sequence[dict[str, Any]] | None = None,
) -> Iterator[TrialShard]:
    """Fill a shard with the vectors, ids being rows, and remove it in the end.

    ``fields`` are indexed before the graph is built: links among equal payloads are made only then.
    """
    import qdrant_edge as edge

    folder = Path(tempfile.mkdtemp(prefix="qdrant-"))
    try:
        shard = edge.EdgeShard.create(str(folder), config)
        try:
            for name, kind in (fields or {}).items():
                shard.update(edge.UpdateOperation.create_field_index(name, kind))
            for start in range(0, database.n, _ROWS_AT_ONCE):
                rows = range(start, min(start + _ROWS_AT_ONCE, database.n))
                points = [
                    edge.Point(row, database.array[row].tolist(), payloads[row] if payloads else None) for row in rows
                ]
                shard.update(edge.UpdateOperation.upsert_points(points))
            shard.optimize()
            shard.flush()
            yield TrialShard(shard, folder)
        finally:
            shard.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def search_bytes(folder: Path) -> int:
    """Bytes of the files that a search reads: vectors, codes and graph, without marks of deletion and payloads.

    By the length of each file. Blocks on disk would count what the engine reserves: a copy fills the holes of a file.
    """
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if {"vector_storage", "vector_index"} & set(path.parts[:-1])]
    return sum((folder / path).stat().st_size for path in kept if "deleted" not in path.parts)
