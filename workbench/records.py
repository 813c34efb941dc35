"""The frozen records that cross rooms: Corpus, Vectors, Neighbours, ModelIdentity."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError, VectorError

__all__ = ["Corpus", "FloatArray", "IntArray", "Metric", "ModelIdentity", "Neighbours", "Vectors"]

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Metric = Literal["cosine", "dot", "euclidean"]


def _unique_positions(ids: Sequence[str]) -> dict[str, int]:
    """Map each id to its row, refusing a repeated id."""
    rows = {name: row for row, name in enumerate(ids)}
    if len(rows) != len(ids):
        seen: set[str] = set()
        first = next(name for name in ids if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InputError(
            f"the id {first!r} occurs more than once ({len(ids) - len(rows):,} ids are repeats)",
            "Give every row its own id, or leave the id column out and rows are numbered.",
        )
    return rows


class _ById:
    """Rows that are looked up by id."""

    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return _unique_positions(self.ids)

    def row(self, id: str) -> int:
        """Row of an id, from 0; raises InputError for an unknown id."""
        try:
            return self._rows[id]
        except KeyError:
            raise InputError(f"there is no id {id!r} in {self!r}", "Look in .ids for those there are.") from None


@dataclass(frozen=True, eq=False, repr=False)
class Corpus(_ById):
    """Texts with their ids and metadata, row by row.

    Parameters
    ----------
    ids
        ``n`` unique strings.
    texts
        ``n`` strings. Text is data: it is never read as markup.
    metadata
        ``n`` rows aligned with ``ids``; may have no columns. A copy is taken: treat it as read-only.
    name
        What to call the corpus in titles; no part of the fingerprint.

    Raises
    ------
    InputError
        Lengths differ, an id repeats, or an id or a text is not a string.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    metadata: pd.DataFrame = field(default_factory=pd.DataFrame)
    name: str = "corpus"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "texts", tuple(self.texts))
        n = len(self.ids)
        metadata = self.metadata if len(self.metadata.columns) else pd.DataFrame(index=range(n))
        if not n == len(self.texts) == len(metadata):
            raise InputError(
                f"{n:,} ids, {len(self.texts):,} texts and {len(metadata):,} metadata rows do not line up",
                "Give one id, one text and one metadata row for each passage.",
            )
        for kind, values in (("id", self.ids), ("text", self.texts)):
            for value in values:
                if not isinstance(value, str):
                    what = f"the {kind} {value!r} is of type {type(value).__name__}"
                    raise InputError(what, f"Make every {kind} a string.")
        object.__setattr__(self, "metadata", metadata.reset_index(drop=True))
        _ = self._rows  # refuses repeated ids here, not at the first look-up

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, {len(self):,} texts, metadata {list(map(str, self.metadata.columns))})"

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]], name: str | None = None) -> Self:
        """The corpus of the given rows, in the given order."""
        at = np.asarray(rows, dtype=np.int64)
        return type(self)(
            tuple(self.ids[i] for i in at),
            tuple(self.texts[i] for i in at),
            self.metadata.iloc[at],
            name or self.name,
        )

    def frame(self) -> pd.DataFrame:
        """Everything as one table: ``id``, ``text``, then the metadata columns."""
        front = pd.DataFrame({"id": self.ids, "text": self.texts})
        return pd.concat([front, self.metadata], axis=1)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids, texts and metadata as 64 hex digits; the same content gives the same fingerprint."""
        digest = hashlib.sha256()
        for values in (self.ids, self.texts):
            for value in values:
                raw = value.encode("utf-8", "surrogatepass")
                digest.update(len(raw).to_bytes(8, "little"))
                digest.update(raw)
        for column in self.metadata.columns:
            cells = [None if cell is None or cell is pd.NA or cell != cell else cell for cell in self.metadata[column]]
            digest.update(json.dumps([str(column), cells], default=str).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class ModelIdentity:
    """Everything that decides what vector a text gets; two vectors may meet only when these are equal.

    ``revision`` is a hub commit or a hash of the weights and configuration; ``precision`` names the backend and
    its number format, such as ``torch-float32`` or ``openvino-bf16``.
    """

    name: str
    revision: str
    dimensions: int
    pooling: str = "mean"
    normalized: bool = True
    query_prompt: str = ""
    document_prompt: str = ""
    max_tokens: int = 0
    precision: str = "torch-float32"

    @cached_property
    def key(self) -> str:
        """First 16 hex digits of the SHA-256 of all fields: the name under which vectors are cached."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.name}@{self.revision[:8]} ({self.dimensions}-d, {self.pooling} pooling, {self.precision})"


@dataclass(frozen=True, eq=False, repr=False)
class Vectors(_ById):
    """Vectors with their ids and the model that made them.

    Parameters
    ----------
    ids
        ``n`` unique strings.
    array
        ``(n, d) float32``, C-contiguous, possibly a read-only memory map.
    model
        Identity of the model that made them; None for vectors that came from a file without one.
    metric
        The metric that these vectors were made for.

    Raises
    ------
    VectorError
        Not two-dimensional float32, or the number of ids differs from the number of rows.
    """

    ids: tuple[str, ...]
    array: FloatArray
    model: ModelIdentity | None = None
    metric: Metric = "cosine"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        if self.array.ndim != 2 or self.array.dtype != np.float32 or not self.array.flags.c_contiguous:
            raise VectorError(
                f"vectors must be C-contiguous (n, d) float32, not {self.array.dtype} of shape {self.array.shape}",
                "Pass np.ascontiguousarray(x, dtype=np.float32).",
            )
        if len(self.ids) != len(self.array):
            raise VectorError(f"{len(self.ids):,} ids for {len(self.array):,} vectors", "Give one id for each row.")
        if self.model is not None and self.model.dimensions != self.dimensions:
            raise VectorError(
                f"vectors of {self.dimensions} dimensions cannot come from {self.model}",
                "Encode again with that model, or say which model made them.",
            )
        _ = self._rows

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} x {self.dimensions}, {self.metric}, {self.model or 'model unknown'})"

    @property
    def dimensions(self) -> int:
        """Number of dimensions ``d``."""
        return int(self.array.shape[1])

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Self:
        """The vectors of the given rows, in the given order."""
        at = np.asarray(rows, dtype=np.int64)
        picked = np.ascontiguousarray(self.array[at])
        return type(self)(tuple(self.ids[i] for i in at), picked, self.model, self.metric)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of shape, bytes, ids and model as 64 hex digits."""
        digest = hashlib.sha256(f"{self.array.shape} {self.metric} {self.model.key if self.model else ''}".encode())
        for start in range(0, len(self.array), 65536):
            digest.update(np.ascontiguousarray(self.array[start : start + 65536]).data)
        digest.update("\0".join(self.ids).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The k nearest of each query, best first.

    Parameters
    ----------
    ids
        ``(queries, k) int64``: rows of the searched array, as FAISS labels are.
    scores
        ``(queries, k) float32``: similarity for cosine and dot product (larger is better), distance for Euclidean.
    metric
        The metric that the scores are in.
    """

    ids: IntArray = field(repr=False)
    scores: FloatArray = field(repr=False)
    metric: Metric

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def k(self) -> int:
        """Number of neighbours of each query."""
        return int(self.ids.shape[1])
