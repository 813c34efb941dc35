"""Exact neighbours against the bare matrix multiply that any exact search must do: 1.5 times is the target."""

from collections.abc import Sequence

import faiss
import numpy as np

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, interleave, report
from workbench.geometry import exact_neighbours

QUERIES, N, D, K = 1_000, 100_000, 384, 100


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "").parse_args(argv)
    both = clustered(N + QUERIES, D)
    vectors, queries = both[:N], both[N:]
    longer = vectors * np.random.default_rng(1).uniform(0.5, 2.0, (N, 1)).astype(np.float32)
    scores = np.empty((QUERIES, N), dtype=np.float32)  # so that the multiply is not charged for fresh memory

    times = interleave(
        {
            "bare matrix multiply": lambda: np.matmul(queries, vectors.T, out=scores),
            "bare faiss.knn": lambda: faiss.knn(queries, vectors, K, metric=faiss.METRIC_INNER_PRODUCT),
            "cosine, unit vectors": lambda: exact_neighbours(queries, vectors, K, "cosine"),
            "cosine, any length": lambda: exact_neighbours(queries, longer, K, "cosine"),
            "dot product": lambda: exact_neighbours(queries, longer, K, "dot"),
            "euclidean": lambda: exact_neighbours(queries, longer, K, "euclidean"),
        },
        options.rounds,
    )
    title = f"Exact neighbours, {QUERIES:,} x {N:,} x {D}, k = {K}, validated, ties and float64 scores included"
    report(title, times, "bare matrix multiply", ["Target: 1.5 or less."], options.json)


if __name__ == "__main__":
    main()
