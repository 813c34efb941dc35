"""What a sweep computed once and used many times, and the seconds that this saved."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

__all__ = ["ledger"]


def ledger(rows: Iterable[Mapping[str, Any]], truth_s: float) -> pd.DataFrame:
    """Seconds saved by sharing: how often a thing was used again, times the seconds that it took to make.

    Parameters
    ----------
    rows
        Points of a sweep, those on subsamples included: ``rows``, ``build``, ``build_s``, ``nlist``, ``coarse_s``.
    truth_s
        Seconds that the exact neighbours of all queries took.

    Returns
    -------
    pandas.DataFrame
        ``what``, ``times``, ``saved_s``; the most saved first. A sweep that builds an index for each search setting,
        trains the lists of each inverted file and searches exactly for each point would have spent so much more.
    """
    points = pd.DataFrame(list(rows), columns=["rows", "build", "build_s", "nlist", "coarse_s"])
    settings = points.groupby(["rows", "build"], as_index=False).agg(
        used=("build", "size"), build_s=("build_s", "first")
    )
    inverted = points[points["nlist"] > 0].drop_duplicates(["rows", "build"])
    lists = inverted.groupby(["rows", "nlist"], as_index=False).agg(
        used=("build", "size"), coarse_s=("coarse_s", "first")
    )
    again = max(0, int((points["rows"] == points["rows"].max()).sum()) - 1)
    shared = {
        "one build for all of its search settings": (settings["used"] - 1, settings["build_s"]),
        "one k-means for all inverted files of its nlist": (lists["used"] - 1, lists["coarse_s"]),
        "one exact search for all points": (pd.Series([again]), pd.Series([truth_s])),
    }
    table = pd.DataFrame(
        [(what, int(times.sum()), float((times * each).sum())) for what, (times, each) in shared.items()],
        columns=["what", "times", "saved_s"],
    )
    return table.sort_values("saved_s", ascending=False, ignore_index=True)
