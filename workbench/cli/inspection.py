"""The verb explain: why an index, or a point of a sweep, missed the neighbours that it missed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.inputs import vectors_and_queries
from workbench.cli.options import AsJson, Id, Limit, Model, Text
from workbench.cli.output import report
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.ann import Explanation, IndexSpec, Misses, SweepResult
    from workbench.records import FloatArray, IntArray, Vectors

__all__ = ["explain"]

_BAR = 24  # characters of the longest bar
_FIRST, _SHOWN = 10, 50  # neighbours that are listed even where they are found, and at most


def explain(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|DIR", help="Vectors, or texts to embed first; or the folder of a sweep."),
    ],
    index: Annotated[
        str | None,
        typer.Option(metavar="INDEX", help='The index to build, such as HNSW16 or "IVF256,PQ48 nprobe=8".'),
    ] = None,
    query: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Row of FILE, which is then left out of the search; or of the queries, where there are some.",
        ),
    ] = None,
    queries: Annotated[
        str | None, typer.Option(metavar="FILE", help="Queries as FILE; else an HDF5 file's own.")
    ] = None,
    ef: Annotated[int | None, typer.Option(min=1, help="Candidates that the search of a graph keeps.")] = None,
    nprobe: Annotated[int | None, typer.Option(min=1, help="Inverted lists that are probed.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, metavar="K", help="Neighbours of the query.")] = 10,
    metric: Annotated[
        Literal["cosine", "dot", "euclidean"] | None, typer.Option(help="An HDF5 file's own, or else cosine.")
    ] = None,
    point: Annotated[
        str | None, typer.Option(metavar="P", help="Point of the sweep, by name or index; else all on its front.")
    ] = None,
    text: Text = None,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Say why true neighbours were missed, and what would have found them: of one query, or of a sweep's points."""
    if Path(file).is_dir() and (Path(file) / "manifest.json").exists():
        _sweep(context, file, point, as_json)
        return
    if point is not None:
        raise InputError(f"--point {point} was given, and {file!r} holds no sweep", "Name the folder of a sweep.")
    if index is None or query is None:
        raise InputError(
            f"{file!r} was given without {'an index' if index is None else 'a query'}",
            "Add --index, such as --index HNSW16, and --query, the row to ask for.",
        )
    from workbench import ann
    from workbench.ann.inspection.attribution import check_open

    spec = _with_settings(ann.IndexSpec.parse(index), ef, nprobe)
    check_open(spec)
    vectors, held, _ = vectors_and_queries(file, queries, metric, text, id, model, limit)
    asked, rows = _asked(file, vectors, queries, held, query)
    database = ann.Database(vectors.array, metric or vectors.metric, rows=rows)
    ann.check_spec(spec, n=database.n, d=database.d, metric=database.metric, k=k)
    built = ann.build_index(spec, database)
    found = ann.explain(built, asked, k, spec.search)
    about = {"file": file, "query": query, "queries": queries}
    report(as_json, {**about, **found.record(rows)}, *_lines(found, vectors.ids, rows))


def _with_settings(spec: "IndexSpec", ef: int | None, nprobe: int | None) -> "IndexSpec":
    """The index with the search settings of the options."""
    given = {"nprobe": nprobe, "ef" if "ef" in spec.search_names else "efSearch": ef}
    return spec.with_search(**{name: value for name, value in given.items() if value is not None})


def _asked(
    file: str, vectors: "Vectors", queries: str | None, held: "Vectors | None", query: int
) -> "tuple[FloatArray, IntArray]":
    """The query, and the rows to search: all but the query, where it is one of them."""
    import numpy as np

    source = vectors if held is None else held
    if query >= len(source):
        raise InputError(f"--query {query} of the {len(source):,} rows of {queries or file!r}", "Rows count from 0.")
    rows = np.arange(len(vectors))
    return source.array[query], np.delete(rows, query) if held is None else rows


def _lines(found: "Explanation", ids: tuple[str, ...], rows: "IntArray") -> list[str]:
    """What a person reads: the verdict, and each true neighbour with what became of it."""
    from workbench import ann

    table = found.neighbours
    table = table[(table["rank"] <= _FIRST) | table["cause"].notna()].head(_SHOWN)
    width = max(len(ids[row]) for row in rows[table["row"]])
    lines = []
    for one in table.to_dict("records"):
        fate = "found" if one["found"] else "a tied one was found instead"
        if isinstance(one["cause"], str):
            fate = ann.CAUSE_LABELS[one["cause"]]
            if one["needs"] == one["needs"]:
                fate += f"; {found.misses.setting(one['cause'])}={one['needs']:,.0f} finds it"
            if one["gap"] == one["gap"]:
                beyond = f"{100 * one['gap']:.2g} % beyond the worst answer"
                fate += f", {beyond}" if one["cause"] == "distorted" else f"; its code lies {beyond}"
        lines.append(f"{one['rank']:>4}. {ids[rows[one['row']]]:{width}}  {one['score']:.4f}  {fate}")
    if len(table) < found.k:
        lines.append(f"and {found.k - len(table):,} more, which --json lists")
    return [f"{found.spec}, {found.n:,} x {found.d} by {found.metric}", found.verdict, "", *lines]


def _sweep(context: typer.Context, folder: str, point: str | None, as_json: bool) -> None:
    """The causes of the points of a sweep."""
    from workbench import ann

    for name, given in context.params.items():
        if name not in ("file", "point", "as_json") and _given(context, name):
            raise InputError(f"--{name} {given} was given with the sweep in {folder!r}", "Leave it out; use --point.")
    result = ann.open_sweep(folder)
    front = result.front
    names = [str(name) for name in front["point"]] if point is None else [str(result.point(point)["point"])]
    kept = {name: misses for name in names if (misses := result.misses(name)) is not None}
    if point is not None and not kept:
        raise InputError(
            f"the sweep in {folder!r} did not keep what {result.point(point)['index']} missed",
            "Qdrant does not show it; for another index, sweep again.",
        )
    found = {
        "folder": folder,
        **{name: result.manifest[name] for name in ("n", "d", "metric", "k")},
        "points": [_point(result, name, misses, listed=point is not None) for name, misses in kept.items()],
    }
    lines = [line for name, misses in kept.items() for line in _bars(result, name, misses)]
    report(as_json, found, *lines[:-1])


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _point(result: "SweepResult", name: str, misses: "Misses", *, listed: bool) -> dict[str, Any]:
    row = result.point(name)
    about = {"point": name, "index": str(row["index"]), **misses.record()}
    return {**about, "each": misses.each.to_dict("records")} if listed else about


def _bars(result: "SweepResult", name: str, misses: "Misses") -> list[str]:
    """A point's causes as bars of text, and what to turn next."""
    from workbench import ann

    shares = {cause: share for cause, share in misses.shares.items() if share}
    longest = max(shares.values(), default=1.0)
    width = max((len(ann.CAUSE_LABELS[cause]) for cause in shares), default=0)
    head = f"{result.point(name)['index']}: recall@{misses.k} {misses.recall:.4f}"
    bars = [
        f"  {ann.CAUSE_LABELS[cause]:{width}}  {share:7.2%}  {'█' * max(1, round(_BAR * share / longest))}"
        for cause, share in shares.items()
    ]
    return [head, *bars, f"  {misses.advice}", ""]
