"""Vectors to measure speed on: clustered unit vectors, as sentence embeddings are."""

import numpy as np

from workbench.geometry import normalize
from workbench.records import FloatArray


def clustered(n: int, d: int = 384, clusters: int = 100, seed: int = 0) -> FloatArray:
    """``(n, d) float32`` unit vectors around random centers, half of each vector's energy its own."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((n, d), dtype=np.float32)
    vectors += random.standard_normal((clusters, d), dtype=np.float32)[random.integers(clusters, size=n)]
    return normalize(vectors)
