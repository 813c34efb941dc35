import gzip
import logging
import os
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from workbench.embed.words import StaticVectors, WordFileWarning, read
from workbench.embed.words.formats import recognise
from workbench.errors import InputError, VectorError

FORMS = {"word2vec text": (False, True), "GloVe text": (False, False), "word2vec binary": (True, True)}


def data(name: str) -> Path:
    from gensim.test.utils import datapath

    return Path(datapath(name))


def gensims(path: Path, binary: bool, header: bool, limit: int | None = None) -> StaticVectors:
    """What gensim reads from the file."""
    from gensim.models import KeyedVectors

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # without a header gensim opens the file twice, closes it once
        kept = KeyedVectors.load_word2vec_format(str(path), binary=binary, no_header=not header, limit=limit)
    return StaticVectors(tuple(kept.index_to_key), kept.vectors)


def assert_same(ours: StaticVectors, theirs: StaticVectors) -> None:
    assert ours.words == theirs.words
    assert_array_equal(ours.array, theirs.array)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize(
    ("name", "binary", "header"),
    [
        ("test_glove.txt", False, False),
        ("lee_fasttext.vec", False, True),
        ("crime-and-punishment.vec", False, True),
        ("toy-model.vec", False, True),
        ("high_precision.kv.txt", False, True),
        ("euclidean_vectors.bin", True, True),
        ("high_precision.kv.bin", True, True),
    ],
)
def test_files_of_every_form_are_read_as_gensim_reads_them(
    name: str, binary: bool, header: bool, limit: int | None, packed: bool, tmp_path: Path
) -> None:
    there = data(name)
    path = tmp_path / "words"  # a name that gives nothing away
    path.write_bytes(gzip.compress(there.read_bytes()) if packed else there.read_bytes())
    assert_same(read(path, limit=limit), gensims(there, binary, header, limit))


@pytest.mark.parametrize("form", FORMS)
@given(
    words=st.lists(st.text("aбж€😀.-_7", min_size=1, max_size=6), min_size=1, max_size=8, unique=True),
    dimensions=st.integers(4, 8),
    seed=st.integers(0, 1000),
    limit=st.none() | st.integers(1, 9),
    packed=st.booleans(),
)
def test_what_gensim_writes_is_read_back(
    form: str,
    words: list[str],
    dimensions: int,
    seed: int,
    limit: int | None,
    packed: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from gensim.models import KeyedVectors

    binary, header = FORMS[form]
    if not header and words[0] == "7":  # "7 3": two whole numbers are a header
        words = ["a", *(word for word in words if word not in "a7")]
    array = np.random.default_rng(seed).standard_normal((len(words), dimensions)).astype(np.float32)
    kept = KeyedVectors(dimensions)
    kept.add_vectors(words, array)
    path = tmp_path_factory.mktemp("words") / ("v.gz" if packed else "v.txt")
    logging.getLogger("gensim").setLevel(logging.ERROR)
    kept.save_word2vec_format(str(path), binary=binary, write_header=header)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == packed
    back = read(path, limit=limit)
    assert back.words == tuple(words[:limit])
    assert_array_equal(back.array, array[:limit])


def write(folder: Path, content: str | bytes, name: str = "v.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_identity_is_of_what_was_read(tmp_path: Path) -> None:
    content = "king 1 2\nqueen 3 4\n"
    plain, packed = write(tmp_path, content), write(tmp_path, gzip.compress(content.encode()), "v.txt.gz")
    model = read(plain).model
    assert model is not None
    assert (model.name, model.dimensions, model.normalized) == ("v.txt", 2, False)
    assert model == read(packed).model
    assert model != read(plain, limit=1).model
    assert model != read(write(tmp_path, "king 1 2\nqueen 3 5\n")).model
    assert model != read(write(tmp_path, "king 1 2\nqueens 3 4\n")).model


def test_a_word_may_hold_spaces_where_the_numbers_are_told_apart(tmp_path: Path) -> None:
    words = read(write(tmp_path, "the 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\n"))
    assert words.words == ("the", ". . .", "at name@domain.com")
    assert_array_equal(words.array, np.arange(1, 10).reshape(3, 3))


@pytest.mark.parametrize("content", ["\ufeffa 1 2\r\n\r\nb\t3  4 \r\n\n", "\ufeff2 2\r\n\r\na 1 2\r\nb 3 4 \r\n\n"])
def test_line_ends_blank_lines_tabs_and_a_byte_order_mark_do_no_harm(content: str, tmp_path: Path) -> None:
    words = read(write(tmp_path, content))
    assert words.words == ("a", "b")
    assert_array_equal(words.array, [[1, 2], [3, 4]])


BAD_TEXT = {
    "a number too few": ("a 1 2\nb 3\n", r"line 2 of 'v\.txt' has 1 numbers instead of 2: 'b 3'"),
    "a number too many": ("2 2\na 1 2\nb 3 4 5\n", r"line 3 of 'v\.txt' has 3 numbers instead of 2: 'b 3 4 5'"),
    "no word": ("a 1 2\n 3 4\n", r"line 2 of 'v\.txt' has 1 numbers instead of 2"),
    "not a number": ("a 1 2\n\nb 3 x4\n", r"line 3 of 'v\.txt' holds 'x4' where a number should be"),
    "not a number after a header": ("1 2\nb three 4\n", r"line 2 of 'v\.txt' holds 'three' where a number"),
    "fewer rows than promised": (
        "3 2\na 1 2\nb 3 4\n",
        "promises 3 words of 2 .* ends after 2.*limit=2",
    ),
    "a header alone": ("3 2\n", r"promises 3 words of 2 dimensions, and the file ends after 0"),
    "a header of nothing": ("0 2\n", "promises 0 words of 2 dimensions"),
    "a header of no dimensions": ("5 0\n", "promises 5 words of 0 dimensions"),
    "a number of 5,000 digits": (b"9" * 5000 + b" " + b"9" * 5000, r"word '9{60}\.\.\.' in .* NaN or infinity"),
    "a header beyond reason": ("5 99999999999\na 1", "promises 5 words of 99,999,999,999 dimensions"),
    "prose": ("Dear reader,\nI write", r"line 1 of 'v\.txt' is neither a header nor a word and its numbers: 'Dear"),
    "white space": (" \n\n", "holds nothing but white space"),
    "nothing": ("", "is empty"),
    "a zip archive": (b"PK\x03\x04...", "is a zip archive"),
    "a fastText model": (b"\xba\x16\x4f\x2f\x0c\0\0\0", r"a whole fastText model.*\.vec"),
    "not UTF-8": (b"a 1 2\ncaf\xe9 3 4\n", r"the word in line 2 of 'v\.txt' is not UTF-8: 'caf\\\\xe9'"),
    "not UTF-8 after a header": (b"2 2\ncaf\xe9 1 2\nb 3 4\n", r"the word in line 2 of 'v\.txt' is not UTF-8"),
    "NaN": ("a 1 2\nb 3 nan\nc inf 1\n", r"word 'b' in line 2 of 'v\.txt' holds NaN or infinity; 2 of 3"),
    "beyond float32": ("a 1 2\nb 3 1e60\n", r"word 'b' in line 2 of 'v\.txt' holds NaN or infinity; 1 of 2"),
    "zero": ("2 2\na 1 2\n\nb 0 -0\n", r"word 'b' in line 4 of 'v\.txt' is zero; 1 of 2"),
}


VECTORS = {"a number of 5,000 digits", "NaN", "beyond float32", "zero"}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_a_bad_text_file_is_refused_by_the_line(case: str, tmp_path: Path) -> None:
    content, message = BAD_TEXT[case]
    with pytest.raises(VectorError if case in VECTORS else InputError, match=message):
        read(write(tmp_path, content))


def floats(*numbers: float) -> bytes:
    return np.array(numbers, dtype="<f4").tobytes()


GOOD_BINARY = b"2 2\na " + floats(0.1, 0.2) + b"\nb " + floats(0.3, 0.4) + b"\n"
BAD_BINARY = {
    "cut off": (GOOD_BINARY[:-3], "promises 2 words of 2 dimensions, and the file ends after 1"),
    "cut off in the first row": (GOOD_BINARY[:9], "ends after 0"),
    "not UTF-8": (GOOD_BINARY.replace(b"b ", b"\xe9 "), r"the word in row 2 of 'v\.txt' is not UTF-8"),
    "no word": (GOOD_BINARY.replace(b"\nb ", b"\n "), r"row 2 of 'v\.txt' has no word"),
    "no space": (b"2 2\na " + floats(0.1, 0.2) + b"x" * 100_000, r"row 2 of 'v\.txt' has no space after its word"),
    "NaN": (GOOD_BINARY.replace(floats(0.4), floats(np.nan)), r"'b' in row 2 of 'v\.txt' holds NaN"),
    "zero": (GOOD_BINARY.replace(floats(0.1, 0.2), floats(0, 0)), r"'a' in row 1 of 'v\.txt' is zero; 1 of 2"),
}


@pytest.mark.parametrize("case", BAD_BINARY)
def test_a_bad_binary_file_is_refused_by_the_row(case: str, tmp_path: Path) -> None:
    assert read(write(tmp_path, GOOD_BINARY)).words == ("a", "b")
    content, message = BAD_BINARY[case]
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, content))


def test_a_missing_file_a_folder_and_a_limit_of_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a 1\n", "glove.txt")
    with pytest.raises(InputError, match=r"there is no file .*glove\.tx'\. Did you mean .*glove\.txt"):
        read(tmp_path / "glove.tx")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe or a device"):
        read(tmp_path / "pipe")
    with pytest.raises(InputError, match="a limit of 0 words"):
        read(tmp_path / "glove.txt", limit=0)


def test_a_gzip_file_that_was_cut_off(tmp_path: Path) -> None:
    lines = b"".join(b"word%d %f\n" % (row, row + 0.5) for row in range(200_000))
    whole = gzip.compress(lines)
    path = write(tmp_path, whole[: len(whole) // 2], "v.gz")
    with pytest.raises(InputError, match=r"'v\.gz' is truncated or damaged \(gzip says"):
        read(path)
    assert len(read(path, limit=100)) == 100
    with pytest.raises(InputError, match="is truncated or damaged"):
        read(write(tmp_path, b"\x1f\x8b" + b"not gzip at all", "v.gz"))


@pytest.mark.parametrize("binary", [False, True])
def test_of_repeated_words_the_first_is_kept_and_the_number_said(binary: bool, tmp_path: Path) -> None:
    rows = [(b"a", (0.5, 0.25)), (b"b", (2, 3)), (b"a", (4, 5)), (b"a", (6, 7))]
    lines = [word + b" " + (floats(*numbers) if binary else b"%f %f" % numbers) for word, numbers in rows]
    path = write(tmp_path, b"4 2\n" + b"\n".join(lines))
    with pytest.warns(WordFileWarning, match="2 of 4 rows repeat a word") as caught:
        words = read(path)
    assert [warning.filename for warning in caught] == [__file__]
    assert words.words == ("a", "b")
    assert_array_equal(words.array, [[0.5, 0.25], [2, 3]])
    assert read(path, limit=2).words == ("a", "b")


@pytest.mark.parametrize("content", ["1 2\na 1 2\nb 3 4\n", GOOD_BINARY.replace(b"2 2", b"1 2")])
def test_rows_that_the_header_does_not_promise_are_said_to_be_left_out(content: str | bytes, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    with pytest.warns(WordFileWarning, match="goes on after the 1 words that its header promises") as caught:
        assert read(path).words == ("a",)
    assert [warning.filename for warning in caught] == [__file__]
    assert read(path, limit=1).words == ("a",)


@pytest.mark.parametrize("packed", [False, True])
def test_memory_follows_the_limit_and_not_the_header_or_the_file(packed: bool, tmp_path: Path) -> None:
    row = b" ".join(b"%.3f" % number for number in np.linspace(-1, 1, 100))
    lines = b"900000000000 100\n" + b"".join(b"word%d %s\n" % (n, row) for n in range(20_000))
    path = write(tmp_path, gzip.compress(lines, 1) if packed else lines)
    del lines
    tracemalloc.start()
    words = read(path, limit=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words.array.shape == (1000, 100)
    assert peak < 5_000_000  # the file holds 12 MB; the rows 0.4 MB, the head and its copies 3 MB


@pytest.mark.parametrize(
    ("head", "binary"),
    [
        (b"1 2\na 1 2\n", False),
        (b"1 2\na one two\n", False),
        (b"1 1\n7 3\n", False),
        (b"1 2\na " + floats(1, 1), True),
        (b"1 1\na " + floats(0.3), True),
        (b"1 2\n\na " + floats(0.3, 0.1), True),
    ],
)
def test_binary_is_told_from_text_by_the_first_vector(head: bytes, binary: bool) -> None:
    assert recognise(head, "v").binary is binary
