"""The built-in corpora and benchmarks by name, and their datasheets."""

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from workbench import settings
from workbench.corpora.beir import Benchmark, read_beir, read_benchmark
from workbench.corpora.opening import existing, nearest_first
from workbench.corpora.python_api import python_api
from workbench.corpora.service_logs import service_logs
from workbench.corpora.support_tickets import support_tickets
from workbench.corpora.wikipedia import wikipedia
from workbench.corpora.wikipedia_questions import wikipedia_questions
from workbench.corpora.word_senses import word_senses
from workbench.errors import InputError
from workbench.records import Corpus

__all__ = ["benchmark", "builtin", "datasheet", "load"]


def builtin() -> list[str]:
    """Names of the built-in corpora, for ``load``."""
    return list(_LOADERS)


def load(name: str, **options: Any) -> Corpus:
    """A built-in corpus; all of them are there without a network.

    Parameters
    ----------
    name
        One of ``builtin()``.
    **options
        For ``"python-api"``: ``packages``, a list of names. For ``"service-logs"``: ``lines``, ``seed``, ``anomalies``,
        ``clean`` and ``drift``, as :func:`workbench.corpora.service_logs.service_logs` explains. The others have none.

    Raises
    ------
    InputError
        No built-in corpus has this name or this option.
    StorageError
        The cache folder cannot be written.
    """
    loader = _LOADERS[_known(name, _LOADERS)]
    try:
        inspect.signature(loader).bind(**options)
    except TypeError as error:
        takes = ", ".join(inspect.signature(loader).parameters) or "none"
        raise InputError(f"the corpus {name!r} has no such option ({error})", f"Its options: {takes}.") from error
    return loader(**options)


def benchmark(name_or_folder: str | Path, split: str = "test") -> Benchmark:
    """A benchmark: ``"help-center"``, ``"wikipedia-questions"``, or a folder in BEIR's layout (arXiv:2104.08663).

    Parameters
    ----------
    name_or_folder
        A name, which stands before a folder of that name, or the path of a folder.
    split
        Which judgements: ``qrels/SPLIT.tsv``; the built-in ones have ``"test"`` alone. Queries without a judgement in
        it are left out.

    Raises
    ------
    InputError
        Neither a name nor a folder that is there, a file is missing or malformed, a judgement names what is not there.
    StorageError
        The cache folder cannot be written.

    Notes
    -----
    The layout is that of Thakur et al. 2021, "BEIR: A Heterogenous Benchmark for Zero-shot Evaluation".
    """
    if isinstance(name_or_folder, str) and name_or_folder in _BENCHMARKS:
        return _BENCHMARKS[name_or_folder](split)
    try:
        folder = existing(name_or_folder)
    except InputError as error:
        listed = ", ".join(nearest_first(str(name_or_folder), _BENCHMARKS))
        raise InputError(error.what, f"{error.fix} The built-in benchmarks: {listed}.") from error
    return read_benchmark(folder, split)


def datasheet(name: str) -> str:
    """Datasheet of a built-in corpus or benchmark in Markdown: what it is, how it was made, licence, known limits.

    Raises
    ------
    InputError
        No built-in corpus or benchmark has this name.
    """
    known = _known(name, {**_LOADERS, **_BENCHMARKS})
    return (settings.data_dir() / "datasheets" / f"{known}.md").read_text(encoding="utf-8")


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        listed = ", ".join(nearest_first(name, names))
        raise InputError(f"there is no built-in corpus {name!r}", f"Take one of: {listed}; or corpora.read(path).")
    return name


def _help_center() -> Corpus:
    return read_beir(settings.data_dir() / "help-center", "help-center")


def _judged_help_center(split: str) -> Benchmark:
    return read_benchmark(settings.data_dir() / "help-center", split)


_LOADERS: dict[str, Callable[..., Corpus]] = {
    "wikipedia": wikipedia,
    "python-api": python_api,
    "help-center": _help_center,
    "word-senses": word_senses,
    "support-tickets": support_tickets,
    "service-logs": service_logs,
}
_BENCHMARKS: dict[str, Callable[[str], Benchmark]] = {
    "help-center": _judged_help_center,
    "wikipedia-questions": wikipedia_questions,
}
