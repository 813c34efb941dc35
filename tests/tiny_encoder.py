"""A deterministic encoder for tests: words hashed to fixed directions, no model, no download."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from workbench.records import FloatArray, ModelIdentity


class TinyEncoder:
    """Mean of one pseudo-random unit vector per word; the same word always gives the same direction."""

    def __init__(self, dimensions: int = 64, name: str = "tiny-words") -> None:
        self.identity = ModelIdentity(name, "1", dimensions, precision="numpy-float32")

    def encode(self, texts: Sequence[str], *, role: str = "document", progress: bool = False) -> FloatArray:
        return np.stack([self._text(text) for text in texts]).astype(np.float32)

    def _text(self, text: str) -> np.ndarray:
        words = re.findall(r"\w+", text.lower()) or ["(nothing)"]
        total = np.sum([self._word(word) for word in words], axis=0)
        return total / np.linalg.norm(total)

    def _word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).standard_normal(self.identity.dimensions)
