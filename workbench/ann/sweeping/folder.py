"""A sweep's folder read as a result, while the sweep runs and ever after."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.ann.front import pareto
from workbench.ann.measurement import COLUMNS, break_even
from workbench.ann.sweeping.ledger import ledger
from workbench.ann.sweeping.result import SweepResult
from workbench.ann.sweeping.store import Row, own_rows, read_manifest, read_truth
from workbench.errors import InputError
from workbench.records import FloatArray, IntArray, Neighbours

__all__ = ["assemble", "open_sweep"]

_NAMES = ("point", "family", "index", "build")


def open_sweep(folder: str | Path) -> SweepResult:
    """The result of a sweep, finished or not, from its folder.

    Raises
    ------
    InputError
        The folder holds no sweep, or one that has no rows yet.
    StorageError
        A file of it is damaged; the message names it.
    """
    path = Path(folder).expanduser()
    manifest = read_manifest(path)
    kept = read_truth(path, manifest["metric"])
    rows = own_rows(path, manifest["measured_in"])
    if kept is None or not any(row["kind"] == "point" for row in rows.values()):
        raise InputError(f"the sweep in {str(path)!r} has no rows yet", "Let it run, or sweep again to go on.")
    return assemble(path, manifest, list(rows.values()), *kept)


def assemble(
    folder: Path,
    manifest: Mapping[str, Any],
    rows: Sequence[Row],
    truth: Neighbours,
    queries: FloatArray,
    query_rows: IntArray | None,
) -> SweepResult:
    """The result that the rows make: those on all of the vectors are its points."""
    n = manifest["n"]
    tried = [row for row in rows if row["kind"] == "point"]
    whole = [row for row in tried if row["rows"] == n]
    built = {row["build"] for row in whole}
    left_out = [row for row in rows if row["kind"] == "untested" and row["index"] not in built]
    return SweepResult(
        folder,
        _points(whole),
        pd.DataFrame(
            [{"index": row["index"], "reason": row["reason"]} for row in left_out], columns=["index", "reason"]
        ),
        ledger(tried, float(manifest.get("truth_s", 0.0))),
        truth,
        queries,
        query_rows,
        dict(manifest),
        {row["name"]: np.asarray(row["recalls"], dtype=np.float64) for row in whole},
    )


def _points(rows: Sequence[Row]) -> pd.DataFrame:
    """The table of points, with what depends on others: speed-up, break-even, front."""
    measured = [name for name in COLUMNS if name not in ("speedup", "break_even")]
    table = pd.DataFrame([{**row, "point": row["name"]} for row in rows], columns=[*_NAMES, *measured, "rounds"])
    flat = table.loc[table["build"] == "Flat", "p50_us"]
    baseline = float(flat.iloc[0]) if len(flat) else math.nan
    table["speedup"] = baseline / table["p50_us"]
    table["break_even"] = [
        break_even(build_s, p50, baseline) for build_s, p50 in zip(table["build_s"], table["p50_us"], strict=True)
    ]
    in_final = table["rounds"] == table["rounds"].max()  # 0 while nothing is timed but first timings
    table["front"] = pareto(table["recall"], table["p50_us"].where(in_final))
    return table[[*_NAMES, *COLUMNS, "rounds", "front"]]
