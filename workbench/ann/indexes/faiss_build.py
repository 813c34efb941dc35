"""Building indexes of FAISS on what a database shares: its rows, and one k-means for each number of lists."""

from contextlib import nullcontext
from typing import Any

import faiss
import numpy as np

from workbench.ann.indexes.base import Stopwatch
from workbench.ann.indexes.database import FAISS_SEED, Database, faiss_metric, row_blocks
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.kinds import Parts
from workbench.ann.specs import OPQ_BITS, IndexSpec
from workbench.ann.threads import pinned
from workbench.records import FloatArray, IntArray

__all__ = ["build_faiss", "empty_faiss"]

_PER_CENTROID = 256  # vectors that FAISS's k-means takes for each centroid: max_points_per_centroid, Clustering.h


def build_faiss(spec: IndexSpec, database: Database) -> FaissIndex:
    """Train and fill what the specification says, on the threads that are set.

    The coarse centroids of IVF come from ``database.coarse`` and so does the list of each vector; a rotation (OPQ)
    keeps distances, so that the rotated centroids are those of the rotated vectors.
    """
    parts = spec.parts
    if spec.family == "flat":
        return FaissIndex(spec, database, None)
    coarse = database.coarse(parts.nlist) if parts.nlist else None
    watch = Stopwatch()
    rotation = _rotation(parts, database)
    index = empty_faiss(spec, database)
    training = database.array if rotation is None else rotation.apply(_some_rows(database, parts))
    if coarse is not None:
        index.quantizer.add(coarse.centroids if rotation is None else rotation.apply(coarse.centroids))
    with pinned(1) if parts.bits == 4 else nullcontext():  # thousands of small steps: two threads wait for each other
        index.train(training)  # with as many centroids as lists, FAISS trains the codes alone
    train_s = watch.lap() + (coarse.train_s if coarse else 0.0)
    for rows in [slice(0, database.n)] if rotation is None else row_blocks(database.n, database.d):
        block = database.array[rows]
        _add(index, block if rotation is None else rotation.apply(block), coarse.lists[rows] if coarse else None)
    if parts.fast_scan and parts.nlist:
        index = _packed(index)
    whole = index if rotation is None else faiss.IndexPreTransform(rotation, index)
    return FaissIndex(spec, database, whole, train_s, watch.lap() + (coarse.assign_s if coarse else 0.0))


def empty_faiss(spec: IndexSpec, database: Database) -> Any:
    """The index without rotation and refinement, untrained, quiet, with the database's seed."""
    parts, kind = spec.parts, faiss_metric(database.metric)
    seed = FAISS_SEED + database.seed
    if parts.codec == "LSH":
        index = faiss.IndexLSH(database.d, database.d, parts.rotated, False)  # bits, rotate, thresholds at 0
        index.metric_type = kind  # of the refinement; sign bits themselves are compared by Hamming distance
        return index
    plain = Parts(parts.codec, parts.nlist, parts.M, parts.m, parts.bits, parts.fast_scan and not parts.nlist, parts.sq)
    index = faiss.index_factory(database.d, plain.kind, kind)
    if parts.codec == "PQ":
        index.pq.cp.seed = seed
        index.pq.cp.min_points_per_centroid = 1  # below 39 it only prints a warning
        if hasattr(index, "do_polysemous_training"):
            index.do_polysemous_training = False  # as "np": it renumbers centroids for a kind of search unused here
    if parts.fast_scan and parts.nlist:
        index.by_residual = False  # as FAISS has it for fast-scan
    if parts.M:
        for _, value in spec.build:  # efConstruction
            index.hnsw.efConstruction = int(value)
    return index


def _rotation(parts: Parts, database: Database) -> Any:
    """The learned rotation of OPQ, or None."""
    if not parts.opq:
        return None
    rotation = faiss.OPQMatrix(database.d, parts.opq)
    codes = faiss.ProductQuantizer(database.d, parts.opq, OPQ_BITS)  # FAISS's own choice, but quiet
    codes.cp.min_points_per_centroid = 1
    rotation.pq = codes
    rotation.train(database.array)
    rotation.pq = None
    return rotation


def _some_rows(database: Database, parts: Parts) -> FloatArray:
    """As many rows as FAISS trains a product quantizer with, so that no rotated copy of all is made."""
    most = _PER_CENTROID * 2 ** (parts.bits or 8)
    if database.n <= most:
        return database.array
    rng = np.random.default_rng(FAISS_SEED + database.seed)
    rows: FloatArray = database.array[np.sort(rng.choice(database.n, most, replace=False))]
    return rows


def _add(index: Any, rows: FloatArray, lists: IntArray | None) -> None:
    """Add rows, each to its list where those are known."""
    if lists is None:
        index.add(rows)
    else:
        index.add_core(len(rows), faiss.swig_ptr(rows), None, faiss.swig_ptr(lists))


def _packed(plain: Any) -> Any:
    """The fast-scan layout of an IVF-PQ of 4 bits, which gives up its quantizer and its codes."""
    packed = faiss.IndexIVFPQFastScan(plain)
    packed.own_fields, plain.own_fields = True, False
    plain.reset()
    return packed
