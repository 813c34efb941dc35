"""Duplicates: all pairs above a threshold, the groups they make, and the threshold that labels ask for."""

from workbench.tasks.duplicates.pairs import Pairs
from workbench.tasks.duplicates.search import near_pairs

__all__ = ["Pairs", "near_pairs"]
