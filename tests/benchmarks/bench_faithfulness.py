"""Faithfulness of a map of 5,000 points against scikit-learn's trustworthiness alone, and of 100,000 by a sample."""

from collections.abc import Sequence

import numpy as np
from sklearn.manifold import trustworthiness

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, interleave, report, save
from workbench.geometry import faithfulness, project

N, LARGE, D, K = 5_000, 100_000, 384, 15


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "").parse_args(argv)
    vectors = clustered(N, D)
    places = project(vectors, method="pca").astype(np.float64)
    wide = vectors.astype(np.float64)  # scikit-learn's own distances, in the precision that ours are in
    ours, theirs = faithfulness(vectors, places, K), trustworthiness(wide, places, n_neighbors=K, metric="cosine")
    differ = abs(ours.trustworthiness.mean - theirs)
    assert differ < 1e-9, f"the two disagree by {differ}"
    times = interleave(
        {
            "sklearn trustworthiness": lambda: trustworthiness(wide, places, n_neighbors=K, metric="cosine"),
            "faithfulness, all measures": lambda: faithfulness(vectors, places, K),
        },
        options.rounds,
    )
    title = f"Faithfulness of a map of {N:,} points of {D} dimensions, every point against all others, k = {K}"
    note = f"Both say {theirs:.6f} (difference {differ:.1g}). Target: 0.33 or less, and 3 s."
    small = report(title, times, "sklearn trustworthiness", [note])

    many = clustered(LARGE, D)
    flat = project(many, method="pca")
    times = interleave({"2,000 of 100,000 points": lambda: faithfulness(many, flat, K)}, options.rounds)
    title = f"Faithfulness of a map of {LARGE:,} points by a sample of 2,000, each against all others"
    large = report(title, times, "2,000 of 100,000 points", [str(faithfulness(many, flat, K))])
    save([small, large], options.json)


if __name__ == "__main__":
    main()
