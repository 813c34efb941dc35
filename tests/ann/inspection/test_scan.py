"""A scan repeated in NumPy computes what FAISS computed, and finds what it found."""

import faiss
import numpy as np
import pytest

from tests.ann.builds import KINDS, METRICS, K, built, database, gaussian, need, queries, searched
from workbench.ann import Database, IndexSpec, Scanner, build_index, load_index, product_codes, save_index
from workbench.ann.indexes.database import faiss_metric
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.errors import InputError, VectorError

EVERY_METRIC = pytest.mark.parametrize("metric", METRICS)
SCANNED = [text for text in KINDS if not text.startswith(("HNSW", "hnswlib", "qdrant"))]
SCANNED += ["PQ8x5", "PQ4x9", "IVF16,SQ4 nprobe=3", "IVF16,PQ4,RFlat nprobe=3 k_factor=4", "IVF16,PQ8x5 nprobe=3"]
SCANNED += ["OPQ2,PQ8x4", "OPQ2,IVF8,PQ8x4fs,RFlat nprobe=4 k_factor=4", "OPQ2,IVF8,PQ8x4 nprobe=4"]
ASKED = 6


def agrees(index: FaissIndex, search: tuple, asked: np.ndarray, scanner: Scanner | None = None) -> None:
    """Our distances are those that FAISS returns, and our best rows are its rows where nothing ties."""
    scanner = scanner or Scanner(index)
    base = tuple(pair for pair in search if pair[0] != "k_factor")
    flip = -1 if index.metric != "euclidean" and index.spec.parts.codec != "LSH" else 1
    for query in asked:
        scan = scanner.scan(query, K, search)
        theirs, rows = (both[0] for both in index.unrefined(query[None], K, base))
        theirs = flip * theirs
        scale = max(1.0, float(np.abs(theirs).max()))
        assert np.allclose(scan.distance_of(rows), theirs, atol=2e-5 * scale, rtol=0)
        computed = scan.computed
        best = computed["distance"].to_numpy()
        ours = np.argsort(best, kind="stable")[:K]
        assert np.allclose(best[ours], theirs, atol=2e-5 * scale, rtol=0)
        others = np.setdiff1d(computed["row"].to_numpy()[ours], rows)
        assert (scan.distance_of(others) >= theirs[-1] - 2e-5 * scale).all()
        assert computed["row"].is_unique and (computed["order"] == np.arange(len(computed))).all()


@EVERY_METRIC
@pytest.mark.parametrize("text", SCANNED)
def test_distances_are_those_that_faiss_returns(text, metric):
    index, spec = searched(text, metric)
    agrees(index, spec.search, queries(metric)[:ASKED])


@EVERY_METRIC
def test_codes_of_vectors_instead_of_residuals(metric):
    base = faiss.index_factory(32, "IVF16,PQ4np", faiss_metric(metric))
    base.by_residual = False
    base.pq.cp.min_points_per_centroid = 1
    base.train(database(metric).array)
    base.add(database(metric).array)
    index = FaissIndex(IndexSpec("IVF16,PQ4"), database(metric), base)
    agrees(index, (("nprobe", 3),), queries(metric)[:ASKED])
    scan = Scanner(index).scan(queries(metric)[0], K, (("nprobe", 3),))
    assert np.array_equal(scan.table_of(0), scan.table_of(5))


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["PQ5x4fs", "IVF8,PQ5x4fs", "PQ150x4fs"])
def test_fast_scan_in_its_own_steps(kind, metric):
    """An odd number of parts is padded; 150 parts of 8 bits come near the 16 bits that they are added in."""
    own = Database(gaussian(400, d=150 if "150" in kind else 30), metric)
    index = build_index(IndexSpec(kind), own)
    asked = own.prepare(gaussian(5, d=own.d, seed=1))
    search = (("nprobe", 3),) if "IVF" in kind else ()
    scanner = Scanner(index)
    for query in asked:
        scan = scanner.scan(query, 100, search)
        theirs, rows = (both[0] for both in index.unrefined(query[None], 100, search))
        ours = scan.distance_of(rows)
        step = np.diff(np.unique(theirs)).min()
        assert np.abs(ours - (theirs if metric == "euclidean" else -theirs)).max() < 0.001 * step
        assert "8 bits" in scan.note


@EVERY_METRIC
@pytest.mark.parametrize("text", ["PQ4", "IVF16,PQ4 nprobe=4", "OPQ2,IVF8,PQ8x4 nprobe=4"])
def test_the_table_adds_up_to_the_distances(text, metric):
    index, spec = searched(text, metric)
    scan = Scanner(index).scan(queries(metric)[0], K, spec.search)
    codes = product_codes(index)
    for row, holder, distance in scan.computed[["row", "list", "distance"]].to_numpy()[::50]:
        table = scan.table_of(int(holder))
        total = table[np.arange(len(table)), codes[int(row)]].sum()
        if metric != "euclidean" and scan.lists is not None:
            total += scan.lists.set_index("list")["distance"][int(holder)]
        assert total == pytest.approx(distance, abs=2e-5 * max(1, abs(distance)))
    nearest = -1 if scan.lists is None else int(scan.lists["list"].iloc[0])
    assert np.array_equal(scan.table, scan.table_of(nearest))


@EVERY_METRIC
def test_lists_are_those_that_faiss_probes(metric):
    index = built("IVF16,Flat", metric)
    query = queries(metric)[:1]
    scan = Scanner(index).scan(query, K, (("nprobe", 5),))
    distances, order = index.base.quantizer.search(query, 16)
    assert (scan.lists["list"] == order[0]).all() and (scan.lists["rank"] == np.arange(1, 17)).all()
    assert np.allclose(scan.lists["distance"], distances[0] * (1 if metric == "euclidean" else -1), rtol=1e-5)
    assert (scan.lists["probed"] == (np.arange(16) < 5)).all()
    assert scan.lists["size"].sum() == 1500
    assert len(scan.computed) == scan.lists["size"][:5].sum()
    assert (scan.computed["list"].drop_duplicates() == order[0, :5]).all()
    assert (database(metric).coarse(16).lists[scan.computed["row"]] == scan.computed["list"]).all()


@EVERY_METRIC
@pytest.mark.parametrize("text", ["PQ4,RFlat k_factor=5", "IVF16,RaBitQ,RFlat nprobe=2 k_factor=16", "SQ4,RFlat"])
def test_a_refinement_keeps_the_best_of_what_it_compares_again(text, metric):
    index, spec = searched(text, metric)
    factor = dict(spec.search).get("k_factor", 1)
    for query in queries(metric)[:ASKED]:
        scan = Scanner(index).scan(query, K, spec.search)
        refined = scan.refined
        assert len(refined) <= K * factor and refined["kept"].sum() == K
        assert np.allclose(scan.distance_of(refined["row"].to_numpy()), refined["coarse"], atol=1e-4)
        worst_kept = refined["distance"][refined["kept"]].max()
        assert (refined["distance"][~refined["kept"]] >= worst_kept - 1e-5).all()
        assert refined["coarse"].is_monotonic_increasing
        true = database(metric).array[refined["row"]] @ query
        if metric == "euclidean":
            true = -((database(metric).array[refined["row"]] - query) ** 2).sum(axis=1)
        assert np.allclose(refined["distance"], -true, atol=1e-4)


def test_any_row_has_a_distance_and_padding_has_none():
    index = built("IVF16,PQ4", "euclidean")
    one, all_lists = (Scanner(index).scan(queries("euclidean")[0], K, (("nprobe", probes),)) for probes in (1, 16))
    rows = np.arange(1500)
    expected = all_lists.computed.set_index("row")["distance"][rows].to_numpy()
    assert len(one.computed) < len(all_lists.computed) == 1500
    assert np.allclose(one.distance_of(rows), expected, rtol=1e-5)
    assert np.isnan(one.distance_of(np.array([3, -1]))).tolist() == [False, True]


@pytest.mark.parametrize("text", ["OPQ2,IVF8,PQ8x4fs,RFlat", "IVF16,PQ4 nprobe=3", "PQ8x4fs", "SQ4,RFlat"])
def test_an_index_from_a_file_is_scanned_alike(text, tmp_path):
    index, spec = searched(text, "euclidean")
    save_index(index, tmp_path / "index")
    loaded = load_index(tmp_path / "index", index.database)
    scans = [Scanner(one).scan(queries("euclidean")[0], K, spec.search) for one in (index, loaded)]
    assert scans[0].computed.equals(scans[1].computed)
    assert (scans[0].found == scans[1].found).all()


def test_a_short_answer_is_scanned_too():
    small = Database(gaussian(40), "euclidean")
    index = build_index(IndexSpec("IVF16,Flat"), small)
    scan = Scanner(index).scan(gaussian(1, seed=1), 30, (("nprobe", 2),))
    assert (scan.found == -1).sum() == 30 - len(scan.computed)
    assert set(scan.found[scan.found >= 0]) == set(scan.computed["row"])


@pytest.mark.parametrize("kind", ["Flat", "PQ4", "IVF4,PQ4x4fs,RFlat", "SQ8", "LSHr", "RaBitQ"])
@EVERY_METRIC
def test_equal_vectors_are_equally_far(kind, metric):
    own = Database(np.ones((300, 8), dtype=np.float32), metric)
    search = (("nprobe", 4),) if "IVF" in kind else ()
    asked = own.prepare(np.full((1, 8), 2, dtype=np.float32))
    scan = Scanner(build_index(IndexSpec(kind), own)).scan(asked, 5, search)
    assert np.ptp(scan.computed["distance"]) == 0 and np.isfinite(scan.computed["distance"]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HNSW16 efConstruction=80", "is searched by walking a graph"),
        ("HNSW16,SQ8", "is searched by walking a graph"),
        ("hnswlib M=16 efConstruction=80", "is searched by walking a graph"),
        ("qdrant m=16 ef_construct=80", "qdrant m=16 ef_construct=80 cannot be read"),
    ],
)
def test_what_cannot_be_scanned_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        Scanner(built(need(text), "cosine"))


def test_a_query_that_cannot_be_is_refused():
    scanner = Scanner(built("Flat", "dot"))
    with pytest.raises(InputError, match="60 queries at once"):
        scanner.scan(queries("dot"), K)
    with pytest.raises(VectorError, match="16"):
        scanner.scan(gaussian(1, d=16), K)
    with pytest.raises(InputError, match="no search setting 'nprobe'"):
        scanner.scan(queries("dot")[0], K, (("nprobe", 2),))
