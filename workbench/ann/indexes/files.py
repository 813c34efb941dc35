"""Indexes on disk: one file that says what it holds, and is refused when that is not so."""

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import IO, Any

import faiss

from workbench.ann.indexes.base import Index
from workbench.ann.indexes.database import Database
from workbench.ann.indexes.faiss_index import FaissIndex
from workbench.ann.indexes.hnswlib_index import read_hnswlib
from workbench.ann.indexes.qdrant_index import read_qdrant
from workbench.ann.specs import IndexSpec, check_spec
from workbench.atomic import replacing
from workbench.errors import InputError, StorageError

__all__ = ["load_index", "save_index"]

_MAGIC = b"workbench index\n"
_PREFIX = struct.Struct(f"<{len(_MAGIC)}s32sI")  # magic, SHA-256 of the header, length of the header
_ROOM = 4096  # bytes of the header, padded, so that it can be written when the payload is known
_AT_ONCE = 1 << 20
_AGAIN = "Build it again."


def save_index(index: Index, path: str | Path) -> None:
    """Keep an index in one file: a header and the library's own format.

    The header has the specification, metric, ``n``, ``d``, the fingerprint of the vectors, seconds of the build, and
    length and SHA-256 of what follows. Of a refined index the base alone is kept, of Flat the header alone: the vectors
    come from the database.

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written.
    """
    with replacing(Path(path)) as file:
        file.write(bytes(_PREFIX.size + _ROOM))
        payload = _Hashing(file)
        index.write(payload)  # type: ignore[arg-type]
        header = {
            "spec": str(index.spec),
            "metric": index.metric,
            "n": index.n,
            "d": index.d,
            "fingerprint": index.fingerprint,
            "train_s": index.train_s,
            "add_s": index.add_s,
            "bytes": payload.total,
            "sha256": payload.digest.hexdigest(),
        }
        text = json.dumps(header).encode().ljust(_ROOM)
        file.seek(0)
        file.write(_PREFIX.pack(_MAGIC, hashlib.sha256(text).digest(), len(text)) + text)


def load_index(path: str | Path, database: Database, *, verify: bool = True) -> Index:
    """Open an index that ``save_index`` kept, of the same vectors.

    Parameters
    ----------
    path
        The file.
    database
        The vectors that it was built of; refinements and Flat read them.
    verify
        Read the file once more to compare its SHA-256. Without it only its header and length are checked.

    Raises
    ------
    StorageError
        No such file, not an index, truncated, damaged, or of other vectors or another metric.
    """
    source = Path(path)
    try:
        with source.open("rb") as file:
            header = _read_header(file, source)
            _check_header(header, source, database)
            if verify and _digest(file) != header["sha256"]:
                raise StorageError(f"{str(source)!r} is damaged: its content is not what its header says", _AGAIN)
            file.seek(_PREFIX.size + _ROOM)
            return _read_payload(file, source, header, database)
    except OSError as error:
        raise StorageError(
            f"cannot read {str(source)!r}: {error.strerror or error}", "Name an index that was saved here."
        ) from error


def _read_header(file: IO[bytes], source: Path) -> dict[str, Any]:
    prefix = file.read(_PREFIX.size)
    magic, digest, length = _PREFIX.unpack(prefix.ljust(_PREFIX.size, b"\0"))
    if magic != _MAGIC:
        raise StorageError(f"{str(source)!r} is not an index of the workbench", "Name a file that save_index wrote.")
    text = file.read(_ROOM)
    if length != _ROOM or hashlib.sha256(text).digest() != digest:
        raise StorageError(f"the header of {str(source)!r} is damaged", _AGAIN)
    header: dict[str, Any] = json.loads(text)
    size = os.fstat(file.fileno()).st_size - _PREFIX.size - _ROOM
    if size != header["bytes"]:
        raise StorageError(
            f"{str(source)!r} is cut short or has grown: {size:,} bytes where {header['bytes']:,} were saved", _AGAIN
        )
    return header


def _check_header(header: dict[str, Any], source: Path, database: Database) -> None:
    wanted = {"metric": database.metric, "n": database.n, "d": database.d, "fingerprint": database.fingerprint}
    for name, value in wanted.items():
        if header[name] != value:
            raise StorageError(
                f"{str(source)!r} is an index of other data: its {name} is {header[name]!r}, "
                f"that of the vectors {value!r}",
                "Load it with the vectors that it was built of, or build it again.",
            )


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(_AT_ONCE):
        digest.update(block)
    return digest.hexdigest()


def _read_payload(file: IO[bytes], source: Path, header: dict[str, Any], database: Database) -> Index:
    try:
        spec = IndexSpec.parse(header["spec"])
        check_spec(spec, n=database.n, d=database.d, metric=database.metric, k=1)
        seconds = (float(header["train_s"]), float(header["add_s"]))
        if spec.library == "hnswlib":
            return read_hnswlib(file, spec, database, *seconds)
        if spec.library == "qdrant":
            return read_qdrant(source, spec, database, *seconds)
        base = None if spec.family == "flat" else faiss.read_index(faiss.PyCallbackIOReader(file.read))
    except (RuntimeError, InputError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise StorageError(f"the index in {str(source)!r} cannot be read: {reason}", _AGAIN) from error
    return FaissIndex(spec, database, base, *seconds)


class _Hashing:
    """A file that is only written to, which counts and hashes what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.total = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.total += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        """For writers that flush."""
        self.file.flush()
