from pathlib import Path

import pytest

from workbench.errors import InputError
from workbench.geometry import analogies
from workbench.geometry.analogies import Questions


def test_googles_questions() -> None:
    asked = analogies.google()
    assert len(asked) == 19_544
    assert len(asked.section_names) == 14
    assert asked.section_names[0] == "capital-common-countries"
    assert asked.words[0] == ("Athens", "Greece", "Baghdad", "Iraq")
    assert repr(asked) == "Questions('google', 19,544 in 14 sections)"
    table = asked.frame()
    assert table.columns.tolist() == ["section", "a", "a_star", "b", "b_star"]
    assert table.loc[table["section"] == "family", "a_star"].iloc[0] == "girl"


def read(folder: Path, text: str | bytes) -> Questions:
    path = folder / "mine.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return analogies.read_questions(path)


def test_a_file_with_headings_and_without(tmp_path: Path) -> None:
    asked = read(
        tmp_path, "\ufeffman king woman queen\n\n: two words\r\na b\tc d\r\n: other\ne f g h\n: two words\ni j k l"
    )
    assert asked.sections == ("mine", "two words", "other", "two words")
    assert asked.section_names == ("mine", "two words", "other")
    assert asked.words[1] == ("a", "b", "c", "d")
    assert asked.name == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a b c d\na b c\n", r"line 2 of 'mine\.txt' has 3 words and not four: 'a b c'"),
        ("a b c d e\n", r"line 1 of 'mine\.txt' has 5 words"),
        ("word", "has 1 word and not four"),
        (": \na b c d\n", "line 1 of 'mine.txt' is a heading named ''"),
        (": total\na b c d\n", "line 1 of 'mine.txt' is a heading named 'total'"),
        (": family\n", "'mine' holds no question"),
        (b"a b c \xff\n", "is not UTF-8"),
        ("", "is empty"),
        ("x" * 100, "x{59}…'"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(tmp_path, text)


def test_no_file_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        analogies.read_questions(tmp_path / "none.txt")
    with pytest.raises(InputError, match="is a folder"):
        analogies.read_questions(tmp_path)


def test_questions_made_by_hand() -> None:
    with pytest.raises(InputError, match="1 questions and 2 sections do not line up"):
        Questions((("a", "b", "c", "d"),), ("s", "t"))
    with pytest.raises(InputError, match="the question 'a b c' has 3 words"):
        Questions((("a", "b", "c"),), ("s",))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a section is called 'total'"):
        Questions((("a", "b", "c", "d"),), ("total",))
