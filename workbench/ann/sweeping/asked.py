"""What a sweep is asked: the checks that come before any work, the queries held out, and what is known of the data."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.ann.kinds import FAMILIES
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Neighbours, Vectors

__all__ = ["check_asked", "fingerprint", "hold_out", "numbers", "repeated", "rows_among"]

_HELD_OUT = 1_000  # queries taken from the vectors where none are given, a tenth of the vectors at most


def fingerprint(array: FloatArray) -> str:
    """SHA-256 of the shape and the bytes of an array, as 64 hex digits."""
    digest = hashlib.sha256(str(array.shape).encode())
    for start in range(0, len(array), 65_536):
        digest.update(np.ascontiguousarray(array[start : start + 65_536]).data)
    return digest.hexdigest()


def check_asked(families: Sequence[str], targets: Sequence[float], budget: float | None, rounds: int) -> None:
    """Refuse unknown families, targets that are no shares, a budget and rounds that leave nothing."""
    if isinstance(families, str) or not set(families) <= set(FAMILIES):
        unknown = repr(families) if isinstance(families, str) else [name for name in families if name not in FAMILIES]
        raise InputError(f"there is no index family {unknown}", f"Use a list of: {', '.join(FAMILIES)}.")
    if not targets or not all(0 < target <= 1 for target in targets) or list(targets) != sorted(targets):
        raise InputError(f"the recall targets {list(targets)} are not usable", "Give ascending shares in (0, 1].")
    if budget is not None and not budget > 0:
        raise InputError(f"a budget of {budget} s leaves no time", "Give seconds, or None for no limit.")
    if rounds < 1:
        raise InputError(f"nothing is timed in {rounds} rounds", "Give at least one.")


def numbers(vectors: ArrayLike | Vectors) -> ArrayLike:
    """The array of Vectors, or what was given."""
    return vectors.array if isinstance(vectors, Vectors) else vectors


def hold_out(n: int, seed: int) -> IntArray:
    """Rows to ask as queries, ascending; never all of them."""
    if n < 2:
        raise InputError(f"{n} vectors leave nothing to hold out as a query", "Give queries, or more vectors.")
    count = min(_HELD_OUT, max(1, n // 10))
    return np.sort(np.random.default_rng(seed).choice(n, count, replace=False))


def repeated(array: FloatArray) -> int:
    """How many rows repeat another: equal rows have equal projections, summed row by row in float64."""
    direction = np.random.default_rng(0).standard_normal(array.shape[1])
    shadows = [
        np.einsum("ij,j->i", array[at : at + 8_192].astype(np.float64), direction) for at in range(0, len(array), 8_192)
    ]
    together = np.concatenate(shadows)
    return int(len(together) - len(np.unique(together)))


def rows_among(queries: FloatArray, array: FloatArray, truth: Neighbours) -> int:
    """How many queries equal one of their true neighbours: they find themselves, which flatters every index."""
    found = array[truth.ids]
    return int((found == queries[:, None]).all(axis=2).any(axis=1).sum())
