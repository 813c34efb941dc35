"""The forms in which word vectors are kept in files, told apart by what is in them, and their rows one at a time."""

import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["HEAD_BYTES", "Form", "Row", "WordFileWarning", "recognise", "rows", "shown"]

HEAD_BYTES = 1 << 20  # as much of a file's beginning as decides its form
_CHUNK = 1 << 20
_MOST_DIMENSIONS = 65_536
_LONGEST_WORD = 65_536  # bytes
_LONGEST_NUMBER = 18  # digits of a count; int() refuses thousands of them
_SHOWN = 60  # characters of a bad line that a message shows
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive", "Unpack it and read the file inside."),
    b"BZh": ("packed with bzip2", "Unpack it: bunzip2 FILE"),
    b"\xfd7zXZ": ("packed with xz", "Unpack it: unxz FILE"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it: unzstd FILE"),
    b"\xba\x16\x4f\x2f": ("a whole fastText model", "Read the .vec file that comes with the .bin."),
    b"\x80": ("a pickle, which can run code", "In gensim, write it with save_word2vec_format(FILE) and read that."),
    b"\x93NUMPY": ("an array without words", "corpora.read_vectors reads .npy files."),
}

Row = tuple[int, str, Any]  # line (text) or row (binary) from 1, word, d numbers


class WordFileWarning(UserWarning):
    """A file of word vectors holds something that was left out."""


@dataclass(frozen=True)
class Form:
    """What a file of word vectors looks like.

    ``promised`` is the number of rows that its header gives; None where it has no header, as GloVe's files.
    """

    binary: bool
    promised: int | None
    dimensions: int

    @property
    def place(self) -> str:
        """What its vectors are counted by."""
        return "row" if self.binary else "line"


def recognise(head: bytes, name: str) -> Form:
    """The form of a file, from its first bytes.

    Two whole numbers alone on the first line are a header, rows and dimensions. After a header comes binary if the
    first vector is not text. Without a header it is text, and the first line says how many dimensions there are.

    Raises
    ------
    InputError
        It is packed, or a model, or its first line is neither a header nor a word with its numbers.
    """
    for magic, (what, fix) in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{name!r} is {what}, not a file of word vectors", fix)
    first, _, rest = head.removeprefix(codecs.BOM_UTF8).partition(b"\n")
    fields = first.split()
    if len(fields) == 2 and all(field.isdigit() and len(field) <= _LONGEST_NUMBER for field in fields):
        promised, dimensions = map(int, fields)
        if promised < 1 or not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise InputError(
                f"the header of {name!r} promises {promised:,} words of {dimensions:,} dimensions",
                f"There must be a word, and 1 to {_MOST_DIMENSIONS:,} dimensions; write the file again.",
            )
        return Form(_is_binary(rest, dimensions), promised, dimensions)
    dimensions = 0
    while dimensions < len(fields) - 1 and _is_number(fields[-1 - dimensions]):
        dimensions += 1
    if not dimensions:
        raise InputError(
            f"line 1 of {name!r} is neither a header nor a word and its numbers: {shown(first)}",
            "Name a file in the text format of GloVe, word2vec or fastText (.vec), or in word2vec's binary format.",
        )
    return Form(False, None, dimensions)


def rows(stream: IO[bytes], form: Form, name: str) -> Iterator[Row]:
    """The rows of a file from its beginning, at most as many as its header promises; memory for one chunk of it.

    In text, fields are separated by spaces or tabs, blank lines are passed over, and the last ``d`` fields are the
    numbers: of the fields before them a word is made that holds spaces, as some in GloVe's 840B file do, unless one
    of them, from the second on, is a number itself. Whoever asks for a row after the last that the header promises is
    told by a WordFileWarning if the file goes on.

    Raises
    ------
    InputError
        A row is not as the form says, or rows are missing; the message names the line or the row.
    """
    return (_binary_rows if form.binary else _text_rows)(stream, form, name)


def _text_rows(stream: IO[bytes], form: Form, name: str) -> Iterator[Row]:
    count, d = 0, form.dimensions
    for line, raw in enumerate(stream, 1):
        if line == 1:
            if form.promised is not None:
                continue
            raw = raw.removeprefix(codecs.BOM_UTF8)
        fields = raw.split()
        if not fields:
            continue
        extra = len(fields) - 1 - d
        if extra < 0 or (extra and any(map(_is_number, fields[1 : extra + 1]))):
            raise InputError(
                f"line {line:,} of {name!r} has {len(fields) - 1:,} numbers instead of {d:,}: {shown(raw)}",
                "Mend or remove that line; a file that was cut off ends in such a line.",
            )
        try:
            numbers = list(map(float, fields[-d:]))
        except ValueError:
            bad = next(field for field in fields[-d:] if not _is_number(field))
            raise InputError(
                f"line {line:,} of {name!r} holds {shown(bad)} where a number should be", "Mend or remove that line."
            ) from None
        yield line, _word(b" ".join(fields[: extra + 1]), form, line, name), numbers
        count += 1
        if count == form.promised:
            _warn_of_more(b"", stream, form, name)
            return
    if form.promised is not None:
        raise _missing(form, count, name)


def _binary_rows(stream: IO[bytes], form: Form, name: str) -> Iterator[Row]:
    stream.readline()  # the header
    size = 4 * form.dimensions
    buffer, at = b"", 0
    for row in range(1, (form.promised or 0) + 1):
        while True:
            space = buffer.find(b" ", at)
            if 0 <= space <= len(buffer) - 1 - size:
                break
            if space < 0 and len(buffer) - at > _LONGEST_WORD:
                raise InputError(
                    f"row {row:,} of {name!r} has no space after its word: {shown(buffer[at : at + size])}",
                    "Its header may give the wrong number of dimensions; copy or write the file again.",
                )
            more = stream.read(_CHUNK)
            if not more:
                raise _missing(form, row - 1, name)
            buffer, at = buffer[at:] + more, 0
        word = _word(buffer[at:space].lstrip(b"\n"), form, row, name)  # some programs end each row with a line end
        numbers: NDArray[np.float32] = np.frombuffer(buffer, "<f4", form.dimensions, space + 1)
        yield row, word, numbers
        at = space + 1 + size
    _warn_of_more(buffer[at:], stream, form, name)


def _warn_of_more(rest: bytes, stream: IO[bytes], form: Form, name: str) -> None:
    if rest.strip() or any(chunk.strip() for chunk in iter(lambda: stream.read(_CHUNK), b"")):
        warnings.warn(
            f"{name!r} goes on after the {form.promised:,} words that its header promises; the rest was not read",
            WordFileWarning,
            stacklevel=5,  # whoever called read
        )


def _is_binary(after_header: bytes, dimensions: int) -> bool:
    """Whether a first vector is bytes rather than text: control characters, or no UTF-8."""
    fields = after_header.partition(b"\n")[0].split()
    if len(fields) > 1 and all(map(_is_number, fields[1:])):
        return False
    vector = after_header.lstrip(b"\n").partition(b" ")[2][: 4 * dimensions]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(vector)
    except UnicodeDecodeError:
        return True
    return any(ord(character) < 32 and character not in "\t\r\n" for character in text)


def _word(raw: bytes, form: Form, at: int, name: str) -> str:
    try:
        word = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the word in {form.place} {at:,} of {name!r} is not UTF-8: {shown(raw)}",
            "The file is damaged, its header is wrong, or its words are in another encoding: "
            + ("write it again." if form.binary else "iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW."),
        ) from error
    if not word:
        raise InputError(f"{form.place} {at:,} of {name!r} has no word", "Write the file again.")
    return word


def _missing(form: Form, count: int, name: str) -> InputError:
    return InputError(
        f"the header of {name!r} promises {form.promised:,} words of {form.dimensions:,} dimensions, "
        f"and the file ends after {count:,}",
        f"It was cut off, or its header is wrong: copy it again, or read what is there with limit={count}."
        if count
        else "It was cut off, or its header is wrong: copy it again.",
    )


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def shown(raw: bytes) -> str:
    """A part of a file in quotation marks, cut where it is too long for a message."""
    text = raw.strip().decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
