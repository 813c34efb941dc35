"""The fast CPU path: a sentence-transformers model converted once to OpenVINO, then run without PyTorch."""

import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import settings
from workbench.embed.loading import ModelCard
from workbench.errors import StorageError
from workbench.records import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["OpenVinoModel", "convert", "converted_folder", "convertible", "cpu_precision", "is_converted", "read_card"]

_FORMAT = 1  # of the converted folder; raise it when what is saved changes
_TOKENS_PER_BATCH = 2048  # 1,024 to 4,096 were within 5 % of each other on 2 cores; 8,192 was 15 % slower
_PLAIN_STAGES = {"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm"}
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def _openvino() -> Any:
    """OpenVINO without its usage statistics: a conversion would send them to an analytics server, unasked."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # it then uses a stand-in that sends nothing
    import openvino

    return openvino


def cpu_precision() -> str:
    """``bf16`` where the CPU computes in bfloat16, else ``f32``."""
    openvino = _openvino()
    return "bf16" if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def converted_folder(revision: str) -> Path:
    """Where the conversion of a model revision is kept; holds ``model.xml`` once it is complete."""
    version = _openvino().get_version().split("-")[0]
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
        and all(type(stage).__name__ in _PLAIN_STAGES for stage in model)
        and all(getattr(stage, "include_prompt", True) for stage in model)
        and not getattr(model[0], "do_lower_case", False)
    )


def convert(model: "SentenceTransformer", card: ModelCard, folder: Path) -> None:
    """Convert a sentence-transformers model, with its pooling and normalization, into ``folder``.

    Raises
    ------
    StorageError
        The converted files cannot be written.
    """
    try:
        scratch = Path(tempfile.mkdtemp(prefix="converting-", dir=folder.parent))
    except OSError as error:
        raise StorageError(f"cannot write to {folder.parent}: {error}", "Set WORKBENCH_HOME elsewhere.") from error
    try:
        inputs = _save_graph(model, scratch / "model.xml")
        (scratch / "tokenizer.json").write_text(model.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
        about = {"model": asdict(card), "inputs": inputs, "pad_id": model.tokenizer.pad_token_id}
        (scratch / "card.json").write_text(json.dumps(about), encoding="utf-8")
        if not folder.exists():
            scratch.rename(folder)
    except OSError as error:
        if not folder.exists():  # two processes may convert at once: the first one wins
            raise StorageError(f"cannot keep the converted model in {folder}: {error}", "Free disk space.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _save_graph(model: "SentenceTransformer", path: Path) -> list[str]:
    """Trace the whole pipeline in float32 and save it; returns the names of its inputs."""
    import torch

    openvino = _openvino()

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

        openvino = _openvino()

        self.precision = f"openvino-{cpu_precision()}"
        self._prompts = dict(prompts)
        about = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        self._inputs: list[str] = about["inputs"]
        self._pad_id: int = about["pad_id"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(about["model"]["max_tokens"])
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
        lengths = np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
        longest_first = np.argsort(-lengths, kind="stable")
        vectors = np.empty((len(texts), self._compiled.output(0).partial_shape[1].get_length()), dtype=np.float32)

        def collect(request: Any, rows: Any) -> None:
            vectors[rows] = request.get_tensor("sentence_embedding").data
            on_batch(len(rows))

        self._queue.set_callback(collect)
        start = 0
        while start < len(texts):
            width = int(lengths[longest_first[start]])
            rows = longest_first[start : start + max(1, _TOKENS_PER_BATCH // width)]
            start += len(rows)
            self._queue.start_async(self._feed([encodings[row].ids for row in rows], width), rows)
        self._queue.wait_all()
        return vectors

    def token_vectors(self, text: str) -> tuple[list[str], FloatArray]:
        """Tokens of one text and their contextual vectors, ``(tokens, d) float32``, before pooling."""
        encoding = self._tokenizer.encode(text)
        result = self._compiled(self._feed([encoding.ids], len(encoding.ids)))
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
