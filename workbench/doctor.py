"""A doctor: what this machine has, what is missing, and how to get it."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from workbench import settings
from workbench.embed import VectorCache, verify_bundled_model
from workbench.embed.openvino_backend import load_openvino
from workbench.errors import StorageError, WorkbenchError

__all__ = ["Checkup", "Finding", "check", "find_browser"]

Status = Literal["ok", "warning", "missing", "broken"]
_PROJECT = "embedding-workbench"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_CPU_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
_LOW_DISK = 2 * 2**30  # bytes: a converted model, a corpus and some 100,000 vectors fit into half of it
_LOW_MEMORY = 4 * 2**30  # bytes


@dataclass(frozen=True)
class Finding:
    """One fact about this machine.

    Parameters
    ----------
    name
        What was looked at.
    value
        What was found, for a person.
    status
        ``ok``; ``warning``, usable but not as it should be; ``missing``, optional and not there; ``broken``, required.
    fix
        How to get it, where it is not ``ok``.
    data
        The same as ``value``, for a program.
    """

    name: str
    value: str
    status: Status = "ok"
    fix: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkup:
    """Every finding, in the order that a person reads them."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is required is broken."""
        return all(finding.status != "broken" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """``ok``, and ``findings`` by name."""
        findings = {
            finding.name: {k: v for k, v in asdict(finding).items() if k != "name"} for finding in self.findings
        }
        return {"ok": self.ok, "findings": findings}

    def lines(self) -> list[str]:
        """One line for each finding, and one for each fix."""
        width = max(len(finding.name) for finding in self.findings)
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.status:<8}{finding.name:<{width}}  {finding.value}")
            if finding.fix:
                lines.append(f"{'':<8}{'':<{width}}  -> {finding.fix}")
        return lines


def check() -> Checkup:
    """Look at everything; takes a few seconds, since PyTorch, FAISS and OpenVINO are asked for their threads."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python, _packages, _model, _cores, _threads, _memory, _cpu, _gpu, _home, _cache, _browser, _hub,
    )  # fmt: skip
    return Checkup(tuple(look() for look in looks))


def find_browser() -> str | None:
    """Path of a Chromium or Chrome on this machine; None where there is none."""
    return next((found for name in _BROWSERS if (found := shutil.which(name))), None)


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"


def _python() -> Finding:
    version = platform.python_version()
    where = {"version": version, "executable": sys.executable, "system": platform.platform()}
    return Finding("python", f"{version} on {platform.platform()}, {sys.executable}", data=where)


def _packages() -> Finding:
    """Versions of what the project depends on, and which of them are not those it was tested with."""
    try:
        required = metadata.requires(_PROJECT) or []
    except metadata.PackageNotFoundError:
        return Finding("packages", f"{_PROJECT} is not installed", "broken", "Run `make setup`.")
    names = [_canonical(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in required if "extra ==" not in text]
    versions = {name: _version(name) for name in names}
    absent = sorted(name for name, version in versions.items() if version is None)
    pins = dict(_pins())
    moved = sorted(
        f"{name} {version} (tested: {pins[name]})"
        for name, version in versions.items()
        if version and pins.get(name, version.partition("+")[0]) != version.partition("+")[0]
    )
    data = {"versions": versions, "absent": absent, "differ": moved}
    if absent:
        return Finding("packages", f"not installed: {', '.join(absent)}", "broken", "Run `make setup`.", data)
    shown = ", ".join(f"{name} {versions[name]}" for name in ("torch", "openvino", "faiss-cpu", "jupyterlab", "plotly"))
    if moved:
        return Finding("packages", f"not as tested: {', '.join(moved)}", "warning", "Run `make setup`.", data)
    return Finding("packages", f"all {len(versions)} there: {shown}, ...", data=data)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pins() -> Iterator[tuple[str, str]]:
    """Name and version of every pin; none where the package was not installed from a clone."""
    path = Path(__file__).parents[1] / "constraints.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        if "==" in line and not line.startswith("#"):
            name, _, version = line.partition("==")
            yield _canonical(name), version


def _canonical(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _model() -> Finding:
    try:
        folder = verify_bundled_model()
    except WorkbenchError as error:
        return Finding("model", error.what, "broken", error.fix)
    size = _size(folder)
    data = {"path": str(folder), "bytes": size, "verified": True}
    return Finding("model", f"all-MiniLM-L6-v2, {size / 1e6:.0f} MB, SHA-256 as expected", data=data)


def _cores() -> Finding:
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical, logical = psutil.cpu_count(logical=False), psutil.cpu_count()
    data = {"usable": usable, "physical": physical, "logical": logical}
    return Finding("cores", f"{usable} usable of {logical} ({physical or 'unknown'} physical)", data=data)


def _threads() -> Finding:
    """How many threads each library would use; measurements pin these."""
    try:
        import faiss

        openvino = load_openvino()
        import torch
    except (ImportError, OSError) as error:
        return Finding("threads", f"a library cannot be loaded: {error}", "broken", "Run `make clean setup`.")
    openvino_threads = int(openvino.Core().get_property("CPU", "INFERENCE_NUM_THREADS"))
    data = {
        "torch": torch.get_num_threads(),
        "faiss": int(faiss.omp_get_max_threads()),
        "openvino": openvino_threads or "automatic",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }
    return Finding("threads", ", ".join(f"{name} {count or 'unset'}" for name, count in data.items()), data=data)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    data = {"total_bytes": memory.total, "available_bytes": memory.available}
    value = f"{_gib(memory.available)} free of {_gib(memory.total)}"
    if memory.available < _LOW_MEMORY:
        return Finding("memory", value, "warning", "Close something, or work on fewer passages (--limit).", data)
    return Finding("memory", value, data=data)


def _cpu() -> Finding:
    """What decides whether encoding runs in bfloat16, about twice as fast."""
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.is_file() else set()
    features = [name for name in _CPU_FEATURES if name in words]
    try:
        openvino = load_openvino()

        core = openvino.Core()
        name = str(core.get_property("CPU", "FULL_DEVICE_NAME"))
        bfloat16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except (ImportError, OSError, RuntimeError) as error:
        return Finding("cpu", f"OpenVINO does not run here: {error}", "broken", "Run `make clean setup`.")
    data = {"name": name, "bfloat16": bfloat16, "features": features}
    listed = f" ({', '.join(features)})" if features else ""
    return Finding("cpu", f"{name}; bfloat16: {'yes' if bfloat16 else 'no'}{listed}", data=data)


def _gpu() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("gpu", f"PyTorch cannot be loaded: {error}", "broken", "Run `make clean setup`.")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if not names and torch.backends.mps.is_available():
        names = ["Apple Metal"]
    data = {"names": names, "torch": torch.__version__}
    if names:
        return Finding("gpu", ", ".join(names), data=data)
    if shutil.which("nvidia-smi"):
        fix = "Install a CUDA build of torch into .venv: see PyTorch's own instructions."
        return Finding("gpu", f"there is one, but torch {torch.__version__} cannot use it", "missing", fix, data)
    return Finding("gpu", "none, and none is needed: everything runs on the CPU", data=data)


def _home() -> Finding:
    folder = settings.home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        value = f"{folder} cannot be made: {error.strerror}"
        return Finding("home", value, "broken", "Set WORKBENCH_HOME to a folder of yours.")
    data = {"path": str(folder), "free_bytes": free, "from": os.environ.get("WORKBENCH_HOME")}
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "home", f"{folder} may not be written", "broken", "Set WORKBENCH_HOME to a folder of yours.", data
        )
    if free < _LOW_DISK:
        fix = "Free some space, or set WORKBENCH_HOME to another disk."
        return Finding("home", f"{folder}, only {_gib(free)} free", "warning", fix, data)
    return Finding("home", f"{folder}, {_gib(free)} free", data=data)


def _cache() -> Finding:
    """What can be computed again, by kind, and whose vectors ``--drop-model`` could forget."""
    try:
        models = VectorCache().models()
        kinds = {folder.name: _size(folder) for folder in sorted((settings.home() / "cache").iterdir())}
    except StorageError as error:
        return Finding("cache", error.what, "broken", error.fix)
    except OSError as error:
        return Finding("cache", str(error), "broken", "Set WORKBENCH_HOME to a folder of yours.")
    data = {"bytes": sum(kinds.values()), "kinds": kinds, "models": [asdict(model) for model in models]}
    listed = ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in kinds.items())
    vectors = "".join(f"; {model.key}: {model.entries:,} vectors of {model.name}" for model in models)
    return Finding("cache", listed + vectors, data=data)


def _size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _browser() -> Finding:
    found = find_browser()
    if found is None:
        fix = "Needed by the browser tests and make notebook-figures alone. Debian: sudo apt-get install chromium"
        return Finding("browser", "no Chromium or Chrome", "missing", fix, {"path": None})
    return Finding("browser", found, data={"path": found})


def _hub() -> Finding:
    """Whether models and data sets of the Hugging Face hub would be asked for."""
    set_by = next((name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if os.environ.get(name)), None)
    said = os.environ[set_by] if set_by else ""
    offline = said.upper() in {"1", "ON", "YES", "TRUE"}  # as huggingface_hub.constants reads them
    value = f"not asked: {set_by} is {said}" if offline else "asked when a model or data set is named that is not here"
    return Finding("hub", value, data={"offline": offline})
