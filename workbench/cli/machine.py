"""The verbs lab and check: this machine, and whether a file of vectors is sound."""

import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.inputs import vectors_of
from workbench.cli.options import AsJson
from workbench.cli.output import one_line, report
from workbench.errors import InputError

__all__ = ["check", "lab"]


def lab(
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port on 127.0.0.1; the first free from 8888.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start JupyterLab on the notebooks, after checking the bundled model."""
    from workbench import embed, lab

    embed.verify_bundled_model()
    server = lab.plan(port=port)
    about = {"url": server.url, "port": server.port, "token": server.token, "notebook": str(server.notebook)}
    report(as_json, {**about, "root": str(server.root), "pid": os.getpid()}, f"JupyterLab: {server.url}")
    sys.stdout.flush()
    lab.start(server, open_browser=open_browser)


def check(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="With --vectors: a file of vectors.")] = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Diagnose FILE's vectors instead of this machine.")
    ] = False,
    drop_model: Annotated[
        str | None, typer.Option(metavar="KEY", help="First forget the cached vectors of this model.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine: what is here, what is missing, how to get it. Or at a file of vectors."""
    from workbench import doctor, embed

    if vectors or file is not None:
        _check_vectors(file, vectors, drop_model, as_json)
        return
    dropped = embed.VectorCache().drop(drop_model) if drop_model is not None else None
    checkup = doctor.check()
    found: dict[str, Any] = checkup.as_dict()
    lines = checkup.lines()
    if drop_model is not None:
        found["dropped"] = {"key": drop_model, "vectors": dropped}
        lines.insert(0, f"dropped {dropped:,} vectors of {drop_model}")
    report(as_json, found, *lines)
    if not checkup.ok:
        raise typer.Exit(2)


def _check_vectors(file: str | None, wanted: bool, drop_model: str | None, as_json: bool) -> None:
    """What a file of vectors is like, and which metric to search it by."""
    from workbench import geometry, tasks

    if file is None:
        raise InputError("--vectors needs a file of vectors", "Write `workbench check FILE --vectors`.")
    if not wanted:
        raise InputError(f"a file was given, {file!r}, and not what to check of it", "Add --vectors, or leave it out.")
    if drop_model is not None:
        raise InputError("--drop-model has nothing to do with a file of vectors", "Use one or the other.")
    vectors = vectors_of(file, {}, None, metric="dot")  # which allows zeros: they are counted
    diagnosis = geometry.diagnose(vectors, metric="cosine")
    advice = tasks.advise_metric(vectors)
    hubs = [] if diagnosis.hubness is None else diagnosis.hubness.hubs.head(5).to_dict("records")
    found = {
        "file": file,
        "n": diagnosis.n,
        "dimensions": diagnosis.dimensions,
        "metric": diagnosis.metric,
        "k": diagnosis.k,
        "sample": diagnosis.sample,
        "measures": diagnosis.table.to_dict("records"),
        "hubs": hubs,
        "advice": {
            "metric": advice.metric,
            "because": advice.because,
            "caveat": advice.caveat,
            "decided_by": advice.decided_by,
        },
    }
    width = max(60, min(120, shutil.get_terminal_size().columns))
    title = f"{one_line(Path(file).name)}: {diagnosis.n:,} vectors of {diagnosis.dimensions:,} dimensions"
    report(as_json, found, title, *diagnosis.lines(width), *textwrap.wrap(str(advice), width))
