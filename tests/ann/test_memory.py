"""Bytes by formula against the files of real indexes."""

import faiss
import pytest

from tests.ann.builds import KINDS, METRICS, built, database, need
from workbench.ann import IndexSpec, build_index, formula_bytes

FAISS_KINDS = sorted({str(IndexSpec.parse(text).built()) for text in KINDS if text[0] not in "hq"})


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", FAISS_KINDS)
def test_the_formula_is_the_file_within_a_few_per_cent(text, metric):
    """Of 1,500 vectors: headers of some hundred bytes, and the padding of fast-scan lists, are the rest."""
    index = built(text, metric)
    padded = "IVF16" in text and "x4fs" in text
    within = 0.05 if padded else 0.025
    assert formula_bytes(index.spec, 1500, 32) == pytest.approx(index.serialized_bytes, rel=within)


@pytest.mark.parametrize(("metric", "expected"), [("euclidean", 16 * 4 * 256 * 4), ("dot", 0), ("cosine", 0)])
def test_the_hidden_table_of_ivf_pq_is_counted_where_faiss_builds_it(metric, expected):
    index = built("IVF16,PQ4", metric)
    assert 4 * index._base.precomputed_table.size() == expected
    assert index.memory_bytes - formula_bytes(index.spec, 1500, 32) == expected


def test_a_table_beyond_two_gibibytes_is_not_built():
    spec = IndexSpec("IVF65536,PQ64")
    table = 4 * 65536 * 64 * 256
    assert table > 2 << 30
    assert formula_bytes(spec, 10**7, 128, "euclidean") == formula_bytes(spec, 10**7, 128, "dot")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Flat", 4 * 1000 * 100),
        ("SQfp16", 2 * 1000 * 100),
        ("PQ20", 1000 * 20 + 4 * 256 * 100),
        ("PQ20x6", 1000 * 15 + 4 * 64 * 100),
        ("IVF10,Flat", 4 * 1000 * 100 + 8 * 1000 + 4 * 10 * 100),
        ("IVF10,PQ20,RFlat", 1000 * 28 + 4 * 10 * 100 + 4 * 256 * 100 + 4 * 1000 * 100),
        ("HNSW33", 1000 * (400 + 8 * 33 + 4 * 33 / 32 + 12)),
        ("qdrant", 1000 * 100 * 4 * 1.5),
        ("qdrant quantization=scalar", 1000 * (600 + 104)),
    ],
)
def test_the_published_formulas(text, expected):
    assert formula_bytes(IndexSpec.parse(text), 1000, 100) == int(expected)


def test_hnswlib_takes_more_than_its_file_shows():
    index = built(need("hnswlib M=16 efConstruction=80"), "dot")
    hidden = (index.memory_bytes - index.serialized_bytes) / 1500
    assert 85 <= hidden <= 100


def test_a_refinement_counts_the_vectors_that_it_compares():
    plain, refined = (build_index(IndexSpec(kind), database("dot")) for kind in ("SQ8", "SQ8,RFlat"))
    assert refined.serialized_bytes - plain.serialized_bytes == 4 * 1500 * 32
    assert refined.memory_bytes - plain.memory_bytes == 4 * 1500 * 32
    assert isinstance(refined._whole, faiss.IndexRefine)
