"""Indexes opened up: how a search went, what it computed, and why it missed what it missed."""

from workbench.ann.inspection.attribution import attribute
from workbench.ann.inspection.causes import CAUSE_LABELS, CAUSES, Misses
from workbench.ann.inspection.codes import (
    Distortion,
    by_residual,
    code_distances,
    codebooks,
    distortion,
    product_codes,
    reconstruct,
    rotation,
)
from workbench.ann.inspection.explanation import Explanation, explain
from workbench.ann.inspection.graph import Graph, read_graph
from workbench.ann.inspection.graph_trials import deletions, graph_settings, insertion_orders
from workbench.ann.inspection.growth import GraphGrowth, GrowthFit, growing_graph
from workbench.ann.inspection.health import GraphHealth, graph_health
from workbench.ann.inspection.lists import ListHealth, border_margin, list_health, list_ranks
from workbench.ann.inspection.scan import Scan, Scanner
from workbench.ann.inspection.skip_list import SkipList, draw_levels
from workbench.ann.inspection.toy_graph import ToyGraph, scattered_points, toy_graph
from workbench.ann.inspection.walk import Walk, Walker, WalkState

__all__ = [
    "CAUSES",
    "CAUSE_LABELS",
    "Distortion",
    "Explanation",
    "Graph",
    "GraphGrowth",
    "GraphHealth",
    "GrowthFit",
    "ListHealth",
    "Misses",
    "Scan",
    "Scanner",
    "SkipList",
    "ToyGraph",
    "Walk",
    "WalkState",
    "Walker",
    "attribute",
    "border_margin",
    "by_residual",
    "code_distances",
    "codebooks",
    "deletions",
    "distortion",
    "draw_levels",
    "explain",
    "graph_health",
    "graph_settings",
    "growing_graph",
    "insertion_orders",
    "list_health",
    "list_ranks",
    "product_codes",
    "read_graph",
    "reconstruct",
    "rotation",
    "scattered_points",
    "toy_graph",
]
