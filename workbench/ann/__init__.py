"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.front import fastest, hypervolume, pareto
from workbench.ann.measurement import latency, recall
from workbench.ann.sweep import TARGETS, SweepResult
from workbench.intervals import Interval, mean_interval

__all__ = [
    "TARGETS",
    "Interval",
    "SweepResult",
    "fastest",
    "hypervolume",
    "latency",
    "mean_interval",
    "pareto",
    "recall",
]
