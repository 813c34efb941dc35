"""What is left of a collection whose writer is killed: real processes, ended by the signal that nothing can catch."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import InputError, StorageError
from workbench.records import FloatArray
from workbench.vectordb.collection import Collection

__all__ = ["KillReport", "kill_while_writing"]

_D = 32
_BEFORE = 4  # batches that are acknowledged before the first kill; one more before each further one
_WRITER = """
import sys
import numpy as np
from workbench.records import Vectors
from workbench.vectordb import Collection
from workbench.vectordb.durability import numbered_vector
folder, first, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with Collection.open(folder) as collection:
    while True:
        numbers = range(first, first + batch)
        array = np.stack([numbered_vector(number) for number in numbers])
        collection.upsert(Vectors(tuple(map(str, numbers)), array), progress=False)
        first += batch
        print(first, flush=True)
"""


@dataclass(frozen=True)
class KillReport:
    """What was promised and what is there.

    Attributes
    ----------
    kills
        Writers that were killed.
    acknowledged
        Points whose ``upsert`` had returned when a writer was killed.
    present
        Points that are there after reopening. There may be more: those of the batch that was being written.
    lost
        Acknowledged points that are not there.
    torn
        Points that are there with another vector than was written.
    """

    kills: int
    acknowledged: int
    present: int
    lost: int
    torn: int


def numbered_vector(number: int) -> FloatArray:
    """The vector, ``(32,) float32`` of unit length, of a numbered point: what was written can be computed again."""
    vector = np.random.default_rng(number).standard_normal(_D, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def kill_while_writing(folder: Path | str, *, kills: int = 3, batch: int = 50) -> KillReport:
    """Kill process after process that writes to a new collection in the folder, and compare it with what they promised.

    Each writer opens the collection that the last one left, and tells of every batch whose ``upsert`` has returned. It
    is killed by SIGKILL (Windows: TerminateProcess) while it goes on writing. That ends the process, not the machine:
    what the system had taken over outlives it, which a failing power supply would not grant.

    Parameters
    ----------
    folder
        New or empty; the collection stays there.
    kills
        Writers, one after the other.
    batch
        Points that a writer upserts at once.

    Raises
    ------
    InputError
        Nobody is to be killed, or a batch holds nothing.
    StorageError
        There is a collection in the folder, or a writer ended by itself.
    """
    if kills < 1 or batch < 1:
        raise InputError(f"kills={kills}, batch={batch}", "Use 1 or more of both.")
    Collection.create(folder, dimensions=_D).close()
    acknowledged = 0
    for turn in range(kills):
        acknowledged = _killed(Path(folder), acknowledged, batch, _BEFORE + turn)
    with Collection.open(folder) as collection:
        found = {int(match.id): match.vector for match in collection.scroll(with_vectors=True)}
    torn = sum(
        vector is None or not np.allclose(vector, numbered_vector(number), atol=1e-6)
        for number, vector in found.items()
    )
    return KillReport(kills, acknowledged, len(found), len(set(range(acknowledged)) - set(found)), torn)


def _killed(folder: Path, first: int, batch: int, batches: int) -> int:
    """Start a writer at a number and kill it some batches later; the number that it had come to."""
    command = [sys.executable, "-c", _WRITER, str(folder), str(first), str(batch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stderr is not None
        begun = [writer.stdout.readline() for _ in range(batches)]
        writer.kill()
        told = [line for line in (*begun, *writer.stdout) if line.endswith("\n")]
        if len(told) < batches:
            last = (writer.stderr.read().strip().splitlines() or ["no message"])[-1]
            raise StorageError(f"a writer ended by itself: {last}", "Look for space on the disk, then run it again.")
    return int(told[-1])
