"""What each metric is called in the libraries that search vectors, and what number each of them hands back."""

import pandas as pd

from workbench.records import Metric

__all__ = ["library_metrics"]

_Row = tuple[str, Metric, str, str, str, str, str]
_YOU, _IT, _NO = "you must", "it does", "not needed"

_ROWS: tuple[_Row, ...] = (
    # library, metric, name there, what comes back, formula, who normalises, of what it is well to know
    (
        "FAISS",
        "cosine",
        "METRIC_INNER_PRODUCT",
        "inner product",
        "dot",
        _YOU,
        "normalize_L2 on vectors and queries alike",
    ),
    ("FAISS", "dot", "METRIC_INNER_PRODUCT", "inner product", "dot", _NO, ""),
    ("FAISS", "euclidean", "METRIC_L2", "squared distance", "squared_euclidean", _NO, "take the root for a distance"),
    ("hnswlib", "cosine", "space='cosine'", "1 - cosine", "one_minus_cosine", _IT, "vectors are kept at unit length"),
    ("hnswlib", "dot", "space='ip'", "1 - inner product", "one_minus_dot", _NO, "below 0 where the product is above 1"),
    (
        "hnswlib",
        "euclidean",
        "space='l2'",
        "squared distance",
        "squared_euclidean",
        _NO,
        "take the root for a distance",
    ),
    ("Qdrant", "cosine", "Distance.COSINE", "cosine", "cosine", _IT, "vectors are stored at unit length"),
    ("Qdrant", "dot", "Distance.DOT", "inner product", "dot", _NO, ""),
    ("Qdrant", "euclidean", "Distance.EUCLID", "distance", "euclidean", _NO, ""),
    ("pgvector", "cosine", "<=> (vector_cosine_ops)", "1 - cosine", "one_minus_cosine", _IT, "at each comparison"),
    (
        "pgvector",
        "dot",
        "<#> (vector_ip_ops)",
        "negative inner product",
        "negative_dot",
        _NO,
        "indexes scan upwards only",
    ),
    ("pgvector", "euclidean", "<-> (vector_l2_ops)", "distance", "euclidean", _NO, ""),
)
_LARGER = {"dot", "cosine"}  # the formulas of which the larger is the nearer


def library_metrics() -> pd.DataFrame:
    """How FAISS, hnswlib, Qdrant and pgvector spell cosine, dot product and Euclidean distance, and what they return.

    Returns
    -------
    pandas.DataFrame
        A row for each library and metric: ``library``, ``metric`` (as it is called here), ``name`` (there),
        ``returns`` (what number comes back), ``better`` (``"larger"`` or ``"smaller"`` is nearer), ``squared``
        (whether a distance comes squared), ``normalise`` (for this metric, ``"you must"``, ``"it does"`` or
        ``"not needed"``), ``note``, and ``formula``: one of ``cosine``, ``one_minus_cosine``, ``dot``,
        ``one_minus_dot``, ``negative_dot``, ``euclidean`` and ``squared_euclidean``, which says the number exactly.

    Notes
    -----
    A test asks each library that is installed and compares its numbers with these formulas. pgvector needs a
    PostgreSQL server, so its rows are not tested: they say what its documentation does.

    References
    ----------
    https://github.com/facebookresearch/faiss/wiki/MetricType-and-distances
    https://github.com/nmslib/hnswlib#supported-distances
    https://qdrant.tech/documentation/concepts/collections/
    https://github.com/pgvector/pgvector#querying
    """
    table = pd.DataFrame(_ROWS, columns=["library", "metric", "name", "returns", "formula", "normalise", "note"])
    table.insert(4, "better", ["larger" if formula in _LARGER else "smaller" for formula in table["formula"]])
    table.insert(5, "squared", table["formula"] == "squared_euclidean")
    return table[["library", "metric", "name", "returns", "better", "squared", "normalise", "note", "formula"]]
