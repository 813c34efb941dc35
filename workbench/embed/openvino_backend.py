"""The fast CPU path: a sentence-transformers model converted once to OpenVINO, then run without PyTorch."""

import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench import settings
from workbench.embed.loading import ModelCard
from workbench.errors import ModelError, StorageError
from workbench.records import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = [
    "OpenVinoModel",
    "convert",
    "converted_folder",
    "convertible",
    "cpu_precision",
    "is_converted",
    "load_openvino",
    "read_card",
]

_FORMAT = 2  # of the converted folder; raise it when what is saved changes
_TOKENS_PER_BATCH = 2048  # 1,024 to 4,096 were within 5 % of each other on 2 cores; 8,192 was 15 % slower
_SCRATCH = "converting-"
_ABANDONED_AFTER = 3600.0  # seconds; a conversion takes ten or twenty
_LEAST_COSINE = 0.999  # of a converted model's vectors to its own; bfloat16 gave 0.9999 or more
_PROBES = ("bank", "How do I reset my password?", "a longer text, which fills more than one short batch. " * 12)
_USE_TORCH = "Use backend='torch'."
_PLAIN_STAGES = {"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm"}
_LONGEST = 1_000_000  # tokens; tokenizers that have no limit name a number beyond all use
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def load_openvino() -> Any:
    """Import OpenVINO without its usage statistics, which it would send to an analytics server, unasked."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # it then uses a stand-in that sends nothing
    import openvino

    return openvino


def cpu_precision() -> str:
    """``bf16`` where the CPU computes in bfloat16, else ``f32``."""
    openvino = load_openvino()
    return "bf16" if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def converted_folder(revision: str) -> Path:
    """Where the conversion of a model revision is kept; holds ``model.xml`` once it is complete."""
    version = load_openvino().get_version().split("-")[0]
    return settings.cache_dir("models") / f"{revision[:32]}-openvino-{version}-v{_FORMAT}"


def is_converted(folder: Path) -> bool:
    """Whether ``folder`` holds a complete conversion; it is renamed into place, so it is whole or absent."""
    return (folder / "card.json").is_file()


def read_card(folder: Path) -> ModelCard:
    """What the model converted into ``folder`` says of itself."""
    return ModelCard(**json.loads((folder / "card.json").read_text(encoding="utf-8"))["model"])


def convertible(model: "SentenceTransformer") -> bool:
    """Whether text passes through a fast tokenizer and plain modules alone, so that a trace says everything."""
    return (
        getattr(model.tokenizer, "backend_tokenizer", None) is not None
        and model.tokenizer.pad_token_id is not None
        and all(type(stage).__name__ in _PLAIN_STAGES for stage in model)
        and all(getattr(stage, "include_prompt", True) for stage in model)
        and not getattr(model[0], "do_lower_case", False)
    )


def convert(model: "SentenceTransformer", card: ModelCard, folder: Path) -> None:
    """Convert a sentence-transformers model, with its pooling and normalization, into ``folder``, and compare.

    Raises
    ------
    ModelError
        OpenVINO cannot trace or compile the model, or its vectors are not the model's own.
    StorageError
        The converted files cannot be written.
    """
    _clear_away(folder.parent)
    try:
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder.parent))
    except OSError as error:
        raise StorageError(f"cannot write to {folder.parent}: {error}", "Set WORKBENCH_HOME elsewhere.") from error
    try:
        inputs = _save_graph(model, scratch / "model.xml")
        (scratch / "tokenizer.json").write_text(model.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
        about = {"model": asdict(card), "inputs": inputs, "pad_id": model.tokenizer.pad_token_id}
        (scratch / "card.json").write_text(json.dumps(about), encoding="utf-8")
        _require_agreement(model, scratch)
        if not folder.exists():
            scratch.rename(folder)
    except OSError as error:
        if not folder.exists():  # two processes may convert at once: the first one wins
            raise StorageError(f"cannot keep the converted model in {folder}: {error}", "Free disk space.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _clear_away(parent: Path) -> None:
    """Remove what conversions that were killed left behind."""
    for leftover in parent.glob(f"{_SCRATCH}*"):
        if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER:
            shutil.rmtree(leftover, ignore_errors=True)


def _require_agreement(model: "SentenceTransformer", folder: Path) -> None:
    """Refuse a conversion whose vectors are not the model's own."""
    try:
        converted = OpenVinoModel(folder, {"document": ""}).encode(_PROBES, "document", lambda _: None)
    except Exception as error:  # whatever OpenVINO raises, PyTorch still runs the model
        raise ModelError(f"OpenVINO cannot run the converted model ({error})", _USE_TORCH) from error
    own = model.encode(list(_PROBES), prompt="", show_progress_bar=False)
    cosines = (converted * own).sum(1) / (np.linalg.norm(converted, axis=1) * np.linalg.norm(own, axis=1))
    if not cosines.min() >= _LEAST_COSINE:
        raise ModelError(f"OpenVINO's vectors differ from the model's own (cosine {cosines.min():.4f})", _USE_TORCH)


def _save_graph(model: "SentenceTransformer", path: Path) -> list[str]:
    """Trace the whole pipeline and save it; returns the names of its inputs."""
    import torch

    openvino = load_openvino()

    class Pipeline(torch.nn.Module):
        def __init__(self, names: Sequence[str]) -> None:
            super().__init__()
            self.stages = model
            self.names = names

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features: dict[str, Any] = dict(zip(self.names, tensors, strict=True))
            for stage in self.stages:
                features = stage(features)
            return features["sentence_embedding"], features["token_embeddings"]

    sample = model.tokenizer(["one short text", "another, a little longer"], padding=True, return_tensors="pt")
    names = [name for name in _INPUTS if name in sample]
    noisy = logging.getLogger("transformers")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's remarks on shapes that are dynamic on purpose
            graph = openvino.convert_model(Pipeline(names).eval(), example_input=tuple(sample[name] for name in names))
    except Exception as error:  # whatever OpenVINO raises, PyTorch still runs the model
        raise ModelError(f"OpenVINO cannot convert the model ({error})", _USE_TORCH) from error
    finally:
        noisy.setLevel(level)
    for port, name in zip(graph.inputs, names, strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(graph.outputs, ("sentence_embedding", "token_embeddings"), strict=True):
        port.get_tensor().set_names({name})
    openvino.save_model(graph, path, compress_to_fp16=False)
    return names


class OpenVinoModel:
    """A converted model, compiled for this CPU.

    Parameters
    ----------
    folder
        As written by `convert`.
    prompts
        Text put before a text, by role: ``query`` and ``document``.
    """

    def __init__(self, folder: Path, prompts: dict[str, str]) -> None:
        from tokenizers import Tokenizer

        openvino = load_openvino()

        self.precision = f"openvino-{cpu_precision()}"
        self._prompts = dict(prompts)
        about = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        self._inputs: list[str] = about["inputs"]
        self._pad_id: int = about["pad_id"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._uncut: Any = None
        self._tokenizer.no_padding()
        if 0 < about["model"]["max_tokens"] <= _LONGEST:
            self._tokenizer.enable_truncation(about["model"]["max_tokens"])
        else:
            self._tokenizer.no_truncation()
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        core = openvino.Core()
        self._compiled = core.compile_model(
            core.read_model(folder / "model.xml"),
            "CPU",
            {"INFERENCE_PRECISION_HINT": cpu_precision(), "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads},
        )
        self._queue = openvino.AsyncInferQueue(self._compiled, threads)

    def encode(self, texts: Sequence[str], role: str, on_batch: Callable[[int], object]) -> FloatArray:
        """Vectors of texts, ``(n, d) float32``; ``on_batch`` is called with the number of texts done."""
        prompt = self._prompts[role]
        encodings = self._tokenizer.encode_batch_fast([prompt + text for text in texts])
        vectors = np.empty((len(texts), self._compiled.output(0).partial_shape[1].get_length()), dtype=np.float32)

        def collect(request: Any, rows: Any) -> None:
            vectors[rows] = request.get_tensor("sentence_embedding").data
            on_batch(len(rows))

        self._run(encodings, collect)
        return vectors

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """Tokens of each text up to the model's limit, special ones left out."""
        encodings = self._tokenizer.encode_batch(list(texts))  # the fast one leaves the tokens out
        return [
            [token for token, plain in zip(encoding.tokens, _plain(encoding), strict=True) if plain]
            for encoding in encodings
        ]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, beyond the model's limit too, special ones left out."""
        from tokenizers import Tokenizer

        if self._uncut is None:
            self._uncut = Tokenizer.from_str(self._tokenizer.to_str())
            self._uncut.no_truncation()
        return [len(encoding.ids) for encoding in self._uncut.encode_batch_fast(list(texts), add_special_tokens=False)]

    def contextual_vectors(self, texts: Sequence[str]) -> list[FloatArray]:
        """Vectors of each text's ``tokens`` before pooling, ``(tokens, d) float32`` each."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        found: list[FloatArray] = [np.empty((0, 0), dtype=np.float32)] * len(texts)

        def collect(request: Any, rows: Any) -> None:
            batch = request.get_tensor("token_embeddings").data
            for place, row in enumerate(rows):
                plain = _plain(encodings[row])
                found[row] = np.array(batch[place, : len(plain)][plain], dtype=np.float32)

        self._run(encodings, collect)
        return found

    def _run(self, encodings: Sequence[Any], collect: Callable[[Any, Any], None]) -> None:
        """Run texts in batches of about equal length; ``collect`` gets each answered request and its rows."""
        lengths = np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
        longest_first = np.argsort(-lengths, kind="stable")
        self._queue.set_callback(collect)
        start = 0
        while start < len(encodings):
            width = int(lengths[longest_first[start]])
            rows = longest_first[start : start + max(1, _TOKENS_PER_BATCH // width)]
            start += len(rows)
            self._queue.start_async(self._feed([encodings[row].ids for row in rows], width), rows)
        self._queue.wait_all()

    def token_vectors(self, text: str) -> tuple[list[str], FloatArray]:
        """Tokens of one text and their contextual vectors, ``(tokens, d) float32``, before pooling."""
        encoding = self._tokenizer.encode(text)
        # Copied: the compiled model keeps its last request, whose shared inputs would point at arrays that are freed,
        # and the process then dies in a later call.
        result = self._compiled(self._feed([encoding.ids], len(encoding.ids)), share_inputs=False)
        return encoding.tokens, np.array(result["token_embeddings"][0], dtype=np.float32)

    def _feed(self, token_ids: list[list[int]], width: int) -> dict[str, Any]:
        """Padded input tensors, each ``(batch, width) int64``."""
        ids = np.full((len(token_ids), width), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(token_ids):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: values[name] for name in self._inputs}


def _plain(encoding: Any) -> NDArray[np.bool_]:
    """Which tokens are no special ones."""
    plain: NDArray[np.bool_] = np.array(encoding.special_tokens_mask, dtype=np.int64) == 0
    return plain
