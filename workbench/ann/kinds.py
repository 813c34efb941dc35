"""Kinds of index: the factory strings of FAISS that are measured here, and the other libraries' names."""

import re
from dataclasses import dataclass
from typing import NoReturn

from workbench.errors import InputError

__all__ = ["DEFAULT_FAMILIES", "FAMILIES", "Parts", "read_kind", "unreadable"]

FAMILIES = (
    "flat",
    "hnsw",
    "ivf",
    "pq",
    "ivfpq",
    "sq",
    "hnswlib",
    "opq",
    "ivfsq",
    "hnswsq",
    "binary",
    "rabitq",
    "qdrant",
)
DEFAULT_FAMILIES = ("flat", "hnsw", "ivf", "pq", "ivfpq", "sq")

_CODECS = re.compile(
    r"Flat|PQ(?P<m>[1-9]\d*)(?:x(?P<bits>[1-9]\d*))?(?P<fs>fs)?|(?P<sq>SQ8|SQ4|SQfp16)|RaBitQ|LSH(?P<rotated>r)?"
)
_MOST_BITS = 16  # of a code of a product quantizer: 2**16 centroids for each part already ask for as many vectors


@dataclass(frozen=True)
class Parts:
    """What a kind is made of.

    Parameters
    ----------
    codec
        How FAISS stores vectors: ``"Flat"``, ``"PQ"``, ``"SQ"``, ``"RaBitQ"`` or ``"LSH"``; or another library's name.
    nlist
        Inverted lists; None without IVF.
    M
        Edges of a node of FAISS's HNSW graph; None without one.
    m, bits
        Parts of a product quantizer and bits of each code; None for other codecs.
    fast_scan
        Whether codes of 4 bits are laid out for the registers of the processor.
    sq
        ``"SQ8"``, ``"SQ4"`` or ``"SQfp16"``; None for other codecs.
    opq
        Parts for which a rotation is learned first; None without one.
    rotated
        Whether sign bits are taken after a random rotation (``"LSHr"``).
    refine
        Whether the best ``k * k_factor`` are compared again by their own vectors (``"RFlat"``).
    """

    codec: str
    nlist: int | None = None
    M: int | None = None
    m: int | None = None
    bits: int | None = None
    fast_scan: bool = False
    sq: str | None = None
    opq: int | None = None
    rotated: bool = False
    refine: bool = False

    @property
    def kind(self) -> str:
        """The one spelling of it, a factory string of FAISS."""
        codec = self.codec
        if codec == "PQ":
            bits = "" if self.bits == 8 else f"x{self.bits}"
            codec = f"PQ{self.m}{bits}{'fs' if self.fast_scan else ''}"
        elif codec == "SQ":
            codec = self.sq or ""
        elif codec == "LSH":
            codec = "LSHr" if self.rotated else "LSH"
        pieces = [f"OPQ{self.opq}"] if self.opq else []
        pieces += [f"IVF{self.nlist}"] if self.nlist else []
        pieces += [f"HNSW{self.M}"] if self.M else []
        pieces += [] if self.M and codec == "Flat" else [codec]
        return ",".join([*pieces, "RFlat"] if self.refine else pieces)

    @property
    def family(self) -> str:
        """One of ``FAMILIES``."""
        if self.codec in ("hnswlib", "qdrant"):
            return self.codec
        if self.opq:
            return "opq"
        plain = {"Flat": "flat", "PQ": "pq", "SQ": "sq", "RaBitQ": "rabitq", "LSH": "binary"}[self.codec]
        if self.nlist:
            return {"flat": "ivf", "rabitq": "rabitq"}.get(plain, f"ivf{plain}")
        return {"flat": "hnsw", "sq": "hnswsq"}[plain] if self.M else plain


def read_kind(kind: str) -> Parts:
    """The parts of a kind; anything unknown is refused with what is known."""
    if kind in ("hnswlib", "qdrant"):
        return Parts(codec=kind)
    pieces = kind.split(",")
    refine = pieces[-1] == "RFlat" and bool(pieces.pop())
    opq = _leading(pieces, "OPQ")
    nlist = _leading(pieces, "IVF")
    graph = _leading(pieces, "HNSW")
    if graph and not pieces:
        pieces = ["Flat"]
    found = _CODECS.fullmatch(pieces[0]) if len(pieces) == 1 else None
    if found is None:
        unreadable(kind, "known are Flat, HNSW32, IVF256,Flat, PQ48, IVF256,PQ48, SQ8 and their like, hnswlib, qdrant")
    codec = next(name for name in ("Flat", "PQ", "SQ", "RaBitQ", "LSH") if pieces[0].startswith(name))
    bits = int(found["bits"] or 8) if codec == "PQ" else None
    parts = Parts(
        codec,
        nlist=nlist,
        M=graph,
        m=int(found["m"]) if codec == "PQ" else None,
        bits=bits,
        fast_scan=bool(found["fs"]),
        sq=found["sq"],
        opq=opq,
        rotated=bool(found["rotated"]),
        refine=refine,
    )
    if parts.fast_scan and bits != 4:
        unreadable(kind, "fast-scan is for codes of 4 bits: write x4fs")
    if bits and bits > _MOST_BITS:
        unreadable(kind, f"codes of {bits} bits need 2**{bits} centroids for each part; use at most {_MOST_BITS}")
    if refine and codec == "Flat":
        unreadable(kind, "RFlat refines an index that compresses; this one compares the vectors themselves")
    if opq and (codec != "PQ" or graph):
        unreadable(kind, "OPQ learns a rotation for a product quantizer: OPQ48,PQ48 or OPQ48,IVF256,PQ48")
    if graph and (nlist or codec not in ("Flat", "SQ") or graph < 2):
        unreadable(kind, "a graph has at least 2 edges a node and holds vectors (HNSW32) or scalars (HNSW32,SQ8)")
    if nlist and codec == "LSH":
        unreadable(kind, "FAISS has no inverted lists of sign bits: use LSH, or IVF with RaBitQ")
    return parts


def _leading(pieces: list[str], name: str) -> int | None:
    """Take ``NAME123`` from the front of the pieces, if it is there."""
    found = re.fullmatch(rf"{name}([1-9]\d{{0,8}})", pieces[0]) if pieces else None
    if found is None:
        return None
    pieces.pop(0)
    return int(found[1])


def unreadable(text: str, why: str) -> NoReturn:
    """Refuse a text that is no index, with the reason."""
    raise InputError(f"no index can be read from {text!r}", why[0].upper() + why[1:] + ".")
