"""Word vectors from the files in which GloVe, word2vec and fastText are given away."""

import gzip
import hashlib
import warnings
import zlib
from array import array as integers
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np

from workbench.corpora.opening import damaged, existing
from workbench.embed.words.formats import HEAD_BYTES, Form, Row, WordFileWarning, recognise, rows, shown
from workbench.embed.words.static import StaticVectors
from workbench.errors import InputError, VectorError
from workbench.records import FloatArray, ModelIdentity

__all__ = ["WordFileWarning", "check_limit", "identify", "read"]

_GZIP = b"\x1f\x8b"
_FIRST_ROWS = 1024  # room for so many at first; it grows by a quarter


def read(path: str | Path, *, limit: int | None = None) -> StaticVectors:
    """Word vectors from a file: GloVe's text, word2vec's text or binary, fastText's ``.vec``, each gzipped or not.

    Which of them it is comes from the file's content and not from its name: gzip by its first bytes, a header by its
    two numbers, binary by bytes that are no text. The file is read once, row by row, and only as far as ``limit``; the
    rows in memory are those read so far. A word may hold spaces where the numbers are still told apart (see
    ``formats.rows``). Of rows with the same word the first is kept, and a WordFileWarning says how many were not.

    The same words and vectors get the same identity, gzipped or not: its revision is a hash of what was read.

    gensim's ``load_word2vec_format`` reads the same vectors from such files (the tests hold this against it), but it
    goes by the name for gzip, cannot read words with spaces, and does not say in which line a file is wrong.

    Parameters
    ----------
    path
        The file.
    limit
        Read at most so many rows, from the first: the most frequent words in the files that are given away.

    Returns
    -------
    StaticVectors
        ``(n, d) float32`` in the order of the file.

    Raises
    ------
    InputError
        The file is missing, empty, cut off, damaged, in another format, or not UTF-8; a row has too many or too few
        numbers or something that is no number; ``limit`` is less than 1. Rows are named by line, or by row if binary.
    VectorError
        A vector is zero, or holds a number that is NaN or infinite as float32.
    """
    check_limit(limit)
    found = existing(path)
    if found.is_dir():
        raise InputError(f"{str(found)!r} is a folder", "Name the file in it.")
    if not found.is_file():
        raise InputError(f"{str(found)!r} is a pipe or a device", "Write what comes from it to a file, and name that.")
    with _opened(found) as stream:
        head = stream.read(HEAD_BYTES)
        if not head.strip():
            raise InputError(f"{found.name!r} holds nothing but white space", "Write it again, or name another file.")
        stream.seek(0)
        form = recognise(head, found.name)
        words, places, array, repeats = _gathered(rows(stream, form, found.name), form.dimensions, limit)
    _check_vectors(array, words, places, form, found.name)
    if repeats:
        count = len(words) + repeats
        message = f"{found.name!r}: {repeats:,} of {count:,} rows repeat a word; the first row of each word was kept"
        warnings.warn(message, WordFileWarning, stacklevel=2)
    name = found.name[:-3] if found.suffix.lower() == ".gz" else found.name
    return StaticVectors(tuple(words), array, identify(name, words, array))


def check_limit(limit: int | None) -> None:
    """Refuse a limit that leaves no words."""
    if limit is not None and limit < 1:
        raise InputError(f"a limit of {limit} words was given", "Give at least 1, or None to read them all.")


def identify(name: str, words: list[str], array: FloatArray, made_by: str = "") -> ModelIdentity:
    """The identity of words and vectors ``(n, d) float32``: a name, and a hash of both and of how they were made."""
    digest = hashlib.sha256(f"{made_by}{array.shape}".encode())
    digest.update("\0".join(words).encode())
    digest.update(np.ascontiguousarray(array).data)
    return ModelIdentity(
        name=name,
        revision=digest.hexdigest(),
        dimensions=int(array.shape[1]),
        pooling="one word, no context",
        normalized=False,
        precision="numpy-float32",
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if they begin as gzip does."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
            plain.seek(0)
            yield cast(IO[bytes], gzip.GzipFile(fileobj=plain)) if packed else plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged(path, f"gzip says: {str(error).rstrip('.')}") from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r} ({error.strerror or error})", "Check its permissions.") from error


def _gathered(
    found: Iterator[Row], dimensions: int, limit: int | None
) -> tuple[list[str], "integers[int]", FloatArray, int]:
    """Words, where they stand, their vectors, and how many rows repeated a word; of ``limit`` rows at most."""
    array = np.empty((min(_FIRST_ROWS, limit or _FIRST_ROWS), dimensions), dtype=np.float32)
    row_of: dict[str, int] = {}
    places = integers("q")
    repeats = 0
    with np.errstate(over="ignore"):
        for place, word, numbers in found:
            row = len(row_of)
            if word in row_of:
                repeats += 1
            else:
                if row == len(array):
                    more = row + row // 4 + 1
                    array.resize((min(more, limit or more), dimensions), refcheck=False)
                array[row] = numbers
                row_of[word] = row
                places.append(place)
            if len(row_of) + repeats == limit:
                break
    array.resize((len(row_of), dimensions), refcheck=False)
    return list(row_of), places, array, repeats


def _check_vectors(array: FloatArray, words: list[str], places: "integers[int]", form: Form, name: str) -> None:
    """Refuse vectors without a direction, by the place where the first of them stands."""
    finite = np.asarray(np.isfinite(array).all(axis=1))
    bad = ~(finite & np.asarray(array.any(axis=1)))
    if not bad.any():
        return
    first = int(bad.argmax())
    what = "is zero" if finite[first] else "holds NaN or infinity"
    raise VectorError(
        f"the vector of the word {shown(words[first].encode())} in {form.place} {places[first]:,} of {name!r} {what}; "
        f"{bad.sum():,} of {len(words):,} are without a direction",
        "Remove such rows, or read fewer with limit=.",
    )
