"""Output files appear whole or not at all, with the permissions that a person expects."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.atomic import replacing
from workbench.errors import StorageError


@pytest.fixture(params=[0o022, 0o027, 0o077], ids="{:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_new_file_has_the_permissions_of_new_files(umask: int, tmp_path: Path) -> None:
    with replacing(tmp_path / "new") as file:
        file.write(b"new")
    assert mode(tmp_path / "new") == 0o666 & ~umask


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("kept", [0o600, 0o664, 0o644], ids="{:03o}".format)
def test_a_file_that_is_replaced_keeps_its_permissions(umask: int, kept: int, tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"old")
    target.chmod(kept)
    with replacing(target) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert mode(target) == kept


def test_a_block_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"old")
    with pytest.raises(ValueError, match="half way"), replacing(tmp_path / "kept") as file:
        file.write(b"ne")
        raise ValueError("half way")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_bytes() == b"old"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"), replacing(tmp_path / "gone" / "file"):
        pass
