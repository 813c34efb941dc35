"""A sweep that nobody ran: points of six families, whose recalls and answers agree with each other."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.ann import COLUMNS, SweepResult, mean_interval, pareto
from workbench.records import Neighbours

N, D, K, QUERIES = 60_000, 384, 10, 120
HOSTILE = '<img src=x onerror="window.hacked = 1"> <script>hacked = 1</script> $x$ \\(y\\)'

_CAUSES = {
    "flat": ("tie", "tie"), "hnsw": ("ef", "unreachable"), "ivf": ("nprobe", "nprobe"), "pq": ("distorted", "tie"),
    "ivfpq": ("nprobe", "refine"), "sq": ("distorted", "tie"),
}  # fmt: skip


def _rows() -> list[tuple[str, str, float, float, float, float]]:
    """Family, index, the share that is missed, p50 in µs (NaN: not timed), bytes a vector, build in seconds."""
    untimed = float("nan")
    graphs = [
        ("hnsw", f"HNSW{m} efConstruction={c} efSearch={ef}", 1.9 / (ef * m / 8) ** 1.02,
         6.2 * ef**0.66 * (m / 16) ** 0.4, 1556 + 8 * m, 1.5 * m / 16 * c / 100)
        for m, c in ((16, 100), (32, 200)) for ef in (16, 32, 64, 128, 256, 512)
    ]  # fmt: skip
    lists = [
        ("ivf", f"IVF256,Flat nprobe={p}", 0.52 / p**0.92 - 0.0006 * (p > 60), 11 + 5.2 * p, 1544, 0.8)
        for p in (1, 2, 4, 8, 16, 32, 64)
    ]
    codes = [("pq", f"PQ192x4fs,RFlat k_factor={f}", 0.16 / f**1.3, 78 + 3.4 * f, 1632, 1.9) for f in (1, 2, 4, 8, 16)]
    both = [
        ("ivfpq", f"IVF256,PQ192x4fs,RFlat nprobe={p} k_factor={f}", 0.5 / p**0.95 + 0.1 / f**1.6,
         12 + 1.35 * p + 2.4 * f, 1640, 2.1)
        for p, f in ((1, 4), (2, 4), (4, 4), (8, 4), (16, 4), (16, 8), (32, 8), (64, 16))
    ]  # fmt: skip
    rough = [("sq", f"SQ4,RFlat k_factor={f}", 0.05 / f**2, untimed, 1728, 0.3) for f in (1, 2, 4)]
    return [
        ("flat", "Flat", 0.0, 4050.0, 1536, 0.02), *graphs, *lists, *codes, *both,
        ("pq", "PQ48", 0.66, untimed, 48, 3.2), ("sq", "SQ8", 0.021, 1930.0, 384, 0.2), *rough,
    ]  # fmt: skip


def tiny_sweep(folder: Path, *, hostile: bool = False, finished: bool = True, rows: int | None = None) -> SweepResult:
    """The result in a folder; ``rows`` takes the first so many points, ``hostile`` makes markup of what is text."""
    rng = np.random.default_rng(0)
    truth = np.argsort(rng.random((QUERIES, 400)), axis=1)[:, :K] + 50 * np.arange(QUERIES)[:, None]
    hard = rng.gamma(0.6, 1 / 0.6, (QUERIES, 1))
    for part in ("answers", "misses"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    points, recalls = [], {}
    for place, (family, index, missed, p50, size, build) in enumerate(_rows()[:rows]):
        found = rng.random((QUERIES, K)) >= np.clip(max(missed, 0.0) * hard, 0, 0.98)
        each, first = found.mean(axis=1), found[:, 0].astype(np.float64)
        answers = np.where(found, truth, N - 1 - np.arange(QUERIES * K).reshape(QUERIES, K))
        if place % 3 == 2:  # an index that came short
            answers[~found[:, -1], -1] = -1
        name, timed = f"{place:010x}", 0 if np.isnan(p50) else 600
        np.save(folder / "answers" / f"{name}.npy", answers)
        (query, rank), kinds = np.nonzero(~found), _CAUSES[family]
        pd.DataFrame({
            "query": query, "row": truth[query, rank], "rank": rank + 1,
            "cause": np.where(np.arange(len(query)) % 4 < 3, *kinds), "needs": np.nan, "gap": np.nan,
        }).to_parquet(folder / "misses" / f"{name}.parquet", index=False)  # fmt: skip
        recalls[name] = each
        at_k, at_1, stated = mean_interval(each), mean_interval(first), mean_interval(each[1::2])
        per_query = (4050.0 - p50) / 1e6
        points.append({
            "point": name, "family": family, "index": index,
            "build": re.sub(r" (nprobe|k_factor|efSearch)=\d+", "", index),
            "recall": at_k.mean, "recall_low": at_k.low, "recall_high": at_k.high,
            "recall_at_1": at_1.mean, "recall_at_1_low": at_1.low, "recall_at_1_high": at_1.high,
            "recall_tuned": each[::2].mean(), "recall_stated": stated.mean, "recall_stated_low": stated.low,
            "recall_stated_high": stated.high, "worst_decile": np.sort(each)[: QUERIES // 10].mean(),
            "p50_us": p50, "p95_us": 1.35 * p50, "p99_us": 1.8 * p50,
            "p50_low_us": 0.97 * p50, "p50_high_us": 1.06 * p50,
            "timed": timed, "qps": 1.7e6 / p50, "distances": N * 0.01 * (1 + place), "memory_bytes": N * size,
            "serialized_bytes": N * size + 400, "resident_bytes": N * size + 90_000, "train_s": 0.7 * build,
            "add_s": 0.3 * build, "build_s": build, "speedup": 4050.0 / p50,
            "break_even": build / per_query if per_query > 0 else np.inf, "rounds": 5 if timed else 0,
        })  # fmt: skip
    table = pd.DataFrame(points)
    table["front"] = pareto(table["recall"], table["p50_us"])
    untested = [("HNSW64 efConstruction=400", "built on 5,000 vectors only: HNSW32 was better at every target"),
                ("OPQ48,IVF256,PQ48", "over the budget of 60 s")]  # fmt: skip
    if hostile:
        table.loc[table.index[-1], "index"] = f"HNSW8 {HOSTILE}"
        untested.append((HOSTILE, HOSTILE))
    environment = {
        "cpu": f"A processor {HOSTILE if hostile else ''}".strip(), "cores": 2, "faiss": "1.12.0", "numpy": "2.3.0",
        "threads": 1, "time": "2026-01-31T12:00:00+00:00", "platform": "Linux-6.1-x86_64",
    }  # fmt: skip
    return SweepResult(
        folder=folder,
        points=table[["point", "family", "index", "build", *COLUMNS, "rounds", "front"]],
        untested=pd.DataFrame(untested, columns=["index", "reason"]),
        ledger=pd.DataFrame(
            [("one ground truth for all points", 42, 3.1), ("one k-means for each nlist", 7, 11.4),
             ("one build for all search settings", 33, 64.0)], columns=["what", "times", "saved_s"],
        ),
        truth=Neighbours(truth, np.zeros((QUERIES, K), dtype=np.float32), "cosine"),
        queries=rng.normal(size=(QUERIES, D)).astype(np.float32),
        query_rows=np.arange(0, 10 * QUERIES, 10),
        manifest={
            "n": N, "d": D, "metric": "cosine", "k": K, "queries": QUERIES, "fingerprint": "0" * 64, "seed": 0,
            "targets": [0.9, 0.95, 0.97, 0.99, 0.995, 0.999], "seconds": 48.2, "environment": environment,
            "finished": finished,
        },
        _recalls=recalls,
    )  # fmt: skip
