"""What the size of chunks does to retrieval: whether the words that answer a question reach the context."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pandas as pd

from workbench.embed import Encoder, VectorCache, embed
from workbench.errors import InputError
from workbench.intervals import mean_interval
from workbench.records import Corpus
from workbench.tasks.chunking import TokenCounter, chunk_by_sentences
from workbench.tasks.rag import assemble, grounded
from workbench.tasks.search import SemanticIndex

__all__ = ["ChunkTrial", "chunk_sizes"]

_DEEPEST = 60  # hits that are offered to a context


class CountingEncoder(Encoder, TokenCounter, Protocol):
    """A model that says how it counts tokens."""


@dataclass(frozen=True, eq=False)
class ChunkTrial:
    """One retrieval task over the same documents in chunks of several sizes.

    Parameters
    ----------
    table
        A row for each size: ``size``, ``overlap``, ``chunks``, ``tokens`` (mean of a chunk), ``whole`` (share of the
        questions whose evidence is in one chunk), ``used`` (mean chunks in a context), and the share of questions whose
        evidence is in the context at the token budget, ``in_context``, and in the first k chunks, ``at_k``, each with
        its 95 % bootstrap interval (``_low``, ``_high``); ``questions``.
    outcomes
        A row for each size and question: ``size``, ``question`` (id), ``in_context``, ``at_k``, ``share``.
    budget, k
        What the two shares were measured at.
    """

    table: pd.DataFrame
    outcomes: pd.DataFrame = field(repr=False)
    budget: int
    k: int


def chunk_sizes(
    questions: Corpus,
    documents: Corpus,
    encoder: CountingEncoder,
    sizes: Sequence[int] = (32, 64, 128, 256),
    *,
    overlap: float = 0.0,
    budget: int = 512,
    k: int = 5,
    cache: VectorCache | Literal[False] | None = None,
    progress: bool = True,
) -> ChunkTrial:
    """Cut documents into chunks of each size, search them with the same questions, and look for the evidence.

    The first k chunks of a larger size are more text, so that they must find more; at one token budget sizes are
    compared at equal cost.

    Parameters
    ----------
    questions
        Texts with ``evidence`` in the metadata: words of a document, character for character.
    documents
        What is cut, see :func:`chunk_by_sentences`.
    encoder
        Makes the vectors and counts the tokens.
    sizes
        Tokens of a chunk, at most.
    overlap
        Share of a chunk that the next may repeat, 0 to below 1.
    budget
        Tokens of a context.
    k
        Chunks that count for ``at_k``.
    cache
        Of vectors, as :func:`embed.embed` takes it: None for the usual one, False for none.
    progress
        Whether to show a bar while encoding.

    Raises
    ------
    InputError
        The questions have no evidence, there are no sizes, or a number is out of range.
    """
    if "evidence" not in questions.metadata.columns:
        raise InputError(
            f"{questions.name!r} has no column 'evidence'", "Use questions with the words that answer them."
        )
    if not sizes:
        raise InputError("there are no sizes to compare", "Pass some, such as (64, 128, 256).")
    if not 0 <= overlap < 1:
        raise InputError(f"an overlap of {overlap:g} is no share of a chunk", "Use 0 <= overlap < 1.")
    evidence = list(questions.metadata["evidence"])
    rows, outcomes = [], []
    for size in sizes:
        chunks = chunk_by_sentences(documents, encoder, tokens=size, overlap=int(overlap * size))
        index = SemanticIndex(chunks, embed(chunks, encoder, cache=cache, progress=progress), encoder)
        found = index.search(questions.texts, min(_DEEPEST, len(chunks)))
        found_used = []
        for id, words, hits in zip(questions.ids, evidence, found, strict=True):
            context = assemble(hits, budget, encoder)
            first = assemble(hits[:k], 10**9, encoder)
            at_budget = grounded(context, words)
            outcomes.append((size, id, at_budget.covered, grounded(first, words).covered, at_budget.share))
            found_used.append(len(context.used))
        flat = [" ".join(text.split()) for text in chunks.texts]
        whole = sum(any(" ".join(words.split()) in text for text in flat) for words in evidence) / len(evidence)
        rows.append(
            {"size": size, "overlap": int(overlap * size), "chunks": len(chunks), "whole": whole}
            | {"tokens": chunks.metadata["tokens"].mean(), "used": sum(found_used) / len(found_used)}
        )
    each = pd.DataFrame(outcomes, columns=["size", "question", "in_context", "at_k", "share"])
    for row in rows:
        of = each[each["size"] == row["size"]]
        for name in ("in_context", "at_k"):
            at = mean_interval(of[name].to_numpy(dtype=float))
            row |= {name: at.mean, f"{name}_low": at.low, f"{name}_high": at.high}
        row["questions"] = len(of)
    return ChunkTrial(pd.DataFrame(rows), each, budget, k)
