"""What a model knows before any layer has run: its tokenizer and the table of its input token vectors."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import ModelError
from workbench.records import FloatArray

__all__ = ["input_table", "tokenizer_of"]

_TABLES = ("word_embeddings.weight", "embed_tokens.weight", "wte.weight", "shared.weight")


def tokenizer_of(folder: Path, name: str) -> Any:
    """The ``tokenizers.Tokenizer`` in a model's folder; ModelError where there is none that can be read."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.is_file():
        raise ModelError(f"the model {name!r} has no tokenizer.json in {folder}", "Choose one that has.")
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # it raises a bare Exception
        raise ModelError(
            f"the tokenizer of {name!r} cannot be read ({error})", "Copy the model's folder again."
        ) from error


def input_table(folder: Path, name: str) -> FloatArray:
    """The model's input token vectors, ``(vocabulary, d) float32``; ModelError where they cannot be read."""
    from safetensors import SafetensorError, safe_open

    file = folder / "model.safetensors"
    if not file.is_file():
        raise ModelError(f"the model {name!r} has no model.safetensors in {folder}", "Choose one in a single file.")
    try:
        with safe_open(file, framework="numpy") as tensors:
            found = [key for key in tensors.keys() if key.endswith(_TABLES)]  # noqa: SIM118 (it is no dict)
            table = tensors.get_tensor(found[0]) if found else None
    except (SafetensorError, TypeError) as error:  # TypeError: a number format that numpy lacks, such as bfloat16
        raise ModelError(f"the weights of {name!r} cannot be read ({error})", "Choose float32 or float16.") from error
    if table is None:
        ends = ", ".join(map(repr, _TABLES))
        raise ModelError(f"the model {name!r} has no table of input tokens", f"Choose one that has one of {ends}.")
    rows: FloatArray = np.ascontiguousarray(table, dtype=np.float32)
    return rows
