"""Run by a test: processes that write to a collection and are killed while they do; what each left is told as JSON.

This process opens nothing itself, so that each of those that it forks starts without threads.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.records import Corpus, Vectors
from workbench.vectordb import Collection
from workbench.vectordb.backends import StoredPoint
from workbench.vectordb.backends.embedded import EmbeddedBackend
from workbench.vectordb.payloads import payloads, point_key

D = 16


def made(numbers: list[int]) -> tuple[Vectors, Corpus]:
    """The points of some numbers: everything about one follows from its number."""
    array = np.stack([np.random.default_rng(number).standard_normal(D).astype(np.float32) for number in numbers])
    ids = tuple(f"p{number}" for number in numbers)
    texts = tuple(f"text of {number} " * (1 + number % 50) for number in numbers)
    return Vectors(ids, array), Corpus(ids, texts, pd.DataFrame({"number": numbers}))


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Pid of a process that does the work, and the end of a pipe that it writes to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    try:
        work(writing)
        os._exit(0)
    except Exception as error:  # noqa: BLE001  whatever it is, this process ends here
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)


def write(folder: Path, first: int, through_backend: bool, pipe: int) -> None:
    """Write until killed; tell what was acknowledged, ``+ FIRST LAST`` and ``- NUMBER`` for a deletion."""
    if through_backend:  # no flush at all
        backend = EmbeddedBackend.open(folder)
    else:
        collection = Collection.open(folder)
    for start in range(first, first + 10**6, 24):
        numbers = list(range(start, start + 24))
        vectors, corpus = made(numbers)
        if through_backend:
            stored = payloads(corpus, range(24), backend.config.columns)
            keys = [point_key(id) for id in vectors.ids]
            backend.upsert([StoredPoint(*point) for point in zip(keys, vectors.array, stored, strict=True)])
        else:
            collection.upsert(vectors, corpus, batch=8, progress=False)
        os.write(pipe, f"+ {start} {start + 24}\n".encode())
        if start % 5 == 0:
            if through_backend:
                backend.delete([point_key(f"p{start}")])
            else:
                collection.delete([f"p{start}"])
            os.write(pipe, f"- {start}\n".encode())
        if start % 11 == 0 and not through_backend:
            collection.optimize()


def look(folder: Path, acknowledged: set[int], deleted: set[int], pipe: int) -> None:
    """Compare what is there with what was acknowledged."""
    with Collection.open(folder) as collection:
        there = {int(match.id[1:]): match for match in collection.scroll(batch=1_000, with_vectors=True)}
    vectors, corpus = made(sorted(there))
    unit = vectors.array / np.linalg.norm(vectors.array, axis=1, keepdims=True)
    whole = sum(
        match.text == corpus.texts[row]
        and dict(match.metadata) == {"number": number}
        and match.vector is not None
        and np.allclose(match.vector, unit[row], atol=1e-5)
        for row, (number, match) in enumerate(sorted(there.items()))
    )
    told = {
        "acknowledged": len(acknowledged),
        "lost": sorted(acknowledged - there.keys()),
        "risen": sorted(deleted & there.keys()),
        "torn": len(there) - whole,
    }
    os.write(pipe, json.dumps(told).encode())


def told_by(work: Callable[[int], None]) -> str:
    """What a process wrote before it ended; empty where it failed."""
    pid, reading = forked(work)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(pid, 0)
    return told


def killed(work: Callable[[int], None], wait: float, *, begun: bool) -> list[str]:
    """Lines that a process wrote until it was killed, ``wait`` seconds after its start or its first line."""
    pid, reading = forked(work)
    head = os.read(reading, 1) if begun else b""
    time.sleep(wait)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(reading, "rb") as pipe:
        return (head + pipe.read()).decode().split("\n")[:-1]


def rounds(folder: Path, count: int) -> None:
    """Kill so many writers of one collection, each at another moment; tell after each what is there."""
    rng = np.random.default_rng(count)
    kept: set[int] = set()
    deleted: set[int] = set()
    told_by(lambda _: Collection.create(folder, dimensions=D, fields={"number": "integer"}).close())
    for turn in range(count):
        first = turn * 10**7
        writer = partial(write, folder, first, turn % 2 == 1)
        for line in killed(writer, float(rng.uniform(0, 0.1)), begun=turn % 4 < 3):
            sign, *numbers = line.split()
            if sign == "+":
                start, end = map(int, numbers)
                kept.update(range(start + (start % 5 == 0), end))  # what is deleted next counts when that is told
            else:
                deleted.add(int(numbers[0]))
        told = told_by(partial(look, folder, kept, deleted))
        sys.stdout.write((told or json.dumps({"failed": turn})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    rounds(Path(sys.argv[1]), int(sys.argv[2]))
