"""The verbs embed and search: a corpus into vectors, and its passages by meaning."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from workbench import atomic
from workbench.cli.inputs import embedded, read_corpus
from workbench.cli.options import AsJson, File, Id, Limit, Model, Text
from workbench.cli.output import one_line, paragraph, report
from workbench.errors import InputError

__all__ = ["embed", "search"]


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
    vectors, _, account = embedded(read_corpus(file, text, id, limit), model)
    with atomic.replacing(target) as part:
        np.save(part, vectors.array)
    found = {
        "n": len(vectors),
        "dimensions": vectors.dimensions,
        "model": str(vectors.model),
        "encoded": account.encoded,
        "from_cache": account.from_cache,
        "seconds": round(time.perf_counter() - began, 3),
        "encode_seconds": round(account.encode_seconds, 3),
        "out": str(target),
    }
    report(
        as_json,
        found,
        f"{found['n']:,} vectors of {found['dimensions']} dimensions in {target}",
        f"{found['encoded']:,} encoded in {found['encode_seconds']:.1f} s, {found['from_cache']:,} from the cache; "
        f"{found['seconds']:.1f} s in all",
        f"model {found['model']}",
    )


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
    corpus = read_corpus(file, text, id, limit)
    vectors, encoder, _ = embedded(corpus, model)
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
        for line in (f"{rank:>3}. {hit.score:.3f}  {one_line(hit.id)}", *paragraph(hit.text, width))
    ]
    report(as_json, found, *lines, f"{vectors.metric}, {vectors.model}")
