"""The scripts are run as they are, each in a folder with the vectors, and their answers scored by our own recall."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from workbench.ann import recall, snippet, translate
from workbench.ann.indexes import Database, build_index
from workbench.ann.specs import IndexSpec
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import Metric

D, K = 16, 10
QDRANT = (("m", 16), ("ef_construct", 100))
SPECS = [
    "Flat",
    "HNSW16 efConstruction=80 efSearch=24",
    "HNSW16,SQ8,RFlat efConstruction=80 efSearch=24 k_factor=2",
    "IVF32,Flat nprobe=4",
    "PQ8x4",
    "IVF32,PQ8 nprobe=8",
    "PQ8x4fs,RFlat k_factor=4",
    "IVF32,PQ8x4fs,RFlat nprobe=8 k_factor=4",
    "OPQ2,IVF32,PQ2,RFlat nprobe=8 k_factor=8",
    "SQ8",
    "IVF32,SQ4 nprobe=4",
    "IVF32,RaBitQ,RFlat nprobe=8 qb=8 k_factor=8",
    "LSHr,RFlat k_factor=8",
    "hnswlib M=8 efConstruction=60 ef=16",
]
# In one process, since importing FAISS takes longer than all of these; the first argument is a folder of the scripts.
RUNNER = """
import os, runpy, sys
from pathlib import Path
import faiss
faiss.omp_set_num_threads(1)
for folder in map(Path, sys.argv[1:]):
    os.chdir(folder)
    runpy.run_path("script.py", run_name="__main__")
"""


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def clustered(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of several lengths in clusters, on which codes err, and queries beside them."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(40, D))
    rows = centers[rng.integers(40, size=2100)] + 0.6 * rng.normal(size=(2100, D))
    rows *= np.exp(0.2 * rng.normal(size=(2100, 1)))
    return rows[:2000].astype(np.float32), rows[2000:].astype(np.float32)


def run(folder: Path, scripts: dict[str, str], **environment: str) -> dict[str, np.ndarray]:
    """The answers of each script, run in a folder of its own beside the vectors."""
    for name, text in scripts.items():
        (folder / name).mkdir()
        (folder / name / "script.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUNNER, *(str(folder / name) for name in scripts)]
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: np.load(folder / name / "answers.npy") for name in scripts}


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_a_script_gets_the_recall_of_the_index_that_was_measured(metric, tmp_path):
    vectors, queries = clustered()
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "queries.npy", queries)
    specs = [IndexSpec.parse(text) for text in (SPECS if metric == "cosine" else [*SPECS[:2], *SPECS[-3:]])]
    if importlib.util.find_spec("hnswlib") is None:
        specs = [spec for spec in specs if spec.library != "hnswlib"]
    files = {"vectors_file": "../vectors.npy", "queries_file": "../queries.npy"}
    scripts = {f"script{i}": snippet(spec, metric, D, K, **files) for i, spec in enumerate(specs)}
    answers = run(tmp_path, scripts)
    truth = exact_neighbours(queries, vectors, metric=metric, k=K)
    database = Database(vectors, metric)
    off = {}
    for spec, found in zip(specs, answers.values(), strict=True):
        assert found.shape == (len(queries), K) and found.dtype == np.int64
        index = build_index(spec, database, threads=1)
        ours = recall(index.search(database.prepare(queries), K, spec.search), truth, queries, vectors)
        theirs = recall(found, truth, queries, vectors)
        off[str(spec)] = abs(float(theirs.mean() - ours.mean()))
        if spec.family == "flat":
            assert theirs.mean() == 1.0
        if spec.kind == "PQ8x4":
            assert theirs.mean() < 0.9
    assert {text: gap for text, gap in off.items() if gap > 0.03} == {}


def test_hnswlib_in_the_same_words(tmp_path):
    needs("hnswlib")
    vectors, queries = clustered()
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "queries.npy", queries)
    spec = IndexSpec.parse("HNSW16 efConstruction=80 efSearch=24")
    files = {"vectors_file": "../vectors.npy", "queries_file": "../queries.npy"}
    found = run(tmp_path, {"hnswlib": snippet(spec, "dot", D, K, "hnswlib", **files)})["hnswlib"]
    truth = exact_neighbours(queries, vectors, metric="dot", k=K)
    assert recall(found, truth, queries, vectors).mean() > 0.9


def test_the_qdrant_client_runs_its_script_in_memory_where_it_compares_every_vector(tmp_path):
    needs("qdrant_client")
    vectors, queries = clustered()
    vectors = vectors[:300]
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "queries.npy", queries[:20])
    files = {"vectors_file": "../vectors.npy", "queries_file": "../queries.npy"}
    specs = [
        IndexSpec("qdrant", QDRANT, (("hnsw_ef", 64),)),
        *(
            IndexSpec("qdrant", (*QDRANT, ("quantization", codes)), (("hnsw_ef", 64), ("oversampling", 2)))
            for codes in ("scalar", "binary", "product")
        ),
    ]
    metrics: list[Metric] = ["cosine", "dot", "euclidean", "cosine"]
    scripts = {
        f"script{i}": snippet(spec, metric, D, K, **files)
        for i, (spec, metric) in enumerate(zip(specs, metrics, strict=True))
    }
    answers = run(tmp_path, scripts, QDRANT_URL=":memory:").values()
    for found, metric in zip(answers, metrics, strict=True):
        truth = exact_neighbours(queries[:20], vectors, metric=metric, k=K)
        assert recall(found, truth, queries[:20], vectors).min() == 1.0


@pytest.mark.parametrize("codes", [None, "scalar", "binary", "product"])
def test_the_servers_configuration_says_what_the_collection_does(codes):
    build = QDRANT if codes is None else (*QDRANT, ("quantization", codes))
    search = (("hnsw_ef", 64),) if codes is None else (("hnsw_ef", 64), ("oversampling", 3))
    text = snippet(IndexSpec("qdrant", build, search), "cosine", 384)
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    storage = yaml.safe_load("\n".join(lines[lines.index("storage:") :]))["storage"]
    assert storage["hnsw_index"] == {"m": 16, "ef_construct": 100, "on_disk": False}
    assert list(storage["collection"].get("quantization", {None: 0})) == [codes]
    assert "HnswConfigDiff(m=16, ef_construct=100, on_disk=False)" in text
    assert (
        "hnsw_ef=64" in text and "exact=False" in text and ("(rescore=True, oversampling=3.0)" in text) == bool(codes)
    )
    assert "says nothing about the index" in text


@pytest.mark.parametrize(
    "text", [*SPECS, "OPQ8,IVF32,PQ8,RFlat nprobe=8 k_factor=4", "qdrant m=16 ef_construct=100 hnsw_ef=64"]
)
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_every_script_is_python_and_fits_a_page(text, metric):
    script = snippet(IndexSpec.parse(text), metric, 384, 10, vectors_file='it\'s "mine" \\n.npy')
    tree = ast.parse(script)
    assert ast.get_docstring(tree).startswith(text)
    assert max(map(len, script.splitlines())) <= 120
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {'it\'s "mine" \\n.npy', "queries.npy", "answers.npy"} <= literals
    assert "workbench" not in script


@pytest.mark.parametrize(
    ("spec", "library", "counterpart"),
    [
        ("HNSW32 efConstruction=200 efSearch=64", "hnswlib", "hnswlib M=32 efConstruction=200 ef=64"),
        ("HNSW32 efConstruction=200 efSearch=64", "qdrant", "qdrant m=32 ef_construct=200 hnsw_ef=64"),
        ("HNSW32", "qdrant", "qdrant m=32 ef_construct=40"),
        ("HNSW32,SQ8 efSearch=64", "qdrant", "qdrant m=32 ef_construct=40 quantization=scalar hnsw_ef=64"),
        (
            "HNSW32,SQ8,RFlat efSearch=64 k_factor=4",
            "qdrant",
            "qdrant m=32 ef_construct=40 quantization=scalar hnsw_ef=64 oversampling=4",
        ),
        ("hnswlib M=16 efConstruction=200 ef=64", "faiss", "HNSW16 efConstruction=200 efSearch=64"),
        ("hnswlib", "qdrant", "qdrant m=16 ef_construct=200"),
        ("qdrant m=16 ef_construct=100 hnsw_ef=64", "faiss", "HNSW16 efConstruction=100 efSearch=64"),
        ("Flat", "faiss", "Flat"),
    ],
)
def test_one_idea_in_three_libraries(spec, library, counterpart):
    there = translate(IndexSpec.parse(spec), library)
    assert str(there) == counterpart
    own = IndexSpec.parse(spec).library
    again = translate(translate(there, own), library)
    assert again == there


@pytest.mark.parametrize(
    ("spec", "library", "why"),
    [
        ("Flat", "qdrant", "exact search needs no graph"),
        ("IVF256,PQ48 nprobe=4", "hnswlib", "it has graphs"),
        ("IVF256,Flat", "qdrant", "it has graphs"),
        ("HNSW32,SQ8", "hnswlib", "no quantization"),
        ("HNSW32,SQ4", "qdrant", "no codes of SQ4"),
        ("qdrant m=16 quantization=binary", "faiss", "binary codes"),
        ("qdrant m=16 quantization=scalar", "hnswlib", "no quantization"),
    ],
)
def test_what_has_no_counterpart_is_refused_with_the_reason(spec, library, why):
    with pytest.raises(InputError, match=re.escape(why)) as refused:
        translate(IndexSpec.parse(spec), library)
    assert spec.split()[0] in refused.value.what


@pytest.mark.parametrize("bad", [{"metric": "angle"}, {"d": 0}, {"k": 0}, {"k": 2.5}, {"library": "annoy"}], ids=str)
def test_what_cannot_be_written_is_refused(bad):
    with pytest.raises(InputError):
        snippet(**{"spec": IndexSpec.parse("HNSW32"), "metric": "dot", "d": 8, **bad})
