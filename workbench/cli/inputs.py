"""What a verb reads: the corpus or the vectors that FILE names, and the corpus's vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.embed import SentenceEncoder
    from workbench.records import Corpus, Metric, Vectors

__all__ = ["VECTOR_FILES", "embedded", "read_corpus", "vectors_of"]

VECTOR_FILES = {".npy", ".npz", ".fvecs", ".ivecs", ".bvecs", ".hdf5", ".h5"}  # a Parquet file may hold either


def read_corpus(file: str, text: str | None, id: str | None, limit: int | None) -> "Corpus":
    """The corpus that FILE names: a built-in one, or read from disk."""
    from workbench import corpora

    builtin = corpora.builtin()
    if file not in builtin:
        if not Path(file).suffix and not Path(file).exists():
            raise InputError(
                f"there is no file {file!r}", f"Check the path; the built-in corpora are {', '.join(builtin)}."
            )
        return corpora.read(Path(file), text=text, id=id, limit=limit)
    for option, given, has in (("--text", text, "text"), ("--id", id, "id")):
        if given not in (None, has):
            raise InputError(
                f"the built-in corpus {file!r} has no column {given!r}",
                f"Leave {option} out, or write ./{file} for a file of that name.",
            )
    corpus = corpora.load(file)
    return corpus if limit is None else corpus.take(range(min(limit, len(corpus))))


def vectors_of(file: str, unused: dict[str, str | None], limit: int | None, metric: "Metric" = "cosine") -> "Vectors":
    """Vectors from a file, for which the options about texts mean nothing."""
    from workbench import corpora

    for option, given in unused.items():
        if given is not None:
            raise InputError(
                f"{option} {given} was given with {file}, which holds vectors and no texts", "Leave it out."
            )
    vectors = corpora.read_vectors(Path(file), metric=metric)
    return vectors if limit is None else vectors.take(range(min(limit, len(vectors))))


def embedded(corpus: "Corpus", model: str) -> tuple["Vectors", "SentenceEncoder", Any]:
    """The corpus's vectors, the encoder that made them, and the account of what was encoded."""
    from workbench import embed

    encoder = embed.SentenceEncoder(model)
    vectors, report = embed.embed_with_report(corpus, encoder)
    return vectors, encoder, report
