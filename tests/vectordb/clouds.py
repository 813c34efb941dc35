"""Small clouds of vectors around some centres, and queries from the same."""

import numpy as np

N, D = 1_500, 24


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around 12 centres, and the centre of each."""
    rng = np.random.default_rng(seed)
    centres, at = np.random.default_rng(9).normal(size=(12, D)), rng.integers(12, size=n)
    rows = (centres[at] + 0.7 * rng.normal(size=(n, D))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), at


VECTORS, TOPICS = blobs(N)
QUERIES, _ = blobs(60, seed=1)
