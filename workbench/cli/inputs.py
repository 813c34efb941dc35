"""What a verb reads: the corpus or the vectors that FILE names, and the corpus's vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.embed import SentenceEncoder
    from workbench.records import Corpus, IntArray, Metric, Vectors

__all__ = ["VECTOR_FILES", "embedded", "metadata_column", "read_corpus", "vectors_and_queries", "vectors_of"]

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


def metadata_column(corpus: "Corpus", name: str, file: str) -> "pd.Series[Any]":
    """A column beside the texts that FILE holds."""
    if name not in corpus.metadata.columns:
        from workbench.corpora.opening import wrong_column

        raise wrong_column(name, map(str, corpus.metadata.columns), file)
    return corpus.metadata[name]


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


def vectors_and_queries(
    file: str,
    queries: str | None,
    metric: "Metric | None",
    text: str | None,
    id: str | None,
    model: str,
    limit: int | None,
) -> "tuple[Vectors, Vectors | None, IntArray | None]":
    """Vectors, queries where there are some, and the neighbours that an HDF5 file says they have."""
    import numpy as np

    from workbench import corpora
    from workbench.records import Vectors

    suffix = Path(file).suffix.lower()
    unused = {"--text": text, "--id": id}
    if suffix in (".hdf5", ".h5") and queries is None and limit is None and _has_queries(Path(file)):
        for option, given in unused.items():
            if given is not None:
                raise InputError(f"{option} {given} was given with {file}, which holds no texts", "Leave it out.")
        held = corpora.read_ann_benchmark(Path(file))
        return held.train, held.test, held.neighbors if metric in (None, held.train.metric) else None
    if suffix in VECTOR_FILES or (suffix == ".parquet" and text is None):
        vectors = vectors_of(file, unused, limit, metric or "cosine")
        return vectors, None if queries is None else vectors_of(queries, {}, None, vectors.metric), None
    vectors, encoder, _ = embedded(read_corpus(file, text, id, limit), model)
    if queries is None:
        return vectors, None, None
    texts = read_corpus(queries, None, None, None)
    array = encoder.encode(texts.texts, role="query")
    return vectors, Vectors(texts.ids, np.ascontiguousarray(array), vectors.model, vectors.metric), None


def _has_queries(path: Path) -> bool:
    """Whether an HDF5 file has the data sets of an ann-benchmarks file."""
    import h5py

    try:
        with h5py.File(path) as held:
            return {"train", "test", "neighbors", "distances"} <= set(held)
    except OSError:
        return False
