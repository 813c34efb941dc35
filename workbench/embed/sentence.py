"""Text to vectors with any sentence-transformers model; the bundled one by default, offline."""

import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, cast, get_args

import numpy as np
from tqdm.auto import tqdm

from workbench.embed import loading, openvino_backend, torch_backend
from workbench.errors import InputError, ModelError
from workbench.records import FloatArray, Metric, ModelIdentity

__all__ = ["Encoder", "Role", "SentenceEncoder", "check_texts", "encodable"]

Role = Literal["document", "query"]
Backend = Literal["auto", "torch", "openvino"]


class Encoder(Protocol):
    """What the workbench needs of a model: an identity, and vectors for texts."""

    @property
    def identity(self) -> ModelIdentity:
        """Everything that decides what vector a text gets."""
        ...

    def encode(self, texts: Sequence[str], *, role: Role = "document", progress: bool = False) -> FloatArray:
        """Vectors of texts, ``(n, d) float32``."""
        ...


class SentenceEncoder:
    """Any sentence-transformers model: the bundled all-MiniLM-L6-v2, a hub id, or a folder.

    On a CPU the model is converted once to OpenVINO and afterwards starts without PyTorch; on a GPU, and for a
    model that cannot be converted, PyTorch runs it. Remote code is never run; weights are read from safetensors.

    Parameters
    ----------
    name
        ``bundled``, a local folder, or a Hugging Face hub id such as ``BAAI/bge-large-en-v1.5``.
    revision
        Of a hub id: a branch, tag or commit.
    query_prompt, document_prompt
        Text put before every query or document; None takes what the model's own configuration says.
    truncate_dim
        Keep the first so many dimensions (Kusupati et al. 2022, Matryoshka Representation Learning).
    normalize
        Scale vectors to unit length, after truncation. False leaves them as the model makes them, which for many
        models is unit length too: ``identity.normalized`` says which.
    backend
        ``auto``, ``torch`` or ``openvino``.
    device
        PyTorch device such as ``cuda`` or ``cpu``; None takes a GPU where there is one. Naming one implies PyTorch.

    Raises
    ------
    ModelError
        The model is neither bundled, nor on this machine, nor to be fetched; it has no safetensors weights;
        ``truncate_dim`` is out of range; or OpenVINO was asked for and cannot run it.
    InputError
        An unknown backend, or OpenVINO with a device.
    """

    def __init__(
        self,
        name: str = "bundled",
        *,
        revision: str | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        truncate_dim: int | None = None,
        normalize: bool = True,
        backend: Backend = "auto",
        device: str | None = None,
    ) -> None:
        if backend not in ("auto", "torch", "openvino"):
            raise InputError(f"there is no backend {backend!r}", "Use 'auto', 'torch' or 'openvino'.")
        if backend == "openvino" and device is not None:
            raise InputError(
                f"OpenVINO runs on the CPU, not on {device!r}", "Leave device out, or use backend='torch'."
            )
        self._located = loading.locate(name, revision)
        self._lock = threading.Lock()
        self._normalize = normalize
        wants_torch = backend == "torch" or device is not None or (backend == "auto" and loading.gpu_at_hand())
        converted = None if wants_torch else _converted(self._located, required=backend == "openvino")
        if converted is not None:
            card = openvino_backend.read_card(converted)
        else:
            model = loading.load(self._located, device)
            card = loading.describe(model)
        if truncate_dim is not None and not 1 <= truncate_dim <= card.dimensions:
            raise ModelError(
                f"truncate_dim {truncate_dim} is outside 1 to {card.dimensions}, the dimensions of {name}",
                "Choose a number in that range, or leave it out.",
            )
        prompts = {
            "query": card.query_prompt if query_prompt is None else query_prompt,
            "document": card.document_prompt if document_prompt is None else document_prompt,
        }
        self._backend: openvino_backend.OpenVinoModel | torch_backend.TorchModel
        if converted is not None:
            self._backend = openvino_backend.OpenVinoModel(converted, prompts)
        else:
            self._backend = torch_backend.TorchModel(model, prompts)
        self._identity = ModelIdentity(
            name=self._located.name,
            revision=self._located.revision,
            dimensions=truncate_dim or card.dimensions,
            pooling=card.pooling,
            normalized=normalize or (card.normalizes and truncate_dim is None),
            query_prompt=prompts["query"],
            document_prompt=prompts["document"],
            max_tokens=card.max_tokens,
            precision=self._backend.precision,
        )

    @property
    def identity(self) -> ModelIdentity:
        """Everything that decides what vector a text gets."""
        return self._identity

    @property
    def dimensions(self) -> int:
        """Number of dimensions of a vector."""
        return self._identity.dimensions

    @property
    def similarity(self) -> Metric | None:
        """The metric that the model's own configuration declares.

        None where it declares none, as all-MiniLM-L6-v2 does, or one that is not searched by here, such as Manhattan.
        """
        declared = loading.declared_similarity(self._located.folder)
        return cast(Metric, declared) if declared in get_args(Metric) else None

    def encode(self, texts: Sequence[str], *, role: Role = "document", progress: bool = False) -> FloatArray:
        """Vectors of texts, ``(n, d) float32``, in the order of the texts.

        Texts are batched by length, so nothing is gained by sorting them first. Texts beyond the model's
        ``max_tokens`` are cut there, as sentence-transformers does.

        Raises
        ------
        InputError
            ``texts`` is one string, or holds something that is not a string; or an unknown role.
        """
        check_texts(texts, role)
        if not len(texts):
            return np.empty((0, self.dimensions), dtype=np.float32)
        with self._lock, tqdm(total=len(texts), desc="encoding", unit="text", disable=not progress) as bar:
            vectors = self._backend.encode([encodable(text) for text in texts], role, bar.update)
        return self._finish(vectors)

    def _finish(self, vectors: FloatArray) -> FloatArray:
        """Truncate and scale as asked."""
        kept = vectors[:, : self.dimensions]
        if self._normalize:
            with np.errstate(divide="ignore", invalid="ignore"):  # a zero vector becomes NaN, which embed refuses
                kept = kept / np.linalg.norm(kept, axis=1, keepdims=True)
        return np.ascontiguousarray(kept, dtype=np.float32)

    def token_vectors(self, text: str) -> tuple[list[str], FloatArray]:
        """Tokens of one text, special ones included, and their vectors before pooling, ``(tokens, d) float32``."""
        with self._lock:
            return self._backend.token_vectors(text)

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """Tokens of each text up to the model's ``max_tokens``, special ones left out; the model is not run."""
        with self._lock:
            return self._backend.tokens([encodable(text) for text in texts]) if len(texts) else []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each whole text, beyond ``max_tokens`` too, special ones left out."""
        with self._lock:
            return self._backend.count_tokens([encodable(text) for text in texts]) if len(texts) else []

    def contextual_vectors(self, texts: Sequence[str]) -> list[FloatArray]:
        """Vectors of each text's ``tokens`` before pooling, ``(tokens, d) float32`` each, batched by length."""
        with self._lock:
            return self._backend.contextual_vectors([encodable(text) for text in texts]) if len(texts) else []


def check_texts(texts: Sequence[str], role: str) -> None:
    """Refuse one string instead of many, anything that is not a string, and an unknown role."""
    if role not in ("document", "query"):
        raise InputError(f"there is no role {role!r}", "Use 'document' or 'query'.")
    if isinstance(texts, str):
        raise InputError(f"texts is one string, {texts[:40]!r}", "Pass a list: encode([text]).")
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"the text {text!r} is of type {type(text).__name__}", "Make every text a string.")


def encodable(text: str) -> str:
    """The text with halves of surrogate pairs, which UTF-8 has no bytes for, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _converted(located: loading.LocatedModel, *, required: bool) -> Path | None:
    """Folder of the model's OpenVINO conversion, made if missing; None where PyTorch must run it."""
    folder = openvino_backend.converted_folder(located.revision)
    if openvino_backend.is_converted(folder):
        return folder
    with tqdm(total=2, desc=f"preparing {located.name} for this CPU, once", unit="step", leave=False) as bar:
        model = loading.load(located, "cpu")
        bar.update()
        if openvino_backend.convertible(model):
            try:
                openvino_backend.convert(model, loading.describe(model), folder)
            except ModelError as error:
                if required:
                    raise
                warnings.warn(f"{located.name} runs on PyTorch, which is slower: {error.what}", stacklevel=3)
                return None
            return folder
    if required:
        raise ModelError(
            f"OpenVINO cannot run {located.name}: it has stages that a trace does not capture", "Use backend='torch'."
        )
    return None
