"""Trainings kept on disk under everything that decides them, and handed back when all of it is the same again."""

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from workbench import settings
from workbench.atomic import replacing
from workbench.embed.words.static import StaticVectors
from workbench.records import ModelIdentity

__all__ = ["Trained", "keep_training", "kept_path", "read_kept"]

_FORMAT = 1  # of the kept file; raise it when what is kept, or how it is trained, changes


@dataclass(frozen=True, eq=False)
class Trained:
    """What was learned, and how it came about.

    ``history`` has the columns ``epoch`` (0 is before training), ``loss`` (nats, on held-out passages), ``seconds``
    (of training so far, without the time it took to watch it) and ``words`` (of the corpus, read so far).

    ``neighbours`` has the columns ``epoch``, ``word``, ``rank`` (1 to 10), ``neighbour`` and ``similarity`` (cosine):
    the nearest of each watched word among all words, without itself.
    """

    vectors: StaticVectors
    history: pd.DataFrame = field(repr=False)
    neighbours: pd.DataFrame = field(repr=False)


def kept_path(made_by: Mapping[str, object]) -> Path:
    """Where a training is kept: under the hash of all that decides it."""
    key = hashlib.sha256(json.dumps({**made_by, "format": _FORMAT}, sort_keys=True).encode()).hexdigest()
    return settings.cache_dir("words") / f"{key[:32]}.npz"


def read_kept(path: Path) -> Trained | None:
    """The training kept at ``path``; None where there is none that can be read."""
    with (
        # missing, damaged, or of an identity with other fields (TypeError): to be made anew
        suppress(OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile),
        path.open("rb") as raw,  # np.load leaves a file that is no archive open
        np.load(raw, allow_pickle=False) as file,
    ):
        words, identity = (json.loads(file[name].tobytes()) for name in ("words", "identity"))
        history, neighbours = (pd.read_parquet(io.BytesIO(file[name].tobytes())) for name in ("history", "neighbours"))
        vectors = StaticVectors(tuple(words), file["array"], ModelIdentity(**identity))
        return Trained(vectors, history, neighbours)
    return None


def keep_training(path: Path, trained: Trained) -> None:
    """Write a training whole or not at all.

    Raises
    ------
    StorageError
        The disk is full, or the cache folder cannot be written.
    """
    vectors = trained.vectors
    parts = {
        "words": json.dumps(vectors.words).encode(),
        "identity": json.dumps(asdict(vectors.model) if vectors.model else None).encode(),
        "history": trained.history.to_parquet(index=False),
        "neighbours": trained.neighbours.to_parquet(index=False),
    }
    packed = {name: np.frombuffer(raw, dtype=np.uint8) for name, raw in parts.items()}
    with replacing(path) as file:
        np.savez(file, array=vectors.array, **packed)  # type: ignore[arg-type]  # its stub takes the names for options
