"""The overhead of measuring: p50 by the workbench against a bare loop around the same FAISS call. Target: 5 %."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, report, rotate, save
from workbench.ann import Database, Index, IndexSpec, build_index, latency, pinned, summarise, time_queries
from workbench.records import FloatArray

QUERIES, D, K = 200, 384, 10
KINDS = {  # index -> how FAISS is asked the same without the workbench
    "HNSW32 efConstruction=200 efSearch=64": lambda: faiss.SearchParametersHNSW(efSearch=64),
    "IVF256,PQ192x4fs nprobe=16": lambda: faiss.SearchParametersIVF(nprobe=16),
    "Flat": lambda: None,
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=31)
    parser.add_argument("--rows", type=int, default=50_000, help="vectors searched (default 50,000)")
    options = parser.parse_args(argv)
    both = clustered(options.rows + QUERIES, D)
    vectors, queries = both[: options.rows], both[options.rows :]
    database, tables = Database(vectors, "dot"), []
    for text, parameters in KINDS.items():
        spec = IndexSpec.parse(text)
        index = build_index(spec.built(), database)
        bare, search = raw(index, database), index.searcher(K, spec.search)
        times = rotate(contenders(bare, parameters(), search, queries), options.rounds)
        notes = [f"Each is the p50 of {QUERIES} queries, one at a time, one thread. Target: 0.95 to 1.05."]
        title = f"Overhead of the harness around {text}, {options.rows:,} x {D}, k = {K}"
        tables.append(report(title, times, "a bare loop", notes))
    save(tables, options.json)


def raw(index: Index, database: Database) -> faiss.Index:
    """What FAISS reads from the index's own file: the same graph or lists, and nothing of the workbench around them."""
    if index.spec.family == "flat":
        flat = faiss.IndexFlatIP(database.d)
        flat.add(database.array)
        return flat
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.faiss"
        with path.open("wb") as file:
            index.write(file)
        return faiss.read_index(str(path))


def contenders(
    index: faiss.Index,
    params: faiss.SearchParameters | None,
    search: Callable[[FloatArray], object],
    queries: FloatArray,
) -> dict[str, Callable[[], float]]:
    """By name, what gives the p50 of one query, in seconds."""

    def bare() -> float:
        clock, seconds = time.perf_counter, []
        with pinned(1):
            for i in range(len(queries)):
                query = queries[i : i + 1]
                start = clock()
                index.search(query, K, params=params)
                seconds.append(clock() - start)
        return float(np.median(seconds))

    def harness() -> float:
        with pinned(1):
            return float(summarise(time_queries(search, queries)[None])["p50_us"]) / 1e6

    def table() -> float:
        return float(latency({"it": search}, queries, rounds=1)["p50_us"].iloc[0]) / 1e6

    return {"a bare loop": bare, "time_queries": harness, "latency": table}


if __name__ == "__main__":
    main()
