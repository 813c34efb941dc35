"""UMAP over neighbours that are already known: umap-learn's graph and layout, without pynndescent's search."""

import importlib
import threading
from typing import Any

import numpy as np

from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Metric, Neighbours

__all__ = ["check_umap", "finish_warm_up", "lay_out", "start_warm_up", "with_self_first"]

# umap-learn compiles these in every process; the rest of what runs here is cached on disk or needs no compilation.
_KERNELS = (
    ("umap.umap_", "smooth_knn_dist"),
    ("umap.umap_", "compute_membership_strengths"),
    ("umap.layouts", "_nb_optimize_layout_euclidean_single_epoch"),
)

_one_at_a_time = threading.Lock()  # numba's fallback threading layer must not be entered by two threads


def check_umap(n_neighbors: int, min_dist: float, metric: Metric, epochs: int | None = None) -> None:
    """Refuse settings that give no UMAP map.

    Raises
    ------
    InputError
        A number outside its range, or a metric that is no distance.
    """
    if metric == "dot":
        raise InputError(
            "UMAP needs a distance, and 'dot' is none: a vector's largest dot product need not be with itself",
            "Choose metric='cosine' (directions alone) or 'euclidean', or method='pca'.",
        )
    if n_neighbors < 2:
        raise InputError(f"n_neighbors={n_neighbors!r} leaves no neighbour beside the vector itself", "Use 2 or more.")
    if not 0 <= min_dist <= 1:
        raise InputError(f"min_dist={min_dist!r} is not between 0 and 1", "umap-learn's default is 0.1.")
    if epochs is not None and epochs < 1:
        raise InputError(f"epochs={epochs!r} lays nothing out", "Use 1 or more, or None for umap-learn's own number.")


def with_self_first(known: Neighbours, n: int, n_neighbors: int, metric: Metric) -> tuple[IntArray, FloatArray]:
    """Neighbours as umap-learn takes them: distances, and each row itself first; both ``(n, n_neighbors)``.

    Raises
    ------
    InputError
        The neighbours belong to other vectors or to another metric, or are too few.
    """
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


def lay_out(
    ids: IntArray,
    distances: FloatArray,
    start: FloatArray,
    min_dist: float,
    seed: int,
    epochs: int | None = None,
    *,
    progress: bool = False,
) -> FloatArray:
    """Coordinates of every row from its nearest rows, by ``umap.UMAP``'s defaults but for ``start``.

    Parameters
    ----------
    ids, distances
        ``(n, n_neighbors)``: nearest rows and their distances, each row itself first at distance 0.
    start
        ``(n, dimensions)``: where the layout begins, on any scale.
    min_dist, seed, epochs, progress
        As in :func:`workbench.geometry.project`.

    Returns
    -------
    FloatArray
        ``(n, dimensions) float32``.
    """
    with _one_at_a_time:
        umap = _umap()
        random = np.random.RandomState(seed)
        rows = np.empty((len(ids), 0))  # only counted: the neighbours are given
        graph, _, _ = umap.fuzzy_simplicial_set(rows, ids.shape[1], random, "", knn_indices=ids, knn_dists=distances)
        a, b = umap.find_ab_params(1.0, min_dist)
        layout, _ = umap.simplicial_set_embedding(
            rows,
            graph,
            n_components=start.shape[1],
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=epochs,  # None is umap-learn's own: 500 for up to 10,000 points, 200 for more
            init=_spread(start, random),
            random_state=random,
            metric="",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
            tqdm_kwds={"disable": not progress, "desc": "laying out the map", "unit": "epoch", "leave": False},
        )
    coordinates: FloatArray = np.ascontiguousarray(layout, dtype=np.float32)
    return coordinates


def _spread(start: FloatArray, random: np.random.RandomState) -> FloatArray:
    """``start`` on the scale of umap-learn's own starts, with its noise, so that no two points coincide."""
    furthest = float(np.abs(start).max())
    if furthest == 0.0:
        return random.uniform(-10.0, 10.0, size=start.shape).astype(np.float32)
    return (start * (10.0 / furthest) + random.normal(scale=1e-4, size=start.shape)).astype(np.float32)


def _umap() -> Any:
    """umap-learn's module of functions, its kernels told to keep their compiled code on disk.

    numba compiles a kernel once per process unless it caches it, which umap-learn does not ask for; together they take
    longer than a layout. A kernel that another release names differently is compiled each time, as it was.
    """
    for module, name in _KERNELS:
        kernel = getattr(importlib.import_module(module), name, None)
        if kernel is not None and not kernel.signatures:
            kernel.enable_caching()
    return importlib.import_module("umap.umap_")


class _WarmUp:
    """A thread that compiles what a layout needs, and the error it may have met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="umap-warm-up", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait for a warm-up under way; raise, once, the error it met."""
        with self._lock:
            if self._thread is None:
                return
            self._thread.join()
            error, self._error = self._error, None
            if error is not None:
                self._thread = None  # the next warm-up tries again
                raise error

    def _run(self) -> None:
        try:
            random = np.random.default_rng(0)
            start = random.normal(size=(16, 2)).astype(np.float32)
            ids = (np.arange(16)[:, None] + np.arange(5)) % 16
            distances = np.linspace(0, 1, 5, dtype=np.float32)[None].repeat(16, axis=0)
            lay_out(ids, distances, start, 0.1, 0)
        except Exception as error:  # noqa: BLE001  (raised by the next finish)
            self._error = error


_warm_up = _WarmUp()
start_warm_up = _warm_up.start
finish_warm_up = _warm_up.finish
