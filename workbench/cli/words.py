"""The verb analogy: what completes one, and how many of a file of them are answered rightly."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import one_line, report
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.embed.words import StaticVectors
    from workbench.geometry.analogies import Evaluation

__all__ = ["analogy"]

_LISTED = 10  # answers, where --k does not say
_OWN = "  its own word"
_UNKNOWN = 5  # words that are reported with their spellings


def analogy(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[A_STAR A B]", help="Three words, as in: king man woman.")
    ] = None,
    evaluate: Annotated[
        str | None, typer.Option(metavar="google|FILE", help="Answer a file of questions instead: a a* b b* on a line.")
    ] = None,
    vectors: Annotated[
        str | None, typer.Option(metavar="FILE", help="Word vectors; else those of the bundled model's token table.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="3cosadd, 3cosmul, pairdirection; baselines: only-b, only-a-star, ignore-a.")
    ] = "3cosadd",
    allow_inputs: Annotated[
        bool, typer.Option("--allow-inputs", help="The question's own words may be answers.")
    ] = False,
    k: Annotated[
        int | None, typer.Option("--k", min=1, metavar="K", help=f"How many answers to list; {_LISTED} if not given.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Use only the first N words.")] = None,
    as_json: AsJson = False,
) -> None:
    """Complete an analogy, king - man + woman, or count how many of a set of them come out right."""
    from workbench.geometry import analogies

    if evaluate is not None:
        if words:
            raise InputError(f"both --evaluate and the words {' '.join(words)!r} were given", "Use one or the other.")
        if k is not None:
            raise InputError("--k has nothing to do with --evaluate, which looks at the best answer", "Leave it out.")
        questions = analogies.google() if evaluate == "google" else analogies.read_questions(evaluate)
        table = _words(vectors, limit)
        began = time.perf_counter()
        found = analogies.evaluate(table, questions, methods=method)
        _evaluated(found, method, not allow_inputs, one_line(table.model), time.perf_counter() - began, as_json)
        return
    three = words or []
    if len(three) != 3:
        raise InputError(
            f"an analogy takes three words, and {len(three)} were given",
            "Write them as `workbench analogy king man woman`, for king - man + woman, or use --evaluate google.",
        )
    a_star, a, b = three
    table = _words(vectors, limit)
    answers = analogies.solve(table, a_star, a, b, method=method, exclude=not allow_inputs, k=k or _LISTED)
    listed = answers.to_dict("records")
    about = {"a_star": a_star, "a": a, "b": b, "method": method, "exclude": not allow_inputs}
    width = max(len(one_line(row["word"])) for row in listed) if listed else 0
    lines = [
        f"{row['rank']:>3}. {one_line(row['word']):{width}}  {row['score']:.3f}{_OWN if row['input'] else ''}"
        for row in listed
    ]
    title = f"{a} is to {a_star} as {b} is to: {method}, its own words {'allowed' if allow_inputs else 'left out'}"
    name = one_line(table.model)
    last = f"{len(table):,} words, {name}"
    report(as_json, {**about, "vectors": name, "words": len(table), "answers": listed}, one_line(title), *lines, last)


def _evaluated(found: "Evaluation", method: str, exclude: bool, name: str, seconds: float, as_json: bool) -> None:
    """Report an evaluation by one method, and beside it the accuracy under the other rule for the own words."""
    rows = [
        {
            "section": row["section"],
            "accuracy": row["accuracy"],
            "interval": [row["low"], row["high"]],
            **{count: row[count] for count in ("correct", "covered", "total")},
        }
        for row in found.table[found.table["exclude"] == exclude].to_dict("records")
    ]
    other = found.accuracy(method, exclude=not exclude)
    *sections, total = rows
    unknown = found.costliest(_UNKNOWN).to_dict("records")
    about = {
        **{key: value for key, value in total.items() if key != "section"},
        "seconds": round(seconds, 3),
        "questions": found.asked.name,
        "method": method,
        "exclude": exclude,
        "otherwise": {"exclude": not exclude, "accuracy": other.mean, "interval": [other.low, other.high]},
        "vectors": name,
        "words": len(found.vectors),
        "sections": sections,
        "unknown": {"words": found.unknown_count, "costliest": unknown},
    }
    width = max(len(one_line(row["section"])) for row in rows)
    own, otherwise = ("left out", "allowed") if exclude else ("allowed", "left out")
    lines = [
        f"{one_line(found.asked.name)}: {method}, a question's own words {own}; {len(found.vectors):,} words, {name}",
        f"{'':{width}}  accuracy    95 % interval  correct  covered    total",
        *(f"{one_line(row['section']):{width}}  {_share(row)}  {_counts(row)}" for row in rows),
    ]
    if total["covered"]:
        lines.append(f"with a question's own words {otherwise}: {other.mean:.1%} ({other.low:.1%} to {other.high:.1%})")
    if unknown:
        costs = "; ".join(f"{word['word']} in {word['questions']:,}{_like(word['spellings'])}" for word in unknown)
        lines.append(one_line(f"{found.unknown_count:,} words of the questions are unknown, the costliest: {costs}"))
    report(as_json, about, *lines, f"{seconds:.2f} s")


def _share(row: dict[str, Any]) -> str:
    """An accuracy and its interval, or dashes where no question is covered."""
    if not row["covered"]:
        return f"{'-':>8}  {'-':>15}"
    low, high = row["interval"]
    return f"{row['accuracy']:8.1%}  {f'{low:.1%} to {high:.1%}':>15}"


def _counts(row: dict[str, Any]) -> str:
    return "  ".join(f"{row[count]:>7,}" for count in ("correct", "covered", "total"))


def _like(spellings: tuple[str, ...]) -> str:
    return f" (like {', '.join(spellings)})" if spellings else ""


def _words(file: str | None, limit: int | None) -> "StaticVectors":
    """The words and their vectors that ``--vectors`` and ``--limit`` name."""
    from workbench.embed import words

    if file is not None:
        return words.read(Path(file), limit=limit)
    table = words.bundled()
    return table if limit is None else table.take(range(min(limit, len(table))))
