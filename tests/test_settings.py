"""One home for everything that is written, moved by one variable."""

import pytest

from workbench import settings
from workbench.errors import StorageError


def test_the_variable_moves_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "elsewhere"))
    assert settings.home() == tmp_path / "elsewhere"
    assert settings.cache_dir("vectors") == tmp_path / "elsewhere" / "cache" / "vectors"
    assert settings.cache_dir("vectors").is_dir()


def test_without_it_the_users_cache_folder_is_taken(monkeypatch):
    monkeypatch.delenv("WORKBENCH_HOME")
    assert settings.home().name == "embedding-workbench"


def test_a_home_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot be made: Not a directory\. Set WORKBENCH_HOME"):
        settings.cache_dir("vectors")


def test_the_projects_own_data_is_there():
    assert (settings.data_dir() / "help-center" / "corpus.jsonl").is_file()
