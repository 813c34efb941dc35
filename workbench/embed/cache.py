"""Vectors that were computed once are never computed again: one per text and model, kept on disk.

Layout of the folder: ``index.sqlite`` and, for each model identity, ``KEY-ID.f32`` with one float32 row after another;
an ID is never used again, so a file that was dropped is never taken for a new one. A batch is written behind the last
committed row and flushed to disk before the index names it, under SQLite's write lock. So a process that is killed
leaves at most rows, or a file, that the index does not name: the next batch overwrites them, the next drop removes it.
"""

import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import settings
from workbench.errors import InputError, StorageError
from workbench.records import FloatArray, ModelIdentity

__all__ = ["CachedModel", "VectorCache", "text_digest"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE NOT NULL,
    identity TEXT NOT NULL,
    rows INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS entries (
    model INTEGER NOT NULL, digest BLOB NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (model, digest)
) WITHOUT ROWID;
"""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DIGESTS_PER_QUERY = 30_000  # below SQLite's limit of 32,766 variables
_ROWS_PER_COPY = 65_536
_SCAN_BELOW = 4  # measured: a scan reads a row in a quarter of the time of a look-up
_LOCK_SECONDS = 60.0


def text_digest(text: str) -> bytes:
    """Key of a text, prompt included: 16 bytes of BLAKE2b over its UTF-8."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True)
class CachedModel:
    """One model's share of the cache."""

    key: str
    name: str
    entries: int
    bytes: int


class VectorCache:
    """Vectors by model identity and text, safe for several processes at once.

    Parameters
    ----------
    folder
        Where to keep them; None takes the workbench's own cache folder.

    Raises
    ------
    StorageError
        The folder cannot be made or written, the disk is full, or the files in it are damaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else settings.cache_dir("vectors")
        with self._storage_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._index() as index:
                index.executescript(_SCHEMA)

    def get(self, identity: ModelIdentity, digests: Sequence[bytes]) -> tuple[NDArray[np.bool_], FloatArray]:
        """Vectors of the texts that are cached.

        Returns
        -------
        known
            ``(n,) bool``: which of the digests are cached.
        vectors
            ``(n, d) float32``: their vectors; the rows of the others are zeros.
        """
        vectors = np.zeros((len(digests), identity.dimensions), dtype=np.float32)
        known = np.zeros(len(digests), dtype=np.bool_)
        with self._storage_errors(), self._index() as index:
            index.execute("BEGIN")  # one snapshot for both questions
            model = self._model(index, identity)
            if model is None:
                return known, vectors
            found = self._rows(index, *model, digests)
            rows = np.fromiter((found.get(digest, -1) for digest in digests), dtype=np.int64, count=len(digests))
            known = rows >= 0
            at = np.flatnonzero(known)
            stored = self._read(identity, *model)
            for start in range(0, len(at), _ROWS_PER_COPY):
                some = at[start : start + _ROWS_PER_COPY]
                vectors[some] = stored[rows[some]]
        return known, vectors

    def add(self, identity: ModelIdentity, digests: Sequence[bytes], vectors: FloatArray) -> None:
        """Keep one vector for each digest; on disk when this returns.

        Raises
        ------
        InputError
            The array is not ``(len(digests), identity.dimensions)``.
        StorageError
            The disk is full; nothing of this batch is kept and what was cached before stays whole.
        """
        if vectors.shape != (len(digests), identity.dimensions):
            raise InputError(
                f"{len(digests)} texts of {identity.dimensions} dimensions do not fit vectors of shape {vectors.shape}",
                "Pass one vector for each text.",
            )
        with self._storage_errors(), self._index() as index:
            index.execute("BEGIN IMMEDIATE")
            index.execute(
                "INSERT OR IGNORE INTO models (key, identity) VALUES (?, ?)",
                (identity.key, json.dumps(asdict(identity), sort_keys=True)),
            )
            model, rows = self._model(index, identity) or (0, 0)
            self._check_whole(identity, model, rows)
            self._write(identity, model, rows, vectors)
            index.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)",
                ((model, digest, rows + offset) for offset, digest in enumerate(digests)),
            )
            index.execute("UPDATE models SET rows = ? WHERE id = ?", (rows + len(digests), model))
            index.execute("COMMIT")

    def models(self) -> list[CachedModel]:
        """What is cached, model by model."""
        query = (
            "SELECT id, key, identity, (SELECT COUNT(*) FROM entries WHERE model = models.id) FROM models ORDER BY key"
        )
        with self._storage_errors(), self._index() as index:
            found = index.execute(query).fetchall()
        return [
            CachedModel(key, json.loads(identity)["name"], entries, _size(self._data_path(key, model)))
            for model, key, identity, entries in found
        ]

    def drop(self, key: str) -> int:
        """Forget the vectors of one model; returns how many there were.

        Raises
        ------
        InputError
            Nothing is cached under that key.
        """
        with self._storage_errors(), self._index() as index:
            index.execute("BEGIN IMMEDIATE")
            found = index.execute("SELECT id FROM models WHERE key = ?", (key,)).fetchone()
            if found is None:
                index.execute("ROLLBACK")
                known = ", ".join(model.key for model in self.models()) or "none"
                raise InputError(f"no vectors are cached under {key!r}", f"Keys in the cache: {known}.")
            named = {self._data_path(*row) for row in index.execute("SELECT key, id FROM models")}
            for leftover in set(self.folder.glob("*.f32")) - named:  # of a drop that was killed; we hold the write lock
                leftover.unlink(missing_ok=True)
            dropped = index.execute("DELETE FROM entries WHERE model = ?", found).rowcount
            index.execute("DELETE FROM models WHERE id = ?", found)
            index.execute("COMMIT")
            self._data_path(key, found[0]).unlink(missing_ok=True)
        return dropped

    @property
    def size_bytes(self) -> int:
        """Bytes on disk, index included."""
        with self._storage_errors():
            return sum(_size(path) for path in self.folder.iterdir())

    def _data_path(self, key: str, model: int) -> Path:
        return self.folder / f"{key}-{model}.f32"

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        """A connection in which nothing is committed unless it says COMMIT."""
        path = self.folder / "index.sqlite"
        with closing(sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)) as index:
            index.execute("PRAGMA journal_mode = WAL")
            index.execute("PRAGMA synchronous = FULL")
            yield index

    def _model(self, index: sqlite3.Connection, identity: ModelIdentity) -> tuple[int, int] | None:
        """Row id and committed number of rows of a model, if it has any."""
        found = index.execute("SELECT id, rows FROM models WHERE key = ?", (identity.key,)).fetchone()
        return (int(found[0]), int(found[1])) if found else None

    def _rows(self, index: sqlite3.Connection, model: int, rows: int, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Rows of the digests that are cached, and of others where reading the whole index is faster."""
        if rows < _SCAN_BELOW * len(digests):
            return dict(index.execute("SELECT digest, row FROM entries WHERE model = ?", (model,)))
        found: dict[bytes, int] = {}
        for start in range(0, len(digests), _DIGESTS_PER_QUERY):
            chunk = digests[start : start + _DIGESTS_PER_QUERY]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT digest, row FROM entries WHERE model = ? AND digest IN ({marks})"
            found.update(index.execute(query, (model, *chunk)))
        return found

    def _read(self, identity: ModelIdentity, model: int, rows: int) -> FloatArray:
        """All committed rows of a model as a memory map."""
        self._check_whole(identity, model, rows)
        path = self._data_path(identity.key, model)
        return np.memmap(path, dtype=np.float32, mode="r", shape=(rows, identity.dimensions))

    def _check_whole(self, identity: ModelIdentity, model: int, rows: int) -> None:
        """Refuse a data file that lacks committed rows, before it is read or written behind them."""
        path = self._data_path(identity.key, model)
        if _size(path) < rows * identity.dimensions * 4:
            raise StorageError(
                f"the cached vectors in {path} are cut short: {_size(path):,} bytes where {rows:,} rows were committed",
                f"Run `workbench check --drop-model {identity.key}`; they will be encoded again.",
            )

    def _write(self, identity: ModelIdentity, model: int, rows: int, vectors: FloatArray) -> None:
        """Put vectors behind the committed rows and flush them to disk."""
        handle = os.open(self._data_path(identity.key, model), os.O_WRONLY | os.O_CREAT, 0o644)
        with open(handle, "wb", buffering=0) as file:  # noqa: PTH123 (opened without truncation above)
            file.seek(rows * identity.dimensions * 4)
            left = memoryview(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
            while left:
                left = left[file.write(left) :]
            os.fsync(handle)

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Turn what the disk and SQLite say into one line with a remedy."""
        try:
            yield
        except OSError as error:
            full = error.errno in _FULL
            raise StorageError(
                f"the disk that holds {self.folder} is full"
                if full
                else f"cannot use the cache {self.folder}: {error}",
                "Free some space, drop a model (`workbench check --drop-model KEY`), or set WORKBENCH_HOME elsewhere.",
            ) from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StorageError(
                    f"another process has held the cache {self.folder} for {_LOCK_SECONDS:.0f} seconds",
                    "Wait for it, or end it.",
                ) from error
            full = "full" in str(error)
            raise StorageError(
                f"the disk that holds {self.folder} is full" if full else f"cannot use the cache index: {error}",
                "Free some space, check the folder's permissions, or set WORKBENCH_HOME elsewhere.",
            ) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"the cache index {self.folder / 'index.sqlite'} is damaged ({error})",
                "Delete that folder; vectors are encoded again when they are asked for.",
            ) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
