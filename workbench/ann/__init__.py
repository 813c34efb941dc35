"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.measurement import Interval, latency, mean_interval, recall

__all__ = ["Interval", "latency", "mean_interval", "recall"]
