"""One new line against a history of 20,000 distinct vectors: 5 ms is the target, scikit-learn's neighbours the peer."""

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, interleave, report
from workbench.tasks import anomalies

LINES, N, D, K = 200, 20_000, 384, 5


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "").parse_args(argv)
    both = clustered(N + LINES, D)
    history, lines = both[:N], both[N:]
    exact = anomalies.AnomalyDetector(k=K).fit(history)
    graph = anomalies.AnomalyDetector(k=K, approximate=True).fit(history)
    peer = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(history)

    def theirs() -> list[float]:
        return [float(peer.kneighbors(one[None])[0].mean()) for one in lines]

    ours, near = np.array([exact.score_one(one) for one in lines]), np.array([graph.score_one(one) for one in lines])
    np.testing.assert_allclose(ours, theirs(), atol=1e-4)
    times = interleave(
        {
            "scikit-learn kneighbors": theirs,
            "score_one, exact": lambda: [exact.score_one(one) for one in lines],
            "score_one, approximate": lambda: [graph.score_one(one) for one in lines],
            "scores, all at once": lambda: exact.scores(lines),
        },
        options.rounds,
    )
    title = f"{LINES} lines, one at a time, against {N:,} x {D} distinct vectors, k = {K}"
    each = {name: 1000 * float(np.median(some)) / LINES for name, some in times.items()}
    notes = [
        "A line, ms: " + ", ".join(f"{name} {took:.2f}" for name, took in each.items()) + ". Target: 5 or less.",
        f"The approximate score differs by {np.abs(near - ours).max():.2g} at most.",
    ]
    report(title, times, "scikit-learn kneighbors", notes, options.json)


if __name__ == "__main__":
    main()
