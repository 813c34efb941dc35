"""What a figure was measured on, and how much memory a thing took."""

import ctypes
import gc
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["provenance", "resident_growth"]

_LIBRARIES = ("embedding-workbench", "faiss-cpu", "hnswlib", "qdrant-edge-py", "numpy", "threadpoolctl")

T = TypeVar("T")


def provenance() -> dict[str, Any]:
    """What a result needs beside it to be believed or reused, ready for JSON.

    Returns
    -------
    dict
        ``cpu`` (model), ``cores`` (that this process may use), ``physical_cores``, ``memory_bytes``, ``threads`` (of
        FAISS, as set now), ``libraries`` (name -> version, None where not installed), ``faiss_built_for`` (the
        instruction sets it chose), ``python``, ``platform``, ``time`` (UTC, ISO 8601).
    """
    import faiss
    import psutil

    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "physical_cores": psutil.cpu_count(logical=False),
        "memory_bytes": int(psutil.virtual_memory().total),
        "threads": int(faiss.omp_get_max_threads()),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "faiss_built_for": faiss.get_compile_options().strip(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def resident_growth(make: Callable[[], T]) -> tuple[T, int]:
    """What ``make`` returns, and by how many bytes the resident set of this process grew meanwhile.

    This is what the operating system saw, with all that it includes: pages of temporary arrays that the allocator has
    not handed back, whatever other threads did, and nothing for memory that was free inside the process and is used
    again, so it may be too small or negative. Free memory is handed back before and after, where the C library can.
    Bytes by formula and by serialized size are other quantities.
    """
    import psutil

    process = psutil.Process()
    _hand_back()
    before = process.memory_info().rss
    made = make()
    _hand_back()
    return made, int(process.memory_info().rss - before)


def _hand_back() -> None:
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
