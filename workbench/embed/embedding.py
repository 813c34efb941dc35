"""Embed a corpus: what is cached is read, what is not is encoded and cached batch by batch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from tqdm.auto import tqdm

from workbench.embed.cache import VectorCache, text_digest
from workbench.embed.sentence import Encoder, Role, SentenceEncoder
from workbench.errors import InputError, ModelError
from workbench.records import Corpus, FloatArray, ModelIdentity, Vectors

__all__ = ["EmbedReport", "embed", "embed_with_report"]

_TEXTS_PER_BATCH = 512  # at most so many are lost when a process is killed


@dataclass(frozen=True)
class EmbedReport:
    """Where the vectors came from.

    ``encoded`` texts went through the model in ``encode_seconds``, ``from_cache`` came from disk; a text that occurs
    twice in a corpus is encoded once.
    """

    encoded: int
    from_cache: int
    encode_seconds: float
    seconds: float


def embed(
    corpus: Corpus | Sequence[str],
    encoder: Encoder | None = None,
    *,
    role: Role = "document",
    cache: VectorCache | Literal[False] | None = None,
    progress: bool = True,
) -> Vectors:
    """Vectors of a corpus or of a list of texts.

    Parameters
    ----------
    corpus
        A Corpus, or texts, which then get the ids ``0``, ``1``, ...
    encoder
        None takes the bundled model.
    role
        Whether the texts are documents or queries: some models put another prompt before each.
    cache
        None takes the workbench's own; False neither reads nor writes one.
    progress
        Show a bar with rate and time left while texts are encoded.

    Returns
    -------
    Vectors
        ``(n, d) float32`` with the corpus's ids and the encoder's identity.

    Raises
    ------
    InputError
        There is nothing to embed, or a text is not a string.
    StorageError
        The cache cannot be read or written.
    ModelError
        The model gave NaN or infinity for a text; such a vector is never cached.
    """
    return embed_with_report(corpus, encoder, role=role, cache=cache, progress=progress)[0]


def embed_with_report(
    corpus: Corpus | Sequence[str],
    encoder: Encoder | None = None,
    *,
    role: Role = "document",
    cache: VectorCache | Literal[False] | None = None,
    progress: bool = True,
) -> tuple[Vectors, EmbedReport]:
    """As `embed`, with an account of what was encoded and what came from the cache."""
    began = time.perf_counter()
    if isinstance(corpus, str):
        raise InputError(f"one string was given to embed, {corpus[:40]!r}", "Pass a list: embed([text]).")
    if not isinstance(corpus, Corpus):
        corpus = Corpus(tuple(map(str, range(len(corpus)))), tuple(corpus))
    texts = corpus.texts
    if not texts:
        raise InputError("there are no texts to embed", "Check that the file or the filter left some rows.")
    encoder = encoder or SentenceEncoder()
    identity = encoder.identity
    prompt = identity.query_prompt if role == "query" else identity.document_prompt
    digests = [text_digest(prompt + text) for text in texts]
    store = None if cache is False else cache or VectorCache()

    if store is not None:
        known, array = store.get(identity, digests)
    else:
        known = np.zeros(len(texts), dtype=np.bool_)
        array = np.empty((len(texts), identity.dimensions), dtype=np.float32)
    first_row = {digest: row for row, digest in reversed(list(enumerate(digests))) if not known[row]}
    missing = sorted(first_row.values(), key=lambda row: -len(texts[row]))

    encode_seconds = 0.0
    with tqdm(total=len(missing), desc="encoding", unit="text", disable=not (progress and missing)) as bar:
        for start in range(0, len(missing), _TEXTS_PER_BATCH):
            rows = missing[start : start + _TEXTS_PER_BATCH]
            at = time.perf_counter()
            array[rows] = encoder.encode([texts[row] for row in rows], role=role)
            encode_seconds += time.perf_counter() - at
            _check_finite(array[rows], [texts[row] for row in rows], identity)
            if store is not None:
                store.add(identity, [digests[row] for row in rows], array[rows])
            bar.update(len(rows))
    repeats = [row for row in np.flatnonzero(~known) if first_row[digests[row]] != row]
    array[repeats] = array[[first_row[digests[row]] for row in repeats]]

    vectors = Vectors(corpus.ids, array, identity)
    report = EmbedReport(len(missing), int(known.sum()), encode_seconds, time.perf_counter() - began)
    return vectors, report


def _check_finite(vectors: FloatArray, texts: Sequence[str], identity: ModelIdentity) -> None:
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise ModelError(
            f"{identity} gave NaN or infinity for {len(broken)} of {len(texts)} texts, first {texts[broken[0]][:60]!r}",
            "Check that its weights are whole; nothing of this batch was cached.",
        )
