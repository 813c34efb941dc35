"""The adaptive sweep beside an exhaustive grid of the same families, and beside peers, on the same real vectors.

Targets: a fifth of the grid's time or less; for each recall target the fastest index of either front, built again and
timed side by side, within 5 % in the geometric mean and 20 % at worst; 99 % of the grid's hypervolume.
"""

import math
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np
import pandas as pd
import psutil

from tests.benchmarks.peers.environments import REQUIREMENTS, Answer, ask
from tests.benchmarks.sweep_grid import grid
from tests.benchmarks.timing import arguments, machine, rotate, save
from workbench import corpora, embed
from workbench.ann import (
    TARGETS,
    Database,
    IndexSpec,
    SweepResult,
    build_index,
    fastest,
    hypervolume,
    pinned,
    recall,
    sweep,
    time_queries,
)
from workbench.geometry import normalize
from workbench.records import FloatArray

FAMILIES = ("flat", "hnsw", "ivf", "pq", "ivfpq", "sq")
METRIC, K, QUERIES, TOKENS = "dot", 10, 1_000, 102_000
TIMED = 500  # queries of each round side by side
SMALL = 5_000  # vectors of a sweep that loads the libraries before the peak of memory is watched


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", rounds=11)
    parser.add_argument("--rows", type=int, default=100_000, help="vectors searched (default 100,000)")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="take a .npy file's rows instead of Wikipedia's")
    parser.add_argument(
        "--peers", nargs="*", default=list(REQUIREMENTS), help="peers to run (default all; none: empty)"
    )
    options = parser.parse_args(argv)
    vectors, queries = data(options.vectors, options.rows)
    print(
        f"\nThe sweep: {len(vectors):,} x {vectors.shape[1]}, {len(queries):,} queries, {METRIC}, k = {K}\n{machine()}"
    )

    with tempfile.TemporaryDirectory() as named:
        folder, seconds, results = Path(named), {}, {}
        swept(vectors[:SMALL], queries, folder / "small", families=FAMILIES, budget=5)
        with Peak() as peak:
            results["adaptive"], seconds["adaptive"] = swept(vectors, queries, folder / "adaptive", families=FAMILIES)
        say_memory(peak.grown, vectors, results["adaptive"])
        results["grid"], seconds["grid"] = swept(vectors, queries, folder / "grid", grid=grid(len(vectors)))
        say_seconds(results, seconds)
        again = side_by_side(results, vectors, queries, options.rounds)
        tables = [{"seconds": seconds}, *compare(results, again)]
        tables.append(beside_peers(options.peers, results, again, vectors, queries, folder))
    save(tables, options.json)


def data(file: Path | None, rows: int) -> tuple[FloatArray, FloatArray]:
    """Unit rows to search, and queries that are held out of them at random."""
    if file is None:
        raw = embed.token_vectors(corpora.load("wikipedia"), most=TOKENS).vectors.array
    else:
        raw = np.load(file, mmap_mode="r")
    order = np.random.default_rng(0).permutation(len(raw))[: QUERIES + rows]
    held_out, searched = order[:QUERIES], np.sort(order[QUERIES:])
    return normalize(raw[searched]), normalize(raw[held_out])


def swept(vectors: FloatArray, queries: FloatArray, out: Path, **how: Any) -> tuple[SweepResult, float]:
    began = time.perf_counter()
    result = sweep(vectors, queries, METRIC, K, out=out, progress=False, **how)
    return result, time.perf_counter() - began


def say_memory(grown: int, vectors: FloatArray, result: SweepResult) -> None:
    """The peak of the adaptive sweep beside what it may take: 2.5 times the vectors and the largest index."""
    held = vectors.nbytes + grown
    largest = int(result.points["memory_bytes"].max())
    allowed = 2.5 * vectors.nbytes + largest
    print(
        f"\nPeak memory of the adaptive sweep, the vectors given to it included, libraries and their pools left out: "
        f"{held / 1e6:,.0f} MB; allowed: {allowed / 1e6:,.0f} MB (2.5 times {vectors.nbytes / 1e6:,.0f} MB and an "
        f"index of {largest / 1e6:,.0f} MB)."
    )


def say_seconds(results: Mapping[str, SweepResult], seconds: Mapping[str, float]) -> None:
    for name, result in results.items():
        builds = result.points.drop_duplicates("build")
        print(
            f"{name}: {seconds[name]:,.0f} s, {len(builds)} indexes ({builds['build_s'].sum():,.0f} s of building), "
            f"{len(result.points)} points, {len(result.front)} on the front, {len(result.untested)} not measured"
        )
    ratio = seconds["adaptive"] / seconds["grid"]
    print(f"Adaptive over grid: {ratio:.3f} of the time (target 0.2 or less, aim 0.1).")


def side_by_side(
    results: Mapping[str, SweepResult], vectors: FloatArray, queries: FloatArray, rounds: int
) -> pd.DataFrame:
    """Both fronts built again and timed in the same rounds: by index, ``recall``, ``p50_us`` and ``times``, a list."""
    database = Database(vectors, METRIC)
    asked = database.prepare(queries)
    truth = results["adaptive"].truth
    fronts = sorted({text for result in results.values() for text in [*result.front["index"], *_chosen(result)]})
    texts = list(dict.fromkeys([results["adaptive"].baseline["index"], *fronts]))
    built, contenders, reached = {}, {}, {}
    for text in texts:
        spec = IndexSpec.parse(text)
        if spec.built() not in built:
            built[spec.built()] = build_index(spec.built(), database)
        index = built[spec.built()]
        reached[text] = float(recall(index.search(asked, K, spec.search), truth, asked, database.array).mean())
        contenders[text] = _p50(index.searcher(K, spec.search), asked[:TIMED])
    with pinned(1):
        rotate(contenders, 1)  # a warm-up that is not counted
        times = rotate(contenders, rounds)
    for index in built.values():
        index.close()
    rows = [(text, reached[text], 1e6 * median(times[text]), times[text]) for text in texts]
    return pd.DataFrame(rows, columns=["index", "recall", "p50_us", "times"]).set_index("index")


def compare(results: Mapping[str, SweepResult], again: pd.DataFrame) -> list[dict[str, Any]]:
    """Target by target, then the hypervolume of both fronts, all from the times side by side."""
    rows, ratios = [], []
    for target in TARGETS:
        ours, theirs = (fastest(results[name].points, target, recall="recall_tuned") for name in ("adaptive", "grid"))
        row: dict[str, Any] = {"target": target}
        for name, best in (("adaptive", ours), ("grid", theirs)):
            text = None if best is None else best["index"]
            row |= {name: text or "none reaches it", f"{name}_us": again["p50_us"].get(text, math.nan)}
            row[f"{name}_recall"] = again["recall"].get(text, math.nan)
        row["ratio"] = _ratio(again, ours, theirs)
        if theirs is not None:
            ratios.append(row["ratio"])
        rows.append(row)
    print("\nThe fastest index of either front for each recall target, built again, p50 of one query side by side:")
    for row in rows:
        print(f"  {row['target']:<6} ratio {row['ratio']:.2f}")
        for name in ("adaptive", "grid"):
            print(f"         {name:8} {row[f'{name}_us']:8.1f} µs at recall {row[f'{name}_recall']:.4f}  {row[name]}")
    mean, worst = geometric_mean(ratios), max(ratios)
    print(f"Geometric mean {mean:.3f} (target 1.05 or less), worst {worst:.3f} (target 1.20 or less).")

    slowest, quickest = float(again["p50_us"].max()), float(again["p50_us"].min())
    volumes = {}
    for name, result in results.items():
        front = again.loc[result.front["index"]]
        volumes[name] = hypervolume(front["recall"], front["p50_us"], slowest, quickest)
    share = volumes["adaptive"] / volumes["grid"]
    print(
        f"Hypervolume, recall against log p50 from {quickest:.1f} µs to {slowest:,.1f} µs: adaptive "
        f"{volumes['adaptive']:.4f}, grid {volumes['grid']:.4f}: {share:.4f} of it (target 0.99 or more)."
    )
    return [{"targets": rows, "geometric_mean": mean, "worst": worst}, {"hypervolume": volumes, "share": share}]


def beside_peers(
    peers: Sequence[str],
    results: Mapping[str, SweepResult],
    again: pd.DataFrame,
    vectors: FloatArray,
    queries: FloatArray,
    folder: Path,
) -> dict[str, Any]:
    """What peers spent, said and reached, each beside the fastest of the adaptive front that reaches as much."""
    ours, truth, rows = results["adaptive"], results["adaptive"].truth, []
    flat_us = float(again["p50_us"].iloc[0])
    print("\nPeers at their own defaults. Recall is by our ground truth; speed-up is over Flat in the same process.")
    for peer in peers:
        answers = ask(peer, vectors, queries, K, folder / peer)
        if isinstance(answers, str):
            print(f"{peer}: {answers}")
            continue
        for answer in answers:
            row = _peer_row(answer, float(recall(answer.ids, truth, queries, vectors).mean()))
            best = fastest(ours.points, min(row["recall"], float(ours.points["recall"].max())))
            if best is not None and best["index"] in again.index:
                row |= {"ours": best["index"], "our_speedup": flat_us / again["p50_us"][best["index"]]}
            rows.append(row)
            said = ", ".join(f"{what} {value:.4f}" for what, value in row["reported"].items()) or "no recall"
            print(
                f"{row['name']}: {row['index']}\n    {row['seconds']:,.1f} s spent; says {said}; recall "
                f"{row['recall']:.4f} at {row['p50_us']:,.1f} µs, {row['speedup']:.1f} times as fast as Flat; "
                f"ours with that recall or more: {row.get('our_speedup', math.nan):.1f} times ({row.get('ours')})"
            )
    return {"peers": rows}


def _peer_row(answer: Answer, reached: float) -> dict[str, Any]:
    said = answer.said
    row = {"name": answer.name, "index": said["index"], "seconds": said["seconds"], "reported": said["reported"]}
    return row | {"recall": reached, "p50_us": said["p50_us"], "speedup": said["flat_p50_us"] / said["p50_us"]}


def _chosen(result: SweepResult) -> list[str]:
    found = (fastest(result.points, target, recall="recall_tuned") for target in TARGETS)
    return [best["index"] for best in found if best is not None]


def _ratio(again: pd.DataFrame, ours: "pd.Series | None", theirs: "pd.Series | None") -> float:
    """Median over rounds of our time over theirs; infinite where the grid alone reaches the target."""
    if theirs is None:
        return math.nan
    if ours is None:
        return math.inf
    mine, other = again["times"][ours["index"]], again["times"][theirs["index"]]
    return median(a / b for a, b in zip(mine, other, strict=True))


def _p50(search: Callable[[FloatArray], object], queries: FloatArray) -> Callable[[], float]:
    return lambda: float(np.median(time_queries(search, queries))) / 1e9


class Peak:
    """By how much the resident set has grown at most, looked at twenty times a second."""

    def __enter__(self) -> "Peak":
        self._process, self._done, self.grown = psutil.Process(), threading.Event(), 0
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)


if __name__ == "__main__":
    main()
