"""Where the contract tests put their collections: one line here for each kind of place."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.records import Corpus, Vectors
from workbench.vectordb import Server

__all__ = ["PLACES", "Places", "filled", "gaussian"]

Places = Callable[[], Path | Server]
_numbers = itertools.count()


def embedded(folder: Path) -> Path:
    return folder / f"collection-{next(_numbers)}"


def imitation(folder: Path) -> Server:
    return Server(":memory:", f"collection-{next(_numbers)}")


PLACES: dict[str, Callable[[Path], Path | Server]] = {"embedded": embedded, "imitation": imitation}


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
