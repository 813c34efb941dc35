"""Docstrings are read from source files, never imported, and become prose."""

import sys
from pathlib import Path

import pytest

from workbench import corpora
from workbench.corpora.docstrings import docstring_prose
from workbench.errors import InputError

SOURCE = '''
"""A package about bears and their honey."""
import os
raise RuntimeError("this file must never be imported")

class Bear(dict):
    """A bear that eats honey.

    Bears are :class:`~zoo.Animal` and eat ``honey``, see [1]_.

    Parameters
    ----------
    size : int
        How large.
    """

    def __init__(self, size, *, name="Pooh"):
        """Make a bear of this size."""

    def eat(self, honey: int = 3) -> bool:
        """Eat some honey right now."""

    @classmethod
    def cub(cls, size):
        """Make a small bear instead."""

    @property
    def weight(self):
        """How heavy the bear is."""

    def _digest(self):
        """Nobody needs to know this."""

    def short(self):
        """Too short."""

def _private():
    """Not for you to see at all."""

def catch(bear, /, net):
    """Catch a bear with a net. \\d"""
'''


@pytest.fixture
def bears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``bears_of_the_test`` on the path; its home is apart, so that the cache is too."""
    folder = tmp_path / "site" / "bears_of_the_test"
    (folder / "tests").mkdir(parents=True)
    (folder / "__init__.py").write_text(SOURCE)
    (folder / "tests" / "test_bears.py").write_text('"""Tests of bears are left out here."""\n')
    (folder / "broken.py").write_text("def (:\n")
    (folder / "_den.py").write_text('def sleep():\n    """Sleep through the long winter."""\n')
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return folder


def test_what_is_kept_of_a_package(bears: Path) -> None:
    table = corpora.load("python-api", packages=["bears_of_the_test"]).frame().set_index("id")
    table.index = table.index.str.removeprefix("bears_of_the_test")
    assert {id: (row["kind"], row["name"], row["signature"], row["text"]) for id, row in table.iterrows()} == {
        "": ("module", "bears_of_the_test", "", "A package about bears and their honey."),
        ".Bear": (
            "class",
            "Bear",
            "Bear(size, *, name='Pooh')",
            "A bear that eats honey.\nBears are Animal and eat honey, see.",
        ),
        ".Bear.eat": ("method", "Bear.eat", "eat(honey: int = 3) -> bool", "Eat some honey right now."),
        ".Bear.cub": ("method", "Bear.cub", "cub(size)", "Make a small bear instead."),
        ".Bear.weight": ("property", "Bear.weight", "", "How heavy the bear is."),
        ".catch": ("function", "catch", "catch(bear, /, net)", "Catch a bear with a net. \\d"),
        "._den.sleep": ("function", "sleep", "sleep()", "Sleep through the long winter."),
    }
    assert set(table["package"]) == {"bears_of_the_test"}
    assert table.loc["._den.sleep", "module"] == "bears_of_the_test._den"
    assert "bears_of_the_test" not in sys.modules


def test_a_changed_source_is_read_again(bears: Path) -> None:
    before = corpora.load("python-api", packages=["bears_of_the_test"])
    assert corpora.load("python-api", packages=["bears_of_the_test"]).fingerprint == before.fingerprint
    (bears / "_den.py").write_text('def wake():\n    """Wake up when spring has come."""\n')
    after = corpora.load("python-api", packages=["bears_of_the_test"])
    assert "bears_of_the_test._den.wake" in after.ids
    assert "bears_of_the_test._den.sleep" not in after.ids


def test_a_real_package() -> None:
    corpus = corpora.load("python-api", packages=["joblib", "umap"])
    assert set(corpus.metadata["package"]) == {"joblib", "umap"}
    assert len(corpus) > 150
    assert "umap.umap_.UMAP.fit_transform" in corpus.ids
    assert set(corpus.metadata["kind"]) == {"module", "class", "function", "method", "property"}
    assert not any(part.startswith("test") for id in corpus.ids for part in id.split(".")[:-1])
    assert max(len(text.split()) for text in corpus.texts) <= 150


@pytest.mark.parametrize("name", ["no_such_package_here", "not a name", "numpyy"])
def test_a_package_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=f"no installed package '{name}'.*Give import names"):
        corpora.load("python-api", packages=[name])


@pytest.mark.parametrize(
    ("docstring", "prose"),
    [
        ("Sum of x.\n\nArgs:\n    x: numbers", "Sum of x."),
        ("Sum of x.\n\n:param x: numbers\n:return: more", "Sum of x."),
        ("Sum of x.\n\n.. versionadded:: 1.2\n   Long ago.\n\nIt is fast.", "Sum of x.\nIt is fast."),
        ("Sum of x.\n\n>>> sum([1])\n1\n\nIt is fast.", "Sum of x.\nIt is fast."),
        ("See :func:`numpy.sum` and :meth:`~pandas.Series.sum`.", "See numpy.sum and sum."),
        ("Read the `guide <https://a.b>`_ **now**, *please*, 2 * 3 * 4.", "Read the guide now, please, 2 * 3 * 4."),
        ("Kinds:\n\n* one\n  more\n* two", "Kinds:\n* one more\n* two"),
        ("Wrapped\nby hand.", "Wrapped by hand."),
        ("", ""),
    ],
)
def test_docstrings_as_prose(docstring: str, prose: str) -> None:
    assert docstring_prose(docstring) == prose


def test_long_docstrings_are_cut_at_a_paragraph() -> None:
    assert docstring_prose("First part.\n\n" + "word " * 200) == "First part."
    assert len(docstring_prose("word " * 200).split()) == 150
