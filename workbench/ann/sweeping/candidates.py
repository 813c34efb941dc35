"""Which builds of a family are worth trying on so many vectors of so many dimensions."""

import math

from workbench.ann.specs import IndexSpec

__all__ = ["GRAPHS", "candidates", "coarse_sizes"]

GRAPHS = ("hnsw", "hnswlib", "hnswsq", "qdrant")  # families whose builds are dear, and rank alike on a subsample

_M = (8, 16, 32, 64)
_EF_CONSTRUCTION = (100, 200, 400)
_ROWS_PER_LIST = 39  # FAISS warns of fewer training rows for each centroid


def candidates(family: str, n: int, d: int) -> list[IndexSpec]:
    """Builds of a family, cheapest first; inverted files come at one ``nlist``, from which the sweep climbs.

    Parameters
    ----------
    family
        One of ``FAMILIES``.
    n, d
        Number of vectors and of dimensions. Product quantizers get a number of subspaces that divides ``d``.
    """
    nlist = coarse_sizes(n)[len(coarse_sizes(n)) // 2]
    half, quarter, eighth = _divisor(d, d // 2), _divisor(d, d // 4), _divisor(d, d // 8)
    coded = _unique([f"PQ{half}x4fs,RFlat", f"PQ{quarter}x4fs,RFlat", f"PQ{eighth}"])
    kinds = {
        "flat": ["Flat"],
        "sq": ["SQ8", "SQfp16", "SQ4"],
        "pq": coded,
        "ivf": [f"IVF{nlist},Flat"],
        "ivfpq": [f"IVF{nlist},{code}" for code in coded],
        "opq": _unique([f"OPQ{m},IVF{nlist},PQ{m}x4fs,RFlat" for m in (half, quarter)]),
        "ivfsq": [f"IVF{nlist},{code}" for code in ("SQ8", "SQfp16", "SQ4")],
        "binary": ["LSH", "LSH,RFlat", "LSHr,RFlat"],
        "rabitq": ["RaBitQ,RFlat", f"IVF{nlist},RaBitQ", f"IVF{nlist},RaBitQ,RFlat"],
    }
    if family in kinds:
        return [IndexSpec(kind) for kind in kinds[family]]
    efforts = sorted(((m, ef) for m in _M for ef in _EF_CONSTRUCTION), key=lambda pair: pair[0] * pair[1])
    if family == "hnsw":
        return [IndexSpec(f"HNSW{m}", (("efConstruction", ef),)) for m, ef in efforts]
    if family == "hnswsq":
        return [IndexSpec(f"HNSW{m},SQ8", (("efConstruction", ef),)) for m, ef in efforts]
    if family == "hnswlib":
        return [IndexSpec("hnswlib", (("M", m), ("efConstruction", ef))) for m, ef in efforts]
    return [
        IndexSpec("qdrant", (("m", m), ("ef_construct", ef), ("quantization", kept)))
        for kept in ("none", "scalar")
        for m, ef in efforts
        if m in (16, 32) and ef <= 200
    ]


def coarse_sizes(n: int) -> list[int]:
    """Powers of two around the square root of ``n`` that leave FAISS enough rows to train each centroid, ascending."""
    middle = round(math.log2(max(2.0, math.sqrt(n) * 0.8)))
    sizes = [2**power for power in range(max(1, middle - 2), middle + 3)]
    return [size for size in sizes if size * _ROWS_PER_LIST <= n] or [2]


def _divisor(d: int, wanted: int) -> int:
    """Largest divisor of ``d`` that is no more than ``wanted``, and at least 1."""
    return next(m for m in range(max(1, wanted), 0, -1) if d % m == 0)


def _unique(kinds: list[str]) -> list[str]:
    return list(dict.fromkeys(kinds))
