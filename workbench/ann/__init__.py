"""Approximate nearest neighbours, and how to measure them honestly."""

from workbench.ann.advice import Advice, advise, point_record
from workbench.ann.contrast import Contrast, gaussian_contrasts, matching_dimension, relative_contrast
from workbench.ann.front import fastest, hypervolume, pareto
from workbench.ann.indexes import Coarse, Database, Index, build_index, load_index, save_index
from workbench.ann.inspection import (
    Distortion,
    Graph,
    GraphHealth,
    ListHealth,
    Scan,
    Scanner,
    Walk,
    Walker,
    border_margin,
    by_residual,
    code_distances,
    codebooks,
    distortion,
    graph_health,
    list_health,
    list_ranks,
    product_codes,
    read_graph,
    reconstruct,
    rotation,
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
    "Distortion",
    "Graph",
    "GraphHealth",
    "Index",
    "IndexSpec",
    "Interval",
    "ListHealth",
    "MachineLimits",
    "Parts",
    "ScalingFit",
    "Scan",
    "Scanner",
    "Settings",
    "SweepResult",
    "Walk",
    "Walker",
    "advise",
    "allocate",
    "border_margin",
    "break_even",
    "build_index",
    "by_residual",
    "check_spec",
    "code_distances",
    "codebooks",
    "distortion",
    "fastest",
    "fit_scaling",
    "formula_bytes",
    "gaussian_contrasts",
    "graph_health",
    "hypervolume",
    "latency",
    "list_health",
    "list_ranks",
    "load_index",
    "machine_limits",
    "matching_dimension",
    "mean_interval",
    "open_loop",
    "open_sweep",
    "pareto",
    "pinned",
    "point_record",
    "product_codes",
    "provenance",
    "query_scores",
    "read_graph",
    "recall",
    "reconstruct",
    "relative_contrast",
    "resident_growth",
    "rotation",
    "save_index",
    "scan_summary",
    "scan_times",
    "snippet",
    "spanning",
    "summarise",
    "sweep",
    "throughput",
    "time_queries",
    "translate",
    "trial",
]
