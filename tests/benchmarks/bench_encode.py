"""Encoding the Wikipedia passages against stock sentence-transformers: at least 3 times as fast, the same vectors."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.timing import arguments, interleave, report
from workbench import corpora, embed
from workbench.embed.cache import text_digest


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=3)
    parser.add_argument("--texts", type=int, default=512, help="passages timed, drawn at random (default 512)")
    options = parser.parse_args(argv)
    from sentence_transformers import SentenceTransformer

    everything = corpora.load("wikipedia").texts
    rows = np.random.default_rng(0).choice(len(everything), min(options.texts, len(everything)), replace=False)
    texts = [everything[row] for row in rows]
    stock = SentenceTransformer(str(embed.bundled_model_path()), device="cpu")
    ours = embed.SentenceEncoder()
    on_torch = embed.SentenceEncoder(backend="torch", device="cpu")

    cosines = (ours.encode(everything) * stock.encode(list(everything))).sum(axis=1)
    times = interleave(
        {
            "stock SentenceTransformer.encode": lambda: stock.encode(texts),
            "SentenceEncoder, PyTorch": lambda: on_torch.encode(texts),
            f"SentenceEncoder, {ours.identity.precision}": lambda: ours.encode(texts),
        },
        options.rounds,
    )
    rates = ", ".join(f"{name} {len(texts) / sorted(taken)[len(taken) // 2]:.0f}/s" for name, taken in times.items())
    notes = [
        f"Texts per second: {rates}.",
        f"Cosine to the stock vectors, all {len(cosines):,} passages: least {cosines.min():.6f}, "
        f"median {np.median(cosines):.6f}. Target: 0.9999.",
        "Target: a ratio of 0.33 or less.",
        cached_note(),
    ]
    title = f"Encoding {len(texts):,} Wikipedia passages, all-MiniLM-L6-v2"
    report(title, times, "stock SentenceTransformer.encode", notes, options.json)


def cached_note(n: int = 100_000, d: int = 384, rounds: int = 5) -> str:
    """Seconds to get many cached vectors back as one array; target 0.5."""
    identity = embed.ModelIdentity("benchmark", "1", d)
    vectors = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
    digests = [text_digest(str(row)) for row in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        cache = embed.VectorCache(Path(folder))
        for start in range(0, n, 10_000):
            cache.add(identity, digests[start : start + 10_000], vectors[start : start + 10_000])
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            known, found = cache.get(identity, digests)
            taken.append(time.perf_counter() - began)
            assert known.all() and (found == vectors).all()
    median, low, high = sorted(taken)[rounds // 2], min(taken), max(taken)
    return (
        f"{n:,} cached vectors come back in {median:.2f} s ({low:.2f} to {high:.2f}, {rounds} rounds). Target: 0.5 s."
    )


if __name__ == "__main__":
    main()
