"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.advice import Advice, advise, point_record
from workbench.ann.front import fastest, hypervolume, pareto
from workbench.ann.indexes import Coarse, Database, Index, build_index, load_index, save_index
from workbench.ann.machine import provenance, resident_growth
from workbench.ann.measurement import COLUMNS, break_even, query_scores, recall
from workbench.ann.memory import formula_bytes
from workbench.ann.specs import DEFAULT_FAMILIES, FAMILIES, IndexSpec, Parts, Settings, check_spec
from workbench.ann.sweep import TARGETS, SweepResult
from workbench.ann.threads import pinned
from workbench.ann.timing import latency, open_loop, summarise, throughput, time_queries
from workbench.intervals import Interval, mean_interval

__all__ = [
    "COLUMNS",
    "DEFAULT_FAMILIES",
    "FAMILIES",
    "TARGETS",
    "Advice",
    "Coarse",
    "Database",
    "Index",
    "IndexSpec",
    "Interval",
    "Parts",
    "Settings",
    "SweepResult",
    "advise",
    "break_even",
    "build_index",
    "check_spec",
    "fastest",
    "formula_bytes",
    "hypervolume",
    "latency",
    "load_index",
    "mean_interval",
    "open_loop",
    "pareto",
    "pinned",
    "point_record",
    "provenance",
    "query_scores",
    "recall",
    "resident_growth",
    "save_index",
    "summarise",
    "throughput",
    "time_queries",
]
