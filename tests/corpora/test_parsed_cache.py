"""What was parsed once is read back; a damaged file is made anew; a full disk is a clear error."""

import errno
from pathlib import Path

import pandas as pd
import pytest

from workbench import settings
from workbench.corpora.parsed_cache import cached_corpus
from workbench.errors import StorageError
from workbench.records import Corpus


class Maker:
    """Makes a small corpus and counts how often."""

    calls = 0

    def __call__(self) -> Corpus:
        self.calls += 1
        return Corpus(("a", "b"), ("Übung.", "𝔘nicode"), pd.DataFrame({"n": [1, 2], "word": ["x", None]}), "small")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


def test_it_is_made_once_for_each_key() -> None:
    make = Maker()
    first = cached_corpus("small", "k1", make)
    second = cached_corpus("small", "k1", make)
    assert make.calls == 1
    assert first.fingerprint == second.fingerprint == make().fingerprint
    assert (second.name, second.ids, second.texts) == ("small", ("a", "b"), ("Übung.", "𝔘nicode"))
    cached_corpus("small", "k2", make)
    assert make.calls == 3


@pytest.mark.parametrize("damage", [b"", b"PAR1 nonsense", None])
def test_a_damaged_file_is_made_anew(damage: bytes | None) -> None:
    make = Maker()
    cached_corpus("small", "k", make)
    (path,) = settings.cache_dir("corpora").glob("small-k.parquet")
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    assert cached_corpus("small", "k", make).ids == ("a", "b")
    assert make.calls == 2


def test_a_write_that_fails_says_so_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StorageError, match=r"No space left on device.*WORKBENCH_HOME"):
        cached_corpus("small", "k", Maker())
    assert list(settings.cache_dir("corpora").iterdir()) == []


def test_a_build_that_fails_leaves_nothing() -> None:
    def broken() -> Corpus:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cached_corpus("small", "k", broken)
    assert list(settings.cache_dir("corpora").iterdir()) == []
