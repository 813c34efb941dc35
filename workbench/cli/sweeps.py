"""The verb sweep: which index to use, with the evidence in a folder."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.inputs import vectors_and_queries
from workbench.cli.options import AsJson, Id, Limit, Model, Text
from workbench.cli.output import report, say
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.ann import Advice, SweepResult
    from workbench.records import IntArray, Vectors

__all__ = ["sweep"]

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def sweep(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="Vectors (.npy, .fvecs, .hdf5, .parquet ...), or texts to embed first."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the rows, the truth and report.html.")],
    queries: Annotated[
        str | None, typer.Option(metavar="FILE", help="Queries as FILE; else those of an HDF5 file, or rows held out.")
    ] = None,
    metric: Annotated[
        Literal["cosine", "dot", "euclidean"] | None, typer.Option(help="An HDF5 file's own, or else cosine.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="Neighbours of each query.")] = 10,
    families: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Index families, such as hnsw,ivf,ivfpq; else the default ones."),
    ] = None,
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="Time to spend, such as 120s, 5m or 1h.")] = None,
    recall: Annotated[float, typer.Option(help="Recall@k that the recommendation must reach.")] = 0.95,
    p99_ms: Annotated[float | None, typer.Option("--p99-ms", help="At most so many milliseconds at p99.")] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="At most so much memory, such as 1GB.")] = None,
    build_s: Annotated[float | None, typer.Option("--build-s", help="At most so many seconds of building.")] = None,
    queries_per_day: Annotated[float | None, typer.Option("--queries-per-day", help="What the build pays for.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep that the folder holds.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of held-out queries, subsamples and training.")] = 0,
    text: Text = None,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Measure recall against latency over index families, and recommend one with its evidence."""
    from workbench import ann, view
    from workbench.ann.constraints import constraints

    constraints(recall, p99_ms, memory, build_s)  # refuses what nothing could keep, before the work
    seconds = _seconds(budget)
    chosen = ann.DEFAULT_FAMILIES if families is None else tuple(name.strip() for name in families.split(","))
    if (out / "manifest.json").exists() and not resume:
        raise InputError(
            f"{str(out)!r} holds a sweep already", "Add --resume to go on with it, or name another folder."
        )
    vectors, asked, neighbors = vectors_and_queries(file, queries, metric, text, id, model, limit)
    targets = sorted({*ann.TARGETS, recall})
    result = ann.sweep(vectors, asked, metric, k, chosen, seconds, out=out, targets=targets, seed=seed)
    _warn(result)
    advice = ann.advise(result, recall, p99_ms, memory, build_s, queries_per_day)
    page = view.write_sweep_report(result, advice, out / "report.html")
    agreement = None if neighbors is None else _agreement(result, vectors, neighbors)
    if agreement is not None and agreement < 1:
        say(f"warning: the neighbors in {file} agree with exact search in {agreement:.2%} of their places only")
    report(as_json, _found(result, advice, page, agreement), *_lines(result, advice, page))


def _seconds(budget: str | None) -> float | None:
    """Seconds of a time such as ``120s``."""
    if budget is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", budget)
    if found is None or not float(found[1]):
        raise InputError(f"the budget {budget!r} is no time", "Write it as 120s, 5m or 1h.")
    return float(found[1]) * _SECONDS[found[2] or ""]


def _agreement(result: "SweepResult", vectors: "Vectors", neighbors: "IntArray") -> float:
    """Share of the file's own neighbours that are right by our exact search, ties counted as ties."""
    from workbench import ann

    k = min(result.k, neighbors.shape[1])
    truth = type(result.truth)(result.truth.ids[:, :k], result.truth.scores[:, :k], result.metric)
    return float(ann.recall(neighbors[:, :k], truth, result.queries, vectors.array).mean())


def _warn(result: "SweepResult") -> None:
    """Say what flatters or breaks an index."""
    repeated, known = result.manifest["repeated_rows"], result.manifest["queries_that_are_rows"]
    if repeated:
        say(f"warning: {repeated:,} vectors repeat another; repeated vectors crowd graphs and share places among ties")
    if known:
        say(f"warning: {known:,} of {len(result.queries):,} queries are vectors that they search, and find themselves")


def _found(result: "SweepResult", advice: "Advice", page: Path, agreement: float | None) -> dict[str, Any]:
    from workbench import ann

    said = advice.record()
    return {
        **{name: result.manifest[name] for name in ("n", "d", "metric", "k", "seed", "targets", "seconds")},
        "queries": len(result.queries),
        "queries_held_out": result.query_rows is not None,
        "points": [ann.point_record(row) for _, row in result.points.iterrows()],
        "front": [ann.point_record(row) for _, row in result.front.iterrows()],
        "recommended": said.pop("recommended"),
        "advice": said,
        "baseline": ann.point_record(result.baseline),
        "shared": result.ledger.to_dict("records"),
        "untested": result.untested.to_dict("records"),
        "repeated_rows": result.manifest["repeated_rows"],
        "queries_that_are_rows": result.manifest["queries_that_are_rows"],
        "neighbors_agree": agreement,
        "environment": result.manifest["environment"],
        "report": str(page),
    }


def _lines(result: "SweepResult", advice: "Advice", page: Path) -> list[str]:
    """What a person reads: the advice, the front, and where the evidence is."""
    head = f"{'recall':>7}  {'p50 µs':>9}  {'p99 µs':>9}  {'MB':>8}  {'build s':>7}  index"
    rows = [
        f"{row['recall']:7.4f}  {row['p50_us']:9,.1f}  {row['p99_us']:9,.1f}  {row['memory_bytes'] / 1e6:8,.1f}"
        f"  {row['build_s']:7,.1f}  {row['index']}"
        for row in result.front.to_dict("records")
    ]
    measured = f"{len(result.points):,} points in {result.manifest['seconds']:,.0f} s"
    left = f"{len(result.untested):,} builds were not measured on all of the vectors: the report says why"
    return [advice.text, "", head, *rows, "", f"{measured}; {left}", str(page)]
