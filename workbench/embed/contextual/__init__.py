"""Contextual vectors: what each layer of a transformer makes of a word where it stands, and of a whole text."""

from workbench.embed.contextual.encoder import ContextualEncoder, LayerPooling
from workbench.embed.contextual.places import Span, find_word

__all__ = ["ContextualEncoder", "LayerPooling", "Span", "find_word"]
