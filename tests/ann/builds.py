"""Small data and the indexes of it that several tests look at, each built once in a process."""

import importlib.util
from functools import lru_cache

import numpy as np
import pytest

from workbench.ann import Database, Index, IndexSpec, build_index, recall
from workbench.geometry import exact_neighbours

METRICS = ["cosine", "dot", "euclidean"]
K = 10

# A search of each kind, and bounds on its mean recall@10 under every metric.
KINDS = {
    "Flat": (1.0, 1.0),
    "HNSW16 efConstruction=80 efSearch=64": (0.95, 1.0),
    "IVF16,Flat nprobe=16": (1.0, 1.0),
    "IVF16,Flat nprobe=2": (0.3, 0.9),
    "PQ4": (0.2, 0.75),
    "PQ8x4": (0.2, 0.75),
    "PQ8x4fs": (0.2, 0.75),
    "PQ16x4fs,RFlat k_factor=8": (0.95, 1.0),
    "IVF16,PQ4 nprobe=16": (0.2, 0.75),
    "IVF16,PQ8x4fs nprobe=16": (0.2, 0.75),
    "IVF16,PQ16x4fs,RFlat nprobe=16 k_factor=8": (0.95, 1.0),
    "SQ8": (0.9, 1.0),
    "SQ4": (0.5, 0.95),
    "SQ4,RFlat k_factor=4": (0.9, 1.0),
    "SQfp16": (0.98, 1.0),
    "IVF16,SQ8 nprobe=16": (0.9, 1.0),
    "HNSW16,SQ8 efSearch=64": (0.85, 1.0),
    "LSH": (0.05, 0.6),
    "LSHr,RFlat k_factor=32": (0.5, 1.0),
    "RaBitQ": (0.1, 0.75),
    "RaBitQ,RFlat qb=8 k_factor=16": (0.9, 1.0),
    "IVF16,RaBitQ,RFlat nprobe=16 k_factor=16": (0.8, 1.0),
    "hnswlib M=16 efConstruction=80 ef=64": (0.95, 1.0),
    "qdrant m=16 ef_construct=80 hnsw_ef=64": (0.95, 1.0),
    "qdrant m=16 quantization=scalar hnsw_ef=64 oversampling=2": (0.95, 1.0),
    "qdrant m=16 quantization=binary hnsw_ef=64": (0.05, 0.75),
    "qdrant m=16 quantization=product hnsw_ef=64 oversampling=4": (0.85, 1.0),
}


def gaussian(n: int, d: int = 32, seed: int = 0) -> np.ndarray:
    """Rows of various lengths."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n, d)) * rng.uniform(0.5, 2.0, (n, 1))).astype(np.float32)


@lru_cache
def database(metric: str, n: int = 1500) -> Database:
    return Database(gaussian(n), metric)


@lru_cache
def queries(metric: str) -> np.ndarray:
    return database(metric).prepare(gaussian(60, seed=1))


@lru_cache
def truth(metric: str):
    return exact_neighbours(gaussian(60, seed=1), gaussian(1500), K, metric)


@lru_cache
def built(text: str, metric: str) -> Index:
    """The index of a text, without its search settings; skips the test where its library is missing.

    A rotation is learned from fewer rows: it takes seconds of all.
    """
    return build_index(IndexSpec.parse(need(text)), database(metric, 320 if text.startswith("OPQ") else 1500))


def need(text: str) -> str:
    if text.startswith("hnswlib") and importlib.util.find_spec("hnswlib") is None:
        pytest.skip("hnswlib is not installed: it needs a C++ compiler")
    return text


def searched(text: str, metric: str) -> tuple[Index, IndexSpec]:
    spec = IndexSpec.parse(text)
    return built(str(spec.built()), metric), spec


def mean_recall(found: np.ndarray, metric: str) -> float:
    return float(recall(found, truth(metric), gaussian(60, seed=1), gaussian(1500)).mean())
