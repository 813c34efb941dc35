"""autofaiss at its own defaults: it chooses an index and its settings for the vectors in a folder of .npy files.

What it reports as recall is its own ``score_index``, whose queries are the first rows of the vectors themselves.
"""

import sys
import time
from pathlib import Path

import faiss
from autofaiss import build_index, score_index
from common import flat_p50_us, p50_us, task, write


def main(folder: Path) -> None:
    vectors, queries, k = task(folder)
    began = time.perf_counter()
    index, infos = build_index(str(folder / "vectors"), save_on_disk=False, metric_type="ip", verbose=40)
    spent = time.perf_counter() - began
    ids = index.search(queries, k)[1]
    scores = score_index(index, str(folder / "vectors"), save_on_disk=False, verbose=40) or {}
    faiss.omp_set_num_threads(1)
    said = {
        "index": f"{infos['index_key']} {infos['index_param']}",
        "seconds": spent,
        "reported": {name: value for name, value in scores.items() if "recall" in name},
        "p50_us": p50_us(lambda query: index.search(query, k), queries),
        "flat_p50_us": flat_p50_us(vectors, queries, k),
    }
    write(folder, "autofaiss", ids, said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
