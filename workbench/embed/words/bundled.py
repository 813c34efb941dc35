"""Word vectors without a download: the input token table of a sentence model, whole words only."""

import numpy as np

from workbench.embed import loading
from workbench.embed.token_table import input_table, tokenizer_of
from workbench.embed.words.static import StaticVectors
from workbench.errors import ModelError
from workbench.records import ModelIdentity

__all__ = ["bundled"]


def bundled(name: str = "bundled") -> StaticVectors:
    """The rows of a model's input token table whose token is a whole word of the letters a to z.

    It is what the model reads a word as before any layer has seen its neighbours. Pieces of words (``##ing``), special
    tokens, digits, punctuation and other scripts are left out: of the bundled model's 30,522 tokens, 21,745 remain.
    After the single letters, BERT's vocabulary is roughly ordered by frequency, the most frequent word first.

    Parameters
    ----------
    name
        ``bundled``, a local folder, or a hub id, of a model whose tokenizer marks the pieces that continue a word.

    Raises
    ------
    ModelError
        There is no such model, it lacks the table or the tokenizer, or its tokens are not whole words.
    """
    located = loading.locate(name)
    tokenizer, table = tokenizer_of(located.folder, name), input_table(located.folder, name)
    if not getattr(tokenizer.model, "continuing_subword_prefix", None):
        kind = type(tokenizer.model).__name__
        raise ModelError(
            f"the {kind} tokenizer of {name!r} does not mark which tokens are whole words",
            "Choose a model with a WordPiece tokenizer, as BERT and MiniLM have.",
        )
    rows = sorted((row, token) for token, row in tokenizer.get_vocab().items() if row < len(table))
    whole = [(row, token) for row, token in rows if token.isascii() and token.isalpha()]
    array = np.ascontiguousarray(table[[row for row, _ in whole]])
    identity = ModelIdentity(
        name=f"{located.name} input token table",
        revision=located.revision,
        dimensions=int(array.shape[1]),
        pooling="one token, no context",
        normalized=False,
        precision="numpy-float32",
    )
    return StaticVectors(tuple(token for _, token in whole), array, identity)
