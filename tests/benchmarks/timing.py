"""Fair timing: every contender in every round, so that a slow minute hurts all alike; medians with their spread."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.ann import provenance


def interleave(contenders: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, list[float]]:
    """Time every contender once in each round, after one untimed call; the order turns from round to round.

    Parameters
    ----------
    contenders
        Functions to time, by name.
    rounds
        Timed calls of each.

    Returns
    -------
    dict
        Name -> seconds, one for each round.
    """
    for contender in contenders.values():
        contender()
    return rotate({name: _timed(contender) for name, contender in contenders.items()}, rounds)


def rotate(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each contender reports by itself in each round; the order turns from round to round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(contenders[name]())
    return times


def summary(times: Mapping[str, Sequence[float]], baseline: str) -> list[dict[str, Any]]:
    """One row per contender: median, fastest and slowest seconds, and the ratio to the baseline.

    The ratio is the median of the rounds' ratios, each against the baseline's time in the same round.
    """
    rows = []
    for name, seconds in times.items():
        ratios = [own / peer for own, peer in zip(seconds, times[baseline], strict=True)]
        row = {"name": name, "median_s": statistics.median(seconds), "min_s": min(seconds), "max_s": max(seconds)}
        ratio = {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}
        rows.append(row | ratio | {"rounds": len(seconds)})
    return rows


def report(
    title: str,
    times: Mapping[str, Sequence[float]],
    baseline: str,
    notes: Sequence[str] = (),
    out: Path | None = None,
) -> dict[str, Any]:
    """Print one readable table of ratios to the baseline; write it to ``out`` where one is named, and return it."""
    rows = summary(times, baseline)
    width = max(len(name) for name in times)
    print(f"\n{title}\n{machine()}\n")
    print(f"{'':{width}}  {'median':>9}  {'fastest to slowest':>22}  {'ratio':>6}  {'lowest to highest':>17}")
    for row in rows:
        spread = f"{_seconds(row['min_s'])} to {_seconds(row['max_s'])}"
        ratios = f"{row['ratio_min']:.2f} to {row['ratio_max']:.2f}"
        print(f"{row['name']:{width}}  {_seconds(row['median_s']):>9}  {spread:>22}  {row['ratio']:6.2f}  {ratios:>17}")
    print(f"\n{rows[0]['rounds']} interleaved rounds; ratios to {baseline!r} within a round.")
    for note in notes:
        print(note)
    table = {"title": title, "machine": machine(), "baseline": baseline, "rows": rows, "notes": list(notes)}
    save([table], out)
    return table


def save(tables: Sequence[Mapping[str, Any]], out: Path | None) -> None:
    """Write tables as a JSON list to the file that ``--json`` named, if it named one."""
    if out is not None:
        out.write_text(json.dumps(list(tables), indent=2) + "\n")


def arguments(description: str, rounds: int = 5) -> argparse.ArgumentParser:
    """Options that every benchmark takes: ``--rounds`` and ``--json FILE``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"interleaved rounds (default {rounds})")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the table to FILE; nothing else is written"
    )
    return parser


def machine() -> str:
    """What the figures were measured on: processor, cores, load, Python and the libraries that do the work."""
    from importlib.metadata import version

    libraries = " ".join(f"{name} {version(name)}" for name in ("numpy", "faiss-cpu", "torch", "umap-learn", "numba"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{provenance()['cpu']}, {os.cpu_count()} cores, load {load:.1f}; "
        f"{platform.system()}, Python {platform.python_version()}, {libraries}"
    )


def _timed(function: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return once


def _seconds(value: float) -> str:
    if value < 1e-3:
        return f"{1e6 * value:.1f} µs"
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"
