"""Find a model on this machine or on the hub, and load it with sentence-transformers: no remote code, no pickles."""

import logging
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.embed.bundled import BUNDLED_NAME, BUNDLED_SHA256, verify_bundled_model
from workbench.embed.identity import folder_revision
from workbench.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["LocatedModel", "ModelCard", "describe", "gpu_at_hand", "load", "locate"]

_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*"]


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
    query_prompt: str
    document_prompt: str
    max_tokens: int


def locate(name: str) -> LocatedModel:
    """Find the bundled model, a local folder, or a hub id (fetching it where there is a network).

    Raises
    ------
    ModelError
        There is no such model here and it cannot be fetched, or it has no safetensors weights.
    """
    if name in ("bundled", BUNDLED_NAME, f"sentence-transformers/{BUNDLED_NAME}"):
        return LocatedModel(verify_bundled_model(), BUNDLED_NAME, BUNDLED_SHA256)
    local = Path(name).expanduser()
    if local.is_dir():
        folder, revision = local.resolve(), ""
    elif name.count("/") == 1 and not name.startswith((".", "/", "~")):
        folder = _snapshot(name)
        revision = folder.name
    else:
        raise ModelError(
            f"there is no model {name!r}: neither a folder nor a hub id such as 'BAAI/bge-small-en-v1.5'",
            "Check the spelling, or leave the model out to use the bundled one.",
        )
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(
            f"the model {name!r} has no .safetensors weights in {folder}",
            "Choose a revision that has them; pickled weights can run code and are not read.",
        )
    label = name if revision else local.name
    return LocatedModel(folder, label, revision or folder_revision(folder))


def _snapshot(name: str) -> Path:
    """Folder of a hub model: from the local hub cache if it is there, else fetched."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    with suppress(LocalEntryNotFoundError, HFValidationError):  # then it is not here yet: try the network
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    except (HfHubHTTPError, HFValidationError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the model {name!r} is not on this machine and could not be fetched ({reason})",
            "The bundled model works offline: leave the model out. "
            f"To have this one, run `hf download {name}` where there is a network and copy ~/.cache/huggingface here.",
        ) from error


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
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
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
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the model in {located.folder} cannot be loaded ({reason})",
            "Check that the folder was copied whole; the bundled model works: leave the model out.",
        ) from error
    finally:
        quiet.setLevel(level)


def describe(model: "SentenceTransformer") -> ModelCard:
    """Read dimensions, pooling, prompts and length limit off a loaded model."""
    from sentence_transformers.models import Pooling

    pooling = next((stage for stage in model if isinstance(stage, Pooling)), None)
    prompts = model.prompts or {}
    return ModelCard(
        dimensions=int(model.get_embedding_dimension() or 0),
        pooling=str(pooling.get_config_dict()["pooling_mode"]) if pooling is not None else "none",
        query_prompt=prompts.get("query") or "",
        document_prompt=prompts.get("document") or prompts.get("passage") or "",
        max_tokens=int(model.max_seq_length or 0),
    )
