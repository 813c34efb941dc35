"""The vectors that a measurement searches, and the queries that it asks: none of them among the vectors."""

import numpy as np
from numpy.typing import ArrayLike

from workbench.ann import Database
from workbench.corpora import as_vectors_array
from workbench.embed import check_identity
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["split_queries"]


def split_queries(
    vectors: Vectors | ArrayLike,
    queries: Vectors | ArrayLike | None,
    metric: Metric | None,
    held_out: int,
    seed: int,
) -> tuple[Database, FloatArray, IntArray]:
    """The vectors to search, the queries, and the rows of ``vectors`` that are searched."""
    near: Metric = metric or (vectors.metric if isinstance(vectors, Vectors) else "cosine")
    larger_is_better(near)  # refuses an unknown one
    given = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, near)
    if queries is None:
        if not 1 <= held_out < len(given):
            raise InputError(
                f"{held_out:,} queries cannot be held out of {len(given):,} vectors",
                "Hold out one or more, and leave some to search.",
            )
        order = np.random.default_rng(seed).permutation(len(given))
        kept = np.sort(order[held_out:])
        database = Database(given, near, rows=kept, seed=seed)
        return database, database.prepare(given[order[:held_out]]), kept
    if isinstance(vectors, Vectors) and isinstance(queries, Vectors):
        check_identity(queries.model, vectors.model)
    database = Database(given, near, seed=seed)
    return (
        database,
        database.prepare(queries.array if isinstance(queries, Vectors) else queries),
        np.arange(len(given)),
    )
