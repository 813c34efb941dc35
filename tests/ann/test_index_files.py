"""Index files say what they hold, and are refused when that is not so."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.ann.builds import METRICS, K, built, database, gaussian, queries, searched
from workbench.ann import Database, load_index, save_index
from workbench.errors import StorageError

HEADER = 16 + 32 + 4  # bytes before the header's JSON
PAYLOAD = HEADER + 4096


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "text",
    [
        "Flat",
        "HNSW16 efConstruction=80 efSearch=64",
        "IVF16,PQ4 nprobe=8",
        "IVF16,PQ16x4fs,RFlat nprobe=8 k_factor=4",
        "LSHr,RFlat k_factor=8",
        "IVF16,RaBitQ,RFlat nprobe=16 k_factor=16",
        "hnswlib M=16 efConstruction=80 ef=64",
    ],
)
def test_what_is_loaded_finds_what_was_saved(text, metric, tmp_path: Path):
    index, spec = searched(text, metric)
    save_index(index, tmp_path / "index")
    loaded = load_index(tmp_path / "index", database(metric))
    assert loaded.spec == index.spec == spec.built()
    assert (loaded.train_s, loaded.add_s) == (index.train_s, index.add_s)
    assert loaded.fingerprint == database(metric).fingerprint
    assert (loaded.search(queries(metric), K, spec.search) == index.search(queries(metric), K, spec.search)).all()


def test_a_shard_of_qdrant_is_kept_in_one_file_too(tmp_path: Path):
    index, spec = searched("qdrant m=16 quantization=scalar hnsw_ef=64 oversampling=2", "dot")
    save_index(index, tmp_path / "index")
    assert (tmp_path / "index").stat().st_size < 3 * index.serialized_bytes  # reserved zeros are packed
    loaded = load_index(tmp_path / "index", database("dot"))
    assert loaded.spec == index.spec
    assert (loaded.search(queries("dot"), K, spec.search) == index.search(queries("dot"), K, spec.search)).all()
    loaded.close()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    save_index(built("IVF16,PQ16x4fs,RFlat", "dot"), path)
    return path


def refusal(path: Path, other: Database | None = None, verify: bool = True) -> str:
    with pytest.raises(StorageError) as refused:
        load_index(path, other or database("dot"), verify=verify)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_refined_index_keeps_the_base_alone(saved):
    assert saved.stat().st_size < 4 * 1500 * 32 / 2
    built("Flat", "dot")
    save_index(built("Flat", "dot"), saved)
    assert saved.stat().st_size == PAYLOAD


def test_the_header_can_be_read_by_anyone(saved):
    header = json.loads(saved.read_bytes()[HEADER:PAYLOAD])
    assert header["spec"] == "IVF16,PQ16x4fs,RFlat" and header["n"] == 1500
    assert header["bytes"] == saved.stat().st_size - PAYLOAD


@pytest.mark.parametrize("keep", [-1, PAYLOAD + 10, PAYLOAD, HEADER + 100, HEADER, 20, 1, 0])
def test_a_file_that_was_cut_short_is_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    assert "cut short" in refusal(saved) or keep < PAYLOAD
    refusal(saved, verify=False)


def test_a_file_that_grew_is_refused(saved):
    saved.write_bytes(saved.read_bytes() + b"x")
    assert "has grown" in refusal(saved)


@pytest.mark.parametrize("at", [0, 20, 50, HEADER + 5, HEADER + 3000, PAYLOAD, PAYLOAD + 5000, -1])
def test_a_file_with_one_changed_bit_is_refused(saved, at):
    content = bytearray(saved.read_bytes())
    content[at] ^= 1
    saved.write_bytes(content)
    assert ("damaged" in refusal(saved)) == (at != 0)


def test_a_changed_payload_that_faiss_cannot_read_is_refused_without_verifying_too(saved):
    content = bytearray(saved.read_bytes())
    content[PAYLOAD : PAYLOAD + 4] = b"????"
    saved.write_bytes(content)
    assert "cannot be read" in refusal(saved, verify=False)


def test_other_files_are_refused(tmp_path: Path):
    other = tmp_path / "other"
    other.write_bytes(np.random.default_rng(0).bytes(10_000))
    assert "is not an index of the workbench" in refusal(other)
    assert "cannot read" in refusal(tmp_path / "missing")
    assert "cannot read" in refusal(tmp_path)


def test_an_index_of_other_vectors_is_refused(saved):
    rows = gaussian(1500)
    rows[0, 0] += 1
    assert "its fingerprint is" in refusal(saved, Database(rows, "dot"))
    assert "its n is 1500, that of the vectors 100" in refusal(saved, Database(rows[:100], "dot"))
    assert "its d is 32, that of the vectors 8" in refusal(saved, Database(rows[:, :8], "dot"))
    assert "its metric is 'dot'" in refusal(saved, Database(rows, "euclidean"))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="cannot write"):
        save_index(built("Flat", "dot"), tmp_path / "no" / "index")


def test_nothing_is_left_where_writing_failed(tmp_path: Path, monkeypatch):
    index = built("SQ8", "dot")
    monkeypatch.setattr(index, "write", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match="No space left"):
        save_index(index, tmp_path / "index")
    assert list(tmp_path.iterdir()) == []
