"""One text for every index that is measured: what it is built from, how it is built, and how it is searched."""

import importlib.util
import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from workbench.ann.kinds import DEFAULT_FAMILIES, FAMILIES, Parts, read_kind, unreadable
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.records import Metric

__all__ = ["DEFAULT_FAMILIES", "FAMILIES", "OPQ_BITS", "IndexSpec", "Settings", "check_spec"]

Settings = tuple[tuple[str, int | str], ...]

_BUILD = {"hnswlib": ("M", "efConstruction"), "qdrant": ("m", "ef_construct", "quantization")}
_SEARCH_ORDER = ("nprobe", "efSearch", "ef", "hnsw_ef", "oversampling", "qb", "k_factor")
_LIMITS = {"M": (2, 10_000), "m": (2, 10_000), "qb": (0, 8)}  # others: 1 and up; qb is documented as 0 to 8
_QUANTIZATIONS = ("scalar", "binary", "product")
OPQ_BITS = 8  # of the codes that FAISS learns a rotation for, whatever those of the index: VectorTransform.cpp
_MODULES = {"faiss": "faiss", "hnswlib": "hnswlib", "qdrant": "qdrant_edge"}
_FIXES = {
    "faiss": "Install it: pip install faiss-cpu",
    "hnswlib": "Install the extra (it needs a C++ compiler): pip install 'embedding-workbench[hnswlib]'",
    "qdrant": "Install it: pip install qdrant-edge-py",
}


@dataclass(frozen=True)
class IndexSpec:
    """An index as printable text: ``str`` and ``parse`` are each other's inverse.

    Parameters
    ----------
    kind
        ``"hnswlib"``, ``"qdrant"``, or a factory string of FAISS: ``"Flat"``, ``"HNSW32"``, ``"HNSW32,SQ8"``,
        ``"IVF256,Flat"``, ``"PQ48"``, ``"PQ192x4fs,RFlat"``, ``"IVF256,PQ48"``, ``"OPQ48,IVF256,PQ48"``, ``"SQ8"``,
        ``"IVF256,RaBitQ,RFlat"``, ``"LSHr,RFlat"`` and their like. Other spellings of the same become one:
        ``"HNSW32,Flat"`` is kept as ``"HNSW32"``, ``"PQ48x8"`` as ``"PQ48"``.
    build
        Settings of the build: ``efConstruction`` (HNSW of FAISS); ``M`` and ``efConstruction`` (hnswlib); ``m``,
        ``ef_construct`` and ``quantization``, one of ``"scalar"``, ``"binary"``, ``"product"`` (Qdrant). What is not
        named is as the library has it.
    search
        Settings of a search, those that ``search_names`` lists. What is not named is as the library has it.

    Raises
    ------
    InputError
        A kind that is not known, or a setting that the kind does not have, or has twice, or whose value cannot be.

    Notes
    -----
    Sign bits (``LSH``, and after a random rotation ``LSHr``) are compared by Hamming distance under every metric: that
    approximates the order of the angles about the origin, so cosine, and neither the lengths that a dot product weighs
    nor the distances of Euclidean. With ``RFlat`` the best of that order are compared again in the metric itself.

    A product quantizer is trained without FAISS's polysemous ordering, as ``"PQ48np"`` spells it: it costs most of the
    training, and only searches by Hamming distance over PQ codes, which are not offered here, gain by it.

    References
    ----------
    https://github.com/facebookresearch/faiss/wiki/The-index-factory
    """

    kind: str
    build: Settings = ()
    search: Settings = ()
    parts: Parts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = read_kind(self.kind)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "kind", parts.kind)
        object.__setattr__(self, "build", self._ordered(self.build, self.build_names, "build"))
        object.__setattr__(self, "search", self._ordered(self.search, self.search_names, "search"))

    @classmethod
    def parse(cls, text: str) -> "IndexSpec":
        """The specification that ``str`` wrote, or that a person did: ``"IVF256,PQ48 nprobe=16"``."""
        kind, *named = text.split() or [""]
        build: list[tuple[str, int | str]] = []
        search: list[tuple[str, int | str]] = []
        names = cls(kind).build_names
        for piece in named:
            name, equals, value = piece.partition("=")
            if not equals:
                unreadable(text, f"{piece!r} is no setting; write it as name=value")
            number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value
            (build if name in names else search).append((name, number))
        return cls(kind, tuple(build), tuple(search))

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{name}={value}" for name, value in (*self.build, *self.search))])

    @property
    def family(self) -> str:
        """One of ``FAMILIES``."""
        return self.parts.family

    @property
    def library(self) -> str:
        """``"faiss"``, ``"hnswlib"`` or ``"qdrant"``."""
        return self.kind if self.kind in ("hnswlib", "qdrant") else "faiss"

    @cached_property
    def build_names(self) -> tuple[str, ...]:
        """Settings that a build of this kind has, in the order that they are printed in."""
        return _BUILD.get(self.kind, ("efConstruction",) if self.parts.M else ())

    @cached_property
    def search_names(self) -> tuple[str, ...]:
        """Settings that a search of this kind has, in the order that they are printed in."""
        if self.kind == "hnswlib":
            return ("ef",)
        if self.kind == "qdrant":
            return ("hnsw_ef", "oversampling") if dict(self.build).get("quantization") else ("hnsw_ef",)
        has = {
            "nprobe": self.parts.nlist,
            "efSearch": self.parts.M,
            "qb": self.parts.codec == "RaBitQ",
            "k_factor": self.parts.refine,
        }
        return tuple(name for name in _SEARCH_ORDER if has.get(name))

    def with_search(self, **settings: int | str) -> "IndexSpec":
        """The same index searched otherwise: the named settings replace or join those that it has."""
        return replace(self, search=tuple({**dict(self.search), **settings}.items()))

    def built(self) -> "IndexSpec":
        """The same index without search settings: what has to be built once for all of them."""
        return replace(self, search=())

    def _ordered(self, settings: Settings, names: tuple[str, ...], what: str) -> Settings:
        """Settings in the one order, each known, once, and of a value that can be."""
        given = dict(settings)
        if len(given) < len(settings):
            twice = ", ".join(f"{name}={value}" for name, value in settings)
            raise InputError(f"a setting of {self.kind} is named twice in {twice}", "Name each once.")
        for name, value in given.items():
            if name not in names:
                has = f"It has {', '.join(names)}." if names else "It has none."
                raise InputError(f"{self.kind} has no {what} setting {name!r}", has)
            if name == "quantization":
                if value not in _QUANTIZATIONS:
                    raise InputError(f"quantization={value} is unknown", f"Use {', '.join(_QUANTIZATIONS)}.")
                continue
            low, high = _LIMITS.get(name, (1, 10**9))
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise InputError(f"{name}={value} of {self.kind}", f"Use a whole number from {low:,} to {high:,}.")
        return tuple((name, given[name]) for name in names if name in given)


def check_spec(spec: IndexSpec, *, n: int, d: int, metric: Metric, k: int) -> None:
    """Refuse, before any work, an index that could not be built or searched.

    Parameters
    ----------
    spec
        The index, with or without search settings.
    n, d
        Vectors to be searched, and their dimensions.
    metric
        ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    k
        Neighbours that will be asked for.

    Raises
    ------
    InputError
        Its library is not installed, ``k`` is not between 1 and ``n``, there are fewer vectors than lists, fewer than
        the centroids of a product quantizer, dimensions that cannot be cut into the parts, or more lists are to be
        probed than there are.

    Notes
    -----
    A product quantizer trains ``2**bits`` centroids for each part, and FAISS refuses to train more centroids than it
    has vectors (``Clustering.cpp``); as many, or a few more, are accepted and make a poor quantizer.
    """
    larger_is_better(metric)  # refuses an unknown one
    if importlib.util.find_spec(_MODULES[spec.library]) is None:
        raise InputError(f"{spec} needs {spec.library}, which is not installed", _FIXES[spec.library])
    if not 1 <= k <= n:
        raise InputError(f"k={k:,} neighbours were asked of {n:,} vectors", f"Use k from 1 to {n:,}.")
    parts = spec.parts
    if parts.nlist and parts.nlist > n:
        raise InputError(
            f"{spec.kind} makes {parts.nlist:,} lists of {n:,} vectors",
            f"Use an nlist of at most {n:,}, better far less.",
        )
    nprobe = dict(spec.search).get("nprobe", 1)
    if parts.nlist and int(nprobe) > parts.nlist:
        raise InputError(
            f"nprobe={nprobe} of the {parts.nlist:,} lists of {spec.kind}", f"Use an nprobe of at most {parts.nlist:,}."
        )
    for name, pieces in (("PQ", parts.m), ("OPQ", parts.opq)):
        if pieces and d % pieces:
            fits = [m for m in range(1, d + 1) if d % m == 0]
            near = sorted(sorted(fits, key=lambda m: abs(m - pieces))[:3])
            raise InputError(
                f"{d} dimensions cannot be cut into the {pieces} equal parts of {name}{pieces} in {spec.kind}",
                f"Use a divisor of {d}, such as {', '.join(map(str, near))}.",
            )
    centroids = 2 ** max(parts.bits, OPQ_BITS if parts.opq else 0) if parts.bits else 0
    if n < centroids:
        raise InputError(
            f"{n:,} vectors are fewer than the {centroids:,} centroids that each part of {spec.kind} is trained to",
            "Use fewer bits (x4), or an index that is not trained, such as Flat.",
        )
