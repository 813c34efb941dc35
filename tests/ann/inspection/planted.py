"""Faults written into real indexes by hand."""

from itertools import pairwise

import faiss
import numpy as np

from workbench.ann import Index


def unlink(index: Index, row: int) -> None:
    """Remove every link to a row from the graph of a FAISS index: the lists close up, as FAISS ends them with -1."""
    hnsw = faiss.downcast_index(index._base).hnsw
    links = faiss.vector_to_array(hnsw.neighbors)
    offsets = faiss.vector_to_array(hnsw.offsets).astype(np.int64)
    slots = faiss.vector_to_array(hnsw.cum_nneighbor_per_level)
    for node in np.unique(np.searchsorted(offsets, np.flatnonzero(links == row), side="right") - 1):
        for begin, end in pairwise(slots.tolist()):
            stored = links[offsets[node] + begin : min(offsets[node] + end, offsets[node + 1])]
            left = stored[stored != row]
            stored[:] = [*left, *[-1] * (len(stored) - len(left))]
    faiss.copy_array_to_vector(links, hnsw.neighbors)
