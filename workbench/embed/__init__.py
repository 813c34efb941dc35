"""Text to vectors: encoders, model identity, and the cache that never computes a vector twice.

``words`` is one vector for each word, read from files or trained; ``contextual`` every layer of a transformer, word by
word; ``tuning`` a model fine-tuned on pairs.
"""

from workbench.embed import contextual, tuning, words
from workbench.embed.bundled import bundled_model_path, verify_bundled_model
from workbench.embed.cache import CachedModel, VectorCache
from workbench.embed.embedding import EmbedReport, embed, embed_with_report
from workbench.embed.identity import check_identity
from workbench.embed.phrases import PhraseVectors, phrase_vectors
from workbench.embed.sentence import Encoder, Role, SentenceEncoder
from workbench.embed.token_average import TokenAverageEncoder
from workbench.embed.token_stream import TokenEncoder, TokenVectors, token_vectors
from workbench.records import ModelIdentity, Vectors

__all__ = [
    "CachedModel",
    "EmbedReport",
    "Encoder",
    "ModelIdentity",
    "PhraseVectors",
    "Role",
    "SentenceEncoder",
    "TokenAverageEncoder",
    "TokenEncoder",
    "TokenVectors",
    "VectorCache",
    "Vectors",
    "bundled_model_path",
    "check_identity",
    "contextual",
    "embed",
    "embed_with_report",
    "phrase_vectors",
    "token_vectors",
    "tuning",
    "verify_bundled_model",
    "words",
]
