"""The overhead of measuring: p50 by the workbench against a bare loop around the same FAISS call. Target: 5 %."""

import time
from collections.abc import Callable, Sequence

import faiss
import numpy as np

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, report, rotate, save
from workbench.ann import latency, pinned, summarise, time_queries
from workbench.records import FloatArray

QUERIES, D, K = 200, 384, 10
KINDS = {  # factory string -> search parameters
    "HNSW32": lambda: faiss.SearchParametersHNSW(efSearch=64),
    "IVF256,PQ192x4fs": lambda: faiss.SearchParametersIVF(nprobe=16),
    "Flat": lambda: None,
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=31)
    parser.add_argument("--rows", type=int, default=50_000, help="vectors searched (default 50,000)")
    options = parser.parse_args(argv)
    both = clustered(options.rows + QUERIES, D)
    vectors, queries = both[: options.rows], both[options.rows :]
    tables = []
    for kind, settings in KINDS.items():
        index = faiss.index_factory(D, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        times = rotate(contenders(index, settings(), queries), options.rounds)
        notes = [f"Each is the p50 of {QUERIES} queries, one at a time, one thread. Target: 0.95 to 1.05."]
        title = f"Overhead of the harness around {kind}, {options.rows:,} x {D}, k = {K}"
        tables.append(report(title, times, "a bare loop", notes))
    save(tables, options.json)


def contenders(
    index: faiss.Index, params: faiss.SearchParameters | None, queries: FloatArray
) -> dict[str, Callable[[], float]]:
    """By name, what gives the p50 of one query, in seconds."""

    def search(query: FloatArray) -> object:
        return index.search(query, K, params=params)

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

    return {
        "a bare loop": bare,
        "time_queries": harness,
        "latency": table,
    }


if __name__ == "__main__":
    main()
