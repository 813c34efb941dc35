"""A second model without a second download: the average of a model's input token vectors, no transformer at all."""

from collections.abc import Sequence

import numpy as np
from tqdm.auto import tqdm

from workbench.embed import loading
from workbench.embed.sentence import Role, check_texts, encodable
from workbench.embed.token_table import input_table, tokenizer_of
from workbench.records import FloatArray, ModelIdentity

__all__ = ["TokenAverageEncoder"]

_TEXTS_PER_BATCH = 1024


class TokenAverageEncoder:
    """Static token average: the mean of the rows that a model's input table has for a text's tokens, at unit length.

    It is what the model starts from before any layer has read the context: word order does not matter, and a word has
    one vector whatever it means. Neither PyTorch nor the model itself is loaded.

    A text's tokens count as often as they occur and however many there are; special tokens such as ``[CLS]`` do not
    count, and neither does what the vocabulary lacks (``[UNK]``). A text with no known token, an empty one among them,
    gets the vector of ``[UNK]``: such texts coincide, and no text lacks a direction.

    Parameters
    ----------
    name
        ``bundled``, a local folder, or a hub id, as for ``SentenceEncoder``.

    Raises
    ------
    ModelError
        There is no such model, or it has no ``tokenizer.json`` or no table of input tokens in ``model.safetensors``.
    """

    def __init__(self, name: str = "bundled") -> None:
        located = loading.locate(name)
        self._tokenizer = tokenizer_of(located.folder, name)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._table = input_table(located.folder, name)
        special = {i for i, token in self._tokenizer.get_added_tokens_decoder().items() if token.special}
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        unknown_id = self._tokenizer.token_to_id(unknown) if isinstance(unknown, str) else None
        self._unknown = self._table.mean(axis=0) if unknown_id is None else self._table[unknown_id]
        self._counted = np.ones(max(len(self._table), self._tokenizer.get_vocab_size()), dtype=np.bool_)
        self._counted[[*special, *([] if unknown_id is None else [unknown_id])]] = False
        self._counted[len(self._table) :] = False
        self._identity = ModelIdentity(
            name=f"{located.name} static token average",
            revision=located.revision,
            dimensions=int(self._table.shape[1]),
            pooling="mean of input token vectors",
            precision="numpy-float32",
        )

    @property
    def identity(self) -> ModelIdentity:
        """Everything that decides what vector a text gets."""
        return self._identity

    def encode(self, texts: Sequence[str], *, role: Role = "document", progress: bool = False) -> FloatArray:
        """Vectors of texts, ``(n, d) float32`` of unit length; documents and queries alike.

        Raises
        ------
        InputError
            ``texts`` is one string, or holds something that is not a string; or an unknown role.
        """
        check_texts(texts, role)
        vectors = np.empty((len(texts), self._table.shape[1]), dtype=np.float32)
        with tqdm(total=len(texts), desc="averaging tokens", unit="text", disable=not progress) as bar:
            for start in range(0, len(texts), _TEXTS_PER_BATCH):
                some = [encodable(text) for text in texts[start : start + _TEXTS_PER_BATCH]]
                for row, found in enumerate(self._tokenizer.encode_batch_fast(some, add_special_tokens=False), start):
                    ids = np.array(found.ids, dtype=np.int64)
                    ids = ids[self._counted[ids]]
                    mean = self._table[ids].mean(axis=0, dtype=np.float64) if len(ids) else self._unknown
                    vectors[row] = mean / np.linalg.norm(mean)
                bar.update(len(some))
        return vectors
