"""What an index must keep to: its recall, its slowest queries, its memory, its build; and how far off it is."""

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["Constraint", "constraints", "duration", "parse_bytes", "size"]

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_FIX = "Write a number of bytes, or one with a unit, such as 512MB (10^6 bytes) or 2GiB (2^30)."
_COLUMNS = {  # column of the points, and how many of its units make one of the constraint's
    "recall": ("recall_tuned", 1.0),
    "p99_ms": ("p99_us", 1000.0),
    "memory": ("memory_bytes", 1.0),
    "build_s": ("build_s", 1.0),
}
_WORDS = {"recall": "recall", "p99_ms": "p99", "memory": "memory", "build_s": "build"}


def parse_bytes(memory: int | float | str) -> int:
    """Bytes from a number, or from a text such as ``"1GB"``: kB, MB, GB and TB are decimal, KiB to TiB binary.

    Raises
    ------
    InputError
        Anything else, and what is not a whole byte at least.
    """
    if isinstance(memory, str):
        read = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([kmgt]?)(i?)b?\s*", memory, re.IGNORECASE)
        if read is None or (read[3] and not read[2]):
            raise InputError(f"memory {memory!r} is no size", _FIX)
        amount = float(read[1]) * (1024 if read[3] else 1000) ** _POWERS[read[2].lower()]
    elif isinstance(memory, (int, float, np.integer, np.floating)) and not isinstance(memory, bool):
        amount = float(memory)
    else:
        raise InputError(f"memory {memory!r} is no size", _FIX)
    if not 1 <= amount < math.inf:
        raise InputError(f"memory {memory!r} is no size", _FIX)
    return int(amount)


def size(count: float) -> str:
    """Bytes in words: ``"153.6 MB"``, decimal."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 999.95:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def duration(seconds: float) -> str:
    """Seconds in words with three digits: ``"47.2 µs"``, ``"1.25 ms"``, ``"31.4 s"``."""
    if not math.isfinite(seconds):
        return "no known time"
    if seconds < 999.5e-6:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:,.0f} s"


@dataclass(frozen=True)
class Constraint:
    """One limit that an index must keep to.

    Parameters
    ----------
    name
        ``"recall"`` (at least, of the tuning half of the queries), or at most: ``"p99_ms"``, ``"memory"`` (bytes by
        formula) or ``"build_s"``.
    limit
        In the unit of the name; bytes for memory.
    """

    name: Literal["recall", "p99_ms", "memory", "build_s"]
    limit: float

    def __str__(self) -> str:
        return f"{_WORDS[self.name]} of at {'least' if self.name == 'recall' else 'most'} {self.show(self.limit)}"

    def value(self, points: pd.DataFrame) -> NDArray[np.float64]:
        """What the points have, in the constraint's unit."""
        column, scale = _COLUMNS[self.name]
        return points[column].to_numpy(dtype=np.float64) / scale

    def kept_by(self, points: pd.DataFrame) -> NDArray[np.bool_]:
        """Which points keep to it; a value that was not measured does not."""
        value = self.value(points)
        return value >= self.limit if self.name == "recall" else value <= self.limit

    def excess(self, points: pd.DataFrame, finest: float) -> NDArray[np.float64]:
        """How far the points are off: the logarithm of value over limit, and for recall of missed over allowed to miss.

        ``finest`` is the smallest share of neighbours that the queries can tell from none.
        """
        value = self.value(points)
        if self.name == "recall":
            ratio = np.maximum(1 - value, finest) / max(1 - self.limit, finest)
        else:
            ratio = np.maximum(value, 1e-12) / max(self.limit, 1e-12)
        off = np.where(self.kept_by(points), 0.0, np.maximum(np.log(ratio), 1e-12))
        return np.where(np.isnan(value), np.inf, off)

    def admitting(self, value: float) -> float:
        """A limit of three digits that a point of this value just keeps to."""
        if self.name == "recall":
            return math.floor(value * 1000) / 1000 if value >= 0.001 else value
        if value <= 0:
            return 0.0
        step = 10.0 ** (math.floor(math.log10(value)) - 2)
        limit = float(f"{math.ceil(value / step) * step:.12g}")
        return limit if limit >= value else value

    def show(self, value: float) -> str:
        """A value with its unit."""
        if self.name == "recall":
            return f"{value:.4g}"
        if self.name == "memory":
            return size(value)
        return duration(value / 1000 if self.name == "p99_ms" else value)


def constraints(
    recall: float, p99_ms: float | None = None, memory: int | str | None = None, build_s: float | None = None
) -> tuple[Constraint, ...]:
    """The constraints that were given, recall first.

    Raises
    ------
    InputError
        A recall outside (0, 1], a limit that is not a positive number, or a memory that is no size.
    """
    if not _is_number(recall) or not 0 < recall <= 1:
        raise InputError(f"a recall of {recall!r} cannot be reached", "Give a share above 0 and up to 1, such as 0.95.")
    kept = [Constraint("recall", float(recall))]
    if p99_ms is not None:
        kept.append(Constraint("p99_ms", positive("p99_ms", p99_ms)))
    if memory is not None:
        kept.append(Constraint("memory", parse_bytes(memory)))
    if build_s is not None:
        kept.append(Constraint("build_s", positive("build_s", build_s)))
    return tuple(kept)


def positive(name: str, value: float) -> float:
    """The value where it is a positive, finite number; raises InputError with the name where it is not."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise InputError(f"{name} is {value!r}", "Give a number above 0, or leave it out.")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
