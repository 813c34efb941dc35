"""What a filter does to approximate search: recall, latency and lost answers against the share that passes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import faiss
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from workbench.ann import Database, latency, pinned, provenance, query_scores, recall
from workbench.errors import InputError
from workbench.geometry import exact_neighbours
from workbench.records import FloatArray, IntArray, Metric, Neighbours, Vectors
from workbench.vectordb.queries import split_queries
from workbench.vectordb.trial_shard import shard_config, trial_shard

__all__ = ["FILTERED_COLUMNS", "FILTER_METHODS", "measure_filtered"]

FILTER_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "filterable HNSW": "Qdrant walks its graph over what passes, with more links among vectors of equal payload",
        "ACORN": "the same graph, and the walk looks past neighbours that do not pass at theirs (Patel et al. 2024)",
        "exact with filter": "Qdrant compares every vector that passes, found by the index of the payload",
        "filter afterwards": "the k nearest of all, without those that do not pass",
        "filter afterwards, oversampled": "the same of several times k, cut to k",
        "no payload links": "as the first, on a graph built without links among vectors of equal payload",
        "ACORN, no payload links": "ACORN on that graph",
        "FAISS HNSW + selector": "FAISS walks over all vectors and keeps those that pass: another engine, which counts",
    }
)
"""Ways to search under a filter, and what each does."""

FILTERED_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "filter": "'uncorrelated' (drawn at random), 'correlated' (the nearest to one vector), or 'COLUMN = value'",
        "selectivity": "share of the vectors that pass the filter",
        "passing": "how many these are",
        "method": "one of FILTER_METHODS",
        "recall": "share of the min(k, passing) true neighbours among those that pass; by ids, ties exact; mean",
        "recall_low": "lower end of its 95 % interval over queries",
        "recall_high": "upper end of it",
        "p50_us": "median latency of one query on one thread, microseconds; median over interleaved rounds",
        "p95_us": "95th percentile of the same",
        "p99_us": "99th percentile of the same",
        "p50_low_us": "p50 of the fastest round",
        "p50_high_us": "p50 of the slowest round",
        "spread": "(p50_high_us - p50_low_us) / p50_us",
        "timed": "queries timed, all rounds together",
        "returned": "answers that came back, mean over queries",
        "missing": "share of min(k, passing) answers that did not come back",
        "visited_share": "distances computed / n, counted by FAISS; NaN for Qdrant, which does not tell",
        "n": "vectors",
        "d": "dimensions",
        "k": "answers asked for",
        "ef": "candidates that a walk keeps",
        "oversampling": "times k that the oversampled method asks for",
        "metric": "what near means",
        "queries": "how many, none of them among the vectors",
        "threads": "of a search",
        "seed": "of held-out queries and of the filters",
    }
)
"""What each column of :func:`measure_filtered` means, and its unit."""

_Search = Callable[[FloatArray], list[int]]


@dataclass(frozen=True, eq=False)
class _Filter:
    name: str
    passes: NDArray[np.bool_]  # (n,)
    condition: Any  # the same as the engine's filter
    truth: Neighbours  # (queries, min(k, passing)), ids are rows of all vectors


def measure_filtered(
    vectors: Vectors | ArrayLike,
    queries: Vectors | ArrayLike | None = None,
    *,
    column: pd.Series | Sequence[Any] | None = None,
    selectivities: Sequence[float] = (0.5, 0.1, 0.01, 0.001, 0.0001),
    methods: Sequence[str] = tuple(FILTER_METHODS),
    k: int = 10,
    ef: int = 64,
    oversampling: int = 10,
    full_scan_threshold: int | None = None,
    held_out: int = 100,
    most_values: int = 6,
    rounds: int = 3,
    metric: Metric | None = None,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure ways to search under a filter, on filters of chosen selectivity and on those of a metadata column.

    Each selectivity has two filters. The *uncorrelated* one passes vectors drawn at random. The *correlated* one passes
    the nearest to one vector, as the pages of one topic would be: to a query from elsewhere nothing near it passes.

    The truth is exact search of those that pass, and so is ``recall``'s: an answer that does not pass counts as none.
    All methods and filters are timed one query at a time in interleaved rounds. Qdrant's shards are used directly
    and on one search thread: reading payloads back, as a collection does, would be timed too. The thread of its engine
    is not the one that FAISS's count comes from, and Qdrant does not tell what it visited, so ``visited_share`` is
    FAISS's alone, whose walk does not look at the filter: it computes as many distances whatever passes.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers, or Vectors.
    queries
        ``(q, d)`` numbers that are no rows of ``vectors``, or Vectors; None holds ``held_out`` rows out.
    column
        A value for each vector; its name is the Series' own. Values are compared as text; missing ones pass no
        filter. Up to ``most_values`` of them are measured, from the commonest to the rarest.
    selectivities
        Shares of the vectors in (0, 1]. Those by which not one would pass are left out.
    methods
        Of ``FILTER_METHODS``.
    k, ef
        Answers of a query, and candidates that a walk keeps (``hnsw_ef``, ``efSearch``).
    oversampling
        Times ``k`` that are asked for, to be filtered afterwards.
    full_scan_threshold
        Kilobytes of passing vectors below which Qdrant leaves the graph; its own default is 10,000. None is so small,
        one vector, that the graph is always measured.
    rounds
        How often everything is timed.

    Returns
    -------
    pandas.DataFrame
        A row for each filter and method, with the columns of ``FILTERED_COLUMNS``; ``attrs["provenance"]`` says what it
        was measured on and ``attrs["fingerprint"]`` identifies the vectors.

    Raises
    ------
    InputError
        An unknown method, a selectivity outside (0, 1], a column of another length, no filter that passes anything, or
        numbers too small to measure.
    VectorError, IdentityError
        What exact search refuses.

    References
    ----------
    L. Patel et al., ACORN: Performant and Predicate-Agnostic Search Over Vector Embeddings and Structured Data, 2024.
    """
    _check(methods, selectivities, k=k, ef=ef, oversampling=oversampling, rounds=rounds, most_values=most_values)
    database, asked, kept = split_queries(vectors, queries, metric, held_out, seed)
    values = _texts(column, kept, database.n + (len(asked) if queries is None else 0))
    name = str(getattr(column, "name", None) or "column")
    ranks = {"uncorrelated": _random_ranks(database.n, seed), "correlated": _nearness_ranks(database, seed)}
    filters = list(_filters(database, asked, ranks, values, name, selectivities, most_values, k))
    if not filters:
        raise InputError(
            f"no filter passes one of {database.n:,} vectors", "Ask for larger selectivities, or give a column."
        )
    payloads = [
        {kind: int(rank[row]) for kind, rank in ranks.items()} | ({} if values[row] is None else {"value": values[row]})
        for row in range(database.n)
    ]
    with ExitStack() as open_shards, tqdm(total=len(filters) + 2, disable=not progress, desc="filters") as bar:
        engines = _Engines(database, payloads, methods, ef, k, oversampling, full_scan_threshold, open_shards)
        bar.update()
        searches = {(at, method): engines.search(method, one) for at, one in enumerate(filters) for method in methods}
        measured = []
        for at, one in enumerate(filters):
            measured += [_scores(one, method, searches[at, method], engines, asked, database) for method in methods]
            bar.update()
        times = latency({f"{at} {method}": search for (at, method), search in searches.items()}, asked, rounds)
        bar.update()
    table = pd.DataFrame(measured)
    timed = times.rename(columns={"count": "timed"}).reset_index(drop=True)
    table[timed.columns] = timed
    table["spread"] = (table["p50_high_us"] - table["p50_low_us"]) / table["p50_us"]
    shared = {"n": database.n, "d": database.d, "k": k, "ef": ef, "oversampling": oversampling, "seed": seed}
    table = table.assign(**shared, metric=database.metric, queries=len(asked), threads=1)[list(FILTERED_COLUMNS)]
    table.attrs |= {"provenance": provenance(), "fingerprint": database.fingerprint}
    return table


class _Engines:
    """The built indexes that the methods search, each only where a method needs it."""

    def __init__(
        self,
        database: Database,
        payloads: Sequence[dict[str, Any]],
        methods: Sequence[str],
        ef: int,
        k: int,
        oversampling: int,
        full_scan_threshold: int | None,
        open_shards: ExitStack,
    ) -> None:
        import qdrant_edge as edge

        self._ef, self._k, self._oversampling = ef, k, oversampling
        kinds = edge.PayloadSchemaType
        fields = {"uncorrelated": kinds.Integer, "correlated": kinds.Integer, "value": kinds.Keyword}
        bare = [method for method in methods if method.endswith("no payload links")]
        linked = [method for method in methods if method not in (*bare, _SELECTOR)]
        self._linked, self._bare = (
            open_shards.enter_context(
                trial_shard(
                    database,
                    shard_config(database, payload_m=links, full_scan_threshold=full_scan_threshold),
                    fields=fields,
                    payloads=payloads,
                )
            )
            if wanted
            else None
            for wanted, links in ((linked, None), (bare, 0))
        )
        self._faiss = _faiss_graph(database) if _SELECTOR in methods else None
        self._n = database.n

    def search(self, method: str, one: _Filter) -> _Search:
        """From a query to the rows that the method answers with, under one filter."""
        import qdrant_edge as edge

        if method == _SELECTOR:
            return self._selected(one)
        shard: Any = self._bare if method.endswith("no payload links") else self._linked
        if method.startswith("filter afterwards"):
            most = self._k * (self._oversampling if method.endswith("oversampled") else 1)
            nearest, passes, k = shard.ask(most, hnsw_ef=max(self._ef, most)), one.passes, self._k
            return lambda query: [point.id for point in nearest(query) if passes[point.id]][:k]
        acorn = edge.AcornSearchParams(True, 1.0) if method.startswith("ACORN") else None
        how = {"exact": True} if method == "exact with filter" else {"hnsw_ef": self._ef, "acorn": acorn}
        filtered = shard.ask(self._k, where=one.condition, **how)
        return lambda query: [point.id for point in filtered(query)]

    def visited(self, method: str, search: _Search, queries: FloatArray) -> float:
        """Share of the vectors to which a search computed the distance, mean; NaN where the engine does not tell."""
        if method != _SELECTOR:
            return math.nan
        faiss.cvar.hnsw_stats.reset()
        for row in range(len(queries)):
            search(queries[row : row + 1])
        return float(faiss.cvar.hnsw_stats.ndis) / len(queries) / self._n

    def _selected(self, one: _Filter) -> _Search:
        graph: Any = self._faiss
        bits = np.packbits(one.passes, bitorder="little")
        selector = faiss.IDSelectorBitmap(self._n, faiss.swig_ptr(bits))
        params, k = faiss.SearchParametersHNSW(efSearch=self._ef, sel=selector), self._k

        def answer(query: FloatArray) -> list[int]:
            _ = bits, selector  # the graph holds no reference to them
            found: list[int] = graph.search(query, k, params=params)[1][0].tolist()
            return [row for row in found if row >= 0]

        return answer


_SELECTOR = "FAISS HNSW + selector"


def _faiss_graph(database: Database) -> Any:
    graph = faiss.IndexHNSWFlat(database.d, 16, faiss.METRIC_L2 if database.metric == "euclidean" else 0)
    graph.hnsw.efConstruction = 100
    graph.add(database.array)
    return graph


def _scores(
    one: _Filter, method: str, search: _Search, engines: _Engines, queries: FloatArray, database: Database
) -> dict[str, Any]:
    most = one.truth.k
    found = np.full((len(queries), most), -1, dtype=np.int64)
    with pinned(1):
        for row in range(len(queries)):
            answer = [at for at in search(queries[row : row + 1]) if one.passes[at]][:most]
            found[row, : len(answer)] = answer
        visited = engines.visited(method, search, queries)
    first = Neighbours(one.truth.ids[:, :1], one.truth.scores[:, :1], one.truth.metric)
    scores = query_scores(
        recall(found, one.truth, queries, database.array),
        recall(np.ascontiguousarray(found[:, :1]), first, queries, database.array),
    )
    returned = float((found >= 0).sum(axis=1).mean())
    passing = int(one.passes.sum())
    return {
        "filter": one.name,
        "selectivity": passing / database.n,
        "passing": passing,
        "method": method,
        **{name: scores[name] for name in ("recall", "recall_low", "recall_high")},
        "returned": returned,
        "missing": 1 - returned / most,
        "visited_share": visited,
    }


def _filters(
    database: Database,
    queries: FloatArray,
    ranks: Mapping[str, IntArray],
    values: Sequence[str | None],
    column: str,
    selectivities: Sequence[float],
    most_values: int,
    k: int,
) -> Iterator[_Filter]:
    """Each filter with its truth; none that passes nothing."""
    import qdrant_edge as edge

    def made(name: str, passes: NDArray[np.bool_], condition: Any) -> _Filter:
        rows = np.flatnonzero(passes)
        near = exact_neighbours(queries, database.array[rows], min(k, len(rows)), database.metric)
        truth = Neighbours(rows[near.ids], near.scores, near.metric)
        return _Filter(name, passes, edge.Filter(must=[condition]), truth)

    for kind, rank in ranks.items():
        for share in selectivities:
            below = round(share * database.n)
            if below:
                yield made(kind, rank < below, edge.FieldCondition(kind, range=edge.RangeFloat(lt=below)))
    counts = pd.Series([value for value in values if value is not None], dtype=object).value_counts()
    for place in sorted(set(np.linspace(0, len(counts) - 1, min(most_values, len(counts))).round().astype(int))):
        value = str(counts.index[place])
        passes = np.array([one == value for one in values])
        condition = edge.FieldCondition("value", match=edge.MatchValue(value))
        yield made(f"{column} = {value}", passes, condition)


def _texts(column: pd.Series | Sequence[Any] | None, kept: IntArray, n: int) -> list[str | None]:
    """The column's values of the searched rows as text, None where missing."""
    if column is None:
        return [None] * len(kept)
    if len(column) != n:
        raise InputError(
            f"the column has {len(column):,} values for {n:,} vectors",
            "Give one value for each vector, in their order.",
        )
    cells = pd.Series(list(column), dtype=object)
    return [None if gone else str(cell) for cell, gone in zip(cells[kept], cells[kept].isna(), strict=True)]


def _random_ranks(n: int, seed: int) -> IntArray:
    return np.random.default_rng([seed, 1]).permutation(n)


def _nearness_ranks(database: Database, seed: int) -> IntArray:
    """The place of each vector in the order of nearness to one of them, drawn by the seed."""
    one = int(np.random.default_rng([seed, 2]).integers(database.n))
    order = exact_neighbours(database.array[one : one + 1], database.array, database.n, database.metric).ids[0]
    ranks = np.empty(database.n, dtype=np.int64)
    ranks[order] = np.arange(database.n)
    return ranks


def _check(methods: Sequence[str], selectivities: Sequence[float], **counts: int) -> None:
    unknown = [method for method in methods if method not in FILTER_METHODS]
    if unknown or not methods:
        what = f"there is no method {unknown[0]!r}" if unknown else "no method was asked for"
        raise InputError(what, f"Use some of: {', '.join(FILTER_METHODS)}.")
    for share in selectivities:
        if not 0 < share <= 1:
            raise InputError(f"a selectivity of {share}", "It is the share that passes: above 0, at most 1.")
    for name, count in counts.items():
        if count < 1:
            raise InputError(f"{name}={count}", "Use 1 or more.")
