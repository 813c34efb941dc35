"""Searches of an HNSW graph walked step by step, beside FAISS's own: 10 s or less for 1,000 queries is the target."""

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, interleave, report
from workbench.ann import Database, IndexSpec, Walk, Walker, build_index, pinned

QUERIES, N, D, K = 1_000, 100_000, 384, 10
SEARCH = (("efSearch", 64),)


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=3)
    parser.add_argument("--index", default="HNSW16", help="the graph (default HNSW16)")
    options = parser.parse_args(argv)
    both = clustered(N + QUERIES, D)
    database = Database(both[:N], "cosine")
    queries = database.prepare(both[N:])
    index = build_index(IndexSpec.parse(options.index), database)
    walker = Walker(index)

    with pinned(1):
        times = interleave(
            {
                "FAISS": lambda: index.search(queries, K, SEARCH),
                "visited": lambda: [walker.visited(query, K, SEARCH) for query in queries],
                "walk": lambda: [_traced(walker.walk(query, K, SEARCH)) for query in queries],
            },
            options.rounds,
        )
        walks = [walker.walk(query, K, SEARCH) for query in queries]
        counted = index.distances(queries, K, SEARCH)
        same = np.array_equal([walk.found for walk in walks], index.search(queries, K, SEARCH))
    notes = [
        f"Distances of a query: {np.mean([walk.distances for walk in walks]):,.1f} walked, {counted:,.1f} by FAISS; "
        f"steps: {np.mean([walk.steps for walk in walks]):,.1f}; the same rows: {'yes' if same else 'NO'}.",
        "'walk' makes the tables of every walk. Target: 10 s or less for it.",
    ]
    title = f"Walks over {options.index}, {QUERIES:,} queries of {N:,} x {D}, efSearch 64, k = {K}, one thread"
    report(title, times, "FAISS", notes, options.json)


def _traced(walk: Walk) -> int:
    """Rows of both tables of a walk, which are made when they are asked for."""
    return len(walk.hops) + len(walk.computed)


if __name__ == "__main__":
    main()
