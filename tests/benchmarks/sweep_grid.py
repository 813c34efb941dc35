"""The exhaustive grid that the adaptive sweep is held against: 12 HNSW builds, 15 IVF kinds, 4 PQ, and exact search."""

from collections.abc import Iterator
from itertools import product
from math import log2

from workbench.ann import IndexSpec

M, EF_CONSTRUCTION = (8, 16, 32, 64), (100, 200, 400)
EF_SEARCH = (16, 32, 64, 128, 256, 512)
NPROBE = (1, 2, 4, 8, 16, 32, 64, 128)
K_FACTOR = (2, 4, 8, 16)
ROWS_PER_LIST = (400, 100, 25)  # nlist 256, 1024 and 4096 for 100,000 vectors
IN_LISTS = ("Flat", "PQ48", "PQ96", "PQ192x4fs", "PQ192x4fs,RFlat")
FLAT_CODES = ("PQ48", "PQ96", "PQ192x4fs", "PQ192x4fs,RFlat")


def grid(n: int) -> list[IndexSpec]:
    """Every index with every search setting, for ``n`` vectors of 384 dimensions."""
    return [*_flat(), *_graphs(), *_lists(n), *_codes()]


def _flat() -> Iterator[IndexSpec]:
    yield IndexSpec("Flat")


def _graphs() -> Iterator[IndexSpec]:
    for m, construction, search in product(M, EF_CONSTRUCTION, EF_SEARCH):
        yield IndexSpec(f"HNSW{m}", (("efConstruction", construction),)).with_search(efSearch=search)


def _lists(n: int) -> Iterator[IndexSpec]:
    for rows, kind in product(ROWS_PER_LIST, IN_LISTS):
        nlist = 2 ** round(log2(n / rows))
        spec = IndexSpec(f"IVF{nlist},{kind}")
        for nprobe in (nprobe for nprobe in NPROBE if nprobe <= nlist):
            for factor in K_FACTOR if "RFlat" in kind else (None,):
                yield spec.with_search(nprobe=nprobe, **({"k_factor": factor} if factor else {}))


def _codes() -> Iterator[IndexSpec]:
    for kind in FLAT_CODES:
        for factor in K_FACTOR if "RFlat" in kind else (None,):
            yield IndexSpec(kind).with_search(**({"k_factor": factor} if factor else {}))
