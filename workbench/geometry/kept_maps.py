"""Maps kept on disk under everything that decides them, and handed back when all of it is the same again."""

import hashlib
import json
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from workbench import settings
from workbench.atomic import replacing
from workbench.records import FloatArray, Metric, Neighbours, Vectors

__all__ = ["keep_map", "kept_map", "tsne_path", "umap_path"]

_LAYOUT = 2  # counts the changes of our own part of a UMAP layout: maps kept by an older one are not served
_TSNE_LAYOUT = 1


def umap_path(
    vectors: Vectors,
    dimensions: int,
    n_neighbors: int,
    min_dist: float,
    metric: Metric,
    seed: int,
    epochs: int | None,
    neighbours: Neighbours | None = None,
) -> Path:
    """Where a UMAP map is kept; ``neighbours`` are those that were given, None the exact ones."""
    inputs: dict[str, object] = {
        "vectors": vectors.fingerprint,
        "neighbours": None if neighbours is None else _digest(neighbours.ids.tobytes() + neighbours.scores.tobytes()),
        "settings": [dimensions, int(n_neighbors), float(min_dist), metric, int(seed)],
        "layout": _LAYOUT,
        "umap-learn": version("umap-learn"),
    }
    return _path(inputs if epochs is None else inputs | {"epochs": int(epochs)})


def tsne_path(vectors: Vectors, dimensions: int, perplexity: float, metric: Metric, seed: int) -> Path:
    """Where a t-SNE map is kept."""
    inputs = {
        "vectors": vectors.fingerprint,
        "tsne": [dimensions, float(perplexity), metric, int(seed)],
        "layout": _TSNE_LAYOUT,
        "scikit-learn": version("scikit-learn"),
    }
    return _path(inputs)


def kept_map(path: Path) -> FloatArray | None:
    """The map kept at ``path``, ``(n, dimensions) float32``; None where there is none that can be read."""
    with suppress(OSError, ValueError, EOFError):  # missing, or damaged: to be made anew and replaced
        kept: FloatArray = np.load(path, allow_pickle=False)
        return kept
    return None


def keep_map(path: Path, coordinates: FloatArray) -> FloatArray:
    """Write a map whole or not at all, and return it.

    Raises
    ------
    StorageError
        The disk is full, or the cache folder cannot be written.
    """
    with replacing(path) as file:
        np.save(file, coordinates, allow_pickle=False)
    return coordinates


def _path(inputs: dict[str, object]) -> Path:
    return settings.cache_dir("maps") / f"{_digest(json.dumps(inputs).encode())}.npy"


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
