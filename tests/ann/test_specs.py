"""Specifications as text, and what is refused before any work."""

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ann import DEFAULT_FAMILIES, FAMILIES, IndexSpec, check_spec
from workbench.errors import InputError

NUMBER = st.integers(2, 512)
CODECS = st.one_of(
    st.builds("PQ{}".format, NUMBER),
    st.builds("PQ{}x4fs".format, NUMBER),
    st.builds("PQ{}x{}".format, NUMBER, st.sampled_from([4, 6, 10])),
    st.sampled_from(["SQ8", "SQ4", "SQfp16", "RaBitQ"]),
)
BASES = st.one_of(
    CODECS,
    st.sampled_from(["LSH", "LSHr"]),
    st.builds("IVF{},{}".format, NUMBER, CODECS),
    st.builds("HNSW{},{}".format, NUMBER, st.sampled_from(["SQ8", "SQ4", "SQfp16"])),
    st.builds("OPQ{0},PQ{0}x4fs".format, NUMBER),
    st.builds("OPQ{0},IVF{1},PQ{0}".format, NUMBER, NUMBER),
)
KINDS = st.one_of(
    BASES,
    st.builds("{},RFlat".format, BASES),
    st.builds("HNSW{}".format, NUMBER),
    st.builds("IVF{},Flat".format, NUMBER),
    st.sampled_from(["Flat", "hnswlib", "qdrant"]),
)


@st.composite
def specs(draw):
    kind = draw(KINDS)
    empty = IndexSpec(kind)
    values = dict.fromkeys(empty.build_names, NUMBER)
    values |= {"quantization": st.sampled_from(["scalar", "binary", "product"])} if kind == "qdrant" else {}
    build = {name: draw(value) for name, value in values.items() if draw(st.booleans())}
    names = IndexSpec(kind, tuple(build.items())).search_names
    search = {name: draw(st.integers(1, 8)) for name in names if draw(st.booleans())}
    orders = [draw(st.permutations(tuple(settings.items()))) for settings in (build, search)]
    return IndexSpec(kind, *(tuple(order) for order in orders))


@given(specs())
def test_text_and_specification_are_each_others_inverse(spec):
    assert IndexSpec.parse(str(spec)) == spec
    assert hash(IndexSpec.parse(str(spec))) == hash(spec)
    assert spec.parts.kind == spec.kind
    assert spec.family in FAMILIES
    assert spec.built().search == () and spec.built().build == spec.build
    assert spec.built().with_search(**dict(spec.search)) == spec


@pytest.mark.parametrize(
    ("text", "family", "names"),
    [
        ("Flat", "flat", ()),
        ("HNSW32 efConstruction=200 efSearch=64", "hnsw", ("efSearch",)),
        ("IVF256,Flat nprobe=8", "ivf", ("nprobe",)),
        ("PQ48", "pq", ()),
        ("PQ192x4fs,RFlat k_factor=4", "pq", ("k_factor",)),
        ("IVF256,PQ192x4fs,RFlat nprobe=16 k_factor=4", "ivfpq", ("nprobe", "k_factor")),
        ("OPQ48,IVF256,PQ48 nprobe=16", "opq", ("nprobe",)),
        ("SQfp16", "sq", ()),
        ("IVF256,SQ8 nprobe=16", "ivfsq", ("nprobe",)),
        ("HNSW32,SQ8,RFlat efSearch=16 k_factor=2", "hnswsq", ("efSearch", "k_factor")),
        ("LSH,RFlat k_factor=8", "binary", ("k_factor",)),
        ("RaBitQ qb=4", "rabitq", ("qb",)),
        ("IVF256,RaBitQ,RFlat nprobe=4 qb=4 k_factor=8", "rabitq", ("nprobe", "qb", "k_factor")),
        ("hnswlib M=16 efConstruction=200 ef=64", "hnswlib", ("ef",)),
        ("qdrant m=16 ef_construct=100 hnsw_ef=64", "qdrant", ("hnsw_ef",)),
        ("qdrant quantization=scalar hnsw_ef=64 oversampling=2", "qdrant", ("hnsw_ef", "oversampling")),
    ],
)
def test_every_family_as_text(text, family, names):
    spec = IndexSpec.parse(text)
    assert str(spec) == text
    assert (spec.family, spec.search_names) == (family, names)
    assert spec.library == (family if family in ("hnswlib", "qdrant") else "faiss")


def test_the_default_families_are_families():
    assert set(DEFAULT_FAMILIES) < set(FAMILIES)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("HNSW32,Flat", "HNSW32"),
        ("PQ48x8", "PQ48"),
        ("IVF256,PQ48,RFlat k_factor=4 nprobe=16", "IVF256,PQ48,RFlat nprobe=16 k_factor=4"),
        ("  hnswlib   ef=9 M=4", "hnswlib M=4 ef=9"),
    ],
)
def test_other_spellings_become_one(given_text, kept):
    assert str(IndexSpec.parse(given_text)) == kept


def test_a_search_setting_is_replaced_and_the_build_is_not():
    spec = IndexSpec.parse("HNSW32 efConstruction=200 efSearch=64")
    assert str(spec.with_search(efSearch=128)) == "HNSW32 efConstruction=200 efSearch=128"
    assert str(spec.built()) == "HNSW32 efConstruction=200"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no index can be read from ''"),
        ("Annoy", "'Annoy'. Known are Flat, HNSW32"),
        ("IVF0,Flat", "'IVF0,Flat'"),
        ("IVF16", "'IVF16'"),
        ("HNSW1", "at least 2 edges"),
        ("HNSW32,PQ8", "holds vectors"),
        ("IVF16,HNSW32", "'IVF16,HNSW32'"),
        ("IVF16,LSH", "no inverted lists of sign bits"),
        ("PQ8x5fs", "write x4fs"),
        ("PQ8fs", "write x4fs"),
        ("PQ8x17", "at most 16"),
        ("Flat,RFlat", "compares the vectors themselves"),
        ("HNSW32,RFlat", "compares the vectors themselves"),
        ("OPQ8,Flat", "OPQ learns a rotation"),
        ("Flat nprobe=4", "Flat has no search setting 'nprobe'. It has none."),
        ("PQ8 efConstruction=4", "no search setting 'efConstruction'"),
        ("HNSW32 efSearch", "'efSearch' is no setting; write it as name=value"),
        ("HNSW32 efSearch=", "efSearch= of HNSW32. Use a whole number"),
        ("HNSW32 efSearch=0", "efSearch=0"),
        ("HNSW32 efSearch=1.5", "efSearch=1.5"),
        ("HNSW32 efSearch=-3", "efSearch=-3"),
        ("HNSW32 efSearch=4 efSearch=8", "named twice in efSearch=4, efSearch=8"),
        ("IVF16,RaBitQ qb=9", "qb=9"),
        ("qdrant quantization=turbo", "quantization=turbo is unknown. Use scalar, binary, product."),
        ("qdrant oversampling=2", "has no search setting 'oversampling'"),
    ],
)
def test_what_cannot_be_read_is_refused(text, message):
    with pytest.raises(InputError) as refused:
        IndexSpec.parse(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sizes", "message"),
    [
        (
            "PQ7",
            {},
            "32 dimensions cannot be cut into the 7 equal parts of PQ7 in PQ7. Use a divisor of 32, such as 2, 4, 8.",
        ),
        ("IVF4,PQ7x4fs,RFlat", {}, "7 equal parts of PQ7"),
        ("OPQ5,IVF4,PQ8", {}, "5 equal parts of OPQ5"),
        ("IVF101,Flat", {"n": 100}, "IVF101,Flat makes 101 lists of 100 vectors"),
        ("IVF8,Flat nprobe=9", {}, "nprobe=9 of the 8 lists"),
        ("PQ8", {"n": 255}, "255 vectors are fewer than the 256 centroids"),
        ("PQ8x4fs", {"n": 15}, "15 vectors are fewer than the 16 centroids"),
        ("IVF4,PQ4x10", {"n": 1023}, "fewer than the 1,024 centroids"),
        ("OPQ8,PQ8x4fs", {"n": 255}, "fewer than the 256 centroids"),
        ("Flat", {"k": 1001}, "k=1,001 neighbours were asked of 1,000 vectors. Use k from 1 to 1,000."),
        ("Flat", {"k": 0}, "k=0 neighbours"),
        ("Flat", {"metric": "manhattan"}, "manhattan"),
    ],
)
def test_what_cannot_be_built_is_refused(text, sizes, message):
    with pytest.raises(InputError) as refused:
        check_spec(IndexSpec.parse(text), **{"n": 1000, "d": 32, "metric": "dot", "k": 10, **sizes})
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["PQ8", "IVF256,PQ8", "PQ8x4fs", "OPQ8,IVF4,PQ8x4fs,RFlat", "HNSW32", "IVF256,SQ8"])
def test_as_many_vectors_as_centroids_are_enough(text):
    check_spec(IndexSpec.parse(text), n=256, d=32, metric="cosine", k=256)


@pytest.mark.parametrize(
    ("kind", "fix"),
    [("hnswlib", "pip install 'embedding-workbench[hnswlib]'"), ("qdrant", "pip install qdrant-edge-py")],
)
def test_a_library_that_is_not_installed_is_named_with_its_remedy(kind, fix, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="is not installed") as refused:
        check_spec(IndexSpec(kind), n=1000, d=32, metric="dot", k=10)
    assert refused.value.fix.endswith(fix)
