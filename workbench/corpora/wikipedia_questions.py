"""The built-in questions about the Wikipedia passages, each with the one passage that answers it."""

from workbench import settings
from workbench.corpora.beir import Benchmark, read_queries
from workbench.corpora.wikipedia import wikipedia
from workbench.errors import InputError

__all__ = ["ANSWERS", "wikipedia_questions"]

ANSWERS = 3
"""Grade of the passage that answers a question."""


def wikipedia_questions(split: str = "test") -> Benchmark:
    """Questions about the passages of :func:`wikipedia`, each judged against the passage that it was written from.

    Parameters
    ----------
    split
        ``"test"``; there is no other.

    Returns
    -------
    Benchmark
        Metadata of the queries: ``article``, ``passage`` (the id of the one that answers), ``evidence`` (its words
        that do, character for character), ``answer`` (in short), ``kind`` (``"fact"``, ``"why"``, ``"how"``,
        ``"compare"``, ``"number"``). The one judgement of each has grade 3.

    Raises
    ------
    InputError
        Another split; the file in the data folder was changed and is malformed, or names a passage that is not there.
    StorageError
        The cache folder cannot be written.
    """
    if split != "test":
        raise InputError(f"the wikipedia-questions have no split {split!r}", 'Take split="test".')
    queries = read_queries(settings.data_dir() / "wikipedia-questions" / "questions.jsonl", "wikipedia-questions")
    answers = zip(queries.ids, queries.metadata["passage"], strict=True)
    return Benchmark(wikipedia(), queries, {id: {passage: ANSWERS} for id, passage in answers})
