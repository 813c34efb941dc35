"""What goes wrong around a collection in a folder: killed processes, second processes, full disks, damaged files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vectordb.places import filled, gaussian
from workbench.errors import InputError, StorageError
from workbench.vectordb import Collection, Layout

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from workbench.vectordb import Collection
collection = Collection.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def python(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_what_was_acknowledged_outlives_every_kill(tmp_path: Path):
    kills = 8
    ran = subprocess.run(
        python(ROOT / "tests/vectordb/killed.py", tmp_path / "collection", kills),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(told) == kills, ran.stderr
    for left in told:
        assert {name: left.get(name) for name in ("lost", "risen", "torn")} == {"lost": [], "risen": [], "torn": 0}, (
            left
        )
    assert told[-1]["acknowledged"] > 24 * kills


def test_a_second_process_is_told_who_has_it_open(tmp_path: Path):
    place = tmp_path / "collection"
    with Collection.create(place, dimensions=8) as collection:
        collection.upsert(gaussian(3), progress=False)
        with pytest.raises(StorageError, match="open in this process"):
            Collection.open(place)
    holder = subprocess.Popen(
        python("-c", HOLD, place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder, holder.stdin, holder.stdout:
        assert holder.stdout.readline() == "open\n"
        for attempt in (lambda: Collection.open(place), lambda: Collection.create(place, dimensions=8)):
            with pytest.raises(StorageError) as refused:
                attempt()
            assert f"is open in process {holder.pid}" in str(refused.value)
            assert "\n" not in str(refused.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with Collection.open(place) as collection:
        assert collection.count() == 3


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=220m tmpfs '{disk}'"
    try:
        may = subprocess.run([*alone, mount], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        may = False
    if not may:
        pytest.skip("this system does not let its users mount a small file system")
    script = " ".join(python(ROOT / "tests/vectordb/full_disk.py", disk))
    ran = subprocess.run(
        [*alone, f"{mount} && exec {script}"], capture_output=True, text=True, env=environment(), check=False
    )
    assert ran.returncode == 0, ran.stderr  # the engine alone is ended by SIGBUS here
    told = json.loads(ran.stdout)
    assert told.pop("batches") > 0
    assert told.pop("close") == ""
    for name in ("full", "delete", "optimize", "open", "create"):
        said = told.pop(name)
        assert "is full" in said or "No space left" in said, name
        assert "\n" not in said
    assert told == {"kept": True, "answers": True, "reopened": True, "goes on": True}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match=r"other files, such as 'thesis.txt'"):
        Collection.create(tmp_path, dimensions=8)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_creation_that_was_cut_short_is_begun_again(tmp_path: Path):
    place = tmp_path / "collection"
    with Collection.create(place, dimensions=8) as collection:
        collection.upsert(gaussian(3), progress=False)
    (place / "collection.json").unlink()  # it is written last
    with pytest.raises(StorageError, match="no collection"):
        Collection.open(place)
    with Collection.from_corpus(place, filled(5), gaussian(5), progress=False) as collection:
        assert collection.count() == 5


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"version": 1}', "\x00\x01"])
def test_damaged_settings_are_one_line(tmp_path: Path, damage: str):
    place = tmp_path / "collection"
    Collection.create(place, dimensions=8).close()
    (place / "collection.json").write_text(damage)
    with pytest.raises(StorageError) as refused:
        Collection.open(place)
    assert "\n" not in str(refused.value)
    (place / "collection.json").unlink()
    Collection.create(place, dimensions=8).close()  # and nobody holds it


def test_a_shard_that_is_gone_is_one_line(tmp_path: Path):
    place = tmp_path / "collection"
    Collection.create(place, dimensions=8).close()
    (place / "shard").rename(tmp_path / "elsewhere")
    with pytest.raises(StorageError) as refused:
        Collection.open(place)
    assert str(place) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        Collection.create(tmp_path / "file", dimensions=8)


def test_closed_it_says_so_and_closes_twice(tmp_path: Path):
    collection = Collection.create(tmp_path / "collection", dimensions=8)
    collection.close()
    collection.close()
    with pytest.raises(StorageError, match="is closed"):
        collection.count()


def test_what_needs_a_server_is_refused_by_name(tmp_path: Path):
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        with pytest.raises(InputError, match=f"{name}=2 needs a server"):
            Collection.create(tmp_path / "collection", dimensions=8, layout=Layout(**{name: 2}))
    with pytest.raises(InputError, match="Name its collection too"):
        Collection.open("http://localhost:6333")
