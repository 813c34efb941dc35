"""The contextual vector of every token of a corpus, in order: hundreds of thousands of real vectors, kept on disk."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib import format as npy
from tqdm.auto import tqdm

from workbench import settings
from workbench.atomic import replacing
from workbench.embed.sentence import SentenceEncoder
from workbench.errors import InputError, ModelError, StorageError
from workbench.records import Corpus, FloatArray, IntArray, ModelIdentity, Vectors

__all__ = ["TokenEncoder", "TokenVectors", "token_vectors"]

_PASSAGES_PER_CHUNK = 64  # at most so many are lost when a process is killed
_SEED = 0  # of the passages that stand for a corpus of more tokens than were asked for


class TokenEncoder(Protocol):
    """A model that gives each token a vector; ``SentenceEncoder`` is one."""

    @property
    def identity(self) -> ModelIdentity:
        """Everything that decides what vector a text gets."""
        ...

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """Tokens of each text."""
        ...

    def contextual_vectors(self, texts: Sequence[str]) -> list[FloatArray]:
        """Their vectors, ``(tokens, d) float32`` for each text."""
        ...


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """Vectors of tokens where they stand.

    Attributes
    ----------
    vectors
        ``(n, d) float32``, possibly a read-only memory map; ids are ``PASSAGE#POSITION``, positions from 0. Their
        identity is the model's with ``pooling="none"``: they never meet vectors of whole texts.
    tokens
        ``n`` tokens as the tokenizer writes them: ``##ing`` goes on a word that began before. Text is data.
    rows
        ``(n,) int64``: the corpus row of each token's passage.
    total
        Tokens of the whole corpus, so that a caller can say how many of them these are.
    """

    vectors: Vectors = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    rows: IntArray = field(repr=False)
    total: int

    def __len__(self) -> int:
        return len(self.tokens)

    def __str__(self) -> str:
        return f"{len(self):,} of {self.total:,} tokens"


def token_vectors(
    corpus: Corpus,
    encoder: TokenEncoder | None = None,
    *,
    most: int | None = None,
    cache: bool = True,
    progress: bool = True,
) -> TokenVectors:
    """Contextual token vectors of every passage, in order: before pooling, so that one word has many vectors.

    Special tokens such as ``[CLS]`` stand in no text and are left out, and so are tokens beyond the model's
    ``max_tokens``, which it never reads.

    Parameters
    ----------
    corpus
        The passages.
    encoder
        None takes the bundled model.
    most
        Where the corpus has more tokens, take whole passages in a random order (always the same one) as long as their
        tokens are so many at most, and keep them in the corpus's order.
    cache
        Keep what is computed on disk, under the corpus's fingerprint, the model and the passages taken: chunk by chunk
        while it runs, so that a run that was killed goes on where it stopped, then as one file that is read as a
        memory map. A whole corpus that is kept also serves any part of it.
    progress
        Show a bar with the time left while passages go through the model.

    Raises
    ------
    InputError
        The corpus has no token, or ``most`` is less than the first passage drawn has.
    ModelError
        The model's vectors do not fit its tokens, or are not finite.
    StorageError
        The disk is full or the cache folder cannot be written.
    """
    encoder = encoder or SentenceEncoder()
    tokens = encoder.tokens(corpus.texts)
    lengths = np.array([len(found) for found in tokens], dtype=np.int64)
    total = int(lengths.sum())
    if not total:
        raise InputError(f"the {len(corpus):,} texts of {corpus.name!r} hold no token", "Check that they have words.")
    taken = _taken(lengths, most)
    identity = replace(encoder.identity, pooling="none", normalized=False)
    run = _Run(corpus, encoder, identity, taken, lengths, cache, progress)
    array = run.vectors()
    identity = replace(identity, dimensions=int(array.shape[1]))
    ids = tuple(f"{corpus.ids[row]}#{position}" for row in taken for position in range(lengths[row]))
    return TokenVectors(
        vectors=Vectors(ids, array, identity),
        tokens=tuple(token for row in taken for token in tokens[row]),
        rows=np.repeat(taken, lengths[taken]),
        total=total,
    )


def _taken(lengths: IntArray, most: int | None) -> IntArray:
    """Rows of the passages to take, ascending."""
    if most is None or lengths.sum() <= most:
        return np.arange(len(lengths))
    drawn = np.random.default_rng(_SEED).permutation(len(lengths))
    count = int(np.searchsorted(np.cumsum(lengths[drawn]), most, side="right"))
    taken = np.sort(drawn[:count])
    if not lengths[taken].sum():
        raise InputError(f"most={most!r} tokens hold no whole passage", f"Ask for {int(lengths.max()):,} or more.")
    return taken


@dataclass(frozen=True)
class _Run:
    """One pass of some passages through a model, and the files that it leaves."""

    corpus: Corpus
    encoder: TokenEncoder
    identity: ModelIdentity
    taken: IntArray
    lengths: IntArray
    cache: bool
    progress: bool

    def vectors(self) -> FloatArray:
        """Vectors of all tokens of the passages taken, read from disk where they are kept."""
        if not self.cache:
            return np.concatenate([self._encoded(rows) for rows in self._watched()])
        target = self._path(self.taken)
        kept = self._kept(target, int(self.lengths[self.taken].sum()))
        if kept is not None:
            return kept
        whole = self._kept(self._path(np.arange(len(self.lengths))), int(self.lengths.sum()))
        if whole is not None:
            inside = np.zeros(len(self.lengths), dtype=np.bool_)
            inside[self.taken] = True
            return np.ascontiguousarray(whole[np.repeat(inside, self.lengths)])
        with _alone(target.with_suffix(".lock")):
            if self._kept(target, int(self.lengths[self.taken].sum())) is None:  # nobody has made it meanwhile
                self._make(target)
        joined: FloatArray = np.load(target, mmap_mode="r", allow_pickle=False)
        return joined

    def _make(self, target: Path) -> None:
        """Encode chunk by chunk, those of a run that was killed taken over, and join them in one file."""
        chunks, parts = target.with_suffix(".chunks"), []
        try:
            chunks.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make {str(chunks)!r}: {error.strerror}", "Set WORKBENCH_HOME.") from error
        for place, rows in enumerate(self._watched()):
            path = chunks / f"{place:06d}.npy"
            if self._kept(path, int(self.lengths[rows].sum())) is None:
                with replacing(path) as file:
                    np.save(file, self._encoded(rows), allow_pickle=False)
            parts.append(path)
        _join(parts, target)
        shutil.rmtree(chunks, ignore_errors=True)

    def _watched(self) -> Iterator[IntArray]:
        """Rows of one chunk after another, with a bar over the passages."""
        with tqdm(total=len(self.taken), desc="reading tokens", unit="passage", disable=not self.progress) as bar:
            for start in range(0, len(self.taken), _PASSAGES_PER_CHUNK):
                rows = self.taken[start : start + _PASSAGES_PER_CHUNK]
                yield rows
                bar.update(len(rows))

    def _encoded(self, rows: IntArray) -> FloatArray:
        """Vectors of the tokens of some passages, checked."""
        found = self.encoder.contextual_vectors([self.corpus.texts[row] for row in rows])
        counts = [len(vectors) for vectors in found]
        if counts != self.lengths[rows].tolist():
            raise ModelError(
                f"{self.identity} gave {sum(counts):,} vectors for {int(self.lengths[rows].sum()):,} tokens",
                "Its tokenizer does not fit it; choose another model.",
            )
        joined = np.ascontiguousarray(np.concatenate([vectors for vectors in found if len(vectors)] or found[:1]))
        if not np.isfinite(joined).all():
            raise ModelError(f"{self.identity} gave NaN or infinity for a token", "Check that its weights are whole.")
        return joined.astype(np.float32, copy=False)

    def _path(self, rows: IntArray) -> Path:
        key = hashlib.sha256(f"{self.corpus.fingerprint} {self.identity.key}".encode() + rows.tobytes()).hexdigest()
        return settings.cache_dir("tokens") / f"{key}.npy"

    def _kept(self, path: Path, tokens: int) -> FloatArray | None:
        """A finished file as a memory map; None where there is none, or a damaged one."""
        with suppress(OSError, ValueError, EOFError):
            kept: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
            if kept.ndim == 2 and len(kept) == tokens and kept.dtype == np.float32:
                return kept
        return None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time do what is inside; the others wait. The lock falls with its process."""
    try:
        file = path.open("a")
    except OSError as error:
        raise StorageError(f"cannot make {str(path)!r}: {error.strerror}", "Set WORKBENCH_HOME.") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _join(parts: Sequence[Path], target: Path) -> None:
    """Write chunks one behind the other as one array, without holding more than one of them in memory."""
    shapes = [np.load(path, mmap_mode="r").shape for path in parts]
    shape = (sum(rows for rows, _ in shapes), max(columns for _, columns in shapes))
    with replacing(target) as file:
        npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for path in parts:
            file.write(np.ascontiguousarray(np.load(path), dtype="<f4").data)
