"""Indexes opened up: how a search went, what it computed, and why it missed what it missed."""

from workbench.ann.inspection.graph import Graph, read_graph
from workbench.ann.inspection.health import GraphHealth, graph_health
from workbench.ann.inspection.walk import Walk, Walker, WalkState

__all__ = ["Graph", "GraphHealth", "Walk", "WalkState", "Walker", "graph_health", "read_graph"]
