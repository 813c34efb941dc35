"""The command line: it reads arguments, calls the rooms, and prints; it computes nothing itself.

``--json`` prints one JSON object on standard output and nothing else; progress, warnings and logs go to standard
error. Exit status 0 is success; 2 is bad input, with one line that says what and how to mend it.
"""

import json
import os
import shutil
import sys
import textwrap
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench import atomic
from workbench.errors import InputError, WorkbenchError
from workbench.markup import plain

if TYPE_CHECKING:
    from workbench.embed import SentenceEncoder
    from workbench.geometry import Faithfulness
    from workbench.records import Corpus, Metric, Vectors

# Rooms are imported inside the verbs: `workbench --help` must not wait for them.

__all__ = ["app", "main", "run"]

_INTERRUPTED = 130  # what typer makes of Ctrl-C
_TRUST_AT = 15  # neighbours, as many as UMAP looks at
_OVERLAP_AT = (5, 15, 50)
_METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
_VECTOR_FILES = {".npy", ".npz", ".fvecs", ".ivecs", ".bvecs", ".hdf5", ".h5"}

app = typer.Typer(
    name="workbench",
    help="Embeddings and vector search, measured honestly. FILE is a CSV, TSV, JSONL, Parquet or text file, a folder, "
    "or a built-in corpus such as wikipedia.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="A file, a folder, or a built-in corpus such as wikipedia.")]
Text = Annotated[str | None, typer.Option("--text", metavar="COL", help="Column that holds the text.")]
Id = Annotated[
    str | None, typer.Option("--id", metavar="COL", help="Column of the ids; else id or _id, or rows are numbered.")
]
Model = Annotated[str, typer.Option(help="bundled, a Hugging Face hub id, or a local folder.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Read only the first N passages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command()
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
    _report(as_json, {**about, "root": str(server.root), "pid": os.getpid()}, f"JupyterLab: {server.url}")
    sys.stdout.flush()
    lab.start(server, open_browser=open_browser)


@app.command()
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
    _report(as_json, found, *lines)
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
    vectors = _vectors_of(file, {}, None, metric="dot")  # which allows zeros: they are counted
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
    title = f"{_one_line(Path(file).name)}: {diagnosis.n:,} vectors of {diagnosis.dimensions:,} dimensions"
    _report(as_json, found, title, *diagnosis.lines(width), *textwrap.wrap(str(advice), width))


@app.command()
def embed(
    file: File,
    out: Annotated[Path, typer.Option(metavar="V.npy", help="Where to write the vectors, (n, d) float32.")],
    text: Text = None,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Encode a corpus into vectors; texts that were encoded before come from the cache."""
    import numpy as np

    began = time.perf_counter()
    target = atomic.output_path(out, ".npy")
    vectors, _, report = _embedded(_corpus(file, text, id, limit), model)
    with atomic.replacing(target) as part:
        np.save(part, vectors.array)
    found = {
        "n": len(vectors),
        "dimensions": vectors.dimensions,
        "model": str(vectors.model),
        "encoded": report.encoded,
        "from_cache": report.from_cache,
        "seconds": round(time.perf_counter() - began, 3),
        "encode_seconds": round(report.encode_seconds, 3),
        "out": str(target),
    }
    _report(
        as_json,
        found,
        f"{found['n']:,} vectors of {found['dimensions']} dimensions in {target}",
        f"{found['encoded']:,} encoded in {found['encode_seconds']:.1f} s, {found['from_cache']:,} from the cache; "
        f"{found['seconds']:.1f} s in all",
        f"model {found['model']}",
    )


@app.command()
def search(
    file: File,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, in your own words.")],
    text: Text = None,
    k: Annotated[int, typer.Option("--k", min=1, metavar="K", help="How many passages to list.")] = 5,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the passages of a corpus that are closest in meaning to a query."""
    from workbench import tasks

    if not query.strip():
        raise InputError("the query is empty", "Write what you are looking for, in quotes.")
    corpus = _corpus(file, text, id, limit)
    vectors, encoder, _ = _embedded(corpus, model)
    hits = tasks.SemanticIndex(corpus, vectors, encoder).search([query], min(k, len(corpus)))[0]
    found = {
        "query": query,
        "hits": [{"id": h.id, "score": h.score, "text": h.text, "metadata": dict(h.metadata)} for h in hits],
        "model": str(vectors.model),
        "metric": vectors.metric,
    }
    width = max(40, min(100, shutil.get_terminal_size().columns))
    lines = [
        line
        for rank, hit in enumerate(hits, 1)
        for line in (f"{rank:>3}. {hit.score:.3f}  {_one_line(hit.id)}", *_paragraph(hit.text, width))
    ]
    _report(as_json, found, *lines, f"{vectors.metric}, {vectors.model}")


@app.command(name="map")
def map_(
    file: Annotated[str, typer.Argument(metavar="FILE|V.npy", help="As for the other verbs, or a file of vectors.")],
    out: Annotated[Path, typer.Option(metavar="MAP.html", help="Where to write the page; it needs no network.")],
    text: Text = None,
    color: Annotated[str | None, typer.Option(metavar="COL", help="Metadata column to color by.")] = None,
    id: Id = None,
    model: Model = "bundled",
    method: Annotated[Literal["umap", "tsne", "pca"], typer.Option(help="How to project to two dimensions.")] = "umap",
    seed: Annotated[int, typer.Option(help="Seed of the projection.")] = 0,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Draw a corpus, or a file of vectors, as one page with search, and say how far to trust the map."""
    from workbench import geometry, view

    began = time.perf_counter()
    target = atomic.output_path(out, ".html")
    corpus: Corpus | None = None
    if Path(file).suffix.lower() in _VECTOR_FILES:
        vectors = _vectors_of(file, {"--text": text, "--id": id, "--color": color}, limit)
    else:
        corpus = _corpus(file, text, id, limit)
        if color is not None and color not in corpus.metadata.columns:
            known = ", ".join(map(str, corpus.metadata.columns)) or "none"
            raise InputError(f"there is no metadata column {color!r}", f"Those there are: {known}.")
        if method == "umap":
            geometry.warm_up_projection()
        vectors, _, _ = _embedded(corpus, model)
    coordinates = geometry.project(vectors, method=method, dimensions=2, seed=seed)
    title = f"{corpus.name if corpus else Path(file).name}: {len(vectors):,} points, {_METHODS[method]}"
    # With fewer than three points, none is nearer than another.
    k = min(_TRUST_AT, (len(vectors) - 1) // 2)
    faith = geometry.faithfulness(vectors, coordinates, k, overlap_at=(k, *_OVERLAP_AT), seed=seed) if k else None
    names = view.passage_titles(corpus) if corpus else None
    texts = corpus.texts if corpus else [f"row {name}" for name in vectors.ids]
    shades = corpus.metadata[color] if corpus is not None and color is not None else None
    view.write_map_page(
        target, coordinates, texts, title=title, titles=names, color=shades, statement=_statement(faith)
    )
    found = {
        "n": len(vectors),
        "dimensions": vectors.dimensions,
        "model": str(vectors.model) if vectors.model else None,
        "method": method,
        "seed": seed,
        "faithfulness": _measures(faith),
        "seconds": round(time.perf_counter() - began, 3),
        "out": str(target),
    }
    trust = ["too few points to say how far to trust it" if faith is None else str(faith)]
    _report(as_json, found, f"{target}: {title}, {found['seconds']:.1f} s", *trust)


def _measures(faith: "Faithfulness | None") -> dict[str, Any] | None:
    """What was measured of a map, for a program."""
    if faith is None:
        return None
    measures = {
        line["measure"]: {name: line[name] for name in ("value", "low", "high")}
        for line in faith.table().to_dict("records")
    }
    return {
        "k": faith.k,
        "metric": faith.metric,
        "exact": faith.exact,
        "measured": faith.measured,
        "measures": measures,
    }


def _statement(faith: "Faithfulness | None") -> list[tuple[str, str, str]]:
    """What was measured of a map, for a person: name, value, meaning."""
    if faith is None:
        return [("not measured", "", "With fewer than three points, none is nearer than another.")]
    lines = []
    for line in faith.table().to_dict("records"):
        interval = "" if faith.exact else f" [{line['low']:.2f}, {line['high']:.2f}]"
        lines.append((line["measure"], f"{line['value']:.2f}{interval}", line["meaning"]))
    if not faith.exact:
        about = "points drawn at random, each against all others; in brackets, 95 % intervals"
        lines.append(("measured on", f"{faith.measured:,} of {faith.n:,}", about))
    return lines


def _corpus(file: str, text: str | None, id: str | None, limit: int | None) -> "Corpus":
    """The corpus that FILE names: a built-in one, or read from disk."""
    from workbench import corpora

    builtin = corpora.builtin()
    if file not in builtin:
        if not Path(file).suffix and not Path(file).exists():
            raise InputError(
                f"there is no file {file!r}", f"Check the path; the built-in corpora are {', '.join(builtin)}."
            )
        return corpora.read(Path(file), text=text, id=id, limit=limit)
    for option, given, has in (("--text", text, "text"), ("--id", id, "id")):
        if given not in (None, has):
            raise InputError(
                f"the built-in corpus {file!r} has no column {given!r}",
                f"Leave {option} out, or write ./{file} for a file of that name.",
            )
    corpus = corpora.load(file)
    return corpus if limit is None else corpus.take(range(min(limit, len(corpus))))


def _vectors_of(file: str, unused: dict[str, str | None], limit: int | None, metric: "Metric" = "cosine") -> "Vectors":
    """Vectors from a file, for which the options about texts mean nothing."""
    from workbench import corpora

    for option, given in unused.items():
        if given is not None:
            raise InputError(
                f"{option} {given} was given with {file}, which holds vectors and no texts", "Leave it out."
            )
    vectors = corpora.read_vectors(Path(file), metric=metric)
    return vectors if limit is None else vectors.take(range(min(limit, len(vectors))))


def _embedded(corpus: "Corpus", model: str) -> tuple["Vectors", "SentenceEncoder", Any]:
    """The corpus's vectors, the encoder that made them, and the account of what was encoded."""
    from workbench import embed

    encoder = embed.SentenceEncoder(model)
    vectors, report = embed.embed_with_report(corpus, encoder)
    return vectors, encoder, report


def _plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers and arrays, NaN (null), dates and paths (text)."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if value != value or value in (float("inf"), float("-inf")):
        return None
    return value if isinstance(value, float) else str(value)


def _report(as_json: bool, found: dict[str, Any], *lines: str) -> None:
    """Print the result, for a program or for a person."""
    try:
        typer.echo(json.dumps(_plain(found), allow_nan=False) if as_json else "\n".join(lines))
    except BrokenPipeError:  # whoever reads has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit


def _one_line(message: object) -> str:
    """A message on one line, without control characters that a terminal would act on."""
    return " ".join(plain(message).split())


def _paragraph(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        _one_line(text), width, initial_indent="     ", subsequent_indent="     ", max_lines=3, placeholder=" …"
    )


def _say(message: object) -> None:
    typer.echo(f"workbench: {_one_line(message)}", err=True)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; only a bug in the workbench raises."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: _say(f"warning: {message}")
        try:
            status = app(list(arguments) or ["--help"], prog_name="workbench", standalone_mode=False)
            if status == _INTERRUPTED:
                _say("interrupted; what was encoded is in the cache")
            return status if isinstance(status, int) else 0
        except typer.TyperException as error:
            command = getattr(getattr(error, "ctx", None), "command_path", "workbench")
            _say(f"{error.format_message().rstrip('.')}. See `{command} --help`.")
        except WorkbenchError as error:
            _say(error)
        except BrokenPipeError:
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # or Python complains when it flushes at exit
            return 0
        except OSError as error:
            _say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return 2


def main() -> None:
    """Entry point of the ``workbench`` command."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
