"""The verb embed: a corpus into vectors."""

import time
from pathlib import Path
from typing import Annotated

import typer

from workbench import atomic
from workbench.cli.inputs import embedded, read_corpus
from workbench.cli.options import AsJson, File, Id, Limit, Model, Text
from workbench.cli.output import report

__all__ = ["embed"]


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
