"""What a similarity is worth: how often pairs of a given similarity turn out to be what was asked for."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from workbench.corpora import Benchmark
from workbench.errors import InputError
from workbench.geometry import cosine_similarity
from workbench.intervals import wilson_interval
from workbench.records import Vectors

__all__ = ["calibrate", "judged_pairs"]


def judged_pairs(benchmark: Benchmark, queries: Vectors, passages: Vectors) -> pd.DataFrame:
    """Every judged pair of a benchmark with its cosine similarity.

    Parameters
    ----------
    benchmark
        Where the judgements come from.
    queries, passages
        Vectors of its queries and of its corpus.

    Returns
    -------
    pandas.DataFrame
        A row for each judgement: ``query`` and ``passage`` (ids), ``grade``, ``similarity`` (float32).

    Raises
    ------
    InputError
        A judged query or passage has no vector.
    """
    rows = [
        (query, passage, grade, queries.row(query), passages.row(passage))
        for query, grades in benchmark.qrels.items()
        for passage, grade in grades.items()
    ]
    table = pd.DataFrame(rows, columns=["query", "passage", "grade", "left", "right"])
    similarities = cosine_similarity(queries, passages)
    table["similarity"] = similarities[table.pop("left"), table.pop("right")]
    return table


def calibrate(similarities: ArrayLike, holds: ArrayLike, edges: Sequence[float] | NDArray[np.float64]) -> pd.DataFrame:
    """Share of pairs for which something holds, by bins of their similarity.

    Parameters
    ----------
    similarities
        ``(n,)`` numbers.
    holds
        ``(n,)`` booleans: relevant or not, the same article or not.
    edges
        Ends of the bins, ascending; a bin holds its lower end and not its upper one. Pairs outside are left out.

    Returns
    -------
    pandas.DataFrame
        A row for each bin that is not empty: ``similarity`` (mean of its pairs), ``share`` in 0..1, ``count``, and
        ``low`` and ``high``, the 95 % Wilson interval of the share. It takes the pairs for independent.

    Raises
    ------
    InputError
        Lengths differ, edges do not ascend, or no pair lies between them.
    """
    at, yes = np.asarray(similarities, dtype=np.float64).ravel(), np.asarray(holds, dtype=np.bool_).ravel()
    ends = np.asarray(edges, dtype=np.float64)
    if len(at) != len(yes):
        raise InputError(f"{len(at):,} similarities for {len(yes):,} outcomes", "Pass one outcome for each pair.")
    if ends.ndim != 1 or len(ends) < 2 or not (np.diff(ends) > 0).all():
        raise InputError(f"the edges {ends.tolist()} do not ascend", "Pass at least two, such as [0, 0.5, 1].")
    place = np.searchsorted(ends, at, side="right") - 1
    inside = (place >= 0) & (place < len(ends) - 1)
    if not inside.any():
        raise InputError(f"none of {len(at):,} pairs lies between {ends[0]:g} and {ends[-1]:g}", "Move the edges.")
    pairs = pd.DataFrame({"bin": place[inside], "similarity": at[inside], "share": yes[inside]}).groupby("bin")
    table = pairs.mean().assign(count=pairs.size()).reset_index(drop=True)
    low, high = wilson_interval(pairs["share"].sum(), table["count"])
    return table.assign(low=low, high=high)
