"""The vector cache: whole or absent, whatever happens to the process."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.embed import ModelIdentity, VectorCache, embed_with_report
from workbench.embed.cache import text_digest
from workbench.errors import InputError, ModelError, StorageError
from workbench.records import Corpus

D = 8
IDENTITY = ModelIdentity("counting", "1", D)


def vector_of(text: str) -> np.ndarray:
    seed = int.from_bytes(text_digest(text)[:4], "little")
    return np.random.default_rng(seed).standard_normal(D).astype(np.float32)


class CountingEncoder:
    """Makes a text's vector from its digest and counts what it was asked for."""

    def __init__(self, identity: ModelIdentity = IDENTITY) -> None:
        self.identity = identity
        self.encoded: list[str] = []

    def encode(self, texts, *, role="document", progress=False):
        self.encoded.extend(texts)
        return np.stack([vector_of(text) for text in texts])


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "vectors")


def corpus_of(texts) -> Corpus:
    return Corpus(tuple(f"id{i}" for i in range(len(texts))), tuple(texts))


def test_adding_one_text_encodes_one(cache):
    texts = [f"text {i}" for i in range(1500)]
    first = CountingEncoder()
    embed_with_report(corpus_of(texts), first, cache=cache, progress=False)
    assert sorted(first.encoded) == sorted(texts)

    second = CountingEncoder()
    vectors, report = embed_with_report(corpus_of([*texts, "new"]), second, cache=cache, progress=False)
    assert second.encoded == ["new"]
    assert (report.encoded, report.from_cache) == (1, 1500)
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of(t) for t in [*texts, "new"]]))


def test_a_repeated_text_is_encoded_once(cache):
    encoder = CountingEncoder()
    vectors, report = embed_with_report(corpus_of(["a", "b", "a", "a"]), encoder, cache=cache, progress=False)
    assert sorted(encoder.encoded) == ["a", "b"]
    assert report.encoded == 2
    np.testing.assert_array_equal(vectors.array[[0, 2, 3]], np.stack([vector_of("a")] * 3))


def test_the_cache_does_not_care_for_the_corpus_or_its_ids(cache):
    embed_with_report(corpus_of(["a", "b"]), CountingEncoder(), cache=cache, progress=False)
    encoder = CountingEncoder()
    other = Corpus(("x", "y"), ("b", "a"), name="another")
    vectors, _ = embed_with_report(other, encoder, cache=cache, progress=False)
    assert encoder.encoded == []
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of("b"), vector_of("a")]))


@pytest.mark.parametrize(
    "change",
    [{"name": "b"}, {"revision": "2"}, {"pooling": "cls"}, {"query_prompt": "q: "}, {"precision": "torch-bfloat16"}],
    ids=lambda change: next(iter(change)),
)
def test_two_identities_never_share_a_vector(cache, change):
    embed_with_report(corpus_of(["a"]), CountingEncoder(), cache=cache, progress=False)
    fields = {"name": "counting", "revision": "1", "dimensions": D} | change
    other = CountingEncoder(ModelIdentity(**fields))
    embed_with_report(corpus_of(["a"]), other, cache=cache, progress=False)
    assert other.encoded == ["a"]
    assert len(cache.models()) == 2


def test_a_prompt_is_part_of_the_text(cache):
    identity = ModelIdentity("prompted", "1", D, query_prompt="query: ", document_prompt="")
    embed_with_report(["a"], CountingEncoder(identity), role="document", cache=cache, progress=False)
    asked = CountingEncoder(identity)
    embed_with_report(["a"], asked, role="query", cache=cache, progress=False)
    assert asked.encoded == ["a"]


def test_no_cache_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    encoder = CountingEncoder()
    for _ in range(2):
        embed_with_report(["a"], encoder, cache=False, progress=False)
    assert encoder.encoded == ["a", "a"]
    assert not (tmp_path / "home").exists()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=30), st.lists(st.text(max_size=20), max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_put_in_comes_out(tmp_path_factory, first, second):
    cache = VectorCache(tmp_path_factory.mktemp("cache"))
    for texts in (first, [*first, *second]):
        vectors, _ = embed_with_report(texts, CountingEncoder(), cache=cache, progress=False)
        np.testing.assert_array_equal(vectors.array, np.stack([vector_of(t) for t in texts]))


def test_look_up_by_index_and_by_scan_agree(cache):
    digests = [text_digest(str(i)) for i in range(5000)]
    array = np.arange(5000 * D, dtype=np.float32).reshape(5000, D)
    cache.add(IDENTITY, digests, array)
    few, many = [7, 4999, 0], list(range(4000))
    for rows in (few, many):
        known, found = cache.get(IDENTITY, [digests[i] for i in rows] + [text_digest("absent")])
        assert known.tolist() == [True] * len(rows) + [False]
        np.testing.assert_array_equal(found[known], array[rows])
        assert not found[-1].any()


def test_dropping_a_model_leaves_the_others(cache):
    other = ModelIdentity("other", "1", D)
    for identity in (IDENTITY, other):
        embed_with_report(["a", "b"], CountingEncoder(identity), cache=cache, progress=False)
    before = cache.size_bytes
    assert cache.drop(IDENTITY.key) == 2
    assert [model.name for model in cache.models()] == ["other"]
    assert cache.size_bytes < before
    untouched = CountingEncoder(other)
    embed_with_report(["a", "b"], untouched, cache=cache, progress=False)
    assert untouched.encoded == []
    with pytest.raises(InputError, match=f"no vectors are cached under 'nonsense'.*{other.key}"):
        cache.drop("nonsense")


def test_vectors_of_the_wrong_shape_are_refused(cache):
    with pytest.raises(InputError, match=r"2 texts of 8 dimensions do not fit vectors of shape \(2, 9\)"):
        cache.add(IDENTITY, [b"a", b"b"], np.zeros((2, 9), dtype=np.float32))


def data_file(cache: VectorCache) -> Path:
    (path,) = cache.folder.glob(f"{IDENTITY.key}-*.f32")
    return path


@pytest.mark.parametrize("texts", [["a", "b"], ["new"]], ids=["reading", "writing behind it"])
@pytest.mark.parametrize("damage", [lambda path: os.truncate(path, path.stat().st_size - 1), os.unlink])
def test_a_data_file_cut_short_is_not_read_as_whole(cache, texts, damage):
    embed_with_report(["a", "b"], CountingEncoder(), cache=cache, progress=False)
    damage(data_file(cache))
    with pytest.raises(StorageError, match=f"cut short.*--drop-model {IDENTITY.key}"):
        embed_with_report(texts, CountingEncoder(), cache=cache, progress=False)
    cache.drop(IDENTITY.key)
    vectors, report = embed_with_report(["a", "b"], CountingEncoder(), cache=cache, progress=False)
    assert report.encoded == 2
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of("a"), vector_of("b")]))


def test_a_drop_that_is_killed_before_its_file_is_gone_harms_nothing(cache, monkeypatch):
    embed_with_report(["a", "b"], CountingEncoder(), cache=cache, progress=False)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        cache.drop(IDENTITY.key)
    left = data_file(cache)
    again = CountingEncoder()
    vectors, _ = embed_with_report(["c", "a"], again, cache=cache, progress=False)
    assert sorted(again.encoded) == ["a", "c"]
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of("c"), vector_of("a")]))
    assert left.exists()
    cache.drop(IDENTITY.key)
    assert list(cache.folder.glob("*.f32")) == []


def test_a_vector_that_is_no_number_is_never_cached(cache):
    class Broken(CountingEncoder):
        def encode(self, texts, *, role="document", progress=False):
            vectors = super().encode(texts)
            vectors[-1, 3] = np.nan
            return vectors

    with pytest.raises(ModelError, match="gave NaN or infinity for 1 of 2 texts"):
        embed_with_report(["a", "b"], Broken(), cache=cache, progress=False)
    assert cache.models() == []


def test_a_damaged_index_is_said_to_be_damaged(tmp_path):
    (tmp_path / "index.sqlite").write_bytes(b"this was never a database" * 100)
    with pytest.raises(StorageError, match="is damaged"):
        VectorCache(tmp_path)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(cache, monkeypatch):
    embed_with_report(["a"], CountingEncoder(), cache=cache, progress=False)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"the disk that holds .* is full\. Free some space"):
            embed_with_report(["b"], CountingEncoder(), cache=cache, progress=False)
    again = CountingEncoder()
    vectors, _ = embed_with_report(["a", "b"], again, cache=cache, progress=False)
    assert again.encoded == ["b"]
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of("a"), vector_of("b")]))


WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_cache import CountingEncoder, corpus_of
from workbench.embed import VectorCache, embedding
embedding._TEXTS_PER_BATCH = 16
seen = CountingEncoder()
embedding.embed(corpus_of([f"text {{i}}" for i in range({first}, {last})]), seen, cache=VectorCache(Path({folder!r})),
                progress=False)
"""


def start_writer(folder: Path, first: int, last: int) -> subprocess.Popen[bytes]:
    code = WRITER.format(here=str(Path(__file__).parent), folder=str(folder), first=first, last=last)
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)


def committed(cache: VectorCache) -> int:
    return sum(model.entries for model in cache.models())


def test_kill_9_loses_at_most_a_batch_and_corrupts_nothing(tmp_path):
    n = 4000
    cache = VectorCache(tmp_path)
    moments = random.Random(2)
    killed = 0
    for _ in range(6):
        before = committed(cache)
        writer = start_writer(tmp_path, 0, n)
        deadline = time.monotonic() + 60
        while committed(cache) == before and writer.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        killed += writer.returncode == -signal.SIGKILL
        done = committed(cache)
        assert done >= before, "a committed vector was lost"
        assert done % 16 == 0 or done == n, "half a batch was committed"
        known, found = cache.get(IDENTITY, [text_digest(f"text {i}") for i in range(n)])
        kept = [f"text {i}" for i in np.flatnonzero(known)]
        assert len(kept) == done
        if kept:
            np.testing.assert_array_equal(found[known], np.stack([vector_of(text) for text in kept]))
    assert killed >= 3, "too few writers were killed in the middle for this to prove anything"

    last = CountingEncoder()
    left = n - committed(cache)
    texts = [f"text {i}" for i in range(n)]
    vectors, report = embed_with_report(corpus_of(texts), last, cache=cache, progress=False)
    assert (report.encoded, report.from_cache) == (left, n - left)
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of(text) for text in texts]))


def test_two_processes_may_write_at_once(tmp_path):
    cache = VectorCache(tmp_path)
    writers = [start_writer(tmp_path, 0, 600), start_writer(tmp_path, 300, 900)]
    for writer in writers:
        _, complaints = writer.communicate(timeout=120)
        assert writer.returncode == 0, complaints.decode()
    encoder = CountingEncoder()
    texts = [f"text {i}" for i in range(900)]
    vectors, _ = embed_with_report(texts, encoder, cache=cache, progress=False)
    assert encoder.encoded == []
    np.testing.assert_array_equal(vectors.array, np.stack([vector_of(text) for text in texts]))


@pytest.mark.parametrize(
    ("texts", "message"),
    [([], "there are no texts"), ("one", "one string was given"), (["a", None], "the text None is of type NoneType")],
    ids=["none", "string", "missing"],
)
def test_texts_that_cannot_be_embedded(texts, message):
    with pytest.raises(InputError, match=message):
        embed_with_report(texts, CountingEncoder(), cache=False, progress=False)
