"""A Hugging Face data set by name, where there is a network."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.corpora.opening import wrong_column
from workbench.corpora.rows import corpus_from_rows
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["from_hub"]


def from_hub(name: str, text: str, split: str = "train", limit: int | None = None) -> Corpus:
    """A corpus from a data set on the Hugging Face hub.

    Parameters
    ----------
    name
        Name of the data set, such as ``"ag_news"``.
    text
        Column of the texts; the other columns become metadata, but for those that hold lists or mappings.
    split
        Which split.
    limit
        Read the first rows only; they are streamed, the rest is not downloaded.

    Raises
    ------
    InputError
        The data set cannot be reached or breaks off, or has no such split or column.
    """
    import datasets

    with _reading(name, split):
        rows: Iterable[dict[str, Any]] = datasets.load_dataset(name, split=split, streaming=limit is not None)
        columns = getattr(rows, "column_names", None)
    if columns is not None and text not in columns:
        raise wrong_column(text, columns, name)
    return corpus_from_rows(_streamed(rows, name, split), source=name, name=name, text=text, limit=limit)


def _streamed(rows: Iterable[dict[str, Any]], name: str, split: str) -> Iterator[dict[str, Any]]:
    with _reading(name, split):
        yield from rows


@contextmanager
def _reading(name: str, split: str) -> Iterator[None]:
    """Make an InputError of whatever fails while the hub is read: its many libraries' errors share no base."""
    try:
        yield
    except Exception as error:
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"the data set {name!r} (split {split!r}) cannot be read from the hub ({detail})",
            "Check the name, the split and the network, or download it as Parquet and use corpora.read.",
        ) from error
