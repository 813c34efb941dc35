"""What every peer's script does: it reads the task's folder, times a bare loop on one thread, and writes what it found.

These scripts run in the peers' own environments, where nothing of the workbench is.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

ROUNDS, FLAT_QUERIES = 3, 200


def task(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Unit rows to search, the queries, and k."""
    vectors, queries = np.load(folder / "vectors" / "0.npy"), np.load(folder / "queries.npy")
    return vectors, queries, json.loads((folder / "task.json").read_text())["k"]


def p50_us(search: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    """Median over rounds of the p50 of one query, microseconds; the caller has set one thread."""
    medians = []
    for turn in range(-1, ROUNDS):
        taken = []
        for row in range(len(queries)):
            query = queries[row : row + 1]
            began = time.perf_counter_ns()
            search(query)
            taken.append(time.perf_counter_ns() - began)
        if turn >= 0:
            medians.append(np.median(taken) / 1e3)
    return float(np.median(medians))


def flat_p50_us(vectors: np.ndarray, queries: np.ndarray, k: int) -> float:
    """The same of exact search in the same process: what a latency measured here is to be held against."""
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    return p50_us(lambda query: flat.search(query, k), queries[:FLAT_QUERIES])


def write(folder: Path, name: str, ids: np.ndarray, said: dict[str, Any]) -> None:
    """Keep the ids found, ``(queries, k)`` and -1 padded, and what the peer and the clock said."""
    np.save(folder / f"{name}.npy", ids.astype(np.int64))
    (folder / f"{name}.json").write_text(json.dumps(said, default=str))
