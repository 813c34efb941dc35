"""Maps of two or three dimensions: PCA, and UMAP over exact neighbours."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench import settings
from workbench.atomic import replacing
from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.geometry.metrics import larger_is_better, normalize
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.umap_layout import finish_warm_up, lay_out, start_warm_up
from workbench.records import FloatArray, IntArray, Metric, Neighbours, Vectors

__all__ = ["project", "warm_up_projection"]

_LAYOUT = 2  # counts the changes of our own part of a layout: maps kept by an older one are not served


def project(
    vectors: ArrayLike | Vectors,
    method: Literal["umap", "pca"] = "umap",
    dimensions: Literal[2, 3] = 2,
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: Metric | None = None,
    seed: int = 0,
    neighbours: Neighbours | None = None,
    cache: bool = True,
    progress: bool = True,
) -> FloatArray:
    """Place vectors on a map: a picture to explore, not a space to measure in.

    UMAP is umap-learn's, with two choices of our own. It is given the exact neighbours instead of those that
    pynndescent would approximate, and whose search takes most of a first call. And it starts from PCA instead of a
    spectral embedding, which keeps as many neighbourhoods, copes with vectors that fall into unconnected groups, and
    gives the same map for the same seed. PCA is scikit-learn's.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    method
        ``"umap"`` keeps neighbourhoods, ``"pca"`` the directions of largest variance.
    dimensions
        2 or 3.
    n_neighbors
        UMAP: the size of a neighbourhood, the vector itself counted as umap-learn does; ``n`` where there are fewer.
    min_dist
        UMAP: the distance on the map that near neighbours keep, 0 to 1.
    metric
        ``"cosine"`` or ``"euclidean"``; None takes that of Vectors, and cosine for numbers. For PCA, cosine scales the
        vectors to unit length first. A dot product is no distance: PCA takes the vectors as they are, UMAP refuses it.
    seed
        Of the layout's random numbers.
    neighbours
        UMAP: neighbours of every row among all rows under ``metric``, if they are known already, at least
        ``n_neighbors - 1`` beside the row itself.
    cache
        Keep a UMAP map of Vectors on disk, under the vectors' fingerprint and every setting, and hand it back when
        all are the same again. A file that cannot be read is made anew.
    progress
        Show a bar while UMAP lays the map out.

    Returns
    -------
    FloatArray
        ``(n, dimensions) float32``, finite.

    Raises
    ------
    InputError
        A setting outside its range, or neighbours that do not belong to the vectors.
    VectorError
        Vectors that cannot be used.
    StorageError
        The map cannot be written to the cache.

    References
    ----------
    L. McInnes, J. Healy, J. Melville, UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction,
    arXiv:1802.03426. D. Kobak, G. C. Linderman, Initialization is critical for preserving global data structure in
    both t-SNE and UMAP, Nature Biotechnology 39 (2021).
    """
    if metric is None:
        metric = vectors.metric if isinstance(vectors, Vectors) else "cosine"
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric)
    if dimensions not in (2, 3):
        raise InputError(f"a map of {dimensions!r} dimensions cannot be drawn", "Use 2 or 3.")
    if not 0 <= seed < 2**32:
        raise InputError(f"the seed {seed!r} is out of range", "Use a whole number from 0 to 4,294,967,295.")
    larger_is_better(metric)  # refuses an unknown one
    if method == "pca":
        return _pca(array, dimensions, metric, seed)
    if method != "umap":
        raise InputError(f"there is no projection {method!r}", "Use 'umap' or 'pca'.")
    _check_umap(n_neighbors, min_dist, metric)
    n_neighbors = min(n_neighbors, len(array))
    if len(array) == 1:
        return np.zeros((1, dimensions), dtype=np.float32)

    def compute() -> FloatArray:
        known = neighbours or exact_neighbours(array, array, n_neighbors - 1, metric, exclude_self=True)
        ids, distances = _with_self_first(known, len(array), n_neighbors, metric)
        finish_warm_up()
        return lay_out(ids, distances, _pca(array, dimensions, metric, seed), min_dist, seed, progress=progress)

    if not (cache and isinstance(vectors, Vectors)):
        return compute()
    inputs = {
        "vectors": vectors.fingerprint,
        "neighbours": None if neighbours is None else _digest(neighbours.ids.tobytes() + neighbours.scores.tobytes()),
        "settings": [dimensions, int(n_neighbors), float(min_dist), metric, int(seed)],
        "layout": _LAYOUT,
        "umap-learn": version("umap-learn"),
    }
    return _kept(settings.cache_dir("maps") / f"{_digest(json.dumps(inputs).encode())}.npy", compute)


def warm_up_projection() -> None:
    """Compile UMAP's code in a background thread, while vectors are still being encoded.

    Returns at once, and does nothing when called again. ``project`` waits for it, and raises the error that it met.
    """
    start_warm_up()


def _check_umap(n_neighbors: int, min_dist: float, metric: Metric) -> None:
    """Refuse settings that give no UMAP map."""
    if metric == "dot":
        raise InputError(
            "UMAP needs a distance, and 'dot' is none: a vector's largest dot product need not be with itself",
            "Choose metric='cosine' (directions alone) or 'euclidean', or method='pca'.",
        )
    if n_neighbors < 2:
        raise InputError(f"n_neighbors={n_neighbors!r} leaves no neighbour beside the vector itself", "Use 2 or more.")
    if not 0 <= min_dist <= 1:
        raise InputError(f"min_dist={min_dist!r} is not between 0 and 1", "umap-learn's default is 0.1.")


def _pca(array: FloatArray, dimensions: int, metric: Metric, seed: int) -> FloatArray:
    """The first principal components; columns of zeros where the data have fewer."""
    from sklearn.decomposition import PCA

    rows = normalize(array) if metric == "cosine" else array
    flat = np.zeros((len(rows), dimensions), dtype=np.float32)
    if (rows == rows[0]).all():  # nothing varies: there are no components
        return flat
    found = min(dimensions, *rows.shape)
    flat[:, :found] = PCA(found, random_state=seed).fit_transform(rows)
    return flat


def _with_self_first(known: Neighbours, n: int, n_neighbors: int, metric: Metric) -> tuple[IntArray, FloatArray]:
    """Neighbours as umap-learn takes them: distances, and each row itself first."""
    if len(known) != n or known.metric != metric:
        raise InputError(
            f"neighbours of {len(known):,} queries under {known.metric!r} do not fit {n:,} vectors under {metric!r}",
            "Pass exact_neighbours(vectors, vectors, k, metric, exclude_self=True), or leave it out.",
        )
    own = np.arange(n)[:, None]
    others = known.ids != own
    short = int(others.sum(axis=1).min())
    if short < n_neighbors - 1:
        raise InputError(
            f"n_neighbors={n_neighbors} takes {n_neighbors - 1} neighbours beside each vector, there are {short}",
            "Find more neighbours, or use a smaller n_neighbors.",
        )
    kept = np.argsort(~others, axis=1, kind="stable")[:, : n_neighbors - 1]
    ids = np.take_along_axis(known.ids, kept, axis=1)
    scores = np.take_along_axis(known.scores, kept, axis=1)
    distances = np.maximum(1.0 - scores, 0.0) if metric == "cosine" else scores
    return np.hstack([own, ids]), np.hstack([np.zeros((n, 1), dtype=np.float32), distances])


def _kept(path: Path, compute: Callable[[], FloatArray]) -> FloatArray:
    """The map kept at ``path``, computed and kept there if no readable one is."""
    if path.exists():
        with suppress(OSError, ValueError, EOFError):  # damaged: made anew and replaced
            kept: FloatArray = np.load(path, allow_pickle=False)
            return kept
    made = compute()
    with replacing(path) as file:
        np.save(file, made, allow_pickle=False)
    return made


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
