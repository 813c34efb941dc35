"""Sweeps made by hand: a table of points, and a recall of each query at each of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.ann import SweepResult
from workbench.intervals import Interval
from workbench.records import Neighbours

QUERIES = 200


def made(*rows: dict, n: int = 100_000, d: int = 384, k: int = 10, seed: int = 0, **manifest) -> SweepResult:
    """A result of rows with ``index``, ``family``, ``recall``, ``p50``, and where they differ from a default more.

    ``spread`` is the share of the p50 by which its rounds differ. Each query finds a share that scatters about the
    recall, and that share is what ``recalls`` gives back.
    """
    rng = np.random.default_rng(seed)
    table, recalls = [], {}
    for number, row in enumerate(rows):
        recall, p50, spread = row["recall"], row["p50"], row.get("spread", 0.02)
        each = rng.binomial(k, recall, size=QUERIES) / k
        whole, stated = _interval(each), _interval(each[1::2])
        name = f"{number:010x}"
        recalls[name] = each
        table.append(
            {
                "point": name,
                "family": row["family"],
                "index": row["index"],
                "build": row["index"].rpartition(" ")[0] or row["index"],
                "recall": whole.mean,
                "recall_low": whole.low,
                "recall_high": whole.high,
                "recall_at_1": whole.mean,
                "recall_at_1_low": whole.low,
                "recall_at_1_high": whole.high,
                "worst_decile": float(np.sort(each)[: QUERIES // 10].mean()),
                "recall_tuned": row.get("tuned", float(each[::2].mean())),
                "recall_stated": stated.mean,
                "recall_stated_low": stated.low,
                "recall_stated_high": stated.high,
                "p50_us": p50,
                "p95_us": 1.5 * p50,
                "p99_us": row.get("p99", 2 * p50),
                "p50_low_us": p50 * (1 - spread),
                "p50_high_us": p50 * (1 + spread),
                "timed": row.get("timed", 5 * QUERIES),
                "rounds": row.get("rounds", 5),
                "memory_bytes": row.get("memory", 4 * n * d),
                "serialized_bytes": row.get("memory", 4 * n * d),
                "resident_bytes": row.get("memory", 4 * n * d),
                "qps": 1e6 / p50,
                "distances": float(n),
                "train_s": row.get("build_s", 0.05) / 2,
                "add_s": row.get("build_s", 0.05) / 2,
                "build_s": row.get("build_s", 0.05),
                "front": False,
            }
        )
    points = pd.DataFrame(table)
    flat = points.loc[points["family"] == "flat", "p50_us"]
    exact = float(flat.iloc[0]) if len(flat) else np.nan
    points["speedup"] = exact / points["p50_us"]
    saved = (exact - points["p50_us"]) / 1e6
    points["break_even"] = np.where(saved > 0, points["build_s"] / saved.where(saved > 0, 1.0), np.inf)
    about = {"n": n, "d": d, "metric": "dot", "k": k, "queries": "held out", "targets": [0.9, 0.95, 0.97, 0.99, 0.995]}
    nothing = np.zeros((QUERIES, k))
    return SweepResult(
        folder=Path("nowhere"),
        points=points,
        untested=pd.DataFrame(columns=["index", "reason"]),
        ledger=pd.DataFrame(columns=["what", "times", "saved_s"]),
        truth=Neighbours(ids=nothing.astype(np.int64), scores=nothing.astype(np.float32), metric="dot"),
        queries=np.zeros((QUERIES, d), dtype=np.float32),
        query_rows=None,
        manifest={**about, "finished": True, "environment": {}, **manifest},
        _recalls=recalls,
    )


def _interval(values: np.ndarray) -> Interval:
    """The normal one, which is good enough here and takes no time."""
    mean, reach = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))
