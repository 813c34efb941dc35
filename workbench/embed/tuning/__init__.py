"""Contrastive fine-tuning: a sentence model taught by pairs that belong together, kept under an identity of its own."""

from workbench.embed.tuning.fine_tuning import Tuned, fine_tune

__all__ = ["Tuned", "fine_tune"]
