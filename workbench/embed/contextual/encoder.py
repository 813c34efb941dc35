"""What every layer of a transformer makes of a text: vectors of a word where it stands, and of whole texts."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import numpy as np
from tqdm.auto import tqdm

from workbench.embed import loading
from workbench.embed.contextual.places import Span, Tokenized, places
from workbench.embed.sentence import check_texts, encodable
from workbench.errors import InputError, ModelError
from workbench.records import FloatArray, ModelIdentity

__all__ = ["ContextualEncoder", "LayerPooling"]

LayerPooling = Literal["mean", "cls", "max"]

_POOLINGS = ("mean", "cls", "max")
_TEXTS_PER_BATCH = 32


class ContextualEncoder:
    """The hidden states of a model's transformer, layer by layer, before its own pooling.

    Layer 0 is what goes into the first block: for BERT and MiniLM the row of the token table, plus the vectors of the
    position and of the segment, through a LayerNorm. Layer ``layers`` is what comes out of the last block. PyTorch
    computes it. No prompt is put before a text, whatever the model's configuration says.

    Parameters
    ----------
    name
        ``bundled``, a local folder, or a hub id, as for ``SentenceEncoder``.
    revision
        Of a hub id: a branch, tag or commit.
    device
        PyTorch device such as ``cuda`` or ``cpu``; None takes a GPU where there is one.

    Raises
    ------
    ModelError
        There is no such model, or it has no transformer with hidden states and a tokenizer that says which letters a
        token stands for.
    """

    def __init__(self, name: str = "bundled", *, revision: str | None = None, device: str | None = None) -> None:
        located = loading.locate(name, revision)
        model = loading.load(located, device)
        self._transformer: Any = getattr(model[0], "auto_model", None)
        self._tokenizer: Any = getattr(model, "tokenizer", None)
        if self._transformer is None or not getattr(self._tokenizer, "is_fast", False):
            raise ModelError(
                f"the model {name!r} has no transformer with a fast tokenizer",
                "Choose a text model with a tokenizer.json, as BERT and MiniLM have.",
            )
        self._device = model.device
        self._limit = int(model.max_seq_length or model.tokenizer.model_max_length)
        self._lock = threading.Lock()
        states = self._states([self._tokenized(["layers"])[0]])[1]
        self._layers = len(states) - 1
        self._base = ModelIdentity(
            name=located.name,
            revision=located.revision,
            dimensions=int(states.shape[-1]),
            max_tokens=self._limit,
            precision=f"torch-{next(self._transformer.parameters()).dtype}".replace("torch.", ""),
        )

    def __repr__(self) -> str:
        return f"ContextualEncoder({self._base.name}, layers 0 to {self._layers}, {self._base.dimensions}-d)"

    @property
    def layers(self) -> int:
        """The number of the last layer, which is how many blocks the transformer has; layer 0 is their input."""
        return self._layers

    @property
    def dimensions(self) -> int:
        """Number of dimensions of a vector."""
        return self._base.dimensions

    def identity(self, layer: int, pooling: str = "mean", *, normalize: bool = True) -> ModelIdentity:
        """Everything that decides a vector of :meth:`sentence_vectors`; the name holds the layer.

        Raises
        ------
        InputError
            An unknown layer or pooling.
        """
        (at,) = self._known_layers([layer])
        return ModelIdentity(
            name=f"{self._base.name} layer {at} of {self._layers}",
            revision=self._base.revision,
            dimensions=self._base.dimensions,
            pooling=_known_pooling(pooling),
            normalized=normalize,
            max_tokens=self._base.max_tokens,
            precision=self._base.precision,
        )

    def word_vectors(
        self,
        sentences: Sequence[str],
        words: str | Sequence[str] | None = None,
        *,
        spans: Sequence[Span] | None = None,
        layers: Sequence[int] | None = None,
        progress: bool = False,
    ) -> FloatArray:
        """Vectors of one word in each sentence, at each layer: the mean of the vectors of the word's tokens.

        Parameters
        ----------
        sentences
            ``n`` texts, batched by length.
        words
            The word to look for, one for all sentences or one for each: its first occurrence as a whole word, in any
            case. Give either words or spans.
        spans
            ``n`` pairs of where the word begins and ends in its sentence, in characters, as a slice has them. Every
            token that shares a letter with the span counts as the word's.
        layers
            Which layers, 0 to :attr:`layers`; None takes all of them.

        Returns
        -------
        FloatArray
            ``(n, layers, d) float32``, in the order of the sentences and layers; not scaled to unit length.

        Raises
        ------
        InputError
            Neither or both of words and spans; a word that is not in its sentence; a span that is outside its sentence
            or has no token; a word that the model's ``max_tokens`` cuts off; an unknown layer.
        """
        check_texts(sentences, "document")
        spans = places(sentences, words, spans)
        chosen = self._known_layers(range(self._layers + 1) if layers is None else layers)
        tokenized = self._tokenized(sentences)
        tokens = [
            one.tokens_at(span, sentence, row, self._limit)
            for row, (one, span, sentence) in enumerate(zip(tokenized, spans, sentences, strict=True), start=1)
        ]
        vectors = np.empty((len(sentences), len(chosen), self.dimensions), dtype=np.float32)
        for rows, states, _ in self._run(tokenized, "vectors of words", progress):
            for at, row in enumerate(rows):
                own = states[:, at][:, tokens[row]]
                vectors[row] = own[chosen].mean(dim=1).numpy()
        return vectors

    def sentence_vectors(
        self,
        texts: Sequence[str],
        *,
        layer: int,
        pooling: LayerPooling = "mean",
        normalize: bool = True,
        progress: bool = False,
    ) -> FloatArray:
        """Vectors of texts from one layer, ``(n, d) float32``; :meth:`every_layer` is one pass for all of them.

        Parameters
        ----------
        layer
            0 to :attr:`layers`.
        pooling
            ``"mean"`` of all tokens' vectors and ``"max"`` of each dimension count special tokens in, as
            sentence-transformers does; ``"cls"`` takes the first token's, which for BERT is ``[CLS]``.
        normalize
            Scale vectors to unit length.

        Raises
        ------
        InputError
            ``texts`` is one string, or holds something that is not a string; or an unknown layer or pooling.
        """
        vectors: FloatArray = self._pooled(texts, [layer], [pooling], normalize, progress)[pooling][0]
        return vectors

    def every_layer(
        self,
        texts: Sequence[str],
        *,
        poolings: Sequence[LayerPooling] = ("mean", "cls"),
        normalize: bool = True,
        progress: bool = False,
    ) -> dict[LayerPooling, FloatArray]:
        """Vectors of texts from all layers by several poolings in one pass: pooling -> ``(layers + 1, n, d) float32``.

        The first axis is the number of the layer. The parameters and errors are those of :meth:`sentence_vectors`.
        """
        return self._pooled(texts, range(self._layers + 1), poolings, normalize, progress)

    def token_vectors(self, text: str) -> tuple[list[str], FloatArray]:
        """Tokens of one text, special ones included, and their vectors, ``(layers + 1, tokens, d) float32``."""
        check_texts([text], "document")
        (one,) = self._tokenized([text])
        ids = one.inputs["input_ids"]
        return self._tokenizer.convert_ids_to_tokens(ids), self._states([one])[1][:, 0].numpy()

    def _pooled(
        self, texts: Sequence[str], layers: Sequence[int], poolings: Sequence[LayerPooling], normalize: bool, show: bool
    ) -> dict[LayerPooling, FloatArray]:
        check_texts(texts, "document")
        chosen = self._known_layers(layers)
        shape = (len(chosen), len(texts), self.dimensions)
        found = {cast(LayerPooling, _known_pooling(one)): np.empty(shape, dtype=np.float32) for one in poolings}
        for rows, states, mask in self._run(self._tokenized(texts), "every layer", show):
            for pooling, vectors in found.items():
                vectors[:, rows] = _pool(states[chosen], mask, pooling).numpy()
        if normalize:
            for vectors in found.values():
                vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        return found

    def _known_layers(self, layers: Sequence[int]) -> list[int]:
        known = range(self._layers + 1)
        unknown = [layer for layer in layers if layer not in known]
        if unknown or not len(layers):
            said = f"there is no layer {unknown[0]!r}" if unknown else "no layer was asked for"
            raise InputError(f"{said} in {self._base.name}", f"Its layers are 0 to {self._layers}.")
        return [int(layer) for layer in layers]

    def _tokenized(self, texts: Sequence[str]) -> list[Tokenized]:
        """Each text as tokens, cut at the model's limit, with the letters that each token stands for."""
        if not len(texts):
            return []
        clean, which = [encodable(text) for text in texts], self._tokenizer.model_input_names
        asked = {"return_offsets_mapping": True, "return_special_tokens_mask": True, "verbose": False}
        with self._lock:  # a tokenizer keeps where it cuts, and two threads would change that under each other
            cut = self._tokenizer(clean, truncation=True, max_length=self._limit, **asked)
            whole = self._tokenizer(clean, **asked)
        return [
            Tokenized(
                {key: cut[key][row] for key in which if key in cut},
                *(_letters(one["offset_mapping"][row], one["special_tokens_mask"][row]) for one in (cut, whole)),
            )
            for row in range(len(clean))
        ]

    def _run(self, tokenized: list[Tokenized], what: str, show: bool) -> Iterator[tuple[list[int], Any, Any]]:
        """Rows, hidden states ``(layers + 1, batch, tokens, d)`` and mask ``(batch, tokens)``, batch by batch."""
        longest_first = sorted(range(len(tokenized)), key=lambda row: -len(tokenized[row]))
        with tqdm(total=len(tokenized), desc=what, unit="text", disable=not show) as bar:
            for start in range(0, len(tokenized), _TEXTS_PER_BATCH):
                rows = longest_first[start : start + _TEXTS_PER_BATCH]
                mask, states = self._states([tokenized[row] for row in rows])
                yield rows, states, mask
                bar.update(len(rows))

    def _states(self, batch: list[Tokenized]) -> tuple[Any, Any]:
        import torch

        inputs = self._tokenizer.pad(
            {key: [one.inputs[key] for one in batch] for key in batch[0].inputs}, padding_side="right",
            return_tensors="pt",
        ).to(self._device)  # fmt: skip
        with self._lock, torch.inference_mode():
            states = self._transformer(**inputs, output_hidden_states=True).hidden_states
            return inputs["attention_mask"].cpu(), torch.stack(states).float().cpu()


def _letters(spans: Sequence[Span], special: Sequence[int]) -> dict[int, Span]:
    """Token -> the span of its letters in the text, special tokens left out."""
    return {at: (span[0], span[1]) for at, span in enumerate(spans) if not special[at]}


def _known_pooling(pooling: str) -> str:
    if pooling not in _POOLINGS:
        raise InputError(f"there is no pooling {pooling!r}", "Use 'mean', 'cls' or 'max'.")
    return pooling


def _pool(states: Any, mask: Any, pooling: str) -> Any:
    """Hidden states ``(layers, batch, tokens, d)`` as vectors ``(layers, batch, d)``; padding does not count."""
    if pooling == "cls":
        return states[:, :, 0]
    counted = mask[None, :, :, None].bool()
    if pooling == "max":
        return states.masked_fill(~counted, float("-inf")).amax(dim=2)
    return states.masked_fill(~counted, 0.0).sum(dim=2) / counted.sum(dim=2)
