"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.measurement import latency, recall
from workbench.intervals import Interval, mean_interval

__all__ = ["Interval", "latency", "mean_interval", "recall"]
