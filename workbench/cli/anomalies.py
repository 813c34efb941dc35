"""The verb anomalies: how unlike a history of normal lines each line of a file is, and which are alarms."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.inputs import VECTOR_FILES, embedded, metadata_column, read_corpus, vectors_of
from workbench.cli.options import AsJson, File, Id, Limit, Model, Text
from workbench.cli.output import one_line, paragraph, report
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.records import Corpus, Vectors

__all__ = ["anomalies"]

_LISTED = 10


def anomalies(
    file: File,
    text: Text = None,
    history: Annotated[
        str | None, typer.Option(metavar="FILE", help="Normal lines only, of the same form; without it: a warning.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column that tells anomalies: 0, no, normal, - or nothing is none."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(metavar="COL", help="Column that names what caused a line, for intervals of labels.")
    ] = None,
    mask: Annotated[
        bool, typer.Option("--mask", help="Compare lines without numbers, times, addresses, paths and ids.")
    ] = False,
    method: Annotated[
        Literal["knn", "lof", "forest"], typer.Option(help="lof: local outlier factor; forest: isolation forest.")
    ] = "knn",
    k: Annotated[int, typer.Option("--k", min=1, metavar="K", help="Neighbours that are looked at.")] = 5,
    quantile: Annotated[float, typer.Option(metavar="Q", help="Share of normal lines that raise no alarm.")] = 0.99,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Score each line by how unlike normal lines it is, and say which are alarms."""
    import numpy as np

    from workbench.tasks import anomalies as task

    began = time.perf_counter()
    if not 0 <= quantile <= 1:
        raise InputError(f"the quantile {quantile} is no share", "Use 0 to 1, such as 0.99.")
    if groups is not None and labels is None:
        raise InputError("--groups says which labelled lines belong together, and there are no labels", "Add --labels.")
    fresh = task.AnomalyDetector(method, k=k)  # refuses what it does not know before anything is encoded
    corpus = _lines(file, text, id, mask, limit)
    truth = None if labels is None else task.as_labels(_column(corpus, labels, file))
    causes = None if groups is None else _column(corpus, groups, file)
    normal = None if history is None else _lines(history, text, id, mask, None)
    vectors = _vectors(file, corpus, model, mask, limit)
    detector = None
    if history is None:
        scores = task.score_alone(vectors, method, k=k)
        threshold = float(np.quantile(scores, quantile, method="inverted_cdf"))
    else:
        detector = fresh.fit(_vectors(history, normal, model, mask, None))
        scores, threshold = detector.scores(vectors), detector.threshold(quantile)
    raised = int((scores > threshold).sum())
    found: dict[str, Any] = {
        "scores": [[name, float(score)] for name, score in zip(vectors.ids, scores, strict=True)],
        "threshold": threshold,
        "quantile": quantile,
        "alarms": raised,
        "method": method,
        "k": None if method == "forest" else k,
        "masked": mask,
        "history": None if detector is None else {"lines": len(detector), "distinct": detector.distinct},
        "model": None if vectors.model is None else str(vectors.model),
        "seconds": round(time.perf_counter() - began, 3),
    }
    against = f"{len(detector):,} normal lines, {detector.distinct:,} distinct" if detector else "one another"
    lines = [
        f"{len(vectors):,} lines against {against}; {task.METHODS[method]}",
        f"{raised:,} alarms: scores above {threshold:.4f}, which {quantile:.1%} of the "
        f"{'history' if detector else 'lines'} do not pass",
    ]
    if truth is not None:
        quality = task.detection_quality(truth, scores, groups=causes)
        for name, area in (("roc_auc", quality.roc_auc), ("average_precision", quality.average_precision)):
            found |= {name: area.mean, f"{name}_interval": [area.low, area.high]}
        at = task.alarms(truth, scores, threshold, groups=causes)
        found |= {"precision": at.precision.mean, "recall": at.recall.mean, "anomalies": quality.anomalies}
        lines += [
            f"ROC AUC {quality.roc_auc}, average precision {quality.average_precision}; "
            f"{quality.anomalies:,} anomalies",
            f"of the alarms {at.precision.mean:.1%} are anomalies, of the anomalies {at.recall.mean:.1%} are alarms",
        ]
    width = max(40, min(100, shutil.get_terminal_size().columns))
    top = np.argsort(-scores, kind="stable")[:_LISTED]
    near = None if detector is None else detector.nearest(vectors.take(top), 1).ids[:, 0]
    for place, row in enumerate(top):
        lines.append(f"{place + 1:>3}. {scores[row]:.4f}  {one_line(vectors.ids[row])}")
        if corpus is not None:
            lines += paragraph(corpus.texts[row], width)
        if near is not None and normal is not None:
            lines += paragraph(f"nearest normal line: {normal.texts[near[place]]}", width)
    report(as_json, found, *lines)


def _lines(file: str, text: str | None, id: str | None, mask: bool, limit: int | None) -> "Corpus | None":
    """The lines that a file holds; None for a file of vectors."""
    if Path(file).suffix.lower() not in VECTOR_FILES:
        return read_corpus(file, text, id, limit)
    for option, given in (("--text", text), ("--id", id), ("--mask", mask or None)):
        if given is not None:
            raise InputError(f"{option} was given with {file}, which holds vectors and no texts", "Leave it out.")
    return None


def _vectors(file: str, corpus: "Corpus | None", model: str, mask: bool, limit: int | None) -> "Vectors":
    """Vectors of the lines, masked or as they are, or those that a file holds."""
    from workbench import corpora
    from workbench.records import Corpus

    if corpus is None:
        return vectors_of(file, {}, limit)
    if mask:
        corpus = Corpus(corpus.ids, tuple(map(corpora.mask_variables, corpus.texts)), name=corpus.name)
    return embedded(corpus, model)[0]


def _column(corpus: "Corpus | None", name: str, file: str) -> Any:
    """A metadata column of the lines."""
    if corpus is None:
        raise InputError(f"{file} holds vectors, which have no column {name!r}", "Name a file of texts.")
    return metadata_column(corpus, name, file).to_numpy()
