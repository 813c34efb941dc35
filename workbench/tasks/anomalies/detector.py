"""A detector that is given a history of normal lines, and says of any other how unlike them it is."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array, check_dimensions
from workbench.embed import check_identity
from workbench.errors import InputError, VectorError
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray, Metric, ModelIdentity, Neighbours, Vectors
from workbench.tasks.anomalies.distinct import Distinct, distinct_rows
from workbench.tasks.anomalies.methods import Forest, Knn, Lof, Measure

__all__ = ["METHODS", "AnomalyDetector"]

METHODS = {"knn": "distance to the k nearest", "lof": "local outlier factor", "forest": "isolation forest"}


class AnomalyDetector:
    """Scores vectors by how unlike a history of normal ones they are; larger is stranger.

    Lines of the history that repeat are kept once and counted as often as they occur: by nearest neighbours the
    scores are those of the whole history, at the cost of its distinct lines.

    Parameters
    ----------
    method
        ``"knn"``: mean distance to the ``k`` nearest lines of the history. ``"lof"``: local outlier factor over its
        distinct lines, with ``k`` neighbours. ``"forest"``: isolation forest, which has no ``k``.
    k
        Neighbours that are looked at.
    metric
        ``"cosine"`` or ``"euclidean"``; None takes that of the history, and cosine where it is a bare array.
    approximate
        Search the history by an HNSW graph, not exactly: for histories of hundreds of thousands of distinct lines.
        Only for ``"knn"``.
    seed
        Of the forest.

    Raises
    ------
    InputError
        An unknown method, a ``k`` under 1, or approximate search for another method than ``"knn"``.
    """

    def __init__(
        self,
        method: Literal["knn", "lof", "forest"] = "knn",
        *,
        k: int = 5,
        metric: Metric | None = None,
        approximate: bool = False,
        seed: int = 0,
    ) -> None:
        if method not in METHODS:
            raise InputError(f"there is no method {method!r}", f"Those there are: {', '.join(METHODS)}.")
        if k < 1:
            raise InputError(f"k={k} neighbours were asked for", "Use 1 or more.")
        if approximate and method != "knn":
            raise InputError(f"method {method!r} does not search approximately", "Use 'knn', or approximate=False.")
        if metric == "dot":
            raise _no_distance()
        self.method, self.k = method, k
        self.metric: Metric | None = metric
        self._approximate, self._seed = approximate, seed
        self._measure: Measure | None = None
        self._single: Callable[[FloatArray], float] | None = None
        self._held_out: NDArray[np.float64] | None = None
        self._history: Distinct | None = None
        self._model: ModelIdentity | None = None
        self._metric: Metric = "cosine"

    def fit(self, history: Vectors | ArrayLike) -> Self:
        """Take vectors of normal lines as the history, in place of any there was.

        Raises
        ------
        InputError
            A history without ``k + 1`` lines, or vectors made for the dot product, which is no distance.
        VectorError
            Vectors that cannot be used.
        """
        metric: Metric = self.metric or (history.metric if isinstance(history, Vectors) else "cosine")
        if metric == "dot":
            raise _no_distance()
        array = as_vectors_array(history.array if isinstance(history, Vectors) else history, metric)
        found = distinct_rows(array)
        if self.method == "knn":
            measure: Measure = Knn(found, metric, self.k, self._approximate)
        elif self.method == "lof":
            measure = Lof(found, metric, self.k)
        else:
            measure = Forest(found, metric, self._seed)
        self._measure, self._history, self._metric = measure, found, metric
        self._single = self._held_out = None
        self._model = history.model if isinstance(history, Vectors) else None
        return self

    def scores(self, vectors: Vectors | ArrayLike) -> NDArray[np.float64]:
        """``(n,) float64``: how strange each vector is beside the history.

        By nearest neighbours that is a cosine distance (0 to 2) or a Euclidean one; by local outlier factor a ratio
        of densities, about 1 for what is usual; by isolation forest a number between 0 and 1.

        Raises
        ------
        InputError
            There is no history yet.
        VectorError
            Vectors that cannot be used, or of another dimension.
        IdentityError
            Another model made them.
        """
        measure, array = self._fitted(vectors)
        distinct = distinct_rows(array)
        return measure.scores(distinct.array)[distinct.inverse]

    def score_one(self, vector: ArrayLike) -> float:
        """The score of one vector ``(d,)``, at once: for lines that come one at a time.

        Raises
        ------
        InputError, VectorError
            As :meth:`scores`.
        """
        if self._measure is None or self._history is None:
            raise _no_history()
        one = np.asarray(vector, dtype=np.float32)
        if one.shape != (self._history.array.shape[1],):
            raise VectorError(
                f"one vector of shape {one.shape} for a history of {self._history.array.shape[1]} dimensions",
                f"Pass ({self._history.array.shape[1]},) numbers; scores() takes many.",
            )
        if not np.isfinite(one).all() or (self._metric == "cosine" and not one.any()):
            raise VectorError("the vector holds NaN or infinity, or is all zero", "Encode the line again.")
        if self._single is None:
            self._single = self._measure.single()
        return self._single(one[None])

    @property
    def history_scores(self) -> NDArray[np.float64]:
        """``(n,)`` scores of the history's lines, each as if it were not in the history: what normal lines score.

        By nearest neighbours and local outlier factor one occurrence is left out; a forest is grown on four fifths and
        scores the rest.
        """
        if self._measure is None or self._history is None:
            raise _no_history()
        if self._held_out is None:
            self._held_out = self._measure.held_out()
        return self._held_out[self._history.inverse]

    def threshold(self, quantile: float = 0.99) -> float:
        """The score that a share ``quantile`` of the history's lines do not pass, each scored as if it were not there.

        What scores more is an alarm. As long as lines stay as they were, a share ``1 - quantile`` of normal lines at
        most raises one.

        Raises
        ------
        InputError
            A quantile outside of 0 to 1, or no history.
        """
        if not 0 <= quantile <= 1:
            raise InputError(f"the quantile {quantile} is no share", "Use 0 to 1, such as 0.99.")
        return float(np.quantile(self.history_scores, quantile, method="inverted_cdf"))

    def nearest(self, vectors: Vectors | ArrayLike, k: int = 5) -> Neighbours:
        """The ``k`` distinct lines of the history nearest to each vector, exactly; rows are those of the history.

        A line that repeats is named by the row where it first occurs. ``k`` beyond the distinct lines gives them all.
        """
        _, array = self._fitted(vectors)
        assert self._history is not None
        found = exact_neighbours(array, self._history.array, min(k, len(self._history)), self._metric)
        return Neighbours(self._history.first[found.ids], found.scores, self._metric)

    @property
    def distinct(self) -> int:
        """How many distinct lines the history has."""
        if self._history is None:
            raise _no_history()
        return len(self._history)

    def __len__(self) -> int:
        return 0 if self._history is None else len(self._history.inverse)

    def __repr__(self) -> str:
        held = f"{len(self):,} lines, {self.distinct:,} distinct" if len(self) else "no history"
        return f"AnomalyDetector({self.method}, {held})"

    def _fitted(self, vectors: Vectors | ArrayLike) -> tuple[Measure, FloatArray]:
        if self._measure is None or self._history is None:
            raise _no_history()
        if isinstance(vectors, Vectors):
            check_identity(vectors.model, self._model)
        array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, self._metric)
        check_dimensions(array.shape[1], self._history.array.shape[1], "the vectors", "the history")
        return self._measure, array


def _no_history() -> InputError:
    return InputError("the detector has no history", "Call fit() with vectors of normal lines.")


def _no_distance() -> InputError:
    return InputError("the dot product is no distance", "Pass metric='cosine' or metric='euclidean'.")
