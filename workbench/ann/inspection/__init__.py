"""Indexes opened up: how a search went, what it computed, and why it missed what it missed."""

from workbench.ann.inspection.graph import Graph, read_graph
from workbench.ann.inspection.graph_trials import deletions, graph_settings, insertion_orders
from workbench.ann.inspection.growth import GrowthFit, fit_growth, growing_graph
from workbench.ann.inspection.health import GraphHealth, graph_health
from workbench.ann.inspection.toy_graph import SkipList, ToyGraph, draw_levels, scattered_points, toy_graph
from workbench.ann.inspection.walk import Walk, Walker, WalkState

__all__ = [
    "Graph",
    "GraphHealth",
    "GrowthFit",
    "SkipList",
    "ToyGraph",
    "Walk",
    "WalkState",
    "Walker",
    "deletions",
    "draw_levels",
    "fit_growth",
    "graph_health",
    "graph_settings",
    "growing_graph",
    "insertion_orders",
    "read_graph",
    "scattered_points",
    "toy_graph",
]
