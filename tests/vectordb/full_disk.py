"""Run by a test on a small file system of its own: fill it under an open collection, and tell as JSON what happened."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench.errors import StorageError
from workbench.records import Corpus, Vectors
from workbench.vectordb import Collection

D = 64


def refusal(work: Callable[[], object]) -> str:
    """What a StorageError said; empty where there was none."""
    try:
        work()
    except StorageError as error:
        return str(error)
    return ""


def fill(path: Path, leave: int) -> None:
    """Take all space but ``leave`` bytes."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(path.parent).free - leave)


def batch(number: int) -> tuple[Vectors, Corpus]:
    rng = np.random.default_rng(number)
    ids = tuple(f"p{number}-{row}" for row in range(256))
    return Vectors(ids, rng.standard_normal((256, D)).astype(np.float32)), Corpus(ids, ("some text " * 20,) * 256)


def main(disk: Path) -> None:
    place, ballast = disk / "collection", disk / "ballast"
    collection = Collection.create(place, dimensions=D)
    fill(ballast, leave=132 * 2**20)
    written = 0
    full = ""
    while not full:
        vectors, corpus = batch(written)
        full = refusal(lambda vectors=vectors, corpus=corpus: collection.upsert(vectors, corpus, progress=False))  # type: ignore[misc]
        written += not full
    told = {"batches": written, "full": full, "kept": collection.count() == 256 * written}
    ballast.unlink()
    fill(ballast, leave=0)
    told["answers"] = len(collection.query(batch(0)[0].array[0], 5)) == 5
    told["delete"] = refusal(lambda: collection.delete(["p0-0"]))
    told["optimize"] = refusal(collection.optimize)
    told["close"] = refusal(collection.close)
    told["open"] = refusal(lambda: Collection.open(place))
    told["create"] = refusal(lambda: Collection.create(disk / "another", dimensions=D))
    ballast.unlink()
    with Collection.open(place) as again:
        told["reopened"] = again.count() == 256 * written
        again.upsert(*batch(written), progress=False)
        told["goes on"] = again.count() == 256 * (written + 1)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
