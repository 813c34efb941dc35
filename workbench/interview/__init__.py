"""Predict-then-reveal cards: say what you expect, then see what was measured."""

from workbench.interview.cards import PredictionCard, predict

__all__ = ["PredictionCard", "predict"]
