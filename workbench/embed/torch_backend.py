"""The general path: sentence-transformers on PyTorch, on a GPU or for models that cannot be converted."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.records import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["TorchModel"]

_TEXTS_PER_CALL = 256  # between two updates of the progress bar


class TorchModel:
    """A loaded sentence-transformers model with its prompts set.

    Parameters
    ----------
    model
        As loaded; its prompts are replaced.
    prompts
        Text put before a text, by role: ``query`` and ``document``.
    """

    def __init__(self, model: "SentenceTransformer", prompts: dict[str, str]) -> None:
        model.prompts = dict(prompts)
        self._model = model

    @property
    def precision(self) -> str:
        """Backend and number format, such as ``torch-float32``."""
        return f"torch-{next(self._model.parameters()).dtype}".replace("torch.", "")

    def encode(self, texts: Sequence[str], role: str, on_batch: Callable[[int], object]) -> FloatArray:
        """Vectors of texts, ``(n, d) float32``; ``on_batch`` is called with the number of texts done."""
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        longest_first = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        vectors = np.empty((len(texts), int(self._model.get_embedding_dimension() or 0)), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_PER_CALL):
            rows = longest_first[start : start + _TEXTS_PER_CALL]
            vectors[rows] = encode([texts[row] for row in rows], show_progress_bar=False, convert_to_numpy=True)
            on_batch(len(rows))
        return vectors

    def token_vectors(self, text: str) -> tuple[list[str], FloatArray]:
        """Tokens of one text and their contextual vectors, ``(tokens, d) float32``, before pooling."""
        vectors = self._model.encode([text], output_value="token_embeddings", show_progress_bar=False)[0]
        tokenizer = self._model.tokenizer
        ids = tokenizer(text, truncation=True, max_length=self._model.max_seq_length)["input_ids"]
        return tokenizer.convert_ids_to_tokens(ids), vectors.float().cpu().numpy()

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """Tokens of each text up to the model's limit, special ones left out."""
        convert = self._model.tokenizer.convert_ids_to_tokens
        return [
            [convert(token) for token, special in zip(ids, specials, strict=True) if not special]
            for ids, specials in self._ids(texts)
        ]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, beyond the model's limit too, special ones left out."""
        found = self._model.tokenizer(list(texts), truncation=False, add_special_tokens=False, verbose=False)
        return [len(ids) for ids in found["input_ids"]]

    def contextual_vectors(self, texts: Sequence[str]) -> list[FloatArray]:
        """Vectors of each text's ``tokens`` before pooling, ``(tokens, d) float32`` each."""
        found = self._model.encode(list(texts), prompt="", output_value="token_embeddings", show_progress_bar=False)
        plain = [np.array(special) == 0 for _, special in self._ids(texts)]
        return [rows.float().cpu().numpy()[kept] for rows, kept in zip(found, plain, strict=True)]

    def _ids(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token ids of each text, and which are special."""
        found = self._model.tokenizer(
            list(texts), truncation=True, max_length=self._model.max_seq_length, return_special_tokens_mask=True
        )
        return list(zip(found["input_ids"], found["special_tokens_mask"], strict=True))
