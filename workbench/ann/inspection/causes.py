"""Why true neighbours were missed, counted: what kept each out, what would have let it in, which knob comes next."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.ann.indexes.faiss_index import EF_SEARCH
from workbench.ann.indexes.hnswlib_index import EF
from workbench.ann.specs import IndexSpec

__all__ = ["CAUSES", "CAUSE_LABELS", "MISSED", "Misses", "knob_of", "now"]

CAUSES = ("unreachable", "ef", "nprobe", "distorted", "refine", "tie", "filter")
"""What can keep a true neighbour out of an answer."""

CAUSE_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "unreachable": "no path of the graph leads to it",
        "ef": "not visited: ef ended the walk",
        "nprobe": "its list was not probed",
        "distorted": "its code puts it too far away",
        "refine": "not among those compared again",
        "tie": "tied with what was returned",
        "filter": "the filter keeps it out",
    }
)
"""Each cause in words."""

MISSED = ("query", "row", "rank", "cause", "needs", "gap")
"""Columns of ``Misses.each``."""

_DEFAULTS = {"nprobe": 1, "efSearch": EF_SEARCH, "ef": EF, "k_factor": 1}  # of a search where nothing is said
_BECAUSE = {
    "unreachable": "no path of the graph leads to them",
    "ef": "ef ended the walk before it came to them",
    "nprobe": "their lists were not probed",
    "distorted": "their codes put them too far away",
    "refine": "they were not among those compared again",
    "tie": "they are as near as what was returned instead",
    "filter": "the filter keeps them out",
}


@dataclass(frozen=True, eq=False)
class Misses:
    """The true neighbours that a search missed, each with what kept it out.

    Parameters
    ----------
    each
        One row per missed true neighbour: ``query``; ``row`` of the searched vectors; ``rank``, its place among the
        true neighbours from 1; ``cause``, one of ``CAUSES``; ``needs``, the value of the cause's own setting
        (``efSearch`` or ``ef``, ``nprobe``, ``k_factor``) that would have found it, NaN where none does or none is
        known; ``gap``, by how much its distance by the index's codes lies beyond that of the worst answer, relative to
        that, NaN where it does not or codes play no part. A miss for want of ``nprobe`` or ``ef`` that has a gap would
        not be found by them alone.
    queries, k
        Queries asked, and neighbours of each.
    spec
        The index, with the settings that it was searched with.
    tried
        Setting -> the largest value that was looked at for ``needs``; a setting that could not be turned further is
        not in it.
    """

    each: pd.DataFrame = field(repr=False)
    queries: int
    k: int
    spec: IndexSpec
    tried: Mapping[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Cause -> missed places, all causes, in the order of ``CAUSES``."""
        found = self.each["cause"].value_counts()
        return {cause: int(found.get(cause, 0)) for cause in CAUSES}

    @property
    def shares(self) -> dict[str, float]:
        """Cause -> share of all ``queries * k`` places; together with the mean recall they are 1."""
        places = max(1, self.queries * self.k)
        return {cause: count / places for cause, count in self.counts.items()}

    @property
    def recall(self) -> float:
        """Mean recall@k of the search."""
        return 1 - len(self.each) / max(1, self.queries * self.k)

    @cached_property
    def main(self) -> str | None:
        """The cause whose mending would find most; None where nothing is missed that a setting could find.

        What lies in a list that was not probed, or was not visited, and has a code that would keep it out all the same,
        counts as distorted here.
        """
        mended = self.each["cause"].where(~self._held_by_code, "distorted").value_counts()
        best = {cause: int(mended.get(cause, 0)) for cause in CAUSES if cause not in ("tie", "filter")}
        most = max(best, key=lambda cause: best[cause])
        return most if best[most] else None

    @property
    def knob(self) -> str | None:
        """What to turn next: a search setting, ``efConstruction``, or ``RFlat`` to add; None where nothing helps."""
        return None if self.main is None else knob_of(self.main, self.spec)

    @property
    def advice(self) -> str:
        """What is missed, mainly why, and what to turn next to how much, in a sentence or two."""
        if self.each.empty:
            return "Nothing is missed."
        places, cause = self.queries * self.k, self.main
        whole = _share(len(self.each) / places)
        missed = f"Of the true neighbours {whole} are missed"
        if cause is None:
            most = max(self.counts, key=lambda name: self.counts[name])
            return f"{missed}, {'most ' if self.counts[most] < len(self.each) else ''}because {_BECAUSE[most]}."
        rows = self.each[self._mended_by(cause)]
        share = _share(len(rows) / places)
        part = "" if len(rows) == len(self.each) else "nearly all " if share == whole else f"{share} "
        return f"{missed}, {part}because {_BECAUSE[cause]}. {self._next(cause, rows)}"

    def setting(self, cause: str) -> str:
        """The setting whose values ``needs`` holds for a cause: ``efSearch`` or ``ef``, ``nprobe``, ``k_factor``."""
        return knob_of(cause, self.spec)

    def record(self) -> dict[str, Any]:
        """What ``json.dumps`` can write: counts, shares, the knob and the advice, without the single misses."""
        return {
            "queries": self.queries,
            "k": self.k,
            "recall": self.recall,
            "missed": len(self.each),
            "causes": {cause: count for cause, count in self.counts.items() if count},
            "shares": {cause: share for cause, share in self.shares.items() if share},
            "main": self.main,
            "knob": self.knob,
            "advice": self.advice,
        }

    @property
    def _held_by_code(self) -> "pd.Series[bool]":
        """Those that their codes would keep out even if they were looked at."""
        return self.each["cause"].isin(["ef", "nprobe"]) & (self.each["gap"] > 0)

    def _mended_by(self, cause: str) -> "pd.Series[bool]":
        own = (self.each["cause"] == cause) & ~self._held_by_code
        return own | self._held_by_code if cause == "distorted" else own

    def _next(self, cause: str, rows: pd.DataFrame) -> str:
        """What to turn for these misses, and how far."""
        if cause == "unreachable":
            return "No ef finds those: drop repeated vectors, or build the graph with a larger efConstruction or M."
        if cause == "distorted":
            gaps = rows["gap"].to_numpy(np.float64)
            beyond = float(np.nanmedian(gaps)) if np.isfinite(gaps).any() else math.nan
            size = f"In the median their codes lie {100 * beyond:.2g} % beyond the worst answer. "
            return f"{size if beyond > 0 else ''}Use RFlat, to compare the best again, or larger codes."
        knob = knob_of(cause, self.spec)
        half, most = (_quantile(rows["needs"].to_numpy(np.float64), share) for share in (0.5, 0.9))
        said = f"Turn {knob} up from {now(self.spec, knob):,}"
        if not math.isfinite(half):
            whom = "half of them" if len(rows) > 1 else "it"
            return f"{said}; no value up to {self.tried[knob]:,} finds {whom}." if knob in self.tried else f"{said}."
        if len(rows) == 1:
            return f"{said}: {half:,.0f} finds it."
        if most == half:
            return f"{said}: {half:,.0f} finds nine tenths of them."
        return f"{said}: {half:,.0f} finds half of them{f', {most:,.0f} nine tenths' if math.isfinite(most) else ''}."


def knob_of(cause: str, spec: IndexSpec) -> str:
    """The setting that a cause other than a tie or a filter is mended by."""
    if cause == "ef":
        return "ef" if spec.library == "hnswlib" else "efSearch"
    return {"unreachable": "efConstruction", "nprobe": "nprobe", "distorted": "RFlat", "refine": "k_factor"}[cause]


def now(spec: IndexSpec, knob: str) -> int:
    """The value of a search setting, the library's own where none is said."""
    return int(dict(spec.search).get(knob, _DEFAULTS[knob]))


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _quantile(needs: NDArray[np.float64], share: float) -> float:
    """The smallest value that does for this share of them; NaN does for none."""
    ordered = np.sort(np.where(np.isnan(needs), np.inf, needs))
    return float(ordered[max(0, math.ceil(share * len(ordered)) - 1)])
