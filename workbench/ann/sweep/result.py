"""What a sweep found: its points, its front, what it left out and why, read from the sweep's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.records import IntArray, Metric, Neighbours

__all__ = ["COLUMNS", "TARGETS", "SweepResult"]

TARGETS = (0.90, 0.95, 0.97, 0.99, 0.995, 0.999)  # recalls for which a sweep looks for the fastest index

COLUMNS = (
    "point", "family", "index", "build",
    "recall", "recall_low", "recall_high", "recall_at_1", "recall_at_1_low", "recall_at_1_high",
    "recall_tuned", "recall_stated", "recall_stated_low", "recall_stated_high", "worst_decile",
    "p50_us", "p95_us", "p99_us", "p50_low_us", "p50_high_us", "timed", "qps", "distances",
    "memory_bytes", "serialized_bytes", "resident_bytes", "train_s", "add_s", "build_s",
    "speedup", "break_even", "front",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """The measured points of a sweep, and what they were measured on.

    Parameters
    ----------
    folder
        Where the sweep keeps its rows; a sweep of the same data goes on from there.
    points
        A row for each search setting measured on all of the vectors, with the columns of ``COLUMNS``:

        - ``point`` names the row (10 hex digits), ``index`` is its specification with the search settings, ``build``
          without;
        - ``recall`` (at k) and ``recall_at_1`` are tie-exact means over all queries, with the ends of their 95 %
          bootstrap interval; ``recall_tuned`` is the mean over the even queries, on which a choice may be made,
          ``recall_stated`` over the odd ones, on which it is then stated; ``worst_decile`` over the worst tenth;
        - ``p50_us``, ``p95_us``, ``p99_us`` are microseconds of one query on one thread, medians over rounds;
          ``p50_low_us`` and ``p50_high_us`` are those of the fastest and the slowest round, ``timed`` counts the timed
          queries. 0 says that the point was not timed: it lies far behind the front, and its latencies are NaN;
        - ``qps`` is queries a second in one batch on all threads, ``distances`` the distances computed for a query;
        - ``memory_bytes`` is by formula, ``serialized_bytes`` the index's file, ``resident_bytes`` what the process
          grew by when the index was read;
        - ``build_s`` is ``train_s`` and ``add_s`` together, in seconds, on all threads;
        - ``speedup`` is Flat's p50 over this one's, ``break_even`` the queries after which the time saved has paid for
          the build, infinite where nothing is saved;
        - ``front`` says that no other point has its recall at a lower p50.
    untested
        ``index`` and ``reason`` of what was not measured on all of the vectors.
    ledger
        ``what`` was shared, how many ``times``, and the seconds that this ``saved_s``.
    truth
        The exact neighbours of the queries.
    queries
        ``(q, d) float32`` as they were given.
    query_rows
        Rows of the given vectors that were held out as queries, or None where queries were given.
    manifest
        ``n``, ``d``, ``metric``, ``k``, ``queries``, ``fingerprint``, ``seed``, ``targets``, ``seconds``,
        ``environment``, ``finished``.
    """

    folder: Path
    points: pd.DataFrame
    untested: pd.DataFrame
    ledger: pd.DataFrame
    truth: Neighbours
    queries: NDArray[np.float32]
    query_rows: IntArray | None
    manifest: Mapping[str, Any]
    _recalls: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        state = "finished" if self.manifest["finished"] else "unfinished"
        return (
            f"SweepResult({len(self.points):,} points on {self.n:,} x {self.d} by {self.metric}, k={self.k}, {state})"
        )

    @property
    def n(self) -> int:
        """Number of vectors searched."""
        return int(self.manifest["n"])

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return int(self.manifest["d"])

    @property
    def k(self) -> int:
        """Neighbours of each query."""
        return int(self.manifest["k"])

    @property
    def metric(self) -> Metric:
        """The metric of the search."""
        return self.manifest["metric"]  # type: ignore[no-any-return]

    @property
    def front(self) -> pd.DataFrame:
        """The points on the front of recall against p50, by recall."""
        return self.points[self.points["front"]].sort_values("recall", ignore_index=True)

    @property
    def baseline(self) -> "pd.Series":
        """The row of exact search, timed in the same rounds as the others."""
        return self.points[self.points["family"] == "flat"].iloc[0]

    def point(self, name: str) -> "pd.Series":
        """The row of a point, by its name or by its index text; raises InputError for an unknown one."""
        found = self.points[(self.points["point"] == name) | (self.points["index"] == name)]
        if found.empty:
            raise InputError(f"the sweep has no point {name!r}", "Look in .points for those there are.")
        return found.iloc[0]

    def recalls(self, point: str) -> NDArray[np.float64]:
        """Recall@k of each query at a point, ``(q,) float64``."""
        return self._recalls[str(self.point(point)["point"])]

    def answers(self, point: str) -> IntArray:
        """What the point answered, ``(q, k) int64`` rows of the searched vectors, -1 where the answer came short."""
        kept: IntArray = np.load(self.folder / "answers" / f"{self.point(point)['point']}.npy").astype(np.int64)
        return kept
