"""The verb duplicates: pairs of texts that mean the same, their clusters, and the threshold that labels ask for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.inputs import VECTOR_FILES, embedded, metadata_column, read_corpus, vectors_of
from workbench.cli.options import AsJson, Id, Limit, Model, Text
from workbench.cli.output import one_line, report
from workbench.errors import InputError
from workbench.markup import shorten

if TYPE_CHECKING:
    import pandas as pd

    from workbench.records import Corpus, Vectors
    from workbench.tasks import DuplicateQuality, DuplicateReport, Pairs, ThresholdFit

__all__ = ["duplicates"]

_THRESHOLD = 0.9
_SHOWN = 10
_LETTERS = 70


def duplicates(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Texts, a built-in corpus, or vectors (.npy and the like).")
    ],
    text: Text = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="X", help=f"Least cosine similarity of a pair; {_THRESHOLD} without labels."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column whose equal values are duplicates: fits the threshold, measures it."),
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Through an index, whose recall is then measured.")
    ] = False,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Find the pairs that mean the same, and the clusters they make."""
    import warnings

    from workbench import tasks

    if threshold is not None and not -1 <= threshold <= 1:
        raise InputError(f"the threshold {threshold:g} is no cosine similarity", "Use -1 to 1, such as 0.9.")
    vectors, corpus = _read(file, text, labels, id, model, limit)
    if len(vectors) < 2:
        raise InputError(f"{file!r} holds {len(vectors)} row, which makes no pair", "Give it at least two.")
    fit, curve = None, None
    if labels is not None:
        assert corpus is not None  # _read refuses labels without texts
        column = metadata_column(corpus, labels, file)
        curve = tasks.threshold_curve(vectors, column)
        fit = tasks.fit_threshold(vectors, column) if threshold is None else None
    limit_of = threshold if threshold is not None else fit.threshold if fit is not None else _THRESHOLD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tasks.ChainingWarning)  # said in the answer
        found = tasks.find_duplicates(
            vectors, limit_of, how="approximate" if approximate else "exact", progress=not as_json
        )
    record = _record(found, vectors)
    lines = _lines(found, corpus)
    if curve is not None and corpus is not None:
        quality = (
            fit.held_out
            if fit
            else tasks.duplicate_quality(found.pairs, metadata_column(corpus, labels or "", file), limit_of)
        )
        record |= _judged(quality, fit, curve)
        lines += _said(quality, fit, curve)
    report(as_json, record, *lines, f"{vectors.metric}, {vectors.model or 'model unknown'}")


def _read(
    file: str, text: str | None, labels: str | None, id: str | None, model: str, limit: int | None
) -> "tuple[Vectors, Corpus | None]":
    suffix = Path(file).suffix.lower()
    if suffix in VECTOR_FILES or (suffix == ".parquet" and text is None):
        return vectors_of(file, {"--text": text, "--id": id, "--labels": labels}, limit), None
    corpus = read_corpus(file, text, id, limit)
    if labels is not None:
        metadata_column(corpus, labels, file)  # refused before the texts are encoded
    return embedded(corpus, model)[0], corpus


def _listed(pairs: "Pairs", ids: tuple[str, ...]) -> list[list[Any]]:
    sides = zip(pairs.a.tolist(), pairs.b.tolist(), pairs.scores.tolist(), strict=True)
    return [[ids[a], ids[b], score] for a, b, score in sides]


def _record(found: "DuplicateReport", vectors: "Vectors") -> dict[str, Any]:
    recall = found.pairs.recall
    return {
        "n": len(vectors),
        "threshold": found.threshold,
        "pairs": _listed(found.pairs, found.ids),
        "clusters": found.clusters,
        "chaining": found.chaining or None,
        "recall_of_search": None if recall is None else [recall.mean, recall.low, recall.high],
        "model": str(vectors.model) if vectors.model else None,
        "metric": vectors.metric,
    }


def _judged(quality: "DuplicateQuality", fit: "ThresholdFit | None", curve: "pd.DataFrame") -> dict[str, Any]:
    steps = curve[curve["true"].diff().fillna(curve["true"]) > 0]
    record: dict[str, Any] = {}
    for name in ("precision", "recall", "f1"):
        value = getattr(quality, name)
        record |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
    return record | {
        "measured_on": "the half of the groups that did not choose the threshold" if fit else "all rows",
        "f1_all": fit.everywhere.f1.mean if fit else quality.f1.mean,
        "curve": steps.to_dict("records"),
    }


def _lines(found: "DuplicateReport", corpus: "Corpus | None") -> list[str]:
    pairs = found.pairs
    lines = [
        f"{len(pairs):,} pairs of {pairs.n:,} at {found.threshold:.3f} or more, in {len(found.clusters):,} clusters"
        + (f" of up to {len(found.clusters[0]):,}" if found.clusters else "")
    ]
    if pairs.recall is not None:
        lines.append(f"share of all such pairs that the index found, on a sample: {pairs.recall}")
    for one, two, score in _listed(pairs.first(_SHOWN), found.ids):
        lines.append(f"  {score:.3f}  {one_line(one)}  {one_line(two)}")
        if corpus is not None:
            lines += [f"         {one_line(shorten(corpus.texts[corpus.row(id)], _LETTERS))}" for id in (one, two)]
    if len(pairs) > _SHOWN:
        lines.append(f"  and {len(pairs) - _SHOWN:,} more, which --json lists")
    return [*lines, found.chaining] if found.chaining else lines


def _said(quality: "DuplicateQuality", fit: "ThresholdFit | None", curve: "pd.DataFrame") -> list[str]:
    best = curve.iloc[int(curve["f1"].to_numpy().argmax())]
    where = "threshold chosen on one half of the labelled groups, measured on the other" if fit else "by the labels"
    highest = f"highest F1 of any threshold on all rows {best['f1']:.3f}, at {best['threshold']:.3f}: chosen by itself"
    return [f"{where}: {quality}", highest]
