"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.advice import Advice, advise, point_record
from workbench.ann.contrast import Contrast, gaussian_contrasts, matching_dimension, relative_contrast
from workbench.ann.front import fastest, hypervolume, pareto
from workbench.ann.indexes import Coarse, Database, Index, build_index, load_index, save_index
from workbench.ann.inspection import (
    Graph,
    GraphHealth,
    GrowthFit,
    SkipList,
    ToyGraph,
    Walk,
    Walker,
    deletions,
    draw_levels,
    fit_growth,
    graph_health,
    graph_settings,
    growing_graph,
    insertion_orders,
    read_graph,
    scattered_points,
    toy_graph,
)
from workbench.ann.kinds import DEFAULT_FAMILIES, FAMILIES, Parts
from workbench.ann.limits import MachineLimits, allocate, machine_limits
from workbench.ann.machine import provenance, resident_growth
from workbench.ann.measurement import COLUMNS, break_even, query_scores, recall
from workbench.ann.memory import formula_bytes
from workbench.ann.one_index import trial
from workbench.ann.scaling import ScalingFit, fit_scaling, scan_summary, scan_times, spanning
from workbench.ann.snippets import snippet, translate
from workbench.ann.specs import IndexSpec, Settings, check_spec
from workbench.ann.sweeping import TARGETS, SweepResult, open_sweep, sweep
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
    "Contrast",
    "Database",
    "Graph",
    "GraphHealth",
    "GrowthFit",
    "Index",
    "IndexSpec",
    "Interval",
    "MachineLimits",
    "Parts",
    "ScalingFit",
    "Settings",
    "SkipList",
    "SweepResult",
    "ToyGraph",
    "Walk",
    "Walker",
    "advise",
    "allocate",
    "break_even",
    "build_index",
    "check_spec",
    "deletions",
    "draw_levels",
    "fastest",
    "fit_growth",
    "fit_scaling",
    "formula_bytes",
    "gaussian_contrasts",
    "graph_health",
    "graph_settings",
    "growing_graph",
    "hypervolume",
    "insertion_orders",
    "latency",
    "load_index",
    "machine_limits",
    "matching_dimension",
    "mean_interval",
    "open_loop",
    "open_sweep",
    "pareto",
    "pinned",
    "point_record",
    "provenance",
    "query_scores",
    "read_graph",
    "recall",
    "relative_contrast",
    "resident_growth",
    "save_index",
    "scan_summary",
    "scan_times",
    "scattered_points",
    "snippet",
    "spanning",
    "summarise",
    "sweep",
    "throughput",
    "time_queries",
    "toy_graph",
    "translate",
    "trial",
]
