"""The verb map: a page to look at, and how far to trust it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench import atomic
from workbench.cli.inputs import VECTOR_FILES, embedded, read_corpus, vectors_of
from workbench.cli.options import AsJson, Id, Limit, Model, Text
from workbench.cli.output import report
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.geometry import Faithfulness
    from workbench.records import Corpus

__all__ = ["map_"]

_TRUST_AT = 15  # neighbours, as many as UMAP looks at
_OVERLAP_AT = (5, 15, 50)
_METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}


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
    if Path(file).suffix.lower() in VECTOR_FILES:
        vectors = vectors_of(file, {"--text": text, "--id": id, "--color": color}, limit)
    else:
        corpus = read_corpus(file, text, id, limit)
        if color is not None and color not in corpus.metadata.columns:
            known = ", ".join(map(str, corpus.metadata.columns)) or "none"
            raise InputError(f"there is no metadata column {color!r}", f"Those there are: {known}.")
        if method == "umap":
            geometry.warm_up_projection()
        vectors, _, _ = embedded(corpus, model)
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
    report(as_json, found, f"{target}: {title}, {found['seconds']:.1f} s", *trust)


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
