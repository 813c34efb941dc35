"""Bytes of an index by formula: what its parts must take, before it is built."""

import math

from workbench.ann.kinds import Parts
from workbench.ann.specs import IndexSpec
from workbench.records import Metric

__all__ = ["formula_bytes"]

_GRAPH_NODE = 12  # FAISS: level (4) and offset (8) of each node
_ID = 8  # of a vector in an inverted list
_TABLE_LIMIT = 2 << 30  # beyond it FAISS drops the precomputed table silently: IndexIVFPQ.cpp
_HNSWLIB_RESIDENT = 95  # bytes per element beyond its file: 90 to 100 were measured (a mutex and a hash map entry)
_QDRANT_FACTOR = 1.5  # https://qdrant.tech/documentation/guides/capacity-planning/


def formula_bytes(spec: IndexSpec, n: int, d: int, metric: Metric | None = None) -> int:
    """Bytes in memory of an index of ``n`` vectors of ``d`` dimensions; search settings do not matter.

    Parameters
    ----------
    spec
        The index.
    n, d
        Vectors and dimensions.
    metric
        ``"euclidean"`` adds the table that FAISS computes ahead for IVF-PQ under L2, ``4 nlist m 2^b`` bytes, which its
        file does not show. Beyond 2 GiB FAISS goes without it, and searches more slowly.

    Returns
    -------
    int
        Codes, ids (8 bytes in inverted lists), centroids, codebooks, graph edges, rotation, and for a refinement the
        vectors themselves. For hnswlib, what its file does not show is included; for Qdrant it is the rule of its
        capacity page, and quantized copies on top.

    Notes
    -----
    Flat ``4nd``; SQ8 ``nd``, SQ4 ``n ceil(d/2)``, fp16 ``2nd``; PQ ``n ceil(mb/8) + 4 2^b d``, fast-scan in blocks of
    32 vectors; IVF ``8n + 4 nlist d`` on top; FAISS HNSW ``n (8M + 4M/(M-1) + 12)`` on top of the codes; OPQ
    ``4 d d + 4 d``; sign bits ``n ceil(d/8)``, and ``4 d d`` for the rotation of LSHr; RaBitQ 8 bytes a vector on top
    of them. Lists of fast-scan codes end in half a block of padding on average.

    References
    ----------
    https://github.com/facebookresearch/faiss/wiki/Faiss-indexes
    """
    parts = spec.parts
    if spec.library == "hnswlib":
        edges = int(dict(spec.build).get("M", 16))
        upper = 4 * (edges + 1) / (edges - 1)  # a node is on 1 / (M - 1) upper levels, M links and their count on each
        return math.ceil(n * (4 * d + 4 * (2 * edges + 1) + 8 + upper + _HNSWLIB_RESIDENT))
    if spec.library == "qdrant":
        quantized = {"scalar": d + 4, "binary": math.ceil(d / 8), "product": math.ceil(d / 4), "none": 0}
        return math.ceil(n * (4 * d * _QDRANT_FACTOR + quantized[str(dict(spec.build).get("quantization", "none"))]))
    total = n * _code_bytes(parts, d) if not parts.fast_scan else _packed_bytes(parts, n, d)
    if parts.codec == "PQ":
        total += 4 * 2 ** (parts.bits or 8) * d
    if parts.sq in ("SQ8", "SQ4"):
        total += 8 * d  # a least value and a range for each dimension
    if parts.nlist:
        total += _ID * n + 4 * parts.nlist * d
    if parts.M:
        total += math.ceil(n * (8 * parts.M + 4 * parts.M / (parts.M - 1) + _GRAPH_NODE))
    if parts.opq:
        total += 4 * d * d + 4 * d
    if metric == "euclidean" and parts.codec == "PQ" and parts.nlist and not parts.fast_scan:
        table = 4 * parts.nlist * (parts.m or 0) * 2 ** (parts.bits or 8)
        total += table if table <= _TABLE_LIMIT else 0
    if parts.rotated:
        total += 4 * d * d
    return total + (4 * n * d if parts.refine else 0)


def _code_bytes(parts: Parts, d: int) -> int:
    """Bytes of one vector's code."""
    if parts.codec == "PQ":
        return math.ceil((parts.m or 0) * (parts.bits or 8) / 8)
    if parts.codec == "LSH":
        return math.ceil(d / 8)
    if parts.codec == "RaBitQ":
        return math.ceil(d / 8) + 8  # two float32 factors: RaBitQUtils.h
    return {"SQ8": d, "SQ4": math.ceil(d / 2), "SQfp16": 2 * d}.get(parts.sq or "", 4 * d)


def _packed_bytes(parts: Parts, n: int, d: int) -> int:
    """Bytes of fast-scan codes: two parts to a byte, parts padded to an even number, vectors to blocks of 32."""
    per_vector = math.ceil((parts.m or 0) / 2)
    return per_vector * (32 * math.ceil(n / 32) + (16 * parts.nlist if parts.nlist else 0))
