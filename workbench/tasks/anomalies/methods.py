"""Three measures of strangeness against a history: nearest neighbours, local outlier factor, isolation forest."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from workbench.ann import Database, IndexSpec, build_index
from workbench.errors import InputError
from workbench.geometry import exact_neighbours, normalize
from workbench.records import FloatArray, IntArray, Metric
from workbench.tasks.anomalies.distinct import Distinct

__all__ = ["Forest", "Knn", "Lof", "Measure"]

Scores = NDArray[np.float64]

_DECIMALS = 6  # of a distance: what is smaller is the rounding of float32, and must not order equal lines
_EF = 128  # efSearch of the approximate search
_FOLDS = 5
_TREES = 200


class Measure(ABC):
    """How strange vectors are beside a history; larger is stranger."""

    @abstractmethod
    def scores(self, array: FloatArray) -> Scores:
        """``(n,)`` scores of vectors that are no part of the history."""

    @abstractmethod
    def held_out(self) -> Scores:
        """``(m,)`` scores of the history's distinct vectors, one occurrence of each left out of the history."""

    def single(self) -> Callable[[FloatArray], float]:
        """Scores one ``(1, d)`` vector at a time."""
        return lambda one: float(self.scores(one)[0])


class Knn(Measure):
    """Mean distance to the ``k`` nearest lines of the history, each counted as often as it occurs.

    F. Angiulli and C. Pizzuti, Fast outlier detection in high dimensional spaces, PKDD 2002, take the sum, which
    orders alike.
    """

    def __init__(self, history: Distinct, metric: Metric, k: int, approximate: bool) -> None:
        if int(history.counts.sum()) <= k:
            raise InputError(
                f"a history of {int(history.counts.sum()):,} lines has no {k} neighbours for each of them",
                _fewer(int(history.counts.sum())),
            )
        self._history, self._metric, self._k = history, metric, k
        self._index = None
        if approximate:
            self._index = build_index(IndexSpec("HNSW32"), Database(history.array, metric))

    def scores(self, array: FloatArray) -> Scores:
        """As :meth:`Measure.scores`."""
        rows, distances = self._near(array, min(self._k, len(self._history)))
        return self._mean(distances, self._history.counts[rows])

    def held_out(self) -> Scores:
        """As :meth:`Measure.held_out`."""
        rows, distances = self._near(self._history.array, min(self._k + 1, len(self._history)))
        counts = self._history.counts[rows]
        counts = counts - (rows == np.arange(len(rows))[:, None])
        return self._mean(distances, counts)

    def single(self) -> Callable[[FloatArray], float]:
        """As :meth:`Measure.single`; exact search by FAISS, on as many threads as it is set to."""
        if self._index is not None:
            return super().single()
        unit = self._metric == "cosine"
        flat = (faiss.IndexFlatIP if unit else faiss.IndexFlatL2)(self._history.array.shape[1])
        flat.add(normalize(self._history.array) if unit else self._history.array)
        k = min(self._k, len(self._history))

        def score(one: FloatArray) -> float:
            near, rows = flat.search(normalize(one) if unit else one, k)
            distances = 1.0 - near if unit else np.sqrt(np.maximum(near, 0))
            return float(self._mean(_settled(distances), self._history.counts[rows])[0])

        return score

    def _near(self, array: FloatArray, k: int) -> tuple[IntArray, Scores]:
        """Rows of the history and their distances, nearest first; exact where the graph does not reach ``k``."""
        if self._index is None:
            return self._exact(array, k)
        asked = self._index.database.prepare(array)
        rows = self._index.search(asked, k, (("efSearch", max(_EF, 2 * k)),))
        other = self._index.database.array[rows]
        if self._metric == "cosine":
            near = 1.0 - np.einsum("qd,qkd->qk", asked, other, dtype=np.float64)
        else:
            near = np.linalg.norm(asked[:, None].astype(np.float64) - other, axis=2)
        near = _settled(near)
        if (short := (rows < 0).any(axis=1)).any():
            rows[short], near[short] = self._exact(array[short], k)
        return rows, near

    def _exact(self, array: FloatArray, k: int) -> tuple[IntArray, Scores]:
        found = exact_neighbours(array, self._history.array, k, self._metric)
        near = found.scores.astype(np.float64)
        return found.ids, _settled(1.0 - near if self._metric == "cosine" else near)

    def _mean(self, distances: Scores, counts: IntArray) -> Scores:
        """Mean over the k nearest occurrences."""
        before = np.cumsum(counts, axis=1) - counts
        taken = np.clip(self._k - before, 0, counts)
        total = np.where(taken > 0, distances, 0.0) * taken
        means: Scores = total.sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
        return means


class Lof(Measure):
    """Local outlier factor: how much sparser a vector's surroundings are than those of its neighbours.

    M. Breunig, H.-P. Kriegel, R. Ng and J. Sander, LOF: identifying density-based local outliers, SIGMOD 2000. A
    density at which vectors repeat is infinite, so that distinct vectors alone are looked at; the paper's remark on
    duplicates says the same.
    """

    def __init__(self, history: Distinct, metric: Metric, k: int) -> None:
        from sklearn.neighbors import LocalOutlierFactor

        if len(history) <= k:
            raise InputError(
                f"a history of {len(history):,} distinct lines has no {k} neighbours for each of them",
                _fewer(len(history)),
            )
        self._history, self._unit = history, metric == "cosine"
        self._model = LocalOutlierFactor(n_neighbors=k, novelty=True, algorithm="brute")
        self._model.fit(self._ready(history.array))

    def scores(self, array: FloatArray) -> Scores:
        """As :meth:`Measure.scores`."""
        return -np.asarray(self._model.score_samples(self._ready(array)), dtype=np.float64)

    def held_out(self) -> Scores:
        """As :meth:`Measure.held_out`."""
        once = -np.asarray(self._model.negative_outlier_factor_, dtype=np.float64)  # without itself
        repeated = np.flatnonzero(self._history.counts > 1)  # another occurrence stays in the history
        if len(repeated):
            once[repeated] = self.scores(self._history.array[repeated])
        return once

    def _ready(self, array: FloatArray) -> FloatArray:
        return normalize(array) if self._unit else array


class Forest(Measure):
    """Isolation forest: how few random cuts part a vector from the others.

    F. T. Liu, K. M. Ting and Z.-H. Zhou, Isolation forest, ICDM 2008. Each tree sees 256 lines, drawn from all
    occurrences.
    """

    def __init__(self, history: Distinct, metric: Metric, seed: int) -> None:
        self._history, self._unit, self._seed = history, metric == "cosine", seed
        self._lines = np.repeat(np.arange(len(history)), history.counts)
        self._ready = normalize(history.array) if self._unit else history.array
        self._model = self._grown(self._lines, _TREES)

    def _grown(self, lines: IntArray, trees: int) -> Any:
        from sklearn.ensemble import IsolationForest

        return IsolationForest(n_estimators=trees, random_state=self._seed).fit(self._ready[lines])

    def scores(self, array: FloatArray) -> Scores:
        """As :meth:`Measure.scores`."""
        return -np.asarray(self._model.score_samples(normalize(array) if self._unit else array), dtype=np.float64)

    def held_out(self) -> Scores:
        """By forests that did not see the occurrence: the lines in five parts, each scored by trees of the others."""
        fold = np.random.default_rng(self._seed).permutation(len(self._lines)) % _FOLDS
        total = np.zeros(len(self._history))
        for part in range(_FOLDS):
            if not (inside := fold == part).any() or inside.all():
                continue
            rows, counts = np.unique(self._lines[inside], return_counts=True)
            model = self._grown(self._lines[~inside], _TREES // 2)
            total[rows] -= model.score_samples(self._ready[rows]) * counts
        held: Scores = total / self._history.counts
        return held


def _fewer(lines: int) -> str:
    return f"Take more lines, or k={lines - 1} or less." if lines > 1 else "Take more lines."


def _settled(distances: NDArray[np.floating[Any]]) -> Scores:
    """Distances without what is only the rounding of float32."""
    rounded: Scores = np.maximum(np.round(distances.astype(np.float64), _DECIMALS), 0.0)
    return rounded
