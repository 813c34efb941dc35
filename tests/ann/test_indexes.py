"""Every family under every metric, and what indexes of one database share."""

import gc
import tracemalloc
from pathlib import Path

import faiss
import numpy as np
import pytest

from tests.ann.builds import KINDS, METRICS, K, built, database, gaussian, mean_recall, need, queries, searched
from workbench.ann import Database, IndexSpec, build_index
from workbench.ann.indexes import database as database_module
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.corpora import ConversionWarning
from workbench.errors import InputError, VectorError

EVERY_METRIC = pytest.mark.parametrize("metric", METRICS)


@EVERY_METRIC
@pytest.mark.parametrize("text", KINDS)
def test_recall_is_what_the_kind_should_have(text, metric):
    if "quantization" in text and metric != "cosine":
        pytest.skip("quantized Qdrant is tried under cosine alone: each build takes more than a second")
    index, spec = searched(text, metric)
    found = index.search(queries(metric), K, spec.search)
    assert found.shape == (60, K) and found.dtype == np.int64
    low, high = KINDS[text]
    assert low <= mean_recall(found, metric) <= high


@EVERY_METRIC
def test_a_learned_rotation_feeds_lists_codes_and_refinement(metric):
    small = database(metric, 320)
    index = build_index(IndexSpec.parse("OPQ4,IVF8,PQ8x4fs,RFlat"), small)
    asked = small.prepare(gaussian(60, seed=1))
    exact = small.flat.search(asked, K)[1]

    def overlap(**settings: int) -> float:
        found = index.search(asked, K, tuple(settings.items()))
        return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, exact, strict=True)]))

    assert overlap(nprobe=8, k_factor=32) == 1.0  # everything is compared again by its own vector
    assert 0.5 < overlap(nprobe=8, k_factor=4) < 1.0
    assert overlap(nprobe=1, k_factor=4) < overlap(nprobe=8, k_factor=4)


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["IVF16,Flat", "IVF16,PQ8x4np", "IVF16,PQ16x4fs", "IVF16,SQ8"])
def test_a_shared_k_means_is_as_good_as_the_factory_makes(kind, metric):
    """FAISS trains the same lists from the same seed, so that what is found hardly differs."""
    alone = faiss.index_factory(32, kind, database_module.faiss_metric(metric))
    alone.train(database(metric).array)
    alone.add(database(metric).array)
    few = faiss.SearchParametersIVF(nprobe=4)
    expected = mean_recall(alone.search(queries(metric), K, params=few)[1], metric)
    found = built(kind.removesuffix("np"), metric).search(queries(metric), K, (("nprobe", 4),))
    assert mean_recall(found, metric) == pytest.approx(expected, abs=0.03)


@EVERY_METRIC
def test_the_k_means_is_the_one_that_the_factory_trains(metric):
    alone = faiss.index_factory(32, "IVF16,Flat", database_module.faiss_metric(metric))
    alone.train(database(metric).array)
    coarse = database(metric).coarse(16)
    assert np.allclose(coarse.centroids, alone.quantizer.reconstruct_n(0, 16), atol=1e-5)
    assert (coarse.lists == alone.quantizer.search(database(metric).array, 1)[1][:, 0]).all()
    assert database(metric).coarse(16) is coarse
    if metric != "euclidean":
        assert np.allclose(np.linalg.norm(coarse.centroids, axis=1), 1, atol=1e-5)


def test_a_shared_k_means_counts_in_every_build_that_uses_it():
    own = Database(gaussian(1500), "dot")
    own.coarse(64)
    slow = database_module.Coarse(own.coarse(64).centroids, own.coarse(64).lists, 100.0, 50.0)
    own._coarse[64] = slow
    for kind in ("IVF64,Flat", "IVF64,SQ8"):
        index = build_index(IndexSpec(kind), own)
        assert 100 < index.train_s < 110 and 50 < index.add_s < 60
    assert slow.seconds == 150.0


@EVERY_METRIC
@pytest.mark.parametrize("text", ["Flat", "IVF16,PQ16x4fs,RFlat nprobe=8 k_factor=4", "HNSW16,SQ8 efSearch=64"])
def test_the_timed_call_finds_what_the_batch_finds(text, metric):
    index, spec = searched(text, metric)
    ask = index.searcher(K, spec.search)
    one = np.vstack([ask(queries(metric)[row : row + 1])[1] for row in range(60)])
    batch = index.search(queries(metric), K, spec.search)
    assert np.mean(one == batch) > 0.98  # sums in another order may swap near equals


def test_searchers_of_one_graph_of_hnswlib_do_not_disturb_each_other():
    index = built(need("hnswlib M=4 efConstruction=20"), "dot")
    narrow, wide = index.searcher(K, (("ef", 10),)), index.searcher(K, (("ef", 500),))
    found: dict[str, list] = {"narrow": [], "wide": []}
    for row in range(60):
        for name, ask in (("narrow", narrow), ("wide", wide)):
            found[name].append(ask(queries("dot")[row : row + 1])[0][0].astype(np.int64))
    assert mean_recall(np.array(found["narrow"]), "dot") < mean_recall(np.array(found["wide"]), "dot") - 0.05


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["LSH,RFlat", "PQ8x4fs,RFlat", "SQ4,RFlat", "RaBitQ,RFlat"])
@pytest.mark.parametrize("k", [1, 7, 320])
def test_a_refinement_of_everything_is_exact(k, kind, metric):
    small = database(metric, 320)
    asked = small.prepare(gaussian(20, seed=1))
    found = build_index(IndexSpec(kind), small).search(asked, k, (("k_factor", 10_000),))
    assert np.mean(found == small.flat.search(asked, k)[1]) > 0.98  # sums in another order may swap near equals


def test_a_refinement_leaves_out_none_where_the_factor_is_no_whole_number():
    line = Database(np.arange(26, dtype=np.float32)[:, None], "euclidean")
    backwards = faiss.IndexFlatL2(1)
    backwards.add(line.array[::-1])  # puts the nearest last
    index = FaissIndex(IndexSpec("SQ8,RFlat"), line, backwards)
    assert (index.search(line.array[:1], 11, (("k_factor", 3),)) == np.arange(11)).all()
    assert index.compared(11, (("k_factor", 3),)) == 26 and index.compared(11) == 11


def test_an_answer_that_is_too_short_is_padded():
    few = build_index(IndexSpec("IVF16,Flat"), Database(gaussian(40), "euclidean"))
    found = few.search(gaussian(5, seed=1), 30, (("nprobe", 1),))
    assert (found[:, -1] == -1).all() and (found[:, 0] >= 0).all()


def test_hnswlib_pads_where_it_would_refuse():
    apart = np.vstack([gaussian(60), gaussian(60) + 1000]).astype(np.float32)
    index = build_index(IndexSpec.parse(need("hnswlib M=2 efConstruction=2")), Database(apart, "euclidean"))
    found = index.search(apart[:3], 120)
    assert (found[:, -1] == -1).all() and (found[:, 0] == [0, 1, 2]).all()


def test_distances_are_counted():
    asked = queries("euclidean")

    def count(text: str) -> float:
        index, spec = searched(text, "euclidean")
        return index.distances(asked, K, spec.search)

    assert count("Flat") == count("PQ4") == 1500
    assert count("PQ16x4fs,RFlat k_factor=8") == 1580
    assert count("IVF16,Flat nprobe=16") == 1516
    assert count("IVF16,PQ16x4fs,RFlat nprobe=16 k_factor=8") == 1596
    assert 16 < count("IVF16,Flat nprobe=2") < count("IVF16,Flat nprobe=8") < 1516
    low, high = (count(f"HNSW16 efConstruction=80 efSearch={ef}") for ef in (10, 64))
    assert 10 < low < high < 1500
    assert np.isnan(count("qdrant m=16 ef_construct=80 hnsw_ef=64"))


def test_the_graph_of_qdrant_is_really_built():
    assert built("qdrant m=16 ef_construct=80", "cosine").indexed == 1500


@pytest.mark.parametrize("n", [300, 1], ids=["all equal", "one vector"])
def test_qdrant_takes_degenerate_data_and_its_folder_goes(n):
    index = build_index(IndexSpec("qdrant"), Database(np.ones((n, 8), dtype=np.float32), "dot"))
    assert index.search(np.ones((2, 8), dtype=np.float32), 1).min() >= 0
    folder = index._folder
    assert folder.is_dir()
    index.close()
    index.close()
    assert not folder.exists()


def test_threads_of_the_build_are_put_back():
    before = faiss.omp_get_max_threads()
    build_index(IndexSpec("HNSW8"), Database(gaussian(50), "dot"), threads=before + 2)
    assert faiss.omp_get_max_threads() == before


@EVERY_METRIC
def test_the_vectors_are_in_memory_once(metric):
    own = Database(gaussian(200), metric)
    address = faiss.rev_swig_ptr(own.flat.get_xb(), 1).ctypes.data
    assert own.array.ctypes.data == address
    assert not own.array.flags.writeable
    expected = gaussian(200)
    if metric == "cosine":
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(own.array, expected, atol=1e-6)
    refined = build_index(IndexSpec("SQ8,RFlat"), own)
    assert faiss.rev_swig_ptr(faiss.downcast_index(refined._whole.refine_index).get_xb(), 1).ctypes.data == address


def test_what_looks_at_the_vectors_keeps_them():
    view = Database(gaussian(2000), "dot").array
    gc.collect()
    assert np.array_equal(view, gaussian(2000))


def test_a_memory_map_is_read_block_by_block(tmp_path: Path, monkeypatch):
    np.save(tmp_path / "x.npy", gaussian(20_000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    monkeypatch.setattr(database_module, "_BYTES_AT_ONCE", 64_000)
    tracemalloc.start()
    own = Database(mapped, "cosine")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert own.n == 20_000
    assert peak < mapped.nbytes / 2


def test_the_fingerprint_is_of_the_values_and_the_metric():
    other = gaussian(50)
    other[3, 3] += 1
    prints = [
        Database(rows, m).fingerprint for rows, m in ((gaussian(50), "dot"), (gaussian(50), "cosine"), (other, "dot"))
    ]
    assert len(set(prints)) == 3
    assert Database(gaussian(50), "dot").fingerprint == prints[0]
    assert Database(gaussian(50), "dot", fingerprint="mine").fingerprint == "mine"


def test_a_sample_has_rows_of_the_whole_and_lists_of_its_own():
    whole = database("cosine")
    sample = whole.sample(300, seed=3)
    rows = {row.tobytes() for row in whole.array}
    assert sample.n == 300 and len({row.tobytes() for row in sample.array} & rows) == 300
    assert sample.fingerprint != whole.fingerprint
    assert sample.fingerprint == whole.sample(300, seed=3).fingerprint != whole.sample(300, seed=4).fingerprint
    assert len(sample.coarse(4).lists) == 300
    with pytest.raises(InputError, match="a sample of 1,501 rows of 1,500"):
        whole.sample(1501)


def test_other_numbers_are_converted_with_a_warning():
    with pytest.warns(ConversionWarning, match="float64"):
        assert Database(gaussian(20).astype(np.float64), "dot").array.dtype == np.float32


@pytest.mark.parametrize(
    ("spoil", "metric", "message"),
    [(np.nan, "dot", "row 7 holds nan"), (0.0, "cosine", "row 7 .*zero")],
    ids=["NaN", "a zero row under cosine"],
)
def test_vectors_that_cannot_be_searched_are_refused(spoil, metric, message):
    rows = gaussian(20)
    rows[7] = spoil
    with pytest.raises(VectorError, match=message):
        Database(rows, metric)


def test_queries_of_another_dimension_are_refused():
    with pytest.raises(VectorError, match="16"):
        database("dot").prepare(gaussian(3, d=16))
    with pytest.raises(VectorError, match="16"):
        built("Flat", "dot").search(gaussian(3, d=16), K)


@pytest.mark.parametrize(
    ("k", "search", "message"),
    [(1501, (), "k=1,501"), (0, (), "k=0"), (5, (("nprobe", 4),), "no search setting 'nprobe'")],
)
def test_a_search_that_cannot_be_is_refused(k, search, message):
    for ask in (
        lambda: built("Flat", "dot").search(queries("dot"), k, search),
        lambda: built("Flat", "dot").searcher(k, search),
    ):
        with pytest.raises(InputError, match=message):
            ask()


@EVERY_METRIC
@pytest.mark.parametrize("n", [300, 1], ids=["all equal", "one vector"])
@pytest.mark.parametrize(
    "kind", ["Flat", "HNSW8", "IVF1,Flat", "PQ4", "IVF4,PQ4x4fs,RFlat", "SQ8", "HNSW8,SQ4", "LSHr", "RaBitQ"]
)
def test_degenerate_data_works_or_is_refused_in_one_line(kind, n, metric):
    own = Database(np.ones((n, 8), dtype=np.float32), metric)
    if n == 1 and ("PQ" in kind or "IVF4" in kind):
        with pytest.raises(InputError, match="1 vectors"):
            build_index(IndexSpec(kind), own)
        return
    index = build_index(IndexSpec(kind), own)
    assert index.search(own.prepare(np.ones((2, 8), dtype=np.float32)), 1).min() >= 0
    index.close()
