"""Codes: what FAISS keeps, computed by hand; what is lost, and what a rotation or residuals give back."""

import faiss
import numpy as np
import pytest

from tests.ann.builds import METRICS, built, database, gaussian, need, queries
from workbench.ann import (
    Database,
    IndexSpec,
    Scanner,
    build_index,
    by_residual,
    code_distances,
    codebooks,
    distortion,
    product_codes,
    reconstruct,
    rotation,
)
from workbench.errors import InputError, VectorError

EVERY_METRIC = pytest.mark.parametrize("metric", METRICS)
PRODUCT = ["PQ4", "PQ8x4", "PQ8x4fs", "PQ8x5", "PQ4x9", "IVF16,PQ4", "IVF16,PQ8x4fs", "OPQ2,IVF8,PQ8x4"]
ROWS = np.array([319, 0, 7, 7, 80])


def coded_by_hand(index, rows: np.ndarray) -> np.ndarray:
    """The number of the nearest centroid of each part, of rotated residuals where the index takes those."""
    vectors = index.database.array[rows].astype(np.float64)
    if by_residual(index):
        coarse = index.database.coarse(index.spec.parts.nlist)
        vectors = vectors - coarse.centroids[coarse.lists[rows]]
    if rotation(index) is not None:
        vectors = vectors @ rotation(index).T
    parts = vectors.reshape(len(rows), index.spec.parts.m, 1, -1)
    return ((parts - codebooks(index).astype(np.float64)) ** 2).sum(axis=3).argmin(axis=2)


@EVERY_METRIC
@pytest.mark.parametrize("kind", PRODUCT)
def test_codes_by_hand_are_the_codes_of_faiss(kind, metric):
    index = built(kind, metric)
    parts = index.spec.parts
    codes = product_codes(index)
    assert codes.shape == (index.n, parts.m) and codes.dtype == (np.uint16 if parts.bits > 8 else np.uint8)
    assert codebooks(index).shape == (parts.m, 2**parts.bits, 32 // parts.m)
    assert (
        np.mean(coded_by_hand(index, np.arange(index.n)) == codes) > 0.999
    )  # sums in another order may swap near equals
    assert (product_codes(index, ROWS) == codes[ROWS]).all()
    assert by_residual(index) == ("IVF" in kind and not parts.fast_scan)


@EVERY_METRIC
@pytest.mark.parametrize(
    "kind", ["Flat", "SQ8", "SQ4", "SQfp16", "HNSW16,SQ8", "PQ8x4fs", "IVF16,SQ8", "IVF16,PQ4", "OPQ2,PQ8x4"]
)
def test_vectors_are_decoded_as_faiss_decodes_them(kind, metric):
    index = built(kind, metric)
    base = index.base
    if index.spec.parts.nlist:
        faiss.extract_index_ivf(base).make_direct_map()
    expected = np.vstack([base.reconstruct(int(row)) for row in ROWS])
    if index.spec.parts.nlist:
        faiss.extract_index_ivf(base).make_direct_map(False)  # other tests measure this index
    assert np.allclose(reconstruct(index, ROWS), expected, atol=1e-5)


@EVERY_METRIC
@pytest.mark.parametrize("kind", [*PRODUCT, "SQ4", "IVF16,SQ8"])
def test_distortion_is_the_error_of_the_decoded_vectors(kind, metric):
    index = built(kind, metric)
    found = distortion(index)
    real = index.database.array.astype(np.float64)
    wrong = real - reconstruct(index, np.arange(index.n))
    assert np.allclose(found.each, (wrong**2).sum(axis=1), rtol=1e-3, atol=1e-6)
    assert found.mean == pytest.approx(found.parts.sum())
    assert len(found.parts) == len(found.variances) == (index.spec.parts.m or 32)
    assert found.variances.sum() == pytest.approx(real.var(axis=0).sum(), rel=1e-4)
    assert found.relative == pytest.approx(found.mean / found.variances.sum())
    some = distortion(index, ROWS)
    assert np.allclose(some.each, found.each[ROWS], rtol=1e-4)


def test_more_bits_lose_less_and_full_vectors_nothing():
    lost = [distortion(built(kind, "euclidean")).relative for kind in ("PQ8x4", "PQ8", "SQ4", "SQ8", "SQfp16", "Flat")]
    assert lost == sorted(lost, reverse=True)
    assert 0.2 < lost[0] < 0.7 and lost[-1] == 0


@pytest.mark.parametrize("kind", ["PQ4", "OPQ2,PQ8x4", "IVF16,PQ4", "SQ8"])
def test_vectors_that_were_not_trained_on_lose_more(kind):
    own, others = distortion(built(kind, "dot")), distortion(built(kind, "dot"), vectors=queries("dot"))
    assert others.each.shape == (60,)
    assert others.mean > own.mean
    again = distortion(built(kind, "dot"), vectors=built(kind, "dot").database.array)
    assert np.mean(np.isclose(again.each, own.each, rtol=1e-4, atol=1e-6)) > 0.99


def test_a_rotation_buys_most_where_parts_vary_unequally():
    rng = np.random.default_rng(0)
    mixed = (rng.standard_normal((400, 8)) * np.repeat([8.0, 1, 0.2, 0.1], 2)).astype(np.float32)
    own = Database(mixed, "euclidean")
    plain, rotated = (build_index(IndexSpec(kind), own) for kind in ("PQ4x4", "OPQ4,PQ4x4"))
    turn = rotation(rotated)
    assert rotation(plain) is None
    assert np.allclose(turn @ turn.T, np.eye(8), atol=1e-4)
    before, after = distortion(plain), distortion(rotated)
    assert after.relative < 0.6 * before.relative
    assert before.variances.max() / before.variances.min() > 100 * after.variances.max() / after.variances.min()


def test_residuals_of_clusters_are_easier_to_code():
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((32, 16)) * 10
    own = Database(
        (spread[rng.integers(32, size=2000)] + rng.standard_normal((2000, 16))).astype(np.float32), "euclidean"
    )
    whole, residual = (distortion(build_index(IndexSpec(kind), own)).relative for kind in ("PQ4x4", "IVF32,PQ4x4"))
    assert residual < 0.2 * whole


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["PQ4", "IVF16,PQ4", "OPQ2,IVF8,PQ8x4", "SQ4", "IVF16,SQ8"])
def test_asymmetric_distances_are_those_of_a_scan(kind, metric):
    index = built(kind, metric)
    for query, distances in zip(queries(metric)[:5], code_distances(index, queries(metric)[:5], ROWS), strict=True):
        assert np.allclose(Scanner(index).scan(query, 5).distance_of(ROWS), distances, rtol=1e-4, atol=1e-4)


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["PQ4", "PQ8x4fs", "IVF16,PQ4", "OPQ2,IVF8,PQ8x4", "SQ4"])
def test_symmetric_distances_are_between_codes(kind, metric):
    index = built(kind, metric)
    everything = np.arange(index.n)
    symmetric = code_distances(index, index.database.array[:50], everything, symmetric=True)
    between = reconstruct(index, everything).astype(np.float64)
    products = between[:50] @ between.T
    if metric == "euclidean":
        squares = (between**2).sum(axis=1)
        products = -(squares[:50, None] + squares - 2 * products)
    assert np.mean(np.isclose(symmetric, -products, rtol=1e-3, atol=1e-3)) > 0.98  # near equals may be coded otherwise


def test_coding_the_query_too_makes_distances_worse():
    """Jégou and others, section III: the error of symmetric distances is about twice that of asymmetric ones."""
    index = built("PQ4", "euclidean")
    rows = np.arange(1500)
    true = ((queries("euclidean")[:, None].astype(np.float64) - database("euclidean").array) ** 2).sum(axis=2)
    wrong = [
        np.mean((code_distances(index, queries("euclidean"), rows, symmetric=both) - true) ** 2)
        for both in (False, True)
    ]
    assert wrong[1] > 1.5 * wrong[0]


def test_what_an_index_does_not_keep_is_refused():
    for ask in (codebooks, product_codes):
        with pytest.raises(InputError, match="SQ8 has no product quantizer"):
            ask(built("SQ8", "dot"))
    for kind in ("LSH", "RaBitQ"):
        with pytest.raises(InputError, match=f"the bits of {kind} stand for no vector"):
            reconstruct(built(kind, "dot"), ROWS)
    for ask in (reconstruct, product_codes, distortion):
        with pytest.raises(InputError, match="row 1,500 of 1,500 vectors"):
            ask(built("PQ4", "dot"), np.array([3, 1500]))
    with pytest.raises(VectorError, match="16"):
        code_distances(built("PQ4", "dot"), gaussian(3, d=16), ROWS)
    with pytest.raises(InputError, match="both rows and vectors"):
        distortion(built("PQ4", "dot"), ROWS, vectors=gaussian(3))


def test_codes_of_another_library_are_refused():
    with pytest.raises(InputError, match="not of FAISS"):
        reconstruct(built(need("hnswlib M=16 efConstruction=80"), "cosine"), ROWS)
