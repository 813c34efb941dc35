"""What quantization does to a collection: recall, latency, bytes on disk and in memory, with and without rescoring."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from workbench.ann import Database, latency, pinned, provenance, query_scores, recall
from workbench.errors import InputError, StorageError
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray, Metric, Neighbours, Vectors
from workbench.vectordb.queries import split_queries
from workbench.vectordb.trial_shard import TrialShard, search_bytes, shard_config, trial_shard

__all__ = ["PLACEMENTS", "QUANTIZATIONS", "QUANTIZED_COLUMNS", "measure_quantized"]

QUANTIZATIONS: Mapping[str, str] = MappingProxyType(
    {
        "none": "float32, 32 bits a dimension",
        "scalar": "8 bits a dimension",
        "product": "pieces of the vector by their nearest of 256 centroids: 2 bits a dimension",
        "turbo": "rotated, then 4 bits a dimension (TurboQuant)",
        "binary": "the sign: 1 bit a dimension",
    }
)
"""Ways to store vectors a second time, shorter, and what a dimension takes."""

PLACEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "memory": "everything read when the shard is opened",
        "codes in memory": "the codes read when it is opened; vectors and graph from disk, page by page, when needed",
        "disk": "everything from disk when needed",
    }
)
"""Where a shard keeps what it searches. All is on disk too, and mapped: the system may drop pages that it has read."""

QUANTIZED_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "quantization": "one of QUANTIZATIONS",
        "rescoring": "whether oversampling * k candidates are compared again by their full vectors",
        "placement": "one of PLACEMENTS",
        "recall": "share of the k true neighbours, by ids, ties exact; mean over queries",
        "recall_low": "lower end of its 95 % interval over queries",
        "recall_high": "upper end of it",
        "p50_us": "median latency of one query on one thread, everything read before; median over interleaved rounds",
        "p95_us": "95th percentile of the same",
        "p99_us": "99th percentile of the same",
        "p50_low_us": "p50 of the fastest round",
        "p50_high_us": "p50 of the slowest round",
        "spread": "(p50_high_us - p50_low_us) / p50_us",
        "timed": "queries timed, all rounds together",
        "first_p50_us": "median of the first time each query is asked, the shard just opened, its pages dropped where "
        "the system lets them be",
        "disk_bytes": "bytes of the files of vectors, codes and graph",
        "resident_bytes": "growth of a fresh process by opening the shard and asking every query once",
        "n": "vectors",
        "d": "dimensions",
        "k": "answers asked for",
        "ef": "candidates that a walk keeps",
        "oversampling": "times k that are rescored; 1 without rescoring",
        "metric": "what near means",
        "queries": "how many, none of them among the vectors",
        "threads": "of a search",
        "seed": "of held-out queries",
    }
)
"""What each column of :func:`measure_quantized` means, and its unit."""

_CHILD_S = 120
_CHILD = """
import json, sys, time
import numpy as np
import qdrant_edge as edge

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1])

folder, queries, k, ef, rescore, oversampling = json.loads(sys.argv[1])
asked = [query.tolist() for query in np.load(queries)]
quantization = edge.QuantizationSearchParams(rescore=rescore, oversampling=oversampling)
params = edge.SearchParams(hnsw_ef=ef, quantization=quantization)
before, taken = resident(), []
shard = edge.EdgeShard.load(folder)
for query in asked:
    began = time.perf_counter_ns()
    shard.search(edge.SearchRequest(edge.Query.Nearest(query), k, params=params))
    taken.append(time.perf_counter_ns() - began)
print(json.dumps([resident() - before, taken]))
shard.close()
"""


def measure_quantized(
    vectors: Vectors | ArrayLike,
    queries: Vectors | ArrayLike | None = None,
    *,
    quantizations: Sequence[str] = tuple(QUANTIZATIONS),
    placements: Sequence[str] = ("memory",),
    k: int = 10,
    ef: int = 64,
    oversampling: float = 3.0,
    held_out: int = 100,
    rounds: int = 3,
    metric: Metric | None = None,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure a collection under each quantization, with and without rescoring, in memory and on disk.

    Each quantization is switched on in a copy of one shard of full vectors, as an update of a running collection does;
    the engine then builds its graph anew, by the codes. Two builds differ a little, which the intervals over queries do
    not hold. A walk follows the codes; rescoring compares its best ``oversampling * k`` by the full vectors. All are
    timed one query at a time in interleaved rounds, on one search thread, from the shards directly.

    Bytes in memory are those of a fresh process for each row: pages of the files that it mapped count as they are read,
    and a system short of memory would take them back. ``first_p50_us`` and ``resident_bytes`` need ``/proc`` (Linux);
    elsewhere they are NaN.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    queries
        ``(q, d)`` numbers that are no rows of ``vectors``, or Vectors; None holds ``held_out`` rows out.
    quantizations, placements
        Of ``QUANTIZATIONS`` and of ``PLACEMENTS``.
    k, ef
        Answers of a query, and candidates that a walk keeps.
    oversampling
        Times ``k`` that are rescored.
    rounds
        How often everything is timed.

    Returns
    -------
    pandas.DataFrame
        A row for each quantization, placement and rescoring (full vectors have nothing to rescore), with the columns
        of ``QUANTIZED_COLUMNS``; ``attrs["provenance"]`` says what it was measured on and ``attrs["fingerprint"]``
        identifies the vectors.

    Raises
    ------
    InputError
        An unknown quantization or placement, or numbers too small to measure.
    StorageError
        A shard could not be opened in a process of its own.
    VectorError, IdentityError
        What exact search refuses.
    """
    _check(quantizations, placements, k=k, ef=ef, oversampling=oversampling, rounds=rounds)
    database, asked, _ = split_queries(vectors, queries, metric, held_out, seed)
    truth = exact_neighbours(asked, database.array, min(k, database.n), database.metric)
    kinds = list(product(quantizations, placements))
    total = len(kinds) + 2
    with (
        ExitStack() as opened,
        TemporaryDirectory() as scratch,
        tqdm(total=total, disable=not progress, desc="shards") as bar,
    ):
        np.save(Path(scratch) / "queries.npy", asked)
        plain = opened.enter_context(trial_shard(database, shard_config(database)))
        bar.update()
        searches: dict[str, Callable[[FloatArray], list[Any]]] = {}
        rows = []
        for quantization, placement in kinds:
            copy = opened.enter_context(_quantized(plain, database, quantization, placement))
            for rescoring in (False,) if quantization == "none" else (False, True):
                times = oversampling if rescoring else 1.0
                search = _search(copy, k, ef, rescoring, times)
                searches[f"{quantization} {placement} {rescoring}"] = search
                first, resident = _fresh(copy, Path(scratch) / "queries.npy", k, ef, rescoring, times)
                rows.append(
                    {
                        "quantization": quantization,
                        "rescoring": rescoring,
                        "placement": placement,
                        **_recall(search, truth, asked, database),
                        "first_p50_us": first,
                        "disk_bytes": search_bytes(copy.folder),
                        "resident_bytes": resident,
                        "oversampling": times,
                    }
                )
            bar.update()
        timed = latency(searches, asked, rounds).rename(columns={"count": "timed"}).reset_index(drop=True)
        bar.update()
    table = pd.DataFrame(rows)
    table[timed.columns] = timed
    table["spread"] = (table["p50_high_us"] - table["p50_low_us"]) / table["p50_us"]
    shared = {"n": database.n, "d": database.d, "k": k, "ef": ef, "seed": seed, "threads": 1}
    table = table.assign(**shared, metric=database.metric, queries=len(asked))[list(QUANTIZED_COLUMNS)]
    table.attrs |= {"provenance": provenance(), "fingerprint": database.fingerprint}
    return table


@contextmanager
def _quantized(plain: TrialShard, database: Database, quantization: str, placement: str) -> Iterator[TrialShard]:
    """A copy of the shard, its files rewritten under the quantization and where they are to be kept."""
    import qdrant_edge as edge

    memory = edge.Memory
    codes = memory.Cold if placement == "disk" else memory.Pinned
    rest = memory.Cached if placement == "memory" else memory.Cold
    how: dict[str, Callable[[], Any]] = {
        "none": lambda: None,
        "scalar": lambda: edge.ScalarQuantizationConfig(edge.ScalarType.Int8, memory=codes),
        "product": lambda: edge.ProductQuantizationConfig(edge.CompressionRatio.X16, memory=codes),
        "turbo": lambda: edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4, memory=codes),
        "binary": lambda: edge.BinaryQuantizationConfig(memory=codes),
    }
    config = shard_config(database, quantization=how[quantization](), vectors_memory=rest, graph_memory=rest)
    with TemporaryDirectory(prefix="qdrant-") as scratch:
        folder = Path(scratch) / "shard"
        shutil.copytree(plain.folder, folder)
        shard = edge.EdgeShard.load(str(folder), config)
        try:
            shard.optimize()
            shard.flush()
            yield TrialShard(shard, folder)
        finally:
            shard.close()


def _search(shard: TrialShard, k: int, ef: int, rescoring: bool, times: float) -> Callable[[FloatArray], list[Any]]:
    import qdrant_edge as edge

    return shard.ask(k, hnsw_ef=ef, quantization=edge.QuantizationSearchParams(rescore=rescoring, oversampling=times))


def _recall(
    search: Callable[[FloatArray], list[Any]], truth: Neighbours, queries: FloatArray, database: Database
) -> dict[str, float]:
    found = np.full(truth.ids.shape, -1, dtype=np.int64)
    with pinned(1):
        for row in range(len(queries)):
            answer = [point.id for point in search(queries[row : row + 1])][: truth.k]
            found[row, : len(answer)] = answer
    first = Neighbours(truth.ids[:, :1], truth.scores[:, :1], truth.metric)
    scores = query_scores(
        recall(found, truth, queries, database.array),
        recall(np.ascontiguousarray(found[:, :1]), first, queries, database.array),
    )
    return {name: scores[name] for name in ("recall", "recall_low", "recall_high")}


def _fresh(shard: TrialShard, queries: Path, k: int, ef: int, rescoring: bool, times: float) -> tuple[float, float]:
    """Median microseconds of first queries and growth in bytes, of a process that opens a copy of the folder."""
    if not Path("/proc/self/statm").exists():
        return float("nan"), float("nan")
    with TemporaryDirectory(prefix="qdrant-") as scratch:
        folder = Path(scratch) / "shard"
        shutil.copytree(shard.folder, folder)  # one shard has one process
        _drop_pages(folder)
        asked = json.dumps([str(folder), str(queries), k, ef, rescoring, times])
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, asked], capture_output=True, text=True, check=False, timeout=_CHILD_S
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise StorageError(f"a fresh process could not search the shard: {last}", "Measure fewer vectors, or again.")
    pages, taken = json.loads(done.stdout)
    return float(np.median(taken)) / 1e3, float(pages * os.sysconf("SC_PAGE_SIZE"))


def _drop_pages(folder: Path) -> None:
    """Ask the system to forget what it holds of these files; in memory-backed folders it keeps them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _check(quantizations: Sequence[str], placements: Sequence[str], **counts: float) -> None:
    for kind, asked, known in (
        ("quantization", quantizations, QUANTIZATIONS),
        ("placement", placements, PLACEMENTS),
    ):
        unknown = [name for name in asked if name not in known]
        if unknown or not asked:
            what = f"there is no {kind} {unknown[0]!r}" if unknown else f"no {kind} was asked for"
            raise InputError(what, f"Use some of: {', '.join(known)}.")
    for name, count in counts.items():
        if not count >= 1:
            raise InputError(f"{name}={count}", "Use 1 or more.")
