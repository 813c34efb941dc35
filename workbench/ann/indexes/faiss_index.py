"""Indexes of FAISS: built on what a database shares, searched with parameters of their own."""

from collections.abc import Callable
from functools import partial
from typing import IO, Any

import faiss
import numpy as np
from numpy.typing import NDArray

from workbench.ann.indexes.base import Index
from workbench.ann.indexes.database import Database
from workbench.ann.specs import IndexSpec, Settings
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray

__all__ = ["EF_SEARCH", "FaissIndex"]

EF_SEARCH = 16  # FAISS's own


class FaissIndex(Index):
    """An index of FAISS; ``base`` is without the refinement, and None for Flat."""

    def __init__(
        self, spec: IndexSpec, database: Database, base: Any, train_s: float = 0.0, add_s: float = 0.0
    ) -> None:
        super().__init__(spec, database, train_s, add_s)
        self._base = base
        self._whole = database.flat if base is None else base
        if spec.parts.refine:
            self._whole = faiss.IndexRefine(base, database.flat)  # owns neither; both are kept here

    @property
    def base(self) -> Any:
        """FAISS's own object without the refinement: an ``IndexFlat``, an ``IndexIVFPQ``, an ``IndexPreTransform``."""
        return self.database.flat if self._base is None else self._base

    def unrefined(self, queries: FloatArray, k: int, search: Settings = ()) -> tuple[FloatArray, IntArray]:
        """What FAISS finds without the refinement, ``(q, k)`` each: its own distances, and rows; -1 where it has fewer.

        Distances are FAISS's, of the codes: squared L2, similarity (larger is nearer), or Hamming for sign bits.

        Raises
        ------
        InputError, VectorError
            As ``search``.
        """
        self._check(queries, k, search)
        distances, rows = self.base.search(queries, k, params=self._base_parameters(search))
        return distances, rows

    @property
    def serialized_bytes(self) -> int:
        """Bytes of FAISS's file of the base, and ``4 * n * d`` for the vectors of Flat or of a refinement."""
        counter = _Counter()
        if self._base is not None:
            self.write(counter)  # type: ignore[arg-type]
        return counter.total + (4 * self.n * self.d if self._base is None or self.spec.parts.refine else 0)

    def write(self, file: IO[bytes]) -> None:
        """FAISS's own format of the base; nothing for Flat."""
        if self._base is not None:
            faiss.write_index(self._base, faiss.PyCallbackIOWriter(file.write))

    def close(self) -> None:
        """Free its memory."""
        self._whole = self._base = None

    def filtered(self, queries: FloatArray, k: int, search: Settings, allowed: NDArray[np.bool_]) -> IntArray:
        """As ``search``, among the rows that are allowed, ``(n,) bool``.

        Raises
        ------
        InputError, VectorError
            As ``search``; and where FAISS cannot filter such an index.
        """
        self._check(queries, k, search)
        selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        inner = self._base_parameters(search) or faiss.SearchParameters()
        (inner.index_params if self.spec.parts.opq and self.spec.parts.nlist else inner).sel = selector
        params = self._refining(k, search, inner) if self.spec.parts.refine else inner
        try:
            found: IntArray = self._whole.search(queries, k, params=params)[1]
        except RuntimeError as error:
            raise InputError(f"{self.spec} cannot be filtered by FAISS", "Filter Flat, IVF, HNSW or SQ.") from error
        return found

    def _batch(self, queries: FloatArray, k: int, search: Settings) -> IntArray:
        found: IntArray = self._whole.search(queries, k, params=self._parameters(k, search))[1]
        return found

    def _single(self, k: int, search: Settings) -> Callable[[FloatArray], object]:
        return partial(self._whole.search, k=k, params=self._parameters(k, search))

    def _count(self, queries: FloatArray, k: int, search: Settings) -> float:
        parts = self.spec.parts
        lists, graph = faiss.cvar.indexIVF_stats, faiss.cvar.hnsw_stats
        lists.reset()
        graph.reset()
        self._batch(queries, k, search)
        if parts.nlist:
            counted = lists.ndis / len(queries) + parts.nlist
        elif parts.M:
            counted = graph.ndis / len(queries)
        else:
            counted = float(self.n)
        return float(counted + (self.compared(k, search) if parts.refine else 0))

    def _parameters(self, k: int, search: Settings) -> Any:
        """FAISS's search parameters, nested as the index is; None where it has none."""
        inner = self._base_parameters(search)
        return self._refining(k, search, inner) if self.spec.parts.refine else inner

    def _refining(self, k: int, search: Settings, inner: Any) -> Any:
        # Never more than there are: sign bits pad with a large distance, which inner products take for the best.
        count = self.compared(k, search)
        factor = np.float32(count / k)
        above = np.nextafter(factor, np.float32(np.inf))
        if int(np.float32(k) * factor) < count == int(np.float32(k) * above):  # FAISS multiplies so
            factor = above
        return faiss.IndexRefineSearchParameters(k_factor=float(factor), base_index_params=inner)

    def _base_parameters(self, search: Settings) -> Any:
        parts, given = self.spec.parts, dict(search)
        inner: Any = None
        if parts.codec == "RaBitQ":
            kind = faiss.IVFRaBitQSearchParameters if parts.nlist else faiss.RaBitQSearchParameters
            names = {"nprobe": 1} if parts.nlist else {}
            inner = kind(**{name: int(given.get(name, default)) for name, default in {**names, "qb": 0}.items()})
        elif parts.nlist:
            inner = faiss.SearchParametersIVF(nprobe=int(given.get("nprobe", 1)))
        elif parts.M:
            inner = faiss.SearchParametersHNSW(efSearch=int(given.get("efSearch", EF_SEARCH)))
        if parts.opq and inner is not None:
            inner = faiss.SearchParametersPreTransform(index_params=inner)
        return inner


class _Counter:
    """A file that only counts."""

    def __init__(self) -> None:
        self.total = 0

    def write(self, data: bytes) -> int:
        self.total += len(data)
        return len(data)
