"""Where the contract tests put their collections: one line here for each kind of place."""

import itertools
import os
import uuid
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.vectordb.rest_front import RestFront
from workbench.records import Corpus, Vectors
from workbench.vectordb import Server

__all__ = ["PLACES", "Places", "filled", "gaussian", "is_engine"]

Places = Callable[[], Path | Server]
_numbers = itertools.count()


def embedded(folder: Path) -> Path:
    return folder / f"collection-{next(_numbers)}"


def imitation(folder: Path) -> Server:
    return Server(":memory:", f"collection-{next(_numbers)}")


@cache
def front() -> RestFront:
    return RestFront()


def rest(folder: Path) -> Server:
    return Server(front().url, f"collection-{next(_numbers)}", retries=0)


def server(folder: Path, *, grpc: bool = False) -> Server:
    url = os.environ.get("QDRANT_URL")
    if not url:
        pytest.skip("QDRANT_URL names no server")
    name = f"workbench-test-{uuid.uuid4()}"
    return Server(url, name, os.environ.get("QDRANT_API_KEY"), grpc, timeout_s=60)


PLACES: dict[str, Callable[[Path], Path | Server]] = {
    "embedded": embedded,
    "imitation": imitation,
    "imitation by REST": rest,
    "server": server,
    "server by gRPC": partial(server, grpc=True),
}


def is_engine(place: Path | Server) -> bool:
    """Whether a real engine searches there: one that has indexes and graphs."""
    return isinstance(place, Path) or not (place.is_imitation or place.url == front().url)


def gaussian(n: int, d: int = 8, seed: int = 0) -> Vectors:
    array = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return Vectors(tuple(f"p{row}" for row in range(n)), array)


def filled(n: int, seed: int = 0) -> Corpus:
    """Texts with a column of every type, some of their cells empty."""
    rng = np.random.default_rng(seed)
    empty = rng.random((n, 6)) < 0.15
    sources = rng.choice(["billing_docs", "shipping", "Käse & <b>", "with blank"], n)
    columns = {
        "source": [None if empty[i, 0] else str(sources[i]) for i in range(n)],
        "price": [None if empty[i, 1] else float(value) for i, value in enumerate(rng.integers(-8, 8, n) / 4)],
        "stock": pd.array([None if empty[i, 2] else int(v) for i, v in enumerate(rng.integers(-5, 6, n))], "Int64"),
        "open": [None if empty[i, 3] else bool(value) for i, value in enumerate(rng.random(n) < 0.5)],
        "day. 1": [
            None if empty[i, 4] else pd.Timestamp("2024-02-27T12:00:00") + pd.Timedelta(days=int(value))
            for i, value in enumerate(rng.integers(0, 6, n))
        ],
        "tags": [None if empty[i, 5] else list("abc"[: 1 + i % 3]) for i in range(n)],
    }
    return Corpus(
        tuple(f"p{row}" for row in range(n)),
        tuple(f"text {row} <i>" for row in range(n)),
        pd.DataFrame({name: pd.Series(list(cells), dtype=object) for name, cells in columns.items()}),
    )
