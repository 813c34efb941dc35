"""Find a model on this machine or on the hub, and load it with sentence-transformers: no remote code, no pickles."""

import json
import logging
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.embed.bundled import BUNDLED_NAME, BUNDLED_SHA256, verify_bundled_model
from workbench.embed.identity import folder_revision
from workbench.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["LocatedModel", "ModelCard", "declared_similarity", "describe", "gpu_at_hand", "load", "locate"]

_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*"]
_PICKLED = {".bin", ".pt", ".pth", ".ckpt"}
_BUNDLED_IDS = (BUNDLED_NAME, f"sentence-transformers/{BUNDLED_NAME}")


@dataclass(frozen=True)
class LocatedModel:
    """A model's files: where they are, what to call them, and the revision or content hash that pins them."""

    folder: Path
    name: str
    revision: str


@dataclass(frozen=True)
class ModelCard:
    """What a loaded model says of itself."""

    dimensions: int
    pooling: str
    normalizes: bool
    query_prompt: str
    document_prompt: str
    max_tokens: int


def locate(name: str, revision: str | None = None) -> LocatedModel:
    """Find the bundled model, a local folder, or a hub id (fetching it where there is a network).

    Parameters
    ----------
    name
        ``bundled``, a folder, or a hub id. A folder wins over a hub id of the same name.
    revision
        Of a hub id: a branch, tag or commit; None takes the main branch.

    Raises
    ------
    ModelError
        There is no such model here and it cannot be fetched, or its weights are not safetensors.
    """
    local = Path(name).expanduser()
    if name == "bundled" or (name in _BUNDLED_IDS and not local.is_dir()):
        return LocatedModel(verify_bundled_model(), BUNDLED_NAME, BUNDLED_SHA256)
    if local.is_dir():
        folder = local.resolve()
        _require_safetensors(folder, name)
        return LocatedModel(folder, folder.name, folder_revision(folder))
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(
            f"there is no model {name!r}: neither a folder nor a hub id such as 'BAAI/bge-small-en-v1.5'",
            "Check the spelling, or leave the model out to use the bundled one.",
        )
    folder = _snapshot(name, revision)
    _require_safetensors(folder, name)
    return LocatedModel(folder, name, folder.name)


def _require_safetensors(folder: Path, name: str) -> None:
    """Refuse a model any part of which would have to be unpickled."""
    parts = {path.parent for path in folder.rglob("*") if path.suffix in _PICKLED}
    pickled = sorted(str(part.relative_to(folder)) for part in parts if not any(part.glob("*.safetensors")))
    if pickled or not any(folder.rglob("*.safetensors")):
        where = f"only pickled weights in {', '.join(pickled)}" if pickled else "no .safetensors weights"
        raise ModelError(
            f"the model {name!r} has {where} ({folder})",
            "Choose one with safetensors throughout; pickled weights can run code and are not read.",
        )


def _snapshot(name: str, revision: str | None) -> Path:
    """Folder of a hub model: from the local hub cache if it is there with its weights, else fetched."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted: dict[str, Any] = {"revision": revision, "allow_patterns": _WANTED, "ignore_patterns": _UNWANTED}
    with suppress(LocalEntryNotFoundError, HFValidationError):  # then it is not here yet: try the network
        here = Path(snapshot_download(name, local_files_only=True, **wanted))
        if any(here.rglob("*.safetensors")):
            return here
    try:
        return Path(snapshot_download(name, **wanted))
    except (HfHubHTTPError, HFValidationError, OSError, RuntimeError) as error:
        raise ModelError(
            f"the model {name!r} is not on this machine and could not be fetched ({_first_line(error)})",
            "The bundled model works offline: leave the model out. "
            f"To have this one, run `hf download {name}` where there is a network and copy ~/.cache/huggingface here.",
        ) from error


def _first_line(error: Exception) -> str:
    """What an error says, on one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def declared_similarity(folder: Path) -> str | None:
    """The similarity that a sentence-transformers model says it was made for; None where its configuration says none.

    sentence-transformers itself takes cosine where none is declared: that is its default, and no word of the model.

    Raises
    ------
    ModelError
        The configuration is not readable.
    """
    path = folder / "config_sentence_transformers.json"
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8")).get("similarity_fn_name")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is not readable ({_first_line(error)})", "Copy the model's folder again.") from error
    return said if isinstance(said, str) else None


def gpu_at_hand() -> bool:
    """Whether PyTorch can compute on a GPU; imports PyTorch only on a machine that may have one."""
    hints = shutil.which("nvidia-smi") or Path("/dev/kfd").exists() or platform.system() == "Darwin"
    if not hints:
        return False
    import torch

    return bool(torch.cuda.is_available() or torch.backends.mps.is_available())


def load(located: LocatedModel, device: str | None) -> "SentenceTransformer":
    """Load with sentence-transformers, from files on disk alone.

    Raises
    ------
    ModelError
        The folder is not a sentence-transformers or transformers model, or its files are damaged.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    quiet = logging.getLogger("sentence_transformers")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            str(located.folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
        model.eval()
        return model
    except Exception as error:  # whatever the file formats raise, the person needs one line
        raise ModelError(
            f"the model in {located.folder} cannot be loaded ({_first_line(error)})",
            "Check that the folder was copied whole; the bundled model works: leave the model out.",
        ) from error
    finally:
        quiet.setLevel(level)


def describe(model: "SentenceTransformer") -> ModelCard:
    """Read dimensions, pooling, prompts and length limit off a loaded model."""
    from sentence_transformers.models import Normalize, Pooling

    pooling = next((stage for stage in model if isinstance(stage, Pooling)), None)
    prompts = model.prompts or {}
    return ModelCard(
        dimensions=int(model.get_embedding_dimension() or 0),
        pooling=str(pooling.get_config_dict()["pooling_mode"]) if pooling is not None else "none",
        normalizes=isinstance(model[-1], Normalize),
        query_prompt=prompts.get("query") or "",
        document_prompt=prompts.get("document") or prompts.get("passage") or "",
        max_tokens=int(model.max_seq_length or 0),
    )
