"""A sweep's folder: rows that are whole or absent, and everything that a killed sweep needs to go on."""

import fcntl
import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from workbench.atomic import replacing
from workbench.errors import InputError, StorageError
from workbench.records import FloatArray, IntArray, Metric, Neighbours

__all__ = ["Row", "Store", "own_rows", "read_manifest", "read_truth"]

_LAYOUT = 1  # raised when rows of an older sweep can no longer be read
_CODE = 2  # raised when builds or measurements change, so that rows and indexes of older code are not used again
_PARTS = ("rows", "answers", "misses", "indexes")  # of the folder

Row = dict[str, Any]


class Store:
    """Rows, truth, answers and indexes of one sweep, in one folder.

    Rows are appended: each :meth:`flush` writes one Parquet file, whole or not at all, and of two rows with the same
    name the later counts. A row is found again only under the identity and the environment that it was measured in.

    Parameters
    ----------
    folder
        Made where it is missing.
    identity
        What decides every number: fingerprints, n, d, metric, k, seed.
    environment
        The machine and the versions; a row of another environment is kept, and not used.

    Raises
    ------
    InputError
        The folder holds a sweep of other data or settings, or something that is no sweep; the difference is named.
    StorageError
        The folder cannot be made or written, another process is sweeping into it, or its manifest is damaged.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity = dict(identity)
        self._columns = {name: value for name, value in self.identity.items() if name != "grid"}
        self.machine = {name: value for name, value in environment.items() if name != "time"}
        code_and_machine = json.dumps([_CODE, self.machine], sort_keys=True, default=str)
        self.environment = hashlib.sha256(code_and_machine.encode()).hexdigest()[:12]
        try:
            for part in _PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot make the sweep's folder {str(folder)!r}: {error.strerror}", "Name another place."
            ) from error
        self._held = self._lock()
        self._fresh: list[Row] = []
        try:
            self.manifest = self._manifest()
            self.rows: dict[str, Row] = own_rows(folder, self.environment)
            self._spent, self._began = float(self.manifest["seconds"]), time.monotonic()
            self._clear_parts()
            self.write_manifest()
        except BaseException:
            self._held.close()
            raise

    @property
    def seconds(self) -> float:
        """Seconds spent on the sweep, those before it was stopped included."""
        return self._spent + time.monotonic() - self._began

    def find(self, name: str) -> Row | None:
        """The row of that name, measured in this environment, or None."""
        return self.rows.get(name)

    def add(self, row: Row) -> Row:
        """Keep a row; it is on disk after the next :meth:`flush`."""
        kept = {**self._columns, "environment": self.environment, "time": pd.Timestamp.now("UTC").isoformat(), **row}
        self.rows[row["name"]] = kept
        self._fresh.append(kept)
        return kept

    def flush(self) -> None:
        """Write the rows that were added since, and the manifest with the seconds spent."""
        if self._fresh:
            number = 1 + max((int(path.stem) for path in (self.folder / "rows").glob("*.parquet")), default=0)
            with replacing(self.folder / "rows" / f"{number:06d}.parquet") as file:
                pd.DataFrame(self._fresh).to_parquet(file, index=False)
            self._fresh = []
        self.write_manifest()

    def write_manifest(self, **changes: Any) -> None:
        """Write the manifest, with these entries changed."""
        self.manifest |= {"seconds": self.seconds, **changes}
        with replacing(self.folder / "manifest.json") as file:
            file.write(json.dumps(self.manifest, indent=1, default=str).encode())

    def keep_answers(self, point: str, ids: IntArray) -> None:
        """Keep what a point answered, ``(q, k)`` rows."""
        with replacing(self.folder / "answers" / f"{point}.npy") as file:
            np.save(file, ids.astype(np.int32))

    def keep_misses(self, point: str, each: pd.DataFrame) -> None:
        """Keep what a point missed and why, the table of ``Misses.each``."""
        with replacing(self.folder / "misses" / f"{point}.parquet") as file:
            each.to_parquet(file, index=False)

    def truth(self) -> tuple[Neighbours, FloatArray, IntArray | None] | None:
        """The exact neighbours, the queries and the rows held out as queries; None where they are not kept yet."""
        return read_truth(self.folder, self.identity["metric"])

    def keep_truth(self, truth: Neighbours, queries: FloatArray, query_rows: IntArray | None) -> None:
        """Keep the exact neighbours and the queries."""
        rows = np.empty(0, dtype=np.int64) if query_rows is None else query_rows
        with replacing(self.folder / "truth.npz") as file:
            np.savez(file, ids=truth.ids, scores=truth.scores, queries=queries, query_rows=rows)

    def index_path(self, build: str) -> Path:
        """Where the index of that build is kept while the sweep runs."""
        key = hashlib.sha256(f"{self.environment} {build}".encode()).hexdigest()[:16]
        return self.folder / "indexes" / f"{key}.index"

    def close(self, *, finished: bool) -> None:
        """Write what is left, let other processes in, and drop the indexes of a finished sweep."""
        try:
            self.flush()
            self.write_manifest(finished=finished)
            if finished:
                for path in (self.folder / "indexes").glob("*.index"):
                    path.unlink()
        finally:
            self._held.close()

    def _clear_parts(self) -> None:
        """Remove what a killed sweep was writing."""
        for part in _PARTS:
            for path in (self.folder / part).glob(".*.part"):
                path.unlink(missing_ok=True)

    def _lock(self) -> IO[str]:
        """Refuse a folder that a living process is sweeping into; the lock falls with the process, however it ends."""
        file = (self.folder / "lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StorageError(
                f"another sweep is running in {str(self.folder)!r}", "Wait for it, or name another folder."
            ) from None
        return file

    def _manifest(self) -> dict[str, Any]:
        """The folder's own manifest, of the same identity, or a new one; it names every environment that left rows."""
        own: dict[str, Any] = {"environment": self.machine, "measured_in": self.environment}
        if not (self.folder / "manifest.json").exists():
            fresh = {"layout": _LAYOUT, "seconds": 0.0, "finished": False}
            return {**self.identity, **fresh, **own, "environments": {self.environment: self.machine}}
        kept = read_manifest(self.folder)
        for name, value in self.identity.items():
            if kept.get(name) != value:
                raise InputError(
                    f"the folder {str(self.folder)!r} holds a sweep with {name} = {_short(kept.get(name))}, "
                    f"not {_short(value)}",
                    "Name another folder, or sweep the same data with the same settings to go on.",
                )
        if kept["measured_in"] != self.environment:
            own["finished"] = False
        return kept | own | {"environments": kept["environments"] | {self.environment: self.machine}}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a sweep's folder."""
    path = folder / "manifest.json"
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(
            f"{str(folder)!r} holds no sweep: it has no manifest.json", "Name the folder of a sweep."
        ) from None
    except (OSError, ValueError) as error:
        raise StorageError(
            f"the manifest {str(path)!r} cannot be read", "Remove the folder and sweep again."
        ) from error
    if kept.get("layout") != _LAYOUT:
        raise StorageError(
            f"the sweep in {str(folder)!r} has layout {kept.get('layout')!r}, not {_LAYOUT}",
            "Sweep again into a new folder.",
        )
    return kept


def read_truth(folder: Path, metric: Metric) -> tuple[Neighbours, FloatArray, IntArray | None] | None:
    """The exact neighbours, the queries and the rows held out as queries; None where they are not kept yet."""
    path = folder / "truth.npz"
    if not path.exists():
        return None
    try:
        with np.load(path) as kept:
            rows = kept["query_rows"] if len(kept["query_rows"]) else None
            return Neighbours(kept["ids"], kept["scores"], metric), kept["queries"], rows
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise StorageError(f"the truth in {str(path)!r} is damaged", "Remove it; it is computed again.") from error


def read_rows(folder: Path) -> list[Row]:
    """Every row in the order that it was written."""
    rows: list[Row] = []
    for path in sorted((folder / "rows").glob("*.parquet")):
        try:
            rows.extend(pd.read_parquet(path).to_dict("records"))  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            raise StorageError(
                f"the rows in {str(path)!r} are damaged", "Remove the file; they are measured again."
            ) from error
    return rows


def own_rows(folder: Path, environment: str) -> dict[str, Row]:
    """Rows that were measured in one environment, by name; of two with the same name the later."""
    return {row["name"]: row for row in read_rows(folder) if row["environment"] == environment}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
