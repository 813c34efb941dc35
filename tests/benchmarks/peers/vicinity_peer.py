"""vicinity's backends at their defaults, each evaluated by its own ``evaluate``.

Its metric is cosine, which orders unit rows as the inner product does.
"""

import sys
import time
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from common import flat_p50_us, p50_us, task, write
from vicinity import Vicinity

BACKENDS = {
    "vicinity hnsw": {"backend_type": "hnsw"},
    "vicinity faiss hnsw": {"backend_type": "faiss", "index_type": "hnsw"},
    "vicinity faiss ivf": {"backend_type": "faiss", "index_type": "ivf"},
    "vicinity faiss ivfpq": {"backend_type": "faiss", "index_type": "ivfpq"},
}


def main(folder: Path) -> None:
    vectors, queries, k = task(folder)
    threads, flat = faiss.omp_get_max_threads(), None
    for name, backend in BACKENDS.items():
        faiss.omp_set_num_threads(threads)
        began = time.perf_counter()
        searched = Vicinity.from_vectors_and_items(vectors, range(len(vectors)), metric="cosine", **backend)
        _, reported = searched.evaluate(vectors, queries, k=k)
        spent = time.perf_counter() - began
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, near in enumerate(searched.query(queries, k=k)):
            ids[row, : len(near)] = [item for item, _ in near]
        faiss.omp_set_num_threads(1)
        if backend["backend_type"] == "hnsw":
            searched.backend.index.set_num_threads(1)
        flat = flat or flat_p50_us(vectors, queries, k)
        said = {
            "index": ", ".join(f"{key}={value}" for key, value in searched.backend.arguments.dict().items()),
            "seconds": spent,
            "reported": {f"recall@{k}": reported},
            "p50_us": p50_us(partial(searched.query, k=k), queries),
            "flat_p50_us": flat,
        }
        write(folder, name.replace(" ", "_"), ids, said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
