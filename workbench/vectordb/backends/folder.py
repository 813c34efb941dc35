"""The folder of an embedded collection: who has it open, what it remembers, what it weighs."""

import fcntl
import json
import os
import shutil
import weakref
from pathlib import Path

from workbench.atomic import replacing
from workbench.errors import StorageError
from workbench.vectordb.records import CollectionConfig

__all__ = ["CONFIG_FILE", "CollectionFolder"]

CONFIG_FILE = "collection.json"

_DISK_BLOCK = 512  # bytes that st_blocks counts in


class CollectionFolder:
    """A folder that one process has open at a time; the lock goes with the process, however it ends.

    Raises
    ------
    StorageError
        It cannot be made or written, or is open already; then the message names the process.
    """

    def __init__(self, path: Path, *, make: bool) -> None:
        self.path = path
        if not make and not self._config.is_file():
            raise StorageError(f"there is no collection in {str(path)!r}", "Name its folder, or create it first.")
        try:
            if make:
                path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"the collection's folder {str(path)!r} cannot be used: {error.strerror}", "Name another folder."
            ) from error
        self._release = weakref.finalize(self, os.close, self._lock)
        try:
            self._claim()
        except BaseException:
            self._release()
            raise

    @property
    def _config(self) -> Path:
        return self.path / CONFIG_FILE

    @property
    def shard(self) -> Path:
        """Where the engine keeps its files."""
        return self.path / "shard"

    def _claim(self) -> None:
        """Lock it, and write down by whom."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            who = "this process" if holder == str(os.getpid()) else f"process {holder or '(unknown)'}"
            raise StorageError(
                f"the collection in {str(self.path)!r} is open in {who}",
                "Close it there first; a folder serves one process, a server many.",
            ) from None
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise StorageError(
                f"nothing can be written to {str(self.path)!r}: {error.strerror}", "Free some space."
            ) from error

    def prepare(self) -> None:
        """Make room for a new collection; what a creation that was cut short has left is removed.

        Raises
        ------
        StorageError
            There is a collection already, or files of something else.
        """
        if self._config.exists():
            raise StorageError(
                f"there is a collection in {str(self.path)!r} already", "Open it, or name another folder."
            )
        others = sorted(entry.name for entry in self.path.iterdir() if entry.name not in {"lock", "shard"})
        others = [name for name in others if not name.startswith(f".{CONFIG_FILE}.")]
        if others:
            raise StorageError(
                f"the folder {str(self.path)!r} holds other files, such as {others[0]!r}", "Name a folder of its own."
            )
        shutil.rmtree(self.shard, ignore_errors=True)

    def read(self) -> CollectionConfig:
        """What the collection remembers.

        Raises
        ------
        StorageError
            The file is damaged.
        """
        try:
            values = json.loads(self._config.read_bytes())
        except (OSError, ValueError) as error:
            raise StorageError(
                f"{str(self._config)!r} cannot be read: {error}", "Create the collection anew."
            ) from error
        return CollectionConfig.from_dict(values)

    def write(self, config: CollectionConfig) -> None:
        """Keep it, whole or not at all."""
        with replacing(self._config) as file:
            file.write(json.dumps(config.as_dict(), indent=1).encode())

    def require(self, count: int) -> None:
        """Refuse to go on with less free space than what is to be done may take.

        Raises
        ------
        StorageError
            Fewer than ``count`` bytes are free.
        """
        free = shutil.disk_usage(self.path).free
        if free < count:
            raise StorageError(
                f"the disk of {str(self.path)!r} is full: {free >> 20:,} MiB are free, {count >> 20:,} are needed",
                "Free some space; what was acknowledged is kept.",
            )

    def size(self) -> int:
        """Bytes that its files take on disk; what is reserved and not written does not count."""
        return sum(path.stat().st_blocks * _DISK_BLOCK for path in self.path.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let another process have it."""
        self._release()
