"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.front import fastest, hypervolume, pareto
from workbench.ann.machine import provenance, resident_growth
from workbench.ann.measurement import COLUMNS, break_even, query_scores, recall
from workbench.ann.sweep import TARGETS, SweepResult
from workbench.ann.threads import pinned
from workbench.ann.timing import latency, open_loop, summarise, throughput, time_queries
from workbench.intervals import Interval, mean_interval

__all__ = [
    "COLUMNS",
    "TARGETS",
    "Interval",
    "SweepResult",
    "break_even",
    "fastest",
    "hypervolume",
    "latency",
    "mean_interval",
    "open_loop",
    "pareto",
    "pinned",
    "provenance",
    "query_scores",
    "recall",
    "resident_growth",
    "summarise",
    "throughput",
    "time_queries",
]
