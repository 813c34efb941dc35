"""Benchmarks of retrieval in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/*.tsv."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.corpora.json_lines import json_lines
from workbench.corpora.opening import existing, nearest_first
from workbench.corpora.qrels import read_qrels
from workbench.corpora.rows import corpus_from_rows
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["Benchmark", "is_beir", "read_beir", "read_benchmark", "read_queries"]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A corpus, queries, and how relevant which passage is to which query.

    Parameters
    ----------
    corpus
        What is searched.
    queries
        The judged queries.
    qrels
        Query id -> passage id -> grade; 0 is judged and not relevant, larger is more relevant.

    Raises
    ------
    InputError
        A judgement names a query or a passage that is not there.
    """

    corpus: Corpus
    queries: Corpus
    qrels: dict[str, dict[str, int]] = field(repr=False)

    def __post_init__(self) -> None:
        judged = {passage for grades in self.qrels.values() for passage in grades}
        for kind, names, there in (
            ("query", set(self.qrels), set(self.queries.ids)),
            ("passage", judged, set(self.corpus.ids)),
        ):
            if unknown := sorted(names - there):
                raise InputError(
                    f"{len(unknown):,} judgements are about a {kind} that is not there, first {unknown[0]!r}",
                    "Use queries, corpus and judgements of one release.",
                )


def read_benchmark(folder: Path, split: str) -> Benchmark:
    """The benchmark in a folder in BEIR's layout (Thakur et al. 2021, arXiv:2104.08663).

    Parameters
    ----------
    folder
        Holds ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/``.
    split
        Which judgements: ``qrels/SPLIT.tsv``. Queries without a judgement in it are left out.

    Raises
    ------
    InputError
        A file is missing or malformed, a judgement names what is not there.
    """
    qrels_path = folder / "qrels" / f"{split}.tsv"
    for path in (folder / "corpus.jsonl", folder / "queries.jsonl"):
        existing(path)
    if not qrels_path.exists():
        splits = nearest_first(split, (p.stem for p in (folder / "qrels").glob("*.tsv")))
        fix = f"Take split=, one of: {', '.join(splits)}." if splits else "Put the judgements there."
        raise InputError(f"there is no file {str(qrels_path)!r}", fix)
    qrels = read_qrels(existing(qrels_path))
    queries = read_queries(folder / "queries.jsonl", f"{folder.name} queries")
    judged = [row for row, id in enumerate(queries.ids) if id in qrels]
    return Benchmark(read_beir(folder, folder.name), queries.take(judged), qrels)


def is_beir(folder: Path) -> bool:
    """Whether a folder has BEIR's layout."""
    return (folder / "corpus.jsonl").is_file()


def read_beir(folder: Path, name: str, limit: int | None = None) -> Corpus:
    """The passages of a folder in BEIR's layout.

    The text of a passage is its title, a line end, and its text; the title is in the metadata too, beside what the
    passage's ``metadata`` object holds.
    """
    return _lifted(existing(folder / "corpus.jsonl"), name, limit)


def read_queries(path: Path, name: str) -> Corpus:
    """The queries of a file in BEIR's layout: ``_id``, ``text``, and ``metadata``, whose keys become columns."""
    return _lifted(existing(path), name, None)


def _lifted(path: Path, name: str, limit: int | None) -> Corpus:
    return corpus_from_rows(
        map(_lift, json_lines(path)), source=path, name=name, text="text", id="_id", metadata=None, limit=limit
    )


def _lift(row: dict[str, Any]) -> dict[str, Any]:
    """One row with its ``metadata`` object as columns and its title before its text."""
    outer = dict(row)
    inner = outer.pop("metadata", None) or {}
    if not isinstance(inner, dict):
        inner = {"metadata": inner}  # a word or a number in the place of an object is a column like any other
    title, text = outer.pop("title", None), row.get("text")
    if title:
        outer = {**outer, "title": title, "text": f"{title}\n{text}" if text else title}
    return {**outer, **{key: value for key, value in inner.items() if key not in outer}}
