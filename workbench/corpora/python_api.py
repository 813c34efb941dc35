"""The built-in corpus of Python documentation: docstrings of the installed scientific packages, never imported."""

import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tqdm.auto import tqdm

from workbench.corpora.docstrings import docstring_prose
from workbench.corpora.opening import nearest_first
from workbench.corpora.parsed_cache import cached_corpus
from workbench.errors import InputError
from workbench.records import Corpus

if TYPE_CHECKING:
    import griffe

__all__ = ["python_api"]

_PARSER = "2"  # raise it with every change of what is kept of a docstring
_FEWEST_WORDS = 4
_PACKAGES = {  # import name: the distribution whose version it carries
    "numpy": "numpy", "scipy": "scipy", "pandas": "pandas", "sklearn": "scikit-learn", "matplotlib": "matplotlib",
    "networkx": "networkx", "sympy": "sympy", "statsmodels": "statsmodels", "xarray": "xarray",
    "skimage": "scikit-image", "dask": "dask", "gensim": "gensim",
    "umap": "umap-learn", "pynndescent": "pynndescent", "numba": "numba",
    "h5py": "h5py", "pyarrow": "pyarrow", "joblib": "joblib", "sentence_transformers": "sentence-transformers",
}  # fmt: skip
_PASSED_OVER = {
    "tests",
    "test",
    "testing",
    "_testing",
    "conftest",
    "externals",
    "_vendor",
    "vendor",
    "extern",
    "benchmarks",
}

Entry = tuple[str, str, str, str, str, str]  # package, module, name, kind, signature, text


def python_api(packages: Sequence[str] | None = None) -> Corpus:
    """What the functions, classes, methods and modules of the installed scientific packages say they do.

    Parameters
    ----------
    packages
        Import names; None for those of a fixed list of 19 (numpy, scipy, pandas, sklearn, ...) that are installed.

    Returns
    -------
    Corpus
        One text for each public object with a docstring of four words or more: its summary and description.
        Metadata: ``package``, ``module`` (where it is defined), ``name`` (``KMeans.fit``), ``kind`` (module, class,
        function, method, property), ``signature``. Ids are full names, ``sklearn.cluster._kmeans.KMeans.fit``.

    Raises
    ------
    InputError
        A package is not installed, or none of those named holds a docstring.
    StorageError
        The cache folder cannot be written.

    Notes
    -----
    Source files are parsed with griffe; nothing is imported and no code runs. Parsed once for each set of versions,
    then read from the cache. Tests, private names and vendored packages are left out.
    """
    folders = _folders(packages)
    versions = ",".join(f"{name}={_version(name, folder)}" for name, folder in folders.items())
    key = f"{hashlib.sha256(versions.encode()).hexdigest()[:16]}-v{_PARSER}"
    return cached_corpus("python-api", key, lambda: _parse(folders))


def _folders(packages: Sequence[str] | None) -> dict[str, Path]:
    """Folder of each package, found without importing it."""
    found = {}
    for name in packages if packages is not None else _PACKAGES:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is not None and spec.submodule_search_locations:
            found[name] = Path(spec.submodule_search_locations[0])
        elif packages is not None:
            close = ", ".join(nearest_first(name, _PACKAGES)[:3])
            raise InputError(f"there is no installed package {name!r}", f"Give import names, such as {close}.")
    if not found:
        raise InputError("none of the scientific packages is installed", "Name others: packages=['numpy'].")
    return found


def _version(name: str, folder: Path) -> str:
    """Version of a package; where it has none, a hash of its files' sizes and times of change."""
    try:
        return metadata.version(_PACKAGES.get(name, name))
    except metadata.PackageNotFoundError:
        stats = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in _sources(folder)]
        return hashlib.sha256(repr((stats, sys.version_info[:3])).encode()).hexdigest()[:12]


def _sources(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*.py")
        if not any(
            part in _PASSED_OVER or part.startswith("test_") for part in path.relative_to(folder).with_suffix("").parts
        )
    )


def _parse(folders: dict[str, Path]) -> Corpus:
    import griffe

    files = [(name, folder, path) for name, folder in folders.items() for path in _sources(folder)]
    entries: dict[str, Entry] = {}
    for name, folder, path in tqdm(files, desc="Reading docstrings", unit="file", leave=False):
        parts = [name, *path.relative_to(folder).with_suffix("").parts]
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\\d" in somebody's docstring is theirs to mend
                tree = griffe.visit(module, filepath=path, code=path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue  # templates and files in other encodings are no modules that could be imported
        for id, entry in _entries(tree, name, module):
            entries.setdefault(id, entry)
    if not entries:
        raise InputError(f"no docstrings in {', '.join(folders)}", "Name packages that are written in Python.")
    columns = ["package", "module", "name", "kind", "signature", "text"]
    table = pd.DataFrame(list(entries.values()), columns=columns)
    return Corpus(tuple(entries), tuple(table.pop("text")), table, "python-api")


def _entries(module: "griffe.Module", package: str, path: str) -> Iterator[tuple[str, Entry]]:
    """Id and row of the module itself and of every public object in it."""
    text = _prose(module)
    if text:
        yield path, (package, path, path.rsplit(".", 1)[-1], "module", "", text)
    yield from _members(module, package, path, "")


def _members(
    owner: "griffe.Module | griffe.Class", package: str, path: str, within: str
) -> Iterator[tuple[str, Entry]]:
    import griffe

    for name, item in owner.members.items():
        if name.startswith("_") or not isinstance(item, griffe.Class | griffe.Function | griffe.Attribute):
            continue
        qualified = f"{within}{name}"
        text = "" if isinstance(item, griffe.Attribute) and "property" not in item.labels else _prose(item)
        if text:
            yield f"{path}.{qualified}", (package, path, qualified, _kind(item, within), _signature(item), text)
        if isinstance(item, griffe.Class):
            yield from _members(item, package, path, f"{qualified}.")


def _prose(item: "griffe.Object") -> str:
    text = docstring_prose(item.docstring.value) if item.docstring else ""
    return text if len(text.split()) >= _FEWEST_WORDS else ""


def _kind(item: "griffe.Object", within: str) -> str:
    if item.is_class:
        return "class"
    if item.is_attribute:
        return "property"
    return "method" if within else "function"


def _signature(item: "griffe.Object") -> str:
    """As in the source, ``fit(X, y=None)``; a class has that of its ``__init__``."""
    import griffe

    maker = item.members.get("__init__") if item.is_class else item
    if not isinstance(maker, griffe.Function):
        return item.name if item.is_class else ""
    text = maker.signature(name=item.name)
    return (
        text.replace("(self, ", "(", 1).replace("(self)", "()", 1).replace("(cls, ", "(", 1).replace("(cls)", "()", 1)
    )
