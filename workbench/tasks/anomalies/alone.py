"""Scores without a history: each line against the others of the same log, which hides what repeats."""

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import as_vectors_array
from workbench.records import Metric, Vectors
from workbench.tasks.anomalies.detector import AnomalyDetector
from workbench.tasks.anomalies.distinct import distinct_rows

__all__ = ["NoHistoryWarning", "score_alone"]


class NoHistoryWarning(UserWarning):
    """Lines were scored among themselves, where anomalies that repeat are each other's neighbours."""


def score_alone(
    vectors: Vectors | ArrayLike,
    method: Literal["knn", "lof", "forest"] = "knn",
    *,
    k: int = 5,
    metric: Metric | None = None,
    collapse: bool = True,
    seed: int = 0,
) -> NDArray[np.float64]:
    """How strange each vector is among the others: for a log of which no part is known to be normal.

    An anomaly that comes by the dozen has its likes for neighbours and looks more usual than most lines. Equal
    vectors are therefore taken as one; what repeats with small changes still hides. Against a history of normal lines
    (:class:`AnomalyDetector`) nothing hides so.

    Parameters
    ----------
    vectors, method, k, metric, seed
        As for :class:`AnomalyDetector`.
    collapse
        Take equal vectors as one. False counts every occurrence, which shows the trap.

    Returns
    -------
    numpy.ndarray
        ``(n,) float64``, larger is stranger; each line is left out when it is scored.

    Raises
    ------
    InputError
        Fewer than ``k + 1`` lines, or distinct ones with ``collapse``.
    VectorError
        Vectors that cannot be used.

    Warns
    -----
    NoHistoryWarning
        Whenever there are scores, with the reason.
    """
    if metric is None and isinstance(vectors, Vectors):
        metric = vectors.metric
    array = as_vectors_array(vectors.array if isinstance(vectors, Vectors) else vectors, metric or "cosine")
    distinct = distinct_rows(array)
    repeats = len(array) - len(distinct)
    done = f"{repeats:,} repeats were taken as one with the first of their kind" if collapse else "repeats were counted"
    detector = AnomalyDetector(method, k=k, metric=metric, seed=seed)
    scores = (
        detector.fit(distinct.array).history_scores[distinct.inverse]
        if collapse
        else detector.fit(array).history_scores
    )
    warnings.warn(
        f"{len(array):,} lines are scored against one another, without a history of normal lines: anomalies that "
        f"repeat are near each other and look usual ({done}). Give a history",
        NoHistoryWarning,
        stacklevel=2,
    )
    return scores
