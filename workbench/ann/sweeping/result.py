"""What a sweep found: its points, its front, what it left out and why, read from the sweep's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.inspection.causes import Misses, knob_of, now
from workbench.ann.specs import IndexSpec
from workbench.errors import InputError, StorageError
from workbench.records import IntArray, Metric, Neighbours

__all__ = ["TARGETS", "SweepResult"]

TARGETS = (0.90, 0.95, 0.97, 0.99, 0.995, 0.999)  # recalls for which a sweep looks for the fastest index


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """The measured points of a sweep, and what they were measured on.

    Parameters
    ----------
    folder
        Where the sweep keeps its rows; a sweep of the same data goes on from there.
    points
        A row for each search setting measured on all of the vectors: ``point`` names it (10 hex digits), ``family``,
        ``index`` is its specification with the search settings, ``build`` without; then the columns of
        ``ann.COLUMNS``, which says what each means; ``rounds`` counts the interleaved rounds that timed it: 1 is a
        first timing alone, of a point too far behind to be timed again; ``front`` says that no other point timed in
        as many rounds has its recall at a lower p50.
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

    @property
    def searched_rows(self) -> IntArray:
        """Rows of the given vectors that were searched, ``(n,)``: answers and truth count in these."""
        held = np.empty(0, dtype=np.int64) if self.query_rows is None else self.query_rows
        return np.setdiff1d(np.arange(self.n + len(held)), held)

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

    def misses(self, point: str, *, needs: bool = True) -> Misses | None:
        """The true neighbours that a point missed, and what kept each out; None where the sweep kept none.

        It keeps none of Qdrant, whose searches cannot be looked into; sweeps by older code kept none at all. Of a graph
        over codes, what lies beyond the worst answer by its code counts as distorted, or as not refined, whether it was
        visited or not.

        Parameters
        ----------
        point
            Name or index text.
        needs
            Look through the other points of the build for what would have found each: ``needs`` of vectors in lists is
            the rank of the list; else it is the smallest setting that was measured and found it, NaN where none did.

        Raises
        ------
        InputError
            No such point.
        StorageError
            The file is damaged.
        """
        row = self.point(point)
        each = self._missed(str(row["point"]))
        if each is None:
            return None
        spec, tried = IndexSpec.parse(str(row["index"])), dict[str, int]()
        # Lists of codes: one that is probed brings in nearer codes too, which may keep out what the rank promises.
        for cause in ("ef", "refine") if spec.parts.codec == "Flat" else ("ef", "refine", "nprobe"):
            wanted = np.flatnonzero((each["cause"] == cause) & ~(each["gap"] > 0))
            if needs and len(wanted):
                each.loc[wanted, "needs"] = np.nan
                tried |= self._find_needs(each, wanted, spec, knob_of(cause, spec))
        return Misses(each, len(self.queries), self.k, spec, tried)

    def _missed(self, point: str) -> pd.DataFrame | None:
        path = self.folder / "misses" / f"{point}.parquet"
        try:
            return pd.read_parquet(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StorageError(f"the misses in {str(path)!r} are damaged", "Sweep again.") from error

    def _find_needs(self, each: pd.DataFrame, wanted: IntArray, spec: IndexSpec, knob: str) -> dict[str, int]:
        """Fill in ``needs`` from points of the same build whose knob is turned further and nothing else; how far."""
        further = {}
        for name, index in self.points.loc[self.points["build"] == str(spec.built()), ["point", "index"]].to_numpy():
            other = IndexSpec.parse(index)
            value = now(other, knob)
            if value > now(spec, knob) and other == spec.with_search(**{knob: value}):
                further[value] = name
        missed = each["query"].to_numpy() * self.n + each["row"].to_numpy()
        for value in sorted(further):
            others = self._missed(further[value])
            if others is not None and len(wanted):
                still = np.isin(missed[wanted], others["query"].to_numpy() * self.n + others["row"].to_numpy())
                each.loc[wanted[~still], "needs"] = float(value)
                wanted = wanted[still]
        return {knob: max(further)} if further else {}
