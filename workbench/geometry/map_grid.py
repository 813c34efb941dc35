"""Every UMAP map of a grid of settings, computed once beforehand, so that sliders over them answer at once."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from workbench.corpora import as_vectors_array
from workbench.errors import InputError, WorkbenchError
from workbench.geometry.kept_maps import keep_map, kept_map, umap_path
from workbench.geometry.metrics import larger_is_better
from workbench.geometry.neighbours import exact_neighbours
from workbench.geometry.projection import pca_map
from workbench.geometry.umap_layout import check_umap, finish_warm_up, lay_out, with_self_first
from workbench.records import FloatArray, IntArray, Metric, Vectors

__all__ = ["MapGrid", "MapSetting", "project_grid"]

_WORKER = (sys.executable, "-m", "workbench.geometry.map_worker")
_ALONE_BELOW = 8_000  # points of all maps to be made together: a process takes longer to start than they do


class MapSetting(TypedDict):
    """What decides one map of a grid."""

    n_neighbors: int
    min_dist: float
    metric: Metric
    seed: int


@dataclass(frozen=True, eq=False)
class MapGrid:
    """Maps of the same vectors for every combination of the values on four axes.

    Attributes
    ----------
    n_neighbors, min_dist, metrics, seeds
        The values on each axis, as they were given.
    epochs
        Passes of each layout; None is umap-learn's own number.
    """

    n_neighbors: tuple[int, ...]
    min_dist: tuple[float, ...]
    metrics: tuple[Metric, ...]
    seeds: tuple[int, ...]
    epochs: int | None
    _maps: Mapping[tuple[int, float, str, int], FloatArray] = field(repr=False)

    def __len__(self) -> int:
        return len(self._maps)

    def map(self, *, n_neighbors: int, min_dist: float, metric: Metric, seed: int) -> FloatArray:
        """The map of one setting, ``(n, 2) float32``, read-only.

        Raises
        ------
        InputError
            A value that its axis does not have; the message names those there are.
        """
        asked: list[tuple[str, Any, tuple[Any, ...]]] = [
            ("n_neighbors", n_neighbors, self.n_neighbors), ("min_dist", min_dist, self.min_dist),
            ("metric", metric, self.metrics), ("seed", seed, self.seeds),
        ]  # fmt: skip
        for name, value, there_are in asked:
            if value not in there_are:
                raise InputError(
                    f"the grid has no map of {name}={value!r}", f"It has {', '.join(map(repr, there_are))}."
                )
        return self._maps[n_neighbors, min_dist, metric, seed]

    def settings(self) -> list[MapSetting]:
        """The setting of every map, for ``map(**setting)``; the last axis changes fastest."""
        axes = product(self.n_neighbors, self.min_dist, self.metrics, self.seeds)
        return [{"n_neighbors": k, "min_dist": gap, "metric": by, "seed": seed} for k, gap, by, seed in axes]


@dataclass(frozen=True)
class _Task:
    """One map that is not on disk yet."""

    path: Path
    n_neighbors: int
    min_dist: float
    metric: Metric
    seed: int


def project_grid(
    vectors: ArrayLike | Vectors,
    *,
    n_neighbors: Sequence[int] = (5, 15, 50),
    min_dist: Sequence[float] = (0.0, 0.1, 0.5),
    metrics: Sequence[Metric] = ("cosine", "euclidean"),
    seeds: Sequence[int] = (0, 1),
    epochs: int | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> MapGrid:
    """Lay out a map for every combination of settings; each is the one that ``project`` gives for that setting.

    Neighbours are searched once for each metric, as many as the largest ``n_neighbors`` needs, and shared by all maps.
    Each map is kept on disk as soon as it is made: a run that was killed goes on where it stopped, and maps that
    ``project`` has made count. A layout takes time in proportion to its epochs and nearly so to ``n_neighbors``: 200
    epochs take two fifths of the time of umap-learn's 500 and keep neighbourhoods nearly as well.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    n_neighbors, min_dist, metrics, seeds
        The values on each axis, one at least, each as in ``project``.
    epochs
        As in ``project``, for every map.
    processes
        Maps made side by side, each on one core; None takes as many as there are cores, and this process alone where
        the maps are few and small.
    progress
        Show one bar over all maps that are still to be made, with the time left.

    Raises
    ------
    InputError
        An axis without a value or with a repeated one, or a setting outside its range.
    VectorError
        Vectors that cannot be used.
    StorageError
        A map cannot be written to the cache.
    WorkbenchError
        A process that made maps ended; the maps that it finished are kept.
    """
    axes: dict[str, Sequence[Any]] = {
        "n_neighbors": n_neighbors, "min_dist": min_dist, "metrics": metrics, "seeds": seeds,
    }  # fmt: skip
    _check(axes, epochs, processes)
    if not isinstance(vectors, Vectors):
        array = as_vectors_array(vectors, metrics[0])
        vectors = Vectors(tuple(map(str, range(len(array)))), array)
    n = len(vectors)
    for metric in metrics:
        as_vectors_array(vectors.array, metric)  # refuses a zero vector before any layout
    paths: dict[tuple[int, float, str, int], _Task] = {}
    for k, gap, metric, seed in product(n_neighbors, min_dist, metrics, seeds):
        path = umap_path(vectors, 2, min(k, n), gap, metric, seed, epochs)
        paths[k, gap, metric, seed] = _Task(path, min(k, n), float(gap), metric, int(seed))
    if n > 1:
        missing = list({task.path: task for task in paths.values() if _whole(task.path, n) is None}.values())
        _make(vectors, missing, epochs, processes, progress)
    maps: dict[tuple[int, float, str, int], FloatArray] = {}
    for setting, task in paths.items():
        kept = _whole(task.path, n) if n > 1 else np.zeros((1, 2), dtype=np.float32)
        if kept is None:
            raise WorkbenchError(f"the map {task.path} vanished while others were made", "Run it again.")
        kept.setflags(write=False)
        maps[setting] = kept
    return MapGrid(tuple(n_neighbors), tuple(min_dist), tuple(metrics), tuple(seeds), epochs, maps)


def _check(axes: Mapping[str, Sequence[Any]], epochs: int | None, processes: int | None) -> None:
    for name, values in axes.items():
        if isinstance(values, str) or not len(values) or len(set(values)) < len(values):
            raise InputError(f"{name}={values!r} is no axis of a grid", "Give one or more values, each once.")
    for metric in axes["metrics"]:
        larger_is_better(metric)  # refuses an unknown one
    for k, gap, metric in product(axes["n_neighbors"], axes["min_dist"], axes["metrics"]):
        check_umap(k, gap, metric, epochs)
    for seed in axes["seeds"]:
        if not 0 <= seed < 2**32:
            raise InputError(f"the seed {seed!r} is out of range", "Use a whole number from 0 to 4,294,967,295.")
    if processes is not None and processes < 1:
        raise InputError(f"processes={processes!r} make no maps", "Use 1 or more.")


def _whole(path: Path, n: int) -> FloatArray | None:
    """The kept map, if it is one of so many points."""
    kept = kept_map(path)
    return kept if kept is not None and kept.shape == (n, 2) else None


def _make(vectors: Vectors, missing: list[_Task], epochs: int | None, processes: int | None, progress: bool) -> None:
    """Lay out the missing maps and keep each."""
    if not missing:
        return
    if processes is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        processes = cores if len(missing) * len(vectors) >= _ALONE_BELOW else 1
    near: dict[Metric, tuple[IntArray, FloatArray]] = {}
    starts: dict[tuple[Metric, int], FloatArray] = {}
    with tqdm(total=len(missing), desc="laying out maps", unit="map", disable=not progress) as bar:
        for metric in {task.metric: None for task in missing}:
            k = max(task.n_neighbors for task in missing if task.metric == metric)
            known = exact_neighbours(vectors.array, vectors.array, k - 1, metric, exclude_self=True)
            near[metric] = with_self_first(known, len(vectors), k, metric)
        for task in missing:
            if (task.metric, task.seed) not in starts:
                starts[task.metric, task.seed] = pca_map(vectors.array, 2, task.metric, task.seed)
        if min(processes, len(missing)) > 1:
            for _ in _made_by_workers(missing, near, starts, epochs, min(processes, len(missing))):
                bar.update()
            return
        finish_warm_up()
        for task in missing:
            ids, distances = near[task.metric]
            k = task.n_neighbors
            nearest, apart = np.ascontiguousarray(ids[:, :k]), np.ascontiguousarray(distances[:, :k])
            start = starts[task.metric, task.seed]
            keep_map(task.path, lay_out(nearest, apart, start, task.min_dist, task.seed, epochs))
            bar.update()


def _made_by_workers(
    missing: list[_Task],
    near: Mapping[Metric, tuple[IntArray, FloatArray]],
    starts: Mapping[tuple[Metric, int], FloatArray],
    epochs: int | None,
    processes: int,
) -> Iterator[None]:
    """Yield once for each map that a worker has kept; no worker outlives the iteration."""
    largest_first = sorted(missing, key=lambda task: -task.n_neighbors)  # so that the workers end together
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # None for a map, a text for a worker that failed
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with tempfile.TemporaryDirectory(prefix="workbench-maps-") as folder:
        for (metric, seed), start in starts.items():
            ids, distances = near[metric]
            np.savez(Path(folder) / f"{metric}-{seed}.npz", ids=ids, distances=distances, start=start)
        for task in largest_first:
            inputs = str(Path(folder) / f"{task.metric}-{task.seed}.npz")
            about = {"inputs": inputs, "n_neighbors": task.n_neighbors, "min_dist": task.min_dist}
            waiting.put(json.dumps(about | {"seed": task.seed, "epochs": epochs, "out": str(task.path)}))
        workers: list[subprocess.Popen[str]] = []
        try:
            for place in range(processes):
                errors = Path(folder) / f"errors-{place}.txt"
                with errors.open("w") as said:
                    worker = subprocess.Popen(
                        _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=environment
                    )
                workers.append(worker)
                threading.Thread(target=_feed, args=(worker, waiting, ended, errors), daemon=True).start()
            for _ in missing:
                failed = ended.get()
                if failed is not None:
                    raise WorkbenchError(
                        f"a process that laid out maps ended: {failed}",
                        "The maps that were finished are kept; pass processes=1 to lay out the others here.",
                    )
                yield
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def _feed(
    worker: "subprocess.Popen[str]",
    waiting: "queue.SimpleQueue[str]",
    ended: "queue.SimpleQueue[str | None]",
    errors: Path,
) -> None:
    """Hand one worker task after task until none is left; what it says when it fails goes to ``ended``."""
    if worker.stdin is None or worker.stdout is None:
        return
    with suppress(OSError), worker.stdin, worker.stdout:  # closing what a dead worker did not read
        while True:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                worker.stdin.write(task + "\n")
                worker.stdin.flush()
                answer = worker.stdout.readline()
            except OSError:
                answer = ""
            if answer != "done\n":
                worker.wait()
                said = errors.read_text(errors="replace").strip().splitlines() if errors.exists() else []
                ended.put(said[-1] if said else f"exit status {worker.returncode}")
                return
            ended.put(None)
