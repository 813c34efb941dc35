"""What an index keeps of each vector: codes, codebooks, how far they are from the vectors, what a rotation changes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from workbench.ann.indexes import Index
from workbench.ann.indexes.base import check_lines
from workbench.ann.indexes.database import row_blocks
from workbench.ann.inspection.lists import Lists, unwrapped
from workbench.errors import InputError
from workbench.geometry import dot_product, squared_euclidean_distance
from workbench.records import FloatArray, IntArray

__all__ = [
    "Codes",
    "Distortion",
    "by_residual",
    "code_distances",
    "codebooks",
    "distortion",
    "product_codes",
    "reconstruct",
    "rotation",
]

# Where fast-scan puts the 4 bits of vector 0 to 15 of a block, and of 16 to 31 in the upper half: pq4_fast_scan.cpp
_PLACES = np.array([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])
_BLOCK = 32  # vectors of a block of fast-scan codes


class Codes:
    """What an index stores of its rows, read from FAISS's own memory.

    Attributes
    ----------
    held
        FAISS's object that holds the codes, without refinement, rotation and graph.
    lists
        Its inverted lists, or None.
    quantizer
        FAISS's product or scalar quantizer, or None.
    residual
        Whether codes are of the difference to the centroid of the list.
    similar
        Whether vectors are compared by inner product.
    """

    def __init__(self, index: Index) -> None:
        parts = index.spec.parts
        self._array = index.database.array
        self.held, self._turn = unwrapped(index)
        if parts.M:
            self.held = faiss.downcast_index(self.held.storage)
        self.lists = Lists(index) if parts.nlist else None
        self.quantizer: Any = getattr(self.held, {"PQ": "pq", "SQ": "sq"}.get(parts.codec, ""), None)
        self.residual = self.lists is not None and self.quantizer is not None and bool(self.held.by_residual)
        self.similar = index.metric != "euclidean"
        self._fast_scan = parts.fast_scan

    def turned(self, vectors: FloatArray) -> FloatArray:
        """Vectors as the quantizer gets them, rotated where the index rotates; other dimensions are refused."""
        check_lines(vectors, self.held.d, "the vectors")
        turned: FloatArray = vectors if self._turn is None else self._turn.apply(vectors)
        return turned

    def turned_back(self, vectors: FloatArray) -> FloatArray:
        """The inverse of ``turned``."""
        back: FloatArray = vectors if self._turn is None else self._turn.reverse_transform(vectors)
        return back

    @property
    def turn(self) -> FloatArray | None:
        """``(d, d) float32``: the rotation, ``turned(x) == x @ turn.T``."""
        if self._turn is None:
            return None
        matrix: FloatArray = faiss.vector_to_array(self._turn.A).reshape(self._turn.d_out, self._turn.d_in)
        return matrix

    @cached_property
    def raw(self) -> NDArray[np.uint8]:
        """``(n, code size) uint8``: the code of each row, as FAISS packs it."""
        if self._fast_scan:
            raise TypeError("fast-scan interleaves the codes of many rows")
        if self.lists is None:
            packed: NDArray[np.uint8] = faiss.vector_to_array(self.held.codes)
            return packed.reshape(-1, self.held.code_size)
        return self._by_row(self.held.code_size, lambda count: count * self.held.code_size, np.asarray)

    @cached_property
    def parts(self) -> NDArray[Any]:
        """``(n, m)`` unsigned: the number of the centroid of each part of each row, of a product quantizer."""
        m, bits = self.quantizer.M, self.quantizer.nbits
        if not self._fast_scan:
            unpacked = self.raw if bits == 8 else faiss.unpack_bitstrings(self.raw, m, bits)
            return unpacked.astype(np.uint8 if bits <= 8 else np.uint16, copy=False)
        width = _BLOCK * (m + m % 2) // 2
        if self.lists is None:
            whole: NDArray[np.uint8] = faiss.vector_to_array(self.held.codes)
            return _unpacked(whole, m)[: self.held.ntotal]
        return self._by_row(m, lambda count: -(-count // _BLOCK) * width, lambda packed: _unpacked(packed, m))

    def _by_row(
        self, width: int, size: Callable[[int], int], read: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    ) -> NDArray[np.uint8]:
        """Codes in the order of rows, from those of each list."""
        assert self.lists is not None
        out = np.empty((len(self.lists.members), width), dtype=np.uint8)
        for one in np.flatnonzero(self.lists.sizes):
            start, stop = self.lists.starts[one : one + 2]
            count = int(stop - start)
            memory = faiss.rev_swig_ptr(self.held.invlists.get_codes(int(one)), size(count))
            out[self.lists.members[start:stop]] = read(memory).reshape(-1, width)[:count]
        return out

    @cached_property
    def books(self) -> FloatArray:
        """``(m, 2**bits, d / m) float32``: the centroids of each part of a product quantizer."""
        pq = self.quantizer
        books: FloatArray = faiss.vector_to_array(pq.centroids).reshape(pq.M, pq.ksub, pq.dsub)
        return books

    def decode(self, rows: IntArray) -> FloatArray:
        """``(r, d) float32``: the vectors that the codes of rows stand for, rotated where the index rotates."""
        if self.quantizer is None:
            vectors: FloatArray = self._array[rows]
            return vectors
        decoded: FloatArray
        if hasattr(self.quantizer, "ksub"):
            decoded = self.books[np.arange(self.quantizer.M), self.parts[rows]].reshape(len(rows), -1)
        else:
            decoded = self.quantizer.decode(np.ascontiguousarray(self.raw[rows]))
        return decoded + self.lists.centroids[self.lists.of[rows]] if self.residual and self.lists else decoded

    def quantized(self, vectors: FloatArray) -> FloatArray:
        """``(q, d) float32``: what would be kept of other vectors, decoded; both as ``turned`` gives them."""
        if self.quantizer is None:
            return vectors
        centroids: FloatArray | float = 0.0
        if self.residual and self.lists:
            centroids = self.lists.centroids[self.held.quantizer.search(vectors, 1)[1][:, 0]]
        left = np.ascontiguousarray(vectors - centroids, dtype=np.float32)
        kept: FloatArray = self.quantizer.decode(self.quantizer.compute_codes(left)) + centroids
        return kept

    @cached_property
    def offsets(self) -> NDArray[np.float64]:
        """``(n,)``: what a row's code adds to a squared distance whatever the query, ``|y|^2 + 2 <y, c>``.

        With ``y`` decoded and ``c`` the centroid of its list: ``|q - c - y|^2 = |q - c|^2 - 2 <q, y> + offset``, which
        is what FAISS's precomputed table of IVF-PQ holds for each list and centroid.
        """
        assert self.lists is not None
        out = np.empty(len(self.lists.of))
        for at in row_blocks(len(out), self.held.d):
            rows = np.arange(at.start, at.stop)
            centroids = self.lists.centroids[self.lists.of[rows]]
            decoded = self.decode(rows)  # with the centroid: |y + c|^2 - |c|^2
            out[at] = np.einsum("ij,ij->i", decoded, decoded, dtype=np.float64)
            out[at] -= np.einsum("ij,ij->i", centroids, centroids, dtype=np.float64)
        return out


def _unpacked(packed: NDArray[np.uint8], m: int) -> NDArray[np.uint8]:
    """``(vectors, m)`` codes of 4 bits from fast-scan's blocks of 32 vectors."""
    pairs = packed.reshape(-1, (m + 1) // 2, 2, 16)  # blocks, pairs of parts, part of the pair, place
    codes = np.empty((len(pairs), _BLOCK, pairs.shape[1], 2), dtype=np.uint8)
    codes[:, _PLACES] = np.moveaxis(pairs & 15, 3, 1)
    codes[:, _PLACES + 16] = np.moveaxis(pairs >> 4, 3, 1)
    return codes.reshape(len(pairs) * _BLOCK, -1)[:, :m]


def product_codes(index: Index, rows: IntArray | None = None) -> NDArray[Any]:
    """The codes of a product quantizer.

    Parameters
    ----------
    index
        An index with PQ codes, fast-scan and OPQ included.
    rows
        ``(r,) int64`` rows of the database; None takes all.

    Returns
    -------
    NDArray
        ``(r, m) uint8``, or ``uint16`` beyond 8 bits: the number of the centroid of each part.

    Raises
    ------
    InputError
        An index without a product quantizer, or rows that are not of the database.
    """
    codes = _product(index)
    return codes.parts if rows is None else codes.parts[_checked(index, rows)]


def codebooks(index: Index) -> FloatArray:
    """The centroids of each part of a product quantizer, ``(m, 2**bits, d / m) float32``.

    They are of residuals where ``by_residual``, and of rotated vectors where ``rotation`` is one.

    Raises
    ------
    InputError
        An index without a product quantizer.
    """
    return _product(index).books


def rotation(index: Index) -> FloatArray | None:
    """The rotation that OPQ learned, ``(d, d) float32``: vectors are kept as ``x @ rotation.T``; None without one.

    Raises
    ------
    InputError
        An index of another library than FAISS.
    """
    return Codes(index).turn


def by_residual(index: Index) -> bool:
    """Whether codes are of the difference between a vector and the centroid of its list, instead of the vector.

    Raises
    ------
    InputError
        An index of another library than FAISS.
    """
    return Codes(index).residual


def reconstruct(index: Index, rows: IntArray) -> FloatArray:
    """The vectors that an index takes its rows for, ``(r, d) float32``, in the dimensions of the database.

    Parameters
    ----------
    index
        An index of FAISS that keeps vectors, scalars or PQ codes, graphs of them included.
    rows
        ``(r,) int64`` rows of the database.

    Raises
    ------
    InputError
        Codes that stand for no vector (sign bits, RaBitQ), another library, or rows that are not of the database.
    """
    codes = _decodable(index)
    return codes.turned_back(codes.decode(_checked(index, rows)))


@dataclass(frozen=True, eq=False)
class Distortion:
    """How far codes are from the vectors that they stand for.

    A part is one of a product quantizer, of rotated vectors with OPQ; with any other code each dimension is one.

    Attributes
    ----------
    each
        ``(n,)``: squared Euclidean distance of each vector to what its code stands for.
    parts
        ``(m,)``: mean squared distance within each part; they add up to the mean of ``each``.
    variances
        ``(m,)``: mean squared distance of the vectors to their mean, within each part.
    """

    each: NDArray[np.float64]
    parts: NDArray[np.float64]
    variances: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Mean squared distance: the quantization error."""
        return float(self.each.mean())

    @property
    def relative(self) -> float:
        """The share of the variance that codes lose: 0 keeps everything, 1 is no better than the mean of all.

        NaN where nothing varies.
        """
        total = float(self.variances.sum())
        return float(self.parts.sum()) / total if total else float("nan")

    @property
    def relative_parts(self) -> NDArray[np.float64]:
        """``(m,)``: the share that each part loses of its own variance; NaN for a part that never varies."""
        shares = np.full(len(self.parts), np.nan)
        np.divide(self.parts, self.variances, out=shares, where=self.variances > 0)
        return shares


def distortion(index: Index, rows: IntArray | None = None, *, vectors: FloatArray | None = None) -> Distortion:
    """Compare vectors with what their codes stand for.

    Parameters
    ----------
    index
        An index of FAISS that keeps vectors, scalars or PQ codes, graphs of them included.
    rows
        ``(r,) int64`` rows of the database; None takes all.
    vectors
        ``(q, d) float32`` as ``Database.prepare`` hands them back, instead of rows: vectors that the codebooks were
        not trained on, coded as the index would.

    Raises
    ------
    InputError
        As ``reconstruct``, or both rows and vectors.
    VectorError
        Vectors of another dimension.
    """
    if rows is not None and vectors is not None:
        raise InputError("both rows and vectors were given", "Pass one of them.")
    codes = _decodable(index)
    chosen = np.arange(index.n) if rows is None else _checked(index, rows)
    source = index.database.array if vectors is None else vectors
    at_all = chosen if vectors is None else np.arange(len(vectors))
    m = codes.quantizer.M if index.spec.parts.codec == "PQ" else index.d
    each, sums, squares, errors = np.empty(len(at_all)), np.zeros(index.d), np.zeros(index.d), np.zeros(index.d)
    middle = codes.turned(source[at_all[:1]]).astype(np.float64)  # near the data, so that squares do not cancel
    for at in row_blocks(len(at_all), 2 * index.d):
        real = codes.turned(np.ascontiguousarray(source[at_all[at]]))
        kept = codes.decode(at_all[at]) if vectors is None else codes.quantized(real)
        wrong = (real.astype(np.float64) - kept) ** 2
        each[at] = wrong.sum(axis=1)
        errors += wrong.sum(axis=0)
        shifted = real - middle
        sums += shifted.sum(axis=0)
        squares += (shifted**2).sum(axis=0)
    count = len(at_all)
    variances = squares / count - (sums / count) ** 2
    return Distortion(each, *(of.reshape(m, -1).sum(axis=1) for of in (errors / count, variances.clip(0))))


def code_distances(index: Index, queries: FloatArray, rows: IntArray, *, symmetric: bool = False) -> FloatArray:
    """Distances of queries to the codes of rows.

    Parameters
    ----------
    index
        An index of FAISS that keeps vectors, scalars or PQ codes, graphs of them included.
    queries
        ``(q, d) float32`` as ``Database.prepare`` hands them back.
    rows
        ``(r,) int64`` rows of the database.
    symmetric
        Compare codes with codes: the query is coded too, with the nearest list of its own. FAISS never does that;
        it compares the query itself with codes.

    Returns
    -------
    FloatArray
        ``(q, r) float32``: squared distances under Euclidean, negated inner products otherwise.

    Raises
    ------
    InputError
        As ``reconstruct``.
    VectorError
        Queries of another dimension.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid: Product quantization for nearest neighbor search, IEEE TPAMI 33, 2011, section III
    """
    codes = _decodable(index)
    asked = codes.turned(queries)
    left = codes.quantized(asked) if symmetric else asked
    right = codes.decode(_checked(index, rows))
    return -dot_product(left, right) if codes.similar else squared_euclidean_distance(left, right)


def _product(index: Index) -> Codes:
    if index.spec.parts.codec != "PQ":
        raise InputError(f"{index.spec} has no product quantizer", "Inspect an index such as PQ48 or IVF256,PQ48.")
    return Codes(index)


def _decodable(index: Index) -> Codes:
    if index.spec.parts.codec in ("LSH", "RaBitQ"):
        raise InputError(
            f"the bits of {index.spec} stand for no vector", "Inspect an index of vectors, scalars (SQ8) or PQ codes."
        )
    return Codes(index)


def _checked(index: Index, rows: IntArray) -> IntArray:
    """Rows, all of the database."""
    checked = np.asarray(rows, dtype=np.int64)
    wrong = checked[(checked < 0) | (checked >= index.n)]
    if len(wrong):
        raise InputError(f"row {wrong[0]:,} of {index.n:,} vectors", f"Use rows from 0 to {index.n - 1:,}.")
    return checked
