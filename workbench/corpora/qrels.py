"""Relevance judgements from a file: which passage answers which query, and how well."""

from collections.abc import Iterator
from pathlib import Path

from workbench.corpora.opening import existing, utf8_lines
from workbench.errors import InputError

__all__ = ["read_qrels"]

_HEADER = {"score", "grade", "relevance", "rel"}


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Judgements, a line each: query id, passage id and grade, parted by tabs; a header is passed over.

    TREC's four columns (query id, an iteration that nobody uses, passage id, grade), parted by blanks, are read too.

    Parameters
    ----------
    path
        Of the file, such as ``qrels/test.tsv`` of a BEIR folder.

    Returns
    -------
    dict
        Query id -> passage id -> grade.

    Raises
    ------
    InputError
        There is no such file, a line is no judgement, one pair is judged twice and otherwise, or no line is left.
    """
    path = existing(path)
    judgements: dict[str, dict[str, int]] = {}
    for number, query, passage, grade in _judgements(path):
        if judgements.setdefault(query, {}).setdefault(passage, grade) != grade:
            raise InputError(
                f"line {number:,} of {str(path)!r} judges {passage!r} for {query!r} a second time, and otherwise",
                "Keep one judgement for each pair.",
            )
    if not judgements:
        raise InputError(f"{str(path)!r} holds no judgements", "Write lines of query id, passage id and grade.")
    return judgements


def _judgements(path: Path) -> Iterator[tuple[int, str, str, int]]:
    for number, line in enumerate(utf8_lines(path), start=1):
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) == 1 and len(line.split()) == 4:
            fields = line.split()
        if fields == [""] or (number == 1 and fields[-1].strip().lower() in _HEADER):
            continue
        if len(fields) == 4:
            del fields[1]
        if len(fields) != 3 or not fields[2].strip().lstrip("-").isdigit():
            raise InputError(
                f"line {number:,} of {str(path)!r} is not a judgement: {line.rstrip()!r}",
                "Write query id, passage id and a whole number, parted by tabs.",
            )
        yield number, fields[0], fields[1], int(fields[2])
