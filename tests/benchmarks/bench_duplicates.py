"""All pairs of 100,000 vectors above a threshold: within 60 s on 2 cores, beside faiss and sentence-transformers."""

from collections.abc import Callable, Sequence

import faiss
import numpy as np

from tests.benchmarks.data import clustered
from tests.benchmarks.timing import arguments, interleave, report
from workbench.geometry import normalize
from workbench.records import FloatArray
from workbench.tasks import near_pairs

N, D, PLANTED = 100_000, 384, 5_000
THRESHOLDS = (0.95, 0.8)
_ROWS = 4096  # queries of a range search at a time


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=2)
    parser.add_argument("--n", type=int, default=N, help=f"vectors (default {N:,})")
    options = parser.parse_args(argv)
    vectors = planted(options.n)
    found: dict[str, int] = {}

    def counted(name: str, count: Callable[[], int]) -> Callable[[], None]:
        def run() -> None:
            found[name] = count()

        return run

    contenders = {"faiss range_search, 0.8": counted("faiss range_search, 0.8", lambda: by_faiss(vectors, 0.8))}
    contenders["paraphrase_mining, 100 neighbours"] = counted("mining", lambda: by_mining(vectors, 0.8))
    recalls = {}
    for threshold in THRESHOLDS:
        for how in ("exact", "approximate"):

            def once(threshold: float = threshold, how: str = how) -> int:
                pairs = near_pairs(vectors, threshold, how=how, progress=False)  # type: ignore[arg-type]
                recalls[f"{how}, {threshold:g}"] = pairs.recall
                return len(pairs)

            contenders[f"{how}, {threshold:g}"] = counted(f"{how}, {threshold:g}", once)
    times = interleave(contenders, options.rounds)
    notes = ["Target: exact within 60 s on 2 cores."]
    notes += [f"{name}: {count:,} pairs" for name, count in found.items()]
    notes += [f"{name}: recall {recall} on a sample" for name, recall in recalls.items() if recall is not None]
    title = f"All pairs of {options.n:,} x {D} vectors, {PLANTED * options.n // N:,} of them planted near another"
    report(title, times, "faiss range_search, 0.8", notes, options.json)


def planted(n: int) -> FloatArray:
    """Clustered unit vectors, of which one in twenty is near one other."""
    vectors = clustered(n, D)
    near = PLANTED * n // N
    noise = np.random.default_rng(1).standard_normal((near, D), dtype=np.float32)
    vectors[-near:] = normalize(vectors[:near] + 0.02 * noise)
    return vectors


def by_faiss(vectors: FloatArray, threshold: float) -> int:
    """Pairs that a flat index finds within a range of every row: each twice, and every row itself."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    total = 0
    for start in range(0, len(vectors), _ROWS):
        limits, _, _ = index.range_search(vectors[start : start + _ROWS], threshold)
        total += int(limits[-1])
    return (total - len(vectors)) // 2


def by_mining(vectors: FloatArray, threshold: float) -> int:
    """Pairs that sentence-transformers mines: the 100 nearest of every row."""
    import torch
    from sentence_transformers.util import paraphrase_mining_embeddings

    most = 1_000_000
    pairs = paraphrase_mining_embeddings(torch.from_numpy(vectors), top_k=100, max_pairs=most)
    return sum(score >= threshold for score, _, _ in pairs)


if __name__ == "__main__":
    main()
