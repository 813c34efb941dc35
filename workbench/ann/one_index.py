"""One index put to the trial on one set of vectors: its recall and its latency beside exact search."""

from collections.abc import Callable, Sequence
from contextlib import closing

import pandas as pd
from numpy.typing import ArrayLike

from workbench.ann.indexes import Database, build_index
from workbench.ann.measurement import query_scores, recall
from workbench.ann.specs import IndexSpec
from workbench.ann.timing import latency
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray

__all__ = ["trial"]

_EXACT = "exact"


def trial(
    spec: IndexSpec,
    vectors: ArrayLike,
    queries: ArrayLike,
    ladder: Sequence[int],
    *,
    k: int = 10,
    timed: int = 60,
    rounds: int = 3,
) -> pd.DataFrame:
    """Build one index and search it under several values of its first search setting, beside exact search by cosine.

    A setting is to be chosen by ``tuned``, its recall on one half of the queries, and stated by ``recall``, that on the
    other: the best of several is flattered on the queries that chose it. To find the best index, sweep.

    Parameters
    ----------
    spec
        The index, of FAISS; HNSW has efSearch, IVF nprobe.
    vectors, queries
        ``(n, d)`` and ``(queries, d)`` numbers; the queries are no rows of the vectors.
    ladder
        Values of the setting.
    k
        Neighbours of each query.
    timed
        The first so many queries are timed, one at a time on one thread, every setting in every round. A stated p99
        wants some hundreds.
    rounds
        How often.

    Returns
    -------
    pandas.DataFrame
        A row for each value, and one for exact search: ``setting`` (the value, or ``"exact"``), ``tuned``, ``recall``
        with ``low`` and ``high``, ``p50_us``, ``p95_us``, ``p99_us``, ``p50_low_us``, ``p50_high_us``, ``count``,
        ``distances`` (computed for a query), ``build_s``, ``n``, ``d``.

    Raises
    ------
    InputError
        No value, fewer than two queries, an index without search settings, or what ``build_index`` refuses.
    VectorError
        Vectors that cannot be used.
    """
    database = Database(vectors, "cosine")
    asked = database.prepare(queries)
    if not ladder or len(asked) < 2:
        raise InputError(f"{len(ladder)} settings on {len(asked)} queries are no trial", "Pass one and two at least.")
    if not spec.search_names:
        raise InputError(f"{spec} has no search setting to turn", "Try an index such as HNSW16 or IVF64,Flat.")
    truth, nearest = (exact_neighbours(asked, database.array, count, "cosine") for count in (k, 1))
    flat, rows = build_index(IndexSpec("Flat"), database), []
    with closing(build_index(spec, database)) as index:
        settings = {str(value): ((spec.search_names[0], value),) for value in ladder}
        searches: dict[str, Callable[[FloatArray], object]] = {
            **{name: index.searcher(k, setting) for name, setting in settings.items()}, _EXACT: flat.searcher(k)
        }  # fmt: skip
        times = latency(searches, asked[:timed], rounds)
        for name in searches:
            one, setting = (flat, ()) if name == _EXACT else (index, settings[name])
            found = one.search(asked, k, setting)
            scores = query_scores(
                recall(found, truth, asked, database.array), recall(found[:, :1], nearest, asked, database.array)
            )
            rows.append(
                {
                    "setting": name,
                    "tuned": scores["recall_tuned"],
                    "recall": scores["recall_stated"],
                    "low": scores["recall_stated_low"],
                    "high": scores["recall_stated_high"],
                    **times.loc[name].to_dict(),
                    "distances": one.distances(asked, k, setting),
                    "build_s": one.train_s + one.add_s,
                    "n": database.n,
                    "d": database.d,
                }
            )
    return pd.DataFrame(rows)
